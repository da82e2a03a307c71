//! Hostile clients, and a system that lacks resources that the program needs.
#![cfg(target_os = "linux")]

mod common;

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use common::{Client, GET, PATIENCE, Program, Server};

const HEALTH: &str = "GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n";

/// A body of 20.9 MB here, more than the buffers of a socket hold; the service keeps 8.8 MB of limbs of it.
const LONG: u64 = 100_000_000;

/// Repeats a check until it succeeds.
#[track_caller]
fn wait_until(what: &str, mut check: impl FnMut() -> bool) {
    let deadline = Instant::now() + PATIENCE;
    while !check() {
        assert!(Instant::now() < deadline, "never: {what}");
        thread::sleep(Duration::from_millis(50));
    }
}

/// The bytes that the system holds of what was written to connections at a local port, closed ones included.
fn send_queues(port: u16) -> u64 {
    let table = fs::read_to_string("/proc/self/net/tcp").expect("Linux");
    let rows = table.lines().skip(1).map(|line| line.split_whitespace().collect::<Vec<_>>());
    let ours = rows.filter(|row| row[1].ends_with(&format!(":{port:04X}")));
    ours.map(|row| u64::from_str_radix(row[4].split(':').next().expect("two queues"), 16).expect("bytes")).sum()
}

#[test]
fn clients_that_never_read_hold_no_more_than_they_may_and_make_room() {
    const BUDGET: u64 = 50_000_000;
    const CLIENTS: usize = 50;
    /// What one response holds: limbs, a window of text, and what the system has of it.
    const RESPONSE: u64 = 8_800_000 + 512 * 1024;
    /// For what the responses hold beside their bodies, and for the allocator.
    const SLACK_KIB: u64 = 16 * 1024;

    let budget = format!("--max-inflight-bytes={BUDGET}");
    let mut program = Program::start(&[&format!("--start={LONG}"), &budget]);
    let mut other = program.connect();
    // The first number is lent from what the jump left, so both values are there from now on.
    other.number();
    let before = program.status_kib("VmRSS:");
    let mut silent: Vec<Client> = (0..CLIENTS).map(|_| program.connect()).collect();
    for client in &mut silent {
        client.send(GET);
    }
    let (mut most, mut in_flight) = (0, 0.0_f64);
    let mut answered = 0.0;
    wait_until("all of them have an answer", || {
        assert_eq!(other.exchange(HEALTH).status, 200);
        let metrics = other.exchange("GET /metrics HTTP/1.1\r\nHost: localhost\r\n\r\n");
        in_flight = in_flight.max(metrics.metric("fib_http_bodies_in_flight_bytes"));
        most = most.max(program.status_kib("VmRSS:") + send_queues(program.port) / 1024);
        let position = metrics.metric("fib_http_position");
        answered = position - LONG as f64;
        let refusals = metrics.text().contains("fib_http_requests_total{route=\"/\",status=\"503\"}");
        let refused =
            if refusals { metrics.metric("fib_http_requests_total{route=\"/\",status=\"503\"}") } else { 0.0 };
        answered + refused == CLIENTS as f64 + 1.0
    });
    assert!(in_flight <= BUDGET as f64, "{in_flight} bytes in flight");
    // More than fit at a time: the first ones were cut for the next.
    assert!(answered - 1.0 > (BUDGET / RESPONSE) as f64, "{answered}");
    let held = most.saturating_sub(before);
    assert!(held <= BUDGET / 1024 + SLACK_KIB, "{held} KiB more than before");
    // Those that hold the budget make room for one more, and nothing of what was sent to those that were cut is left.
    assert_eq!(other.number().index() as f64, LONG as f64 + answered);
    let queued = send_queues(program.port);
    assert!(queued <= BUDGET / RESPONSE * 256 * 1024, "{queued}");
    drop(silent);
    program.signal("TERM");
    assert!(program.wait().success());
}

/// The time that a process has used of the processor.
fn processor_time(program: &Program) -> Duration {
    const TICKS_PER_SECOND: u64 = 100;

    let stat = fs::read_to_string(format!("/proc/{}/stat", program.id())).expect("it runs");
    let (_, fields) = stat.rsplit_once(')').expect("the name is in brackets");
    let ticks = fields.split_whitespace().skip(11).take(2).map(|field| field.parse::<u64>().expect("ticks"));
    Duration::from_millis(ticks.sum::<u64>() * 1000 / TICKS_PER_SECOND)
}

