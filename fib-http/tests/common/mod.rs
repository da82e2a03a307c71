//! A server in a thread, the program in a process, and a client that sends and sees raw bytes.
#![allow(dead_code, reason = "each test file uses a part")]

use std::future::{Future, pending};
use std::io::{self, BufRead, BufReader, Read, Write};
use std::net::{Ipv6Addr, SocketAddr, TcpListener, TcpStream};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use clap::Parser;
use fib_http::net::listen;
use fib_http::sequence::memory::{Reading, SystemMemory, Threshold};
use fib_http::{Config, Error};
use tokio::sync::oneshot;

/// How long a test waits before it takes the program to hang. Nothing takes that long on the slowest machine.
pub(crate) const PATIENCE: Duration = Duration::from_secs(120);

pub(crate) const GET: &str = "GET / HTTP/1.1\r\nHost: localhost\r\n\r\n";

/// Whether this machine has IPv6. Prints a message where it has not, since less is tested then.
pub(crate) fn has_ipv6() -> bool {
    let has = TcpListener::bind((Ipv6Addr::LOCALHOST, 0)).is_ok();
    if !has {
        eprintln!("this machine has no IPv6: only 127.0.0.1 is tested");
    }
    has
}

/// A reading of a machine with 1,000,000 bytes of memory.
pub(crate) fn used(bytes: u64) -> Reading {
    Reading::of_machine(bytes, 1_000_000)
}

/// Asks again and again until it is so.
#[track_caller]
pub(crate) fn wait_until(what: &str, mut so: impl FnMut() -> bool) {
    let deadline = Instant::now() + PATIENCE;
    while !so() {
        assert!(Instant::now() < deadline, "never: {what}");
        thread::sleep(Duration::from_millis(50));
    }
}

/// A server in a thread of this process, at a free port of both loopback addresses.
pub(crate) struct Server {
    pub(crate) addresses: Vec<SocketAddr>,
    stop: oneshot::Sender<()>,
    thread: JoinHandle<Result<u64, Error>>,
}

impl Server {
    /// Starts it with flags and unlimited memory.
    pub(crate) fn start(flags: &[&str]) -> Self {
        Self::with_readings(flags, || Reading::of_machine(0, u64::MAX))
    }

    /// Starts it with flags, made-up memory readings and a threshold of 50 %.
    pub(crate) fn with_readings(flags: &[&str], readings: impl FnMut() -> Reading + Send + 'static) -> Self {
        Self::on("localhost", flags, readings)
    }

    /// The same, at a free port of all addresses of `host`.
    pub(crate) fn on(host: &str, flags: &[&str], readings: impl FnMut() -> Reading + Send + 'static) -> Self {
        let config = Config::parse_from(["fib-http"].iter().chain(flags));
        let listeners = listen::bind(&[host], 0).expect("a free port");
        let addresses = listeners.iter().map(|l| l.local_addr().expect("bound")).collect();
        let (stop, stopped) = oneshot::channel();
        let thread = thread::spawn(move || {
            let half = Threshold::new(50.0).expect("valid");
            let memory = SystemMemory::with_readings(half, readings);
            fib_http::run(&config, memory, listeners, || Ok(signal_at(stopped)))
        });
        Self { addresses, stop, thread }
    }

    pub(crate) fn connect(&self) -> Client {
        Client::connect(self.addresses[0])
    }

    /// Stops it; returns the index of the next number.
    pub(crate) fn stop(self) -> u64 {
        self.stop.send(()).expect("it waits for that");
        self.thread.join().expect("no panic").expect("no error")
    }
}

/// A source of one signal, which comes when `stopped` is ready.
fn signal_at(stopped: impl Future + Unpin) -> impl AsyncFnMut() -> &'static str {
    let mut stopped = Some(stopped);
    async move || {
        match &mut stopped {
            Some(waiting) => waiting.await,
            None => pending().await,
        };
        stopped = None;
        "a test"
    }
}

/// The program in a process of its own, which is killed when this value is dropped.
pub(crate) struct Program {
    child: Child,
    lines: Receiver<String>,
    pub(crate) log: Vec<String>,
    pub(crate) port: u16,
}

impl Program {
    /// The command that starts the program, without the flags that this process's environment may hold.
    pub(crate) fn command(flags: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_fib-http"));
        command.args(flags);
        Self::without_twins(command)
    }

