//! Marks in a text what was searched for.

use super::text::Term;
use crate::words::{Word, begins_nearly, words};
use schemars::JsonSchema;
use serde::Serialize;
use std::ops::Range;

/// A part of a text. All parts joined are the text, or an excerpt of it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema)]
#[schemars(rename = "SearchSegment")]
pub struct Segment {
    pub text: String,
    /// Whether this part is what was searched for.
    pub hit: bool,
}

/// The characters of an excerpt.
const EXCERPT: usize = 200;
/// The characters before the first hit of an excerpt.
const BEFORE: usize = 60;

/// The terms that are marked in texts.
pub(super) struct Marks<'s> {
    pub terms: &'s [Term],
    /// Whether words with a wrong letter are marked too.
    pub nearly: bool,
}

impl Marks<'_> {
    /// The whole text, with marks.
    pub fn whole(&self, text: &str) -> Vec<Segment> {
        segments(text, 0..text.len(), &self.hits(text))
    }

    /// The part of the text that has the first hit, with marks. An ellipsis stands for what is left out.
    pub fn excerpt(&self, text: &str) -> Vec<Segment> {
        let hits = self.hits(text);
        if text.chars().nth(EXCERPT).is_none() {
            return segments(text, 0..text.len(), &hits);
        }
        let first = hits.first().map_or(0, |hit| hit.start);
        let begin = text[..first].char_indices().rev().nth(BEFORE - 1).map_or(0, |(at, _)| at);
        let end = text[begin..].char_indices().nth(EXCERPT).map_or(text.len(), |(at, _)| begin + at);
        let mut segments = segments(text, begin..end, &hits);
        let ellipsis = || Segment { text: "…".to_owned(), hit: false };
        if begin > 0 {
            segments.insert(0, ellipsis());
        }
        if end < text.len() {
            segments.push(ellipsis());
        }
        segments
    }

    pub fn is_in(&self, text: &str) -> bool {
        !self.hits(text).is_empty()
    }

    /// The parts of the text that were searched for, in their order and without overlaps.
    fn hits(&self, text: &str) -> Vec<Range<usize>> {
        let words = words(text);
        let mut hits: Vec<Range<usize>> = Vec::new();
        for term in self.terms {
            let begins =
                (0..words.len()).filter_map(|at| self.hit(term, words.get(at..at + term.words.len())?));
            hits.extend(begins);
        }
        hits.sort_unstable_by_key(|hit| (hit.start, hit.end));
        let mut joined: Vec<Range<usize>> = Vec::new();
        for hit in hits {
            match joined.last_mut().filter(|last| hit.start <= last.end) {
                Some(last) => last.end = last.end.max(hit.end),
                None => joined.push(hit),
            }
        }
        joined
    }

    /// The range of these words when they are the term.
    fn hit(&self, term: &Term, found: &[Word]) -> Option<Range<usize>> {
        let (first, last) = (found.first()?, found.last()?);
        let is_last = |index: usize| index + 1 == term.words.len();
        let is_hit = term.words.iter().zip(found).enumerate().all(|(index, (wanted, word))| {
            word.text == *wanted
                || (term.is_prefix && is_last(index) && word.text.starts_with(wanted.as_str()))
                || (self.nearly && word.pair.is_none() && begins_nearly(&word.text, wanted))
        });
        // Of a pair that was found by its first letter, this is what was searched for.
        let is_letter = term.is_prefix && last.pair.is_some() && term.words.last()?.chars().count() == 1;
        let end = last.pair.filter(|_| is_letter).unwrap_or(last.range.end);
        is_hit.then_some(first.range.start..end)
    }
}

fn segments(text: &str, part: Range<usize>, hits: &[Range<usize>]) -> Vec<Segment> {
    let mut segments = Vec::new();
    let mut add = |range: Range<usize>, hit: bool| {
        if !range.is_empty() {
            segments.push(Segment { text: text[range].to_owned(), hit });
        }
    };
    let mut at = part.start;
    for hit in hits.iter().filter(|hit| hit.start >= part.start && hit.start < part.end) {
        add(at..hit.start, false);
        add(hit.start..hit.end.min(part.end), true);
        at = hit.end.min(part.end);
    }
    add(at..part.end, false);
    segments
}

#[cfg(test)]
mod tests {
    use super::super::text::SearchText;
    use super::*;

    fn marked(text: &str, search: &str) -> String {
        let search: SearchText = search.parse().unwrap_or_else(|error| panic!("{error}"));
        let marks = Marks { terms: &search.terms, nearly: false };
        let show = |segment: Segment| if segment.hit { format!("[{}]", segment.text) } else { segment.text };
        marks.whole(text).into_iter().map(show).collect()
    }

    #[test]
    fn words_phrases_and_beginnings_are_marked_in_any_language() {
        assert_eq!(
            marked("The REFUND has not arrived.", "refund \"not arrived\""),
            "The [REFUND] has [not arrived]."
        );
        assert_eq!(marked("refunds, Refund", "refun"), "[refunds], [Refund]");
        assert_eq!(marked("refunds, Refund", "refund "), "refunds, [Refund]");
        assert_eq!(marked("我住在東京都", "東京 "), "我住在[東京]都");
        assert_eq!(marked("我住在東京都", "東京都 "), "我住在[東京都]");
        assert_eq!(marked("水を飲む水", "水 "), "[水]を飲む[水]");
        assert_eq!(marked("Café crème", "cafe "), "[Café] crème");
        assert_eq!(marked("<b>ana</b>", "ana "), "<b>[ana]</b>", "no text is taken for markup");
    }

    #[test]
    fn an_excerpt_has_the_first_hit() {
        let text = format!("{} needle {}", "word ".repeat(100), "tail ".repeat(100));
        let search: SearchText = "needle ".parse().unwrap_or_else(|error| panic!("{error}"));
        let segments = Marks { terms: &search.terms, nearly: false }.excerpt(&text);
        assert_eq!(segments.iter().filter(|segment| segment.hit).count(), 1);
        assert_eq!(segments.first().map(|segment| &*segment.text), Some("…"));
        let length: usize = segments.iter().map(|segment| segment.text.chars().count()).sum();
        assert_eq!(length, EXCERPT + 2);
    }
}
