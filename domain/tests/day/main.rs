//! A day of a large account, in accelerated time: a thousand agents with hours of their own, ten thousand
//! conversations. After every single step a plain, slow model of the rules checks everything: no agent has
//! more than the capacity, none was assigned anything outside working hours, the chosen agent is the one that
//! the rules choose, and no eligible agent is idle while a conversation waits.
//!
//! How long conversations are comes from MultiDoGO (CDLA-Permissive-1.0) where that is beside the project, or
//! in the folder that `VERBATIM_REAL_CONVERSATIONS` names; elsewhere it is made up.

#![allow(clippy::unwrap_used)]

mod lengths;
mod model;
mod world;

use domain::routing::RoutingAction;
use model::Model;
use std::time::Duration;
use world::{Chance, Deed, World};

const AGENTS: usize = 1_000;
const CONVERSATIONS: usize = 10_000;

#[test]
fn a_day_breaks_no_rule_for_a_single_step() {
    // A debug build plays a tenth of it unless all is asked for.
    let part =
        if cfg!(debug_assertions) && std::env::var_os("VERBATIM_WHOLE_DAY").is_none() { 10 } else { 1 };
    let day = play(AGENTS / part, CONVERSATIONS / part, 1);
    println!("{day:?}");
    assert!(day.assigned > CONVERSATIONS / part * 8 / 10, "{day:?}");
    assert!(day.queued > 0 && day.lapsed > 0 && day.accepted > 0, "the day was too easy: {day:?}");
}

#[test]
fn short_days_of_any_shape_break_no_rule() {
    for seed in 2..12 {
        play(12, 300, seed);
    }
}

#[derive(Debug, Default)]
struct Day {
    steps: usize,
    assigned: usize,
    accepted: usize,
    queued: usize,
    lapsed: usize,
    longest_line: usize,
}

fn play(agents: usize, conversations: usize, seed: u64) -> Day {
    let lengths = lengths::lengths(conversations, seed);
    let mut chance = Chance(seed);
    let mut world = World::new(agents, &lengths, &mut chance);
    let mut model = Model::new(&world);
    let mut day = Day::default();
    while let Some(deed) = world.next() {
        match &deed {
            Deed::Accept { .. } => day.accepted += usize::from(world.perform(&deed, &mut chance)),
            Deed::Arrive(_) | Deed::Finish(..) | Deed::Switch(..) | Deed::Say(..) | Deed::Minute => {
                world.perform(&deed, &mut chance);
            }
        }
        model.learn(&world, &deed);
        // A step is what the router does between two looks at the log.
        loop {
            let mut moves = world.plan(&mut chance);
            // All were decided on the same state: what frees somebody counts from the next step on.
            moves
                .sort_by_key(|step| matches!(step, RoutingAction::Free { .. } | RoutingAction::Lapse { .. }));
            if moves.is_empty() {
                break;
            }
            day.steps += 1;
            for step in &moves {
                model.judge(&world, step);
                world.carry_out(step, &mut chance);
                model.note(&world, step);
                match step {
                    RoutingAction::Assign { .. } => day.assigned += 1,
                    RoutingAction::Queue { .. } => day.queued += 1,
                    RoutingAction::Lapse { .. } => day.lapsed += 1,
                    RoutingAction::Offer { .. }
                    | RoutingAction::Overflow { .. }
                    | RoutingAction::ReturnToQueue { .. }
                    | RoutingAction::Count { .. }
                    | RoutingAction::Free { .. }
                    | RoutingAction::Drop { .. } => {}
                }
            }
        }
        model.look_over(&world);
        day.longest_line = day.longest_line.max(world.waiting().count());
    }
    day.assigned += day.accepted;
    assert!(world.now > world.midnight + Duration::from_secs(20 * 3_600));
    day
}
