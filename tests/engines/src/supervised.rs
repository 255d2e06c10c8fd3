//! A program that ends with the test process that started it, however that process ends.
//!
//! A shell runs between the two. It waits until its standard input is closed, which happens when the test process
//! ends, even by a signal that cannot be caught; then it stops the program and removes its folder.

use std::io::{BufRead, BufReader, Write};
use std::os::unix::fs::{MetadataExt, PermissionsExt, chown};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::{Mutex, PoisonError};

const SHELL: &str = r#"
folder=$1 signal=$2
shift 2
"$@" </dev/null >>"$folder/log" 2>&1 &
program=$!
echo $program
read -r word
kill -s "$signal" $program 2>/dev/null
wait $program
[ "$word" = keep ] || rm -rf "$folder"
"#;

/// A program with a folder of its own, which is removed with it.
pub struct Supervised {
    folder: PathBuf,
    command: Vec<String>,
    signal: &'static str,
    running: Mutex<Option<Running>>,
}

struct Running {
    shell: Child,
    id: u32,
}

impl Supervised {
    /// A new folder that the program may write to. Some programs refuse to run as root, so tests that run as root
    /// start them as another user, who owns the folder.
    pub fn folder(name: &str) -> PathBuf {
        let folder =
            tempfile::Builder::new().prefix(&format!("verbatim-{name}-")).tempdir().expect("a folder").keep();
        std::fs::set_permissions(&folder, std::fs::Permissions::from_mode(0o700)).expect("permissions");
        if let Some((user, group)) = another_user() {
            chown(&folder, Some(user), Some(group)).expect("a folder given away");
        }
        folder
    }

    /// A command that runs in the folder, as the user who owns it.
    pub fn command(folder: &Path, program: impl AsRef<std::ffi::OsStr>) -> Command {
        let mut command = Command::new(program);
        command.current_dir(folder);
        if let Some((user, group)) = another_user() {
            command.uid(user).gid(group);
        }
        command
    }

    /// Starts the program. `signal` is the signal that ends it. Its output is written to `log` in the folder.
    pub fn start(folder: PathBuf, signal: &'static str, command: Vec<String>) -> Self {
        let program = Self::stopped(folder, signal, command);
        program.resume();
        program
    }

    /// The program without starting it; [`Self::resume`] does.
    pub fn stopped(folder: PathBuf, signal: &'static str, command: Vec<String>) -> Self {
        Self { folder, command, signal, running: Mutex::new(None) }
    }

    /// Starts the program, for the first time or after [`Self::stop`].
    pub fn resume(&self) {
        let mut shell = Self::command(&self.folder, "sh");
        shell
            .args(["-c", SHELL, "sh"])
            .arg(&self.folder)
            .arg(self.signal)
            .args(&self.command)
            // A process group of its own, so that a terminal's signals to this process do not reach the program.
            .process_group(0)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null());
        let mut shell = shell.spawn().expect("a shell");
        let mut id = String::new();
        BufReader::new(shell.stdout.take().expect("a pipe")).read_line(&mut id).expect("a process id");
        let id = id.trim().parse().expect("a process id");
        *self.running.lock().unwrap_or_else(PoisonError::into_inner) = Some(Running { shell, id });
    }

    /// The program's process id; `None` when it does not run.
    pub fn id(&self) -> Option<u32> {
        self.running.lock().unwrap_or_else(PoisonError::into_inner).as_ref().map(|running| running.id)
    }

    /// Sends the program a signal by its name.
    pub fn signal(&self, name: &str) {
        if let Some(id) = self.id() {
            signal(name, &[id]);
        }
    }

    /// Ends the program and waits for its end. Its folder stays.
    pub fn stop(&self) {
        self.end("keep\n");
    }

    fn end(&self, word: &str) {
        let running = self.running.lock().unwrap_or_else(PoisonError::into_inner).take();
        let Some(Running { mut shell, .. }) = running else { return };
        // Writing fails when the shell has ended already; then there is nothing to stop.
        let _shell_ended = shell.stdin.take().map(|mut input| input.write_all(word.as_bytes()));
        shell.wait().expect("the shell ends");
    }

    pub fn path(&self) -> &Path {
        &self.folder
    }

    /// The program's output.
    pub fn log(&self) -> String {
        std::fs::read_to_string(self.folder.join("log")).unwrap_or_default()
    }
}

impl Drop for Supervised {
    fn drop(&mut self) {
        if self.id().is_some() {
            self.end("\n");
        } else if let Err(error) = std::fs::remove_dir_all(&self.folder) {
            eprintln!("{} was left behind: {error}", self.folder.display());
        }
    }
}

/// Sends these processes a signal. Processes that have ended already are ignored.
pub fn signal(name: &str, ids: &[u32]) {
    let ids = ids.iter().map(u32::to_string);
    Command::new("kill").args(["-s", name]).args(ids).stderr(Stdio::null()).status().expect("kill runs");
}

/// The user and group to run as instead of root: `postgres` if that user exists, else `nobody`. `None` when this
/// process does not run as root.
fn another_user() -> Option<(u32, u32)> {
    if std::fs::metadata("/proc/self").expect("this process").uid() != 0 {
        return None;
    }
    let number = |option: &str, user: &str| {
        let output = Command::new("id").args([option, user]).output().expect("id runs");
        output.status.success().then(|| String::from_utf8_lossy(&output.stdout).trim().parse().ok()).flatten()
    };
    ["postgres", "nobody"].iter().find_map(|user| Some((number("-u", user)?, number("-g", user)?)))
}
