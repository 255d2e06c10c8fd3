//! The results of a search: people, conversations and messages.

use super::documents::{self, Found, Numbers, Select, Shape, Wanted};
use super::marks::{Marks, Segment};
use super::names::{IDENTIFIERS, Resolved, columns, resolve};
use super::text::{SearchKind, Term};
use super::{Search, SearchError};
use crate::queries::Listed;
use crate::queries::conversations::ListedConversation;
use crate::queries::filter::condition;
use crate::queries::sql::Sql;
use crate::read_models::contacts::{ContactIdentifierRow, ContactRow};
use crate::read_models::inbox::ConversationRow;
use crate::read_models::messages::{self, MessageRow};
use crate::read_models::search::{HAS_ATTACHMENT, Searched, last_digits, typo_key};
use crate::words::{begins_nearly, typo_keys, words};
use event_schemas::contact::phone_digits;
use event_schemas::message::{ChannelType, ContentType, SenderType, Status};
use event_schemas::{ContactId, ConversationId, MessageId, Timestamp, UserId};
use follower::db::{DbRow, Engine, Readers};
use follower::table::{Columns, Row};
use schemars::JsonSchema;
use serde::Serialize;
use std::collections::HashSet;

/// A message or a note that was found.
#[derive(Clone, Debug, PartialEq, Serialize, JsonSchema)]
#[schemars(rename = "FoundMessage")]
pub struct MessageHit {
    pub id: MessageId,
    pub conversation: ConversationOfMessage,
    pub sender_type: SenderType,
    pub sender_id: Option<UserId>,
    pub sender_name: Option<String>,
    /// Whether the message is an internal note.
    pub is_private: bool,
    pub content_type: ContentType,
    /// The part of the text with what was searched for.
    pub excerpt: Vec<Segment>,
    /// The names of its files.
    pub file_names: Vec<Vec<Segment>>,
    pub sent_at: Timestamp,
    pub created_at: Timestamp,
    /// The value of `before` or `after` for the messages around this one.
    pub cursor: String,
}

/// The conversation of a message that was found.
#[derive(Clone, Debug, PartialEq, Serialize, JsonSchema)]
#[schemars(rename = "ConversationOfFoundMessage")]
pub struct ConversationOfMessage {
    pub id: ConversationId,
    pub contact_id: ContactId,
    pub contact_identifier: String,
    pub display_name: Option<String>,
    pub channel_type: ChannelType,
    pub status: Status,
    pub subject: Option<String>,
}

/// A conversation that was found by its subject or by its customer.
#[derive(Clone, Debug, PartialEq, Serialize, JsonSchema)]
#[schemars(rename = "FoundConversation")]
pub struct ConversationHit {
    #[serde(flatten)]
    pub conversation: ListedConversation,
    /// The customer's name, or the identifier of one without a name.
    pub marked_name: Vec<Segment>,
    pub marked_subject: Vec<Segment>,
}

/// A contact who was found by a name or an identifier.
#[derive(Clone, Debug, PartialEq, Serialize, JsonSchema)]
#[schemars(rename = "FoundPerson")]
pub struct PersonHit {
    #[serde(flatten)]
    pub contact: ContactRow,
    /// The identifier that was found. The contact may have others.
    pub identifier: ContactIdentifierRow,
    /// The name at this identifier, or the identifier when it has no name.
    pub marked_name: Vec<Segment>,
    pub marked_identifier: Vec<Segment>,
    /// Whether the name is only like the one that was searched for.
    pub is_similar: bool,
}

const MESSAGES: Shape = Shape {
    kind: Searched::Messages,
    tables: "messages m cross join conversations c",
    joins: "m.search_no = hit.no and c.seq = m.conversation_seq",
};

