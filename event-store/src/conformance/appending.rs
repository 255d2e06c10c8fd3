//! Appends of one caller at a time.

use super::Engine;
use super::samples::{ACCOUNT, event, everything, message, messages, stream};
use crate::{AppendError, Expected, Filter};
use event_schemas::{Clock, EventId, Version};

pub async fn events_come_back_as_they_were_appended(engine: &impl Engine) {
    let store = engine.open().await;
    let events = messages(3);
    let appended = store.append(&stream(1), Expected::NoStream, events.clone()).await.unwrap();
    let recorded = store.read_stream(&stream(1), Version::FIRST, 10).await.unwrap();
    assert_eq!(recorded.len(), 3);
    for (version, (given, is)) in (0..).zip(events.iter().zip(&recorded)) {
        assert_eq!((is.id, &is.event_type, is.schema_version), (given.id, &given.event_type, 1));
        assert_eq!((&is.metadata, &is.data), (&given.metadata, &given.data));
        assert_eq!((&is.stream, is.version), (&stream(1), Version(version)));
        assert_eq!(store.find(is.id).await.unwrap().as_ref(), Some(is));
    }
    let last = recorded.last().unwrap();
    assert_eq!(
        (appended.version, appended.position, appended.repeated),
        (last.version, last.position, false)
    );
    assert_eq!(store.stream_version(&stream(1)).await.unwrap(), Some(Version(2)));
    assert_eq!(store.end().await.unwrap(), Some(last.position));
    assert_eq!(everything(&*store, &Filter::all(), 10).await, recorded);
    assert_eq!(store.find(EventId::from_u128(404)).await.unwrap(), None);
    assert_eq!(store.stream_version(&stream(404)).await.unwrap(), None);
    assert!(store.read_stream(&stream(404), Version::FIRST, 10).await.unwrap().is_empty());
    store.close().await;
}

pub async fn text_comes_back_byte_for_byte(engine: &impl Engine) {
    let store = engine.open().await;
    let long = "ሰላም 👋 ".repeat(200_000);
    let texts = [
        "",
        "plain",
        "quotes ' \" \\ ; -- drop table event",
        "👩🏽‍🚀 🇪🇹 e\u{301} \u{200f}مرحبا\u{202e} ሰላም 你好",
        "\u{1}\u{7f}\u{85}\u{2028}\u{feff}\u{fffe}\u{ffff}\u{10ffff}",
        "tabs\tand\r\nlines\n",
        &long,
    ];
    for text in texts {
        let mut event = message(text);
        event.metadata.traceparent = Some(text.to_owned());
        store.append(&stream(1), Expected::Any, vec![event.clone()]).await.unwrap();
        let back = store.find(event.id).await.unwrap().unwrap();
        assert!(back.data == event.data && back.metadata == event.metadata, "{:.40} changed", text);
        assert_eq!(back.data.as_bytes(), event.data.as_bytes());
    }
    // Characters that are not escaped stay so: the log does not parse the data.
    let mut raw = message("");
    raw.data = "{\"text\": \"\u{1}  \u{7f} two  spaces\"}".to_owned();
    store.append(&stream(1), Expected::Any, vec![raw.clone()]).await.unwrap();
    assert_eq!(store.find(raw.id).await.unwrap().unwrap().data, raw.data);
    store.close().await;
}

pub async fn versions_are_dense_from_zero(engine: &impl Engine) {
    let store = engine.open().await;
    let mut expected = Expected::NoStream;
    for (count, last) in [(1, 0), (3, 3), (2, 5), (100, 105)] {
        let appended = store.append(&stream(1), expected, messages(count)).await.unwrap();
        assert_eq!(appended.version, Version(last));
        expected = Expected::Exact(appended.version);
    }
    let versions: Vec<u64> = store
        .read_stream(&stream(1), Version::FIRST, 1_000)
        .await
        .unwrap()
        .iter()
        .map(|event| event.version.0)
        .collect();
    assert_eq!(versions, (0..=105).collect::<Vec<_>>());
    store.close().await;
}