#[test]
fn it_waits_for_file_descriptors_without_spinning_and_recovers() {
    const CLIENTS: usize = 100;

    let mut program = Program::start(&[]);
    let id = program.id().to_string();
    let limited = Command::new("prlimit").args(["--pid", &id, "--nofile=40:40"]).status().expect("util-linux");
    assert!(limited.success());
    let mut clients: Vec<Client> = (0..CLIENTS).map(|_| program.connect()).collect();
    for client in &mut clients {
        client.send(GET);
    }
    assert!(program.wait_for("no connection can be accepted").is_some());

    let (start, before) = (Instant::now(), processor_time(&program));
    thread::sleep(Duration::from_secs(2));
    let (used, waited) = (processor_time(&program) - before, start.elapsed());
    assert!(used < waited / 4, "{used:?} of {waited:?} to wait");

    // Each connection that ends makes room for one that waits.
    let mut indices: Vec<u64> = clients.into_iter().map(|mut client| client.read().index()).collect();
    indices.sort_unstable();
    assert!(indices.into_iter().eq(0..CLIENTS as u64));
    assert_eq!(program.connect().number().index(), CLIENTS as u64);
    program.signal("TERM");
    assert!(program.wait().success());
    assert_eq!(program.log.iter().filter(|line| line.contains("WARN")).count(), 1, "{:?}", program.log);
}

/// Connects as one of several hostile clients, none of which takes a number.
fn hostile(server: &Server, which: usize) {
    let mut client = server.connect();
    let rubbish = [0x16, 0x03, 0x01, 0x02, 0x00];
    let taken = match which % 8 {
        0 => client.try_send("GET / HTTP/1.1\r\nHost: loc"),
        1 => client.try_send(rubbish),
        2 => client.try_send("POST / HTTP/1.1\r\nHost: localhost\r\nContent-Length: 5\r\n\r\nx"),
        3 => {
            client.try_send("GET / HTTP/1.1\r\nHost: localhost\r\nContent-Length: 99999999\r\n\r\n") && {
                client.try_send(vec![b'x'; 1 << 20])
            }
        }
        4 => client.try_send("GET / HTTP/1.1\r\nHost: evil.example\r\n\r\n".repeat(50)),
        5 => client.try_send("GET / HTTP/1.1\r\nHost: localhost\r\nSec-Purpose: prefetch\r\n\r\n".repeat(50)),
        // More than a socket holds, and nobody reads it.
        6 => client.try_send("GET /docs/swagger-ui-bundle.js HTTP/1.1\r\nHost: localhost\r\n\r\n".repeat(20)),
        _ => true,
    };
    if taken && which.is_multiple_of(3) {
        thread::sleep(Duration::from_millis(20));
    }
}

#[test]
fn every_number_goes_out_once_whatever_others_do() {
    const REQUESTS: usize = 100_000;
    const CONNECTIONS: usize = 64;
    const HOSTILE: usize = 8;

    let server = Server::start(&["--write-timeout=1"]);
    let (sent, done) = (AtomicUsize::new(0), AtomicBool::new(false));
    let ask = |mut client: Client| {
        let mut indices = Vec::new();
        while sent.fetch_add(1, Ordering::Relaxed) < REQUESTS {
            indices.push(client.number().index());
        }
        indices
    };
    let disturb = |first: usize| {
        let mut count = 0;
        while !done.load(Ordering::Relaxed) {
            hostile(&server, first + count);
            count += 1;
        }
        count
    };
    let (mut all, disturbances) = thread::scope(|scope| {
        let hostile: Vec<_> = (0..HOSTILE).map(|first| scope.spawn(move || disturb(first))).collect();
        let clients: Vec<_> = (0..CONNECTIONS).map(|_| server.connect()).collect();
        let good: Vec<_> = clients.into_iter().map(|client| scope.spawn(move || ask(client))).collect();
        let all: Vec<Vec<u64>> = good.into_iter().map(|thread| thread.join().expect("no panic")).collect();
        done.store(true, Ordering::Relaxed);
        let counts = hostile.into_iter().map(|thread| thread.join().expect("no panic"));
        (all, counts.sum::<usize>())
    });
    assert!(all.iter().all(|indices| indices.is_sorted_by(|a, b| a < b)));
    assert!(disturbances > 100, "only {disturbances} disturbances");
    let mut all = all.drain(..).flatten().collect::<Vec<_>>();
    all.sort_unstable();
    assert!(all.into_iter().eq(0..REQUESTS as u64));
    assert_eq!(server.stop(), REQUESTS as u64);
}

/// A memory cgroup for one test, removed at the end.
struct Cgroup {
    folder: PathBuf,
    /// The file that tells how often the kernel has killed a process in it.
    kills: PathBuf,
}

