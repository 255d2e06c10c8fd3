//! When the availability of an account are open.

use crate::read_models::catalogue::{Entry, Since};
use event_schemas::catalogue::BusinessCalendar;
use event_schemas::{AccountId, CalendarId, Timestamp, Version};
use follower::table::Json;

follower::table! {
    pub struct CalendarRow in "calendars" key (id: CalendarId) {
        account_id: AccountId,
        name: String,
        calendar: Json<BusinessCalendar>,
        created_at: Timestamp,
        updated_at: Timestamp,
        version: Version,
    }
}

impl Entry for CalendarRow {
    type CatalogueItem = BusinessCalendar;
    fn key_of(calendar: &BusinessCalendar) -> (CalendarId,) {
        (calendar.id,)
    }
    fn created_at(&self) -> Timestamp {
        self.created_at
    }
    fn defined(calendar: &BusinessCalendar, since: Since) -> Self {
        Self {
            id: calendar.id,
            account_id: since.account_id,
            name: calendar.name.clone(),
            calendar: Json(calendar.clone()),
            created_at: since.created_at,
            updated_at: since.updated_at,
            version: since.version,
        }
    }
}
