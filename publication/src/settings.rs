//! The addresses of NATS, the login, and the configuration of the stream.

use async_nats::ServerAddr;
use percent_encoding::percent_decode_str;
use std::path::{Path, PathBuf};
use std::time::Duration;

/// The configuration of the stream.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StreamSettings {
    pub name: String,
    pub replicas: usize,
    /// How long messages are kept. `None` when they are kept without a limit.
    pub max_age: Option<Duration>,
    /// The largest size of the stream; `None` when it has no limit.
    pub max_bytes: Option<u64>,
    pub duplicate_window: Duration,
}

impl Default for StreamSettings {
    fn default() -> Self {
        Self {
            name: "VERBATIM".to_owned(),
            replicas: 1,
            max_age: None,
            max_bytes: None,
            duplicate_window: Duration::from_secs(120),
        }
    }
}

/// How to publish. [`Settings::new`] checks everything that can be checked without a connection.
#[derive(Clone)]
pub struct Settings {
    pub(crate) servers: Vec<ServerAddr>,
    pub(crate) login: Login,
    pub(crate) authority: Option<PathBuf>,
    pub(crate) stream: StreamSettings,
    /// The base of the addresses at which the events' schemas are served.
    pub(crate) schemas_url: String,
    /// The base of the addresses at which single events are served.
    pub(crate) events_url: String,
}

/// How the publication logs in to NATS.
#[derive(Clone)]
pub(crate) enum Login {
    Anonymous,
    Token(String),
    Password {
        user: String,
        password: String,
    },
    /// The text of a credentials file.
    Credentials(String),
}

/// Why settings are invalid.
#[derive(Debug, thiserror::Error)]
pub enum SettingsError {
    #[error(
        "the address of NATS is invalid: use nats://host:4222 or tls://host:4222, several of them separated by commas"
    )]
    NotAnAddress(#[source] std::io::Error),
    #[error("the addresses of NATS name different users: name one, in the first address")]
    SeveralLogins,
    #[error("the NATS credentials {path} cannot be read")]
    Unreadable { path: PathBuf, source: std::io::Error },
    #[error("{path} contains no NATS credentials")]
    NotCredentials { path: PathBuf, source: std::io::Error },
    #[error(
        "'{0}' cannot be the name of a stream: a name is not empty and has no spaces, dots, wildcards or slashes"
    )]
    NotAStreamName(String),
    #[error("a stream has between 1 and 5 replicas, not {0}")]
    Replicas(usize),
}

impl Settings {
    pub fn new(urls: &str, stream: StreamSettings, public_url: &str) -> Result<Self, SettingsError> {
        if stream.name.is_empty() || stream.name.contains(|c: char| c.is_whitespace() || ".*>/\\".contains(c))
        {
            return Err(SettingsError::NotAStreamName(stream.name));
        }
        if !(1..=5).contains(&stream.replicas) {
            return Err(SettingsError::Replicas(stream.replicas));
        }
        let servers: Vec<ServerAddr> = urls
            .split(',')
            .map(|url| address(url.trim()))
            .collect::<Result<_, _>>()
            .map_err(SettingsError::NotAnAddress)?;
        let login = login(&servers)?;
        let base = public_url.trim_end_matches('/');
        Ok(Self {
            servers,
            login,
            authority: None,
            stream,
            schemas_url: format!("{base}/schemas"),
            events_url: format!("{base}/v1/events"),
        })
    }

    /// Uses a credentials file, as `nsc` makes them, instead of the login in the address.
    pub fn with_credentials(mut self, path: &Path) -> Result<Self, SettingsError> {
        let text = read_file(path)?;
        async_nats::ConnectOptions::with_credentials(&text)
            .map_err(|source| SettingsError::NotCredentials { path: path.to_owned(), source })?;
        self.login = Login::Credentials(text);
        Ok(self)
    }

