//! The blanks in a canned response, `{{contact_name}}` and the like (requirement 000, section 1.3): part of
//! the language, so that a response reads the same when it is looked at and when it is sent.

/// The values that placeholders may ask for.
pub struct Known<'a> {
    pub contact_name: &'a str,
    pub contact_identifier: &'a str,
    pub agent_name: &'a str,
}

/// The text with its placeholders filled by a function of their names. An unknown placeholder stays as it is,
/// to be seen.
pub fn fill<W: AsRef<str>>(text: &str, named: impl Fn(&str) -> Option<W>) -> String {
    let mut filled = String::with_capacity(text.len());
    let mut rest = text;
    while let Some((before, after)) = rest.split_once("{{") {
        filled.push_str(before);
        match after.split_once("}}").and_then(|(name, behind)| Some((named(name.trim())?, behind))) {
            Some((word, behind)) => {
                filled.push_str(word.as_ref());
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

impl Known<'_> {
    /// The text with its placeholders filled. An unknown placeholder stays as it is, so that it is seen.
    pub fn fill(&self, text: &str) -> String {
        fill(text, |name| self.named(name))
    }

    fn named(&self, name: &str) -> Option<&str> {
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
    fn known_blanks_are_filled_once_and_unknown_ones_stay() {
        let known =
            Known { contact_name: "Abebe", contact_identifier: "2519", agent_name: "{{contact_name}}" };
        for (text, filled) in [
            ("Hi {{contact_name}}, I am {{ agent_name }}.", "Hi Abebe, I am {{contact_name}}."),
            ("{{order}} {{", "{{order}} {{"),
            ("{{a {{contact_name}}", "{{a Abebe"),
        ] {
            assert_eq!(known.fill(text), filled);
        }
    }

    #[test]
    fn what_is_no_blank_stays() {
        let known = Known { contact_name: "Abebe", contact_identifier: "2519", agent_name: "Ana" };
        for text in ["", "{{", "}}", "{{{{", "{{order}}", "{ {contact_name} }", "a {{ b", "{{}}"] {
            assert_eq!(known.fill(text), text);
        }
    }
}
