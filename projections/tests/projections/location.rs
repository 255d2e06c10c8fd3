//! Opening a PostgreSQL database as a location: an unusable database is explained in one sentence, and nothing is
//! written to it.

use crate::environment::Environment;
use crate::scenario::Scenario;
use follower::{Location, Sizes};
use projections::generations::Generations;
use projections::verify;
use sqlx::postgres::PgPool;
use test_engines::{Postgres, free_port};

async fn open_error(url: &str) -> String {
    Location::open(url).await.unwrap_err().to_string()
}

async fn schemas(url: &str) -> i64 {
    let pool = PgPool::connect(url).await.unwrap();
    sqlx::query_scalar("select count(*) from pg_namespace where nspname like 'verbatim%'")
        .fetch_one(&pool)
        .await
        .unwrap()
}

#[tokio::test]
async fn an_error_names_the_wrong_url_user_or_database_and_the_remedy() {
    let server = Postgres::shared().await;
    let unreachable = open_error(&format!("postgres://me:secret@127.0.0.1:{}/desk", free_port())).await;
    assert!(
        unreachable.contains("no PostgreSQL server answers") && unreachable.contains("--read-model"),
        "{unreachable}"
    );
    let url = server.url("a_database_that_nobody_made");
    assert!(open_error(&url).await.contains("createdb a_database_that_nobody_made"));
    let url = server.database().await;
    Postgres::sql(&url, "do $$ begin create role stranger login password 'known'; exception when duplicate_object then null; end $$").await;
    let host = url.rsplit_once('@').unwrap().1;
    let wrong = open_error(&format!("postgres://stranger:guessed@{host}")).await;
    assert!(wrong.contains("rejects the user 'stranger'") && !wrong.contains("guessed"), "{wrong}");
    let poor = open_error(&format!("postgres://stranger:known@{host}")).await;
    assert!(poor.contains("grant create on database"), "{poor}");
    assert_eq!(schemas(&url).await, 0);
}

#[tokio::test]
async fn another_programs_database_is_left_alone() {
    let url = Postgres::shared().await.database().await;
    Postgres::sql(&url, "create table orders (id bigint)").await;
    let sentence = open_error(&url).await;
    assert!(sentence.contains("public.orders"), "{sentence}");
    assert_eq!(schemas(&url).await, 0);
    let url = Postgres::shared().await.database().await;
    Postgres::sql(&url, "create schema verbatim; create table verbatim.poems (id bigint)").await;
    assert!(open_error(&url).await.contains("another program's tables"));
}

#[tokio::test]
async fn tables_that_other_users_add_later_are_accepted() {
    let env = Environment::of_schemas().await;
    let url = env.url.as_ref().unwrap();
    Postgres::sql(url, "create table notes_of_an_analyst (id bigint)").await;
    Location::open(url).await.unwrap();
}

#[tokio::test]
async fn processes_that_start_together_can_all_open_the_tables() {
    let url = Postgres::shared().await.database().await;
    let opened = futures::future::join_all((0..8).map(|_| async {
        let location = Location::open(&url).await?;
        location.tables("some-tables", Sizes::small(), "create table if not exists t (id bigint);").await
    }));
    for open in opened.await {
        open.unwrap();
    }
}

/// Text is sorted by its bytes on both engines, in a database of any language.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_postgresql_database_of_another_language_sorts_as_sqlite_does() {
    let server = Postgres::shared().await;
    let maker = server.database().await;
    let name = format!("{}_icu", maker.rsplit_once('/').unwrap().1);
    Postgres::sql(&maker, &format!("drop database if exists {name}")).await;
    Postgres::sql(
        &maker,
        &format!(
            "create database {name} template template0 locale_provider icu icu_locale 'en-US' locale 'C'"
        ),
    )
    .await;
    let url = server.url(&name);
    let pool = PgPool::connect(&url).await.unwrap();
    let other: bool = sqlx::query_scalar("select 'a' < 'B'").fetch_one(&pool).await.unwrap();
    assert!(other, "the test needs a language that does not sort by bytes");
    let env = Environment {
        location: Location::open(&url).await.unwrap(),
        url: Some(url),
        ..Environment::of_files().await
    };
    let store = env.store().await;
    Scenario::new(8).run(300).write(&*store).await;
    let generations = env.generations();
    generations.rebuild(&store, |_| {}).await.unwrap();
    let sorted: bool = sqlx::query_scalar(
        "select bool_and(collation_name = 'C') from information_schema.columns
         where table_schema = 'verbatim_read_1' and data_type = 'text'",
    )
    .fetch_one(&pool)
    .await
    .unwrap();
    assert!(sorted, "some text sorts by language");
    let verdict = verify(&store, &generations, |_| {}).await.unwrap().unwrap();
    assert!(verdict.is_identical(), "{:#?}", verdict.differences);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_views_show_the_tables_in_use_with_ids_as_uuids_and_times_as_timestamps() {
    let env = Environment::of_schemas().await;
    let store = env.store().await;
    Scenario::new(9).run(200).write(&*store).await;
    let generations: Generations = env.generations();
    generations.rebuild(&store, |_| {}).await.unwrap();
    let pool = PgPool::connect(env.url.as_ref().unwrap()).await.unwrap();
    const SEEN: &str =
        "select count(id::uuid), min(created_at::timestamptz) > '2000-01-01', min(pg_typeof(id)::text)
        from verbatim.conversations";
    let (count, dated, kind): (i64, bool, String) = sqlx::query_as(SEEN).fetch_one(&pool).await.unwrap();
    assert!(count > 10 && dated && kind == "uuid");
    // The next generation replaces this one, and the privileges that were granted remain.
    Postgres::sql(env.url.as_ref().unwrap(), "grant select on verbatim.conversations to public").await;
    Scenario::new(10).run(200).write(&*store).await;
    generations.rebuild(&store, |_| {}).await.unwrap();
    let (more, _, _): (i64, bool, String) = sqlx::query_as(SEEN).fetch_one(&pool).await.unwrap();
    assert!(more > count);
    const GRANTED: &str = "select count(*) from information_schema.role_table_grants
        where table_schema = 'verbatim' and table_name = 'conversations' and grantee = 'PUBLIC'";
    let granted: i64 = sqlx::query_scalar(GRANTED).fetch_one(&pool).await.unwrap();
    assert_eq!(granted, 1);
    generations.clear_before(2).await.unwrap();
    assert_eq!(generations.existing().await.unwrap(), [2]);
}
