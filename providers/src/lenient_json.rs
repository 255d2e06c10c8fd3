//! Makes JSON readable in which single characters, numbers or values are not, and finds the bytes that a part of
//! it came as.
//!
//! RFC 8259 leaves to the reader what happens to lone surrogates, numbers of any size, deep nesting and repeated
//! names (sections 4, 6, 8.2 and 9). A strict reader refuses the whole text for any of these; here each costs
//! only itself. A text that is broken in its structure stays broken.

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use event_schemas::Timestamp;
use serde::Deserialize;
use serde::de::value::MapDeserializer;
use serde_json::value::RawValue;
use serde_json::{Map, Value};
use std::borrow::Cow;
use std::collections::BTreeMap;
use std::ops::Range;

/// A value below this many others is read as text. serde_json reads 128 levels, and the value is stored inside
/// of others.
const DEEPEST: usize = 64;

/// WhatsApp began in 2009: no message was sent before.
const EARLIEST: Timestamp = Timestamp::from_secs(1_230_768_000);

/// JSON whose unreadable characters, numbers and values were replaced.
pub(crate) struct Json<'a> {
    original: &'a [u8],
    text: Cow<'a, str>,
    replaced: Vec<Replaced>,
}

/// A piece of the original and what stands for it.
struct Replaced {
    original: Range<usize>,
    text: Range<usize>,
}

impl<'a> Json<'a> {
    /// Replaces what no reader of JSON takes: bytes that are not UTF-8 and lone surrogates by U+FFFD; control
    /// characters and backslashes that begin no escape by their escapes; numbers that do not fit, words that are
    /// no JSON and values that are nested too deeply by their text. A byte order mark is left out.
    pub fn of(original: &'a [u8]) -> Self {
        let mut reader = Reader { original, at: 0, copied: 0, text: Vec::new(), replaced: Vec::new() };
        reader.read();
        let Reader { copied, mut text, replaced, .. } = reader;
        let text = if replaced.is_empty() {
            String::from_utf8_lossy(original)
        } else {
            text.extend_from_slice(&original[copied..]);
            Cow::Owned(String::from_utf8_lossy(&text).into_owned())
        };
        Self { original, text, replaced }
    }

    pub fn text(&self) -> &str {
        &self.text
    }

    /// The bytes that a value of this text came as. `value` must be a part of [`text`](Self::text).
    pub fn original(&self, value: &str) -> &'a [u8] {
        let start = (value.as_ptr() as usize).wrapping_sub(self.text.as_ptr() as usize);
        let range = self.original_offset(start)..self.original_offset(start.saturating_add(value.len()));
        self.original.get(range).unwrap_or(self.original)
    }

    fn original_offset(&self, offset: usize) -> usize {
        let before = self.replaced.partition_point(|replaced| replaced.text.end <= offset);
        match self.replaced[..before].last() {
            Some(last) => last.original.end + (offset - last.text.end),
            None => offset,
        }
    }

    /// The value as it came, as metadata of its message. Empty when nothing in it was replaced.
    pub fn as_received(&self, value: &str) -> Map<String, Value> {
        let original = self.original(value);
        if original == value.as_bytes() {
            return Map::new();
        }
        let (name, received) = match str::from_utf8(original) {
            Ok(text) => ("as_received", text.to_owned()),
            Err(_) => ("as_received_base64", base64(original)),
        };
        Map::from_iter([(name.to_owned(), received.into())])
    }
}

pub(crate) fn base64(bytes: &[u8]) -> String {
    BASE64_STANDARD.encode(bytes)
}

/// Reads an object. Of a repeated name the last value counts.
pub(crate) fn object<'a, T: Deserialize<'a>>(text: &'a str) -> Result<T, serde_json::Error> {
    let members: BTreeMap<Cow<'a, str>, &'a RawValue> = serde_json::from_str(text)?;
    T::deserialize(MapDeserializer::new(members.into_iter()))
}

/// A time as a sender gives it: seconds since 1970, as text or as a number, or RFC 3339. It is the time of
/// receipt when it is missing, later than that, or no time at which a message can have been sent.
pub(crate) fn moment(value: Option<&Value>, received_at: Timestamp) -> Timestamp {
    let seconds = |seconds: i64| seconds.checked_mul(1_000_000).map(Timestamp::from_micros);
    let moment = match value {
        Some(Value::String(text)) => match text.trim().parse() {
            Ok(number) => seconds(number),
            Err(_) => text.trim().parse().ok(),
        },
        Some(Value::Number(number)) => {
            number.as_i64().or_else(|| number.as_f64().map(|n| n as i64)).and_then(seconds)
        }
        _ => None,
    };
    moment.filter(|moment| (EARLIEST..=received_at).contains(moment)).unwrap_or(received_at)
}

