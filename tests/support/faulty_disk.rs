//! A folder whose disk fails on demand, by a small library that is loaded before the C library (`disk_faults.c`).

use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::Command;

/// The faults that the library knows.
pub const FAULTS: [&str; 6] = ["EIO", "dead", "torn", "ENOSPC", "EROFS", "slow 200"];

pub struct FaultyDisk {
    folder: tempfile::TempDir,
}

impl FaultyDisk {
    /// `None` when there is no C compiler.
    pub fn new() -> Option<Self> {
        let folder = tempfile::tempdir().expect("a folder");
        // A server may run as another user.
        let everyone = std::fs::Permissions::from_mode(0o755);
        std::fs::set_permissions(folder.path(), everyone).expect("permissions");
        let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/support/disk_faults.c");
        let mut cc = Command::new("cc");
        cc.args(["-std=gnu11", "-O1", "-shared", "-fPIC", "-o"]).arg(folder.path().join("faults.so"));
        let compiled = cc.arg(source).arg("-ldl").status().ok()?;
        assert!(compiled.success(), "the library compiles");
        Some(Self { folder })
    }

    fn control(&self) -> PathBuf {
        self.folder.path().join("fault")
    }

    /// The variables with which a program's files below `disk` fail on demand.
    pub fn variables(&self, disk: &Path) -> Vec<(&'static str, String)> {
        let text = |path: &Path| path.display().to_string();
        vec![
            ("LD_PRELOAD", text(&self.folder.path().join("faults.so"))),
            ("VERBATIM_TEST_DISK", format!("{}/", disk.display())),
            ("VERBATIM_TEST_DISK_FAULT", text(&self.control())),
        ]
    }

    /// From now on the disk fails, until [`Self::works`].
    pub fn fails(&self, fault: &str) {
        let next = self.folder.path().join("next");
        std::fs::write(&next, fault).expect("the fault is written");
        std::fs::set_permissions(&next, std::fs::Permissions::from_mode(0o644)).expect("permissions");
        std::fs::rename(next, self.control()).expect("the fault begins");
    }

    pub fn works(&self) {
        std::fs::remove_file(self.control()).expect("the fault ends");
    }
}
