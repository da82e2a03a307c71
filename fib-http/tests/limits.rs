//! Limits that protect the service and its other clients.

mod common;

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::Duration;

use common::{Client, GET, Server, used};

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
    // Now the second one has been idle for longest.
    clients[0].number();
    let mut fifth = server.connect();
    assert_eq!(fifth.number().index(), 5);
    assert!(clients[1].ended());
    clients.remove(1);
    for client in &mut clients {
        assert_eq!(client.exchange(HEALTH).status, 200);
    }
    drop((clients, fifth));
    assert_eq!(server.stop(), 6);
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

/// Found by slowhttptest: a new client was closed in favour of the next one before its request was read.
#[test]
fn a_connection_without_a_request_yet_is_not_idle() {
    let server = Server::start(&["--max-connections=2"]);
    let mut slow = server.connect();
    slow.send("GET / HTTP/1.1\r\nHost: loc");
    let mut new = server.connect();
    let mut newer = server.connect();
    assert_eq!(newer.number().index(), 0);
    assert_eq!(new.number().index(), 1);
    assert!(slow.ended());
    drop((slow, new, newer));
    assert_eq!(server.stop(), 2);
}

/// Seen: connections on which nothing arrived took the reserved places, and a health check waited until one was ended.
#[test]
fn silent_connections_leave_the_reserved_places_to_requests() {
    let server = Server::start(&["--max-connections=2"]);
    let mut silent: Vec<Client> = (0..50).map(|_| server.connect()).collect();
    for _ in 0..20 {
        assert_eq!(server.connect().exchange(HEALTH).status, 200);
    }
    // None of them was ended, and each may still ask.
    for client in &mut silent {
        assert_eq!(client.exchange(HEALTH).status, 200);
    }
    drop(silent);
    assert_eq!(server.stop(), 0);
}

#[test]
fn the_oldest_of_too_many_silent_connections_is_closed() {
    let server = Server::start(&["--max-connections=1"]);
    let mut first = server.connect();
    assert_eq!(first.exchange(HEALTH).status, 200);
    let mut silent: Vec<Client> = (0..100).map(|_| server.connect()).collect();
    assert_eq!(server.connect().exchange(HEALTH).status, 200);
    assert!(silent[0].ended());
    assert_eq!(silent[99].exchange(HEALTH).status, 200);
    drop((first, silent));
    assert_eq!(server.stop(), 0);
}

/// Asks for a number and reads the head of the response. Returns the length of the body that follows.
fn start_download(client: &mut Client) -> usize {
    client.send(GET);
    let head = client.read_head();
    assert_eq!(head.status, 200, "{}", head.head);
    head.header("content-length").and_then(|length| length.parse().ok()).expect("a length")
}

/// Reads a body of `length` bytes. Returns whether it arrived whole.
fn finish_download(client: &mut Client, length: usize) -> bool {
    let mut received = 0;
    while received < length {
        match client.try_piece() {
            Ok(piece) if !piece.is_empty() => received += piece.len(),
            _ => return false,
        }
    }
    true
}

#[test]
fn connections_that_are_in_use_do_not_make_room() {
    let server = Server::start(&["--max-connections=2", &format!("--start={LONG}")]);
    let mut downloads = [server.connect(), server.connect()];
    let lengths = downloads.each_mut().map(start_download);
    let mut third = server.connect();
    third.send(GET);
    // They read as fast as they can, so they are not behind for long.
    thread::scope(|scope| {
        for (client, length) in downloads.iter_mut().zip(lengths) {
            scope.spawn(move || assert!(finish_download(client, length), "it was cut"));
        }
    });
    // Now they are idle, and one of them makes room.
    assert_eq!(third.read().index(), LONG + 2);
    assert_eq!(server.stop(), LONG + 3);
}

#[test]
fn those_who_do_not_read_make_room_for_those_who_do() {
    let server = Server::start(&["--max-connections=3", &format!("--start={LONG}")]);
    let mut stalled: Vec<Client> = (0..3).map(|_| server.connect()).collect();
    let lengths: Vec<usize> = stalled.iter_mut().map(start_download).collect();
    let mut reader = server.connect();
    assert_eq!(reader.number().index(), LONG + 3);
    // Exactly one of them was ended, the first to have fallen behind.
    let kept: Vec<bool> =
        stalled.iter_mut().zip(lengths).map(|(client, length)| finish_download(client, length)).collect();
    assert_eq!(kept.iter().filter(|&&kept| kept).count(), 2, "{kept:?}");
    drop((stalled, reader));
    assert_eq!(server.stop(), LONG + 4);
}

