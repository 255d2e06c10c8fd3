//! Canned responses: every agent may define them.

use super::catalogue::ItemRoutes;
use event_schemas::catalogue::CannedResponse;
use gate::Agent;

impl ItemRoutes for CannedResponse {
    type Author = Agent;
    const TRIMMED: &'static [&'static str] = &["short_code", "title"];
}
