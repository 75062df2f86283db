//! Numbers and money: decimals, rounding as merchants do it, reading and printing in local style.

use super::{Fallible, define, documented};
use crate::script::bounds;
use crate::script::error::complaint;
use crate::script::function::Function;
use rhai::{Dynamic, EvalAltResult, FLOAT, INT, Module};
use rust_decimal::prelude::{FromPrimitive, ToPrimitive};
use rust_decimal::{Decimal, RoundingStrategy};

/// Any kind of number, or text that is one, as a decimal.
pub(super) fn decimal(value: &Dynamic) -> Fallible<Decimal> {
    if let Ok(decimal) = value.as_decimal() {
        return Ok(decimal);
    }
    if let Ok(integer) = value.as_int() {
        return Ok(integer.into());
    }
    if let Ok(float) = value.as_float() {
        return of_float(float);
    }
    if let Ok(text) = value.as_immutable_string_ref() {
        return parse(&text, '.');
    }
    Err(complaint(
        "only a number, or text that is one, can become a decimal",
    ))
}

/// A float as the decimal that its shortest text says: 0.1 is 0.1.
fn of_float(float: FLOAT) -> Fallible<Decimal> {
    let text = float.to_string();
    text.parse()
        .ok()
        .or_else(|| Decimal::from_f64(float))
        .ok_or_else(|| complaint(format!("{text} is too large or too small for a decimal")))
}

/// A float as JSON prints it.
pub(super) fn float_text(float: FLOAT) -> String {
    serde_json::Number::from_f64(float)
        .map_or_else(|| float.to_string(), |number| number.to_string())
}

/// The digits of a number in the style that has this decimal mark. Other marks that people
/// group digits with are skipped.
fn digits(text: &str, mark: char) -> Fallible<String> {
    let wrong = || {
        complaint(format!(
            "`{}` is not a number",
            text.chars().take(40).collect::<String>()
        ))
    };
    let mut plain = String::with_capacity(text.len());
    for letter in text.trim().chars() {
        match letter {
            '0'..='9' | '-' | '+' | 'e' | 'E' => plain.push(letter),
            '−' => plain.push('-'),
            _ if letter == mark => plain.push('.'),
            '.' | ',' | '\'' | '’' | '_' | ' ' | '\u{a0}' | '\u{202f}' | '\u{2009}' => {
                // Groups stand between digits and before the decimal mark.
                if !plain.ends_with(|c: char| c.is_ascii_digit()) || plain.contains('.') {
                    return Err(wrong());
                }
            }
            _ => return Err(wrong()),
        }
    }
    if plain.is_empty() {
        return Err(wrong());
    }
    Ok(plain)
}

fn parse(text: &str, mark: char) -> Fallible<Decimal> {
    let plain = digits(text, mark)?;
    plain
        .parse::<Decimal>()
        .ok()
        .or_else(|| Decimal::from_scientific(&plain).ok())
        .ok_or_else(|| complaint(format!("`{}` is not a number", text.trim())))
}

/// An integer if it is written as one and fits, else a float.
fn parse_number(text: &str, mark: char) -> Fallible<Dynamic> {
    let plain = digits(text, mark)?;
    if !plain.contains(['.', 'e', 'E']) {
        if let Ok(integer) = plain.parse::<INT>() {
            return Ok(integer.into());
        }
        if let Ok(large) = plain.parse::<Decimal>() {
            return Ok(Dynamic::from_decimal(large));
        }
    }
    match plain.parse::<FLOAT>() {
        Ok(float) if float.is_finite() => Ok(float.into()),
        _ => Err(complaint(format!("`{}` is not a number", text.trim()))),
    }
}

fn mark(text: &str) -> Fallible<char> {
    match text {
        "." | "," => Ok(if text == "." { '.' } else { ',' }),
        other => Err(complaint(format!(
            "the decimal mark is \".\" or \",\", not `{other}`"
        ))),
    }
}

fn places(digits: INT) -> Fallible<u32> {
    u32::try_from(digits)
        .ok()
        .filter(|digits| *digits <= 28)
        .ok_or_else(|| {
            complaint(format!(
                "a number cannot have {digits} decimal places; 0 to 28 work"
            ))
        })
}

fn round_float(float: FLOAT, digits: INT, how: RoundingStrategy) -> Fallible<FLOAT> {
    let digits = places(digits)?;
    // Beyond what a decimal holds a float has no places to round.
    match of_float(float) {
        Ok(decimal) => Ok(decimal
            .round_dp_with_strategy(digits, how)
            .to_string()
            .parse()
            .unwrap_or(float)),
        Err(_) => Ok(float),
    }
}

