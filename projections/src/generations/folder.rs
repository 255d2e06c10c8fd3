//! Generations as files: `read-model-<n>.db`, and `read-model.current`, which names the one in use.

use std::io;
use std::path::{Path, PathBuf};

pub(super) fn path(folder: &Path, number: u64) -> PathBuf {
    folder.join(format!("read-model-{number}.db"))
}

fn pointer(folder: &Path) -> PathBuf {
    folder.join("read-model.current")
}

pub(super) fn current(folder: &Path) -> io::Result<Option<u64>> {
    match std::fs::read_to_string(pointer(folder)) {
        Ok(text) => Ok(text.trim().parse().ok()),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error),
    }
}

/// Writes the number to a new file and renames that file, so that the change is atomic.
pub(super) fn switch_to(folder: &Path, number: u64) -> io::Result<()> {
    let next = folder.join("read-model.next");
    std::fs::write(&next, format!("{number}\n"))?;
    std::fs::File::open(&next)?.sync_all()?;
    std::fs::rename(next, pointer(folder))
}

pub(super) fn existing(folder: &Path) -> io::Result<Vec<u64>> {
    std::fs::create_dir_all(folder)?;
    let mut numbers = Vec::new();
    for entry in std::fs::read_dir(folder)? {
        let name = entry?.file_name();
        let number = name.to_str().and_then(|name| name.strip_prefix("read-model-")?.strip_suffix(".db"));
        numbers.extend(number.and_then(|number| number.parse::<u64>().ok()));
    }
    Ok(numbers)
}

/// Removes a database with its WAL and shared-memory files. It is not an error when they do not exist.
pub(super) fn remove(path: &Path) -> io::Result<()> {
    for suffix in ["", "-wal", "-shm"] {
        let mut name = path.as_os_str().to_owned();
        name.push(suffix);
        match std::fs::remove_file(&name) {
            Ok(()) => {}
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            Err(error) => return Err(error),
        }
    }
    Ok(())
}
