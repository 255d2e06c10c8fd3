//! Business time: the amount between two moments, and the moment at which an amount has passed.
//!
//! # The rule
//!
//! A local time means **the first moment at which local clocks show it, or later**. An interval lasts from
//! the moment of its start until the moment of its end. So when clocks are put back, a time that occurs twice
//! means the earlier one. When clocks are put forward, a time that is skipped means the moment of the change.
//! Neighbouring intervals never overlap, and leave no gap. Elapsed seconds are counted: a day on which clocks
//! are put back can have one open hour more than another.
//!
//! An interval belongs to the day on which it starts, and goes on into the next day if its end is not after
//! its start. On a holiday no interval begins; one that began the day before goes on. Where intervals
//! overlap, time counts once.
//!
//! # Speed
//!
//! A year of a calendar is compiled at its first use, into moments with running totals. After that a query is
//! one or two binary searches. Equal calendars share their compiled form.

use event_schemas::Timestamp;
use event_schemas::catalogue::{BusinessCalendar, Holiday, Weekday, WeeklyHours};
use jiff::SignedDuration;
use jiff::civil::{Date, DateTime};
use jiff::tz::{AmbiguousOffset, TimeZone, TimeZoneDatabase};
use serde::{Deserialize, Deserializer, Serialize, Serializer, de};
use std::collections::HashMap;
use std::fmt;
use std::sync::{Arc, LazyLock, OnceLock, PoisonError, RwLock};
use std::time::Duration;

const MINUTES_A_DAY: u16 = 24 * 60;
const MOST_INTERVALS: usize = 200;
const MOST_HOLIDAYS: usize = 2_000;

/// A "year" of the compiled calendar. Its length only decides how much is compiled at once.
const YEAR: i64 = 366 * 24 * 3_600 * 1_000_000;
/// Business time is counted for so many years from 1970: until 2220. After that no calendar is open.
const YEARS: usize = 250;
/// The most calendars that are kept compiled at once.
const MOST_SHARED: usize = 1_024;
/// The years of a calendar that are kept compiled: the present one and its neighbour. Of the others only the total is
/// kept, because a year with many short intervals takes more than a megabyte.
const MOST_YEARS: usize = 2;

