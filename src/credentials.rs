//! The keys that seal credentials: configured, or in a file beside the event log. And `verbatim credentials`.

use crate::config::Settings;
use crate::logging;
use anyhow::{Context, bail};
use clap::Subcommand;
use commands::Commands;
use commands::credentials::{CredentialsKey, KeyRing};
use event_schemas::Clock;
use event_store::EventStore;
use providers::{Providers, Timeouts};
use std::fs::{File, OpenOptions};
use std::io::{ErrorKind, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// The file of the keys: one key a line. The first seals.
const FILE: &str = "credentials.key";

#[derive(Subcommand)]
pub enum CredentialsAction {
    /// Seal the credentials that are in plain text or were sealed with a former key: each such channel, macro and rule
    /// is defined anew
    Seal,
}

pub async fn run(settings: &Settings, action: CredentialsAction) -> anyhow::Result<()> {
    match action {
        CredentialsAction::Seal => seal(settings).await,
    }
}

async fn seal(settings: &Settings) -> anyhow::Result<()> {
    logging::start(settings)?;
    if settings.event_store.is_none() && !settings.data.exists() {
        bail!("the data folder {} does not exist: name it with --data", settings.data.display());
    }
    let keys = Keys::load(settings)?.ring;
    if keys.is_empty() {
        bail!("there is no key to seal with: set credentials_key; `openssl rand -base64 32` makes a key");
    }
    let clock = Clock::System;
    let store = event_store::open(&settings.log_url(), clock.clone()).await?;
    let providers = Providers::new([], Timeouts::default(), clock.clone())?;
    let mut commands = Commands::new(Arc::clone(&store), Arc::new(providers), clock);
    commands.credential_keys = keys;
    let sealed = commands.seal_stored().await;
    store.close().await;
    match sealed.context("not all credentials are sealed; run this again")? {
        0 => println!("Every credential is sealed already."),
        1 => println!("The credentials of 1 channel, macro or rule are sealed now."),
        several => println!("The credentials of {several} channels, macros and rules are sealed now."),
    }
    println!("Events of earlier times stay as they are: replace a credential that was stored in plain text.");
    Ok(())
}

/// The keys of this process: the configured ones, then those of the file.
pub struct Keys {
    pub ring: KeyRing,
    /// The file, when this process has made it.
    made: Option<PathBuf>,
}

impl Keys {
    /// Reads the keys. A log in a file gets a file with a new key when there is no key.
    pub fn load(settings: &Settings) -> anyhow::Result<Self> {
        let (mut keys, mut made) = (Vec::new(), None);
        for text in &settings.credentials_key {
            keys.push(text.parse::<CredentialsKey>().context("credentials_key")?);
        }
        if let Some(path) = file(settings) {
            let mut text = read(&path)?;
            if keys.is_empty() && text.is_none() {
                text = Some(keep(&path, &CredentialsKey::encode(&Clock::System.fresh_key()))?);
                made = Some(path.clone());
            }
            keys.extend(keys_of(&path, text.as_deref().unwrap_or_default())?);
        }
        Ok(Self { ring: keys.into_iter().collect(), made })
    }

    /// Says that credentials are stored in plain text, or that the key is newer than the log.
    pub async fn warn(&self, store: &dyn EventStore) {
        if self.ring.is_empty() {
            tracing::warn!(
                "credentials of channels are stored in plain text: set credentials_key, then run `verbatim credentials seal`"
            );
        }
        if let Some(file) = &self.made
            && store.end().await.is_ok_and(|end| end.is_some())
        {
            tracing::warn!(
                file = %file.display(),
                "made a new key for an event log that has events: if it had a key, put that back as a further line of the \
                 file; `verbatim credentials seal` seals what an earlier version stored in plain text"
            );
        }
    }
}

/// The file of the keys, beside the file of the event log. `None` when a server has the log.
fn file(settings: &Settings) -> Option<PathBuf> {
    let url = settings.log_url();
    let path = url.strip_prefix("sqlite:")?;
    Some(Path::new(path.strip_prefix("//").unwrap_or(path)).with_file_name(FILE))
}

fn keys_of(path: &Path, text: &str) -> anyhow::Result<Vec<CredentialsKey>> {
    let lines = text.lines().enumerate().filter(|(_, line)| !line.trim().is_empty());
    let keys: Vec<_> = lines
        .map(|(index, line)| {
            line.parse().with_context(|| format!("line {} of {}", index + 1, path.display()))
        })
        .collect::<anyhow::Result<_>>()?;
    Ok(keys)
}

fn read(path: &Path) -> anyhow::Result<Option<String>> {
    match std::fs::read_to_string(path) {
        Ok(text) => Ok(Some(text)),
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error).with_context(|| format!("cannot read {}", path.display())),
    }
}

