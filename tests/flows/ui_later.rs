//! Replies that are taken back, or sent later, in the agents' inbox.

use crate::browser::{Browser, has_browser};
use crate::fake_whatsapp::FakeWhatsApp;
use crate::program::{Program, conversation_of};
use event_schemas::Clock;
use reqwest::Method;
use serde_json::json;
use std::time::Duration;

#[tokio::test(flavor = "multi_thread")]
async fn replies_are_taken_back_and_sent_later() {
    if !has_browser("replies that are sent later in a browser") {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let provider = FakeWhatsApp::start().await;
    let program = Program::serve(&folder.path().join("data")).await;
    let account = program.account();
    let whatsapp = account.whatsapp(&provider.base_url).await;
    let (ana, ben) = (account.person("agent", "Ana"), account.person("agent", "Ben"));
    whatsapp.customer_writes("4915", "wamid.1", "Where is my parcel?").await;
    whatsapp.customer_writes("4916", "wamid.2", "When can I have it?").await;
    let asking = format!("/v1/conversations/{}", conversation_of(&ana, "4916").await);
    account.admin.patch("/v1/account-settings", json!({ "undo_send_seconds": 60 })).await;

    let mut browser = Browser::start("later.js", &[&program.base, &ana.token, &ben.token]);
    while let Some(wish) = browser.wish().await {
        match wish.as_str() {
            "a second" => {
                account.admin.patch("/v1/account-settings", json!({ "undo_send_seconds": 1 })).await;
            }
            "not sent" => {
                let send_at = Clock::System.now() + Duration::from_secs(3600);
                let reply = json!({ "content": "Tomorrow you have it.", "send_at": send_at });
                ana.post(&format!("{asking}/messages"), reply).await;
                ana.send_ok(Method::DELETE, &asking, json!({})).await;
            }
            "done" => {}
            other => panic!("the pages' test wants {other}"),
        }
        browser.granted().await;
    }
    browser.assert_done().await;
    let texts: Vec<_> = provider.taken().iter().map(|taken| taken.text().to_owned()).collect();
    assert_eq!(texts, ["It is on its way.", "Thank you."]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_draft_is_there_in_another_browser_and_of_two_none_is_lost() {
    if !has_browser("drafts in two browsers") {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let provider = FakeWhatsApp::start().await;
    let program = Program::serve(&folder.path().join("data")).await;
    let account = program.account();
    let whatsapp = account.whatsapp(&provider.base_url).await;
    let ana = account.person("agent", "Ana");
    whatsapp.customer_writes("4915", "wamid.1", "Where is my parcel?").await;
    let mut browser = Browser::start("drafts.js", &[&program.base, &ana.token]);
    while browser.wish().await.is_some() {
        browser.granted().await;
    }
    browser.assert_done().await;
    let texts: Vec<_> = provider.taken().iter().map(|taken| taken.text().to_owned()).collect();
    assert_eq!(texts, ["Dear customer, we have found it."]);
}
