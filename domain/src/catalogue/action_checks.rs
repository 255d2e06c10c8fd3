//! The validation of macros and automation rules. A rejection names the field.

use super::Rejection;
use super::bot_checks::{check_conditions, check_labels, check_text};
use crate::automation::shared;
use crate::conversation::LONGEST_NOTE;
use event_schemas::automation::{Action, AutomationConditions, AutomationEvent, AutomationRule, Held, Macro};
use event_schemas::message::Status;

const MOST_ACTIONS: usize = 20;
const LONGEST_DESCRIPTION: usize = 1_000;
const LONGEST_REASON: usize = 500;
const LONGEST_URL: usize = 2_000;
/// A year, in seconds: the longest delay.
const A_YEAR: u32 = 366 * 24 * 3600;

fn invalid(field: impl Into<String>, reason: impl Into<String>) -> Rejection {
    Rejection::invalid(field, reason)
}

pub(crate) fn check_macro(list: &Macro) -> Result<(), Rejection> {
    description(list.description.as_deref())?;
    check_actions(&list.actions)
}

pub(crate) fn check_rule(rule: &AutomationRule) -> Result<(), Rejection> {
    description(rule.description.as_deref())?;
    match (rule.event, rule.waiting_seconds) {
        (AutomationEvent::WaitingLongerThan, None) => {
            return Err(invalid("waiting_seconds", "is required for a rule of waiting_longer_than"));
        }
        (AutomationEvent::WaitingLongerThan, Some(seconds)) if seconds == 0 || seconds > A_YEAR => {
            return Err(invalid("waiting_seconds", "is between one second and a year"));
        }
        (AutomationEvent::WaitingLongerThan, Some(_)) | (_, None) => {}
        (event, Some(_)) => {
            return Err(invalid("waiting_seconds", format!("is not used by a rule of {event}")));
        }
    }
    conditions(rule)?;
    check_actions(&rule.actions)?;
    check_cycle(rule)
}

fn description(text: Option<&str>) -> Result<(), Rejection> {
    match text {
        Some(text) if text.trim().is_empty() => {
            Err(invalid("description", "must not be empty; leave it out"))
        }
        Some(text) if text.chars().count() > LONGEST_DESCRIPTION => {
            Err(invalid("description", format!("has at most {LONGEST_DESCRIPTION} characters")))
        }
        Some(_) | None => Ok(()),
    }
}

fn conditions(rule: &AutomationRule) -> Result<(), Rejection> {
    check_conditions(&shared(rule))?;
    let AutomationConditions {
        keywords,
        without_labels,
        statuses,
        priorities,
        team_ids,
        sla_metrics,
        labels,
        ..
    } = &rule.conditions;
    let on_message = matches!(rule.event, AutomationEvent::MessageReceived | AutomationEvent::MessageSent);
    if keywords.is_some() && !on_message {
        return Err(invalid("conditions.keywords", "are only for message_received and message_sent"));
    }
    let on_sla = matches!(rule.event, AutomationEvent::SlaWarning | AutomationEvent::SlaBreached);
    if sla_metrics.is_some() && !on_sla {
        return Err(invalid("conditions.sla_metrics", "are only for sla_warning and sla_breached"));
    }
    if let Some(without) = without_labels {
        check_labels("conditions.without_labels", without)?;
        if labels.iter().flatten().any(|label| without.contains(label)) {
            return Err(invalid("conditions.without_labels", "contains a label that is required by labels"));
        }
    }
    for (field, is_empty) in [
        ("statuses", statuses.as_ref().is_some_and(Vec::is_empty)),
        ("priorities", priorities.as_ref().is_some_and(Vec::is_empty)),
        ("team_ids", team_ids.as_ref().is_some_and(Vec::is_empty)),
        ("sla_metrics", sla_metrics.as_ref().is_some_and(Vec::is_empty)),
    ] {
        if is_empty {
            return Err(invalid(format!("conditions.{field}"), "is empty; leave it out for any"));
        }
    }
    Ok(())
}

/// Checks the actions of a macro, a rule or a bulk change, whichever they are.
pub(crate) fn check_actions(actions: &[Action]) -> Result<(), Rejection> {
    if actions.is_empty() || actions.len() > MOST_ACTIONS {
        return Err(invalid("actions", format!("has between 1 and {MOST_ACTIONS} actions")));
    }
    let mut assigns_agent = false;
    for (index, action) in actions.iter().enumerate() {
        check_action(&format!("actions[{index}]"), action)?;
        let agent = matches!(action, Action::AssignAgent { .. });
        if agent && assigns_agent {
            return Err(invalid(
                format!("actions[{index}].agent_id"),
                "the conversation is assigned to at most one agent",
            ));
        }
        assigns_agent |= agent;
    }
    Ok(())
}

