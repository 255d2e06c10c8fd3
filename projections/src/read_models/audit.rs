//! The changes of an account's definitions, people and keys: who made each, when, from where, and each field before and
//! after. Secrets are hidden; that one changed is seen.

use super::registry::{Fold, table_set};
use crate::queries::{ListError, Listed, Page, newest_first_with};
use event_schemas::automation::MacroVisibility;
use event_schemas::catalogue::CatalogueKind;
use event_schemas::cloud_event::without_secrets;
use event_schemas::{
    AccountEvent, AccountId, ActorType, AgentEvent, Credential, Event, EventId, Events, Timestamp,
};
use follower::db::{DbError, Readers, Tx};
use follower::runner::DecodedEvent;
use follower::table::{Json, Rows};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use sha2::{Digest, Sha256};
use std::fmt;
use std::str::FromStr;
use std::sync::Arc;
use uuid::Uuid;

/// The subject of an entry of the audit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AuditKind {
    Account,
    People,
    ApiKeys,
    Agents,
    Catalogue(CatalogueKind),
}

impl AuditKind {
    const OTHERS: [Self; 4] = [Self::Account, Self::People, Self::ApiKeys, Self::Agents];

    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Account => "account",
            Self::People => "people",
            Self::ApiKeys => "api_keys",
            Self::Agents => "agents",
            Self::Catalogue(kind) => kind.as_str(),
        }
    }

    pub fn all() -> impl Iterator<Item = Self> {
        Self::OTHERS.into_iter().chain(CatalogueKind::ALL.iter().copied().map(Self::Catalogue))
    }
}

impl fmt::Display for AuditKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

/// The text names no kind of entry.
#[derive(Clone, Debug, thiserror::Error)]
#[error("'{text}' is not one of: {}", AuditKind::all().map(AuditKind::as_str).collect::<Vec<_>>().join(", "))]
pub struct UnknownKind {
    text: String,
}

impl FromStr for AuditKind {
    type Err = UnknownKind;
    fn from_str(text: &str) -> Result<Self, UnknownKind> {
        Self::all().find(|kind| kind.as_str() == text).ok_or_else(|| UnknownKind { text: text.to_owned() })
    }
}

/// A field that an act changed.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct ChangedField {
    /// Its path in the item: `name`, `credentials.access_token`.
    pub field: String,
    /// `null` when it was not set.
    pub before: Value,
    /// `null` when it is not set any more.
    pub after: Value,
}

follower::table! {
    /// The fields of an item after its last change, hidden texts with a mark by which another one is recognised.
    pub struct AuditItemRow in "audit_items" key (account_id: AccountId, kind: String, item_id: Uuid) {
        fields: Json<Map<String, Value>>,
    }
}

follower::table! {
    /// One act.
    #[derive(Serialize, JsonSchema)]
    #[schemars(rename = "AuditEntry")]
    pub struct AuditEntryRow in "audit_entries" key (
        /// The id of the event.
        id: EventId,
    ) {
        #[serde(skip)]
        account_id: AccountId,
        at: Timestamp,
        /// `user`, `service` or `system`.
        actor_type: String,
        actor_id: Option<Uuid>,
        actor_name: Option<String>,
        /// How the actor proved who they are: `session`, `api_key`, `token` or `gateway`. `null` of the command line, and
        /// of acts that an earlier version recorded.
        credential_type: Option<String>,
        /// The session or the API key.
        credential_id: Option<Uuid>,
        /// `account`, `people`, `api_keys`, `agents`, or the catalogue: `teams`, `channels`.
        kind: String,
        /// `created`, `changed` or `removed`.
        action: String,
        event_type: String,
        item_id: Uuid,
        item_name: Option<String>,
        /// Each field that is different now. Secrets are `***` before and after.
        changes: Json<Vec<ChangedField>>,
    }
}

table_set! {
    /// The tables of the audit.
    pub struct Audit {
        items: Rows<AuditItemRow>,
        entries: Rows<AuditEntryRow>,
    }
}

