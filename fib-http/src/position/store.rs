//! One interface for all stores.

use std::fmt;
use std::time::Duration;

use super::file::{self, FileStore};
use super::postgres::{DatabaseError, SharedStore};
use super::{Figures, Location, MemoryStore, Position, Unavailable};

/// Why a position cannot be used. `Display` gives one line for a person.
#[derive(Debug)]
pub enum OpenError {
    /// One in a file.
    File(file::OpenError),
    /// One in a database.
    Database(DatabaseError),
}

impl fmt::Display for OpenError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::File(error) => error.fmt(f),
            Self::Database(error) => error.fmt(f),
        }
    }
}

impl std::error::Error for OpenError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Self::File(error) => std::error::Error::source(error),
            Self::Database(error) => std::error::Error::source(error),
        }
    }
}

/// Where the position is kept.
#[derive(Debug)]
pub enum Store {
    /// In memory. The position ends with the process.
    Memory(MemoryStore),
    /// In a file. The position outlives the process and a boot of the machine.
    File(Box<FileStore>),
    /// In a database. Other processes share the position.
    Shared(SharedStore),
}

impl Store {
    /// Opens what `location` says. `start` is the index at which a position that does not exist yet begins, and `patience` how
    /// long a request waits for a position that is shared.
    ///
    /// # Errors
    /// [`OpenError`], for a position in a file or in a database. A database that is out of reach is no error.
    pub async fn open(location: &Location, start: u64, patience: Duration) -> Result<Self, OpenError> {
        Ok(match location {
            Location::Memory => Self::in_memory(start),
            Location::File { path, trust } => {
                Self::File(Box::new(file::open(path, *trust, start).map_err(OpenError::File)?))
            }
            Location::Postgresql(url) => {
                Self::Shared(SharedStore::open(url, start, patience).await.map_err(OpenError::Database)?)
            }
        })
    }

    /// The store, where other processes share the position.
    pub(crate) fn shared(&self) -> Option<&SharedStore> {
        match self {
            Self::Shared(store) => Some(store),
            Self::Memory(_) | Self::File(_) => None,
        }
    }

    /// A position in memory, at `index`.
    #[must_use]
    pub fn in_memory(index: u64) -> Self {
        Self::Memory(MemoryStore::new(index))
    }

    /// The position that comes next.
    #[must_use]
    pub fn next(&self) -> Position {
        match self {
            Self::Memory(store) => store.next(),
            Self::File(store) => store.next(),
            Self::Shared(store) => store.next(),
        }
    }

    /// Takes the position that comes next. Once this has returned, a kill of the process cannot bring the position back.
    ///
    /// # Errors
    /// [`Unavailable`], and the position is as before.
    pub(crate) fn take(&mut self) -> Result<Position, Unavailable> {
        match self {
            Self::Memory(store) => store.take(),
            Self::File(store) => store.take(),
            Self::Shared(store) => store.take(),
        }
    }

    /// Goes on at the first position of a new pass.
    ///
    /// # Errors
    /// [`Unavailable`], and the position is as before.
    pub(crate) fn start_pass(&mut self) -> Result<(), Unavailable> {
        match self {
            Self::Memory(store) => store.start_pass(),
            Self::File(store) => store.start_pass(),
            Self::Shared(store) => store.start_pass(),
        }
    }

    /// Whether a position can be taken now. Takes none, and repairs what can be repaired.
    ///
    /// # Errors
    /// [`Unavailable`] if not.
    pub(crate) fn check(&mut self) -> Result<(), Unavailable> {
        match self {
            Self::Memory(_) => Ok(()),
            Self::File(store) => store.check(),
            Self::Shared(store) => store.check(),
        }
    }

    /// Ends the use of the position in an orderly way, so that the next opening goes on exactly here. A position in a database
    /// is left by [`SharedStore::leave`].
    ///
    /// # Errors
    /// [`Unavailable`], and the next opening may skip what was reserved.
    pub(crate) fn close(&mut self) -> Result<(), Unavailable> {
        match self {
            Self::Memory(_) | Self::Shared(_) => Ok(()),
            Self::File(store) => store.close(),
        }
    }

    /// What was done since the opening.
    pub(crate) fn figures(&self) -> Figures {
        match self {
            Self::Memory(_) => Figures::default(),
            Self::File(store) => store.figures(),
            Self::Shared(store) => store.figures(),
        }
    }
}
