use super::*;
use crate::aggregate::given::given;
use event_schemas::catalogue::{
    CannedResponseDefined, ChannelDefined, Holiday, SlaTargets, TeamDefined, TeamRetired, Weekday,
    WeeklyHours,
};
use event_schemas::message::{ChannelType, Priority};
use event_schemas::{CalendarId, CannedResponseId, ChannelId, SlaPolicyId, TeamId, UserId};

const BILLING: TeamId = TeamId::from_u128(1);
const RETURNS: TeamId = TeamId::from_u128(2);
const ANA: UserId = UserId::from_u128(3);

fn team(id: TeamId, name: &str) -> Team {
    Team { id, name: name.to_owned(), description: None, lead_id: None, member_ids: Vec::new() }
}

fn team_defined(id: TeamId, name: &str) -> CatalogueEvent {
    TeamDefined { team: team(id, name) }.into()
}

fn taken(field: &'static str, value: &str) -> Rejection {
    Rejection::NameTaken { field, value: value.to_owned() }
}

fn channel(channel_type: ChannelType, name: &str) -> Channel {
    Channel {
        id: ChannelId::from_u128(4),
        channel_type,
        name: name.to_owned(),
        credentials: BTreeMap::new(),
        base_url: None,
        is_enabled: true,
    }
}

fn canned(id: u128, short_code: &str) -> CannedResponse {
    CannedResponse {
        id: CannedResponseId::from_u128(id),
        short_code: short_code.to_owned(),
        title: "Greeting".to_owned(),
        content: "Hello {{contact_name}}".to_owned(),
        category: None,
        created_by: None,
    }
}

fn policy(targets: impl IntoIterator<Item = (Priority, SlaTargets)>) -> SlaPolicy {
    SlaPolicy {
        id: SlaPolicyId::from_u128(5),
        name: "Standard".to_owned(),
        description: None,
        is_active: true,
        order: 0,
        channel_ids: Vec::new(),
        team_ids: Vec::new(),
        calendar_id: None,
        targets: targets.into_iter().collect(),
        warn_before_seconds: None,
        pause_while_pending: true,
    }
}

fn calendar() -> BusinessCalendar {
    BusinessCalendar {
        id: CalendarId::from_u128(6),
        name: "Office".to_owned(),
        timezone: "Africa/Addis_Ababa".to_owned(),
        schedule: vec![WeeklyHours {
            days: vec![Weekday::Mon],
            start: "08:30".to_owned(),
            end: "17:30".to_owned(),
        }],
        holidays: Vec::new(),
    }
}

/// The path of what makes an item invalid.
fn invalid<T: CatalogueItem>(item: T) -> String {
    match Define(item).decide(&Catalogue::default(), Timestamp::from_secs(1)) {
        Err(Rejection::Invalid { field, .. }) => field,
        other => panic!("{other:?}"),
    }
}

#[test]
fn an_item_is_defined() {
    given::<Teams>([]).when(Define(team(BILLING, "Billing"))).then([team_defined(BILLING, "Billing")]);
}

#[test]
fn an_item_defined_as_it_is_changes_nothing() {
    given::<Teams>([team_defined(BILLING, "Billing")]).when(Define(team(BILLING, "Billing"))).then_nothing();
}

#[test]
fn two_items_cannot_have_the_same_name() {
    given::<Teams>([team_defined(BILLING, "Billing")])
        .when(Define(team(RETURNS, "Billing")))
        .then_rejected(taken("name", "Billing"));
}

#[test]
fn a_name_that_differs_in_case_or_spaces_is_the_same() {
    given::<Teams>([team_defined(BILLING, "Billing")])
        .when(Define(team(RETURNS, " bILLING ")))
        .then_rejected(taken("name", " bILLING "));
    let greeting = CannedResponseDefined { canned_response: canned(1, "/hello") };
    given::<CannedResponses>([greeting.into()])
        .when(Define(canned(2, "/Hello")))
        .then_rejected(taken("short_code", "/Hello"));
}

#[test]
fn the_spelling_of_a_name_may_change() {
    given::<Teams>([team_defined(BILLING, "Billing")])
        .when(Define(team(BILLING, "BILLING")))
        .then([team_defined(BILLING, "BILLING")]);
}

