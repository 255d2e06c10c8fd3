//! Many callers of one conversation at the same time: each is answered, none is told to try again.

use crate::program::{Program, conversation_of, text_message, webhook};
use futures::future::join_all;
use futures::stream::{self, StreamExt};
use reqwest::{Method, StatusCode};
use serde_json::json;
use test_engines::Postgres;

#[tokio::test(flavor = "multi_thread")]
async fn four_hundred_webhooks_of_one_contact_at_once_are_in_one_conversation_as_they_were_said() {
    let folder = tempfile::tempdir().unwrap();
    let program = Program::serve(&folder.path().join("data")).await;
    let account = program.account();
    let whatsapp = account.whatsapp("http://127.0.0.1:9").await;
    let ana = account.person("agent", "Ana");
    let now = event_schemas::Clock::System.now().as_micros() / 1_000_000;
    let bodies: Vec<_> = (0..400)
        .map(|number| {
            let mut message = text_message("1", &format!("wamid.{number}"), &number.to_string());
            message["timestamp"] = json!((now - 400 + number).to_string());
            webhook(&[message], &[])
        })
        .collect();
    for answer in join_all(bodies.iter().map(|body| whatsapp.post(body))).await {
        let answer = answer.unwrap();
        let status = answer.status();
        assert_eq!(status, StatusCode::OK, "{}", answer.text().await.unwrap());
    }
    let id = conversation_of(&ana, "1").await;
    let of_contact = "/v1/conversations?limit=200";
    let inbox = ana.get_until(of_contact, |a| a["data"][0]["message_count"] == 400).await;
    assert_eq!(inbox["data"].as_array().unwrap().len(), 1, "one conversation");
    assert_eq!(inbox["data"][0]["last_message_preview"], "399");
    let newest = ana.get(&format!("/v1/conversations/{id}/messages?limit=200")).await;
    let next = newest["next_cursor"].as_str().expect("400 messages are two pages");
    let older = ana.get(&format!("/v1/conversations/{id}/messages?limit=200&cursor={next}")).await;
    let words: Vec<_> = [&older, &newest]
        .into_iter()
        .flat_map(|page| page["data"].as_array().unwrap())
        .map(|message| message["content"].as_str().unwrap().to_owned())
        .collect();
    assert_eq!(words, (0..400).map(|number| number.to_string()).collect::<Vec<_>>());

    // Agents who write down something about it at the same time.
    let agents: Vec<_> = (0..64).map(|number| account.person("agent", &format!("Agent {number}"))).collect();
    let path = format!("/v1/conversations/{id}/messages");
    let note = json!({ "content": "Called back", "is_private": true });
    let notes = join_all(agents.iter().map(|agent| agent.send(Method::POST, &path, note.clone()))).await;
    for (status, answer) in notes {
        assert_eq!(status, StatusCode::CREATED, "{answer}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn two_processes_that_write_to_one_conversation_refuse_nothing() {
    let postgres = Postgres::start().await;
    let url = postgres.database().await;
    let engines = vec![("VERBATIM_EVENT_STORE", url.clone()), ("VERBATIM_READ_MODEL", url)];
    let folder = tempfile::tempdir().unwrap();
    let start = |name: &str| {
        Program::spawn_on(engines.clone(), "command-api", &folder.path().join(name), &["--rate-limit", "0"])
    };
    let nodes = [start("one"), start("two")];
    for node in &nodes {
        node.until_ready().await;
    }
    let account = nodes[0].account();
    let whatsapp = account.whatsapp("http://127.0.0.1:9").await;
    let at_other = whatsapp.at(&nodes[1]);
    whatsapp.customer_writes("1", "wamid.first", "Hello").await;
    let writes = if std::env::var_os("VERBATIM_LONG_FAULTS").is_some() { 100_000 } else { 2_000 };
    let answers = stream::iter(0..writes).map(|number| {
        let to = if number % 2 == 0 { &whatsapp } else { &at_other };
        let body = webhook(&[text_message("1", &format!("wamid.{number}"), "And another thing")], &[]);
        async move { to.post(&body).await.unwrap().status() }
    });
    let refused: Vec<_> =
        answers.buffer_unordered(32).filter(|status| futures::future::ready(*status != 200)).collect().await;
    assert_eq!(refused, Vec::<StatusCode>::new());
}
