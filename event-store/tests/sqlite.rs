//! The SQLite engine keeps the promises of an event log, and a few of its own.

use event_schemas::*;
use event_store::*;

fn event(text: &str) -> NewEvent {
    let clock = Clock::System;
    NewEvent {
        id: clock.event_id(),
        event_type: "Said".into(),
        schema_version: 1,
        metadata: Metadata {
            account_id: AccountId::from_u128(1),
            actor: Actor::system("test"),
            correlation_id: clock.fresh_id(),
            causation_id: None,
            traceparent: None,
            occurred_at: clock.now(),
        },
        data: format!("{{\"text\":\"{text}\"}}"),
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn smoke() {
    let folder = tempfile::tempdir().unwrap();
    let store = SqliteStore::open(folder.path().join("events.db"), Clock::System).await.unwrap();
    let stream = StreamId::named("conversation-1");
    let a = store.append(&stream, Expected::NoStream, vec![event("a"), event("b")]).await.unwrap();
    assert_eq!((a.version, a.position), (Version(1), Position::at(2)));
    let b = store.append(&stream, Expected::Exact(Version(1)), vec![event("c")]).await.unwrap();
    assert_eq!((b.version, b.position), (Version(2), Position::at(3)));
    let conflict = store.append(&stream, Expected::Exact(Version(1)), vec![event("c")]).await;
    assert!(matches!(conflict, Err(AppendError::Conflict { actual: Some(Version(2)), .. })), "{conflict:?}");
    let page = store.read_all(None, &Filter::all(), 10).await.unwrap();
    assert_eq!(page.events.len(), 3);
    assert!(page.at_end);
    for filter in [Filter::account(AccountId::from_u128(1)), Filter::categories([Category::Conversation])] {
        let page = store.read_all(None, &filter, 10).await.unwrap();
        assert_eq!((page.events.len(), page.at_end, page.through), (3, true, Some(Position::at(3))));
    }
    let page =
        store.read_all(None, &Filter::categories([Category::Agent, Category::Catalogue]), 10).await.unwrap();
    assert_eq!((page.events.len(), page.at_end, page.through), (0, true, Some(Position::at(3))));
    store.check().await.unwrap();
    store.close().await;
    assert!(store.append(&stream, Expected::Any, vec![event("c")]).await.is_err());
}
