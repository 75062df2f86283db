//! When the steps of a run took place: for each one its attempts and waits as bars along the time of the run.

use leptos::prelude::*;

use crate::{
    api::{RunDetail, StepDetail, StepStatus},
    clock,
};

/// A bar narrower than this share of the run would not be seen.
const THINNEST: f64 = 0.012;

/// A stretch of the time of a run, as shares of it from 0 to 1.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Bar {
    left: f64,
    width: f64,
    /// `good`, `bad`, `busy`, `undo`, or `wait` for the time before and between attempts.
    tone: &'static str,
}

/// From when to when a run took, in milliseconds since 1970.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Stretch {
    from: f64,
    to: f64,
}

impl Stretch {
    /// The time of a run, up to now where it goes on. None where it took no time that could be drawn.
    pub(super) fn of(run: &RunDetail) -> Option<Stretch> {
        let from = clock::parse(&run.started_at)?;
        let to = match run.ended_at.as_deref() {
            Some(ended) => clock::parse(ended)?,
            None => clock::ticking(),
        };
        (to > from).then_some(Stretch { from, to })
    }

    /// The bars of a step. `read` gives the instant that a text names.
    pub(super) fn bars(self, step: &StepDetail, read: impl Fn(&str) -> Option<f64>) -> Vec<Bar> {
        let at = |text: &Option<String>| text.as_deref().and_then(&read);
        let mut bars = Vec::new();
        if step.attempts.is_empty() {
            if let Some(from) = at(&step.started_at).filter(|_| !step.taken_over) {
                let tone = match (&step.failure, step.status) {
                    (Some(_), _) => "bad",
                    (None, StepStatus::Waiting) => "wait",
                    (None, StepStatus::Running) => "busy",
                    (None, _) => "good",
                };
                bars.extend(self.bar(from, at(&step.ended_at), tone));
            }
            return bars;
        }
        // The first may have waited for its turn.
        let mut before = at(&step.started_at);
        for attempt in &step.attempts {
            let Some(from) = at(&attempt.started_at) else {
                continue;
            };
            if let Some(before) = before.filter(|_| !attempt.undo) {
                bars.extend(self.bar(before, Some(from), "wait"));
            }
            let end = at(&attempt.ended_at);
            let tone = match (&attempt.failure, attempt.undo, end) {
                (Some(_), ..) => "bad",
                (None, true, _) => "undo",
                (None, false, Some(_)) => "good",
                (None, false, None) => "busy",
            };
            bars.extend(self.bar(from, end, tone));
            before = end;
        }
        let waits = step.attempts.last().filter(|_| step.ended_at.is_none());
        if let (Some(from), Some(_)) = (before, waits.and_then(|last| at(&last.retry_at))) {
            bars.extend(self.bar(from, None, "wait"));
        }
        bars
    }

    /// A bar that ends with the run where it has no end.
    fn bar(self, from: f64, to: Option<f64>, tone: &'static str) -> Option<Bar> {
        let whole = self.to - self.from;
        let share = |instant: f64| ((instant - self.from) / whole).clamp(0.0, 1.0);
        let (left, right) = (share(from), share(to.unwrap_or(self.to)));
        if tone == "wait" && right <= left {
            return None;
        }
        let width = (right - left).max(THINNEST);
        Some(Bar {
            left: left.min(1.0 - width),
            width,
            tone,
        })
    }
}

/// Draws the bars of a step. They say nothing that is not also written beside them.
pub(super) fn step_bar(bars: Vec<Bar>) -> impl IntoView {
    let percent = |share: f64| format!("{:.2}%", share * 100.0);
    let bars = bars.into_iter().map(|bar| {
        view! { <i class=bar.tone style:left=percent(bar.left) style:width=percent(bar.width)></i> }
    });
    view! { <span class="step-bar" aria-hidden="true">{bars.collect_view()}</span> }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn bars(step: serde_json::Value) -> Vec<(f64, f64, &'static str)> {
        let stretch = Stretch {
            from: 1_000.0,
            to: 2_000.0,
        };
        let step: StepDetail = serde_json::from_value(step).unwrap();
        let read = |text: &str| text.parse().ok();
        let bars = stretch.bars(&step, read).into_iter();
        let round = |share: f64| (share * 1_000.0).round() / 1_000.0;
        bars.map(|bar| (round(bar.left), round(bar.width), bar.tone))
            .collect()
    }

    #[test]
    fn a_step_without_attempts_is_one_bar() {
        let step = json!({ "status": "succeeded", "started_at": "1100", "ended_at": "1300" });
        assert_eq!(bars(step), [(0.1, 0.2, "good")]);
        // What took no time is seen all the same, and stays within the run.
        let step = json!({ "status": "succeeded", "started_at": "2000", "ended_at": "2000" });
        assert_eq!(bars(step), [(0.988, THINNEST, "good")]);
        let waiting = json!({ "status": "waiting", "started_at": "1500", "waits_until": "9000", "waits_for": "callback" });
        assert_eq!(bars(waiting), [(0.5, 0.5, "wait")]);
        // An `each` step that is underway.
        let running = json!({ "status": "running", "started_at": "1500" });
        assert_eq!(bars(running), [(0.5, 0.5, "busy")]);
        let skipped = json!({ "status": "skipped" });
        assert_eq!(bars(skipped), []);
        let taken = json!({ "status": "succeeded", "taken_over": true, "started_at": "900", "ended_at": "900" });
        assert_eq!(bars(taken), []);
    }

    #[test]
    fn attempts_stand_apart_with_the_wait_between_them() {
        let failure = json!({ "class": "transient", "message": "no" });
        let step = json!({ "status": "succeeded", "started_at": "1000", "ended_at": "1900", "attempts": [
            { "number": 1, "started_at": "1000", "ended_at": "1200", "failure": failure, "retry_at": "1700" },
            { "number": 2, "started_at": "1700", "ended_at": "1900" },
            { "number": 1, "started_at": "1950", "undo": true }
        ] });
        assert_eq!(
            bars(step),
            [
                (0.0, 0.2, "bad"),
                (0.2, 0.5, "wait"),
                (0.7, 0.2, "good"),
                (0.95, 0.05, "undo")
            ]
        );
        let waiting = json!({ "status": "waiting", "started_at": "1000", "attempts": [
            { "number": 1, "started_at": "1000", "ended_at": "1400", "failure": failure, "retry_at": "9000" }
        ] });
        assert_eq!(bars(waiting), [(0.0, 0.4, "bad"), (0.4, 0.6, "wait")]);
        let queued = json!({ "status": "waiting", "started_at": "1200", "queued_since": "1200" });
        assert_eq!(bars(queued), [(0.2, 0.8, "wait")]);
        let step = json!({ "status": "succeeded", "started_at": "1000", "ended_at": "1400", "attempts": [
            { "number": 1, "started_at": "1300", "ended_at": "1400" }
        ] });
        assert_eq!(bars(step), [(0.0, 0.3, "wait"), (0.3, 0.1, "good")]);
        let running =
            json!({ "status": "running", "attempts": [{ "number": 1, "started_at": "1500" }] });
        assert_eq!(bars(running), [(0.5, 0.5, "busy")]);
    }
}
