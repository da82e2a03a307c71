//! How long a client may take to send its request, to read its response, and to end its connection.

use std::future::Future;
use std::io::{self, IoSlice};
use std::mem::MaybeUninit;
use std::pin::{Pin, pin};
use std::rc::Rc;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::task::yield_now;
use tokio::time::{Instant, Sleep, sleep_until};

use crate::seat::Seat;

/// Bytes per second that a client must take, on average, once it has been slow.
pub(crate) const MINIMUM_RATE: u64 = 1024;

/// Bytes that a connection writes before others have their turn. A client that reads as fast as the service writes would
/// otherwise keep it for as long as its response is.
const TURN_BYTES: usize = 1 << 20;

/// A response up to this length goes to the system as one piece: to copy it costs less than `writev` does more than `send`.
const SHORT_BYTES: usize = 1024;

/// How long a connection that has been shut down waits for its client in silence, and in all.
const LINGER_SILENCE: Duration = Duration::from_secs(2);
const LINGER_TOTAL: Duration = Duration::from_secs(30);

/// A connection whose client may not take its time for ever.
///
/// The head of a request has to be there a keep-alive time after the last response, or after the connection's begin; a
/// connection may be idle as long, which is the same to it. hyper would set a timer for that at each request; here there is
/// one that is set again when it is over, which most often is never.
///
/// A client that takes nothing for the write timeout is cut. So that a byte now and then does not hold a connection for ever,
/// what is taken counts by its length: each [`MINIMUM_RATE`] bytes give a second, up to the whole timeout again. As long as
/// a client keeps up there is no clock and no timer.
///
/// The end lingers: where the client may still be sending, its input is read and thrown away until it ends the connection.
/// Otherwise the system would answer that input with a reset, and a reset takes the response back from a client that has
/// not read it yet.
pub(crate) struct Patient<I> {
    io: I,
    seat: Rc<Seat>,
    keep_alive: Duration,
    write_timeout: Duration,
    /// Bytes written since others had their turn.
    turn: usize,
    /// When the client is cut; `None` while it keeps up.
    deadline: Option<Instant>,
    /// When the end of a connection is not waited for any longer; `None` before it is shut down.
    farewell: Option<Instant>,
    /// The only timer, made when it is needed first. It may be early, then it is set again; it is never late.
    timer: Option<Pin<Box<Sleep>>>,
}

impl<I> Patient<I> {
    pub(crate) fn new(io: I, seat: Rc<Seat>, keep_alive: Duration, write_timeout: Duration) -> Self {
        Self { io, seat, keep_alive, write_timeout, turn: 0, deadline: None, farewell: None, timer: None }
    }

    /// Ready when `deadline` is over.
    fn poll_deadline(&mut self, deadline: Instant, context: &mut Context<'_>) -> Poll<()> {
        let timer = self.timer.get_or_insert_with(|| Box::pin(sleep_until(deadline)));
        if timer.deadline() > deadline {
            timer.as_mut().reset(deadline);
        }
        loop {
            ready!(timer.as_mut().poll(context));
            if Instant::now() >= deadline {
                return Poll::Ready(());
            }
            timer.as_mut().reset(deadline);
        }
    }

    /// Ready unless it is the others' turn; they have had it when this is asked again.
    fn poll_turn(&mut self, context: &mut Context<'_>) -> Poll<()> {
        if self.turn < TURN_BYTES {
            return Poll::Ready(());
        }
        self.turn = 0;
        // Lets the runtime look for input first, which waking the task would not.
        pin!(yield_now()).poll(context)
    }

    /// What becomes of an attempt to write: a client that takes nothing is waited for, but not for ever.
    fn judge(&mut self, written: Poll<io::Result<usize>>, context: &mut Context<'_>) -> Poll<io::Result<usize>> {
        if let Poll::Ready(Ok(count)) = &written {
            self.turn += count;
        }
        match (&written, self.deadline) {
            (Poll::Ready(Ok(count)), Some(deadline)) => {
                let latest = Instant::now() + self.write_timeout;
                let earned = Duration::from_secs_f64(*count as f64 / MINIMUM_RATE as f64);
                let deadline = Some(deadline + earned).filter(|&deadline| deadline < latest);
                self.deadline = deadline;
                self.seat.stalled.set(deadline.is_some());
            }
            (Poll::Pending, _) => {
                let deadline = *self.deadline.get_or_insert_with(|| Instant::now() + self.write_timeout);
                self.seat.stalled.set(true);
                ready!(self.poll_deadline(deadline, context));
                return Poll::Ready(Err(io::Error::new(io::ErrorKind::TimedOut, "the client does not read")));
            }
            _ => {}
        }
        written
    }
}

impl<I: AsyncRead + Unpin> Patient<I> {
    /// Throws input away until the client ends the connection, is silent, or takes too long.
    fn poll_linger(&mut self, farewell: Instant, context: &mut Context<'_>) -> Poll<()> {
        let mut space = [MaybeUninit::<u8>::uninit(); 8192];
        let mut waited = self.seat.expects_input();
        loop {
            let mut input = ReadBuf::uninit(&mut space);
            match Pin::new(&mut self.io).poll_read(context, &mut input) {
                Poll::Ready(Ok(())) if !input.filled().is_empty() => {
                    let now = Instant::now();
                    if now >= farewell {
                        return Poll::Ready(());
                    }
                    // Where there was input, more may be on its way.
                    self.seat.unread.set(true);
                    self.deadline = Some(farewell.min(now + LINGER_SILENCE));
                    waited = true;
                }
                Poll::Pending if waited => {
                    self.seat.lingering.set(true);
                    let silence = || Instant::now() + LINGER_SILENCE;
                    let deadline = *self.deadline.get_or_insert_with(silence);
                    return self.poll_deadline(deadline, context);
                }
                Poll::Ready(_) | Poll::Pending => return Poll::Ready(()),
            }
        }
    }
}

