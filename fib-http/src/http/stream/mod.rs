//! The numbers of a stream.
//!
//! A stream hands over one frame at a time and takes the next numbers when the system has all of that frame. A frame has the
//! numbers that fit into [`FRAME_BYTES`], so that many short ones are one write. A longer number takes several frames. All
//! numbers of a stream belong to one pass: when that is over, the stream ends. Where other processes share the position, each
//! number needs a turn, and a frame has one number.

mod form;
mod frame;
#[cfg(test)]
mod tests;

use std::cell::{Cell, RefCell};
use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use bytes::Buf;
use fib_core::Decimal;
use tokio::time::{Instant, Sleep, sleep};
use tracing::debug;

pub(crate) use self::form::Form;
pub(crate) use self::frame::Frame;
use self::frame::{LongNumber, Progress};
use crate::http::exchange::Exchange;
use crate::position::{Position, Unavailable};
use crate::sequence::{Reservation, Sequence, Shortage, Turn};

/// The most bytes of short numbers that are taken at once.
pub(crate) const FRAME_BYTES: usize = 16 * 1024;

/// The time between two attempts while no number is available.
const RETRY: Duration = Duration::from_millis(250);

/// The time between two comments to a client that waits.
const HEARTBEAT: Duration = Duration::from_secs(15);

/// How long a client waits for a number. Then the response ends without its last chunk, so that the client sees that it is
/// not whole.
const LONGEST_WAIT: Duration = Duration::from_secs(60);

/// Waits for a turn.
type Asked = dyn Future<Output = Result<Turn, Unavailable>>;

/// The body of a response that has one number after the other.
pub(crate) struct NumberStream {
    sequence: Rc<RefCell<Sequence>>,
    form: Form,
    /// How many numbers are still to be given; `None` for as many as there are.
    rest: Option<u64>,
    /// How many have been given.
    given: u64,
    /// The pass of all of its numbers.
    pass: u64,
    /// No further frame follows.
    is_over: bool,
    /// Whether the service ends all streams.
    are_ending: Rc<Cell<bool>>,
    /// The frame that is handed over next, if it is there already.
    first: Option<Frame>,
    progress: Rc<Progress>,
    waiting: Option<Waiting>,
    /// Whether each number needs a turn.
    is_shared: bool,
    /// The turn that has been asked for.
    turn: Option<Pin<Box<Asked>>>,
    /// The memory of a frame of short numbers. A long number has its own; a stream that still held this one beside it would
    /// never be alone, and so could not exceed the budget.
    room: Option<Reservation>,
}

/// A client that waits for a number.
struct Waiting {
    since: Instant,
    told: Instant,
    retry: Pin<Box<Sleep>>,
}

/// A stream that could not go on.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Interrupted;

impl fmt::Display for Interrupted {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the stream could not go on: no number was available for a minute")
    }
}

impl std::error::Error for Interrupted {}

impl NumberStream {
    /// A stream of `count` numbers, or of as many as there are. It ends when `are_ending` says so. `room` is for one frame.
    pub(crate) fn new(
        sequence: Rc<RefCell<Sequence>>,
        form: Form,
        count: Option<u64>,
        are_ending: Rc<Cell<bool>>,
        room: Reservation,
    ) -> Self {
        let is_shared = sequence.borrow().is_shared();
        Self {
            sequence,
            form,
            rest: count,
            given: 0,
            pass: 0,
            is_over: false,
            are_ending,
            first: None,
            progress: Rc::default(),
            waiting: None,
            is_shared,
            turn: None,
            room: Some(room),
        }
    }

    /// Takes the first numbers, and tells where they begin. Where the position is shared, the caller has a turn.
    ///
    /// # Errors
    /// The shortage, and nothing was taken.
    pub(crate) fn begin(&mut self) -> Result<Position, Shortage> {
        loop {
            let position = self.sequence.borrow().position();
            self.pass = position.pass;
            // There is no frame if the shortage that the first number found has started a new pass.
            self.first = self.take()?;
            if self.first.is_some() {
                return Ok(position);
            }
        }
    }

    /// Records what is sent in `exchange`, which ends with the stream.
    pub(crate) fn set_exchange(&self, mut exchange: Box<Exchange>) {
        exchange.add_numbers(self.given);
        *self.progress.exchange.borrow_mut() = Some(exchange);
    }

    /// The next frame; `None` at the end of the stream. Pending while a frame is on its way to the system.
    pub(crate) fn poll_frame(&mut self, context: &mut Context<'_>) -> Poll<Option<Result<Frame, Interrupted>>> {
        if self.progress.is_sending.get() {
            self.progress.waker.set(Some(context.waker().clone()));
            return Poll::Pending;
        }
        if let Some(frame) = self.first.take().or_else(|| self.go_on_with_long()) {
            return self.hand_over(frame);
        }
        while !self.is_over && self.rest != Some(0) && !self.are_ending.get() {
            match ready!(self.poll_take(context)) {
                Ok(Some(frame)) => {
                    self.waiting = None;
                    return self.hand_over(frame);
                }
                Ok(None) => self.is_over = true,
                Err(shortage) => {
                    if let Some(done) = ready!(self.poll_wait(&shortage, context)) {
                        return match done {
                            Ok(frame) => self.hand_over(frame),
                            Err(interrupted) => Poll::Ready(Some(Err(interrupted))),
                        };
                    }
                }
            }
        }
        Poll::Ready(None)
    }

