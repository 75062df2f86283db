//! A duration as documents write it: `250ms`, `10s`, `5m`, `2h`, `7d`.

use std::{borrow::Cow, fmt, str::FromStr};

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

/// The longest duration a document may name: ten years, in milliseconds.
const LONGEST: u64 = 3_653 * 86_400_000;

/// A length of time. It keeps the text its author wrote, so that printing changes nothing.
#[derive(Clone, Debug)]
pub struct Duration {
    text: String,
    millis: u64,
}

impl Duration {
    /// The length in milliseconds.
    pub fn millis(&self) -> u64 {
        self.millis
    }

    /// The text its author wrote.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// A duration of so many milliseconds, in the largest unit that divides it.
    pub fn from_millis(millis: u64) -> Self {
        let (factor, unit) = [
            (86_400_000, "d"),
            (3_600_000, "h"),
            (60_000, "m"),
            (1_000, "s"),
        ]
        .into_iter()
        .find(|(factor, _)| millis > 0 && millis.is_multiple_of(*factor))
        .unwrap_or((1, "ms"));
        Duration {
            text: format!("{}{unit}", millis / factor),
            millis,
        }
    }
}

/// Two durations are equal when they last equally long, however they are written.
impl PartialEq for Duration {
    fn eq(&self, other: &Self) -> bool {
        self.millis == other.millis
    }
}

impl Eq for Duration {}

impl FromStr for Duration {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let wrong = || {
            format!(
                "`{text}` is not a duration; write a whole number and a unit: 250ms, 10s, 5m, 2h or 7d"
            )
        };
        let split = text.find(|c: char| !c.is_ascii_digit()).ok_or_else(wrong)?;
        let (number, unit) = text.split_at(split);
        let factor = match unit {
            "ms" => 1,
            "s" => 1_000,
            "m" => 60_000,
            "h" => 3_600_000,
            "d" => 86_400_000,
            _ => return Err(wrong()),
        };
        let number: u64 = number.parse().map_err(|_| wrong())?;
        match number.checked_mul(factor) {
            Some(millis) if millis <= LONGEST => Ok(Duration {
                text: text.to_owned(),
                millis,
            }),
            _ => Err(format!(
                "`{text}` is longer than ten years; write a shorter duration"
            )),
        }
    }
}

impl fmt::Display for Duration {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

impl Serialize for Duration {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.text)
    }
}

impl<'de> Deserialize<'de> for Duration {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Cow::<str>::deserialize(deserializer)?
            .parse()
            .map_err(de::Error::custom)
    }
}

impl JsonSchema for Duration {
    fn schema_name() -> Cow<'static, str> {
        "Duration".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({ "type": "string", "pattern": "^[0-9]+(ms|s|m|h|d)$", "examples": ["250ms", "10s", "5m", "2h", "7d"] })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_are_read_and_written_as_they_came() {
        for (text, millis) in [
            ("250ms", 250),
            ("10s", 10_000),
            ("5m", 300_000),
            ("2h", 7_200_000),
            ("7d", 604_800_000),
            ("60s", 60_000),
        ] {
            let duration: Duration = text.parse().unwrap();
            assert_eq!(duration.millis(), millis);
            assert_eq!(duration.to_string(), text);
        }
        assert_eq!(Duration::from_millis(90_000).text(), "90s");
        assert_eq!(Duration::from_millis(0).text(), "0ms");
    }

    #[test]
    fn what_is_no_duration_is_refused_with_advice() {
        for text in [
            "",
            "10",
            "s",
            "1.5s",
            "-1s",
            "10 s",
            "10S",
            "1w",
            "99999999999999999999s",
            "4000d",
        ] {
            let error = text.parse::<Duration>().unwrap_err();
            assert!(error.contains("duration"), "{text}: {error}");
        }
    }
}
