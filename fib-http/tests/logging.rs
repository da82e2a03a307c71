//! Messages on standard error: their format, and that nothing waits for them to be read.
#![cfg(unix)]

mod common;

use std::io::{BufRead, BufReader, Write};
use std::net::SocketAddr;
use std::os::fd::OwnedFd;
use std::os::unix::net::UnixStream;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::thread::sleep;
use std::time::{Duration, Instant};

use common::{Client, PATIENCE, Program};
use serde_json::Value;

#[test]
fn requests_can_be_logged_as_json() {
    let mut program = Program::start(&["--access-log", "--log-format=json", "--start=100"]);
    let mut client = program.connect();
    client.number();
    client.exchange("GET /nothing?a=b HTTP/1.1\r\nHost: localhost\r\n\r\n");
    drop(client);
    program.signal("TERM");
    assert!(program.wait().success());
    let lines: Vec<serde_json::Value> =
        program.log.iter().map(|line| serde_json::from_str(line).expect("JSON")).collect();
    let requests: Vec<_> = lines.iter().filter(|line| line["message"] == "request").collect();
    assert_eq!(requests[0]["status"], 200);
    assert_eq!(requests[0]["method"], "GET");
    assert_eq!((&requests[0]["target"], &requests[1]["target"]), (&"/".into(), &"/nothing?a=b".into()));
    assert_eq!((&requests[0]["length"], &requests[0]["sent"]), (&21.into(), &21.into()));
    assert!(requests[0]["microseconds"].is_u64(), "{}", requests[0]);
    assert!(requests[0]["span"]["peer"].as_str().is_some_and(|peer| peer.starts_with("127.0.0.1:")));
    let last = lines.last().expect("a line");
    assert_eq!(last["requests"], requests.len());
    assert!(last["message"].as_str().is_some_and(|message| message.contains("F(101)")), "{last}");
    // The digits are in no line.
    assert!(!program.log.concat().contains("354224848179261915075"));
}

