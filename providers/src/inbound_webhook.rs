//! A request on a channel's webhook, its parts once they are read, and the response to it.

use crate::{CallbackData, HeaderMap, lenient_json};
use event_schemas::Timestamp;
use event_schemas::message::{Content, Delivery};
use reqwest::Method;
use serde_json::{Map, Value};
use std::borrow::Cow;

/// A request as the provider sent it. Signatures are verified over its bytes, so nothing in it is normalized.
#[derive(Clone, Debug)]
pub struct Request<'a> {
    pub method: Method,
    /// The full URL, with scheme, host, path and query. Some providers sign it.
    pub url: &'a str,
    pub headers: &'a HeaderMap,
    pub body: &'a [u8],
}

impl Request<'_> {
    /// A parameter of the query, decoded. The last one when the name is repeated.
    pub fn query(&self, name: &str) -> Option<Cow<'_, str>> {
        let (_, query) = self.url.split_once('?')?;
        let query = query.split('#').next().unwrap_or_default();
        let pairs = form_urlencoded::parse(query.as_bytes());
        pairs.filter(|(key, _)| key == name).last().map(|(_, value)| value)
    }
}

/// A response in the form that a provider expects.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Response {
    /// The HTTP status code.
    pub status: u16,
    pub content_type: &'static str,
    pub body: Vec<u8>,
}

impl Response {
    pub const TEXT: &'static str = "text/plain; charset=utf-8";
    pub const JSON: &'static str = "application/json";

    /// A response with status 200.
    pub fn ok(content_type: &'static str, body: impl Into<Vec<u8>>) -> Self {
        Self { status: 200, content_type, body: body.into() }
    }
}

/// One part of a request.
#[derive(Clone, Debug, PartialEq)]
pub enum Inbound {
    Message(InboundMessage),
    Edit(InboundEdit),
    Revoke(InboundRevoke),
    Reaction(InboundReaction),
    Notice(InboundNotice),
    Status(InboundStatus),
    Unreadable(UnreadablePart),
}

/// A message from a customer.
#[derive(Clone, Debug, PartialEq)]
pub struct InboundMessage {
    /// The provider's id of the message, the same in every delivery of it.
    pub provider_message_id: String,
    /// The contact's identifier on this kind of channel: a phone number, a name that the developer chose.
    pub from: String,
    /// Further identifiers of the same customer that the message names.
    pub also_known_as: Vec<String>,
    pub display_name: Option<String>,
    pub body: Content,
    /// The provider's id of the message that this one answers.
    pub reply_to: Option<String>,
    pub sent_at: Timestamp,
    /// Further facts from the provider: forwarded, the advertisement the customer came from.
    pub metadata: Map<String, Value>,
}

/// A new version of a customer's message.
#[derive(Clone, Debug, PartialEq)]
pub struct InboundEdit {
    /// The provider's id of this version.
    pub provider_edit_id: String,
    /// The message as this version has it, with the provider's id of the original and the time of this version.
    pub message: InboundMessage,
}

/// A customer deleted a message for both sides.
#[derive(Clone, Debug, PartialEq)]
pub struct InboundRevoke {
    /// The provider's id of the deletion.
    pub provider_revoke_id: String,
    pub from: String,
    pub also_known_as: Vec<String>,
    /// The provider's id of the deleted message.
    pub message: String,
    pub sent_at: Timestamp,
    /// The whole part as it came.
    pub as_received: Vec<u8>,
}

/// A customer reacted to a message, or took the reaction back.
#[derive(Clone, Debug, PartialEq)]
pub struct InboundReaction {
    /// The provider's id of the change.
    pub provider_reaction_id: String,
    pub from: String,
    pub also_known_as: Vec<String>,
    /// The provider's id of the message that the reaction is to.
    pub message: String,
    /// `None` when the reaction was taken back.
    pub emoji: Option<String>,
    pub sent_at: Timestamp,
    /// The whole part as it came.
    pub as_received: Vec<u8>,
}

/// Something about a contact that the provider tells and no person wrote.
#[derive(Clone, Debug, PartialEq)]
pub struct InboundNotice {
    /// The provider's id of the notice.
    pub provider_notice_id: String,
    pub from: String,
    pub also_known_as: Vec<String>,
    /// The identifier that the customer has from now on. `None` when the notice is about something else.
    pub changed_to: Option<String>,
    /// The provider's word for the kind of notice.
    pub notice: String,
    /// The provider's text. Empty when it gives none.
    pub content: String,
    /// The provider's data.
    pub details: Option<Value>,
    pub sent_at: Timestamp,
    /// The whole part as it came.
    pub as_received: Vec<u8>,
}

/// The provider's report on an outgoing message.
#[derive(Clone, Debug, PartialEq)]
pub struct InboundStatus {
    pub provider_message_id: String,
    /// The contact's identifier. `None` when the provider does not name it.
    pub recipient: Option<String>,
    /// Further identifiers of the contact.
    pub recipient_also_known_as: Vec<String>,
    /// Never [`Delivery::Queued`].
    pub status: Delivery,
    pub time: Timestamp,
    /// The provider's code and text when the message failed.
    pub error: Option<(String, String)>,
    /// The message that the status is about. `None` when Verbatim did not send it, or the provider does not
    /// return the callback data.
    pub about: Option<CallbackData>,
    /// Further facts from the provider: the price, the category.
    pub metadata: Map<String, Value>,
    /// The whole report as it came.
    pub as_received: Vec<u8>,
}

/// A part of a request that cannot be read, or that is not for this channel.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
#[error("{reason}")]
pub struct UnreadablePart {
    /// The whole part as it came.
    pub part: Vec<u8>,
    /// The reason, for the administrator.
    pub reason: String,
}

impl UnreadablePart {
    /// The part as text. Bytes that are not UTF-8 are replaced.
    pub fn text(&self) -> Cow<'_, str> {
        String::from_utf8_lossy(&self.part)
    }

    /// The part in Base64. `None` when it is text.
    pub fn base64(&self) -> Option<String> {
        str::from_utf8(&self.part).is_err().then(|| lenient_json::base64(&self.part))
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;
    use std::sync::LazyLock;

    static NO_HEADERS: LazyLock<HeaderMap> = LazyLock::new(HeaderMap::new);

    pub(crate) fn get(url: &str) -> Request<'_> {
        Request { method: Method::GET, url, headers: &NO_HEADERS, body: b"" }
    }

    pub(crate) fn post(body: &[u8]) -> Request<'_> {
        signed_post(&NO_HEADERS, body)
    }

    pub(crate) fn signed_post<'a>(headers: &'a HeaderMap, body: &'a [u8]) -> Request<'a> {
        Request { method: Method::POST, url: "https://support.example.com/hook", headers, body }
    }

    #[test]
    fn parameters_of_the_query_are_decoded() {
        let request = get("https://support.example.com/hook?a=1&b=x%20y&a=2&b.c=%C3%A9+e&d#f=1");
        let value = |name| request.query(name).map(Cow::into_owned);
        assert_eq!(value("a").as_deref(), Some("2"));
        assert_eq!(value("b").as_deref(), Some("x y"));
        assert_eq!(value("b.c").as_deref(), Some("é e"));
        assert_eq!(value("d").as_deref(), Some(""));
        assert_eq!((value("f"), value("")), (None, None));
        assert_eq!(get("https://support.example.com/hook").query("a"), None);
    }
}
