//! The limits of a kind of channel. They are declared here and enforced by the write side.

use crate::identifier::{self, BadIdentifier};
use event_schemas::message::{ContentType, SenderType};
use std::fmt;
use std::time::Duration;

/// The limits of a kind of channel.
#[derive(Clone, Copy, Debug)]
pub struct Capabilities {
    /// `None` when messages may be sent at any time.
    pub reply_window: Option<ReplyWindow>,
    pub initiation: Initiation,
    /// `None` when the provider documents no limit.
    pub longest_text: Option<TextLimit>,
    /// Brings a contact's identifier into the one form in which it is stored and compared.
    pub normalize_identifier: fn(&str) -> Result<String, BadIdentifier>,
    /// The kinds of files that an outgoing message may carry.
    pub media: &'static [ContentType],
    /// How many files an outgoing message may carry. `None` for any number.
    pub most_attachments: Option<usize>,
}

impl Capabilities {
    /// No limits. A provider names those that it has: `Capabilities { longest_text, ..Self::UNRESTRICTED }`.
    pub const UNRESTRICTED: Self = Self {
        reply_window: None,
        initiation: Initiation::Both,
        longest_text: None,
        normalize_identifier: identifier::text,
        media: &[
            ContentType::Image,
            ContentType::Audio,
            ContentType::Video,
            ContentType::Document,
            ContentType::Sticker,
        ],
        most_attachments: None,
    };

    /// Whether the business may begin a conversation.
    pub fn may_begin(&self) -> bool {
        match self.initiation {
            Initiation::Both | Initiation::BusinessByTemplate => true,
            Initiation::CustomerOnly => false,
        }
    }

    /// How long after the customer's last message this sender may send messages other than templates. `None` for no
    /// limit.
    pub fn reply_window(&self, sender: SenderType) -> Option<Duration> {
        let window = self.reply_window?;
        Some(match sender {
            SenderType::Agent => window.agents,
            SenderType::Bot | SenderType::System | SenderType::Contact => window.programs,
        })
    }
}

/// The time after the customer's last message within which messages other than templates may be sent. Messenger and
/// Instagram give human agents more time than programs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ReplyWindow {
    pub agents: Duration,
    pub programs: Duration,
}

impl ReplyWindow {
    /// The same time for agents and for programs.
    pub const fn of(window: Duration) -> Self {
        Self { agents: window, programs: window }
    }
}

/// The side that may send the first message of a conversation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Initiation {
    /// The customer and the business.
    Both,
    /// The customer; the business only with a template that the provider has approved.
    BusinessByTemplate,
    /// The customer only.
    CustomerOnly,
}

/// The length of the longest text, in the unit that the provider counts in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TextLimit {
    /// Unicode scalar values.
    Characters(usize),
    /// Bytes of UTF-8.
    Bytes(usize),
    Utf16Units(usize),
}

impl fmt::Display for TextLimit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Characters(limit) => write!(f, "{limit} characters"),
            Self::Bytes(limit) => write!(f, "{limit} bytes of text"),
            Self::Utf16Units(limit) => write!(f, "{limit} UTF-16 units of text"),
        }
    }
}

impl TextLimit {
    pub fn allows(self, text: &str) -> bool {
        match self {
            Self::Characters(limit) => text.chars().count() <= limit,
            Self::Bytes(limit) => text.len() <= limit,
            Self::Utf16Units(limit) => text.encode_utf16().count() <= limit,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_is_measured_in_the_providers_unit() {
        let text = "é📦";
        for (limit, allowed) in [
            (TextLimit::Characters(2), true),
            (TextLimit::Characters(1), false),
            (TextLimit::Bytes(6), true),
            (TextLimit::Bytes(5), false),
            (TextLimit::Utf16Units(3), true),
            (TextLimit::Utf16Units(2), false),
        ] {
            assert_eq!(limit.allows(text), allowed, "{limit:?}");
        }
    }

    #[test]
    fn agents_may_have_more_time_than_programs() {
        let (day, hour) = (Duration::from_secs(86_400), Duration::from_secs(3600));
        let window = ReplyWindow { agents: day, programs: hour };
        let limited = Capabilities { reply_window: Some(window), ..Capabilities::UNRESTRICTED };
        assert_eq!(limited.reply_window(SenderType::Agent), Some(day));
        assert_eq!(limited.reply_window(SenderType::Bot), Some(hour));
        assert_eq!(Capabilities::UNRESTRICTED.reply_window(SenderType::Agent), None);
    }
}
