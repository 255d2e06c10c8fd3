//! The tables around the conversations: contacts, catalogues, agents, rejected webhooks.

use super::agents::{AgentAvailabilityRow, AgentPreferencesRow, AgentRow};
use super::automation_rules::AutomationRuleRow;
use super::bot_rules::BotRuleRow;
use super::bot_settings::BotSettingsRow;
use super::calendars::CalendarRow;
use super::canned_responses::CannedResponseRow;
use super::catalogue::Catalogue;
use super::channels::ChannelRow;
use super::contacts::{ContactIdentifierRow, ContactRow, Moved};
use super::handoff_rules::HandoffRuleRow;
use super::macros::MacroRow;
use super::queues::QueueRow;
use super::sla_policies::SlaPolicyRow;
use super::teams::TeamRow;
use super::webhook_rejections::WebhookRejectionRow;
use event_schemas::{
    AgentEvent, CatalogueEvent, ContactEvent, ContactIdentifierId, Event, InboundEvent, UserId, Version,
};
use follower::db::{DbError, Tx};
use follower::runner::DecodedEvent;
use follower::table::Rows;
use std::collections::HashMap;

pub struct BySubject {
    contacts: Rows<ContactRow>,
    identifiers: Rows<ContactIdentifierRow>,
    channels: Catalogue<ChannelRow>,
    teams: Catalogue<TeamRow>,
    canned_responses: Catalogue<CannedResponseRow>,
    sla_policies: Catalogue<SlaPolicyRow>,
    calendars: Catalogue<CalendarRow>,
    bot_rules: Catalogue<BotRuleRow>,
    handoff_rules: Catalogue<HandoffRuleRow>,
    bot_settings: Catalogue<BotSettingsRow>,
    queues: Catalogue<QueueRow>,
    macros: Catalogue<MacroRow>,
    automation_rules: Catalogue<AutomationRuleRow>,
    agents: Rows<AgentRow>,
    preferences: Rows<AgentPreferencesRow>,
    availability: Rows<AgentAvailabilityRow>,
    rejections: Rows<WebhookRejectionRow>,
}

impl Default for BySubject {
    fn default() -> Self {
        Self {
            contacts: Rows::new(2000),
            identifiers: Rows::new(2000),
            channels: Catalogue::default(),
            teams: Catalogue::default(),
            canned_responses: Catalogue::default(),
            sla_policies: Catalogue::default(),
            calendars: Catalogue::default(),
            bot_rules: Catalogue::default(),
            handoff_rules: Catalogue::default(),
            bot_settings: Catalogue::default(),
            queues: Catalogue::default(),
            macros: Catalogue::default(),
            automation_rules: Catalogue::default(),
            agents: Rows::new(256),
            preferences: Rows::new(256),
            availability: Rows::new(1_024),
            rejections: Rows::new(1),
        }
    }
}

