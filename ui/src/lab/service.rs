//! The answers of the lab: pure, from a question and what the lab was told before.

use std::{collections::BTreeMap, sync::Arc};

use serde::Serialize;
use serde_json::{Value, json};
use weir_flows::{
    advance::Stamp,
    builtin,
    catalog::Catalog,
    check::{Checked, Names, check_flow, check_text, check_value},
    compute::{Computed, compute},
    document::{Config, Flow, Format, Step},
    plan::Plan,
    rehearsal::{Rehearsed, Sketch, mocks_of, rehearse},
    schedule::Schedule,
    schema::Schema,
    script::{self, Bounds, Form, Ids, Interrupt, Moment, Name, Outputs, path::Path},
    template::Template,
};

use super::{
    protocol::{
        Document, EvaluateRows, Fires, FunctionEntry, Misfit, Mistake, Outcome, Rehearsal,
        Rehearse, Request, Satisfies, Scope, Source,
    },
    rehearsal,
    shown::Room,
};

/// How much work one script may do. Less than on the server: a preview that takes longer helps nobody.
const OPERATIONS: u64 = 500_000;

/// How much memory one script may take, in bytes.
const MEMORY: u64 = 64 << 20;

/// The largest value that is shown as a whole, in bytes of JSON.
const MOST: usize = 64 << 10;

/// The most instants of a schedule in one answer.
const MOST_FIRES: usize = 100;

/// The dice of the lab, so that a preview does not change without a reason.
const DICE: u64 = 0x5745_4952;

/// What answers: the language's own checks and machine, with what the page told it.
pub(super) struct Service {
    catalog: Arc<Catalog>,
    names: Option<Names>,
    bounds: Bounds,
}

impl Service {
    /// A lab that was told nothing yet. `interrupt` may stop a script that runs for too long.
    pub(super) fn new(interrupt: Option<Interrupt>) -> Service {
        Service {
            catalog: Arc::new(builtin::catalog()),
            names: None,
            bounds: Bounds {
                operations: OPERATIONS,
                memory_bytes: MEMORY,
                interrupt,
                ..Bounds::default()
            },
        }
    }

    /// The answer to a request, as JSON.
    ///
    /// # Errors
    /// The answer cannot be written, which says something about this code only.
    pub(super) fn answer(&mut self, request: Request) -> Result<String, serde_json::Error> {
        match request {
            Request::Know(know) => {
                self.catalog = know.catalog;
                self.names = know.names.map(|names| Names {
                    flows: None,
                    connections: names.connections,
                    secrets: names.secrets,
                });
                written(&())
            }
            Request::Check(check) => written(&self.check(check.document).problems),
            Request::Evaluate(evaluate) => {
                written(&self.evaluate(&evaluate.source, &evaluate.scope))
            }
            Request::EvaluateRows(rows) => written(&self.rows(rows)),
            Request::Rehearse(rehearse) => written(&self.rehearse(rehearse)),
            Request::Functions(_) => written(&functions()),
            Request::Fires(wish) => written(&fires(&wish)),
            Request::Satisfies(wish) => written(&satisfies(&wish)),
        }
    }

    fn check(&self, document: Document) -> Checked {
        let (catalog, names) = (&self.catalog, self.names.as_ref());
        match document {
            Document::Text(text) => check_text(&text, catalog, names),
            Document::Json(value) => check_value(&value, catalog, names),
            Document::Flow(flow) => check_flow(Arc::unwrap_or_clone(flow), catalog, names),
        }
    }