/// Messages and notes, the newest first.
///
/// # Errors
///
/// Fails when the text has a filter that names nothing, with the cursor of another search, and when the tables cannot be
/// read.
pub async fn messages(readers: &Readers, search: &Search<'_>) -> Result<Listed<MessageHit>, SearchError> {
    const KIND: SearchKind = SearchKind::Messages;
    search.text.check_kind(KIND)?;
    let filters = &search.text.filters;
    let resolved = resolve(readers, search).await?;
    let Some(numbers) = numbers(readers, search, KIND, Searched::Messages).await? else {
        return Ok(nothing());
    };
    let numbers = numbers.recorded(readers, filters.after, filters.before).await?;
    let mut wanted = wanted(search, &resolved, each(&search.text.terms));
    if filters.attachments {
        wanted.groups.push(vec![Term { words: vec![HAS_ATTACHMENT.to_owned()], is_prefix: false }]);
    }
    let engine = readers.engine();
    let select = |sql: &mut Sql| {
        let mut conditions = conversation_conditions(search, &resolved, engine, sql);
        conditions.push("m.revoked_at is null".to_owned());
        if filters.notes {
            conditions.push(sql.equal("m.is_private", &true));
        }
        // The first message at a moment is looked up; a clock that was set back leaves others around it.
        if let Some(before) = filters.before {
            conditions.push(format!("m.created_at < {}", sql.bind(&before)));
        }
        if let Some(after) = filters.after {
            conditions.push(format!("m.created_at >= {}", sql.bind(&after)));
        }
        let message = columns::<MessageRow>("m");
        let columns = format!(
            "{message}, c.id, c.contact_id, c.contact_identifier, c.display_name, c.channel_type, c.status, c.subject"
        );
        Select { columns, conditions }
    };
    let marks = Marks { terms: &search.text.terms, nearly: false };
    let take = |row: &DbRow| {
        let mut after_number = Columns::after(row, 1 + MessageRow::COLUMNS.len());
        let conversation = ConversationOfMessage {
            id: after_number.take()?,
            contact_id: after_number.take()?,
            contact_identifier: after_number.take()?,
            display_name: after_number.take()?,
            channel_type: after_number.take()?,
            status: after_number.take()?,
            subject: after_number.take()?,
        };
        Ok(Some(MessageHit::of(MessageRow::take_at(row, 1)?, conversation, &marks)))
    };
    let page = (search.limit.get(), search.effort);
    let page = documents::read(readers, &MESSAGES, &wanted, numbers, page, select, take).await?;
    let next = page.next.map(|no| search.cursor(KIND, no, false));
    Ok(Listed { rows: page.found.into_iter().map(|found| found.document).collect(), next })
}

impl MessageHit {
    fn of(row: MessageRow, conversation: ConversationOfMessage, marks: &Marks<'_>) -> Self {
        let files = row.attachments.iter().flat_map(|files| &files.0);
        let names = files.filter_map(|file| file.file_name.as_deref());
        Self {
            id: row.id,
            conversation,
            sender_type: row.sender_type,
            sender_id: row.sender_id,
            sender_name: row.sender_name.clone(),
            is_private: row.is_private,
            content_type: row.content_type,
            excerpt: marks.excerpt(&row.content),
            file_names: names.map(|name| marks.whole(name)).collect(),
            sent_at: row.sent_at,
            created_at: row.created_at,
            cursor: messages::cursor(&row).to_string(),
        }
    }
}

const CONVERSATIONS: Shape =
    Shape { kind: Searched::Conversations, tables: "conversations c", joins: "c.search_no = hit.no" };

/// Conversations by their subject and their customer, the newest first.
///
/// # Errors
///
/// As [`messages`].
pub async fn conversations(
    readers: &Readers,
    search: &Search<'_>,
) -> Result<Listed<ConversationHit>, SearchError> {
    const KIND: SearchKind = SearchKind::Conversations;
    search.text.check_kind(KIND)?;
    let filters = &search.text.filters;
    let resolved = resolve(readers, search).await?;
    let numbers = numbers(readers, search, KIND, Searched::Conversations).await?;
    let Some(numbers) = numbers else { return Ok(nothing()) };
    let wanted = wanted(search, &resolved, each(&search.text.terms));
    let engine = readers.engine();
    let select = |sql: &mut Sql| {
        let mut conditions = conversation_conditions(search, &resolved, engine, sql);
        if let Some(before) = filters.before {
            conditions.push(format!("c.last_message_at < {}", sql.bind(&before)));
        }
        if let Some(after) = filters.after {
            conditions.push(format!("c.last_message_at >= {}", sql.bind(&after)));
        }
        let reader = sql.bind(&search.viewer.reader);
        let conversation = columns::<ConversationRow>("c");
        let columns = format!(
            "{conversation}, (select seen.received from agent_seen seen
             where seen.conversation_seq = c.seq and seen.agent_id = {reader})"
        );
        Select { columns, conditions }
    };
    let marks = Marks { terms: &search.text.terms, nearly: false };
    let take = |row: &DbRow| {
        let conversation = ConversationRow::take_at(row, 1)?;
        let seen: Option<u32> = Columns::after(row, 1 + ConversationRow::COLUMNS.len()).take()?;
        let unread = conversation.received_count.saturating_sub(seen.unwrap_or(0));
        let name = conversation.display_name.as_deref().unwrap_or(&conversation.contact_identifier);
        Ok(Some(ConversationHit {
            marked_name: marks.whole(name),
            marked_subject: marks.whole(conversation.subject.as_deref().unwrap_or_default()),
            conversation: ListedConversation::new(conversation, unread),
        }))
    };
    let page = (search.limit.get(), search.effort);
    let page = documents::read(readers, &CONVERSATIONS, &wanted, numbers, page, select, take).await?;
    let next = page.next.map(|no| search.cursor(KIND, no, false));
    Ok(Listed { rows: page.found.into_iter().map(|found| found.document).collect(), next })
}

