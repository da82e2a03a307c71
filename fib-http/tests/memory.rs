//! What happens when memory is short.

mod common;

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use common::{Client, GET, PATIENCE, Program, Server, used};

const HEALTH: &str = "GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n";
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
        // The number that readiness looked at is there already: only the one after it has to be computed.
        assert_eq!(client.number().index(), LONG + 2 * round - 1);
        for _ in 0..3 {
            let response = client.exchange(GET);
            response.assert_problem(503);
            assert!(response.header("retry-after").is_some());
            client.exchange(READY).assert_problem(503);
            assert_eq!(client.exchange(HEALTH).status, 200);
        }
        change(&bytes, 0);
        assert_eq!(client.number().index(), LONG + 2 * round);
    }
    drop(client);
    assert_eq!(server.stop(), LONG + 5);
}

#[test]
fn a_new_pass_starts_where_that_is_wanted() {
    let (server, bytes) = server("restart");
    let mut client = server.connect();
    assert_eq!(client.number().index(), LONG);
    change(&bytes, 600_000);
    for (index, number) in ["0", "1", "1", "2", "3"].iter().enumerate() {
        let response = client.number();
        assert_eq!((response.index(), response.text()), (index as u64, *number));
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
const CONNECTIONS: usize = 8;
const REQUESTS: usize = 20;

/// A body of 418 KB, more than the system takes from a response that nobody reads: one of each connection is kept waiting.
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

#[cfg(target_os = "linux")]
#[test]
fn without_address_space_a_new_pass_starts() {
    let (mut program, mut clients) = run_out_of_address_space(&["--on-memory-limit=restart"], "a new pass starts");
    let mut times = BTreeMap::<u64, usize>::new();
    for client in &mut clients {
        for _ in 0..REQUESTS {
            let response = client.read();
            assert_eq!(response.status, 200, "{}", response.head);
            *times.entry(response.index()).or_default() += 1;
        }
    }
    drop(clients);
    program.signal("TERM");
    assert!(program.wait().success(), "{:?}", program.log);

    // The first pass gave what comes from F(WAITING) on, each number once.
    let later = times.split_off(&WAITING);
    assert!(later.values().all(|&times| times == 1));
    assert!(later.keys().copied().eq(WAITING..WAITING + later.len() as u64));
    assert!(!later.is_empty());
    // A number comes as often as there were passes that came so far.
    let passes = program.log.iter().filter(|line| line.contains("a new pass starts")).count();
    assert_eq!(times.first_key_value(), Some((&0, &passes)));
    assert!(times.keys().copied().eq(0..times.len() as u64));
    assert!(times.values().is_sorted_by(|a, b| a >= b), "{times:?}");
}

#[cfg(target_os = "linux")]
#[test]
fn without_address_space_numbers_are_refused() {
    let flags = ["--on-memory-limit=refuse", "--log-level=debug"];
    let (mut program, mut clients) = run_out_of_address_space(&flags, "refused: ");
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