    fn evaluate(&self, source: &Source, scope: &Scope) -> Result<Value, Mistake> {
        let moment = moment(scope);
        let compiled = |text: &str, form| script::compile(text, form).map_err(Mistake::from);
        let seen = sight(scope);
        let value = match source {
            Source::Expression(text) => {
                let script = compiled(text, Form::Expression)?;
                script::eval(&script, &seen, moment, &self.bounds)?
            }
            Source::Script(text) => {
                let script = compiled(text, Form::Script)?;
                script::eval(&script, &seen, moment, &self.bounds)?
            }
            Source::Condition(text) => {
                let script = compiled(text, Form::Expression)?;
                let holds = script::eval_bool(&script, &seen, moment, &self.bounds)?;
                Arc::new(holds.into())
            }
            Source::Template(value) => {
                let template = Template::compile(value, true, "").map_err(|errors| {
                    errors
                        .into_iter()
                        .next()
                        .map(Mistake::from)
                        .unwrap_or_default()
                })?;
                template.eval(&seen, moment, &self.bounds)?
            }
            Source::Path(text) => {
                let path = Path::parse(text).map_err(|error| Mistake {
                    message: error.message,
                    line: 1,
                    column: error.offset + 1,
                    at: String::new(),
                })?;
                let found = path.select(&scope.input);
                return Ok(json!({
                    "found": Room::for_one(MOST).show(&json!(found)),
                    "singular": path.is_singular(),
                }));
            }
            Source::Fields(rows) => self.fields(rows.clone(), scope)?,
        };
        Ok(Room::for_one(MOST).show(&value))
    }

    fn rows(&self, wish: EvaluateRows) -> Vec<Result<Value, Mistake>> {
        let mut room = Room::for_many(MOST, 16 * MOST);
        let row = |row: Value| {
            let to: Vec<String> = row
                .get("to")
                .and_then(Value::as_str)
                .unwrap_or_default()
                .split('.')
                .map(str::to_owned)
                .collect();
            let object = self.fields(vec![row], &wish.scope)?;
            let value = to
                .iter()
                .try_fold(object.as_ref(), |value, name| value.get(name));
            Ok(room.show(value.unwrap_or(&Value::Null)))
        };
        wish.rows.into_iter().map(row).collect()
    }

    /// What a `fields` step with these rows gives.
    fn fields(&self, rows: Vec<Value>, scope: &Scope) -> Result<Arc<Value>, Mistake> {
        const STEP: &str = "fields";
        let failed = |message: String| Mistake {
            message,
            ..Mistake::default()
        };
        let step = Step {
            kind: STEP.to_owned(),
            config: Config::from_iter([(STEP.to_owned(), Value::Array(rows))]),
            ..Step::default()
        };
        let flow = Flow {
            format: Format::Flow1,
            id: STEP.to_owned(),
            title: String::new(),
            description: String::new(),
            settings: Default::default(),
            triggers: BTreeMap::new(),
            steps: BTreeMap::from([(STEP.to_owned(), step)]),
            links: Vec::new(),
            tests: Vec::new(),
            layout: BTreeMap::new(),
        };
        let plan = Plan::compile(Arc::new(flow), &self.catalog).map_err(|error| {
            let bare = error.strip_prefix("step `fields`: ").unwrap_or(&error);
            failed(bare.to_owned())
        })?;
        let (input, seen) = (&scope.input, sight(scope));
        let given = compute(
            &plan.steps[0].body,
            input,
            &seen,
            moment(scope),
            &self.bounds,
        );
        match given {
            Ok(Computed { output, .. }) => Ok(output.unwrap_or_else(|| Arc::clone(input))),
            Err(failure) => Err(Mistake {
                line: failure.at.map_or(0, |at| at.line),
                column: failure.at.map_or(0, |at| at.column),
                ..failed(failure.message)
            }),
        }
    }

