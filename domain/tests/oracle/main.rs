//! Compares business time and the SLA clocks with slow and simple models that count every second, over random
//! calendars, around the days on which clocks are changed; and the clocks after failed answers with a fold without them.

#![allow(clippy::unwrap_used)]

mod answers;
mod calendars;
mod clocks;
mod hours;
mod open_minutes;
