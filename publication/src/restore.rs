//! The stream of a log that was restored from an older backup: it has messages of events that the log has lost.
//!
//! They stay, and publishing continues after them. Messages are numbered like the log's events only up to there, so the
//! number of lost messages is kept in the stream's description.

use crate::connection::Connection;
use crate::end;
use crate::error::PublicationError;
use crate::runner::Publication;
use crate::stream::{self, DESCRIPTION};
use async_nats::jetstream::stream::Config;

/// Messages of events that the log has lost.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LostMessages {
    /// The numbers of the first and the last one since the log was restored last.
    pub first: u64,
    pub last: u64,
    /// The number of all of them, those of earlier restores included.
    pub in_total: u64,
}

impl LostMessages {
    pub(crate) fn contains(self, number: u64) -> bool {
        (self.first..=self.last).contains(&number)
    }

    fn description(self) -> String {
        let Self { first, last, in_total } = self;
        format!("{DESCRIPTION}; messages {first} to {last}, and {in_total} in all, {LOST}")
    }
}

const LOST: &str = "are of events that the log has lost";

/// The lost messages that the description of a stream names. `None` when the log was never restored.
pub(crate) fn lost_messages(config: &Config) -> Option<LostMessages> {
    let (_, text) = config.description.as_deref()?.strip_suffix(LOST)?.rsplit_once("; messages ")?;
    let (first, rest) = text.split_once(" to ")?;
    let (last, rest) = rest.split_once(", and ")?;
    let in_total = rest.trim_end().strip_suffix(" in all,")?;
    Some(LostMessages {
        first: first.parse().ok()?,
        last: last.parse().ok()?,
        in_total: in_total.parse().ok()?,
    })
}

impl Publication {
    /// Compares the stream with the log and changes nothing. An error that is [`PublicationError::OlderLog`] when the
    /// stream is ahead of the log.
    pub async fn compare(&self) -> Result<(), PublicationError> {
        let connection = Connection::open(self.settings()).await?;
        match stream::existing(&connection.context, &self.settings().stream.name).await? {
            Some(stream) => end::find(&stream, self.store()).await.map(drop),
            None => Ok(()),
        }
    }

    /// Lets publishing continue after the messages of lost events.
    pub async fn accept_lost_messages(&self) -> Result<(), PublicationError> {
        let connection = Connection::open(self.settings()).await?;
        let Some(stream) = stream::existing(&connection.context, &self.settings().stream.name).await? else {
            return Ok(());
        };
        match end::find(&stream, self.store()).await {
            Ok(_) => Ok(()),
            Err(PublicationError::OlderLog { lost, .. }) => {
                let description = Some(lost.description());
                let config = Config { description, ..stream.cached_info().config.clone() };
                stream::change(&connection.context, &config, "description".to_owned()).await
            }
            Err(error) => Err(error),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_lost_messages_are_read_from_the_description() {
        let described = |text: &str| Config { description: Some(text.to_owned()), ..Config::default() };
        let lost = LostMessages { first: 21, last: 26, in_total: 10 };
        assert_eq!(lost_messages(&described(&lost.description())), Some(lost));
        assert_eq!(lost_messages(&described(DESCRIPTION)), None);
        assert_eq!(lost_messages(&Config::default()), None);
    }
}
