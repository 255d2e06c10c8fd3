//! Errors of reading a request in plain words: the libraries' own texts name Rust's types.

/// The error as a sentence that names no type of Rust. `text` is the message of serde, serde_json or a parser; a
/// message of the program's own is kept.
pub(crate) fn sentence(text: &str) -> String {
    let text = without_location(text);
    let plain = syntax(text)
        .or_else(|| field(text))
        .or_else(|| mismatch(text))
        .or_else(|| parser(text))
        .unwrap_or_else(|| text.to_owned());
    let mut plain = plain.trim_end_matches('.').to_owned();
    if let Some(first) = plain.get(..1).map(str::to_uppercase) {
        plain.replace_range(..1, &first);
    }
    plain.push('.');
    plain
}

/// serde_json ends its messages with ` at line 1 column 7`, also those about values.
fn without_location(text: &str) -> &str {
    text.rfind(" at line ").map_or(text, |at| if is_syntax(text) { text } else { &text[..at] })
}

const SYNTAX: [&str; 16] = [
    "EOF while parsing",
    "expected value",
    "expected ident",
    "expected `:`",
    "expected `,` or",
    "expected `\"`",
    "trailing characters",
    "trailing comma",
    "key must be a string",
    "control character",
    "invalid escape",
    "invalid unicode code point",
    "lone leading surrogate",
    "unexpected end of hex escape",
    "invalid number",
    "recursion limit",
];

fn is_syntax(text: &str) -> bool {
    SYNTAX.iter().any(|start| text.starts_with(start))
}

fn syntax(text: &str) -> Option<String> {
    if !is_syntax(text) {
        return None;
    }
    let place = text.rsplit_once(" at line ").map(|(_, place)| place.replacen(" column", ", column", 1));
    let place = place.map(|place| format!(" at line {place}")).unwrap_or_default();
    let reason = match text {
        _ if text.starts_with("EOF") => "it ends too early",
        _ if text.starts_with("trailing characters") => "it goes on after its end",
        _ if text.starts_with("recursion") => "its values are nested too deeply",
        _ if text.contains("surrogate") || text.contains("hex escape") => {
            "a text has one half of a character (`\\ud800` to `\\udfff`)"
        }
        _ if text.starts_with("expected value") => "another value is expected there",
        _other => "it is malformed",
    };
    Some(format!("the JSON cannot be read{place}: {reason}"))
}

/// A field that is missing, unknown or there twice, and a word that is not allowed.
fn field(text: &str) -> Option<String> {
    let quoted = |rest: &str| rest.split('`').next().map(str::to_owned);
    if let Some(rest) = text.strip_prefix("missing field `") {
        return Some(format!("`{}` is missing", quoted(rest)?));
    }
    if let Some(rest) = text.strip_prefix("duplicate field `") {
        return Some(format!("`{}` is there twice", quoted(rest)?));
    }
    if let Some(rest) = text.strip_prefix("unknown field `") {
        let allowed = allowed(rest);
        return Some(match allowed.is_empty() {
            true => format!("`{}` is not known here", quoted(rest)?),
            false => format!("`{}` is not known here; known are {allowed}", quoted(rest)?),
        });
    }
    if let Some(rest) = text.strip_prefix("unknown variant `") {
        return Some(format!("`{}` is not allowed here; allowed are {}", quoted(rest)?, allowed(rest)));
    }
    text.starts_with("data did not match any variant")
        .then(|| "the value has none of the forms that are allowed here".to_owned())
}

/// The list after `expected`: `a`, `b` or `c`.
fn allowed(text: &str) -> String {
    let list = text.split_once(", expected ").map(|(_, list)| list).unwrap_or_default();
    let words: Vec<_> = list.split('`').skip(1).step_by(2).map(|word| format!("`{word}`")).collect();
    match &*words {
        [] => String::new(),
        [one] => one.clone(),
        [rest @ .., last] => format!("{} and {last}", rest.join(", ")),
    }
}

