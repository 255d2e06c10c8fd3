//! Tests of the process managers with a real log.

#![allow(clippy::unwrap_used)]

mod automation;
mod bot_router;
mod delivery;
#[path = "../../../tests/support/fake_whatsapp.rs"]
mod fake_whatsapp;
mod past;
mod sla_timers;
mod sla_timers_troubles;
mod supervision;
mod support;