    /// Trusts the certificates (PEM) of this file instead of the system's.
    pub fn with_authority(mut self, path: &Path) -> Result<Self, SettingsError> {
        read_file(path)?;
        self.authority = Some(path.to_owned());
        Ok(self)
    }

    /// The servers' addresses without the login, for messages.
    pub(crate) fn addresses(&self) -> String {
        let addresses: Vec<String> =
            self.servers.iter().map(|server| format!("{}:{}", server.host(), server.port())).collect();
        addresses.join(", ")
    }
}

fn read_file(path: &Path) -> Result<String, SettingsError> {
    std::fs::read_to_string(path)
        .map_err(|source| SettingsError::Unreadable { path: path.to_owned(), source })
}

fn address(url: &str) -> std::io::Result<ServerAddr> {
    let address: ServerAddr = url.parse()?;
    if !matches!(address.scheme(), "nats" | "tls") || address.host().is_empty() {
        return Err(std::io::Error::new(std::io::ErrorKind::InvalidInput, "neither nats:// nor tls://"));
    }
    Ok(address)
}

/// The login in `nats://user:password@host` or `nats://token@host`.
fn login(servers: &[ServerAddr]) -> Result<Login, SettingsError> {
    let credentials = |server: &ServerAddr| {
        let decoded = |text: &str| percent_decode_str(text).decode_utf8_lossy().into_owned();
        server.username().map(|user| (decoded(user), server.password().map(decoded)))
    };
    let mut logins = servers.iter().filter_map(credentials);
    let Some(first) = logins.next() else { return Ok(Login::Anonymous) };
    if logins.any(|other| other != first) {
        return Err(SettingsError::SeveralLogins);
    }
    Ok(match first {
        (token, None) => Login::Token(token),
        (user, Some(password)) => Login::Password { user, password },
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn settings(urls: &str) -> Result<Settings, SettingsError> {
        Settings::new(urls, StreamSettings::default(), "https://desk.example.com/")
    }

    #[test]
    fn an_address_may_hold_a_login_and_is_shown_without_it() {
        let settings = settings("nats://ada:p%40ss@one:4222, tls://two").unwrap();
        assert!(
            matches!(&settings.login, Login::Password { user, password } if user == "ada" && password == "p@ss")
        );
        assert_eq!(settings.addresses(), "one:4222, two:4222");
        assert_eq!(settings.schemas_url, "https://desk.example.com/schemas");
    }

    #[test]
    fn a_name_without_a_password_is_a_token() {
        let settings = settings("nats://s3cret@one").unwrap();
        assert!(matches!(&settings.login, Login::Token(token) if token == "s3cret"));
    }

    #[test]
    fn an_invalid_address_is_refused_and_not_shown() {
        for urls in ["http://user:secret@one", "", "nats://one,,nats://two", "nats://"] {
            let Err(error) = settings(urls) else { panic!("{urls} was taken") };
            assert!(!error.to_string().contains("secret"), "{error}");
        }
        assert!(matches!(settings("nats://a:1@one,nats://b:2@two"), Err(SettingsError::SeveralLogins)));
    }

    #[test]
    fn a_stream_has_a_name_that_nats_takes() {
        for name in ["", "a b", "a.b", "a>", "a/b"] {
            let stream = StreamSettings { name: name.to_owned(), ..StreamSettings::default() };
            assert!(Settings::new("nats://one", stream, "http://x").is_err(), "{name}");
        }
    }

    #[test]
    fn credentials_are_read_at_once() {
        let folder = tempfile::tempdir().unwrap();
        let missing = settings("nats://one").unwrap().with_credentials(&folder.path().join("none"));
        assert!(matches!(missing, Err(SettingsError::Unreadable { .. })));
        let path = folder.path().join("some.creds");
        std::fs::write(&path, "nothing of the kind").unwrap();
        let wrong = settings("nats://one").unwrap().with_credentials(&path);
        assert!(matches!(wrong, Err(SettingsError::NotCredentials { .. })));
    }
}
