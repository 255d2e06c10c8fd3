use super::*;
use event_schemas::CalendarId;

const WORKDAYS: [Weekday; 5] = [Weekday::Mon, Weekday::Tue, Weekday::Wed, Weekday::Thu, Weekday::Fri];
const HOUR: Duration = Duration::from_secs(3600);

fn open(days: &[Weekday], start: &str, end: &str) -> WeeklyHours {
    WeeklyHours { days: days.to_vec(), start: start.to_owned(), end: end.to_owned() }
}

fn calendar(timezone: &str, schedule: Vec<WeeklyHours>, holidays: &[&str]) -> BusinessCalendar {
    let holiday = |date: &&str| Holiday { date: (*date).to_owned(), name: None };
    BusinessCalendar {
        id: CalendarId::from_u128(1),
        name: "Office".to_owned(),
        timezone: timezone.to_owned(),
        schedule,
        holidays: holidays.iter().map(holiday).collect(),
    }
}

fn hours(timezone: &str, schedule: Vec<WeeklyHours>) -> Hours {
    Hours::of(&calendar(timezone, schedule, &[])).unwrap()
}

fn at(text: &str) -> Timestamp {
    text.parse().unwrap()
}

#[test]
fn two_hours_from_friday_evening_end_on_monday() {
    let hours = hours("Africa/Addis_Ababa", vec![open(&WORKDAYS, "09:00", "17:00")]);
    // Friday 16:00 in Addis Ababa.
    let due = hours.add(at("2026-11-20T13:00:00Z"), HOUR * 2);
    assert_eq!(due, Some(at("2026-11-23T07:00:00Z")));
}

#[test]
fn an_hour_that_ends_at_closing_time_is_due_at_closing_time() {
    let hours = hours("UTC", vec![open(&WORKDAYS, "09:00", "17:00")]);
    assert_eq!(hours.add(at("2026-11-20T16:00:00Z"), HOUR), Some(at("2026-11-20T17:00:00Z")));
    let nothing = Duration::ZERO;
    assert_eq!(hours.add(at("2026-11-21T03:00:00Z"), nothing), Some(at("2026-11-21T03:00:00Z")));
}

#[test]
fn no_interval_begins_on_a_holiday_but_one_from_the_day_before_goes_on() {
    let nights = vec![open(Weekday::ALL, "22:00", "06:00")];
    let hours = Hours::of(&calendar("UTC", nights, &["2026-12-25"])).unwrap();
    assert!(hours.is_open(at("2026-12-25T05:59:59Z")));
    assert!(!hours.is_open(at("2026-12-25T23:00:00Z")));
    assert!(!hours.is_open(at("2026-12-26T05:00:00Z")));
    assert!(hours.is_open(at("2026-12-26T22:00:00Z")));
}

#[test]
fn an_interval_over_midnight_belongs_to_the_day_it_starts() {
    let hours = hours("UTC", vec![open(&[Weekday::Fri], "22:00", "02:00")]);
    assert!(hours.is_open(at("2026-11-21T01:59:00Z")), "Saturday, from Friday");
    assert!(!hours.is_open(at("2026-11-20T01:00:00Z")), "Friday, from Thursday");
}

#[test]
fn overlapping_intervals_count_once() {
    let twice = vec![open(&WORKDAYS, "09:00", "13:00"), open(&WORKDAYS, "11:00", "17:00")];
    let hours = hours("UTC", twice);
    assert_eq!(hours.between(at("2026-11-20T00:00:00Z"), at("2026-11-21T00:00:00Z")), HOUR * 8);
}

#[test]
fn days_on_which_clocks_are_changed_have_23_and_25_hours() {
    let hours = hours("Europe/Berlin", vec![open(Weekday::ALL, "00:00", "24:00")]);
    // From midnight to midnight in Berlin.
    assert_eq!(hours.between(at("2026-03-28T23:00:00Z"), at("2026-03-29T22:00:00Z")), HOUR * 23);
    assert_eq!(hours.between(at("2026-10-24T22:00:00Z"), at("2026-10-25T23:00:00Z")), HOUR * 25);
}

