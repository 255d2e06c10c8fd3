//! The administration pages in Chromium against the real program.

use crate::browser::{Browser, has_browser};
use crate::program::{Program, signature};
use serde_json::{Value, json};

/// Posts a signed webhook of a channel of type `api`, whose secret is `APP_SECRET`.
async fn receive(program: &Program, channel: &str, messages: Value) {
    let body = messages.to_string();
    let signed = program
        .post(&format!("/v1/webhooks/api/{channel}"))
        .header("X-Verbatim-Signature-256", signature(body.as_bytes()));
    let answer = signed.body(body).send().await.unwrap();
    assert!(answer.status().is_success(), "{}", answer.text().await.unwrap());
}

#[tokio::test(flavor = "multi_thread")]
async fn an_account_is_set_up_on_the_pages_of_administration() {
    if !has_browser("administration in a browser") {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let program = Program::serve(&folder.path().join("data")).await;
    let account = program.account();
    let (ada, bea) = (account.person("administrator", "Ada"), account.person("administrator", "Bea"));
    let ana = account.person("agent", "Ana");
    account.admin.post("/v1/agents", json!({ "user_id": ana.user, "name": "Ana" })).await;

    let mut browser = Browser::start("admin.js", &[&program.base, &ada.token, &bea.token, &ana.token]);
    let mut channel = String::new();
    while let Some(wish) = browser.wish().await {
        match wish.rsplit_once(' ').unwrap_or((&wish, "")) {
            ("change the team", id) => {
                let change = json!({ "description": "By another program" });
                account.admin.patch(&format!("/v1/teams/{id}"), change).await;
            }
            ("a webhook that cannot be read", id) => {
                id.clone_into(&mut channel);
                receive(&program, id, json!({ "neither": "message" })).await;
            }
            ("a customer asks when the shop is", "open") => {
                let asked = json!([{ "id": "m1", "from": "4915", "content": "When are you open?" }]);
                receive(&program, &channel, asked).await;
            }
            ("a customer asks for a", "refund") => {
                let asked = json!([{ "id": "m0", "from": "4916", "content": "I want a refund" }]);
                receive(&program, &channel, asked).await;
            }
            ("done", "") => {}
            (other, of) => panic!("the pages' test wants {other} {of}"),
        }
        browser.granted().await;
    }
    browser.assert_done().await;
}
