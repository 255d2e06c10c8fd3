//! The tables of the catalogue's kinds.

use super::automation_rules::AutomationRuleRow;
use super::bot_rules::BotRuleRow;
use super::bot_settings::BotSettingsRow;
use super::calendars::CalendarRow;
use super::canned_responses::CannedResponseRow;
use super::catalogue::Catalogue;
use super::channels::ChannelRow;
use super::handoff_rules::HandoffRuleRow;
use super::macros::MacroRow;
use super::queues::QueueRow;
use super::registry::{Fold, table_set};
use super::sla_policies::SlaPolicyRow;
use super::teams::TeamRow;
use event_schemas::{CatalogueEvent, Event};
use follower::db::{DbError, Tx};
use follower::runner::DecodedEvent;
use std::sync::Arc;

table_set! {
    /// The tables of the catalogue's kinds.
    pub struct BySubject {
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
    }
}

impl Fold for BySubject {
    fn caching(_conversations: usize) -> Self {
        Self {
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
        }
    }

    async fn load(&mut self, page: &[Arc<DecodedEvent>], tx: &mut Tx) -> Result<(), DbError> {
        let (mut channels, mut teams, mut canned_responses) = (Vec::new(), Vec::new(), Vec::new());
        let (mut bot_rules, mut handoff_rules, mut bot_settings) = (Vec::new(), Vec::new(), Vec::new());
        let (mut sla_policies, mut calendars, mut queues) = (Vec::new(), Vec::new(), Vec::new());
        let (mut macros, mut automation_rules) = (Vec::new(), Vec::new());
        for happened in page {
            match &happened.event {
                Event::Conversation(_) | Event::Contact(_) | Event::Agent(_) | Event::Inbound(_) => {}
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

    fn apply(&mut self, happened: &DecodedEvent) {
        use CatalogueEvent as E;
        let Event::Catalogue(event) = &happened.event else { return };
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
}
