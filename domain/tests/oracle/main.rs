//! Business time and the SLA clocks against slow and obvious ones, second by second, over random
//! calendars, around the days on which clocks are changed.

#![allow(clippy::unwrap_used)]

mod calendars;
mod clocks;
mod desk;
mod hours;
