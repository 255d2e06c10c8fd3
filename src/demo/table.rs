//! The inbox as a table in the terminal, while it fills.

use super::account::Desk;
use comfy_table::presets::UTF8_BORDERS_ONLY;
use comfy_table::{CellAlignment, ContentArrangement, Table};
use event_schemas::{Clock, Timestamp};
use serde_json::Value;
use std::io::{IsTerminal, Write, stdout};
use std::time::Duration;
use tokio::sync::watch;

const ROWS: usize = 20;

/// Shows the inbox over and over until all is played. Where the output is no terminal, only at the end.
pub async fn watch(desk: Desk, scripts: usize, mut played: watch::Receiver<usize>) -> anyhow::Result<()> {
    let in_place = stdout().is_terminal();
    let mut drawn_lines = 0;
    let mut reported = 0;
    loop {
        let over = played.has_changed().is_err();
        let count = *played.borrow_and_update();
        if in_place || over {
            let text = draw(&desk, count, scripts).await?;
            if drawn_lines > 0 {
                print!("\x1b[{drawn_lines}A\x1b[J");
            }
            print!("{text}");
            drawn_lines = text.lines().count();
            stdout().flush()?;
        } else if count >= reported + 10 {
            reported = count;
            println!("{count} of {scripts} conversations played");
        }
        if over {
            return Ok(());
        }
        tokio::time::sleep(Duration::from_millis(250)).await;
    }
}

async fn draw(desk: &Desk, played: usize, scripts: usize) -> anyhow::Result<String> {
    let inbox = desk.query(&format!("/v1/conversations?sort=last_message_at:desc&limit={ROWS}")).await?;
    let counts = desk.query("/v1/conversations/counts").await?;
    let now = Clock::System.now();
    let mut table = Table::new();
    table.load_style(UTF8_BORDERS_ONLY).set_content_arrangement(ContentArrangement::Disabled);
    table.set_header(["Customer", "Status", "Priority", "Agent", "Last message", "Waiting", "SLA"]);
    for row in inbox["data"].as_array().into_iter().flatten() {
        table.add_row([
            cut(row["display_name"].as_str().unwrap_or("?"), 18),
            row["status"].as_str().unwrap_or("?").to_owned(),
            row["priority"].as_str().unwrap_or("?").to_owned(),
            row["assignee_name"].as_str().unwrap_or("–").to_owned(),
            cut(row["last_message_preview"].as_str().unwrap_or(""), 38),
            moment(&row["waiting_since"]).map_or(String::new(), |since| span(now.since(since))),
            deadline(row, now),
        ]);
    }
    for column in [5, 6] {
        if let Some(column) = table.column_mut(column) {
            column.set_cell_alignment(CellAlignment::Right);
        }
    }
    let by_status = |status: &str| counts["by_status"][status].as_u64().unwrap_or(0);
    Ok(format!(
        "{table}\n{played} of {scripts} conversations played.   open {}   assigned {}   pending {}   resolved {}   unassigned {}\n",
        by_status("open"),
        by_status("assigned"),
        by_status("pending"),
        by_status("resolved"),
        counts["unassigned"].as_u64().unwrap_or(0),
    ))
}

fn deadline(row: &Value, now: Timestamp) -> String {
    match moment(&row["sla_due_at"]) {
        None => String::new(),
        Some(due) if due <= now => format!("{} late", span(now.since(due))),
        Some(due) => format!("in {}", span(due.since(now))),
    }
}

fn moment(value: &Value) -> Option<Timestamp> {
    value.as_str()?.parse().ok()
}

fn span(span: Duration) -> String {
    match span.as_secs() {
        seconds @ 0..60 => format!("{seconds} s"),
        seconds @ 60..3600 => format!("{} min", seconds / 60),
        seconds => format!("{} h {:02} min", seconds / 3600, seconds / 60 % 60),
    }
}

fn cut(text: &str, width: usize) -> String {
    let text = text.replace(['\n', '\r', '\t'], " ");
    if text.chars().count() <= width {
        return text;
    }
    let mut short: String = text.chars().take(width - 1).collect();
    short.push('…');
    short
}
