//! An item to which others refer is not retired.

use crate::service::{ACME, Service, UNKNOWN_ID, adam, ana, ben, id, start, sue};
use event_schemas::catalogue::{CatalogueKind, Item};
use event_schemas::{CatalogueEvent, NewEvent, StreamId};
use event_store::{EventStore, Expected};
use serde_json::{Value, json};

async fn created(service: &Service, path: &str, body: &Value) -> String {
    id(&service.post(&adam(), path, body.clone()).await.is(201))
}

/// For each field that refers to another item: the path of the referrer, its body without a reference, the field, its
/// value with `TO` for the id, and the path of the other item.
fn references() -> Vec<(&'static str, Value, &'static str, Value, &'static str)> {
    let rule = json!({ "name": "referrer", "trigger_type": "fallback", "actions": { "reply_text": "a" } });
    let handoff = json!({ "name": "referrer", "trigger_type": "manual" });
    let queue = json!({ "name": "referrer", "strategy": "least_busy" });
    let policy = json!({ "name": "referrer", "targets": { "normal": { "first_response_seconds": 60 } } });
    let note = json!([{ "type": "note", "text": "a" }]);
    let run = json!({ "name": "referrer", "visibility": "everyone", "actions": note });
    let automation = json!({ "name": "referrer", "event": "message_received", "actions": note });
    let reply = json!([{ "type": "reply", "canned_response_id": "TO" }]);
    let assign = json!([{ "type": "assign_team", "team_id": "TO" }]);
    let route = json!([{ "type": "route", "strategy": "least_busy", "team_id": "TO" }]);
    let (teams, canned) = ("/v1/teams", "/v1/canned-responses");
    let (macros, rules) = ("/v1/macros", "/v1/automation-rules");
    vec![
        ("/v1/bot-rules", rule.clone(), "actions", json!({ "reply_template_id": "TO" }), canned),
        ("/v1/bot-rules", rule, "actions", json!({ "assign_team_id": "TO" }), teams),
        ("/v1/handoff-rules", handoff, "target_team_id", json!("TO"), teams),
        ("/v1/queues", queue.clone(), "team_id", json!("TO"), teams),
        ("/v1/queues", queue, "overflow_team_id", json!("TO"), teams),
        ("/v1/sla-policies", policy.clone(), "channel_ids", json!(["TO"]), "/v1/channels"),
        ("/v1/sla-policies", policy.clone(), "team_ids", json!(["TO"]), teams),
        ("/v1/sla-policies", policy, "calendar_id", json!("TO"), "/v1/calendars"),
        (macros, run.clone(), "actions", reply.clone(), canned),
        (macros, run.clone(), "actions", assign.clone(), teams),
        (macros, run, "actions", route, teams),
        (rules, automation.clone(), "actions", reply, canned),
        (rules, automation.clone(), "actions", assign, teams),
        (rules, automation, "conditions", json!({ "team_ids": ["TO"] }), teams),
    ]
}

fn other_item(path: &str) -> Value {
    let hours = json!([{ "days": ["mon"], "start": "09:00", "end": "10:00" }]);
    match path {
        "/v1/teams" => json!({ "name": "used" }),
        "/v1/canned-responses" => json!({ "short_code": "/used", "title": "used", "content": "Hello" }),
        "/v1/channels" => json!({ "channel_type": "api", "name": "used" }),
        "/v1/calendars" => json!({ "name": "used", "timezone": "UTC", "schedule": hours }),
        other => panic!("{other}"),
    }
}

fn with_id(value: &Value, id: &str) -> Value {
    serde_json::from_str(&value.to_string().replace("TO", id)).unwrap()
}

#[tokio::test]
async fn an_item_in_use_is_not_retired_until_its_referrers_are_changed_or_retired() {
    for (path, body, field, value, other) in references() {
        let service = start().await;
        let used = created(&service, other, &other_item(other)).await;
        let used_path = format!("{other}/{used}");
        let mut referring = body.clone();
        referring[field] = with_id(&value, &used);
        let referrer = created(&service, path, &referring).await;
        let refused = service.delete(&adam(), &used_path).await;
        let problem = refused.refuses(409, "in-use", "");
        let named = &problem["referrers"][0];
        assert_eq!((&named["id"], &named["name"]), (&json!(referrer), &json!("referrer")), "{path} {field}");
        assert!(path.replace('-', "_").ends_with(named["kind"].as_str().unwrap()), "{problem}");
        assert!(named["field"].as_str().unwrap().starts_with(field), "{problem}");
        assert!(problem["detail"].as_str().unwrap().contains("'referrer'"), "{problem}");
        service.delete(&adam(), &format!("{path}/{referrer}")).await.is(200);
        service.delete(&adam(), &used_path).await.is(200);

        let mut dangling = body;
        dangling[field] = with_id(&value, UNKNOWN_ID);
        let refused = service.post(&adam(), path, dangling).await.is(422);
        assert!(refused["field"].as_str().unwrap().starts_with(field), "{refused}");
    }
}

#[tokio::test]
async fn a_personal_macro_of_another_user_is_counted_and_its_name_stays_hidden() {
    let service = start().await;
    let used = created(&service, "/v1/teams", &json!({ "name": "used" })).await;
    let actions = json!([{ "type": "assign_team", "team_id": used }]);
    let mine = json!({ "name": "secret plan", "visibility": "personal", "actions": actions });
    service.post(&ana(), "/v1/macros", mine).await.is(201);
    let refused = service.delete(&sue(), &format!("/v1/teams/{used}")).await;
    let problem = refused.refuses(409, "in-use", "");
    assert!(!problem.to_string().contains("secret"), "{problem}");
    assert_eq!(problem["referrers"][0]["kind"], "macros");
    service.delete(&ben(), &format!("/v1/teams/{used}")).await.is(403);
}

#[tokio::test]
async fn a_policy_whose_calendar_an_earlier_version_retired_still_counts_by_it() {
    let service = start().await;
    let calendar = created(&service, "/v1/calendars", &other_item("/v1/calendars")).await;
    let policy = json!({
        "name": "p", "calendar_id": calendar, "targets": { "normal": { "first_response_seconds": 600 } },
    });
    created(&service, "/v1/sla-policies", &policy).await;
    let stream = StreamId::catalogue(CatalogueKind::Calendars, ACME);
    let defined = service.store.read_stream(&stream, event_schemas::Version::FIRST, 1).await.unwrap();
    let retired: CatalogueEvent =
        event_schemas::catalogue::BusinessCalendar::retired(calendar.parse().unwrap());
    let event = NewEvent::of(service.clock.event_id(), &retired, defined[0].metadata.clone());
    service.store.append(&stream, Expected::Any, vec![event]).await.unwrap();
    let second = service.second();
    let path = second.conversation().await;
    let events = second.events(&path).await;
    let applied = events.iter().find(|event| event.event_type == "SlaApplied").unwrap();
    assert!(applied.data.contains(r#""calendar":{"#) && applied.data.contains("09:00"), "{}", applied.data);
}
