//! Placeholders in texts that an account defines, `{{contact_name}}` and the like (requirement 000, section 1.3). They
//! are part of the language, so that a text reads the same when it is shown and when it is sent.

/// The values of the placeholders in a canned response that an agent reads or sends.
pub struct CannedResponseValues<'a> {
    pub contact_name: &'a str,
    pub contact_identifier: &'a str,
    pub agent_name: &'a str,
}

/// The text with each placeholder replaced by the value of its name.
///
/// A placeholder is a name between `{{` and the next `}}`; spaces around the name do not count. A placeholder for
/// which `value_of` returns `None` stays as it is, so that readers notice it. A value is not searched for
/// placeholders: what a customer writes is never expanded.
pub fn fill<V: AsRef<str>>(text: &str, value_of: impl Fn(&str) -> Option<V>) -> String {
    let mut filled = String::with_capacity(text.len());
    let mut rest = text;
    while let Some((before, after)) = rest.split_once("{{") {
        filled.push_str(before);
        match after.split_once("}}").and_then(|(name, behind)| Some((value_of(name.trim())?, behind))) {
            Some((value, behind)) => {
                filled.push_str(value.as_ref());
                rest = behind;
            }
            None => {
                filled.push_str("{{");
                rest = after;
            }
        }
    }
    filled.push_str(rest);
    filled
}

impl CannedResponseValues<'_> {
    /// The text with its placeholders filled. An unknown placeholder stays as it is.
    pub fn fill(&self, text: &str) -> String {
        fill(text, |name| self.value_of(name))
    }

    fn value_of(&self, name: &str) -> Option<&str> {
        match name {
            "contact_name" => Some(self.contact_name),
            "contact_identifier" => Some(self.contact_identifier),
            "agent_name" => Some(self.agent_name),
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn known_placeholders_are_filled_once_and_unknown_ones_stay() {
        let values = CannedResponseValues {
            contact_name: "Abebe",
            contact_identifier: "2519",
            agent_name: "{{contact_name}}",
        };
        for (text, filled) in [
            ("Hi {{contact_name}}, I am {{ agent_name }}.", "Hi Abebe, I am {{contact_name}}."),
            ("{{order}} {{", "{{order}} {{"),
            ("{{a {{contact_name}}", "{{a Abebe"),
        ] {
            assert_eq!(values.fill(text), filled);
        }
    }

    #[test]
    fn text_without_a_known_placeholder_stays_as_it_is() {
        let values =
            CannedResponseValues { contact_name: "Abebe", contact_identifier: "2519", agent_name: "Ana" };
        for text in ["", "{{", "}}", "{{{{", "{{order}}", "{ {contact_name} }", "a {{ b", "{{}}"] {
            assert_eq!(values.fill(text), text);
        }
    }
}