fn check_action(at: &str, action: &Action) -> Result<(), Rejection> {
    match action {
        Action::Reply { text: Some(text), canned_response_id: None } => {
            check_text(&format!("{at}.text"), text)
        }
        Action::Reply { text: None, canned_response_id: Some(_) } => Ok(()),
        Action::Reply { .. } => Err(invalid(format!("{at}.text"), "a reply is a text or a canned response")),
        Action::Unassign { agent: false, team: false } => {
            Err(invalid(format!("{at}.agent"), "at least one of agent and team is true"))
        }
        Action::AddLabels { labels } | Action::RemoveLabels { labels } => {
            check_labels(&format!("{at}.labels"), labels)
        }
        Action::Note { text } => match text.chars().count() {
            _ if text.trim().is_empty() => Err(invalid(format!("{at}.text"), "must not be empty")),
            length if length > LONGEST_NOTE => {
                Err(invalid(format!("{at}.text"), format!("has at most {LONGEST_NOTE} characters")))
            }
            _ => Ok(()),
        },
        Action::Snooze { until: Some(_), for_seconds: Some(_) } => {
            Err(invalid(format!("{at}.until"), "is not given together with for_seconds"))
        }
        Action::Snooze { for_seconds: Some(seconds), .. } if *seconds == 0 || *seconds > A_YEAR => {
            Err(invalid(format!("{at}.for_seconds"), "is between one second and a year"))
        }
        Action::Resolve { reason: Some(reason) } | Action::Reopen { reason: Some(reason) }
            if reason.trim().is_empty() || reason.chars().count() > LONGEST_REASON =>
        {
            Err(invalid(format!("{at}.reason"), format!("has between 1 and {LONGEST_REASON} characters")))
        }
        Action::Webhook { url } if url.trim().is_empty() || url.chars().count() > LONGEST_URL => {
            Err(invalid(format!("{at}.url"), format!("has between 1 and {LONGEST_URL} characters")))
        }
        Action::AssignTeam { .. }
        | Action::AssignAgent { .. }
        | Action::Unassign { .. }
        | Action::Route { .. }
        | Action::SetPriority { .. }
        | Action::Snooze { .. }
        | Action::Resolve { .. }
        | Action::Reopen { .. }
        | Action::Webhook { .. } => Ok(()),
    }
}

/// Rejects a rule on updates whose actions make Verbatim update the conversation again: routing assigns an
/// agent to a conversation that was unassigned, or a snooze ends. Such a rule would trigger itself for ever.
fn check_cycle(rule: &AutomationRule) -> Result<(), Rejection> {
    if rule.event != AutomationEvent::ConversationUpdated || makes_its_conditions_untrue(rule) {
        return Ok(());
    }
    let conditions = &rule.conditions;
    let is_active = |status: &Status| matches!(status, Status::Assigned | Status::Open);
    let may_recur = conditions.statuses.as_ref().is_none_or(|statuses| statuses.iter().any(is_active));
    for (index, action) in rule.actions.iter().enumerate() {
        let again = match action {
            Action::Unassign { agent: true, .. } | Action::Route { .. } => {
                (conditions.assignee != Some(Held::None) && may_recur).then_some(
                    "routing assigns the conversation to an agent again, which triggers the rule again",
                )
            }
            Action::Snooze { until: None, for_seconds: Some(_) } => {
                may_recur.then_some("the end of the snooze triggers the rule again")
            }
            Action::Unassign { agent: false, .. }
            | Action::Snooze { until: Some(_), .. }
            | Action::Snooze { until: None, for_seconds: None }
            | Action::Reply { .. }
            | Action::AssignTeam { .. }
            | Action::AssignAgent { .. }
            | Action::AddLabels { .. }
            | Action::RemoveLabels { .. }
            | Action::SetPriority { .. }
            | Action::Note { .. }
            | Action::Resolve { .. }
            | Action::Reopen { .. }
            | Action::Webhook { .. } => None,
        };
        if let Some(again) = again {
            let reason =
                format!("forms a cycle: {again}; add a condition that the rule's actions make untrue");
            return Err(invalid(format!("actions[{index}]"), reason));
        }
    }
    Ok(())
}

/// Whether the rule's conditions no longer hold after its actions.
fn makes_its_conditions_untrue(rule: &AutomationRule) -> bool {
    let AutomationConditions { labels, without_labels, priorities, team_ids, .. } = &rule.conditions;
    let among = |named: &Option<Vec<String>>, labels: &[String]| {
        named.iter().flatten().any(|label| labels.contains(label))
    };
    rule.actions.iter().any(|action| match action {
        Action::AddLabels { labels } => among(without_labels, labels),
        Action::RemoveLabels { labels: removed } => among(labels, removed),
        Action::SetPriority { priority } => {
            priorities.as_ref().is_some_and(|priorities| !priorities.contains(priority))
        }
        Action::AssignTeam { team_id } => team_ids.as_ref().is_some_and(|teams| !teams.contains(team_id)),
        Action::Reply { .. }
        | Action::AssignAgent { .. }
        | Action::Unassign { .. }
        | Action::Route { .. }
        | Action::Note { .. }
        | Action::Snooze { .. }
        | Action::Resolve { .. }
        | Action::Reopen { .. }
        | Action::Webhook { .. } => false,
    })
}
