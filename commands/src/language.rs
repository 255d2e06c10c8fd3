//! The language of a message. It is detected here and written into the event: a replay does not detect again.

use domain::conversation::Detected;
use lingua::{Language, LanguageDetector, LanguageDetectorBuilder};
use std::sync::LazyLock;
use whatlang::{Info, Lang, Script};

/// The fewest letters for which a language in Latin letters is detected.
const FEWEST_LETTERS: usize = 8;

/// The least confidence with which a language in Latin letters is detected (from 0 to 1, the sum over all
/// languages is 1), and its least distance from the next one.
const LEAST_CONFIDENCE: f64 = 0.2;
const LEAST_DISTANCE: f64 = 0.045;

/// whatlang needs this many letters in scripts that several of its languages share (Cyrillic, Arabic,
/// Devanagari, Hebrew).
const FEWEST_LETTERS_OF_SHARED_SCRIPT: usize = 12;

/// The characters of a text that are looked at.
const MOST_CHARACTERS: usize = 2_000;

static LATIN: LazyLock<LanguageDetector> =
    LazyLock::new(|| LanguageDetectorBuilder::from_all_languages().build());

/// The language of a text. `None` when it is uncertain.
pub fn detect(text: &str) -> Option<Detected> {
    // The beginning has the language of the whole, and a customer decides how long a text is.
    let text = text.char_indices().nth(MOST_CHARACTERS).map_or(text, |(end, _)| &text[..end]);
    let letters = text.chars().filter(|letter| letter.is_alphabetic()).count();
    if whatlang::detect_script(text)? == Script::Latin {
        return if letters < FEWEST_LETTERS { None } else { detect_latin(text) };
    }
    let info = whatlang::detect(text)?;
    let is_certain =
        has_one_language(info.script()) || (letters >= FEWEST_LETTERS_OF_SHARED_SCRIPT && info.is_reliable());
    is_certain.then(|| Detected { language: code(&info), confidence: info.confidence() })
}

fn detect_latin(text: &str) -> Option<Detected> {
    let confidences = LATIN.compute_language_confidence_values(text);
    let [(language, confidence), (_, next), ..] = confidences[..] else { return None };
    let is_certain = confidence >= LEAST_CONFIDENCE && confidence - next >= LEAST_DISTANCE;
    is_certain.then(|| Detected { language: iso(language), confidence })
}

/// The ISO 639-1 code.
fn iso(language: Language) -> String {
    language.iso_code_639_1().to_string()
}

/// Whether the detector knows only one language of the script, so that a few letters are enough.
fn has_one_language(script: Script) -> bool {
    script.langs().len() == 1
}

