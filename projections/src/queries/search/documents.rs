//! Reads the index: the documents of an account that have words, the newest first.

use super::text::Term;
use super::{Effort, SearchError};
use crate::queries::sql::Sql;
use crate::queries::{number, row};
use crate::read_models::search::{BLOCK, SearchAccountRow, Searched, first_of, prefix};
use event_schemas::{AccountId, Timestamp};
use follower::db::{AssertSqlSafe, DbError, DbRow, Engine, Readers};
use follower::table::{Columns, Values};
use std::fmt::Write;

/// The words that a document has: one of each group, and none of the excluded ones.
#[derive(Clone, Debug, Default)]
pub(super) struct Wanted {
    pub groups: Vec<Vec<Term>>,
    pub excluded: Vec<Term>,
}

/// The numbers of an account's documents of one kind, from the first to the one before `end`.
#[derive(Clone, Copy, Debug)]
pub(super) struct Numbers {
    pub begin: i64,
    pub end: i64,
}

impl Numbers {
    /// `None` when the account has no document.
    pub async fn of(readers: &Readers, account: AccountId, kind: Searched) -> Result<Option<Self>, DbError> {
        let values = Values::default().with(&account);
        let Some(row) = row::<SearchAccountRow>(readers, "where account_id = $1", values).await? else {
            return Ok(None);
        };
        let count = match kind {
            Searched::Messages => row.messages,
            Searched::Conversations => row.conversations,
            Searched::Identifiers => row.identifiers,
        };
        let begin = first_of(row.number) + 1;
        Ok(Some(Self { begin, end: begin + count }))
    }

    /// The messages that were recorded in this span of time. They are numbered as they were recorded, so that a few
    /// look-ups find the first and the last one.
    pub async fn recorded(
        self,
        readers: &Readers,
        after: Option<Timestamp>,
        before: Option<Timestamp>,
    ) -> Result<Self, DbError> {
        let begin = match after {
            Some(after) => self.first_at(readers, after).await?,
            None => self.begin,
        };
        let end = match before {
            Some(before) => self.first_at(readers, before).await?,
            None => self.end,
        };
        Ok(Self { begin, end: end.max(begin) })
    }

    /// The first message that was recorded at this time or later.
    async fn first_at(self, readers: &Readers, at: Timestamp) -> Result<i64, DbError> {
        const RECORDED: &str = "select created_at from messages where search_no = $1";
        let (mut begin, mut end) = (self.begin, self.end);
        while begin < end {
            let middle = begin + (end - begin) / 2;
            let recorded = number(readers, RECORDED, Values::default().with(&middle)).await?;
            if recorded.is_some_and(|recorded| recorded >= at.as_micros()) {
                end = middle;
            } else {
                begin = middle + 1;
            }
        }
        Ok(begin)
    }
}

/// Where documents are.
pub(super) struct Shape {
    pub kind: Searched,
    /// The tables, after `hit cross join`.
    pub tables: &'static str,
    /// The conditions that join the tables, `hit.no` being the document's number.
    pub joins: &'static str,
}

/// The columns of a document, after its number, and the conditions that it meets.
pub(super) struct Select {
    pub columns: String,
    pub conditions: Vec<String>,
}

/// A document that was found, and its number.
pub(super) struct Found<T> {
    pub no: i64,
    pub document: T,
}

/// A page of documents. `next` is the number before which the next page begins; `None` when there is nothing more.
pub(super) struct Page<T> {
    pub found: Vec<Found<T>>,
    pub next: Option<i64>,
}