/// A value of another type than expected.
fn mismatch(text: &str) -> Option<String> {
    let (kind, rest) = ["invalid type: ", "invalid value: ", "invalid length "]
        .iter()
        .find_map(|start| text.strip_prefix(start).map(|rest| (*start, rest)))?;
    let (found, expected) = rest.rsplit_once(", expected ")?;
    let expected = expected_words(expected);
    Some(match kind {
        "invalid length " => format!("{expected} is needed, and the value has {found} elements"),
        _type_or_value => format!("{expected} is needed, not {}", found_words(found)),
    })
}

fn expected_words(expected: &str) -> String {
    let whole = |from: &str, to: &str| format!("a whole number from {from} to {to}");
    match expected {
        "u8" => whole("0", "255"),
        "u16" => whole("0", "65535"),
        "u32" => whole("0", "4294967295"),
        "u64" | "usize" | "u128" => "a whole number from 0".to_owned(),
        "i8" | "i16" | "i32" | "i64" | "isize" | "i128" => "a whole number".to_owned(),
        "f32" | "f64" => "a number".to_owned(),
        "a string" | "a borrowed string" | "str" | "string" => "a text".to_owned(),
        "a boolean" | "bool" => "`true` or `false`".to_owned(),
        "unit" | "null" => "null".to_owned(),
        "a sequence" => "a list".to_owned(),
        "a map" => "an object".to_owned(),
        _uuid if expected.contains("UUID") => "a UUID".to_owned(),
        _enum if expected.contains("enum ") || expected.contains("variant") => {
            "one of the allowed words".to_owned()
        }
        "string or map" => "one of the allowed words".to_owned(),
        _tuple if expected.contains("tuple") || expected.starts_with("an array") => "a list".to_owned(),
        _struct if expected.starts_with("struct") || expected.starts_with("map") => "an object".to_owned(),
        own => own.to_owned(),
    }
}

fn found_words(found: &str) -> String {
    let value = found.split('`').nth(1);
    match value {
        Some(value) if found.starts_with("integer") || found.starts_with("floating") => {
            format!("the number {value}")
        }
        Some(value) if found.starts_with("boolean") => format!("`{value}`"),
        _ if found.starts_with("string") => "a text".to_owned(),
        _ if found.starts_with("map") || found.starts_with("struct") => "an object".to_owned(),
        _ if found.starts_with("sequence") => "a list".to_owned(),
        _ if found.starts_with("null") || found.starts_with("unit") || found.starts_with("Option") => {
            "null".to_owned()
        }
        _other => found.to_owned(),
    }
}

/// The messages of parsers of single values.
fn parser(text: &str) -> Option<String> {
    let plain = match text {
        "number out of range" => "the number is too large",
        "number too large to fit in target type" => "the number is too large",
        "number too small to fit in target type" => "the number is too small",
        "invalid digit found in string" | "cannot parse integer from empty string" => {
            "a whole number is needed"
        }
        "invalid float literal" | "cannot parse float from empty string" => "a number is needed",
        "provided string was not `true` or `false`" => "`true` or `false` is needed",
        "unexpected end of input" => "the value is empty",
        _uuid if text.contains("UUID") => "a UUID is needed, such as `0190a000-0000-7000-8000-000000000001`",
        _time if is_of_time_parser(text) => "a time is needed, such as `2026-01-31T12:00:00Z`",
        _own => return None,
    };
    Some(plain.to_owned())
}

