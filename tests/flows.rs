//! The whole program through its public door: the binary is started as an operator starts it, customers
//! write by signed webhooks, and everything is asked by HTTP.

#![allow(clippy::unwrap_used)] // of tests, in functions that are no tests themselves

#[path = "support/fake_whatsapp.rs"]
mod fake_whatsapp;
#[path = "support/load.rs"]
mod load;
#[path = "support/program.rs"]
mod program;

#[path = "flows/access.rs"]
mod access;
#[path = "flows/audit.rs"]
mod audit;
#[path = "flows/automation.rs"]
mod automation;
#[path = "flows/bots.rs"]
mod bots;
#[path = "flows/claims.rs"]
mod claims;
#[path = "flows/disk.rs"]
mod disk;
#[path = "flows/end_to_end.rs"]
mod end_to_end;
#[path = "flows/kill.rs"]
mod kill;
#[path = "flows/postgres.rs"]
mod postgres;
#[path = "flows/provider.rs"]
mod provider;
#[path = "flows/publication.rs"]
mod publication;
#[path = "flows/real_words.rs"]
mod real_words;
#[path = "flows/routing.rs"]
mod routing;
#[path = "flows/sla.rs"]
mod sla;
#[path = "flows/split.rs"]
mod split;
#[path = "flows/split_kill.rs"]
mod split_kill;
#[path = "flows/transfer.rs"]
mod transfer;
#[path = "flows/webhooks.rs"]
mod webhooks;
