//! The content of a WhatsApp message, by its type: what the customer wrote or chose as text, and the whole as data.

use super::text_of;
use event_schemas::message::{Attachment, Content, ContentType};
use serde_json::{Map, Value};

/// The message's content. A type that this version does not know, and a part that has not the form of its type, are no
/// errors: the whole message is kept in the details.
pub(super) fn of(message: &Map<String, Value>, kind: &str) -> Content {
    let part = message.get(kind).and_then(Value::as_object);
    let content = match (kind, part) {
        ("text", Some(part)) => part.get("body").and_then(Value::as_str).map(Content::text),
        ("image", Some(part)) => Some(media(ContentType::Image, part)),
        ("audio" | "voice", Some(part)) => Some(media(ContentType::Audio, part)),
        ("video", Some(part)) => Some(media(ContentType::Video, part)),
        ("document", Some(part)) => Some(media(ContentType::Document, part)),
        ("sticker", Some(part)) => Some(media(ContentType::Sticker, part)),
        ("location", Some(part)) => Some(location(part)),
        ("contacts", None) => contacts(message.get(kind)),
        ("interactive", Some(part)) => Some(interactive(part)),
        ("button", Some(part)) => Some(button(part)),
        ("order", Some(part)) => Some(order(part)),
        _ => None,
    };
    content.unwrap_or_else(|| unsupported(message, kind))
}

fn detailed(content_type: ContentType, content: String, details: Value) -> Content {
    Content { content, content_type, attachments: Vec::new(), details: Some(details) }
}

/// The text of this name. Empty when there is none.
fn text(part: &Map<String, Value>, name: &str) -> String {
    part.get(name).and_then(Value::as_str).unwrap_or_default().to_owned()
}

fn media(content_type: ContentType, part: &Map<String, Value>) -> Content {
    let optional = |name: &str| text_of(part, name).ok().map(str::to_owned);
    let file = Attachment {
        content_type,
        provider_media_id: optional("id"),
        url: optional("url"),
        mime_type: optional("mime_type"),
        file_name: optional("filename"),
        sha256: optional("sha256"),
    };
    // WhatsApp does not hand over every file: one that could be viewed once, one that came before the number was ours.
    let is_there = file.provider_media_id.is_some() || file.url.is_some();
    let in_other_fields = ["id", "url", "mime_type", "filename", "sha256", "caption"];
    let traits: Map<String, Value> = part
        .iter()
        .filter(|(name, _)| !in_other_fields.contains(&name.as_str()))
        .map(|(name, value)| (name.clone(), value.clone()))
        .collect();
    Content {
        content: text(part, "caption"),
        content_type,
        attachments: if is_there { vec![file] } else { Vec::new() },
        details: (!traits.is_empty()).then_some(traits.into()),
    }
}

/// The name and the address of the place, or its coordinates when it has neither.
fn location(part: &Map<String, Value>) -> Content {
    let mut description = joined([text(part, "name"), text(part, "address")], ", ");
    if description.is_empty() {
        let coordinates = ["latitude", "longitude"].map(|name| part.get(name).map(plain).unwrap_or_default());
        description = joined(coordinates, ", ");
    }
    detailed(ContentType::Location, description, part.clone().into())
}

/// Each card's name, numbers and addresses.
fn contacts(cards: Option<&Value>) -> Option<Content> {
    let list = cards?.as_array()?;
    let all = |card: &Value, field: &str, name: &str| -> Vec<String> {
        let entries = card.get(field).and_then(Value::as_array).into_iter().flatten();
        entries.filter_map(|entry| entry.get(name)?.as_str().map(str::to_owned)).collect()
    };
    let card = |card: &Value| {
        let name = card.get("name").and_then(Value::as_object);
        let name = name.map(|name| match text(name, "formatted_name") {
            none if none.is_empty() => joined([text(name, "first_name"), text(name, "last_name")], " "),
            name => name,
        });
        let reached_by = [all(card, "phones", "phone"), all(card, "emails", "email")].concat();
        joined([name.unwrap_or_default(), joined(reached_by, ", ")], ": ")
    };
    Some(detailed(ContentType::Contacts, joined(list.iter().map(card), "; "), cards?.clone()))
}

/// The customer's choice from a list or of some buttons, or the form that the customer filled in.
fn interactive(part: &Map<String, Value>) -> Content {
    let chosen =
        ["button_reply", "list_reply"].into_iter().find_map(|reply| part.get(reply)?.get("title")?.as_str());
    let words = match (chosen, part.get("nfm_reply")) {
        (Some(title), _) => title.to_owned(),
        (None, Some(form)) => filled_in(form),
        (None, None) => readable(&Value::Object(part.clone())),
    };
    detailed(ContentType::Interactive, words, part.clone().into())
}