impl BySubject {
    pub async fn load(&mut self, page: &[DecodedEvent], tx: &mut Tx) -> Result<(), DbError> {
        let (mut contacts, mut identifiers) = (Vec::new(), Vec::new());
        let (mut agents, mut preferences, mut availability) = (Vec::new(), Vec::new(), Vec::new());
        let (mut channels, mut teams, mut canned_responses) = (Vec::new(), Vec::new(), Vec::new());
        let (mut bot_rules, mut handoff_rules, mut bot_settings) = (Vec::new(), Vec::new(), Vec::new());
        let (mut sla_policies, mut calendars, mut queues) = (Vec::new(), Vec::new(), Vec::new());
        let (mut macros, mut automation_rules) = (Vec::new(), Vec::new());
        for happened in page {
            let account = happened.metadata.account_id;
            match &happened.event {
                Event::Conversation(_) | Event::Inbound(_) => {}
                Event::Contact(event) => {
                    let contact = match event {
                        ContactEvent::ContactSeen(seen) => seen.contact_id,
                        ContactEvent::IdentifierLinked(linked) => linked.contact_id,
                        ContactEvent::IdentifierUnlinked(gone) => gone.contact_id,
                    };
                    let identifier = (identifier_of(event),);
                    match happened.version {
                        // Its own stream begins here.
                        Version::FIRST => self.identifiers.absent(identifier),
                        _ => identifiers.push(identifier),
                    }
                    contacts.push((account, contact));
                }
                Event::Agent(event) => match event {
                    AgentEvent::AgentRegistered(registered) => {
                        agents.push((registered.account_id, registered.user_id));
                    }
                    AgentEvent::PreferencesChanged(changed) => preferences.push((changed.user_id,)),
                    AgentEvent::WentOnline(_)
                    | AgentEvent::WentAway(_)
                    | AgentEvent::WentOffline(_)
                    | AgentEvent::PlaceTaken(_)
                    | AgentEvent::PlaceFreed(_) => availability.push((agent_of(event),)),
                },
                Event::Catalogue(event) => match event {
                    CatalogueEvent::ChannelDefined(defined) => channels.push((defined.channel.id,)),
                    CatalogueEvent::ChannelRetired(retired) => channels.push((retired.id,)),
                    CatalogueEvent::TeamDefined(defined) => teams.push((defined.team.id,)),
                    CatalogueEvent::TeamRetired(retired) => teams.push((retired.id,)),
                    CatalogueEvent::CannedResponseDefined(defined) => {
                        canned_responses.push((defined.canned_response.id,));
                    }
                    CatalogueEvent::CannedResponseRetired(retired) => canned_responses.push((retired.id,)),
                    CatalogueEvent::SlaPolicyDefined(defined) => sla_policies.push((defined.sla_policy.id,)),
                    CatalogueEvent::SlaPolicyRetired(retired) => sla_policies.push((retired.id,)),
                    CatalogueEvent::CalendarDefined(defined) => calendars.push((defined.calendar.id,)),
                    CatalogueEvent::CalendarRetired(retired) => calendars.push((retired.id,)),
                    CatalogueEvent::BotRuleDefined(defined) => bot_rules.push((defined.bot_rule.id,)),
                    CatalogueEvent::BotRuleRetired(retired) => bot_rules.push((retired.id,)),
                    CatalogueEvent::HandoffRuleDefined(defined) => {
                        handoff_rules.push((defined.handoff_rule.id,));
                    }
                    CatalogueEvent::HandoffRuleRetired(retired) => handoff_rules.push((retired.id,)),
                    CatalogueEvent::BotSettingsDefined(defined) => {
                        bot_settings.push((defined.bot_settings.account_id,));
                    }
                    CatalogueEvent::BotSettingsRetired(retired) => bot_settings.push((retired.id,)),
                    CatalogueEvent::QueueDefined(defined) => queues.push((defined.queue.id,)),
                    CatalogueEvent::QueueRetired(retired) => queues.push((retired.id,)),
                    CatalogueEvent::MacroDefined(event) => macros.push((event.defined.id,)),
                    CatalogueEvent::MacroRetired(retired) => macros.push((retired.id,)),
                    CatalogueEvent::AutomationRuleDefined(defined) => {
                        automation_rules.push((defined.automation_rule.id,));
                    }
                    CatalogueEvent::AutomationRuleRetired(retired) => {
                        automation_rules.push((retired.id,));
                    }
                },
            }
        }
        self.contacts.load(tx, contacts).await?;
        self.identifiers.load(tx, identifiers).await?;
        self.agents.load(tx, agents).await?;
        self.preferences.load(tx, preferences).await?;
        self.availability.load(tx, availability).await?;
        self.channels.load(tx, channels).await?;
        self.teams.load(tx, teams).await?;
        self.canned_responses.load(tx, canned_responses).await?;
        self.sla_policies.load(tx, sla_policies).await?;
        self.calendars.load(tx, calendars).await?;
        self.bot_rules.load(tx, bot_rules).await?;
        self.handoff_rules.load(tx, handoff_rules).await?;
        self.bot_settings.load(tx, bot_settings).await?;
        self.queues.load(tx, queues).await?;
        self.macros.load(tx, macros).await?;
        self.automation_rules.load(tx, automation_rules).await
    }

