//! The contracts of other systems, over HTTP and Socket.IO, one file each, to the letter. A contract translates
//! requests to commands and queries, and events to its own words, and keeps no state of its own.

pub mod conversation_service;
