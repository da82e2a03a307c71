//! From a path to a position: creation and the lock.

use std::fs::{File, OpenOptions, TryLockError};
use std::io;
use std::path::Path;

use tracing::{info, warn};

use super::Trust;
use super::boot::Boot;
use super::error::{OpenError, Reason};
use super::slot::{self, Slots};
use super::store::FileStore;
use crate::position::Position;

/// Opens or creates the file at `path`, and locks it until the store is dropped. A position that does not exist yet begins at
/// `start`. Logs where the position goes on.
///
/// # Errors
/// [`OpenError`] where the file is in use, cannot be read or written, or does not contain a position. The file is unchanged
/// then.
pub fn open(path: &Path, trust: Trust, start: u64) -> Result<FileStore, OpenError> {
    let attempt = || {
        let boot = Boot::current();
        let (file, is_new) = open_or_create(path, Position { pass: 0, index: start }, boot)?;
        let store = FileStore::on(file, boot, trust)?;
        Ok((store, is_new))
    };
    let (store, is_new) = attempt().map_err(|reason| OpenError::new(path, reason))?;
    let (next, skipped, path) = (store.next(), store.figures().skipped, path.display());
    if is_new {
        info!("the position '{path}' is new, and begins at {next}");
    } else if skipped == 0 {
        info!("the position '{path}' goes on at {next}; --start does not apply");
    } else {
        warn!("the position '{path}' goes on at {next}: the {skipped} numbers before it may have been given already");
    }
    Ok(store)
}

/// The locked file, and whether it was created.
fn open_or_create(path: &Path, start: Position, boot: Boot) -> Result<(File, bool), Reason> {
    match OpenOptions::new().read(true).write(true).open(path) {
        Ok(file) => {
            if !file.metadata().map_err(Reason::Open)?.is_file() {
                return Err(Reason::NotRegular);
            }
            lock(&file)?;
            Ok((file, false))
        }
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok((create(path, start, boot)?, true)),
        // Windows denies access to a directory instead of telling what it is.
        Err(_) if path.is_dir() => Err(Reason::NotRegular),
        Err(error) => Err(Reason::Open(error)),
    }
}

/// Creates a file, durably. The path is never replaced, so that no other process can be using a file of the same name.
fn create(path: &Path, start: Position, boot: Boot) -> Result<File, Reason> {
    let mut options = OpenOptions::new();
    options.read(true).write(true).create_new(true);
    private(&mut options);
    let file = options.open(path).map_err(Reason::Create)?;
    lock(&file)?;
    let written = write_new(&file, path, start, boot);
    if written.is_err() {
        // No number was given from this file. An error of the removal would hide the one that matters.
        let _ = std::fs::remove_file(path);
    }
    written.map_err(Reason::Create)?;
    Ok(file)
}

fn write_new(mut file: &File, path: &Path, start: Position, boot: Boot) -> io::Result<()> {
    io::Write::write_all(&mut file, &slot::new_file(start, boot))?;
    file.sync_all()?;
    sync_folder(path)
}

fn lock(file: &File) -> Result<(), Reason> {
    file.try_lock().map_err(|error| match error {
        TryLockError::WouldBlock => Reason::InUse,
        TryLockError::Error(source) => Reason::Lock(source),
    })
}

/// Lets only the owner open the file, since whoever can open it can lock it.
#[cfg(unix)]
fn private(options: &mut OpenOptions) {
    std::os::unix::fs::OpenOptionsExt::mode(options, 0o600);
}

#[cfg(not(unix))]
fn private(_: &mut OpenOptions) {}

/// Makes the file's name durable.
#[cfg(unix)]
fn sync_folder(path: &Path) -> io::Result<()> {
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty());
    File::open(folder.unwrap_or(Path::new(".")))?.sync_all()
}

/// Directories cannot be synced on this system.
#[cfg(not(unix))]
fn sync_folder(_: &Path) -> io::Result<()> {
    Ok(())
}

/// What a file says now, without the lock.
pub(super) fn look(path: &Path) -> Result<Slots, Reason> {
    // Before it is opened: opening a named pipe would wait for a writer.
    if !std::fs::metadata(path).map_err(Reason::Open)?.is_file() {
        return Err(Reason::NotRegular);
    }
    let file = File::open(path).map_err(Reason::Open)?;
    Slots::read(&file).map_err(Reason::Read)
}

#[cfg(test)]
mod tests {
    use super::super::show;
    use super::*;
    use std::fs;
    use std::path::PathBuf;

    /// A folder that is removed at the end.
    struct Folder(PathBuf);

