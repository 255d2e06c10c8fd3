//! The search for many phrases in one pass over a text.

use super::text::NormalizedText;
use aho_corasick::{AhoCorasick, BuildError};
use std::collections::HashMap;

/// Phrases, and the automaton that finds all of them in one pass. A phrase is identified by its index.
#[derive(Debug, Default)]
pub struct Phrases {
    /// `None` when there are no phrases.
    automaton: Option<AhoCorasick>,
    normalized: Vec<String>,
}

/// The phrases that a text contains.
#[derive(Debug)]
pub struct PhraseMatches(Vec<u64>);

impl PhraseMatches {
    pub fn has(&self, phrase: usize) -> bool {
        self.0.get(phrase / 64).is_some_and(|bits| bits & (1 << (phrase % 64)) != 0)
    }
}

impl Phrases {
    pub fn find(&self, text: &NormalizedText) -> PhraseMatches {
        let mut found = vec![0; self.normalized.len().div_ceil(64)];
        for hit in self.automaton.iter().flat_map(|automaton| automaton.find_overlapping_iter(text.as_str()))
        {
            let phrase = hit.pattern().as_usize();
            let known = found[phrase / 64] & (1 << (phrase % 64)) != 0;
            // A phrase of signs that are left out, such as `_`, is in no text.
            let is_empty = hit.start() == hit.end();
            if !known && !is_empty && text.is_whole(hit.start(), hit.end()) {
                found[phrase / 64] |= 1 << (phrase % 64);
            }
        }
        PhraseMatches(found)
    }

    /// The longest of the phrases that a text contains. `None` when it contains none.
    pub fn longest(&self, text: &NormalizedText) -> Option<usize> {
        let found = self.find(text);
        (0..self.normalized.len())
            .filter(|phrase| found.has(*phrase))
            .max_by_key(|phrase| (self.normalized[*phrase].len(), usize::MAX - phrase))
    }
}

/// Collects phrases. A phrase that is added twice is kept once.
#[derive(Debug, Default)]
pub struct PhraseSetBuilder {
    indexes: HashMap<String, usize>,
    normalized: Vec<String>,
}

impl PhraseSetBuilder {
    /// Adds a phrase, and returns its index.
    pub fn add(&mut self, phrase: &str) -> usize {
        let normalized = NormalizedText::of(phrase).as_str().to_owned();
        *self.indexes.entry(normalized.clone()).or_insert_with(|| {
            self.normalized.push(normalized);
            self.normalized.len() - 1
        })
    }

    pub fn build(self) -> Result<Phrases, BuildError> {
        let automaton = match self.normalized.is_empty() {
            true => None,
            false => Some(AhoCorasick::new(&self.normalized)?),
        };
        Ok(Phrases { automaton, normalized: self.normalized })
    }
}
