//! What the protocol needs of a database.

use std::io;

use crate::position::Position;

/// Why a statement failed.
#[derive(Debug)]
pub(super) enum Failure {
    /// The transaction was rolled back because it conflicted with another one. It may be tried again.
    Conflict,
    /// The database does not let this user or this program in, and it will not by itself.
    Refused(io::Error),
    /// The connection is broken, or nobody knows what became of the statement.
    Broken(io::Error),
}

/// The latest batch that a replica took, by its row.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Batch {
    /// The number of the batch. A replica counts its batches from 1.
    pub(super) number: i64,
    pub(super) first: Position,
    pub(super) count: u64,
}

/// What the rows say at the beginning of a session.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Attached {
    /// The latest batch of this replica; `None` if it has taken none.
    pub(super) batch: Option<Batch>,
    /// The next position of all replicas.
    pub(super) next: Position,
}

/// Makes sessions.
pub(super) trait Connect {
    type Session: Session;

    /// Connects, creates what is missing, and begins a session of `replica`. No statement of an earlier session of the replica
    /// takes effect after that. A position that does not exist begins at `start`.
    async fn connect(&mut self, replica: i64, start: Position) -> Result<(Self::Session, Attached), Failure>;
}

/// A session of a replica.
pub(super) trait Session {
    /// Takes `count` indices and records them as batch `number`, both or neither. Returns the first of them; `None` if this
    /// session has ended because a later one has begun, or if a row is missing.
    async fn take(&mut self, number: i64, count: u64) -> Result<Option<Position>, Failure>;

    /// Sets the next position to `position` where it is before that.
    async fn raise(&mut self, position: Position) -> Result<(), Failure>;

    /// Gives back what was taken from `first` on, if nobody has taken anything since and `next` comes next. Removes the
    /// replica's row. Returns whether it was given back.
    async fn leave(&mut self, first: Position, next: Position) -> Result<bool, Failure>;

    /// Waits until the connection ends, and returns the reason.
    async fn closed(&mut self) -> io::Error;
}
