//! The parts of a message, on every channel.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;

/// Declares an enum whose variants are words of the API: written, read, stored and shown in one spelling.
macro_rules! words {
    ($(#[$doc:meta])* $name:ident { $($(#[$vdoc:meta])* $variant:ident = $word:literal),+ $(,)? }) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize, serde::Deserialize, schemars::JsonSchema)]
        pub enum $name {
            $($(#[$vdoc])* #[serde(rename = $word)] $variant,)+
        }
        impl $name {
            pub const ALL: &'static [$name] = &[$($name::$variant),+];
            pub const fn as_str(self) -> &'static str {
                match self { $($name::$variant => $word),+ }
            }
        }
        impl std::fmt::Display for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.pad(self.as_str())
            }
        }
        impl std::str::FromStr for $name {
            type Err = $crate::message::UnknownWord;
            fn from_str(text: &str) -> Result<Self, $crate::message::UnknownWord> {
                match text {
                    $($word => Ok($name::$variant),)+
                    _ => Err($crate::message::UnknownWord { text: text.to_owned(), allowed: &[$($word),+] }),
                }
            }
        }
    };
}
pub(crate) use words;

/// A word that is none of the allowed ones.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("'{text}' is none of: {}", allowed.join(", "))]
pub struct UnknownWord {
    pub text: String,
    pub allowed: &'static [&'static str],
}

words! {
    /// The kinds of channel a customer may use (requirement 000, section 1.5), and `api`, which any
    /// developer can post JSON to.
    ChannelType {
        WhatsApp = "whatsapp",
        Telegram = "telegram",
        Messenger = "messenger",
        Sms = "sms",
        Email = "email",
        WebChat = "webchat",
        Api = "api",
    }
}

words! {
    /// How soon a conversation matters (requirement 000, section 1.1).
    Priority { Low = "low", Normal = "normal", High = "high", Urgent = "urgent" }
}

// Which variant is the default cannot be said inside `words!`.
#[allow(clippy::derivable_impls)]
impl Default for Priority {
    fn default() -> Self {
        Self::Normal
    }
}

impl Priority {
    /// Sorts as people mean it: urgent is the highest.
    pub const fn rank(self) -> i64 {
        self as i64
    }
}

words! {
    /// Where a conversation stands (requirement 000, section 1.1).
    Status {
        Open = "open",
        Bot = "bot",
        Assigned = "assigned",
        Pending = "pending",
        Resolved = "resolved",
        Closed = "closed",
    }
}

words! {
    /// The sender of a message (requirement 000, section 1.2).
    SenderType { Contact = "contact", Agent = "agent", Bot = "bot", System = "system" }
}

words! {
    /// The main part of a message.
    ContentType {
        Text = "text",
        Image = "image",
        Audio = "audio",
        Video = "video",
        Document = "document",
        Sticker = "sticker",
        Location = "location",
        Contacts = "contacts",
        /// A choice from a list or a button that a message offered.
        Interactive = "interactive",
        Button = "button",
        /// An emoji put on an earlier message; an empty one takes it back.
        Reaction = "reaction",
        Template = "template",
        /// A kind this version does not know. What the provider sent is kept in `details`.
        Unsupported = "unsupported",
    }
}

/// A file that came or goes with a message. Verbatim keeps the reference, not the bytes.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Attachment {
    pub content_type: ContentType,
    /// The provider's own id of the file, to fetch it or send it by.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub provider_media_id: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub url: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub mime_type: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub file_name: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sha256: Option<String>,
}

/// A message form that the provider approved beforehand, the only thing that may be sent outside the
/// reply window.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Template {
    pub name: String,
    /// As the provider spells it, `en_US`.
    pub language: String,
    /// The parameters of the template, in the provider's own shape.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub components: Vec<Value>,
}

/// The body of any message: what a person reads, and what came with it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Content {
    /// The words: the text, a caption, the title of the chosen button, the emoji of a reaction.
    #[serde(default)]
    pub content: String,
    #[serde(default = "text")]
    pub content_type: ContentType,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub attachments: Vec<Attachment>,
    /// Structured content: coordinates, contact cards, the id of a choice.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub details: Option<Value>,
}

fn text() -> ContentType {
    ContentType::Text
}

impl Content {
    pub fn text(content: impl Into<String>) -> Self {
        Self {
            content: content.into(),
            content_type: ContentType::Text,
            attachments: Vec::new(),
            details: None,
        }
    }
}

words! {
    /// How far an outgoing message has come. Only ever forward.
    Delivery {
        Queued = "queued",
        Dispatched = "dispatched",
        Delivered = "delivered",
        Read = "read",
        Failed = "failed",
    }
}

/// The promises an SLA policy can make.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum SlaMetric {
    FirstResponse,
    NextResponse,
    Resolution,
}

impl SlaMetric {
    pub const ALL: [SlaMetric; 3] =
        [SlaMetric::FirstResponse, SlaMetric::NextResponse, SlaMetric::Resolution];
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::FirstResponse => "first_response",
            Self::NextResponse => "next_response",
            Self::Resolution => "resolution",
        }
    }
}
