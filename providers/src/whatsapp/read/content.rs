//! The content of a WhatsApp message, by its type.

use super::text_of;
use event_schemas::message::{Attachment, Content, ContentType};
use serde_json::{Map, Value};

/// The message's content and, for a reaction, the provider's id of the message that it is to. A type that this
/// version does not know is no error: the whole message is kept in the details.
pub(super) fn of(message: &Map<String, Value>, kind: &str) -> Result<(Content, Option<String>), String> {
    let part = || message.get(kind).and_then(Value::as_object).ok_or_else(|| format!("'{kind}' is missing"));
    let content = match kind {
        "text" => Content::text(part()?.get("body").and_then(Value::as_str).ok_or("'text.body' is missing")?),
        "image" => media(ContentType::Image, part()?)?,
        "audio" | "voice" => media(ContentType::Audio, part()?)?,
        "video" => media(ContentType::Video, part()?)?,
        "document" => media(ContentType::Document, part()?)?,
        "sticker" => media(ContentType::Sticker, part()?)?,
        "location" => location(part()?)?,
        "contacts" => contacts(message.get(kind))?,
        "interactive" => interactive(part()?),
        "button" => {
            let part = part()?;
            detailed(ContentType::Button, text(part, "text"), part.clone().into())
        }
        "reaction" => {
            let part = part()?;
            let to = text_of(part, "message_id")?.to_owned();
            return Ok((detailed(ContentType::Reaction, text(part, "emoji"), part.clone().into()), Some(to)));
        }
        _ => unsupported(message),
    };
    Ok((content, None))
}

fn detailed(content_type: ContentType, content: String, details: Value) -> Content {
    Content { content, content_type, attachments: Vec::new(), details: Some(details) }
}

/// The text of this name. Empty when there is none.
fn text(part: &Map<String, Value>, name: &str) -> String {
    part.get(name).and_then(Value::as_str).unwrap_or_default().to_owned()
}

fn media(content_type: ContentType, part: &Map<String, Value>) -> Result<Content, String> {
    let optional = |name: &str| Some(text(part, name)).filter(|text| !text.is_empty());
    let file = Attachment {
        content_type,
        provider_media_id: Some(text_of(part, "id")?.to_owned()),
        url: optional("url"),
        mime_type: optional("mime_type"),
        file_name: optional("filename"),
        sha256: optional("sha256"),
    };
    let traits: Map<String, Value> = ["voice", "animated"]
        .into_iter()
        .filter_map(|name| Some((name.to_owned(), part.get(name)?.clone())))
        .collect();
    Ok(Content {
        content: text(part, "caption"),
        content_type,
        attachments: vec![file],
        details: (!traits.is_empty()).then_some(traits.into()),
    })
}

fn location(part: &Map<String, Value>) -> Result<Content, String> {
    for name in ["latitude", "longitude"] {
        if !part.get(name).is_some_and(Value::is_number) {
            return Err(format!("'location.{name}' is missing or is not a number"));
        }
    }
    let description = [text(part, "name"), text(part, "address")];
    let description = description.into_iter().filter(|text| !text.is_empty()).collect::<Vec<_>>().join(", ");
    Ok(detailed(ContentType::Location, description, part.clone().into()))
}

fn contacts(cards: Option<&Value>) -> Result<Content, String> {
    let cards = cards.filter(|cards| cards.is_array()).ok_or("'contacts' is missing or is not an array")?;
    let name = |card: &Value| card.pointer("/name/formatted_name")?.as_str().map(str::to_owned);
    let names: Vec<String> = cards.as_array().into_iter().flatten().filter_map(name).collect();
    Ok(detailed(ContentType::Contacts, names.join(", "), cards.clone()))
}

/// The customer's choice from a list or of some buttons, or the form that the customer filled in.
fn interactive(part: &Map<String, Value>) -> Content {
    let chosen =
        ["button_reply", "list_reply"].into_iter().find_map(|reply| part.get(reply)?.get("title")?.as_str());
    let filled_in = part.get("nfm_reply").and_then(|reply| reply.get("body")?.as_str());
    let text = chosen.or(filled_in).unwrap_or_default().to_owned();
    detailed(ContentType::Interactive, text, part.clone().into())
}

fn unsupported(message: &Map<String, Value>) -> Content {
    let in_other_fields = ["id", "from", "timestamp", "context"];
    let details: Map<String, Value> = message
        .iter()
        .filter(|(name, _)| !in_other_fields.contains(&name.as_str()))
        .map(|(name, value)| (name.clone(), value.clone()))
        .collect();
    let text = message.get("system").and_then(|system| system.get("body")?.as_str()).unwrap_or_default();
    detailed(ContentType::Unsupported, text.to_owned(), details.into())
}
