//! The memory of responses in flight: what they hold from the moment they are made until the system has transmitted them.

use std::cell::Cell;
use std::fmt;
use std::pin::pin;
use std::rc::Rc;
use std::time::Duration;

use tokio::sync::Notify;
use tokio::time::timeout;

use super::waiters::Waiters;

/// The most bytes of one response that the system holds on its way to a client that does not read.
pub(crate) const SOCKET_BYTES: usize = 256 * 1024;

/// What a connection takes besides its responses, in bytes, at most: buffers and state of this process, and the input that the
/// system holds for it.
pub(crate) const CONNECTION_BYTES: usize = 64 * 1024;

/// How often a request that waits for room asks for it. It asks repeatedly, because slow clients can be cut only after a while.
const INTERVAL: Duration = Duration::from_millis(250);

/// How much memory all responses in flight hold, and how much that may be.
#[derive(Debug)]
pub(crate) struct InFlight {
    budget: usize,
    held: Cell<usize>,
    count: Cell<u64>,
    /// Connections that are served.
    connections: Cell<usize>,
    /// Requests that wait for room: the one that came last is told when a response gives room back.
    waiting: Waiters,
    /// Told when a request finds no room.
    wanted: Notify,
}

/// What responses in flight hold now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Load {
    /// Responses in flight.
    pub(crate) responses: u64,
    /// The bytes that they hold.
    pub(crate) bytes: u64,
}

impl InFlight {
    /// Responses in flight may hold `budget` bytes.
    pub(crate) fn new(budget: usize) -> Self {
        Self {
            budget,
            held: Cell::new(0),
            count: Cell::new(0),
            connections: Cell::new(0),
            waiting: Waiters::default(),
            wanted: Notify::new(),
        }
    }

    /// `count` connections are being served now.
    pub(crate) fn set_connections(&self, count: usize) {
        self.connections.set(count);
    }

    /// The bytes that the connections may take besides their responses.
    pub(crate) fn connection_bytes(&self) -> usize {
        self.connections.get().saturating_mul(CONNECTION_BYTES)
    }

    pub(crate) fn load(&self) -> Load {
        Load { responses: self.count.get(), bytes: self.held.get() as u64 }
    }

    /// Reserves `bytes` of this process's memory, and what the system holds of a body of `length` bytes, for one more response.
    /// A response alone may exceed the budget.
    ///
    /// # Errors
    /// [`OverBudget`] where the responses in flight leave no room for it.
    pub(crate) fn reserve(self: &Rc<Self>, bytes: usize, length: usize) -> Result<Reservation, OverBudget> {
        if !self.has_room(bytes, length) {
            return Err(OverBudget);
        }
        let bytes = bytes.saturating_add(length.min(SOCKET_BYTES));
        self.held.set(self.held.get().saturating_add(bytes));
        self.count.set(self.count.get() + 1);
        // There may be room for another one.
        self.tell_of_room();
        Ok(Reservation { in_flight: Rc::clone(self), bytes })
    }

    /// Whether [`reserve`](Self::reserve) would succeed. The connections take their part of the budget, but never more than a
    /// quarter of it: idle ones must not keep all responses out of a small budget.
    pub(crate) fn has_room(&self, bytes: usize, length: usize) -> bool {
        let held = self.held.get();
        let more = bytes.saturating_add(length.min(SOCKET_BYTES));
        let budget = self.budget - self.connection_bytes().min(self.budget / 4);
        held == 0 || held.saturating_add(more) <= budget
    }

    /// Whether a text of `bytes` bytes may stay in memory while nobody asks for it: if it leaves most of the budget to
    /// responses, and in any case room for one of `length` bytes of it.
    pub(crate) fn may_be_kept(&self, bytes: usize, length: usize) -> bool {
        let with_response = bytes.saturating_add(length.min(SOCKET_BYTES));
        bytes <= self.budget / 4 && with_response <= self.budget - self.budget / 4
    }

    /// Whether more than half of the budget is used, so that a request may have to wait.
    pub(crate) fn is_crowded(&self) -> bool {
        self.held.get() > self.budget / 2
    }

    /// Waits until there may be room, and asks for it from time to time.
    pub(crate) async fn wait_for_room(&self) {
        // The future is kept, so that the request keeps its position in the queue.
        let mut freed = pin!(self.waiting.changed());
        loop {
            self.wanted.notify_one();
            if timeout(INTERVAL, &mut freed).await.is_ok() {
                return;
            }
        }
    }

    /// Asks for room, as a request that waits for it does.
    pub(crate) fn want_room(&self) {
        self.wanted.notify_one();
    }

    /// Wakes one of the requests that wait for room: the one that came last. If more requests come than can be served, all of
    /// them would otherwise wait in vain.
    fn tell_of_room(&self) {
        self.waiting.notify_last();
    }

    /// Ready when a request has found no room.
    pub(crate) async fn room_wanted(&self) {
        self.wanted.notified().await;
    }
}

/// A share of the budget, given back when this is dropped.
#[derive(Debug)]
pub(crate) struct Reservation {
    in_flight: Rc<InFlight>,
    bytes: usize,
}

