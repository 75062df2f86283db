//! From source to a compiled script, with the checks that need no data.

use super::engine::{self, Shared};
use super::error::{self, Error, ErrorKind};
use super::scope::{Name, STANDARD_NAMES};
use super::thaw::{CHANGING, CHANGING_TEXT};
use super::view::MapView;
use rhai::{
    AST, ASTNode, Expr, FuncRegistration, ImmutableString, Module, Position, Scope as RhaiScope,
    Stmt,
};
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
    names: Vec<(ImmutableString, Slot, bool)>,
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
        self.0.names.iter().map(|(name, ..)| name.as_str())
    }

    pub(crate) fn ast(&self) -> &AST {
        &self.0.ast
    }

    /// The names the script reads, what fills them, and whether the script changes them.
    pub(crate) fn slots(&self) -> &[(ImmutableString, Slot, bool)] {
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
    engine::begin_source();
    let parsed = match form {
        Form::Expression if source.trim().is_empty() => {
            return Err(Error::whole(ErrorKind::Syntax, "the expression is empty"));
        }
        Form::Expression => shared.engine.compile_expression_with_scope(&scope, source),
        Form::Script => shared.engine.compile_with_scope(&scope, source),
    };
    let mut ast = parsed.map_err(|problem| error::from_parse(&problem, &names))?;
    let found = inspect(&ast, &names);
    if let Some(place) = found.wrapped_this {
        return Err(Error::at(
            ErrorKind::Syntax,
            "`this` cannot be put into another value; give the closure a parameter, as in `|item| [item]`",
            place,
        ));
    }
    check_functions(&ast, &found, shared)?;
    ast.combine(AST::new_from_module(getters(&found.properties)));
    let names = found
        .names
        .into_iter()
        .map(|name| {
            (
                ImmutableString::from(name),
                slot(name),
                found.changed.contains(name),
            )
        })
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

/// Getters for the fields that a script reads by name. The engine would find each field without
/// them, but only after it has looked for a getter and put the failure into words.
fn getters(properties: &BTreeSet<String>) -> Module {
    let mut module = Module::new();
    for property in properties {
        let key = property.clone();
        FuncRegistration::new_getter(property)
            .with_purity(true)
            .set_into_module(&mut module, move |map: &mut MapView| map.field(&key));
    }
    module
}

/// What the syntax tree tells.
#[derive(Default)]
struct Found<'n> {
    names: BTreeSet<&'n str>,
    /// Names whose value the script sets, or on whose value it calls a function that changes it.
    changed: BTreeSet<String>,
    steps: Vec<StepReference>,
    calls: Vec<(ImmutableString, Position)>,
    methods: Vec<(ImmutableString, Position)>,
    /// Keys of map literals and names of properties: a function may be kept under any of them.
    properties: BTreeSet<String>,
    /// Where `this` is put into a list or a map. A loop that does only this could nest values
    /// deeper than the stack bears, without ever reading a variable, which is when they are
    /// measured.
    wrapped_this: Option<Position>,
}

fn inspect<'n>(ast: &AST, names: &[&'n str]) -> Found<'n> {
    let mut found = Found::default();
    ast.walk(&mut |path: &[ASTNode]| {
        match path.last() {
            Some(ASTNode::Expr(expression)) => found.expression(expression, names),
            Some(ASTNode::Stmt(Stmt::FnCall(call, place))) if call.op_token.is_none() => {
                found.calls.push((call.name.clone(), *place));
                if let Some(first) = call.args.first().filter(|_| changes(&call.name)) {
                    found.changed.extend(root(first));
                }
            }
            Some(ASTNode::Stmt(Stmt::Assignment(assignment))) => {
                found.changed.extend(root(&assignment.1.lhs));
                if !matches!(assignment.1.lhs, Expr::ThisPtr(_)) {
                    found.note_this(&assignment.1.rhs);
                }
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
                if let Some(first) = call.args.first().filter(|_| changes(&call.name)) {
                    self.changed.extend(root(first));
                }
            }
            Expr::MethodCall(call, place) => self.methods.push((call.name.clone(), *place)),
            Expr::Property(property, _) => {
                self.properties.insert(property.2.to_string());
            }
            Expr::Array(items, _) => items.iter().for_each(|item| self.note_this(item)),
            Expr::Map(map, _) => {
                map.0.iter().for_each(|(_, item)| self.note_this(item));
                self.properties
                    .extend(map.0.iter().map(|(key, _)| key.name.to_string()));
            }
            Expr::Dot(chain, ..) | Expr::Index(chain, ..) => {
                let on_steps =
                    matches!(&chain.lhs, Expr::Variable(name, ..) if name.1.as_str() == "steps");
                if on_steps {
                    self.steps.extend(step_of(&chain.rhs));
                }
                if calls_changing(&chain.rhs) {
                    self.changed.extend(root(expression));
                }
            }
            _ => {}
        }
    }
}

impl Found<'_> {
    fn note_this(&mut self, part: &Expr) {
        match part {
            Expr::ThisPtr(place) => {
                self.wrapped_this.get_or_insert(*place);
            }
            Expr::And(parts, _) | Expr::Or(parts, _) | Expr::Coalesce(parts, _) => {
                parts.iter().for_each(|part| self.note_this(part));
            }
            Expr::Stmt(block) => {
                let mut inside = Vec::new();
                for statement in block.statements() {
                    statement.walk(&mut inside, &mut |path: &[ASTNode]| {
                        if let Some(ASTNode::Expr(Expr::ThisPtr(place))) = path.last() {
                            self.wrapped_this.get_or_insert(*place);
                        }
                        true
                    });
                }
            }
            _ => {}
        }
    }
}

/// The variable that a chain of fields and items starts from.
fn root(chain: &Expr) -> Option<String> {
    match chain {
        Expr::Variable(variable, ..) => Some(variable.1.to_string()),
        Expr::Dot(chain, ..) | Expr::Index(chain, ..) => root(&chain.lhs),
        _ => None,
    }
}

/// Whether a chain goes on to a function that changes what it is called on.
fn calls_changing(rest: &Expr) -> bool {
    match rest {
        Expr::MethodCall(call, _) => changes(&call.name),
        Expr::Dot(chain, ..) | Expr::Index(chain, ..) => {
            calls_changing(&chain.lhs) || calls_changing(&chain.rhs)
        }
        _ => false,
    }
}

fn changes(function: &str) -> bool {
    // `split` changes a list but is nearly always called on a text, which it does not change.
    function != "split" && (CHANGING.contains(&function) || CHANGING_TEXT.contains(&function))
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
            let message =
                error::unknown_function(name, known.chain(own.iter().map(String::as_str)));
            Err(Error::at(ErrorKind::Syntax, message, place))
        }
    }
}
