//! Placeholders in texts that an account defines, `{{contact_name}}` and the like (requirement 000, section 1.3). They
//! are part of the language, so that a text reads the same when it is shown and when it is sent.
//!
//! A placeholder is a name between `{{` and the next `}}`, and can have words that stand in when the name has no value:
//! `{{order_number|your order}}`. Spaces around the name and the words do not count. Names are `contact_name`,
//! `contact_identifier`, `agent_name` and the facts that the bot has collected; the announcement of a queue has
//! `position` and `wait_minutes` too. Any name is accepted when a text is defined, because any fact can be collected
//! later. A text with a placeholder that has neither a value nor words is never sent to a customer.

use serde_json::{Map, Value};

/// A text, and the names of the placeholders that have neither a value nor words that stand in.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Filled {
    /// Unfilled placeholders stay as they are, so that readers notice them.
    pub text: String,
    pub unfilled: Vec<String>,
}

impl Filled {
    /// The text when every placeholder is filled, else the names of the others.
    pub fn whole(self) -> Result<String, Vec<String>> {
        if self.unfilled.is_empty() { Ok(self.text) } else { Err(self.unfilled) }
    }
}

/// Fills the placeholders of a text. A value is not searched for placeholders: what a customer writes is never
/// expanded. An empty value is none.
pub fn fill(text: &str, value_of: impl Fn(&str) -> Option<String>) -> Filled {
    let mut filled = Filled { text: String::with_capacity(text.len()), unfilled: Vec::new() };
    let mut rest = text;
    while let Some((before, after)) = rest.split_once("{{") {
        filled.text.push_str(before);
        let inside = after.split_once("}}").filter(|(inside, _)| !inside.contains("{{"));
        let value = inside.and_then(|(inside, behind)| {
            let (name, words) = inside.split_once('|').unwrap_or((inside, ""));
            let value = value_of(name.trim()).filter(|value| !value.trim().is_empty());
            let words = Some(words.trim().to_owned()).filter(|words| !words.is_empty());
            Some((value.or(words)?, behind))
        });
        match value {
            Some((value, behind)) => {
                filled.text.push_str(&value);
                rest = behind;
            }
            None => {
                let end = after.find("}}").into_iter().chain(after.find("{{")).min().unwrap_or(after.len());
                let name = after.get(..end).unwrap_or_default();
                filled.unfilled.push(name.split('|').next().unwrap_or_default().trim().to_owned());
                filled.text.push_str("{{");
                rest = after;
            }
        }
    }
    filled.text.push_str(rest);
    filled
}

/// The values of the placeholders in a conversation.
#[derive(Clone, Copy, Debug)]
pub struct PlaceholderValues<'a> {
    pub contact_name: Option<&'a str>,
    pub contact_identifier: &'a str,
    /// The agent who sends the text, or who has the conversation. `None` when there is none.
    pub agent_name: Option<&'a str>,
    /// The facts that the bot has collected. `None` when there are none.
    pub facts: Option<&'a Map<String, Value>>,
}

impl PlaceholderValues<'_> {
    pub fn fill(&self, text: &str) -> Filled {
        fill(text, |name| self.value_of(name))
    }

    pub fn value_of(&self, name: &str) -> Option<String> {
        match name {
            "contact_name" => Some(self.contact_name.unwrap_or(self.contact_identifier).to_owned()),
            "contact_identifier" => Some(self.contact_identifier.to_owned()),
            "agent_name" => self.agent_name.map(str::to_owned),
            fact => match self.facts?.get(fact)? {
                Value::String(words) => Some(words.clone()),
                value @ (Value::Number(_) | Value::Bool(_)) => Some(value.to_string()),
                Value::Null | Value::Array(_) | Value::Object(_) => None,
            },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn facts() -> Map<String, Value> {
        json!({ "order": "A-7", "attempts": 2, "city": "", "parts": [1] })
            .as_object()
            .cloned()
            .unwrap_or_default()
    }

    fn filled(text: &str) -> Result<String, Vec<String>> {
        let facts = facts();
        let values = PlaceholderValues {
            contact_name: Some("Abebe"),
            contact_identifier: "2519",
            agent_name: Some("{{contact_name}}"),
            facts: Some(&facts),
        };
        values.fill(text).whole()
    }

    #[test]
    fn a_placeholder_has_its_value_or_the_words_that_stand_in() {
        for (text, expected) in [
            ("Hi {{contact_name}}, I am {{ agent_name }}.", "Hi Abebe, I am {{contact_name}}."),
            ("{{order}} {{attempts}}", "A-7 2"),
            ("{{ number | your order }}!", "your order!"),
            ("{{order|your order}}", "A-7"),
            ("{{city|your town}}", "your town"),
            ("", ""),
            ("}}", "}}"),
            ("{ {contact_name} }", "{ {contact_name} }"),
        ] {
            assert_eq!(filled(text).as_deref(), Ok(expected), "{text}");
        }
    }

    #[test]
    fn a_placeholder_without_a_value_is_named() {
        for (text, names) in [
            ("{{number}} and {{ticket.id}}", vec!["number", "ticket.id"]),
            ("{{city}} {{parts}}", vec!["city", "parts"]),
            ("{{number|}}", vec!["number"]),
            ("a {{ b", vec!["b"]),
            ("{{}}", vec![""]),
            ("{{a {{contact_name}}", vec!["a"]),
        ] {
            assert_eq!(filled(text), Err(names.into_iter().map(str::to_owned).collect()), "{text}");
        }
    }

    #[test]
    fn a_contact_without_a_name_has_the_identifier_and_a_bot_has_no_agent() {
        let values = PlaceholderValues {
            contact_name: None,
            contact_identifier: "2519",
            agent_name: None,
            facts: None,
        };
        assert_eq!(values.fill("{{contact_name}}").whole().as_deref(), Ok("2519"));
        assert_eq!(values.fill("{{agent_name}}").whole(), Err(vec!["agent_name".to_owned()]));
    }
}
