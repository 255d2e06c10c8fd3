//! Every kind of channel this program speaks, by its type.

use crate::{Api, Provider, Timeouts, WhatsApp};
use crate::{NoClient, client};
use event_schemas::Clock;
use event_schemas::message::ChannelType;

/// The providers, sharing one HTTP client.
pub struct Providers {
    whatsapp: WhatsApp,
    api: Api,
}

impl Providers {
    /// `whatsapp_base_url` is where the Graph API is for channels that name no address of their own.
    pub fn new(whatsapp_base_url: String, timeouts: Timeouts, clock: Clock) -> Result<Self, NoClient> {
        let client = client(timeouts)?;
        Ok(Self {
            whatsapp: WhatsApp::new(client.clone(), whatsapp_base_url, clock.clone()),
            api: Api::new(client, clock),
        })
    }

    /// None: a kind the language knows and this program does not speak yet.
    pub fn of(&self, kind: ChannelType) -> Option<&dyn Provider> {
        match kind {
            ChannelType::WhatsApp => Some(&self.whatsapp),
            ChannelType::Api => Some(&self.api),
            ChannelType::Telegram
            | ChannelType::Messenger
            | ChannelType::Sms
            | ChannelType::Email
            | ChannelType::WebChat => None,
        }
    }
}
