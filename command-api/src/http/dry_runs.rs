//! Dry runs of bot rules and automation rules over the past.

use super::catalogue::ItemRoutes;
use super::merge_patch::{Members, merged};
use super::{AppState, actions, bot_rules};
use crate::problem::CommandProblem;
use aide::axum::ApiRouter;
use aide::axum::routing::post_with;
use axum::extract::State;
use commands::Commands;
use commands::dry_run::{AutomationDryRun, DryRun, DryRunError, Span};
use domain::automation::Rules;
use domain::catalogue::{Catalogue, Define, Rejection};
use domain::{Decide, Evolve};
use event_schemas::automation::AutomationRule;
use event_schemas::bot::BotRule;
use event_schemas::{AccountId, Timestamp, UserId};
use gate::{Caller, Json, Problem, Supervisor, parse_value};
use schemars::{JsonSchema, Schema, SchemaGenerator};
use serde::Deserialize;
use serde_json::Value;
use std::borrow::Cow;
use std::marker::PhantomData;
use std::sync::Arc;
use uuid::Uuid;

pub(super) fn routes() -> ApiRouter<Arc<Commands>> {
    ApiRouter::new()
        .api_route(
            "/v1/bot-rules/dry-run",
            post_with(dry_run, |op| {
                op.id("dryRunBotRules").tag("bot").summary("Test bot rules on past messages").description(
                    "The rules are evaluated for the customers' messages of the span, by the same code as in live \
                     operation. Nothing is stored. The acts of the live bot in the span are left out; the acts of \
                     people stay. A span contains at most 250,000 events.",
                )
            }),
        )
        .api_route(
            "/v1/automation-rules/dry-run",
            post_with(dry_run_automation, |op| {
                op.id("dryRunAutomationRules")
                    .tag("automation")
                    .summary("Test automation rules on past events")
                    .description(
                        "The conditions of the active rules are compared with the events and waits of the span, and \
                         with the state that each conversation had then. No action is executed and nothing is \
                         stored, so a rule does not see the consequences of another. A span contains at most \
                         250,000 events.",
                    )
            }),
        )
}

/// A kind of rule that can be tested on the past.
trait TestedRule: ItemRoutes {
    /// The name of the schema of a draft.
    const DRAFT: &'static str;
    /// Checks that the items that the rule refers to exist.
    fn check_parts(
        &self,
        commands: &Commands,
        account: AccountId,
    ) -> impl Future<Output = Result<(), CommandProblem>> + Send;
}

impl TestedRule for BotRule {
    const DRAFT: &'static str = "DraftRule";
    async fn check_parts(&self, commands: &Commands, account: AccountId) -> Result<(), CommandProblem> {
        bot_rules::check_references(commands, account, &self.actions).await
    }
}

impl TestedRule for AutomationRule {
    const DRAFT: &'static str = "DraftAutomationRule";
    async fn check_parts(&self, commands: &Commands, account: AccountId) -> Result<(), CommandProblem> {
        actions::check_references(commands, account, &self.actions).await
    }
}

/// Draft rules, and a span of the past.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, bound(deserialize = "R: Deserialize<'de>"))]
#[schemars(rename = "{R}s")]
struct Draft<R> {
    /// The rules to test. Absent for the account's own rules.
    #[serde(default)]
    rules: Option<Vec<R>>,
    from: Timestamp,
    until: Timestamp,
    /// The number of examples of each kind.
    #[serde(default = "five")]
    #[schemars(range(max = 100))]
    examples: usize,
}

fn five() -> usize {
    5
}

const MOST_EXAMPLES: usize = 100;
const MOST_RULES: usize = 1_000;

impl<R> Draft<R> {
    fn span(&self) -> Result<Span, Problem> {
        if self.until <= self.from {
            return Err(Problem::unprocessable("until", "The span must end after it begins."));
        }
        if self.examples > MOST_EXAMPLES {
            return Err(Problem::unprocessable("examples", format!("At most {MOST_EXAMPLES}."))
                .with("limit", MOST_EXAMPLES));
        }
        Ok(Span { from: self.from, until: self.until })
    }
}

/// A rule to test: the fields of a new rule, and optionally the id of the rule that it would change.
#[derive(Debug, Deserialize)]
#[serde(transparent, bound = "")]
struct DraftRule<T>(Members, #[serde(skip)] PhantomData<fn() -> T>);

impl<T: TestedRule> JsonSchema for DraftRule<T> {
    fn schema_name() -> Cow<'static, str> {
        T::DRAFT.into()
    }
    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        let mut schema = T::Spec::json_schema(generator);
        let id = generator.subschema_for::<Option<T::Id>>();
        if let Some(properties) = schema.ensure_object().get_mut("properties").and_then(Value::as_object_mut)
        {
            properties.insert("id".to_owned(), id.into());
        }
        schema
    }
}