#[test]
fn an_item_cannot_be_renamed_to_the_name_of_another() {
    given::<Teams>([team_defined(BILLING, "Billing"), team_defined(RETURNS, "Returns")])
        .when(Define(team(RETURNS, "Billing")))
        .then_rejected(taken("name", "Billing"));
}

#[test]
fn a_retired_name_is_free_again() {
    let retired = TeamRetired { id: BILLING }.into();
    given::<Teams>([team_defined(BILLING, "Billing"), retired])
        .when(Define(team(RETURNS, "Billing")))
        .then([team_defined(RETURNS, "Billing")]);
}

#[test]
fn an_item_is_retired_once() {
    let retired = || CatalogueEvent::from(TeamRetired { id: BILLING });
    given::<Teams>([]).when(Retire(BILLING)).then_rejected(Rejection::NotFound);
    given::<Teams>([team_defined(BILLING, "Billing")]).when(Retire(BILLING)).then([retired()]);
    given::<Teams>([team_defined(BILLING, "Billing"), retired()])
        .when(Retire(BILLING))
        .then_rejected(Rejection::NotFound);
}

#[test]
fn an_item_has_the_version_of_the_event_that_defined_it_last() {
    let renamed = team_defined(BILLING, "Accounts");
    let channel = ChannelDefined { channel: channel(ChannelType::Api, "Shop") }.into();
    let teams = given::<Teams>([
        team_defined(BILLING, "Billing"),
        channel,
        team_defined(RETURNS, "Returns"),
        renamed,
        TeamRetired { id: RETURNS }.into(),
    ]);
    assert_eq!(teams.state.version_of(BILLING), Some(Version(2)));
    assert_eq!(teams.state.version_of(RETURNS), None);
}

#[test]
fn a_command_about_an_item_that_was_changed_meanwhile_is_refused() {
    let history = || [team_defined(BILLING, "Billing"), team_defined(BILLING, "Accounts")];
    let retire = |id, seen| IfUnchanged { id, seen, command: Retire::<Team>(id) };
    let (first, second) = (Version(0), Version(1));
    given::<Teams>(history())
        .when(retire(BILLING, Some(first)))
        .then_rejected(Rejection::ChangedMeanwhile { expected: first, actual: second });
    for seen in [Some(second), None] {
        given::<Teams>(history()).when(retire(BILLING, seen)).then([TeamRetired { id: BILLING }.into()]);
    }
    given::<Teams>(history()).when(retire(RETURNS, Some(first))).then_rejected(Rejection::NotFound);
}

#[test]
fn a_change_is_made_to_the_present_item() {
    let describe = |team: &mut Team| {
        team.description = Some("Bills".to_owned());
        Ok(())
    };
    let described =
        |name| TeamDefined { team: Team { description: Some("Bills".to_owned()), ..team(BILLING, name) } };
    given::<Teams>([team_defined(BILLING, "Billing"), team_defined(BILLING, "Accounts")])
        .when(Amend { id: BILLING, default: None, change: describe })
        .then([described("Accounts").into()]);
    given::<Teams>([])
        .when(Amend { id: BILLING, default: Some(team(BILLING, "Billing")), change: describe })
        .then([described("Billing").into()]);
    given::<Teams>([])
        .when(Amend { id: BILLING, default: None, change: describe })
        .then_rejected(Rejection::NotFound);
}

#[test]
fn a_channel_can_be_renamed_and_never_becomes_another_kind() {
    let defined =
        |name| CatalogueEvent::from(ChannelDefined { channel: channel(ChannelType::WhatsApp, name) });
    given::<Channels>([defined("Shop")])
        .when(Define(channel(ChannelType::WhatsApp, "Shop line")))
        .then([defined("Shop line")]);
    given::<Channels>([defined("Shop")])
        .when(Define(channel(ChannelType::Api, "Shop")))
        .then_rejected(Rejection::invalid("channel_type", "cannot change; define another channel"));
}

