use crate::service::{UNKNOWN_ID, adam, ana, greta, id, start, sue, whatsapp};
use axum::http::Method;
use serde_json::{Value, json};

#[tokio::test]
async fn a_channels_credentials_are_never_shown() {
    let service = start().await;
    let created = service.post(&adam(), "/v1/channels", whatsapp("Support")).await;
    let channel = created.is(201);
    let names = json!(["access_token", "app_secret", "phone_number_id", "verify_token"]);
    assert_eq!(channel["credential_names"], names);
    let path = format!("/v1/channels/{}", id(&channel));
    assert_eq!(channel["webhook_path"], format!("/v1/webhooks/whatsapp/{}", id(&channel)));
    let changed =
        service.patch(&adam(), &path, json!({ "credentials": { "app_secret": "fresh-secret" } })).await;
    assert_eq!(changed.is(200)["credential_names"], names);
    for answer in [&created, &changed] {
        for secret in ["EAAJB-access", "app-secret", "verify-me", "fresh-secret"] {
            assert!(!answer.text.contains(secret), "{}", answer.text);
        }
    }
    let stored =
        service.commands.channel(crate::service::ACME, id(&channel).parse().unwrap()).await.unwrap().unwrap();
    assert_eq!(
        (&*stored.credentials["app_secret"].0, &*stored.credentials["verify_token"].0),
        ("fresh-secret", "verify-me")
    );
}

#[tokio::test]
async fn an_invalid_setting_of_a_channel_is_named() {
    let service = start().await;
    let mut without = whatsapp("Support");
    without["credentials"].as_object_mut().unwrap().remove("app_secret");
    service.post(&adam(), "/v1/channels", without).await.refuses(
        422,
        "unprocessable",
        "credentials.app_secret",
    );
    let mut elsewhere = whatsapp("Support");
    elsewhere["base_url"] = json!("ftp://example.com");
    service.post(&adam(), "/v1/channels", elsewhere.clone()).await.refuses(422, "unprocessable", "base_url");
    elsewhere["base_url"] = json!("https://user:password@example.com");
    service.post(&adam(), "/v1/channels", elsewhere).await.refuses(422, "unprocessable", "base_url");
    let unserved = json!({ "channel_type": "telegram", "name": "Telegram" });
    service.post(&adam(), "/v1/channels", unserved).await.refuses(422, "unprocessable", "channel_type");
    let path = format!("/v1/channels/{}", service.whatsapp_channel().await);
    let spoiled = json!({ "credentials": { "app_secret": null } });
    service.patch(&adam(), &path, spoiled).await.refuses(422, "unprocessable", "credentials.app_secret");
    let retyped = json!({ "channel_type": "api" });
    service.patch(&adam(), &path, retyped).await.refuses(400, "unreadable", "channel_type");
}

#[tokio::test]
async fn each_kind_is_defined_by_callers_with_its_role() {
    let service = start().await;
    service.post(&sue(), "/v1/channels", whatsapp("Support")).await.refuses(403, "forbidden", "");
    for path in ["/v1/teams", "/v1/sla-policies", "/v1/calendars", "/v1/agents"] {
        service.post(&ana(), path, json!({})).await.refuses(403, "forbidden", "");
    }
}

