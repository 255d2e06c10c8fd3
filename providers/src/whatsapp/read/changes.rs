//! The elements of `messages` that are no messages: edits, deletions, reactions, and notices of the platform.
//!
//! The formats are in Meta's references of the `messages` webhook: `edit`, `revoke`, `reaction`, `system`, `unsupported`.

use super::{content, identifiers_in, text_of};
use crate::{Inbound, InboundEdit, InboundMessage, InboundNotice, InboundReaction, InboundRevoke};
use serde_json::{Map, Value};

/// The kinds of `unsupported.type` that say nothing: WhatsApp reports them as messages that it does not support.
const SAYS_NOTHING: [&str; 8] =
    ["edit", "revoke", "reaction", "pin", "unpin", "keep_in_chat", "poll_update", "request_welcome"];

/// The kind of the element. `read` is the element as a message.
pub(super) fn of(raw: &str, element: &Map<String, Value>, read: InboundMessage) -> Result<Inbound, String> {
    let kind = text_of(element, "type")?;
    let part = element.get(kind).and_then(Value::as_object);
    Ok(match kind {
        "edit" => edit(part.ok_or("'edit' is missing")?, read)?,
        "revoke" => Inbound::Revoke(InboundRevoke {
            message: text_of(part.ok_or("'revoke' is missing")?, "original_message_id")?.to_owned(),
            provider_revoke_id: read.provider_message_id,
            from: read.from,
            also_known_as: read.also_known_as,
            sent_at: read.sent_at,
            as_received: raw.into(),
        }),
        "reaction" => {
            let part = part.ok_or("'reaction' is missing")?;
            Inbound::Reaction(InboundReaction {
                message: text_of(part, "message_id")?.to_owned(),
                // A reaction that is taken back has no emoji, or an empty one.
                emoji: text_of(part, "emoji").ok().map(str::to_owned),
                provider_reaction_id: read.provider_message_id,
                from: read.from,
                also_known_as: read.also_known_as,
                sent_at: read.sent_at,
                as_received: raw.into(),
            })
        }
        "system" => {
            let kind = part.and_then(|part| text_of(part, "type").ok());
            notice(kind.unwrap_or("system").to_owned(), part, raw, read)
        }
        // The customer opened the chat for the first time, and has not written.
        "request_welcome" => notice(kind.to_owned(), part, raw, read),
        "unsupported" => match part.and_then(|part| text_of(part, "type").ok()) {
            Some(kind) if SAYS_NOTHING.contains(&kind) => notice(kind.to_owned(), part, raw, read),
            Some(_) | None => Inbound::Message(read),
        },
        _ => Inbound::Message(read),
    })
}

fn edit(part: &Map<String, Value>, read: InboundMessage) -> Result<Inbound, String> {
    let original = text_of(part, "original_message_id")?.to_owned();
    let message = part.get("message").and_then(Value::as_object).ok_or("'edit.message' is missing")?;
    let answers = message.get("context").and_then(|context| context.get("id")?.as_str());
    Ok(Inbound::Edit(InboundEdit {
        provider_edit_id: read.provider_message_id,
        message: InboundMessage {
            provider_message_id: original,
            body: content::of(message, text_of(message, "type")?),
            reply_to: answers.map(str::to_owned).or(read.reply_to),
            ..read
        },
    }))
}

/// The notices of a new number or a new business-scoped id. Earlier versions of the API call them those of a customer.
const CHANGES: [&str; 3] = ["user_changed_number", "user_changed_user_id", "customer_changed_number"];

fn notice(notice: String, part: Option<&Map<String, Value>>, raw: &str, read: InboundMessage) -> Inbound {
    let text = part.and_then(|part| text_of(part, "body").ok());
    let mut also_known_as = read.also_known_as;
    let mut changed_to = None;
    if let Some(part) = part.filter(|_| CHANGES.contains(&notice.as_str())) {
        let new = identifiers_in(part, &["wa_id", "new_wa_id", "user_id"]);
        changed_to = new.first().cloned();
        let former = identifiers_in(part, &["customer", "previous_user_id"]);
        also_known_as.extend(new.into_iter().chain(former).filter(|identifier| *identifier != read.from));
    }
    Inbound::Notice(InboundNotice {
        notice,
        content: text.unwrap_or_default().to_owned(),
        details: read.body.details,
        provider_notice_id: read.provider_message_id,
        from: read.from,
        also_known_as,
        changed_to,
        sent_at: read.sent_at,
        as_received: raw.into(),
    })
}
