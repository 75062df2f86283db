//! From source to a compiled script, with the checks that need no data.

use super::engine::{self, Shared};
use super::error::{self, Error, ErrorKind};
use super::scope::{Name, STANDARD_NAMES};
use rhai::{AST, ASTNode, Expr, ImmutableString, Position, Scope as RhaiScope, Stmt};
use std::collections::BTreeSet;
use std::fmt;
use std::sync::Arc;

/// Longest source of a script, in bytes.
const SOURCE_BYTES: usize = 256 << 10;

/// What kind of source a script is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Form {
    /// One expression: no `let`, no loops, no statements.
    Expression,
    /// Statements; the value of the last one is the result.
    Script,
}

/// A compiled script. Cheap to clone, and shared between threads.
#[derive(Clone)]
pub struct Script(Arc<Compiled>);

struct Compiled {
    source: String,
    form: Form,
    ast: AST,
    names: Vec<(ImmutableString, Slot)>,
    steps: Vec<StepReference>,
}

/// What a name of the scope is filled with.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Slot {
    Value(Name),
    Steps,
    Http,
    Nothing,
}

/// A place where a script reads the output of a step.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StepReference {
    /// The step's id as written.
    pub id: String,
    /// The line, counted from 1.
    pub line: usize,
    /// The column, counted from 1.
    pub column: usize,
}

impl Script {
    /// The source as it was given.
    pub fn source(&self) -> &str {
        &self.0.source
    }

    /// Expression or statements.
    pub fn form(&self) -> Form {
        self.0.form
    }

    /// Every place that names a step, as in `steps.price` or `steps["ship-it"]`.
    pub fn steps(&self) -> &[StepReference] {
        &self.0.steps
    }

    /// The names of the scope that the script reads.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.0.names.iter().map(|(name, _)| name.as_str())
    }

    pub(crate) fn ast(&self) -> &AST {
        &self.0.ast
    }

    pub(crate) fn slots(&self) -> &[(ImmutableString, Slot)] {
        &self.0.names
    }
}

impl fmt::Debug for Script {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.debug_tuple("Script").field(&self.source()).finish()
    }
}

/// Compiles a source that sees the standard names.
pub fn compile(source: &str, form: Form) -> Result<Script, Error> {
    compile_with(source, form, &[])
}

/// Compiles a source that sees the standard names and some more: `cursor` in a poll, `http` in
/// a script action.
pub fn compile_with(source: &str, form: Form, extra: &[&str]) -> Result<Script, Error> {
    if source.len() > SOURCE_BYTES {
        return Err(Error::whole(
            ErrorKind::Syntax,
            format!(
                "the script is {} bytes long: the limit is {SOURCE_BYTES}",
                source.len()
            ),
        ));
    }
    let shared = engine::shared();
    let names: Vec<&str> = STANDARD_NAMES.iter().chain(extra).copied().collect();
    let mut scope = RhaiScope::new();
    for name in &names {
        scope.push(*name, ());
    }
    let parsed = match form {
        Form::Expression if source.trim().is_empty() => {
            return Err(Error::whole(ErrorKind::Syntax, "the expression is empty"));
        }
        Form::Expression => shared.engine.compile_expression_with_scope(&scope, source),
        Form::Script => shared.engine.compile_with_scope(&scope, source),
    };
    let ast = parsed.map_err(|problem| error::from_parse(&problem, &names))?;
    let found = inspect(&ast, &names);
    check_functions(&ast, &found, shared)?;
    let names = found
        .names
        .into_iter()
        .map(|name| (ImmutableString::from(name), slot(name)))
        .collect();
    Ok(Script(Arc::new(Compiled {
        source: source.to_owned(),
        form,
        ast,
        names,
        steps: found.steps,
    })))
}

fn slot(name: &str) -> Slot {
    match name {
        "steps" => Slot::Steps,
        "http" => Slot::Http,
        other => Name::ALL
            .into_iter()
            .find(|candidate| candidate.as_str() == other)
            .map_or(Slot::Nothing, Slot::Value),
    }
}

/// What the syntax tree tells.
#[derive(Default)]
struct Found<'n> {
    names: BTreeSet<&'n str>,
    steps: Vec<StepReference>,
    calls: Vec<(ImmutableString, Position)>,
    methods: Vec<(ImmutableString, Position)>,
    /// Keys of map literals and names of properties: a function may be kept under any of them.
    properties: BTreeSet<String>,
}

fn inspect<'n>(ast: &AST, names: &[&'n str]) -> Found<'n> {
    let mut found = Found::default();
    ast.walk(&mut |path: &[ASTNode]| {
        match path.last() {
            Some(ASTNode::Expr(expression)) => found.expression(expression, names),
            Some(ASTNode::Stmt(Stmt::FnCall(call, place))) if call.op_token.is_none() => {
                found.calls.push((call.name.clone(), *place));
            }
            _ => {}
        }
        true
    });
    found
}

impl<'n> Found<'n> {
    fn expression(&mut self, expression: &Expr, names: &[&'n str]) {
        match expression {
            Expr::Variable(variable, ..) => {
                if let Some(name) = names.iter().find(|name| **name == variable.1.as_str()) {
                    self.names.insert(name);
                }
            }
            Expr::FnCall(call, place) if call.op_token.is_none() => {
                self.calls.push((call.name.clone(), *place));
            }
            Expr::MethodCall(call, place) => self.methods.push((call.name.clone(), *place)),
            Expr::Property(property, _) => {
                self.properties.insert(property.2.to_string());
            }
            Expr::Map(map, _) => {
                self.properties
                    .extend(map.0.iter().map(|(key, _)| key.name.to_string()));
            }
            Expr::Dot(chain, ..) | Expr::Index(chain, ..) => {
                let on_steps =
                    matches!(&chain.lhs, Expr::Variable(name, ..) if name.1.as_str() == "steps");
                if on_steps {
                    self.steps.extend(step_of(&chain.rhs));
                }
            }
            _ => {}
        }
    }
}

/// The id in what follows `steps.` or `steps[`.
fn step_of(rest: &Expr) -> Option<StepReference> {
    let (id, place) = match rest {
        Expr::Property(property, place) => (property.2.clone(), *place),
        Expr::StringConstant(text, place) => (text.clone(), *place),
        Expr::Dot(chain, ..) | Expr::Index(chain, ..) => return step_of(&chain.lhs),
        _ => return None,
    };
    Some(StepReference {
        id: id.to_string(),
        line: place.line().unwrap_or(0),
        column: place.position().unwrap_or(0),
    })
}

/// Every function that is called must exist, under any number and types of parameters.
fn check_functions(ast: &AST, found: &Found<'_>, shared: &Shared) -> Result<(), Error> {
    let own: BTreeSet<String> = ast.iter_functions().map(|f| f.name.to_owned()).collect();
    let unknown = |name: &str| !shared.functions.contains(name) && !own.contains(name);
    let mut first: Option<(&ImmutableString, Position)> = None;
    let candidates = found.calls.iter().chain(
        found
            .methods
            .iter()
            .filter(|(name, _)| !found.properties.contains(name.as_str())),
    );
    for (name, place) in candidates {
        let named = rhai::is_valid_function_name(name);
        if named && unknown(name) && first.is_none_or(|(_, earliest)| *place < earliest) {
            first = Some((name, *place));
        }
    }
    match first {
        None => Ok(()),
        Some((name, place)) => {
            let known = shared.functions.iter().map(String::as_str);
            let message = error::unknown_function(name, known.chain(own.iter().map(String::as_str)));
            Err(Error::at(ErrorKind::Syntax, message, place))
        }
    }
}
