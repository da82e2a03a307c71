//! Requests as bytes, good and bad, one row each: what is answered, whether the connection ends, and whether a number was
//! consumed.

#[path = "../common/mod.rs"]
mod common;
mod rows;

use std::net::{IpAddr, Ipv4Addr, SocketAddr, UdpSocket};
use std::thread;
use std::time::Duration;

use common::{Client, Server};
use fib_http::sequence::memory::Reading;
use rows::*;

/// Sends the bytes, or as many of them as the server takes before it ends the connection.
fn send(client: &mut Client, bytes: &[u8]) {
    match bytes.strip_suffix(END.as_bytes()) {
        Some(bytes) => {
            client.send(bytes);
            client.half_close();
        }
        None => client.send(bytes),
    }
}

/// What happens after a request: the status, and what becomes of the connection.
fn outcome(server: &Server, request: &[u8]) -> (u16, After) {
    let mut client = server.connect();
    send(&mut client, request);
    if client.ended() {
        return (NONE, Closed);
    }
    let mut response = if request.starts_with(b"HEAD") { client.read_head() } else { client.read() };
    let status = response.status;
    if status >= 400 && !request.starts_with(b"HEAD") {
        response.assert_problem(status);
    }
    if status == 100 {
        response = client.read();
        assert_eq!(response.status, 200, "{}", response.head);
    }
    let says_close = response.head.to_ascii_lowercase().contains("connection: close");
    // Whether it is answered or not: what follows must be an answer to this.
    if request.ends_with(END.as_bytes()) || says_close || response.head.starts_with("HTTP/1.0") && !kept(&response.head)
    {
        assert!(client.ended(), "it goes on: {}", response.head);
        return (status, Closed);
    }
    let health = client.exchange("GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n");
    assert_eq!((health.status, health.text()), (200, "ok\n"));
    (status, Kept)
}

fn kept(head: &str) -> bool {
    head.to_ascii_lowercase().contains("connection: keep-alive")
}

/// The index of the next number, by the metrics.
#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "an index that stays small")]
fn position(server: &Server) -> u64 {
    server.connect().exchange("GET /metrics HTTP/1.1\r\nHost: localhost\r\n\r\n").metric("fib_http_position") as u64
}

