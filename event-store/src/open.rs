//! Opens a log with the engine that its URL names.

use crate::{EventStore, OpenError, PostgresStore, SqliteStore};
use event_schemas::Clock;
use std::sync::Arc;

/// Opens the log that `url` names: `sqlite:<path>`, `postgres://…`, or `esdb://…` and `kurrentdb://…` in the
/// form of the vendor's clients.
pub async fn open(url: &str, clock: Clock) -> Result<Arc<dyn EventStore>, OpenError> {
    let Some((scheme, rest)) = url.split_once(':') else {
        return Err(OpenError::NotAUrl { url: url.to_owned() });
    };
    match scheme {
        "sqlite" => {
            let path = rest.strip_prefix("//").unwrap_or(rest);
            if path.is_empty() {
                return Err(OpenError::NotAUrl { url: url.to_owned() });
            }
            Ok(SqliteStore::open(path, clock).await?)
        }
        "postgres" | "postgresql" => Ok(PostgresStore::open(url, clock).await?),
        #[cfg(feature = "kurrentdb")]
        "esdb" | "esdb+discover" | "kurrentdb" | "kurrentdb+discover" => {
            Ok(crate::KurrentStore::open(url, clock).await?)
        }
        #[cfg(not(feature = "kurrentdb"))]
        "esdb" | "esdb+discover" | "kurrentdb" | "kurrentdb+discover" => {
            Err(OpenError::LeftOut { scheme: scheme.to_owned(), feature: "kurrentdb" })
        }
        _ => Err(OpenError::UnknownEngine { scheme: scheme.to_owned() }),
    }
}
