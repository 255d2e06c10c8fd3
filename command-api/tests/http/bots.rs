use crate::service::{Service, UNKNOWN_ID, ana, id, robot, start, sue};
use serde_json::{Value, json};

fn refunds() -> Value {
    json!({
        "name": "Billing Keywords",
        "priority": 1,
        "trigger_type": "keyword",
        "conditions": { "keywords": ["refund", "return"], "match_mode": "any" },
        "actions": { "reply_text": "Hello", "set_labels": ["billing"] },
    })
}

fn with(path: &str, value: Value) -> Value {
    let mut body = refunds();
    *body.pointer_mut(path).unwrap_or_else(|| panic!("{path}")) = value;
    body
}

#[tokio::test]
async fn a_rule_is_defined_changed_and_retired_by_a_supervisor() {
    let service = start().await;
    service.post(&ana(), "/v1/bot-rules", refunds()).await.refuses(403, "forbidden", "");
    let created = service.post(&sue(), "/v1/bot-rules", refunds()).await.is(201);
    assert_eq!((&created["is_active"], &created["run_once"]), (&json!(true), &json!(true)));
    let path = format!("/v1/bot-rules/{}", id(&created));
    let changed = service.patch(&sue(), &path, json!({ "priority": 7, "is_active": false })).await.is(200);
    assert_eq!(changed["priority"], 7);
    assert_eq!(changed["conditions"], created["conditions"]);
    service.delete(&sue(), &path).await.is(200);
    service.patch(&sue(), &path, json!({ "priority": 1 })).await.refuses(404, "not-found", "");
}

#[tokio::test]
async fn an_invalid_field_of_a_rule_is_named() {
    let service = start().await;
    let zone = json!({ "start": "18:00", "end": "08:00", "tz": "Mars/Olympus" });
    let mut night = with("/trigger_type", json!("time_based"));
    night["conditions"] = json!({ "time_range": zone });
    let mut late = night.clone();
    late["conditions"]["time_range"] = json!({ "start": "25:00", "end": "08:00", "tz": "UTC" });
    let mut nothing = refunds();
    nothing["actions"] = json!({});
    let mut template = refunds();
    template["actions"] = json!({ "reply_template_id": UNKNOWN_ID });
    let mut team = refunds();
    team["actions"] = json!({ "assign_team_id": UNKNOWN_ID });
    let mut both = refunds();
    both["actions"] = json!({ "reply_text": "x", "reply_template_id": UNKNOWN_ID });
    let mut twice = refunds();
    twice["actions"] = json!({ "collect_info": ["name", "name"] });
    for (field, body) in [
        ("trigger_type", with("/trigger_type", json!("telepathy"))),
        ("conditions.keywords", with("/conditions/keywords", json!([]))),
        ("conditions.keywords", with("/conditions", json!({}))),
        ("conditions.keywords[1]", with("/conditions/keywords", json!(["refund", " "]))),
        ("conditions.time_range", with("/trigger_type", json!("time_based"))),
        ("conditions.channels", with("/trigger_type", json!("channel"))),
        ("conditions.time_range.tz", night),
        ("conditions.time_range.start", late),
        ("actions", nothing),
        ("actions.reply_template_id", template),
        ("actions.assign_team_id", team),
        ("actions.reply_template_id", both),
        ("actions.collect_info[1]", twice),
        ("name", with("/name", json!(" "))),
    ] {
        service.post(&sue(), "/v1/bot-rules", body).await.refuses(422, "unprocessable", field);
    }
    let misspelt = with("/conditions", json!({ "keyword": ["refund"] }));
    service.post(&sue(), "/v1/bot-rules", misspelt).await.refuses(400, "unreadable", "conditions.keyword");
}

fn labels(name: &str, waits_for: Option<&str>, sets: &str) -> Value {
    let mut rule = refunds();
    rule["name"] = json!(name);
    rule["actions"] = json!({ "set_labels": [sets] });
    if let Some(label) = waits_for {
        rule["conditions"]["labels"] = json!([label]);
    }
    rule
}

#[tokio::test]
async fn rules_that_form_a_cycle_are_refused() {
    let service = start().await;
    let itself = labels("Itself", Some("a"), "a");
    service.post(&sue(), "/v1/bot-rules", itself).await.refuses(422, "unprocessable", "actions.set_labels");
    service.post(&sue(), "/v1/bot-rules", labels("One", Some("a"), "b")).await.is(201);
    service.post(&sue(), "/v1/bot-rules", labels("Two", Some("b"), "c")).await.is(201);
    let problem = service.post(&sue(), "/v1/bot-rules", labels("Three", Some("c"), "a")).await;
    let problem = problem.refuses(422, "unprocessable", "actions.set_labels");
    for name in ["One", "Two", "Three"] {
        assert!(problem["detail"].as_str().unwrap().contains(name), "{problem}");
    }
    service.post(&sue(), "/v1/bot-rules", labels("Apart", Some("c"), "d")).await.is(201);
}

