//! The index of words by which messages, conversations and people are found.
//!
//! Each account counts its messages, its conversations and its contact identifiers in the order in which they were
//! recorded, and the index has their words under these numbers: in SQLite's full-text search (FTS5), or in a column of
//! PostgreSQL's `tsvector`. The engines only store and find words; [`crate::words`] makes them, so that both find the same.
//!
//! Every word in the index begins with its account and with a block of 32,768 numbers. So no word of an account is a
//! word of another's, a search reads block by block from the newest to the oldest and stops when its page is full,
//! however common the word, and new words are written side by side.

use super::contacts::ContactIdentifierRow;
use super::inbox::ConversationRow;
use super::messages::MessageRow;
use super::registry::TableSet;
use crate::words::{typo_keys, words};
use event_schemas::contact::phone_digits;
use event_schemas::message::SenderType;
use event_schemas::{AccountId, ContactIdentifierId, Event};
use follower::db::{DbError, Engine, Tx};
use follower::runner::DecodedEvent;
use follower::table::{Columns, Rows, Shape, Values};
use std::collections::BTreeMap;
use std::fmt::Write;
use std::sync::Arc;
use uuid::Uuid;

follower::table! {
    /// How many documents of each kind an account has in the index.
    pub struct SearchAccountRow in "search_accounts" key (account_id: AccountId) {
        /// Accounts are numbered in the order of their first document.
        number: i64,
    }
    volatile {
        messages: i64,
        conversations: i64,
        identifiers: i64,
    }
}

/// The kinds of document that are found by their words.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Searched {
    Messages,
    Conversations,
    Identifiers,
}

impl Searched {
    /// The table with the words.
    pub const fn words_table(self) -> &'static str {
        match self {
            Self::Messages => "message_words",
            Self::Conversations => "conversation_words",
            Self::Identifiers => "identifier_words",
        }
    }

    /// The table with the documents.
    pub const fn documents(self) -> &'static str {
        match self {
            Self::Messages => "messages",
            Self::Conversations => "conversations",
            Self::Identifiers => "contact_identifiers",
        }
    }
}

/// The numbers of a block, as a power of two. A search of a common word reads one block.
const BLOCK_BITS: u32 = 15;
/// The documents of a block.
pub const BLOCK: i64 = 1 << BLOCK_BITS;
/// The numbers of an account, as a power of two.
const ACCOUNT_BITS: u32 = 32;

/// The first number of an account.
pub fn first_of(account_number: i64) -> i64 {
    account_number << ACCOUNT_BITS
}

/// The beginning of the words of the block with this number.
pub fn prefix(no: i64) -> String {
    let (account, own) = (no >> ACCOUNT_BITS, no & ((1 << ACCOUNT_BITS) - 1));
    let mut prefix = String::with_capacity(12);
    for number in [account, own >> BLOCK_BITS] {
        push_digits(number, &mut prefix);
        prefix.push('z');
    }
    prefix
}

/// Adds a number in the digits `0` to `9` and `a` to `v`.
fn push_digits(number: i64, text: &mut String) {
    if number >= 32 {
        push_digits(number / 32, text);
    }
    text.push(char::from_digit((number % 32) as u32, 32).unwrap_or('0'));
}

/// The words that no text has: their first character is no letter of any language.
const MARK: char = '\u{e000}';

/// The word of every message with an attachment.
pub const HAS_ATTACHMENT: &str = "\u{e000}attachment";

/// The word of what comes from this person: an agent, or a contact identifier.
pub fn sender(id: Uuid) -> String {
    let digits = id.simple().to_string();
    format!("{MARK}{}", &digits[digits.len() - 10..])
}

/// The word under which a name is found in spite of an edit.
pub fn typo_key(key: &str) -> String {
    format!("{MARK}\u{e001}{key}")
}

