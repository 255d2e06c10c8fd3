//! Tests of the whole program through its public API: each test starts the binary as an operator does,
//! customers write through signed webhooks, and all other requests go over HTTP.

#![allow(clippy::unwrap_used)] // helper functions of tests, which Clippy does not know as tests

#[path = "support/browser.rs"]
mod browser;
#[path = "support/cuts.rs"]
mod cuts;
#[path = "support/desk.rs"]
mod desk;
#[path = "support/fake_whatsapp.rs"]
mod fake_whatsapp;
#[path = "support/faulty_disk.rs"]
mod faulty_disk;
#[path = "support/load.rs"]
mod load;
#[path = "support/program.rs"]
mod program;
#[path = "support/raw_socket.rs"]
mod raw_socket;
#[path = "support/socket_client.rs"]
mod socket_client;

#[path = "flows/access.rs"]
mod access;
#[path = "flows/account_audit.rs"]
mod account_audit;
#[path = "flows/api_keys.rs"]
mod api_keys;
#[path = "flows/audit.rs"]
mod audit;
#[path = "flows/automation.rs"]
mod automation;
#[path = "flows/bots.rs"]
mod bots;
#[path = "flows/bulk.rs"]
mod bulk;
#[path = "flows/claims.rs"]
mod claims;
#[path = "flows/conversation_service.rs"]
mod conversation_service;
#[path = "flows/credentials.rs"]
mod credentials;
#[path = "flows/customers.rs"]
mod customers;
#[path = "flows/demo.rs"]
mod demo;
#[path = "flows/description.rs"]
mod description;
#[path = "flows/disk.rs"]
mod disk;
#[path = "flows/drafts.rs"]
mod drafts;
#[path = "flows/earlier_version.rs"]
mod earlier_version;
#[path = "flows/end_to_end.rs"]
mod end_to_end;
#[path = "flows/identity.rs"]
mod identity;
#[path = "flows/kill.rs"]
mod kill;
#[path = "flows/kinds_of_messages.rs"]
mod kinds_of_messages;
#[path = "flows/people.rs"]
mod people;
#[path = "flows/postgres.rs"]
mod postgres;
#[path = "flows/provider.rs"]
mod provider;
#[path = "flows/publication.rs"]
mod publication;
#[path = "flows/real_words.rs"]
mod real_words;
#[path = "flows/realtime.rs"]
mod realtime;
#[path = "flows/realtime_example.rs"]
mod realtime_example;
#[path = "flows/realtime_faults.rs"]
mod realtime_faults;
#[path = "flows/restore.rs"]
mod restore;
#[path = "flows/routing.rs"]
mod routing;
#[path = "flows/scheduled_messages.rs"]
mod scheduled_messages;
#[path = "flows/shift.rs"]
mod shift;
#[path = "flows/sla.rs"]
mod sla;
#[path = "flows/split.rs"]
mod split;
#[path = "flows/split_kill.rs"]
mod split_kill;
#[path = "flows/start.rs"]
mod start;
#[path = "flows/transfer.rs"]
mod transfer;
#[path = "flows/turns.rs"]
mod turns;
#[path = "flows/ui.rs"]
mod ui;
#[path = "flows/ui_administration.rs"]
mod ui_administration;
#[path = "flows/ui_later.rs"]
mod ui_later;
#[path = "flows/ui_shift.rs"]
mod ui_shift;
#[path = "flows/views.rs"]
mod views;
#[path = "flows/webhooks.rs"]
mod webhooks;
