//! The forms of contact identifiers. A provider names one of them, or a function of its own, in its
//! capabilities.

use event_schemas::contact::phone_digits;

/// The longest identifier, in characters.
const LONGEST: usize = 256;

/// A text that cannot be a contact's identifier on this kind of channel.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct BadIdentifier(
    /// A sentence for the user.
    pub &'static str,
);

/// A phone number as digits, country code first.
pub fn phone_number(identifier: &str) -> Result<String, BadIdentifier> {
    phone_digits(identifier).ok_or(BadIdentifier("A phone number is 5 to 20 digits, country code first."))
}

/// A phone number as digits, or the id by which WhatsApp names a customer to this business alone: a country and letters or
/// digits, for example `ET.13491208655302741918`.
pub fn phone_number_or_business_scoped_id(identifier: &str) -> Result<String, BadIdentifier> {
    let identifier = identifier.trim();
    match is_business_scoped_id(identifier) {
        true => Ok(identifier.to_owned()),
        false => phone_digits(identifier).ok_or(BadIdentifier(
            "It is neither a phone number (5 to 20 digits, country code first) nor a business-scoped id.",
        )),
    }
}

/// Whether the text is an id by which WhatsApp names a customer to one business.
pub fn is_business_scoped_id(identifier: &str) -> bool {
    let Some((country, rest)) = identifier.split_once('.') else { return false };
    country.len() == 2
        && country.bytes().all(|byte| byte.is_ascii_uppercase())
        && identifier.len() <= LONGEST
        && rest.split('.').all(|part| !part.is_empty() && part.bytes().all(|b| b.is_ascii_alphanumeric()))
}

/// Any text of 1 to 256 characters, without white space around it.
pub fn text(identifier: &str) -> Result<String, BadIdentifier> {
    let identifier = identifier.trim();
    match identifier.chars().count() {
        0 => Err(BadIdentifier("It is empty.")),
        1..=LONGEST => Ok(identifier.to_owned()),
        _ => Err(BadIdentifier("It has more than 256 characters.")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_phone_number_is_its_digits() {
        for spelled in [
            "251911234567",
            " +251 911 23-45-67 ",
            "(251) 911.234/567",
            "00251911234567",
            "+251\u{a0}911 234567",
        ] {
            assert_eq!(phone_number(spelled).as_deref(), Ok("251911234567"), "{spelled}");
        }
        for other in ["", "1234", "123456789012345678901", "ET.13491208655302741918", "++25191", "٢٥١٩١١"]
        {
            assert!(phone_number(other).is_err(), "{other}");
        }
    }

    #[test]
    fn a_business_scoped_id_stays_as_it_is() {
        for id in ["US.1349120865", "ET.ENT.ab12CD"] {
            assert_eq!(phone_number_or_business_scoped_id(&format!(" {id} ")).as_deref(), Ok(id));
        }
        assert_eq!(phone_number_or_business_scoped_id("+251 911 234567").as_deref(), Ok("251911234567"));
        for other in ["", "US.", "us.13491", "USA.13491", "US.1..2", "US.1 2", "Sara", "1234"] {
            assert!(phone_number_or_business_scoped_id(other).is_err(), "{other}");
        }
    }

    #[test]
    fn a_text_is_trimmed_and_has_a_length() {
        assert_eq!(text(" user-7 ").as_deref(), Ok("user-7"));
        assert_eq!(text(&"é".repeat(256)), Ok("é".repeat(256)));
        assert_eq!(text("  "), Err(BadIdentifier("It is empty.")));
        assert_eq!(text(&"é".repeat(257)), Err(BadIdentifier("It has more than 256 characters.")));
    }
}
