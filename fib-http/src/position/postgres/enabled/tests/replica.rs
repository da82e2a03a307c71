//! A replica without its HTTP server.

use std::cell::RefCell;
use std::rc::Rc;
use std::time::Duration;

use tokio::runtime::{Builder, LocalOptions};
use tokio::task::{JoinHandle, spawn_local};
use tokio::time::{sleep, timeout};

use super::database::{Connector, Database};
use crate::position::Position;
use crate::position::postgres::enabled::driver::Driver;
use crate::position::postgres::enabled::turns::Turns;

/// A replica, and what it gave.
pub(super) struct Replica {
    pub(super) turns: Rc<Turns>,
    task: JoinHandle<()>,
    pub(super) given: Rc<RefCell<Vec<Position>>>,
}

impl Replica {
    pub(super) fn start(database: &Rc<Database>, replica: i64) -> Self {
        let turns = Turns::new(Position { pass: 0, index: 7 });
        let driver = Driver::new(Rc::clone(&turns), Connector(Rc::clone(database)), replica);
        Self { turns, task: spawn_local(driver.run(None)), given: Rc::default() }
    }

    /// A request that waits for at most so long.
    pub(super) fn request(&self, patience: Duration) -> JoinHandle<Option<Position>> {
        let (turns, given) = (Rc::clone(&self.turns), Rc::clone(&self.given));
        spawn_local(async move {
            let turn = timeout(patience, Turns::ask(&turns)).await.ok()?.expect("the task lives");
            let position = turns.take().ok()?;
            given.borrow_mut().push(position);
            drop(turn);
            Some(position)
        })
    }

    /// Three requests that go away when their positions have been taken, which stay in hand.
    pub(super) async fn abandon_three(&self) {
        let gone: Vec<_> = (0..3).map(|_| Turns::ask(&self.turns)).collect();
        sleep(Duration::from_secs(1)).await;
        drop(gone);
    }

    pub(super) async fn get(&self) -> Position {
        self.request(Duration::from_secs(60)).await.expect("no panic").expect("in time")
    }

    pub(super) async fn stop(self) -> (Vec<Position>, u64) {
        self.turns.is_leaving.set(true);
        self.turns.wake.notify_one();
        self.task.await.expect("no panic");
        (self.given.take(), self.turns.figures.get().skipped)
    }
}

/// Runs a test where time passes at once.
pub(super) fn run(test: impl Future<Output = ()>) {
    let mut runtime = Builder::new_current_thread();
    runtime.enable_time().start_paused(true);
    runtime.build_local(LocalOptions::default()).expect("a runtime").block_on(test);
}

pub(super) fn at(index: u64) -> Position {
    Position { pass: 0, index }
}
