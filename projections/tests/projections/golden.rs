//! Kept logs are folded to the rows that are kept beside them. When a fold gives other rows, tables that an
//! earlier program filled are wrong and must be filled anew: [`FOLDS`] has to grow with the kept rows. Each
//! file of rows begins with the number of the folds that gave them, and each table has a row in one of them.
//!
//! `VERBATIM_WRITE_GOLDEN=1` writes the rows of a new log and of new tables; other rows of a table that stayed the
//! same it writes only under a number that the kept rows do not have.

use event_schemas::{Clock, Recorded, StreamId, Version};
use event_store::EventStore;
use event_store::sqlite::SqliteStore;
use follower::db::AssertSqlSafe;
use follower::table::{Columns, Values};
use projections::generations::{FOLDS, Generations};
use projections::read_models::shapes;
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// A log as `verbatim export` wrote it, and the file of its rows.
struct Golden {
    log: &'static str,
    rows: &'static str,
}

const GOLDEN: [Golden; 3] = [
    Golden {
        log: include_str!("../../../tests/data/log-of-an-earlier-version.ndjson"),
        rows: "earlier-version.txt",
    },
    // SLA timers that are met, breached, running, paused and cancelled, and webhooks that no provider could read.
    Golden {
        log: include_str!("../../../tests/data/log-with-sla-and-rejections.ndjson"),
        rows: "sla-and-rejections.txt",
    },
    // Scheduled messages that were sent, held, cancelled, and given another time.
    Golden {
        log: include_str!("../../../tests/data/log-with-scheduled-messages.ndjson"),
        rows: "scheduled-messages.txt",
    },
];

impl Golden {
    fn path(&self) -> PathBuf {
        Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/projections/golden").join(self.rows)
    }

    /// The kept rows. Empty when there are none yet.
    fn kept(&self) -> String {
        std::fs::read_to_string(self.path()).unwrap_or_default()
    }
}

fn events(log: &str) -> Vec<Recorded> {
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
    log.lines().map(event).collect()
}

/// The rows of each table, by the line that names the table and its columns.
fn tables(text: &str) -> BTreeMap<&str, &str> {
    text.split("\n\n")
        .skip(1)
        .map(|table| table.trim_end().split_once('\n').unwrap_or((table.trim_end(), "")))
        .collect()
}

/// Every row of every table, each as the literals of its columns.
async fn rows(log: &str) -> String {
    let folder = tempfile::tempdir().unwrap();
    let store: Arc<dyn EventStore> =
        SqliteStore::open(&folder.path().join("events.db"), Clock::System).await.unwrap();
    store.import(events(log)).await.unwrap();
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

/// The tables that have a row in this text.
fn tables_with_rows(text: &str) -> impl Iterator<Item = &str> {
    text.split("\n\n").filter_map(|table| {
        let (header, rows) = table.split_once('\n')?;
        Some(header.split_once(": ")?.0).filter(|_| !rows.is_empty())
    })
}

#[tokio::test]
async fn a_fold_that_gives_other_rows_demands_a_new_number() {
    let write = std::env::var_os("VERBATIM_WRITE_GOLDEN").is_some_and(|value| value == "1");
    for golden in &GOLDEN {
        let (kept, rows) = (golden.kept(), rows(golden.log).await);
        if kept == rows {
            continue;
        }
        let number = |text: &str| text.lines().next().map(str::to_owned);
        // A table that is added, or has other columns, has another script, which demands new tables by itself.
        let (before, after) = (tables(&kept), tables(&rows));
        let refolded = after.iter().any(|(table, rows)| before.get(table).is_some_and(|kept| kept != rows));
        assert!(
            !refolded || number(&kept) != number(&rows),
            "{}: the fold of the kept log gives other rows: raise FOLDS in projections/src/generations.rs",
            golden.rows
        );
        assert!(
            write,
            "{}: no rows are kept for these tables or the number FOLDS: VERBATIM_WRITE_GOLDEN=1 writes them",
            golden.rows
        );
        std::fs::write(golden.path(), rows).unwrap();
    }
}

#[test]
fn every_table_has_a_kept_row() {
    let kept = GOLDEN.each_ref().map(Golden::kept);
    let filled: BTreeSet<&str> = kept.iter().flat_map(|text| tables_with_rows(text)).collect();
    let tables: BTreeSet<&str> = shapes().iter().map(|shape| shape.table).collect();
    let empty: Vec<_> = tables.difference(&filled).collect();
    assert!(
        empty.is_empty(),
        "no kept log gives rows to {empty:?}: a change of their folds would go unnoticed. Export a log whose events \
         fill them, and add it to GOLDEN"
    );
}
