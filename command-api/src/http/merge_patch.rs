//! The bodies of requests about catalogue items: a spec, and a merge patch of one (RFC 7396).

use super::catalogue::ItemRoutes;
use event_schemas::catalogue::Shape;
use event_schemas::message::UnknownWord;
use gate::{Problem, not_null, parse_value};
use schemars::{JsonSchema, Schema, SchemaGenerator};
use serde::de::{Error, MapAccess, Visitor};
use serde::{Deserialize, Deserializer, Serialize};
use serde_json::{Map, Value, json};
use std::borrow::Cow;
use std::fmt;
use std::marker::PhantomData;
use std::str::FromStr;

/// The members of a JSON object without duplicates.
#[derive(Clone, Debug, Default)]
pub(super) struct Members(Map<String, Value>);

impl Members {
    pub(super) fn of(spec: &impl Serialize) -> Self {
        match serde_json::to_value(spec) {
            Ok(Value::Object(members)) => Self(members),
            Ok(_) | Err(_) => unreachable!("a spec is a JSON object"),
        }
    }

    pub(super) fn contains(&self, member: &str) -> bool {
        self.0.contains_key(member)
    }

    pub(super) fn get(&self, member: &str) -> Option<&Value> {
        self.0.get(member)
    }

    /// Whether the member of this path, such as `targets.normal`, is null.
    fn is_null(&self, path: &str) -> bool {
        let mut parts = path.split('.');
        let first = parts.next().and_then(|name| self.0.get(name));
        parts.fold(first, |value, name| value.and_then(|value| value.get(name))).is_some_and(Value::is_null)
    }

    pub(super) fn take(&mut self, member: &str) -> Option<Value> {
        self.0.remove(member)
    }

    /// Checks that a member, when it is a text, is one of the allowed words.
    pub(super) fn check_word<W: FromStr<Err = UnknownWord>>(&self, member: &str) -> Result<(), Problem> {
        match self.get(member).and_then(Value::as_str).map(str::parse::<W>) {
            Some(Err(unknown)) => Err(Problem::unprocessable(member, format!("{unknown}."))),
            Some(Ok(_)) | None => Ok(()),
        }
    }
}

impl<'de> Deserialize<'de> for Members {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct MembersVisitor;

        impl<'de> Visitor<'de> for MembersVisitor {
            type Value = Members;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Members, A::Error> {
                let mut members = Map::new();
                while let Some(name) = map.next_key::<String>()? {
                    if members.contains_key(&name) {
                        return Err(A::Error::custom(format_args!("duplicate field `{name}`")));
                    }
                    let value = map.next_value()?;
                    members.insert(name, value);
                }
                Ok(Members(members))
            }
        }

        deserializer.deserialize_map(MembersVisitor)
    }
}

/// The spec after a patch. `null` removes a member, so that the default applies.
pub(super) fn merged<T: ItemRoutes>(mut spec: Members, patch: &Members) -> Result<T::Spec, Problem> {
    for (name, value) in &patch.0 {
        let name_in = |list: &[&str]| list.contains(&name.as_str());
        if value.is_null() && !name_in(T::NULL_IS_A_VALUE) {
            spec.0.remove(name);
        } else if name_in(T::REPLACED_WHOLE) {
            spec.0.insert(name.clone(), value.clone());
        } else {
            merge(spec.0.entry(name.clone()).or_insert(Value::Null), value);
        }
    }
    for member in T::TRIMMED {
        if let Some(Value::String(text)) = spec.0.get_mut(*member) {
            *text = text.trim().to_owned();
        }
    }
    T::check_members(&spec)?;
    parse_value(Value::Object(spec.0)).map_err(|problem: Problem| match problem.field_name() {
        Some(field) if patch.is_null(field) => not_null(field),
        Some(_) | None => problem,
    })
}

/// `MergePatch` of RFC 7396, section 2.
fn merge(target: &mut Value, patch: &Value) {
    let Value::Object(patch) = patch else {
        target.clone_from(patch);
        return;
    };
    if !target.is_object() {
        *target = Value::Object(Map::new());
    }
    let Some(target) = target.as_object_mut() else { return };
    for (name, value) in patch {
        if value.is_null() {
            target.remove(name);
        } else {
            merge(target.entry(name.clone()).or_insert(Value::Null), value);
        }
    }
}

/// The body of a `POST`: a new item.
pub(super) struct SpecBody<T> {
    pub(super) members: Members,
    of: PhantomData<fn() -> T>,
}

/// The body of a `PATCH`: the changes of an item.
pub(super) struct PatchBody<T> {
    pub(super) members: Members,
    of: PhantomData<fn() -> T>,
}

impl<'de, T> Deserialize<'de> for SpecBody<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Members::deserialize(deserializer).map(|members| Self { members, of: PhantomData })
    }
}

impl<'de, T> Deserialize<'de> for PatchBody<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Members::deserialize(deserializer).map(|members| Self { members, of: PhantomData })
    }
}

