//! The packets of Socket.IO 5 (`docs/socket.io-protocol/v5-current.md` of socketio/socket.io), which the messages of
//! Engine.IO carry: `<type>[<namespace>,][<ack id>][JSON]`.

use crate::events::ServerEvent;
use serde::Serialize;
use serde_json::value::RawValue;
use std::fmt::Write;

/// The namespace of a packet that names none.
pub const ROOT: &str = "/";

/// A packet that a client sends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Packet<'t> {
    pub namespace: &'t str,
    pub content: Content<'t>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Content<'t> {
    /// The JSON of what the client sends to be let in.
    Connect(Option<&'t str>),
    Disconnect,
    /// The JSON array of an event's name and arguments, and the number under which it is to be acknowledged.
    Event {
        arguments: &'t str,
        id: Option<u64>,
    },
    /// The acknowledgement of an event of ours. We ask for none.
    Ack,
}

/// The text is no packet that a client may send.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Malformed {
    #[error("a packet begins with a digit from 0 to 3")]
    Type,
    #[error("packets with binary attachments are not accepted: send JSON")]
    Binary,
    #[error("the number of an acknowledgement is too large")]
    Id,
    #[error("an event is an array of its name and its arguments")]
    Event,
}

impl<'t> Packet<'t> {
    pub fn parse(text: &'t str) -> Result<Self, Malformed> {
        let kind = text.chars().next().ok_or(Malformed::Type)?;
        if !kind.is_ascii_digit() {
            return Err(Malformed::Type);
        }
        let (namespace, rest) = namespace_of(&text[1..]);
        let digits = rest.find(|c: char| !c.is_ascii_digit()).unwrap_or(rest.len());
        let (id, json) = rest.split_at(digits);
        let content = match kind {
            // A token that begins with a digit is JSON as well.
            '0' => Content::Connect(Some(rest).filter(|json| !json.is_empty())),
            '1' => Content::Disconnect,
            '2' if json.starts_with('[') => {
                let id = (!id.is_empty()).then(|| id.parse().map_err(|_| Malformed::Id)).transpose()?;
                Content::Event { arguments: json, id }
            }
            '2' => return Err(Malformed::Event),
            '3' => Content::Ack,
            '5' | '6' => return Err(Malformed::Binary),
            _ => return Err(Malformed::Type),
        };
        Ok(Self { namespace, content })
    }
}

/// The namespace at the beginning, without what the client appended to it as a query.
fn namespace_of(text: &str) -> (&str, &str) {
    if !text.starts_with('/') {
        return (ROOT, text);
    }
    let (name, rest) = text.split_once(',').unwrap_or((text, ""));
    (name.split_once('?').map_or(name, |(name, _)| name), rest)
}

/// The name of an event and its arguments.
pub fn event(arguments: &str) -> Result<(String, Vec<&RawValue>), Malformed> {
    let mut parts =
        serde_json::from_str::<Vec<&RawValue>>(arguments).map_err(|_| Malformed::Event)?.into_iter();
    let name = parts.next().and_then(|name| serde_json::from_str(name.get()).ok()).ok_or(Malformed::Event)?;
    Ok((name, parts.collect()))
}

/// The beginning of a message of Engine.IO with a packet of this type.
fn begun(kind: char, namespace: &str) -> String {
    let mut text = String::with_capacity(128);
    text.push('4');
    text.push(kind);
    if namespace != ROOT {
        text.push_str(namespace);
        text.push(',');
    }
    text
}

/// `kind`, the namespace, and the value as JSON, as a message of Engine.IO.
fn message(kind: char, namespace: &str, id: Option<u64>, value: &impl Serialize) -> String {
    let mut text = begun(kind, namespace);
    if let Some(id) = id {
        // Writing to a string cannot fail.
        let _infallible = write!(text, "{id}");
    }
    // Values of this crate always serialise.
    text.push_str(&serde_json::to_string(value).unwrap_or_default());
    text
}

/// The client is let in.
pub fn connected(namespace: &str, value: &impl Serialize) -> String {
    message('0', namespace, None, value)
}

/// The client is not let in, for this reason.
pub fn refused(namespace: &str, value: &impl Serialize) -> String {
    message('4', namespace, None, value)
}

