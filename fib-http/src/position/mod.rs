//! The position in the sequence, and where it is kept.
//!
//! A [`Position`] is a pass and an index. It is the whole state of the service, since a jump rebuilds the numbers from it. No
//! position is given twice in the life of a [`Store`], so a pass and an index together identify a number that was given.
//!
//! A store of this process knows the next position before it is taken, and taking it waits for nobody: the number is rendered
//! first, and taken as the last step that can fail. A store that several processes share learns its positions only when it
//! takes them, some at a time, and waits for that; it belongs before the rendering, where a request may still wait.

pub mod file;
mod location;
mod memory;
pub mod postgres;
mod store;

use std::fmt;
use std::io;
use std::time::Duration;

pub(crate) use self::location::LocationParser;
pub use self::location::{Location, LocationError};
pub use self::memory::MemoryStore;
pub use self::store::{OpenError, Store};

/// A place in the sequence: F(`index`) of the pass `pass`. Both count from 0, and a later position is greater.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Position {
    /// How many passes there were before this one.
    pub pass: u64,
    /// n of F(n).
    pub index: u64,
}

impl Position {
    /// The next position of the same pass, unless this is the last one.
    pub(crate) fn following(self) -> Option<Self> {
        Some(Self { index: self.index.checked_add(1)?, ..self })
    }

    /// The first position of the next pass, unless this is the last one.
    pub(crate) fn next_pass(self) -> Option<Self> {
        Some(Self { pass: self.pass.checked_add(1)?, index: 0 })
    }
}

impl fmt::Display for Position {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "F({}) of pass {}", self.index, self.pass)
    }
}

/// Why no position can be taken now. The position is unchanged.
#[derive(Debug)]
pub struct Unavailable(io::Error);

impl Unavailable {
    pub(crate) fn new(source: io::Error) -> Self {
        Self(source)
    }

    /// The error for a position that has no successor.
    pub(crate) fn after_the_last() -> Self {
        Self(io::Error::other("the last position has been reached"))
    }
}

impl fmt::Display for Unavailable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "the position cannot be moved: {}", self.0)
    }
}

impl std::error::Error for Unavailable {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        Some(&self.0)
    }
}

/// What a store has done since it was opened. Figures that do not concern a store are 0.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Figures {
    /// Positions skipped: when a file was opened, because they may have been given before the machine stopped; from a database,
    /// because a new pass began or the service stopped before they were given.
    pub skipped: u64,
    /// How often the store waited until the disk had everything that was written.
    pub syncs: u64,
    /// How long these waits took in total.
    pub sync_time: Duration,
    /// Statements that took positions from a database.
    pub statements: u64,
    /// How long these statements took in total.
    pub statement_time: Duration,
    /// Writes and syncs that failed, or how often the database became unusable.
    pub failures: u64,
}
