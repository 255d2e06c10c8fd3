//! The credentials of channels, macros and rules.

mod key_ring;

pub use key_ring::{BadKey, CredentialsKey, KeyRing, OpenError};
