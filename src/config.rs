//! Configuration: command line over environment over file over default.
//!
//! Every option is one field of [`Options`]; its flag, its `VERBATIM_…` variable and its key in the file
//! are the field's name. `verbatim.default.toml` documents them all, and a test holds it to that.

use clap::Args;
use serde::{Deserialize, Serialize};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};

/// What can be configured. None: not said here.
#[derive(Args, Clone, Debug, Default, Deserialize, Serialize)]
#[serde(deny_unknown_fields, default)]
pub struct Options {
    /// Where to listen, ADDRESS:PORT
    #[arg(long, env = "VERBATIM_LISTEN", global = true)]
    pub listen: Option<SocketAddr>,
    /// The folder that holds everything Verbatim keeps
    #[arg(long, env = "VERBATIM_DATA", global = true)]
    pub data: Option<PathBuf>,
    /// The event log, as a URL [default: sqlite:<data>/events.db]
    #[arg(long, env = "VERBATIM_EVENT_STORE", global = true)]
    pub event_store: Option<String>,
    /// Where the read models and the process managers' tables are, as a URL [default: sqlite:<data>]
    #[arg(long, env = "VERBATIM_READ_MODEL", global = true)]
    pub read_model: Option<String>,
    /// NATS, where every event is published: nats://host:4222 or tls://…, several with commas between
    #[arg(long, env = "VERBATIM_NATS", global = true, hide_env_values = true)]
    pub nats: Option<String>,
    /// A NATS credentials file
    #[arg(long, env = "VERBATIM_NATS_CREDENTIALS", global = true)]
    pub nats_credentials: Option<PathBuf>,
    /// The certificates (PEM) that NATS is trusted by, instead of the system's
    #[arg(long, env = "VERBATIM_NATS_CA", global = true)]
    pub nats_ca: Option<PathBuf>,
    /// The JetStream stream that events are published to
    #[arg(long, env = "VERBATIM_NATS_STREAM", global = true)]
    pub nats_stream: Option<String>,
    /// How many servers of a NATS cluster keep the stream
    #[arg(long, env = "VERBATIM_NATS_REPLICAS", global = true)]
    pub nats_replicas: Option<usize>,
    /// Seconds that the stream keeps an event; 0: for ever
    #[arg(long, env = "VERBATIM_NATS_MAX_AGE", global = true)]
    pub nats_max_age: Option<u64>,
    /// Bytes that the stream keeps at most, the oldest going first; 0: as many as there is room for
    #[arg(long, env = "VERBATIM_NATS_MAX_BYTES", global = true)]
    pub nats_max_bytes: Option<u64>,
    /// Seconds for which NATS itself recognises an event that it has
    #[arg(long, env = "VERBATIM_NATS_DUPLICATE_WINDOW", global = true)]
    pub nats_duplicate_window: Option<u64>,
    /// The address others reach this server by; event documents name their schemas under it
    #[arg(long, env = "VERBATIM_PUBLIC_URL", global = true)]
    pub public_url: Option<String>,
    /// The secret that HS256 tokens are signed with
    #[arg(long, env = "VERBATIM_JWT_SECRET", global = true, hide_env_values = true)]
    pub jwt_secret: Option<String>,
    /// Where the keys of RS256 and ES256 tokens are published (JWKS)
    #[arg(long, env = "VERBATIM_JWKS_URL", global = true)]
    pub jwks_url: Option<String>,
    /// The issuer that tokens must name
    #[arg(long, env = "VERBATIM_JWT_ISSUER", global = true)]
    pub jwt_issuer: Option<String>,
    /// The audience that tokens must name
    #[arg(long, env = "VERBATIM_JWT_AUDIENCE", global = true)]
    pub jwt_audience: Option<String>,
    /// Believe X-Account-Id, X-User-Id, X-User-Role and X-User-Name, which a gateway in front sets
    #[arg(long, env = "VERBATIM_TRUST_GATEWAY_HEADERS", global = true, num_args = 0..=1, default_missing_value = "true")]
    pub trust_gateway_headers: Option<bool>,
    /// The largest request body, in bytes
    #[arg(long, env = "VERBATIM_BODY_LIMIT", global = true)]
    pub body_limit: Option<usize>,
    /// Requests a second that one user may make over time; 0: as many as they like
    #[arg(long, env = "VERBATIM_RATE_LIMIT", global = true)]
    pub rate_limit: Option<u32>,
    /// Requests that one user may make at once
    #[arg(long, env = "VERBATIM_RATE_BURST", global = true)]
    pub rate_burst: Option<u32>,
    /// Seconds after which a request is given up
    #[arg(long, env = "VERBATIM_REQUEST_TIMEOUT", global = true)]
    pub request_timeout: Option<u64>,
    /// Origins whose pages may call the API, comma-separated; `*`: all
    #[arg(long, env = "VERBATIM_CORS_ORIGINS", global = true, value_delimiter = ',')]
    pub cors_origins: Option<Vec<String>>,
    /// Where WhatsApp's Graph API is, for channels that do not say
    #[arg(long, env = "VERBATIM_WHATSAPP_BASE_URL", global = true)]
    pub whatsapp_base_url: Option<String>,
    /// Seconds a provider may take to answer
    #[arg(long, env = "VERBATIM_PROVIDER_TIMEOUT", global = true)]
    pub provider_timeout: Option<u64>,
    /// How often an outgoing message is tried before it counts as failed
    #[arg(long, env = "VERBATIM_DELIVERY_ATTEMPTS", global = true)]
    pub delivery_attempts: Option<u32>,
    /// Milliseconds before the second try; each further wait is twice as long
    #[arg(long, env = "VERBATIM_DELIVERY_BACKOFF_MS", global = true)]
    pub delivery_backoff_ms: Option<u64>,
    /// Seconds to wait for the provider's word on a message that may or may not have been sent
    #[arg(long, env = "VERBATIM_DELIVERY_GRACE", global = true)]
    pub delivery_grace: Option<u64>,
    /// How often a webhook of a macro or a rule is called before it is given up
    #[arg(long, env = "VERBATIM_WEBHOOK_ATTEMPTS", global = true)]
    pub webhook_attempts: Option<u32>,
    /// Milliseconds before the second call of a webhook
    #[arg(long, env = "VERBATIM_WEBHOOK_BACKOFF_MS", global = true)]
    pub webhook_backoff_ms: Option<u64>,
    /// Seconds a program may take to answer a webhook
    #[arg(long, env = "VERBATIM_WEBHOOK_TIMEOUT", global = true)]
    pub webhook_timeout: Option<u64>,
    /// Let webhooks go to addresses that are not on the Internet, and over plain HTTP
    #[arg(long, env = "VERBATIM_WEBHOOKS_TO_PRIVATE_ADDRESSES", global = true, num_args = 0..=1, default_missing_value = "true")]
    pub webhooks_to_private_addresses: Option<bool>,
    /// Seconds of silence after which an agent who went online counts as away
    #[arg(long, env = "VERBATIM_AGENT_AWAY_AFTER", global = true)]
    pub agent_away_after: Option<u64>,
    /// Further seconds of silence after which they count as offline
    #[arg(long, env = "VERBATIM_AGENT_OFFLINE_AFTER", global = true)]
    pub agent_offline_after: Option<u64>,
    /// What to log: a level, or target=level pairs
    #[arg(long, env = "VERBATIM_LOG", global = true)]
    pub log: Option<String>,
    /// How to log: text or json
    #[arg(long, env = "VERBATIM_LOG_FORMAT", global = true, value_parser = ["text", "json"])]
    pub log_format: Option<String>,
}

