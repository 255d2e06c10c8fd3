//! The Graph API's response to a message.

use super::read::normalized;
use crate::http::{Answer, refusal};
use crate::{DeliveryError, Dispatched};
use serde::Deserialize;
use serde_json::Value;

#[derive(Deserialize)]
struct Accepted {
    /// Read leniently: the message was accepted whatever this says.
    #[serde(default)]
    contacts: Value,
    messages: Vec<AcceptedMessage>,
}

#[derive(Deserialize)]
struct AcceptedMessage {
    id: String,
}

/// The customer as WhatsApp knows them: `wa_id` can be spelled otherwise than the number that the message was sent to.
#[derive(Deserialize)]
struct Addressee {
    /// The addressee as it was in the request.
    #[serde(default)]
    input: Option<String>,
    #[serde(default)]
    wa_id: Option<String>,
    #[serde(default)]
    user_id: Option<String>,
}

#[derive(Deserialize)]
struct Refusal {
    error: GraphError,
}

#[derive(Deserialize)]
struct GraphError {
    code: i64,
    #[serde(default)]
    message: String,
    #[serde(default)]
    error_data: ErrorData,
}

#[derive(Default, Deserialize)]
struct ErrorData {
    #[serde(default)]
    details: Option<String>,
}

/// The codes of errors that pass: the service is down (2, 131000, 131016, 133004) or under maintenance (131057),
/// or a rate limit was exceeded (4 and 80007 of the app, 130429 of the number, 131048 after spam reports, 131056
/// of this pair of numbers, 133016 of registrations).
const PASSING: [i64; 11] = [2, 4, 80007, 130429, 131000, 131016, 131048, 131056, 131057, 133004, 133016];

/// Reads the answer to a message that was sent to this identifier.
pub(super) fn read(answer: Answer, to: &str) -> Result<Dispatched, DeliveryError> {
    if answer.status.is_success() {
        // Without an id in a successful response the message may still have been accepted.
        let no_id = || DeliveryError::Unknown {
            reason: "the provider's successful response has no message id".into(),
            source: None,
        };
        let accepted: Accepted = serde_json::from_slice(&answer.body).map_err(|_| no_id())?;
        let first = accepted.messages.into_iter().find(|message| !message.id.is_empty());
        let contacts: Vec<Addressee> = serde_json::from_value(accepted.contacts).unwrap_or_default();
        let contact = contacts
            .into_iter()
            .find(|contact| contact.input.as_deref().is_none_or(|input| normalized(input) == to));
        let identifiers = contact.into_iter().flat_map(|contact| [contact.wa_id, contact.user_id]).flatten();
        let addressee = identifiers.filter(|id| !id.is_empty()).map(|id| normalized(&id)).collect();
        return first
            .map(|message| Dispatched { provider_message_id: message.id, addressee })
            .ok_or_else(no_id);
    }
    let Ok(Refusal { error }) = serde_json::from_slice(&answer.body) else {
        let status = answer.status.as_u16();
        let reason = format!("the provider answered {status}, with a body that cannot be read");
        return Err(refusal(&answer, format!("http_{status}"), reason));
    };
    let reason = error.error_data.details.unwrap_or(error.message);
    if PASSING.contains(&error.code) {
        let reason = format!("error {}", error.code);
        return Err(DeliveryError::TryAgain { after: answer.retry_after, reason, source: None });
    }
    Err(refusal(&answer, error.code.to_string(), reason))
}
