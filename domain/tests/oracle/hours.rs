//! Business hours against the slow model.

use crate::calendars::{DAYS, calendar_and_date};
use crate::desk::Desk;
use domain::calendar::Hours;
use proptest::prelude::*;
use std::time::Duration;

proptest! {
    #![proptest_config(ProptestConfig { cases: 60, max_shrink_iters: 300, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn business_time_is_what_somebody_watching_the_clock_counts(
        (calendar, date) in calendar_and_date(),
        questions in prop::collection::vec((0..DAYS * 86_400, 0..DAYS * 86_400, 1..80_000i64), 4),
    ) {
        let hours = Hours::of(&calendar).unwrap();
        let desk = Desk::watch(Some(&calendar), date, DAYS);
        for (a, b, business) in questions {
            let (from, until) = (a.min(b), a.max(b));
            prop_assert_eq!(
                hours.between(desk.moment(from), desk.moment(until)),
                Duration::from_secs(desk.between(from, until) as u64),
                "from {} until {}", desk.moment(from), desk.moment(until)
            );
            let due = hours.add(desk.moment(from), Duration::from_secs(business as u64));
            match desk.add(from, business) {
                Some(second) => prop_assert_eq!(
                    due, Some(desk.moment(second)), "{} s from {}", business, desk.moment(from)
                ),
                None => prop_assert!(due.is_none_or(|due| due > desk.moment(desk.seconds()))),
            }
            prop_assert_eq!(hours.is_open(desk.moment(from)), desk.is_open(from));
        }
    }
}