    fn rehearse(&self, wish: Rehearse) -> Rehearsal {
        let checked = self.check(wish.document);
        let Checked { problems, flow, .. } = checked;
        let Some(flow) = flow else {
            let outcome = Outcome::Impossible(
                "this is not a flow yet: correct what stands in the way first".to_owned(),
            );
            return Rehearsal {
                problems,
                outcome,
                items: BTreeMap::new(),
            };
        };
        let mut mocks = mocks_of(&flow);
        mocks.extend(wish.mocks);
        let stamp = Stamp {
            now_ms: wish.now_ms,
            dice: DICE,
        };
        let played = Sketch::compile(&flow, &problems, &self.catalog).and_then(|sketch| {
            let trigger = wish.trigger.as_deref();
            rehearse(
                &sketch.plan,
                trigger,
                wish.message,
                &mocks,
                stamp,
                &self.bounds,
            )
            .map(|came| (sketch, came))
        });
        let mut items = BTreeMap::new();
        let outcome = match played {
            Ok((sketch, Rehearsed::Run { run, records })) => {
                items = rehearsal::first_items(&sketch, &run, &records);
                Outcome::Run(Box::new(rehearsal::detail(&sketch, &run)))
            }
            Ok((_, Rehearsed::Filtered)) => Outcome::Filtered,
            Ok((_, Rehearsed::Refused(problems))) => Outcome::Refused(problems),
            Ok((_, Rehearsed::Failed(failure))) => Outcome::Failed(failure),
            Err(message) => Outcome::Impossible(message),
        };
        Rehearsal {
            problems,
            outcome,
            items,
        }
    }
}

impl From<script::Error> for Mistake {
    fn from(error: script::Error) -> Self {
        Mistake {
            message: error.message,
            line: error.line,
            column: error.column,
            at: String::new(),
        }
    }
}

impl From<weir_flows::template::Error> for Mistake {
    fn from(error: weir_flows::template::Error) -> Self {
        Mistake {
            at: error.at,
            ..error.error.into()
        }
    }
}

/// What the scripts of a question see.
fn sight(scope: &Scope) -> script::Scope {
    let mut outputs = Outputs::new(Arc::new(Ids::new(scope.steps.keys())));
    for (position, output) in scope.steps.values().enumerate() {
        outputs.set(position, Some(Arc::clone(output)));
    }
    let values = [
        (Name::Trigger, &scope.trigger),
        (Name::Input, &scope.input),
        (Name::Run, &scope.run),
        (Name::Vars, &scope.vars),
        (Name::Error, &scope.error),
        (Name::Output, &scope.output),
    ];
    let mut seen = script::Scope::new().with_steps(Arc::new(outputs));
    for (name, value) in values {
        seen.set(name, Arc::clone(value));
    }
    if let Some(item) = &scope.item {
        seen.set(Name::Item, Arc::clone(&item.value));
        seen.set(Name::Index, Arc::new(item.index.into()));
    }
    seen
}

fn moment(scope: &Scope) -> Moment {
    Moment {
        now_ms: scope.now_ms,
        dice: DICE,
    }
}

fn functions() -> Vec<FunctionEntry> {
    let entry = |function: &script::Function| FunctionEntry {
        name: function.name.to_owned(),
        signature: function.signature.to_owned(),
        group: function.group.title().to_owned(),
        doc: function.doc.to_owned(),
        example: function.example.to_owned(),
        result: function.result.to_owned(),
    };
    script::functions().iter().map(entry).collect()
}

fn fires(wish: &Fires) -> Result<Vec<weir_flows::schedule::Fire>, Vec<Misfit>> {
    let misfit = |(at, message)| Misfit { at, message };
    Schedule::new(&wish.config)
        .map(|schedule| schedule.next_fires(wish.after_ms, wish.count.min(MOST_FIRES)))
        .map_err(|problems| problems.into_iter().map(misfit).collect())
}

fn satisfies(wish: &Satisfies) -> Result<Vec<weir_flows::problem::Problem>, Misfit> {
    Schema::compile(&wish.schema)
        .map(|schema| schema.check(&wish.value))
        .map_err(|(at, message)| Misfit { at, message })
}

fn written(answer: &impl Serialize) -> Result<String, serde_json::Error> {
    serde_json::to_string(answer)
}

#[cfg(test)]
mod tests;