/// The item that an event is about.
fn subject(event: &Event) -> Option<(AuditKind, Uuid)> {
    match event {
        Event::Catalogue(change) => Some((AuditKind::Catalogue(change.kind()), change.item_id())),
        Event::Account(change) => Some(match change {
            AccountEvent::AccountOpened(event) => (AuditKind::Account, event.account_id.0),
            AccountEvent::PersonInvited(event) => (AuditKind::People, event.user_id.0),
            AccountEvent::PersonJoined(event) => (AuditKind::People, event.user_id.0),
            AccountEvent::RoleGiven(event) => (AuditKind::People, event.user_id.0),
            AccountEvent::PersonRemoved(event) => (AuditKind::People, event.user_id.0),
            AccountEvent::ApiKeyCreated(event) => (AuditKind::ApiKeys, event.api_key_id.0),
            AccountEvent::ApiKeyRevoked(event) => (AuditKind::ApiKeys, event.api_key_id.0),
        }),
        Event::Agent(AgentEvent::AgentRegistered(event)) => Some((AuditKind::Agents, event.user_id.0)),
        Event::Agent(AgentEvent::AgentRemoved(event)) => Some((AuditKind::Agents, event.user_id.0)),
        Event::Agent(AgentEvent::PreferencesChanged(event)) => Some((AuditKind::Agents, event.user_id.0)),
        Event::Agent(
            AgentEvent::WentOnline(_)
            | AgentEvent::WentAway(_)
            | AgentEvent::WentOffline(_)
            | AgentEvent::CapacityReserved(_)
            | AgentEvent::CapacityReleased(_),
        )
        | Event::Conversation(_)
        | Event::Contact(_)
        | Event::Inbound(_)
        | Event::Log(_)
        | Event::Person(_)
        | Event::ApiKey(_)
        | Event::Bulk(_) => None,
    }
}

/// The effect of an event on the fields of its item.
enum Effect {
    /// The event has all fields.
    Replaced(Map<String, Value>),
    /// The event has the fields that it changes.
    Merged(Map<String, Value>),
    Ended,
}

/// The fields that only say which item it is, or that are hashes.
const NOT_SHOWN: &[&str] = &["account_id", "user_id", "api_key_id", "id", "link_hash", "token_hash"];

fn effect(event: &Event) -> Effect {
    match event {
        Event::Catalogue(change) if change.item().is_none() => Effect::Ended,
        Event::Catalogue(change) => {
            // The item is the only field of the event.
            let item = fields(change).into_iter().next().map(|(_, item)| item);
            let mut item = shown(item.unwrap_or_default());
            if item
                .get("visibility")
                .is_some_and(|visibility| visibility == MacroVisibility::Personal.as_str())
            {
                // Only its creator sees a personal macro or view.
                item.retain(|name, _| name == "visibility" || name == "created_by");
            }
            Effect::Replaced(item)
        }
        Event::Account(AccountEvent::PersonRemoved(_) | AccountEvent::ApiKeyRevoked(_))
        | Event::Agent(AgentEvent::AgentRemoved(_)) => Effect::Ended,
        Event::Account(change) => Effect::Merged(shown(Value::Object(fields(change)))),
        Event::Agent(AgentEvent::PreferencesChanged(change)) => {
            let preferences = serde_json::to_value(&change.preferences).unwrap_or_default();
            Effect::Merged(Map::from_iter([("preferences".to_owned(), preferences)]))
        }
        Event::Agent(change) => Effect::Merged(shown(Value::Object(fields(change)))),
        Event::Conversation(_)
        | Event::Contact(_)
        | Event::Inbound(_)
        | Event::Log(_)
        | Event::Person(_)
        | Event::ApiKey(_)
        | Event::Bulk(_) => Effect::Merged(Map::new()),
    }
}

fn shown(item: Value) -> Map<String, Value> {
    let Value::Object(mut fields) = item else { return Map::new() };
    fields.retain(|name, value| !NOT_SHOWN.contains(&name.as_str()) && !value.is_null());
    fields
}

/// The fields of an event, with hidden texts marked.
fn fields<E: Events>(event: &E) -> Map<String, Value> {
    let whole: Value = serde_json::from_str(&event.encode()).unwrap_or_default();
    let public = without_secrets(event.event_type(), whole.clone());
    match marked(&whole, public) {
        Value::Object(fields) => fields,
        _ => Map::new(),
    }
}

/// Comes before the fingerprint of a hidden text: a control character, which no shown text ends with.
const MARK: char = '\u{1f}';

/// The public part of a value, with a fingerprint of each text that is hidden.
fn marked(whole: &Value, shown: Value) -> Value {
    match (whole, shown) {
        (Value::Object(whole), Value::Object(shown)) => shown
            .into_iter()
            .map(|(name, value)| {
                let value = whole.get(&name).map_or(value.clone(), |whole| marked(whole, value));
                (name, value)
            })
            .collect(),
        (Value::Array(whole), Value::Array(shown)) if whole.len() == shown.len() => {
            whole.iter().zip(shown).map(|(whole, shown)| marked(whole, shown)).collect()
        }
        (Value::String(whole), Value::String(shown)) if *whole != shown => {
            Value::String(format!("{shown}{MARK}{}", fingerprint(whole)))
        }
        (_, shown) => shown,
    }
}

