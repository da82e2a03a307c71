//! The protocol over a database in memory, whose connections break at the worst moments.

use std::cell::{Cell, RefCell};
use std::collections::{BTreeMap, BTreeSet};
use std::io;
use std::rc::Rc;
use std::time::Duration;

use tokio::runtime::{Builder, LocalOptions};
use tokio::sync::Notify;
use tokio::task::{JoinHandle, spawn_local};
use tokio::time::{sleep, timeout};

use super::driver::Driver;
use super::session::{Attached, Batch, Connect, Failure, Session};
use super::turns::Turns;
use crate::position::Position;

/// A generator of numbers that look random (splitmix64).
#[derive(Debug)]
struct Chance(Cell<u64>);

impl Chance {
    fn below(&self, bound: u64) -> u64 {
        self.0.set(self.0.get().wrapping_add(0x9e37_79b9_7f4a_7c15));
        let mut z = self.0.get();
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (z ^ (z >> 31)) % bound
    }
}

#[derive(Clone, Copy, Debug)]
struct ReplicaRow {
    session: i64,
    batch: Batch,
}

/// The rows of a database.
#[derive(Clone, Debug, Default)]
struct Rows {
    next: Option<Position>,
    replicas: BTreeMap<i64, ReplicaRow>,
}

/// A statement that takes a batch.
#[derive(Clone, Copy, Debug)]
struct Take {
    replica: i64,
    session: i64,
    number: i64,
    count: u64,
}

impl Rows {
    fn take(&mut self, Take { replica, session, number, count }: Take) -> Option<Position> {
        let row = self.replicas.get_mut(&replica).filter(|row| row.session == session)?;
        let first = self.next?;
        self.next = Some(Position { index: first.index + count, ..first });
        row.batch = Batch { number, first, count };
        Some(first)
    }
}

/// A database, and what goes wrong with it.
#[derive(Debug)]
struct Database {
    rows: RefCell<Rows>,
    chance: Chance,
    /// One in so many statements fails in some way; never if 0.
    faults: Cell<u64>,
    /// Statements whose connections are broken, and which have not been executed yet.
    on_their_way: RefCell<Vec<Take>>,
    /// Nobody can connect.
    is_down: Cell<bool>,
    /// Ends all connections.
    cut: Notify,
    /// How many indices each statement took.
    counts: RefCell<Vec<u64>>,
}