impl<T: TestedRule> DraftRule<T> {
    fn rule(&self, index: usize, author: UserId) -> Result<T, CommandProblem> {
        let mut members = self.0.clone();
        // Rules of the same priority are evaluated in the order of their ids.
        let id = match members.take("id") {
            None | Some(Value::Null) => T::Id::from(Uuid::from_u128(index as u128 + 1)),
            Some(id) => parse_value(id).map_err(|problem| problem.field("id"))?,
        };
        Ok(T::of(id, author, merged::<T>(Members::default(), &members)?))
    }
}

async fn dry_run(
    State(commands): AppState,
    Supervisor(caller): Supervisor,
    Json(draft): Json<Draft<DraftRule<BotRule>>>,
) -> Result<Json<DryRun>, CommandProblem> {
    let (account, span) = (caller.account, draft.span()?);
    let catalogues = commands.bot_catalogues(account).await?;
    let rules = match &draft.rules {
        Some(drafts) => checked(&commands, &caller, drafts).await?,
        None => catalogues.rules.state.iter().cloned().collect(),
    };
    let playbook =
        catalogues.compile(&rules, catalogues.handoff_rules.state.iter(), &catalogues.settings())?;
    let _permit = commands.dry_runs.take(account).await.ok_or_else(Problem::internal)?;
    commands.dry_run(account, Arc::new(playbook), span, draft.examples).await.map(Json).map_err(problem_of)
}

async fn dry_run_automation(
    State(commands): AppState,
    Supervisor(caller): Supervisor,
    Json(draft): Json<Draft<DraftRule<AutomationRule>>>,
) -> Result<Json<AutomationDryRun>, CommandProblem> {
    let (account, span) = (caller.account, draft.span()?);
    let rules: Vec<AutomationRule> = match &draft.rules {
        Some(drafts) => checked(&commands, &caller, drafts).await?,
        None => {
            commands.catalogue::<AutomationRule>(account).current().await?.state.iter().cloned().collect()
        }
    };
    let rules = Rules::compile(&rules).map_err(|error| {
        Problem::unprocessable("rules", format!("These rules cannot be tested: {error}."))
    })?;
    let _permit = commands.dry_runs.take(account).await.ok_or_else(Problem::internal)?;
    commands.dry_run_automation(account, rules, span, draft.examples).await.map(Json).map_err(problem_of)
}

fn problem_of(error: DryRunError) -> CommandProblem {
    match error {
        DryRunError::TooManyEvents { limit } => {
            let detail = format!("The span contains more than {limit} events: use a shorter one.");
            Problem::unprocessable("until", detail).with("limit", limit).into()
        }
        DryRunError::Load(error) => error.into(),
        DryRunError::Panicked => Problem::internal().into(),
    }
}

/// The drafts as rules, each checked together with those before it, as when they are defined.
async fn checked<T: TestedRule>(
    commands: &Commands,
    caller: &Caller,
    drafts: &[DraftRule<T>],
) -> Result<Vec<T>, CommandProblem> {
    if drafts.len() > MOST_RULES {
        return Err(Problem::unprocessable("rules", format!("At most {MOST_RULES}."))
            .with("limit", MOST_RULES)
            .into());
    }
    let mut defined = Catalogue::<T>::default();
    for (index, draft) in drafts.iter().enumerate() {
        let with_index = |problem: CommandProblem| {
            let problem = Problem::from(problem);
            let field = format!("rules[{index}].{}", problem.field_name().unwrap_or_default());
            CommandProblem::from(problem.field(field))
        };
        let rule = draft.rule(index, caller.user).map_err(with_index)?;
        rule.check_parts(commands, caller.account).await.map_err(with_index)?;
        if defined.get(rule.id()).is_some() {
            return Err(
                Problem::unprocessable(format!("rules[{index}].id"), "Another rule has this id.").into()
            );
        }
        let events =
            Define(rule).decide(&defined, Timestamp::from_secs(0)).map_err(|refusal| match refusal {
                Rejection::Invalid { field, reason } => {
                    Problem::unprocessable(format!("rules[{index}].{field}"), format!("`{field}`: {reason}."))
                }
                Rejection::NameTaken { field, value } => Problem::unprocessable(
                    format!("rules[{index}].{field}"),
                    format!("Another rule has this {field}: '{value}'."),
                ),
                Rejection::NotFound | Rejection::ChangedMeanwhile { .. } => Problem::internal(),
            })?;
        events.iter().for_each(|event| defined.evolve(event, Timestamp::from_secs(0)));
    }
    Ok(defined.iter().cloned().collect())
}
