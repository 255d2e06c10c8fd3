//! When the desk is open.

use super::AppState;
use super::answer::{Completed, Created};
use super::catalogue::{Retired, change, define, fresh_id, retire};
use super::command_headers::CommandHeaders;
use crate::problem::CommandProblem;
use aide::axum::ApiRouter;
use aide::axum::routing::{patch_with, post_with};
use axum::extract::State;
use commands::Commands;
use event_schemas::CalendarId;
use event_schemas::catalogue::{BusinessCalendar, Holiday, WeeklyHours};
use gate::{Json, Path, Supervisor};
use schemars::JsonSchema;
use serde::Deserialize;
use std::sync::Arc;

pub(super) fn routes() -> ApiRouter<Arc<Commands>> {
    ApiRouter::new()
        .api_route(
            "/v1/calendars",
            post_with(create, |op| {
                op.id("createCalendar").tag("service levels").summary("Define a business calendar")
            }),
        )
        .api_route(
            "/v1/calendars/{id}",
            patch_with(update, |op| {
                op.id("updateCalendar").tag("service levels").summary("Change a business calendar")
            })
            .delete_with(remove, |op| {
                op.id("deleteCalendar").tag("service levels").summary("Retire a business calendar")
            }),
        )
}

/// A calendar to be.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct NewCalendar {
    /// Unique in the account.
    name: String,
    /// An IANA zone: `Africa/Addis_Ababa`.
    timezone: String,
    /// Several intervals a day are several entries; an end at or before its start is on the next day.
    schedule: Vec<WeeklyHours>,
    #[serde(default)]
    holidays: Vec<Holiday>,
}

async fn create(
    State(commands): AppState,
    Supervisor(caller): Supervisor,
    asking: CommandHeaders,
    Json(new): Json<NewCalendar>,
) -> Result<Created<BusinessCalendar>, CommandProblem> {
    let context = asking.of(&caller);
    let calendar = BusinessCalendar {
        id: CalendarId(fresh_id(&commands, &context)),
        name: new.name.trim().to_owned(),
        timezone: new.timezone,
        schedule: new.schedule,
        holidays: new.holidays,
    };
    define(&commands, calendar, &context).await
}

/// What changes; what is left out stays as it is.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct CalendarChange {
    #[serde(default)]
    name: Option<String>,
    #[serde(default)]
    timezone: Option<String>,
    #[serde(default)]
    schedule: Option<Vec<WeeklyHours>>,
    #[serde(default)]
    holidays: Option<Vec<Holiday>>,
}

impl CalendarChange {
    fn apply(&self, calendar: &mut BusinessCalendar) {
        if let Some(name) = &self.name {
            calendar.name = name.trim().to_owned();
        }
        if let Some(timezone) = &self.timezone {
            calendar.timezone.clone_from(timezone);
        }
        if let Some(schedule) = &self.schedule {
            calendar.schedule.clone_from(schedule);
        }
        if let Some(holidays) = &self.holidays {
            calendar.holidays.clone_from(holidays);
        }
    }
}

async fn update(
    State(commands): AppState,
    Supervisor(caller): Supervisor,
    asking: CommandHeaders,
    Path(id): Path<CalendarId>,
    Json(changes): Json<CalendarChange>,
) -> Result<Completed<BusinessCalendar>, CommandProblem> {
    change(&commands, id, &asking.of(&caller), |calendar| changes.apply(calendar)).await
}

async fn remove(
    State(commands): AppState,
    Supervisor(caller): Supervisor,
    asking: CommandHeaders,
    Path(id): Path<CalendarId>,
) -> Result<Completed<Retired<CalendarId>>, CommandProblem> {
    retire::<BusinessCalendar>(&commands, id, &asking.of(&caller)).await
}
