//! A slow and simple model of the routing rules.

use super::world::{HERE, Input, World};
use domain::agent::Requirements;
use domain::routing::RoutingAction;
use event_schemas::catalogue::Weekday;
use event_schemas::routing::Queue;
use event_schemas::{ConversationId, Timestamp, UserId};
use jiff::civil::Time;
use jiff::tz::TimeZone;
use std::cell::RefCell;
use std::collections::{BTreeMap, HashMap, HashSet};
use std::time::Duration;

const ASK_AGAIN: Duration = Duration::from_secs(Queue::ASK_AGAIN_SECONDS as u64);

#[derive(Default)]
pub struct Model {
    holds: HashMap<UserId, HashSet<ConversationId>>,
    holder: HashMap<ConversationId, UserId>,
    /// When each agent last got, was offered or finished a conversation.
    idle_since: HashMap<UserId, Timestamp>,
    offers: HashMap<ConversationId, UserId>,
    offered: HashMap<UserId, usize>,
    declined: HashMap<ConversationId, Vec<(UserId, Timestamp)>>,
    zones: HashMap<String, TimeZone>,
    /// Whether each agent is within working hours, with the minute for which that was computed.
    hours: RefCell<HashMap<UserId, (i64, bool)>>,
}

impl Model {
    pub fn new(_: &World) -> Self {
        let zones = super::world::ZONES.map(|name| (name.to_owned(), TimeZone::get(name).unwrap()));
        Self { zones: zones.into(), ..Self::default() }
    }

    /// Records an input of the simulation.
    pub fn observe_input(&mut self, world: &World, input: &Input) {
        match input {
            Input::Accept { conversation, .. } => {
                self.update_holder(world, *conversation);
                let offer = &world.conversations[conversation].0.opened().unwrap().wait.offer;
                if offer.is_none() {
                    self.answered(*conversation);
                }
            }
            // A finished conversation counts until its capacity is released.
            Input::Finish(..)
            | Input::Arrive(_)
            | Input::SetAvailable(..)
            | Input::Report(..)
            | Input::Minute => {}
        }
    }

    /// Records an executed action.
    pub fn observe_action(&mut self, world: &World, action: &RoutingAction) {
        match action {
            RoutingAction::Assign { conversation, .. } => self.update_holder(world, *conversation),
            RoutingAction::Offer { conversation, agents, .. } => {
                self.offers.insert(*conversation, agents[0]);
                *self.offered.entry(agents[0]).or_default() += 1;
                self.idle_since.insert(agents[0], world.now);
            }
            RoutingAction::ExpireOffer { conversation, .. } => {
                let agent = self.answered(*conversation).unwrap();
                self.declined.entry(*conversation).or_default().push((agent, world.now));
            }
            RoutingAction::Release { conversation, agent, .. } => {
                self.update_holder(world, *conversation);
                self.idle_since.insert(*agent, world.now);
            }
            RoutingAction::Queue { .. }
            | RoutingAction::Overflow { .. }
            | RoutingAction::TimeOut { .. }
            | RoutingAction::ReturnToQueue { .. }
            | RoutingAction::Count { .. }
            | RoutingAction::Drop { .. } => {}
        }
    }

    fn answered(&mut self, id: ConversationId) -> Option<UserId> {
        let agent = self.offers.remove(&id)?;
        *self.offered.get_mut(&agent).unwrap() -= 1;
        Some(agent)
    }

    fn update_holder(&mut self, world: &World, id: ConversationId) {
        let now = world.holds(id);
        let before = self.holder.get(&id).copied();
        if before == now {
            return;
        }
        if let Some(before) = before {
            self.holder.remove(&id);
            self.holds.entry(before).or_default().remove(&id);
        }
        if let Some(now) = now {
            self.holder.insert(id, now);
            self.holds.entry(now).or_default().insert(id);
            self.idle_since.insert(now, world.now);
            self.declined.remove(&id);
        }
    }

    fn active(&self, agent: UserId) -> u32 {
        let held = self.holds.get(&agent).map_or(0, HashSet::len);
        let offered = self.offered.get(&agent).copied().unwrap_or(0);
        (held + offered) as u32
    }

    fn is_available(&self, world: &World, user: UserId) -> bool {
        let agent = world.routing.agent(HERE, user).unwrap();
        agent.preferences().is_available
            && agent.presence().ineligibility(world.now).is_none()
            && self.within_hours(world, user)
    }

    fn within_hours(&self, world: &World, user: UserId) -> bool {
        let minute = world.now.as_micros() / 60_000_000;
        if let Some((known, is_open)) = self.hours.borrow().get(&user)
            && *known == minute
        {
            return *is_open;
        }
        let is_open = self.compute_within_hours(world, user);
        self.hours.borrow_mut().insert(user, (minute, is_open));
        is_open
    }