#[tokio::test]
async fn handoff_rules_and_settings_are_checked_too() {
    let service = start().await;
    let rule =
        |kind: &str, value: Value| json!({ "name": kind, "trigger_type": kind, "trigger_value": value });
    for (kind, value) in [
        ("sentiment", json!("angry")),
        ("sentiment", json!("-3")),
        ("timeout", json!("soon")),
        ("confidence", json!("2")),
        ("turns", json!("0")),
        ("keyword", json!(" , ")),
        ("intent", Value::Null),
    ] {
        service.post(&sue(), "/v1/handoff-rules", rule(kind, value)).await.refuses(
            422,
            "unprocessable",
            "trigger_value",
        );
    }
    service.post(&sue(), "/v1/handoff-rules", rule("anger", json!("1"))).await.refuses(
        422,
        "unprocessable",
        "trigger_type",
    );
    for (kind, value) in [
        ("keyword", json!("refund, money back")),
        ("intent", json!("cancel")),
        ("sentiment", json!("-0.5")),
        ("timeout", json!("60")),
        ("confidence", json!("0.5")),
        ("manual", Value::Null),
        ("turns", json!("5")),
    ] {
        service.post(&sue(), "/v1/handoff-rules", rule(kind, value)).await.is(201);
    }
    let settings =
        json!({ "handoff_keywords": [], "low_confidence_answers": null, "expire_after_seconds": 60 });
    let set = service.patch(&sue(), "/v1/bot-settings", settings).await.is(200);
    assert_eq!((&set["low_confidence_answers"], &set["expire_after_seconds"]), (&Value::Null, &json!(60)));
    assert_eq!(set["confidence_threshold"], 0.5);
    let never = json!({ "expire_after_seconds": 0 });
    service.patch(&sue(), "/v1/bot-settings", never).await.refuses(
        422,
        "unprocessable",
        "expire_after_seconds",
    );
    service.delete(&sue(), "/v1/bot-settings").await.is(200);
    let usual =
        service.patch(&sue(), "/v1/bot-settings", json!({ "confidence_threshold": 0.4 })).await.is(200);
    assert_eq!(usual["low_confidence_answers"], 3);
}

async fn conversation_with_bot(service: &Service) -> String {
    let path = service.conversation().await;
    service.patch(&robot(), &path, json!({ "status": "bot" })).await.is(200);
    path
}

#[tokio::test]
async fn a_handoff_is_requested_and_the_answer_has_the_conversations_state() {
    let service = start().await;
    let path = conversation_with_bot(&service).await;
    let body = json!({ "reason": "Customer requested human agent" });
    let answer = service.post(&robot(), &format!("{path}/handoff"), body.clone()).await.is(200);
    assert_eq!(answer["status"], "open");
    assert_eq!(answer["handoff_requested"], true);
    assert_eq!(answer["handoff_reason"], "Customer requested human agent");
    assert_eq!(answer["handoff_agent_id"], Value::Null);
    service.post(&robot(), &format!("{path}/handoff"), body).await.is(200);
    assert_eq!(service.event_types(&path).await, ["ConversationOpened", "BotEngaged", "HandoffRequested"]);

    service.post(&sue(), "/v1/agents", json!({ "user_id": ana().id, "name": "Ana" })).await.is(201);
    let to_ana = json!({ "agent_id": ana().id });
    let answer = service.post(&robot(), &format!("{path}/handoff"), to_ana).await.is(200);
    assert_eq!(answer["status"], "assigned");
    assert_eq!(answer["assignee_id"], json!(ana().id));
    assert_eq!(answer["handoff_agent_id"], json!(ana().id));
}

#[tokio::test]
async fn the_third_answer_of_low_confidence_requests_a_handoff() {
    let service = start().await;
    let path = format!("{}/messages", conversation_with_bot(&service).await);
    let unsure =
        json!({ "content": "Perhaps", "sender_type": "bot", "metadata": { "low_confidence": true } });
    for _ in 0..2 {
        let answer = service.post(&robot(), &path, unsure.clone()).await.is(201);
        assert_eq!(answer["handoff_requested"], false);
        assert!(answer.get("handoff_reason").is_none());
    }
    let answer = service.post(&robot(), &path, unsure).await.is(201);
    assert_eq!(answer["handoff_requested"], true);
    assert_eq!(answer["handoff_reason"], "Multiple low-confidence responses");
}

#[tokio::test]
async fn a_dry_run_names_an_invalid_field_of_a_draft_and_appends_nothing() {
    let service = start().await;
    let path = "/v1/bot-rules/dry-run";
    let day = |rules: Value| json!({ "from": "2026-11-01T00:00:00Z", "until": "2026-12-01T00:00:00Z", "rules": rules });
    let draft = with("/conditions/keywords", json!([]));
    service.post(&sue(), path, day(json!([refunds(), draft]))).await.refuses(
        422,
        "unprocessable",
        "rules[1].conditions.keywords",
    );
    service.post(&sue(), path, day(json!([with("/trigger_type", json!("x"))]))).await.refuses(
        422,
        "unprocessable",
        "rules[0].trigger_type",
    );
    service.post(&sue(), path, day(json!([refunds(), refunds()]))).await.refuses(
        422,
        "unprocessable",
        "rules[1].name",
    );
    let backwards = json!({ "from": "2026-12-01T00:00:00Z", "until": "2026-11-01T00:00:00Z" });
    service.post(&sue(), path, backwards).await.refuses(422, "unprocessable", "until");
    service.post(&ana(), path, day(json!([]))).await.refuses(403, "forbidden", "");

    let channel = service.whatsapp_channel().await;
    assert_eq!(
        service.send(service.whatsapp_text(&channel, "2519", "wamid.1", "a refund, please")).await.status,
        200
    );
    let end = service.commands.store.end().await.unwrap();
    let report = service.post(&sue(), path, day(json!([refunds()]))).await.is(200);
    assert_eq!((&report["messages"], &report["rules"][0]["conversations"]), (&json!(1), &json!(1)));
    assert_eq!(report["rules"][0]["changes"]["would"]["replies"], 1);
    assert_eq!(report["in_all"]["did"]["replies"], 0);
    assert_eq!(report["different"]["examples"][0]["would"]["labels"], json!(["billing"]));
    assert_eq!(service.commands.store.end().await.unwrap(), end);
}
