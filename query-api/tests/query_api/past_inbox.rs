//! The inbox as of any moment is the one that was seen then.

use crate::answers::{Fixture, fixture};
use crate::scenario::Scenario;
use axum::http::StatusCode;
use event_schemas::Timestamp;
use event_store::Filter;
use serde_json::Value;

/// Lists of different filters and orders.
const LISTS: [&str; 7] = [
    "sort=last_message_at:desc",
    "sort=created_at:asc&status=open,pending",
    "sort=priority:desc&status=open",
    "sort=unanswered_since:asc",
    "sort=sla_due_at:desc&status=resolved",
    "assignee_id=me",
    "assignee_id=none&priority=high&sort=created_at:desc",
];

/// The inbox when the log ended at a position, list by list.
struct Seen {
    position: String,
    /// When its last event occurred.
    time: Timestamp,
    lists: Vec<Vec<Value>>,
}

/// The contact is told as it is known now.
fn without_contact(mut rows: Vec<Value>) -> Vec<Value> {
    for row in &mut rows {
        row.as_object_mut().unwrap().remove("contact_id");
    }
    rows
}

async fn lists(fixture: &Fixture, as_of: &str) -> Vec<Vec<Value>> {
    let (agent, mut seen) = (fixture.agent(), Vec::new());
    for list in LISTS {
        let rows = fixture.all(&agent, &format!("/v1/conversations?limit=7&{list}{as_of}")).await;
        seen.push(without_contact(rows));
    }
    seen
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_inbox_as_of_any_moment_equals_the_one_that_was_seen_then() {
    let mut fixture = fixture(31, 200).await;
    let mut scenario = Scenario::new(31);
    std::mem::swap(&mut scenario, &mut fixture.scenario);
    (fixture.scenario.agents, fixture.scenario.accounts) =
        (scenario.agents.clone(), scenario.accounts.clone());
    let mut seen = Vec::new();
    for _ in 0..40 {
        scenario.run(15).write(&*fixture.store).await;
        let end = fixture.store.end().await.unwrap().unwrap();
        let last = fixture.store.event_at(end).await.unwrap().unwrap();
        let wait = [("verbatim-after", end.to_string())];
        let wait = wait.each_ref().map(|(name, value)| (*name, value.as_str()));
        fixture.ask_with(&fixture.agent(), "/v1/conversations?limit=1", &wait).await.expect_ok();
        let lists = lists(&fixture, "").await;
        seen.push(Seen { position: end.to_string(), time: last.metadata.occurred_at, lists });
    }
    let (mut rows, mut differ) = (0, 0);
    for (index, then) in seen.iter().enumerate() {
        let by_position = lists(&fixture, &format!("&as_of={}", then.position)).await;
        assert_eq!(by_position, then.lists, "as of {}", then.position);
        // Several appends may be of the same time: the last of them is meant.
        if seen.get(index + 1).is_none_or(|next| next.time > then.time) {
            let by_time = lists(&fixture, &format!("&as_of={}", then.time)).await;
            let is_whole = time_is_whole(&fixture, then).await;
            assert!(!is_whole || by_time == then.lists, "as of {}", then.time);
        }
        rows += then.lists.iter().map(Vec::len).sum::<usize>();
        differ += usize::from(seen.last().unwrap().lists != then.lists);
    }
    assert!(rows > 1_000 && differ > 30, "{rows} rows, {differ} moments differ from the end");
}

/// Whether all events until the position had occurred by its time, and none after it.
async fn time_is_whole(fixture: &Fixture, then: &Seen) -> bool {
    let (mut after, position) = (None, then.position.parse().unwrap());
    loop {
        let page = fixture.store.read_all(after, &Filter::all(), 1_000).await.unwrap();
        let agrees = page
            .events
            .iter()
            .all(|event| (event.position <= position) == (event.metadata.occurred_at <= then.time));
        after = page.through.or(after);
        if !agrees || page.at_end {
            return agrees;
        }
    }
}

#[tokio::test]
async fn a_moment_that_the_log_has_not_reached_is_refused() {
    let fixture = fixture(32, 50).await;
    let answer = fixture.ask(&fixture.agent(), "/v1/conversations?as_of=999999999").await;
    assert_eq!(answer.status, StatusCode::BAD_REQUEST, "{}", answer.text);
    assert_eq!(answer.json()["field"], "as_of", "{}", answer.text);
    let answer = fixture.ask(&fixture.agent(), "/v1/conversations?as_of=yesterday").await;
    assert_eq!(answer.status, StatusCode::BAD_REQUEST, "{}", answer.text);
    let before = fixture.all(&fixture.agent(), "/v1/conversations?as_of=2001-01-01T00:00:00Z").await;
    assert_eq!(before, Vec::<Value>::new());
}
