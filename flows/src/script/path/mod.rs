//! JSONPath (RFC 9535), compiled once.
//!
//! `jsonpath-rust` reads the query; what it gives is checked more strictly and evaluated here:
//! a singular query walks straight to its node, regular expressions are compiled once, and a
//! caller can stop a query that visits too much.

mod plan;
mod select;

use plan::{Segment, Step};
use serde_json::Value;
use std::fmt;

/// A compiled query.
#[derive(Clone, Debug)]
pub struct Path {
    source: String,
    plan: Plan,
}

#[derive(Clone, Debug)]
enum Plan {
    /// At most one node: keys and indexes only.
    Singular(Vec<Step>),
    General(Vec<Segment>),
}

/// Why a text is not a query.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{message} (at character {})", offset + 1)]
pub struct PathError {
    /// What is wrong.
    pub message: String,
    /// Where, in characters from 0.
    pub offset: usize,
}

impl Path {
    /// Compiles a query. It is well-formed and well-typed as RFC 9535 says; nothing beyond the
    /// RFC is accepted.
    pub fn parse(source: &str) -> Result<Self, PathError> {
        let segments = plan::compile(source)?;
        let steps: Option<Vec<Step>> = segments.iter().map(Segment::step).collect();
        Ok(Self {
            source: source.to_owned(),
            plan: match steps {
                Some(steps) => Plan::Singular(steps),
                None => Plan::General(segments),
            },
        })
    }

    /// The query as it was written.
    pub fn source(&self) -> &str {
        &self.source
    }

    /// Whether it can only give one node or none.
    pub fn is_singular(&self) -> bool {
        matches!(self.plan, Plan::Singular(_))
    }

    /// Every node the query selects, in the order of the RFC; a node may come more than once.
    pub fn select<'v>(&self, root: &'v Value) -> Vec<&'v Value> {
        self.select_while(root, &mut |_| true).unwrap_or_default()
    }

    /// The first node, if there is one.
    pub fn first<'v>(&self, root: &'v Value) -> Option<&'v Value> {
        match &self.plan {
            Plan::Singular(steps) => select::walk(steps, root),
            Plan::General(_) => self.select(root).first().copied(),
        }
    }

    /// The same as [`Path::select`], asking now and then whether to go on after so many more
    /// visited nodes; `None` if it was stopped.
    pub fn select_while<'v>(
        &self,
        root: &'v Value,
        go_on: &mut dyn FnMut(usize) -> bool,
    ) -> Option<Vec<&'v Value>> {
        match &self.plan {
            Plan::Singular(steps) => Some(select::walk(steps, root).into_iter().collect()),
            Plan::General(segments) => select::all(segments, root, go_on),
        }
    }
}

impl fmt::Display for Path {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(&self.source)
    }
}

impl std::str::FromStr for Path {
    type Err = PathError;

    fn from_str(source: &str) -> Result<Self, PathError> {
        Self::parse(source)
    }
}