#[test]
fn a_skipped_start_is_the_moment_of_the_clock_change() {
    let hours = hours("Europe/Berlin", vec![open(&[Weekday::Sun], "02:30", "04:00")]);
    assert_eq!(hours.add(at("2026-03-28T12:00:00Z"), HOUR), Some(at("2026-03-29T02:00:00Z")));
    assert!(hours.is_open(at("2026-03-29T01:00:00Z")), "03:00, just after clocks were put forward");
}

#[test]
fn a_local_time_that_occurs_twice_means_the_earlier_moment() {
    let hours = hours("Europe/Berlin", vec![open(&[Weekday::Sun], "02:30", "04:00")]);
    let (from, until) = (at("2026-10-25T00:00:00Z"), at("2026-10-25T12:00:00Z"));
    assert_eq!(hours.between(from, until), HOUR * 5 / 2);
    assert!(hours.is_open(at("2026-10-25T00:30:00Z")));
}

#[test]
fn decades_are_counted_and_a_time_after_the_last_year_is_not() {
    let hours = hours("Asia/Kathmandu", vec![open(&[Weekday::Sun], "10:00", "10:01")]);
    let week = Duration::from_secs(7 * 24 * 3600);
    let first = hours.add(at("2026-01-01T00:00:00Z"), Duration::from_secs(60)).unwrap();
    let later = hours.add(at("2026-01-01T00:00:00Z"), Duration::from_secs(60 * 1001)).unwrap();
    assert_eq!(later, first + week * 1000);
    assert_eq!(hours.add(at("2026-01-01T00:00:00Z"), Duration::from_secs(u64::from(u32::MAX))), None);
    assert_eq!(hours.add(at("9999-01-01T00:00:00Z"), HOUR), None);
    assert_eq!(hours.between(at("1900-01-01T00:00:00Z"), at("1960-01-01T00:00:00Z")), Duration::ZERO);
}

#[test]
fn an_invalid_field_is_named_by_its_path() {
    let day = || vec![open(&WORKDAYS, "09:00", "17:00")];
    for (calendar, field) in [
        (calendar("Mars/Olympus", day(), &[]), "timezone"),
        (calendar("", day(), &[]), "timezone"),
        (calendar("UTC", vec![], &[]), "schedule"),
        (calendar("UTC", vec![open(&[], "09:00", "17:00")], &[]), "schedule[0].days"),
        (calendar("UTC", vec![open(&WORKDAYS, "9:00", "17:00")], &[]), "schedule[0].start"),
        (calendar("UTC", vec![open(&WORKDAYS, "24:00", "17:00")], &[]), "schedule[0].start"),
        (calendar("UTC", vec![open(&WORKDAYS, "09:00", "24:01")], &[]), "schedule[0].end"),
        (calendar("UTC", vec![open(&WORKDAYS, "09:00", "１７:00")], &[]), "schedule[0].end"),
        (calendar("UTC", day(), &["2026-12-25", "2026-02-30"]), "holidays[1].date"),
        (calendar("UTC", day(), &["Christmas"]), "holidays[0].date"),
    ] {
        assert_eq!(Hours::of(&calendar).unwrap_err().field(), field, "{calendar:?}");
    }
}

#[test]
fn hours_are_small_when_serialised_and_deserialise_to_the_same() {
    let calendar = calendar("Africa/Addis_Ababa", vec![open(&WORKDAYS, "09:00", "17:00")], &["2026-12-25"]);
    let hours = Hours::of(&calendar).unwrap();
    let kept = serde_json::to_string(&hours).unwrap();
    assert_eq!(kept, r#"{"z":"Africa/Addis_Ababa","w":[[31,540,1020]],"h":[20812]}"#);
    assert_eq!(serde_json::from_str::<Hours>(&kept).unwrap(), hours);
}

#[test]
fn few_years_of_a_calendar_stay_compiled() {
    let hours = hours("UTC", vec![open(&[Weekday::Mon], "09:00", "09:01")]);
    // Fifty minutes are open in fifty weeks: two thousand minutes take forty years.
    let due = hours.add(Timestamp::from_secs(0), Duration::from_secs(2_000 * 60)).unwrap();
    assert!(due > Timestamp::from_secs(38 * 365 * 86_400));
    assert!(hours.0.recent.read().unwrap().len() <= MOST_YEARS);
    assert_eq!(hours.between(Timestamp::from_secs(0), due), Duration::from_secs(2_000 * 60));
}
