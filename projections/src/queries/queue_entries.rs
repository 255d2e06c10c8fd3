//! What waits for an agent.

use super::rows;
use crate::read_models::queue_entries::{PaceRow, QueueEntryRow};
use event_schemas::{AccountId, TeamId};
use follower::db::{AssertSqlSafe, DbError, Readers};
use follower::table::{Columns, Row, Values};

/// A conversation that waits, and its place in its team's queue, from 1.
#[derive(Clone, Debug, PartialEq)]
pub struct Waiting {
    pub row: QueueEntryRow,
    pub position: u32,
}

/// What waits in an account, or for one of its teams: the oldest of the highest priority first.
pub async fn waiting(
    readers: &Readers,
    account: AccountId,
    team: Option<TeamId>,
) -> Result<Vec<Waiting>, DbError> {
    let mut values = Values::default().with(&account);
    let of_team = match team {
        Some(team) => {
            values.put(&team);
            "and team_id = $2"
        }
        None => "",
    };
    let sql = format!(
        "select {}, row_number() over (
             partition by team_id order by priority desc, queued_since, conversation_id) as position
         from queue_entries where account_id = $1 {of_team}
         order by priority desc, queued_since, conversation_id",
        QueueEntryRow::COLUMNS.join(", ")
    );
    let found = readers.fetch_all(AssertSqlSafe(sql), values).await?;
    let width = QueueEntryRow::COLUMNS.len();
    found
        .iter()
        .map(|row| {
            let position: i64 = Columns::after(row, width).take()?;
            Ok(Waiting {
                row: QueueEntryRow::take(row)?,
                position: u32::try_from(position).unwrap_or(u32::MAX),
            })
        })
        .collect()
}

/// How quickly an account's queues move.
pub async fn paces(readers: &Readers, account: AccountId) -> Result<Vec<PaceRow>, DbError> {
    rows(readers, "where account_id = $1 order by team_id", Values::default().with(&account)).await
}
