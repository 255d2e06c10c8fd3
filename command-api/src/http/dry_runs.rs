//! What rules would have done.

use super::AppState;
use super::bot_rules::{NewBotRule, known};
use crate::problem::CommandProblem;
use aide::axum::ApiRouter;
use aide::axum::routing::post_with;
use axum::extract::State;
use commands::Commands;
use commands::dry_run::{DryRun, DryRunError, Span};
use domain::catalogue::{BotRules, Define, Rejection};
use domain::{Decide, Evolve};
use event_schemas::bot::{BotActions, BotConditions, BotRule, BotTrigger};
use event_schemas::{AccountId, BotRuleId, Timestamp};
use gate::{Json, Problem, Supervisor};
use schemars::JsonSchema;
use serde::Deserialize;
use std::sync::Arc;

pub(super) fn routes() -> ApiRouter<Arc<Commands>> {
    ApiRouter::new().api_route(
        "/v1/bot-rules/dry-run",
        post_with(dry_run, |op| {
            op.id("dryRunBotRules").tag("bot").summary("What rules would have done in the past").description(
                "The span's messages are put to the rules as they were when they came, by the same code that \
                 runs live; nothing is written. What the live bot did in the span is left out, what people \
                 did stays. A span holds at most 250,000 events.",
            )
        }),
    )
}

/// Draft rules, and a span of the past.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Draft {
    /// In place of the account's rules; left out, those.
    #[serde(default)]
    rules: Option<Vec<DraftRule>>,
    from: Timestamp,
    until: Timestamp,
    /// How many examples of each kind.
    #[serde(default = "five")]
    #[schemars(range(max = 100))]
    examples: usize,
}

fn five() -> usize {
    5
}

const MOST_EXAMPLES: usize = 100;
const MOST_RULES: usize = 1_000;

/// A rule as it might be.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct DraftRule {
    /// Of the rule it would change, to be told from others of the same priority as live.
    #[serde(default)]
    id: Option<BotRuleId>,
    name: String,
    #[serde(default)]
    priority: i32,
    #[serde(default = "yes")]
    is_active: bool,
    #[schemars(with = "BotTrigger")]
    trigger_type: String,
    #[serde(default)]
    conditions: BotConditions,
    #[serde(default)]
    actions: BotActions,
    #[serde(default = "yes")]
    run_once: bool,
}

fn yes() -> bool {
    true
}

impl DraftRule {
    fn rule(&self, place: usize) -> Result<BotRule, CommandProblem> {
        let new = NewBotRule {
            name: self.name.clone(),
            priority: self.priority,
            is_active: self.is_active,
            trigger_type: self.trigger_type.clone(),
            conditions: self.conditions.clone(),
            actions: self.actions.clone(),
            run_once: self.run_once,
        };
        new.rule(self.id.unwrap_or_else(|| BotRuleId::from_u128(place as u128 + 1)))
    }
}

async fn dry_run(
    State(commands): AppState,
    Supervisor(caller): Supervisor,
    Json(draft): Json<Draft>,
) -> Result<Json<DryRun>, CommandProblem> {
    let account = caller.account;
    if draft.until <= draft.from {
        return Err(Problem::unprocessable("until", "The span ends before it begins.").into());
    }
    if draft.examples > MOST_EXAMPLES {
        return Err(Problem::unprocessable("examples", format!("At most {MOST_EXAMPLES}."))
            .with("limit", MOST_EXAMPLES)
            .into());
    }
    let catalogues = commands.bot_catalogues(account).await?;
    let rules = match &draft.rules {
        Some(drafts) => checked(&commands, account, drafts).await?,
        None => catalogues.rules.state.iter().cloned().collect(),
    };
    let playbook =
        catalogues.compile(&rules, catalogues.handoff_rules.state.iter(), &catalogues.settings())?;
    let span = Span { from: draft.from, until: draft.until };
    let _turn = commands.dry_runs.acquire().await.map_err(|_| Problem::internal())?;
    match commands.dry_run(account, Arc::new(playbook), span, draft.examples).await {
        Ok(report) => Ok(Json(report)),
        Err(DryRunError::TooMuch { limit }) => {
            let detail = format!("The span holds more than {limit} events: ask for a shorter one.");
            Err(Problem::unprocessable("until", detail).with("limit", limit).into())
        }
        Err(DryRunError::Load(error)) => Err(error.into()),
        Err(DryRunError::BrokeOff) => Err(Problem::internal().into()),
    }
}

/// The drafts as rules, defined one after the other beside each other as they would be.
async fn checked(
    commands: &Commands,
    account: AccountId,
    drafts: &[DraftRule],
) -> Result<Vec<BotRule>, CommandProblem> {
    if drafts.len() > MOST_RULES {
        return Err(Problem::unprocessable("rules", format!("At most {MOST_RULES}."))
            .with("limit", MOST_RULES)
            .into());
    }
    let mut beside = BotRules::default();
    for (place, draft) in drafts.iter().enumerate() {
        let within = |problem: CommandProblem| {
            let problem = Problem::from(problem);
            let field = format!("rules[{place}].{}", problem.field_name().unwrap_or_default());
            CommandProblem::from(problem.field(field))
        };
        let rule = draft.rule(place).map_err(within)?;
        known(commands, account, &rule.actions).await.map_err(within)?;
        if beside.get(rule.id).is_some() {
            return Err(
                Problem::unprocessable(format!("rules[{place}].id"), "There is another of this id.").into()
            );
        }
        let events =
            Define(rule).decide(&beside, Timestamp::from_secs(0)).map_err(|refusal| match refusal {
                Rejection::Invalid { field, reason } => {
                    Problem::unprocessable(format!("rules[{place}].{field}"), format!("`{field}`: {reason}."))
                }
                Rejection::NameTaken { field, value } => Problem::unprocessable(
                    format!("rules[{place}].{field}"),
                    format!("There is another with this {field}: '{value}'."),
                ),
                Rejection::NotFound | Rejection::ChangedMeanwhile { .. } => Problem::internal(),
            })?;
        events.iter().for_each(|event| beside.evolve(event, Timestamp::from_secs(0)));
    }
    Ok(beside.iter().cloned().collect())
}
