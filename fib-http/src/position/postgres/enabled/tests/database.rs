//! A database in memory, whose connections break at the worst moments.

use std::cell::{Cell, RefCell};
use std::collections::BTreeMap;
use std::io;
use std::rc::Rc;
use std::time::Duration;

use tokio::sync::Notify;
use tokio::time::sleep;

use crate::position::Position;
use crate::position::postgres::enabled::session::{Attached, Batch, Connect, Failure, Session};

/// A generator of numbers that look random (splitmix64).
#[derive(Debug)]
pub(super) struct Chance(Cell<u64>);

impl Chance {
    pub(super) fn below(&self, bound: u64) -> u64 {
        self.0.set(self.0.get().wrapping_add(0x9e37_79b9_7f4a_7c15));
        let mut z = self.0.get();
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (z ^ (z >> 31)) % bound
    }
}

#[derive(Clone, Copy, Debug)]
pub(super) struct ReplicaRow {
    pub(super) session: i64,
    pub(super) batch: Batch,
}

/// The rows of a database.
#[derive(Clone, Debug, Default)]
pub(super) struct Rows {
    pub(super) next: Option<Position>,
    pub(super) replicas: BTreeMap<i64, ReplicaRow>,
}

/// A statement that takes a batch.
#[derive(Clone, Copy, Debug)]
pub(super) struct Take {
    pub(super) replica: i64,
    pub(super) session: i64,
    pub(super) number: i64,
    pub(super) count: u64,
}

impl Rows {
    pub(super) fn take(&mut self, Take { replica, session, number, count }: Take) -> Option<Position> {
        let row = self.replicas.get_mut(&replica).filter(|row| row.session == session)?;
        let first = self.next?;
        self.next = Some(Position { index: first.index + count, ..first });
        row.batch = Batch { number, first, count };
        Some(first)
    }
}

/// A database, and what goes wrong with it.
#[derive(Debug)]
pub(super) struct Database {
    pub(super) rows: RefCell<Rows>,
    pub(super) chance: Chance,
    /// One in so many statements fails in some way; never if 0.
    pub(super) faults: Cell<u64>,
    /// Statements whose connections are broken, and which have not been executed yet.
    on_their_way: RefCell<Vec<Take>>,
    /// Nobody can connect.
    pub(super) is_down: Cell<bool>,
    /// Ends all connections.
    pub(super) cut: Notify,
    /// How many indices each statement took.
    pub(super) counts: RefCell<Vec<u64>>,
}

impl Database {
    pub(super) fn new(seed: u64, faults: u64) -> Rc<Self> {
        Rc::new(Self {
            rows: RefCell::default(),
            chance: Chance(Cell::new(seed)),
            faults: Cell::new(faults),
            on_their_way: RefCell::default(),
            is_down: Cell::new(false),
            cut: Notify::new(),
            counts: RefCell::default(),
        })
    }

    fn fails(&self) -> bool {
        self.faults.get() > 0 && self.chance.below(self.faults.get()) == 0
    }

    /// A while, in which statements that are on their way may arrive.
    async fn latency(&self) {
        sleep(Duration::from_micros(self.chance.below(2000))).await;
        if self.chance.below(4) == 0 {
            let take = self.on_their_way.borrow_mut().pop();
            take.map(|take| self.rows.borrow_mut().take(take));
        }
    }

    fn broken<T>() -> Result<T, Failure> {
        Err(Failure::Broken(io::Error::other("a fault")))
    }
}

pub(super) struct Connector(pub(super) Rc<Database>);

pub(super) struct Connection {
    database: Rc<Database>,
    replica: i64,
    session: i64,
}

impl Connect for Connector {
    type Session = Connection;

    async fn connect(&mut self, replica: i64, start: Position) -> Result<(Connection, Attached), Failure> {
        let database = Rc::clone(&self.0);
        database.latency().await;
        if database.is_down.get() || database.fails() {
            return Database::broken();
        }
        let none = Batch { number: 0, first: Position::default(), count: 0 };
        let row = {
            let mut rows = database.rows.borrow_mut();
            let row = rows.replicas.entry(replica).or_insert(ReplicaRow { session: 0, batch: none });
            row.session += 1;
            *row
        };
        database.latency().await;
        if database.fails() {
            return Database::broken();
        }
        let next = *database.rows.borrow_mut().next.get_or_insert(start);
        let attached = Attached { batch: (row.batch.number > 0).then_some(row.batch), next };
        Ok((Connection { database, replica, session: row.session }, attached))
    }
}

impl Session for Connection {
    async fn take(&mut self, number: i64, count: u64) -> Result<Option<Position>, Failure> {
        let Self { replica, session, .. } = *self;
        let take = Take { replica, session, number, count };
        self.database.counts.borrow_mut().push(count);
        self.database.latency().await;
        if self.database.is_down.get() {
            return Database::broken();
        }
        if self.database.fails() {
            match self.database.chance.below(4) {
                0 => return Err(Failure::Conflict),
                // It never arrives.
                1 => {}
                // It arrives, and its answer does not.
                2 => drop(self.database.rows.borrow_mut().take(take)),
                // It arrives later.
                _ => self.database.on_their_way.borrow_mut().push(take),
            }
            return Database::broken();
        }
        let first = self.database.rows.borrow_mut().take(take);
        self.database.latency().await;
        Ok(first)
    }

    async fn raise(&mut self, position: Position) -> Result<(), Failure> {
        self.database.latency().await;
        if self.database.is_down.get() || self.database.fails() {
            return Database::broken();
        }
        let mut rows = self.database.rows.borrow_mut();
        rows.next = rows.next.max(Some(position));
        Ok(())
    }

    async fn leave(&mut self, first: Position, next: Position) -> Result<bool, Failure> {
        let mut rows = self.database.rows.borrow_mut();
        rows.replicas.remove(&self.replica);
        let is_last = rows.next == Some(next);
        if is_last {
            rows.next = Some(first);
        }
        Ok(is_last)
    }

    async fn closed(&mut self) -> io::Error {
        self.database.cut.notified().await;
        io::Error::other("cut")
    }
}
