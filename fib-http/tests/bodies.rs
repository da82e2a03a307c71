//! Long numbers as they pass through the body, hyper and the socket.

mod common;

use std::convert::Infallible;
use std::net::{SocketAddr, TcpListener};
use std::thread;
use std::time::Duration;

use common::{Client, GET, Server};
use fib_core::Natural;
use fib_http::sequence::{Digits, WINDOW_BYTES};
use http_body_util::Full;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::{Request, Response};
use hyper_util::rt::TokioIo;
use num_bigint::BigUint;
use tokio::runtime::{Builder, LocalOptions};

/// More than the buffers of a socket hold.
const LONG: usize = 24_000_000;

/// `LONG` digits without a period, which could hide a missing or repeated piece.
fn digits() -> String {
    let mut digits = String::with_capacity(LONG + 9);
    let mut state = 1_u32;
    while digits.len() < LONG {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        digits.push_str(&(state | 1 << 31).to_string());
    }
    digits.truncate(LONG);
    digits
}

/// Serves `number` to the first connection.
fn serve(number: Natural) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
    let address = listener.local_addr().expect("bound");
    thread::spawn(move || {
        let runtime = Builder::new_current_thread().enable_all().build_local(LocalOptions::default());
        runtime.expect("a runtime").block_on(async {
            let (stream, _) = listener.accept().expect("a connection");
            stream.set_nonblocking(true).expect("a socket");
            let io = TokioIo::new(tokio::net::TcpStream::from_std(stream).expect("a socket"));
            let service = service_fn(async |_: Request<hyper::body::Incoming>| {
                Ok::<_, Infallible>(Response::new(Full::new(Digits::of(&number).expect("memory"))))
            });
            http1::Builder::new().writev(true).serve_connection(io, service).await
        })
    });
    address
}

#[test]
fn a_body_of_many_megabytes_reaches_a_slow_reader() {
    let digits = digits();
    let mut client = Client::connect(serve(digits.parse().expect("digits")));
    client.send(GET);
    let head = client.read_head();
    assert_eq!(head.header("content-length"), Some(LONG.to_string().as_str()));
    let mut at = 0;
    let mut pieces = 0;
    while at < LONG {
        let piece = client.piece();
        assert!(!piece.is_empty(), "it ended after {at} digits");
        assert!(*piece == digits.as_bytes()[at..at + piece.len()], "after {at} digits");
        at += piece.len();
        pieces += 1;
        if pieces % 16 == 0 {
            thread::sleep(Duration::from_millis(2));
        }
    }
    // The connection is still usable: another response follows.
    assert!(client.exchange(GET).body == digits.as_bytes());
}

#[test]
fn numbers_longer_than_a_window_are_right() {
    const START: u64 = 1_300_000;

    let server = Server::start(&["--start", &START.to_string()]);
    let mut client = server.connect();
    let numbers: Vec<Vec<u8>> = (0..5)
        .map(|offset| {
            let response = client.number();
            assert_eq!(response.index(), START + offset);
            assert!(response.body.len() > WINDOW_BYTES);
            response.body
        })
        .collect();
    let parse = |digits: &Vec<u8>| BigUint::parse_bytes(digits, 10).expect("digits");
    let values: Vec<BigUint> = numbers.iter().map(parse).collect();
    for three in values.windows(3) {
        assert!(&three[0] + &three[1] == three[2]);
    }
    // F(n)^2 - F(n+1) F(n-1) = (-1)^(n+1) (Cassini) pins the values, not only their sums.
    let (square, product) = (&values[1] * &values[1], &values[0] * &values[2]);
    assert!(square + 1_u8 == product || values[1].clone() * &values[1] == product + 1_u8);
}

/// The service can start at any index. A body of 20 MB exceeds the buffers of a socket.
#[test]
fn the_first_number_can_be_the_hundred_millionth() {
    const START: u64 = 100_000_000;

    let server = Server::start(&["--start", &START.to_string()]);
    let mut client = server.connect();
    let response = client.number();
    assert_eq!((response.index(), response.body.len()), (START, 20_898_764));
    let reference = Natural::fibonacci(START).expect("memory").to_string();
    assert!(response.body == reference.as_bytes());
    assert_eq!(client.number().index(), START + 1);
    drop(client);
    assert_eq!(server.stop(), START + 2);
}

#[test]
fn long_numbers_can_be_pipelined() {
    let server = Server::start(&["--start", "1300000"]);
    let mut client = server.connect();
    client.send(GET.repeat(100));
    for index in 1_300_000..1_300_100 {
        assert_eq!(client.read().index(), index);
    }
    drop(client);
    assert_eq!(server.stop(), 1_300_100);
}