impl<I: AsyncRead + Unpin> AsyncRead for Patient<I> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let before = buffer.filled().len();
        let result = Pin::new(&mut self.io).poll_read(context, buffer);
        if buffer.filled().len() > before {
            self.seat.heard();
        }
        if result.is_pending() && !self.seat.is_busy() {
            let deadline = self.seat.since() + self.keep_alive;
            ready!(self.poll_deadline(deadline, context));
            return Poll::Ready(Err(io::Error::new(io::ErrorKind::TimedOut, "no request has come")));
        }
        result
    }
}

impl<I: AsyncRead + AsyncWrite + Unpin> AsyncWrite for Patient<I> {
    fn poll_write(mut self: Pin<&mut Self>, context: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        ready!(self.poll_turn(context));
        let written = Pin::new(&mut self.io).poll_write(context, bytes);
        self.judge(written, context)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        slices: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        ready!(self.poll_turn(context));
        let mut space = [MaybeUninit::<u8>::uninit(); SHORT_BYTES];
        let mut joined = ReadBuf::uninit(&mut space);
        let io = Pin::new(&mut self.io);
        let written = if slices.iter().map(|slice| slice.len()).sum::<usize>() <= SHORT_BYTES {
            slices.iter().for_each(|slice| joined.put_slice(slice));
            io.poll_write(context, joined.filled())
        } else {
            io.poll_write_vectored(context, slices)
        };
        self.judge(written, context)
    }

    fn is_write_vectored(&self) -> bool {
        self.io.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.io).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        let farewell = match self.farewell {
            Some(farewell) => farewell,
            None => {
                ready!(Pin::new(&mut self.io).poll_shutdown(context))?;
                self.deadline = None;
                self.seat.stalled.set(false);
                *self.farewell.insert(Instant::now() + LINGER_TOTAL)
            }
        };
        self.poll_linger(farewell, context).map(Ok)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::cell::Cell;
    use std::future::pending;
    use tokio::io::{AsyncReadExt, AsyncWriteExt, DuplexStream, duplex};
    use tokio::time::{sleep, timeout};

    const KEEP_ALIVE: Duration = Duration::from_secs(30);
    const TIMEOUT: Duration = Duration::from_secs(60);
    const HOUR: Duration = Duration::from_secs(3600);

    /// Both ends of a connection that holds `capacity` bytes each way.
    fn pair(capacity: usize) -> (Patient<DuplexStream>, DuplexStream, Rc<Seat>) {
        let (server, client) = duplex(capacity);
        let seat = Rc::new(Seat::new());
        (Patient::new(server, Rc::clone(&seat), KEEP_ALIVE, TIMEOUT), client, seat)
    }

    /// Writes for ever; tells after how many seconds it could not.
    async fn write(mut io: Patient<DuplexStream>) -> u64 {
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
        let (io, _client, seat) = pair(1024);
        assert_eq!(write(io).await, 60);
        assert!(seat.is_busy());
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
            let mut io = Patient::new(Sink, Rc::new(Seat::new()), KEEP_ALIVE, TIMEOUT);
            for _ in 0..160 {
                io.write_all(&[0; TURN_BYTES / 16]).await.expect("it takes all");
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
    async fn read(mut io: Patient<DuplexStream>) -> u64 {
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
        let (io, mut client, seat) = pair(1024);
        let answer = async {
            for _ in 0..10 {
                sleep(KEEP_ALIVE / 3).await;
                seat.asked();
                sleep(KEEP_ALIVE * 2).await;
                seat.answered(Instant::now());
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
        let (mut io, _client, seat) = pair(1024);
        let start = Instant::now();
        io.shutdown().await.expect("it ends");
        assert_eq!(start.elapsed(), Duration::ZERO);
        assert!(!seat.is_busy());
    }

    #[tokio::test(start_paused = true)]
    async fn what_nobody_reads_is_thrown_away_before_the_end() {
        let (mut io, mut client, seat) = pair(1024);
        seat.unread.set(true);
        let send = async {
            for _ in 0..20 {
                client.write_all(&[0; 4096]).await.expect("it is read");
                sleep(LINGER_SILENCE / 2).await;
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
        for (pause, least) in [(HOUR, LINGER_SILENCE), (LINGER_SILENCE / 2, LINGER_TOTAL)] {
            let (mut io, mut client, seat) = pair(1024);
            seat.unread.set(true);
            let start = Instant::now();
            let send = async {
                loop {
                    sleep(pause).await;
                    client.write_all(&[0; 4096]).await.expect("it is read");
                }
            };
            tokio::select! { result = io.shutdown() => result.expect("it ends"), () = send => {} }
            let took = start.elapsed();
            assert!(took >= least && took <= least + LINGER_SILENCE, "{took:?}");
        }
    }
}
