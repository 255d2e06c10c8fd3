//! Whether a macro or a rule makes sense. A refusal names the field.

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
/// A year, in seconds: what is to be done after that is a mistake.
const A_YEAR: u32 = 366 * 24 * 3600;

fn no(field: impl Into<String>, reason: impl Into<String>) -> Rejection {
    Rejection::invalid(field, reason)
}

pub(crate) fn check_macro(list: &Macro) -> Result<(), Rejection> {
    description(list.description.as_deref())?;
    actions(&list.actions)
}

pub(crate) fn check_rule(rule: &AutomationRule) -> Result<(), Rejection> {
    description(rule.description.as_deref())?;
    match (rule.event, rule.waiting_seconds) {
        (AutomationEvent::WaitingLongerThan, None) => {
            return Err(no("waiting_seconds", "a rule of waiting_longer_than needs it"));
        }
        (AutomationEvent::WaitingLongerThan, Some(seconds)) if seconds == 0 || seconds > A_YEAR => {
            return Err(no("waiting_seconds", "is between one second and a year"));
        }
        (AutomationEvent::WaitingLongerThan, Some(_)) | (_, None) => {}
        (event, Some(_)) => {
            return Err(no("waiting_seconds", format!("says nothing to a rule of {event}")));
        }
    }
    conditions(rule)?;
    actions(&rule.actions)?;
    circle(rule)
}

fn description(text: Option<&str>) -> Result<(), Rejection> {
    match text {
        Some(text) if text.trim().is_empty() => Err(no("description", "must not be empty; leave it out")),
        Some(text) if text.chars().count() > LONGEST_DESCRIPTION => {
            Err(no("description", format!("has at most {LONGEST_DESCRIPTION} characters")))
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
        return Err(no("conditions.keywords", "are looked for in messages: message_received, message_sent"));
    }
    let on_promise = matches!(rule.event, AutomationEvent::SlaWarning | AutomationEvent::SlaBreached);
    if sla_metrics.is_some() && !on_promise {
        return Err(no("conditions.sla_metrics", "belong to sla_warning and sla_breached"));
    }
    if let Some(without) = without_labels {
        check_labels("conditions.without_labels", without)?;
        if labels.iter().flatten().any(|label| without.contains(label)) {
            return Err(no("conditions.without_labels", "names a label that has to be there"));
        }
    }
    for (field, is_empty) in [
        ("statuses", statuses.as_ref().is_some_and(Vec::is_empty)),
        ("priorities", priorities.as_ref().is_some_and(Vec::is_empty)),
        ("team_ids", team_ids.as_ref().is_some_and(Vec::is_empty)),
        ("sla_metrics", sla_metrics.as_ref().is_some_and(Vec::is_empty)),
    ] {
        if is_empty {
            return Err(no(format!("conditions.{field}"), "names none; leave it out for any"));
        }
    }
    Ok(())
}

fn actions(actions: &[Action]) -> Result<(), Rejection> {
    if actions.is_empty() || actions.len() > MOST_ACTIONS {
        return Err(no("actions", format!("has between 1 and {MOST_ACTIONS} actions")));
    }
    let mut names_an_agent = false;
    for (index, action) in actions.iter().enumerate() {
        check_action(&format!("actions[{index}]"), action)?;
        let agent = matches!(action, Action::AssignAgent { .. });
        if agent && names_an_agent {
            return Err(no(format!("actions[{index}].agent_id"), "it is given to one agent at most"));
        }
        names_an_agent |= agent;
    }
    Ok(())
}

fn check_action(at: &str, action: &Action) -> Result<(), Rejection> {
    match action {
        Action::Reply { text: Some(text), canned_response_id: None } => {
            check_text(&format!("{at}.text"), text)
        }
        Action::Reply { text: None, canned_response_id: Some(_) } => Ok(()),
        Action::Reply { .. } => Err(no(format!("{at}.text"), "a reply is a text or a canned response")),
        Action::Unassign { agent: false, team: false } => {
            Err(no(format!("{at}.agent"), "takes it off an agent, a team, or both"))
        }
        Action::AddLabels { labels } | Action::RemoveLabels { labels } => {
            check_labels(&format!("{at}.labels"), labels)
        }
        Action::Note { text } => match text.chars().count() {
            _ if text.trim().is_empty() => Err(no(format!("{at}.text"), "must not be empty")),
            length if length > LONGEST_NOTE => {
                Err(no(format!("{at}.text"), format!("has at most {LONGEST_NOTE} characters")))
            }
            _ => Ok(()),
        },
        Action::Snooze { until: Some(_), for_seconds: Some(_) } => {
            Err(no(format!("{at}.until"), "it is set aside until a moment or for a time, not both"))
        }
        Action::Snooze { for_seconds: Some(seconds), .. } if *seconds == 0 || *seconds > A_YEAR => {
            Err(no(format!("{at}.for_seconds"), "is between one second and a year"))
        }
        Action::Resolve { reason: Some(reason) } | Action::Reopen { reason: Some(reason) }
            if reason.trim().is_empty() || reason.chars().count() > LONGEST_REASON =>
        {
            Err(no(format!("{at}.reason"), format!("has between 1 and {LONGEST_REASON} characters")))
        }
        Action::Webhook { url } if url.trim().is_empty() || url.chars().count() > LONGEST_URL => {
            Err(no(format!("{at}.url"), format!("has between 1 and {LONGEST_URL} characters")))
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

/// Refuses a rule on updates that makes Verbatim update the conversation again: routing finds an agent for
/// what was taken off one, a snooze ends. Then the rule would be set off again, and again.
fn circle(rule: &AutomationRule) -> Result<(), Rejection> {
    if rule.event != AutomationEvent::ConversationUpdated || ends_by_its_own_doing(rule) {
        return Ok(());
    }
    let conditions = &rule.conditions;
    let at_work = |status: &Status| matches!(status, Status::Assigned | Status::Open);
    let comes_back = conditions.statuses.as_ref().is_none_or(|statuses| statuses.iter().any(at_work));
    for (index, action) in rule.actions.iter().enumerate() {
        let again = match action {
            Action::Unassign { agent: true, .. } | Action::Route { .. } => {
                (conditions.assignee != Some(Held::None) && comes_back)
                    .then_some("routing gives it to an agent again, which sets the rule off again")
            }
            Action::Snooze { until: None, for_seconds: Some(_) } => {
                comes_back.then_some("when the snooze ends the rule is set off again")
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
            let reason = format!("leads in a circle: {again}; add a condition that it makes untrue");
            return Err(no(format!("actions[{index}]"), reason));
        }
    }
    Ok(())
}

/// Whether the conditions hold no longer once it has acted.
fn ends_by_its_own_doing(rule: &AutomationRule) -> bool {
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
