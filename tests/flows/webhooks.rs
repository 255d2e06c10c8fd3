//! Webhooks that a provider repeats, batches, reorders, signs wrongly or sends malformed.

use crate::program::{
    APP_SECRET, Program, VERIFY_TOKEN, conversation_of, read, signature, status, text_message, webhook,
};
use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use futures::future::join_all;
use reqwest::StatusCode;
use serde_json::{Value, json};

#[tokio::test(flavor = "multi_thread")]
async fn the_same_webhook_25_times_at_once_is_one_message_in_one_conversation() {
    let folder = tempfile::tempdir().unwrap();
    let program = Program::serve(&folder.path().join("data")).await;
    let account = program.account();
    let provider = crate::fake_whatsapp::FakeWhatsApp::start().await;
    let whatsapp = account.whatsapp(&provider.base_url).await;
    let ana = account.person("agent", "Ana");

    for round in 0..10 {
        let phone = format!("25191100{round:04}");
        let message = text_message(&phone, &format!("wamid.{round}"), "Is anybody there?");
        // Alone, twice in one batch, and with another contact's message: 25 deliveries of the same message.
        let alone = webhook(std::slice::from_ref(&message), &[]);
        let twice = webhook(&[message.clone(), message.clone()], &[]);
        let other = text_message(&format!("9{round}"), &format!("wamid.other.{round}"), "Me too");
        let mixed = webhook(&[other, message.clone()], &[]);
        let bodies: Vec<&Value> = [&alone, &twice, &mixed].into_iter().cycle().take(25).collect();
        for answer in join_all(bodies.iter().map(|body| whatsapp.post(body))).await {
            assert_eq!(answer.unwrap().status(), StatusCode::OK);
        }
        let id = conversation_of(&ana, &phone).await;
        let messages = ana.get(&format!("/v1/conversations/{id}/messages")).await;
        assert_eq!(messages["data"].as_array().unwrap().len(), 1, "{messages:#}");
        let history = ana.get(&format!("/v1/conversations/{id}/events")).await;
        let received = history["data"]
            .as_array()
            .unwrap()
            .iter()
            .filter(|event| event["type"].as_str().is_some_and(|name| name.contains("MessageReceived")));
        assert_eq!(received.count(), 1);
    }
    let inbox = ana
        .get_until("/v1/conversations?limit=200", |a| a["data"].as_array().is_some_and(|d| d.len() >= 20))
        .await;
    assert_eq!(inbox["data"].as_array().unwrap().len(), 20, "one conversation per contact");
}

