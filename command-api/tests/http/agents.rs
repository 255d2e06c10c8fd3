use crate::desk::{NOTHING, adam, ana, ben, desk, greta, sue};
use serde_json::{Value, json};

#[tokio::test]
async fn ones_own_preferences_change_in_part_and_need_no_registration() {
    let desk = desk().await;
    let me = "/v1/agent-preferences/me";
    let change = json!({
        "languages": ["en", "am"], "max_concurrent_conversations": 3,
        "available_hours": {
            "schedule": [{ "days": ["mon"], "start": "09:00", "end": "17:00" }], "timezone": "Africa/Addis_Ababa",
        },
        "notification_preferences": { "sound": false },
    });
    let first = desk.patch(&ana(), me, change).await.is(200);
    assert_eq!((&first["user_id"], &first["max_concurrent_conversations"]), (&json!(ana().id), &json!(3)));
    assert_eq!(
        first["notification_preferences"],
        json!({ "sound": false, "desktop": true, "email_on_assignment": false })
    );
    let second =
        desk.patch(&ana(), me, json!({ "is_available": false, "available_hours": null })).await.is(200);
    assert_eq!(
        (&second["languages"], &second["is_available"], second.get("available_hours")),
        (&json!(["en", "am"]), &json!(false), None)
    );
    desk.patch(&ana(), me, json!({ "max_concurrent_conversations": 0 })).await.refuses(
        422,
        "unprocessable",
        "max_concurrent_conversations",
    );
}

#[tokio::test]
async fn anothers_preferences_are_for_administrators_of_an_account_that_knows_them() {
    let desk = desk().await;
    let bens = format!("/v1/agent-preferences/{}", ben().id);
    let change = json!({ "auto_accept": true });
    desk.patch(&adam(), &bens, change.clone()).await.refuses(404, "not-found", "");
    let body = json!({ "user_id": ben().id, "name": " Ben ", "email": "ben@example.com" });
    let made = desk.post(&sue(), "/v1/agents", body).await.is(201);
    assert_eq!((&made["id"], &made["name"]), (&json!(ben().id), &json!("Ben")));
    desk.patch(&adam(), &bens, change.clone()).await.is(200);
    desk.patch(&sue(), &bens, change.clone()).await.refuses(403, "forbidden", "");
    desk.patch(&greta(), &bens, change.clone()).await.refuses(404, "not-found", "");
    desk.patch(&adam(), &format!("/v1/agent-preferences/{NOTHING}"), change).await.refuses(
        404,
        "not-found",
        "",
    );
}

#[tokio::test]
async fn an_account_cannot_draw_anothers_agent_to_itself() {
    let desk = desk().await;
    let body = json!({ "user_id": ben().id, "name": "Ben" });
    desk.post(&sue(), "/v1/agents", body.clone()).await.is(201);
    desk.post(&greta(), "/v1/agents", body).await.refuses(409, "registered-elsewhere", "user_id");
    let nobody = json!({ "user_id": NOTHING, "name": Value::Null });
    desk.post(&sue(), "/v1/agents", nobody).await.refuses(400, "unreadable", "name");
}
