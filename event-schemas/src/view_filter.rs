//! The filter of conversations that saved views have.

use crate::message::{ChannelType, Priority, Status, words};
use crate::{ChannelId, TeamId, UserId};
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Serialize};
use std::borrow::Cow;
use std::fmt;
use std::str::FromStr;
use uuid::Uuid;

words! {
    /// The state of the SLA clock that is most urgent.
    SlaState {
        Breached = "breached",
        Running = "running",
        Paused = "paused",
        Met = "met",
        Cancelled = "cancelled",
    }
}

/// A filter of conversations: one condition, or several that are joined. A condition with several values is met by
/// each of them.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum ViewFilter {
    /// The conversation meets all of these. It meets an empty list.
    All(Vec<ViewFilter>),
    /// It meets one of these or more. It does not meet an empty list.
    Any(Vec<ViewFilter>),
    /// It does not meet this.
    Not(Box<ViewFilter>),
    Status(Vec<Status>),
    /// `me` for the agent who looks at the view, `none` for unassigned conversations, or an agent's id.
    Assignee(Vec<AssigneeIs>),
    /// A team's id, or `none` for conversations without a team.
    Team(Vec<TeamIs>),
    Channel(Vec<ChannelId>),
    ChannelType(Vec<ChannelType>),
    /// The conversation has one of these labels or more.
    Label(Vec<String>),
    Priority(Vec<Priority>),
    /// The customer writes in one of these languages: `en`, `am`.
    Language(Vec<String>),
    /// Whether the agent who looks at the view has not seen all of the customer's messages.
    Unread(bool),
    /// The customer has waited for an agent's answer for this many seconds or longer.
    UnansweredFor(u32),
    SlaState(Vec<SlaState>),
    /// The next SLA deadline is in this many seconds or earlier, or has passed.
    SlaDueWithin(u32),
    /// The newest message was recorded in the last so many seconds.
    ActiveWithin(u32),
    /// The conversation began in the last so many seconds.
    CreatedWithin(u32),
    /// A custom field of the conversation (a member of its `metadata`) has this value.
    Custom(CustomField),
}

/// A custom field and its value.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct CustomField {
    pub name: String,
    /// A number or a flag is compared by its text: `3`, `true`.
    pub value: String,
}

/// An assignee, relative to who looks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AssigneeIs {
    Me,
    None,
    Agent(UserId),
}

/// A team, or none.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TeamIs {
    None,
    Team(TeamId),
}

impl fmt::Display for AssigneeIs {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Me => f.write_str("me"),
            Self::None => f.write_str("none"),
            Self::Agent(user) => user.fmt(f),
        }
    }
}

impl FromStr for AssigneeIs {
    type Err = &'static str;
    fn from_str(text: &str) -> Result<Self, &'static str> {
        match text {
            "me" => Ok(Self::Me),
            "none" => Ok(Self::None),
            id => {
                let id = id.parse::<Uuid>().map_err(|_| "neither `me`, `none`, nor an agent's id")?;
                Ok(Self::Agent(UserId(id)))
            }
        }
    }
}

impl fmt::Display for TeamIs {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::None => f.write_str("none"),
            Self::Team(team) => team.fmt(f),
        }
    }
}

impl FromStr for TeamIs {
    type Err = &'static str;
    fn from_str(text: &str) -> Result<Self, &'static str> {
        if text == "none" {
            return Ok(Self::None);
        }
        let id = text.parse::<Uuid>().map_err(|_| "neither `none` nor a team's id")?;
        Ok(Self::Team(TeamId(id)))
    }
}

/// Text in JSON, with a schema that says what texts there are.
macro_rules! text_in_json {
    ($($Type:ident: $pattern:literal),+) => {$(
        impl Serialize for $Type {
            fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.collect_str(self)
            }
        }
        impl<'de> Deserialize<'de> for $Type {
            fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                let text = Cow::<'de, str>::deserialize(deserializer)?;
                text.parse().map_err(serde::de::Error::custom)
            }
        }
        impl JsonSchema for $Type {
            fn schema_name() -> Cow<'static, str> {
                stringify!($Type).into()
            }
            fn json_schema(_: &mut SchemaGenerator) -> Schema {
                json_schema!({ "type": "string", "pattern": $pattern })
            }
        }
    )+};
}
text_in_json!(AssigneeIs: "^(me|none|[0-9a-f-]{36})$", TeamIs: "^(none|[0-9a-f-]{36})$");
