//! Identifiers and chance, all from the dice of the turn.

use super::{Fallible, define, documented};
use crate::script::bounds;
use crate::script::error::complaint;
use crate::script::function::Function;
use rhai::{FLOAT, INT, Module};
use uuid::{Builder, Uuid};

fn bytes() -> [u8; 16] {
    (u128::from(bounds::roll()) << 64 | u128::from(bounds::roll())).to_be_bytes()
}

/// A number from low to high, both included, without bias.
fn between(low: INT, high: INT) -> Fallible<INT> {
    if low > high {
        return Err(complaint(format!(
            "there is no number from {low} to {high}"
        )));
    }
    let span = high.wrapping_sub(low) as u64;
    let Some(count) = span.checked_add(1) else {
        return Ok(bounds::roll() as INT);
    };
    let fair = u64::MAX - u64::MAX % count;
    loop {
        let roll = bounds::roll();
        if roll < fair || fair == 0 {
            return Ok(low.wrapping_add((roll % count) as INT));
        }
        bounds::spend(1)?;
    }
}

/// Puts the functions into the module.
pub(super) fn register(module: &mut Module) {
    let volatile = |name: &'static str| rhai::FuncRegistration::new(name).with_volatility(true);
    volatile("uuid").set_into_module(module, || {
        Builder::from_random_bytes(bytes()).into_uuid().to_string()
    });
    volatile("uuid7").set_into_module(module, || {
        let millis = u64::try_from(bounds::now_ms()).unwrap_or(0);
        let mut random = [0; 10];
        random.copy_from_slice(&bytes()[..10]);
        Builder::from_unix_timestamp_millis(millis, &random)
            .into_uuid()
            .to_string()
    });
    define!(module, "is_uuid", |text: &str| Uuid::try_parse(text)
        .is_ok());
    volatile("random").set_into_module(module, || {
        (bounds::roll() >> 11) as FLOAT / (1_u64 << 53) as FLOAT
    });
    volatile("random").set_into_module(module, between);
}

/// The documentation. Examples run with the dice at 1.
pub(super) const FUNCTIONS: &[Function] = documented! { Random;
    "uuid" "uuid() -> text", "A new random identifier (version 4). A repetition of the turn gives the same one.", "is_uuid(uuid()) && uuid() != uuid()" => "true";
    "uuid7" "uuid7() -> text", "A new identifier that sorts by time (version 7).", "uuid7().left(8)" => r#""019ca945""#;
    "is_uuid" "is_uuid(text) -> bool", "Whether it is one.", "is_uuid(\"4711\")" => "false";
    "random" "random() -> number; random(low, high) -> number", "A number from 0 up to 1, or a whole one from low to high.", "let r = random(1, 6); r >= 1 && r <= 6" => "true";
};
