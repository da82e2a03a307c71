//! Signals: the stop, in order or at once, during the start too. On Windows only a process of the same console can send its
//! events: scripts/windows does that.
#![cfg(unix)]

mod common;

#[cfg(target_os = "linux")]
use std::process::Command;
#[cfg(target_os = "linux")]
use std::thread::sleep;
#[cfg(target_os = "linux")]
use std::time::{Duration, Instant};

use common::{GET, Program};

const READY: &str = "GET /readyz HTTP/1.1\r\nHost: localhost\r\n\r\n";

#[test]
fn signals_end_it_with_status_0_and_the_next_index_in_the_log() {
    for name in ["INT", "TERM"] {
        let mut program = Program::start(&["--start=10"]);
        let mut client = program.connect();
        assert_eq!(client.number().index(), 10);
        program.signal(name);
        // The connection is idle, so the program does not wait for it.
        assert!(client.ended());
        assert_eq!(program.wait().code(), Some(0));
        let last = program.log.last().expect("a line");
        assert!(last.contains("F(11)"), "{last}");
    }
}

#[test]
fn responses_in_flight_end_before_it_does() {
    const START: u64 = 372_000;
    /// The responses are longer than a socket's buffers, while the requests fit into one read.
    const REQUESTS: usize = 200;

    let mut program = Program::start(&["--start", &START.to_string()]);
    let mut client = program.connect();
    client.send(GET.repeat(REQUESTS));
    assert_eq!(client.read().index(), START);
    program.signal("TERM");
    assert!(program.wait_for("SIGTERM").is_some());
    let mut next = START + 1;
    while !client.ended() {
        let response = client.read();
        assert_eq!(response.index(), next);
        assert!(response.body.len() > 77_000 && response.body.iter().all(u8::is_ascii_digit));
        next += 1;
    }
    assert_eq!(program.wait().code(), Some(0));
    let last = program.log.last().expect("a line");
    assert!(last.contains(&format!("F({next})")), "{last}");
}

#[test]
fn while_it_stops_it_refuses_connections_and_is_not_ready() {
    let mut program = Program::start(&["--start=372000"]);
    let mut client = program.connect();
    client.send(GET.repeat(200));
    let mut watcher = program.connect();
    // A request whose head has begun to arrive keeps its connection open.
    watcher.send("GET /readyz HTTP/1.1\r\n");
    // Connections are served in the order in which they come, so the one above has been looked at after this.
    let health = program.connect().exchange("GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n");
    assert_eq!(health.status, 200);
    program.signal("TERM");
    assert!(program.wait_for("SIGTERM").is_some());
    let stopping = watcher.exchange("Host: localhost\r\n\r\n");
    stopping.assert_problem(503);
    assert!(watcher.ended());
    assert!(std::net::TcpStream::connect(("127.0.0.1", program.port)).is_err());
    client.rest();
    assert_eq!(program.wait().code(), Some(0));
}

#[test]
fn a_head_that_is_half_sent_does_not_delay_the_stop() {
    let mut program = Program::start(&["--grace-period=86400"]);
    let mut client = program.connect();
    client.send("GET / HTTP/1.1\r\nHost");
    assert_eq!(program.connect().exchange("GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n").status, 200);
    program.signal("TERM");
    assert_eq!(program.wait().code(), Some(0));
    client.rest();
}

/// Its number is longer than a socket's buffers.
const LONG: &str = "--start=100000000";

#[test]
fn a_long_download_ends_before_the_program_does() {
    let mut program = Program::start(&[LONG, "--grace-period=86400"]);
    let mut client = program.connect();
    client.send(GET);
    let head = client.read_head();
    program.signal("TERM");
    assert!(program.wait_for("SIGTERM").is_some());
    let length = head.header("content-length").and_then(|length| length.parse::<usize>().ok());
    assert_eq!(Some(client.rest().len()), length);
    assert_eq!(program.wait().code(), Some(0));
    assert!(program.log.last().expect("a line").contains("F(100000001)"), "{:?}", program.log);
}

#[test]
fn a_second_signal_or_the_grace_period_cuts_a_long_download() {
    for (grace, again, message) in
        [("86400", true, "SIGINT: 1 connections are cut"), ("0.2", false, "their responses take too long")]
    {
        let mut program = Program::start(&[LONG, "--grace-period", grace]);
        let mut client = program.connect();
        client.send(GET);
        assert_eq!(client.read_head().status, 200);
        program.signal("TERM");
        if again {
            assert!(program.wait_for("SIGTERM").is_some());
            program.signal("INT");
        }
        assert_eq!(program.wait().code(), Some(0));
        assert!(program.log.iter().any(|line| line.contains(message)), "{:?}", program.log);
        // A client that cannot tell by the length sees that this is not the end of the response.
        let error = loop {
            match client.try_piece() {
                Ok(piece) => assert!(!piece.is_empty(), "an orderly end"),
                Err(error) => break error,
            }
        };
        assert_eq!(error.kind(), std::io::ErrorKind::ConnectionReset);
    }
}

#[test]
fn during_the_drain_delay_it_serves_but_is_not_ready() {
    let mut program = Program::start(&["--start=10", "--drain-delay=86400"]);
    let mut client = program.connect();
    assert_eq!(client.exchange(READY).status, 200);
    program.signal("TERM");
    assert!(program.wait_for("/readyz now answers 503").is_some());
    client.exchange(READY).assert_problem(503);
    client.exchange("GET /readyz HTTP/1.1\r\nHost: localhost\r\nIf-None-Match: *\r\n\r\n").assert_problem(503);
    assert_eq!(client.number().index(), 10);
    // New connections are accepted too.
    let mut late = program.connect();
    late.exchange(READY).assert_problem(503);
    assert_eq!(late.number().index(), 11);
    // A second signal ends the wait.
    program.signal("TERM");
    assert_eq!(program.wait().code(), Some(0));
    assert!(program.log.last().expect("a line").contains("F(12)"), "{:?}", program.log);
    assert!(client.ended() && late.ended());
}

