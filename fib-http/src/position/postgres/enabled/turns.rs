//! The requests that wait for a position, and the positions that were taken for them.

use std::cell::{Cell, RefCell};
use std::collections::VecDeque;
use std::fmt;
use std::io;
use std::rc::Rc;

use tokio::sync::{Notify, oneshot};
use tracing::warn;

use crate::position::{Figures, Position, Unavailable};

/// What requests and the task that talks to the database share.
#[derive(Debug, Default)]
pub(super) struct Turns {
    start: Position,
    state: RefCell<State>,
    /// Wakes the task.
    pub(super) wake: Notify,
    /// Set while there is a session.
    pub(super) is_connected: Cell<bool>,
    /// Set when the process stops.
    pub(super) is_leaving: Cell<bool>,
    pub(super) figures: Cell<Figures>,
}

#[derive(Debug, Default)]
struct State {
    /// Positions that were taken and not given, in ascending order.
    taken: VecDeque<Position>,
    /// How many of them are promised to requests.
    promised: usize,
    waiting: VecDeque<oneshot::Sender<Turn>>,
    /// The position after all that this replica has taken, and at least any to which it has raised the database. What others
    /// have taken does not count: they may give it back.
    furthest: Position,
    /// The next position of all replicas when this one last learnt of it.
    seen: Position,
    /// The database is to be raised to this position. No position before it is to be given.
    raise: Option<Position>,
}

/// The right to take a position. If it is dropped without that, it goes to the next request.
pub struct Turn(Rc<Turns>);

impl fmt::Debug for Turn {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Turn").finish_non_exhaustive()
    }
}

impl Drop for Turn {
    fn drop(&mut self) {
        self.0.state.borrow_mut().promised -= 1;
        Turns::distribute(&self.0);
    }
}

impl Turns {
    /// Nothing is known yet. A new position begins at `start`.
    pub(super) fn new(start: Position) -> Rc<Self> {
        let turns = Self { start, ..Self::default() };
        Rc::new(turns)
    }

    /// Where the position begins if the database has none.
    pub(super) fn start(&self) -> Position {
        let state = self.state.borrow();
        self.start.max(state.furthest).max(state.seen)
    }

    /// A turn if a position is to be had now; otherwise it comes by the channel.
    pub(super) fn ask(this: &Rc<Self>) -> oneshot::Receiver<Turn> {
        let (sender, receiver) = oneshot::channel();
        this.state.borrow_mut().waiting.push_back(sender);
        Self::distribute(this);
        if this.demand() > 0 {
            this.wake.notify_one();
        }
        receiver
    }

    /// Waits until the process stops.
    pub(super) async fn leaving(&self) {
        while !self.is_leaving.get() {
            self.wake.notified().await;
        }
    }

    /// Gives turns to requests that wait, in the order in which they came, for as long as there are positions.
    fn distribute(this: &Rc<Self>) {
        loop {
            // A turn that is dropped borrows the state, so it must not be borrowed here.
            let next = this.state.borrow_mut().next_waiting();
            let Some(sender) = next else {
                return;
            };
            let _ = sender.send(Turn(Rc::clone(this)));
        }
    }

    /// How many positions are missing: one for each request that waits.
    pub(super) fn demand(&self) -> u64 {
        let mut state = self.state.borrow_mut();
        state.waiting.retain(|sender| !sender.is_closed());
        state.waiting.len() as u64
    }

    /// The position that is given next, or else the one that would be taken next if no other replica took one.
    pub(super) fn next(&self) -> Position {
        let state = self.state.borrow();
        let unknown = || state.raise.unwrap_or_default().max(state.furthest).max(state.seen);
        state.taken.front().copied().unwrap_or_else(unknown)
    }

    /// The position after all that this replica has taken. The database is never to be behind it.
    pub(super) fn furthest(&self) -> Position {
        self.state.borrow().furthest
    }

