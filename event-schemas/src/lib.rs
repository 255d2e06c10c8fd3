//! The published language of Verbatim: ids, value objects, events and their envelope.
//!
//! This crate has only values: no I/O and no rules. Stored events must stay readable for ever: a test fails
//! when a golden sample in `samples/` is read differently.

pub mod account;
pub mod agent;
pub mod api_key;
pub mod automation;
pub mod bot;
pub mod bulk;
pub mod catalogue;
pub mod clock;
pub mod cloud_event;
pub mod contact;
pub mod conversation;
pub mod envelope;
mod events;
pub mod families;
pub mod ids;
pub mod inbound;
pub mod items;
pub mod log;
pub mod message;
pub mod person;
pub mod placeholders;
pub mod references;
pub mod routing;
pub mod schemas;
pub mod secrets;
mod summary;
pub mod time;
pub mod upcast;
pub mod view_filter;

pub use account::AccountEvent;
pub use agent::AgentEvent;
pub use api_key::ApiKeyEvent;
pub use bulk::BulkEvent;
pub use catalogue::CatalogueEvent;
pub use catalogue::ids::*;
pub use clock::Clock;
pub use cloud_event::CloudEvent;
pub use contact::ContactEvent;
pub use conversation::{
    ActionEvent, AssignmentEvent, BotEvent, ConversationEvent, DeliveryEvent, DetailsEvent, LifecycleEvent,
    MessageEvent, RoutingEvent, ScheduleEvent, SlaEvent,
};
pub use envelope::{
    Actor, ActorType, Category, Credential, Metadata, NewEvent, Position, Recorded, RequestHash, StreamId,
    Version,
};
pub use events::{DecodeError, Event, EventType, Events, stored_names};
pub use ids::*;
pub use inbound::InboundEvent;
pub use log::LogEvent;
pub use person::PersonEvent;
pub use summary::summary;
pub use time::Timestamp;
