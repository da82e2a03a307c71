//! Hostile clients, and a system that lacks resources that the program needs.
#![cfg(target_os = "linux")]

mod common;

use std::fs;
use std::process::Command;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use common::{Client, GET, Program, Server, wait_until};

const HEALTH: &str = "GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n";

/// A body of 20.9 MB here, more than the buffers of a socket hold; the service keeps 8.8 MB of limbs of it.
const LONG: u64 = 100_000_000;

/// The bytes that the system holds of what was written to connections at a local port, closed ones included.
fn send_queues(port: u16) -> u64 {
    let table = fs::read_to_string("/proc/self/net/tcp").expect("Linux");
    let rows = table.lines().skip(1).map(|line| line.split_whitespace().collect::<Vec<_>>());
    let ours = rows.filter(|row| row[1].ends_with(&format!(":{port:04X}")));
    ours.map(|row| u64::from_str_radix(row[4].split(':').next().expect("two queues"), 16).expect("bytes")).sum()
}

/// Half of a body, which nothing counted, took up to 125 KiB of this process and as much again of the system.
#[test]
fn half_of_a_request_takes_no_more_than_is_counted() {
    const CLIENTS: u64 = 200;
    const COUNTED_KIB: u64 = 64;

    let mut program = Program::start(&[]);
    let mut other = program.connect();
    other.number();
    let before = program.status_kib("VmRSS:");
    let request = format!("POST / HTTP/1.1\r\nHost: localhost\r\nContent-Length: 65000\r\n\r\n{}", "x".repeat(64_000));
    let mut halves: Vec<Client> = (0..CLIENTS).map(|_| program.connect()).collect();
    for client in &mut halves {
        // The rest stays with the client: the service stops reading after a second.
        client.try_send(&request);
    }
    for client in &mut halves {
        assert_eq!(client.read().status, 405);
    }
    assert_eq!(other.number().index(), 1);
    let held = program.status_kib("VmHWM:").saturating_sub(before);
    assert!(held <= CLIENTS * COUNTED_KIB, "{held} KiB for {CLIENTS} connections");
    drop(halves);
    program.signal("TERM");
    assert!(program.wait().success());
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
        let name = "fib_http_requests_total{method=\"GET\",route=\"/\",status=\"503\"}";
        let refused = if metrics.text().contains(name) { metrics.metric(name) } else { 0.0 };
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
    assert!(program.wait_for("cannot accept connections").is_some());

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

#[test]
fn without_files_the_last_reading_of_the_memory_counts() {
    const METRICS: &str = "GET /metrics HTTP/1.1\r\nHost: localhost\r\n\r\n";
    /// Both values together have more than the 64 KiB that are never refused.
    const LONG: u64 = 380_000;

    let mut program = Program::start(&[&format!("--start={LONG}"), "--on-memory-limit=refuse"]);
    let mut client = program.connect();
    assert_eq!(client.number().index(), LONG);
    let limit = |files: usize| {
        let (id, files) = (program.id().to_string(), format!("--nofile={files}:1000"));
        assert!(Command::new("prlimit").args(["--pid", &id, &files]).status().expect("util-linux").success());
    };
    // Those that are open stay open.
    limit(3);
    let mut total = 0.0;
    wait_until("the memory cannot be read", || {
        let metrics = client.exchange(METRICS);
        total = metrics.metric("fib_http_memory_total_bytes");
        metrics.metric("fib_http_memory_guard_blind") == 1.0
    });
    assert!(total > 0.0, "the last reading is gone");
    assert_eq!(client.number().index(), LONG + 1);
    let ready = client.exchange("GET /readyz HTTP/1.1\r\nHost: localhost\r\n\r\n");
    assert_eq!((ready.status, ready.text()), (200, "ready, but the memory in use cannot be read\n"));
    limit(1000);
    wait_until("it can be read again", || client.exchange(METRICS).metric("fib_http_memory_guard_blind") == 0.0);
    drop(client);
    program.signal("TERM");
    assert!(program.wait().success());
    let lines = |text: &str| program.log.iter().filter(|line| line.contains(text)).count();
    assert_eq!((lines("cannot read the memory in use"), lines("can be read again")), (1, 1), "{:?}", program.log);
}
