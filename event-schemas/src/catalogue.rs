//! The catalogues of an account, one for each kind of item.
//!
//! One stream per kind and account, `catalogue-<kind>-<account>`, so that a short code is unique and
//! rules have an order without a lock. Each event carries the whole item as it is afterwards.
//!
//! To add a kind: its shape in `items/<kind>.rs`, a line in [`catalogue!`] below, its references in
//! `references.rs`, its secrets in `secrets.rs`, and its rules in
//! `domain/src/catalogue/<kind>.rs`. Stream, events, fold, table and routes follow from the line. The golden
//! test asks for a sample and a schema of each of its two events.

pub use crate::items::Shape;
pub use crate::references::{Reference, References};
pub use crate::secrets::{Credentials, Secret, Secrets};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

/// Declares every kind of catalogue item: its file and type, the type of its id where that is its own, its
/// catalogue and the name that streams and routes have of it, and its two events.
macro_rules! catalogue {
    ($(
        $module:ident::$Item:ident $(: $Id:ident)?, $Kind:ident = $name:literal,
        $Defined:ident { $field:ident $(as $stored:literal)? }, $Retired:ident;
    )+) => {
        $(pub use crate::items::$module::*;)+

        pub(crate) mod ids {
            crate::ids::ids! {
                $ for_each_item_id;
                $($(
                    #[doc = concat!("The id of a [`", stringify!($Item), "`](crate::catalogue::", stringify!($Item), ").")]
                    $Id,
                )?)+
            }
        }

        crate::message::words! {
            /// The kinds of catalogue, by the names that stream names and routes have of them.
            CatalogueKind { $($Kind = $name),+ }
        }

        $(
            #[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
            pub struct $Defined {
                $(#[serde(rename = $stored)])?
                pub $field: $Item,
            }

            #[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
            pub struct $Retired {
                pub id: <$Item as Shape>::Id,
            }

            impl Item for $Item {
                const KIND: CatalogueKind = CatalogueKind::$Kind;
                const DEFINED: &'static str = stringify!($Defined);

                fn defined(self) -> CatalogueEvent {
                    $Defined { $field: self }.into()
                }
                fn retired(id: Self::Id) -> CatalogueEvent {
                    $Retired { id }.into()
                }
                fn change_in(event: &CatalogueEvent) -> Option<Change<'_, Self>> {
                    if let CatalogueEvent::$Defined(event) = event {
                        return Some(Change::Defined(&event.$field));
                    }
                    if let CatalogueEvent::$Retired(event) = event {
                        return Some(Change::Retired(event.id));
                    }
                    None
                }
            }
        )+

        crate::events::events! {
            /// Every event of the streams `catalogue-<kind>-<account>`.
            pub enum CatalogueEvent { $($Defined = 1, $Retired = 1),+ }
        }

        impl CatalogueEvent {
            /// The kind of item that it is about.
            pub fn kind(&self) -> CatalogueKind {
                match self { $(Self::$Defined(_) | Self::$Retired(_) => CatalogueKind::$Kind),+ }
            }
            /// The item that it is about.
            pub fn item_id(&self) -> Uuid {
                match self {$(
                    Self::$Defined(event) => event.$field.id().0,
                    Self::$Retired(event) => event.id.0,
                )+}
            }
            /// The item as it is now. `None` when it was retired.
            pub fn item(&self) -> Option<&dyn AnyItem> {
                match self {$(
                    Self::$Defined(event) => Some(&event.$field),
                    Self::$Retired(_) => None,
                )+}
            }
        }

        export! { ($) $($Item)+ }
    };
}

macro_rules! export {
    (($d:tt) $($Item:ident)+) => {
        /// Hands the types of all catalogue items to a macro: `catalogue_items!(of_each)` is
        /// `of_each!(Channel Team …)`.
        #[macro_export]
        macro_rules! catalogue_items {
            ($d of_each:ident) => { $d of_each! { $($Item)+ } };
        }
    };
}

