//! An outgoing message in the format of the Cloud API.

use crate::{DeliveryError, Outgoing, Sendable, Unsendable, identifier};
use event_schemas::conversation::MessageSent;
use event_schemas::message::{Attachment, ContentType, Template};
use serde_json::{Map, Value, json};

pub(super) fn body(outgoing: &Outgoing) -> Result<Value, DeliveryError> {
    let MessageSent { body: content, template, in_reply_to_provider_id, .. } = &outgoing.message;
    let (template, in_reply_to) = (template.as_ref(), in_reply_to_provider_id.as_deref());
    let (kind, part) = part(&Sendable { body: content, template, in_reply_to }).map_err(|unsendable| {
        DeliveryError::GiveUp { code: "unsendable".into(), reason: unsendable.reason }
    })?;
    let mut body = Map::new();
    body.insert("messaging_product".into(), "whatsapp".into());
    body.insert("recipient_type".into(), "individual".into());
    body.insert(addressee(&outgoing.to).into(), outgoing.to.as_str().into());
    body.insert("type".into(), kind.into());
    body.insert(kind.into(), part);
    if let Some(answered) = &outgoing.message.in_reply_to_provider_id
        && kind != "reaction"
    {
        body.insert("context".into(), json!({ "message_id": answered }));
    }
    body.insert("biz_opaque_callback_data".into(), outgoing.callback_data().to_string().into());
    Ok(Value::Object(body))
}

/// The name of the addressee's field. In `to` an id is dropped without an error.
fn addressee(to: &str) -> &'static str {
    if identifier::is_business_scoped_id(to) { "recipient" } else { "to" }
}

/// Checks that the Cloud API takes the message.
pub(super) fn check(message: &Sendable<'_>) -> Result<(), Unsendable> {
    part(message).map(|_| ())
}

fn part(message: &Sendable<'_>) -> Result<(&'static str, Value), Unsendable> {
    let body = message.body;
    if let Some(template) = message.template {
        check_template(template)?;
        if !body.attachments.is_empty() {
            return Err(Unsendable::new("attachments", "a template carries its files in its components"));
        }
        return Ok(("template", form(template)));
    }
    let details = || body.details.clone().ok_or_else(|| Unsendable::new("details", "the content is missing"));
    if let [attachment] = body.attachments.as_slice() {
        return media(attachment, &body.content);
    }
    if !body.attachments.is_empty() {
        return Err(Unsendable::new("attachments", "a WhatsApp message can have only one file"));
    }
    match body.content_type {
        ContentType::Text => Ok(("text", json!({ "body": body.content, "preview_url": false }))),
        ContentType::Location => Ok(("location", location(details()?)?)),
        ContentType::Contacts => Ok(("contacts", contacts(details()?)?)),
        ContentType::Interactive => Ok(("interactive", interactive(details()?)?)),
        ContentType::Reaction => {
            let named = body.details.as_ref().and_then(|details| details.get("message_id"));
            let to = named.and_then(Value::as_str).or(message.in_reply_to);
            let to = to.ok_or_else(|| {
                Unsendable::new("in_reply_to", "the reaction does not name the message that it is to")
            })?;
            Ok(("reaction", json!({ "message_id": to, "emoji": body.content })))
        }
        ContentType::Image
        | ContentType::Audio
        | ContentType::Video
        | ContentType::Document
        | ContentType::Sticker => Err(Unsendable::new("attachments", "the file is missing")),
        ContentType::Button | ContentType::Order | ContentType::Template | ContentType::Unsupported => {
            Err(Unsendable::new("content_type", "a message of this kind cannot be sent by WhatsApp"))
        }
    }
}

/// A template names itself and its language, and each parameter has its value.
fn check_template(template: &Template) -> Result<(), Unsendable> {
    for (field, text) in [("template.name", &template.name), ("template.language", &template.language)] {
        if text.trim().is_empty() {
            return Err(Unsendable::new(field, "must not be empty"));
        }
    }
    for (index, component) in template.components.iter().enumerate() {
        let at = format!("template.components[{index}]");
        if component.get("type").and_then(Value::as_str).is_none() {
            return Err(Unsendable::new(format!("{at}.type"), "a component needs its type"));
        }
        let parameters = match component.get("parameters") {
            None => continue,
            Some(parameters) => parameters
                .as_array()
                .ok_or_else(|| Unsendable::new(format!("{at}.parameters"), "is a list of parameters"))?,
        };
        for (number, parameter) in parameters.iter().enumerate() {
            check_parameter(&format!("{at}.parameters[{number}]"), parameter)?;
        }
    }
    Ok(())
}

