//! Asks a running service whether it is well. An image that contains nothing but the program checks its health so.

use std::fmt;
use std::io::{self, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::str::FromStr;
use std::time::{Duration, Instant};

use hyper::{StatusCode, Uri};

use crate::error::Error;
use crate::net::listen;

/// How long the answer may take.
pub const TIMEOUT: Duration = Duration::from_secs(5);

/// The most bytes that the head of an answer may have.
const MAX_HEAD_BYTES: usize = 16 * 1024;

/// The most fields that the head of an answer may have.
const MAX_FIELDS: usize = 100;

/// What is asked: an `http` URL. One without a path means `/healthz`, so that the question never takes a number by accident.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HealthUrl {
    host: String,
    port: u16,
    target: String,
}

impl FromStr for HealthUrl {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let uri: Uri = text.parse().map_err(|_| "not a URL")?;
        let authority = uri.authority().filter(|_| uri.scheme_str() == Some("http")).ok_or("not an http:// URL")?;
        if authority.as_str().contains('@') {
            return Err("a URL with a user is not supported");
        }
        // A colon without a number is allowed (RFC 3986, section 3.2.3).
        let port = match authority.as_str().strip_prefix(authority.host()) {
            None | Some("" | ":") => 80,
            Some(_) => authority.port_u16().ok_or("the port is not a number from 0 to 65535")?,
        };
        let target = uri.path_and_query().map(ToString::to_string).filter(|_| uri.path() != "/");
        let target = target.unwrap_or_else(|| "/healthz".to_owned());
        Ok(Self { host: authority.host().to_owned(), port, target })
    }
}

impl fmt::Display for HealthUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "http://{}:{}{}", self.host, self.port, self.target)
    }
}

/// Sends `GET` to `url`, and returns the status of the answer if it is one of success (2xx). All of this takes `timeout` at
/// most, apart from the look-up of a name.
///
/// # Errors
/// When the host has no address, nothing answers in time, the answer is not HTTP, or its status is another one.
pub fn check(url: &HealthUrl, timeout: Duration) -> Result<StatusCode, Error> {
    let deadline = Instant::now() + timeout;
    let addresses = listen::resolve(&url.host)?;
    let status = connect(addresses, url.port, deadline).and_then(|stream| ask(stream, url, deadline));
    match status {
        Ok(status) if status.is_success() => Ok(status),
        Ok(status) => Err(io::Error::other(format!("the answer is {status}"))),
        Err(source) => Err(source),
    }
    .map_err(|source| Error::Health { url: url.to_string(), source })
}

/// Connects to the first address that accepts.
fn connect(addresses: Vec<SocketAddr>, port: u16, deadline: Instant) -> io::Result<TcpStream> {
    let mut failure = io::ErrorKind::NotFound.into();
    for mut address in addresses {
        address.set_port(port);
        match remaining(deadline).and_then(|time| TcpStream::connect_timeout(&address, time)) {
            Ok(stream) => return Ok(stream),
            Err(error) => failure = error,
        }
    }
    Err(failure)
}

fn ask(mut stream: TcpStream, url: &HealthUrl, deadline: Instant) -> io::Result<StatusCode> {
    let HealthUrl { host, port, target } = url;
    let request = format!("GET {target} HTTP/1.1\r\nHost: {host}:{port}\r\nConnection: close\r\n\r\n");
    stream.set_write_timeout(Some(remaining(deadline)?))?;
    stream.write_all(request.as_bytes())?;
    let mut head = Vec::new();
    let mut piece = [0; 1024];
    while head.len() <= MAX_HEAD_BYTES {
        stream.set_read_timeout(Some(remaining(deadline)?))?;
        match stream.read(&mut piece) {
            Ok(0) => {
                return Err(io::Error::new(io::ErrorKind::UnexpectedEof, "the connection ended before the answer"));
            }
            Ok(count) => head.extend_from_slice(&piece[..count]),
            Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
            // Unix and Windows name the end of a socket's time differently.
            Err(error) if matches!(error.kind(), io::ErrorKind::WouldBlock | io::ErrorKind::TimedOut) => {
                return Err(late());
            }
            Err(error) => return Err(error),
        }
        if let Some(status) = status_in(&head)? {
            return Ok(status);
        }
    }
    Err(io::Error::other("the head of the answer is too long"))
}

