//! The selection of an agent: the candidates in their order, and the reason of each agent who is not one.

use crate::agent::{Agent, Requirements, ineligibility};
use event_schemas::routing::{Candidate, Decision, Ineligible, RoutingStrategy};
use event_schemas::{Timestamp, UserId};
use std::cmp::Reverse;
use std::collections::BTreeMap;

/// The most agents that a decision names, so that an event stays of a size that can be shown.
const MOST_NAMED: usize = 1_000;

/// An agent among those who are looked at.
#[derive(Clone, Copy, Debug)]
pub struct CandidateInput<'a> {
    pub user_id: UserId,
    pub agent: &'a Agent,
    /// The conversations being offered or assigned without a reservation yet.
    pub promised: u32,
    pub last_given: Option<Timestamp>,
    pub penalty: u32,
    pub declined: bool,
}

/// The agents by eligibility.
#[derive(Clone, Debug, Default)]
pub struct Candidates {
    eligible: Vec<(Candidate, Option<Timestamp>)>,
    not_eligible: BTreeMap<Ineligible, Vec<UserId>>,
}

impl Candidates {
    pub fn at<'a>(
        seats: impl IntoIterator<Item = CandidateInput<'a>>,
        requirements: &Requirements,
        now: Timestamp,
    ) -> Self {
        let mut looked = Self::default();
        for seat in seats {
            let active = seat.agent.active() + seat.promised;
            let ineligibility = ineligibility(seat.agent, active, requirements, now)
                .or_else(|| seat.declined.then_some(Ineligible::Declined));
            match ineligibility {
                Some(reason) => looked.not_eligible.entry(reason).or_default().push(seat.user_id),
                None => {
                    let candidate = Candidate {
                        user_id: seat.user_id,
                        active,
                        idle_since: seat.agent.idle_since().max(seat.last_given),
                        penalty: seat.penalty,
                    };
                    looked.eligible.push((candidate, seat.last_given));
                }
            }
        }
        looked
    }

    pub fn is_nobody(&self) -> bool {
        self.eligible.is_empty()
    }

    /// Puts who can take it in the order in which they are asked. `turn` had the last round-robin turn;
    /// `chance` decides where nothing else does.
    pub fn in_order(mut self, strategy: RoutingStrategy, turn: Option<UserId>, chance: u64) -> Self {
        // The lowest penalty always comes first; "never" is the longest ago.
        match strategy {
            RoutingStrategy::RoundRobin => self.eligible.sort_unstable_by_key(|(candidate, _)| {
                let had_it = turn.is_some_and(|turn| candidate.user_id <= turn);
                (candidate.penalty, had_it, candidate.user_id)
            }),
            RoutingStrategy::LeastRecent => self.eligible.sort_unstable_by_key(|(candidate, last_given)| {
                (candidate.penalty, *last_given, candidate.user_id)
            }),
            RoutingStrategy::Random => {
                self.eligible.sort_unstable_by_key(|(candidate, _)| {
                    (candidate.penalty, scattered(candidate.user_id, chance), candidate.user_id)
                });
            }
            RoutingStrategy::LeastBusy | RoutingStrategy::ManualQueue | RoutingStrategy::RingAll => {
                self.eligible.sort_unstable_by_key(|(candidate, _)| {
                    (candidate.penalty, candidate.active, candidate.idle_since, candidate.user_id)
                });
            }
        }
        self
    }

    /// Asks this one first, if they can take it.
    pub fn preferring(mut self, agent: Option<UserId>) -> Self {
        self.eligible.sort_by_key(|(candidate, _)| Reverse(Some(candidate.user_id) == agent));
        self
    }

    pub fn first(&self) -> Option<UserId> {
        self.eligible.first().map(|(candidate, _)| candidate.user_id)
    }

    /// All who have as low a penalty as the first.
    pub fn foremost(&self) -> Vec<UserId> {
        let lowest = self.eligible.first().map(|(candidate, _)| candidate.penalty);
        let alike = self.eligible.iter().take_while(|(candidate, _)| Some(candidate.penalty) == lowest);
        alike.map(|(candidate, _)| candidate.user_id).collect()
    }

    /// As the event tells it.
    pub fn told(self) -> Decision {
        let mut room = MOST_NAMED;
        let mut not_named = 0;
        let mut eligible: Vec<_> = self.eligible.into_iter().map(|(candidate, _)| candidate).collect();
        let mut cut = |length: usize| {
            let kept = length.min(room);
            room -= kept;
            not_named += u32::try_from(length - kept).unwrap_or(u32::MAX);
            kept
        };
        eligible.truncate(cut(eligible.len()));
        let mut not_eligible = self.not_eligible;
        for agents in not_eligible.values_mut() {
            agents.truncate(cut(agents.len()));
        }
        not_eligible.retain(|_, agents| !agents.is_empty());
        Decision { eligible, not_eligible, not_named }
    }
}

/// Mixes the random number with the agent's id (splitmix64's finish).
fn scattered(user: UserId, chance: u64) -> u64 {
    let (high, low) = user.as_uuid().as_u64_pair();
    let mut mixed = high ^ low.rotate_left(32) ^ chance;
    mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    mixed ^ (mixed >> 31)
}
