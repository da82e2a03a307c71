//! What happens when memory is short.

mod common;

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread;
use std::time::{Duration, Instant};

#[cfg(target_os = "linux")]
use common::{Client, Program};
use common::{GET, PATIENCE, Server, used};

const HEALTH: &str = "GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n";
const METRICS: &str = "GET /metrics HTTP/1.1\r\nHost: localhost\r\n\r\n";
const READY: &str = "GET /readyz HTTP/1.1\r\nHost: localhost\r\n\r\n";

/// The first index here: both values together have more than the 64 KiB that are never refused.
const LONG: u64 = 380_000;

/// A server at F(`LONG`), and the bytes in use that it is made to believe: of 1,000,000, at a threshold of 50 %.
fn server(policy: &str) -> (Server, Arc<AtomicU64>) {
    let bytes = Arc::new(AtomicU64::new(0));
    let source = Arc::clone(&bytes);
    let flags = ["--start", &LONG.to_string(), "--on-memory-limit", policy];
    let server = Server::with_readings(&flags, move || used(source.load(Ordering::Relaxed)));
    (server, bytes)
}

/// Changes what the server believes, and waits until it has looked.
fn change(bytes: &AtomicU64, used: u64) {
    bytes.store(used, Ordering::Relaxed);
    thread::sleep(Duration::from_millis(150));
}

#[test]
fn refused_numbers_are_kept_for_later() {
    let (server, bytes) = server("refuse");
    let mut client = server.connect();
    assert_eq!(client.number().index(), LONG);
    for round in 1..=2 {
        assert_eq!(client.exchange(READY).status, 200);
        change(&bytes, 600_000);
        for _ in 0..3 {
            let response = client.exchange(GET);
            response.assert_problem(503);
            assert!(response.header("retry-after").is_some());
            client.exchange(READY).assert_problem(503);
            assert_eq!(client.exchange(HEALTH).status, 200);
        }
        change(&bytes, 0);
        assert_eq!(client.number().index(), LONG + round);
    }
    drop(client);
    assert_eq!(server.stop(), LONG + 3);
}

#[test]
fn a_new_pass_starts_where_that_is_wanted() {
    let (server, bytes) = server("restart");
    let mut client = server.connect();
    assert_eq!(client.number().index(), LONG);
    // A little less is missing than what a new pass frees.
    change(&bytes, 430_000);
    let (mut refused, deadline) = (0, Instant::now() + PATIENCE);
    let first = loop {
        let ready = client.exchange(READY);
        let response = client.exchange(GET);
        if response.status == 200 {
            break response;
        }
        // A reading may have come in between, but only one that ends the pass.
        response.assert_problem(503);
        assert!(response.header("retry-after").is_some());
        ready.assert_problem(503);
        refused += 1;
        assert!(Instant::now() < deadline, "still refused");
        thread::sleep(Duration::from_millis(50));
    };
    assert!(refused >= 4, "a shortage has to last: {refused}");
    assert_eq!((first.index(), first.text()), (0, "0"));
    for (index, number) in (1..).zip(["1", "1", "2", "3"]) {
        let response = client.number();
        assert_eq!((response.index(), response.text()), (index, number));
    }
    // Memory is as short as before, but these numbers are too small to matter.
    let ready = client.exchange(READY);
    assert_eq!(ready.status, 200);
    for index in 5..2000 {
        assert_eq!(client.number().index(), index);
    }
    drop(client);
    assert_eq!(server.stop(), 2000);
}

#[test]
fn readiness_tells_what_a_request_would_get() {
    for policy in ["restart", "refuse"] {
        // The numbers grow from less than 64 KiB, which is never refused, to more.
        let flags = ["--start", "371000", "--on-memory-limit", policy];
        let bytes = Arc::new(AtomicU64::new(0));
        let source = Arc::clone(&bytes);
        let server = Server::with_readings(&flags, move || used(source.load(Ordering::Relaxed)));
        let mut client = server.connect();
        assert_eq!(client.exchange(HEALTH).status, 200);
        change(&bytes, 600_000);
        let (mut refused, mut next) = (0, 371_000);
        while refused < 10 {
            let ready = client.exchange(READY).status;
            let response = client.exchange(GET);
            assert_eq!(ready, response.status, "F({next})");
            match response.status {
                200 => next += 1,
                _ => refused += 1,
            }
            assert!(next < LONG, "never refused");
        }
        drop(client);
        assert_eq!(server.stop(), next);
    }
}