/// The documents with these words that meet the conditions. `take` reads one, after its number, and may leave it out.
pub(super) async fn read<T: Send>(
    readers: &Readers,
    shape: &Shape,
    wanted: &Wanted,
    numbers: Numbers,
    (limit, effort): (usize, Effort),
    select: impl Fn(&mut Sql) -> Select + Sync,
    take: impl Fn(&DbRow) -> Result<Option<T>, DbError> + Sync,
) -> Result<Page<T>, SearchError> {
    let mut found: Vec<Found<T>> = Vec::new();
    let (mut end, mut blocks) = (numbers.end, FIRST_BLOCKS);
    for _step in 0..effort.steps {
        if end <= numbers.begin {
            return Ok(Page { found, next: None });
        }
        let begin = numbers.begin.max(first_of_block(end - 1) - (blocks - 1) * BLOCK);
        let step = Step { shape, wanted, begin, end, at_once: effort.at_once };
        for row in step.rows(readers, &select).await? {
            let no = row.number(0)?;
            let Some(document) = take(&row)? else { continue };
            if found.len() == limit {
                return Ok(Page { next: found.last().map(|last| last.no), found });
            }
            found.push(Found { no, document });
        }
        end = step.candidates_end(readers).await?;
        blocks = (blocks * WIDER).min(most_blocks(wanted));
    }
    Ok(Page { found, next: (end > numbers.begin).then_some(end) })
}

/// The blocks of the first step. The newest block may have just begun.
const FIRST_BLOCKS: i64 = 2;
/// Each step reads so many times the blocks of the one before: the page is not full because the words are rare.
const WIDER: i64 = 4;
/// The most words that one statement looks up.
const MOST_LOOKUPS: usize = 512;

fn most_blocks(wanted: &Wanted) -> i64 {
    let terms = wanted.groups.iter().map(Vec::len).sum::<usize>() + wanted.excluded.len();
    (MOST_LOOKUPS / terms.max(1)).max(1) as i64
}

fn first_of_block(no: i64) -> i64 {
    no - no % BLOCK
}

/// One statement's part of the index.
struct Step<'s> {
    shape: &'s Shape,
    wanted: &'s Wanted,
    begin: i64,
    end: i64,
    at_once: usize,
}

impl Step<'_> {
    /// The rows of the documents that meet the conditions, among the newest with the words.
    async fn rows(
        &self,
        readers: &Readers,
        select: &(impl Fn(&mut Sql) -> Select + Sync),
    ) -> Result<Vec<DbRow>, DbError> {
        let mut sql = Sql::default();
        let hits = self.hits(readers.engine(), &mut sql);
        let Select { columns, conditions } = select(&mut sql);
        let mut all = vec![self.shape.joins.to_owned()];
        all.extend(conditions);
        let text = format!(
            "select hit.no, {} from ({hits}) as hit cross join {} where {} order by hit.no desc",
            columns,
            self.shape.tables,
            all.join(" and ")
        );
        readers.fetch_all(AssertSqlSafe(text), sql.values).await
    }

    /// The number of the oldest document with the words that the step has looked at, before which the next step
    /// begins.
    async fn candidates_end(&self, readers: &Readers) -> Result<i64, DbError> {
        let mut sql = Sql::default();
        let hits = self.hits(readers.engine(), &mut sql);
        let text = format!("select count(*), coalesce(min(hit.no), 0) from ({hits}) as hit");
        let row = readers.fetch_one(AssertSqlSafe(text), sql.values).await?;
        let mut columns = Columns::of(&row);
        let (count, oldest): (i64, i64) = (columns.take()?, columns.take()?);
        Ok(if count < self.at_once as i64 { self.begin } else { oldest })
    }

    /// The statement that selects the numbers of the newest documents with the words.
    fn hits(&self, engine: Engine, sql: &mut Sql) -> String {
        let table = self.shape.kind.words_table();
        let at_once = self.at_once;
        if self.wanted.groups.is_empty() {
            let (begin, end) = (sql.bind(&self.begin), sql.bind(&self.end));
            let documents = self.shape.kind.documents();
            return format!(
                "select search_no as no from {documents} where search_no >= {begin} and search_no < {end}
                 order by search_no desc limit {at_once}"
            );
        }
        let blocks = self.blocks().map(|block| matching(engine, &prefix(block), self.wanted));
        match engine {
            Engine::Sqlite => {
                let blocks: Vec<String> = blocks.map(|block| format!("({block})")).collect();
                let expression = sql.bind(&blocks.join(" OR "));
                let (begin, end) = (sql.bind(&self.begin), sql.bind(&self.end));
                format!(
                    "select rowid as no from {table} where {table} match {expression}
                     and rowid >= {begin} and rowid < {end} order by rowid desc limit {at_once}"
                )
            }
            Engine::Postgres => {
                // Each block is looked up by itself: of words that must all be there, the index reads the rarest.
                let blocks: Vec<String> = blocks.collect();
                let (expressions, separator) =
                    (sql.bind(&blocks.join(SEPARATOR)), sql.bind(&SEPARATOR.to_owned()));
                let (begin, end) = (sql.bind(&self.begin), sql.bind(&self.end));
                format!(
                    "select documents.no from unnest(string_to_array({expressions}, {separator})) as block (words)
                     cross join lateral (select no from {table} where words @@ cast(block.words as tsquery)) as documents
                     where documents.no >= {begin} and documents.no < {end} order by documents.no desc limit {at_once}"
                )
            }
        }
    }

    /// A number of each block, the newest first.
    fn blocks(&self) -> impl Iterator<Item = i64> {
        let (first, last) = (first_of_block(self.begin), first_of_block(self.end - 1));
        (0..=(last - first) / BLOCK).map(move |back| last - back * BLOCK)
    }
}