fn format_number(value: &Dynamic, digits: INT, point: &str, group: &str) -> Fallible<String> {
    let digits = places(digits)?;
    let exact = decimal(value)?;
    let rounded = exact.round_dp_with_strategy(digits, RoundingStrategy::MidpointAwayFromZero);
    let text = format!("{:.*}", digits as usize, rounded.abs());
    let (whole, fraction) = text.split_once('.').unwrap_or((&text, ""));
    let mut out = String::new();
    if rounded.is_sign_negative() && !rounded.is_zero() {
        out.push('-');
    }
    for (place, digit) in whole.chars().enumerate() {
        if place > 0 && (whole.len() - place) % 3 == 0 {
            out.push_str(group);
        }
        out.push(digit);
    }
    if !fraction.is_empty() {
        out.push_str(point);
        out.push_str(fraction);
    }
    bounds::text_of(out.len())?;
    Ok(out)
}

fn divide(one: Decimal, two: Decimal) -> Fallible<Decimal> {
    one.checked_div(two).ok_or_else(|| {
        EvalAltResult::ErrorArithmetic("division by zero".into(), rhai::Position::NONE).into()
    })
}

/// Puts the functions into the module.
pub(super) fn register(module: &mut Module) {
    define!(
        module,
        "decimal" | "to_decimal" | "parse_decimal",
        |value: Dynamic| decimal(&value)
    );
    define!(
        module,
        "decimal" | "parse_decimal",
        |text: &str, point: &str| parse(text, mark(point)?)
    );
    define!(module, "parse_number", |text: &str| parse_number(text, '.'));
    define!(module, "parse_number", |text: &str, point: &str| {
        parse_number(text, mark(point)?)
    });
    define!(module, "parse_float", |text: &str| -> Fallible<FLOAT> {
        text.trim()
            .parse::<FLOAT>()
            .ok()
            .filter(|float| float.is_finite())
            .ok_or_else(|| complaint(format!("`{}` is not a number", text.trim())))
    });
    define!(module, "parse_int", |text: &str| -> Fallible<INT> {
        text.trim()
            .parse::<INT>()
            .map_err(|_| complaint(format!("`{}` is not a whole number", text.trim())))
    });
    define!(module, "is_number", |value: Dynamic| {
        value.is_int()
            || value.is_decimal()
            || value.as_float().is_ok_and(FLOAT::is_finite)
            || value
                .as_immutable_string_ref()
                .is_ok_and(|text| parse_number(&text, '.').is_ok())
    });
    define!(
        module,
        "round" | "round_half_up",
        |float: FLOAT, digits: INT| {
            round_float(float, digits, RoundingStrategy::MidpointAwayFromZero)
        }
    );
    define!(module, "round_half_even", |float: FLOAT, digits: INT| {
        round_float(float, digits, RoundingStrategy::MidpointNearestEven)
    });
    define!(module, "round_up", |float: FLOAT, digits: INT| {
        round_float(float, digits, RoundingStrategy::AwayFromZero)
    });
    define!(module, "round_down", |float: FLOAT, digits: INT| {
        round_float(float, digits, RoundingStrategy::ToZero)
    });
    define!(
        module,
        "round" | "round_half_up",
        |decimal: Decimal, digits: INT| -> Fallible<Decimal> {
            Ok(decimal
                .round_dp_with_strategy(places(digits)?, RoundingStrategy::MidpointAwayFromZero))
        }
    );
    define!(module, "round_half_even", |decimal: Decimal,
                                        digits: INT|
     -> Fallible<Decimal> {
        Ok(decimal.round_dp_with_strategy(places(digits)?, RoundingStrategy::MidpointNearestEven))
    });
    define!(module, "round", |decimal: Decimal| {
        decimal.round_dp_with_strategy(0, RoundingStrategy::MidpointAwayFromZero)
    });
    define!(
        module,
        "round" | "round_half_up" | "round_half_even" | "round_up" | "round_down",
        |whole: INT, _digits: INT| whole
    );
    define!(module, "round" | "floor" | "ceiling", |whole: INT| whole);
    define!(module, "to_int", |whole: INT| whole);
    define!(module, "to_float", |float: FLOAT| float);
    define!(module, "to_float", |decimal: Decimal| -> Fallible<FLOAT> {
        decimal
            .to_string()
            .parse()
            .map_err(|_| complaint("the decimal does not fit a float"))
    });
    define!(module, "to_int", |decimal: Decimal| -> Fallible<INT> {
        decimal
            .trunc()
            .to_i64()
            .ok_or_else(|| complaint(format!("{decimal} is too large for a whole number")))
    });
    define!(module, "scale", |decimal: Decimal| INT::from(
        decimal.scale()
    ));
    define!(module, "with_scale", |decimal: Decimal,
                                   digits: INT|
     -> Fallible<Decimal> {
        let digits = places(digits)?;
        let mut fixed =
            decimal.round_dp_with_strategy(digits, RoundingStrategy::MidpointAwayFromZero);
        fixed.rescale(digits);
        Ok(fixed)
    });
    define!(module, "div", |one: Dynamic, two: Dynamic| divide(
        decimal(&one)?,
        decimal(&two)?
    ));
    define!(module, "format_number", |value: Dynamic, digits: INT| {
        format_number(&value, digits, ".", "")
    });
    define!(
        module,
        "format_number",
        |value: Dynamic, digits: INT, point: &str, group: &str| {
            format_number(&value, digits, point, group)
        }
    );
    define!(module, "clamp", |value: INT, low: INT, high: INT| value
        .max(low)
        .min(high));
    define!(module, "clamp", |value: FLOAT, low: FLOAT, high: FLOAT| {
        value.max(low).min(high)
    });
    define!(
        module,
        "clamp",
        |value: Decimal, low: Decimal, high: Decimal| value.max(low).min(high)
    );
    define!(module, "percent", |value: Dynamic,
                                percent: Dynamic|
     -> Fallible<Decimal> {
        decimal(&value)?
            .checked_mul(decimal(&percent)?)
            .and_then(|product| product.checked_div(Decimal::ONE_HUNDRED))
            .ok_or_else(|| complaint("the number is too large"))
    });
}