/// The status in the head of an answer, or `None` while the head is incomplete.
fn status_in(head: &[u8]) -> io::Result<Option<StatusCode>> {
    let mut fields = [httparse::EMPTY_HEADER; MAX_FIELDS];
    let mut response = httparse::Response::new(&mut fields);
    let not_http = |_| io::Error::other("the answer is not HTTP/1");
    match response.parse(head).map_err(not_http)? {
        httparse::Status::Partial => Ok(None),
        httparse::Status::Complete(_) => {
            let code = response.code.unwrap_or_default();
            StatusCode::from_u16(code).map(Some).map_err(|_| io::Error::other("the answer has no valid status"))
        }
    }
}

/// The time until `deadline`, never zero.
fn remaining(deadline: Instant) -> io::Result<Duration> {
    let time = deadline.saturating_duration_since(Instant::now());
    if time.is_zero() { Err(late()) } else { Ok(time) }
}

fn late() -> io::Error {
    io::Error::new(io::ErrorKind::TimedOut, "no answer in time")
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::net::TcpListener;
    use std::thread;

    #[test]
    fn urls_are_checked() {
        for (text, url) in [
            ("http://localhost:8080/readyz", "http://localhost:8080/readyz"),
            ("http://localhost:8080", "http://localhost:8080/healthz"),
            ("http://localhost:8080/", "http://localhost:8080/healthz"),
            ("http://[::1]/metrics?x=1", "http://[::1]:80/metrics?x=1"),
            ("http://127.0.0.1:/readyz", "http://127.0.0.1:80/readyz"),
        ] {
            assert_eq!(text.parse::<HealthUrl>().expect(text).to_string(), url);
        }
        for bad in [
            "",
            "/healthz",
            "localhost:8080",
            "https://localhost/",
            "http://",
            "http://user@localhost/",
            "http://localhost:65536/",
            "http://localhost:x/",
            "http://local host/",
        ] {
            assert!(bad.parse::<HealthUrl>().is_err(), "{bad}");
        }
    }

    /// What becomes of an answer that consists of these bytes. The connection is kept open if `keeps`.
    fn answer(bytes: &'static [u8], keeps: bool, timeout: Duration) -> Result<StatusCode, String> {
        let listener = TcpListener::bind(("127.0.0.1", 0)).expect("a free port");
        let url = format!("http://{}/readyz", listener.local_addr().expect("bound")).parse().expect("a URL");
        let server = thread::spawn(move || {
            let (mut stream, _) = listener.accept().expect("a connection");
            let mut request = Vec::new();
            while !request.ends_with(b"\r\n\r\n") {
                let mut byte = [0];
                stream.read_exact(&mut byte).expect("a request");
                request.push(byte[0]);
            }
            assert!(request.starts_with(b"GET /readyz HTTP/1.1\r\nHost: 127.0.0.1:"));
            stream.write_all(bytes).expect("it reads");
            keeps.then_some(stream)
        });
        let result = check(&url, timeout).map_err(|error| error.to_string());
        drop(server.join().expect("no panic"));
        result
    }

    #[test]
    fn only_success_is_healthy() {
        let long = Duration::from_secs(60);
        assert_eq!(answer(b"HTTP/1.1 200 OK\r\n\r\n", true, long), Ok(StatusCode::OK));
        assert_eq!(answer(b"HTTP/1.0 204 \r\nX: y\r\n\r\n", true, long), Ok(StatusCode::NO_CONTENT));
        for (bytes, words) in [
            (&b"HTTP/1.1 503 Service Unavailable\r\n\r\n"[..], "the answer is 503 Service Unavailable"),
            (b"HTTP/1.1 308 Permanent Redirect\r\n\r\n", "308"),
            (b"HTTP/1.1 099 Odd\r\n\r\n", "no valid status"),
            (b"SSH-2.0-OpenSSH_9.2\r\n", "not HTTP/1"),
            (b"HTTP/1.1 200 OK\r\nX: ", "ended before the answer"),
            (b"", "ended before the answer"),
        ] {
            let error = answer(bytes, false, long).expect_err(words);
            assert!(error.contains(words) && error.contains("/readyz: "), "{error}");
        }
    }

    #[test]
    fn an_answer_that_does_not_come_is_late() {
        let error = answer(b"HTTP/1.1 200 OK\r\n", true, Duration::from_millis(50)).expect_err("late");
        assert!(error.ends_with("no answer in time"), "{error}");
    }

    #[test]
    fn a_port_without_a_service_is_told() {
        let listener = TcpListener::bind(("127.0.0.1", 0)).expect("a free port");
        let url = format!("http://{}/", listener.local_addr().expect("bound")).parse().expect("a URL");
        drop(listener);
        assert!(matches!(check(&url, TIMEOUT), Err(Error::Health { .. })));
    }
}
