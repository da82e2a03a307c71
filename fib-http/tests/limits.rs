//! Limits that protect the service and its other clients.

mod common;

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use common::{Client, GET, PATIENCE, Server, used};

const HEALTH: &str = "GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n";
const METRICS: &str = "GET /metrics HTTP/1.1\r\nHost: localhost\r\n\r\n";

/// More than the buffers of a socket hold: a body of 20.9 MB, of which 8.8 MB of limbs are kept.
const LONG: u64 = 100_000_000;

#[test]
fn the_connection_that_is_idle_for_longest_makes_room() {
    let server = Server::start(&["--max-connections=4"]);
    let mut clients: Vec<Client> = (0..4)
        .map(|_| {
            let mut client = server.connect();
            client.number();
            client
        })
        .collect();
    // The first one is not idle for longest any more.
    clients[0].number();
    let mut fifth = server.connect();
    assert_eq!(fifth.exchange(HEALTH).status, 200);
    assert!(clients[1].ended());
    clients.remove(1);
    for client in &mut clients {
        assert_eq!(client.exchange(HEALTH).status, 200);
    }
    drop((clients, fifth));
    assert_eq!(server.stop(), 5);
}

#[test]
fn heads_that_do_not_come_make_room_too() {
    let server = Server::start(&["--max-connections=4"]);
    let mut slow: Vec<Client> = (0..4).map(|_| server.connect()).collect();
    for client in &mut slow {
        client.send("GET / HTTP/1.1\r\nHost: loc");
    }
    assert_eq!(server.connect().exchange(HEALTH).status, 200);
    assert_eq!(server.connect().number().index(), 0);
    drop(slow);
    assert_eq!(server.stop(), 1);
}

/// As slowhttptest found: a client that had just come in made room for the next one, before its request was read.
#[test]
fn a_connection_without_a_request_yet_is_not_idle() {
    let server = Server::start(&["--max-connections=2"]);
    let mut slow = server.connect();
    slow.send("GET / HTTP/1.1\r\nHost: loc");
    let mut new = server.connect();
    let mut newer = server.connect();
    assert_eq!(newer.exchange(HEALTH).status, 200);
    assert_eq!(new.exchange(HEALTH).status, 200);
    assert!(slow.ended());
    drop((slow, new, newer));
    assert_eq!(server.stop(), 0);
}

#[test]
fn connections_that_are_in_use_do_not_make_room() {
    let server = Server::start(&["--max-connections=2", &format!("--start={LONG}")]);
    let mut downloads = [server.connect(), server.connect()];
    let lengths = downloads.each_mut().map(|client| {
        client.send(GET);
        client.read_head().header("content-length").and_then(|length| length.parse::<usize>().ok()).expect("a length")
    });
    let mut third = server.connect();
    third.send(HEALTH);
    thread::sleep(Duration::from_millis(200));
    for (client, length) in downloads.iter_mut().zip(lengths) {
        let mut sent = 0;
        while sent < length {
            sent += client.piece().len();
        }
        assert_eq!(sent, length);
    }
    // Now they are idle.
    assert_eq!(third.read().status, 200);
    assert_eq!(server.stop(), LONG + 2);
}

#[test]
fn bodies_in_flight_are_limited_and_nothing_is_consumed_beyond() {
    let budget = 20_000_000;
    let server = Server::start(&[&format!("--max-inflight-bytes={budget}"), &format!("--start={LONG}")]);
    let mut readers = [server.connect(), server.connect()];
    for (client, index) in readers.iter_mut().zip(LONG..) {
        client.send(GET);
        assert_eq!(client.read_head().index(), index);
    }
    let mut third = server.connect();
    for _ in 0..3 {
        let refused = third.exchange(GET);
        refused.assert_problem(503);
        assert!(refused.header("retry-after").is_some());
        assert_eq!(third.exchange(HEALTH).status, 200);
        let metrics = third.exchange(METRICS);
        assert_eq!(metrics.metric("fib_http_bodies_in_flight"), 2.0);
        let bytes = metrics.metric("fib_http_bodies_in_flight_bytes");
        assert!(bytes > 17_000_000.0 && bytes <= f64::from(budget), "{bytes}");
        assert_eq!(metrics.metric("fib_http_position"), (LONG + 2) as f64);
    }
    drop(readers);
    let deadline = Instant::now() + PATIENCE;
    loop {
        let response = third.exchange(GET);
        if response.status == 200 {
            assert_eq!(response.index(), LONG + 2);
            break;
        }
        assert!(Instant::now() < deadline, "their memory is not given back");
        thread::sleep(Duration::from_millis(20));
    }
    drop(third);
    assert_eq!(server.stop(), LONG + 3);
}

#[test]
fn one_body_alone_may_exceed_the_limit() {
    let server = Server::start(&["--max-inflight-bytes=1", "--start=400000"]);
    let mut client = server.connect();
    for index in 400_000..400_010 {
        assert_eq!(client.number().index(), index);
    }
    drop(client);
    assert_eq!(server.stop(), 400_010);
}

#[test]
fn a_panic_costs_its_request_and_nothing_else() {
    let panics = Arc::new(AtomicBool::new(false));
    let source = Arc::clone(&panics);
    // The guard is asked when both values together have more than 64 KiB.
    let server = Server::with_readings(&["--start=400000"], move || {
        assert!(!source.load(Ordering::Relaxed), "as the test wants it");
        used(0)
    });
    let mut client = server.connect();
    assert_eq!(client.number().index(), 400_000);
    for round in 1..3 {
        panics.store(true, Ordering::Relaxed);
        // A reading is kept for 100 ms.
        thread::sleep(Duration::from_millis(150));
        let response = client.exchange(GET);
        response.assert_problem(500);
        assert_eq!(response.header("connection"), Some("close"));
        assert!(client.ended());
        client = server.connect();
        assert_eq!(client.exchange(HEALTH).status, 200);
        panics.store(false, Ordering::Relaxed);
        assert_eq!(client.number().index(), 400_000 + round);
    }
    drop(client);
    assert_eq!(server.stop(), 400_003);
}