/// The ISO 639-1 code of a language, or else its ISO 639-3 code.
fn code(info: &Info) -> String {
    let short = match info.lang() {
        Lang::Epo => "eo",
        Lang::Eng => "en",
        Lang::Rus => "ru",
        Lang::Cmn => "zh",
        Lang::Spa => "es",
        Lang::Por => "pt",
        Lang::Ita => "it",
        Lang::Ben => "bn",
        Lang::Fra => "fr",
        Lang::Deu => "de",
        Lang::Ukr => "uk",
        Lang::Kat => "ka",
        Lang::Ara => "ar",
        Lang::Hin => "hi",
        Lang::Jpn => "ja",
        Lang::Heb => "he",
        Lang::Yid => "yi",
        Lang::Pol => "pl",
        Lang::Amh => "am",
        Lang::Jav => "jv",
        Lang::Kor => "ko",
        Lang::Nob => "nb",
        Lang::Dan => "da",
        Lang::Swe => "sv",
        Lang::Fin => "fi",
        Lang::Tur => "tr",
        Lang::Nld => "nl",
        Lang::Hun => "hu",
        Lang::Ces => "cs",
        Lang::Ell => "el",
        Lang::Bul => "bg",
        Lang::Bel => "be",
        Lang::Mar => "mr",
        Lang::Kan => "kn",
        Lang::Ron => "ro",
        Lang::Slv => "sl",
        Lang::Hrv => "hr",
        Lang::Srp => "sr",
        Lang::Mkd => "mk",
        Lang::Lit => "lt",
        Lang::Lav => "lv",
        Lang::Est => "et",
        Lang::Tam => "ta",
        Lang::Vie => "vi",
        Lang::Urd => "ur",
        Lang::Tha => "th",
        Lang::Guj => "gu",
        Lang::Uzb => "uz",
        Lang::Pan => "pa",
        Lang::Aze => "az",
        Lang::Ind => "id",
        Lang::Tel => "te",
        Lang::Pes => "fa",
        Lang::Mal => "ml",
        Lang::Ori => "or",
        Lang::Mya => "my",
        Lang::Nep => "ne",
        Lang::Sin => "si",
        Lang::Khm => "km",
        Lang::Tuk => "tk",
        Lang::Aka => "ak",
        Lang::Zul => "zu",
        Lang::Sna => "sn",
        Lang::Afr => "af",
        Lang::Lat => "la",
        Lang::Slk => "sk",
        Lang::Cat => "ca",
        Lang::Tgl => "tl",
        Lang::Hye => "hy",
        other => other.code(),
    };
    short.to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn language(text: &str) -> Option<String> {
        detect(text).map(|detected| detected.language)
    }

    #[test]
    fn amharic_is_detected_in_a_few_letters() {
        assert_eq!(language("ገንዘቤን መልሱልኝ").as_deref(), Some("am"));
        assert_eq!(language("ሰላም").as_deref(), Some("am"));
    }

    #[test]
    fn the_language_of_a_sentence_is_detected() {
        let english = "Hello, I would like to know where my order is, because it has not arrived yet and the \
                       person on the phone told me that it would be here yesterday.";
        assert_eq!(language(english).as_deref(), Some("en"));
        let german =
            "Guten Tag, ich möchte gerne wissen, wo das Paket ist, das ich letzte Woche bestellt habe.";
        assert_eq!(language(german).as_deref(), Some("de"));
    }

    #[test]
    fn the_language_of_a_short_question_is_detected() {
        for (expected, text) in [
            ("en", "Where is my order?"),
            ("en", "My card was charged twice"),
            ("en", "Hello, how are you"),
            ("fr", "Où est ma commande ?"),
            ("fr", "ça ne marche pas"),
            ("de", "Wo ist mein Paket?"),
            ("de", "Guten Tag, können Sie mir helfen?"),
            ("es", "Me cobraron dos veces"),
            ("es", "¿Dónde está mi pedido?"),
            ("pt", "não recebi nada"),
            ("it", "Vorrei un rimborso"),
            ("nl", "het werkt niet meer"),
            ("pl", "aplikacja nie działa"),
            ("sv", "jag vill ha pengarna tillbaka"),
            ("tr", "Paramı geri istiyorum"),
            ("id", "tolong bantu saya"),
            ("vi", "tôi muốn hoàn tiền"),
            ("sw", "nataka pesa zangu zirudi"),
            ("so", "waxaan rabaa lacagtayda"),
            ("tl", "gusto kong mabawi ang pera ko"),
        ] {
            assert_eq!(language(text).as_deref(), Some(expected), "{text}");
        }
    }

    /// Article numbers and names are of no language.
    #[test]
    fn what_is_no_sentence_has_no_language() {
        for text in ["iPhone 13 Pro Max", "order 12345 ABC", "asdf qwer zxcv", "haha lol ok ok"] {
            assert_eq!(language(text), None, "{text}");
        }
    }

    #[test]
    fn the_language_of_a_word_or_two_is_uncertain() {
        for text in ["", "ok", "hi", "12345", "👍", "?!"] {
            assert_eq!(language(text), None, "{text}");
        }
    }
}
