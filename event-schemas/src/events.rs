//! The conversion of typed events to their stored form, and back.

use crate::upcast::{last_version_of, name_today, names_of, upcast};
use crate::{
    AccountEvent, AccountId, AgentEvent, ApiKeyEvent, BulkEvent, CatalogueEvent, ContactEvent,
    ConversationEvent, InboundEvent, LogEvent, PersonEvent, Recorded,
};
use serde::de::DeserializeOwned;
use std::cmp::Ordering;

/// All events that one kind of stream can have.
pub trait Events: Sized {
    /// Each type's name and the version of its stored shape that is written today.
    const TYPES: &'static [(&'static str, u16)];
    fn event_type(&self) -> &'static str;
    fn schema_version(&self) -> u16;
    /// The event's data as JSON. Values of this crate always serialise.
    fn encode(&self) -> String;
    /// Reads the data of a stored event, by today's name of its type. `None` when no event of the family has
    /// this name.
    fn read(event_type: &str, schema_version: u16, data: &str) -> Option<Result<Self, DecodeError>>;

    /// The event with the account to which it belongs, where an earlier version did not write it into the data.
    fn attributed(self, _account: AccountId) -> Self {
        self
    }

    /// Reads a stored event.
    fn of(recorded: &Recorded) -> Result<Self, DecodeError> {
        let event = Self::decode(&recorded.event_type, recorded.schema_version, &recorded.data)?;
        Ok(event.attributed(recorded.metadata.account_id))
    }

    /// Reads the data of a stored event, by the name and the version it is stored with.
    fn decode(event_type: &str, schema_version: u16, data: &str) -> Result<Self, DecodeError> {
        if let Some(known) = last_version_of(event_type)
            && schema_version > known
        {
            let event_type = event_type.to_owned();
            return Err(DecodeError::FromTheFuture { event_type, found: schema_version, known });
        }
        let unknown = || Err(DecodeError::UnknownType(event_type.to_owned()));
        Self::read(name_today(event_type), schema_version, data).unwrap_or_else(unknown)
    }
}

/// The data of one event type.
pub trait EventType {
    /// The name under which it is stored today.
    const NAME: &'static str;
}

/// The stored names of event types, for a filter. A name that is not an event's does not compile:
///
/// ```
/// use event_schemas::{about, conversation::{MessageReceived, Resolved}};
/// assert_eq!(about![MessageReceived, Resolved], ["MessageReceived", "Resolved"]);
/// ```
///
/// ```compile_fail,E0412
/// event_schemas::about![MessageRecieved];
/// ```
///
/// ```compile_fail,E0277
/// event_schemas::about![event_schemas::message::Content];
/// ```
#[macro_export]
macro_rules! about {
    ($($event:ty),+ $(,)?) => {
        $crate::stored_names(&[$(<$event as $crate::EventType>::NAME),+])
    };
}

/// The names under which events of these types are stored: today's, and those that earlier versions of the
/// program wrote. Every filter on event types is made by this function, so that a follower of a log of any
/// age misses nothing.
pub fn stored_names(types: &[&str]) -> Vec<String> {
    types.iter().flat_map(|name| names_of(name)).map(str::to_owned).collect()
}

/// A stored event that this version cannot read.
#[derive(Debug, thiserror::Error)]
pub enum DecodeError {
    #[error("the event type '{0}' is not known to this version")]
    UnknownType(String),
    #[error("'{event_type}' was written in version {found}, and this program knows up to {known}")]
    FromTheFuture { event_type: String, found: u16, known: u16 },
    #[error("the data of a '{event_type}' cannot be read")]
    Unreadable {
        event_type: String,
        #[source]
        source: serde_json::Error,
    },
}

impl DecodeError {
    pub fn is_unknown_type(&self) -> bool {
        matches!(self, Self::UnknownType(_))
    }
}

