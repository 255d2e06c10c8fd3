//! Reads the messages, statuses and errors in a webhook of the Cloud API.
//!
//! Each level is read separately, so that an error makes only the smallest element around it unreadable.

use crate::lenient_json::{self, Json, object};
use crate::{CallbackData, Inbound, InboundMessage, InboundStatus, UnreadablePart, identifier};
use event_schemas::Timestamp;
use event_schemas::message::Delivery;
use serde::Deserialize;
use serde_json::value::RawValue;
use serde_json::{Map, Value};

mod changes;
mod content;

#[derive(Deserialize)]
struct Webhook<'a> {
    object: String,
    #[serde(borrow)]
    entry: Vec<&'a RawValue>,
}

#[derive(Deserialize)]
struct Entry<'a> {
    #[serde(borrow)]
    changes: Vec<&'a RawValue>,
}

#[derive(Deserialize)]
struct Change<'a> {
    field: String,
    #[serde(borrow)]
    value: &'a RawValue,
}

#[derive(Deserialize)]
struct Notification<'a> {
    metadata: Number,
    #[serde(borrow)]
    contacts: Option<&'a RawValue>,
    #[serde(borrow)]
    messages: Option<&'a RawValue>,
    #[serde(borrow)]
    statuses: Option<&'a RawValue>,
    #[serde(borrow)]
    errors: Option<&'a RawValue>,
}

#[derive(Deserialize)]
struct Number {
    phone_number_id: String,
}

/// All parts of the webhook. Those that are not about the number with this id are unreadable.
pub(super) fn webhook(
    body: &[u8],
    phone_number_id: &str,
    received_at: Timestamp,
) -> Result<Vec<Inbound>, UnreadablePart> {
    let whole = |reason: String| UnreadablePart { part: body.to_owned(), reason };
    let json = Json::of(body);
    let webhook: Webhook =
        object(json.text()).map_err(|error| whole(format!("not a webhook of the Cloud API: {error}")))?;
    if webhook.object != "whatsapp_business_account" {
        return Err(whole(format!("about a '{}', not a whatsapp_business_account", webhook.object)));
    }
    let mut reading = Reading { json: &json, phone_number_id, received_at, found: Vec::new() };
    for entry in webhook.entry {
        reading.entry(entry);
    }
    Ok(reading.found)
}

struct Reading<'a> {
    json: &'a Json<'a>,
    phone_number_id: &'a str,
    received_at: Timestamp,
    found: Vec<Inbound>,
}

impl Reading<'_> {
    fn entry(&mut self, raw: &RawValue) {
        match object::<Entry>(raw.get()) {
            Ok(entry) => entry.changes.into_iter().for_each(|change| self.change(change)),
            Err(error) => self.unreadable(raw, format!("an entry without changes: {error}")),
        }
    }

    fn change(&mut self, raw: &RawValue) {
        let change: Change = match object(raw.get()) {
            Ok(change) => change,
            Err(error) => {
                return self.unreadable(raw, format!("a change without a field and a value: {error}"));
            }
        };
        if change.field != "messages" {
            return self.unreadable(raw, format!("about '{}', not about messages", change.field));
        }
        let value: Notification = match object(change.value.get()) {
            Ok(value) => value,
            Err(error) => return self.unreadable(raw, format!("a change that names no number: {error}")),
        };
        if value.metadata.phone_number_id != self.phone_number_id {
            return self.unreadable(raw, "about another number than this channel's".into());
        }
        let contacts = self.contacts(value.contacts);
        let senders = Senders { contacts, is_one: is_one_sender(value.messages) };
        let (json, received_at) = (self.json, self.received_at);
        self.each(value.messages, |raw| {
            let mut element = element(raw, &senders, received_at)?;
            let as_received = || json.original(raw).to_owned();
            match &mut element {
                Inbound::Message(message) => message.metadata.extend(json.as_received(raw)),
                Inbound::Edit(edit) => edit.message.metadata.extend(json.as_received(raw)),
                Inbound::Revoke(revoke) => revoke.as_received = as_received(),
                Inbound::Reaction(reaction) => reaction.as_received = as_received(),
                Inbound::Notice(notice) => notice.as_received = as_received(),
                Inbound::Status(status) => status.as_received = as_received(),
                Inbound::Unreadable(_) => {}
            }
            Ok(Some(element))
        });
        self.each(value.statuses, |raw| {
            let as_received = json.original(raw).to_owned();
            Ok(Some(Inbound::Status(InboundStatus { as_received, ..status(raw, received_at)? })))
        });
        self.each(value.errors, |raw| Err(reported(raw)));
    }

    fn contacts(&mut self, contacts: Option<&RawValue>) -> Vec<Contact> {
        let mut read = Vec::new();
        self.each(contacts, |raw| {
            read.push(object::<Contact>(raw).map_err(|error| format!("a contact: {error}"))?);
            Ok(None)
        });
        read
    }

    /// Reads each element of an array by itself.
    fn each(
        &mut self,
        array: Option<&RawValue>,
        mut read: impl FnMut(&str) -> Result<Option<Inbound>, String>,
    ) {
        let Some(array) = array else { return };
        match serde_json::from_str::<Vec<&RawValue>>(array.get()) {
            Ok(elements) => {
                for raw in elements {
                    match read(raw.get()) {
                        Ok(element) => self.found.extend(element),
                        Err(reason) => self.unreadable(raw, reason),
                    }
                }
            }
            Err(error) => self.unreadable(array, format!("not an array: {error}")),
        }
    }

    fn unreadable(&mut self, raw: &RawValue, reason: String) {
        self.found.push(Inbound::Unreadable(UnreadablePart {
            part: self.json.original(raw.get()).to_owned(),
            reason,
        }));
    }
}