/// The word by which a number is found by its last digits.
pub fn last_digits(digits: &str) -> String {
    let reversed: String = digits.chars().rev().collect();
    format!("{MARK}\u{e002}{reversed}")
}

/// A message that has more words is found by the first ones.
const MOST_WORDS: usize = 4_000;

fn add_words(text: &str, to: &mut Vec<String>) {
    to.extend(words(text).into_iter().take(MOST_WORDS).map(|word| word.text));
}

fn message_words(message: &MessageRow, conversation: &ConversationRow) -> Vec<String> {
    let mut found = Vec::new();
    if message.revoked_at.is_some() {
        return found;
    }
    add_words(&message.content, &mut found);
    let sender_id = match message.sender_type {
        SenderType::Contact => Some(identifier_of(conversation).0),
        SenderType::Agent | SenderType::Bot | SenderType::System => message.sender_id.map(|user| user.0),
    };
    // Between the parts of a document is always such a word, so that no phrase spans them.
    found.push(sender_id.map_or_else(|| MARK.to_string(), sender));
    for attachment in message.attachments.iter().flat_map(|attachments| &attachments.0) {
        found.push(HAS_ATTACHMENT.to_owned());
        add_words(attachment.file_name.as_deref().unwrap_or_default(), &mut found);
    }
    found
}

fn identifier_of(conversation: &ConversationRow) -> ContactIdentifierId {
    let channel_type = conversation.channel_type.as_str();
    ContactIdentifierId::of(conversation.account_id, channel_type, &conversation.contact_identifier)
}

fn conversation_words(conversation: &ConversationRow) -> Vec<String> {
    let mut found = Vec::new();
    add_words(conversation.subject.as_deref().unwrap_or_default(), &mut found);
    found.push(sender(identifier_of(conversation).0));
    add_words(conversation.display_name.as_deref().unwrap_or_default(), &mut found);
    found.push(MARK.to_string());
    add_words(&conversation.contact_identifier, &mut found);
    found
}

fn identifier_words(row: &ContactIdentifierRow) -> Vec<String> {
    let mut found = Vec::new();
    let names = words(row.display_name.as_deref().unwrap_or_default());
    found.extend(names.iter().map(|word| word.text.clone()));
    found.push(MARK.to_string());
    add_words(&row.identifier, &mut found);
    found.extend(phone_digits(&row.identifier).map(|digits| last_digits(&digits)));
    let spaced = names.iter().filter(|word| word.pair.is_none());
    found.extend(spaced.flat_map(|word| typo_keys(&word.text)).map(|key| typo_key(&key)));
    found
}

/// The index, and the counts of each account.
pub struct SearchIndex {
    accounts: Rows<SearchAccountRow>,
    /// The number of the account that is indexed next. `None` when it must be read from the table.
    next_account: Option<i64>,
    messages: WordChanges,
    conversations: WordChanges,
    identifiers: WordChanges,
}

impl Default for SearchIndex {
    fn default() -> Self {
        Self {
            accounts: Rows::new(1_000),
            next_account: None,
            messages: WordChanges::of(Searched::Messages),
            conversations: WordChanges::of(Searched::Conversations),
            identifiers: WordChanges::of(Searched::Identifiers),
        }
    }
}

impl SearchIndex {
    pub async fn load(&mut self, page: &[Arc<DecodedEvent>], tx: &mut Tx) -> Result<(), DbError> {
        if self.next_account.is_none() {
            const LAST: &str = "select coalesce(max(number), 0) from search_accounts";
            let row = tx.fetch_one(LAST, Values::default()).await?;
            self.next_account = Some(Columns::of(&row).take::<i64>()? + 1);
        }
        let indexed = page.iter().filter(|decoded| match &decoded.event {
            Event::Conversation(_) | Event::Contact(_) => true,
            Event::Agent(_)
            | Event::Catalogue(_)
            | Event::Inbound(_)
            | Event::Log(_)
            | Event::Account(_)
            | Event::Person(_)
            | Event::ApiKey(_)
            | Event::Bulk(_) => false,
        });
        let accounts: Vec<_> = indexed.map(|decoded| (decoded.metadata.account_id,)).collect();
        self.accounts.load(tx, accounts).await
    }

