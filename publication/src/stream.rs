//! The JetStream stream: created when it is missing, and updated to the configuration.

use crate::error::PublicationError;
use crate::settings::StreamSettings;
use async_nats::jetstream::Context;
use async_nats::jetstream::ErrorCode;
use async_nats::jetstream::context::GetStreamErrorKind;
use async_nats::jetstream::stream::{Config, DiscardPolicy, Info, RetentionPolicy, StorageType, Stream};
use std::time::Duration;

/// The subjects of all published messages.
const SUBJECTS: &str = "verbatim.>";

/// The description of the stream, for operators.
pub(crate) const DESCRIPTION: &str = "Every event of Verbatim as a CloudEvent, in the order of its log";

/// The stream. `None` when it does not exist.
pub(crate) async fn existing(
    context: &Context,
    name: &str,
) -> Result<Option<Stream<Info>>, PublicationError> {
    match context.get_stream(name).await {
        Ok(stream) => Ok(Some(stream)),
        Err(error) => match error.kind() {
            GetStreamErrorKind::JetStream(error) if error.error_code() == ErrorCode::STREAM_NOT_FOUND => {
                Ok(None)
            }
            _ => Err(error.into()),
        },
    }
}

/// Changes the stream's configuration.
pub(crate) async fn change(
    context: &Context,
    config: &Config,
    differences: String,
) -> Result<(), PublicationError> {
    let stream = config.name.clone();
    let changed = context.update_stream(config).await;
    changed.map(drop).map_err(|source| PublicationError::NotChanged { stream, differences, source })
}

/// The stream, created or updated to the configuration. Settings that are not configured are left as they are.
pub(crate) async fn ensure(
    context: &Context,
    wanted: &StreamSettings,
) -> Result<Stream<Info>, PublicationError> {
    let name = &wanted.name;
    let found = match existing(context, name).await? {
        Some(stream) => stream,
        None => {
            let made = context
                .create_stream(declared(wanted))
                .await
                .map_err(|source| PublicationError::NotCreated { stream: name.clone(), source })?;
            tracing::info!(stream = %name, "the stream was created");
            return Ok(made);
        }
    };
    let config = &found.cached_info().config;
    if let Some(what) = unchangeable(config) {
        return Err(PublicationError::Unchangeable { stream: name.clone(), what });
    }
    let (changed, differences) = adjusted(config, wanted);
    if differences.is_empty() {
        return Ok(found);
    }
    let differences = differences.join(", ");
    change(context, &changed, differences.clone()).await?;
    tracing::info!(stream = %name, %differences, "the stream was changed to its configuration");
    Ok(context.get_stream(name).await?)
}

fn declared(wanted: &StreamSettings) -> Config {
    let config = Config {
        name: wanted.name.clone(),
        description: Some(DESCRIPTION.to_owned()),
        storage: StorageType::File,
        retention: RetentionPolicy::Limits,
        ..Config::default()
    };
    adjusted(&config, wanted).0
}

/// A setting that no update can change; `None` when all are as needed.
fn unchangeable(config: &Config) -> Option<&'static str> {
    if config.sealed {
        Some("is sealed")
    } else if config.mirror.is_some() {
        Some("is a mirror of another")
    } else if config.storage != StorageType::File {
        Some("is kept in memory, not in files")
    } else if config.retention != RetentionPolicy::Limits {
        Some("drops messages that its consumers have read")
    } else if config.no_ack {
        Some("does not acknowledge")
    } else {
        None
    }
}

/// The configuration with the wanted settings, and the differences.
fn adjusted(config: &Config, wanted: &StreamSettings) -> (Config, Vec<String>) {
    let mut next = config.clone();
    let mut differences = Vec::new();
    let max_age = wanted.max_age.unwrap_or_default();
    // The server accepts no duplicate window that is longer than the maximum age.
    let window = match wanted.max_age {
        Some(age) => wanted.duplicate_window.min(age),
        None => wanted.duplicate_window,
    };
    let max_bytes = wanted.max_bytes.map_or(-1, |bytes| i64::try_from(bytes).unwrap_or(i64::MAX));
    if next.subjects != [SUBJECTS] {
        differences.push(format!("subjects {:?} to {SUBJECTS}", next.subjects));
        next.subjects = vec![SUBJECTS.to_owned()];
    }
    if next.num_replicas.max(1) != wanted.replicas {
        differences.push(format!("replicas {} to {}", next.num_replicas, wanted.replicas));
    }
    next.num_replicas = wanted.replicas;
    if next.max_age != max_age {
        differences.push(format!("max age {} to {}", age(next.max_age), age(max_age)));
        next.max_age = max_age;
    }
    if limit(next.max_bytes) != max_bytes {
        differences.push(format!("max bytes {} to {max_bytes}", limit(next.max_bytes)));
        next.max_bytes = max_bytes;
    }
    if limit(next.max_messages) != -1 {
        differences.push(format!("max messages {} to -1", next.max_messages));
        next.max_messages = -1;
    }
    if limit(next.max_messages_per_subject) != -1 {
        differences.push(format!("max messages per subject {} to -1", next.max_messages_per_subject));
        next.max_messages_per_subject = -1;
    }
    if next.discard != DiscardPolicy::Old {
        differences.push("discard new to old".to_owned());
        next.discard = DiscardPolicy::Old;
        next.discard_new_per_subject = false;
    }
    if next.duplicate_window != window {
        differences.push(format!("duplicate window {} to {}", age(next.duplicate_window), age(window)));
        next.duplicate_window = window;
    }
    (next, differences)
}

/// A limit as the server reports it: no limit is 0 in a request and -1 in an answer.
fn limit(value: i64) -> i64 {
    if value == 0 { -1 } else { value }
}

fn age(duration: Duration) -> String {
    if duration.is_zero() { "none".to_owned() } else { format!("{duration:?}") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_declared_configuration_needs_no_change() {
        let wanted = StreamSettings { max_bytes: Some(1 << 30), ..StreamSettings::default() };
        let (_, differences) = adjusted(&declared(&wanted), &wanted);
        assert!(differences.is_empty(), "{differences:?}");
    }

    #[test]
    fn a_window_is_no_longer_than_the_age() {
        let wanted = StreamSettings { max_age: Some(Duration::from_secs(60)), ..StreamSettings::default() };
        assert_eq!(declared(&wanted).duplicate_window, Duration::from_secs(60));
    }

    #[test]
    fn only_what_is_configured_is_changed() {
        let wanted = StreamSettings::default();
        let theirs = Config {
            subjects: vec!["verbatim.>".to_owned(), "other".to_owned()],
            max_messages: 7,
            allow_direct: true,
            description: Some("ours".to_owned()),
            ..declared(&wanted)
        };
        let (next, differences) = adjusted(&theirs, &wanted);
        assert_eq!(differences.len(), 2, "{differences:?}");
        assert!(next.allow_direct && next.description.as_deref() == Some("ours"));
        assert_eq!(next.max_messages, -1);
    }
}
