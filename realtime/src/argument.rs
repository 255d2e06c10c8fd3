//! The argument of an event that a client sends.

use gate::Problem;
use serde::de::DeserializeOwned;
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

/// The problem of an event that the namespace does not have.
pub fn no_such_event(name: &str, names: &str) -> Problem {
    Problem::unreadable(format!("There is no event `{name}`, expected one of {names}."))
}