#[test]
fn after_the_drain_delay_it_stops() {
    let mut program = Program::start(&["--drain-delay=0.2"]);
    program.signal("TERM");
    assert_eq!(program.wait().code(), Some(0));
    assert!(program.log.iter().any(|line| line.contains("/readyz now answers 503")), "{:?}", program.log);
}

#[test]
fn the_second_signal_skips_the_drain_delay_and_the_third_cuts_a_long_download() {
    let mut program = Program::start(&[LONG, "--grace-period=86400", "--drain-delay=86400"]);
    let mut client = program.connect();
    client.send(GET);
    assert_eq!(client.read_head().status, 200);
    program.signal("TERM");
    assert!(program.wait_for("/readyz now answers 503").is_some());
    program.signal("TERM");
    assert!(program.wait_for("another signal cuts them").is_some());
    program.signal("INT");
    assert_eq!(program.wait().code(), Some(0));
    assert!(program.log.iter().any(|line| line.contains("SIGINT: 1 connections are cut")), "{:?}", program.log);
}

#[test]
fn a_hangup_is_ignored_without_a_terminal() {
    let mut program = Program::start(&["--start=10"]);
    program.signal("HUP");
    assert_eq!(program.connect().number().index(), 10);
    program.signal("TERM");
    assert_eq!(program.wait().code(), Some(0));
    assert!(program.log.last().expect("a line").contains("F(11)"), "{:?}", program.log);
}

#[cfg(target_os = "linux")]
#[test]
fn a_hangup_of_the_terminal_stops_it() {
    // `script` runs a shell, and some shells stay in between: the signal would reach only them.
    let program = format!("exec {} --port=0 --start=10", env!("CARGO_BIN_EXE_fib-http"));
    // What the program writes to its terminal, `script` writes to its standard output.
    let mut program = Program::run(Command::new("sh").args(["-c", "exec script -qefc \"$0\" /dev/null >&2", &program]))
        .expect("it listens");
    signal(only_child(program.id()), "HUP");
    assert_eq!(program.wait().code(), Some(0));
    assert!(program.log.iter().any(|line| line.contains("F(10)")), "{:?}", program.log);
}

/// The process that a process has started.
#[cfg(target_os = "linux")]
fn only_child(id: u32) -> u32 {
    loop {
        let children = std::fs::read_to_string(format!("/proc/{id}/task/{id}/children")).expect("it runs");
        if let Some(child) = children.split_whitespace().next() {
            return child.parse().expect("a process");
        }
        sleep(Duration::from_millis(1));
    }
}

#[cfg(target_os = "linux")]
fn signal(id: u32, name: &str) {
    let sent = Command::new("sh").args(["-c", &format!("kill -{name} {id}")]).status().expect("a shell");
    assert!(sent.success());
}

/// The jump to it takes a good part of a second, and some hundred megabytes.
#[cfg(target_os = "linux")]
const FAR: &str = "--start=300000000";

/// Sends SIGTERM to a program that is in the middle of the jump to its first number. Returns what it wrote after its
/// end, which must have been in order.
#[cfg(target_os = "linux")]
fn stopped_in_the_start_jump(command: &mut Command, process: impl FnOnce(u32) -> u32) -> String {
    let mut child = command.arg(FAR).arg("--port=0").stderr(std::process::Stdio::piped()).spawn().expect("it starts");
    let id = process(child.id());
    // The memory for the jump is touched before the jump begins.
    while common::status_kib(id, "VmRSS").is_none_or(|kib| kib < 100_000) {
        sleep(Duration::from_millis(1));
    }
    signal(id, "TERM");
    let deadline = Instant::now() + common::PATIENCE;
    while child.try_wait().expect("a child").is_none() {
        if Instant::now() > deadline {
            let _ = child.kill();
            panic!("the signal is lost");
        }
        sleep(Duration::from_millis(1));
    }
    let output = child.wait_with_output().expect("it ends");
    let stderr = String::from_utf8(output.stderr).expect("UTF-8");
    assert_eq!(output.status.code(), Some(0), "{stderr}");
    let last = stderr.lines().last().expect("a line");
    assert!(last.contains("the next number would have been F(300000000)"), "{stderr}");
    stderr
}

/// The signal comes in the middle of the jump, unless this test had to wait for the processor for too long. One of many
/// attempts is enough.
#[cfg(target_os = "linux")]
#[track_caller]
fn assert_stops_in_the_start_jump(attempt: impl Fn() -> String) {
    assert!((0..20).any(|_| attempt().contains("SIGTERM during the start")));
}

#[cfg(target_os = "linux")]
#[test]
fn a_signal_cancels_the_start_jump() {
    assert_stops_in_the_start_jump(|| stopped_in_the_start_jump(&mut Program::command(&[]), |id| id));
}

#[cfg(target_os = "linux")]
#[test]
fn a_signal_cancels_the_start_jump_of_process_1() {
    let unshare = ["--pid", "--fork", "--kill-child", "--mount-proc"];
    if !Command::new("unshare").args(unshare).arg("true").status().is_ok_and(|status| status.success()) {
        eprintln!("no PID namespace can be made here: process 1 is not tested");
        return;
    }
    assert_stops_in_the_start_jump(|| {
        let mut command = Command::new("unshare");
        command.args(unshare).arg(env!("CARGO_BIN_EXE_fib-http"));
        stopped_in_the_start_jump(&mut command, only_child)
    });
}