struct Reader<'a> {
    original: &'a [u8],
    at: usize,
    /// Everything before it is in `text`.
    copied: usize,
    text: Vec<u8>,
    replaced: Vec<Replaced>,
}

impl Reader<'_> {
    fn read(&mut self) {
        if self.original.starts_with("\u{feff}".as_bytes()) {
            self.replace(3, "");
        }
        let mut depth = 0;
        while let Some(byte) = self.peek(0) {
            match byte {
                b'"' => self.string(),
                b'{' | b'[' if depth == DEEPEST => self.deep_value(),
                b'{' | b'[' => {
                    depth += 1;
                    self.at += 1;
                }
                b'}' | b']' => {
                    depth = depth.saturating_sub(1);
                    self.at += 1;
                }
                b' ' | b'\t' | b'\r' | b'\n' | b':' | b',' => self.at += 1,
                _ => self.word(),
            }
        }
    }

    fn peek(&self, ahead: usize) -> Option<u8> {
        self.original.get(self.at + ahead).copied()
    }

    /// Replaces the next bytes.
    fn replace(&mut self, bytes: usize, by: &str) {
        self.text.extend_from_slice(&self.original[self.copied..self.at]);
        let began = self.text.len();
        self.text.extend_from_slice(by.as_bytes());
        let original = self.at..self.at + bytes;
        self.at = original.end;
        self.copied = original.end;
        self.replaced.push(Replaced { original, text: began..self.text.len() });
    }

    fn replace_by_its_text(&mut self, bytes: usize) {
        let text = String::from_utf8_lossy(&self.original[self.at..self.at + bytes]).into_owned();
        self.replace(bytes, &Value::String(text).to_string());
    }

    fn string(&mut self) {
        self.at += 1;
        while let Some(byte) = self.peek(0) {
            match byte {
                b'"' => {
                    self.at += 1;
                    return;
                }
                b'\\' => self.escape(),
                control @ ..0x20 => self.replace(1, &format!("\\u{control:04x}")),
                0x80.. => self.beyond_ascii(),
                _ => self.at += 1,
            }
        }
    }

    fn escape(&mut self) {
        match self.peek(1) {
            Some(b'"' | b'\\' | b'/' | b'b' | b'f' | b'n' | b'r' | b't') => self.at += 2,
            Some(b'u') => match (self.unit(0), self.unit(6)) {
                (Some(0xd800..0xdc00), Some(0xdc00..0xe000)) => self.at += 12,
                (Some(0xd800..0xe000), _) => self.replace(6, "\\ufffd"),
                (Some(_), _) => self.at += 6,
                (None, _) => self.replace(1, "\\\\"),
            },
            Some(_) => self.replace(1, "\\\\"),
            None => self.at += 1,
        }
    }

    /// The UTF-16 code unit of an escape `\uXXXX` so many bytes ahead.
    fn unit(&self, ahead: usize) -> Option<u16> {
        let escape = self.original.get(self.at + ahead..self.at + ahead + 6)?;
        let digits = escape.strip_prefix(b"\\u")?;
        let all_digits = digits.iter().all(u8::is_ascii_hexdigit);
        u16::from_str_radix(str::from_utf8(digits).ok().filter(|_| all_digits)?, 16).ok()
    }

    fn beyond_ascii(&mut self) {
        let longest = self.original.len().min(self.at + 4);
        let Some(chunk) = self.original[self.at..longest].utf8_chunks().next() else { return };
        match chunk.valid().chars().next() {
            Some(character) => self.at += character.len_utf8(),
            None => self.replace(chunk.invalid().len().max(1), "\u{fffd}"),
        }
    }

    /// A number, `true`, `false`, `null`, or what stands in their place.
    fn word(&mut self) {
        let ends = |byte: &u8| b" \t\r\n:,\"{}[]".contains(byte);
        let rest = &self.original[self.at..];
        let length = rest.iter().position(ends).unwrap_or(rest.len()).max(1);
        if is_readable(&rest[..length]) {
            self.at += length;
        } else {
            self.replace_by_its_text(length);
        }
    }

    /// A value that is nested too deeply. It is left alone when it does not end.
    fn deep_value(&mut self) {
        let (mut depth, mut in_string, mut escaped) = (0_usize, false, false);
        let rest = &self.original[self.at..];
        let end = rest.iter().position(|byte| {
            match byte {
                _ if escaped => escaped = false,
                b'\\' if in_string => escaped = true,
                b'"' => in_string = !in_string,
                b'{' | b'[' if !in_string => depth += 1,
                b'}' | b']' if !in_string => depth -= 1,
                _ => {}
            }
            depth == 0
        });
        match end {
            Some(end) => self.replace_by_its_text(end + 1),
            None => self.at = self.original.len(),
        }
    }
}

