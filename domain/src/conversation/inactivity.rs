//! The end of inactivity: a handoff of an inactive conversation with the bot, expiry of a conversation
//! without messages, closing of one that stays resolved.

use super::draft::Draft;
use super::handoff::{Announcement, Handoff, hand_over};
use super::{Conversation, Opened, Rejection};
use crate::aggregate::Decide;
use crate::bot::Playbook;
use event_schemas::bot::BotSettings;
use event_schemas::conversation::{Closed, Expired};
use event_schemas::message::Status;
use event_schemas::{ConversationEvent, Timestamp};
use std::sync::Arc;
use std::time::Duration;

/// How long each kind of inactivity may last. `None` for ever.
#[derive(Clone, Debug)]
pub struct InactivityTimeouts {
    pub expire_after: Option<Duration>,
    pub close_resolved_after: Option<Duration>,
    /// The shortest inactivity of a conversation with the bot that demands a handoff.
    pub hand_over_after: Option<Duration>,
}

impl InactivityTimeouts {
    pub fn of(settings: &BotSettings, playbook: &Playbook) -> Self {
        let seconds = |seconds: Option<u32>| seconds.map(|seconds| Duration::from_secs(seconds.into()));
        Self {
            expire_after: seconds(settings.expire_after_seconds),
            close_resolved_after: seconds(settings.close_resolved_after_seconds),
            hand_over_after: playbook.handoff.shortest_inactivity(),
        }
    }

    /// The first time at which inactivity that begins at `at` can end. `None` when it never ends.
    pub fn soonest(&self, at: Timestamp) -> Option<Timestamp> {
        let all = [self.expire_after, self.close_resolved_after, self.hand_over_after];
        all.into_iter().flatten().min().map(|inactivity| at + inactivity)
    }
}

/// The action at the end of inactivity.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum InactivityAction {
    HandOver,
    Expire,
    Close,
}

impl InactivityAction {
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::HandOver => "hand-over",
            Self::Expire => "expire",
            Self::Close => "close",
        }
    }
}

impl Opened {
    /// The first action at the end of the present inactivity, and its time, if no message comes before. Expiry and
    /// closing count business time when the conversation's SLA policy has a calendar; the bot has no hours.
    pub fn inactivity_ends(&self, timeouts: &InactivityTimeouts) -> Option<(Timestamp, InactivityAction)> {
        let since = self.inactive_since();
        // After a message failed, an agent has the whole time to send it again.
        let counted_from = self.failed_at.map_or(since, |failed_at| failed_at.max(since));
        // A message that is to be sent later ends the inactivity when it is sent.
        let counted_from = self.last_message_at().map_or(counted_from, |send_at| send_at.max(counted_from));
        match self.status() {
            Status::Closed => None,
            Status::Resolved => {
                let at = timeouts.close_resolved_after.and_then(|span| self.clocks.after(counted_from, span));
                at.map(|at| (at, InactivityAction::Close))
            }
            status => {
                let with_bot = status == Status::Bot && !self.bot.is_with_agents();
                let hand_over = timeouts.hand_over_after.filter(|_| with_bot);
                // A snoozed conversation is inactive on purpose.
                let from = self.lifecycle.snoozed_until.map_or(counted_from, |until| until.max(counted_from));
                // A conversation whose customer waits for an answer never expires.
                let expire_after = timeouts.expire_after.filter(|_| !self.customer_waits());
                let ends = [
                    hand_over.map(|inactivity| (since + inactivity, InactivityAction::HandOver)),
                    expire_after
                        .and_then(|span| self.clocks.after(from, span))
                        .map(|at| (at, InactivityAction::Expire)),
                ];
                ends.into_iter().flatten().min_by_key(|(at, _)| *at)
            }
        }
    }
}

/// Expires the conversation now, because a person or another program says so (requirement 001).
#[derive(Clone, Debug)]
pub struct Expire;

impl Decide<Conversation> for Expire {
    type Rejection = Rejection;

