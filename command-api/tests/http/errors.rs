use crate::service::{Service, adam, ana, start, webhook};
use axum::body::Body;
use axum::http::{Method, Request};
use event_store::EventStore;
use serde_json::{Value, json};

#[tokio::test]
async fn an_unavailable_log_is_answered_by_503() {
    let service = start().await;
    let conversation = service.conversation().await;
    let channel = service.whatsapp_channel().await;
    service.store.close().await;
    let answers = [
        service.patch(&ana(), &conversation, json!({ "priority": "low" })).await,
        service.post(&ana(), &format!("{conversation}/messages"), json!({ "content": "Hello" })).await,
        service.post(&adam(), "/v1/teams", json!({ "name": "Billing" })).await,
        service.send(service.whatsapp_text(&channel, "251911000000", "wamid.1", "Hello")).await,
        service.send(webhook(&channel, "unreadable", "app-secret")).await,
    ];
    for answer in answers {
        answer.refuses(503, "unavailable", "");
        assert!(!answer.header("retry-after").is_empty());
    }
}

/// Every operation that the description lists: method and path.
async fn operations(service: &Service) -> Vec<(Method, String, Value)> {
    let request = Request::get("/openapi.json").body(Body::empty()).unwrap();
    let api = service.send(request).await.is(200);
    let mut operations = Vec::new();
    for (path, item) in api["paths"].as_object().unwrap() {
        for (method, operation) in item.as_object().unwrap() {
            let method = Method::from_bytes(method.to_uppercase().as_bytes()).unwrap();
            operations.push((method, path.clone(), operation.clone()));
        }
    }
    operations
}

#[tokio::test]
async fn every_route_is_described_with_an_id_a_summary_and_a_group() {
    let service = start().await;
    let operations = operations(&service).await;
    assert!(operations.len() >= 28, "{}", operations.len());
    let mut ids: Vec<_> = operations.iter().map(|(_, _, op)| op["operationId"].as_str().unwrap()).collect();
    ids.sort_unstable();
    ids.dedup();
    assert_eq!(ids.len(), operations.len());
    for (method, path, operation) in &operations {
        assert!(operation["summary"].is_string() && operation["tags"][0].is_string(), "{method} {path}");
        assert!(operation["responses"]["default"].is_object(), "{method} {path}");
        let groups: Vec<_> = command_api::http::TAGS.iter().map(|(name, _)| *name).collect();
        assert!(groups.contains(&operation["tags"][0].as_str().unwrap()), "{method} {path}");
    }
}

#[tokio::test]
async fn an_invalid_request_is_refused_on_every_route_without_an_internal_error() {
    let service = start().await;
    let conversation = service.conversation().await;
    let id = conversation.rsplit('/').next().unwrap();
    let deep = format!("{}1{}", "[".repeat(200), "]".repeat(200));
    let bodies = [
        "",
        "null",
        "{}",
        "[]",
        "7",
        "\"\"",
        "{\"a\":",
        "{\"name\":\"\\u0000\"}",
        "{\"name\":null}",
        "{\"content\":\"\\ud800\"}",
        "{\"content\":{\"a\":1}}",
        "{\"channel_id\":\"x\"}",
        &deep,
        "{\"labels\":[1e999]}",
        "{\"max_concurrent_conversations\":-1}",
        "\u{0}",
        "{\"status\":\"nowhere\"}",
        "{\"snoozed_until\":\"9999-99-99\"}",
        "{\"snoozed_until\":\"9999-12-31T23:59:59Z\",\"status\":\"pending\"}",
    ];
    for (method, path, _) in operations(&service).await {
        for value in [id, "7", "%00", "%ff", "-", "me"] {
            let path = fill(&path, value);
            for body in bodies {
                let request = Request::builder()
                    .method(method.clone())
                    .uri(&path)
                    .header("authorization", adam().token())
                    .header("content-type", "application/json");
                let answer = service.send(request.body(Body::from(body.to_owned())).unwrap()).await;
                assert!(answer.status < 500, "{method} {path} {body}: {}", answer.text);
                if answer.status >= 400 {
                    assert_eq!(answer.header("content-type"), "application/problem+json", "{method} {path}");
                }
            }
        }
    }
}

fn fill(path: &str, value: &str) -> String {
    let parts = path.split('/').map(|part| match part {
        "{channel_type}" => "whatsapp",
        part if part.starts_with('{') => value,
        part => part,
    });
    parts.collect::<Vec<_>>().join("/")
}

#[tokio::test]
async fn the_descriptions_references_exist_and_parameters_are_unique() {
    let service = start().await;
    let request = Request::get("/openapi.json").body(Body::empty()).unwrap();
    let api = service.send(request).await.is(200);
    let mut references = Vec::new();
    collect(&api, &mut references);
    assert!(references.len() > 50);
    for reference in references {
        let pointer = reference.strip_prefix('#').unwrap();
        assert!(api.pointer(pointer).is_some(), "{reference} leads nowhere");
    }
    for (method, path, operation) in operations(&service).await {
        let parameters = operation["parameters"].as_array().cloned().unwrap_or_default();
        let mut names: Vec<_> =
            parameters.iter().map(|p| (p["in"].to_string(), p["name"].to_string())).collect();
        names.sort();
        names.dedup();
        assert_eq!(names.len(), parameters.len(), "{method} {path}");
    }
}

fn collect(value: &Value, references: &mut Vec<String>) {
    match value {
        Value::Object(members) => members.iter().for_each(|(name, member)| match member {
            Value::String(reference) if name == "$ref" => references.push(reference.clone()),
            other => collect(other, references),
        }),
        Value::Array(items) => items.iter().for_each(|item| collect(item, references)),
        _leaf => {}
    }
}

#[tokio::test]
async fn a_query_parameter_that_no_operation_declares_is_refused_on_every_route() {
    let service = start().await;
    for (method, path, _) in operations(&service).await {
        // Providers choose the parameters of their webhooks.
        if path.starts_with("/v1/webhooks/") {
            continue;
        }
        let path = format!("{}?nonsense=1", fill(&path, "00000000-0000-0000-0000-00000000dead"));
        let answer = service.ask(&adam(), method, &path, &[], json!({})).await;
        answer.refuses(400, "unreadable", "nonsense");
    }
}
