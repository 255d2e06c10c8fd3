//! Business hours against the slow model.

use crate::calendars::{DAYS, calendar_and_date};
use crate::open_minutes::OpenMinutes;
use domain::calendar::Hours;
use proptest::prelude::*;
use std::time::Duration;

proptest! {
    #![proptest_config(ProptestConfig { cases: 60, max_shrink_iters: 300, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn business_time_is_what_the_slow_model_counts(
        (calendar, date) in calendar_and_date(),
        questions in prop::collection::vec((0..DAYS * 86_400, 0..DAYS * 86_400, 1..80_000i64), 4),
    ) {
        let hours = Hours::of(&calendar).unwrap();
        let minutes = OpenMinutes::of(Some(&calendar), date, DAYS);
        for (a, b, business) in questions {
            let (from, until) = (a.min(b), a.max(b));
            prop_assert_eq!(
                hours.between(minutes.moment(from), minutes.moment(until)),
                Duration::from_secs(minutes.between(from, until) as u64),
                "from {} until {}", minutes.moment(from), minutes.moment(until)
            );
            let due = hours.add(minutes.moment(from), Duration::from_secs(business as u64));
            match minutes.add(from, business) {
                Some(second) => prop_assert_eq!(
                    due, Some(minutes.moment(second)), "{} s from {}", business, minutes.moment(from)
                ),
                None => prop_assert!(due.is_none_or(|due| due > minutes.moment(minutes.seconds()))),
            }
            prop_assert_eq!(hours.is_open(minutes.moment(from)), minutes.is_open(from));
        }
    }
}
