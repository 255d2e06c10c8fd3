//! Every field of a catalogue item that names another item is declared as a reference.

#![allow(clippy::unwrap_used)]

use event_schemas::{CatalogueEvent, Events};
use serde_json::Value;
use std::collections::BTreeSet;
use std::fs;

/// The fields with ids that are not of catalogue items.
const OF_NO_ITEM: [&str; 5] = ["account_id", "agent_id", "lead_id", "member_ids", "phone_number_id"];

/// The ids in fields that are named like one.
fn named_ids(value: &Value, found: &mut BTreeSet<String>) {
    match value {
        Value::Object(members) => {
            for (name, value) in members {
                let names_an_id = name.ends_with("_id") || name.ends_with("_ids");
                match value {
                    Value::String(id) if names_an_id && !OF_NO_ITEM.contains(&&**name) => {
                        found.insert(id.clone());
                    }
                    Value::Array(ids) if names_an_id && !OF_NO_ITEM.contains(&&**name) => {
                        found.extend(ids.iter().filter_map(Value::as_str).map(str::to_owned));
                    }
                    other => named_ids(other, found),
                }
            }
        }
        Value::Array(items) => items.iter().for_each(|item| named_ids(item, found)),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
}

#[test]
fn every_id_of_another_item_in_a_sample_is_a_reference() {
    let mut kinds = BTreeSet::new();
    for file in fs::read_dir(concat!(env!("CARGO_MANIFEST_DIR"), "/samples")).unwrap() {
        let file = file.unwrap();
        let name = file.file_name().into_string().unwrap();
        let Some((event_type, version)) = name.strip_suffix(".json").and_then(|name| name.split_once(".v"))
        else {
            continue;
        };
        let data = fs::read_to_string(file.path()).unwrap();
        let Ok(event) = CatalogueEvent::decode(event_type, version.parse().unwrap(), &data) else { continue };
        let Some(item) = event.item() else { continue };
        let references = item.all_references();
        let declared: BTreeSet<_> = references.iter().map(|reference| reference.id.to_string()).collect();
        let mut named = BTreeSet::new();
        named_ids(&serde_json::from_str(&data).unwrap(), &mut named);
        assert_eq!(declared, named, "{event_type}");
        kinds.extend(references.into_iter().map(|reference| reference.kind));
    }
    assert_eq!(kinds.len(), 4, "{kinds:?}");
}
