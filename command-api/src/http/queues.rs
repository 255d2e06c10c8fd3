//! Queues, which refer to teams.

use super::catalogue::ItemRoutes;
use event_schemas::routing::Queue;
use gate::Supervisor;

impl ItemRoutes for Queue {
    type Author = Supervisor;
    const CREATE_NOTE: &'static str = "The first queue of an account switches routing on: conversations are assigned to \
                                       agents by the queue's strategy, and no agent gets more than their capacity.";
    const UPDATE_NOTE: &'static str = "`penalties` are replaced as a whole.";
    const REPLACED_WHOLE: &'static [&'static str] = &["penalties"];
}
