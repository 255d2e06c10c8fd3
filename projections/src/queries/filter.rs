//! The filter of conversations that saved views and the search use, as a condition of SQL.

use super::sql::Sql;
use event_schemas::view_filter::{AssigneeIs, SlaState, TeamIs, ViewFilter};
use event_schemas::{AccountId, Timestamp, UserId};
use follower::db::Engine;
use follower::table::Column;
use std::time::Duration;

/// The account whose conversations are filtered, the reader for whom, and the time.
#[derive(Clone, Copy, Debug)]
pub struct Viewer {
    pub account: AccountId,
    /// The agent who is `me`, and whose unread messages are counted. `None` for a caller who is no agent.
    pub reader: Option<UserId>,
    pub now: Timestamp,
}

/// The condition that a row `c` of the table of conversations meets the filter. It is true or false, never unknown, so
/// that its opposite is right as well.
pub fn condition(filter: &ViewFilter, viewer: &Viewer, engine: Engine, sql: &mut Sql) -> String {
    let each = |filters: &[ViewFilter], sql: &mut Sql| -> Vec<String> {
        filters.iter().map(|filter| condition(filter, viewer, engine, sql)).collect()
    };
    match filter {
        ViewFilter::All(filters) => joined(each(filters, sql), " and ", "1 = 1"),
        ViewFilter::Any(filters) => joined(each(filters, sql), " or ", NEVER),
        ViewFilter::Not(filter) => format!("not {}", condition(filter, viewer, engine, sql)),
        ViewFilter::Status(statuses) => among("c.status", statuses, sql),
        ViewFilter::Channel(channels) => among("c.channel_id", channels, sql),
        ViewFilter::ChannelType(types) => among("c.channel_type", types, sql),
        ViewFilter::Priority(priorities) => among("c.priority", priorities, sql),
        ViewFilter::Language(languages) => known(among("c.language", languages, sql), "c.language"),
        ViewFilter::SlaState(states) => {
            let words: Vec<String> = states.iter().map(SlaState::to_string).collect();
            known(among("c.sla_state", &words, sql), "c.sla_state")
        }
        ViewFilter::Assignee(assignees) => {
            let each = assignees.iter().map(|assignee| match assignee {
                AssigneeIs::None => "c.assignee_id is null".to_owned(),
                AssigneeIs::Agent(user) => equal("c.assignee_id", user, sql),
                AssigneeIs::Me => match viewer.reader {
                    Some(reader) => equal("c.assignee_id", &reader, sql),
                    None => NEVER.to_owned(),
                },
            });
            joined(each.collect(), " or ", NEVER)
        }
        ViewFilter::Team(teams) => {
            let each = teams.iter().map(|team| match team {
                TeamIs::None => "c.team_id is null".to_owned(),
                TeamIs::Team(team) => equal("c.team_id", team, sql),
            });
            joined(each.collect(), " or ", NEVER)
        }
        ViewFilter::Label(labels) => {
            let account = sql.bind(&viewer.account);
            let label = among("l.label", labels, sql);
            format!(
                "exists (select 1 from conversation_labels l
                 where l.account_id = {account} and {label} and l.conversation_seq = c.seq)"
            )
        }
        ViewFilter::Unread(is_unread) => {
            let reader = sql.bind(&viewer.reader);
            let comparison = if *is_unread { ">" } else { "<=" };
            format!(
                "(c.received_count {comparison} coalesce((select seen.received from agent_seen seen
                 where seen.conversation_seq = c.seq and seen.agent_id = {reader}), 0))"
            )
        }
        ViewFilter::UnansweredFor(seconds) => {
            earlier("c.unanswered_since", before(viewer.now, *seconds), sql)
        }
        ViewFilter::SlaDueWithin(seconds) => {
            earlier("c.sla_due_at", viewer.now + Duration::from_secs((*seconds).into()), sql)
        }
        ViewFilter::ActiveWithin(seconds) => {
            format!("(c.last_message_at >= {})", sql.bind(&before(viewer.now, *seconds)))
        }
        ViewFilter::CreatedWithin(seconds) => {
            format!("(c.created_at >= {})", sql.bind(&before(viewer.now, *seconds)))
        }
        ViewFilter::Custom(field) => {
            let value = custom(engine, &field.name, sql);
            format!("(coalesce({value}, '') = {} and {value} is not null)", sql.bind(&field.value))
        }
    }
}

/// A condition that no row meets.
const NEVER: &str = "1 = 0";

fn joined(conditions: Vec<String>, word: &str, when_empty: &str) -> String {
    if conditions.is_empty() { format!("({when_empty})") } else { format!("({})", conditions.join(word)) }
}

fn among<T: Column>(column: &str, values: &[T], sql: &mut Sql) -> String {
    if values.is_empty() {
        return format!("({NEVER})");
    }
    let values: Vec<String> = values.iter().map(|value| sql.bind(value)).collect();
    format!("({column} in ({}))", values.join(", "))
}

/// The condition on a column that may be null.
fn known(condition: String, column: &str) -> String {
    format!("({column} is not null and {condition})")
}

fn equal<T: Column>(column: &str, value: &T, sql: &mut Sql) -> String {
    format!("({column} is not null and {})", sql.equal(column, value))
}

fn earlier(column: &str, limit: Timestamp, sql: &mut Sql) -> String {
    format!("({column} is not null and {column} <= {})", sql.bind(&limit))
}

fn before(now: Timestamp, seconds: u32) -> Timestamp {
    Timestamp::from_micros(now.as_micros() - i64::from(seconds) * 1_000_000)
}

/// A member of the conversation's metadata as text. The engines write a flag differently.
fn custom(engine: Engine, name: &str, sql: &mut Sql) -> String {
    match engine {
        Engine::Sqlite => {
            // A path of JSON whose member is quoted, so that each character of a name means itself.
            let path = format!("$.\"{}\"", name.replace('"', "\\\""));
            let path = sql.bind(&path);
            format!(
                "case json_type(c.metadata, {path}) when 'true' then 'true' when 'false' then 'false'
                 else cast(json_extract(c.metadata, {path}) as text) end"
            )
        }
        Engine::Postgres => {
            let name = sql.bind(&name.to_owned());
            format!("(cast(c.metadata as json) ->> {name})")
        }
    }
}
