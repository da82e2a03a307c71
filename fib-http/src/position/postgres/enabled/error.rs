//! Why a position in a database cannot be used.

use std::fmt;
use std::io;

/// A database that cannot be used, and will not be usable by itself. `Display` gives one line for a person, without a password.
#[derive(Debug)]
pub struct DatabaseError {
    url: String,
    source: io::Error,
}

impl DatabaseError {
    pub(super) fn new(url: String, source: io::Error) -> Self {
        Self { url, source }
    }
}

impl fmt::Display for DatabaseError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "cannot use the position '{}': {}", self.url, self.source)
    }
}

impl std::error::Error for DatabaseError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        Some(&self.source)
    }
}