/// Makes the file of the key, unless another process is faster, and returns what it holds. It is durable before the key
/// is used, and it is never replaced.
fn keep(path: &Path, key: &str) -> anyhow::Result<String> {
    let folder = path.parent().unwrap_or(Path::new("."));
    std::fs::create_dir_all(folder)
        .with_context(|| format!("cannot create the data folder {}", folder.display()))?;
    // The whole file appears at once: a process that is killed leaves no half of a key, and none reads one.
    let draft = folder.join(format!(".{FILE}.{}", Clock::System.fresh_id()));
    let written = write_new(&draft, key).and_then(|()| match std::fs::hard_link(&draft, path) {
        Err(error) if error.kind() != ErrorKind::AlreadyExists => Err(error),
        Ok(()) | Err(_) => File::open(folder)?.sync_all(),
    });
    let removed = std::fs::remove_file(&draft);
    written.and(removed).with_context(|| format!("cannot make {}", path.display()))?;
    read(path)?.with_context(|| format!("{} was removed while it was made", path.display()))
}

fn write_new(path: &Path, key: &str) -> std::io::Result<()> {
    let mut file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(path)?;
    writeln!(file, "{key}")?;
    file.sync_all()
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::PermissionsExt;

    #[test]
    fn the_key_of_a_folder_is_made_once_and_is_its_owners_alone() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("data").join(FILE);
        let first = CredentialsKey::encode(&[1; 32]);
        assert_eq!(keep(&path, &first).unwrap().trim(), first);
        assert_eq!(keep(&path, &CredentialsKey::encode(&[2; 32])).unwrap().trim(), first);
        assert_eq!(std::fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
        let files: Vec<_> = std::fs::read_dir(path.parent().unwrap()).unwrap().collect();
        assert_eq!(files.len(), 1, "{files:?}");
    }

    #[test]
    fn processes_that_start_at_the_same_time_have_the_same_key() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join(FILE);
        let kept: Vec<String> = std::thread::scope(|scope| {
            let makers: Vec<_> = (0..8)
                .map(|byte| {
                    let path = &path;
                    scope.spawn(move || keep(path, &CredentialsKey::encode(&[byte; 32])).unwrap())
                })
                .collect();
            makers.into_iter().map(|maker| maker.join().unwrap()).collect()
        });
        assert!(kept.iter().all(|key| *key == kept[0]), "{kept:?}");
    }

    #[test]
    fn a_file_has_a_key_a_line_and_names_the_line_that_is_wrong() {
        let (first, second) = (CredentialsKey::encode(&[1; 32]), CredentialsKey::encode(&[2; 32]));
        let path = Path::new(FILE);
        assert_eq!(keys_of(path, &format!("{first}\n\n{second}\n")).unwrap().len(), 2);
        let error = format!("{:#}", keys_of(path, &format!("{first}\na password\n")).unwrap_err());
        assert!(error.starts_with("line 2 of credentials.key") && !error.contains("a password"), "{error}");
    }
}
