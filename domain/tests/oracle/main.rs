//! Compares business time and the SLA clocks with slow and simple models that count every second, over random
//! calendars, around the days on which clocks are changed.

#![allow(clippy::unwrap_used)]

mod calendars;
mod clocks;
mod hours;
mod open_minutes;
