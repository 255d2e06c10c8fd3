//! The kinds of catalogue item, one file each: the item, and its form in requests.
//!
//! [`crate::catalogue`] declares all of them.

use crate::{AccountId, UserId};
use schemars::JsonSchema;
use serde::Serialize;
use serde::de::DeserializeOwned;
use std::fmt::{Debug, Display};
use std::hash::Hash;
use uuid::Uuid;

pub mod account_settings;
pub mod automation_rule;
pub mod bot_rule;
pub mod bot_settings;
pub mod calendar;
pub mod canned_response;
pub mod channel;
pub mod handoff_rule;
pub mod macro_;
pub mod queue;
pub mod saved_view;
pub mod sla_policy;
pub mod team;

/// The shape of an item. Declared with [`item!`].
pub trait Shape:
    Clone + Debug + PartialEq + Serialize + DeserializeOwned + JsonSchema + Send + Sync + 'static
{
    type Id: Copy
        + Debug
        + Display
        + Eq
        + Ord
        + Hash
        + From<Uuid>
        + Into<Uuid>
        + Serialize
        + DeserializeOwned
        + JsonSchema
        + Send
        + Sync
        + 'static;
    /// The item in a request: all fields but its id and its creator.
    type Spec: Clone + Serialize + DeserializeOwned + JsonSchema + Send + Sync + 'static;
    /// The item without its secrets, for read models and answers.
    type Public: Debug + Serialize + DeserializeOwned + JsonSchema + Send + Sync + 'static;
    /// The members of the spec.
    const FIELDS: &'static [&'static str];
    /// The noun for one item in a sentence, with its article: "a team".
    const ONE: &'static str;
    /// The name of the list of all items: "Teams".
    const ALL: &'static str;
    /// The group of its routes in the API's description.
    const TAG: &'static str;

    fn id(&self) -> Self::Id;
    fn of(id: Self::Id, creator: UserId, spec: Self::Spec) -> Self;
    fn spec(&self) -> Self::Spec;
    /// Sets all fields of the spec.
    fn set(&mut self, spec: Self::Spec);
    /// The text by which lists are sorted.
    fn sort_key(&self) -> String;
    fn public(&self) -> Self::Public;
}

/// A field by which lists are sorted.
pub(crate) trait SortKey {
    fn sort_key(&self) -> String;
}

impl SortKey for String {
    fn sort_key(&self) -> String {
        self.clone()
    }
}

impl SortKey for AccountId {
    fn sort_key(&self) -> String {
        self.to_string()
    }
}

impl SortKey for i32 {
    /// Ten digits, counted from the least number, so that the texts sort like the numbers.
    fn sort_key(&self) -> String {
        format!("{:010}", i64::from(*self) - i64::from(i32::MIN))
    }
}

/// Declares an item and its spec, which requests have, from one list of fields.
///
/// `one`, `all` and `tag` are words of the API's description; `order` is the field that lists are sorted by.
/// `public` is for an item with secrets: the type without them, and the function that converts to it. An
/// attribute after `=>` is only for the field of the spec. `creator` is the field with the user who defined
/// the item.
macro_rules! item {
    (
        one: $one:literal, all: $all:literal, tag: $tag:literal, order: $order:ident
        $(, public: $Public:ty, by $public:path)?;

        $(#[$doc:meta])*
        pub struct $Item:ident: $Spec:ident {
            id $id:ident: $Id:ty,
            $($(#[$meta:meta])* pub $field:ident: $Field:ty $(=> #[$spec:meta])?,)*
            $(creator $(#[$creator_meta:meta])* $creator:ident: $Creator:ty,
            $($(#[$more_meta:meta])* pub $more:ident: $More:ty $(=> #[$more_spec:meta])?,)*)?
        }
    ) => {
        $(#[$doc])*
        #[derive(Clone, Debug, PartialEq, serde::Serialize, serde::Deserialize, schemars::JsonSchema)]
        pub struct $Item {
            pub $id: $Id,
            $($(#[$meta])* pub $field: $Field,)*
            $($(#[$creator_meta])* pub $creator: $Creator,
            $($(#[$more_meta])* pub $more: $More,)*)?
        }

        /// The item in a request.
        #[derive(Clone, Debug, PartialEq, serde::Serialize, serde::Deserialize, schemars::JsonSchema)]
        #[serde(deny_unknown_fields)]
        pub struct $Spec {
            $($(#[$meta])* $(#[$spec])? pub $field: $Field,)*
            $($($(#[$more_meta])* $(#[$more_spec])? pub $more: $More,)*)?
        }

        impl $crate::items::Shape for $Item {
            type Id = $Id;
            type Spec = $Spec;
            const FIELDS: &'static [&'static str] = &[$(stringify!($field),)* $($(stringify!($more),)*)?];
            const ONE: &'static str = $one;
            const ALL: &'static str = $all;
            const TAG: &'static str = $tag;

            fn id(&self) -> $Id {
                self.$id
            }
            #[allow(unused_variables)]
            fn of($id: $Id, creator: $crate::UserId, spec: $Spec) -> Self {
                Self {
                    $id,
                    $($field: spec.$field,)*
                    $($creator: creator.into(), $($more: spec.$more,)*)?
                }
            }
            fn spec(&self) -> $Spec {
                let item = self.clone();
                $Spec { $($field: item.$field,)* $($($more: item.$more,)*)? }
            }
            fn set(&mut self, spec: $Spec) {
                $(self.$field = spec.$field;)*
                $($(self.$more = spec.$more;)*)?
            }
            fn sort_key(&self) -> String {
                $crate::items::SortKey::sort_key(&self.$order)
            }
            $crate::items::item!(@public $($Public, $public)?);
        }
    };
    (@public) => {
        type Public = Self;
        fn public(&self) -> Self {
            self.clone()
        }
    };
    (@public $Public:ty, $public:path) => {
        type Public = $Public;
        fn public(&self) -> $Public {
            $public(self)
        }
    };
}
pub(crate) use item;

/// The default of fields that are `true` when a request leaves them out.
pub(crate) fn yes() -> bool {
    true
}