impl Database {
    fn new(seed: u64, faults: u64) -> Rc<Self> {
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

struct Connector(Rc<Database>);

struct Connection {
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

/// A replica, and what it gave.
struct Replica {
    turns: Rc<Turns>,
    task: JoinHandle<()>,
    given: Rc<RefCell<Vec<Position>>>,
}

impl Replica {
    fn start(database: &Rc<Database>, replica: i64) -> Self {
        let turns = Turns::new(Position { pass: 0, index: 7 });
        let driver = Driver::new(Rc::clone(&turns), Connector(Rc::clone(database)), replica);
        Self { turns, task: spawn_local(driver.run(None)), given: Rc::default() }
    }

    /// A request that waits for at most so long.
    fn request(&self, patience: Duration) -> JoinHandle<Option<Position>> {
        let (turns, given) = (Rc::clone(&self.turns), Rc::clone(&self.given));
        spawn_local(async move {
            let turn = timeout(patience, Turns::ask(&turns)).await.ok()?.expect("the task lives");
            let position = turns.take().ok()?;
            given.borrow_mut().push(position);
            drop(turn);
            Some(position)
        })
    }

    async fn get(&self) -> Position {
        self.request(Duration::from_secs(60)).await.expect("no panic").expect("in time")
    }

    async fn stop(self) -> (Vec<Position>, u64) {
        self.turns.is_leaving.set(true);
        self.turns.wake.notify_one();
        self.task.await.expect("no panic");
        (self.given.take(), self.turns.figures.get().skipped)
    }
}

/// Runs a test where time passes at once.
fn run(test: impl Future<Output = ()>) {
    let mut runtime = Builder::new_current_thread();
    runtime.enable_time().start_paused(true);
    runtime.build_local(LocalOptions::default()).expect("a runtime").block_on(test);
}

fn at(index: u64) -> Position {
    Position { pass: 0, index }
}

#[test]
fn a_new_position_begins_at_the_start_and_requests_are_served_in_order() {
    run(async {
        let database = Database::new(0, 0);
        let replica = Replica::start(&database, 1);
        assert_eq!(replica.get().await, at(7));
        let requests: Vec<_> = (0..5).map(|_| replica.request(Duration::from_secs(1))).collect();
        for (request, index) in requests.into_iter().zip(8..) {
            assert_eq!(request.await.expect("no panic"), Some(at(index)));
        }
        assert_eq!(*database.counts.borrow(), [1, 5], "those that wait share a statement");
        assert_eq!(replica.turns.figures.get().statements, 2);
    });
}

#[test]
fn a_position_whose_request_has_gone_goes_to_the_next_one() {
    run(async {
        let database = Database::new(0, 0);
        let replica = Replica::start(&database, 1);
        replica.get().await;
        // Gone before the statement is sent.
        drop(Turns::ask(&replica.turns));
        assert_eq!(replica.get().await, at(8));
        // Gone while it is on its way.
        let gone = Turns::ask(&replica.turns);
        tokio::task::yield_now().await;
        drop(gone);
        sleep(Duration::from_secs(1)).await;
        assert_eq!(replica.turns.next(), at(9));
        // Gone with its turn.
        drop(Turns::ask(&replica.turns).await);
        assert_eq!(replica.get().await, at(9));
        assert_eq!(*database.counts.borrow(), [1, 1, 1]);
    });
}

#[test]
fn no_position_comes_twice_and_none_is_skipped_whatever_breaks() {
    for seed in 0..300 {
        run(async move {
            let database = Database::new(seed, 2 + seed % 7);
            let replicas: Vec<_> = (1..4).map(|replica| Replica::start(&database, replica)).collect();
            let mut requests = Vec::new();
            for _ in 0..200 {
                let replica = &replicas[usize::try_from(database.chance.below(3)).expect("small")];
                let patience = Duration::from_micros(database.chance.below(20_000));
                requests.push(replica.request(patience));
                if database.chance.below(3) == 0 {
                    sleep(Duration::from_micros(database.chance.below(3000))).await;
                }
                if database.chance.below(50) == 0 {
                    database.cut.notify_waiters();
                }
            }
            for request in requests {
                request.await.expect("no panic");
            }
            database.faults.set(0);
            for replica in &replicas {
                // It has looked up its last batch then.
                replica.get().await;
            }
            let mut taken = Vec::new();
            for replica in &replicas {
                let given = replica.given.borrow();
                assert!(given.is_sorted(), "seed {seed}: {given:?}");
                taken.extend(given.iter().copied());
                taken.extend(replica.turns.rest());
            }
            taken.sort_unstable();
            let end = database.rows.borrow().next.expect("it exists").index;
            let expected: Vec<_> = (7..end).map(at).collect();
            assert_eq!(taken, expected, "seed {seed}");
        });
    }
}

#[test]
fn a_statement_that_arrives_after_the_look_up_does_nothing() {
    run(async {
        let database = Database::new(0, 0);
        let mut connector = Connector(Rc::clone(&database));
        let (_old, _) = connector.connect(1, at(0)).await.expect("no fault");
        let (mut new, attached) = connector.connect(1, at(0)).await.expect("no fault");
        assert_eq!(attached, Attached { batch: None, next: at(0) });
        let late = Take { replica: 1, session: 1, number: 1, count: 5 };
        assert_eq!(database.rows.borrow_mut().take(late), None);
        assert_eq!(new.take(2, 1).await.expect("no fault"), Some(at(0)));
    });
}

#[test]
fn a_database_that_has_gone_back_is_raised() {
    run(async {
        let database = Database::new(0, 0);
        let [one, other] = [1, 2].map(|replica| Replica::start(&database, replica));
        one.get().await;
        let backup = database.rows.borrow().clone();
        for index in 8..12 {
            assert_eq!(one.get().await, at(index));
        }
        assert_eq!(other.get().await, at(12));
        // Restored with all connections cut, without cutting them, and without the tables.
        *database.rows.borrow_mut() = backup.clone();
        database.cut.notify_waiters();
        sleep(Duration::from_secs(2)).await;
        assert_eq!(database.rows.borrow().next, Some(at(13)));
        assert_eq!(one.get().await, at(13));
        database.rows.borrow_mut().next = backup.next;
        assert_eq!(one.get().await, at(14));
        *database.rows.borrow_mut() = Rows::default();
        assert_eq!(other.get().await, at(13), "this replica knows of no later one");
        assert_eq!(one.get().await, at(15));
        for replica in [one, other] {
            let (given, skipped) = replica.stop().await;
            let unique: BTreeSet<_> = given.iter().collect();
            assert_eq!((unique.len(), skipped), (given.len(), 0), "{given:?}");
        }
    });
}

#[test]
fn a_new_pass_takes_all_replicas_along() {
    run(async {
        let database = Database::new(0, 0);
        let [one, other] = [1, 2].map(|replica| Replica::start(&database, replica));
        assert_eq!(one.get().await, at(7));
        assert_eq!(other.get().await, at(8));
        // One in hand is skipped.
        drop(Turns::ask(&one.turns).await);
        one.turns.start_pass().expect("a pass");
        let first = Position { pass: 1, index: 0 };
        assert_eq!(one.turns.next(), first);
        assert!(one.turns.take().is_err(), "the database does not know of the pass yet");
        assert_eq!(one.get().await, first);
        assert_eq!(other.get().await, Position { pass: 1, index: 1 });
        // The other replica is late with the same, and it makes no difference.
        assert_eq!(one.turns.figures.get().skipped, 1);
        one.turns.start_pass().expect("a pass");
        other.turns.start_pass().expect("a pass");
        let [mut a, mut b] = [one.get().await, other.get().await];
        assert_eq!((a.pass, b.pass), (2, 2));
        if b < a {
            std::mem::swap(&mut a, &mut b);
        }
        assert_eq!((a.index, b.index), (0, 1));
    });
}

#[test]
fn a_batch_that_was_on_its_way_when_a_new_pass_began_is_skipped() {
    run(async {
        let database = Database::new(0, 0);
        let replica = Replica::start(&database, 1);
        replica.get().await;
        let request = replica.request(Duration::from_secs(1));
        tokio::task::yield_now().await;
        tokio::task::yield_now().await;
        replica.turns.start_pass().expect("a pass");
        assert_eq!(request.await.expect("no panic"), Some(Position { pass: 1, index: 0 }));
        assert_eq!(replica.turns.figures.get().skipped, 1);
        assert_eq!(database.rows.borrow().next, Some(Position { pass: 1, index: 1 }));
    });
}

#[test]
fn what_is_in_hand_at_the_end_is_given_back_if_nobody_has_taken_more() {
    run(async {
        let database = Database::new(0, 0);
        for (others_take, next, skipped) in [(false, at(8), 0), (true, at(12), 3)] {
            let [one, other] = [1, 2].map(|replica| Replica::start(&database, replica));
            one.get().await;
            let gone: Vec<_> = (0..3).map(|_| Turns::ask(&one.turns)).collect();
            sleep(Duration::from_secs(1)).await;
            drop(gone);
            if others_take {
                other.get().await;
            }
            let given = one.stop().await;
            assert_eq!((given.0.len(), given.1), (1, skipped));
            other.stop().await;
            assert_eq!(database.rows.borrow().next, Some(if others_take { at(13) } else { next }));
            assert!(database.rows.borrow().replicas.is_empty());
        }
    });
}

#[test]
fn what_is_in_hand_at_the_end_is_counted_as_skipped_while_the_database_is_out_of_reach() {
    run(async {
        let database = Database::new(0, 0);
        let replica = Replica::start(&database, 1);
        replica.get().await;
        let gone: Vec<_> = (0..3).map(|_| Turns::ask(&replica.turns)).collect();
        sleep(Duration::from_secs(1)).await;
        drop(gone);
        database.is_down.set(true);
        database.cut.notify_waiters();
        sleep(Duration::from_secs(1)).await;
        assert!(!replica.turns.is_connected.get());
        assert_eq!(replica.stop().await, (vec![at(7)], 3));
        assert_eq!(database.rows.borrow().next, Some(at(11)));
    });
}

#[test]
fn what_another_replica_gives_back_is_given_by_those_that_had_seen_it_taken() {
    run(async {
        let database = Database::new(0, 0);
        let leaving = Replica::start(&database, 1);
        leaving.get().await;
        let gone: Vec<_> = (0..3).map(|_| Turns::ask(&leaving.turns)).collect();
        sleep(Duration::from_secs(1)).await;
        drop(gone);
        let staying = Replica::start(&database, 2);
        sleep(Duration::from_secs(1)).await;
        assert_eq!(staying.turns.next(), at(11), "three are in hand of the other replica");
        assert_eq!(leaving.stop().await, (vec![at(7)], 0));
        assert_eq!(staying.get().await, at(8));
        assert_eq!(staying.turns.next(), at(9));
        // A new connection finds nothing wrong either.
        database.cut.notify_waiters();
        sleep(Duration::from_secs(1)).await;
        assert_eq!(database.rows.borrow().next, Some(at(9)));
        assert_eq!(staying.stop().await, (vec![at(8)], 0));
    });
}

#[test]
fn requests_wait_for_a_database_that_is_out_of_reach() {
    run(async {
        let database = Database::new(0, 0);
        database.is_down.set(true);
        let replica = Replica::start(&database, 1);
        assert_eq!(replica.request(Duration::from_secs(2)).await.expect("no panic"), None);
        assert!(!replica.turns.is_connected.get());
        let patient = replica.request(Duration::from_secs(20));
        sleep(Duration::from_secs(5)).await;
        database.is_down.set(false);
        assert_eq!(patient.await.expect("no panic"), Some(at(7)));
        assert!(replica.turns.is_connected.get());
        assert!(replica.turns.figures.get().failures > 1);
        assert_eq!(*database.counts.borrow(), [1], "a request that has gone takes none");
    });
}
