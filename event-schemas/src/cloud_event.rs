//! The published form of an event: CloudEvents 1.0, JSON format.

use crate::Recorded;
use crate::upcast::today;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

/// The structured-mode document that goes to event streams, brokers and webhooks.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct CloudEvent {
    pub specversion: String,
    pub id: String,
    /// `/accounts/<account>`
    pub source: String,
    /// `verbatim.<kind>.<EventType>.v<version>`
    #[serde(rename = "type")]
    pub event_type: String,
    /// The stream.
    pub subject: String,
    /// When it occurred, RFC 3339.
    pub time: String,
    pub datacontenttype: String,
    /// The URL of the JSON Schema of `data`.
    pub dataschema: String,
    /// Extension: the position in the log, after which a consumer can resume.
    pub position: String,
    /// Extension: the version in the stream.
    pub streamversion: String,
    pub correlationid: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub causationid: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub traceparent: Option<String>,
    /// Extension: when it was recorded, RFC 3339.
    pub recordedtime: String,
    /// Extension: who caused it, `user`, `contact`, `service` or `system`.
    pub actortype: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub actorid: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub actorname: Option<String>,
    pub data: Value,
}

impl CloudEvent {
    /// The event with today's name of its type and in today's shape, whichever version of the program wrote
    /// it. `schemas` is the base URL of the schemas, without a slash at the end.
    pub fn of(recorded: &Recorded, schemas: &str) -> Self {
        let kind = recorded.stream.category().map_or("other", |c| c.as_str());
        let metadata = &recorded.metadata;
        let (name, version, data) = today(recorded);
        Self {
            specversion: "1.0".to_owned(),
            id: recorded.id.to_string(),
            source: format!("/accounts/{}", metadata.account_id),
            event_type: format!("verbatim.{kind}.{name}.v{version}"),
            subject: recorded.stream.to_string(),
            time: metadata.occurred_at.to_string(),
            datacontenttype: "application/json".to_owned(),
            dataschema: format!("{schemas}/{name}.v{version}.json"),
            position: recorded.position.to_string(),
            streamversion: recorded.version.to_string(),
            correlationid: metadata.correlation_id.to_string(),
            causationid: metadata.causation_id.map(|id| id.to_string()),
            traceparent: metadata.traceparent.clone(),
            recordedtime: recorded.recorded_at.to_string(),
            actortype: json!(metadata.actor.actor_type).as_str().unwrap_or_default().to_owned(),
            actorid: metadata.actor.id.map(|id| id.to_string()),
            actorname: metadata.actor.name.clone(),
            data: without_secrets(name, data),
        }
    }
}

/// Replaces the values of credentials and secrets. The names of credentials stay.
fn without_secrets(event_type: &str, mut data: Value) -> Value {
    if event_type == "ChannelDefined"
        && let Some(credentials) = data.pointer_mut("/channel/credentials").and_then(Value::as_object_mut)
    {
        credentials.values_mut().for_each(|value| *value = json!("***"));
    }
    for item in ["/macro", "/automation_rule"] {
        if let Some(secret) = data.pointer_mut(&format!("{item}/webhook_secret")) {
            *secret = json!("***");
        }
    }
    data
}
