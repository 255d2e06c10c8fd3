//! The packets of Engine.IO 4 (`docs/engine.io-protocol/v4-current.md` of socketio/socket.io).
//!
//! A packet is one digit and its text. Over HTTP long-polling a request or a response carries several packets, separated
//! by the character U+001E; over WebSocket each packet is a frame.

use std::fmt;

/// The separator of the packets of a payload.
pub const SEPARATOR: char = '\u{1e}';

/// The packets that a payload may have. The stock client sends what it has collected since its last request.
const MOST_PACKETS: usize = 256;

/// A packet that a client sends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Packet<'t> {
    Close,
    /// Only when a WebSocket is tried: its text is `probe`.
    Ping(&'t str),
    Pong,
    Message(&'t str),
    Upgrade,
    Noop,
}

/// The text is no packet that a client may send.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Malformed {
    #[error("a packet begins with a digit from 1 to 6")]
    Type,
    #[error("binary packets are not accepted: send JSON")]
    Binary,
    #[error("a payload has at most {MOST_PACKETS} packets")]
    TooMany,
}

impl<'t> Packet<'t> {
    pub fn parse(text: &'t str) -> Result<Self, Malformed> {
        let mut rest = text.chars();
        let kind = rest.next().ok_or(Malformed::Type)?;
        match (kind, rest.as_str()) {
            ('1', _) => Ok(Self::Close),
            ('2', text) => Ok(Self::Ping(text)),
            ('3', _) => Ok(Self::Pong),
            ('4', text) => Ok(Self::Message(text)),
            ('5', _) => Ok(Self::Upgrade),
            ('6', _) => Ok(Self::Noop),
            ('b', _) => Err(Malformed::Binary),
            _ => Err(Malformed::Type),
        }
    }

    /// The packets of a payload.
    pub fn parse_all(payload: &'t str) -> Result<Vec<Self>, Malformed> {
        if payload.split(SEPARATOR).nth(MOST_PACKETS).is_some() {
            return Err(Malformed::TooMany);
        }
        payload.split(SEPARATOR).map(Self::parse).collect()
    }
}

impl fmt::Display for Packet<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Close => f.write_str("1"),
            Self::Ping(text) => write!(f, "2{text}"),
            Self::Pong => f.write_str("3"),
            Self::Message(text) => write!(f, "4{text}"),
            Self::Upgrade => f.write_str("5"),
            Self::Noop => f.write_str("6"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn the_specifications_examples_are_read() {
        assert_eq!(
            Packet::parse_all("4hello\u{1e}2\u{1e}4world"),
            Ok(vec![Packet::Message("hello"), Packet::Ping(""), Packet::Message("world")])
        );
        assert_eq!(Packet::parse("2probe"), Ok(Packet::Ping("probe")));
        assert_eq!(Packet::parse("bAQIDBA=="), Err(Malformed::Binary));
        for text in ["", "0{}", "7", "abc", "٤hello"] {
            assert_eq!(Packet::parse(text), Err(Malformed::Type), "{text}");
        }
        assert_eq!(Packet::parse_all(&"6\u{1e}".repeat(MOST_PACKETS)), Err(Malformed::TooMany));
    }

    proptest! {
        #[test]
        fn any_text_is_read_or_refused(text in ".{0,40}") {
            if let Ok(packet) = Packet::parse(&text) {
                let written = packet.to_string();
                prop_assert_eq!(Packet::parse(&written), Ok(packet));
            }
        }
    }
}
