//! Clients that take nothing, little, or all; that send late; that do not end.

use super::*;
use crate::net::deadlines::MINIMUM_RATE;
use crate::net::fairness::QUANTUM_BYTES;
use crate::net::lingering;
use std::cell::Cell;
use std::future::pending;
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt, DuplexStream, duplex};
use tokio::task::yield_now;
use tokio::time::{Instant, sleep, timeout};

const KEEP_ALIVE: Duration = Duration::from_secs(30);
const TIMEOUT: Duration = Duration::from_secs(60);
const TIMEOUTS: Timeouts = Timeouts { keep_alive: KEEP_ALIVE, write: TIMEOUT };
const HOUR: Duration = Duration::from_secs(3600);

/// Both ends of a connection that holds `capacity` bytes each way.
fn pair(capacity: usize) -> (Transport<DuplexStream>, DuplexStream, Rc<Activity>) {
    let (server, client) = duplex(capacity);
    let activity = Rc::new(Activity::new());
    (Transport::new(server, Rc::clone(&activity), TIMEOUTS), client, activity)
}

/// Writes for ever; tells after how many seconds it could not.
async fn write(mut io: Transport<DuplexStream>) -> u64 {
    let start = Instant::now();
    let error = loop {
        if let Err(error) = io.write_all(&[0; 100]).await {
            break error;
        }
    };
    assert_eq!(error.kind(), io::ErrorKind::TimedOut);
    start.elapsed().as_secs()
}

/// Takes `count` bytes each `pause`.
async fn take(mut client: DuplexStream, count: usize, pause: Duration) -> u64 {
    let mut bytes = vec![0; count];
    loop {
        sleep(pause).await;
        client.read_exact(&mut bytes).await.expect("bytes");
    }
}

#[tokio::test(start_paused = true)]
async fn a_client_that_takes_nothing_is_cut() {
    let (io, _client, activity) = pair(1024);
    assert_eq!(write(io).await, 60);
    assert!(activity.is_busy());
}

#[tokio::test(start_paused = true)]
async fn a_byte_a_minute_is_not_enough() {
    let (io, client, _) = pair(1024);
    let seconds = tokio::select! { seconds = write(io) => seconds, never = take(client, 1, TIMEOUT / 2) => never };
    assert_eq!(seconds, 60);
}

#[tokio::test(start_paused = true)]
async fn a_client_that_is_slow_but_steady_is_not_cut() {
    let (io, client, _) = pair(256 * 1024);
    let count = 45 * usize::try_from(MINIMUM_RATE).expect("small");
    let pause = Duration::from_secs(44);
    let slow = async {
        tokio::select! { seconds = write(io) => seconds, never = take(client, count, pause) => never }
    };
    assert!(timeout(HOUR, slow).await.is_err());
}

#[tokio::test(start_paused = true)]
async fn a_client_below_the_rate_is_cut_in_the_end() {
    let (io, client, _) = pair(256 * 1024);
    let count = 22 * usize::try_from(MINIMUM_RATE).expect("small");
    let pause = Duration::from_secs(44);
    let slow = async {
        tokio::select! { seconds = write(io) => seconds, never = take(client, count, pause) => never }
    };
    let seconds = timeout(HOUR, slow).await.expect("it is cut");
    assert!(seconds > 60, "{seconds}");
}

/// Takes all that it is given at once.
struct Sink;

impl AsyncRead for Sink {
    fn poll_read(self: Pin<&mut Self>, _: &mut Context<'_>, _: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        Poll::Pending
    }
}

impl AsyncWrite for Sink {
    fn poll_write(self: Pin<&mut Self>, _: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        Poll::Ready(Ok(bytes.len()))
    }

    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }
}

#[tokio::test]
async fn a_client_that_reads_fast_does_not_keep_others_waiting() {
    let turns = Cell::new(0);
    let write = async {
        let mut io = Transport::new(Sink, Rc::new(Activity::new()), TIMEOUTS);
        for _ in 0..160 {
            io.write_all(&[0; QUANTUM_BYTES / 16]).await.expect("it takes all");
        }
    };
    let other = async {
        loop {
            turns.set(turns.get() + 1);
            yield_now().await;
        }
    };
    tokio::select! { biased; () = other => {}, () = write => {} }
    assert_eq!(turns.get(), 10);
}

/// Reads for ever; tells after how many seconds it could not.
async fn read(mut io: Transport<DuplexStream>) -> u64 {
    let start = Instant::now();
    let error = loop {
        match io.read_u8().await {
            Ok(_) => {}
            Err(error) => break error,
        }
    };
    assert_eq!(error.kind(), io::ErrorKind::TimedOut);
    start.elapsed().as_secs()
}

/// Sends a byte each `pause`.
async fn send(mut client: DuplexStream, pause: Duration) -> u64 {
    loop {
        client.write_u8(b'G').await.expect("it is read");
        sleep(pause).await;
    }
}

#[tokio::test(start_paused = true)]
async fn a_request_has_to_come_in_time() {
    let (io, _client, _) = pair(1024);
    assert_eq!(read(io).await, 30);
    // And all of it.
    let (io, client, _) = pair(1024);
    let seconds = tokio::select! { seconds = read(io) => seconds, never = send(client, KEEP_ALIVE / 7) => never };
    assert_eq!(seconds, 30);
}

#[tokio::test(start_paused = true)]
async fn the_time_for_a_request_begins_after_the_response_to_the_last_one() {
    let (io, mut client, activity) = pair(1024);
    let answer = async {
        for _ in 0..10 {
            sleep(KEEP_ALIVE / 3).await;
            let response = activity.request_arrived();
            sleep(KEEP_ALIVE * 2).await;
            drop(response);
            // hyper reads on after a response.
            client.write_u8(b'G').await.expect("it is read");
        }
        pending().await
    };
    let seconds = tokio::select! { seconds = read(io) => seconds, never = answer => never };
    assert_eq!(seconds, 10 * 70 + 30);
}

#[tokio::test(start_paused = true)]
async fn an_idle_connection_ends_at_once() {
    let (mut io, _client, activity) = pair(1024);
    let start = Instant::now();
    io.shutdown().await.expect("it ends");
    assert_eq!(start.elapsed(), Duration::ZERO);
    assert!(!activity.is_busy());
}

#[tokio::test(start_paused = true)]
async fn what_nobody_reads_is_thrown_away_before_the_end() {
    let (mut io, mut client, activity) = pair(1024);
    activity.leave_input_unread();
    let send = async {
        for _ in 0..20 {
            client.write_all(&[0; 4096]).await.expect("it is read");
            sleep(lingering::SILENCE / 2).await;
        }
        drop(client);
        Instant::now()
    };
    let end = async {
        io.shutdown().await.expect("it ends");
        Instant::now()
    };
    let (sent, ended) = tokio::join!(send, end);
    assert_eq!(sent, ended);
}

#[tokio::test(start_paused = true)]
async fn the_end_of_a_connection_is_not_waited_for_for_ever() {
    for (pause, least) in [(HOUR, lingering::SILENCE), (lingering::SILENCE / 2, lingering::TOTAL)] {
        let (mut io, mut client, activity) = pair(1024);
        activity.leave_input_unread();
        let start = Instant::now();
        let send = async {
            loop {
                sleep(pause).await;
                client.write_all(&[0; 4096]).await.expect("it is read");
            }
        };
        tokio::select! { result = io.shutdown() => result.expect("it ends"), () = send => {} }
        let took = start.elapsed();
        assert!(took >= least && took <= least + lingering::SILENCE, "{took:?}");
    }
}