#[tokio::test(flavor = "multi_thread")]
async fn statuses_shuffled_and_repeated_only_move_forward() {
    let folder = tempfile::tempdir().unwrap();
    let program = Program::serve(&folder.path().join("data")).await;
    let account = program.account();
    let provider = crate::fake_whatsapp::FakeWhatsApp::start().await;
    let whatsapp = account.whatsapp(&provider.base_url).await;
    let ana = account.person("agent", "Ana");
    whatsapp.customer_writes("1", "wamid.in", "Hello").await;
    let id = conversation_of(&ana, "1").await;
    let path = format!("/v1/conversations/{id}/messages");
    ana.post(&path, json!({ "content": "Hi" })).await;
    let delivery = |word: &'static str| {
        move |a: &Value| {
            a["data"].as_array().is_some_and(|rows| rows.iter().any(|row| row["delivery"]["state"] == word))
        }
    };
    ana.get_until(&path, delivery("dispatched")).await;
    let taken = &provider.taken()[0];

    let mut all = Vec::new();
    for _ in 0..25 {
        for word in ["read", "delivered", "sent"] {
            all.push(taken.status(word, 1_795_222_800));
        }
    }
    for answer in join_all(all.iter().map(|body| whatsapp.post(body))).await {
        assert_eq!(answer.unwrap().status(), StatusCode::OK);
    }
    ana.get_until(&path, delivery("read")).await;
    let history = ana.get(&format!("/v1/conversations/{id}/events?limit=200")).await;
    let reports: Vec<_> = history["data"]
        .as_array()
        .unwrap()
        .iter()
        .filter_map(|event| event["type"].as_str())
        .filter(|name| ["Dispatched", "Delivered", "Read", "Failed"].iter().any(|word| name.contains(word)))
        .map(|name| name.trim_start_matches("verbatim.conversation.").to_owned())
        .collect();
    let forward = ["MessageDispatched.v1", "MessageDelivered.v1", "MessageRead.v1"];
    let mut expected = forward.iter();
    for report in &reports {
        assert!(expected.any(|word| word == report), "a status moved backward: {reports:?}");
    }
    assert_eq!(reports.last().map(String::as_str), Some("MessageRead.v1"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_wrong_signature_is_refused_and_nothing_is_written() {
    let folder = tempfile::tempdir().unwrap();
    let program = Program::serve(&folder.path().join("data")).await;
    let account = program.account();
    let whatsapp = account.whatsapp("http://127.0.0.1:9").await;
    let body = webhook(&[text_message("1", "wamid.1", "Hello")], &[]).to_string();
    let events = || async {
        account
            .admin
            .request(reqwest::Method::GET, "/v1/events?limit=1000")
            .header("Accept", "application/x-ndjson")
            .send()
            .await
            .unwrap()
            .text()
            .await
            .unwrap()
    };
    let before = events().await;
    let right = signature(body.as_bytes());
    let flipped = format!("{}{}", &right[..right.len() - 1], if right.ends_with('0') { '1' } else { '0' });
    for wrong in [flipped.as_str(), "sha256=", "sha256=zz", "sha1=00", ""] {
        let answer = whatsapp.post_signed(body.as_bytes(), wrong).await.unwrap();
        let (status, problem) = read(answer).await;
        assert_eq!(status, StatusCode::UNAUTHORIZED, "{wrong}: {problem}");
    }
    // The signature of another body.
    let other = whatsapp.post_signed(format!("{body} ").as_bytes(), &right).await.unwrap();
    assert_eq!(other.status(), StatusCode::UNAUTHORIZED);
    assert_eq!(events().await, before);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_unreadable_webhook_is_kept_and_listed() {
    let folder = tempfile::tempdir().unwrap();
    let program = Program::serve(&folder.path().join("data")).await;
    let account = program.account();
    let whatsapp = account.whatsapp("http://127.0.0.1:9").await;
    let body = b"{\"object\": \"whatsapp_business_account\", \"entry\": [oops";
    for _ in 0..2 {
        let answer = whatsapp.post_signed(body, &signature(body)).await.unwrap();
        assert_eq!(answer.status(), StatusCode::OK);
    }
    // A malformed element does not affect the valid element beside it.
    let mut half = webhook(&[text_message("1", "wamid.1", "Hello")], &[]);
    half["entry"][0]["changes"][0]["value"]["messages"].as_array_mut().unwrap().push(json!({ "type": 7 }));
    whatsapp.post_ok(&half).await;
    let ana = account.person("agent", "Ana");
    conversation_of(&ana, "1").await;
    let listed = account
        .admin
        .get_until("/v1/webhook-rejections", |a| a["data"].as_array().is_some_and(|d| d.len() >= 2))
        .await;
    let kept: Vec<_> = listed["data"].as_array().unwrap().iter().collect();
    assert_eq!(kept.len(), 2, "{listed:#}");
    assert!(kept.iter().any(|row| row["body"].as_str().is_some_and(|text| text.contains("[oops"))));
    let (refused, _) = ana.try_get("/v1/webhook-rejections").await;
    assert_eq!(refused, StatusCode::FORBIDDEN);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_handshake_echoes_only_with_the_verify_token() {
    let folder = tempfile::tempdir().unwrap();
    let program = Program::serve(&folder.path().join("data")).await;
    let account = program.account();
    let whatsapp = account.whatsapp("http://127.0.0.1:9").await;
    let ask = |token: &str| {
        program
            .get(&whatsapp.path())
            .query(&[("hub.mode", "subscribe"), ("hub.verify_token", token), ("hub.challenge", "1158201444")])
            .send()
    };
    let right = ask(VERIFY_TOKEN).await.unwrap();
    assert_eq!(right.status(), StatusCode::OK);
    assert_eq!(right.text().await.unwrap(), "1158201444");
    assert_eq!(ask(APP_SECRET).await.unwrap().status(), StatusCode::UNAUTHORIZED);
}

#[tokio::test(flavor = "multi_thread")]
async fn every_entry_and_change_of_a_batch_is_processed() {
    let folder = tempfile::tempdir().unwrap();
    let program = Program::serve(&folder.path().join("data")).await;
    let account = program.account();
    let whatsapp = account.whatsapp("http://127.0.0.1:9").await;
    let mut batch = webhook(&[text_message("1", "wamid.1", "a"), text_message("2", "wamid.2", "b")], &[]);
    let second = webhook(&[text_message("3", "wamid.3", "c")], &[status("wamid.x", "sent", "9", None)]);
    batch["entry"].as_array_mut().unwrap().extend(second["entry"].as_array().unwrap().clone());
    let third = webhook(&[text_message("1", "wamid.4", "d")], &[]);
    batch["entry"][0]["changes"]
        .as_array_mut()
        .unwrap()
        .extend(third["entry"][0]["changes"].as_array().unwrap().clone());
    whatsapp.post_ok(&batch).await;
    let ana = account.person("agent", "Ana");
    let inbox = ana
        .get_until("/v1/conversations", |a| {
            let rows = a["data"].as_array();
            rows.is_some_and(|rows| {
                rows.len() == 3
                    && rows.iter().map(|row| row["message_count"].as_u64().unwrap_or(0)).sum::<u64>() == 4
            })
        })
        .await;
    assert_eq!(inbox["data"].as_array().unwrap().len(), 3);
}

/// One bad character or number costs itself, and not the message or the messages beside it.
#[tokio::test(flavor = "multi_thread")]
async fn what_can_be_read_of_a_message_is_shown_and_the_rest_is_kept_as_it_came() {
    let folder = tempfile::tempdir().unwrap();
    let program = Program::serve(&folder.path().join("data")).await;
    let account = program.account();
    let whatsapp = account.whatsapp("http://127.0.0.1:9").await;
    let (ana, admin) = (account.person("agent", "Ana"), &account.admin);
    for (phone, placed, bytes, shown) in [
        ("251911000001", "PLACE", &br"late \ud83d"[..], "late \u{fffd}"),
        ("251911000002", "PLACE", b"caf\xe9", "caf\u{fffd}"),
        ("251911000003", "PLACE", br"one\u0000two", "one\u{fffd}two"),
    ] {
        let message = text_message(phone, &format!("wamid.{phone}"), placed);
        let body = webhook(
            &[message, text_message(&format!("{phone}9"), &format!("wamid.{phone}9"), "Beside")],
            &[],
        );
        let body = body.to_string();
        let (before, after) = body.split_once(placed).unwrap();
        let body = [before.as_bytes(), bytes, after.as_bytes()].concat();
        let answer = whatsapp.post_signed(&body, &signature(&body)).await.unwrap();
        assert_eq!(answer.status(), StatusCode::OK);
        let id = conversation_of(&ana, phone).await;
        let messages = ana.get(&format!("/v1/conversations/{id}/messages")).await;
        let content = messages["data"][0]["content"].as_str().unwrap();
        assert_eq!(content, shown, "{messages}");
        conversation_of(&ana, &format!("{phone}9")).await;
    }

    // A body that is no webhook is kept byte for byte.
    let body = b"{\"object\":\"whatsapp_business_account\",\"note\":\"caf\xe9\"}";
    assert_eq!(whatsapp.post_signed(body, &signature(body)).await.unwrap().status(), StatusCode::OK);
    let rejected = admin
        .get_until("/v1/webhook-rejections", |answer| {
            answer["data"].as_array().is_some_and(|all| !all.is_empty())
        })
        .await;
    let kept = BASE64_STANDARD.decode(rejected["data"][0]["body_base64"].as_str().unwrap()).unwrap();
    assert_eq!(kept, body);
}
