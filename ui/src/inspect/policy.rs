//! What a step does when things go wrong, in words.

use weir_flows::document::{Backoff, Flow, Join, OnError, Retry, Step};

use crate::texts::{Texts, fill};

/// The policy of a step, as far as its document says something: what, and how.
pub(crate) fn lines(t: &Texts, flow: &Flow, id: &str, step: &Step) -> Vec<(&'static str, String)> {
    let mut lines = Vec::new();
    if let Some(retry) = &step.retry {
        lines.push((t.panel_retry, retry_words(t, retry)));
    }
    if let Some(timeout) = &step.timeout {
        lines.push((t.panel_timeout, timeout.to_string()));
    }
    if let Some(deadline) = &step.deadline {
        lines.push((t.panel_deadline, deadline.to_string()));
    }
    if let Some(concurrency) = &step.concurrency {
        lines.push((t.panel_at_once, concurrency.limit.to_string()));
    }
    if let Some(rate) = &step.rate {
        let (n, time) = (rate.limit.to_string(), rate.per.to_string());
        let words = fill(t.panel_rate_within, &[("n", &n), ("time", &time)]);
        lines.push((t.panel_rate, words));
    }
    if let Some(cache) = &step.cache {
        lines.push((t.panel_cache, cache.ttl.to_string()));
    }
    let takes_error = flow
        .links
        .iter()
        .any(|link| link.from == id && link.port() == "error");
    match (takes_error, step.on_error) {
        (true, _) => lines.push((t.panel_on_error, t.panel_on_error_links.to_owned())),
        (false, Some(OnError::Continue)) => {
            lines.push((t.panel_on_error, t.panel_on_error_continue.to_owned()))
        }
        (false, Some(OnError::Stop)) => {
            lines.push((t.panel_on_error, t.panel_on_error_stop.to_owned()))
        }
        (false, None) => (),
    }
    if step.join == Some(Join::Any) {
        lines.push((t.panel_join, t.panel_join_any.to_owned()));
    }
    if let Some(idempotent) = step.idempotent {
        lines.push((
            t.panel_idempotent,
            (if idempotent { t.yes } else { t.no }).to_owned(),
        ));
    }
    lines
}

fn retry_words(t: &Texts, retry: &Retry) -> String {
    let n = retry.attempts.map_or("∞".to_owned(), |n| n.to_string());
    let delay = retry
        .delay
        .as_ref()
        .map_or("1s".to_owned(), ToString::to_string);
    let constant = retry.backoff == Some(Backoff::Constant);
    let pattern = if constant {
        t.panel_retry_constant
    } else {
        t.panel_retry_growing
    };
    let mut words = fill(pattern, &[("n", &n), ("delay", &delay)]);
    if let (Some(max), false) = (&retry.max_delay, constant) {
        words = format!(
            "{words}, {}",
            fill(t.panel_retry_max, &[("max", &max.to_string())])
        );
    }
    words
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::texts::ENGLISH;

    #[test]
    fn a_policy_is_said_in_words() {
        let flow: Flow = serde_json::from_value(json!({
            "format": "weir/flow@1", "id": "f",
            "steps": { "a": { "kind": "http", "timeout": "10s", "idempotent": true,
                "retry": { "attempts": 5, "delay": "1s", "max_delay": "1m" } }, "b": { "kind": "map" } },
            "links": [ { "from": "a", "port": "error", "to": "b" } ]
        }))
        .unwrap();
        assert_eq!(
            lines(&ENGLISH, &flow, "a", &flow.steps["a"]),
            [
                (
                    "Attempts",
                    "up to 5, from 1s, doubling, at most 1m".to_owned()
                ),
                ("Time per attempt", "10s".to_owned()),
                ("If it fails", "the error path is taken".to_owned()),
                ("Repeatable", "yes".to_owned()),
            ]
        );
        assert!(lines(&ENGLISH, &flow, "b", &flow.steps["b"]).is_empty());
    }
}
