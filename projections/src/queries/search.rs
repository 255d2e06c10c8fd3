//! The search: people, conversations and messages by their words and by filters.
//!
//! A search reads the index in blocks, from the newest document to the oldest, until its page is full. What it reads for
//! one page is bounded: when the filters leave out nearly all that have the words, the page is short, or empty, and its
//! cursor goes on from there.

mod documents;
mod found;
mod marks;
mod names;
mod text;

pub use found::{ConversationHit, MessageHit, PersonHit, conversations, messages, people};
pub use marks::Segment;
pub use text::{InvalidSearch, SearchKind, SearchText};

use super::filter::Viewer;
use super::{Cursor, InvalidCursor, Limit, list_of};
use follower::db::DbError;
use sha2::{Digest, Sha256};
use uuid::Uuid;

/// A page of a search.
#[derive(Clone, Debug)]
pub struct Search<'s> {
    pub text: &'s SearchText,
    pub viewer: Viewer,
    pub limit: Limit,
    pub after: Option<Cursor>,
    /// How much of the index is read for one page.
    pub effort: Effort,
}

/// How much of the index is read for one page.
#[derive(Clone, Copy, Debug)]
pub struct Effort {
    /// The documents with the words that one statement looks at.
    pub at_once: usize,
    /// The statements.
    pub steps: usize,
}

impl Default for Effort {
    fn default() -> Self {
        Self { at_once: 1_000, steps: 12 }
    }
}

/// The reason why a search has no answer.
#[derive(Debug, thiserror::Error)]
pub enum SearchError {
    #[error(transparent)]
    Invalid(#[from] InvalidSearch),
    #[error(transparent)]
    Cursor(#[from] InvalidCursor),
    #[error(transparent)]
    Db(#[from] DbError),
}

/// Marks the cursors of a search.
const LIST: u32 = list_of("search");

impl Search<'_> {
    /// The cursor after the document of this number. `nearly` says that it was found in spite of a wrong letter.
    fn cursor(&self, kind: SearchKind, no: i64, nearly: bool) -> Cursor {
        Cursor::new(LIST, nearly, no, self.text_id(kind))
    }

    /// The cursor of the page before, which must be of the same search.
    fn after(&self, kind: SearchKind) -> Result<Option<Cursor>, InvalidCursor> {
        let Some(cursor) = self.after else { return Ok(None) };
        let cursor = cursor.of_list(LIST)?;
        if cursor.id == self.text_id(kind) { Ok(Some(cursor)) } else { Err(InvalidCursor) }
    }

    /// A number that another text, and another kind, does not have.
    fn text_id(&self, kind: SearchKind) -> Uuid {
        let digest = Sha256::digest(format!("{kind} {}", self.text.as_str()));
        Uuid::from_slice(&digest[..16]).unwrap_or_default()
    }
}
