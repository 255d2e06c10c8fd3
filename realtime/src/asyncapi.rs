//! The description of the events: AsyncAPI 3.0, made of the types that are sent.

use crate::PATH;
use crate::customers::{CUSTOMERS_EVENTS, CUSTOMERS_REQUESTS};
use crate::events::{
    AGENTS_EVENTS, AGENTS_REQUESTS, CONNECTION_EVENTS, Described, DescribedNamespace, DescribedRequest,
    Sending,
};
use crate::namespace::Namespace;
use gate::Problem;
use schemars::generate::SchemaSettings;
use schemars::{Schema, SchemaGenerator};
use serde_json::{Map, Value, json};

const AGENTS: DescribedNamespace = DescribedNamespace {
    id: "agents",
    address: Namespace::Agents.name(),
    description: "What happens in the agent's account. A client sends `auth: {token, account?, after?}` when it \
                  connects. A client that comes back with the offset of its last event gets all that it missed.",
    events: AGENTS_EVENTS,
    requests: AGENTS_REQUESTS,
};

const CUSTOMERS: DescribedNamespace = DescribedNamespace {
    id: "customers",
    address: Namespace::Customers.name(),
    description: "The customer's own conversations. A client sends `auth: {token, after?}` when it connects; the token is that \
                  of `POST /v1/customer-sessions`. It resumes as agents do.",
    events: CUSTOMERS_EVENTS,
    requests: CUSTOMERS_REQUESTS,
};

/// The description of the service, which clients reach at this URL. `contracts` are the namespaces of other systems'
/// contracts that it serves.
pub fn description(version: &str, url: &str, contracts: &[DescribedNamespace]) -> Value {
    let mut output = generator(SchemaSettings::draft07().for_serialize());
    // Arguments are read and answers are written, and one name is of one schema.
    let mut input = generator(SchemaSettings::draft07().with(|settings| settings.inline_subschemas = true));
    let (mut channels, mut operations, mut messages) = (Map::new(), Map::new(), Map::new());
    messages.insert("problem".to_owned(), refused(&mut output));
    for namespace in [AGENTS, CUSTOMERS].iter().chain(contracts) {
        let mut own = Vec::new();
        for event in namespace.events.iter().chain(CONNECTION_EVENTS) {
            let id = format!("{}.{}", namespace.id, words(event.name));
            operations.insert(id.clone(), sent(namespace, event, &id));
            messages.insert(id.clone(), message_of_event(event, &mut output));
            own.push(id);
        }
        for request in namespace.requests {
            let id = format!("{}.{}", namespace.id, words(request.name));
            let answer = format!("{id}.answer");
            operations.insert(id.clone(), received(namespace, request, &id, &answer));
            let payload = schema(request.argument, &mut input);
            messages.insert(id.clone(), message(request.name, request.description, payload));
            let description = format!("The answer to `{}`.", request.name);
            messages
                .insert(answer.clone(), message(&answer, &description, schema(request.answer, &mut output)));
            own.extend([id, answer]);
        }
        own.push("problem".to_owned());
        let references: Map<String, Value> =
            own.into_iter().map(|id| (id.clone(), reference("/components/messages", &id))).collect();
        channels.insert(
            namespace.id.to_owned(),
            json!({
                "address": namespace.address,
                "description": namespace.description,
                "servers": [reference("/servers", "verbatim")],
                "messages": references,
            }),
        );
    }
    let schemas = output.take_definitions(true);
    json!({
        "asyncapi": "3.0.0",
        "info": {
            "title": "Verbatim pushes",
            "version": version,
            "description": DESCRIPTION,
            "license": { "name": "Apache-2.0" },
        },
        "defaultContentType": "application/json",
        "servers": { "verbatim": server(url) },
        "channels": channels,
        "operations": operations,
        "components": {
            "messages": messages,
            "schemas": schemas,
            "securitySchemes": { "bearer": {
                "type": "http",
                "scheme": "bearer",
                "bearerFormat": "JWT",
                "description": "The token that the API takes, as `token` of the object `auth` with which a client connects.",
            }},
        },
    })
}