/// The first 32 bits of SHA-256: enough to see that a secret is another one, and too little to find it.
fn fingerprint(secret: &str) -> String {
    Sha256::digest(secret).iter().take(4).map(|byte| format!("{byte:02x}")).collect()
}

/// The value without fingerprints.
fn without_marks(value: &Value) -> Value {
    match value {
        Value::String(text) => Value::String(text.split(MARK).next().unwrap_or_default().to_owned()),
        Value::Array(values) => values.iter().map(without_marks).collect(),
        Value::Object(fields) => {
            fields.iter().map(|(name, value)| (name.clone(), without_marks(value))).collect()
        }
        Value::Null | Value::Bool(_) | Value::Number(_) => value.clone(),
    }
}

/// The fields that differ, those within objects one by one.
fn changes(before: &Map<String, Value>, after: &Map<String, Value>) -> Vec<ChangedField> {
    let mut found = Vec::new();
    compare("", before, after, &mut found);
    found.sort_by(|a, b| a.field.cmp(&b.field));
    found
}

fn compare(
    path: &str,
    before: &Map<String, Value>,
    after: &Map<String, Value>,
    found: &mut Vec<ChangedField>,
) {
    let added = after.keys().filter(|name| !before.contains_key(*name));
    for name in before.keys().chain(added) {
        let field = if path.is_empty() { name.clone() } else { format!("{path}.{name}") };
        let (old, new) = (before.get(name), after.get(name));
        let empty = Map::new();
        match (old, new) {
            (Some(Value::Object(old)), Some(Value::Object(new))) => compare(&field, old, new, found),
            (Some(Value::Object(old)), None) => compare(&field, old, &empty, found),
            (None, Some(Value::Object(new))) => compare(&field, &empty, new, found),
            _ if old == new => {}
            _ => found.push(ChangedField {
                field,
                before: old.map(without_marks).unwrap_or_default(),
                after: new.map(without_marks).unwrap_or_default(),
            }),
        }
    }
}

/// The name by which people know an item.
fn name_of(fields: &Map<String, Value>) -> Option<String> {
    let known = ["name", "title", "email", "trigger_value"].into_iter().find_map(|name| fields.get(name));
    known.and_then(Value::as_str).map(|name| name.split(MARK).next().unwrap_or_default().to_owned())
}

fn key_of(event: &DecodedEvent) -> Option<(AccountId, String, Uuid)> {
    let (kind, item_id) = subject(&event.event)?;
    Some((event.metadata.account_id, kind.as_str().to_owned(), item_id))
}

fn event_type(event: &Event) -> &'static str {
    match event {
        Event::Catalogue(event) => event.event_type(),
        Event::Account(event) => event.event_type(),
        Event::Agent(event) => event.event_type(),
        Event::Conversation(_)
        | Event::Contact(_)
        | Event::Inbound(_)
        | Event::Log(_)
        | Event::Person(_)
        | Event::ApiKey(_)
        | Event::Bulk(_) => "",
    }
}

fn words_of(credential: Option<Credential>) -> (Option<String>, Option<Uuid>) {
    let (word, id) = match credential {
        None => return (None, None),
        Some(Credential::Session(id)) => ("session", Some(id.0)),
        Some(Credential::ApiKey(id)) => ("api_key", Some(id.0)),
        Some(Credential::Token) => ("token", None),
        Some(Credential::Gateway) => ("gateway", None),
    };
    (Some(word.to_owned()), id)
}

const fn word_of(actor: ActorType) -> &'static str {
    match actor {
        ActorType::User => "user",
        ActorType::Contact => "contact",
        ActorType::Service => "service",
        ActorType::System => "system",
    }
}

impl Fold for Audit {
    fn caching(_conversations: usize) -> Self {
        Self { items: Rows::new(512), entries: Rows::new(1) }
    }

    async fn load(&mut self, page: &[Arc<DecodedEvent>], tx: &mut Tx) -> Result<(), DbError> {
        let keys: Vec<_> = page.iter().filter_map(|event| key_of(event)).collect();
        self.items.load(tx, keys).await
    }

