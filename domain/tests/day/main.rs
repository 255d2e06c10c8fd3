//! Simulates a day of a large account: a thousand agents with their own working hours, ten thousand
//! conversations. After every action a slow and simple model of the rules checks that no agent has more
//! conversations than the capacity, that no agent gets one outside working hours, that the chosen agent is
//! the right one, and that no conversation waits that an eligible agent could take.
//!
//! The lengths of conversations come from MultiDoGO (CDLA-Permissive-1.0) when it is beside the project or in
//! the folder that `VERBATIM_REAL_CONVERSATIONS` names. Otherwise they are random.

#![allow(clippy::unwrap_used)]

mod lengths;
mod model;
mod world;

use domain::routing::RoutingAction;
use model::Model;
use std::time::Duration;
use world::{Chance, Input, World};

const AGENTS: usize = 1_000;
const CONVERSATIONS: usize = 10_000;

#[test]
fn a_day_breaks_no_rule_in_any_step() {
    // A debug build simulates a tenth of it, unless `VERBATIM_WHOLE_DAY` is set.
    let part =
        if cfg!(debug_assertions) && std::env::var_os("VERBATIM_WHOLE_DAY").is_none() { 10 } else { 1 };
    let day = simulate(AGENTS / part, CONVERSATIONS / part, 1);
    println!("{day:?}");
    assert!(day.assigned > CONVERSATIONS / part * 8 / 10, "{day:?}");
    assert!(day.queued > 0 && day.expired > 0 && day.accepted > 0, "the day was too easy: {day:?}");
}

#[test]
fn short_days_of_any_shape_break_no_rule() {
    for seed in 2..12 {
        simulate(12, 300, seed);
    }
}

#[derive(Debug, Default)]
struct Day {
    steps: usize,
    assigned: usize,
    accepted: usize,
    queued: usize,
    expired: usize,
    longest_queue: usize,
}

fn simulate(agents: usize, conversations: usize, seed: u64) -> Day {
    let lengths = lengths::lengths(conversations, seed);
    let mut chance = Chance(seed);
    let mut world = World::new(agents, &lengths, &mut chance);
    let mut model = Model::new(&world);
    let mut day = Day::default();
    while let Some(input) = world.next() {
        match &input {
            Input::Accept { .. } => day.accepted += usize::from(world.apply(&input, &mut chance)),
            Input::Arrive(_)
            | Input::Finish(..)
            | Input::SetAvailable(..)
            | Input::Report(..)
            | Input::Minute => {
                world.apply(&input, &mut chance);
            }
        }
        model.observe_input(&world, &input);
        // A step is one round of the router between two reads of the log.
        loop {
            let mut actions = world.plan(&mut chance);
            // All actions were planned for the same state: capacity that one releases counts from the next
            // action.
            actions.sort_by_key(|action| {
                matches!(action, RoutingAction::Release { .. } | RoutingAction::ExpireOffer { .. })
            });
            if actions.is_empty() {
                break;
            }
            day.steps += 1;
            for action in &actions {
                model.check_action(&world, action);
                world.execute(action, &mut chance);
                model.observe_action(&world, action);
                match action {
                    RoutingAction::Assign { .. } => day.assigned += 1,
                    RoutingAction::Queue { .. } => day.queued += 1,
                    RoutingAction::ExpireOffer { .. } => day.expired += 1,
                    RoutingAction::Offer { .. }
                    | RoutingAction::Overflow { .. }
                    | RoutingAction::TimeOut { .. }
                    | RoutingAction::ReturnToQueue { .. }
                    | RoutingAction::Count { .. }
                    | RoutingAction::Release { .. }
                    | RoutingAction::Drop { .. } => {}
                }
            }
        }
        model.check_state(&world);
        day.longest_queue = day.longest_queue.max(world.waiting().count());
    }
    day.assigned += day.accepted;
    assert!(world.now > world.midnight + Duration::from_secs(20 * 3_600));
    day
}
