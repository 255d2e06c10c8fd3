//! The normalised form of a text in which keywords are searched: without differences of case, of spaces, and
//! of the encoding of accents.

use icu_casemap::CaseMapper;
use icu_normalizer::ComposingNormalizerBorrowed;
use std::cell::OnceCell;
use unicode_segmentation::UnicodeSegmentation;

/// A text in the form in which texts are compared (Unicode case folding, NFC).
#[derive(Debug)]
pub struct NormalizedText {
    text: String,
    /// The boundaries of words, computed at the first use.
    bounds: OnceCell<Vec<usize>>,
}

impl NormalizedText {
    pub fn of(text: &str) -> Self {
        Self { text: normalize(text), bounds: OnceCell::new() }
    }

    pub fn as_str(&self) -> &str {
        &self.text
    }

    pub fn is_empty(&self) -> bool {
        self.text.is_empty()
    }

    /// Whether both offsets are boundaries of words, so that the text between them is not part of a longer
    /// word. Unicode (UAX #29) defines the boundaries, also for scripts without spaces between words.
    pub fn is_whole(&self, start: usize, end: usize) -> bool {
        let bounds = self.bounds.get_or_init(|| {
            let starts = self.text.split_word_bound_indices().map(|(start, _)| start);
            starts.chain([self.text.len()]).collect()
        });
        bounds.binary_search(&start).is_ok() && bounds.binary_search(&end).is_ok()
    }
}

fn normalize(text: &str) -> String {
    if text.is_ascii() {
        return spaced(&text.to_ascii_lowercase());
    }
    let composer = ComposingNormalizerBorrowed::new_nfc();
    // Case folding can decompose letters again.
    let folded = CaseMapper::new().fold_string(&composer.normalize(text)).into_owned();
    spaced(&composer.normalize(&folded))
}

/// The text with single spaces between words, none around them, and the ASCII apostrophe.
fn spaced(text: &str) -> String {
    let mut spaced = String::with_capacity(text.len());
    for word in text.split_whitespace() {
        if !spaced.is_empty() {
            spaced.push(' ');
        }
        spaced.extend(word.chars().map(|letter| if letter == '\u{2019}' { '\'' } else { letter }));
    }
    spaced
}