#[test]
fn an_invalid_field_is_named_by_its_path() {
    assert_eq!(invalid(team(BILLING, " ")), "name");
    assert_eq!(invalid(team(BILLING, &"n".repeat(201))), "name");
    assert_eq!(invalid(Team { member_ids: vec![ANA, ANA], ..team(BILLING, "Billing") }), "member_ids");
    for short_code in ["hello", "/", "/two words", "//"] {
        assert_eq!(invalid(canned(1, short_code)), "short_code");
    }
    assert_eq!(invalid(CannedResponse { content: "\n".to_owned(), ..canned(1, "/hello") }), "content");
    assert_eq!(invalid(policy([])), "targets");
    let at_once = SlaTargets { resolution_seconds: Some(0), ..SlaTargets::default() };
    assert_eq!(invalid(policy([(Priority::High, at_once)])), "targets.high.resolution_seconds");
    assert_eq!(invalid(BusinessCalendar { timezone: "Mars/Olympus".to_owned(), ..calendar() }), "timezone");
    let no_such_day = Holiday { date: "2026-02-30".to_owned(), name: None };
    assert_eq!(invalid(BusinessCalendar { holidays: vec![no_such_day], ..calendar() }), "holidays[0].date");
}

mod automation {
    use super::super::*;
    use super::invalid;
    use crate::aggregate::given::given;
    use event_schemas::automation::{
        Action, AutomationConditions, AutomationEvent, AutomationRule, Held, Macro, MacroDefined,
        MacroVisibility,
    };
    use event_schemas::bot::{BotStrategy, TimeRange};
    use event_schemas::message::{Priority, SlaMetric};
    use event_schemas::{AutomationRuleId, CatalogueEvent, MacroId, UserId};

    const ANA: UserId = UserId::from_u128(3);
    const BEN: UserId = UserId::from_u128(4);

    fn note() -> Action {
        Action::Note { text: "Look here".to_owned() }
    }

    fn list(id: u128, visibility: MacroVisibility, by: UserId) -> Macro {
        Macro {
            id: MacroId::from_u128(id),
            name: "Refund".to_owned(),
            description: None,
            visibility,
            created_by: by,
            actions: vec![note()],
            webhook_secret: None,
        }
    }

    fn with(actions: Vec<Action>) -> Macro {
        Macro { actions, ..list(1, MacroVisibility::Everyone, ANA) }
    }

    fn rule(event: AutomationEvent) -> AutomationRule {
        AutomationRule {
            id: AutomationRuleId::from_u128(1),
            name: "Refunds".to_owned(),
            description: None,
            priority: 0,
            is_active: true,
            event,
            waiting_seconds: None,
            conditions: AutomationConditions::default(),
            actions: vec![note()],
            webhook_secret: None,
        }
    }

    fn on(conditions: AutomationConditions) -> AutomationRule {
        AutomationRule { conditions, ..rule(AutomationEvent::ConversationCreated) }
    }

    #[test]
    fn personal_macros_of_two_agents_may_have_the_same_name_and_shared_macros_may_not() {
        use MacroVisibility::{Everyone, Personal};
        let defined = |list: Macro| CatalogueEvent::from(MacroDefined { defined: list });
        for (first, second, is_valid) in [
            (list(1, Personal, ANA), list(2, Personal, BEN), true),
            (list(1, Personal, ANA), list(2, Personal, ANA), false),
            (list(1, Everyone, ANA), list(2, Personal, ANA), true),
            (list(1, Everyone, ANA), list(2, Everyone, BEN), false),
        ] {
            let given = given::<Macros>([defined(first)]);
            let outcome = Define(second.clone()).decide(&given.state, given.now);
            assert_eq!(outcome.is_ok(), is_valid, "{second:?}");
        }
    }

    #[test]
    fn an_invalid_action_is_named_by_its_path() {
        let labels = |labels: &[&str]| labels.iter().map(|label| (*label).to_owned()).collect();
        assert_eq!(invalid(with(vec![])), "actions");
        assert_eq!(invalid(with(vec![note(); 21])), "actions");
        for (action, field) in [
            (Action::Reply { text: None, canned_response_id: None }, "text"),
            (Action::Reply { text: Some(" ".to_owned()), canned_response_id: None }, "text"),
            (Action::Unassign { agent: false, team: false }, "agent"),
            (Action::AddLabels { labels: vec![] }, "labels"),
            (Action::RemoveLabels { labels: labels(&["a", " "]) }, "labels[1]"),
            (Action::Note { text: "\n".to_owned() }, "text"),
            (Action::Snooze { until: None, for_seconds: Some(0) }, "for_seconds"),
            (Action::Snooze { until: Some(Timestamp::from_secs(1)), for_seconds: Some(1) }, "until"),
            (Action::Resolve { reason: Some(String::new()) }, "reason"),
            (Action::Webhook { url: String::new() }, "url"),
        ] {
            assert_eq!(invalid(with(vec![note(), action])), format!("actions[1].{field}"));
        }
        let to = |agent_id| Action::AssignAgent { agent_id };
        assert_eq!(invalid(with(vec![to(ANA), to(BEN)])), "actions[1].agent_id");
    }