/// Reads an event's data that was written in version `found` by a program that writes version `known`.
pub(crate) fn read<T: DeserializeOwned>(
    event_type: &str,
    found: u16,
    known: u16,
    data: &str,
) -> Result<T, DecodeError> {
    let read = match found.cmp(&known) {
        Ordering::Equal => serde_json::from_str(data),
        Ordering::Less => serde_json::from_str(data)
            .and_then(|old| serde_json::from_value(upcast(event_type, found, old).1)),
        Ordering::Greater => {
            return Err(DecodeError::FromTheFuture { event_type: event_type.to_owned(), found, known });
        }
    };
    read.map_err(|source| DecodeError::Unreadable { event_type: event_type.to_owned(), source })
}

/// Declares the events of a family, each with the version of its stored shape that is written today.
macro_rules! events {
    (
        $(#[$doc:meta])*
        pub enum $name:ident in $all:ident::$family:ident { $($event:ident = $version:literal),+ $(,)? }
    ) => {
        $crate::events::events! {
            $(#[$doc])*
            pub enum $name { $($event = $version),+ }
        }

        $(impl From<$event> for $all {
            fn from(event: $event) -> Self {
                Self::$family(event.into())
            }
        })+
    };
    ($(#[$doc:meta])* pub enum $name:ident { $($event:ident = $version:literal),+ $(,)? }
     $(attributed by $attributed:ident)?) => {
        $(#[$doc])*
        #[derive(Clone, Debug, PartialEq)]
        // An event lives only while a page is processed: a box for each would cost more than the memory it
        // saves.
        #[allow(clippy::large_enum_variant)]
        pub enum $name { $($event($event)),+ }

        impl $crate::events::Events for $name {
            const TYPES: &'static [(&'static str, u16)] = &[$((stringify!($event), $version)),+];
            fn event_type(&self) -> &'static str {
                match self { $($name::$event(_) => stringify!($event)),+ }
            }
            fn schema_version(&self) -> u16 {
                match self { $($name::$event(_) => $version),+ }
            }
            fn encode(&self) -> String {
                let encoded = match self { $($name::$event(data) => serde_json::to_string(data)),+ };
                encoded.unwrap_or_else(|impossible| unreachable!("an event always serialises: {impossible}"))
            }
            fn read(
                event_type: &str,
                schema_version: u16,
                data: &str,
            ) -> Option<Result<Self, $crate::events::DecodeError>> {
                match event_type {
                    $(stringify!($event) => Some(
                        $crate::events::read(event_type, schema_version, $version, data).map($name::$event),
                    ),)+
                    _ => None,
                }
            }
            $(fn attributed(self, account: $crate::AccountId) -> Self {
                $attributed(self, account)
            })?
        }

        $(
            impl $crate::events::EventType for $event {
                const NAME: &'static str = stringify!($event);
            }

            impl From<$event> for $name {
                fn from(event: $event) -> Self {
                    Self::$event(event)
                }
            }
        )+

        impl $name {
            /// The JSON Schema of every event's data, by type name.
            pub fn schemas() -> Vec<(&'static str, u16, schemars::Schema)> {
                vec![$((stringify!($event), $version, schemars::schema_for!($event))),+]
            }
        }
    };
}
pub(crate) use events;

/// Declares the events of a kind of stream whose events are many, by family.
macro_rules! families {
    ($(#[$doc:meta])* pub enum $name:ident { $($family:ident($events:ident)),+ $(,)? }) => {
        $(#[$doc])*
        #[derive(Clone, Debug, PartialEq)]
        #[allow(clippy::large_enum_variant)]
        pub enum $name { $($family($events)),+ }

        impl $crate::events::Events for $name {
            const TYPES: &'static [(&'static str, u16)] = &$crate::events::concatenated::<
                { 0 $(+ <$events as $crate::events::Events>::TYPES.len())+ },
            >(&[$(<$events as $crate::events::Events>::TYPES),+]);
            fn event_type(&self) -> &'static str {
                match self { $(Self::$family(event) => event.event_type()),+ }
            }
            fn schema_version(&self) -> u16 {
                match self { $(Self::$family(event) => event.schema_version()),+ }
            }
            fn encode(&self) -> String {
                match self { $(Self::$family(event) => event.encode()),+ }
            }
            fn read(
                event_type: &str,
                schema_version: u16,
                data: &str,
            ) -> Option<Result<Self, $crate::events::DecodeError>> {
                None$(.or_else(|| {
                    let read = <$events as $crate::events::Events>::read(event_type, schema_version, data)?;
                    Some(read.map(Self::$family))
                }))+
            }
        }

        $(impl From<$events> for $name {
            fn from(event: $events) -> Self {
                Self::$family(event)
            }
        })+

        impl $name {
            /// The JSON Schema of every event's data, by type name.
            pub fn schemas() -> Vec<(&'static str, u16, schemars::Schema)> {
                [$($events::schemas()),+].into_iter().flatten().collect()
            }
        }
    };
}
pub(crate) use families;