/// People by their names and identifiers: first those of whose names each word begins with one that was searched for,
/// then those with a similar name; of either, the newest first. A person with several identifiers may come again on a
/// later page.
///
/// # Errors
///
/// As [`messages`].
pub async fn people(readers: &Readers, search: &Search<'_>) -> Result<Listed<PersonHit>, SearchError> {
    const KIND: SearchKind = SearchKind::People;
    search.text.check_kind(KIND)?;
    let Some(all) = Numbers::of(readers, search.viewer.account, Searched::Identifiers).await? else {
        return Ok(nothing());
    };
    let after = search.after(KIND)?;
    let below = |key: Option<i64>| {
        let end = key.map_or(all.end, |key| key.clamp(all.begin, all.end));
        Numbers { end, ..all }
    };
    let terms = search.text.terms.iter().map(|term| Term { is_prefix: begins(term), ..term.clone() });
    let terms: Vec<Term> = terms.collect();
    let mut hits = Vec::new();
    if !after.is_some_and(|cursor| cursor.keyless) {
        let wanted = Wanted { groups: exactly(search, &terms), excluded: search.text.excluded.clone() };
        let numbers = below(after.map(|cursor| cursor.key));
        let page = read_people(readers, search, &wanted, numbers, &terms, None).await?;
        hits = page.found;
        if let Some(next) = page.next {
            return Ok(Listed { rows: once_each(hits), next: Some(search.cursor(KIND, next, false)) });
        }
    }
    let similar = similarly(&terms).filter(|_| hits.len() < search.limit.get());
    let Some(groups) = similar else { return Ok(Listed { rows: once_each(hits), next: None }) };
    let wanted = Wanted { groups, excluded: search.text.excluded.clone() };
    let numbers = below(after.filter(|cursor| cursor.keyless).map(|cursor| cursor.key));
    let is_similar = |row: &ContactIdentifierRow| is_similar(row, &terms);
    let page = read_people(readers, search, &wanted, numbers, &terms, Some(&is_similar)).await?;
    hits.extend(page.found);
    let next = page.next.map(|no| search.cursor(KIND, no, true));
    Ok(Listed { rows: once_each(hits), next })
}

/// A page of people. `keep` decides on those with a similar name.
async fn read_people(
    readers: &Readers,
    search: &Search<'_>,
    wanted: &Wanted,
    numbers: Numbers,
    terms: &[Term],
    keep: Option<&(dyn Fn(&ContactIdentifierRow) -> bool + Sync)>,
) -> Result<documents::Page<PersonHit>, SearchError> {
    let select = |sql: &mut Sql| Select {
        columns: format!("{}, {}", columns::<ContactIdentifierRow>("i"), columns::<ContactRow>("p")),
        conditions: vec![sql.equal("i.account_id", &search.viewer.account)],
    };
    let shape = Shape {
        tables: "contact_identifiers i cross join contacts p",
        joins: "i.search_no = hit.no and p.account_id = i.account_id and p.id = i.contact_id",
        ..IDENTIFIERS
    };
    let marks = Marks { terms, nearly: keep.is_some() };
    let take = |row: &DbRow| {
        let identifier = ContactIdentifierRow::take_at(row, 1)?;
        if keep.is_some_and(|keep| !keep(&identifier)) {
            return Ok(None);
        }
        let contact = ContactRow::take_at(row, 1 + ContactIdentifierRow::COLUMNS.len())?;
        Ok(Some(PersonHit {
            contact,
            marked_name: marks.whole(identifier.display_name.as_deref().unwrap_or(&identifier.identifier)),
            marked_identifier: marks.whole(&identifier.identifier),
            identifier,
            is_similar: keep.is_some(),
        }))
    };
    let page = (search.limit.get(), search.effort);
    documents::read(readers, &shape, wanted, numbers, page, select, take).await
}