    #[test]
    fn an_invalid_rule_is_named_by_its_path() {
        let waiting = |waiting_seconds, event| AutomationRule { waiting_seconds, ..rule(event) };
        assert_eq!(invalid(waiting(None, AutomationEvent::WaitingLongerThan)), "waiting_seconds");
        assert_eq!(invalid(waiting(Some(0), AutomationEvent::WaitingLongerThan)), "waiting_seconds");
        assert_eq!(invalid(waiting(Some(9), AutomationEvent::MessageSent)), "waiting_seconds");
        let none = AutomationConditions::default;
        let tz =
            TimeRange { start: "18:00".to_owned(), end: "08:00".to_owned(), tz: "Mars/Olympus".to_owned() };
        for (conditions, field) in [
            (AutomationConditions { keywords: Some(vec!["a".to_owned()]), ..none() }, "keywords"),
            (AutomationConditions { channels: Some(vec![]), ..none() }, "channels"),
            (AutomationConditions { statuses: Some(vec![]), ..none() }, "statuses"),
            (AutomationConditions { time_range: Some(tz), ..none() }, "time_range.tz"),
            (
                AutomationConditions { sla_metrics: Some(vec![SlaMetric::Resolution]), ..none() },
                "sla_metrics",
            ),
            (
                AutomationConditions {
                    labels: Some(vec!["vip".to_owned()]),
                    without_labels: Some(vec!["vip".to_owned()]),
                    ..none()
                },
                "without_labels",
            ),
        ] {
            assert_eq!(invalid(on(conditions)), format!("conditions.{field}"));
        }
    }

    #[test]
    fn a_rule_that_would_trigger_itself_for_ever_is_invalid() {
        let updated = |conditions, actions| AutomationRule {
            conditions,
            actions,
            ..rule(AutomationEvent::ConversationUpdated)
        };
        let none = AutomationConditions::default;
        let route = || Action::Route { strategy: BotStrategy::LeastBusy, team_id: None };
        let snooze = || Action::Snooze { until: None, for_seconds: Some(60) };
        let unassign = || Action::Unassign { agent: true, team: false };
        for action in [route(), snooze(), unassign()] {
            assert_eq!(invalid(updated(none(), vec![note(), action])), "actions[1]");
        }
        let unassigned = AutomationConditions { assignee: Some(Held::None), ..none() };
        let low = AutomationConditions { priorities: Some(vec![Priority::Low]), ..none() };
        let mark = Action::AddLabels { labels: vec!["seen".to_owned()] };
        let unmarked = AutomationConditions { without_labels: Some(vec!["seen".to_owned()]), ..none() };
        for rule in [
            updated(unassigned, vec![route()]),
            updated(unmarked, vec![snooze(), mark]),
            updated(low, vec![unassign(), Action::SetPriority { priority: Priority::High }]),
            AutomationRule { actions: vec![snooze()], ..rule(AutomationEvent::MessageSent) },
        ] {
            assert!(
                Define(rule.clone()).decide(&Catalogue::default(), Timestamp::from_secs(1)).is_ok(),
                "{rule:?}"
            );
        }
    }
}

mod views {
    use super::invalid;
    use crate::aggregate::given::given;
    use crate::catalogue::{Define, Rejection, Views};
    use event_schemas::catalogue::{SavedView, SavedViewDefined, ViewSort, ViewVisibility};
    use event_schemas::message::Status;
    use event_schemas::view_filter::{CustomField, ViewFilter};
    use event_schemas::{CatalogueEvent, SavedViewId, UserId};

