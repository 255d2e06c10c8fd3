//! Shows the inbox as a table in the terminal while it fills.

use super::account::DemoAccount;
use comfy_table::presets::UTF8_BORDERS_ONLY;
use comfy_table::{CellAlignment, ContentArrangement, Table};
use event_schemas::{Clock, Timestamp};
use serde_json::Value;
use std::io::{Write, stdout};
use std::time::Duration;
use tokio::sync::watch;

const ROW_LIMIT: usize = 20;

/// Redraws the table until all scripts have been played. When it is not drawn in place, it is printed once, at the
/// end.
pub async fn watch(
    account: DemoAccount,
    scripts: usize,
    mut played: watch::Receiver<usize>,
    in_place: bool,
) -> anyhow::Result<()> {
    let mut drawn_lines = 0;
    let mut reported = 0;
    loop {
        let is_finished = played.has_changed().is_err();
        let count = *played.borrow_and_update();
        if in_place || is_finished {
            let text = render(&account, count, scripts).await?;
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
        if is_finished {
            return Ok(());
        }
        tokio::time::sleep(Duration::from_millis(250)).await;
    }
}

async fn render(account: &DemoAccount, played: usize, scripts: usize) -> anyhow::Result<String> {
    let inbox =
        account.query(&format!("/v1/conversations?sort=last_message_at:desc&limit={ROW_LIMIT}")).await?;
    let counts = account.query("/v1/conversations/counts").await?;
    let now = Clock::System.now();
    let mut table = Table::new();
    table.load_style(UTF8_BORDERS_ONLY).set_content_arrangement(ContentArrangement::Disabled);
    table.set_header(["Customer", "Status", "Priority", "Agent", "Last message", "Waiting", "SLA"]);
    for row in inbox["data"].as_array().into_iter().flatten() {
        table.add_row([
            truncate(row["display_name"].as_str().unwrap_or("?"), 18),
            row["status"].as_str().unwrap_or("?").to_owned(),
            row["priority"].as_str().unwrap_or("?").to_owned(),
            row["assignee_name"].as_str().unwrap_or("–").to_owned(),
            truncate(row["last_message_preview"].as_str().unwrap_or(""), 38),
            timestamp(&row["unanswered_since"])
                .map_or(String::new(), |since| format_duration(now.since(since))),
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
    match timestamp(&row["sla_due_at"]) {
        None => String::new(),
        Some(due) if due <= now => format!("{} late", format_duration(now.since(due))),
        Some(due) => format!("in {}", format_duration(due.since(now))),
    }
}

fn timestamp(value: &Value) -> Option<Timestamp> {
    value.as_str()?.parse().ok()
}

fn format_duration(span: Duration) -> String {
    match span.as_secs() {
        seconds @ 0..60 => format!("{seconds} s"),
        seconds @ 60..3600 => format!("{} min", seconds / 60),
        seconds => format!("{} h {:02} min", seconds / 3600, seconds / 60 % 60),
    }
}

pub fn truncate(text: &str, width: usize) -> String {
    let text = text.replace(['\n', '\r', '\t'], " ");
    if text.chars().count() <= width {
        return text;
    }
    let mut short: String = text.chars().take(width - 1).collect();
    short.push('…');
    short
}
