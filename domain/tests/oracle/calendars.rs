//! Random calendars, and the days for which they are tested.

use event_schemas::CalendarId;
use event_schemas::catalogue::{BusinessCalendar, Holiday, Weekday, WeeklyHours};
use jiff::civil::{Date, date};
use proptest::prelude::*;
use proptest::sample::{select, subsequence};

/// The number of days of a test.
pub const DAYS: i64 = 6;

/// Time zones, and days on which their clocks change.
fn zones_and_days() -> Vec<(&'static str, Date)> {
    vec![
        ("Europe/Berlin", date(2026, 3, 29)),
        ("Europe/Berlin", date(2026, 10, 25)),
        ("America/New_York", date(2026, 3, 8)),
        ("America/New_York", date(2026, 11, 1)),
        // A change by half an hour.
        ("Australia/Lord_Howe", date(2026, 4, 5)),
        ("Australia/Lord_Howe", date(2026, 10, 4)),
        // Zones without changes.
        ("Africa/Addis_Ababa", date(2026, 12, 31)),
        ("Asia/Kathmandu", date(2026, 2, 12)),
        ("UTC", date(2026, 2, 12)),
        // A change at midnight.
        ("Africa/Cairo", date(2026, 4, 24)),
        ("Africa/Cairo", date(2026, 10, 29)),
        ("America/Havana", date(2026, 11, 1)),
        // A whole day that was skipped.
        ("Pacific/Apia", date(2011, 12, 30)),
    ]
}

fn time() -> impl Strategy<Value = String> {
    prop_oneof![
        3 => (0..24u8, select(vec![0u8, 15, 30, 45])).prop_map(|(hour, minute)| format!("{hour:02}:{minute:02}")),
        // The hours in which clocks are changed.
        2 => (0..4u8, 0..60u8).prop_map(|(hour, minute)| format!("{hour:02}:{minute:02}")),
    ]
}

fn hours() -> impl Strategy<Value = WeeklyHours> {
    let end = prop_oneof![5 => time(), 1 => Just("24:00".to_owned())];
    (subsequence(Weekday::ALL.to_vec(), 1..=7), time(), end).prop_map(|(days, start, end)| WeeklyHours {
        days,
        start,
        end,
    })
}

/// A calendar and the first date of the test.
pub fn calendar_and_date() -> impl Strategy<Value = (BusinessCalendar, Date)> {
    let holidays = prop::collection::vec(-1..DAYS, 0..3);
    (select(zones_and_days()), 0..3i64, prop::collection::vec(hours(), 1..5), holidays).prop_map(
        |((timezone, change), before, schedule, holidays)| {
            let on =
                |day: i64| change.saturating_add(jiff::SignedDuration::from_hours(24 * (day - before - 1)));
            let holiday = |day: i64| Holiday { date: on(day).to_string(), name: None };
            let calendar = BusinessCalendar {
                id: CalendarId::from_u128(1),
                name: "Office".to_owned(),
                timezone: timezone.to_owned(),
                schedule,
                holidays: holidays.into_iter().map(holiday).collect(),
            };
            (calendar, on(0))
        },
    )
}