impl<T: ItemRoutes> PatchBody<T> {
    /// Checks that a patch can change all members.
    pub(super) fn check(&self) -> Result<(), Problem> {
        let changeable = || T::FIELDS.iter().filter(|field| !T::FIXED.contains(field));
        match self.members.0.keys().find(|name| !changeable().any(|field| field == name)) {
            None => Ok(()),
            Some(unknown) => {
                let expected: Vec<_> = changeable().map(|field| format!("`{field}`")).collect();
                let expected = expected.join(", ");
                let detail = format!("Unknown field `{unknown}`, expected one of {expected}.");
                Err(Problem::unreadable(detail).field(unknown))
            }
        }
    }
}

impl<T: Shape> JsonSchema for SpecBody<T> {
    fn schema_name() -> Cow<'static, str> {
        T::Spec::schema_name()
    }
    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        T::Spec::json_schema(generator)
    }
}

impl<T: ItemRoutes> JsonSchema for PatchBody<T> {
    fn schema_name() -> Cow<'static, str> {
        format!("{}Patch", T::singular()).into()
    }

    /// The schema of the spec, without required members, and with `null` for the default.
    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        let mut schema = T::Spec::json_schema(generator);
        let required = schema.remove("required");
        let required: Vec<&str> =
            required.iter().flat_map(|list| list.as_array()).flatten().filter_map(Value::as_str).collect();
        schema.insert(
            "description".to_owned(),
            "A merge patch (RFC 7396): an absent member stays as it is, and `null` removes a member.".into(),
        );
        let Some(properties) = schema.ensure_object().get_mut("properties").and_then(Value::as_object_mut)
        else {
            return schema;
        };
        properties.retain(|name, _| !T::FIXED.contains(&name.as_str()));
        for (name, property) in properties {
            let Some(members) = property.as_object_mut() else { continue };
            members.remove("default");
            if let Some(values) = members.get_mut("additionalProperties").filter(|values| values.is_object())
                && !T::REPLACED_WHOLE.contains(&name.as_str())
            {
                allow_null(values);
            }
            if !required.contains(&name.as_str()) {
                allow_null(property);
            }
        }
        schema
    }
}

/// Changes a schema so that it allows `null` too.
fn allow_null(schema: &mut Value) {
    let is_null = |kind: &Value| kind == "null";
    let allows = |schema: &Value| {
        schema["type"] == "null" || schema["type"].as_array().is_some_and(|kinds| kinds.iter().any(is_null))
    };
    if allows(schema) || schema["anyOf"].as_array().is_some_and(|choices| choices.iter().any(allows)) {
        return;
    }
    if let Some(Value::String(kind)) = schema.get("type")
        && schema.get("enum").is_none()
    {
        schema["type"] = json!([kind, "null"]);
        return;
    }
    let description = schema.as_object_mut().and_then(|members| members.shift_remove("description"));
    *schema = json!({ "anyOf": [schema.take(), { "type": "null" }] });
    if let Some(description) = description {
        schema["description"] = description;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The examples of RFC 7396, appendix A.
    #[test]
    fn the_examples_of_the_standard_are_merged() {
        for (original, patch, result) in [
            (json!({"a": "b"}), json!({"a": "c"}), json!({"a": "c"})),
            (json!({"a": "b"}), json!({"b": "c"}), json!({"a": "b", "b": "c"})),
            (json!({"a": "b"}), json!({"a": null}), json!({})),
            (json!({"a": "b", "b": "c"}), json!({"a": null}), json!({"b": "c"})),
            (json!({"a": ["b"]}), json!({"a": "c"}), json!({"a": "c"})),
            (json!({"a": "c"}), json!({"a": ["b"]}), json!({"a": ["b"]})),
            (json!({"a": {"b": "c"}}), json!({"a": {"b": "d", "c": null}}), json!({"a": {"b": "d"}})),
            (json!({"a": [{"b": "c"}]}), json!({"a": [1]}), json!({"a": [1]})),
            (json!(["a", "b"]), json!(["c", "d"]), json!(["c", "d"])),
            (json!({"a": "b"}), json!(["c"]), json!(["c"])),
            (json!({"a": "foo"}), json!(null), json!(null)),
            (json!({"a": "foo"}), json!("bar"), json!("bar")),
            (json!({"e": null}), json!({"a": 1}), json!({"e": null, "a": 1})),
            (json!([1, 2]), json!({"a": "b", "c": null}), json!({"a": "b"})),
            (json!({}), json!({"a": {"bb": {"ccc": null}}}), json!({"a": {"bb": {}}})),
        ] {
            let mut merged = original.clone();
            merge(&mut merged, &patch);
            assert_eq!(merged, result, "{original} {patch}");
        }
    }

    #[test]
    fn a_duplicate_member_is_refused() {
        let duplicate = serde_json::from_str::<Members>(r#"{"name": "a", "name": "b"}"#);
        assert!(duplicate.unwrap_err().to_string().starts_with("duplicate field `name`"));
    }
}
