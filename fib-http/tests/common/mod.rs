//! A server in a thread, the program in a process, and a client that sends and sees raw bytes.
#![allow(dead_code, unused_imports, reason = "each test file uses a part")]

mod client;
mod program;

use std::future::{Future, pending};
use std::net::{Ipv6Addr, SocketAddr, TcpListener};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use clap::Parser;
use fib_http::net::listen;
use fib_http::sequence::memory::{Reading, SystemMemory, Threshold};
use fib_http::{Config, Error};
use tokio::sync::oneshot;

pub(crate) use self::client::{Client, Response};
pub(crate) use self::program::{Program, status_kib};

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
