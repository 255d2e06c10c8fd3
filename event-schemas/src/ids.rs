//! Identifiers. Each kind has its own type, so that the id of a team cannot be used for an agent.

use crate::ChannelId;
use uuid::Uuid;

/// Declares ids, and a macro of the given name that calls another macro with all their names, so that another
/// crate can implement its own trait for each.
macro_rules! ids {
    ($dollar:tt $for_each:ident; $($(#[$doc:meta])* $name:ident),+ $(,)?) => {
        #[macro_export]
        macro_rules! $for_each {
            ($dollar implement:ident) => { $dollar implement! { $($name),+ } };
        }
    $(
        $(#[$doc])*
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize, serde::Deserialize, schemars::JsonSchema)]
        #[serde(transparent)]
        pub struct $name(pub uuid::Uuid);

        impl $name {
            pub const fn from_u128(value: u128) -> Self {
                Self(uuid::Uuid::from_u128(value))
            }
            pub const fn as_uuid(&self) -> &uuid::Uuid {
                &self.0
            }
        }
        impl From<uuid::Uuid> for $name {
            fn from(id: uuid::Uuid) -> Self {
                Self(id)
            }
        }
        impl std::fmt::Display for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                self.0.fmt(f)
            }
        }
        impl std::fmt::Debug for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                write!(f, concat!(stringify!($name), "({})"), self.0)
            }
        }
        impl std::str::FromStr for $name {
            type Err = uuid::Error;
            fn from_str(text: &str) -> Result<Self, uuid::Error> {
                text.parse().map(Self)
            }
        }
        impl From<$name> for uuid::Uuid {
            fn from(id: $name) -> Self {
                id.0
            }
        }
    )+};
}

pub(crate) use ids;

ids! {
    $ for_each_id;
    /// A tenant. Every row and every event belongs to an account.
    AccountId,
    /// A customer who writes to the account, on any channel.
    ContactId,
    /// One identifier of a contact on one kind of channel: a phone number, an address.
    ContactIdentifierId,
    /// A conversation with one contact on one channel, from opened to closed.
    ConversationId,
    /// One message or note of a conversation.
    MessageId,
    /// A person who signs in: an agent, a supervisor, an administrator.
    UserId,
    /// An offer of a conversation to agents.
    OfferId,
    /// A webhook to another program. The id is the same for all attempts.
    WebhookId,
    /// A bulk change: one request that changes many conversations.
    BulkId,
    /// One session of a person who signed in.
    SessionId,
    /// A key with which a program works in an account.
    ApiKeyId,
    /// One event in the log.
    EventId,
}

/// The namespaces of ids that are computed and not random, so that concurrent requests compute the same id.
///
/// UUIDs of version 5 (RFC 9562): the hash of a name in a namespace. The namespaces must never change.
const CONTACT: Uuid = Uuid::from_u128(0x6f0b_2f4e_6d0e_5d5a_9c55_0c1f_2a7e_0001);
const CONVERSATION: Uuid = Uuid::from_u128(0x6f0b_2f4e_6d0e_5d5a_9c55_0c1f_2a7e_0002);
const PROVIDER: Uuid = Uuid::from_u128(0x6f0b_2f4e_6d0e_5d5a_9c55_0c1f_2a7e_0003);
const COMMAND: Uuid = Uuid::from_u128(0x6f0b_2f4e_6d0e_5d5a_9c55_0c1f_2a7e_0004);
const PERSON: Uuid = Uuid::from_u128(0x6f0b_2f4e_6d0e_5d5a_9c55_0c1f_2a7e_0005);

const BULK: Uuid = Uuid::from_u128(0x6f0b_2f4e_6d0e_5d5a_9c55_0c1f_2a7e_0006);

fn derive(namespace: Uuid, parts: &[&[u8]]) -> Uuid {
    let mut name = Vec::with_capacity(parts.iter().map(|p| p.len() + 8).sum());
    for part in parts {
        // Each part is preceded by its length: ("ab", "c") and ("a", "bc") must have different ids.
        name.extend_from_slice(&(part.len() as u64).to_be_bytes());
        name.extend_from_slice(part);
    }
    Uuid::new_v5(&namespace, &name)
}

impl UserId {
    /// The id of the person who signs in with this mail address, in every account. Upper and lower case are not
    /// distinguished.
    pub fn of_email(email: &str) -> Self {
        Self(derive(PERSON, &[email.trim().to_lowercase().as_bytes()]))
    }
}

impl ContactIdentifierId {
    /// The id of an identifier, from the account and the kind of channel.
    pub fn of(account: AccountId, channel_type: &str, identifier: &str) -> Self {
        Self(derive(CONTACT, &[account.0.as_bytes(), channel_type.as_bytes(), identifier.as_bytes()]))
    }
    /// The contact of an identifier until it is linked to another contact.
    pub fn own_contact(self) -> ContactId {
        ContactId(self.0)
    }
}

impl ConversationId {
    /// The `ordinal`th conversation of a contact on a channel. The next begins when the one before is closed.
    pub fn of(channel: ChannelId, contact_identifier: &str, ordinal: u32) -> Self {
        Self(derive(
            CONVERSATION,
            &[channel.0.as_bytes(), contact_identifier.as_bytes(), &ordinal.to_be_bytes()],
        ))
    }
}

impl BulkId {
    /// The bulk change of this number in a period of time. The account cannot start more in a period than there are
    /// numbers.
    pub fn of(account: AccountId, period: i64, number: u32) -> Self {
        Self(derive(BULK, &[account.0.as_bytes(), &period.to_be_bytes(), &number.to_be_bytes()]))
    }
}

impl EventId {
    /// The id of a provider's report, the same for each repetition. `fact` distinguishes the reports about
    /// one message: received, delivered, read.
    pub fn reported(channel: ChannelId, provider_message_id: &str, fact: &str) -> Self {
        Self(derive(PROVIDER, &[channel.0.as_bytes(), provider_message_id.as_bytes(), fact.as_bytes()]))
    }
    /// The id of the event with this index, of a command that may be repeated. `cause` is the command's
    /// idempotency key, or the event because of which a process manager sends the command.
    pub fn caused(account: AccountId, cause: &str, index: u32) -> Self {
        Self(derive(COMMAND, &[account.0.as_bytes(), cause.as_bytes(), &index.to_be_bytes()]))
    }
}

impl From<EventId> for MessageId {
    /// A message has the id of its event, so that a retry has the same id.
    fn from(event: EventId) -> Self {
        Self(event.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_that_are_split_differently_give_different_ids() {
        let channel = ChannelId::from_u128(1);
        assert_ne!(EventId::reported(channel, "ab", "c"), EventId::reported(channel, "a", "bc"));
    }

    #[test]
    fn derived_ids_never_change() {
        let id = ConversationId::of(ChannelId::from_u128(7), "251911000000", 0);
        assert_eq!(id.to_string(), "2b85f64f-a1d7-5412-93c2-186f3fa89fda");
    }
}
