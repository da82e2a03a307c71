//! What a connection is at, as far as others need to know.

use std::cell::Cell;

use tokio::time::Instant;

/// The state of one connection, shared by those who move it along: the socket's side tells what comes in and what cannot
/// go out, the service's side which requests are being answered.
#[derive(Debug)]
pub(crate) struct Seat {
    /// Requests whose responses are not all with the system yet.
    answering: Cell<u32>,
    /// No request has come yet.
    fresh: Cell<bool>,
    /// Input has come of which no request has become yet.
    reading: Cell<bool>,
    /// The client does not take what is written.
    pub(crate) stalled: Cell<bool>,
    /// All is written, and the client may still be sending what nobody reads.
    pub(crate) lingering: Cell<bool>,
    /// A response was given before its request had been read to its end.
    pub(crate) unread: Cell<bool>,
    /// Since when no request is being answered.
    since: Cell<Instant>,
}

impl Seat {
    pub(crate) fn new() -> Self {
        Self {
            answering: Cell::new(0),
            fresh: Cell::new(true),
            reading: Cell::new(false),
            stalled: Cell::new(false),
            lingering: Cell::new(false),
            unread: Cell::new(false),
            since: Cell::new(Instant::now()),
        }
    }

    /// Input has come.
    pub(crate) fn heard(&self) {
        self.reading.set(true);
    }

    /// What has come so far is a request.
    pub(crate) fn asked(&self) {
        self.fresh.set(false);
        self.reading.set(false);
        self.answering.set(self.answering.get() + 1);
    }

    /// The response is with the system, or given up.
    pub(crate) fn answered(&self, now: Instant) {
        self.answering.set(self.answering.get() - 1);
        self.since.set(now);
    }

    /// Whether a request has begun to come in, and nothing else happens.
    pub(crate) fn is_reading(&self) -> bool {
        self.reading.get() && !self.is_busy()
    }

    /// Whether something would be lost if the connection were cut.
    pub(crate) fn is_busy(&self) -> bool {
        self.answering.get() > 0 || self.stalled.get() || self.lingering.get()
    }

    /// Whether this connection has more to say than the end of a connection.
    pub(crate) fn expects_input(&self) -> bool {
        self.unread.get() || self.reading.get()
    }

    /// When the last response was with the system, or the connection began.
    pub(crate) fn since(&self) -> Instant {
        self.since.get()
    }

    /// Since when it could make room for another, and whether a request is awaited: its first one, or the rest of one;
    /// `None` while it is needed.
    pub(crate) fn spare(&self) -> Option<(bool, Instant)> {
        let awaited = self.fresh.get() || self.reading.get();
        (!self.is_busy() || self.is_only_lingering()).then(|| (awaited, self.since.get()))
    }

    fn is_only_lingering(&self) -> bool {
        self.lingering.get() && self.answering.get() == 0 && !self.stalled.get()
    }
}
