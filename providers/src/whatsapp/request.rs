//! An outgoing message in the format of the Cloud API.

use crate::{DeliveryError, Outgoing};
use event_schemas::message::{Attachment, ContentType, Template};
use serde_json::{Map, Value, json};

pub(super) fn body(outgoing: &Outgoing) -> Result<Value, DeliveryError> {
    let (kind, part) = part(outgoing)?;
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

/// The name of the addressee's field. A customer who hides the phone number has an id that only this business receives,
/// for example `ET.1349120865`.
fn addressee(to: &str) -> &'static str {
    match to.split_once('.') {
        Some((country, _)) if country.len() == 2 && country.bytes().all(|b| b.is_ascii_uppercase()) => {
            "recipient"
        }
        _ => "to",
    }
}

fn part(outgoing: &Outgoing) -> Result<(&'static str, Value), DeliveryError> {
    let message = &outgoing.message;
    if let Some(template) = &message.template {
        return Ok(("template", form(template)));
    }
    let body = &message.body;
    let details = || {
        body.details.clone().ok_or_else(|| unsendable("the content is missing from the message's details"))
    };
    if let [attachment] = body.attachments.as_slice() {
        return media(attachment, &body.content);
    }
    if !body.attachments.is_empty() {
        return Err(unsendable("a WhatsApp message can have only one file"));
    }
    match body.content_type {
        ContentType::Text => Ok(("text", json!({ "body": body.content, "preview_url": false }))),
        ContentType::Location => Ok(("location", details()?)),
        ContentType::Contacts => Ok(("contacts", details()?)),
        ContentType::Interactive => Ok(("interactive", details()?)),
        ContentType::Reaction => {
            let named = body.details.as_ref().and_then(|details| details.get("message_id"));
            let to = named.and_then(Value::as_str).or(message.in_reply_to_provider_id.as_deref());
            let to = to.ok_or_else(|| unsendable("the reaction does not name the message that it is to"))?;
            Ok(("reaction", json!({ "message_id": to, "emoji": body.content })))
        }
        ContentType::Image
        | ContentType::Audio
        | ContentType::Video
        | ContentType::Document
        | ContentType::Sticker => Err(unsendable("the file is missing from its attachments")),
        ContentType::Button | ContentType::Template | ContentType::Unsupported => {
            Err(unsendable("a message of this kind cannot be sent by WhatsApp"))
        }
    }
}

fn form(template: &Template) -> Value {
    let mut form = json!({ "name": template.name, "language": { "code": template.language } });
    if !template.components.is_empty() {
        form["components"] = template.components.clone().into();
    }
    form
}

fn media(file: &Attachment, caption: &str) -> Result<(&'static str, Value), DeliveryError> {
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
        | ContentType::Unsupported => return Err(unsendable("the attachment's kind is not one of a file")),
    };
    let mut part = match (&file.provider_media_id, &file.url) {
        (Some(id), _) => json!({ "id": id }),
        (None, Some(url)) => json!({ "link": url }),
        (None, None) => {
            return Err(unsendable("the attachment has neither the provider's media id nor a URL"));
        }
    };
    if !caption.is_empty() {
        if !takes_caption {
            return Err(unsendable("WhatsApp cannot send text with an audio file or a sticker"));
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

fn unsendable(reason: &str) -> DeliveryError {
    DeliveryError::GiveUp { code: "unsendable".into(), reason: reason.into() }
}