/// Each contact once.
fn once_each(found: Vec<Found<PersonHit>>) -> Vec<PersonHit> {
    let mut seen = HashSet::new();
    let people = found.into_iter().map(|found| found.document);
    people.filter(|person| seen.insert(person.contact.id)).collect()
}

/// Whether a word may be only the beginning of a name: one letter begins too many.
fn begins(term: &Term) -> bool {
    term.is_prefix || term.words.iter().any(|word| word.chars().count() > 1)
}

/// The words of people who have them. A number is found by its first and its last digits, however it is written.
fn exactly(search: &Search<'_>, terms: &[Term]) -> Vec<Vec<Term>> {
    let Some(digits) = phone_digits(search.text.as_str().trim()) else { return each(terms) };
    let beginning = |word: String| Term { words: vec![word], is_prefix: true };
    let own = digits.trim_start_matches('0').to_owned();
    vec![vec![beginning(digits), beginning(last_digits(&own)), beginning(own)]]
}

/// The letters from which on a wrong one is tolerated.
const LONG_ENOUGH: usize = 4;

/// The words of people with a similar name. `None` when no word is long enough.
fn similarly(terms: &[Term]) -> Option<Vec<Vec<Term>>> {
    let is_long = |term: &Term| matches!(&term.words[..], [word] if may_be_similar(word));
    if !terms.iter().any(is_long) {
        return None;
    }
    let group = |term: &Term| {
        let keys = term.words.iter().filter(|_| is_long(term)).flat_map(|word| typo_keys(word));
        let keys = keys.map(|key| Term { words: vec![typo_key(&key)], is_prefix: false });
        std::iter::once(term.clone()).chain(keys).collect()
    };
    Some(terms.iter().map(group).collect())
}

fn may_be_similar(word: &str) -> bool {
    word.chars().count() >= LONG_ENOUGH && !word.chars().any(|letter| letter.is_ascii_digit())
}

/// Whether the name is similar, and was not found as one that has the words.
fn is_similar(row: &ContactIdentifierRow, terms: &[Term]) -> bool {
    let name = words(row.display_name.as_deref().unwrap_or_default());
    let identifier = words(&row.identifier);
    let has = |term: &Term| {
        let marks = Marks { terms: std::slice::from_ref(term), nearly: false };
        marks.is_in(row.display_name.as_deref().unwrap_or_default()) || marks.is_in(&row.identifier)
    };
    let nearly = |term: &Term| {
        let [wanted] = &term.words[..] else { return false };
        let mut all = name.iter().chain(&identifier).filter(|word| word.pair.is_none());
        may_be_similar(wanted) && all.any(|word| begins_nearly(&word.text, wanted))
    };
    !terms.iter().all(has) && terms.iter().all(|term| has(term) || nearly(term))
}

fn each(terms: &[Term]) -> Vec<Vec<Term>> {
    terms.iter().map(|term| vec![term.clone()]).collect()
}

fn wanted(search: &Search<'_>, resolved: &Resolved, mut groups: Vec<Vec<Term>>) -> Wanted {
    groups.extend(resolved.senders.clone());
    Wanted { groups, excluded: search.text.excluded.clone() }
}

/// The numbers of the page. `None` when the account has no such document.
async fn numbers(
    readers: &Readers,
    search: &Search<'_>,
    kind: SearchKind,
    searched: Searched,
) -> Result<Option<Numbers>, SearchError> {
    let after = search.after(kind)?;
    let Some(numbers) = Numbers::of(readers, search.viewer.account, searched).await? else { return Ok(None) };
    let end = after.map_or(numbers.end, |cursor| cursor.key.clamp(numbers.begin, numbers.end));
    Ok(Some(Numbers { end, ..numbers }))
}

/// The conditions on the conversation. What is found is what the list of conversations shows.
fn conversation_conditions(
    search: &Search<'_>,
    resolved: &Resolved,
    engine: Engine,
    sql: &mut Sql,
) -> Vec<String> {
    let account = sql.equal("c.account_id", &search.viewer.account);
    vec![account, condition(&resolved.filter, &search.viewer, engine, sql)]
}

fn nothing<T>() -> Listed<T> {
    Listed { rows: Vec::new(), next: None }
}
