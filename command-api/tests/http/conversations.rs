use crate::service::{UNKNOWN_ID, adam, ana, ben, greta, id, robot, start, sue};
use axum::http::Method;
use serde_json::{Value, json};

#[tokio::test]
async fn an_answer_has_the_created_item_its_version_and_its_position() {
    let service = start().await;
    let channel = service.api_channel().await;
    let body = json!({
        "channel_id": channel, "contact_identifier": " abebe ", "display_name": "Abebe",
        "subject": "Order 7", "priority": "high", "labels": ["billing"],
        "message": { "content": "We found your parcel." },
    });
    let answer = service.post(&ana(), "/v1/conversations", body).await;
    let created = answer.is(201);
    assert_eq!(
        (&created["contact_identifier"], &created["status"], &created["priority"], &created["labels"]),
        (&json!("abebe"), &json!("open"), &json!("high"), &json!(["billing"]))
    );
    assert_eq!(answer.header("etag"), format!("\"{}\"", created["version"]));
    let path = format!("/v1/conversations/{}", id(&created));
    let events = service.events(&path).await;
    let last = events.last().unwrap();
    assert_eq!(
        (created["version"].as_u64(), created["position"].as_str()),
        (Some(last.version.0), Some(&*last.position.to_string()))
    );
    assert_eq!(service.event_types(&path).await, ["ConversationOpened", "LabelsChanged", "MessageSent"]);
    assert_eq!(last.metadata.actor.name.as_deref(), Some("Ana"));
}

#[tokio::test]
async fn a_contact_has_one_open_conversation_on_a_channel_and_another_after_it_is_closed() {
    let service = start().await;
    let channel = service.api_channel().await;
    let body = json!({ "channel_id": channel, "contact_identifier": "abebe" });
    let first = id(&service.post(&ana(), "/v1/conversations", body.clone()).await.is(201));
    let again = service.post(&ben(), "/v1/conversations", body.clone()).await;
    assert_eq!(again.refuses(409, "already-open", "contact_identifier")["conversation_id"], first);

    let closed = service.delete(&ana(), &format!("/v1/conversations/{first}")).await.is(200);
    assert_eq!(closed["status"], "closed");
    let second = id(&service.post(&ana(), "/v1/conversations", body).await.is(201));
    assert_ne!(first, second);
    let reply = json!({ "content": "Are you there?" });
    service.post(&ana(), &format!("/v1/conversations/{first}/messages"), reply).await.refuses(
        409,
        "conversation-closed",
        "",
    );
}

#[tokio::test]
async fn a_conversation_with_an_invalid_part_does_not_begin() {
    let service = start().await;
    let channel = service.whatsapp_channel().await;
    let with = |more: Value| {
        let mut body = json!({ "channel_id": channel, "contact_identifier": "+251 911-000000" });
        body.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        body
    };
    let too_long = "a".repeat(4097);
    for (more, status, kind, field) in [
        (json!({ "message": { "content": "Hello" } }), 422, "outside-reply-window", "template"),
        (json!({ "message": { "content": " " } }), 422, "unprocessable", "content"),
        (
            json!({ "message": { "content": too_long, "template": { "name": "a", "language": "en" } } }),
            422,
            "unprocessable",
            "content",
        ),
        (json!({ "labels": [""] }), 422, "unprocessable", "labels"),
        (json!({ "subject": "s".repeat(501) }), 422, "unprocessable", "subject"),
        (json!({ "contact_identifier": "abebe" }), 422, "unprocessable", "contact_identifier"),
        (json!({ "contact_identifier_id": UNKNOWN_ID }), 422, "unprocessable", "contact_identifier"),
        (json!({ "channel_id": UNKNOWN_ID }), 422, "unprocessable", "channel_id"),
        (json!({ "colour": "blue" }), 400, "unreadable", "colour"),
        (json!({ "priority": "soon" }), 400, "unreadable", "priority"),
    ] {
        service.post(&ana(), "/v1/conversations", with(more)).await.refuses(status, kind, field);
    }
    let template = json!({ "message": { "template": { "name": "parcel_found", "language": "en" } } });
    let created = service.post(&ana(), "/v1/conversations", with(template)).await.is(201);
    assert_eq!(created["contact_identifier"], "251911000000");
}

