//! Configuration. The command line has precedence over the environment, the environment over the file, and the file over
//! the defaults.
//!
//! Every key is declared once, in [`keys`]: its documentation, its type and its default. The flag, the
//! `VERBATIM_…` variable, the key of the configuration file, the field of [`Settings`] and the annotated
//! `verbatim.default.toml` follow from the declaration; a test compares that file with it.

mod declaration;
mod keys;

pub use declaration::Options;
pub use keys::Settings;

use std::net::SocketAddr;
use std::path::{Path, PathBuf};

/// Why the configuration cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum ConfigError {
    #[error("the configuration file {path} cannot be read: {source}")]
    Unreadable { path: PathBuf, source: std::io::Error },
    #[error("the configuration file {path} is malformed: {source}")]
    Malformed { path: PathBuf, source: Box<toml::de::Error> },
    #[error("the file {path} that {variable} names cannot be read: {source}")]
    UnreadableValue { variable: String, path: PathBuf, source: std::io::Error },
    #[error("{variable} and {variable}_FILE are both set: keep one of them")]
    Twice { variable: String },
    /// The value itself is not told: it may be a secret.
    #[error("the value in the file that {variable} names has another type than its key")]
    BadValue { variable: String },
    #[error("the configuration is invalid: {0}")]
    Invalid(#[from] toml::de::Error),
}

impl Options {
    /// The effective settings: these options, then the file, then the defaults.
    pub fn settle(&self, file: Option<&Path>) -> Result<Settings, ConfigError> {
        let mut settled: toml::Table = toml::from_str(&annotated_defaults())?;
        if let Some(path) = file {
            let text = std::fs::read_to_string(path)
                .map_err(|source| ConfigError::Unreadable { path: path.to_owned(), source })?;
            let malformed =
                |source| ConfigError::Malformed { path: path.to_owned(), source: Box::new(source) };
            let values: toml::Table = toml::from_str(&text).map_err(malformed)?;
            settled.extend(values.clone());
            // A key that does not exist, or a value of another type, is an error of the file.
            toml::Table::try_into::<Settings>(settled.clone()).map_err(malformed)?;
        }
        settled.extend(self.values_with_files(|variable| std::env::var_os(variable))?);
        Ok(settled.try_into()?)
    }
}

/// The configuration file that holds every key with its documentation and its default. A key without a default
/// is commented out.
pub fn annotated_defaults() -> String {
    let mut text = String::from(keys::PREFACE);
    for section in keys::SECTIONS {
        section.write(&mut text);
    }
    text
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

    /// Whether the event log or the tables are in the data folder.
    pub fn uses_data_folder(&self) -> bool {
        self.event_store.is_none() || self.read_model.is_none()
    }

    /// The address under which the schemas of events are served.
    pub fn schemas_url(&self, listening: SocketAddr) -> String {
        format!("{}/schemas", self.base_url(listening))
    }

    /// The address at which clients reach this server.
    pub fn base_url(&self, listening: SocketAddr) -> String {
        let base = self.public_url.clone().unwrap_or_else(|| format!("http://{listening}"));
        base.trim_end_matches('/').to_owned()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::Parser;

    #[derive(Parser)]
    struct Program {
        #[command(flatten)]
        options: Options,
    }

    fn options<const N: usize>(arguments: [&str; N]) -> Options {
        Program::try_parse_from(["verbatim"].into_iter().chain(arguments)).unwrap().options
    }

    fn file_with(text: &str) -> (tempfile::TempDir, PathBuf) {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("verbatim.toml");
        std::fs::write(&file, text).unwrap();
        (folder, file)
    }

    #[test]
    fn the_defaults_are_valid() {
        let settings = options([]).settle(None).unwrap();
        assert_eq!(settings.listen.to_string(), "127.0.0.1:8080");
        assert_eq!(settings.log_url(), "sqlite:data/events.db");
        assert_eq!(settings.tables_url(), "sqlite:data");
    }

    #[test]
    fn the_command_line_has_precedence_over_the_file() {
        let (_folder, file) = file_with("rate_limit = 7\nbody_limit = 1000\n");
        let settings = options(["--rate-limit", "9"]).settle(Some(&file)).unwrap();
        assert_eq!((settings.rate_limit, settings.body_limit), (9, 1000));
    }

    #[test]
    fn a_value_can_be_in_a_file_that_a_variable_names() {
        let (_folder, file) = file_with("a-secret-of-its-own-file-0123456789\n");
        let named = |name: &'static str| {
            let file = file.clone();
            move |variable: &str| (variable == name).then(|| file.clone().into_os_string())
        };
        let values = options([]).values_with_files(named("VERBATIM_JWT_SECRET_FILE")).unwrap();
        assert_eq!(values["jwt_secret"].as_str(), Some("a-secret-of-its-own-file-0123456789"));
        let twice = options(["--jwt-secret", "x"]).values_with_files(named("VERBATIM_JWT_SECRET_FILE"));
        assert!(matches!(twice, Err(ConfigError::Twice { .. })));
        let bad = options([]).values_with_files(named("VERBATIM_RATE_LIMIT_FILE")).unwrap_err();
        assert!(!bad.to_string().contains("a-secret"), "{bad}");
        let gone = |_: &str| Some("/nowhere".into());
        assert!(options([]).values_with_files(gone).is_err());
    }

    #[test]
    fn an_unknown_key_is_named() {
        let (_folder, file) = file_with("rate_limits = 7\n");
        let error = options([]).settle(Some(&file)).unwrap_err();
        assert!(error.to_string().contains("rate_limits"), "{error}");
    }

    #[test]
    fn a_value_of_another_type_is_refused_with_its_location() {
        let (_folder, file) = file_with("rate_limit = \"many\"\n");
        assert!(matches!(options([]).settle(Some(&file)), Err(ConfigError::Malformed { .. })));
        for wrong in [["--rate-limit", "many"], ["--listen", "here"], ["--log-format", "xml"]] {
            assert!(Program::try_parse_from(["verbatim"].into_iter().chain(wrong)).is_err(), "{wrong:?}");
        }
    }

    #[test]
    fn switches_and_lists_are_read_from_the_command_line() {
        let settings = options(["--trust-gateway-headers", "--cors-origins", "https://a.b,https://c.d"]);
        let settings = settings.settle(None).unwrap();
        assert!(settings.trust_gateway_headers);
        assert_eq!(settings.cors_origins, ["https://a.b", "https://c.d"]);
        let off = options(["--trust-gateway-headers", "false"]).settle(None).unwrap();
        assert!(!off.trust_gateway_headers);
    }

    #[test]
    fn the_annotated_defaults_follow_from_the_declaration() {
        let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("verbatim.default.toml");
        if std::env::var_os("VERBATIM_WRITE_CONFIG").is_some_and(|value| value == "1") {
            std::fs::write(&file, annotated_defaults()).unwrap();
        }
        let stored = std::fs::read_to_string(file).unwrap();
        assert!(
            stored == annotated_defaults(),
            "verbatim.default.toml differs from src/config/keys.rs: VERBATIM_WRITE_CONFIG=1 writes it"
        );
    }
}
