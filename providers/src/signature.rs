//! HMAC-SHA256 over a raw body, as `sha256=<hex>` in a header.

use crate::{HeaderMap, RefusedWebhook};
use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;
use std::fmt::Write;

/// The header's value for this body. Providers send it, and receivers of our requests can verify it.
pub fn sign(secret: &str, body: &[u8]) -> String {
    let digest = mac(secret, body).finalize().into_bytes();
    digest.iter().fold(String::from("sha256="), |mut text, byte| {
        // Writing to a String cannot fail.
        let _ = write!(text, "{byte:02x}");
        text
    })
}

/// Verifies that the header signs this body. The comparison takes constant time.
pub(crate) fn check(
    secret: &str,
    headers: &HeaderMap,
    header: &'static str,
    body: &[u8],
) -> Result<(), RefusedWebhook> {
    let given = headers.get(header).ok_or(RefusedWebhook::NoSignature(header))?;
    let given = given
        .to_str()
        .ok()
        .and_then(|text| text.strip_prefix("sha256="))
        .and_then(bytes_of)
        .ok_or(RefusedWebhook::WrongSignature)?;
    mac(secret, body).verify_slice(&given).map_err(|_| RefusedWebhook::WrongSignature)
}

/// As [`check`], by a secret or by the one before it.
pub(crate) fn check_either(
    (secret, former): (&str, Option<&str>),
    headers: &HeaderMap,
    header: &'static str,
    body: &[u8],
) -> Result<(), RefusedWebhook> {
    let checked = check(secret, headers, header, body);
    match (checked, former) {
        (Err(RefusedWebhook::WrongSignature), Some(former)) => check(former, headers, header, body),
        (checked, _) => checked,
    }
}

fn mac(secret: &str, body: &[u8]) -> Hmac<Sha256> {
    let mut mac = Hmac::<Sha256>::new_from_slice(secret.as_bytes())
        .unwrap_or_else(|_| unreachable!("HMAC takes a key of any length"));
    mac.update(body);
    mac
}

fn bytes_of(hex: &str) -> Option<Vec<u8>> {
    if !hex.is_ascii() || !hex.len().is_multiple_of(2) {
        return None;
    }
    hex.as_bytes()
        .chunks(2)
        .map(|pair| {
            let digit = |byte: u8| char::from(byte).to_digit(16);
            Some((digit(pair[0])? * 16 + digit(pair[1])?) as u8)
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const HEADER: &str = "x-signature";

    fn headers(value: &str) -> HeaderMap {
        HeaderMap::from_iter([(HEADER.parse().unwrap(), value.parse().unwrap())])
    }

    #[test]
    fn signs_as_the_standard_example() {
        // RFC 4231, test case 2.
        assert_eq!(
            sign("Jefe", b"what do ya want for nothing?"),
            "sha256=5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843"
        );
    }

    #[test]
    fn takes_its_own_signature_in_either_case() {
        let signed = sign("s3cret", b"body");
        assert_eq!(check("s3cret", &headers(&signed), HEADER, b"body"), Ok(()));
        let upper = format!("sha256={}", signed["sha256=".len()..].to_uppercase());
        assert_eq!(check("s3cret", &headers(&upper), HEADER, b"body"), Ok(()));
    }

    #[test]
    fn refuses_another_body_another_secret_and_text_that_is_no_signature() {
        let signed = sign("s3cret", b"body");
        assert_eq!(check("s3cret", &headers(&signed), HEADER, b"body "), Err(RefusedWebhook::WrongSignature));
        assert_eq!(check("secret", &headers(&signed), HEADER, b"body"), Err(RefusedWebhook::WrongSignature));
        for nonsense in ["", "sha256=", "sha256=zz", "sha256=abc", "sha256=é", "sha1=00", &signed[7..]] {
            let mut headers = HeaderMap::new();
            headers.insert(HEADER, reqwest::header::HeaderValue::from_bytes(nonsense.as_bytes()).unwrap());
            assert_eq!(
                check("s3cret", &headers, HEADER, b"body"),
                Err(RefusedWebhook::WrongSignature),
                "{nonsense}"
            );
        }
        assert_eq!(
            check("s3cret", &HeaderMap::new(), HEADER, b"body"),
            Err(RefusedWebhook::NoSignature(HEADER))
        );
    }

    #[test]
    fn a_truncated_signature_is_refused() {
        let signed = sign("s3cret", b"body");
        assert_eq!(
            check("s3cret", &headers(&signed[..signed.len() - 2]), HEADER, b"body"),
            Err(RefusedWebhook::WrongSignature)
        );
    }

    #[test]
    fn a_former_secret_signs_too() {
        let headers =
            HeaderMap::from_iter([(HEADER.parse().unwrap(), sign("former", b"x").parse().unwrap())]);
        assert_eq!(check_either(("new", Some("former")), &headers, HEADER, b"x"), Ok(()));
        assert_eq!(check_either(("former", None), &headers, HEADER, b"x"), Ok(()));
        assert!(check_either(("new", Some("other")), &headers, HEADER, b"x").is_err());
        assert!(check_either(("new", None), &headers, HEADER, b"x").is_err());
    }
}