#[test]
fn every_request_has_the_outcome_that_it_should_have() {
    const START: u64 = 1000;

    let server = Server::start(&["--start", &START.to_string()]);
    let mut wrong = Vec::new();
    let mut expected = START;
    let rows = [
        good(),
        bodies(),
        hosts(),
        targets(),
        accidents(),
        conditions(),
        other_numbers(),
        other_protocols(),
        smuggling(),
    ]
    .concat();
    assert!(rows.len() > 130, "{}", rows.len());
    for (name, request, status, after, consumed) in rows {
        let seen = outcome(&server, &request);
        let now = position(&server);
        if (seen, now) != ((status, after), expected + consumed) {
            wrong.push(format!("{name}: {seen:?}, {} consumed; not {:?}, {consumed}", now - expected, (status, after)));
        }
        expected = now;
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    assert_eq!(server.stop(), expected);
}

#[test]
fn pipelined_requests_behind_a_refused_one_are_answered() {
    let server = Server::start(&["--start", "10"]);
    let mut client = server.connect();
    client.send(target("/nothing") + &get("") + &host("Host: evil.example\r\n") + &get(""));
    client.half_close();
    let statuses = [(); 4].map(|()| client.read()).map(|response| response.status);
    assert_eq!(statuses, [404, 200, 421, 200]);
    assert!(client.ended());
    assert_eq!(server.stop(), 12);
}

#[test]
fn a_rejected_head_gets_a_problem_whatever_came_before_it() {
    let server = Server::start(&[]);
    let bad = "GET / HTTP/2.0\r\n\r\n";
    let with_body = get("Content-Length: 3\r\n") + "abc";
    let old = "GET / HTTP/1.0\r\nConnection: keep-alive\r\n\r\n".to_owned();
    let refused = target("/nothing");
    let head = "HEAD /nothing HTTP/1.1\r\nHost: localhost\r\n\r\n".to_owned();
    for (before, has_body) in
        [(String::new(), true), (get(""), true), (with_body, true), (old, true), (refused, true), (head, false)]
    {
        for together in [true, false] {
            let mut client = server.connect();
            if together {
                client.send(format!("{before}{bad}"));
            } else {
                // In two reads, as far as the system can be made to.
                let (most, rest) = before.split_at(before.len().saturating_sub(2));
                client.send(most);
                thread::sleep(Duration::from_millis(10));
                client.send(rest);
            }
            if !before.is_empty() {
                let first = if has_body { client.read() } else { client.read_head() };
                assert!(first.status < 500, "{}", first.head);
            }
            if !together {
                bad.bytes().for_each(|byte| client.send([byte]));
            }
            let response = client.read();
            response.assert_problem(505);
            assert_eq!(response.header("connection"), Some("close"));
            assert!(response.header("date").is_some(), "{}", response.head);
            assert!(client.ended());
        }
    }
    assert_eq!(server.stop(), 6);
}

#[test]
fn a_head_that_never_ends_is_not_waited_for_for_ever() {
    let server = Server::start(&["--keep-alive=0.5"]);
    let mut client = server.connect();
    client.send("GET / HTTP/1.1\r\nHost: localhost\r\nX: ");
    assert!(client.ended());
    // Neither is one of which a byte comes now and then.
    let mut client = server.connect();
    client.send("GET / HTTP/1.1\r\nHost: localhost\r\nX: ");
    while client.try_send("x") {
        thread::sleep(Duration::from_millis(50));
    }
    assert_eq!(server.stop(), 0);
}

#[test]
fn names_can_be_allowed() {
    let server = Server::start(&["--allowed-host=fib.example", "--allowed-host=other.example"]);
    for (name, status) in [("fib.example", 200), ("OTHER.example:80", 200), ("localhost", 200), ("evil.example", 421)] {
        assert_eq!(server.connect().exchange(host(&format!("Host: {name}\r\n"))).status, status, "{name}");
    }
    assert_eq!(server.stop(), 3);
    let server = Server::start(&["--allowed-host=*"]);
    assert_eq!(server.connect().exchange(host("Host: evil.example\r\n")).status, 200);
    assert_eq!(server.stop(), 1);
}

/// An address of this machine that is not a loopback address, if it has one.
fn outer_address() -> Option<IpAddr> {
    let socket = UdpSocket::bind((Ipv4Addr::UNSPECIFIED, 0)).ok()?;
    // Nothing is sent: this only asks for the route.
    socket.connect((Ipv4Addr::new(192, 0, 2, 1), 9)).ok()?;
    let address = socket.local_addr().ok()?.ip();
    (!address.is_loopback()).then_some(address)
}

#[test]
fn a_rebound_name_is_refused_over_loopback_whatever_the_service_listens_on() {
    let server = Server::on("0.0.0.0", &[], || Reading::of_machine(0, u64::MAX));
    let port = server.addresses[0].port();
    let loopback = SocketAddr::from((Ipv4Addr::LOCALHOST, port));
    let (rebound, own) = (host("Host: evil.example\r\n"), host("Host: localhost\r\n"));
    assert_eq!(Client::connect(loopback).exchange(&rebound).status, 421);
    assert_eq!(Client::connect(loopback).exchange(&own).status, 200);
    let mut consumed = 1;
    if let Some(address) = outer_address() {
        assert_eq!(Client::connect((address, port).into()).exchange(&rebound).status, 200);
        // What has passed there does not pass here.
        assert_eq!(Client::connect(loopback).exchange(&rebound).status, 421);
        consumed += 1;
    } else {
        eprintln!("this machine has loopback addresses only: no other one is tested");
    }
    assert_eq!(server.stop(), consumed);
}
