//! The validity of a canned response (requirement 000, section 1.3).

use super::{CatalogueItem, Rejection, check_name};
use event_schemas::catalogue::CannedResponse;

const LONGEST_TEXT: usize = 10_000;

impl CatalogueItem for CannedResponse {
    fn name(&self) -> (&'static str, &str) {
        ("short_code", &self.short_code)
    }
    fn validate(&self) -> Result<(), Rejection> {
        let code = self.short_code.strip_prefix('/').unwrap_or_default();
        let plain = |c: char| c.is_alphanumeric() || c == '-' || c == '_';
        if code.is_empty() || code.chars().count() > 64 || !code.chars().all(plain) {
            return Err(Rejection::invalid(
                "short_code",
                "is a slash and up to 64 letters, digits, hyphens or underscores: /greeting",
            ));
        }
        check_name("title", &self.title)?;
        if self.content.trim().is_empty() {
            return Err(Rejection::invalid("content", "must not be empty"));
        }
        if self.content.chars().count() > LONGEST_TEXT {
            return Err(Rejection::invalid("content", format!("has at most {LONGEST_TEXT} characters")));
        }
        self.category.as_deref().map_or(Ok(()), |category| check_name("category", category))
    }
}