/// A text that no word has.
const SEPARATOR: &str = "\u{1e}";

/// The expression of the engine's full-text search for the documents of one block.
fn matching(engine: Engine, prefix: &str, wanted: &Wanted) -> String {
    let (all, any, none) = match engine {
        Engine::Sqlite => (" AND ", " OR ", " NOT "),
        Engine::Postgres => (" & ", " | ", " & !"),
    };
    let one_of = |terms: &[Term]| {
        let terms: Vec<String> = terms.iter().map(|term| phrase(engine, prefix, term)).collect();
        format!("({})", terms.join(any))
    };
    let groups: Vec<String> = wanted.groups.iter().map(|group| one_of(group)).collect();
    let groups = groups.join(all);
    if wanted.excluded.is_empty() {
        return groups;
    }
    format!("({groups}){none}{}", one_of(&wanted.excluded))
}

/// The expression for words that stand together.
fn phrase(engine: Engine, prefix: &str, term: &Term) -> String {
    let (quote, follows, begins) = match engine {
        Engine::Sqlite => ('"', " + ", " *"),
        Engine::Postgres => ('\'', " <-> ", ":*"),
    };
    let mut text = String::new();
    for (index, word) in term.words.iter().enumerate() {
        let before = if index == 0 { "" } else { follows };
        // Writing to a string cannot fail. No word has a quotation mark.
        let _written = write!(text, "{before}{quote}{prefix}{word}{quote}");
    }
    if term.is_prefix {
        text.push_str(begins);
    }
    format!("({text})")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn term(words: &[&str], is_prefix: bool) -> Term {
        Term { words: words.iter().map(|word| (*word).to_owned()).collect(), is_prefix }
    }

    #[test]
    fn an_expression_says_the_same_to_both_engines() {
        let wanted = Wanted {
            groups: vec![
                vec![term(&["not", "arrived"], false)],
                vec![term(&["a"], false), term(&["b"], true)],
            ],
            excluded: vec![term(&["spam"], false)],
        };
        assert_eq!(
            matching(Engine::Sqlite, "1z0z", &wanted),
            "(((\"1z0znot\" + \"1z0zarrived\")) AND ((\"1z0za\") OR (\"1z0zb\" *))) NOT ((\"1z0zspam\"))"
        );
        assert_eq!(
            matching(Engine::Postgres, "1z0z", &wanted),
            "((('1z0znot' <-> '1z0zarrived')) & (('1z0za') | ('1z0zb':*))) & !(('1z0zspam'))"
        );
    }

    #[test]
    fn the_blocks_of_a_step_are_those_of_its_numbers() {
        let shape = Shape { kind: Searched::Messages, tables: "", joins: "" };
        let wanted = Wanted::default();
        let (begin, end) = (first_of(2) + 1, first_of(2) + 2 * BLOCK + 1);
        let step = Step { shape: &shape, wanted: &wanted, begin, end, at_once: 1 };
        assert_eq!(step.blocks().map(prefix).collect::<Vec<_>>(), ["2z2z", "2z1z", "2z0z"]);
    }
}
