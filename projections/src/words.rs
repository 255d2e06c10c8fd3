//! The words of a text as search compares them, in any language.
//!
//! A word is a run of letters, digits and their marks, in the form in which the bot compares keywords: without case, and
//! without the accents that people leave out. Scripts that write no spaces between words (Han, Kana, Thai, Lao, Khmer,
//! Burmese) have no such runs: each two neighbouring letters are a word there, so that any part of a sentence is found
//! as a phrase of them, without a dictionary.

use domain::bot::NormalizedText;
use icu_properties::props::{
    BinaryProperty, DefaultIgnorableCodePoint, EnumeratedProperty, GeneralCategory, Script,
};
use std::ops::Range;

/// A longer word is compared by its first characters.
const LONGEST: usize = 40;

/// A word of a text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Word {
    pub text: String,
    /// Its bytes in the original text.
    pub range: Range<usize>,
    /// The end of the first letter, for two letters of a script without spaces. `None` for words of other scripts.
    pub pair: Option<usize>,
    /// Whether this is the last letter of several of a script without spaces, which no other follows.
    pub is_last: bool,
}

/// The words of a text, in their order.
pub fn words(text: &str) -> Vec<Word> {
    let mut words = Vec::new();
    let mut run: Option<Run> = None;
    let mut letters = text.char_indices().peekable();
    while let Some((at, letter)) = letters.next() {
        let end = at + letter.len_utf8();
        let next = letters.peek().map(|(_, next)| Class::of(*next));
        let is_within = |run: &Run| run.spaced && matches!(next, Some(Class::Spaced));
        let (spaced, letter) = match Class::of(letter) {
            Class::Spaced => (true, true),
            Class::Unspaced => (false, true),
            Class::Joined => (run.as_ref().is_none_or(|run| run.spaced), false),
            Class::Apostrophe if run.as_ref().is_some_and(is_within) => (true, false),
            Class::Apostrophe | Class::Separator => {
                run.take().into_iter().for_each(|run| run.end(text, &mut words));
                continue;
            }
        };
        if run.as_ref().is_some_and(|run| run.spaced != spaced) {
            run.take().into_iter().for_each(|run| run.end(text, &mut words));
        }
        match &mut run {
            Some(run) => run.extend(at, end, letter),
            // A mark without a letter is no word.
            None if letter => run = Some(Run::begun(spaced, at..end)),
            None => {}
        }
    }
    run.into_iter().for_each(|run| run.end(text, &mut words));
    words
}

/// The role of a character in the words of a text.
enum Class {
    /// A letter or a digit.
    Spaced,
    /// A letter of a script that writes no spaces between words.
    Unspaced,
    /// It belongs to the letter before it.
    Joined,
    /// Between two letters it belongs to their word.
    Apostrophe,
    Separator,
}

impl Class {
    fn of(letter: char) -> Self {
        if letter.is_ascii() {
            return match letter {
                'a'..='z' | 'A'..='Z' | '0'..='9' => Self::Spaced,
                '\'' => Self::Apostrophe,
                _ => Self::Separator,
            };
        }
        match GeneralCategory::for_char(letter) {
            GeneralCategory::NonspacingMark
            | GeneralCategory::SpacingMark
            | GeneralCategory::EnclosingMark => return Self::Joined,
            _ => {}
        }
        match letter {
            '\u{2019}' | '\u{2bc}' => Self::Apostrophe,
            _ if DefaultIgnorableCodePoint::for_char(letter) => Self::Joined,
            _ if letter.is_alphanumeric() && has_no_spaces(letter) => Self::Unspaced,
            _ if letter.is_alphanumeric() => Self::Spaced,
            _ => Self::Separator,
        }
    }
}

fn has_no_spaces(letter: char) -> bool {
    matches!(
        Script::for_char(letter),
        Script::Han
            | Script::Hiragana
            | Script::Katakana
            | Script::Bopomofo
            | Script::Yi
            | Script::Thai
            | Script::Lao
            | Script::Khmer
            | Script::Myanmar
            | Script::TaiTham
            | Script::TaiLe
            | Script::NewTaiLue
            | Script::Javanese
            | Script::Balinese
    ) || letter == '\u{30fc}'
}

/// Letters without a separator between them.
struct Run {
    spaced: bool,
    range: Range<usize>,
    /// Each letter with its marks.
    letters: Vec<Range<usize>>,
}

impl Run {
    fn begun(spaced: bool, letter: Range<usize>) -> Self {
        Self { spaced, range: letter.clone(), letters: Vec::from_iter([letter]) }
    }

    fn extend(&mut self, at: usize, end: usize, is_letter: bool) {
        self.range.end = end;
        if is_letter && !self.spaced {
            self.letters.push(at..end);
        } else if let Some(last) = self.letters.last_mut() {
            last.end = end;
        }
    }

