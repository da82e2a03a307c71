//! What a stream hands over at a time.

use std::cell::{Cell, RefCell};
use std::fmt;
use std::rc::Rc;
use std::task::Waker;

use bytes::{Buf, Bytes};

use super::form::Form;
use crate::http::exchange::Exchange;
use crate::sequence::{Digits, Reservation};

/// What a stream and its frame share.
#[derive(Default)]
pub(super) struct Progress {
    /// A frame is on its way to the system.
    pub(super) is_sending: Cell<bool>,
    /// Woken when the system has the frame, if the next one was asked for meanwhile.
    pub(super) waker: Cell<Option<Waker>>,
    /// Ends when both the stream and its last frame are gone.
    pub(super) exchange: RefCell<Option<Box<Exchange>>>,
    /// A number that takes several frames, from when it is consumed until the system has all of it.
    pub(super) long: RefCell<Option<LongNumber>>,
}

/// A number that is longer than a frame.
#[derive(Debug)]
pub(super) struct LongNumber {
    pub(super) index: u64,
    /// What has not been sent of its digits. `None` while a frame has them, and when there are no more.
    pub(super) digits: Option<Digits>,
    pub(super) _reservation: Reservation,
}

impl Progress {
    /// Calls `record` with the exchange, once that is known.
    pub(super) fn with_exchange(&self, record: impl FnOnce(&mut Exchange)) {
        if let Some(exchange) = &mut *self.exchange.borrow_mut() {
            record(exchange);
        }
    }
}

impl fmt::Debug for Progress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Progress").field("is_sending", &self.is_sending).finish_non_exhaustive()
    }
}

impl Drop for Progress {
    fn drop(&mut self) {
        if let (Some(long), Some(exchange)) = (self.long.get_mut(), self.exchange.get_mut()) {
            exchange.record_lost(long.index, 1);
        }
    }
}

/// A piece of a stream's text. hyper drops it when the system has all of it, or when the connection ends.
#[derive(Debug)]
pub(crate) struct Frame {
    text: Text,
    sent: usize,
    length: usize,
    progress: Rc<Progress>,
}

#[derive(Debug)]
enum Text {
    /// `count` whole numbers from the index `first` on.
    Numbers { text: Bytes, form: Form, first: u64, count: u64 },
    /// Something else: what is around a long number, or a heartbeat. `ends_number` says whether a long number ends with it.
    Other { text: Bytes, ends_number: bool },
    /// A window of digits of a long number. The whole of a frame is in one piece of memory, as hyper needs it.
    Window(Digits),
}

impl Frame {
    fn new(text: Text, length: usize, progress: &Rc<Progress>) -> Self {
        Self { text, sent: 0, length, progress: Rc::clone(progress) }
    }

    /// The text of `count` whole numbers from the index `first` on.
    pub(super) fn of_numbers(text: Vec<u8>, form: Form, first: u64, count: u64, progress: &Rc<Progress>) -> Self {
        let length = text.len();
        Self::new(Text::Numbers { text: text.into(), form, first, count }, length, progress)
    }

    /// Text that is no number.
    pub(super) fn of_text(text: impl Into<Bytes>, ends_number: bool, progress: &Rc<Progress>) -> Self {
        let text = text.into();
        let length = text.len();
        Self::new(Text::Other { text, ends_number }, length, progress)
    }

    /// The digits that are in memory of a long number, of which there is at least one.
    pub(super) fn of_digits(digits: Digits, progress: &Rc<Progress>) -> Self {
        let length = digits.chunk().len();
        Self::new(Text::Window(digits), length, progress)
    }

    /// Frees a long number whose last frame the system has. Its output is checked as it is sent, so nothing is left to count.
    fn end_number(&mut self) {
        if self.sent == self.length && matches!(self.text, Text::Other { ends_number: true, .. }) {
            drop(self.progress.long.take());
        }
    }
}

impl Buf for Frame {
    fn remaining(&self) -> usize {
        self.length - self.sent
    }

    fn chunk(&self) -> &[u8] {
        match &self.text {
            Text::Numbers { text, .. } | Text::Other { text, .. } => &text[self.sent..],
            Text::Window(digits) => {
                let chunk = digits.chunk();
                // After the last byte this is the next window.
                &chunk[..chunk.len().min(self.remaining())]
            }
        }
    }

    fn advance(&mut self, count: usize) {
        assert!(count <= self.remaining(), "cannot advance past the end");
        self.sent += count;
        if let Text::Window(digits) = &mut self.text {
            digits.advance(count);
        }
        self.progress.with_exchange(|exchange| exchange.record_sent(count));
    }
}

impl Drop for Frame {
    fn drop(&mut self) {
        self.end_number();
        self.progress.is_sending.set(false);
        if let Some(waker) = self.progress.waker.take() {
            waker.wake();
        }
        let is_sent = self.sent == self.length;
        match &mut self.text {
            Text::Numbers { text, form, first, count } if !is_sent => {
                let whole = form.whole_numbers(text, self.sent);
                self.progress.with_exchange(|exchange| exchange.record_lost(*first + whole, *count - whole));
            }
            Text::Window(digits) if is_sent && digits.has_remaining() => {
                if let Some(long) = &mut *self.progress.long.borrow_mut() {
                    long.digits = Some(std::mem::replace(digits, Digits::from(Vec::new())));
                }
            }
            _ => {}
        }
    }
}
