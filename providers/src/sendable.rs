//! The rules for messages that can be sent on a kind of channel, checked before a message is accepted.

use crate::Capabilities;
use event_schemas::message::{Attachment, Content, ContentType, Template};

/// A message to a customer before it is accepted.
#[derive(Clone, Copy, Debug)]
pub struct Sendable<'m> {
    pub body: &'m Content,
    pub template: Option<&'m Template>,
    /// The provider's id of the message that it answers.
    pub in_reply_to: Option<&'m str>,
}

/// Why a message cannot be sent on this kind of channel.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{reason}")]
pub struct Unsendable {
    /// The path of the field: `attachments[0].url`.
    pub field: String,
    pub reason: String,
}

impl Unsendable {
    pub fn new(field: impl Into<String>, reason: impl Into<String>) -> Self {
        Self { field: field.into(), reason: reason.into() }
    }
}

/// Whether an attachment of this kind is a file.
fn is_file(kind: ContentType) -> bool {
    match kind {
        ContentType::Image
        | ContentType::Audio
        | ContentType::Video
        | ContentType::Document
        | ContentType::Sticker => true,
        ContentType::Text
        | ContentType::Location
        | ContentType::Contacts
        | ContentType::Interactive
        | ContentType::Button
        | ContentType::Reaction
        | ContentType::Template
        | ContentType::Order
        | ContentType::Unsupported => false,
    }
}

impl Capabilities {
    /// Checks a message against the limits that every kind of channel declares.
    pub fn check_message(&self, message: &Sendable<'_>) -> Result<(), Unsendable> {
        let Content { content, content_type, attachments, details } = message.body;
        if let Some(limit) = self.longest_text.filter(|limit| !limit.allows(content)) {
            return Err(Unsendable::new("content", format!("the channel sends at most {limit}")));
        }
        for (index, file) in attachments.iter().enumerate() {
            self.check_file(&format!("attachments[{index}]"), file)?;
        }
        if let Some(most) = self.most_attachments.filter(|most| attachments.len() > *most) {
            return Err(Unsendable::new(
                "attachments",
                format!("the channel sends at most {most} in a message"),
            ));
        }
        match content_type {
            kind if is_file(*kind) && attachments.is_empty() => {
                Err(Unsendable::new("attachments", format!("a message of the type {kind} needs its file")))
            }
            ContentType::Text if content.trim().is_empty() && attachments.is_empty() => {
                match message.template {
                    Some(_) => Ok(()),
                    None => Err(Unsendable::new("content", "a text must not be empty")),
                }
            }
            ContentType::Location | ContentType::Contacts | ContentType::Interactive if details.is_none() => {
                Err(Unsendable::new(
                    "details",
                    format!("a message of the type {content_type} needs its details"),
                ))
            }
            ContentType::Template if message.template.is_none() => {
                Err(Unsendable::new("template", "a message of the type template needs its template"))
            }
            ContentType::Button | ContentType::Order | ContentType::Unsupported => {
                Err(Unsendable::new("content_type", "only customers send messages of this type"))
            }
            _ => Ok(()),
        }
    }

    fn check_file(&self, field: &str, file: &Attachment) -> Result<(), Unsendable> {
        let kind = file.content_type;
        if !is_file(kind) || !self.media.contains(&kind) {
            let reason = format!("the channel sends no file of the type {kind}");
            return Err(Unsendable::new(format!("{field}.content_type"), reason));
        }
        match (&file.provider_media_id, &file.url) {
            (Some(id), _) if !id.trim().is_empty() => Ok(()),
            (_, Some(url)) if url.starts_with("https://") || url.starts_with("http://") => Ok(()),
            (_, Some(_)) => Err(Unsendable::new(format!("{field}.url"), "is not an http or https address")),
            (_, None) => Err(Unsendable::new(
                field,
                "an attachment needs a `url` or the provider's `provider_media_id`",
            )),
        }
    }
}