    fn end(self, text: &str, words: &mut Vec<Word>) {
        if self.spaced {
            let word = plain(&text[self.range.clone()]);
            if !word.is_empty() {
                words.push(Word { text: word, range: self.range, pair: None, is_last: false });
            }
            return;
        }
        let plain: Vec<String> = self.letters.iter().map(|letter| plain(&text[letter.clone()])).collect();
        for (index, letter) in self.letters.iter().enumerate() {
            let next = self.letters.get(index + 1);
            words.push(Word {
                text: format!("{}{}", plain[index], plain.get(index + 1).map_or("", String::as_str)),
                range: letter.start..next.unwrap_or(letter).end,
                pair: Some(letter.end),
                is_last: next.is_none() && index > 0,
            });
        }
    }
}

/// The normalised letters of a run, without the signs that normalisation makes of some of them.
fn plain(run: &str) -> String {
    let normalized = NormalizedText::of(run);
    let letters = normalized.as_str().chars();
    letters
        .filter(|letter| matches!(Class::of(*letter), Class::Spaced | Class::Unspaced | Class::Joined))
        .take(LONGEST)
        .collect()
}

/// Whether one edit turns the beginning of the word into this one: a letter that is missing, added, another one, or
/// exchanged with its neighbour. Two edits of one that has eight letters or more.
pub fn begins_nearly(word: &str, with: &str) -> bool {
    let (word, with): (Vec<char>, Vec<char>) = (word.chars().collect(), with.chars().collect());
    let allowed = if with.len() >= 8 { 2 } else { 1 };
    // The distances of the beginnings of the word from the whole of the other: the last row of the table.
    let mut before_last: Vec<usize> = Vec::new();
    let mut last: Vec<usize> = (0..=word.len()).collect();
    for (row, letter) in with.iter().enumerate() {
        let mut next = vec![row + 1; word.len() + 1];
        for column in 1..=word.len() {
            let other = word[column - 1];
            let changed = last[column - 1] + usize::from(other != *letter);
            next[column] = changed.min(last[column] + 1).min(next[column - 1] + 1);
            if row > 0 && column > 1 && with[row - 1] == other && word[column - 2] == *letter {
                next[column] = next[column].min(before_last[column - 2] + 1);
            }
        }
        before_last = std::mem::replace(&mut last, next);
    }
    last.into_iter().min().unwrap_or(usize::MAX) <= allowed
}

/// The letters of a name in which an edit is tolerated by [`typo_keys`].
const TYPO_LETTERS: usize = 4;

/// The keys under which a name is found in spite of an edit in its first letters: they, and they without one of them.
/// Two beginnings that one edit distinguishes have a key in common.
pub fn typo_keys(word: &str) -> Vec<String> {
    let first: Vec<char> = word.chars().take(TYPO_LETTERS).collect();
    if first.len() < 3 {
        return Vec::new();
    }
    let without = |index: usize| {
        let rest = first.iter().enumerate().filter(|(at, _)| *at != index);
        rest.map(|(_, letter)| *letter).collect::<String>()
    };
    let mut keys: Vec<String> = (0..first.len()).map(without).collect();
    keys.push(first.iter().collect());
    keys.sort_unstable();
    keys.dedup();
    keys
}

#[cfg(test)]
mod tests {
    use super::*;

    fn texts(text: &str) -> Vec<String> {
        words(text).into_iter().map(|word| word.text).collect()
    }

    #[test]
    fn words_are_compared_without_case_accents_and_signs() {
        assert_eq!(texts("Don't CALL café-bar, ok?"), ["dont", "call", "cafe", "bar", "ok"]);
        assert_eq!(texts("ana@example.com +251 911"), ["ana", "example", "com", "251", "911"]);
        assert_eq!(texts("ሰላም ነው። Straße"), ["ሰላም", "ነው", "strasse"]);
        assert_eq!(texts("مُحَمَّد"), texts("محمد"));
        assert_eq!(texts("हिन्दी"), ["हिन्दी"]);
        assert!(texts("🙂 … '").is_empty());
    }

    #[test]
    fn scripts_without_spaces_have_pairs_of_letters() {
        assert_eq!(texts("東京都 ok"), ["東京", "京都", "都", "ok"]);
        assert_eq!(texts("水"), ["水"]);
        let thai = words("ที่อยู่");
        assert_eq!(thai.len(), 3, "a letter with its marks is one letter: {thai:?}");
    }

    #[test]
    fn the_range_of_a_word_is_that_of_the_original_text() {
        let text = "Où est l’ÉTÉ 東京都?";
        let ranges: Vec<&str> = words(text).iter().map(|word| &text[word.range.clone()]).collect();
        assert_eq!(ranges, ["Où", "est", "l’ÉTÉ", "東京", "京都", "都"]);
    }

    #[test]
    fn a_name_with_one_wrong_letter_is_near() {
        for (name, written) in
            [("anastasia", "anna"), ("hana", "hnaa"), ("michael", "micheal"), ("selam", "elam")]
        {
            assert!(begins_nearly(name, written), "{name} {written}");
            let (keys, other) = (typo_keys(name), typo_keys(written));
            assert!(keys.iter().any(|key| other.contains(key)), "{keys:?} {other:?}");
        }
        assert!(!begins_nearly("peter", "anna"));
        assert!(begins_nearly("konstantinos", "constantinus"), "two edits of a long name");
    }
}
