//! Opening: the URL's parameters, the server's version, and whether the log is this program's.

use super::connection::{Connection, RequestError};
use super::names::Names;
use super::reading;
use crate::{OpenError, Unavailable};
use event_schemas::Clock;
use eventstore::{AppendToStreamOptions, ClientSettings, EventData, StreamState};
use serde::{Deserialize, Serialize};

/// The format in which this version stores its log.
const FORMAT: i64 = 1;

/// The type of the event that holds the format, in a stream of its own.
const FORMAT_EVENT: &str = "$verbatim-log";

/// The first version of the server whose subscriptions report that they have caught up.
const OLDEST: (usize, usize) = (23, 10);

#[derive(Serialize, Deserialize)]
struct Marker {
    format: i64,
}

pub async fn open(url: &str, clock: &Clock) -> Result<(Connection, Names), OpenError> {
    let public_url = without_password(url);
    let failed = |why: Unavailable| OpenError::Failed {
        path: public_url.clone(),
        reason: why.reason.clone(),
        source: Box::new(why),
    };
    let (client_url, log) = split(url);
    if log.as_deref().is_some_and(|name| !is_name(name)) {
        return Err(failed(Unavailable::because("a log's name is made of letters, digits, '-' and '_'")));
    }
    let settings: ClientSettings =
        client_url.parse().map_err(|_| OpenError::NotAUrl { url: public_url.clone() })?;
    let (connection, names) = (Connection::new(settings), Names::new(log.as_deref()));
    let version = connection.request(async |client| client.server_info().await).await;
    let version = version.map_err(|error| failed(error.into()))?.version();
    if version < OLDEST {
        let (found, needed) = (version.to_string(), format!("{}.{}", OLDEST.0, OLDEST.1));
        return Err(OpenError::TooOld { path: public_url, found, needed });
    }
    let failed_request = |error: RequestError| failed(error.into());
    let Some(marker) = read_marker(&connection, &names).await.map_err(failed_request)? else {
        if names.owns_server() && reading::has_events(&connection, &names).await.map_err(failed_request)? {
            return Err(OpenError::Foreign { path: public_url });
        }
        write_marker(&connection, &names, clock).await.map_err(failed_request)?;
        return Ok((connection, names));
    };
    match marker {
        Some(Marker { format }) if format > FORMAT => {
            Err(OpenError::Newer { path: public_url, found: format, known: FORMAT })
        }
        Some(_) => Ok((connection, names)),
        None => Err(OpenError::Foreign { path: public_url }),
    }
}

/// The marker of the log: `None` when it has none, `Some(None)` when it was written by another program.
async fn read_marker(connection: &Connection, names: &Names) -> Result<Option<Option<Marker>>, RequestError> {
    let first = reading::events_from(connection, &names.marker(), 0, 1).await?;
    Ok(first
        .first()
        .map(|event| (event.event_type == FORMAT_EVENT).then(|| event.as_json::<Marker>().ok()).flatten()))
}

/// Writes the marker. Another process may write it at the same time, which has the same effect.
async fn write_marker(connection: &Connection, names: &Names, clock: &Clock) -> Result<(), RequestError> {
    let options = AppendToStreamOptions::default().stream_state(StreamState::NoStream).requires_leader(true);
    let id = clock.fresh_id();
    let written = connection
        .request(async |client| {
            let event = EventData::json(FORMAT_EVENT, &Marker { format: FORMAT })
                .map_err(|error| eventstore::Error::InternalParsingError(error.to_string()))?;
            client.append_to_stream(names.marker(), &options, event.id(id)).await
        })
        .await;
    match written {
        Ok(_) | Err(RequestError::WrongVersion { .. }) => Ok(()),
        Err(other) => Err(other),
    }
}

fn is_name(text: &str) -> bool {
    !text.is_empty() && text.chars().all(|c| c.is_ascii_alphanumeric() || c == '-' || c == '_')
}

/// The URL for the vendor's client, and the name of the log; `None` when the URL has no name.
fn split(url: &str) -> (String, Option<String>) {
    let Some((base, query)) = url.split_once('?') else { return (url.to_owned(), None) };
    let (ours, theirs): (Vec<&str>, Vec<&str>) =
        query.split('&').partition(|parameter| parameter.starts_with("log="));
    let name = ours.first().map(|parameter| parameter["log=".len()..].to_owned());
    let rest = if theirs.is_empty() { String::new() } else { format!("?{}", theirs.join("&")) };
    (format!("{base}{rest}"), name)
}

fn without_password(url: &str) -> String {
    let Some((scheme, rest)) = url.split_once("://") else { return url.to_owned() };
    let hosts = rest.rsplit_once('@').map_or(rest, |(_, hosts)| hosts);
    format!("{scheme}://{hosts}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_name_of_the_log_is_ours_and_the_rest_the_vendors() {
        let (client_url, log) = split("esdb://host:2113?tls=false&log=desk&gossipTimeout=5");
        assert_eq!(
            (&*client_url, log.as_deref()),
            ("esdb://host:2113?tls=false&gossipTimeout=5", Some("desk"))
        );
        assert_eq!(split("esdb://host?log=desk"), ("esdb://host".to_owned(), Some("desk".to_owned())));
        assert_eq!(split("esdb://host"), ("esdb://host".to_owned(), None));
    }

    #[test]
    fn a_password_is_never_shown() {
        assert_eq!(without_password("esdb://ana:s3cret@host:2113?tls=true"), "esdb://host:2113?tls=true");
        assert_eq!(without_password("esdb://host"), "esdb://host");
    }
}
