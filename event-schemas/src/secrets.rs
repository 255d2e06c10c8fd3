//! The secrets of catalogue items.
//!
//! They are declared here once. The write side seals them before an event is made, so that the log and everything
//! that is computed from it hold only sealed texts, and opens them where they are used (`commands::credentials`).

use crate::catalogue::*;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::fmt;

/// A text that gives access to a service. It is stored sealed: as `sealed:1:<id of the key>:<Base64>`. Events that were
/// stored without a key, or by an earlier version, have the text itself. It is never shown: `Debug` hides it, and
/// documents that leave Verbatim have it masked (see [`crate::CloudEvent`]).
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(transparent)]
pub struct Secret(pub String);

impl Secret {
    /// The beginning of every sealed text, and of no text that a request may set.
    pub const SEALED: &'static str = "sealed:";
    /// The text instead of a secret that was left out of a document or of an export.
    pub const MASK: &'static str = "***";

    /// Whether the text is sealed.
    pub fn is_sealed(&self) -> bool {
        self.0.starts_with(Self::SEALED)
    }

    /// Whether there is nothing to seal: the secret is empty, or was left out.
    pub fn is_absent(&self) -> bool {
        self.0.is_empty() || self.0 == Self::MASK
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret(…)")
    }
}

/// The credentials that a provider asks for, by the provider's own names: for WhatsApp `phone_number_id`,
/// `access_token`, `app_secret`, `verify_token`.
pub type Credentials = BTreeMap<String, Secret>;

/// An item that can have secrets. Every kind says whether and where.
pub trait Secrets {
    /// Each secret with the path of its field: `credentials.app_secret`.
    fn secrets(&self) -> Vec<(String, &Secret)>;
    /// The same secrets, to replace them.
    fn secrets_mut(&mut self) -> Vec<(String, &mut Secret)>;
}

macro_rules! without_secrets {
    ($($Item:ty),+) => {
        $(impl Secrets for $Item {
            fn secrets(&self) -> Vec<(String, &Secret)> {
                Vec::new()
            }
            fn secrets_mut(&mut self) -> Vec<(String, &mut Secret)> {
                Vec::new()
            }
        })+
    };
}

without_secrets!(
    Team,
    CannedResponse,
    SlaPolicy,
    BusinessCalendar,
    BotRule,
    HandoffRule,
    BotSettings,
    Queue,
    SavedView,
    AccountSettings
);

impl Secrets for Channel {
    fn secrets(&self) -> Vec<(String, &Secret)> {
        self.credentials.iter().map(|(name, secret)| (format!("credentials.{name}"), secret)).collect()
    }
    fn secrets_mut(&mut self) -> Vec<(String, &mut Secret)> {
        self.credentials.iter_mut().map(|(name, secret)| (format!("credentials.{name}"), secret)).collect()
    }
}

macro_rules! with_the_secret_of_webhooks {
    ($($Item:ty),+) => {
        $(impl Secrets for $Item {
            fn secrets(&self) -> Vec<(String, &Secret)> {
                self.webhook_secret.iter().map(|secret| ("webhook_secret".to_owned(), secret)).collect()
            }
            fn secrets_mut(&mut self) -> Vec<(String, &mut Secret)> {
                self.webhook_secret.iter_mut().map(|secret| ("webhook_secret".to_owned(), secret)).collect()
            }
        })+
    };
}

with_the_secret_of_webhooks!(Macro, AutomationRule);
