//! The argument of an event that a client sends, and the answer.

use crate::events::DescribedRequest;
use gate::Problem;
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::Value;
use serde_json::value::RawValue;

/// Reads the argument of the event of this name.
///
/// # Errors
///
/// 400 when it is missing or has another form.
pub fn read<T: DeserializeOwned>(name: &str, argument: Option<&RawValue>) -> Result<T, Problem> {
    serde_json::from_str(argument.map_or("null", RawValue::get))
        .map_err(|error| Problem::unreadable(format!("the argument of `{name}` cannot be read: {error}")))
}

/// An answer as JSON.
pub fn answer(object: &impl Serialize) -> Result<Value, Problem> {
    // An answer always serialises.
    Ok(serde_json::to_value(object).unwrap_or_default())
}

/// The problem of an event that is none of these.
pub fn no_such_event(name: &str, described: &[DescribedRequest]) -> Problem {
    let names: Vec<String> = described.iter().map(|request| format!("`{}`", request.name)).collect();
    Problem::unreadable(format!("There is no event `{name}`, expected one of {}.", names.join(", ")))
}
