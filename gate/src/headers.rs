//! Extractors for the request headers `Verbatim-After`, `If-Match` and `Idempotency-Key`.

use crate::problem::Problem;
use aide::OperationInput;
use aide::generate::GenContext;
use aide::openapi::{
    HeaderStyle, Operation, Parameter, ParameterData, ParameterSchemaOrContent, SchemaObject,
};
use axum::extract::FromRequestParts;
use axum::http::request::Parts;
use event_schemas::{Position, RequestHash, Version};
use schemars::json_schema;
use serde_json::Value;
use sha2::{Digest, Sha256};
use std::sync::{Arc, OnceLock};

/// `Verbatim-After: <position>`: the response includes every event up to this position.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct After(pub Option<Position>);

/// `If-Match: "<version>"`: the command succeeds only while the resource has this version. `*` requires only
/// that the resource exists, which every command requires, so it reads as `None`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct IfMatch(pub Option<Version>);

/// `Idempotency-Key`: a command that is sent again with the same key takes effect once.
#[derive(Clone, Debug)]
pub struct IdempotencyKey(pub Option<KeyedRequest>);

/// A key, and the request that it belongs to.
#[derive(Clone, Debug)]
pub struct KeyedRequest {
    pub key: String,
    method_and_path: String,
    body: BodyDigest,
}

impl KeyedRequest {
    /// Identifies the request by its method, its path and its body. The body must have been read, if the
    /// route reads one.
    pub fn hash(&self) -> RequestHash {
        let mut hash = Sha256::new();
        hash.update(&self.method_and_path);
        hash.update(self.body.0.get().map_or(&[][..], |digest| digest));
        RequestHash(hash.finalize().iter().take(16).map(|byte| format!("{byte:02x}")).collect())
    }
}

/// The hash of the request's body, once it was read. JSON is hashed without its spaces and the order of its
/// members, which mean nothing.
#[derive(Clone, Debug, Default)]
pub(crate) struct BodyDigest(Arc<OnceLock<[u8; 32]>>);

impl BodyDigest {
    pub(crate) fn set(&self, body: &[u8]) {
        let mut hash = Sha256::new();
        match serde_json::from_slice::<Value>(body) {
            Ok(mut json) => {
                json.sort_all_objects();
                hash.update(json.to_string());
            }
            Err(_) => hash.update(body),
        }
        self.0.get_or_init(|| hash.finalize().into());
    }
}

fn header_text<'a>(parts: &'a Parts, name: &str) -> Result<Option<&'a str>, Problem> {
    match parts.headers.get(name).map(|value| value.to_str()) {
        None => Ok(None),
        Some(Ok(text)) => Ok(Some(text.trim())),
        Some(Err(_)) => Err(Problem::unreadable(format!("`{name}` is not plain text.")).field(name)),
    }
}

impl<S: Send + Sync> FromRequestParts<S> for After {
    type Rejection = Problem;
    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Problem> {
        const NAME: &str = "Verbatim-After";
        let position = header_text(parts, NAME)?.map(str::parse).transpose();
        position.map(Self).map_err(|_| {
            Problem::unreadable(format!("`{NAME}` must be a `position` from the response to a command."))
                .field(NAME)
        })
    }
}

impl<S: Send + Sync> FromRequestParts<S> for IfMatch {
    type Rejection = Problem;
    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Problem> {
        const NAME: &str = "If-Match";
        let Some(tag) = header_text(parts, NAME)? else { return Ok(Self(None)) };
        if tag == "*" {
            return Ok(Self(None));
        }
        let version = tag.strip_prefix('"').and_then(|tag| tag.strip_suffix('"'));
        // `parse` alone would accept "+3".
        let version = version.filter(|digits| digits.bytes().all(|byte| byte.is_ascii_digit()));
        match version.and_then(|digits| digits.parse().ok()) {
            Some(version) => Ok(Self(Some(Version(version)))),
            None => Err(Problem::unreadable(format!(
                "`{NAME}` must be one `ETag` as the server sent it: a version in double quotes."
            ))
            .field(NAME)),
        }
    }
}

impl<S: Send + Sync> FromRequestParts<S> for IdempotencyKey {
    type Rejection = Problem;
    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Problem> {
        const NAME: &str = "Idempotency-Key";
        let Some(key) = header_text(parts, NAME)?.map(str::to_owned) else { return Ok(Self(None)) };
        if !(1..=255).contains(&key.len()) || !key.bytes().all(|byte| byte.is_ascii_graphic()) {
            return Err(Problem::unreadable(format!("`{NAME}` must be 1 to 255 visible ASCII characters."))
                .field(NAME));
        }
        let body = BodyDigest::default();
        parts.extensions.insert(body.clone());
        let path = parts.uri.path_and_query().map_or("/", |path| path.as_str());
        Ok(Self(Some(KeyedRequest { key, method_and_path: format!("{} {path}\n", parts.method), body })))
    }
}

impl OperationInput for After {
    fn operation_input(_: &mut GenContext, operation: &mut Operation) {
        describe_header(
            operation,
            "Verbatim-After",
            "A `position` from the response to a command. The server waits until the response can include it.",
            json_schema!({ "type": "string", "pattern": "^[0-9]{1,19}(\\.[0-9]{1,19})?$" }),
        );
    }
}

impl OperationInput for IfMatch {
    fn operation_input(_: &mut GenContext, operation: &mut Operation) {
        describe_header(
            operation,
            "If-Match",
            "The `ETag` of the version that the change applies to. If the resource has another version, the change is refused.",
            json_schema!({ "type": "string", "pattern": "^\"[0-9]{1,19}\"$" }),
        );
    }
}

impl OperationInput for IdempotencyKey {
    fn operation_input(_: &mut GenContext, operation: &mut Operation) {
        describe_header(
            operation,
            "Idempotency-Key",
            "A key that the client chooses for one request: its method, path and body. When the request is sent again with the same key it takes effect once and gets the first answer. Another request with the same key is refused.",
            json_schema!({ "type": "string", "pattern": "^[!-~]{1,255}$" }),
        );
    }
}

/// Adds an optional header to an operation's description.
pub fn describe_header(operation: &mut Operation, name: &str, description: &str, schema: schemars::Schema) {
    let known = operation.parameters.iter().filter_map(|parameter| parameter.as_item());
    if known.into_iter().any(|parameter| parameter.parameter_data_ref().name == name) {
        return;
    }
    let parameter = Parameter::Header {
        parameter_data: ParameterData {
            name: name.to_owned(),
            description: Some(description.to_owned()),
            required: false,
            deprecated: None,
            format: ParameterSchemaOrContent::Schema(SchemaObject {
                json_schema: schema,
                example: None,
                external_docs: None,
            }),
            example: None,
            examples: Default::default(),
            explode: None,
            extensions: Default::default(),
        },
        style: HeaderStyle::Simple,
    };
    operation.parameters.push(aide::openapi::ReferenceOr::Item(parameter));
}
