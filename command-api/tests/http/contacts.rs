use crate::service::{ana, greta, id, start};
use serde_json::json;

#[tokio::test]
async fn an_identifier_is_linked_moved_and_unlinked() {
    let service = start().await;
    let abebe = "00000000-0000-0000-0000-0000000000ab";
    let sara = "00000000-0000-0000-0000-0000000000ca";
    let path = "/v1/contact-identifiers";
    let body = json!({
        "contact_id": abebe, "channel_type": "whatsapp", "identifier": "+251 911 000000",
        "display_name": " Abebe ", "metadata": { "vip": true },
    });
    let created = service.post(&ana(), path, body.clone()).await.is(201);
    assert_eq!(
        (&created["contact_id"], &created["identifier"], &created["display_name"]),
        (&json!(abebe), &json!("251911000000"), &json!("Abebe"))
    );
    assert_eq!(service.post(&ana(), path, body).await.is(201)["version"], created["version"]);
    let theirs = json!({ "contact_id": sara, "channel_type": "whatsapp", "identifier": "251911000000" });
    let problem = service.post(&ana(), path, theirs).await;
    assert_eq!(problem.refuses(409, "linked-to-another", "contact_id")["contact_id"], abebe);

    let own = format!("{path}/{}", id(&created));
    let moved = service.patch(&ana(), &own, json!({ "contact_id": sara })).await.is(200);
    assert_eq!((&moved["contact_id"], &moved["metadata"]["vip"]), (&json!(sara), &json!(true)));
    service.patch(&greta(), &own, json!({ "contact_id": abebe })).await.refuses(404, "not-found", "");
    service.delete(&greta(), &own).await.refuses(404, "not-found", "");
    service.delete(&ana(), &own).await.is(200);
    service.patch(&ana(), &own, json!({})).await.refuses(404, "not-found", "");
}

#[tokio::test]
async fn a_conversation_with_a_known_identifier_has_its_contact() {
    let service = start().await;
    let channel = service.api_channel().await;
    let abebe = "00000000-0000-0000-0000-0000000000ab";
    let body =
        json!({ "contact_id": abebe, "channel_type": "api", "identifier": "abebe", "display_name": "Abebe" });
    let known = id(&service.post(&ana(), "/v1/contact-identifiers", body).await.is(201));
    let body = json!({ "channel_id": channel, "contact_identifier_id": known });
    let created = service.post(&ana(), "/v1/conversations", body).await.is(201);
    assert_eq!(
        (&created["contact_id"], &created["contact_identifier"], &created["display_name"]),
        (&json!(abebe), &json!("abebe"), &json!("Abebe"))
    );
}

#[tokio::test]
async fn an_invalid_identifier_is_refused() {
    let service = start().await;
    for (kind, identifier) in
        [("whatsapp", "abebe"), ("sms", "12"), ("email", " "), ("telegram", &*"a".repeat(257))]
    {
        let body = json!({ "channel_type": kind, "identifier": identifier });
        service.post(&ana(), "/v1/contact-identifiers", body).await.refuses(
            422,
            "unprocessable",
            "identifier",
        );
    }
}
