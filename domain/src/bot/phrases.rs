//! Many phrases looked for in one pass.

use super::text::NormalizedText;
use aho_corasick::{AhoCorasick, BuildError};
use std::collections::HashMap;

/// Phrases and the machine that finds all of them at once. Each is named by its place.
#[derive(Debug, Default)]
pub struct Phrases {
    /// `None` when there are no phrases.
    machine: Option<AhoCorasick>,
    folded: Vec<String>,
}

/// Which phrases a text has.
#[derive(Debug)]
pub struct PhraseMatches(Vec<u64>);

impl PhraseMatches {
    pub fn has(&self, phrase: usize) -> bool {
        self.0.get(phrase / 64).is_some_and(|bits| bits & (1 << (phrase % 64)) != 0)
    }
}

impl Phrases {
    pub fn find(&self, text: &NormalizedText) -> PhraseMatches {
        let mut found = vec![0; self.folded.len().div_ceil(64)];
        for hit in self.machine.iter().flat_map(|machine| machine.find_overlapping_iter(text.as_str())) {
            let phrase = hit.pattern().as_usize();
            let known = found[phrase / 64] & (1 << (phrase % 64)) != 0;
            if !known && text.is_whole(hit.start(), hit.end()) {
                found[phrase / 64] |= 1 << (phrase % 64);
            }
        }
        PhraseMatches(found)
    }

    /// The longest of the phrases a text has.
    pub fn longest(&self, text: &NormalizedText) -> Option<usize> {
        let found = self.find(text);
        (0..self.folded.len())
            .filter(|phrase| found.has(*phrase))
            .max_by_key(|phrase| (self.folded[*phrase].len(), usize::MAX - phrase))
    }
}

/// Phrases being gathered; the same one twice is one.
#[derive(Debug, Default)]
pub struct PhraseSetBuilder {
    places: HashMap<String, usize>,
    folded: Vec<String>,
}

impl PhraseSetBuilder {
    /// The phrase's place.
    pub fn add(&mut self, phrase: &str) -> usize {
        let folded = NormalizedText::of(phrase).as_str().to_owned();
        *self.places.entry(folded.clone()).or_insert_with(|| {
            self.folded.push(folded);
            self.folded.len() - 1
        })
    }

    pub fn build(self) -> Result<Phrases, BuildError> {
        let machine = match self.folded.is_empty() {
            true => None,
            false => Some(AhoCorasick::new(&self.folded)?),
        };
        Ok(Phrases { machine, folded: self.folded })
    }
}