    const ANA: UserId = UserId::from_u128(1);
    const BEN: UserId = UserId::from_u128(2);

    fn view(id: u128, visibility: ViewVisibility, by: UserId) -> SavedView {
        SavedView {
            id: SavedViewId::from_u128(id),
            name: "Waiting".to_owned(),
            visibility,
            created_by: by,
            filter: ViewFilter::Status(vec![Status::Open]),
            sort_by: ViewSort::Unanswered,
            descending: false,
        }
    }

    fn defined(view: SavedView) -> CatalogueEvent {
        SavedViewDefined { saved_view: view }.into()
    }

    fn with(filter: ViewFilter) -> SavedView {
        SavedView { filter, ..view(1, ViewVisibility::Everyone, ANA) }
    }

    #[test]
    fn names_differ_only_among_the_views_that_the_same_agents_see() {
        use ViewVisibility::{Everyone, Personal};
        let taken = Rejection::NameTaken { field: "name", value: "Waiting".to_owned() };
        for (first, second, is_taken) in [
            (view(1, Everyone, ANA), view(2, Everyone, BEN), true),
            (view(1, Personal, ANA), view(2, Personal, ANA), true),
            (view(1, Personal, ANA), view(2, Personal, BEN), false),
            (view(1, Personal, ANA), view(2, Everyone, ANA), false),
        ] {
            let given = given::<Views>([defined(first)]).when(Define(second.clone()));
            if is_taken {
                given.then_rejected(taken.clone());
            } else {
                given.then([defined(second)]);
            }
        }
    }

    #[test]
    fn an_agent_has_a_hundred_personal_views_whatever_others_have() {
        let own = |id: u128, by| SavedView { name: id.to_string(), ..view(id, ViewVisibility::Personal, by) };
        let full: Vec<_> = (1..=100).map(|id| defined(own(id, ANA))).collect();
        given::<Views>(full.clone()).when(Define(own(101, BEN))).then([defined(own(101, BEN))]);
        let reason = "an agent has at most 100 personal views".to_owned();
        given::<Views>(full)
            .when(Define(own(101, ANA)))
            .then_rejected(Rejection::Invalid { field: "visibility".to_owned(), reason });
    }

    #[test]
    fn a_rejection_names_the_wrong_part_of_the_filter() {
        let inside =
            |filter| ViewFilter::All(vec![ViewFilter::Unread(true), ViewFilter::Not(Box::new(filter))]);
        let custom = |name: &str, value: &str| {
            ViewFilter::Custom(CustomField { name: name.to_owned(), value: value.to_owned() })
        };
        for (filter, field) in [
            (ViewFilter::Status(Vec::new()), "status"),
            (ViewFilter::Label(vec!["vip".to_owned(), " ".to_owned()]), "label[1]"),
            (ViewFilter::Language(vec!["en\0".to_owned()]), "language[0]"),
            (ViewFilter::Label(vec!["a".repeat(201)]), "label[0]"),
            (custom("", "gold"), "custom.name"),
            (custom("tier\\", "gold"), "custom.name"),
            (custom("tier", ""), "custom.value"),
            (ViewFilter::Any(vec![ViewFilter::Assignee(Vec::new())]), "any[0].assignee"),
        ] {
            assert_eq!(invalid(with(inside(filter))), format!("filter.all[1].not.{field}"));
        }
    }

    #[test]
    fn a_filter_is_bounded_in_depth_and_in_parts() {
        let nested =
            |depth: usize| (1..depth).fold(ViewFilter::Unread(true), |inner, _| ViewFilter::Any(vec![inner]));
        given::<Views>([]).when(Define(with(nested(8)))).then([defined(with(nested(8)))]);
        let wide = |parts: usize| ViewFilter::All(vec![ViewFilter::Unread(true); parts - 1]);
        given::<Views>([]).when(Define(with(wide(200)))).then([defined(with(wide(200)))]);
        assert_eq!(invalid(with(nested(9))), format!("filter{}", ".any[0]".repeat(8)));
        assert_eq!(invalid(with(wide(201))), "filter");
        assert_eq!(invalid(with(ViewFilter::Status(vec![Status::Open; 200]))), "filter");
    }
}
