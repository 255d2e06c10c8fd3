//! The parts of the description that follow from its other parts: the statuses of every operation, and defaults.

use aide::openapi::OpenApi;
use serde_json::{Map, Value, json};

/// The description as JSON, with every status that an operation can answer, and only valid defaults.
pub(crate) fn completed(api: &OpenApi) -> Value {
    let mut document = serde_json::to_value(api).unwrap_or_default();
    remove_invalid_defaults(&mut document);
    let paths = document.get_mut("paths").and_then(Value::as_object_mut);
    for (path, item) in paths.into_iter().flatten() {
        for (method, operation) in item.as_object_mut().into_iter().flatten() {
            if let Some(operation) = operation.as_object_mut() {
                complete_responses(path, method, operation);
                crate::position::complete(operation);
            }
        }
    }
    document
}

/// The type of a field decides its default, but a parameter that is read from text has another type: a list of words
/// separated by commas is a text.
fn remove_invalid_defaults(value: &mut Value) {
    match value {
        Value::Object(members) => {
            if let (Some(kind), Some(default)) = (members.get("type"), members.get("default"))
                && !has_type(default, kind)
            {
                members.remove("default");
            }
            members.values_mut().for_each(remove_invalid_defaults);
        }
        Value::Array(elements) => elements.iter_mut().for_each(remove_invalid_defaults),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
}

fn has_type(value: &Value, kind: &Value) -> bool {
    let is = |name: &str| match value {
        Value::Null => name == "null",
        Value::Bool(_) => name == "boolean",
        Value::Number(number) => name == "number" || (name == "integer" && !number.is_f64()),
        Value::String(_) => name == "string",
        Value::Array(_) => name == "array",
        Value::Object(_) => name == "object",
    };
    match kind {
        Value::String(name) => is(name),
        Value::Array(names) => names.iter().filter_map(Value::as_str).any(is),
        // A field called `type`, not the type of a schema.
        _other => true,
    }
}

fn complete_responses(path: &str, method: &str, operation: &mut Map<String, Value>) {
    let is_command = matches!(method, "post" | "put" | "patch" | "delete");
    let is_webhook = path.starts_with("/v1/webhooks/");
    let has_body = operation.contains_key("requestBody");
    let parameters = operation.get("parameters").and_then(Value::as_array);
    let has_parameters = parameters.is_some_and(|all| !all.is_empty());
    let has_header = |name| parameters.is_some_and(|all| all.iter().any(|one| one["name"] == name));
    let is_conditional = has_header("If-Match");
    let needs_token = operation.contains_key("security");
    let possible = [
        ("400", has_body || has_parameters, "The request cannot be read. `field` names the part."),
        ("401", needs_token || is_webhook, "The request has no valid token or signature."),
        ("403", needs_token || is_webhook, "The caller lacks the permission."),
        ("404", is_command || path.contains('{'), "The account has nothing with this id."),
        ("409", is_command && !is_webhook, "Another request was first, or the name is in use."),
        ("412", is_conditional, "`If-Match` names a version that is not the current one."),
        ("413", has_body, "The body is larger than this server accepts."),
        ("415", has_body && !is_webhook, "The body is not JSON."),
        (
            "422",
            is_command,
            "The request can be read, and it asks for something impossible. `field` names the part.",
        ),
        ("429", needs_token || is_webhook, "Too many requests."),
        ("500", true, "An error of the server."),
        ("503", true, "The server cannot handle the request at the moment."),
    ];
    let responses = operation.entry("responses").or_insert_with(|| json!({}));
    let Some(responses) = responses.as_object_mut() else { return };
    for (status, is_possible, description) in possible {
        if !is_possible {
            continue;
        }
        let response = responses.entry(status).or_insert_with(|| problem(description));
        if matches!(status, "429" | "503") {
            response["headers"] = json!({ "Retry-After": {
                "description": "The number of seconds to wait.",
                "schema": { "type": "integer", "minimum": 1 },
            }});
        }
    }
    responses.sort_keys();
}

fn problem(description: &str) -> Value {
    json!({
        "description": description,
        "content": { "application/problem+json": { "schema": { "$ref": "#/components/schemas/Problem" } } },
    })
}
