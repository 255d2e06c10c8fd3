//! The blanks in a canned response: `{{contact_name}}` and the like.

/// What a blank may ask for.
pub(super) struct Known<'a> {
    pub contact_name: &'a str,
    pub contact_identifier: &'a str,
    pub agent_name: &'a str,
}

impl Known<'_> {
    fn named(&self, name: &str) -> Option<&str> {
        match name {
            "contact_name" => Some(self.contact_name),
            "contact_identifier" => Some(self.contact_identifier),
            "agent_name" => Some(self.agent_name),
            _ => None,
        }
    }

    /// The text with its blanks filled in. A blank that nobody knows stays as it is, to be seen by whoever
    /// reads the text before it is sent.
    pub(super) fn fill(&self, text: &str) -> String {
        let mut filled = String::with_capacity(text.len());
        let mut rest = text;
        while let Some((before, after)) = rest.split_once("{{") {
            filled.push_str(before);
            match after.split_once("}}") {
                Some((name, behind)) if self.named(name.trim()).is_some() => {
                    filled.push_str(self.named(name.trim()).unwrap_or_default());
                    rest = behind;
                }
                _ => {
                    filled.push_str("{{");
                    rest = after;
                }
            }
        }
        filled.push_str(rest);
        filled
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const KNOWN: Known<'_> = Known {
        contact_name: "Abebe",
        contact_identifier: "251911000000",
        agent_name: "Ana {{contact_name}}",
    };

    #[test]
    fn blanks_are_filled_and_what_is_put_in_is_not_read_again() {
        assert_eq!(
            KNOWN.fill("Hi {{contact_name}}, I am {{ agent_name }}."),
            "Hi Abebe, I am Ana {{contact_name}}."
        );
    }

    #[test]
    fn what_is_no_blank_stays() {
        for text in ["", "{{", "}}", "{{{{", "{{order}}", "{ {contact_name} }", "a {{ b", "{{}}"] {
            assert_eq!(KNOWN.fill(text), text);
        }
        assert_eq!(KNOWN.fill("{{order {{contact_name}}"), "{{order Abebe");
    }
}