fn check_parameter(at: &str, parameter: &Value) -> Result<(), Unsendable> {
    let kind = parameter.get("type").and_then(Value::as_str);
    let kind = kind.ok_or_else(|| Unsendable::new(format!("{at}.type"), "a parameter needs its type"))?;
    let has_value = match parameter.get(kind) {
        None | Some(Value::Null) => false,
        Some(Value::String(text)) => !text.trim().is_empty(),
        Some(Value::Object(members)) => !members.is_empty(),
        Some(Value::Array(_) | Value::Bool(_) | Value::Number(_)) => true,
    };
    if has_value {
        Ok(())
    } else {
        Err(Unsendable::new(format!("{at}.{kind}"), "the parameter has no value"))
    }
}

fn location(details: Value) -> Result<Value, Unsendable> {
    for (name, limit) in [("latitude", 90.0), ("longitude", 180.0)] {
        let number = match details.get(name) {
            Some(Value::String(text)) => text.parse().ok(),
            other => other.and_then(Value::as_f64),
        };
        if !number.is_some_and(|number: f64| number.abs() <= limit) {
            return Err(Unsendable::new(
                format!("details.{name}"),
                format!("is a number of at most {limit}"),
            ));
        }
    }
    Ok(details)
}

fn contacts(details: Value) -> Result<Value, Unsendable> {
    let cards = details.as_array().filter(|cards| !cards.is_empty());
    let cards = cards.ok_or_else(|| Unsendable::new("details", "is a list of contacts"))?;
    let named = |card: &Value| {
        card.pointer("/name/formatted_name")
            .and_then(Value::as_str)
            .is_some_and(|name| !name.trim().is_empty())
    };
    match cards.iter().position(|card| !named(card)) {
        Some(index) => {
            Err(Unsendable::new(format!("details[{index}].name.formatted_name"), "a contact needs its name"))
        }
        None => Ok(details),
    }
}

fn interactive(details: Value) -> Result<Value, Unsendable> {
    for (name, is_there) in [
        ("type", details.get("type").is_some_and(Value::is_string)),
        ("action", details.get("action").is_some_and(Value::is_object)),
    ] {
        if !is_there {
            return Err(Unsendable::new(format!("details.{name}"), "an interactive message needs it"));
        }
    }
    Ok(details)
}

/// The longest text with a file.
const LONGEST_CAPTION: usize = 1024;

/// The types of files of this kind that the Cloud API takes. `None` for any.
fn mime_types(kind: &str) -> Option<&'static [&'static str]> {
    match kind {
        "image" => Some(&["image/jpeg", "image/png"]),
        "audio" => Some(&["audio/aac", "audio/amr", "audio/mpeg", "audio/mp4", "audio/ogg"]),
        "video" => Some(&["video/mp4", "video/3gpp", "video/3gp"]),
        "sticker" => Some(&["image/webp"]),
        _ => None,
    }
}

fn form(template: &Template) -> Value {
    let mut form = json!({ "name": template.name, "language": { "code": template.language } });
    if !template.components.is_empty() {
        form["components"] = template.components.clone().into();
    }
    form
}

fn media(file: &Attachment, caption: &str) -> Result<(&'static str, Value), Unsendable> {
    let (kind, takes_caption) = match file.content_type {
        ContentType::Image => ("image", true),
        ContentType::Video => ("video", true),
        ContentType::Document => ("document", true),
        ContentType::Audio => ("audio", false),
        ContentType::Sticker => ("sticker", false),
        ContentType::Text
        | ContentType::Location
        | ContentType::Contacts
        | ContentType::Interactive
        | ContentType::Button
        | ContentType::Reaction
        | ContentType::Template
        | ContentType::Order
        | ContentType::Unsupported => {
            return Err(Unsendable::new("attachments[0].content_type", "is not one of a file"));
        }
    };
    let mut part = match (&file.provider_media_id, &file.url) {
        (Some(id), _) => json!({ "id": id }),
        (None, Some(url)) => json!({ "link": url }),
        (None, None) => {
            let reason = "the attachment has neither the provider's media id nor a URL";
            return Err(Unsendable::new("attachments[0]", reason));
        }
    };
    // A type can have parameters: `audio/ogg; codecs=opus`.
    let essence = file.mime_type.as_deref().map(|mime| mime.split(';').next().unwrap_or_default().trim());
    if let (Some(mime), Some(known)) = (essence, mime_types(kind))
        && !known.iter().any(|known| known.eq_ignore_ascii_case(mime))
    {
        let reason = format!("WhatsApp sends a file of the type {kind} only as {}", known.join(", "));
        return Err(Unsendable::new("attachments[0].mime_type", reason));
    }
    if !caption.is_empty() {
        if !takes_caption {
            let reason = "WhatsApp cannot send text with an audio file or a sticker";
            return Err(Unsendable::new("content", reason));
        }
        if caption.chars().count() > LONGEST_CAPTION {
            let reason = format!("WhatsApp sends at most {LONGEST_CAPTION} characters with a file");
            return Err(Unsendable::new("content", reason));
        }
        part["caption"] = caption.into();
    }
    if let Some(name) = &file.file_name
        && kind == "document"
    {
        part["filename"] = name.as_str().into();
    }
    Ok((kind, part))
}
