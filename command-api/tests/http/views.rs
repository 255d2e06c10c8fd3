//! Views: who keeps and changes them, and what their filters may be.

use crate::service::{UNKNOWN_ID, ana, ben, greta, id, start, sue};
use serde_json::{Value, json};

fn view(name: &str, visibility: &str, filter: Value) -> Value {
    json!({ "name": name, "visibility": visibility, "filter": filter })
}

fn open() -> Value {
    json!({ "status": ["open"] })
}

#[tokio::test]
async fn a_personal_view_is_changed_only_by_its_author() {
    let service = start().await;
    let created = service.post(&ana(), "/v1/views", view("Mine", "personal", open())).await.is(201);
    assert_eq!((&created["sort_by"], &created["descending"]), (&json!("last_message_at"), &json!(true)));
    assert_eq!(created["created_by"], json!(ana().id));
    let path = format!("/v1/views/{}", id(&created));
    for other in [ben(), sue(), greta()] {
        service.patch(&other, &path, json!({ "name": "Theirs" })).await.is(404);
        service.delete(&other, &path).await.is(404);
    }
    // Two agents may use the same name, one may not.
    service.post(&ben(), "/v1/views", view("Mine", "personal", open())).await.is(201);
    let again = service.post(&ana(), "/v1/views", view(" mine", "personal", open())).await;
    again.refuses(409, "name-taken", "name");
    let filter = json!({ "any": [{ "label": ["vip"] }, { "not": { "priority": ["low"] } }] });
    let changed = service.patch(&ana(), &path, json!({ "filter": filter })).await.is(200);
    assert_eq!(changed["filter"], filter, "it is replaced, not merged with the filter before");
    service.delete(&ana(), &path).await.is(200);
    service.patch(&ana(), &path, json!({ "name": "Back" })).await.is(404);
}

#[tokio::test]
async fn only_supervisors_keep_views_for_everyone() {
    let service = start().await;
    let refused = service.post(&ana(), "/v1/views", view("Ours", "everyone", open())).await;
    refused.refuses(403, "forbidden", "visibility");
    let own = service.post(&ana(), "/v1/views", view("Mine", "personal", open())).await.is(201);
    let share = json!({ "visibility": "everyone" });
    let own = format!("/v1/views/{}", id(&own));
    service.patch(&ana(), &own, share.clone()).await.refuses(403, "forbidden", "visibility");
    let shared = service.post(&sue(), "/v1/views", view("Ours", "everyone", open())).await.is(201);
    let shared = format!("/v1/views/{}", id(&shared));
    service.patch(&ana(), &shared, json!({ "name": "Mine" })).await.refuses(403, "forbidden", "visibility");
    service.delete(&ana(), &shared).await.refuses(403, "forbidden", "visibility");
    service.patch(&sue(), &shared, json!({ "name": "All of us" })).await.is(200);
    service.delete(&greta(), &shared).await.is(404);
    service.delete(&sue(), &shared).await.is(200);
}

#[tokio::test]
async fn a_problem_names_the_part_of_the_filter_that_is_wrong() {
    let service = start().await;
    for (status, kind, condition, field) in [
        (400, "unreadable", json!({ "colour": ["red"] }), ""),
        (400, "unreadable", json!({ "status": ["open", "lost"] }), ".status[1]"),
        (400, "unreadable", json!({ "assignee": ["you"] }), ".assignee[0]"),
        (400, "unreadable", json!({ "unanswered_for": -1 }), ".unanswered_for"),
        (422, "unprocessable", json!({ "status": [] }), ".status"),
        (422, "unprocessable", json!({ "label": ["vip", ""] }), ".label[1]"),
        (422, "unprocessable", json!({ "custom": { "name": "", "value": "x" } }), ".custom.name"),
        (422, "unprocessable", json!({ "assignee": ["me", UNKNOWN_ID] }), ".assignee[1]"),
        (422, "unprocessable", json!({ "team": ["none", UNKNOWN_ID] }), ".team[1]"),
        (422, "unprocessable", json!({ "channel": [UNKNOWN_ID] }), ".channel[0]"),
    ] {
        let filter = json!({ "all": [{ "unread": true }, { "any": [{ "not": condition }] }] });
        let refused = service.post(&ana(), "/v1/views", view("Mine", "personal", filter)).await;
        refused.refuses(status, kind, &format!("filter.all[1].any[0].not{field}"));
    }
    let wrong = json!({ "name": "Mine", "visibility": "some", "filter": open() });
    service.post(&ana(), "/v1/views", wrong).await.refuses(422, "unprocessable", "visibility");
    let wrong = json!({ "name": "Mine", "visibility": "personal", "filter": open(), "sort_by": "colour" });
    service.post(&ana(), "/v1/views", wrong).await.refuses(422, "unprocessable", "sort_by");
    let two = json!({ "status": ["open"], "unread": true });
    service.post(&ana(), "/v1/views", view("Mine", "personal", two)).await.refuses(
        400,
        "unreadable",
        "filter",
    );
}

#[tokio::test]
async fn a_view_keeps_no_team_from_being_retired() {
    let service = start().await;
    let team = id(&service.post(&sue(), "/v1/teams", json!({ "name": "Billing" })).await.is(201));
    let filter = json!({ "team": [team] });
    service.post(&ana(), "/v1/views", view("Bills", "personal", filter)).await.is(201);
    service.delete(&sue(), &format!("/v1/teams/{team}")).await.is(200);
}