    pub fn contact(&mut self, event: &ContactEvent, happened: &DecodedEvent) -> Option<Moved> {
        let account = happened.metadata.account_id;
        let before = self.identifiers.get(&(identifier_of(event),));
        let (row, name) = match event {
            ContactEvent::ContactSeen(seen) => {
                (ContactIdentifierRow::seen(before, seen, happened), seen.display_name.as_ref())
            }
            ContactEvent::IdentifierLinked(linked) => {
                (ContactIdentifierRow::linked(before, linked, happened), linked.display_name.as_ref())
            }
            ContactEvent::IdentifierUnlinked(gone) => {
                let moved = before.and_then(ContactIdentifierRow::let_go);
                self.identifiers.remove(&(gone.identifier_id,));
                return moved;
            }
        };
        let moved = ContactIdentifierRow::moved(before, &row);
        let contact = self.contacts.get(&(account, row.contact_id));
        let contact = ContactRow::named(contact, row.contact_id, name, happened);
        self.contacts.put(contact);
        self.identifiers.put(row);
        moved
    }

    /// AssigneeFilter conversations this page may give to another contact.
    pub fn moves(&self, page: &[DecodedEvent]) -> Vec<Moved> {
        let mut moves = HashMap::new();
        for happened in page {
            let Event::Contact(event) = &happened.event else { continue };
            let id = identifier_of(event);
            let stored = self.identifiers.get(&(id,));
            let account = happened.metadata.account_id;
            let (contact, named) = match event {
                ContactEvent::ContactSeen(seen) => {
                    (seen.contact_id, Some((account, seen.channel_type, &seen.identifier)))
                }
                ContactEvent::IdentifierLinked(linked) => {
                    (linked.contact_id, Some((account, linked.channel_type, &linked.identifier)))
                }
                ContactEvent::IdentifierUnlinked(_) => (id.own_contact(), None),
            };
            let named = named.or(stored.map(|row| (row.account_id, row.channel_type, &row.identifier)));
            let was = stored.map_or(id.own_contact(), |row| row.contact_id);
            let Some((account, channel_type, identifier)) = named else { continue };
            if contact != was {
                let moved = moves.entry(id).or_insert_with(|| Moved {
                    account,
                    channel_type,
                    identifier: identifier.clone(),
                    from: vec![was, id.own_contact()],
                    to: contact,
                });
                moved.from.push(contact);
            }
        }
        moves.into_values().collect()
    }

    pub fn catalogue(&mut self, event: &CatalogueEvent, happened: &DecodedEvent) {
        use CatalogueEvent as E;
        match event {
            E::ChannelDefined(defined) => self.channels.define(&defined.channel, happened),
            E::ChannelRetired(retired) => self.channels.retire(&(retired.id,)),
            E::TeamDefined(defined) => self.teams.define(&defined.team, happened),
            E::TeamRetired(retired) => self.teams.retire(&(retired.id,)),
            E::CannedResponseDefined(defined) => {
                self.canned_responses.define(&defined.canned_response, happened);
            }
            E::CannedResponseRetired(retired) => self.canned_responses.retire(&(retired.id,)),
            E::SlaPolicyDefined(defined) => self.sla_policies.define(&defined.sla_policy, happened),
            E::SlaPolicyRetired(retired) => self.sla_policies.retire(&(retired.id,)),
            E::CalendarDefined(defined) => self.calendars.define(&defined.calendar, happened),
            E::CalendarRetired(retired) => self.calendars.retire(&(retired.id,)),
            E::BotRuleDefined(defined) => self.bot_rules.define(&defined.bot_rule, happened),
            E::BotRuleRetired(retired) => self.bot_rules.retire(&(retired.id,)),
            E::HandoffRuleDefined(defined) => self.handoff_rules.define(&defined.handoff_rule, happened),
            E::HandoffRuleRetired(retired) => self.handoff_rules.retire(&(retired.id,)),
            E::BotSettingsDefined(defined) => self.bot_settings.define(&defined.bot_settings, happened),
            E::BotSettingsRetired(retired) => self.bot_settings.retire(&(retired.id,)),
            E::QueueDefined(defined) => self.queues.define(&defined.queue, happened),
            E::QueueRetired(retired) => self.queues.retire(&(retired.id,)),
            E::MacroDefined(event) => self.macros.define(&event.defined, happened),
            E::MacroRetired(retired) => self.macros.retire(&(retired.id,)),
            E::AutomationRuleDefined(defined) => {
                self.automation_rules.define(&defined.automation_rule, happened);
            }
            E::AutomationRuleRetired(retired) => self.automation_rules.retire(&(retired.id,)),
        }
    }