/// What is in force.
#[derive(Clone, Debug, Deserialize, Serialize)]
pub struct Settings {
    pub listen: SocketAddr,
    pub data: PathBuf,
    pub event_store: Option<String>,
    pub read_model: Option<String>,
    pub nats: Option<String>,
    pub nats_credentials: Option<PathBuf>,
    pub nats_ca: Option<PathBuf>,
    pub nats_stream: String,
    pub nats_replicas: usize,
    pub nats_max_age: u64,
    pub nats_max_bytes: u64,
    pub nats_duplicate_window: u64,
    pub public_url: Option<String>,
    pub jwt_secret: Option<String>,
    pub jwks_url: Option<String>,
    pub jwt_issuer: Option<String>,
    pub jwt_audience: Option<String>,
    pub trust_gateway_headers: bool,
    pub body_limit: usize,
    pub rate_limit: u32,
    pub rate_burst: u32,
    pub request_timeout: u64,
    pub cors_origins: Vec<String>,
    pub whatsapp_base_url: String,
    pub provider_timeout: u64,
    pub delivery_attempts: u32,
    pub delivery_backoff_ms: u64,
    pub delivery_grace: u64,
    pub webhook_attempts: u32,
    pub webhook_backoff_ms: u64,
    pub webhook_timeout: u64,
    pub webhooks_to_private_addresses: bool,
    pub agent_away_after: u64,
    pub agent_offline_after: u64,
    pub log: String,
    pub log_format: String,
}

