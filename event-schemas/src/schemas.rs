//! The JSON Schema of every version of every event's data, inside the program so that it can be served.

/// By the name that `dataschema` ends with, less `.json`: every file of `schemas/`, as `build.rs` finds them.
const SCHEMAS: &[(&str, &str)] = include!(concat!(env!("OUT_DIR"), "/schemas.rs"));

/// The schema of `MessageReceived.v1`, say, as a JSON text.
pub fn find(name: &str) -> Option<&'static str> {
    SCHEMAS.iter().find(|(known, _)| *known == name).map(|(_, schema)| *schema)
}

/// The names of all schemas there are.
pub fn names() -> impl Iterator<Item = &'static str> {
    SCHEMAS.iter().map(|(name, _)| *name)
}
