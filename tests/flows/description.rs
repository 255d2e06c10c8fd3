//! The descriptions of the API (OpenAPI) and of the pushes (AsyncAPI), and the words of errors.

use crate::program::{Program, read};
use crate::socket_client::{has_node, script};
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};

#[tokio::test(flavor = "multi_thread")]
async fn the_description_has_names_that_people_gave_and_every_status() {
    let folder = tempfile::tempdir().unwrap();
    let contracts = ["--conversation-service-accounts", "*"];
    let program = Program::serve_with(&folder.path().join("data"), &contracts).await;
    let (status, api) = read(program.get("/openapi.json").send().await.unwrap()).await;
    assert_eq!(status, StatusCode::OK);
    for name in api["components"]["schemas"].as_object().unwrap().keys() {
        assert!(
            !name.ends_with(|last: char| last.is_ascii_digit()),
            "{name} was numbered: two types have one name"
        );
    }
    for (path, item) in api["paths"].as_object().unwrap() {
        for (method, operation) in item.as_object().unwrap() {
            let responses = operation["responses"].as_object().unwrap();
            let has = |status: &str| responses.contains_key(status);
            assert!(responses.keys().any(|status| status.starts_with('2')), "{method} {path}: no success");
            assert!(has("500") && has("503"), "{method} {path}");
            assert!(has("404") || !path.contains('{'), "{method} {path}");
            if method != "get" && !path.starts_with("/v1/webhooks") {
                assert!(["401", "403", "409", "422", "429"].into_iter().all(has), "{method} {path}");
            }
            for (status, response) in responses.iter().filter(|(status, _)| status.starts_with(['4', '5'])) {
                let schema = &response["content"]["application/problem+json"]["schema"]["$ref"];
                assert_eq!(schema, "#/components/schemas/Problem", "{method} {path} {status}");
            }
        }
    }
    let webhook = &api["paths"]["/v1/webhooks/{channel_type}/{channel_id}"]["post"];
    let body = &webhook["requestBody"]["content"]["application/json"]["schema"];
    assert_eq!(body["$ref"], "#/components/schemas/WebhookBody", "{webhook:#}");
    assert!(api["components"]["schemas"]["ApiChannelMessage"]["properties"]["from"].is_object());
}

/// The errors that AsyncAPI's own schema finds in a description: none when it is valid.
fn errors_in(description: &Value) -> String {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("asyncapi.json");
    std::fs::write(&file, description.to_string()).unwrap();
    let check = std::process::Command::new("node").arg(script("check_description.js")).arg(file).output();
    let check = check.unwrap();
    let errors = String::from_utf8(check.stderr).unwrap();
    assert_eq!(check.status.success(), errors.is_empty(), "{errors}");
    errors
}

#[tokio::test(flavor = "multi_thread")]
async fn the_description_of_the_pushes_is_valid() {
    if !has_node() {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let options =
        ["--public-url", "https://support.example/verbatim/", "--conversation-service-accounts", "*"];
    let program = Program::serve_with(&folder.path().join("data"), &options).await;
    let (status, mut description) = read(program.get("/asyncapi.json").send().await.unwrap()).await;
    assert_eq!(status, StatusCode::OK);
    let server = &description["servers"]["verbatim"];
    assert_eq!(
        (&server["host"], &server["pathname"]),
        (&json!("support.example"), &json!("/verbatim/socket.io/"))
    );
    assert_eq!(errors_in(&description), "");

    description["operations"]["agents.conversation.join"]["action"] = json!("shout");
    assert!(errors_in(&description).contains("/operations/agents.conversation.join"));
    description["operations"]["agents.conversation.join"]["action"] = json!("receive");
    description["components"]["schemas"].as_object_mut().unwrap().clear();
    assert!(errors_in(&description).contains("leads nowhere"));
}

/// Words of Rust and its libraries.
const RUST: [&str; 12] = [
    "parsing failed",
    "invalid type",
    "invalid value",
    "unknown variant",
    "unknown field",
    "missing field",
    "u32",
    "u64",
    "i32",
    "struct ",
    "enum ",
    "invalid digit",
];

#[tokio::test(flavor = "multi_thread")]
async fn errors_are_in_plain_words() {
    let folder = tempfile::tempdir().unwrap();
    let program = Program::serve(&folder.path().join("data")).await;
    let admin = program.account().admin;
    let id = crate::program::fresh_id();
    let requests: [(Method, String, Value); 14] = [
        (Method::GET, "/v1/conversations/seven".to_owned(), Value::Null),
        (Method::GET, format!("/v1/conversations/{id}/messages/x"), Value::Null),
        (Method::GET, "/v1/conversations?limit=many".to_owned(), Value::Null),
        (Method::GET, "/v1/conversations?status=opened".to_owned(), Value::Null),
        (Method::GET, "/v1/conversations?team_id=7".to_owned(), Value::Null),
        (Method::GET, "/v1/conversations?updated_since=yesterday".to_owned(), Value::Null),
        (Method::GET, "/v1/conversations?priority=highest".to_owned(), Value::Null),
        (Method::GET, "/v1/conversations?colour=red".to_owned(), Value::Null),
        (Method::POST, "/v1/teams".to_owned(), json!({ "name": 7 })),
        (Method::POST, "/v1/teams".to_owned(), json!({ "name": "A", "member_ids": ["x"] })),
        (Method::POST, "/v1/teams".to_owned(), json!({ "name": "A", "colour": 1 })),
        (Method::POST, "/v1/queues".to_owned(), json!({ "name": "A", "strategy": "best" })),
        (Method::PATCH, format!("/v1/conversations/{id}"), json!({ "snoozed_until": "tomorrow" })),
        (Method::PATCH, format!("/v1/conversations/{id}"), json!({ "priority": 3 })),
    ];
    for (method, path, body) in requests {
        let request = admin.request(method.clone(), &path);
        let request = if body.is_null() { request } else { request.json(&body) };
        let (status, problem) = read(request.send().await.unwrap()).await;
        assert!(status.is_client_error(), "{method} {path}: {status} {problem}");
        let detail = problem["detail"].as_str().unwrap();
        let rust = RUST.iter().find(|words| detail.contains(**words));
        assert!(rust.is_none() && detail.ends_with('.'), "{method} {path} {body}: {detail}");
        assert!(problem["field"].is_string(), "{method} {path} {body}: {problem}");
    }
}
