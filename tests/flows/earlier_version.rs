//! A log that an earlier version wrote, exported by it, is read under today's names.
//!
//! The people in it are invented. It holds every event and field that was renamed since: `PlaceTaken`,
//! `PlaceFreed`, `OfferLapsed`, `waiting_since`, `in_spite_of`, `silent_since` and the cause `silence`.

use crate::kill::whole_log;
use crate::program::{Account, Person, Program, run};
use reqwest::Method;
use serde_json::{Value, json};
use std::collections::BTreeSet;

const LOG: &str = include_str!("../data/log-of-an-earlier-version.ndjson");
const ACCOUNT: &str = "a0000000-0000-4000-8000-000000000001";
const ANA: &str = "b0000000-0000-4000-8000-000000000003";

/// The conversations of the log, by their customers.
const RESOLVED: &str = "ba5e2b4b-e329-52f3-b945-8744909b97d2";
const ASSIGNED: &str = "be0d208d-6b9e-5836-a7f8-dc05178a06c7";
const FORCED: &str = "b4acc63e-891d-5388-86d2-f909b8bdc328";
const QUEUED: &str = "2efb3667-9262-50e6-8c77-323df62a4fca";
const EXPIRED: &str = "7bc41b4b-641f-545f-9309-77f25831ee00";

/// The stored fields of each event without its position, which each log assigns itself.
/// Without the event by which an import says that the log was moved.
fn stored(log: &str) -> Vec<Value> {
    let event = |line: &str| {
        let mut event: Value = serde_json::from_str(line).unwrap();
        event.as_object_mut().unwrap().remove("position");
        event
    };
    log.lines().map(event).filter(|event| event["type"] != "LogMoved").collect()
}

/// `Assigned` of `verbatim.conversation.Assigned.v3`, with its version.
fn kind(event: &Value) -> String {
    event["type"].as_str().unwrap().splitn(3, '.').nth(2).unwrap().to_owned()
}

fn of_kind<'e>(events: &'e [Value], name: &str) -> Vec<&'e Value> {
    events.iter().filter(|event| kind(event) == name).map(|event| &event["data"]).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_log_of_an_earlier_version_is_read_under_todays_names() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("data");
    let file = folder.path().join("log.ndjson").display().to_string();
    std::fs::write(&file, LOG).unwrap();
    let (imported, said) = run(&data, &["import", "--input", &file]).await;
    assert!(imported, "{said}");
    let mut program = Program::serve(&data).await;
    let account = Account::new(&program, ACCOUNT);
    let admin = &account.admin;

    // The read models hold the conversations.
    let listed = |answer: &Value| answer["data"].as_array().map_or(0, Vec::len);
    let inbox = admin.get_until("/v1/conversations?limit=50", |answer| listed(answer) == 5).await;
    let row = |id: &str| inbox["data"].as_array().unwrap().iter().find(|row| row["id"] == id).unwrap();
    let statuses = [RESOLVED, ASSIGNED, FORCED, QUEUED, EXPIRED].map(|id| row(id)["status"].clone());
    assert_eq!(
        statuses.map(|status| status.as_str().unwrap().to_owned()),
        ["resolved", "assigned", "assigned", "open", "closed"]
    );
    assert_eq!(row(QUEUED)["unanswered_since"], row(QUEUED)["created_at"]);
    let queue = admin.get("/v1/queue").await;
    assert_eq!(listed(&queue), 1, "{queue}");
    assert_eq!(queue["data"][0]["conversation_id"], QUEUED);
    assert_eq!(queue["data"][0]["queued_since"], row(QUEUED)["created_at"]);
    let assignments = admin.get(&format!("/v1/conversations/{FORCED}/assignments")).await;
    assert_eq!(assignments["data"][0]["overridden"], "unavailable");
    let ana = admin.get(&format!("/v1/agent-preferences/{ANA}")).await;
    assert_eq!((&ana["active_conversations"], &ana["presence"]), (&json!(2), &json!("offline")));

    // The histories and the log show today's names and fields.
    let log = whole_log(admin).await;
    let kinds: BTreeSet<_> = log.iter().map(kind).collect();
    for former in
        ["PlaceTaken", "PlaceFreed", "OfferLapsed", "Assigned.v2", "Queued.v1", "Offered.v1", "WentAway.v1"]
    {
        assert!(!kinds.iter().any(|kind| kind.starts_with(former)), "{former}: {kinds:?}");
    }
    assert_eq!(of_kind(&log, "CapacityReserved.v2").len(), 3);
    assert_eq!(of_kind(&log, "CapacityReserved.v2")[2]["overridden"], "unavailable");
    assert_eq!(of_kind(&log, "CapacityReleased.v2").len(), 1);
    assert_eq!(of_kind(&log, "WentAway.v2")[0]["cause"], "inactivity");
    assert_eq!(of_kind(&log, "WentOffline.v2")[0]["cause"], "inactivity");
    assert!(of_kind(&log, "AutomationRan.v2").iter().all(|ran| ran["unanswered_since"].is_string()));
    assert!(of_kind(&log, "Queued.v2").iter().all(|queued| queued["queued_since"].is_string()));
    let history = admin.get(&format!("/v1/conversations/{RESOLVED}/events")).await;
    let history = history["data"].as_array().unwrap();
    assert!(of_kind(history, "Offered.v2").iter().all(|offered| offered["queued_since"].is_string()));
    assert_eq!(of_kind(history, "OfferExpired.v2").len(), 2);
    let history = admin.get(&format!("/v1/conversations/{EXPIRED}/events")).await;
    let history = history["data"].as_array().unwrap();
    assert!(of_kind(history, "Expired.v2")[0]["inactive_since"].is_string());

    // A filter by today's names finds what was stored under the former ones.
    let wanted = "/v1/events?types=CapacityReserved,CapacityReleased,OfferExpired";
    let found = admin.get(wanted).await;
    let found: Vec<Value> =
        found.as_str().unwrap().lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!(found.len(), 6, "{found:?}");

    // Nothing is done again, and nothing that was stored is changed.
    assert_eq!(program.stop().await.code(), Some(0));
    let (exported, said) = run(&data, &["export", "--with-secrets", "--output", &file]).await;
    assert!(exported, "{said}");
    assert_eq!(stored(&std::fs::read_to_string(&file).unwrap()), stored(LOG));
    let (equal, said) = run(&data, &["verify"]).await;
    assert!(equal, "{said}");
}

