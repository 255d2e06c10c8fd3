//! The filters of a search with the ids of what they name.

use super::documents::{self, Numbers, Page, Select, Shape, Wanted};
use super::text::{Filters, InvalidSearch, Named, Term};
use super::{Effort, Search, SearchError};
use crate::queries::rows;
use crate::queries::sql::Sql;
use crate::read_models::agents::AgentRow;
use crate::read_models::catalogue_items::CatalogueItemRow;
use crate::read_models::contacts::ContactIdentifierRow;
use crate::read_models::search::{Searched, sender};
use crate::words::words;
use event_schemas::catalogue::CatalogueKind;
use event_schemas::message::ChannelType;
use event_schemas::view_filter::{AssigneeIs, TeamIs, ViewFilter};
use event_schemas::{ChannelId, ContactId, TeamId, UserId};
use follower::db::{DbError, Readers};
use follower::table::{Columns, Row, Values};
use serde_json::Value;
use std::collections::BTreeSet;
use uuid::Uuid;

/// The filters of a search.
pub(super) struct Resolved {
    /// The conversations that are searched.
    pub filter: ViewFilter,
    /// The senders that `from:` names, as words of the index. `None` without this filter.
    pub senders: Option<Vec<Term>>,
}

/// The most people that `from:` can name. Each is looked up in the index.
const MOST_PEOPLE: usize = 50;

pub(super) async fn resolve(readers: &Readers, search: &Search<'_>) -> Result<Resolved, SearchError> {
    let filters = &search.text.filters;
    let names_agents =
        filters.from.iter().chain(&filters.assignees).any(|name| matches!(name, Named::Name(_)));
    let agents = if names_agents { agents(readers, search).await? } else { Vec::new() };
    let mut all = Vec::new();
    if !filters.statuses.is_empty() {
        all.push(ViewFilter::Status(filters.statuses.clone()));
    }
    if filters.unread {
        all.push(ViewFilter::Unread(true));
    }
    if !filters.priorities.is_empty() {
        all.push(ViewFilter::Priority(filters.priorities.clone()));
    }
    all.extend(filters.labels.iter().map(|label| ViewFilter::Label(vec![label.clone()])));
    if !filters.assignees.is_empty() {
        all.push(assignees(&filters.assignees, &agents)?);
    }
    if !filters.teams.is_empty() {
        all.push(teams(&filters.teams, &items(readers, search, CatalogueKind::Teams).await?)?);
    }
    if !filters.channels.is_empty() {
        all.push(channels(&filters.channels, &items(readers, search, CatalogueKind::Channels).await?)?);
    }
    let senders = match filters.from.is_empty() {
        true => None,
        false => Some(senders(readers, search, filters, &agents).await?),
    };
    Ok(Resolved { filter: ViewFilter::All(all), senders })
}

async fn agents(readers: &Readers, search: &Search<'_>) -> Result<Vec<AgentRow>, DbError> {
    rows(readers, "where account_id = $1", Values::default().with(&search.viewer.account)).await
}

/// The names and ids of the items of a kind.
async fn items(
    readers: &Readers,
    search: &Search<'_>,
    kind: CatalogueKind,
) -> Result<Vec<(String, Uuid)>, DbError> {
    let values = Values::default().with(&search.viewer.account).with(&kind);
    let found: Vec<CatalogueItemRow> = rows(readers, "where account_id = $1 and kind = $2", values).await?;
    let name = |row: &CatalogueItemRow| {
        let item: Value = serde_json::from_str(&row.item).unwrap_or_default();
        item["name"].as_str().unwrap_or_default().to_owned()
    };
    Ok(found.iter().map(|row| (name(row), row.id)).collect())
}

/// Whether each word of the text begins a word of the name.
fn is_called(name: &str, text: &str) -> bool {
    let (name, text) = (words(name), words(text));
    !text.is_empty() && text.iter().all(|wanted| name.iter().any(|word| word.text.starts_with(&wanted.text)))
}

fn assignees(named: &[Named], agents: &[AgentRow]) -> Result<ViewFilter, InvalidSearch> {
    let mut filter = Vec::new();
    for name in named {
        match name {
            Named::Me => filter.push(AssigneeIs::Me),
            Named::None => filter.push(AssigneeIs::None),
            Named::Name(name) => match name.parse::<Uuid>() {
                Ok(id) => filter.push(AssigneeIs::Agent(UserId(id))),
                Err(_) => {
                    let called = agents.iter().filter(|agent| is_called(&agent.name, name));
                    let found: Vec<_> = called.map(|agent| AssigneeIs::Agent(agent.user_id)).collect();
                    if found.is_empty() {
                        return Err(InvalidSearch(format!(
                            "`assignee:{name}` names no agent: write `me`, `none`, a name of an agent or its beginning."
                        )));
                    }
                    filter.extend(found);
                }
            },
        }
    }
    Ok(ViewFilter::Assignee(filter))
}

fn teams(named: &[Named], teams: &[(String, Uuid)]) -> Result<ViewFilter, InvalidSearch> {
    let mut filter = Vec::new();
    for name in named {
        match name {
            Named::None => filter.push(TeamIs::None),
            Named::Me => return Err(unknown("team", "me", "none", teams)),
            Named::Name(name) => {
                let found = ids_of(name, teams);
                if found.is_empty() {
                    return Err(unknown("team", name, "none", teams));
                }
                filter.extend(found.into_iter().map(|id| TeamIs::Team(TeamId(id))));
            }
        }
    }
    Ok(ViewFilter::Team(filter))
}