    fn decide(&self, state: &Conversation, now: Timestamp) -> Result<Vec<ConversationEvent>, Rejection> {
        let inactive_since = state.live()?.inactive_since();
        let after = now.since(inactive_since).as_secs();
        let after_seconds = u32::try_from(after).unwrap_or(u32::MAX);
        Ok(vec![Expired { inactive_since, after_seconds }.into()])
    }
}

/// Ends the inactivity of a conversation, if it still lasts too long.
#[derive(Clone, Debug)]
pub struct EndInactivity {
    pub timeouts: InactivityTimeouts,
    pub playbook: Arc<Playbook>,
    /// The message to the customer. `None` when it is too late for one.
    pub announcement: Option<Announcement>,
}

impl Decide<Conversation> for EndInactivity {
    type Rejection = Rejection;

    fn decide(&self, state: &Conversation, now: Timestamp) -> Result<Vec<ConversationEvent>, Rejection> {
        let conversation = state.opened()?;
        let Some((at, end)) = conversation.inactivity_ends(&self.timeouts) else { return Ok(Vec::new()) };
        if at > now {
            return Ok(Vec::new());
        }
        match end {
            InactivityAction::Close => {
                Ok(vec![Closed { reason: Some("It stayed resolved".to_owned()) }.into()])
            }
            InactivityAction::Expire => {
                let after = self.timeouts.expire_after.unwrap_or_default();
                Ok(vec![
                    Expired {
                        inactive_since: conversation.inactive_since(),
                        after_seconds: u32::try_from(after.as_secs()).unwrap_or(u32::MAX),
                    }
                    .into(),
                ])
            }
            InactivityAction::HandOver => self.hand_over(state, conversation, now),
        }
    }
}

impl EndInactivity {
    fn hand_over(
        &self,
        state: &Conversation,
        conversation: &Opened,
        now: Timestamp,
    ) -> Result<Vec<ConversationEvent>, Rejection> {
        let inactivity = now.since(conversation.inactive_since());
        let Some(need) = self.playbook.handoff.for_inactivity(inactivity) else { return Ok(Vec::new()) };
        let mut draft = Draft::of(state, now);
        hand_over(&mut draft, Handoff { announcement: self.announcement, ..Handoff::of(need) })?;
        Ok(draft.into_events())
    }
}

#[cfg(test)]
mod tests {
    use super::super::tests::{opened, received, sent};
    use super::*;
    use crate::aggregate::given::given;
    use event_schemas::MessageEvent;
    use event_schemas::bot::HandoffCause;
    use event_schemas::conversation::{BotEngaged, HandoffRequested, MarkedPending};
    use event_schemas::message::SenderType;

    const DAY: Duration = Duration::from_secs(24 * 3600);

    fn expires(events: impl IntoIterator<Item = ConversationEvent>) -> bool {
        let timeouts =
            InactivityTimeouts { expire_after: Some(DAY), close_resolved_after: None, hand_over_after: None };
        let given = given::<Conversation>(events);
        let action = given.state.opened().unwrap().inactivity_ends(&timeouts);
        action.is_some_and(|(_, action)| action == InactivityAction::Expire)
    }

    fn bot_answers() -> ConversationEvent {
        let ConversationEvent::Message(MessageEvent::MessageSent(sent)) = sent() else { panic!("a message") };
        let sent = event_schemas::conversation::MessageSent { sender_type: SenderType::Bot, ..sent };
        sent.into()
    }

    fn handed_over() -> ConversationEvent {
        HandoffRequested {
            trigger: HandoffCause::Keyword,
            reason: "The customer asked for an agent".to_owned(),
            message_id: None,
            rule_id: None,
            handoff_rule_id: None,
            team_id: None,
            strategy: None,
            agent_id: None,
            requested_by: None,
        }
        .into()
    }