impl Reservation {
    /// The system has taken the whole response: gives back all but what the system may hold of a body of `length` bytes.
    pub(crate) fn shrink_to_socket(&mut self, length: usize) {
        self.give_back(self.bytes.saturating_sub(length.min(SOCKET_BYTES)));
    }

    fn give_back(&mut self, bytes: usize) {
        let all = &self.in_flight;
        self.bytes -= bytes;
        all.held.set(all.held.get() - bytes);
        all.tell_of_room();
    }
}

impl Drop for Reservation {
    fn drop(&mut self) {
        self.in_flight.count.set(self.in_flight.count.get() - 1);
        self.give_back(self.bytes);
    }
}

/// The responses in flight hold as much memory as they may.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct OverBudget;

impl fmt::Display for OverBudget {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the responses in flight hold as much memory as they may")
    }
}

impl std::error::Error for OverBudget {}

#[cfg(test)]
mod tests {
    use super::*;
    use std::cell::RefCell;
    use tokio::task::spawn_local;
    use tokio::time::{Instant, sleep};

    fn load(all: &InFlight) -> (u64, u64) {
        let Load { responses, bytes } = all.load();
        (responses, bytes)
    }

    #[test]
    fn one_alone_may_exceed_the_budget_and_others_wait() {
        let all = Rc::new(InFlight::new(100));
        let long = all.reserve(1000, 0).expect("it is alone");
        assert_eq!(all.reserve(1, 0).expect_err("no room"), OverBudget);
        assert_eq!(load(&all), (1, 1000));
        drop(long);
        let half = all.reserve(50, 0).expect("room");
        drop(all.reserve(50, 0).expect("room"));
        assert_eq!(all.reserve(51, 0).expect_err("no room"), OverBudget);
        assert_eq!(all.reserve(usize::MAX, 1).expect_err("no room"), OverBudget);
        drop(half);
        assert_eq!(load(&all), (0, 0));
    }

    #[test]
    fn connections_take_up_to_a_quarter_of_the_budget() {
        let all = Rc::new(InFlight::new(8 * CONNECTION_BYTES));
        let _one = all.reserve(1, 0).expect("it is alone");
        for (connections, room) in [(0, 8), (1, 7), (2, 6), (3, 6), (usize::MAX, 6)] {
            all.set_connections(connections);
            assert!(all.has_room(room * CONNECTION_BYTES - 1, 0), "{connections}");
            assert!(!all.has_room(room * CONNECTION_BYTES, 0), "{connections}");
        }
    }

    #[test]
    fn what_the_system_holds_counts_until_it_is_transmitted() {
        let all = Rc::new(InFlight::new(usize::MAX));
        let mut short = all.reserve(10, 10).expect("room");
        let mut long = all.reserve(1_000_000, 2_000_000).expect("room");
        assert_eq!(load(&all), (2, 1_000_020 + SOCKET_BYTES as u64));
        short.shrink_to_socket(10);
        long.shrink_to_socket(2_000_000);
        assert_eq!(load(&all), (2, 10 + SOCKET_BYTES as u64));
        drop(long);
        assert_eq!(load(&all), (1, 10));
        drop(short);
        assert_eq!(load(&all), (0, 0));
    }

    #[tokio::test(start_paused = true)]
    async fn whoever_waits_for_room_is_told_of_it_and_asks_for_it() {
        let all = Rc::new(InFlight::new(100));
        let whole = all.reserve(100, 0).expect("room");
        let wait = async {
            all.wait_for_room().await;
            Instant::now()
        };
        let make_room = async {
            all.room_wanted().await;
            sleep(INTERVAL / 2).await;
            drop(whole);
            Instant::now()
        };
        let (told, dropped) = tokio::join!(wait, make_room);
        assert_eq!(told, dropped);
    }

    #[tokio::test(start_paused = true)]
    async fn whoever_waits_asks_again_and_again() {
        let all = InFlight::new(100);
        let start = Instant::now();
        let ask = async {
            for _ in 0..4 {
                all.room_wanted().await;
            }
            start.elapsed()
        };
        let took = tokio::select! { () = all.wait_for_room() => panic!("there is none"), took = ask => took };
        assert_eq!(took, INTERVAL * 3);
    }

    #[tokio::test(flavor = "local", start_paused = true)]
    async fn the_last_to_come_is_told_first_however_long_others_wait() {
        let all = Rc::new(InFlight::new(100));
        let whole = all.reserve(100, 0).expect("room");
        let told = Rc::new(RefCell::new(Vec::new()));
        for number in 0..3 {
            let (all, told) = (Rc::clone(&all), Rc::clone(&told));
            spawn_local(async move {
                sleep(INTERVAL / 3 * number).await;
                all.wait_for_room().await;
                told.borrow_mut().push(number);
            });
        }
        sleep(INTERVAL * 10).await;
        drop(whole);
        sleep(INTERVAL).await;
        assert_eq!(*told.borrow(), [2]);
        // What is left of the room is for the next one.
        let _rest = all.reserve(1, 0).expect("room");
        sleep(INTERVAL).await;
        assert_eq!(*told.borrow(), [2, 1]);
    }
}