fn channels(named: &[String], channels: &[(String, Uuid)]) -> Result<ViewFilter, InvalidSearch> {
    let mut any = Vec::new();
    for name in named {
        if let Ok(kind) = name.parse::<ChannelType>() {
            any.push(ViewFilter::ChannelType(vec![kind]));
            continue;
        }
        let found = ids_of(name, channels);
        if found.is_empty() {
            let kinds: Vec<_> = ChannelType::ALL.iter().map(|kind| kind.as_str()).collect();
            return Err(unknown("channel", name, &kinds.join(", "), channels));
        }
        any.push(ViewFilter::Channel(found.into_iter().map(ChannelId).collect()));
    }
    Ok(ViewFilter::Any(any))
}

/// The items of this id or name, or whose name begins so.
fn ids_of(name: &str, items: &[(String, Uuid)]) -> Vec<Uuid> {
    let id = name.parse::<Uuid>().ok();
    items.iter().filter(|item| Some(item.1) == id || is_called(&item.0, name)).map(|item| item.1).collect()
}

/// The names that a problem lists at most.
const MOST_NAMES: usize = 20;

fn unknown(filter: &str, name: &str, words: &str, items: &[(String, Uuid)]) -> InvalidSearch {
    let names = items.iter().map(|(name, _)| name.as_str()).filter(|name| !name.is_empty());
    let names: Vec<&str> = std::iter::once(words).chain(names.take(MOST_NAMES)).collect();
    InvalidSearch(format!(
        "`{filter}:{name}` names no {filter} of this account: write one of {}, or the beginning of a name.",
        names.join(", ")
    ))
}

async fn senders(
    readers: &Readers,
    search: &Search<'_>,
    filters: &Filters,
    agents: &[AgentRow],
) -> Result<Vec<Term>, SearchError> {
    // When no person has the name, nothing is found: no person has this id.
    let mut ids = BTreeSet::from([Uuid::nil()]);
    for name in &filters.from {
        match name {
            Named::Me => ids.extend(search.viewer.reader.map(|reader| reader.0)),
            Named::None => {
                return Err(
                    InvalidSearch("`from:none` is no filter: write `me` or a name.".to_owned()).into()
                );
            }
            Named::Name(name) => {
                let called = agents.iter().filter(|agent| is_called(&agent.name, name));
                ids.extend(called.map(|agent| agent.user_id.0));
                ids.extend(identifiers(readers, search, name).await?);
                if ids.len() > MOST_PEOPLE {
                    return Err(InvalidSearch(format!(
                        "`from:{name}` names more than {MOST_PEOPLE} people: write more of the name, or the number."
                    ))
                    .into());
                }
            }
        }
    }
    Ok(ids.into_iter().map(|id| Term { words: vec![sender(id)], is_prefix: false }).collect())
}

/// The identifiers of the contacts who are called so, one more than are possible.
async fn identifiers(readers: &Readers, search: &Search<'_>, name: &str) -> Result<Vec<Uuid>, SearchError> {
    let account = search.viewer.account;
    let Some(numbers) = Numbers::of(readers, account, Searched::Identifiers).await? else {
        return Ok(Vec::new());
    };
    let wanted = Wanted { groups: beginnings(name), excluded: Vec::new() };
    if wanted.groups.is_empty() {
        return Ok(Vec::new());
    }
    let select = |sql: &mut Sql| Select {
        columns: "i.contact_id".to_owned(),
        conditions: vec![sql.equal("i.account_id", &account)],
    };
    let take = |row: &follower::db::DbRow| Columns::after(row, 1).take::<ContactId>().map(Some);
    let page = (MOST_PEOPLE, Effort::default());
    let Page { found, next } =
        documents::read(readers, &IDENTIFIERS, &wanted, numbers, page, select, take).await?;
    if next.is_some() {
        return Ok((0..=MOST_PEOPLE as u128).map(Uuid::from_u128).collect());
    }
    let contacts: BTreeSet<Uuid> = found.into_iter().map(|found| found.document.0).collect();
    if contacts.is_empty() {
        return Ok(Vec::new());
    }
    let mut sql = Sql::default();
    let account = sql.bind(&account);
    let contacts: Vec<String> = contacts.iter().map(|contact| sql.bind(contact)).collect();
    let rest = format!("where account_id = {account} and contact_id in ({})", contacts.join(", "));
    let found: Vec<ContactIdentifierRow> = rows(readers, &rest, sql.values).await?;
    Ok(found.into_iter().map(|row| row.id.0).collect())
}

/// Contact identifiers in the index.
pub(super) const IDENTIFIERS: Shape =
    Shape { kind: Searched::Identifiers, tables: "contact_identifiers i", joins: "i.search_no = hit.no" };

/// The words of a name, each of which may be only the beginning of one.
pub(super) fn beginnings(name: &str) -> Vec<Vec<Term>> {
    let pieces = name.split_whitespace().filter_map(super::text::term_of);
    pieces.map(|term| vec![Term { is_prefix: true, ..term }]).collect()
}

/// The columns of a row of this table.
pub(super) fn columns<R: Row>(alias: &str) -> String {
    R::COLUMNS.iter().map(|column| format!("{alias}.{column}")).collect::<Vec<_>>().join(", ")
}
