//! The position as the rest of the service sees it.

use std::cell::RefCell;
use std::io;
use std::rc::Rc;
use std::time::Duration;

use tokio::task::{JoinHandle, spawn_local};
use tokio::time::timeout;
use tracing::{info, warn};

use super::driver::Driver;
use super::error::DatabaseError;
use super::session::Failure;
use super::statements::Server;
use super::turns::{Turn, Turns};
use super::url::DatabaseUrl;
use crate::position::{Figures, Position, Unavailable};

/// A position in a database.
#[derive(Debug)]
pub struct SharedStore {
    turns: Rc<Turns>,
    /// How long a request waits for a position.
    patience: Duration,
    task: Rc<RefCell<Option<JoinHandle<()>>>>,
}

impl SharedStore {
    /// Connects to the database at `url`. If it is out of reach, the attempts go on in the background.
    ///
    /// # Errors
    /// [`DatabaseError`] where the database refuses this program.
    pub(crate) async fn open(url: &DatabaseUrl, start: u64, patience: Duration) -> Result<Self, DatabaseError> {
        let failed = |source| DatabaseError::new(url.to_string(), source);
        let server = Server::new(url).map_err(failed)?;
        let replica = server.random().map_err(failed)?;
        let turns = Turns::new(Position { pass: 0, index: start });
        let mut driver = Driver::new(Rc::clone(&turns), server, replica);
        let session = match timeout(patience, driver.connect()).await {
            Ok(Ok(session)) => {
                let next = turns.next();
                info!("the position '{url}' goes on at {next}; --start applies only to a new position");
                Some(session)
            }
            Ok(Err(Failure::Refused(error))) => return Err(failed(error)),
            Ok(Err(Failure::Broken(error))) => {
                warn!("the position '{url}' is out of reach: {error}; no number is given until it is reached");
                None
            }
            Ok(Err(Failure::Conflict)) | Err(_) => {
                warn!("the position '{url}' does not answer; no number is given until it does");
                None
            }
        };
        let task = spawn_local(driver.run(session));
        Ok(Self { turns, patience, task: Rc::new(RefCell::new(Some(task))) })
    }

    /// Waits for the right to take a position.
    ///
    /// # Errors
    /// [`Unavailable`] if there is none in time.
    pub(crate) fn turn(&self) -> impl Future<Output = Result<Turn, Unavailable>> + use<> {
        let (turns, patience) = (Rc::clone(&self.turns), self.patience);
        async move {
            let waiting = Turns::ask(&turns);
            match timeout(patience, waiting).await {
                Ok(Ok(turn)) => Ok(turn),
                _ => Err(Unavailable::new(io::Error::new(
                    io::ErrorKind::TimedOut,
                    "the database does not answer in time",
                ))),
            }
        }
    }

    /// The position that is given next, or else the one that would be taken next if no other replica took one.
    pub(crate) fn next(&self) -> Position {
        self.turns.next()
    }

    /// Takes the next position of those in hand. There is one for each [`Turn`].
    ///
    /// # Errors
    /// [`Unavailable`] where there is none.
    pub(crate) fn take(&mut self) -> Result<Position, Unavailable> {
        self.turns.take()
    }

    /// Goes on in the next pass, with all replicas.
    ///
    /// # Errors
    /// [`Unavailable`] after the last pass.
    pub(crate) fn start_pass(&mut self) -> Result<(), Unavailable> {
        self.turns.start_pass()
    }

    /// Whether positions can be taken.
    ///
    /// # Errors
    /// [`Unavailable`] while there is no connection.
    pub(crate) fn check(&self) -> Result<(), Unavailable> {
        if self.turns.is_connected.get() {
            return Ok(());
        }
        Err(Unavailable::new(io::Error::new(io::ErrorKind::NotConnected, "the database is out of reach")))
    }

    /// Gives back what is in hand, and ends the session.
    pub(crate) fn leave(&self) -> impl Future<Output = ()> + use<> {
        let (turns, patience, task) = (Rc::clone(&self.turns), self.patience, self.task.borrow_mut().take());
        async move {
            turns.is_leaving.set(true);
            turns.wake.notify_one();
            if let Some(task) = task
                && timeout(patience, task).await.is_err()
            {
                warn!("the database of the position does not answer: numbers that were taken from it may be skipped");
                turns.skip(&turns.rest());
            }
        }
    }

    /// What was done since the opening.
    pub(crate) fn figures(&self) -> Figures {
        self.turns.figures.get()
    }
}
