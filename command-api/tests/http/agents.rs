use crate::service::{UNKNOWN_ID, adam, ana, ben, greta, start, sue};
use serde_json::{Value, json};

#[tokio::test]
async fn own_preferences_change_in_part_and_need_no_registration() {
    let service = start().await;
    let me = "/v1/agent-preferences/me";
    let change = json!({
        "languages": ["en", "am"], "max_concurrent_conversations": 3,
        "available_hours": {
            "schedule": [{ "days": ["mon"], "start": "09:00", "end": "17:00" }], "timezone": "Africa/Addis_Ababa",
        },
        "notification_preferences": { "sound": false },
    });
    let first = service.patch(&ana(), me, change).await.is(200);
    assert_eq!((&first["user_id"], &first["max_concurrent_conversations"]), (&json!(ana().id), &json!(3)));
    assert_eq!(
        first["notification_preferences"],
        json!({ "sound": false, "desktop": true, "email_on_assignment": false })
    );
    let second =
        service.patch(&ana(), me, json!({ "is_available": false, "available_hours": null })).await.is(200);
    assert_eq!(
        (&second["languages"], &second["is_available"], second.get("available_hours")),
        (&json!(["en", "am"]), &json!(false), None)
    );
    service.patch(&ana(), me, json!({ "max_concurrent_conversations": 0 })).await.refuses(
        422,
        "unprocessable",
        "max_concurrent_conversations",
    );
}

#[tokio::test]
async fn only_administrators_of_an_agents_account_change_the_agents_preferences() {
    let service = start().await;
    let path = format!("/v1/agent-preferences/{}", ben().id);
    let change = json!({ "auto_accept": true });
    service.patch(&adam(), &path, change.clone()).await.refuses(404, "not-found", "");
    let body = json!({ "user_id": ben().id, "name": " Ben ", "email": "ben@example.com" });
    let created = service.post(&sue(), "/v1/agents", body).await.is(201);
    assert_eq!((&created["id"], &created["name"]), (&json!(ben().id), &json!("Ben")));
    service.patch(&adam(), &path, change.clone()).await.is(200);
    service.patch(&sue(), &path, change.clone()).await.refuses(403, "forbidden", "");
    service.patch(&greta(), &path, change.clone()).await.refuses(404, "not-found", "");
    service.patch(&adam(), &format!("/v1/agent-preferences/{UNKNOWN_ID}"), change).await.refuses(
        404,
        "not-found",
        "",
    );
}

#[tokio::test]
async fn an_account_registers_an_agent_whom_another_account_knows() {
    let service = start().await;
    let body = json!({ "user_id": ben().id, "name": "Ben" });
    service.post(&sue(), "/v1/agents", body.clone()).await.is(201);
    service.post(&greta(), "/v1/agents", body).await.is(201);
    // An administrator of the one account switches the person off there, and only there.
    let path = format!("/v1/agent-preferences/{}", ben().id);
    service.patch(&adam(), &path, json!({ "is_available": false })).await.is(200);
    let there = service.patch(&greta(), &path, json!({ "languages": ["en"] })).await.is(200);
    assert_eq!(there["is_available"], true);
    let unnamed = json!({ "user_id": UNKNOWN_ID, "name": Value::Null });
    service.post(&sue(), "/v1/agents", unnamed).await.refuses(400, "unreadable", "name");
}

#[tokio::test]
async fn an_agent_who_was_removed_registers_no_more_of_their_own_accord() {
    let service = start().await;
    let (path, presence) = (format!("/v1/agents/{}", ben().id), "/v1/agents/me/presence");
    service.delete(&sue(), &path).await.refuses(404, "not-found", "");
    service.post(&ben(), presence, json!({ "status": "online" })).await.is(200);
    service.delete(&ana(), &path).await.refuses(403, "forbidden", "");
    let removed = service.delete(&sue(), &path).await.is(200);
    assert_eq!(removed["user_id"], json!(ben().id));
    service.delete(&sue(), &path).await.is(200);
    for body in [json!({ "status": "online" }), json!({})] {
        service.post(&ben(), presence, body).await.refuses(403, "forbidden", "");
    }
    let me = "/v1/agent-preferences/me";
    service.patch(&ben(), me, json!({ "is_available": true })).await.refuses(403, "forbidden", "");
    service.post(&sue(), "/v1/agents", json!({ "user_id": ben().id, "name": "Ben" })).await.is(201);
    service.post(&ben(), presence, json!({ "status": "online" })).await.is(200);
}
