//! The selection of an agent: the candidates in their order, and the reason of each agent who is not one.

use crate::agent::{Agent, Requirements, ineligibility};
use event_schemas::routing::{Candidate, Decision, Ineligible, RoutingStrategy};
use event_schemas::{Timestamp, UserId};
use std::cmp::Reverse;
use std::collections::BTreeMap;

/// The most agents that a decision names, which limits the size of the event.
const MOST_NAMED: usize = 1_000;

/// An agent whose eligibility is checked.
#[derive(Clone, Copy, Debug)]
pub struct CandidateInput<'a> {
    pub user_id: UserId,
    pub agent: &'a Agent,
    /// The number of conversations that are offered or will be assigned, and have no reservation yet.
    pub planned: u32,
    pub last_assigned_at: Option<Timestamp>,
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
        inputs: impl IntoIterator<Item = CandidateInput<'a>>,
        requirements: &Requirements,
        now: Timestamp,
    ) -> Self {
        let mut candidates = Self::default();
        for input in inputs {
            let active = input.agent.active() + input.planned;
            let ineligibility = ineligibility(input.agent, active, requirements, now)
                .or_else(|| input.declined.then_some(Ineligible::Declined));
            match ineligibility {
                Some(reason) => candidates.not_eligible.entry(reason).or_default().push(input.user_id),
                None => {
                    let candidate = Candidate {
                        user_id: input.user_id,
                        active,
                        idle_since: input.agent.idle_since().max(input.last_assigned_at),
                        penalty: input.penalty,
                    };
                    candidates.eligible.push((candidate, input.last_assigned_at));
                }
            }
        }
        candidates
    }

    pub fn is_empty(&self) -> bool {
        self.eligible.is_empty()
    }

    /// Sorts the eligible agents into the order in which they get the conversation. `turn` is the agent of
    /// the last round-robin turn. `chance` is the random number for the strategy `random`.
    pub fn in_order(mut self, strategy: RoutingStrategy, turn: Option<UserId>, chance: u64) -> Self {
        // The lowest penalty always comes first. An agent who never had a conversation has waited the
        // longest.
        match strategy {
            RoutingStrategy::RoundRobin => self.eligible.sort_unstable_by_key(|(candidate, _)| {
                let had_it = turn.is_some_and(|turn| candidate.user_id <= turn);
                (candidate.penalty, had_it, candidate.user_id)
            }),
            RoutingStrategy::LeastRecent => {
                self.eligible.sort_unstable_by_key(|(candidate, last_assigned_at)| {
                    (candidate.penalty, *last_assigned_at, candidate.user_id)
                })
            }
            RoutingStrategy::Random => {
                self.eligible.sort_unstable_by_key(|(candidate, _)| {
                    (candidate.penalty, shuffle_key(candidate.user_id, chance), candidate.user_id)
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

    /// Moves an agent to the front, if they are eligible.
    pub fn preferring(mut self, agent: Option<UserId>) -> Self {
        self.eligible.sort_by_key(|(candidate, _)| Reverse(Some(candidate.user_id) == agent));
        self
    }

    pub fn first(&self) -> Option<UserId> {
        self.eligible.first().map(|(candidate, _)| candidate.user_id)
    }

    /// All eligible agents with the lowest penalty.
    pub fn with_lowest_penalty(&self) -> Vec<UserId> {
        let lowest = self.eligible.first().map(|(candidate, _)| candidate.penalty);
        let alike = self.eligible.iter().take_while(|(candidate, _)| Some(candidate.penalty) == lowest);
        alike.map(|(candidate, _)| candidate.user_id).collect()
    }

    /// The decision as the event records it.
    pub fn into_decision(self) -> Decision {
        let mut remaining = MOST_NAMED;
        let mut not_named = 0;
        let mut eligible: Vec<_> = self.eligible.into_iter().map(|(candidate, _)| candidate).collect();
        let mut take = |length: usize| {
            let kept = length.min(remaining);
            remaining -= kept;
            not_named += u32::try_from(length - kept).unwrap_or(u32::MAX);
            kept
        };
        eligible.truncate(take(eligible.len()));
        let mut not_eligible = self.not_eligible;
        for agents in not_eligible.values_mut() {
            agents.truncate(take(agents.len()));
        }
        not_eligible.retain(|_, agents| !agents.is_empty());
        Decision { eligible, not_eligible, not_named }
    }
}

/// Mixes the random number with the agent's id (splitmix64's finish).
fn shuffle_key(user: UserId, chance: u64) -> u64 {
    let (high, low) = user.as_uuid().as_u64_pair();
    let mut mixed = high ^ low.rotate_left(32) ^ chance;
    mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    mixed ^ (mixed >> 31)
}