    /// Starts it at a free port with an address space of `kib` KiB, and waits until it listens.
    pub(crate) fn start_within(kib: u64, flags: &[&str]) -> Self {
        let mut command = Command::new("sh");
        command
            .args(["-c", "ulimit -v \"$1\" && shift && exec \"$@\"", "sh", &kib.to_string()])
            .arg(env!("CARGO_BIN_EXE_fib-http"))
            .args(flags)
            .arg("--port=0");
        Self::run(&mut Self::without_twins(command)).expect("it listens")
    }

    fn without_twins(mut command: Command) -> Command {
        for (name, _) in std::env::vars_os() {
            if name.to_string_lossy().starts_with("FIB_HTTP_") {
                command.env_remove(name);
            }
        }
        command
    }

    /// Starts it at a free port and waits until it listens.
    pub(crate) fn start(flags: &[&str]) -> Self {
        Self::run(&mut Self::command(&[flags, &["--port=0"]].concat())).expect("it listens")
    }

    /// Runs a command and waits until the program listens, or returns what it wrote before it ended.
    pub(crate) fn run(command: &mut Command) -> Result<Self, String> {
        Self::run_at(command, "127.0.0.1")
    }

    /// The same for a program that listens at another address.
    pub(crate) fn run_at(command: &mut Command, address: &str) -> Result<Self, String> {
        let mut child = command.stderr(Stdio::piped()).spawn().expect("it starts");
        let stderr = BufReader::new(child.stderr.take().expect("piped"));
        let (sender, lines) = channel();
        // Reads to the end, so that the program never waits for somebody to read.
        thread::spawn(move || stderr.lines().map_while(Result::ok).try_for_each(|line| sender.send(line)));
        let mut program = Self { child, lines, log: Vec::new(), port: 0 };
        let address = format!("listening on http://{address}:");
        match program.wait_for(&address) {
            Some(line) => {
                let (_, port) = line.split_once(&address).expect("found");
                let digits = port.find(|c: char| !c.is_ascii_digit()).unwrap_or(port.len());
                program.port = port[..digits].parse().expect("a port");
                Ok(program)
            }
            None => Err(program.log.join("\n")),
        }
    }

    /// The first line from now on that contains `text`; `None` if the program ends before.
    pub(crate) fn wait_for(&mut self, text: &str) -> Option<String> {
        loop {
            match self.lines.recv_timeout(PATIENCE) {
                Ok(line) => {
                    self.log.push(line.clone());
                    if line.contains(text) {
                        return Some(line);
                    }
                }
                Err(RecvTimeoutError::Disconnected) => return None,
                Err(RecvTimeoutError::Timeout) => panic!("no '{text}' in {:?}", self.log),
            }
        }
    }

    pub(crate) fn connect(&self) -> Client {
        Client::connect(([127, 0, 0, 1], self.port).into())
    }

    /// A figure of /proc/PID/status in KiB.
    pub(crate) fn status_kib(&self, name: &str) -> u64 {
        status_kib(self.child.id(), name).expect("it runs")
    }

    pub(crate) fn id(&self) -> u32 {
        self.child.id()
    }

    /// A figure of /metrics.
    pub(crate) fn metric(&self, name: &str) -> f64 {
        self.connect().exchange("GET /metrics HTTP/1.1\r\nHost: localhost\r\n\r\n").metric(name)
    }

    pub(crate) fn threads(&self) -> usize {
        let tasks = std::fs::read_dir(format!("/proc/{}/task", self.child.id()));
        tasks.expect("it runs").count()
    }

    /// Sends a signal by its name, such as INT.
    pub(crate) fn signal(&self, name: &str) {
        let kill = format!("kill -{name} {}", self.child.id());
        let sent = Command::new("sh").args(["-c", &kill]).status().expect("a shell");
        assert!(sent.success(), "{kill}");
    }

    /// Ends it at once.
    pub(crate) fn kill(&mut self) {
        self.child.kill().expect("it runs");
        self.child.wait().expect("it was started");
    }

    /// Waits for its end; the lines that it wrote are in `log` then.
    pub(crate) fn wait(&mut self) -> ExitStatus {
        assert_eq!(self.wait_for("\0 is in no line"), None);
        self.child.wait().expect("it was started")
    }
}

impl Drop for Program {
    fn drop(&mut self) {
        // Fails where it has ended already.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// A figure of /proc/PID/status in KiB; `None` if the process has ended.
pub(crate) fn status_kib(id: u32, name: &str) -> Option<u64> {
    let status = std::fs::read_to_string(format!("/proc/{id}/status")).ok()?;
    let line = status.lines().find(|line| line.starts_with(name))?;
    line.split_whitespace().nth(1)?.parse().ok()
}

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
