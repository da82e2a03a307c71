//! Arbitrary bytes, splits, pauses and closes over in-memory connections to the real service. The service must not panic or
//! hang, it may answer 5xx only as a refusal, and the position must move exactly with the numbers that `/` and `/stream` give.
//! Numbers by index must be right, and move nothing.
#![no_main]

mod input;
mod responses;

use std::alloc::System;
use std::rc::Rc;
use std::time::Duration;

use cap::Cap;
use fib_http::http::Service;
use fib_http::net::{self, GracefulShutdown, Watcher};
use fib_http::sequence::memory::{Reading, SystemMemory, Threshold};
use fib_http::sequence::{OnMemoryLimit, Sequence};
use libfuzzer_sys::fuzz_target;
use tokio::io::{AsyncReadExt, AsyncWriteExt, DuplexStream, duplex};
use tokio::task::{JoinHandle, LocalSet};
use tokio::time::timeout;

use input::{Action, Fragment, Input, Start};
use responses::numbers;

#[global_allocator]
static ALLOCATOR: Cap<System> = Cap::new(System, usize::MAX);

fuzz_target!(|input: Input| {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().start_paused(true).build();
    let runtime = runtime.expect("a runtime");
    LocalSet::new().block_on(&runtime, exchange(&input));
    ALLOCATOR.set_limit(usize::MAX).expect("no limit");
});

/// Connections at a time.
const CONNECTIONS: usize = 3;

/// Virtual time that is longer than any time-out of the service. A connection that takes longer hangs.
const HANGS: Duration = Duration::from_secs(24 * 60 * 60);

/// Virtual time after which the service may cut a client that does not read, in milliseconds: at most the write time-out.
const CUT_FROM: u64 = 60_000;

/// Bytes that are left when memory is short: enough for hyper, but less than the headroom that the service demands.
const SHORT_BYTES: usize = 900 * 1024;

struct Connection {
    client: DuplexStream,
    server: JoinHandle<()>,
    received: Vec<u8>,
    /// Whether the client has ended its sending side.
    closed: bool,
}

impl Connection {
    fn open(service: &Rc<Service>, shutdown: Watcher, buffer: usize) -> Self {
        let (client, server) = duplex(buffer);
        let server = tokio::task::spawn_local(net::serve_stream(server, Rc::clone(service), shutdown));
        Self { client, server, received: Vec::new(), closed: false }
    }

    async fn send(&mut self, bytes: &[u8]) {
        if !self.closed {
            // If the service does not read, bytes that do not fit the buffer are dropped.
            let _ = timeout(Duration::from_millis(1), self.client.write_all(bytes)).await;
        }
    }

    async fn read(&mut self, most: usize) {
        let mut piece = vec![0; most];
        if let Ok(Ok(count)) = timeout(Duration::from_millis(1), self.client.read(&mut piece)).await {
            self.received.extend_from_slice(&piece[..count]);
        }
    }

    async fn half_close(&mut self) {
        if !self.closed {
            self.closed = true;
            self.client.shutdown().await.expect("in memory");
        }
    }
}

async fn exchange(input: &Input<'_>) {
    let start = match input.start {
        Start::Zero => 0,
        Start::Small(index) => index.into(),
        Start::Long(index) => 1_254_250 + u64::from(index),
    };
    let memory = SystemMemory::with_readings(Threshold::new(50.0).expect("valid"), || Reading::of_machine(0, u64::MAX));
    let sequence = Sequence::start_at(start, memory, OnMemoryLimit::Refuse).expect("near");
    let service = Rc::new(Service::new(sequence));
    // `None` once the service stops.
    let mut graceful = Some(GracefulShutdown::new());
    let buffer = match input.start {
        Start::Long(_) => 256 + usize::from(input.buffer),
        _ => 1 + usize::from(input.buffer) % 4_096,
    };

    let mut connections: Vec<_> = (0..CONNECTIONS).map(|_| None).collect();
    let (mut short, mut refuses, mut lost, mut waited, mut endless) = (false, false, 0, 0, false);
    let mut seen = Vec::new();
    for &action in &input.actions {
        let limit = if short { ALLOCATOR.allocated() + SHORT_BYTES } else { usize::MAX };
        ALLOCATOR.set_limit(limit).expect("more than is in use");
        match action {
            Action::Send(which, fragment) => {
                let slot = &mut connections[usize::from(which) % CONNECTIONS];
                // A service that stops accepts no connection.
                if slot.is_none() {
                    *slot = graceful.as_ref().map(|graceful| Connection::open(&service, graceful.watcher(), buffer));
                }
                let Some(connection) = slot else { continue };
                refuses |= matches!(fragment, Fragment::Prefetch | Fragment::Bytes(_));
                endless |= matches!(fragment, Fragment::Stream(0) | Fragment::Bytes(_));
                connection.send(&fragment.bytes()).await;
            }
            Action::Read(which, most) => {
                if let Some(connection) = &mut connections[usize::from(which) % CONNECTIONS] {
                    connection.read(most.into()).await;
                }
            }
            Action::HalfClose(which) => {
                if let Some(connection) = &mut connections[usize::from(which) % CONNECTIONS] {
                    connection.half_close().await;
                }
            }
            Action::Drop(which) => {
                if let Some(connection) = connections[usize::from(which) % CONNECTIONS].take() {
                    // The service may be sending responses, which are lost.
                    lost += 1;
                    let Connection { client, server, received, .. } = connection;
                    drop(client);
                    timeout(HANGS, server).await.expect("it ends").expect("no panic");
                    numbers(&received, false, refuses, &mut seen);
                }
            }
            Action::Wait(milliseconds) => {
                waited += u64::from(milliseconds);
                tokio::time::sleep(Duration::from_millis(milliseconds.into())).await;
            }
            Action::Short(now) => {
                short = now;
                refuses = true;
            }
            Action::Stop => {
                service.stop();
                service.end_streams();
                if let Some(graceful) = graceful.take() {
                    tokio::task::spawn_local(graceful.shutdown());
                }
                refuses = true;
            }
        }
    }
    ALLOCATOR.set_limit(usize::MAX).expect("no limit");
    // Each send and each read waits for a millisecond at most.
    let cut = waited + 2 * input.actions.len() as u64 >= CUT_FROM;
    lost += i32::from(cut);
    if endless {
        // From now on all that the service has to send is read. A request for a stream that follows is refused.
        service.end_streams();
        refuses = true;
    }
    for mut connection in connections.into_iter().flatten() {
        connection.half_close().await;
        let rest = connection.client.read_to_end(&mut connection.received);
        timeout(HANGS, rest).await.expect("it answers").expect("in memory");
        timeout(HANGS, connection.server).await.expect("it ends").expect("no panic");
        numbers(&connection.received, !cut, refuses, &mut seen);
    }

    // No number comes twice, and none is skipped.
    seen.sort_unstable();
    let moved = service.index() - start;
    assert!(seen.windows(2).all(|pair| pair[0] < pair[1]), "a number twice: {seen:?}");
    assert!(
        seen.iter().all(|index| (start..service.index()).contains(index)),
        "{seen:?} of {start}..{}",
        service.index()
    );
    assert!(seen.len() as u64 == moved || lost > 0, "{moved} consumed, seen {seen:?}");
}
