//! On SQLite, and on PostgreSQL with `VERBATIM_TEST_ENGINE=postgres`.

#![allow(clippy::unwrap_used)]

use super::*;
use std::collections::BTreeMap;
use std::path::Path;
use test_engines::Postgres;

const ACCOUNT: AccountId = AccountId::from_u128(1);
const ANA: Author = Author { account: ACCOUNT, user: UserId::from_u128(0xA) };
const BEN: Author = Author { account: ACCOUNT, user: UserId::from_u128(0xB) };
const ELSEWHERE: Author = Author { account: AccountId::from_u128(2), ..ANA };
const DAY: Duration = Duration::from_secs(24 * 3600);

fn conversation(number: u128) -> ConversationId {
    ConversationId::from_u128(number)
}

fn text(content: &str) -> NewDraft {
    NewDraft { content: content.to_owned(), is_private: false, in_reply_to: None, seen: None }
}

async fn location(folder: &Path) -> Location {
    match std::env::var("VERBATIM_TEST_ENGINE").as_deref() {
        Ok("postgres") => Location::open(&Postgres::shared().await.database().await).await.unwrap(),
        _ => Location::from(folder),
    }
}

struct Fixture {
    _folder: tempfile::TempDir,
    location: Location,
    clock: Clock,
}

impl Fixture {
    async fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let clock = Clock::manual("2026-11-23T12:00:00Z".parse().unwrap());
        Self { location: location(folder.path()).await, _folder: folder, clock }
    }

    /// The drafts as another process has them.
    fn open(&self) -> Drafts {
        Drafts::new(self.location.clone(), self.clock.clone(), 90 * DAY)
    }
}

#[tokio::test]
async fn a_draft_is_read_by_its_author_alone_also_by_another_process() {
    let fixture = Fixture::new().await;
    let (first, second) = (fixture.open(), fixture.open());
    let draft = NewDraft {
        is_private: true,
        in_reply_to: Some(MessageId::from_u128(7)),
        seen: Some("cursor".to_owned()),
        ..text("Dear Hanna, ሰላም")
    };
    let written = first.put(ANA, conversation(1), &draft, None).await.unwrap();
    assert_eq!(second.find(ANA, conversation(1)).await.unwrap(), Some(written.clone()));
    assert_eq!(second.of_author(ANA).await.unwrap(), [written]);
    for other in [BEN, ELSEWHERE] {
        assert_eq!(second.find(other, conversation(1)).await.unwrap(), None);
        assert_eq!(second.of_author(other).await.unwrap(), []);
        second.remove(other, conversation(1), None).await.unwrap();
    }
    assert!(first.find(ANA, conversation(1)).await.unwrap().is_some(), "others remove nothing");
}

#[tokio::test]
async fn the_last_writer_wins_unless_a_version_is_expected() {
    let fixture = Fixture::new().await;
    let drafts = fixture.open();
    let first = drafts.put(ANA, conversation(1), &text("One"), None).await.unwrap().version;
    // The clock stands still, and the version grows.
    let second = drafts.put(ANA, conversation(1), &text("Two"), Some(first)).await.unwrap().version;
    assert!(second > first);
    let refused = drafts.put(ANA, conversation(1), &text("Three"), Some(first)).await.unwrap_err();
    assert!(matches!(refused, WriteError::VersionMismatch { current } if current == Some(second)));
    let refused = drafts.remove(ANA, conversation(1), Some(first)).await.unwrap_err();
    assert!(matches!(refused, WriteError::VersionMismatch { .. }));
    assert_eq!(drafts.find(ANA, conversation(1)).await.unwrap().unwrap().content, "Two");
    drafts.put(ANA, conversation(1), &text("Four"), None).await.unwrap();
    drafts.remove(ANA, conversation(1), None).await.unwrap();
    drafts.remove(ANA, conversation(1), None).await.unwrap();
    let refused = drafts.put(ANA, conversation(1), &text("Five"), Some(second)).await.unwrap_err();
    assert!(matches!(refused, WriteError::VersionMismatch { current: None }));
}

#[tokio::test]
async fn of_writers_at_the_same_moment_who_expect_a_version_one_succeeds() {
    let fixture = Fixture::new().await;
    let first = fixture.open().put(ANA, conversation(1), &text("One"), None).await.unwrap().version;
    let mut writers = tokio::task::JoinSet::new();
    for number in 0..8 {
        let drafts = fixture.open();
        writers.spawn(async move {
            let draft = text(&format!("Writer {number}"));
            drafts.put(ANA, conversation(1), &draft, Some(first)).await.is_ok()
        });
    }
    let succeeded = writers.join_all().await.into_iter().filter(|one| *one).count();
    assert_eq!(succeeded, 1);
}

#[tokio::test]
async fn an_agent_has_a_bounded_number_of_drafts_and_can_change_each_of_them() {
    let fixture = Fixture::new().await;
    let drafts = fixture.open();
    for number in 0..500 {
        drafts.put(ANA, conversation(number), &text("Hello"), None).await.unwrap();
    }
    let refused = drafts.put(ANA, conversation(500), &text("Hello"), None).await.unwrap_err();
    assert!(matches!(refused, WriteError::TooMany));
    drafts.put(ANA, conversation(3), &text("Changed"), None).await.unwrap();
    drafts.put(BEN, conversation(500), &text("Hello"), None).await.unwrap();
    drafts.remove(ANA, conversation(3), None).await.unwrap();
    drafts.put(ANA, conversation(500), &text("Hello"), None).await.unwrap();
}

#[tokio::test]
async fn a_draft_ends_after_a_time_without_a_change() {
    let fixture = Fixture::new().await;
    let drafts = fixture.open();
    for number in [1, 2] {
        drafts.put(ANA, conversation(number), &text("Hello"), None).await.unwrap();
    }
    fixture.clock.advance(60 * DAY);
    drafts.put(ANA, conversation(2), &text("Changed"), None).await.unwrap();
    fixture.clock.advance(31 * DAY);
    assert_eq!(drafts.remove_old().await.unwrap(), 1);
    let left: BTreeMap<_, _> = drafts
        .of_author(ANA)
        .await
        .unwrap()
        .into_iter()
        .map(|row| (row.conversation_id, row.content))
        .collect();
    assert_eq!(left, BTreeMap::from([(conversation(2), "Changed".to_owned())]));
}