#[test]
fn a_neighbour_s_spike_costs_no_position() {
    let (server, bytes) = server("restart");
    let mut client = server.connect();
    assert_eq!(client.number().index(), LONG);
    change(&bytes, 900_000);
    for _ in 0..10 {
        client.exchange(GET).assert_problem(503);
        thread::sleep(Duration::from_millis(50));
    }
    change(&bytes, 0);
    assert_eq!(client.number().index(), LONG + 1);
    drop(client);
    assert_eq!(server.stop(), LONG + 2);
}

/// A machine of 1,000,000 bytes that can be read, or not.
#[test]
fn a_guard_that_is_blind_says_so_and_keeps_the_last_reading() {
    let fails = Arc::new(AtomicBool::new(true));
    let source = Arc::clone(&fails);
    let used_bytes = Arc::new(AtomicU64::new(0));
    let bytes = Arc::clone(&used_bytes);
    let flags = ["--start", &LONG.to_string(), "--on-memory-limit", "refuse"];
    let server = Server::with_readings(&flags, move || {
        let mut reading = used(bytes.load(Ordering::Relaxed));
        if source.load(Ordering::Relaxed) {
            reading.machine = Err(std::io::Error::other("too many open files"));
        }
        reading
    });
    let mut client = server.connect();
    let mut look = |is_blind: bool| {
        let metrics = client.exchange(METRICS);
        assert_eq!(metrics.metric("fib_http_memory_guard_blind"), f64::from(u8::from(is_blind)));
        let ready = client.exchange(READY);
        assert_eq!((ready.status, ready.text().contains("cannot be read")), (200, is_blind));
        (metrics.metric("fib_http_memory_total_bytes"), client.exchange(GET).status)
    };
    // It has never seen any memory.
    assert_eq!(look(true), (0.0, 200));
    fails.store(false, Ordering::Relaxed);
    change(&used_bytes, 600_000);
    client.exchange(READY).assert_problem(503);
    fails.store(true, Ordering::Relaxed);
    change(&used_bytes, 0);
    client.exchange(GET).assert_problem(503);
    fails.store(false, Ordering::Relaxed);
    change(&used_bytes, 0);
    assert_eq!(client.number().index(), LONG + 1);
}

#[test]
fn short_numbers_are_never_refused() {
    let bytes = Arc::new(AtomicU64::new(0));
    let source = Arc::clone(&bytes);
    let flags = ["--start", "10000", "--on-memory-limit", "refuse"];
    let server = Server::with_readings(&flags, move || used(source.load(Ordering::Relaxed)));
    let mut client = server.connect();
    assert_eq!(client.number().index(), 10_000);
    change(&bytes, 1_000_000);
    for index in 10_001..11_000 {
        assert_eq!(client.number().index(), index);
    }
}

/// A figure of /proc/meminfo in bytes.
#[cfg(target_os = "linux")]
fn machine(name: &str) -> u64 {
    let figures = std::fs::read_to_string("/proc/meminfo").expect("Linux");
    let line = figures.lines().find(|line| line.starts_with(name)).expect("a known name");
    let figure = line.split_whitespace().nth(1).expect("a figure");
    figure.parse::<u64>().expect("a number") * 1024
}

/// The program itself with a threshold just above what is in use, beside a neighbour that takes memory and gives it back.
#[cfg(target_os = "linux")]
#[test]
fn a_neighbour_s_use_of_memory_counts() {
    const STEP: usize = 32 << 20;
    const MARGIN: u64 = 128 << 20;

    let start = |margin: u64| {
        let used = machine("MemTotal:") - machine("MemAvailable:") + margin;
        let percent = used as f64 / machine("MemTotal:") as f64 * 100.0;
        let flags = ["--port=0", &format!("--start={LONG}"), "--on-memory-limit=refuse"];
        let threshold = format!("--memory-threshold={percent}");
        Program::run(&mut Program::command(&[&flags[..], &[&threshold]].concat()))
    };
    // Other neighbours may take the margin before it is up.
    let program = (1..16).find_map(|times| start(times * MARGIN).ok()).expect("enough memory");
    let mut client = program.connect();
    assert_eq!(client.number().index(), LONG);

    let most = machine("MemAvailable:") / 2;
    let mut next = LONG + 1;
    let mut taken = Vec::new();
    loop {
        let response = client.exchange(GET);
        if response.status != 200 {
            response.assert_problem(503);
            break;
        }
        assert_eq!(response.index(), next);
        next += 1;
        assert!(((taken.len() * STEP) as u64) < most, "half of what was available made no difference");
        taken.push(vec![1_u8; STEP]);
        thread::sleep(Duration::from_millis(20));
    }
    drop(taken);
    let deadline = Instant::now() + PATIENCE;
    loop {
        let response = client.exchange(GET);
        if response.status == 200 {
            assert_eq!(response.index(), next);
            break;
        }
        assert!(Instant::now() < deadline, "still refused");
        thread::sleep(Duration::from_millis(50));
    }
}

