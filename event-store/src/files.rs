//! Whether an open SQLite database is still the file at its path.
//!
//! SQLite goes on with a file that was deleted or replaced, and what it writes then is lost when the process ends. So
//! its users compare the files at the paths with those that they opened.

use std::fs::Metadata;
use std::io;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

/// A database file that is open in this process, and its write-ahead log. Cheap to clone.
#[derive(Clone, Debug)]
pub struct OpenFile(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    path: PathBuf,
    wal: PathBuf,
    identity: Identity,
    /// The write-ahead log of the connection that writes. `None` while there is none.
    wal_identity: Mutex<Option<Identity>>,
}

/// The device and the inode of a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Identity(u64, u64);

impl Identity {
    fn of(metadata: &Metadata) -> Self {
        Self(metadata.dev(), metadata.ino())
    }

    /// `None` when there is no file at the path.
    fn at(path: &Path) -> io::Result<Option<Self>> {
        match std::fs::metadata(path) {
            Ok(metadata) => Ok(Some(Self::of(&metadata))),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(error),
        }
    }
}

/// The file at the path is not the one that is open.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Moved {
    #[error(
        "{name} was deleted or replaced while the program runs: stop the program, put the file back or restore it \
         from a backup, and run `verbatim restore-check` (docs/backup.md)"
    )]
    File { name: String },
    #[error(
        "{name} was deleted or replaced while the program runs: stop the program, which writes its contents into \
         the database, and start it again"
    )]
    Wal { name: String },
}

impl From<Moved> for io::Error {
    fn from(moved: Moved) -> Self {
        Self::new(io::ErrorKind::NotFound, moved)
    }
}

impl OpenFile {
    /// Remembers the file that is at the path now.
    pub fn at(path: &Path) -> io::Result<Self> {
        let identity = Identity::of(&std::fs::metadata(path)?);
        let mut wal = path.as_os_str().to_owned();
        wal.push("-wal");
        let (path, wal) = (path.to_owned(), wal.into());
        Ok(Self(Arc::new(Inner { path, wal, identity, wal_identity: Mutex::default() })))
    }

    pub fn path(&self) -> &Path {
        &self.0.path
    }

    /// Remembers the write-ahead log that the connection that writes has just opened.
    pub fn opened_wal(&self) {
        let identity = Identity::at(&self.0.wal).ok().flatten();
        *self.0.wal_identity.lock().unwrap_or_else(PoisonError::into_inner) = identity;
    }

    /// The connection that writes is closed. SQLite may delete the write-ahead log.
    pub fn closed_wal(&self) {
        *self.0.wal_identity.lock().unwrap_or_else(PoisonError::into_inner) = None;
    }

    /// Checks that both files are still the ones that were opened. An error of the disk counts as yes.
    pub fn check(&self) -> Result<(), Moved> {
        let Inner { path, wal, identity, wal_identity } = &*self.0;
        if Identity::at(path).is_ok_and(|found| found != Some(*identity)) {
            return Err(Moved::File { name: name(path) });
        }
        let opened = *wal_identity.lock().unwrap_or_else(PoisonError::into_inner);
        if opened.is_some() && Identity::at(wal).is_ok_and(|found| found != opened) {
            return Err(Moved::Wal { name: name(wal) });
        }
        Ok(())
    }
}

fn name(path: &Path) -> String {
    path.file_name().unwrap_or(path.as_os_str()).to_string_lossy().into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_deleted_and_a_replaced_file_are_noticed_and_the_same_file_may_come_back() {
        let folder = tempfile::tempdir().unwrap();
        let (path, aside) = (folder.path().join("log.db"), folder.path().join("aside"));
        std::fs::write(&path, "events").unwrap();
        let open = OpenFile::at(&path).unwrap();
        assert_eq!(open.check(), Ok(()));
        std::fs::rename(&path, &aside).unwrap();
        assert!(matches!(open.check(), Err(Moved::File { .. })));
        std::fs::write(&path, "others").unwrap();
        assert!(matches!(open.check(), Err(Moved::File { .. })));
        std::fs::rename(&aside, &path).unwrap();
        assert_eq!(open.check(), Ok(()));
    }

    #[test]
    fn a_lost_write_ahead_log_is_noticed_while_it_is_open() {
        let folder = tempfile::tempdir().unwrap();
        let (path, wal) = (folder.path().join("log.db"), folder.path().join("log.db-wal"));
        std::fs::write(&path, "events").unwrap();
        std::fs::write(&wal, "newer events").unwrap();
        let open = OpenFile::at(&path).unwrap();
        open.opened_wal();
        std::fs::remove_file(&wal).unwrap();
        assert!(matches!(open.check(), Err(Moved::Wal { .. })));
        open.closed_wal();
        assert_eq!(open.check(), Ok(()));
    }
}