    #[test]
    fn a_conversation_expires_only_while_the_customer_owes_the_next_word() {
        assert!(!expires([opened(), received()]), "no answer yet");
        assert!(expires([opened(), received(), sent()]), "an agent has answered");
        assert!(!expires([opened(), received(), sent(), received()]), "the customer has written again");
        assert!(expires([opened(), received(), bot_answers()]), "the bot has answered");
        assert!(!expires([opened(), received(), bot_answers(), received()]), "and not the next message");
        let to_agents = [opened(), received(), handed_over(), bot_answers()];
        assert!(!expires(to_agents), "the bot has only said that an agent will answer");
        let put_aside = MarkedPending { until: None, reason: None }.into();
        assert!(!expires([opened(), received(), put_aside]), "an agent has put it aside without an answer");
        assert!(expires([opened()]), "no customer has written");
    }

    fn failed() -> ConversationEvent {
        event_schemas::conversation::MessageFailed {
            message_id: super::super::tests::ANSWER,
            provider_message_id: None,
            time: Timestamp::from_secs(0),
            code: "131026".to_owned(),
            reason: "Message undeliverable".to_owned(),
        }
        .into()
    }

    #[test]
    fn an_answer_that_failed_leaves_the_customer_waiting() {
        assert!(!expires([opened(), received(), sent(), failed()]), "an agent's");
        assert!(!expires([opened(), received(), bot_answers(), failed()]), "the bot's");
    }

    #[test]
    fn after_a_message_failed_an_agent_has_the_whole_time_to_send_it_again() {
        let timeouts =
            InactivityTimeouts { expire_after: Some(DAY), close_resolved_after: None, hand_over_after: None };
        // No customer waits: the agent's message began the conversation.
        let given = given::<Conversation>([opened(), sent(), failed()]);
        let (ends, _) = given.state.opened().unwrap().inactivity_ends(&timeouts).unwrap();
        assert_eq!(ends, Timestamp::from_secs(3) + DAY);
    }

    #[test]
    fn when_the_bots_answer_failed_its_handoff_counts_from_the_customers_message() {
        let timeouts =
            InactivityTimeouts { expire_after: None, close_resolved_after: None, hand_over_after: Some(DAY) };
        let with_bot = BotEngaged { rule_id: None, reason: None }.into();
        let given = given::<Conversation>([opened(), received(), with_bot, bot_answers(), failed()]);
        let ends = given.state.opened().unwrap().inactivity_ends(&timeouts);
        assert_eq!(ends, Some((Timestamp::from_secs(2) + DAY, InactivityAction::HandOver)));
    }

    /// From Friday at 16:00 until Monday at 12:00, an hour and three hours are open.
    #[test]
    fn expiry_counts_the_business_time_of_the_sla_policys_calendar() {
        let policy = serde_json::json!({
            "policy": { "id": event_schemas::SlaPolicyId::from_u128(1), "name": "Office", "targets": {} },
            "calendar": {
                "id": event_schemas::CalendarId::from_u128(1), "name": "Office", "timezone": "UTC",
                "schedule": [{ "days": ["mon", "tue", "wed", "thu", "fri"], "start": "09:00", "end": "17:00" }],
            },
        });
        let applied: event_schemas::conversation::SlaApplied = serde_json::from_value(policy).unwrap();
        let friday: Timestamp = "2026-11-27T16:00:00Z".parse().unwrap();
        let mut state = Conversation::default();
        for event in [opened(), applied.into(), received(), sent()] {
            crate::Evolve::evolve(&mut state, &event, friday);
        }
        let ends = |after: u64| {
            let timeouts = InactivityTimeouts {
                expire_after: Some(Duration::from_secs(after)),
                close_resolved_after: None,
                hand_over_after: None,
            };
            state.opened().unwrap().inactivity_ends(&timeouts).unwrap().0
        };
        assert_eq!(ends(1800), "2026-11-27T16:30:00Z".parse().unwrap());
        assert_eq!(ends(4 * 3600), "2026-11-30T12:00:00Z".parse().unwrap());
    }
}
