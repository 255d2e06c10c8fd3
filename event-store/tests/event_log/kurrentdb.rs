//! The KurrentDB engine, through the vendor's client.

mod conformance;
mod faults;
mod model;
mod open;