const DESCRIPTION: &str = "Events over Socket.IO, protocol 5. A channel is a namespace, a message is an event: its name is the \
    event's, its payload the first argument. Where `x-offset` is not `never`, a last argument follows: the text with which a \
    client goes on after this event. Each operation that the server receives is answered when it was sent with a callback.";

fn generator(settings: SchemaSettings) -> SchemaGenerator {
    settings.with(|settings| settings.definitions_path = "/components/schemas".into()).into_generator()
}

fn server(url: &str) -> Value {
    let (scheme, rest) = url.split_once("://").unwrap_or(("http", url));
    let (host, path) = rest.split_at(rest.find('/').unwrap_or(rest.len()));
    json!({
        "host": host,
        "pathname": format!("{path}{PATH}"),
        "protocol": "socket.io",
        "protocolVersion": "5",
        "description": format!("Over {scheme}, with the transports `websocket` and `polling` of Engine.IO 4."),
        "security": [reference("/components/securitySchemes", "bearer")],
    })
}

fn sent(namespace: &DescribedNamespace, event: &Described, id: &str) -> Value {
    json!({
        "action": "send",
        "channel": reference("/channels", namespace.id),
        "summary": format!("To {}.", event.to),
        "messages": [message_of(namespace, id)],
    })
}

fn received(namespace: &DescribedNamespace, request: &DescribedRequest, id: &str, answer: &str) -> Value {
    json!({
        "action": "receive",
        "channel": reference("/channels", namespace.id),
        "summary": request.description.trim(),
        "messages": [message_of(namespace, id)],
        "reply": {
            "channel": reference("/channels", namespace.id),
            "messages": [message_of(namespace, answer), message_of(namespace, "problem")],
        },
    })
}

fn message_of_event(event: &Described, schemas: &mut SchemaGenerator) -> Value {
    let mut payload = schema(event.object, schemas);
    if matches!(event.sending, Sending::Pushed | Sending::Summary) {
        payload["properties"]["prev"] = json!({
            "type": "string",
            "description": "The offset of the event before this one on the connection.",
        });
        if event.sending == Sending::Pushed
            && let Some(required) = payload["required"].as_array_mut()
        {
            required.push(json!("prev"));
        }
    }
    let mut message = message(event.name, event.description, payload);
    message["x-offset"] = match event.sending {
        Sending::Pushed | Sending::Unchained | Sending::Placed => json!("always"),
        Sending::Summary => json!("unless the client was away"),
        Sending::Once => json!("never"),
    };
    message
}

fn refused(schemas: &mut SchemaGenerator) -> Value {
    let problem = Problem::schema(schemas);
    let payload = json!({ "type": "object", "properties": { "error": problem }, "required": ["error"] });
    message("problem", "The answer to an event that is refused: a problem document (RFC 9457).", payload)
}

fn message(name: &str, description: &str, payload: Value) -> Value {
    json!({ "name": name, "summary": description.trim(), "payload": payload })
}

/// The schema of an object, in place.
fn schema(of: fn(&mut SchemaGenerator) -> Schema, schemas: &mut SchemaGenerator) -> Value {
    let mut schema = of(schemas);
    for transform in schemas.transforms_mut() {
        transform.transform(&mut schema);
    }
    schema.to_value()
}

fn reference(path: &str, id: &str) -> Value {
    json!({ "$ref": format!("#{path}/{id}") })
}

fn message_of(namespace: &DescribedNamespace, id: &str) -> Value {
    reference(&format!("/channels/{}/messages", namespace.id), id)
}

/// The name of an event as a key: `conversation:typing:start` is `conversation.typing.start`.
fn words(name: &str) -> String {
    name.replace(':', ".")
}
