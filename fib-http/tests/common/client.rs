//! A client that sends and sees raw bytes.

use std::io::{self, BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpStream};

use super::{GET, PATIENCE};

/// One connection.
pub(crate) struct Client {
    stream: BufReader<TcpStream>,
}

#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Response {
    /// Status line and headers.
    pub(crate) head: String,
    pub(crate) status: u16,
    pub(crate) body: Vec<u8>,
}

impl Client {
    pub(crate) fn connect(address: SocketAddr) -> Self {
        let stream = TcpStream::connect(address).expect("it listens");
        stream.set_read_timeout(Some(PATIENCE)).expect("a time");
        stream.set_write_timeout(Some(PATIENCE)).expect("a time");
        stream.set_nodelay(true).expect("TCP");
        Self { stream: BufReader::with_capacity(64 * 1024, stream) }
    }

    pub(crate) fn send(&mut self, request: impl AsRef<[u8]>) {
        self.stream.get_mut().write_all(request.as_ref()).expect("it reads");
    }

    /// Whether the server still takes what is sent.
    pub(crate) fn try_send(&mut self, bytes: impl AsRef<[u8]>) -> bool {
        self.stream.get_mut().write_all(bytes.as_ref()).is_ok()
    }

    /// Shuts down the sending side.
    pub(crate) fn half_close(&mut self) {
        let stream = self.stream.get_ref();
        stream.shutdown(std::net::Shutdown::Write).expect("it is open");
    }

    /// One response, with a body if the head tells its length.
    pub(crate) fn read(&mut self) -> Response {
        let mut response = self.read_head();
        let length = response.header("content-length").map_or(0, |text| text.parse().expect("a length"));
        response.body = vec![0; length];
        self.stream.read_exact(&mut response.body).expect("the whole body");
        response
    }

    /// One response, if it is there whole before the connection ends.
    pub(crate) fn try_read(&mut self) -> Option<Response> {
        let mut head = String::new();
        while !head.ends_with("\r\n\r\n") {
            self.stream.read_line(&mut head).ok().filter(|&count| count > 0)?;
        }
        let status = head.split(' ').nth(1)?.parse().ok()?;
        let mut response = Response { head, status, body: Vec::new() };
        response.body = vec![0; response.header("content-length")?.parse().ok()?];
        self.stream.read_exact(&mut response.body).ok()?;
        Some(response)
    }

    /// The head of one response, which is all of it after HEAD.
    pub(crate) fn read_head(&mut self) -> Response {
        let mut head = String::new();
        while !head.ends_with("\r\n\r\n") {
            let count = self.stream.read_line(&mut head).expect("a head");
            assert_ne!(count, 0, "the connection ended in a head: {head:?}");
        }
        let status = head.split(' ').nth(1).and_then(|text| text.parse().ok()).expect("a status");
        Response { head, status, body: Vec::new() }
    }

    pub(crate) fn exchange(&mut self, request: impl AsRef<[u8]>) -> Response {
        self.send(request);
        self.read()
    }

    /// The next number, which must be there.
    pub(crate) fn number(&mut self) -> Response {
        let response = self.exchange(GET);
        assert_eq!(response.status, 200, "{}", response.head);
        response
    }

    /// The bytes that are there, at least one, unless the connection has ended.
    pub(crate) fn piece(&mut self) -> Vec<u8> {
        self.try_piece().expect("an orderly end")
    }

    /// The same from a connection that may have been cut.
    pub(crate) fn try_piece(&mut self) -> io::Result<Vec<u8>> {
        let piece = self.stream.fill_buf()?.to_vec();
        self.stream.consume(piece.len());
        Ok(piece)
    }

    /// A line, if it comes before the connection ends.
    pub(crate) fn try_line(&mut self) -> Option<String> {
        let mut line = String::new();
        self.stream.read_line(&mut line).ok().filter(|_| line.ends_with('\n'))?;
        Some(line)
    }

    /// So many bytes, if they come before the connection ends.
    pub(crate) fn try_bytes(&mut self, count: usize) -> Option<Vec<u8>> {
        let mut bytes = vec![0; count];
        self.stream.read_exact(&mut bytes).ok()?;
        Some(bytes)
    }

    /// The connection itself.
    pub(crate) fn into_stream(self) -> BufReader<TcpStream> {
        self.stream
    }

    /// Everything up to the end of the connection.
    pub(crate) fn rest(&mut self) -> Vec<u8> {
        let mut rest = Vec::new();
        self.stream.read_to_end(&mut rest).expect("an orderly end");
        rest
    }

    /// Whether the server has ended the connection and nothing is left to read. Waits for that, or for a byte.
    pub(crate) fn ended(&mut self) -> bool {
        self.stream.fill_buf().is_ok_and(<[u8]>::is_empty)
    }
}

impl Response {
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.head
            .lines()
            .filter_map(|line| line.split_once(':'))
            .find(|(field, _)| field.eq_ignore_ascii_case(name))
            .map(|(_, value)| value.trim())
    }

    pub(crate) fn index(&self) -> u64 {
        let index = self.header("fibonacci-index").expect("an index");
        index.parse().expect("a number")
    }

    /// A figure in the body, which is that of /metrics.
    pub(crate) fn metric(&self, name: &str) -> f64 {
        let figure = self.text().lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(' '));
        figure.unwrap_or_else(|| panic!("no {name} in {}", self.text())).parse().expect("a figure")
    }

    pub(crate) fn text(&self) -> &str {
        std::str::from_utf8(&self.body).expect("UTF-8")
    }

    /// Checks that this is a well-formed problem document with `status`, without an index.
    #[track_caller]
    pub(crate) fn assert_problem(&self, status: u16) {
        assert_eq!(self.status, status, "{}", self.head);
        assert_eq!(self.header("content-type"), Some("application/problem+json"));
        assert_eq!(self.header("cache-control"), Some("no-store"));
        assert_eq!(self.header("fibonacci-index"), None);
        let problem: serde_json::Value = serde_json::from_slice(&self.body).expect("JSON");
        assert_eq!(problem["status"], status);
        assert!(problem["title"].is_string() && problem["detail"].is_string(), "{problem}");
    }
}
