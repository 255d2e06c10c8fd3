//! A transaction that fails leaves the next one a connection that works.

use event_schemas::Position;
use follower::db::{AssertSqlSafe, Values};
use follower::{Checkpoint, Db, ReadView, Sizes};

async fn open(folder: &tempfile::TempDir) -> Db {
    let path = folder.path().join("tables.db");
    Db::open(&path, Sizes::small(), "create table if not exists numbers (number bigint)").await.unwrap()
}

async fn insert(db: &Db, number: i64) {
    let mut tx = db.begin().await.unwrap();
    let mut values = Values::default();
    values.put(&number);
    tx.execute(AssertSqlSafe("insert into numbers values ($1)"), values).await.unwrap();
    tx.commit().await.unwrap();
}

async fn sum(db: &Db) -> i64 {
    let row = db.readers().fetch_one("select sum(number) from numbers", Values::default()).await.unwrap();
    row.number(0).unwrap()
}

#[tokio::test]
async fn a_transaction_that_sqlite_has_rolled_back_by_itself_does_not_block_the_next() {
    let folder = tempfile::tempdir().unwrap();
    let db = open(&folder).await;
    insert(&db, 1).await;
    for _ in 0..3 {
        let mut tx = db.begin().await.unwrap();
        tx.execute("insert into numbers values (10)", Values::default()).await.unwrap();
        // As SQLite does on a full disk.
        tx.execute("rollback", Values::default()).await.unwrap();
        tx.commit().await.unwrap_err();
        let mut tx = db.begin().await.unwrap();
        tx.execute("rollback", Values::default()).await.unwrap();
        drop(tx);
    }
    insert(&db, 2).await;
    assert_eq!(sum(&db).await, 3);
    db.close().await;
}

#[tokio::test]
async fn a_transaction_that_is_given_up_writes_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let db = open(&folder).await;
    let mut tx = db.begin().await.unwrap();
    tx.execute("insert into numbers values (10)", Values::default()).await.unwrap();
    drop(tx);
    insert(&db, 1).await;
    assert_eq!(sum(&db).await, 1);
    db.close().await;
}

#[tokio::test]
async fn durable_tables_stay_durable_when_the_connection_is_replaced() {
    let folder = tempfile::tempdir().unwrap();
    let db = open(&folder).await;
    db.make_durable().await.unwrap();
    for _ in 0..2 {
        let mut tx = db.begin().await.unwrap();
        let row = tx.fetch_one("pragma synchronous", Values::default()).await.unwrap();
        // FULL, in SQLite's numbers.
        assert_eq!(row.number(0).unwrap(), 2);
        drop(tx);
    }
    db.close().await;
}

/// There are two connections that read.
#[tokio::test]
async fn a_view_shows_one_moment_and_returns_its_connection() {
    const NAME: &str = "numbers";
    let folder = tempfile::tempdir().unwrap();
    let db = open(&folder).await;
    assert_eq!(db.view(NAME).await.unwrap().position(), None);
    for number in 1..=10 {
        let position = Position::at(u64::try_from(number).unwrap());
        let mut tx = db.begin().await.unwrap();
        tx.execute("insert into numbers values (1)", Values::default()).await.unwrap();
        tx.execute("delete from checkpoints", Values::default()).await.unwrap();
        let checkpoint = Checkpoint::default().moved_to(position, 1, None);
        assert!(checkpoint.replace(Checkpoint::default(), NAME, &mut tx).await.unwrap());
        let before = db.view(NAME).await.unwrap();
        tx.commit().await.unwrap();
        let after = db.view(NAME).await.unwrap();
        let count = async |view: &ReadView| {
            let row = view.readers().fetch_one("select count(*) from numbers", Values::default()).await;
            row.unwrap().number(0).unwrap()
        };
        assert_eq!((count(&before).await, count(&after).await), (number - 1, number));
        assert_eq!((before.position() < after.position(), after.position()), (true, Some(position)));
        // A statement that fails takes the connection with it.
        before.readers().fetch_all("select nothing from numbers", Values::default()).await.err().unwrap();
    }
    assert_eq!(sum(&db).await, 10);
    db.close().await;
}