/// The contacts of a change.
struct Senders {
    contacts: Vec<Contact>,
    /// Whether all its messages are from one sender.
    is_one: bool,
}

impl Senders {
    /// The contact of a message with these identifiers. The number in `wa_id` can be another than that in `from`: then the
    /// only contact is the one of the only sender.
    fn of(&self, identifiers: &[String]) -> Option<&Contact> {
        let named = |contact: &&Contact| contact.identifiers().any(|id| identifiers.contains(&id));
        let found = self.contacts.iter().find(named);
        found.or_else(|| self.contacts.first().filter(|_| self.is_one && self.contacts.len() == 1))
    }
}

#[derive(Deserialize)]
struct Contact {
    wa_id: Option<String>,
    user_id: Option<String>,
    profile: Option<Profile>,
}

#[derive(Deserialize)]
struct Profile {
    name: Option<String>,
}

impl Contact {
    /// The number first.
    fn identifiers(&self) -> impl Iterator<Item = String> {
        [&self.wa_id, &self.user_id]
            .into_iter()
            .flatten()
            .filter(|id| !id.is_empty())
            .map(|id| normalized(id))
    }

    fn name(&self) -> Option<&str> {
        self.profile.as_ref()?.name.as_deref().filter(|name| !name.is_empty())
    }
}

/// Whether all messages name the same sender.
fn is_one_sender(messages: Option<&RawValue>) -> bool {
    #[derive(Deserialize, PartialEq)]
    struct Sender {
        from: Option<String>,
        from_user_id: Option<String>,
    }
    let senders = messages.map(|messages| serde_json::from_str::<Vec<Sender>>(messages.get()));
    senders.is_some_and(|senders| senders.is_ok_and(|all| all.windows(2).all(|two| two[0] == two[1])))
}

/// The fields of a message that are kept as metadata.
const METADATA_FIELDS: [&str; 6] =
    ["referral", "group_id", "identity", "from_user_id", "from_parent_user_id", "errors"];

/// An element of `messages`: a message, or what is none and asks nothing.
fn element(raw: &str, senders: &Senders, received_at: Timestamp) -> Result<Inbound, String> {
    let message: Map<String, Value> =
        serde_json::from_str(raw).map_err(|error| format!("a message: {error}"))?;
    if message.get("group_id").and_then(Value::as_str).is_some_and(|group| !group.is_empty()) {
        return Err(IN_A_GROUP.to_owned());
    }
    let read = self::message(&message, senders, received_at)?;
    changes::of(raw, &message, read)
}

/// A group belongs to the program that made it with the Groups API. Its messages are not the sender's own conversation,
/// and an answer there would reach the sender alone.
const IN_A_GROUP: &str =
    "a message in a group: Verbatim answers persons, and a group belongs to the program that made it";

fn message(
    message: &Map<String, Value>,
    senders: &Senders,
    received_at: Timestamp,
) -> Result<InboundMessage, String> {
    let mut identifiers = identifiers_in(message, &["from", "from_user_id"]);
    let sender = senders.of(&identifiers);
    identifiers.extend(sender.into_iter().flat_map(Contact::identifiers));
    if identifiers.is_empty() {
        // A notice that the id has changed names no sender.
        let system = message.get("system").and_then(Value::as_object);
        identifiers
            .extend(system.into_iter().flat_map(|system| identifiers_in(system, &["previous_user_id"])));
    }
    let (from, also_known_as) = number_first(identifiers).ok_or("'from' and 'from_user_id' are missing")?;
    let body = content::of(message, text_of(message, "type")?);
    let context = message.get("context").and_then(Value::as_object);
    let in_context =
        |name: &str| context.and_then(|context| context.get(name)).filter(|value| !value.is_null());
    let answers = in_context("id").and_then(Value::as_str).map(str::to_owned);

    let mut metadata = Map::new();
    for name in ["forwarded", "frequently_forwarded", "referred_product"] {
        metadata.extend(in_context(name).map(|value| (name.to_owned(), value.clone())));
    }
    for name in METADATA_FIELDS {
        metadata.extend(message.get(name).map(|value| (name.to_owned(), value.clone())));
    }
    Ok(InboundMessage {
        provider_message_id: text_of(message, "id")?.to_owned(),
        from,
        also_known_as,
        display_name: sender.and_then(Contact::name).map(str::to_owned),
        body,
        reply_to: answers,
        sent_at: lenient_json::moment(message.get("timestamp"), received_at),
        metadata,
    })
}