/// The kinds other than channels: the path, a valid item, and a change of it.
fn kinds() -> [(&'static str, Value, Value); 4] {
    [
        ("/v1/teams", json!({ "name": "Billing", "description": "Bills" }), json!({ "name": "Accounts" })),
        (
            "/v1/canned-responses",
            json!({ "short_code": "/hi", "title": "Hi", "content": "Hi {{contact_name}}", "category": "greetings" }),
            json!({ "content": "Hello" }),
        ),
        (
            "/v1/sla-policies",
            json!({ "name": "Gold", "targets": { "urgent": { "first_response_seconds": 60 } }, "warn_before_seconds": 10 }),
            json!({ "is_active": false }),
        ),
        (
            "/v1/calendars",
            json!({ "name": "Addis", "timezone": "Africa/Addis_Ababa", "schedule": [
                { "days": ["mon", "tue"], "start": "08:00", "end": "17:00" },
            ], "holidays": [{ "date": "2027-01-07" }] }),
            json!({ "holidays": [] }),
        ),
    ]
}

#[tokio::test]
async fn an_item_is_defined_changed_in_part_and_retired() {
    let service = start().await;
    for (path, new, change) in kinds() {
        let created = service.post(&sue(), path, new.clone()).await.is(201);
        for (field, value) in new.as_object().unwrap() {
            let (had, has) = (value.to_string(), created[field].to_string());
            assert!(
                has == had || created[field].is_object() || created[field].is_array(),
                "{path} {field}: {has}"
            );
        }
        let own = format!("{path}/{}", id(&created));
        let changed = service.patch(&sue(), &own, change.clone()).await.is(200);
        for field in new.as_object().unwrap().keys() {
            let expected = change.get(field).filter(|value| !value.as_array().is_some_and(Vec::is_empty));
            match expected {
                Some(value) => assert_eq!(&changed[field], value, "{path}"),
                None if change.get(field).is_some() => {}
                None => assert_eq!(changed[field], created[field], "{path} {field}"),
            }
        }
        let unchanged = service.patch(&sue(), &own, change).await.is(200);
        assert_eq!(unchanged["version"], changed["version"], "{path}");
        service.patch(&greta(), &own, json!({})).await.refuses(404, "not-found", "");
        service.delete(&greta(), &own).await.refuses(404, "not-found", "");
        assert_eq!(id(&service.delete(&sue(), &own).await.is(200)), id(&created));
        service.patch(&sue(), &own, json!({})).await.refuses(404, "not-found", "");
        service.delete(&sue(), &own).await.refuses(404, "not-found", "");
        service.patch(&sue(), &format!("{path}/{UNKNOWN_ID}"), json!({})).await.refuses(404, "not-found", "");
    }
}

#[tokio::test]
async fn names_are_unique_in_an_account_and_free_in_another() {
    let service = start().await;
    let billing = json!({ "name": "Billing" });
    service.post(&sue(), "/v1/teams", billing.clone()).await.is(201);
    service.post(&sue(), "/v1/teams", json!({ "name": " BILLING " })).await.refuses(
        409,
        "name-taken",
        "name",
    );
    service.post(&greta(), "/v1/teams", billing).await.is(201);
    let code = json!({ "short_code": "/hi", "title": "Hi", "content": "Hi" });
    service.post(&ana(), "/v1/canned-responses", code.clone()).await.is(201);
    service.post(&ana(), "/v1/canned-responses", code).await.refuses(409, "name-taken", "short_code");
}

#[tokio::test]
async fn an_invalid_field_is_named() {
    let service = start().await;
    for (path, body, field) in [
        ("/v1/teams", json!({ "name": "  " }), "name"),
        ("/v1/canned-responses", json!({ "short_code": "hi", "title": "Hi", "content": "Hi" }), "short_code"),
        ("/v1/canned-responses", json!({ "short_code": "/hi", "title": "Hi", "content": "" }), "content"),
        ("/v1/sla-policies", json!({ "name": "Gold", "targets": {} }), "targets"),
        (
            "/v1/sla-policies",
            json!({ "name": "Gold", "targets": { "low": { "resolution_seconds": 0 } } }),
            "targets.low.resolution_seconds",
        ),
        (
            "/v1/sla-policies",
            json!({ "name": "Gold", "targets": { "low": { "resolution_seconds": 9 } }, "calendar_id": UNKNOWN_ID }),
            "calendar_id",
        ),
        (
            "/v1/calendars",
            json!({ "name": "Moon", "timezone": "Moon/Base", "schedule": [{ "days": ["mon"], "start": "08:00", "end": "17:00" }] }),
            "timezone",
        ),
    ] {
        service.post(&sue(), path, body).await.refuses(422, "unprocessable", field);
    }
    let wrong_day = json!({ "name": "A", "timezone": "UTC", "schedule": [{ "days": ["lundi"], "start": "1", "end": "2" }] });
    service.post(&sue(), "/v1/calendars", wrong_day).await.refuses(400, "unreadable", "schedule[0].days[0]");
}

#[tokio::test]
async fn if_match_is_the_version_of_the_item_and_not_of_the_catalogue() {
    let service = start().await;
    let billing = service.post(&sue(), "/v1/teams", json!({ "name": "Billing" })).await;
    let path = format!("/v1/teams/{}", id(&billing.is(201)));
    service.post(&sue(), "/v1/teams", json!({ "name": "Logistics" })).await.is(201);
    let seen = billing.header("etag");
    let renamed = json!({ "name": "Accounts" });
    service.ask(&sue(), Method::PATCH, &path, &[("if-match", &seen)], renamed).await.is(200);
    let late = service.ask(&sue(), Method::DELETE, &path, &[("if-match", &seen)], Value::Null).await;
    assert_eq!(late.refuses(412, "version-mismatch", "If-Match")["current_version"], 2);
}

#[tokio::test]
async fn null_removes_a_member_and_an_absent_member_stays() {
    let service = start().await;
    let team = json!({ "name": "Billing", "description": "Bills", "member_ids": [ana().id] });
    let path = format!("/v1/teams/{}", id(&service.post(&sue(), "/v1/teams", team).await.is(201)));
    let changed = service.patch(&sue(), &path, json!({ "description": null })).await.is(200);
    assert_eq!(changed["description"], Value::Null);
    assert_eq!((&changed["name"], &changed["member_ids"]), (&json!("Billing"), &json!([ana().id])));
    service.patch(&sue(), &path, json!({ "name": null })).await.refuses(422, "unprocessable", "name");
    for (patch, field) in [
        (json!({ "name": 7 }), "name"),
        (json!({ "colour": null }), "colour"),
        (json!({ "id": UNKNOWN_ID }), "id"),
    ] {
        service.patch(&sue(), &path, patch).await.refuses(400, "unreadable", field);
    }
    let queue = json!({ "name": "All", "strategy": "least_busy", "offer_seconds": 5 });
    let path = format!("/v1/queues/{}", id(&service.post(&sue(), "/v1/queues", queue).await.is(201)));
    let changed = service.patch(&sue(), &path, json!({ "offer_seconds": null })).await.is(200);
    assert_eq!(changed["offer_seconds"], 30, "without the member its default applies");
}

#[tokio::test]
async fn objects_are_merged_or_replaced_as_the_description_says() {
    let service = start().await;
    let minute = json!({ "first_response_seconds": 60 });
    let policy = json!({ "name": "Gold", "targets": { "urgent": minute } });
    let created = service.post(&sue(), "/v1/sla-policies", policy).await.is(201);
    let path = format!("/v1/sla-policies/{}", id(&created));
    let changed = service.patch(&sue(), &path, json!({ "targets": { "low": minute } })).await.is(200);
    assert_eq!(changed["targets"], json!({ "low": minute }));
    let path = format!("/v1/channels/{}", service.whatsapp_channel().await);
    let changed =
        service.patch(&adam(), &path, json!({ "credentials": { "access_token": "new" } })).await.is(200);
    let names = json!(["access_token", "app_secret", "phone_number_id", "verify_token"]);
    assert_eq!(changed["credential_names"], names);
    let without = json!({ "credentials": { "access_token": null } });
    service.patch(&adam(), &path, without).await.refuses(422, "unprocessable", "credentials.access_token");
}

#[tokio::test]
async fn the_etag_of_a_patch_that_changes_nothing_is_the_items_version() {
    let service = start().await;
    let created = service.post(&sue(), "/v1/teams", json!({ "name": "Billing" })).await;
    let path = format!("/v1/teams/{}", id(&created.is(201)));
    service.post(&sue(), "/v1/teams", json!({ "name": "Logistics" })).await.is(201);
    let unchanged = service.patch(&sue(), &path, json!({ "name": "Billing" })).await;
    unchanged.is(200);
    assert_eq!(unchanged.header("etag"), created.header("etag"));
    let headers = [("if-match", &*unchanged.header("etag")), ("idempotency-key", "away")];
    let retired = service.ask(&sue(), Method::DELETE, &path, &headers, Value::Null).await.is(200);
    let again = service.ask(&sue(), Method::DELETE, &path, &headers, Value::Null).await.is(200);
    assert_eq!(again, retired, "a repeated request is answered as before");
}

#[tokio::test]
async fn a_definition_repeated_with_its_key_is_executed_once() {
    let service = start().await;
    let key = [("idempotency-key", "team-1")];
    let body = json!({ "name": "Billing" });
    let first = service.ask(&sue(), Method::POST, "/v1/teams", &key, body.clone()).await.is(201);
    assert_eq!(service.ask(&sue(), Method::POST, "/v1/teams", &key, body).await.is(201), first);
}
