//! The providers in this program, by the type of their channels.

use crate::http::Http;
use crate::identifier::{self, BadIdentifier};
use crate::{Capabilities, Connections, NoClient, Provider, Sendable, Unsendable};
use event_schemas::Clock;
use event_schemas::message::{ChannelType, SenderType};
use std::time::Duration;

/// Makes a provider on the shared HTTP client.
type Constructor = fn(Http) -> Box<dyn Provider>;

/// One line per provider.
#[rustfmt::skip]
const PROVIDERS: &[Constructor] = &[
    |http| Box::new(crate::whatsapp::WhatsApp::new(http)),
    |http| Box::new(crate::api::Api::new(http)),
];

/// The providers. They share one HTTP client.
pub struct Providers {
    providers: Vec<Box<dyn Provider>>,
}

impl Providers {
    /// `base_urls` are the operator's: they replace the providers' default base URLs, and apply to channels
    /// that name none of their own.
    pub fn new(
        base_urls: impl IntoIterator<Item = (ChannelType, String)>,
        connections: impl Into<Connections>,
        clock: Clock,
    ) -> Result<Self, NoClient> {
        let http = Http::new(base_urls, &connections.into(), clock)?;
        Ok(Self { providers: PROVIDERS.iter().map(|provider| provider(http.clone())).collect() })
    }

    /// The provider of this kind of channel. `None` when this program has none yet.
    pub fn of(&self, kind: ChannelType) -> Option<&dyn Provider> {
        self.providers.iter().find(|provider| provider.channel_type() == kind).map(AsRef::as_ref)
    }

    /// The limits of this kind of channel.
    pub fn capabilities(&self, kind: ChannelType) -> Capabilities {
        match self.of(kind) {
            Some(provider) => provider.capabilities(),
            // Contacts may have a number for SMS before this program has a provider of SMS.
            None if kind == ChannelType::Sms => {
                Capabilities { normalize_identifier: identifier::phone_number, ..Capabilities::UNRESTRICTED }
            }
            None => Capabilities::UNRESTRICTED,
        }
    }

    /// How long after the customer's last message this sender may send messages other than templates by this kind of
    /// channel. `None` for no limit.
    pub fn reply_window(&self, kind: ChannelType, sender: SenderType) -> Option<Duration> {
        self.capabilities(kind).reply_window(sender)
    }

    /// Checks that a message can be sent on this kind of channel.
    ///
    /// # Errors
    ///
    /// The channel cannot send it; the error names the field.
    pub fn check_message(&self, kind: ChannelType, message: &Sendable<'_>) -> Result<(), Unsendable> {
        self.capabilities(kind).check_message(message)?;
        self.of(kind).map_or(Ok(()), |provider| provider.check_message(message))
    }

    /// A contact's identifier in the form in which it is stored and compared.
    pub fn normalize_identifier(&self, kind: ChannelType, identifier: &str) -> Result<String, BadIdentifier> {
        (self.capabilities(kind).normalize_identifier)(identifier)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Timeouts;

    fn providers() -> Providers {
        Providers::new([], Timeouts::default(), Clock::System).unwrap()
    }

    #[test]
    fn each_kind_of_channel_has_one_provider_at_most() {
        let providers = providers();
        let kinds: Vec<_> = providers.providers.iter().map(|provider| provider.channel_type()).collect();
        let served = ChannelType::ALL.iter().filter(|kind| providers.of(**kind).is_some());
        assert_eq!(kinds.len(), served.count(), "{kinds:?}");
    }

    #[test]
    fn numbers_of_sms_are_normalized_before_there_is_a_provider() {
        let normalized = |kind| providers().normalize_identifier(kind, "+251 911");
        assert_eq!(normalized(ChannelType::Sms).as_deref(), Ok("251911"));
        assert_eq!(normalized(ChannelType::WhatsApp).as_deref(), Ok("251911"));
        assert_eq!(normalized(ChannelType::Telegram).as_deref(), Ok("+251 911"));
    }
}