/// The annotated default configuration: what is in force where nothing else is said.
pub const DEFAULTS: &str = include_str!("../verbatim.default.toml");

/// Why the configuration cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum ConfigError {
    #[error("the configuration file {path} cannot be read: {source}")]
    Unreadable { path: PathBuf, source: std::io::Error },
    #[error("the configuration file {path} is not as it should be: {source}")]
    Malformed { path: PathBuf, source: Box<toml::de::Error> },
    #[error("the configuration makes no sense: {0}")]
    Invalid(#[from] serde_json::Error),
}

impl Options {
    /// Everything in force: these options over the file over the defaults.
    pub fn settle(&self, file: Option<&Path>) -> Result<Settings, ConfigError> {
        let mut settled = said(&parse(DEFAULTS, Path::new("verbatim.default.toml"))?)?;
        if let Some(path) = file {
            let text = std::fs::read_to_string(path)
                .map_err(|source| ConfigError::Unreadable { path: path.to_owned(), source })?;
            settled.extend(said(&parse(&text, path)?)?);
        }
        settled.extend(said(self)?);
        Ok(serde_json::from_value(settled.into())?)
    }
}

fn parse(text: &str, path: &Path) -> Result<Options, ConfigError> {
    toml::from_str(text)
        .map_err(|source| ConfigError::Malformed { path: path.to_owned(), source: Box::new(source) })
}

fn said(options: &Options) -> Result<serde_json::Map<String, serde_json::Value>, ConfigError> {
    let serde_json::Value::Object(mut all) = serde_json::to_value(options)? else {
        return Ok(serde_json::Map::new());
    };
    all.retain(|_, value| !value.is_null());
    Ok(all)
}

impl Settings {
    /// The URL of the event log.
    pub fn log_url(&self) -> String {
        match &self.event_store {
            Some(url) => url.clone(),
            None => format!("sqlite:{}", self.data.join("events.db").display()),
        }
    }

    /// The URL of the tables.
    pub fn tables_url(&self) -> String {
        match &self.read_model {
            Some(url) => url.clone(),
            None => format!("sqlite:{}", self.data.display()),
        }
    }

    /// Whether anything is kept in the data folder.
    pub fn uses_data_folder(&self) -> bool {
        self.event_store.is_none() || self.read_model.is_none()
    }

    /// The address under which the schemas of events are served.
    pub fn schemas_url(&self, listening: SocketAddr) -> String {
        format!("{}/schemas", self.base_url(listening))
    }

    /// The address others reach this server by.
    pub fn base_url(&self, listening: SocketAddr) -> String {
        let base = self.public_url.clone().unwrap_or_else(|| format!("http://{listening}"));
        base.trim_end_matches('/').to_owned()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_defaults_settle() {
        let settings = Options::default().settle(None).unwrap();
        assert_eq!(settings.listen.to_string(), "127.0.0.1:8080");
        assert_eq!(settings.log_url(), "sqlite:data/events.db");
        assert_eq!(settings.tables_url(), "sqlite:data");
    }

    #[test]
    fn the_command_line_wins_over_the_file() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("verbatim.toml");
        std::fs::write(&file, "rate_limit = 7\nbody_limit = 1000\n").unwrap();
        let options = Options { rate_limit: Some(9), ..Options::default() };
        let settings = options.settle(Some(&file)).unwrap();
        assert_eq!((settings.rate_limit, settings.body_limit), (9, 1000));
    }

    #[test]
    fn a_key_that_does_not_exist_is_named() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("verbatim.toml");
        std::fs::write(&file, "rate_limits = 7\n").unwrap();
        let error = Options::default().settle(Some(&file)).unwrap_err();
        assert!(error.to_string().contains("rate_limits"), "{error}");
    }

    #[test]
    fn the_annotated_defaults_name_every_option() {
        let every = serde_json::to_value(Options::default()).unwrap();
        for key in every.as_object().unwrap().keys() {
            let named =
                DEFAULTS.lines().any(|line| line.trim_start_matches("# ").starts_with(&format!("{key} =")));
            assert!(named, "verbatim.default.toml does not name {key}");
        }
    }
}