/// Why a calendar is invalid. [`CalendarError::field`] names the part at fault.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum CalendarError {
    #[error("'{zone}' is not a time zone of the IANA database")]
    UnknownZone { zone: String },
    #[error("a schedule needs at least one interval")]
    EmptySchedule,
    #[error("an interval needs at least one day")]
    NoDays { field: String },
    #[error("'{text}' is not a time of day such as 09:00")]
    BadTime { field: String, text: String },
    #[error("'{text}' is not a date such as 2026-12-25")]
    BadDate { field: String, text: String },
    #[error("at most {limit} entries")]
    TooMany { field: &'static str, limit: usize },
    #[error("the end is before the start")]
    Backwards { field: &'static str },
}

impl CalendarError {
    /// The field at fault, as a path into the calendar: `schedule[0].start`.
    pub fn field(&self) -> &str {
        match self {
            Self::UnknownZone { .. } => "timezone",
            Self::EmptySchedule => "schedule",
            Self::NoDays { field } | Self::BadTime { field, .. } | Self::BadDate { field, .. } => field,
            Self::TooMany { field, .. } | Self::Backwards { field } => field,
        }
    }
}

/// Compiled opening hours. Cheap to clone; small when serialised.
#[derive(Clone)]
pub struct Hours(Arc<Compiled>);

/// The fields that determine opening hours, without id and names.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
struct Pattern {
    #[serde(rename = "z")]
    zone: String,
    /// Days as bits from Monday, first minute, minute after the last; the last may be on the next day.
    #[serde(rename = "w")]
    week: Vec<(u8, u16, u16)>,
    /// Days since 1970, sorted.
    #[serde(rename = "h", default, skip_serializing_if = "Vec::is_empty")]
    holidays: Vec<i32>,
}

struct Compiled {
    pattern: Pattern,
    zone: TimeZone,
    /// The open time of each year that was compiled once.
    totals: Box<[OnceLock<i64>]>,
    /// The years that were used last, with their indexes.
    recent: RwLock<Vec<(usize, Arc<Year>)>>,
}

/// The open stretches of a year, in order and apart from each other.
#[derive(Default)]
struct Year {
    open: Vec<Stretch>,
    total: i64,
}

struct Stretch {
    from: i64,
    until: i64,
    /// The open time of the year before this stretch.
    before: i64,
}

impl Hours {
    pub fn of(calendar: &BusinessCalendar) -> Result<Self, CalendarError> {
        Self::weekly(&calendar.timezone, &calendar.schedule, &calendar.holidays)
    }

    pub fn weekly(
        timezone: &str,
        schedule: &[WeeklyHours],
        holidays: &[Holiday],
    ) -> Result<Self, CalendarError> {
        if schedule.is_empty() {
            return Err(CalendarError::EmptySchedule);
        }
        if schedule.len() > MOST_INTERVALS {
            return Err(CalendarError::TooMany { field: "schedule", limit: MOST_INTERVALS });
        }
        if holidays.len() > MOST_HOLIDAYS {
            return Err(CalendarError::TooMany { field: "holidays", limit: MOST_HOLIDAYS });
        }
        let mut week = schedule.iter().enumerate().map(interval).collect::<Result<Vec<_>, _>>()?;
        let mut closed = holidays.iter().enumerate().map(holiday).collect::<Result<Vec<_>, _>>()?;
        week.sort_unstable();
        week.dedup();
        closed.sort_unstable();
        closed.dedup();
        Self::shared(Pattern { zone: timezone.to_owned(), week, holidays: closed })
    }

    /// The first moment at which so much business time has passed since `from`: a target that is reached at
    /// closing time is due at closing time. `None` when the moment is not before 2220.
    pub fn add(&self, from: Timestamp, business: Duration) -> Option<Timestamp> {
        if business.is_zero() {
            return Some(from);
        }
        let from = from.as_micros().max(0);
        let first = usize::try_from(from / YEAR).ok()?;
        let mut wanted = i64::try_from(business.as_micros()).ok()?;
        for index in first..YEARS {
            if index == first {
                wanted = wanted.checked_add(self.0.year(index).open_before(from))?;
            }
            let total = self.0.total(index);
            if wanted <= total {
                return self.0.year(index).moment_after(wanted).map(Timestamp::from_micros);
            }
            wanted -= total;
        }
        None
    }

    /// The business time from one moment until another. Zero when the second is not later.
    pub fn between(&self, from: Timestamp, until: Timestamp) -> Duration {
        let last = YEARS as i64 * YEAR - 1;
        let (from, until) = (from.as_micros().clamp(0, last), until.as_micros().clamp(0, last));
        if until <= from {
            return Duration::ZERO;
        }
        let (first, end) = ((from / YEAR) as usize, (until / YEAR) as usize);
        let whole: i64 = (first..end).map(|index| self.0.total(index)).sum();
        let open = whole + self.0.year(end).open_before(until) - self.0.year(first).open_before(from);
        Duration::from_micros(open.unsigned_abs())
    }

    /// Whether a moment is within the opening hours.
    pub fn is_open(&self, at: Timestamp) -> bool {
        let at = at.as_micros();
        let Some(index) = usize::try_from(at / YEAR).ok().filter(|index| *index < YEARS) else {
            return false;
        };
        let year = self.0.year(index);
        let open = &year.open;
        match open.partition_point(|stretch| stretch.from <= at) {
            0 => false,
            later => at < open[later - 1].until,
        }
    }

    fn shared(pattern: Pattern) -> Result<Self, CalendarError> {
        static SHARED: LazyLock<RwLock<HashMap<Pattern, Hours>>> = LazyLock::new(RwLock::default);
        if let Some(known) = SHARED.read().unwrap_or_else(PoisonError::into_inner).get(&pattern) {
            return Ok(known.clone());
        }
        let hours = Self(Arc::new(Compiled::new(pattern)?));
        let mut shared = SHARED.write().unwrap_or_else(PoisonError::into_inner);
        if shared.len() >= MOST_SHARED {
            shared.clear();
        }
        Ok(shared.entry(hours.0.pattern.clone()).or_insert(hours).clone())
    }
}

fn zone_of(name: &str) -> Result<TimeZone, CalendarError> {
    zone(name).ok_or_else(|| CalendarError::UnknownZone { zone: name.to_owned() })
}

/// The first moment of the day `from`, and the moment after the last of the day `until`, in a time zone. Days
/// are `YYYY-MM-DD`.
pub fn days_off(zone: &str, from: &str, until: &str) -> Result<(Timestamp, Timestamp), CalendarError> {
    let bad_date =
        |field: &str, text: &str| CalendarError::BadDate { field: field.to_owned(), text: text.to_owned() };
    let zone = zone_of(zone)?;
    let day = |field: &str, text: &str| {
        (text.len() == 10).then(|| text.parse::<Date>().ok()).flatten().ok_or_else(|| bad_date(field, text))
    };
    let (first, last) = (day("from", from)?, day("until", until)?);
    if last < first {
        return Err(CalendarError::Backwards { field: "until" });
    }
    let midnight = |day: Date, field: &str, text: &str| {
        let start = zone.to_ambiguous_zoned(DateTime::from(day)).compatible();
        start
            .map(|start| Timestamp::from_micros(start.timestamp().as_microsecond()))
            .map_err(|_| bad_date(field, text))
    };
    let after = last.tomorrow().map_err(|_| bad_date("until", until))?;
    Ok((midnight(first, "from", from)?, midnight(after, "until", until)?))
}

impl Compiled {
    fn new(pattern: Pattern) -> Result<Self, CalendarError> {
        let zone = zone_of(&pattern.zone)?;
        let totals = (0..YEARS).map(|_| OnceLock::new()).collect();
        Ok(Self { pattern, zone, totals, recent: RwLock::default() })
    }

    fn year(&self, index: usize) -> Arc<Year> {
        let known = |years: &[(usize, Arc<Year>)]| {
            years.iter().find(|(kept, _)| *kept == index).map(|(_, year)| year.clone())
        };
        if let Some(year) = known(&self.recent.read().unwrap_or_else(PoisonError::into_inner)) {
            return year;
        }
        let year = Arc::new(self.compile(index as i64 * YEAR));
        let mut recent = self.recent.write().unwrap_or_else(PoisonError::into_inner);
        if let Some(year) = known(&recent) {
            return year;
        }
        if recent.len() >= MOST_YEARS {
            recent.remove(0);
        }
        recent.push((index, year.clone()));
        year
    }

    /// The open time of a year.
    fn total(&self, index: usize) -> i64 {
        *self.totals[index].get_or_init(|| self.year(index).total)
    }

    fn compile(&self, begin: i64) -> Year {
        let end = begin + YEAR;
        // An interval ends at most one day after the day on which it starts, and no time zone differs from
        // UTC by more than a day.
        let (first, last) = (days(begin) - 3, days(end) + 2);
        let mut open = Vec::new();
        for day in first..=last {
            if self.pattern.holidays.binary_search(&day).is_ok() {
                continue;
            }
            let Some(date) = date(day) else { continue };
            let bit = 1u8 << date.weekday().to_monday_zero_offset();
            for &(_, start, stop) in self.pattern.week.iter().filter(|(days, ..)| days & bit != 0) {
                let from = self.moment(date, start).max(begin);
                let until = self.moment(date, stop).min(end);
                if from < until {
                    open.push((from, until));
                }
            }
        }
        Year::of(open)
    }

    /// The first moment at which local clocks show this time or a later one.
    fn moment(&self, date: Date, minutes: u16) -> i64 {
        let local = DateTime::from(date).saturating_add(SignedDuration::from_mins(minutes.into()));
        let at = |offset: jiff::tz::Offset| {
            offset.to_timestamp(local).map_or(i64::MAX, |moment| moment.as_microsecond())
        };
        match self.zone.to_ambiguous_timestamp(local).offset() {
            AmbiguousOffset::Unambiguous { offset } => at(offset),
            AmbiguousOffset::Fold { before, .. } => at(before),
            AmbiguousOffset::Gap { before, after } => after
                .to_timestamp(local)
                .ok()
                .and_then(|earlier| self.zone.following(earlier).find(|jump| jump.offset() == after))
                .map_or(at(before), |jump| jump.timestamp().as_microsecond()),
        }
    }
}

impl Year {
    fn of(mut open: Vec<(i64, i64)>) -> Self {
        open.sort_unstable();
        let mut year = Self::default();
        for (from, until) in open {
            match year.open.last_mut() {
                Some(last) if from <= last.until => {
                    year.total += (until - last.until).max(0);
                    last.until = last.until.max(until);
                }
                _ => {
                    year.open.push(Stretch { from, until, before: year.total });
                    year.total += until - from;
                }
            }
        }
        year
    }

    /// The open time of this year before a moment.
    fn open_before(&self, moment: i64) -> i64 {
        match self.open.partition_point(|stretch| stretch.from <= moment) {
            0 => 0,
            later => {
                let stretch = &self.open[later - 1];
                stretch.before + moment.min(stretch.until) - stretch.from
            }
        }
    }

    /// The first moment before which the year had this much open time.
    fn moment_after(&self, open: i64) -> Option<i64> {
        let later = self.open.partition_point(|stretch| stretch.before < open);
        let stretch = self.open.get(later.checked_sub(1)?)?;
        Some(stretch.from + open - stretch.before)
    }
}

fn days(micros: i64) -> i32 {
    i32::try_from(micros.div_euclid(24 * 3_600 * 1_000_000)).unwrap_or(i32::MAX)
}

const EPOCH: Date = Date::constant(1970, 1, 1);

fn date(day: i32) -> Option<Date> {
    EPOCH.checked_add(SignedDuration::from_hours(i64::from(day) * 24)).ok()
}

fn interval((index, hours): (usize, &WeeklyHours)) -> Result<(u8, u16, u16), CalendarError> {
    if hours.days.is_empty() {
        return Err(CalendarError::NoDays { field: format!("schedule[{index}].days") });
    }
    let bad = |part: &str, text: &str| CalendarError::BadTime {
        field: format!("schedule[{index}].{part}"),
        text: text.to_owned(),
    };
    let start = minutes(&hours.start)
        .filter(|start| *start < MINUTES_A_DAY)
        .ok_or_else(|| bad("start", &hours.start))?;
    let end = minutes(&hours.end).ok_or_else(|| bad("end", &hours.end))?;
    let days = hours.days.iter().fold(0, |days, day| days | 1 << weekday(*day));
    Ok((days, start, if end <= start { end + MINUTES_A_DAY } else { end }))
}

/// The time zone of this name, from the database that is compiled into the program and never from the
/// machine's: a replay on another machine must give the same times.
pub(crate) fn zone(name: &str) -> Option<TimeZone> {
    static ZONES: LazyLock<TimeZoneDatabase> = LazyLock::new(TimeZoneDatabase::bundled);
    ZONES.get(name).ok().filter(|zone| zone.iana_name() != Some("Etc/Unknown"))
}

/// The minutes since midnight of a time `HH:MM`, up to `24:00`.
pub(crate) fn minutes(text: &str) -> Option<u16> {
    let two = |digits: &str| {
        (digits.len() == 2 && digits.bytes().all(|digit| digit.is_ascii_digit()))
            .then(|| digits.parse::<u16>().ok())
            .flatten()
    };
    let (hour, minute) = text.split_once(':')?;
    let (hour, minute) = (two(hour)?, two(minute)?);
    (minute < 60 && hour * 60 + minute <= MINUTES_A_DAY).then_some(hour * 60 + minute)
}

fn holiday((index, holiday): (usize, &Holiday)) -> Result<i32, CalendarError> {
    let text = &holiday.date;
    (text.len() == 10)
        .then(|| text.parse::<Date>().ok())
        .flatten()
        .and_then(|date| date.since(EPOCH).ok())
        .map(|span| span.get_days())
        .ok_or_else(|| CalendarError::BadDate {
            field: format!("holidays[{index}].date"),
            text: text.to_owned(),
        })
}

fn weekday(day: Weekday) -> u8 {
    match day {
        Weekday::Mon => 0,
        Weekday::Tue => 1,
        Weekday::Wed => 2,
        Weekday::Thu => 3,
        Weekday::Fri => 4,
        Weekday::Sat => 5,
        Weekday::Sun => 6,
    }
}

impl PartialEq for Hours {
    fn eq(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.0, &other.0) || self.0.pattern == other.0.pattern
    }
}

impl Eq for Hours {}

impl fmt::Debug for Hours {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.pattern.fmt(f)
    }
}

impl Serialize for Hours {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.0.pattern.serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for Hours {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Self::shared(Pattern::deserialize(deserializer)?).map_err(de::Error::custom)
    }
}

#[cfg(test)]
mod tests;
