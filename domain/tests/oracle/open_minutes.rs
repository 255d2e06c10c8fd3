//! A slow and simple model of a calendar: for every minute of some days it computes the local time and
//! whether the calendar is open.

use event_schemas::Timestamp;
use event_schemas::catalogue::{BusinessCalendar, Weekday};
use jiff::civil::Date;
use jiff::tz::TimeZoneDatabase;
use std::collections::BTreeSet;

const DAY: i64 = 24 * 60;

/// The open minutes of a calendar, from the second `begin` since 1970.
pub struct OpenMinutes {
    pub begin: i64,
    open: Vec<bool>,
}

impl OpenMinutes {
    /// Computes so many days from midnight UTC of a date. `None` stands for a calendar that is always open.
    pub fn of(calendar: Option<&BusinessCalendar>, date: Date, days: i64) -> Self {
        let begin = date.duration_since(Date::constant(1970, 1, 1)).as_secs();
        let Some(calendar) = calendar else {
            return Self { begin, open: vec![true; (days * DAY) as usize] };
        };
        let zone = TimeZoneDatabase::bundled().get(&calendar.timezone).unwrap();
        let holidays: BTreeSet<Date> =
            calendar.holidays.iter().map(|holiday| holiday.date.parse().unwrap()).collect();
        let mut latest = i64::MIN;
        let mut open = Vec::new();
        // It begins three days early, so that the latest local time before the first minute is known.
        for minute in -3 * DAY..days * DAY {
            let moment = jiff::Timestamp::from_second(begin + minute * 60).unwrap();
            let local = zone.to_datetime(moment);
            let days_since_1970 = local.date().duration_since(Date::constant(1970, 1, 1)).as_hours() / 24;
            let shown = days_since_1970 * DAY + i64::from(local.hour()) * 60 + i64::from(local.minute());
            // A local time that occurs a second time counts as past.
            latest = latest.max(shown);
            if minute >= 0 {
                open.push(is_open(calendar, &holidays, latest));
            }
        }
        Self { begin, open }
    }

    pub fn seconds(&self) -> i64 {
        self.open.len() as i64 * 60
    }

    pub fn is_open(&self, second: i64) -> bool {
        self.open[(second / 60) as usize]
    }

    pub fn moment(&self, second: i64) -> Timestamp {
        Timestamp::from_secs(self.begin + second)
    }

    pub fn between(&self, from: i64, until: i64) -> i64 {
        (from..until).filter(|second| self.is_open(*second)).count() as i64
    }

    /// `None` when it is later than the model's last minute.
    pub fn add(&self, from: i64, business: i64) -> Option<i64> {
        let mut left = business;
        let mut now = from;
        while left > 0 {
            if now >= self.seconds() {
                return None;
            }
            left -= i64::from(self.is_open(now));
            now += 1;
        }
        Some(now)
    }
}

fn is_open(calendar: &BusinessCalendar, holidays: &BTreeSet<Date>, now: i64) -> bool {
    let today = now.div_euclid(DAY);
    [today, today - 1].into_iter().any(|day| {
        let date =
            Date::constant(1970, 1, 1).checked_add(jiff::SignedDuration::from_hours(day * 24)).unwrap();
        let weekday = Weekday::ALL[date.weekday().to_monday_zero_offset() as usize];
        let since_midnight = now - day * DAY;
        !holidays.contains(&date)
            && calendar.schedule.iter().filter(|hours| hours.days.contains(&weekday)).any(|hours| {
                let (start, mut end) = (minutes(&hours.start), minutes(&hours.end));
                if end <= start {
                    end += DAY;
                }
                start <= since_midnight && since_midnight < end
            })
    })
}

fn minutes(text: &str) -> i64 {
    let (hour, minute) = text.split_once(':').unwrap();
    hour.parse::<i64>().unwrap() * 60 + minute.parse::<i64>().unwrap()
}
