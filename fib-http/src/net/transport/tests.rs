//! Clients that take nothing, little, or all; that send late; that do not end.

use super::*;
use crate::net::deadlines::{MAX_UNREAD_BYTES, MINIMUM_RATE};
use crate::net::fairness::QUANTUM_BYTES;
use crate::net::lingering;
use crate::net::stream::Opaque;
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
fn pair(capacity: usize) -> (Transport<Opaque<DuplexStream>>, DuplexStream, Rc<Activity>) {
    let (server, client) = duplex(capacity);
    let activity = Rc::new(Activity::new(Rc::default()));
    (Transport::new(Opaque(server), Rc::clone(&activity), TIMEOUTS), client, activity)
}

/// Writes for ever; tells after how many seconds it could not.
async fn write(mut io: Transport<Opaque<DuplexStream>>) -> u64 {
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
    // The bytes that are on their way earn a second.
    assert_eq!(write(io).await, 61);
    assert!(activity.is_busy() && activity.is_cut());
}

#[tokio::test(start_paused = true)]
async fn a_byte_a_minute_is_not_enough() {
    let (io, client, _) = pair(1024);
    let seconds = tokio::select! { seconds = write(io) => seconds, never = take(client, 1, TIMEOUT / 2) => never };
    assert_eq!(seconds, 61);
}

/// Takes `kib` KiB each `pause` of a long response, through buffers of 8 MiB. Tells after how many seconds it was cut, if it
/// was within two days.
async fn cut_after(kib: usize, pause: Duration) -> Option<u64> {
    let (io, client, _) = pair(8 << 20);
    let slow = async {
        tokio::select! { seconds = write(io) => seconds, never = take(client, kib << 10, pause) => never }
    };
    timeout(48 * HOUR, slow).await.ok()
}

#[tokio::test(start_paused = true)]
async fn a_client_that_reads_slowly_but_steadily_is_not_cut_whatever_its_steps() {
    for seconds in [1, 44, 1000, 7000] {
        let kib = usize::try_from(seconds * MINIMUM_RATE / 1024).expect("small");
        assert_eq!(cut_after(kib, Duration::from_secs(seconds)).await, None, "{seconds}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_client_below_the_rate_is_cut_in_the_end() {
    let seconds = cut_after(22, Duration::from_secs(44)).await.expect("it is cut");
    // It reads at half the rate, and 8 MiB are on their way to it.
    assert!((2 * 8192..3 * 8192).contains(&seconds), "{seconds}");
}

/// What is on its way to the client when it asks again is read first.
#[tokio::test(start_paused = true)]
async fn a_slow_client_that_asks_before_it_has_read_is_not_cut() {
    let (mut io, client, _) = pair(4 << 20);
    let slow = async {
        let responses = async {
            loop {
                io.write_all(&[0; 600_000]).await.expect("it is not cut");
                io.flush().await.expect("it is not cut");
            }
        };
        tokio::select! { never = responses => never, never = take(client, 100 << 10, Duration::from_secs(100)) => never }
    };
    assert!(timeout(48 * HOUR, slow).await.is_err());
}

#[tokio::test(start_paused = true)]
async fn what_a_client_has_read_long_ago_earns_no_time() {
    let (mut io, mut client, _) = pair(1024);
    let read = async {
        client.read_exact(&mut vec![0; 100 << 20]).await.expect("bytes");
        // Longer than it takes to read what the client may have had on its way.
        sleep(3 * HOUR).await;
        pending().await
    };
    let write = async {
        io.write_all(&vec![0; 100 << 20]).await.expect("it is read");
        io.flush().await.expect("it is read");
        sleep(3 * HOUR).await;
        write(io).await
    };
    let seconds = tokio::select! { seconds = write => seconds, never = read => never };
    assert!(seconds <= 61 + MAX_UNREAD_BYTES / MINIMUM_RATE, "{seconds}");
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
    let yields = Cell::new(0);
    let write = async {
        let mut io = Transport::new(Opaque(Sink), Rc::new(Activity::new(Rc::default())), TIMEOUTS);
        for _ in 0..160 {
            io.write_all(&[0; QUANTUM_BYTES / 16]).await.expect("it takes all");
        }
    };
    let other = async {
        loop {
            yields.set(yields.get() + 1);
            yield_now().await;
        }
    };
    tokio::select! { biased; () = other => {}, () = write => {} }
    assert_eq!(yields.get(), 10);
}

/// Reads for ever; tells after how many seconds it could not.
async fn read(mut io: Transport<Opaque<DuplexStream>>) -> u64 {
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
