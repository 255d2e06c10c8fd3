//! The audit of an account: who changed what, when and from where.

use crate::people::{Browser, open_account, serve};
use crate::program::{Program, http};
use reqwest::{Method, StatusCode, header};
use serde_json::{Value, json};

/// The newest entries, once the tables have this command.
async fn entries(browser: &Browser, after: &Value, query: &str) -> Vec<Value> {
    let request = browser.request(Method::GET, &format!("/v1/audit{query}"));
    let request = request.header("Verbatim-After", after["position"].as_str().unwrap());
    let answer = request.send().await.unwrap();
    assert_eq!(answer.status(), StatusCode::OK);
    assert!(answer.headers().contains_key("Verbatim-Position"));
    answer.json::<Value>().await.unwrap()["data"].as_array().unwrap().clone()
}

async fn created(browser: &Browser, path: &str, body: Value) -> Value {
    let answer = browser.post(path, body).await;
    assert_eq!(answer.status, 201, "{}", answer.body);
    answer.body
}

async fn changed(browser: &Browser, method: Method, path: &str, body: Value) -> Value {
    let answer = browser.send(method, path, body).await;
    assert_eq!(answer.status, 200, "{}", answer.body);
    answer.body
}

fn path_of(kind: &str, item: &Value) -> String {
    format!("/v1/{kind}/{}", item["id"].as_str().unwrap())
}

