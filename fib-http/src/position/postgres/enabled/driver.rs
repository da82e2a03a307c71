//! The protocol: which statement is sent when, and what is made of its outcome.

use std::io;
use std::rc::Rc;
use std::time::Duration;

use tokio::time::{Instant, sleep, timeout};
use tracing::{error, info, warn};

use super::session::{Attached, Connect, Failure, Session};
use super::turns::Turns;
use crate::position::Position;

/// How long a statement may take before its connection is given up. Whether it took effect is looked up then. This finds a
/// server that has stopped without closing its connections.
const STATEMENT_TIMEOUT: Duration = Duration::from_secs(5);

/// The waits between attempts to connect, or to repeat a statement that conflicts, double from the first to the second.
const LEAST_PAUSE: Duration = Duration::from_millis(10);
const LONGEST_PAUSE: Duration = Duration::from_secs(1);

/// The task that talks to the database.
pub(super) struct Driver<C> {
    turns: Rc<Turns>,
    connect: C,
    /// Identifies this process among all replicas.
    replica: i64,
    /// The number of the latest batch.
    number: i64,
    /// Set while nobody knows whether this batch was taken.
    unknown: Option<i64>,
    is_failure_logged: bool,
}

impl<C: Connect> Driver<C> {
    pub(super) fn new(turns: Rc<Turns>, connect: C, replica: i64) -> Self {
        Self { turns, connect, replica, number: 0, unknown: None, is_failure_logged: false }
    }

    /// Serves the requests until the process stops, whatever happens to the database. `session` is the first session, if there
    /// is one already.
    pub(super) async fn run(mut self, mut session: Option<C::Session>) {
        let mut pause = LEAST_PAUSE;
        while !self.turns.is_leaving.get() {
            let connected = match session.take() {
                Some(session) => Ok(session),
                None => self.connect().await,
            };
            let failure = match connected {
                Ok(mut session) => {
                    if self.is_failure_logged {
                        info!("the database of the position can be used again");
                        self.is_failure_logged = false;
                    }
                    self.turns.is_connected.set(true);
                    let began = Instant::now();
                    let served = self.serve(&mut session).await;
                    self.turns.is_connected.set(false);
                    if began.elapsed() >= LONGEST_PAUSE {
                        pause = LEAST_PAUSE;
                    }
                    match served {
                        Ok(()) => return,
                        Err(failure) => failure,
                    }
                }
                Err(failure) => failure,
            };
            self.failed(&failure);
            let _ = timeout(pause, self.turns.leaving()).await;
            pause = (pause * 2).min(LONGEST_PAUSE);
        }
        // There is no session in which anything can be given back.
        self.turns.skip(&self.turns.rest());
    }

    /// Begins a session, finds out what became of the latest batch, and raises a database that has gone back.
    pub(super) async fn connect(&mut self) -> Result<C::Session, Failure> {
        // This has deadlines of its own, for each host.
        let (mut session, attached) = self.connect.connect(self.replica, self.turns.start()).await?;
        self.resolve(attached);
        self.raise(&mut session).await?;
        Ok(session)
    }

    fn resolve(&mut self, Attached { batch, next }: Attached) {
        if let Some(number) = self.unknown.take()
            && let Some(batch) = batch
            && batch.number == number
            && Turns::add(&self.turns, batch.first, batch.count)
        {
            self.has_gone_back(batch.first);
        }
        if self.turns.saw(next) {
            self.has_gone_back(next);
        }
    }

    /// Serves the requests until the process stops.
    async fn serve(&mut self, session: &mut C::Session) -> Result<(), Failure> {
        let mut pause = LEAST_PAUSE;
        loop {
            if self.turns.is_leaving.get() {
                self.leave(session).await;
                return Ok(());
            }
            let done = match self.raise(session).await {
                Ok(()) => self.take(session).await,
                Err(failure) => Err(failure),
            };
            match done {
                Ok(true) => pause = LEAST_PAUSE,
                Ok(false) => tokio::select! {
                    () = self.turns.wake.notified() => {}
                    error = session.closed() => return Err(Failure::Broken(error)),
                },
                Err(Failure::Conflict) => {
                    sleep(pause).await;
                    pause = (pause * 2).min(LONGEST_PAUSE);
                }
                Err(failure) => return Err(failure),
            }
        }
    }

    /// Takes a batch for the requests that wait. Returns false if there are none.
    async fn take(&mut self, session: &mut C::Session) -> Result<bool, Failure> {
        let count = self.turns.demand();
        if count == 0 {
            return Ok(false);
        }
        self.number += 1;
        self.unknown = Some(self.number);
        let began = Instant::now();
        let taken = within(session.take(self.number, count)).await;
        self.turns.count(|figures| {
            figures.statements += 1;
            figures.statement_time += began.elapsed();
        });
        match taken {
            Ok(Some(first)) => {
                self.unknown = None;
                if Turns::add(&self.turns, first, count) {
                    self.has_gone_back(first);
                }
                Ok(true)
            }
            Ok(None) => {
                self.unknown = None;
                let reason = "another session has begun, or a row of the position has been removed";
                Err(Failure::Broken(io::Error::other(reason)))
            }
            Err(Failure::Conflict) => {
                self.unknown = None;
                Err(Failure::Conflict)
            }
            Err(failure) => Err(failure),
        }
    }

    /// Raises the database, if it has gone back or a new pass has begun.
    async fn raise(&mut self, session: &mut C::Session) -> Result<(), Failure> {
        while let Some(position) = self.turns.to_raise() {
            within(session.raise(position)).await?;
            self.turns.raised(position);
        }
        Ok(())
    }

    /// Gives back what was taken and not given.
    async fn leave(&mut self, session: &mut C::Session) {
        let rest = self.turns.rest();
        let next = self.turns.furthest();
        // Only what was taken last can be given back.
        let is_last = |&(place, position): &(usize, &Position)| {
            let after = (rest.len() - place) as u64;
            position.pass == next.pass && position.index.checked_add(after) == Some(next.index)
        };
        let first = rest.iter().enumerate().find(is_last).map_or(next, |(_, &position)| position);
        let left = match within(session.leave(first, next)).await {
            Ok(true) => rest.partition_point(|&position| position < first),
            Ok(false) => rest.len(),
            Err(failure) => {
                warn!("the database of the position could not be left in an orderly way: {}", reason(&failure));
                rest.len()
            }
        };
        self.turns.skip(&rest[..left]);
    }

    fn has_gone_back(&self, position: Position) {
        let furthest = self.turns.furthest();
        error!(
            "the database has gone back to {position}, but {furthest} is the next that may be given: the database is raised; \
             other replicas may have been given numbers after that"
        );
    }

    fn failed(&mut self, failure: &Failure) {
        self.turns.count(|figures| figures.failures += 1);
        if !self.is_failure_logged {
            self.is_failure_logged = true;
            error!("the database of the position cannot be used: {}", reason(failure));
        }
    }
}

/// The outcome of a statement, if it comes in time.
async fn within<T>(statement: impl Future<Output = Result<T, Failure>>) -> Result<T, Failure> {
    let late = |_| Err(Failure::Broken(io::Error::new(io::ErrorKind::TimedOut, "it does not answer")));
    timeout(STATEMENT_TIMEOUT, statement).await.unwrap_or_else(late)
}

fn reason(failure: &Failure) -> String {
    match failure {
        Failure::Conflict => "other transactions conflict".to_owned(),
        Failure::Refused(error) | Failure::Broken(error) => error.to_string(),
    }
}