/// The documentation.
pub(super) const FUNCTIONS: &[Function] = documented! { Number;
    "decimal" "decimal(number or text, mark?) -> decimal", "A decimal number, exact to 28 digits: use it for money. It calculates with other decimals and with whole numbers, and becomes a JSON number in a result. With the mark \",\" it reads 1.234,56.", "decimal(\"1.10\") + decimal(\"2.20\")" => "3.3";
    "to_decimal" "to_decimal(number) -> decimal", "The same as decimal.", "to_decimal(0.1) * 3" => "0.3";
    "parse_decimal" "parse_decimal(text, mark?) -> decimal", "The same as decimal, for text.", "parse_decimal(\"1.234,56\", \",\").to_string()" => r#""1234.56""#;
    "parse_number" "parse_number(text, mark?) -> number", "Reads a number; whole if it is written so. With the mark \",\" it reads 1.234,56. Spaces, apostrophes and underscores may group digits.", "parse_number(\"1.234,56\", \",\")" => "1234.56";
    "parse_float" "parse_float(text) -> number", "Reads a number with a point.", "parse_float(\" 2.50 \")" => "2.5";
    "parse_int" "parse_int(text, base?) -> number", "Reads a whole number.", "parse_int(\"ff\", 16)" => "255";
    "is_number" "is_number(value) -> bool", "Whether it is a number or text that is one.", "[is_number(\"12.5\"), is_number(\"12 apples\")]" => "[true,false]";
    "round" "round(number, places?) -> number", "Rounds halves away from zero, as merchants do. A float counts as its decimal text: 1.005 rounds to 1.01.", "round(1.005, 2)" => "1.01";
    "round_half_up" "round_half_up(number, places) -> number", "The same as round with places.", "round_half_up(2.345, 2)" => "2.35";
    "round_half_even" "round_half_even(number, places) -> number", "Rounds halves to the even neighbour, as banks do.", "[round_half_even(0.125, 2), round_half_even(0.135, 2)]" => "[0.12,0.14]";
    "round_half_down" "round_half_down(decimal, places) -> decimal", "Rounds halves toward zero.", "round_half_down(decimal(\"2.345\"), 2)" => "2.34";
    "round_up" "round_up(number, places) -> number", "Rounds away from zero.", "round_up(2.001, 2)" => "2.01";
    "round_down" "round_down(number, places) -> number", "Rounds toward zero.", "round_down(2.009, 2)" => "2.0";
    "floor" "floor(number) -> number", "The whole number below.", "floor(2.7)" => "2.0";
    "ceiling" "ceiling(number) -> number", "The whole number above.", "ceiling(2.1)" => "3.0";
    "to_int" "to_int(number) -> number", "Cuts the places off.", "to_int(2.9)" => "2";
    "to_float" "to_float(number) -> number", "As a number with a point.", "to_float(2) / 4" => "0.5";
    "scale" "scale(decimal) -> number", "How many places a decimal has.", "scale(decimal(\"1.10\"))" => "2";
    "with_scale" "with_scale(decimal, places) -> decimal", "Rounds or fills to exactly so many places.", "with_scale(decimal(\"1.5\"), 2).to_string()" => r#""1.50""#;
    "div" "div(number, number) -> decimal", "Exact division. `/` between whole numbers drops the rest: 7 / 2 is 3.", "div(7, 2)" => "3.5";
    "format_number" "format_number(number, places, mark?, group?) -> text", "Prints with fixed places, a decimal mark and a mark between thousands.", "format_number(1234567.5, 2, \",\", \".\")" => r#""1.234.567,50""#;
    "clamp" "clamp(number, low, high) -> number", "Not less than low, not more than high.", "clamp(120, 0, 100)" => "100";
    "percent" "percent(number, percent) -> decimal", "That many hundredths of it, exactly.", "percent(\"49.90\", 19)" => "9.481";
};
