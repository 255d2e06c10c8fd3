//! Reading, following and reopening a log.

use super::Engine;
use super::samples::{ACCOUNT, assert_ordered, event, everything, messages, stream};
use crate::{AppendError, Expected, Filter, Subscription};
use event_schemas::{AccountId, Category, Clock, Position, StreamId, Version};
use std::sync::Arc;

const OTHER: AccountId = AccountId::from_u128(0xacc1);

pub async fn pages_cover_the_log_without_gap_or_overlap(engine: &impl Engine) {
    let store = engine.open().await;
    let empty = store.read_all(None, &Filter::all(), 10).await.unwrap();
    assert_eq!((empty.events.len(), empty.through, empty.at_end), (0, None, true));
    for number in 0..30 {
        store.append(&stream(number), Expected::NoStream, messages(1 + number as usize % 4)).await.unwrap();
    }
    let all = everything(&*store, &Filter::all(), 1_000).await;
    assert_ordered(&all);
    for limit in [1, 2, 3, 7, 50, all.len(), all.len() + 1] {
        assert_eq!(everything(&*store, &Filter::all(), limit).await, all);
    }
    let end = store.end().await.unwrap();
    let beyond = store.read_all(end, &Filter::all(), 10).await.unwrap();
    assert_eq!((beyond.events.len(), beyond.through, beyond.at_end), (0, end, true));
    for (number, event) in (1..).zip(&all) {
        assert_eq!(store.count_to(event.position).await.unwrap(), number);
        assert_eq!(store.event_at(event.position).await.unwrap().as_ref(), Some(event));
        assert!(store.reaches(event.position).await.unwrap());
    }
    let end = end.unwrap();
    let after_end = Position::new(end.commit() + 1_000_000, end.prepare() + 1_000_000);
    assert_eq!(store.event_at(after_end).await.unwrap(), None);
    assert!(!store.reaches(after_end).await.unwrap());
    store.close().await;
}

pub async fn a_filter_returns_exactly_the_matching_events(engine: &impl Engine) {
    let store = engine.open().await;
    let kinds = ["conversation", "agent", "catalogue", "contact", "inbound", "elsewhere"];
    let types = ["MessageReceived", "Assigned", "TeamDefined"];
    for number in 0..120usize {
        let account = if number % 5 == 0 { OTHER } else { ACCOUNT };
        let event = event(Clock::System.event_id(), account, types[number / 2 % 3], "");
        let name = StreamId::named(format!("{}-{number}", kinds[number % 6]));
        store.append(&name, Expected::NoStream, vec![event]).await.unwrap();
    }
    let all = everything(&*store, &Filter::all(), 1_000).await;
    let accounts = [None, Some(ACCOUNT), Some(OTHER), Some(AccountId::from_u128(404))];
    let categories = [
        vec![],
        vec![Category::Conversation],
        vec![Category::Agent, Category::Inbound],
        Category::ALL.to_vec(),
    ];
    let wanted = [vec![], vec!["Assigned".to_owned()], vec!["Assigned".to_owned(), "TeamDefined".to_owned()]];
    for account in accounts {
        for categories in &categories {
            for event_types in &wanted {
                let filter =
                    Filter { account, categories: categories.clone(), event_types: event_types.clone() };
                let fits: Vec<_> = all.iter().filter(|event| filter.fits(event)).cloned().collect();
                for limit in [1, 4, 1_000] {
                    assert_eq!(everything(&*store, &filter, limit).await, fits, "{filter:?} by {limit}");
                }
            }
        }
    }
    store.close().await;
}

pub async fn a_rare_kind_is_found_without_searching_the_rest(engine: &impl Engine) {
    let store = engine.open().await;
    let catalogue = StreamId::named("catalogue-teams-1");
    store.append(&catalogue, Expected::NoStream, messages(1)).await.unwrap();
    for number in 0..40 {
        store.append(&stream(number), Expected::NoStream, messages(500)).await.unwrap();
    }
    store.append(&catalogue, Expected::Any, messages(2)).await.unwrap();
    let page = store.read_all(None, &Filter::categories([Category::Catalogue]), 10).await.unwrap();
    assert_eq!((page.events.len(), page.at_end), (3, true));
    assert_eq!(page.through, store.end().await.unwrap());
    // A search of a common kind for a rare type takes pages of bounded work.
    let filter = Filter { event_types: vec!["Never".to_owned()], ..Filter::account(ACCOUNT) };
    assert!(everything(&*store, &filter, 10).await.is_empty());
    let filter = Filter { event_types: vec!["Never".to_owned()], ..Filter::all() };
    assert!(everything(&*store, &filter, 10).await.is_empty());
    store.close().await;
}

pub async fn a_long_stream_reads_in_pages(engine: &impl Engine) {
    let store = engine.open().await;
    let mut expected = Expected::NoStream;
    for _ in 0..25 {
        let appended = store.append(&stream(1), expected, messages(400)).await.unwrap();
        store.append(&stream(2), Expected::Any, messages(1)).await.unwrap();
        expected = Expected::Exact(appended.version);
    }
    let (mut from, mut count) = (Version::FIRST, 0);
    loop {
        let events = store.read_stream(&stream(1), from, 999).await.unwrap();
        let Some(last) = events.last() else { break };
        assert!(events.iter().all(|event| event.stream == stream(1)));
        assert_eq!(events[0].version, from);
        count += events.len();
        from = last.version.next();
    }
    assert_eq!(count, 10_000);
    store.close().await;
}

