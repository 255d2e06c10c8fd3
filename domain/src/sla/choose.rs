//! The choice of the SLA policy of a conversation.

use event_schemas::catalogue::SlaPolicy;
use event_schemas::{ChannelId, TeamId};

/// The active policy that fits and has the lowest order. Of policies with the same order it is the first by
/// name.
pub fn choose<'a>(
    policies: impl IntoIterator<Item = &'a SlaPolicy>,
    channel: ChannelId,
    team: Option<TeamId>,
) -> Option<&'a SlaPolicy> {
    policies
        .into_iter()
        .filter(|policy| policy.is_active && fits(policy, channel, team))
        .min_by(|a, b| (a.order, &a.name, a.id).cmp(&(b.order, &b.name, b.id)))
}

fn fits(policy: &SlaPolicy, channel: ChannelId, team: Option<TeamId>) -> bool {
    let on_channel = policy.channel_ids.is_empty() || policy.channel_ids.contains(&channel);
    let for_team = policy.team_ids.is_empty() || team.is_some_and(|team| policy.team_ids.contains(&team));
    on_channel && for_team
}

#[cfg(test)]
mod tests {
    use super::*;
    use event_schemas::SlaPolicyId;
    use std::collections::BTreeMap;

    const HERE: ChannelId = ChannelId::from_u128(1);
    const THERE: ChannelId = ChannelId::from_u128(2);
    const BILLING: TeamId = TeamId::from_u128(3);

    fn policy(name: &str, order: i32) -> SlaPolicy {
        SlaPolicy {
            id: SlaPolicyId::from_u128(u128::from(name.as_bytes()[0])),
            name: name.to_owned(),
            description: None,
            is_active: true,
            order,
            channel_ids: Vec::new(),
            team_ids: Vec::new(),
            calendar_id: None,
            targets: BTreeMap::new(),
            warn_before_seconds: None,
            pause_while_pending: true,
        }
    }

    fn chosen(policies: &[SlaPolicy], channel: ChannelId, team: Option<TeamId>) -> Option<&str> {
        choose(policies, channel, team).map(|policy| &*policy.name)
    }

    #[test]
    fn the_lowest_order_wins_and_then_the_name() {
        let policies = [policy("slow", 2), policy("quick", 1), policy("polite", 1)];
        assert_eq!(chosen(&policies, HERE, None), Some("polite"));
    }

    #[test]
    fn a_policy_for_some_channels_fits_only_these() {
        let elsewhere = SlaPolicy { channel_ids: vec![THERE], ..policy("elsewhere", 0) };
        let policies = [elsewhere, policy("everywhere", 1)];
        assert_eq!(chosen(&policies, HERE, None), Some("everywhere"));
        assert_eq!(chosen(&policies, THERE, None), Some("elsewhere"));
    }

    #[test]
    fn a_policy_for_a_team_does_not_fit_a_conversation_of_no_team() {
        let policies = [SlaPolicy { team_ids: vec![BILLING], ..policy("billing", 0) }];
        assert_eq!(chosen(&policies, HERE, None), None);
        assert_eq!(chosen(&policies, HERE, Some(BILLING)), Some("billing"));
    }

    #[test]
    fn an_inactive_policy_is_never_chosen() {
        let policies = [SlaPolicy { is_active: false, ..policy("old", 0) }];
        assert_eq!(chosen(&policies, HERE, None), None);
    }
}