    pub fn agent(&mut self, event: &AgentEvent, happened: &DecodedEvent) {
        match event {
            AgentEvent::AgentRegistered(registered) => {
                let before = self.agents.get(&(registered.account_id, registered.user_id));
                self.agents.put(AgentRow::registered(before, registered, happened));
            }
            AgentEvent::PreferencesChanged(changed) => {
                let before = self.preferences.get(&(changed.user_id,));
                self.preferences.put(AgentPreferencesRow::changed(before, changed, happened));
            }
            AgentEvent::WentOnline(_)
            | AgentEvent::WentAway(_)
            | AgentEvent::WentOffline(_)
            | AgentEvent::PlaceTaken(_)
            | AgentEvent::PlaceFreed(_) => {
                let user = agent_of(event);
                let before = self.availability.get(&(user,));
                self.availability.put(AgentAvailabilityRow::after(before, user, event, happened));
            }
        }
    }

    pub fn inbound(&mut self, event: &InboundEvent, happened: &DecodedEvent) {
        match event {
            InboundEvent::WebhookRejected(rejected) => {
                self.rejections.put(WebhookRejectionRow::of(rejected, happened));
            }
        }
    }

    pub async fn write(&mut self, tx: &mut Tx) -> Result<(), DbError> {
        self.contacts.write(tx).await?;
        self.identifiers.write(tx).await?;
        self.agents.write(tx).await?;
        self.preferences.write(tx).await?;
        self.availability.write(tx).await?;
        self.rejections.write(tx).await?;
        self.channels.write(tx).await?;
        self.teams.write(tx).await?;
        self.canned_responses.write(tx).await?;
        self.sla_policies.write(tx).await?;
        self.calendars.write(tx).await?;
        self.bot_rules.write(tx).await?;
        self.handoff_rules.write(tx).await?;
        self.bot_settings.write(tx).await?;
        self.queues.write(tx).await?;
        self.macros.write(tx).await?;
        self.automation_rules.write(tx).await
    }

    pub fn committed(&mut self) {
        self.contacts.committed();
        self.identifiers.committed();
        self.agents.committed();
        self.preferences.committed();
        self.availability.committed();
        self.rejections.committed();
        self.channels.committed();
        self.teams.committed();
        self.canned_responses.committed();
        self.sla_policies.committed();
        self.calendars.committed();
        self.bot_rules.committed();
        self.handoff_rules.committed();
        self.bot_settings.committed();
        self.queues.committed();
        self.macros.committed();
        self.automation_rules.committed();
    }

    pub fn reset(&mut self) {
        self.contacts.reset();
        self.identifiers.reset();
        self.agents.reset();
        self.preferences.reset();
        self.availability.reset();
        self.rejections.reset();
        self.channels.reset();
        self.teams.reset();
        self.canned_responses.reset();
        self.sla_policies.reset();
        self.calendars.reset();
        self.bot_rules.reset();
        self.handoff_rules.reset();
        self.bot_settings.reset();
        self.queues.reset();
        self.macros.reset();
        self.automation_rules.reset();
    }
}

fn agent_of(event: &AgentEvent) -> UserId {
    match event {
        AgentEvent::AgentRegistered(event) => event.user_id,
        AgentEvent::PreferencesChanged(event) => event.user_id,
        AgentEvent::WentOnline(event) => event.user_id,
        AgentEvent::WentAway(event) => event.user_id,
        AgentEvent::WentOffline(event) => event.user_id,
        AgentEvent::PlaceTaken(event) => event.user_id,
        AgentEvent::PlaceFreed(event) => event.user_id,
    }
}

fn identifier_of(event: &ContactEvent) -> ContactIdentifierId {
    match event {
        ContactEvent::ContactSeen(seen) => seen.identifier_id,
        ContactEvent::IdentifierLinked(linked) => linked.identifier_id,
        ContactEvent::IdentifierUnlinked(gone) => gone.identifier_id,
    }
}