    /// Indexes a new message. Returns its number.
    pub fn add_message(&mut self, message: &MessageRow, conversation: &ConversationRow) -> i64 {
        let no = self.next_number(conversation.account_id, Searched::Messages);
        self.messages.add(no, message_words(message, conversation));
        no
    }

    /// Indexes a message again that was edited or deleted.
    pub fn change_message(&mut self, message: &MessageRow, conversation: &ConversationRow) {
        self.messages.change(message.search_no, message_words(message, conversation));
    }

    /// Indexes a new conversation. Returns its number.
    pub fn add_conversation(&mut self, conversation: &ConversationRow) -> i64 {
        let no = self.next_number(conversation.account_id, Searched::Conversations);
        self.conversations.add(no, conversation_words(conversation));
        no
    }

    /// Indexes a conversation again whose subject or name changed.
    pub fn change_conversation(&mut self, conversation: &ConversationRow) {
        self.conversations.change(conversation.search_no, conversation_words(conversation));
    }

    /// Indexes an identifier that is new or has another name. Returns its number.
    pub fn index_identifier(
        &mut self,
        before: Option<&ContactIdentifierRow>,
        now: &ContactIdentifierRow,
    ) -> i64 {
        let Some(before) = before else {
            let no = self.next_number(now.account_id, Searched::Identifiers);
            self.identifiers.add(no, identifier_words(now));
            return no;
        };
        if (&before.display_name, &before.identifier) != (&now.display_name, &now.identifier) {
            self.identifiers.change(before.search_no, identifier_words(now));
        }
        before.search_no
    }

    pub fn remove_identifier(&mut self, row: &ContactIdentifierRow) {
        self.identifiers.change(row.search_no, Vec::new());
    }

    fn next_number(&mut self, account: AccountId, kind: Searched) -> i64 {
        let key = (account,);
        if self.accounts.get(&key).is_none() {
            let number = self.next_account.unwrap_or(1);
            self.next_account = Some(number + 1);
            let (messages, conversations, identifiers) = (0, 0, 0);
            self.accounts.absent(key);
            self.accounts.put(SearchAccountRow {
                account_id: account,
                number,
                messages,
                conversations,
                identifiers,
            });
        }
        let Some(row) = self.accounts.change(&key) else { return 0 };
        let count = match kind {
            Searched::Messages => &mut row.messages,
            Searched::Conversations => &mut row.conversations,
            Searched::Identifiers => &mut row.identifiers,
        };
        *count += 1;
        first_of(row.number) + *count
    }
}

impl TableSet for SearchIndex {
    fn shapes() -> Vec<Shape> {
        // The words follow from the rows that they index, and an index without their text cannot be compared.
        vec![Shape::of::<SearchAccountRow>()]
    }

    async fn write(&mut self, tx: &mut Tx) -> Result<(), DbError> {
        self.accounts.write(tx).await?;
        for words in [&mut self.messages, &mut self.conversations, &mut self.identifiers] {
            words.write(tx).await?;
        }
        Ok(())
    }

    fn committed(&mut self) {
        self.accounts.committed();
    }

    fn reset(&mut self) {
        self.next_account = None;
        self.accounts.reset();
        for words in [&mut self.messages, &mut self.conversations, &mut self.identifiers] {
            words.changes.clear();
        }
    }
}

/// The changes of a page to the words of one kind of document, by its number.
struct WordChanges {
    kind: Searched,
    changes: BTreeMap<i64, Change>,
}

/// The words of a document after the page. It has none when it is empty.
struct Change {
    words: Vec<String>,
    /// Whether the index has no words of it yet.
    is_new: bool,
}

