//! Why a position in a file cannot be used.

use std::fmt;
use std::io;
use std::path::{Path, PathBuf};

use super::slot::Unusable;

/// A position in a file that cannot be used. `Display` gives one line for a person.
#[derive(Debug)]
pub struct OpenError {
    path: PathBuf,
    reason: Reason,
}

/// Why a position in a file cannot be used.
#[derive(Debug)]
#[non_exhaustive]
pub enum Reason {
    /// There is no file, and none can be created.
    Create(io::Error),
    /// The file cannot be opened.
    Open(io::Error),
    /// The path names a directory, a device or the like.
    NotRegular,
    /// The file system has no locks.
    Lock(io::Error),
    /// Another process has locked it.
    InUse,
    /// It cannot be read.
    Read(io::Error),
    /// It cannot be written.
    Write(io::Error),
    /// It contains no position.
    Unusable(Unusable),
}

impl OpenError {
    pub(super) fn new(path: &Path, reason: Reason) -> Self {
        Self { path: path.to_owned(), reason }
    }
}

impl fmt::Display for OpenError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let path = self.path.display();
        match &self.reason {
            Reason::Create(source) if source.kind() == io::ErrorKind::NotFound => {
                write!(f, "cannot create the position '{path}': its directory does not exist")
            }
            Reason::Create(source) if source.kind() == io::ErrorKind::AlreadyExists => {
                write!(
                    f,
                    "cannot open the position '{path}': it is a dangling link, or another process has just created it"
                )
            }
            Reason::Create(source) => write!(f, "cannot create the position '{path}': {source}"),
            Reason::Open(source) => write!(f, "cannot open the position '{path}': {source}"),
            Reason::NotRegular => write!(f, "cannot use the position '{path}': it is not a regular file"),
            Reason::Lock(source) => write!(f, "cannot lock the position '{path}': {source}"),
            Reason::InUse => write!(f, "cannot use the position '{path}': another process has locked it"),
            Reason::Read(source) => write!(f, "cannot read the position '{path}': {source}"),
            Reason::Write(source) => write!(f, "cannot write the position '{path}': {source}"),
            Reason::Unusable(Unusable::Foreign) => write!(
                f,
                "cannot use the position '{path}': the file does not contain a position; remove it only if no number was ever given from it"
            ),
            Reason::Unusable(Unusable::Damaged) => {
                write!(f, "cannot use the position '{path}': both of its records are damaged")
            }
            Reason::Unusable(Unusable::Newer(version)) => {
                write!(f, "cannot use the position '{path}': a newer program wrote it (version {version})")
            }
        }
    }
}

impl std::error::Error for OpenError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match &self.reason {
            Reason::Create(source)
            | Reason::Open(source)
            | Reason::Lock(source)
            | Reason::Read(source)
            | Reason::Write(source) => Some(source),
            Reason::NotRegular | Reason::InUse | Reason::Unusable(_) => None,
        }
    }
}