/// Connections to a program that is short of address space, and requests that each sends before it reads a response.
#[cfg(target_os = "linux")]
const CONNECTIONS: usize = 8;
#[cfg(target_os = "linux")]
const REQUESTS: usize = 20;

/// A body of 418 KB, more than the system takes from a response that nobody reads: one of each connection is kept waiting.
#[cfg(target_os = "linux")]
const WAITING: u64 = 2_000_000;

/// Starts the program at F(`WAITING`) with room for some of the responses that wait, sends all requests, and waits for a
/// message in the log.
#[cfg(target_os = "linux")]
fn run_out_of_address_space(flags: &[&str], message: &str) -> (Program, Vec<Client>) {
    const ROOM_KIB: u64 = 2500;

    let start = WAITING.to_string();
    let flags = [flags, &["--start", &start]].concat();
    let connect = |program: &Program| {
        let mut clients: Vec<Client> = (0..CONNECTIONS).map(|_| program.connect()).collect();
        for client in &mut clients {
            assert_eq!(client.exchange(HEALTH).status, 200);
        }
        clients
    };
    // What it takes to start and to have the connections.
    let unlimited = Program::start(&flags);
    let clients = connect(&unlimited);
    let needed = unlimited.status_kib("VmPeak:");
    drop((unlimited, clients));

    let mut program = Program::start_within(needed + ROOM_KIB, &flags);
    let mut clients = connect(&program);
    for client in &mut clients {
        client.send(GET.repeat(REQUESTS));
    }
    assert!(program.wait_for(message).is_some(), "it ended: {:?}", program.log);
    (program, clients)
}

/// Whatever the policy: it is the responses that nobody reads which hold the memory, not the numbers.
#[cfg(target_os = "linux")]
#[test]
fn without_address_space_numbers_are_refused() {
    for policy in ["refuse", "restart"] {
        refuses_without_address_space(policy);
    }
}

#[cfg(target_os = "linux")]
fn refuses_without_address_space(policy: &str) {
    let flags = ["--on-memory-limit", policy, "--log-level=debug"];
    let (mut program, mut clients) = run_out_of_address_space(&flags, "refused status=503");
    // Longer than a shortage has to last.
    for _ in 0..12 {
        let mut client = program.connect();
        // There may be no memory for the connection.
        let _ = client.try_send(READY) && client.ended();
        thread::sleep(Duration::from_millis(150));
    }
    let mut indices = Vec::new();
    for client in &mut clients {
        for _ in 0..REQUESTS {
            let response = client.read();
            match response.status {
                200 => indices.push(response.index()),
                _ => response.assert_problem(503),
            }
        }
    }
    indices.sort_unstable();
    let next = WAITING + indices.len() as u64;
    assert!(indices.into_iter().eq(WAITING..next));
    assert!(next < WAITING + (CONNECTIONS * REQUESTS) as u64, "none was refused");
    // Nobody waits for a response any more, so there is memory again.
    assert_eq!(clients[0].number().index(), next);
    drop(clients);
    program.signal("TERM");
    assert!(program.wait().success(), "{:?}", program.log);
    let last = program.log.last().expect("a line");
    assert!(last.contains(&format!("F({})", next + 1)), "{last}");
}

/// As in a bare chroot, or in a sandbox. What is unknown limits nothing.
#[cfg(target_os = "linux")]
#[test]
fn without_proc_there_is_no_threshold() {
    use std::process::Command;

    let in_sandbox = |program: &str| {
        let mut command = Command::new("unshare");
        command.args(["--mount", "sh", "-c", "mount -t tmpfs none /proc && exec \"$0\" \"$@\"", program]);
        command
    };
    if !in_sandbox("true").status().is_ok_and(|status| status.success()) {
        eprintln!("no mount namespace can be made here: a system without /proc is not tested");
        return;
    }
    let mut command = in_sandbox(env!("CARGO_BIN_EXE_fib-http"));
    let program = Program::run(command.args(["--port=0", "--start", &LONG.to_string()])).expect("it listens");
    let is_told = |line: &String| line.contains("cannot read the memory in use; there is no threshold");
    assert!(program.log.iter().any(is_told), "{:?}", program.log);
    let mut client = program.connect();
    for index in LONG..LONG + 3 {
        assert_eq!(client.number().index(), index);
    }
    let ready = client.exchange(READY);
    assert_eq!((ready.status, ready.text().trim_end()), (200, "ready, but the memory in use cannot be read"));
    assert!(client.exchange(METRICS).metric("fib_http_memory_guard_blind") > 0.0);
}