/// The text of a form and its fields. `response_json` is JSON within a text.
fn filled_in(form: &Value) -> String {
    let body = form.get("body").and_then(Value::as_str).unwrap_or_default().to_owned();
    let fields = match form.get("response_json") {
        Some(Value::String(json)) => match serde_json::from_str::<Value>(json) {
            Ok(fields @ Value::Object(_)) => readable(&fields),
            Ok(_) | Err(_) => json.clone(),
        },
        Some(fields) => readable(fields),
        None => String::new(),
    };
    joined([body, fields], "\n")
}

fn button(part: &Map<String, Value>) -> Content {
    let words = [text(part, "text"), text(part, "payload")].into_iter().find(|words| !words.is_empty());
    detailed(ContentType::Button, words.unwrap_or_default(), part.clone().into())
}

/// The words of the customer with the order, and each product: `2 × sku1 (3.5 USD)`.
fn order(part: &Map<String, Value>) -> Content {
    let item = |item: &Value| {
        let field = |name: &str| item.get(name).map(plain).unwrap_or_default();
        let names = ["name", "product_name", "product_retailer_id"].map(field);
        let name = names.into_iter().find(|name| !name.is_empty()).unwrap_or_default();
        let price = joined([field("item_price"), field("currency")], " ");
        let price = if price.is_empty() { price } else { format!("({price})") };
        joined([joined([field("quantity"), name], " × "), price], " ")
    };
    let items = part.get("product_items").and_then(Value::as_array).into_iter().flatten().map(item);
    let lines = std::iter::once(text(part, "text")).chain(items);
    detailed(ContentType::Order, joined(lines, "\n"), part.clone().into())
}

fn unsupported(message: &Map<String, Value>, kind: &str) -> Content {
    let in_other_fields = ["id", "from", "timestamp", "context"];
    let details: Map<String, Value> = message
        .iter()
        .filter(|(name, _)| !in_other_fields.contains(&name.as_str()))
        .map(|(name, value)| (name.clone(), value.clone()))
        .collect();
    let words = match (kind, message.get(kind)) {
        // The part names only the kind that WhatsApp does not hand over.
        ("unsupported", _) | (_, None) => String::new(),
        (_, Some(part)) => readable(part),
    };
    detailed(ContentType::Unsupported, words, details.into())
}

/// The fields that hold words of a person: their name adds nothing.
const WORDS: [&str; 7] = ["body", "text", "title", "caption", "description", "name", "question"];

/// The data of a form, or of a part of a kind that is not known, a line for each value: `order: 7781`. Ids, tokens and
/// addresses of files are only in the details.
fn readable(value: &Value) -> String {
    let mut lines = Vec::new();
    collect(None, value, &mut lines);
    lines.join("\n")
}

fn collect(name: Option<&str>, value: &Value, lines: &mut Vec<String>) {
    match value {
        Value::Object(fields) => {
            let for_programs = |name: &str| {
                ["id", "token", "sha256", "mime_type", "url", "type"].iter().any(|end| {
                    name.strip_suffix(end).is_some_and(|rest| rest.is_empty() || rest.ends_with('_'))
                })
            };
            for (name, value) in fields.iter().filter(|(name, _)| !for_programs(name)) {
                collect(Some(name), value, lines);
            }
        }
        Value::Array(values) if values.iter().all(|value| !value.is_object() && !value.is_array()) => {
            line(name, joined(values.iter().map(plain), ", "), lines);
        }
        Value::Array(values) => values.iter().for_each(|value| collect(name, value, lines)),
        Value::Null => {}
        Value::Bool(_) | Value::Number(_) | Value::String(_) => line(name, plain(value), lines),
    }
}

fn line(name: Option<&str>, words: String, lines: &mut Vec<String>) {
    match name {
        _ if words.is_empty() => {}
        Some(name) if !WORDS.contains(&name) => lines.push(format!("{name}: {words}")),
        Some(_) | None => lines.push(words),
    }
}

/// A value as text: without quotation marks when it is text.
fn plain(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        Value::Null => String::new(),
        Value::Bool(_) | Value::Number(_) | Value::Array(_) | Value::Object(_) => value.to_string(),
    }
}

/// The parts that are not empty, in one text.
fn joined(parts: impl IntoIterator<Item = String>, between: &str) -> String {
    parts.into_iter().filter(|part| !part.is_empty()).collect::<Vec<_>>().join(between)
}
