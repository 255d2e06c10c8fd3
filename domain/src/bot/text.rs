//! The normalised form of a text in which keywords are searched, so that a keyword is found as people type it.

use icu_casemap::CaseMapper;
use icu_normalizer::{ComposingNormalizerBorrowed, DecomposingNormalizerBorrowed};
use icu_properties::props::{
    BinaryProperty, DefaultIgnorableCodePoint, EmojiModifier, EnumeratedProperty, GeneralCategory, Script,
};
use std::borrow::Cow;
use std::cell::OnceCell;
use unicode_segmentation::UnicodeSegmentation;

/// A text in the form in which texts are compared: case folding and NFKC of Unicode, and without what people
/// leave out or cannot see (see `docs/routing.md`).
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
        return spaced(&without_formatting(&text.to_ascii_lowercase()));
    }
    let compatible = ComposingNormalizerBorrowed::new_nfkc().normalize(text);
    let folded = CaseMapper::new().fold_string(&compatible).into_owned();
    let decomposed = DecomposingNormalizerBorrowed::new_nfkd().normalize(&folded);
    let plain = ComposingNormalizerBorrowed::new_nfc().normalize(&plain(&decomposed)).into_owned();
    spaced(&without_formatting(&plain))
}

/// A decomposed text with plain letters, digits and signs only.
fn plain(decomposed: &str) -> String {
    let mut plain = String::with_capacity(decomposed.len());
    // Whether people leave out the marks of the last letter.
    let mut omits_marks = false;
    for letter in decomposed.chars() {
        if DefaultIgnorableCodePoint::for_char(letter) || EmojiModifier::for_char(letter) {
            continue;
        }
        match GeneralCategory::for_char(letter) {
            GeneralCategory::NonspacingMark if omits_marks => {}
            GeneralCategory::EnclosingMark => {}
            GeneralCategory::DecimalNumber => plain.push(digit(letter)),
            GeneralCategory::DashPunctuation => plain.push('-'),
            GeneralCategory::NonspacingMark => plain.push(letter),
            _ => {
                omits_marks = matches!(
                    Script::for_char(letter),
                    Script::Latin | Script::Greek | Script::Arabic | Script::Hebrew
                );
                plain.extend(base(letter));
            }
        }
    }
    plain
}

/// The letter that people type for one that has no decomposition in Unicode. `None` for the sign that only makes
/// an Arabic word longer.
fn base(letter: char) -> Option<char> {
    match letter {
        '\u{131}' => Some('i'),
        '\u{111}' => Some('d'),
        '\u{142}' => Some('l'),
        '\u{f8}' => Some('o'),
        '\u{2018}' | '\u{2019}' | '\u{2bc}' => Some('\''),
        '\u{640}' => None,
        other => Some(other),
    }
}

/// The ASCII digit of a decimal digit of any script. Unicode gives each script ten digits in a row.
fn digit(letter: char) -> char {
    let is_digit = |code: u32| {
        char::from_u32(code)
            .is_some_and(|letter| GeneralCategory::for_char(letter) == GeneralCategory::DecimalNumber)
    };
    let code = u32::from(letter);
    let before = (1..=code).take_while(|back| is_digit(code - back)).count();
    char::from_digit(before as u32 % 10, 10).unwrap_or(letter)
}

/// The text without the underscores that format it. One between letters belongs to a word.
fn without_formatting(text: &str) -> Cow<'_, str> {
    if !text.contains('_') {
        return Cow::Borrowed(text);
    }
    let mut plain = String::with_capacity(text.len());
    let mut letters = text.chars().peekable();
    let mut before = None;
    while let Some(letter) = letters.next() {
        let is_between = before.is_some_and(char::is_alphanumeric)
            && letters.peek().copied().is_some_and(char::is_alphanumeric);
        if letter != '_' || is_between {
            plain.push(letter);
        }
        before = Some(letter);
    }
    Cow::Owned(plain)
}

/// The text with single spaces between words, and none around them.
fn spaced(text: &str) -> String {
    let mut spaced = String::with_capacity(text.len());
    for word in text.split_whitespace() {
        if !spaced.is_empty() {
            spaced.push(' ');
        }
        spaced.push_str(word);
    }
    spaced
}

#[cfg(test)]
mod tests {
    use super::NormalizedText;

    fn normalized(text: &str) -> String {
        NormalizedText::of(text).as_str().to_owned()
    }

    #[test]
    fn digits_of_all_scripts_are_equal() {
        for text in
            ["1", "\u{ff11}", "\u{661}", "\u{6f1}", "\u{967}", "1\u{fe0f}\u{20e3}", "\u{1d7d9}", "_1_"]
        {
            assert_eq!(normalized(text), "1", "{text}");
        }
        assert_eq!(
            normalized("\u{1d7f6}\u{669}\u{6f7}\u{1369}"),
            "097\u{1369}",
            "an Ethiopic one is no decimal digit"
        );
    }

    #[test]
    fn words_are_equal_however_they_are_typed() {
        for (written, typed) in [
            ("iptal", "\u{130}PTAL"),
            ("iptal", "IPTAL"),
            ("s\u{131}k\u{131}nt\u{131}", "SIKINTI"),
            ("refund", "_refund_"),
            ("refund", "\u{ff32}efund"),
            ("refund", "re\u{ad}fund\u{200b}"),
            ("don't", "don\u{2019}t"),
            ("e-mail", "e\u{2011}mail"),
            ("cancelaci\u{f3}n", "CANCELACION"),
            ("caf\u{e9}", "cafe\u{301}"),
            ("\u{1f44d}", "\u{1f44d}\u{1f3fd}"),
            ("\u{2764}", "\u{2764}\u{fe0f}"),
            (
                "\u{645}\u{631}\u{62d}\u{628}\u{627}",
                "\u{645}\u{640}\u{631}\u{62d}\u{628}\u{64b}\u{627}\u{200f}",
            ),
            ("\u{627}\u{644}\u{63a}\u{627}\u{621}", "\u{625}\u{644}\u{63a}\u{627}\u{621}"),
            ("\u{433}\u{43e}\u{434}", "\u{413}\u{41e}\u{414}"),
        ] {
            assert_eq!(normalized(written), normalized(typed), "{written} as {typed}");
        }
    }

    /// Two words stay two words.
    #[test]
    fn a_sign_that_makes_another_letter_stays() {
        for (one, other) in [
            ("\u{43c}\u{43e}\u{439}", "\u{43c}\u{43e}\u{438}"),
            ("order_id", "order id"),
            ("\u{915}\u{93f}", "\u{915}\u{941}"),
        ] {
            assert_ne!(normalized(one), normalized(other), "{one} and {other}");
        }
    }
}
