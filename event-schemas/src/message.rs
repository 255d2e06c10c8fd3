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

/// A word that is not among the allowed ones.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("'{text}' is not one of: {}", allowed.join(", "))]
pub struct UnknownWord {
    pub text: String,
    pub allowed: &'static [&'static str],
}

words! {
    /// The kinds of channel (requirement 000, section 1.5), and `api`, to which any program can post JSON.
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
    /// The priority of a conversation (requirement 000, section 1.1).
    Priority { Low = "low", Normal = "normal", High = "high", Urgent = "urgent" }
}

// `words!` cannot declare the default variant.
#[allow(clippy::derivable_impls)]
impl Default for Priority {
    fn default() -> Self {
        Self::Normal
    }
}

impl Priority {
    /// The order of priorities: urgent is the highest.
    pub const fn rank(self) -> i64 {
        self as i64
    }
}

words! {
    /// The status of a conversation (requirement 000, section 1.1).
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
        /// The choice of a list entry or a button of an earlier message.
        Interactive = "interactive",
        Button = "button",
        /// Products that the customer ordered from a catalogue. They are in `details`.
        Order = "order",
        /// An emoji on an earlier message, as a message of its own: earlier versions stored reactions so.
        Reaction = "reaction",
        Template = "template",
        /// A kind that this version does not know. The provider's data is in `details`.
        Unsupported = "unsupported",
    }
}

/// A file of a message. Verbatim stores the reference, not the bytes.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Attachment {
    pub content_type: ContentType,
    /// The provider's id of the file, with which it is fetched or sent.
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

/// A template that the provider has approved. Outside the reply window only templates can be sent.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Template {
    pub name: String,
    /// The language in the provider's spelling: `en_US`.
    pub language: String,
    /// The parameters of the template, in the provider's own shape.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub components: Vec<Value>,
}

/// The body of a message: its text, attachments and structured content.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Content {
    /// The text, a caption, the title of the chosen button, or the readable part of a form or an order.
    #[serde(default)]
    pub content: String,
    #[serde(default = "text")]
    pub content_type: ContentType,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub attachments: Vec<Attachment>,
    /// Structured content: coordinates, contact cards, the id of a choice, the products of an order.
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
    /// The status of the delivery of an outgoing message. It never goes back.
    Delivery {
        Queued = "queued",
        Dispatched = "dispatched",
        Delivered = "delivered",
        Read = "read",
        Failed = "failed",
    }
}

/// The metrics for which an SLA policy can have targets.
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