fn is_readable(word: &[u8]) -> bool {
    let Ok(word) = str::from_utf8(word) else { return false };
    let is_integer = word.strip_prefix('-').unwrap_or(word).bytes().all(|byte| byte.is_ascii_digit());
    let fits = !is_integer || word.parse::<i64>().is_ok() || word.parse::<u64>().is_ok();
    fits && serde_json::from_str::<Value>(word).is_ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn read(text: impl AsRef<[u8]>) -> Value {
        serde_json::from_str(Json::of(text.as_ref()).text()).unwrap()
    }

    #[test]
    fn readable_json_stays_as_it_is() {
        let text =
            r#"{"a": "\ud83d\ude00 ü \u0000 \"\\", "b": [1, -2.5e3, true, null], "c": 18446744073709551615}"#;
        let json = Json::of(text.as_bytes());
        assert!(json.replaced.is_empty());
        assert_eq!(json.text(), text);
    }

    #[test]
    fn one_bad_character_costs_only_itself() {
        assert_eq!(
            read(r#"["a\ud83d", "\ude00b", "\ud83d\ud83d\ude00", "\ud83dA"]"#),
            json!(["a\u{fffd}", "\u{fffd}b", "\u{fffd}😀", "\u{fffd}A"])
        );
        assert_eq!(read(b"[\"caf\xe9 \xf0\x9f\x98 ok\"]"), json!(["caf\u{fffd} \u{fffd} ok"]));
        assert_eq!(read("[\"one\ntwo\u{0}\"]"), json!(["one\ntwo\u{0}"]));
        assert_eq!(read(r#"["C:\x \u12g4"]"#), json!([r"C:\x \u12g4"]));
        assert_eq!(read("\u{feff}[1]"), json!([1]));
    }

    #[test]
    fn a_number_that_does_not_fit_is_kept_as_text() {
        let text = "[123456789012345678901, -9223372036854775809, 1e999, 007, NaN, 1.5]";
        assert_eq!(
            read(text),
            json!(["123456789012345678901", "-9223372036854775809", "1e999", "007", "NaN", 1.5])
        );
    }

    #[test]
    fn a_value_nested_too_deeply_is_kept_as_text() {
        let deep = format!("{}\"]\"{}", "[".repeat(100), "]".repeat(100));
        let mut value = &read(format!("{{\"deep\": {deep}, \"beside\": 1}}"))["deep"];
        for _ in 0..DEEPEST - 1 {
            value = &value[0];
        }
        assert_eq!(value, &json!(format!("{}\"]\"{}", "[".repeat(37), "]".repeat(37))));
        let hostile = "[".repeat(100_000);
        assert!(serde_json::from_str::<Value>(Json::of(hostile.as_bytes()).text()).is_err());
    }

    #[test]
    fn of_a_repeated_name_the_last_value_counts() {
        #[derive(Deserialize)]
        struct Named<'a> {
            #[serde(borrow)]
            a: &'a RawValue,
            b: Option<String>,
        }
        let named: Named = object(r#"{"a": 1, "b": "x", "a": {"c": 2}}"#).unwrap();
        assert_eq!((named.a.get(), named.b.as_deref()), (r#"{"c": 2}"#, Some("x")));
    }

    #[test]
    fn the_original_of_a_value_is_found() {
        let original = b"\xef\xbb\xbf[\"\\ud83d\", \"caf\xe9\", \"plain\", 1e999]";
        let json = Json::of(original);
        let values: Vec<&RawValue> = serde_json::from_str(json.text()).unwrap();
        let originals: Vec<&[u8]> = values.iter().map(|value| json.original(value.get())).collect();
        assert_eq!(originals, [&b"\"\\ud83d\""[..], b"\"caf\xe9\"", b"\"plain\"", b"1e999"]);
        assert_eq!(json.original(json.text()), &original[3..]);
        assert_eq!(json.as_received(values[0].get())["as_received"], r#""\ud83d""#);
        assert_eq!(json.as_received(values[1].get())["as_received_base64"], base64(b"\"caf\xe9\""));
        assert_eq!(json.as_received(values[2].get()), Map::new());
    }

    #[test]
    fn a_time_that_cannot_be_is_the_time_of_receipt() {
        let received_at = Timestamp::from_secs(1_795_222_800);
        let said = Timestamp::from_secs(1_795_222_000);
        for value in
            [json!("1795222000"), json!(1_795_222_000), json!(1_795_222_000.0), json!("2026-11-21T00:46:40Z")]
        {
            assert_eq!(moment(Some(&value), received_at), said, "{value}");
        }
        for value in [
            json!(-5),
            json!("-5"),
            json!(0),
            json!("99999999999999999999"),
            json!(1e300),
            json!(4e9),
            json!("soon"),
            json!(null),
            json!([]),
        ] {
            assert_eq!(moment(Some(&value), received_at), received_at, "{value}");
        }
        assert_eq!(moment(None, received_at), received_at);
    }
}