#[tokio::test]
async fn several_changes_are_made_together_or_not_at_all() {
    let service = start().await;
    let conversation = service.conversation().await;
    let team = id(&service.post(&sue(), "/v1/teams", json!({ "name": "Billing" })).await.is(201));
    let before = service.events(&conversation).await.len();

    let refused = json!({ "priority": "urgent", "labels": ["vip"], "status": "assigned" });
    service.patch(&ana(), &conversation, refused).await.refuses(422, "unprocessable", "status");
    assert_eq!(service.events(&conversation).await.len(), before);

    let change = json!({
        "priority": "urgent", "labels": ["vip", " vip ", "billing"], "subject": "Refund",
        "assignee_id": ana().id, "team_id": team, "bot_context": { "order": 7 }, "reason": "mine",
    });
    let answer = service.patch(&ana(), &conversation, change).await.is(200);
    assert_eq!(
        (&answer["status"], &answer["assignee_name"], &answer["team_id"], &answer["labels"]),
        (&json!("assigned"), &json!("Ana"), &json!(team), &json!(["billing", "vip"]))
    );
    let events = service.events(&conversation).await;
    assert_eq!(
        events[before..].iter().map(|event| &*event.event_type).collect::<Vec<_>>(),
        ["PriorityChanged", "LabelsChanged", "SubjectChanged", "BotContextCollected", "Assigned"]
    );

    let cleared = json!({ "subject": null, "assignee_id": null, "team_id": null });
    let answer = service.patch(&ana(), &conversation, cleared).await.is(200);
    assert_eq!(
        (&answer["subject"], &answer["assignee_id"], &answer["status"]),
        (&Value::Null, &Value::Null, &json!("open"))
    );
}

#[tokio::test]
async fn a_conversation_goes_through_its_states() {
    let service = start().await;
    let conversation = service.conversation().await;
    let status =
        async |body: Value| service.patch(&ana(), &conversation, body).await.is(200)["status"].clone();
    assert_eq!(status(json!({ "assignee_id": ana().id })).await, "assigned");
    let later = json!({ "status": "pending", "snoozed_until": "2026-12-01T09:00:00Z" });
    assert_eq!(status(later).await, "pending");
    assert_eq!(status(json!({ "status": "assigned" })).await, "assigned");
    assert_eq!(status(json!({ "status": "resolved" })).await, "resolved");
    assert_eq!(status(json!({ "status": "open" })).await, "open");
    let past = json!({ "status": "pending", "snoozed_until": "2020-01-01T00:00:00Z" });
    service.patch(&ana(), &conversation, past).await.refuses(422, "unprocessable", "snoozed_until");
    let bot = service.patch(&ana(), &conversation, json!({ "status": "resolved" })).await;
    bot.is(200);
    let problem = service.patch(&ana(), &conversation, json!({ "status": "bot" })).await;
    assert_eq!(problem.refuses(409, "no-such-step", "status")["from"], "resolved");
    assert_eq!(status(json!({ "status": "closed" })).await, "closed");
    service.patch(&ana(), &conversation, json!({ "status": "open" })).await.refuses(
        409,
        "conversation-closed",
        "",
    );
}

#[tokio::test]
async fn a_change_with_an_old_version_is_refused() {
    let service = start().await;
    let conversation = service.conversation().await;
    let seen = service.patch(&ana(), &conversation, json!({ "priority": "high" })).await.header("etag");
    service.patch(&ana(), &conversation, json!({ "priority": "low" })).await.is(200);
    let change = json!({ "subject": "Refund" });
    let late =
        service.ask(&ana(), Method::PATCH, &conversation, &[("if-match", &seen)], change.clone()).await;
    let problem = late.refuses(412, "version-mismatch", "If-Match");
    let current = format!("\"{}\"", problem["current_version"]);
    service
        .ask(&ana(), Method::PATCH, &conversation, &[("if-match", &current)], change.clone())
        .await
        .is(200);
    service.ask(&ana(), Method::PATCH, &conversation, &[("if-match", "2")], change).await.refuses(
        400,
        "unreadable",
        "If-Match",
    );
}

#[tokio::test]
async fn items_of_another_account_are_not_found() {
    let service = start().await;
    let conversation = service.conversation().await;
    for (method, path, body) in [
        (Method::PATCH, conversation.clone(), json!({ "priority": "low" })),
        (Method::DELETE, conversation.clone(), Value::Null),
        (Method::POST, format!("{conversation}/messages"), json!({ "content": "Hello" })),
        (Method::POST, format!("{conversation}/assign"), Value::Null),
        (Method::POST, format!("{conversation}/unassign"), Value::Null),
        (Method::POST, format!("{conversation}/seen"), Value::Null),
    ] {
        let answer = service.ask(&greta(), method.clone(), &path, &[], body.clone()).await;
        let there = answer.refuses(404, "not-found", "");
        let nowhere = path.replace(conversation.rsplit('/').next().unwrap(), UNKNOWN_ID);
        let not_there = service.ask(&greta(), method, &nowhere, &[], body).await.is(404);
        assert_eq!(there, not_there, "{path}: the answers tell that it exists");
    }
    assert_eq!(service.events(&conversation).await.len(), 1);
}