impl Cgroup {
    /// Creates a cgroup with a limit in bytes, or tells why none can be created.
    fn with_limit(name: &str, bytes: u64) -> Result<Self, String> {
        let controllers = fs::read_to_string("/sys/fs/cgroup/cgroup.controllers").unwrap_or_default();
        let (root, limit, kills) = if controllers.split_whitespace().any(|name| name == "memory") {
            ("/sys/fs/cgroup", "memory.max", "memory.events")
        } else {
            ("/sys/fs/cgroup/memory", "memory.limit_in_bytes", "memory.oom_control")
        };
        let folder = Path::new(root).join(format!("fib-http-{name}-{}", std::process::id()));
        fs::create_dir(&folder).map_err(|error| format!("{}: {error}", folder.display()))?;
        let cgroup = Self { kills: folder.join(kills), folder };
        let limit = cgroup.folder.join(limit);
        fs::write(&limit, bytes.to_string()).map_err(|error| format!("{}: {error}", limit.display()))?;
        Ok(cgroup)
    }

    /// A command that joins the cgroup and becomes `program`.
    fn command(&self, program: &str, arguments: &[&str]) -> Command {
        let mut command = Command::new("sh");
        command.args(["-c", "echo $$ >\"$0\" && exec \"$@\""]).arg(self.folder.join("cgroup.procs"));
        command.arg(program).args(arguments);
        command
    }

    fn kills(&self) -> u64 {
        let events = fs::read_to_string(&self.kills).expect("a cgroup");
        let line = events.lines().find_map(|line| line.strip_prefix("oom_kill "));
        line.expect("a count").parse().expect("a number")
    }
}

impl Drop for Cgroup {
    fn drop(&mut self) {
        // The processes in it may take a moment to end.
        for _ in 0..100 {
            if fs::remove_dir(&self.folder).is_ok() {
                return;
            }
            thread::sleep(Duration::from_millis(20));
        }
    }
}

/// A process in the cgroup that keeps everything written to it in memory.
struct Hoarder {
    child: Child,
    input: Option<ChildStdin>,
}

impl Hoarder {
    fn start(cgroup: &Cgroup) -> Self {
        let mut child = cgroup
            .command("tail", &["-c", "1G"])
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .spawn()
            .expect("coreutils");
        let input = child.stdin.take();
        Self { child, input }
    }

    fn take(&mut self, bytes: usize) {
        use std::io::Write;

        self.input.as_mut().expect("it is open").write_all(&vec![1; bytes]).expect("it runs");
    }
}

impl Drop for Hoarder {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

#[test]
fn in_a_small_cgroup_it_restarts_or_refuses_and_is_never_killed() {
    const LIMIT: u64 = 64 << 20;
    /// The jump to this index takes most of the cgroup's memory, its values take a fifth.
    const START: u64 = 60_000_000;
    const STEP: usize = 1 << 20;

    for policy in ["refuse", "restart"] {
        let cgroup = match Cgroup::with_limit(policy, LIMIT) {
            Ok(cgroup) => cgroup,
            Err(reason) => {
                eprintln!("skipped, no memory cgroup can be made: {reason}");
                return;
            }
        };
        let program = env!("CARGO_BIN_EXE_fib-http");
        let too_long = cgroup.command(program, &["--port=0", "--start=1000000000"]).output().expect("it starts");
        assert_eq!(too_long.status.code(), Some(1), "{too_long:?}");
        assert!(String::from_utf8_lossy(&too_long.stderr).contains("1000000000"), "{too_long:?}");

        let flags = ["--port=0", &format!("--start={START}"), "--on-memory-limit", policy];
        let mut program = Program::run(&mut cgroup.command(program, &flags)).expect("it listens");
        let mut client = program.connect();
        assert_eq!(client.number().index(), START);

        let mut hoarder = Hoarder::start(&cgroup);
        let mut next = START + 1;
        let response = loop {
            assert!(next < START + LIMIT / STEP as u64, "memory was never short");
            hoarder.take(STEP);
            // A reading is kept for 100 ms.
            thread::sleep(Duration::from_millis(110));
            let response = client.exchange(GET);
            if response.status != 200 || response.index() != next {
                break response;
            }
            next += 1;
        };
        if policy == "refuse" {
            response.assert_problem(503);
            drop(hoarder);
            wait_until("there is memory again", || {
                let response = client.exchange(GET);
                response.status == 200 && response.index() == next
            });
        } else {
            assert_eq!((response.status, response.index()), (200, 0));
            assert_eq!(client.number().index(), 1);
        }
        assert_eq!(cgroup.kills(), 0);
        drop(client);
        program.signal("TERM");
        assert!(program.wait().success(), "{:?}", program.log);
    }
}
