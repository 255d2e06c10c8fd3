//! The sizes of what a client sends for storage, in bytes and in number, beside the limit of the whole body.

use gate::Problem;
use serde::Serialize;

/// The bytes of a free-form value, such as metadata, as JSON.
const LARGEST_VALUE: usize = 64 * 1024;

/// Checks the size of a free-form value as JSON.
pub fn check_bytes(field: &str, value: &impl Serialize) -> Result<(), Problem> {
    match serde_json::to_vec(value) {
        Ok(json) if json.len() <= LARGEST_VALUE => Ok(()),
        Ok(_) | Err(_) => {
            let detail = format!("`{field}` has at most {LARGEST_VALUE} bytes as JSON.");
            Err(Problem::unprocessable(field, detail).with("limit", LARGEST_VALUE))
        }
    }
}

pub(super) fn check_number(field: &str, number: usize, limit: usize) -> Result<(), Problem> {
    if number <= limit {
        return Ok(());
    }
    Err(Problem::unprocessable(field, format!("`{field}` has at most {limit} entries.")).with("limit", limit))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_are_bounded_in_bytes_and_lists_in_number() {
        assert!(check_bytes("metadata", &"x".repeat(LARGEST_VALUE - 2)).is_ok());
        assert!(check_bytes("metadata", &"x".repeat(LARGEST_VALUE - 1)).is_err());
        assert!(check_number("mentions", 3, 3).is_ok());
        assert!(check_number("mentions", 4, 3).is_err());
    }
}
