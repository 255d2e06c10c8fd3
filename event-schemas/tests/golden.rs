//! Stored events stay readable: there are a sample and a JSON Schema of every version of every event's data.
//!
//! When the shape of an event changes, the event needs a new version and a step in `upcast.rs`; the files of
//! the version before stay. A word that is added to an enum does not change the shape: stored events are read
//! as before. `VERBATIM_WRITE_SCHEMAS=1` writes missing schemas, and schemas in which only descriptions
//! changed or words were added, but never another shape.

#![allow(clippy::unwrap_used)]

use event_schemas::upcast::name_of_version;
use event_schemas::{
    AccountEvent, AgentEvent, ApiKeyEvent, BulkEvent, CatalogueEvent, ContactEvent, ConversationEvent,
    DecodeError, Event, Events, InboundEvent, LogEvent, PersonEvent, schemas,
};
use serde_json::{Map, Value, json};
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
        family::<LogEvent>(LogEvent::schemas()),
        family::<AccountEvent>(AccountEvent::schemas()),
        family::<PersonEvent>(PersonEvent::schemas()),
        family::<ApiKeyEvent>(ApiKeyEvent::schemas()),
        family::<BulkEvent>(BulkEvent::schemas()),
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

/// The shape of a schema: without descriptions, and with all words of an enum in one list.
fn shape(mut schema: Value) -> Value {
    match &mut schema {
        Value::Object(parts) => {
            parts.retain(|name, part| name != "description" || !part.is_string());
            parts.values_mut().for_each(|part| *part = shape(part.take()));
            if let Some(words) = parts.get("oneOf").and_then(words) {
                parts.remove("oneOf");
                parts.insert("type".to_owned(), "string".into());
                parts.insert("enum".to_owned(), words);
            }
        }
        Value::Array(parts) => parts.iter_mut().for_each(|part| *part = shape(part.take())),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
    schema
}

/// The words of a `oneOf` of constants. `None` when a choice is not a constant.
fn words(choices: &Value) -> Option<Value> {
    let mut words = Vec::new();
    for choice in choices.as_array()? {
        match (choice["type"].as_str()?, choice.get("const"), choice.get("enum")) {
            ("string", Some(word), None) => words.push(word.clone()),
            ("string", None, Some(several)) => words.extend(several.as_array()?.iter().cloned()),
            _ => return None,
        }
    }
    Some(Value::Array(words))
}

/// Whether data of the stored shape is of today's shape too: they are equal, except that today an enum of words may
/// have more of them, and an object more properties that are not required.
fn is_compatible(stored: &Value, today: &Value) -> bool {
    match (stored, today) {
        (Value::Object(stored), Value::Object(today)) => {
            let is_kept = stored.iter().all(|(name, part)| match (part, today.get(name)) {
                (Value::Array(stored), Some(Value::Array(today))) if name == "enum" => {
                    stored.iter().all(|word| today.contains(word))
                }
                (Value::Object(stored), Some(Value::Object(today)))
                    if name == "properties" || name == "$defs" =>
                {
                    has_all(stored, today)
                }
                (part, Some(today)) => is_compatible(part, today),
                (_, None) => false,
            });
            is_kept && today.keys().all(|name| name == "$defs" || stored.contains_key(name))
        }
        (Value::Array(stored), Value::Array(today)) => {
            stored.len() == today.len()
                && stored.iter().zip(today).all(|(stored, today)| is_compatible(stored, today))
        }
        (stored, today) => stored == today,
    }
}

/// Whether each of these parts is there today and compatible. Today there may be more of them.
fn has_all(stored: &Map<String, Value>, today: &Map<String, Value>) -> bool {
    stored.iter().all(|(name, part)| today.get(name).is_some_and(|today| is_compatible(part, today)))
}

/// Today's schemas that use this enum, each without and with an added word in it.
fn with_another_word(name: &str) -> Vec<(Value, Value)> {
    let pairs = language().into_iter().filter_map(|event| {
        let today = event.schema;
        let mut more = today.clone();
        more.pointer_mut(&format!("/$defs/{name}/enum"))?.as_array_mut()?.push("carrier_pigeon".into());
        Some((shape(today), shape(more)))
    });
    pairs.collect()
}

#[test]
fn an_added_word_of_an_enum_does_not_change_the_shape() {
    let schemas = with_another_word("ChannelType");
    assert!(schemas.len() > 3, "{}", schemas.len());
    for (today, more) in schemas {
        assert_ne!(today, more);
        assert!(is_compatible(&today, &more), "{more:#}");
    }
}

#[test]
fn a_removed_or_renamed_word_of_an_enum_changes_the_shape() {
    for (today, more) in with_another_word("ChannelType") {
        assert!(!is_compatible(&more, &today), "{today:#}");
        let renamed = more.to_string().replace("\"carrier_pigeon\"", "\"homing_pigeon\"");
        assert!(!is_compatible(&more, &serde_json::from_str(&renamed).unwrap()), "{renamed}");
    }
}

#[test]
fn an_added_property_changes_the_shape_only_when_it_is_required() {
    let object = |properties: Value, required: Value| {
        shape(json!({"type": "object", "properties": properties, "required": required}))
    };
    let stored = object(json!({"id": {"type": "string"}}), json!(["id"]));
    let two = json!({"id": {"type": "string"}, "note": {"type": "string"}});
    assert!(is_compatible(&stored, &object(two.clone(), json!(["id"]))));
    assert!(!is_compatible(&stored, &object(two.clone(), json!(["id", "note"]))));
    assert!(!is_compatible(&object(two, json!(["id"])), &stored), "a property is gone");
    assert!(!is_compatible(&stored, &object(json!({"id": {"type": "integer"}}), json!(["id"]))));
}

#[test]
fn the_description_of_a_word_does_not_change_the_shape() {
    let plain = json!({"type": "string", "enum": ["away", "back"]});
    let described = json!({"oneOf": [
        {"type": "string", "enum": ["away"]},
        {"type": "string", "const": "back", "description": "The agent is there again."},
    ]});
    let (plain, described) = (shape(plain), shape(described));
    assert!(is_compatible(&plain, &described) && is_compatible(&described, &plain), "{described:#}");
    let objects = json!({"oneOf": [{"type": "object"}]});
    assert!(!is_compatible(
        &shape(objects),
        &shape(json!({"oneOf": [{"type": "object"}, {"type": "null"}]}))
    ));
}

#[test]
fn a_stored_shape_changes_only_with_its_version() {
    let write = std::env::var_os("VERBATIM_WRITE_SCHEMAS").is_some_and(|value| value == "1");
    for event in language() {
        let (file, path) = (event.file(), path("schemas", &event.file()));
        let stored = fs::read_to_string(&path).unwrap_or_default();
        let stored: Value = serde_json::from_str(&stored).unwrap_or_default();
        assert!(
            stored.is_null() || is_compatible(&shape(stored.clone()), &shape(event.schema.clone())),
            "the stored shape of {file} changed: give it a new version and a step in upcast.rs"
        );
        if stored == event.schema {
            continue;
        }
        assert!(write, "schemas/{file}.json is missing or has other descriptions: VERBATIM_WRITE_SCHEMAS=1");
        fs::write(path, format!("{:#}\n", event.schema)).unwrap();
    }
}

#[test]
fn a_sample_is_the_same_after_decoding_and_encoding() {
    for event in language() {
        let sample = sample(&event.file());
        let back = (event.reread)(event.name, event.version, &sample.to_string())
            .unwrap_or_else(|error| panic!("{}: {error}: {sample}", event.file()));
        assert_eq!(serde_json::from_str::<Value>(&back).unwrap(), sample, "{}", event.file());
    }
}

#[test]
fn a_sample_of_an_older_version_is_readable() {
    for event in language() {
        for version in 1..event.version {
            let name = name_of_version(event.name, version);
            let file = format!("{name}.v{version}");
            let read = (event.reread)(name, version, &sample(&file).to_string());
            assert!(read.is_ok(), "{file}: {read:?}");
        }
    }
}

/// Compares a schema with a sample, and collects the fields that the sample does not have.
fn missing_fields(schema: &Value, root: &Value, sample: &Value, at: &str, found: &mut Vec<String>) {
    if let Some(reference) = schema["$ref"].as_str() {
        missing_fields(root.pointer(&reference[1..]).unwrap(), root, sample, at, found);
    }
    for choice in schema["anyOf"].as_array().into_iter().flatten().filter(|choice| choice["type"] != "null") {
        missing_fields(choice, root, sample, at, found);
    }
    for (name, property) in schema["properties"].as_object().into_iter().flatten() {
        let at = format!("{at}/{name}");
        match sample.get(name) {
            Some(part) => missing_fields(property, root, part, &at, found),
            None => found.push(at),
        }
    }
    if schema["items"].is_object() {
        match sample.as_array().map(Vec::as_slice) {
            Some([]) | None => found.push(format!("{at}/0")),
            Some(parts) => {
                parts.iter().for_each(|part| missing_fields(&schema["items"], root, part, at, found))
            }
        }
    }
}

#[test]
fn a_sample_fills_in_every_field() {
    for event in language() {
        let mut found = Vec::new();
        missing_fields(&event.schema, &event.schema, &sample(&event.file()), "", &mut found);
        assert!(found.is_empty(), "samples/{}.json lacks {found:?}", event.file());
    }
}

#[test]
fn every_version_of_every_type_has_its_files_and_no_file_is_without_a_type() {
    let expected: BTreeSet<String> = Event::types()
        .flat_map(|(name, latest)| {
            (1..=latest).map(move |version| format!("{}.v{version}", name_of_version(name, version)))
        })
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
        let stored = fs::read_to_string(path("schemas", name)).unwrap();
        assert_eq!(schemas::find(name), Some(&*stored));
    }
    assert_eq!(schemas::find("MessageReceived"), None);
    assert_eq!(schemas::find("../Cargo"), None);
}