/// jiff's messages about times and dates.
fn is_of_time_parser(text: &str) -> bool {
    let words = [
        "failed to parse",
        "parsed value",
        "expected to find",
        "failed to find",
        "expected two digit",
        "four digit year",
    ];
    words.iter().any(|words| text.contains(words))
        || text.contains("parsed date")
        || (text.starts_with("parameter '") && text.contains("in the required range"))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;
    use serde::Deserialize;
    use std::collections::BTreeMap;

    #[derive(Debug, Deserialize)]
    #[serde(rename_all = "snake_case")]
    enum Colour {
        Red,
        LightBlue,
    }

    #[derive(Debug, Deserialize)]
    #[serde(deny_unknown_fields)]
    #[expect(dead_code, reason = "only the errors count")]
    struct Thing {
        size: u8,
        #[serde(default)]
        id: Option<uuid::Uuid>,
        #[serde(default)]
        colour: Option<Colour>,
        #[serde(default)]
        at: Option<event_schemas::Timestamp>,
        #[serde(default)]
        names: Vec<String>,
        #[serde(default)]
        on: bool,
        #[serde(default)]
        parts: BTreeMap<String, f64>,
        #[serde(default)]
        pair: Option<(u8, u8)>,
    }

    #[test]
    fn the_errors_of_reading_json_are_plain_sentences() {
        for (json, expected) in [
            ("{}", "`size` is missing."),
            (r#"{"size": 1, "size": 2}"#, "`size` is there twice."),
            (r#"{"size": -1}"#, "A whole number from 0 to 255 is needed, not the number -1."),
            (r#"{"size": "x"}"#, "A whole number from 0 to 255 is needed, not a text."),
            (
                r#"{"size": 1, "id": "x"}"#,
                "A UUID is needed, such as `0190a000-0000-7000-8000-000000000001`.",
            ),
            (r#"{"size": 1, "id": 7}"#, "A UUID is needed, not the number 7."),
            (
                r#"{"size": 1, "colour": "green"}"#,
                "`green` is not allowed here; allowed are `red` and `light_blue`.",
            ),
            (
                r#"{"size": 1, "colour": 3}"#,
                "The JSON cannot be read at line 1, column 23: another value is expected there.",
            ),
            (r#"{"size": 1, "at": "yesterday"}"#, "A time is needed, such as `2026-01-31T12:00:00Z`."),
            (
                r#"{"size": 1, "at": "2026-02-30T00:00:00Z"}"#,
                "A time is needed, such as `2026-01-31T12:00:00Z`.",
            ),
            (r#"{"size": 1, "names": {}}"#, "A list is needed, not an object."),
            (r#"{"size": 1, "names": [null]}"#, "A text is needed, not null."),
            (r#"{"size": 1, "on": 1}"#, "`true` or `false` is needed, not the number 1."),
            (r#"{"size": 1, "parts": []}"#, "An object is needed, not a list."),
            (r#"{"size": 1, "parts": {"a": true}}"#, "A number is needed, not `true`."),
            (r#"{"size": 1, "pair": [1]}"#, "A list is needed, and the value has 1 elements."),
            (
                r#"{"size": 1, "more": 1}"#,
                "`more` is not known here; known are `size`, `id`, `colour`, `at`, `names`, `on`, `parts` and `pair`.",
            ),
            ("[]", "An object is needed, and the value has 0 elements."),
            ("7", "An object is needed, not the number 7."),
            ("{", "The JSON cannot be read at line 1, column 1: it ends too early."),
            (r#"{"size": 1} and"#, "The JSON cannot be read at line 1, column 13: it goes on after its end."),
            (r#"{"size": 1,}"#, "The JSON cannot be read at line 1, column 12: it is malformed."),
        ] {
            let error = serde_json::from_str::<Thing>(json).unwrap_err().to_string();
            assert_eq!(sentence(&error), expected, "{json}: {error}");
        }
        let half =
            serde_json::from_str::<Thing>(r#"{"size": 1, "names": ["\ud800"]}"#).unwrap_err().to_string();
        assert!(sentence(&half).contains("a text has one half of a character"), "{half}");
    }

    #[test]
    fn the_errors_of_parsers_are_plain_sentences() {
        for (text, expected) in [
            ("invalid digit found in string", "A whole number is needed."),
            ("provided string was not `true` or `false`", "`true` or `false` is needed."),
            (
                "UUID parsing failed: invalid length",
                "A UUID is needed, such as `0190a000-0000-7000-8000-000000000001`.",
            ),
            ("limit must be between 1 and 200", "Limit must be between 1 and 200."),
        ] {
            assert_eq!(sentence(text), expected);
        }
    }
}
