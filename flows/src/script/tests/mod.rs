//! Tests of the scripts, and what they run on.

mod calls;
mod library;
mod limits;
mod views;
mod words;

use super::*;
use serde_json::{Value, json};
use std::sync::Arc;

const MOMENT: Moment = Moment {
    now_ms: 1_772_366_400_000,
    dice: 1,
};

fn sample() -> Arc<Value> {
    Arc::new(json!({
        "name": "Ada",
        "n": 5,
        "nil": null,
        "one": 1.0,
        "big": 18_446_744_073_709_551_615_u64,
        "tag": "vip",
        "len": "own",
        "items": [
            { "sku": "A", "qty": 2, "price": 1.5, "tags": ["x", "y"] },
            { "sku": "B", "qty": 0, "price": 10, "tags": [] }
        ]
    }))
}

fn scope() -> Scope {
    let mut outputs = Outputs::new(Arc::new(Ids::new(["price", "ship-it", "skipped"])));
    outputs.set(0, Some(Arc::new(json!({ "total": 12.5 }))));
    outputs.set(1, Some(Arc::new(json!([1, 2]))));
    Scope::new()
        .with(Name::Input, sample())
        .with_steps(Arc::new(outputs))
}

fn try_run(source: &str, bounds: &Bounds) -> Result<Arc<Value>, Error> {
    let script = compile(source, Form::Script)?;
    eval(&script, &scope(), MOMENT, bounds)
}

fn run(source: &str) -> Value {
    match try_run(source, &Bounds::default()) {
        Ok(value) => (*value).clone(),
        Err(error) => panic!("{source}: {} at {}:{}", error, error.line, error.column),
    }
}

fn error(source: &str) -> Error {
    match try_run(source, &Bounds::default()) {
        Ok(value) => panic!("{source} gave {value}"),
        Err(error) => error,
    }
}

fn table(cases: &[(&str, Value)]) {
    for (source, wanted) in cases {
        assert_eq!(&run(source), wanted, "{source}");
    }
}