    fn apply(&mut self, event: &DecodedEvent) {
        let Some(key) = key_of(event) else { return };
        let known = self.items.get(&key).map(|row| row.fields.0.clone());
        let is_new = known.is_none();
        let before = known.unwrap_or_default();
        let (after, action) = match effect(&event.event) {
            Effect::Ended => (Map::new(), "removed"),
            Effect::Replaced(fields) => (fields, if is_new { "created" } else { "changed" }),
            Effect::Merged(fields) => {
                let mut after = before.clone();
                after.extend(fields);
                (after, if is_new { "created" } else { "changed" })
            }
        };
        let (account_id, kind, item_id) = key.clone();
        let metadata = &event.metadata;
        let (credential_type, credential_id) = words_of(metadata.credential);
        self.entries.put(AuditEntryRow {
            id: event.id,
            account_id,
            at: metadata.occurred_at,
            actor_type: word_of(metadata.actor.actor_type).to_owned(),
            actor_id: metadata.actor.id,
            actor_name: metadata.actor.name.clone(),
            credential_type,
            credential_id,
            kind: kind.clone(),
            action: action.to_owned(),
            event_type: event_type(&event.event).to_owned(),
            item_id,
            item_name: name_of(&after).or_else(|| name_of(&before)),
            changes: Json(changes(&before, &after)),
        });
        match action {
            "removed" => self.items.remove(&key),
            _ => self.items.put(AuditItemRow { account_id, kind, item_id, fields: Json(after) }),
        }
    }
}

/// Which entries are listed. A part that is `None` selects all.
#[derive(Clone, Copy, Debug, Default)]
pub struct AuditFilter {
    pub actor: Option<Uuid>,
    pub kind: Option<AuditKind>,
    pub item: Option<Uuid>,
    /// From this time on.
    pub from: Option<Timestamp>,
    /// Before this time.
    pub until: Option<Timestamp>,
}

/// The entries of an account, the newest first.
pub async fn list(
    readers: &Readers,
    page: Page,
    filter: AuditFilter,
) -> Result<Listed<AuditEntryRow>, ListError> {
    const NEWEST: &str = "where account_id = $1 and (at, id) < ($3, $4)
        and ($5 is null or actor_id = $5) and ($6 is null or kind = $6) and ($7 is null or item_id = $7)
        and at >= $8 and at < $9 order by at desc, id desc limit 0 + $2";
    let AuditFilter { actor, kind, item, from, until } = filter;
    let kind = kind.map(|kind| kind.as_str().to_owned());
    let (from, until) =
        (from.map_or(i64::MIN, Timestamp::as_micros), until.map_or(i64::MAX, Timestamp::as_micros));
    let more =
        |values: follower::db::Values| values.with(&actor).with(&kind).with(&item).with(&from).with(&until);
    newest_first_with(readers, page, NEWEST, more, |row: &AuditEntryRow| (row.at, row.id.0)).await
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn object(value: Value) -> Map<String, Value> {
        value.as_object().cloned().unwrap()
    }

    #[test]
    fn a_secret_that_changed_is_seen_and_hidden() {
        let fields = |token: &str, name: &str| {
            let whole = json!({ "name": name, "credentials": { "token": token, "other": "same" } });
            let shown = json!({ "name": name, "credentials": { "token": "***", "other": "***" } });
            object(marked(&whole, shown))
        };
        assert_eq!(changes(&fields("a", "Shop"), &fields("a", "Shop")), []);
        let found = changes(&fields("a", "Shop"), &fields("b", "Store"));
        let found: Vec<_> = found.iter().map(|c| (c.field.as_str(), &c.before, &c.after)).collect();
        assert_eq!(
            found,
            [("credentials.token", &json!("***"), &json!("***")), ("name", &json!("Shop"), &json!("Store")),]
        );
    }

    #[test]
    fn a_field_that_comes_or_goes_is_null_on_the_other_side() {
        let found = changes(&object(json!({ "a": 1, "b": { "c": 2 } })), &object(json!({ "d": [3] })));
        let found: Vec<_> = found.into_iter().map(|c| (c.field, c.before, c.after)).collect();
        assert_eq!(
            found,
            [
                ("a".to_owned(), json!(1), json!(null)),
                ("b.c".to_owned(), json!(2), json!(null)),
                ("d".to_owned(), json!(null), json!([3])),
            ]
        );
    }

    #[test]
    fn every_kind_is_read_as_it_is_written() {
        for kind in AuditKind::all() {
            assert_eq!(kind.as_str().parse::<AuditKind>().unwrap(), kind);
        }
        assert!("conversations".parse::<AuditKind>().is_err());
    }
}
