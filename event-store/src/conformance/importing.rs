//! Importing events of another log.

use super::Engine;
use super::samples::{ACCOUNT, event, everything, messages, stream};
use crate::{AppendError, Expected, Filter};
use event_schemas::{EventId, Position, Recorded, Timestamp, Version};

/// The events of another log: two streams, whose events alternate.
fn exported(count: u64) -> Vec<Recorded> {
    (0..count)
        .map(|number| {
            let event = event(EventId::from_u128(1 + u128::from(number)), ACCOUNT, "MessageReceived", "old");
            Recorded {
                position: Position::at(10 + number * 3),
                stream: stream(u128::from(number % 2)),
                version: Version(number / 2),
                id: event.id,
                event_type: event.event_type,
                schema_version: event.schema_version,
                recorded_at: Timestamp::from_secs(1_000 + number as i64),
                metadata: event.metadata,
                data: event.data,
            }
        })
        .collect()
}

/// The events without their positions, which each log assigns itself.
fn without_positions(mut events: Vec<Recorded>) -> Vec<Recorded> {
    for event in &mut events {
        event.position = Position::at(0);
    }
    events
}

pub async fn an_import_keeps_ids_versions_and_times(engine: &impl Engine) {
    let store = engine.open().await;
    let old = exported(2_000);
    let last = store.import(old.clone()).await.unwrap();
    assert_eq!(last, store.end().await.unwrap());
    assert_eq!(without_positions(everything(&*store, &Filter::all(), 1_000).await), without_positions(old));
    let next = store.append(&stream(0), Expected::Exact(Version(999)), messages(1)).await.unwrap();
    assert!(Some(next.position) > last);
    assert_eq!(store.import(Vec::new()).await.unwrap(), None);
    store.close().await;
}

pub async fn importing_twice_changes_nothing(engine: &impl Engine) {
    let store = engine.open().await;
    let old = exported(600);
    let half = store.import(old[..300].to_vec()).await.unwrap();
    let whole = store.import(old.clone()).await.unwrap();
    assert!(whole > half);
    let before = everything(&*store, &Filter::all(), 1_000).await;
    assert_eq!(store.import(old[..300].to_vec()).await.unwrap(), half);
    assert_eq!(store.import(old).await.unwrap(), whole);
    assert_eq!(everything(&*store, &Filter::all(), 1_000).await, before);
    store.close().await;
}

pub async fn an_import_with_a_gap_is_refused_as_a_whole(engine: &impl Engine) {
    let store = engine.open().await;
    let mut with_gap = exported(20);
    with_gap.remove(10);
    let refused = store.import(with_gap).await;
    match refused {
        Err(AppendError::Conflict { expected, actual, .. }) => {
            assert_eq!((expected, actual), (Expected::Exact(Version(5)), Some(Version(4))));
        }
        other => panic!("{other:?}"),
    }
    let mut reused_id = exported(20);
    reused_id[19].id = reused_id[0].id;
    assert!(matches!(store.import(reused_id).await, Err(AppendError::PartlyRecorded { .. })));
    assert_eq!(store.end().await.unwrap(), None);
    store.close().await;
}
