//! One interface for all stores.

use super::file::{self, FileStore};
use super::{Figures, Location, MemoryStore, Position, Unavailable};

/// Where the position is kept.
#[derive(Debug)]
pub enum Store {
    /// In memory. The position ends with the process.
    Memory(MemoryStore),
    /// In a file. The position outlives the process and a boot of the machine.
    File(Box<FileStore>),
}

impl Store {
    /// Opens what `location` says. `start` is the index at which a position that does not exist yet begins.
    ///
    /// # Errors
    /// [`file::OpenError`], for a position in a file.
    pub fn open(location: &Location, start: u64) -> Result<Self, file::OpenError> {
        Ok(match location {
            Location::Memory => Self::in_memory(start),
            Location::File { path, trust } => Self::File(Box::new(file::open(path, *trust, start)?)),
        })
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
        }
    }

    /// Ends the use of the position in an orderly way, so that the next opening goes on exactly here.
    ///
    /// # Errors
    /// [`Unavailable`], and the next opening may skip what was reserved.
    pub(crate) fn close(&mut self) -> Result<(), Unavailable> {
        match self {
            Self::Memory(_) => Ok(()),
            Self::File(store) => store.close(),
        }
    }

    /// What was done since the opening.
    pub(crate) fn figures(&self) -> Figures {
        match self {
            Self::Memory(_) => Figures::default(),
            Self::File(store) => store.figures(),
        }
    }
}
