//! SLA policies, which refer to calendars.

use super::catalogue::ItemRoutes;
use event_schemas::catalogue::SlaPolicy;
use gate::Supervisor;

impl ItemRoutes for SlaPolicy {
    type Author = Supervisor;
    const UPDATE_NOTE: &'static str = "A conversation keeps the policy as it was when it was applied. `targets` are \
                                       replaced as a whole.";
    const REPLACED_WHOLE: &'static [&'static str] = &["targets"];
}