pub async fn an_expectation_that_is_wrong_is_a_conflict(engine: &impl Engine) {
    let store = engine.open().await;
    store.append(&stream(1), Expected::Any, messages(2)).await.unwrap();
    let wrong = [
        (1, Expected::NoStream, Some(Version(1))),
        (1, Expected::Exact(Version(0)), Some(Version(1))),
        (1, Expected::Exact(Version(2)), Some(Version(1))),
        (2, Expected::Exact(Version(0)), None),
    ];
    for (number, wrongly, is) in wrong {
        match store.append(&stream(number), wrongly, messages(1)).await {
            Err(AppendError::Conflict { stream: which, expected, actual }) => {
                assert_eq!((which, expected, actual), (stream(number), wrongly, is));
            }
            other => panic!("{wrongly:?} on stream {number} gave {other:?}"),
        }
    }
    assert_eq!(everything(&*store, &Filter::all(), 10).await.len(), 2);
    store.append(&stream(1), Expected::Exact(Version(1)), messages(1)).await.unwrap();
    store.close().await;
}

pub async fn an_append_is_all_or_nothing(engine: &impl Engine) {
    let store = engine.open().await;
    let known = message("known");
    store.append(&stream(1), Expected::NoStream, vec![known.clone()]).await.unwrap();
    let before = everything(&*store, &Filter::all(), 10).await;
    let mut partly = messages(3);
    partly.push(known);
    assert!(store.append(&stream(2), Expected::NoStream, partly.clone()).await.is_err());
    assert!(store.append(&stream(1), Expected::NoStream, messages(3)).await.is_err());
    assert_eq!(everything(&*store, &Filter::all(), 10).await, before);
    for event in &partly[..3] {
        assert_eq!(store.find(event.id).await.unwrap(), None);
    }
    store.close().await;
}

pub async fn appending_the_same_again_changes_nothing(engine: &impl Engine) {
    let store = engine.open().await;
    let events = messages(3);
    let first = store.append(&stream(1), Expected::NoStream, events.clone()).await.unwrap();
    store.append(&stream(1), Expected::Exact(first.version), messages(2)).await.unwrap();
    let before = everything(&*store, &Filter::all(), 10).await;
    let stale = [Expected::NoStream, Expected::Exact(Version(99)), Expected::Any];
    for expected in stale {
        let again = store.append(&stream(1), expected, events.clone()).await.unwrap();
        assert!(again.repeated);
        assert_eq!((again.version, again.position), (first.version, first.position));
    }
    // A provider repeats a message after the conversation has continued in another stream.
    let elsewhere = store.append(&stream(2), Expected::NoStream, events).await.unwrap();
    assert_eq!((elsewhere.position, elsewhere.repeated), (first.position, true));
    assert_eq!(everything(&*store, &Filter::all(), 10).await, before);
    store.close().await;
}

pub async fn an_append_of_recorded_and_new_events_is_refused(engine: &impl Engine) {
    let store = engine.open().await;
    let known = message("known");
    store.append(&stream(1), Expected::NoStream, vec![message("before"), known.clone()]).await.unwrap();
    let refused = store.append(&stream(2), Expected::NoStream, vec![message("new"), known.clone()]).await;
    match refused {
        Err(AppendError::PartlyRecorded { id, stream: which, version }) => {
            assert_eq!((id, which, version), (known.id, stream(1), Version(1)));
        }
        other => panic!("{other:?}"),
    }
    let twice = event(Clock::System.event_id(), ACCOUNT, "MessageReceived", "twice");
    let refused = store.append(&stream(2), Expected::NoStream, vec![twice.clone(), twice.clone()]).await;
    assert!(matches!(refused, Err(AppendError::PartlyRecorded { id, .. }) if id == twice.id), "{refused:?}");
    assert_eq!(everything(&*store, &Filter::all(), 10).await.len(), 2);
    store.close().await;
}

pub async fn an_append_holds_a_bounded_number_of_events(engine: &impl Engine) {
    let store = engine.open().await;
    let nothing = store.append(&stream(1), Expected::NoStream, Vec::new()).await;
    let Err(AppendError::TooMany { limit }) = nothing else { panic!("{nothing:?}") };
    let too_many = store.append(&stream(1), Expected::NoStream, messages(limit + 1)).await;
    assert!(matches!(too_many, Err(AppendError::TooMany { .. })), "{too_many:?}");
    assert_eq!(store.end().await.unwrap(), None);
    let appended = store.append(&stream(1), Expected::NoStream, messages(limit)).await.unwrap();
    assert_eq!(appended.version, Version(limit as u64 - 1));
    store.close().await;
}