#[tokio::test]
async fn an_sla_policy_is_applied_when_a_conversation_opens_and_when_it_is_chosen() {
    let service = start().await;
    let policy =
        json!({ "name": "Gold", "targets": { "normal": { "first_response_seconds": 60 } }, "order": 2 });
    let gold = id(&service.post(&sue(), "/v1/sla-policies", policy).await.is(201));
    let conversation = service.conversation().await;
    assert_eq!(service.event_types(&conversation).await, ["ConversationOpened", "SlaApplied"]);
    let policy =
        json!({ "name": "Platinum", "targets": { "normal": { "first_response_seconds": 30 } }, "order": 3 });
    let platinum = id(&service.post(&adam(), "/v1/sla-policies", policy).await.is(201));
    let change = json!({ "sla_policy_id": platinum });
    assert_eq!(service.patch(&robot(), &conversation, change).await.is(200)["sla_policy_id"], platinum);
    assert_ne!(gold, platinum);
    let nothing = json!({ "sla_policy_id": UNKNOWN_ID });
    service.patch(&ana(), &conversation, nothing).await.refuses(422, "unprocessable", "sla_policy_id");
}

#[tokio::test]
async fn null_takes_a_value_away_or_is_refused_and_is_never_ignored() {
    let service = start().await;
    let policy = json!({ "name": "Gold", "targets": { "normal": { "first_response_seconds": 60 } } });
    let gold = id(&service.post(&sue(), "/v1/sla-policies", policy).await.is(201));
    let team = id(&service.post(&sue(), "/v1/teams", json!({ "name": "Billing" })).await.is(201));
    let conversation = service.conversation().await;
    let set = json!({
        "labels": ["vip"], "subject": "Refund", "team_id": team, "assignee_id": ana().id,
        "sla_policy_id": gold, "bot_context": { "order": 7, "city": "Adama" },
        "snoozed_until": "2027-01-01T00:00:00Z",
    });
    service.patch(&ana(), &conversation, set).await.is(200);
    for (field, none) in [
        ("labels", json!([])),
        ("subject", Value::Null),
        ("snoozed_until", Value::Null),
        ("sla_policy_id", Value::Null),
        ("team_id", Value::Null),
        ("assignee_id", Value::Null),
    ] {
        let answer = service.patch(&ana(), &conversation, json!({ field: null })).await.is(200);
        assert_eq!(answer[field], none, "{field}");
    }
    service.patch(&ana(), &conversation, json!({ "bot_context": { "order": null } })).await.is(200);
    service.patch(&ana(), &conversation, json!({ "bot_context": null })).await.is(200);
    let removals = service.events(&conversation).await;
    let removals = removals.iter().filter(|event| event.event_type == "BotContextRemoved");
    let fields: Vec<_> = removals.map(|event| event.data.clone()).collect();
    assert_eq!(fields, [r#"{"fields":["order"]}"#, r#"{"fields":["city"]}"#]);
    for field in ["status", "priority"] {
        let refused = service.patch(&ana(), &conversation, json!({ field: null })).await;
        let problem = refused.refuses(422, "unprocessable", field);
        assert!(problem["detail"].as_str().unwrap().contains("cannot be null"), "{problem}");
    }
}

#[tokio::test]
async fn null_is_never_ignored_in_other_resources() {
    let service = start().await;
    let me = "/v1/agent-preferences/me";
    let set = json!({
        "available_channels": ["whatsapp"], "available_topics": ["billing"], "languages": ["en"],
        "leave": [{ "from": "2027-01-01", "until": "2027-01-02" }],
    });
    service.patch(&ana(), me, set).await.is(200);
    for field in ["available_channels", "available_topics", "languages", "leave"] {
        assert_eq!(service.patch(&ana(), me, json!({ field: null })).await.is(200)[field], json!([]));
    }
    for field in ["max_concurrent_conversations", "is_available", "auto_accept", "notification_preferences"] {
        service.patch(&ana(), me, json!({ field: null })).await.refuses(422, "unprocessable", field);
    }
    let number = json!({
        "channel_type": "whatsapp", "identifier": "251911000000", "display_name": "Abebe", "metadata": { "a": 1 },
    });
    let path = "/v1/contact-identifiers";
    let path = format!("{path}/{}", id(&service.post(&ana(), path, number).await.is(201)));
    assert_eq!(
        service.patch(&ana(), &path, json!({ "metadata": null })).await.is(200)["metadata"],
        json!({})
    );
    service.patch(&ana(), &path, json!({ "contact_id": null })).await.refuses(
        422,
        "unprocessable",
        "contact_id",
    );
    let team = id(&service
        .post(&sue(), "/v1/teams", json!({ "name": "Billing", "description": "b" }))
        .await
        .is(201));
    let team = format!("/v1/teams/{team}");
    service.patch(&sue(), &team, json!({ "description": null })).await.is(200);
    service.patch(&sue(), &team, json!({ "name": null })).await.refuses(422, "unprocessable", "name");
    service.patch(&sue(), &team, json!({ "colour": null })).await.refuses(400, "unreadable", "colour");
}
