//! Tab counts and agents.

use super::{number, row, rows};
use crate::read_models::agents::{AgentAvailabilityRow, AgentPreferencesRow, AgentRow};
use event_schemas::message::Status;
use event_schemas::{AccountId, ContactId, TeamId, UserId};
use follower::db::{DbError, Readers};
use follower::table::{Columns, Values};
use std::collections::BTreeMap;
use uuid::Uuid;

/// How many conversations of each status.
pub type ByStatus = BTreeMap<Status, i64>;

/// The counts beside the tabs of an inbox.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct TabCounts {
    pub all: ByStatus,
    pub mine: ByStatus,
    pub unassigned: ByStatus,
    pub teams: BTreeMap<TeamId, ByStatus>,
    pub without_team: ByStatus,
    pub assignees: BTreeMap<UserId, ByStatus>,
}

/// The counts of an account, `mine` being the reader's.
pub async fn counts(
    readers: &Readers,
    account: AccountId,
    reader: Option<UserId>,
) -> Result<TabCounts, DbError> {
    const ALL: &str = "select string_agg(
            tab || ' ' || subject || ' ' || status || ' ' || cast(count as text), ',')
        from tab_counts where account_id = $1";
    let row = readers.fetch_one(ALL, Values::default().with(&account)).await?;
    let lines: Option<String> = Columns::of(&row).take()?;
    let mut counts = TabCounts::default();
    for line in lines.iter().flat_map(|lines| lines.split(',')) {
        let mut words = line.split(' ');
        let (Some(tab), Some(subject)) = (words.next(), words.next()) else { continue };
        let (Some(Ok(status)), Some(Ok(count))) =
            (words.next().map(str::parse), words.next().map(str::parse))
        else {
            continue;
        };
        match (tab, subject.parse::<Uuid>()) {
            ("all", _) => counts.all.insert(status, count),
            ("assignee", Ok(user)) => {
                let user = UserId(user);
                if Some(user) == reader {
                    counts.mine.insert(status, count);
                }
                counts.assignees.entry(user).or_default().insert(status, count)
            }
            ("assignee", Err(_)) => counts.unassigned.insert(status, count),
            ("team", Ok(team)) => counts.teams.entry(TeamId(team)).or_default().insert(status, count),
            ("team", Err(_)) => counts.without_team.insert(status, count),
            (_, _) => None,
        };
    }
    Ok(counts)
}

/// The name a contact goes by, for texts that mention it.
pub async fn contact_name(
    readers: &Readers,
    account: AccountId,
    contact: ContactId,
) -> Result<Option<String>, DbError> {
    Ok(super::list::contact(readers, account, contact).await?.and_then(|contact| contact.display_name))
}

/// The agents an account knows.
pub async fn agents(readers: &Readers, account: AccountId) -> Result<Vec<AgentRow>, DbError> {
    rows(readers, "where account_id = $1 order by name, user_id", Values::default().with(&account)).await
}

pub async fn agent(readers: &Readers, account: AccountId, user: UserId) -> Result<Option<AgentRow>, DbError> {
    row(readers, "where account_id = $1 and user_id = $2", Values::default().with(&account).with(&user)).await
}

/// A person's preferences, where they ever set any.
pub async fn preferences(readers: &Readers, user: UserId) -> Result<Option<AgentPreferencesRow>, DbError> {
    row(readers, "where user_id = $1", Values::default().with(&user)).await
}

/// Whether a person is there and how much they have, where anything was ever told of it.
pub async fn agent_availability(
    readers: &Readers,
    user: UserId,
) -> Result<Option<AgentAvailabilityRow>, DbError> {
    row(readers, "where user_id = $1", Values::default().with(&user)).await
}

pub async fn all_agent_availability(
    readers: &Readers,
    account: AccountId,
) -> Result<Vec<AgentAvailabilityRow>, DbError> {
    const MEMBERS: &str =
        "where user_id in (select user_id from agents where account_id = $1) order by user_id";
    rows(readers, MEMBERS, Values::default().with(&account)).await
}

/// The preferences of everybody an account knows.
pub async fn all_preferences(
    readers: &Readers,
    account: AccountId,
) -> Result<Vec<AgentPreferencesRow>, DbError> {
    const MEMBERS: &str =
        "where user_id in (select user_id from agents where account_id = $1) order by user_id";
    rows(readers, MEMBERS, Values::default().with(&account)).await
}

/// How many conversations there are in all accounts, for the operator.
pub async fn conversations(readers: &Readers) -> Result<i64, DbError> {
    const ALL: &str = "select coalesce(sum(count), 0) from tab_counts where tab = 'all'";
    number(readers, ALL, Values::default()).await.map(Option::unwrap_or_default)
}
