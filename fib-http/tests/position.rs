//! A position in a file, which outlives the program.

mod common;

use std::collections::BTreeSet;
use std::fs;
use std::path::PathBuf;
use std::process::Output;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use common::{GET, PATIENCE, Program, Response, Server, used};

#[cfg(target_os = "linux")]
const READY: &str = "GET /readyz HTTP/1.1\r\nHost: localhost\r\n\r\n";

/// A folder that is removed at the end.
struct Folder(PathBuf);

impl Folder {
    fn new(name: &str) -> Self {
        let path = std::env::temp_dir().join(format!("fib-http-position-{name}-{}", std::process::id()));
        let _ = fs::remove_dir_all(&path);
        fs::create_dir(&path).expect("a new folder");
        Self(path)
    }

    fn file(&self) -> PathBuf {
        self.0.join("position")
    }

    /// The flag that keeps the position in this folder.
    fn flag(&self) -> String {
        format!("--position=file:{}", self.file().display())
    }

    /// What `fib-http position show` prints.
    fn show(&self) -> String {
        let path = self.file();
        let output =
            Program::command(&["position", "show", path.to_str().expect("Unicode")]).output().expect("it starts");
        assert!(output.status.success(), "{output:?}");
        String::from_utf8(output.stdout).expect("UTF-8")
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

/// Checks that a command ends with `status` and one line of error that contains `words`.
#[track_caller]
fn assert_fails(flags: &[&str], status: i32, words: &str) -> Output {
    let output = Program::command(flags).output().expect("it starts");
    let stderr = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(status), "{flags:?}: {stderr}");
    let errors: Vec<&str> = stderr.lines().filter(|line| line.contains("error: ")).collect();
    assert!(errors.len() == 1 && errors[0].contains(words), "no '{words}' in: {stderr}");
    output
}

#[cfg(unix)]
#[test]
fn a_position_outlives_kills_and_orderly_ends() {
    let folder = Folder::new("outlives");
    let flags = [&*folder.flag(), "--start=10"];
    let mut next = 10;
    for (round, signal) in ["KILL", "TERM", "ABRT", "KILL"].into_iter().enumerate() {
        let mut program = Program::start(&flags);
        let line = program.log.iter().find(|line| line.contains("the position '")).expect("it says where it begins");
        let words = if round == 0 { "is new, and begins at F(10)" } else { "--start does not apply" };
        assert!(line.contains(words), "{line}");
        let mut client = program.connect();
        for _ in 0..50 {
            let response = client.number();
            assert_eq!((response.header("fibonacci-pass"), response.index()), (Some("0"), next));
            next += 1;
        }
        assert!(folder.show().contains("ended in order:    no"));
        drop(client);
        program.signal(signal);
        program.wait();
        let shown = folder.show();
        assert!(shown.contains(&format!("will go on at:     F({next}) of pass 0")), "{shown}");
        assert_eq!(shown.contains("ended in order:    yes"), signal == "TERM", "{shown}");
    }
}

#[test]
fn a_new_pass_is_kept_too() {
    /// Both values together have more than the 64 KiB that are never refused.
    const LONG: u64 = 380_000;

    let folder = Folder::new("pass");
    let (start, bytes) = (LONG.to_string(), Arc::new(AtomicU64::new(0)));
    let source = Arc::clone(&bytes);
    let flags = ["--start", &start, "--on-memory-limit=restart", &folder.flag()];
    let server = Server::with_readings(&flags, move || used(source.load(Ordering::Relaxed)));
    let mut client = server.connect();
    let pass_and_index = |response: &Response| {
        let pass = response.header("fibonacci-pass").expect("a pass").parse::<u64>().expect("a number");
        (pass, response.index())
    };
    assert_eq!(pass_and_index(&client.number()), (0, LONG));
    // A little less is missing than what a new pass frees.
    bytes.store(350_000, Ordering::Relaxed);
    let deadline = Instant::now() + PATIENCE;
    let mut next = LONG + 1;
    loop {
        let response = client.exchange(GET);
        match response.status {
            200 if response.index() == 0 => {
                assert_eq!(pass_and_index(&response), (1, 0));
                break;
            }
            200 => {
                assert_eq!(pass_and_index(&response), (0, next));
                next += 1;
            }
            _ => response.assert_problem(503),
        }
        assert!(Instant::now() < deadline, "no new pass");
        thread::sleep(Duration::from_millis(20));
    }
    assert_eq!(pass_and_index(&client.number()), (1, 1));
    let head = client.exchange("HEAD / HTTP/1.1\r\nHost: localhost\r\n\r\n");
    assert_eq!((head.status, head.header("fibonacci-pass")), (200, None));
    drop(client);
    assert_eq!(server.stop(), 2);
    assert!(folder.show().contains("next:              F(2) of pass 1"));
    assert_eq!(pass_and_index(&Program::start(&[&folder.flag()]).connect().number()), (1, 2));
}

#[test]
fn a_position_has_one_user() {
    let folder = Folder::new("user");
    let program = Program::start(&[&folder.flag()]);
    assert_fails(&["--port=0", &folder.flag()], 1, "another process has locked it");
    assert_eq!(program.connect().number().index(), 0);
}

#[test]
fn what_is_no_position_is_told_and_left_alone() {
    let folder = Folder::new("foreign");
    let path = folder.file();
    let path = path.to_str().expect("Unicode");
    assert_fails(&["--port=0", &format!("{}/none/position", folder.flag())], 1, "its directory does not exist");
    assert_fails(&["position", "show", path], 1, path);
    fs::write(path, "a letter").expect("a file");
    assert_fails(&["--port=0", &folder.flag()], 1, "does not contain a position");
    assert_fails(&["position", "show", path], 1, "does not contain a position");
    assert_eq!(fs::read(path).expect("it is there"), b"a letter");
    for (value, words) in [
        ("", "memory, file:PATH, or postgresql:"),
        ("file:", "needs a path"),
        ("file:x?trust=all", "?trust=synced"),
        #[cfg(feature = "postgres")]
        ("postgresql://user:secret@host/db?secret=secret", "expected postgresql://USER@HOST:PORT/DATABASE"),
        #[cfg(not(feature = "postgres"))]
        ("postgresql://user:secret@host/db", "does not support"),
    ] {
        let output = assert_fails(&[&format!("--position={value}")], 2, words);
        assert!(!String::from_utf8_lossy(&output.stderr).contains("secret"), "{output:?}");
    }
}

/// Waits until a request for `path` gets `status`.
#[cfg(target_os = "linux")]
fn wait_for_status(program: &Program, request: &str, status: u16) {
    let deadline = Instant::now() + PATIENCE;
    while program.connect().exchange(request).status != status {
        assert!(Instant::now() < deadline, "no {status}");
        thread::sleep(Duration::from_millis(20));
    }
}

/// A limit on the length of files makes each write fail, as a full disk does.
#[cfg(target_os = "linux")]
#[test]
fn a_position_that_cannot_be_written_is_kept() {
    use rustix::process::{Pid, Resource, Rlimit, prlimit};

    let folder = Folder::new("full");
    let mut command = std::process::Command::new("sh");
    // Without the trap the signal of that limit would end the program.
    command.args([
        "-c",
        "trap '' XFSZ; exec \"$0\" \"$@\"",
        env!("CARGO_BIN_EXE_fib-http"),
        "--port=0",
        &folder.flag(),
    ]);
    let mut program = Program::run(&mut command).expect("it listens");
    let pid = Pid::from_raw(program.id().try_into().expect("a process"));
    let limit = |bytes| {
        let old = prlimit(pid, Resource::Fsize, Rlimit { current: bytes, maximum: None });
        old.expect("a limit of our own process");
    };
    let mut client = program.connect();
    let mut next = 0;
    for _ in 0..2 {
        for _ in 0..20 {
            assert_eq!(client.number().index(), next);
            next += 1;
        }
        limit(Some(0));
        for _ in 0..3 {
            let response = client.exchange(GET);
            response.assert_problem(503);
            assert!(response.header("retry-after").is_some());
            client.exchange(READY).assert_problem(503);
        }
        assert_eq!(program.metric("fib_http_position"), next as f64);
        assert!(program.metric("fib_http_position_failures_total") > 0.0);
        limit(None);
        // Nobody has to lose a number for this: load balancers send none before it is ready.
        wait_for_status(&program, READY, 200);
    }
    assert_eq!(client.number().index(), next);
    drop(client);
    program.signal("TERM");
    assert!(program.wait().success());
    let count = |text| program.log.iter().filter(|line| line.contains(text)).count();
    assert_eq!((count("cannot be written"), count("can be written again")), (2, 2), "{:?}", program.log);
    assert_eq!(Program::start(&[&folder.flag()]).connect().number().index(), next + 1);
}

/// The short form of scripts/kill-loop.
#[test]
fn kills_under_load_give_no_number_twice_and_lose_only_cut_ones() {
    const ROUNDS: u64 = 10;
    const CONNECTIONS: usize = 4;

    let folder = Folder::new("loop");
    let mut seen = BTreeSet::new();
    let mut cut = 0;
    for round in 0..ROUNDS {
        let mut program = Program::start(&[&folder.flag()]);
        let clients: Vec<_> = (0..CONNECTIONS)
            .map(|_| {
                let mut client = program.connect();
                thread::spawn(move || {
                    let mut indices = Vec::new();
                    while client.try_send(GET) {
                        let Some(response) = client.try_read() else {
                            break;
                        };
                        indices.push(response.index());
                    }
                    indices
                })
            })
            .collect();
        thread::sleep(Duration::from_millis(20 + 7 * round));
        program.kill();
        for client in clients {
            for index in client.join().expect("no panic") {
                assert!(seen.insert(index), "F({index}) came twice");
            }
            cut += 1;
        }
    }
    let program = Program::start(&[&folder.flag()]);
    let next = program.connect().number().index();
    assert!(seen.last().is_some_and(|&last| last < next));
    let lost = next - seen.len() as u64;
    assert!(lost <= cut, "{lost} numbers are missing, and only {cut} requests were cut");
}

#[test]
fn the_metrics_tell_of_the_position() {
    let folder = Folder::new("metrics");
    let program = Program::start(&[&folder.flag(), "--start=3"]);
    program.connect().number();
    for (name, figure) in [("position", 4.0), ("pass", 0.0), ("position_skipped_total", 0.0)] {
        assert_eq!(program.metric(&format!("fib_http_{name}")), figure, "{name}");
    }
    assert!(program.metric("fib_http_position_syncs_total") >= 1.0);
    assert!(program.metric("fib_http_position_sync_seconds_total") > 0.0);
    drop(program);
    // Killed, so that only what was synced counts.
    let synced = format!("{}?trust=synced", folder.flag());
    let program = Program::start(&[&synced]);
    let skipped = program.metric("fib_http_position_skipped_total");
    assert!(skipped > 0.0);
    assert_eq!(program.metric("fib_http_position"), 4.0 + skipped);
    assert!(program.log.iter().any(|line| line.contains("may have been given already")), "{:?}", program.log);
}