#[tokio::test(flavor = "multi_thread")]
async fn each_act_has_its_actor_its_credential_and_the_fields_before_and_after() {
    let folder = tempfile::tempdir().unwrap();
    let program = serve(folder.path()).await;
    let ada = open_account(&program, "Acme", "ada@example.com").await;
    let session = ada.get("/v1/session").await.body;
    let team = created(&ada, "/v1/teams", json!({ "name": "Billing" })).await;
    let team_path = path_of("teams", &team);
    let renamed = changed(&ada, Method::PATCH, &team_path, json!({ "name": "Invoices" })).await;
    let listed = entries(&ada, &renamed, "?kind=teams").await;
    let [second, first] = listed.as_slice() else { panic!("{listed:?}") };
    assert_eq!(first["action"], "created");
    assert_eq!(second["action"], "changed");
    assert_eq!(second["changes"], json!([{ "field": "name", "before": "Billing", "after": "Invoices" }]));
    assert_eq!((&second["item_id"], &second["item_name"]), (&team["id"], &json!("Invoices")));
    assert_eq!((&second["actor_id"], &second["actor_type"]), (&session["user_id"], &json!("user")));
    let credential = (&second["credential_type"], &second["credential_id"]);
    assert_eq!(credential, (&json!("session"), &session["session_id"]));

    // A key: its making, what is done with it, its end.
    let key = created(&ada, "/v1/api-keys", json!({ "name": "Import", "role": "administrator" })).await;
    let token = key["token"].as_str().unwrap();
    let delete = http().delete(format!("{}{team_path}", program.base)).bearer_auth(token);
    let removed: Value = delete.send().await.unwrap().json().await.unwrap();
    let listed = entries(&ada, &removed, "?kind=teams&limit=1").await;
    assert_eq!(listed[0]["action"], "removed");
    let name = json!({ "field": "name", "before": "Invoices", "after": null });
    assert!(listed[0]["changes"].as_array().unwrap().contains(&name), "{listed:?}");
    assert_eq!((&listed[0]["actor_type"], &listed[0]["actor_name"]), (&json!("service"), &json!("Import")));
    let credential = (&listed[0]["credential_type"], &listed[0]["credential_id"]);
    assert_eq!(credential, (&json!("api_key"), &key["id"]));
    let revoked = changed(&ada, Method::DELETE, &path_of("api-keys", &key), Value::Null).await;
    let keys = entries(&ada, &revoked, "?kind=api_keys").await;
    let actions: Vec<_> = keys.iter().map(|entry| entry["action"].as_str().unwrap()).collect();
    assert_eq!(actions, ["removed", "created"]);
    assert!(!json!(keys).to_string().contains("hash"), "{keys:?}");

    // People: invited, joined, another role, removed.
    let (ana_id, ana) = ada.invite(&program, "ana@example.com", "agent").await;
    let path = format!("/v1/people/{ana_id}");
    changed(&ada, Method::PATCH, &path, json!({ "role": "supervisor" })).await;
    let gone = changed(&ada, Method::DELETE, &path, Value::Null).await;
    let acts = entries(&ada, &gone, &format!("?kind=people&item_id={ana_id}")).await;
    let types: Vec<_> = acts.iter().map(|entry| entry["event_type"].as_str().unwrap()).collect();
    assert_eq!(types, ["PersonRemoved", "RoleGiven", "PersonJoined", "PersonInvited"]);
    assert_eq!(acts[1]["changes"], json!([{ "field": "role", "before": "agent", "after": "supervisor" }]));
    drop(ana);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_credential_that_changed_is_in_the_audit_and_its_text_is_not() {
    let folder = tempfile::tempdir().unwrap();
    let program = serve(folder.path()).await;
    let ada = open_account(&program, "Acme", "ada@example.com").await;
    let credentials = |secret: &str| {
        json!({
            "phone_number_id": "1", "access_token": "the-first-token", "app_secret": secret, "verify_token": "v",
        })
    };
    let channel = json!({
        "name": "Shop", "channel_type": "whatsapp", "credentials": credentials("a-secret-of-the-shop"),
    });
    let channel = created(&ada, "/v1/channels", channel).await;
    let path = path_of("channels", &channel);
    let renamed = changed(&ada, Method::PATCH, &path, json!({ "name": "Store" })).await;
    let listed = entries(&ada, &renamed, "?kind=channels&limit=1").await;
    assert_eq!(listed[0]["changes"], json!([{ "field": "name", "before": "Shop", "after": "Store" }]));
    let other = json!({ "credentials": credentials("another-secret-of-it") });
    let other = changed(&ada, Method::PATCH, &path, other).await;
    let listed = entries(&ada, &other, "?kind=channels").await;
    let hidden = json!([{ "field": "credentials.app_secret", "before": "***", "after": "***" }]);
    assert_eq!(listed[0]["changes"], hidden);
    let all = json!(listed).to_string();
    for secret in ["the-first-token", "secret-of", "sealed:"] {
        assert!(!all.contains(secret), "{all}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_audit_is_filtered_paged_and_exported_whole() {
    let folder = tempfile::tempdir().unwrap();
    let program = serve(folder.path()).await;
    let ada = open_account(&program, "Acme", "ada@example.com").await;
    let (_, bea) = ada.invite(&program, "bea@example.com", "administrator").await;
    let bea_id = bea.get("/v1/session").await.body["user_id"].clone();
    let mut last = Value::Null;
    for number in 0..250 {
        let browser = if number % 2 == 0 { &ada } else { &bea };
        last = created(browser, "/v1/teams", json!({ "name": format!("=Team {number}") })).await;
    }
    let mut names = Vec::new();
    let mut cursor = String::new();
    loop {
        let path = format!("/v1/audit?kind=teams&limit=60{cursor}");
        let request =
            ada.request(Method::GET, &path).header("Verbatim-After", last["position"].as_str().unwrap());
        let page: Value = request.send().await.unwrap().json().await.unwrap();
        let entries = page["data"].as_array().unwrap();
        names.extend(entries.iter().map(|entry| entry["item_name"].as_str().unwrap().to_owned()));
        match page["next_cursor"].as_str() {
            Some(next) => cursor = format!("&cursor={next}"),
            None => break,
        }
    }
    let expected: Vec<_> = (0..250).rev().map(|number| format!("=Team {number}")).collect();
    assert_eq!(names, expected);

    let export = async |accept: &str, query: &str| {
        let request = ada.request(Method::GET, &format!("/v1/audit{query}")).header(header::ACCEPT, accept);
        let answer = request.send().await.unwrap();
        assert_eq!(answer.status(), StatusCode::OK);
        assert!(answer.headers()[header::CONTENT_TYPE].to_str().unwrap().starts_with(accept));
        answer.text().await.unwrap()
    };
    let lines = export("application/x-ndjson", "?kind=teams").await;
    let lines: Vec<Value> = lines.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let exported: Vec<_> = lines.iter().map(|entry| entry["item_name"].as_str().unwrap()).collect();
    assert_eq!(exported, expected);
    let by_bea = export("text/csv", &format!("?kind=teams&actor_id={}", bea_id.as_str().unwrap())).await;
    let mut read = csv::Reader::from_reader(by_bea.as_bytes());
    let rows: Vec<_> = read.records().map(Result::unwrap).collect();
    assert_eq!(rows.len(), 125);
    assert_eq!(&rows[0][10], "'=Team 249", "a name is no formula");
    // Times: what began at the hundredth entry, and what was before it.
    let at = lines[100]["at"].as_str().unwrap();
    let since = export("application/x-ndjson", &format!("?kind=teams&from={at}")).await;
    let before = export("application/x-ndjson", &format!("?kind=teams&to={at}")).await;
    assert_eq!(since.lines().count() + before.lines().count(), 250);
    assert!(since.contains(lines[100]["id"].as_str().unwrap()));
    for (query, field) in
        [("?kind=everything", "kind"), ("?from=yesterday", "from"), ("?actor_id=1", "actor_id")]
    {
        let refused = ada.get(&format!("/v1/audit{query}")).await;
        assert_eq!((refused.problem(), &refused.body["field"]), ((400, "unreadable"), &json!(field)));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn supervisors_read_the_audit_of_their_account_and_agents_do_not() {
    let folder = tempfile::tempdir().unwrap();
    let program = Program::serve(&folder.path().join("data")).await;
    let ada = open_account(&program, "Acme", "ada@example.com").await;
    let (_, sue) = ada.invite(&program, "sue@example.com", "supervisor").await;
    let (_, ana) = ada.invite(&program, "ana@example.com", "agent").await;
    let eve = open_account(&program, "Globex", "eve@example.com").await;
    let team = created(&ada, "/v1/teams", json!({ "name": "Billing" })).await;
    assert_eq!(entries(&sue, &team, "?kind=teams").await.len(), 1);
    assert_eq!(entries(&eve, &team, "?kind=teams").await, Vec::<Value>::new());
    let elsewhere = format!("?item_id={}", team["id"].as_str().unwrap());
    assert_eq!(entries(&eve, &team, &elsewhere).await, Vec::<Value>::new());
    assert_eq!(ana.get("/v1/audit").await.problem(), (403, "forbidden"));
}
