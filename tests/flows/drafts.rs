//! Drafts are kept on the server, for their author alone.

use crate::kill::whole_log;
use crate::program::{Person, Program, conversation_of, read};
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};

async fn put(person: &Person, path: &str, if_match: Option<&str>, body: &Value) -> (StatusCode, Value) {
    let mut request = person.request(Method::PUT, path).json(body);
    if let Some(tag) = if_match {
        request = request.header("If-Match", tag);
    }
    read(request.send().await.unwrap()).await
}

fn tag(draft: &Value) -> String {
    format!("\"{}\"", draft["version"])
}

#[tokio::test(flavor = "multi_thread")]
async fn a_draft_outlives_a_restart_is_its_authors_alone_and_is_in_no_log() {
    let folder = tempfile::tempdir().unwrap();
    let mut program = Program::serve(&folder.path().join("data")).await;
    let account = program.account();
    let whatsapp = account.whatsapp("http://127.0.0.1:9").await;
    let (ana, ben) = (account.person("agent", "Ana"), account.person("agent", "Ben"));
    let admin = account.admin.clone();
    let stranger = program.account().person("administrator", "Eva");
    whatsapp.customer_writes("1", "wamid.1", "Hello").await;
    let conversation = format!("/v1/conversations/{}", conversation_of(&ana, "1").await);
    let path = format!("{conversation}/draft");
    let secret = "What I think of this customer";

    assert_eq!(ana.try_get(&path).await.0, StatusCode::NOT_FOUND);
    let draft = json!({ "content": secret, "is_private": true, "seen": "cursor" });
    let (status, first) = put(&ana, &path, None, &draft).await;
    assert_eq!((status, &first["content"]), (StatusCode::OK, &json!(secret)));
    program.kill().await;
    program.restart().await;
    let answer = ana.request(Method::GET, &path).send().await.unwrap();
    assert_eq!(answer.headers()["ETag"], tag(&first).as_str());
    assert_eq!(answer.json::<Value>().await.unwrap(), first);
    let list = ana.get("/v1/drafts").await;
    assert_eq!(list["data"][0]["preview"], secret);

    // A colleague has a draft of their own, and another account has not even the conversation.
    assert_eq!(ben.try_get(&path).await.0, StatusCode::NOT_FOUND);
    assert_eq!(ben.get("/v1/drafts").await["data"], json!([]));
    let (status, _) = put(&ben, &path, None, &json!({ "content": "Mine" })).await;
    assert_eq!(status, StatusCode::OK);
    assert_eq!(put(&stranger, &path, None, &draft).await.0, StatusCode::NOT_FOUND);
    assert_eq!(ana.get(&path).await, first);

    // The last writer wins, unless they say which version they have read.
    let (_, second) = put(&ana, &path, Some(&tag(&first)), &json!({ "content": "Dear Hanna" })).await;
    let (status, problem) = put(&ana, &path, Some(&tag(&first)), &json!({ "content": "Lost" })).await;
    assert_eq!(status, StatusCode::PRECONDITION_FAILED);
    assert_eq!(problem["current_version"], second["version"]);
    for (body, field) in [
        (json!({ "content": "" }), "content"),
        (json!({ "content": "x".repeat(65_537) }), "content"),
        (json!({ "content": "Hello", "seen": "x".repeat(201) }), "seen"),
    ] {
        let (status, problem) = put(&ana, &path, None, &body).await;
        assert_eq!((status, &problem["field"]), (StatusCode::UNPROCESSABLE_ENTITY, &json!(field)));
    }
    assert_eq!(ana.get(&path).await, second, "a refused draft changes nothing");
    ana.send_ok(Method::DELETE, &path, json!({})).await;
    ana.send_ok(Method::DELETE, &path, json!({})).await;
    assert_eq!(ana.get("/v1/drafts").await["data"], json!([]));

    let log = whole_log(&admin).await;
    assert!(!log.is_empty());
    for words in [secret, "Dear Hanna", "Mine"] {
        assert!(log.iter().all(|event| !event.to_string().contains(words)), "{words}");
        assert!(!program.log().contains(words), "{words}");
    }
}
