//! The database that a URL names: logging in, and databases of other programs, which are left as they are.

use event_schemas::{
    AccountId, Actor, Clock, ConversationId, Metadata, NewEvent, Position, StreamId, Version,
};
use event_store::{EventStore, Expected, OpenError, PostgresStore};
use sqlx::Connection;
use test_engines::{Postgres, free_port};

async fn refused(url: &str) -> OpenError {
    event_store::open(url, Clock::System).await.err().unwrap()
}

fn event() -> NewEvent {
    let clock = Clock::System;
    let metadata = Metadata {
        account_id: AccountId::from_u128(1),
        actor: Actor::contact(),
        correlation_id: clock.fresh_id(),
        causation_id: None,
        traceparent: None,
        request: None,
        credential: None,
        occurred_at: clock.now(),
    };
    let data = "{}".to_owned();
    NewEvent { id: clock.event_id(), event_type: "NoteAdded".into(), schema_version: 1, metadata, data }
}

/// The names of everything that could have been created.
async fn contents(url: &str) -> Vec<String> {
    let mut connection = sqlx::PgConnection::connect(url).await.unwrap();
    sqlx::query_scalar(
        "select nspname::text from pg_namespace union all select relname::text from pg_class \
         union all select proname::text from pg_proc order by 1",
    )
    .fetch_all(&mut connection)
    .await
    .unwrap()
}

#[tokio::test]
async fn a_url_names_the_engine() {
    let url = Postgres::shared().await.database().await;
    event_store::open(&url, Clock::System).await.unwrap().close().await;
    let other_scheme = url.replacen("postgres://", "postgresql://", 1);
    event_store::open(&other_scheme, Clock::System).await.unwrap().close().await;
}

#[tokio::test]
async fn a_failed_connection_is_explained_in_a_sentence_without_the_password() {
    let url = Postgres::shared().await.database().await;
    let (credentials, server) = url.split_once("://").unwrap().1.split_once('@').unwrap();
    let (user, _) = credentials.split_once(':').unwrap();
    let (host, name) = server.split_once('/').unwrap();
    let port = free_port();
    let cases = [
        (
            format!("postgres://{user}:sesame@{host}/{name}"),
            format!(
                "the database '{name}' at {host} cannot be opened: the server rejects this user; \
                 check the user and the password"
            ),
        ),
        (
            format!("postgres://{credentials}@{host}/nowhere"),
            format!(
                "the database 'nowhere' at {host} cannot be opened: there is no such database; create it first"
            ),
        ),
        (
            format!("postgres://{credentials}@127.0.0.1:{port}/{name}"),
            format!(
                "the database '{name}' at 127.0.0.1:{port} cannot be opened: no server answers at that host and port"
            ),
        ),
        (
            "postgres://[".to_owned(),
            "the event log's database cannot be opened: its URL cannot be read; it looks like \
             postgres://user:password@host:5432/database"
                .to_owned(),
        ),
    ];
    for (url, sentence) in cases {
        let error = refused(&url).await;
        assert!(matches!(error, OpenError::Failed { .. }));
        assert_eq!(error.to_string(), sentence);
    }
}

#[tokio::test]
async fn a_database_of_another_program_is_left_as_it_is() {
    let shared = Postgres::shared().await;
    let theirs = [
        "create table events (id serial primary key)",
        "create schema shop; create table shop.article (name text)",
        "create schema verbatim_log",
        "create schema verbatim_log; create table verbatim_log.log (line text)",
        "create schema verbatim_log; create table verbatim_log.log (format integer)",
    ];
    for sql in theirs {
        let url = shared.database().await;
        Postgres::sql(&url, sql).await;
        let before = contents(&url).await;
        let error = refused(&url).await;
        assert!(matches!(error, OpenError::Foreign { .. }), "{sql}: {error}");
        assert!(error.to_string().contains("belongs to another program and was left as it is"), "{error}");
        assert_eq!(contents(&url).await, before);
    }
}

#[tokio::test]
async fn schemas_of_verbatim_do_not_make_a_database_foreign() {
    let url = Postgres::shared().await.database().await;
    // The schema of the read models may be there first.
    Postgres::sql(&url, "create schema verbatim_read_models; create table verbatim_read_models.row (a int)")
        .await;
    PostgresStore::open(&url, Clock::System).await.unwrap().close().await;
    // Once the log is there, other programs may create tables.
    Postgres::sql(&url, "create table events (id int)").await;
    PostgresStore::open(&url, Clock::System).await.unwrap().close().await;
}

#[tokio::test]
async fn a_log_of_a_newer_version_is_left_as_it_is() {
    let url = Postgres::shared().await.database().await;
    PostgresStore::open(&url, Clock::System).await.unwrap().close().await;
    Postgres::sql(&url, "update verbatim_log.log set format = 99").await;
    let before = contents(&url).await;
    let error = refused(&url).await;
    assert!(matches!(error, OpenError::Newer { found: 99, .. }), "{error}");
    assert_eq!(contents(&url).await, before);
}

#[tokio::test]
async fn a_log_of_an_older_version_is_migrated_and_continued() {
    let url = Postgres::shared().await.database().await;
    Postgres::sql(&url, include_str!("../../../../migrations/event-log/postgres/0001_events.sql")).await;
    Postgres::sql(&url, "insert into verbatim_log.log (format) values (1)").await;
    let log = PostgresStore::open(&url, Clock::System).await.unwrap();
    for version in 0..3 {
        let expected = match version {
            0 => Expected::NoStream,
            _ => Expected::Exact(Version(version - 1)),
        };
        let stream = StreamId::conversation(ConversationId::from_u128(1));
        let appended = log.append(&stream, expected, vec![event()]).await.unwrap();
        assert_eq!((appended.version, appended.position), (Version(version), Position::at(version + 1)));
    }
    log.close().await;
    PostgresStore::open(&url, Clock::System).await.unwrap().close().await;
}

#[tokio::test]
async fn a_user_without_the_right_to_create_gets_an_error() {
    let shared = Postgres::shared().await;
    let url = shared.database().await;
    let name = url.rsplit('/').next().unwrap().to_owned();
    Postgres::sql(&url, &format!("create role guest_{name} login password 'guest'")).await;
    let (_, server) = url.split_once('@').unwrap();
    let error = refused(&format!("postgres://guest_{name}:guest@{server}")).await;
    assert!(error.to_string().contains("this user lacks the rights"), "{error}");
}

#[tokio::test(flavor = "multi_thread")]
async fn many_openers_of_an_empty_database_share_one_log() {
    let url = Postgres::shared().await.database().await;
    let openers = (0..8).map(|_| {
        let url = url.clone();
        tokio::spawn(async move { PostgresStore::open(&url, Clock::System).await.unwrap() })
    });
    for opener in openers.collect::<Vec<_>>() {
        opener.await.unwrap().close().await;
    }
}
