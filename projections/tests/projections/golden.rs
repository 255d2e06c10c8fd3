//! Folds a stored log and compares the rows with the stored rows. When a fold gives other rows, tables that an earlier
//! version filled are wrong and must be rebuilt: [`FOLDS`] must be raised together with the stored rows.
//!
//! `VERBATIM_WRITE_GOLDEN=1` writes the rows, but only when [`FOLDS`] differs from the number in the stored rows.

use event_schemas::{Clock, Recorded, StreamId, Version};
use event_store::EventStore;
use event_store::sqlite::SqliteStore;
use follower::db::AssertSqlSafe;
use follower::table::{Columns, Values};
use projections::generations::{FOLDS, Generations};
use projections::read_models::shapes;
use serde_json::Value;
use std::fmt::Write;
use std::path::Path;
use std::sync::Arc;

/// The events that an earlier version exported.
const LOG: &str = include_str!("../../../tests/data/log-of-an-earlier-version.ndjson");

fn events() -> Vec<Recorded> {
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    let event = |line: &str| {
        let line: Value = serde_json::from_str(line).unwrap();
        Recorded {
            position: text(&line["position"]).parse().unwrap(),
            stream: StreamId::named(text(&line["stream"])),
            version: Version(line["version"].as_u64().unwrap()),
            id: text(&line["id"]).parse().unwrap(),
            event_type: text(&line["type"]).into(),
            schema_version: line["schema_version"].as_u64().unwrap().try_into().unwrap(),
            recorded_at: text(&line["recorded_at"]).parse().unwrap(),
            metadata: serde_json::from_value(line["metadata"].clone()).unwrap(),
            data: line["data"].to_string(),
        }
    };
    LOG.lines().map(event).collect()
}

/// All rows of all tables, each as the literals of its columns.
async fn rows() -> String {
    let folder = tempfile::tempdir().unwrap();
    let store: Arc<dyn EventStore> =
        SqliteStore::open(&folder.path().join("events.db"), Clock::System).await.unwrap();
    store.import(events()).await.unwrap();
    let generations = Generations::new(folder.path());
    generations.rebuild(&store, |_| {}).await.unwrap();
    let (_, db) = generations.open_current(Default::default()).await.unwrap().unwrap();
    let mut text = format!("folds {FOLDS}\n");
    for shape in shapes() {
        let literals: Vec<String> = shape.columns.iter().map(|column| format!("quote({column})")).collect();
        let (literals, key) = (literals.join(" || ' | ' || "), shape.key.join(", "));
        let sql = format!("select {literals} from {} order by {key}", shape.table);
        writeln!(text, "\n{}: {}", shape.table, shape.columns.join(" | ")).unwrap();
        for row in db.readers().fetch_all(AssertSqlSafe(sql), Values::default()).await.unwrap() {
            writeln!(text, "{}", Columns::of(&row).take::<String>().unwrap()).unwrap();
        }
    }
    db.close().await;
    store.close().await;
    text
}

#[tokio::test]
async fn a_fold_that_gives_other_rows_needs_a_new_version() {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/projections/golden_rows.txt");
    let kept = std::fs::read_to_string(&file).unwrap_or_default();
    let rows = rows().await;
    assert!(rows.lines().count() > 40, "the log is too small to prove anything");
    if kept == rows {
        return;
    }
    let number = |text: &str| text.lines().next().map(str::to_owned);
    assert!(
        number(&kept) != number(&rows),
        "the fold of the kept log gives other rows: raise FOLDS in projections/src/generations.rs"
    );
    let write = std::env::var_os("VERBATIM_WRITE_GOLDEN").is_some_and(|value| value == "1");
    assert!(write, "golden_rows.txt is of another number than FOLDS: VERBATIM_WRITE_GOLDEN=1 writes it");
    std::fs::write(file, rows).unwrap();
}