pub async fn a_subscription_catches_up_and_goes_live(engine: &impl Engine) {
    let store = engine.open().await;
    for number in 0..50 {
        store.append(&stream(number), Expected::NoStream, messages(3)).await.unwrap();
    }
    let middle = everything(&*store, &Filter::all(), 1_000).await[70].position;
    let writer = {
        let store = Arc::clone(&store);
        tokio::spawn(async move {
            for number in 50..250 {
                store.append(&stream(number), Expected::NoStream, messages(3)).await.unwrap();
            }
        })
    };
    let followers: Vec<_> = [(None, 7), (Some(middle), 100), (None, 1_000)]
        .into_iter()
        .map(|(after, limit)| {
            let subscription = Subscription::new(Arc::clone(&store), after, Filter::all(), limit);
            tokio::spawn(follow(subscription, if after.is_some() { 750 - 71 } else { 750 }))
        })
        .collect();
    writer.await.unwrap();
    let truth = everything(&*store, &Filter::all(), 1_000).await;
    for (follower, from) in followers.into_iter().zip([0, 71, 0]) {
        assert_eq!(follower.await.unwrap(), truth[from..]);
    }
    // A subscription that waits at the end gets an event of another opener too.
    let mut waiting = Subscription::new(Arc::clone(&store), store.end().await.unwrap(), Filter::all(), 10);
    let woken = tokio::spawn(async move { waiting.next().await.unwrap() });
    let other = engine.open().await;
    other.append(&stream(1_000), Expected::NoStream, messages(1)).await.unwrap();
    assert_eq!(woken.await.unwrap().events.len(), 1);
    other.close().await;
    store.close().await;
}

pub async fn a_filtered_subscription_misses_nothing(engine: &impl Engine) {
    let store = engine.open().await;
    let filters = [
        Filter::account(OTHER),
        Filter::categories([Category::Agent, Category::Contact]),
        Filter::categories([Category::Conversation]),
        Filter { event_types: vec!["Assigned".to_owned()], ..Filter::all() },
    ];
    let followers = filters.clone().map(|filter| {
        let subscription = Subscription::new(Arc::clone(&store), None, filter, 5);
        // Each filter matches a quarter of the events or more.
        tokio::spawn(follow(subscription, 100))
    });
    for number in 0..400usize {
        let kind = ["conversation", "agent", "conversation", "contact"][number % 4];
        let account = if number % 3 == 0 { OTHER } else { ACCOUNT };
        let event_type = if number % 2 == 0 { "Assigned" } else { "MessageReceived" };
        let event = event(Clock::System.event_id(), account, event_type, "");
        let name = StreamId::named(format!("{kind}-{number}"));
        store.append(&name, Expected::NoStream, vec![event]).await.unwrap();
    }
    for (filter, follower) in filters.iter().zip(followers) {
        let truth = everything(&*store, filter, 1_000).await;
        let seen = follower.await.unwrap();
        assert_eq!(seen, truth[..seen.len()], "{filter:?}");
    }
    store.close().await;
}

async fn follow(mut subscription: Subscription, count: usize) -> Vec<event_schemas::Recorded> {
    let mut seen = Vec::new();
    while seen.len() < count {
        seen.extend(subscription.next().await.unwrap().events);
    }
    seen
}

pub async fn a_closed_log_opens_again_with_all_its_events(engine: &impl Engine) {
    let store = engine.open().await;
    let first = store.append(&stream(1), Expected::NoStream, messages(3)).await.unwrap();
    let before = everything(&*store, &Filter::all(), 10).await;
    store.close().await;
    let store = engine.open().await;
    assert_eq!(everything(&*store, &Filter::all(), 10).await, before);
    let second = store.append(&stream(1), Expected::Exact(first.version), messages(1)).await.unwrap();
    assert!(second.position > first.position);
    store.check().await.unwrap();
    store.close().await;
}

pub async fn a_closed_log_is_unavailable(engine: &impl Engine) {
    let store = engine.open().await;
    // Appends that were accepted before are finished.
    let accepted: Vec<_> = (0..20)
        .map(|number| {
            let store = Arc::clone(&store);
            tokio::spawn(async move { store.append(&stream(number), Expected::NoStream, messages(1)).await })
        })
        .collect();
    tokio::task::yield_now().await;
    store.close().await;
    store.close().await;
    let mut acknowledged = 0;
    for append in accepted {
        match append.await.unwrap() {
            Ok(_) => acknowledged += 1,
            Err(AppendError::Unavailable(_)) => {}
            Err(other) => panic!("{other:?}"),
        }
    }
    let late = store.append(&stream(99), Expected::NoStream, messages(1)).await;
    assert!(matches!(late, Err(AppendError::Unavailable(_))), "{late:?}");
    assert!(store.check().await.is_err());
    let again = engine.open().await;
    assert_eq!(everything(&*again, &Filter::all(), 100).await.len(), acknowledged);
    again.close().await;
}
