//! A load generator that sends a fixed number of requests, so that every round gets the same numbers.

use std::cell::Cell;
use std::io;
use std::net::SocketAddr;
use std::rc::Rc;
use std::time::{Duration, Instant};

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::runtime::{Builder, LocalOptions};
use tokio::task::JoinSet;

/// How much is read at a time. A whole long number fits, if the socket holds one.
const BUFFER_BYTES: usize = 256 * 1024;

/// What a server is asked for.
#[derive(Clone, Debug)]
pub(crate) enum Ask {
    /// `GET /`
    Next,
    /// These paths in turn.
    Paths(&'static [&'static str]),
    /// All numbers in one stream.
    Stream,
}

/// One round against one server.
pub(crate) struct Load<'a> {
    pub(crate) address: SocketAddr,
    pub(crate) ask: &'a Ask,
    pub(crate) connections: usize,
    /// Requests before the clock starts, over all connections.
    pub(crate) warm_up: u64,
    /// Requests on the clock, over all connections.
    pub(crate) requests: u64,
}

impl Load<'_> {
    /// Opens the connections, warms them up, calls `start`, and sends the requests. Each connection sends its next
    /// request when it has the whole answer to the last one. A stream has all numbers in one response. Returns the time that
    /// the requests took, and the indices that the answers tell, sorted.
    ///
    /// # Errors
    /// If a connection fails, or if an answer is not 200 with a body of a known length.
    pub(crate) fn run(&self, start: impl FnOnce()) -> io::Result<(Duration, Vec<u64>)> {
        let runtime = Builder::new_current_thread().enable_all().build_local(LocalOptions::default())?;
        runtime.block_on(async {
            if matches!(self.ask, Ask::Stream) {
                stream(self.address, self.warm_up).await?;
                start();
                let begin = Instant::now();
                stream(self.address, self.requests).await?;
                return Ok((begin.elapsed(), Vec::new()));
            }
            let mut connections = Vec::new();
            for _ in 0..self.connections {
                connections.push(Connection::open(self.address, self.ask).await?);
            }
            let connections = share_out(connections, self.warm_up).await?;
            start();
            let begin = Instant::now();
            let connections = share_out(connections, self.requests).await?;
            let elapsed = begin.elapsed();
            let mut indices: Vec<u64> = connections.into_iter().flat_map(|connection| connection.indices).collect();
            indices.sort_unstable();
            Ok((elapsed, indices))
        })
    }

    /// Sends one request. Returns the fields of the response's head, without those that every server adds by itself.
    ///
    /// # Errors
    /// As [`run`](Self::run).
    pub(crate) fn head(address: SocketAddr, ask: &Ask) -> io::Result<Vec<String>> {
        let runtime = Builder::new_current_thread().enable_all().build_local(LocalOptions::default())?;
        runtime.block_on(async {
            let mut connection = Connection::open(address, ask).await?;
            connection.exchange().await?;
            let head = String::from_utf8_lossy(&connection.head).into_owned();
            let own = |field: &&str| !field.starts_with("date:") && !field.starts_with("content-length:");
            Ok(head.lines().skip(1).filter(|line| !line.is_empty()).filter(own).map(String::from).collect())
        })
    }
}

/// Sends `requests` requests over all connections together. Returns the connections when the last answer is complete.
async fn share_out(connections: Vec<Connection>, requests: u64) -> io::Result<Vec<Connection>> {
    let left = Rc::new(Cell::new(requests));
    let mut tasks = JoinSet::new();
    for mut connection in connections {
        let left = Rc::clone(&left);
        tasks.spawn_local(async move {
            while let Some(rest) = left.get().checked_sub(1) {
                left.set(rest);
                connection.exchange().await?;
            }
            Ok(connection)
        });
    }
    tasks.join_all().await.into_iter().collect()
}

/// Reads `count` numbers, one a line, to the end of the response.
async fn stream(address: SocketAddr, count: u64) -> io::Result<()> {
    let mut stream = TcpStream::connect(address).await?;
    let request = format!("GET /stream?count={count} HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\n\r\n");
    stream.write_all(request.as_bytes()).await?;
    let mut buffer = vec![0; BUFFER_BYTES];
    let (mut lines, mut last) = (0, 0);
    loop {
        let length = stream.read(&mut buffer).await?;
        if length == 0 {
            break;
        }
        // Lines of the head, and those that separate chunks, end with CR LF.
        for &byte in &buffer[..length] {
            lines += u64::from(byte == b'\n' && last != b'\r');
            last = byte;
        }
    }
    if lines == count { Ok(()) } else { Err(malformed(format!("{lines} numbers instead of {count}"))) }
}

struct Connection {
    stream: TcpStream,
    /// Sent in turn.
    requests: Vec<String>,
    next: usize,
    buffer: Vec<u8>,
    /// The first response's head.
    head: Vec<u8>,
    indices: Vec<u64>,
}

impl Connection {
    async fn open(address: SocketAddr, ask: &Ask) -> io::Result<Self> {
        let stream = TcpStream::connect(address).await?;
        stream.set_nodelay(true)?;
        let paths: &[_] = if let Ask::Paths(paths) = ask { paths } else { &["/"] };
        let request = |path| format!("GET {path} HTTP/1.1\r\nHost: {address}\r\n\r\n");
        let requests = paths.iter().map(request).collect();
        Ok(Self { stream, requests, next: 0, buffer: vec![0; BUFFER_BYTES], head: Vec::new(), indices: Vec::new() })
    }

    /// Sends a request and reads the response to its end.
    async fn exchange(&mut self) -> io::Result<()> {
        self.stream.write_all(self.requests[self.next].as_bytes()).await?;
        self.next = (self.next + 1) % self.requests.len();
        let mut filled = 0;
        let (head, length) = loop {
            filled += self.read(filled).await?;
            if let Some(found) = self.parse(filled)? {
                break found;
            }
        };
        let mut rest = (head + length).checked_sub(filled).ok_or_else(|| malformed("more than one response"))?;
        while rest > 0 {
            rest = rest.checked_sub(self.read(0).await?).ok_or_else(|| malformed("more than one response"))?;
        }
        Ok(())
    }

    async fn read(&mut self, from: usize) -> io::Result<usize> {
        match self.stream.read(&mut self.buffer[from..]).await? {
            0 => Err(io::ErrorKind::UnexpectedEof.into()),
            count => Ok(count),
        }
    }

    /// The lengths of head and body, once the head is complete.
    fn parse(&mut self, filled: usize) -> io::Result<Option<(usize, usize)>> {
        let mut fields = [httparse::EMPTY_HEADER; 32];
        let mut response = httparse::Response::new(&mut fields);
        let httparse::Status::Complete(head) = response.parse(&self.buffer[..filled]).map_err(malformed)? else {
            return Ok(None);
        };
        if response.code != Some(200) {
            return Err(malformed(format!("status {:?}", response.code)));
        }
        let number = |name: &str| {
            let field = response.headers.iter().find(|field| field.name.eq_ignore_ascii_case(name))?;
            std::str::from_utf8(field.value).ok()?.parse::<u64>().ok()
        };
        let length = number("content-length").ok_or_else(|| malformed("no length"))?;
        self.indices.extend(number("fibonacci-index"));
        if self.head.is_empty() {
            self.head.extend_from_slice(&self.buffer[..head]);
        }
        Ok(Some((head, usize::try_from(length).map_err(malformed)?)))
    }
}

fn malformed(what: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, what)
}