catalogue! {
    channel::Channel: ChannelId, Channels = "channels", ChannelDefined { channel }, ChannelRetired;
    team::Team: TeamId, Teams = "teams", TeamDefined { team }, TeamRetired;
    canned_response::CannedResponse: CannedResponseId, CannedResponses = "canned_responses",
        CannedResponseDefined { canned_response }, CannedResponseRetired;
    sla_policy::SlaPolicy: SlaPolicyId, SlaPolicies = "sla_policies", SlaPolicyDefined { sla_policy }, SlaPolicyRetired;
    calendar::BusinessCalendar: CalendarId, Calendars = "calendars", CalendarDefined { calendar }, CalendarRetired;
    bot_rule::BotRule: BotRuleId, BotRules = "bot_rules", BotRuleDefined { bot_rule }, BotRuleRetired;
    handoff_rule::HandoffRule: HandoffRuleId, HandoffRules = "handoff_rules",
        HandoffRuleDefined { handoff_rule }, HandoffRuleRetired;
    // An account has one item of this kind, with the account's own id.
    bot_settings::BotSettings, BotSettings = "bot_settings", BotSettingsDefined { bot_settings }, BotSettingsRetired;
    queue::Queue: QueueId, Queues = "queues", QueueDefined { queue }, QueueRetired;
    macro_::Macro: MacroId, Macros = "macros", MacroDefined { defined as "macro" }, MacroRetired;
    automation_rule::AutomationRule: AutomationRuleId, AutomationRules = "automation_rules",
        AutomationRuleDefined { automation_rule }, AutomationRuleRetired;
    saved_view::SavedView: SavedViewId, Views = "views", SavedViewDefined { saved_view }, SavedViewRetired;
    // An account has one item of this kind, with the account's own id.
    account_settings::AccountSettings, AccountSettings = "account_settings",
        AccountSettingsDefined { account_settings }, AccountSettingsRetired;
}

/// A kind of catalogue item, with its events. Declared with [`catalogue!`].
pub trait Item: Shape + References + Secrets {
    const KIND: CatalogueKind;
    /// The name of the event that defines one.
    const DEFINED: &'static str;

    fn defined(self) -> CatalogueEvent;
    fn retired(id: Self::Id) -> CatalogueEvent;
    /// The change of an item of this kind by an event. `None` when it is about another kind.
    fn change_in(event: &CatalogueEvent) -> Option<Change<'_, Self>>;

    /// The kind in names of operations and schemas: `CannedResponse`.
    fn singular() -> &'static str {
        Self::DEFINED.strip_suffix("Defined").unwrap_or(Self::DEFINED)
    }
    /// The noun for one item in a sentence, without its article: "canned response".
    fn noun() -> &'static str {
        Self::ONE.split_once(' ').map_or(Self::ONE, |(_, noun)| noun)
    }
    /// The path of its catalogue: `/v1/canned-responses`.
    fn path() -> String {
        format!("/v1/{}", Self::KIND.as_str().replace('_', "-"))
    }
}

/// The change of an item by an event.
#[derive(Debug)]
pub enum Change<'e, T: Shape> {
    Defined(&'e T),
    Retired(T::Id),
}

/// An item whose kind the reader does not know.
pub trait AnyItem {
    /// The text by which lists of its kind are sorted.
    fn sort_key(&self) -> String;
    /// The item without its secrets, as JSON.
    fn public_json(&self) -> String;
    /// The other items that it refers to.
    fn all_references(&self) -> Vec<Reference>;
}

impl<T: Shape + References> AnyItem for T {
    fn all_references(&self) -> Vec<Reference> {
        self.references()
    }
    fn sort_key(&self) -> String {
        Shape::sort_key(self)
    }
    fn public_json(&self) -> String {
        let json = serde_json::to_string(&self.public());
        json.unwrap_or_else(|impossible| unreachable!("an item always serialises: {impossible}"))
    }
}
