//! The JSON Schemas of every version of every event's data. They are part of the program, which serves them.

/// Every file of `schemas/` by its name without `.json`, with which `dataschema` ends. `build.rs` lists them.
const SCHEMAS: &[(&str, &str)] = include!(concat!(env!("OUT_DIR"), "/schemas.rs"));

/// The schema of an event version, for example `MessageReceived.v1`, as a JSON text.
pub fn find(name: &str) -> Option<&'static str> {
    SCHEMAS.iter().find(|(known, _)| *known == name).map(|(_, schema)| *schema)
}

/// The names of all schemas.
pub fn names() -> impl Iterator<Item = &'static str> {
    SCHEMAS.iter().map(|(name, _)| *name)
}