/// The server ends the client's connection to the namespace.
pub fn disconnected(namespace: &str) -> String {
    begun('1', namespace)
}

/// An event: the array of its name and its object.
pub fn emitted<E: ServerEvent>(namespace: &str, object: &E::Object) -> String {
    message('2', namespace, None, &(E::NAME, object))
}

/// An event with the client's place as its last argument, where the stock client looks for it.
pub fn placed<E: ServerEvent>(namespace: &str, object: &E::Object, place: &str) -> String {
    message('2', namespace, None, &(E::NAME, object, place))
}

/// The answer to an event that was sent with this number.
pub fn acknowledged(namespace: &str, id: u64, answer: &impl Serialize) -> String {
    message('3', namespace, Some(id), &[answer])
}

/// The beginning of an event, which ends with its array.
pub fn event_begun(namespace: &str) -> String {
    begun('2', namespace)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::events::{AuthExpiring, Expiring};
    use proptest::prelude::*;
    use serde_json::json;

    fn parsed(text: &str) -> (&str, Content<'_>) {
        let packet = Packet::parse(text).unwrap();
        (packet.namespace, packet.content)
    }

    #[test]
    fn the_specifications_examples_are_read() {
        assert_eq!(parsed("0"), (ROOT, Content::Connect(None)));
        assert_eq!(parsed(r#"0/admin,{"sid":"x"}"#), ("/admin", Content::Connect(Some(r#"{"sid":"x"}"#))));
        assert_eq!(parsed("0/admin"), ("/admin", Content::Connect(None)));
        assert_eq!(parsed("0/admin?token=1,"), ("/admin", Content::Connect(None)));
        assert_eq!(parsed(r#"2["foo"]"#), (ROOT, Content::Event { arguments: r#"["foo"]"#, id: None }));
        assert_eq!(
            parsed(r#"2/admin,13["b"]"#),
            ("/admin", Content::Event { arguments: r#"["b"]"#, id: Some(13) })
        );
        assert_eq!(parsed(r#"3/admin,13["b"]"#), ("/admin", Content::Ack));
        assert_eq!(parsed("1/admin,"), ("/admin", Content::Disconnect));
    }

    #[test]
    fn malformed_packets_are_refused() {
        for (text, error) in [
            ("", Malformed::Type),
            ("é", Malformed::Type),
            ("4{}", Malformed::Type),
            ("9", Malformed::Type),
            ("2", Malformed::Event),
            ("2{}", Malformed::Event),
            (r#"51-["a",{"_placeholder":true,"num":0}]"#, Malformed::Binary),
            ("299999999999999999999[\"a\"]", Malformed::Id),
        ] {
            assert_eq!(Packet::parse(text), Err(error), "{text}");
        }
        assert!(event(&"[".repeat(100_000)).is_err());
        assert!(event("[1]").is_err());
        assert!(event("[]").is_err());
    }

    #[test]
    fn what_is_written_is_as_specified() {
        assert_eq!(connected(ROOT, &json!({"sid": "x"})), r#"40{"sid":"x"}"#);
        assert_eq!(refused("/a", &json!({"message": "no"})), r#"44/a,{"message":"no"}"#);
        assert_eq!(acknowledged("/a", 7, &json!({"ok": true})), r#"43/a,7[{"ok":true}]"#);
        let expiring = Expiring { seconds: 1 };
        assert_eq!(emitted::<AuthExpiring>(ROOT, &expiring), r#"42["auth:expiring",{"seconds":1}]"#);
        assert_eq!(
            placed::<AuthExpiring>("/a", &expiring, "7"),
            r#"42/a,["auth:expiring",{"seconds":1},"7"]"#
        );
        assert_eq!(disconnected("/a"), "41/a,");
    }

    proptest! {
        #[test]
        fn any_text_is_read_or_refused(text in "[0-9]?(/[a-z]{0,4},?)?[0-9]{0,30}.{0,40}") {
            if let Ok(Packet { content: Content::Event { arguments, .. }, .. }) = Packet::parse(&text) {
                let _read_or_refused = event(arguments);
            }
        }
    }
}
