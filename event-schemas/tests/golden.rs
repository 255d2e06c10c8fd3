//! What was written yesterday reads the same today: a sample and a JSON Schema of every version of every
//! event's data.
//!
//! When a shape here stops matching, the event needs a new version and a step in `upcast.rs`; the files of
//! the version before stay. `VERBATIM_WRITE_SCHEMAS=1` writes the schemas that are missing and those in which
//! only words changed, never another shape.

#![allow(clippy::unwrap_used)]

use event_schemas::{
    AgentEvent, CatalogueEvent, ContactEvent, ConversationEvent, DecodeError, Event, Events, InboundEvent,
    schemas,
};
use serde_json::Value;
use std::collections::BTreeSet;
use std::fs;
use std::path::PathBuf;

/// An event type of today.
struct Written {
    name: &'static str,
    version: u16,
    schema: Value,
    /// Decodes and encodes again.
    reread: fn(&str, u16, &str) -> Result<String, DecodeError>,
}

impl Written {
    fn file(&self) -> String {
        format!("{}.v{}", self.name, self.version)
    }
}

fn language() -> Vec<Written> {
    fn family<E: Events>(schemas: Vec<(&'static str, u16, schemars::Schema)>) -> Vec<Written> {
        let reread = |name: &str, version, data: &str| E::decode(name, version, data).map(|e| e.encode());
        let written =
            |(name, version, schema)| Written { name, version, schema: Value::from(schema), reread };
        schemas.into_iter().map(written).collect()
    }
    [
        family::<ConversationEvent>(ConversationEvent::schemas()),
        family::<CatalogueEvent>(CatalogueEvent::schemas()),
        family::<AgentEvent>(AgentEvent::schemas()),
        family::<ContactEvent>(ContactEvent::schemas()),
        family::<InboundEvent>(InboundEvent::schemas()),
    ]
    .into_iter()
    .flatten()
    .collect()
}

fn path(folder: &str, file: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join(folder).join(format!("{file}.json"))
}

fn sample(file: &str) -> Value {
    let text = fs::read_to_string(path("samples", file));
    let text = text.unwrap_or_else(|error| panic!("samples/{file}.json: {error}; write one by hand"));
    serde_json::from_str(&text).unwrap_or_else(|error| panic!("samples/{file}.json: {error}"))
}

/// The shape alone: without what is said about it.
fn shape(mut schema: Value) -> Value {
    match &mut schema {
        Value::Object(parts) => {
            parts.retain(|name, part| name != "description" || !part.is_string());
            parts.values_mut().for_each(|part| *part = shape(part.take()));
        }
        Value::Array(parts) => parts.iter_mut().for_each(|part| *part = shape(part.take())),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
    schema
}

#[test]
fn a_stored_shape_changes_only_with_its_version() {
    let write = std::env::var_os("VERBATIM_WRITE_SCHEMAS").is_some_and(|value| value == "1");
    for event in language() {
        let (file, path) = (event.file(), path("schemas", &event.file()));
        let kept = fs::read_to_string(&path).unwrap_or_default();
        let kept: Value = serde_json::from_str(&kept).unwrap_or_default();
        assert!(
            kept.is_null() || shape(kept.clone()) == shape(event.schema.clone()),
            "the stored shape of {file} changed: give it a new version and a step in upcast.rs"
        );
        if kept == event.schema {
            continue;
        }
        assert!(write, "schemas/{file}.json is missing or words it differently: VERBATIM_WRITE_SCHEMAS=1");
        fs::write(path, format!("{:#}\n", event.schema)).unwrap();
    }
}

#[test]
fn a_sample_reads_and_writes_back_the_same() {
    for event in language() {
        let sample = sample(&event.file());
        let back = (event.reread)(event.name, event.version, &sample.to_string())
            .unwrap_or_else(|error| panic!("{}: {error}: {sample}", event.file()));
        assert_eq!(serde_json::from_str::<Value>(&back).unwrap(), sample, "{}", event.file());
    }
}

#[test]
fn a_sample_of_an_older_version_still_reads() {
    for event in language() {
        for version in 1..event.version {
            let file = format!("{}.v{version}", event.name);
            let read = (event.reread)(event.name, version, &sample(&file).to_string());
            assert!(read.is_ok(), "{file}: {read:?}");
        }
    }
}

/// Goes through schema and sample together, and notes what the schema names and the sample lacks.
fn lacking(schema: &Value, root: &Value, sample: &Value, at: &str, found: &mut Vec<String>) {
    if let Some(reference) = schema["$ref"].as_str() {
        lacking(root.pointer(&reference[1..]).unwrap(), root, sample, at, found);
    }
    for choice in schema["anyOf"].as_array().into_iter().flatten().filter(|choice| choice["type"] != "null") {
        lacking(choice, root, sample, at, found);
    }
    for (name, property) in schema["properties"].as_object().into_iter().flatten() {
        let at = format!("{at}/{name}");
        match sample.get(name) {
            Some(part) => lacking(property, root, part, &at, found),
            None => found.push(at),
        }
    }
    if schema["items"].is_object() {
        match sample.as_array().map(Vec::as_slice) {
            Some([]) | None => found.push(format!("{at}/0")),
            Some(parts) => parts.iter().for_each(|part| lacking(&schema["items"], root, part, at, found)),
        }
    }
}

#[test]
fn a_sample_fills_in_every_field() {
    for event in language() {
        let mut found = Vec::new();
        lacking(&event.schema, &event.schema, &sample(&event.file()), "", &mut found);
        assert!(found.is_empty(), "samples/{}.json lacks {found:?}", event.file());
    }
}

#[test]
fn every_version_of_every_type_has_its_files_and_no_file_is_without_a_type() {
    let expected: BTreeSet<String> = Event::types()
        .flat_map(|(name, latest)| (1..=latest).map(move |version| format!("{name}.v{version}")))
        .collect();
    for folder in ["samples", "schemas"] {
        let files: BTreeSet<String> = fs::read_dir(PathBuf::from(env!("CARGO_MANIFEST_DIR")).join(folder))
            .unwrap()
            .map(|file| file.unwrap().file_name().into_string().unwrap())
            .map(|file| file.strip_suffix(".json").unwrap_or(&file).to_owned())
            .collect();
        assert_eq!(files, expected, "{folder}/");
    }
    assert_eq!(schemas::names().map(str::to_owned).collect::<BTreeSet<_>>(), expected, "schemas.rs");
}

#[test]
fn every_schema_is_found_by_its_name() {
    for name in schemas::names() {
        let kept = fs::read_to_string(path("schemas", name)).unwrap();
        assert_eq!(schemas::find(name), Some(&*kept));
    }
    assert_eq!(schemas::find("MessageReceived"), None);
    assert_eq!(schemas::find("../Cargo"), None);
}
