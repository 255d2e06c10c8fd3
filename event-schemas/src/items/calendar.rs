//! Business hours.

use super::item;
use crate::CalendarId;
use crate::message::words;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

words! {
    /// A day of the week, as requirement 000 (section 2) spells it.
    Weekday {
        Mon = "mon", Tue = "tue", Wed = "wed", Thu = "thu", Fri = "fri", Sat = "sat", Sun = "sun",
    }
}

/// Hours that repeat every week, in local time. An `end` at or before `start` is on the next day.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct WeeklyHours {
    pub days: Vec<Weekday>,
    /// `HH:MM`
    pub start: String,
    /// `HH:MM`; `24:00` is the end of the day.
    pub end: String,
}

/// A day on which no business hours begin.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Holiday {
    /// `YYYY-MM-DD`
    pub date: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
}

item! {
    one: "a calendar", all: "Calendars", tag: "service levels", order: name;

    /// The business hours of an account.
    #[derive(Eq)]
    pub struct BusinessCalendar: CalendarSpec {
        id id: CalendarId,
        /// Unique in the account.
        pub name: String,
        /// An IANA time zone: `Africa/Addis_Ababa`.
        pub timezone: String,
        /// The intervals. A day can have several; time in which they overlap counts once.
        pub schedule: Vec<WeeklyHours>,
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        pub holidays: Vec<Holiday>,
    }
}