/// The identifiers in these fields, in their order.
fn identifiers_in(element: &Map<String, Value>, fields: &[&str]) -> Vec<String> {
    fields.iter().filter_map(|field| text_of(element, field).ok()).map(normalized).collect()
}

/// A customer's identifiers as the number, or else the first of them, and the others. A customer who hides the phone
/// number has only an id, which no other business receives.
fn number_first(identifiers: Vec<String>) -> Option<(String, Vec<String>)> {
    let is_number = |identifier: &&String| identifier::phone_number(identifier).is_ok();
    let from = identifiers.iter().find(is_number).or(identifiers.first())?.clone();
    let mut others: Vec<String> = Vec::new();
    for identifier in identifiers {
        if identifier != from && !others.contains(&identifier) {
            others.push(identifier);
        }
    }
    Some((from, others))
}

/// A phone number in the form in which identifiers are compared. The id of a customer who hides the phone number is not
/// a number and stays as it is.
pub(super) fn normalized(identifier: &str) -> String {
    identifier::phone_number(identifier).unwrap_or_else(|_| identifier.to_owned())
}

fn status(raw: &str, received_at: Timestamp) -> Result<InboundStatus, String> {
    let status: Map<String, Value> =
        serde_json::from_str(raw).map_err(|error| format!("a status: {error}"))?;
    let reached = match text_of(&status, "status")? {
        "sent" => Delivery::Dispatched,
        "delivered" => Delivery::Delivered,
        // The customer listened to a voice message.
        "read" | "played" => Delivery::Read,
        "failed" => Delivery::Failed,
        other => return Err(format!("a status of an unknown kind: '{other}'")),
    };
    let mut metadata = Map::new();
    for name in ["conversation", "pricing", "errors", "recipient_user_id", "recipient_type"] {
        metadata.extend(status.get(name).map(|value| (name.to_owned(), value.clone())));
    }
    let recipient = number_first(identifiers_in(&status, &["recipient_id", "recipient_user_id"]));
    let (recipient, recipient_also_known_as) =
        recipient.map_or((None, Vec::new()), |(recipient, others)| (Some(recipient), others));
    let callback_data = status.get("biz_opaque_callback_data").and_then(Value::as_str);
    Ok(InboundStatus {
        provider_message_id: text_of(&status, "id")?.to_owned(),
        recipient,
        recipient_also_known_as,
        error: (reached == Delivery::Failed)
            .then(|| code_and_text(status.get("errors").and_then(|errors| errors.get(0)))),
        status: reached,
        time: lenient_json::moment(status.get("timestamp"), received_at),
        about: callback_data.and_then(|data| data.parse::<CallbackData>().ok()),
        metadata,
        as_received: Vec::new(),
    })
}

/// The text of an error that is not about a message.
fn reported(raw: &str) -> String {
    let (code, text) = code_and_text(serde_json::from_str::<Value>(raw).ok().as_ref());
    format!("the provider reports error {code}: {text}")
}

/// The code and the most informative text of a provider's error.
fn code_and_text(error: Option<&Value>) -> (String, String) {
    let code = match error.and_then(|error| error.get("code")) {
        Some(Value::Number(code)) => code.to_string(),
        Some(Value::String(code)) => code.clone(),
        _ => "unknown".into(),
    };
    let details = error.and_then(|error| error.pointer("/error_data/details"));
    let text = details.or_else(|| error?.get("message")).or_else(|| error?.get("title"));
    (code, text.and_then(Value::as_str).unwrap_or("the provider gives no reason").to_owned())
}

/// A text that is required and must not be empty.
fn text_of<'a>(element: &'a Map<String, Value>, name: &str) -> Result<&'a str, String> {
    match element.get(name).and_then(Value::as_str) {
        Some(text) if !text.is_empty() => Ok(text),
        _ => Err(format!("'{name}' is missing or is not text")),
    }
}