    fn compute_within_hours(&self, world: &World, user: UserId) -> bool {
        let preferences = world.routing.agent(HERE, user).unwrap().preferences();
        let hours = &preferences.available_hours;
        let zone = hours.as_ref().map_or(TimeZone::UTC, |hours| self.zones[&hours.timezone].clone());
        let here = world.now.to_jiff().to_zoned(zone);
        let today = here.date().to_string();
        if preferences.leave.iter().any(|leave| leave.from <= today && today <= leave.until) {
            return false;
        }
        let Some(hours) = hours else { return true };
        let day = |back: i64| (here.weekday().to_monday_zero_offset() as i64 - back).rem_euclid(7) as usize;
        let time = |text: &str| text.parse::<Time>().unwrap();
        hours.schedule.iter().any(|part| {
            let works = |back| part.days.contains(&Weekday::ALL[day(back)]);
            let (start, end) = (time(&part.start), time(&part.end));
            if start < end {
                works(0) && start <= here.time() && here.time() < end
            } else {
                works(0) && start <= here.time() || works(1) && here.time() < end
            }
        })
    }

    fn meets(&self, world: &World, user: UserId, requirements: &Requirements) -> bool {
        let preferences = world.routing.agent(HERE, user).unwrap().preferences();
        let any = |list_is_empty: bool, fits: bool| list_is_empty || fits;
        let channels = &preferences.available_channels;
        let topics = &preferences.available_topics;
        any(channels.is_empty(), channels.contains(&requirements.channel_type))
            && any(
                topics.is_empty() || requirements.topics.is_empty(),
                requirements.topics.iter().any(|topic| topics.contains(topic)),
            )
            && requirements.language.as_ref().is_none_or(|language| {
                any(preferences.languages.is_empty(), preferences.languages.contains(language))
            })
    }

    fn has_declined(&self, world: &World, user: UserId, id: ConversationId) -> bool {
        let asked = self.declined.get(&id).into_iter().flatten();
        asked.filter(|(asked, _)| *asked == user).any(|(_, at)| world.now < *at + ASK_AGAIN)
    }

    fn has_capacity(&self, world: &World, user: UserId) -> bool {
        self.active(user)
            < world.routing.agent(HERE, user).unwrap().preferences().max_concurrent_conversations
    }

    /// Asserts that an action chooses the agent that the rules choose.
    pub fn check_action(&self, world: &World, action: &RoutingAction) {
        let (id, chosen) = match action {
            RoutingAction::Assign { conversation, agent, .. } => (*conversation, *agent),
            RoutingAction::Offer { conversation, agents, .. } => (*conversation, agents[0]),
            RoutingAction::ExpireOffer { .. }
            | RoutingAction::Queue { .. }
            | RoutingAction::Overflow { .. }
            | RoutingAction::TimeOut { .. }
            | RoutingAction::ReturnToQueue { .. }
            | RoutingAction::Count { .. }
            | RoutingAction::Release { .. }
            | RoutingAction::Drop { .. } => return,
        };
        let requirements = world.conversations[&id].0.opened().unwrap().requirements();
        let eligible = world.members.iter().copied().filter(|user| {
            self.meets(world, *user, &requirements)
                && self.has_capacity(world, *user)
                && self.is_available(world, *user)
                && !self.has_declined(world, *user, id)
        });
        let best =
            eligible.min_by_key(|user| (self.active(*user), self.idle_since.get(user).copied(), *user));
        assert_eq!(best, Some(chosen), "{id} at {}", world.now);
    }

    /// Asserts the rules that hold between two steps.
    pub fn check_state(&self, world: &World) {
        for (user, held) in &self.holds {
            let most = world.routing.agent(HERE, *user).unwrap().preferences().max_concurrent_conversations;
            assert!(held.len() <= most as usize, "{user} has {} of {most}", held.len());
        }
        let free: Vec<_> = world
            .members
            .iter()
            .copied()
            .filter(|user| self.has_capacity(world, *user) && self.is_available(world, *user))
            .collect();
        let mut takeable: BTreeMap<String, bool> = BTreeMap::new();
        for id in world.waiting() {
            let requirements = world.conversations[&id].0.opened().unwrap().requirements();
            let takes = |user: &UserId| {
                self.meets(world, *user, &requirements) && !self.has_declined(world, *user, id)
            };
            let is_takeable = if self.declined.contains_key(&id) {
                free.iter().any(takes)
            } else {
                *takeable.entry(format!("{requirements:?}")).or_insert_with(|| free.iter().any(takes))
            };
            assert!(!is_takeable, "{id} waits although an agent could take it at {}", world.now);
        }
    }
}