/// The types of several families in one list.
pub(crate) const fn concatenated<const COUNT: usize>(
    families: &[&[(&'static str, u16)]],
) -> [(&'static str, u16); COUNT] {
    let mut all = [("", 0); COUNT];
    let (mut family, mut event, mut count) = (0, 0, 0);
    while family < families.len() {
        if event < families[family].len() {
            all[count] = families[family][event];
            (event, count) = (event + 1, count + 1);
        } else {
            (family, event) = (family + 1, 0);
        }
    }
    all
}

/// Any event of the log. Nearly all are events of conversations: a box would be one more allocation for each.
#[derive(Clone, Debug, PartialEq)]
#[allow(clippy::large_enum_variant)]
pub enum Event {
    Conversation(ConversationEvent),
    Catalogue(CatalogueEvent),
    Agent(AgentEvent),
    Contact(ContactEvent),
    Inbound(InboundEvent),
    Log(LogEvent),
    Account(AccountEvent),
    Person(PersonEvent),
    ApiKey(ApiKeyEvent),
    Bulk(BulkEvent),
}

impl Event {
    /// Reads a recorded event, by the kind of stream it is in.
    pub fn read(recorded: &Recorded) -> Result<Self, DecodeError> {
        let (name, version, data) = (&*recorded.event_type, recorded.schema_version, &*recorded.data);
        use crate::Category;
        match recorded.stream.category() {
            Some(Category::Conversation) => {
                ConversationEvent::decode(name, version, data).map(Self::Conversation)
            }
            Some(Category::Catalogue) => CatalogueEvent::decode(name, version, data).map(Self::Catalogue),
            Some(Category::Agent) => AgentEvent::of(recorded).map(Self::Agent),
            Some(Category::Contact) => ContactEvent::decode(name, version, data).map(Self::Contact),
            Some(Category::Inbound) => InboundEvent::decode(name, version, data).map(Self::Inbound),
            Some(Category::Log) => LogEvent::decode(name, version, data).map(Self::Log),
            Some(Category::Account) => AccountEvent::decode(name, version, data).map(Self::Account),
            Some(Category::Person) => PersonEvent::decode(name, version, data).map(Self::Person),
            Some(Category::ApiKey) => ApiKeyEvent::decode(name, version, data).map(Self::ApiKey),
            Some(Category::Bulk) => BulkEvent::decode(name, version, data).map(Self::Bulk),
            None => Err(DecodeError::UnknownType(name.to_owned())),
        }
    }

    /// The names of all event types, with the version that is written today.
    pub fn types() -> impl Iterator<Item = (&'static str, u16)> {
        [
            ConversationEvent::TYPES,
            CatalogueEvent::TYPES,
            AgentEvent::TYPES,
            ContactEvent::TYPES,
            InboundEvent::TYPES,
            LogEvent::TYPES,
            AccountEvent::TYPES,
            PersonEvent::TYPES,
            ApiKeyEvent::TYPES,
            BulkEvent::TYPES,
        ]
        .into_iter()
        .flatten()
        .copied()
    }
}