#[test]
fn operators_are_answered_when_all_connections_are_taken() {
    let server = Server::start(&["--max-connections=2", &format!("--start={LONG}")]);
    let mut downloads = [server.connect(), server.connect()];
    let lengths = downloads.each_mut().map(start_download);
    let mut operator = server.connect();
    for path in ["/healthz", "/readyz", "/metrics"] {
        let request = format!("GET {path} HTTP/1.1\r\nHost: localhost\r\n\r\n");
        assert_eq!(operator.exchange(request).status, 200, "{path}");
    }
    assert_eq!(operator.exchange(METRICS).metric("fib_http_connections"), 3.0);
    // No connection was ended for that.
    for (client, length) in downloads.iter_mut().zip(lengths) {
        assert!(finish_download(client, length));
    }
    assert_eq!(server.stop(), LONG + 2);
}

#[test]
fn bodies_in_flight_are_limited_and_those_who_do_not_read_make_room() {
    let budget = 30_000_000;
    let server = Server::start(&[&format!("--max-inflight-bytes={budget}"), &format!("--start={LONG}")]);
    let mut readers = [server.connect(), server.connect()];
    let lengths = readers.each_mut().map(start_download);
    let mut third = server.connect();
    let metrics = third.exchange(METRICS);
    assert_eq!(metrics.metric("fib_http_bodies_in_flight"), 2.0);
    let bytes = metrics.metric("fib_http_bodies_in_flight_bytes");
    assert!(bytes > 27_000_000.0 && bytes <= f64::from(budget), "{bytes}");
    assert_eq!(third.number().index(), LONG + 2);
    let kept: Vec<bool> =
        readers.iter_mut().zip(lengths).map(|(client, length)| finish_download(client, length)).collect();
    assert_eq!(kept.iter().filter(|&&kept| kept).count(), 1, "{kept:?}");
    let metrics = third.exchange(METRICS);
    assert_eq!(metrics.metric("fib_http_position"), (LONG + 3) as f64);
    assert_eq!(metrics.metric("fib_http_bodies_in_flight"), 0.0);
    drop((readers, third));
    assert_eq!(server.stop(), LONG + 3);
}

/// As when a proxy uses a connection again in the moment when the service ends it.
#[test]
fn a_request_that_meets_the_end_of_its_connection_takes_no_number() {
    const KEEP_ALIVE: Duration = Duration::from_millis(500);
    const CLIENTS: u32 = 50;

    let server = Server::start(&["--keep-alive=0.5"]);
    let answered: usize = thread::scope(|scope| {
        let server = &server;
        let ask_around_the_end = move |number: u32| {
            let mut client = server.connect();
            client.number();
            // From 25 ms before to 25 ms after.
            thread::sleep(KEEP_ALIVE - Duration::from_millis(25) + Duration::from_millis(1) * number);
            let is_answered = client.try_send(GET) && client.try_piece().is_ok_and(|piece| !piece.is_empty());
            1 + usize::from(is_answered)
        };
        let clients: Vec<_> = (0..CLIENTS).map(|number| scope.spawn(move || ask_around_the_end(number))).collect();
        clients.into_iter().map(|client| client.join().expect("no panic")).sum()
    });
    assert_eq!(server.stop(), answered as u64);
}

/// Hyper would take a request from its buffer as soon as the system holds the response before.
#[test]
fn a_client_that_does_not_read_holds_one_number_that_it_pipelined() {
    const START: u64 = 1_000_000;

    let server = Server::start(&["--start", &START.to_string()]);
    let mut client = server.connect();
    client.send(GET.repeat(1000));
    let mut other = server.connect();
    let mut last = 0.0;
    // Until nothing changes any more.
    loop {
        thread::sleep(Duration::from_millis(300));
        let position = other.exchange(METRICS).metric("fib_http_position");
        if position == last {
            break;
        }
        last = position;
    }
    // What fits the client's receive buffer, and one more.
    let taken = last - START as f64;
    assert!((1.0..=4.0).contains(&taken), "{taken}");
    for index in START..START + 1000 {
        assert_eq!(client.read().index(), index);
    }
    drop((client, other));
    assert_eq!(server.stop(), START + 1000);
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
        assert!(!source.load(Ordering::Relaxed), "the test asks for a panic");
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
