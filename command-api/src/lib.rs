//! The write side over HTTP: the routes of the commands, and the problem details of what is refused.

pub mod credentials;
pub mod http;
pub mod problem;