#[test]
fn a_target_is_quoted_in_text() {
    let mut program = Program::start(&["--access-log"]);
    program.connect().exchange("GET /nothing?status=200 HTTP/1.1\r\nHost: localhost\r\n\r\n");
    program.signal("TERM");
    assert!(program.wait().success());
    assert!(program.log.iter().any(|line| line.contains(r#"target="/nothing?status=200""#)), "{:?}", program.log);
}

#[test]
fn an_error_at_the_start_is_json_too() {
    for (flags, status, text) in [
        (["--log-format=json", "--host=nothing.invalid"], 1, "nothing.invalid"),
        (["--log-format=json", "--port=x"], 2, "invalid value 'x' for '--port <PORT>'"),
        (["--log-format=json", "--nonsense"], 2, "--nonsense"),
        // At any level.
        (["--log-format=json", "--log-level=off"], 1, "FIB_HTTP_HOST"),
    ] {
        let mut command = Program::command(&flags);
        if text == "FIB_HTTP_HOST" {
            command.env("FIB_HTTP_HOST", "nothing.invalid");
        }
        let output = command.output().expect("it starts");
        assert_eq!(output.status.code(), Some(status), "{output:?}");
        let error: Value = serde_json::from_slice(&output.stderr).expect("one object");
        assert_eq!(error["level"], "ERROR");
        let message = error["message"].as_str().expect("a message");
        assert!(message.contains(text) || text == "FIB_HTTP_HOST" && message.contains("nothing.invalid"), "{message}");
        assert!(!message.contains("error:") && !message.contains('\n'), "{message}");
    }
    let mut command = Program::command(&[]);
    command.env("FIB_HTTP_LOG_FORMAT", "json").env("FIB_HTTP_PORT", "x");
    let error: Value = serde_json::from_slice(&command.output().expect("it starts").stderr).expect("one object");
    assert!(error["message"].as_str().is_some_and(|message| message.contains("FIB_HTTP_PORT")), "{error}");
    // The bad value of a flag kept the variable from being read.
    let mut command = Program::command(&["--port=x"]);
    command.env("FIB_HTTP_LOG_FORMAT", "json");
    let error: Value = serde_json::from_slice(&command.output().expect("it starts").stderr).expect("one object");
    assert!(error["message"].as_str().is_some_and(|message| message.contains("--port")), "{error}");
}

/// A program whose standard error is read only when a test wants it.
struct Unread {
    child: Child,
    address: SocketAddr,
}

impl Drop for Unread {
    fn drop(&mut self) {
        // Fails where it has ended already.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl Unread {
    /// Starts it with `stderr`, of which `reader` is the other end, and reads until it listens.
    fn start(stderr: impl Into<Stdio>, reader: &mut impl BufRead) -> Self {
        let flags = ["--host=127.0.0.1", "--port=0", "--access-log", "--log-format=json"];
        let child = Program::command(&flags).stderr(stderr).spawn().expect("it starts");
        let mut line = String::new();
        reader.read_line(&mut line).expect("a line");
        let (_, address) = line.split_once("http://").expect("it listens");
        let address = address.split('"').next().and_then(|address| address.parse().ok());
        Self { child, address: address.expect("an address") }
    }

    fn get(client: &mut Client, target: &str) -> common::Response {
        let response = client.exchange(format!("GET {target} HTTP/1.1\r\nHost: localhost\r\n\r\n"));
        assert_eq!(response.status, 200, "{}", response.head);
        response
    }

    /// Fills the pipe and checks that all goes on, that nothing is lost uncounted, and that no line is torn.
    fn outlive(mut self, mut reader: impl BufRead) {
        const REQUESTS: usize = 2_000;

        let mut client = Client::connect(self.address);
        // Lines of all lengths, so that the room ends in the middle of one.
        for request in 0..REQUESTS {
            Self::get(&mut client, &format!("/healthz?{}", "x".repeat(request * 7 % 6_000)));
        }
        let dropped = Self::get(&mut client, "/metrics").metric("fib_http_log_messages_dropped_total");
        assert!(dropped > 0.0);
        // When there is room again, their number comes first. A short message may have found room earlier.
        let mut lines = Vec::new();
        let mut requests = REQUESTS + 1;
        while (lines.iter().map(reports).sum::<u64>() as f64) < dropped {
            if lines.len() % 10 == 0 {
                Self::get(&mut client, "/healthz");
                requests += 1;
            }
            let mut line = String::new();
            reader.read_line(&mut line).expect("a line");
            lines.push(serde_json::from_str(&line).expect("a whole line"));
        }
        drop(client);
        let stopped = Command::new("sh").args(["-c", &format!("kill -TERM {}", self.child.id())]).status();
        assert!(stopped.expect("a shell").success());
        // What is left is read while it stops, so that the last line finds room.
        let mut rest = String::new();
        reader.read_to_string(&mut rest).expect("UTF-8");
        lines.extend(rest.lines().map(|line| serde_json::from_str(line).expect("a whole line")));
        assert_eq!(wait(&mut self.child).code(), Some(0));
        let reported: u64 = lines.iter().map(reports).sum();
        let logged = lines.iter().filter(|line| line["message"] == "request").count();
        assert_eq!(logged as u64 + reported, requests as u64);
        let last = lines.last().expect("a line");
        assert!(last["message"].as_str().is_some_and(|message| message.contains("F(0)")), "{last}");
    }
}

/// How many messages a line reports as dropped.
fn reports(line: &Value) -> u64 {
    let message = line["message"].as_str().expect("a message");
    message.split_once(" messages were dropped").map_or(0, |(count, _)| count.parse().expect("a number"))
}

fn wait(child: &mut Child) -> ExitStatus {
    let deadline = Instant::now() + PATIENCE;
    loop {
        if let Some(status) = child.try_wait().expect("a child") {
            return status;
        }
        if Instant::now() > deadline {
            let _ = child.kill();
            panic!("it does not end");
        }
        sleep(Duration::from_millis(1));
    }
}

#[test]
fn a_pipe_that_nobody_reads_stops_nothing() {
    let (reader, writer) = std::io::pipe().expect("a pipe");
    let mut reader = BufReader::new(reader);
    Unread::start(writer, &mut reader).outlive(reader);
}

#[test]
fn a_socket_that_nobody_reads_stops_nothing() {
    let (reader, writer) = UnixStream::pair().expect("sockets");
    reader.set_read_timeout(Some(PATIENCE)).expect("a time");
    let mut reader = BufReader::new(reader);
    Unread::start(OwnedFd::from(writer), &mut reader).outlive(reader);
}

/// A pipe that is full: its read end and its write end.
fn full_pipe() -> (std::io::PipeReader, std::io::PipeWriter) {
    let (reader, writer) = std::io::pipe().expect("a pipe");
    let mut copy = writer.try_clone().expect("a descriptor");
    // Waits for room until the reader is gone.
    std::thread::spawn(move || while copy.write_all(&[b' '; 4096]).is_ok() {});
    (reader, writer)
}

#[test]
fn an_error_that_cannot_be_written_ends_the_start_in_order() {
    // Nobody reads it, nobody can read it, the disk is full.
    let (reader, full) = full_pipe();
    let (gone, broken) = std::io::pipe().expect("a pipe");
    drop(gone);
    let device = std::fs::File::options().write(true).open("/dev/full").expect("a device");
    for stderr in [Stdio::from(full), Stdio::from(broken), Stdio::from(device)] {
        let mut child = Program::command(&["--host=nothing.invalid"]).stderr(stderr).spawn().expect("it starts");
        assert_eq!(wait(&mut child).code(), Some(1));
    }
    drop(reader);
}