    /// Removes the position that is given next.
    ///
    /// # Errors
    /// [`Unavailable`] where none is taken.
    pub(super) fn take(&self) -> Result<Position, Unavailable> {
        let taken = self.state.borrow_mut().taken.pop_front();
        taken.ok_or_else(|| Unavailable::new(io::Error::other("no position has been taken from the database")))
    }

    /// Adds `count` positions from `first` on, which this replica has taken. Leaves out those that may have been given before,
    /// and returns whether there are such: then the database has gone back.
    pub(super) fn add(this: &Rc<Self>, first: Position, count: u64) -> bool {
        let mut state = this.state.borrow_mut();
        let (furthest, raise) = (state.furthest, state.raise);
        let end = first.index.saturating_add(count);
        let new = (first.index..end).map(|index| Position { index, ..first }).filter(|&position| position >= furthest);
        let mut skipped = 0;
        for position in new {
            if Some(position) < raise {
                skipped += 1;
            } else {
                state.taken.push_back(position);
            }
        }
        drop(state);
        this.count(|figures| figures.skipped += skipped);
        Self::distribute(this);
        let next = Position { index: end, ..first };
        this.saw(next);
        let mut state = this.state.borrow_mut();
        state.furthest = furthest.max(next);
        first < furthest
    }

    /// The next position of all replicas is `next`. Returns whether it has gone back; then the database is to be raised.
    pub(super) fn saw(&self, next: Position) -> bool {
        let mut state = self.state.borrow_mut();
        let has_gone_back = next < state.furthest;
        if has_gone_back {
            state.raise = state.raise.max(Some(state.furthest));
        }
        state.seen = next;
        has_gone_back
    }

    /// Goes on in the pass after the one of the next position, with all replicas. The positions in hand are skipped.
    ///
    /// # Errors
    /// [`Unavailable`] after the last pass.
    pub(super) fn start_pass(&self) -> Result<(), Unavailable> {
        let first = self.next().next_pass().ok_or_else(Unavailable::after_the_last)?;
        let mut state = self.state.borrow_mut();
        let before = state.taken.len();
        state.taken.retain(|&position| position >= first);
        let skipped = (before - state.taken.len()) as u64;
        state.raise = state.raise.max(Some(first));
        drop(state);
        self.count(|figures| figures.skipped += skipped);
        self.wake.notify_one();
        Ok(())
    }

    /// The position to which the database is to be raised.
    pub(super) fn to_raise(&self) -> Option<Position> {
        self.state.borrow().raise
    }

    /// The database has been raised to `position`.
    pub(super) fn raised(&self, position: Position) {
        let mut state = self.state.borrow_mut();
        state.furthest = state.furthest.max(position);
        if state.raise == Some(position) {
            state.raise = None;
        }
    }

    /// The positions that are left in hand, in ascending order, at the end.
    pub(super) fn rest(&self) -> Vec<Position> {
        self.state.borrow_mut().taken.drain(..).collect()
    }

    /// Counts and reports positions, in ascending order, that were in hand at the end and could not be given back.
    pub(super) fn skip(&self, left: &[Position]) {
        if let (Some(first), Some(last)) = (left.first(), left.last()) {
            let count = left.len() as u64;
            self.count(|figures| figures.skipped += count);
            warn!("{count} numbers from {first} to {last} were taken for requests that have gone, and are skipped");
        }
    }

    pub(super) fn count(&self, change: impl FnOnce(&mut Figures)) {
        let mut figures = self.figures.get();
        change(&mut figures);
        self.figures.set(figures);
    }
}

impl State {
    /// The next request that gets a turn. Those that have gone are passed over.
    fn next_waiting(&mut self) -> Option<oneshot::Sender<Turn>> {
        while self.taken.len() > self.promised {
            let sender = self.waiting.pop_front()?;
            if !sender.is_closed() {
                self.promised += 1;
                return Some(sender);
            }
        }
        None
    }
}
