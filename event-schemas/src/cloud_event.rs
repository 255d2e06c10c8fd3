//! The published form of an event: CloudEvents 1.0, JSON format.

use crate::Recorded;
use crate::automation::MacroVisibility;
use crate::catalogue::ViewVisibility;
use crate::secrets::Secret;
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
            data: without_personal_texts(without_secrets(name, data)),
        }
    }
}

/// The fields that hold hashes of passwords and of secrets in links and cookies.
const HASHES: &[&str] = &["password_hash", "link_hash", "token_hash"];

/// Whether secrets were left out of the data of an event.
pub fn lacks_secrets(event_type: &str, data: &Value) -> bool {
    let credentials = data.pointer("/channel/credentials").and_then(Value::as_object);
    let is_mask = |value: &Value| value == Secret::MASK;
    match event_type {
        "ChannelDefined" => credentials.is_some_and(|credentials| credentials.values().any(is_mask)),
        "MacroDefined" => data.pointer("/macro/webhook_secret").is_some_and(is_mask),
        "AutomationRuleDefined" => data.pointer("/automation_rule/webhook_secret").is_some_and(is_mask),
        _ => false,
    }
}

/// The data of an event without its secrets: values of credentials, keys of webhooks, and what comes after the host in
/// an address that this program calls, because a path often is a secret too. The names of credentials stay.
pub fn without_secrets(event_type: &str, mut data: Value) -> Value {
    if event_type == "ChannelDefined"
        && let Some(credentials) = data.pointer_mut("/channel/credentials").and_then(Value::as_object_mut)
    {
        credentials.values_mut().for_each(|value| *value = json!(Secret::MASK));
    }
    for name in HASHES {
        if let Some(hash) = data.get_mut(*name) {
            *hash = json!(Secret::MASK);
        }
    }
    for item in ["/macro", "/automation_rule"] {
        if let Some(secret) = data.pointer_mut(&format!("{item}/webhook_secret")) {
            *secret = json!(Secret::MASK);
        }
        let actions = data.pointer_mut(&format!("{item}/actions")).and_then(Value::as_array_mut);
        actions.into_iter().flatten().filter_map(|action| action.get_mut("url")).for_each(hide_path);
    }
    let own = match event_type {
        "ChannelDefined" => data.pointer_mut("/channel/base_url"),
        "WebhookRequested" => data.pointer_mut("/url"),
        _ => None,
    };
    own.into_iter().for_each(hide_path);
    data
}

/// The data of an event without the texts of a personal macro or view, which only its creator sees. It stays visible
/// that there is one, and whose it is.
fn without_personal_texts(mut data: Value) -> Value {
    if let Some(item) = data.get_mut("macro").and_then(Value::as_object_mut)
        && item.get("visibility") == Some(&json!(MacroVisibility::Personal))
    {
        item.insert("name".to_owned(), json!(HIDDEN));
        item.insert("actions".to_owned(), json!([]));
        item.remove("description");
    }
    if let Some(view) = data.get_mut("saved_view").and_then(Value::as_object_mut)
        && view.get("visibility") == Some(&json!(ViewVisibility::Personal))
    {
        view.insert("name".to_owned(), json!(HIDDEN));
        view.insert("filter".to_owned(), json!({ "all": [] }));
    }
    data
}

fn hide_path(url: &mut Value) {
    if let Some(text) = url.as_str() {
        *url = json!(without_path(text));
    }
}

/// The scheme and the host of a URL, and `…` for the rest: `https://hooks.example.com/…`. Without the user, too.
pub fn without_path(url: &str) -> String {
    let Some((scheme, rest)) = url.split_once("://") else { return HIDDEN.to_owned() };
    let end = rest.find(['/', '?', '#', '\\']).unwrap_or(rest.len());
    let host = rest[..end].rsplit('@').next().unwrap_or_default();
    match &rest[end..] {
        "" | "/" => format!("{scheme}://{host}{}", &rest[end..]),
        _ => format!("{scheme}://{host}/{HIDDEN}"),
    }
}

/// Stands for a hidden text.
const HIDDEN: &str = "…";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn of_an_address_only_scheme_and_host_are_shown() {
        for (url, shown) in [
            ("https://hooks.example.com/services/T0/secret", "https://hooks.example.com/…"),
            ("https://hooks.example.com?key=secret", "https://hooks.example.com/…"),
            ("https://user:secret@hooks.example.com:8443/", "https://hooks.example.com:8443/"),
            ("https://hooks.example.com", "https://hooks.example.com"),
            ("secret", "…"),
        ] {
            assert_eq!(without_path(url), shown);
            assert_eq!(without_path(shown), shown, "hidden twice is hidden once");
        }
    }

    #[test]
    fn the_data_of_an_event_has_no_text_of_a_personal_macro() {
        let of = |visibility: &str| {
            let actions = json!([{ "type": "note", "text": "mine" }]);
            json!({ "macro": {
                "name": "mine", "description": "mine", "visibility": visibility, "created_by": "ana",
                "actions": actions,
            }})
        };
        let shown = without_personal_texts(of("personal"));
        assert!(!shown.to_string().contains("mine"), "{shown}");
        assert_eq!(shown["macro"]["created_by"], "ana");
        assert_eq!(without_personal_texts(of("everyone")), of("everyone"));
    }

    #[test]
    fn the_data_of_an_event_has_neither_name_nor_filter_of_a_personal_view() {
        let of = |visibility: &str| {
            json!({ "saved_view": {
                "name": "mine", "visibility": visibility, "created_by": "ana", "filter": { "label": ["mine"] },
            }})
        };
        let shown = without_personal_texts(of("personal"));
        assert!(!shown.to_string().contains("mine"), "{shown}");
        assert_eq!(shown["saved_view"]["created_by"], "ana");
        assert_eq!(shown["saved_view"]["filter"], json!(crate::view_filter::ViewFilter::All(Vec::new())));
        assert_eq!(without_personal_texts(of("everyone")), of("everyone"));
    }

    #[test]
    fn the_data_of_an_event_has_no_secret() {
        let webhook = json!({"type": "webhook", "url": "https://a.example/secret"});
        let secret = "secret";
        for (name, data) in [
            (
                "ChannelDefined",
                json!({"channel": {"credentials": {"token": secret}, "base_url": "https://u:secret@a.example/secret"}}),
            ),
            ("MacroDefined", json!({"macro": {"webhook_secret": secret, "actions": [webhook]}})),
            (
                "AutomationRuleDefined",
                json!({"automation_rule": {"webhook_secret": secret, "actions": [webhook]}}),
            ),
            ("WebhookRequested", json!({"url": "https://a.example/secret"})),
        ] {
            assert!(!lacks_secrets(name, &data));
            let shown = without_secrets(name, data);
            assert_eq!(lacks_secrets(name, &shown), name != "WebhookRequested");
            let shown = shown.to_string().replace("webhook_secret", "");
            assert!(!shown.contains(secret), "{name}: {shown}");
        }
        assert!(!lacks_secrets("MessageReceived", &json!({"content": "***"})), "a customer wrote it");
    }
}
