//! The language of a message. It is detected here and written into the event: a replay does not detect again.

use domain::conversation::Detected;
use whatlang::{Info, Lang, Script};

/// The fewest letters for which a language of a shared script is detected.
const FEWEST_LETTERS: usize = 12;

/// The language of a text. `None` when it is uncertain.
pub fn detect(text: &str) -> Option<Detected> {
    let info = whatlang::detect(text)?;
    let letters = text.chars().filter(|letter| letter.is_alphabetic()).count();
    let is_certain = has_one_language(info.script()) || (letters >= FEWEST_LETTERS && info.is_reliable());
    is_certain.then(|| Detected { language: code(&info), confidence: info.confidence() })
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
    fn the_language_of_a_word_or_two_is_uncertain() {
        for text in ["", "ok", "hi", "12345", "👍", "?!"] {
            assert_eq!(language(text), None, "{text}");
        }
    }
}
