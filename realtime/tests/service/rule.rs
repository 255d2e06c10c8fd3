//! The client's rule (`docs/realtime.md`): rows that were fetched at any moment, and then the pushes in any order and
//! any number of times, end as a fresh fetch shows them.

use crate::raw_socket::{DEADLINE, Pushed};
use crate::{ACCOUNT, Service};
use event_schemas::ConversationId;
use projections::queries::conversations;
use proptest::prelude::*;
use proptest::sample::Index;
use proptest::test_runner::{Config, TestRunner};
use serde_json::Value;
use std::collections::BTreeMap;

/// The rows that a client shows, by their ids.
type Shown = BTreeMap<String, Value>;

/// The rows of the tables after each step, and all pushes of them.
struct Story {
    fetched: Vec<Shown>,
    pushes: Vec<Value>,
}

async fn fetch(service: &Service, ids: &[ConversationId]) -> Shown {
    let end = service.store.end().await.unwrap().unwrap();
    service.tables.wait_for(end, DEADLINE).await.unwrap();
    let db = service.tables.db().unwrap();
    let rows = conversations::pushed_rows(db.readers(), ids).await.unwrap();
    rows.into_iter().map(|(id, row)| (id.to_string(), serde_json::from_str(&row.json).unwrap())).collect()
}

/// Conversations are opened, and their customers write.
async fn story(service: &Service) -> Story {
    const STEPS: usize = 40;
    let mut client = service.agent().await;
    let (mut ids, mut fetched) = (Vec::new(), Vec::new());
    for step in 0..STEPS {
        if step % 8 == 0 {
            ids.push(service.open_conversation(ACCOUNT, &step.to_string()).await);
        }
        let texts = (0..=step % 3).map(|number| format!("{step} {number}")).collect();
        service.write(ACCOUNT, ids[step * 7 % ids.len()], texts).await;
        fetched.push(fetch(service, &ids).await);
    }
    let last = service.open_conversation(ACCOUNT, "last").await;
    ids.push(last);
    fetched.push(fetch(service, &ids).await);
    let mut pushes: Vec<Value> = Vec::new();
    while pushes.last().is_none_or(|row| row["contact_identifier"] != "last") {
        let Pushed { name, mut object, .. } = client.pushed().await.unwrap();
        if name == "conversation:new" || name == "conversation:updated" {
            // It is the connection's, and no field of the row.
            object.as_object_mut().unwrap().shift_remove("prev");
            pushes.push(object);
        }
    }
    Story { fetched, pushes }
}

/// Step 3 of the rule.
fn apply(shown: &mut Shown, push: &Value) {
    let id = push["id"].as_str().unwrap();
    let before = shown.get(id).and_then(|row| row["version"].as_u64());
    if before < push["version"].as_u64() {
        shown.insert(id.to_owned(), push.clone());
    }
}

#[test]
fn pushes_in_any_order_and_number_lead_to_what_a_fresh_fetch_shows() {
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let service = runtime.block_on(Service::start());
    let Story { fetched, pushes } = runtime.block_on(story(&service));
    assert!(pushes.len() > 20, "{}", pushes.len());
    let fresh = fetched.last().unwrap();
    // A client that is cut off fetches at another moment, and gets pushes again that it had.
    let again = prop::collection::vec(any::<Index>(), 0..40);
    let order = Just((0..pushes.len()).collect::<Vec<_>>()).prop_shuffle();
    let config = Config { cases: 500, failure_persistence: None, ..Config::default() };
    let all = TestRunner::new(config).run(&(any::<Index>(), again, order), |(moment, again, order)| {
        let mut shown = moment.get(&fetched).clone();
        for index in again {
            apply(&mut shown, index.get(&pushes));
        }
        for index in order {
            apply(&mut shown, &pushes[index]);
        }
        prop_assert_eq!(&shown, fresh);
        Ok(())
    });
    all.unwrap();
}
