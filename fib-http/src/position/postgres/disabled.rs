//! The interface of positions in a database, in a build without them.

use std::fmt;
use std::time::Duration;

use crate::position::{Figures, LocationError, Position, Unavailable};

/// The URL of a database. There is none in this build.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum DatabaseUrl {}

impl DatabaseUrl {
    /// Refuses every URL.
    ///
    /// # Errors
    /// Always.
    pub fn parse(_: &str) -> Result<Self, LocationError> {
        Err(LocationError::Postgresql)
    }
}

impl fmt::Display for DatabaseUrl {
    fn fmt(&self, _: &mut fmt::Formatter<'_>) -> fmt::Result {
        match *self {}
    }
}

/// Why a position in a database cannot be used.
#[derive(Debug)]
pub enum DatabaseError {}

impl fmt::Display for DatabaseError {
    fn fmt(&self, _: &mut fmt::Formatter<'_>) -> fmt::Result {
        match *self {}
    }
}

impl std::error::Error for DatabaseError {}

/// The right to take a position.
#[derive(Debug)]
pub enum Turn {}

/// A position in a database.
#[derive(Debug)]
pub enum SharedStore {}

impl SharedStore {
    pub(crate) async fn open(url: &DatabaseUrl, _: u64, _: Duration) -> Result<Self, DatabaseError> {
        match *url {}
    }

    pub(crate) fn turn(&self) -> impl Future<Output = Result<Turn, Unavailable>> + use<> {
        // `match *self {}` alone has no type that is a future.
        #[allow(unreachable_code, reason = "there is no value of this type")]
        std::future::ready(match *self {})
    }

    pub(crate) fn next(&self) -> Position {
        match *self {}
    }

    pub(crate) fn take(&mut self) -> Result<Position, Unavailable> {
        match *self {}
    }

    pub(crate) fn start_pass(&mut self) -> Result<(), Unavailable> {
        match *self {}
    }

    pub(crate) fn check(&self) -> Result<(), Unavailable> {
        match *self {}
    }

    pub(crate) fn leave(&self) -> impl Future<Output = ()> + use<> {
        #[allow(unreachable_code, reason = "there is no value of this type")]
        std::future::ready(match *self {})
    }

    pub(crate) fn figures(&self) -> Figures {
        match *self {}
    }
}
