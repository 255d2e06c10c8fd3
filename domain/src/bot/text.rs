//! A text as keywords are looked for in it: whatever its case, its spaces and its way of writing accents.

use icu_casemap::CaseMapper;
use icu_normalizer::ComposingNormalizerBorrowed;
use std::cell::OnceCell;
use unicode_segmentation::UnicodeSegmentation;

/// A text in the one spelling in which texts are compared (Unicode case folding, composed).
#[derive(Debug)]
pub struct NormalizedText {
    text: String,
    /// The boundaries of words, computed at the first use.
    bounds: OnceCell<Vec<usize>>,
}

impl NormalizedText {
    pub fn of(text: &str) -> Self {
        Self { text: fold(text), bounds: OnceCell::new() }
    }

    pub fn as_str(&self) -> &str {
        &self.text
    }

    pub fn is_empty(&self) -> bool {
        self.text.is_empty()
    }

    /// Whether these places are a word's or a phrase's own: no word goes on beyond them. What a word is says
    /// Unicode (UAX #29), so that it holds for scripts that put no spaces between words too.
    pub fn is_whole(&self, start: usize, end: usize) -> bool {
        let bounds = self.bounds.get_or_init(|| {
            let starts = self.text.split_word_bound_indices().map(|(start, _)| start);
            starts.chain([self.text.len()]).collect()
        });
        bounds.binary_search(&start).is_ok() && bounds.binary_search(&end).is_ok()
    }
}

fn fold(text: &str) -> String {
    if text.is_ascii() {
        return spaced(&text.to_ascii_lowercase());
    }
    let composer = ComposingNormalizerBorrowed::new_nfc();
    // Folding may take composed letters apart again.
    let folded = CaseMapper::new().fold_string(&composer.normalize(text)).into_owned();
    spaced(&composer.normalize(&folded))
}

/// With single spaces between, none around, and the apostrophe people have on their keyboards.
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
