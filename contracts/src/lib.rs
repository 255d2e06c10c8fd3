//! The HTTP contracts of other systems, one file each, to the letter. A contract translates requests to commands and
//! queries, and keeps no state of its own.

pub mod conversation_service;
