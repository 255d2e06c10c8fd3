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

/// The other spelling of a mobile number of Brazil, Mexico or Argentina. WhatsApp knows a customer there by the number
/// with or without the digit that was once added, and people write either. `None` for every other number: landlines of
/// Brazil never had that digit.
pub fn other_spelling(number: &str) -> Option<String> {
    // The country, the digit and its place, the length without it.
    const SPELLINGS: [(&str, usize, &str, usize); 3] =
        [("55", 4, "9", 12), ("52", 2, "1", 12), ("54", 2, "9", 12)];
    let (country, at, digit, shorter) = SPELLINGS.into_iter().find(|(code, ..)| number.starts_with(code))?;
    if !number.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    let (before, rest) = number.split_at_checked(at)?;
    let (without, is_longer) = match (number.len(), rest.strip_prefix(digit)) {
        (length, _) if length == shorter => (rest, false),
        (length, Some(without)) if length == shorter + 1 => (without, true),
        _ => return None,
    };
    let is_mobile = country != "55" || without.starts_with(['6', '7', '8', '9']);
    let spelled = if is_longer { format!("{before}{without}") } else { format!("{before}{digit}{without}") };
    is_mobile.then_some(spelled)
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
    fn mobile_numbers_of_three_countries_have_two_spellings() {
        for (longer, shorter) in [
            ("5511987654321", "551187654321"),
            ("5215512345678", "525512345678"),
            ("5491123456789", "541123456789"),
        ] {
            assert_eq!(other_spelling(longer).as_deref(), Some(shorter));
            assert_eq!(other_spelling(shorter).as_deref(), Some(longer));
        }
        for other in ["551133445566", "5511933445566", "55119", "15551234567", "251911234567", "US.55", "é5"]
        {
            assert_eq!(other_spelling(other), None, "{other}");
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