impl WordChanges {
    fn of(kind: Searched) -> Self {
        Self { kind, changes: BTreeMap::new() }
    }

    fn add(&mut self, no: i64, words: Vec<String>) {
        self.changes.insert(no, Change { words, is_new: true });
    }

    fn change(&mut self, no: i64, words: Vec<String>) {
        let is_new = self.changes.get(&no).is_some_and(|change| change.is_new);
        self.changes.insert(no, Change { words, is_new });
    }

    async fn write(&mut self, tx: &mut Tx) -> Result<(), DbError> {
        let engine = tx.engine();
        let (mut new, mut changed, mut removed) = (Vec::new(), Vec::new(), Vec::new());
        for (no, change) in std::mem::take(&mut self.changes) {
            match (change.words.is_empty(), change.is_new) {
                (false, true) => new.push((no, change.words)),
                (false, false) => changed.push((no, change.words)),
                (true, false) => removed.push(no),
                (true, true) => {}
            }
        }
        let table = self.kind.words_table();
        for (documents, verb) in [(new, "insert"), (changed, "insert or replace")] {
            let mut rest = &documents[..];
            while !rest.is_empty() {
                let (_, size) = engine.pick(rest.len());
                let (these, others) = rest.split_at(size);
                rest = others;
                let mut values = Values::for_rows(engine, size, 2);
                for (no, words) in these {
                    values.put(no);
                    values.put(&stored(engine, *no, words));
                }
                tx.write(insert(engine, verb, table, size).into(), values).await?;
            }
        }
        let mut rest = &removed[..];
        while !rest.is_empty() {
            let (_, size) = engine.pick(rest.len());
            let (these, others) = rest.split_at(size);
            rest = others;
            let mut values = Values::for_rows(engine, size, 1);
            these.iter().for_each(|no| {
                values.put(no);
            });
            let key = match engine {
                Engine::Sqlite => "rowid",
                Engine::Postgres => "no",
            };
            tx.write(format!("delete from {table} where {}", engine.among(&[key], size)).into(), values)
                .await?;
        }
        Ok(())
    }
}

/// The statement that adds or replaces the words of this many documents.
fn insert(engine: Engine, verb: &str, table: &str, count: usize) -> String {
    match engine {
        Engine::Sqlite => format!("{verb} into {table} (rowid, words) {}", engine.rows(count, 2)),
        Engine::Postgres => format!(
            "insert into {table} (no, words)
             select added.no, cast(added.words as tsvector) from unnest($1,$2) as added (no, words)
             on conflict (no) do update set words = excluded.words"
        ),
    }
}

/// The words of a document as the engine takes them.
fn stored(engine: Engine, no: i64, words: &[String]) -> String {
    let prefix = prefix(no);
    let mut text = String::with_capacity(words.iter().map(|word| word.len() + prefix.len() + 8).sum());
    for (index, word) in words.iter().enumerate() {
        // Writing to a string cannot fail. No word has a quotation mark.
        let _written = match engine {
            Engine::Sqlite => write!(text, "{prefix}{word} "),
            Engine::Postgres => write!(text, "'{prefix}{word}':{} ", index + 1),
        };
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_words_of_blocks_and_accounts_begin_differently() {
        assert_eq!(prefix(first_of(1) + 1), "1z0z");
        assert_eq!(prefix(first_of(33) + BLOCK * 40), "11z18z");
        assert_ne!(prefix(first_of(1) + BLOCK - 1), prefix(first_of(1) + BLOCK));
    }

    #[test]
    fn the_engines_store_the_same_words() {
        let words = ["hello".to_owned(), "東京".to_owned()];
        assert_eq!(stored(Engine::Sqlite, first_of(1) + 1, &words), "1z0zhello 1z0z東京 ");
        assert_eq!(stored(Engine::Postgres, first_of(1) + 1, &words), "'1z0zhello':1 '1z0z東京':2 ");
    }
}