const ACME: &str = ACCOUNT;
const GLOBEX: &str = "a0000000-0000-4000-8000-000000000002";

/// The log of a person in two accounts whose events do not say in which of them they happened, one line for each event:
/// the account that caused it, its type, the version of its schema, and its data.
fn log_of_one_person(events: &[(&str, &str, u64, Value)]) -> String {
    let line = |(version, (account, name, schema, data)): (usize, &(&str, &str, u64, Value))| {
        let mut data = data.clone();
        data["user_id"] = json!(ANA);
        let id = format!("e0000000-0000-4000-8000-{version:012}");
        let at = format!("2026-11-26T11:49:{version:02}.000000Z");
        let metadata = json!({
            "account_id": account,
            "actor": { "type": "user", "id": ANA, "name": "Ana Example" },
            "correlation_id": id,
            "occurred_at": at,
        });
        let event = json!({
            "position": (version + 1).to_string(),
            "stream": format!("agent-{ANA}"),
            "version": version,
            "id": id,
            "type": name,
            "schema_version": schema,
            "recorded_at": at,
            "metadata": metadata,
            "data": data,
        });
        format!("{event}\n")
    };
    events.iter().enumerate().map(line).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn what_an_earlier_version_stored_of_a_person_counts_in_the_account_that_caused_it() {
    let named = |account: &str| json!({ "account_id": account, "name": "Ana Example" });
    let prefers = |most: u32| {
        json!({ "preferences": {
            "available_channels": [],
            "available_topics": [],
            "leave": [],
            "languages": [],
            "max_concurrent_conversations": most,
            "is_available": true,
            "auto_accept": false,
            "notification_preferences": { "sound": true, "desktop": true, "email_on_assignment": false },
        } })
    };
    let log = log_of_one_person(&[
        (ACME, "AgentRegistered", 1, named(ACME)),
        (GLOBEX, "AgentRegistered", 1, named(GLOBEX)),
        (ACME, "PreferencesChanged", 2, prefers(2)),
        (GLOBEX, "PreferencesChanged", 2, prefers(5)),
        (ACME, "WentOnline", 1, json!({ "until": "2999-01-01T00:00:00.000000Z" })),
        (GLOBEX, "WentAway", 1, json!({ "cause": "chosen" })),
        (ACME, "PreferencesChanged", 2, prefers(3)),
    ]);
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("data");
    let file = folder.path().join("log.ndjson").display().to_string();
    std::fs::write(&file, log).unwrap();
    let (imported, said) = run(&data, &["import", "--input", &file]).await;
    assert!(imported, "{said}");
    let mut program = Program::serve(&data).await;
    let (acme, globex) = (Account::new(&program, ACME).admin, Account::new(&program, GLOBEX).admin);
    let path = format!("/v1/agent-preferences/{ANA}");
    let shown = async |admin: &Person| {
        let answer = admin.get(&path).await;
        let number = |name: &str| answer[name].as_u64().unwrap_or_default();
        let presence = answer["presence"].as_str().unwrap_or_default().to_owned();
        (number("max_concurrent_conversations"), presence, number("version"))
    };
    assert_eq!(shown(&acme).await, (3, "online".to_owned(), 2));
    assert_eq!(shown(&globex).await, (5, "away".to_owned(), 1));

    // A command decides on the same state as the tables show, and its version is that of the account.
    let change = |version: u64| {
        let request = globex.request(Method::PATCH, &path).header("If-Match", format!("\"{version}\""));
        request.json(&json!({ "auto_accept": true })).send()
    };
    assert_eq!(change(3).await.unwrap().status(), 412);
    let changed = change(1).await.unwrap();
    assert_eq!((changed.status().as_u16(), changed.headers()["etag"].to_str().unwrap()), (200, "\"2\""));
    let position = changed.json::<Value>().await.unwrap()["position"].as_str().unwrap().to_owned();
    let there = acme.request(Method::GET, &path).header("Verbatim-After", position).send().await.unwrap();
    assert_eq!(there.headers()["etag"], "\"2\"");
    assert_eq!(shown(&globex).await, (5, "away".to_owned(), 2));

    assert_eq!(program.stop().await.code(), Some(0));
    let (equal, said) = run(&data, &["verify"]).await;
    assert!(equal, "{said}");
}