    impl Folder {
        fn new(name: &str) -> Self {
            let path = std::env::temp_dir().join(format!("fib-http-{name}-{}", std::process::id()));
            let _ = fs::remove_dir_all(&path);
            fs::create_dir(&path).expect("a new folder");
            Self(path)
        }

        fn file(&self) -> PathBuf {
            self.0.join("position")
        }
    }

    impl Drop for Folder {
        fn drop(&mut self) {
            let _ = fs::remove_dir_all(&self.0);
        }
    }

    fn reopen(path: &Path) -> FileStore {
        open(path, Trust::Written, 7).expect("a position")
    }

    #[track_caller]
    fn assert_refused(path: &Path, words: &str) {
        let error = open(path, Trust::Written, 7).expect_err(words).to_string();
        assert!(error.contains(words) && error.contains(&path.display().to_string()), "{error}");
        assert_eq!(error.lines().count(), 1);
    }

    #[test]
    fn a_position_outlives_the_store() {
        let folder = Folder::new("outlives");
        for round in 0..3 {
            let mut store = reopen(&folder.file());
            for index in 0..100 {
                let position = store.take().expect("a position");
                assert_eq!(position, Position { pass: 0, index: 7 + 100 * round + index });
            }
            if round == 1 {
                store.close().expect("it can be written");
            }
        }
        let mut store = reopen(&folder.file());
        store.start_pass().expect("a pass");
        drop(store);
        assert_eq!(reopen(&folder.file()).next(), Position { pass: 1, index: 0 });
        assert_eq!(fs::metadata(folder.file()).expect("a file").len(), slot::FILE_BYTES as u64);
    }

    #[test]
    fn synced_positions_skip_what_was_reserved() {
        let folder = Folder::new("synced");
        let open = || open(&folder.file(), Trust::Synced, 0).expect("a position");
        let mut store = open();
        store.take().expect("a position");
        drop(store);
        let mut store = open();
        assert_eq!((store.next().index, store.figures().skipped), (16, 15));
        store.close().expect("it can be written");
        drop(store);
        let store = open();
        assert_eq!((store.next().index, store.figures().skipped), (16, 0));
    }

    #[test]
    fn a_second_user_is_refused() {
        let folder = Folder::new("second");
        let store = reopen(&folder.file());
        assert_refused(&folder.file(), "another process has locked it");
        // On Windows a locked file cannot be read.
        if cfg!(not(windows)) {
            assert!(show(&folder.file()).expect("it can be read").contains("F(7) of pass 0"));
        }
        drop(store);
        reopen(&folder.file());
    }

    #[test]
    fn files_of_others_are_left_alone() {
        let folder = Folder::new("others");
        let new = slot::new_file(Position::default(), Boot::Unknown);
        let mut damaged = new;
        damaged[20] ^= 1;
        damaged[slot::SLOT_BYTES + 20] ^= 1;
        let mut newer = new;
        newer[8] = 2;
        let checksum = crc32fast::hash(&newer[..64]).to_le_bytes();
        newer[64..68].copy_from_slice(&checksum);
        for (content, words) in [
            (&b""[..], "does not contain a position"),
            (b"fib", "does not contain a position"),
            (&[0; 8192], "does not contain a position"),
            (&[b'x'; 10_000], "does not contain a position"),
            (&new[..60], "records are damaged"),
            (&damaged, "records are damaged"),
            (&newer, "a newer program wrote it (version 2)"),
        ] {
            fs::write(folder.file(), content).expect("a file");
            assert_refused(&folder.file(), words);
            assert!(show(&folder.file()).is_err());
            assert_eq!(fs::read(folder.file()).expect("it is there"), content);
        }
        // One record is enough.
        fs::write(folder.file(), &new[..100]).expect("a file");
        assert_eq!(reopen(&folder.file()).next(), Position::default());
        reopen(&folder.file());
    }

    #[test]
    fn places_where_no_file_can_be_are_told() {
        let folder = Folder::new("places");
        assert_refused(&folder.0.join("none/position"), "its directory does not exist");
        assert_refused(&folder.0, "it is not a regular file");
        assert!(show(&folder.0.join("none")).is_err());
        assert!(show(&folder.0).is_err());
        #[cfg(unix)]
        {
            use std::os::unix::fs::{PermissionsExt, symlink};
            assert_refused(Path::new("/dev/null"), "it is not a regular file");
            symlink("nowhere", folder.file()).expect("a link");
            assert_refused(&folder.file(), "a dangling link");
            // A link to a position is as good as the file, and has the same lock.
            let target = folder.0.join("nowhere");
            let store = reopen(&target);
            assert_eq!(fs::metadata(&target).expect("a file").permissions().mode() & 0o777, 0o600);
            assert_refused(&folder.file(), "another process has locked it");
            drop(store);
            reopen(&folder.file());
        }
    }
}