    fn hand_over(&self, frame: Frame) -> Poll<Option<Result<Frame, Interrupted>>> {
        self.progress.is_sending.set(true);
        self.progress.with_exchange(|exchange| exchange.lengthen(frame.remaining()));
        Poll::Ready(Some(Ok(frame)))
    }

    /// [`take`](Self::take), after the wait for a turn if it needs one.
    fn poll_take(&mut self, context: &mut Context<'_>) -> Poll<Result<Option<Frame>, Shortage>> {
        if !self.is_shared {
            return Poll::Ready(self.take());
        }
        let mut asked: Pin<Box<Asked>> = match self.turn.take() {
            Some(asked) => asked,
            None => Box::pin(self.sequence.borrow_mut().turn()?),
        };
        let Poll::Ready(turn) = asked.as_mut().poll(context) else {
            self.turn = Some(asked);
            return Poll::Pending;
        };
        // If no number is taken after all, the turn goes to the next request.
        let _turn = turn?;
        Poll::Ready(self.take())
    }

    /// Takes the numbers of one frame, or one long number. `None` if the pass is over, and nothing was taken.
    fn take(&mut self) -> Result<Option<Frame>, Shortage> {
        let sequence = Rc::clone(&self.sequence);
        let mut sequence = sequence.borrow_mut();
        let first = sequence.position().index;
        if !self.fits(first, 0) {
            return self.take_long(&mut sequence);
        }
        let mut text = Vec::new();
        text.try_reserve_exact(FRAME_BYTES)?;
        let mut count = 0;
        let most = if self.is_shared { Some(1) } else { self.rest };
        while most != Some(count) && self.fits(sequence.position().index, text.len()) {
            let (index, before) = (sequence.position().index, text.len());
            let taken = sequence.take_of_pass(self.pass, |number| {
                text.truncate(before);
                self.form.write(index, number, &mut text);
                Ok(())
            });
            match taken {
                Ok(Some(_)) => count += 1,
                not_taken => {
                    text.truncate(before);
                    if count > 0 {
                        // What there is goes out first.
                        break;
                    }
                    return not_taken.map(|_| None);
                }
            }
        }
        self.given(count);
        Ok(Some(Frame::of_numbers(text, self.form, first, count, &self.progress)))
    }

    /// Whether F(`index`) fits into a frame behind `length` bytes.
    fn fits(&self, index: u64, length: usize) -> bool {
        let room = FRAME_BYTES.saturating_sub(length + self.form.most_bytes_around());
        Decimal::digits_for(index) <= room as u64
    }

    fn take_long(&mut self, sequence: &mut Sequence) -> Result<Option<Frame>, Shortage> {
        self.room = None;
        let Some(number) = sequence.take_whole_of_pass(self.pass)? else { return Ok(None) };
        let index = number.position.index;
        let long = LongNumber { index, digits: Some(number.digits), _reservation: number.reservation };
        *self.progress.long.borrow_mut() = Some(long);
        self.given(1);
        let mut start = Vec::new();
        self.form.write_start(index, &mut start);
        Ok(if start.is_empty() { self.go_on_with_long() } else { Some(Frame::of_text(start, false, &self.progress)) })
    }

    /// The next frame of a long number, if one is being sent.
    fn go_on_with_long(&self) -> Option<Frame> {
        let mut long = self.progress.long.borrow_mut();
        let digits = long.as_mut()?.digits.take();
        Some(match digits {
            Some(digits) => Frame::of_digits(digits, &self.progress),
            None => Frame::of_text(self.form.end(), true, &self.progress),
        })
    }

    fn given(&mut self, count: u64) {
        self.rest = self.rest.map(|rest| rest - count);
        self.given += count;
        self.progress.with_exchange(|exchange| exchange.add_numbers(count));
    }

    /// Waits before the next try. Ready with `None` when it is time for that, with a heartbeat when it is time for one, or with
    /// an error when the client has waited for too long.
    fn poll_wait(
        &mut self,
        shortage: &Shortage,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame, Interrupted>>> {
        let now = Instant::now();
        let waiting = self.waiting.get_or_insert_with(|| {
            debug!("a stream waits: {shortage}");
            Waiting { since: now, told: now, retry: Box::pin(sleep(RETRY)) }
        });
        if now.duration_since(waiting.since) >= LONGEST_WAIT {
            self.progress.with_exchange(|exchange| exchange.refuse("stream"));
            return Poll::Ready(Some(Err(Interrupted)));
        }
        if now.duration_since(waiting.told) >= HEARTBEAT
            && let Some(heartbeat) = self.form.heartbeat()
        {
            waiting.told = now;
            return Poll::Ready(Some(Ok(Frame::of_text(heartbeat, false, &self.progress))));
        }
        if matches!(shortage, Shortage::InFlight(_)) {
            self.sequence.borrow().in_flight().want_room();
        }
        if waiting.retry.deadline() <= now {
            waiting.retry.as_mut().reset(now + RETRY);
        }
        ready!(waiting.retry.as_mut().poll(context));
        Poll::Ready(None)
    }
}

impl fmt::Debug for NumberStream {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("NumberStream").field("form", &self.form).field("rest", &self.rest).finish_non_exhaustive()
    }
}
