//! What limits the attempts of a step or the runs of a flow, and for how long what a step gave is used again.

use leptos::prelude::*;
use serde_json::{Map, Value, json};
use weir_flows::{
    builtin::CALL,
    catalog::{Entry, FieldKind},
};

use super::{
    field::FieldView,
    phrases::field,
    slot::{Sheet, Slot},
};
use crate::texts::{Texts, texts};

/// What the policies need, and what stands there where only another key was given.
const AT_ONCE: &[(&str, Usual)] = &[("limit", Usual::One)];
const RATE: &[(&str, Usual)] = &[("limit", Usual::One), ("per", Usual::Time("1s"))];
const CACHE: &[(&str, Usual)] = &[("ttl", Usual::Time("5m"))];

/// What stands where nothing was given.
#[derive(Clone, Copy)]
enum Usual {
    One,
    Time(&'static str),
}

impl Usual {
    fn value(self) -> Value {
        match self {
            Usual::One => json!(1),
            Usual::Time(text) => json!(text),
        }
    }
}

/// The fields of a limit on what is underway at once.
pub(super) fn at_once(
    sheet: Sheet,
    title: fn(&Texts) -> &'static str,
    help: fn(&Texts) -> &'static str,
) -> AnyView {
    let whole = policy(sheet, "/concurrency", AT_ONCE);
    let limit = most(&whole, i64::from(u32::MAX), title, help);
    let key = key(&whole, |t| t.form_limit_key_help);
    view! { <FieldView of=limit/> <FieldView of=key/> }.into_any()
}

/// The fields for a step. What has no meaning for it is shown only where it stands there all the same.
pub(super) fn limits(sheet: Sheet, entry: &Entry) -> AnyView {
    let t = texts();
    let set = Memo::new(move |_| {
        let policies = ["/concurrency", "/rate", "/cache"];
        policies.iter().any(|at| sheet.has(at))
    });
    // A call waits for a run that may come to the same step, so nothing limits it.
    let means = entry.action.is_some() && entry.kind != CALL;
    if !means && !set.get_untracked() {
        return ().into_any();
    }
    let rate = policy(sheet, "/rate", RATE);
    let most = most(&rate, 1_000_000, |t| t.panel_rate, |t| t.form_rate_help);
    let per = time(
        &rate,
        "per",
        |t| t.form_rate_per,
        |t| t.form_rate_per_help,
        "1s",
    );
    let rate_key = key(&rate, |t| t.form_limit_key_help);
    let cache = policy(sheet, "/cache", CACHE);
    let ttl = time(
        &cache,
        "ttl",
        |t| t.panel_cache,
        |t| t.form_cache_help,
        "5m",
    );
    let cache_key = key(&cache, |t| t.form_cache_key_help);
    view! {
        <details class="form-more" open=set.get_untracked() data-testid="limits">
            <summary>{t.form_limits} {move || set.get().then(|| view! { <span class="section-dot"></span> })}</summary>
            <div class="form-more-body">
                {at_once(sheet, |t| t.panel_at_once, |t| t.form_at_once_help)}
                <FieldView of=most/>
                <FieldView of=per/>
                <FieldView of=rate_key/>
                <FieldView of=ttl/>
                <FieldView of=cache_key/>
            </div>
        </details>
    }
    .into_any()
}

fn most(
    whole: &Slot,
    max: i64,
    title: fn(&Texts) -> &'static str,
    help: fn(&Texts) -> &'static str,
) -> Slot {
    let kind = FieldKind::Integer { min: 1, max };
    whole.child("limit", field("limit", kind, title, help))
}

fn time(
    whole: &Slot,
    name: &'static str,
    title: fn(&Texts) -> &'static str,
    help: fn(&Texts) -> &'static str,
    example: &'static str,
) -> Slot {
    let field = field(name, FieldKind::Duration, title, help).example(example);
    whole.child(name, field)
}

fn key(whole: &Slot, help: fn(&Texts) -> &'static str) -> Slot {
    let key = field("key", FieldKind::Condition, |t| t.form_limit_key, help);
    whole.child("key", key)
}

/// The slot of a whole policy, which is there with all that it needs or not at all.
fn policy(sheet: Sheet, at: &str, needs: &'static [(&'static str, Usual)]) -> Slot {
    let kind = FieldKind::Group(Vec::new());
    let nothing: fn(&Texts) -> &'static str = |_| "";
    let slot = sheet.slot(at, field("policy", kind, nothing, nothing));
    let (value, set) = (slot.value, slot.set);
    let gone = StoredValue::new(None);
    let complete = move |to: Option<Value>| {
        let before = value.get_untracked();
        let to = gone.try_update_value(|gone| completed(before, to, gone, needs));
        set.run(to.flatten());
    };
    Slot {
        set: Callback::new(complete),
        ..slot
    }
}

/// The policy with what it needs. Where that is taken away, the whole goes; it comes back as it was with what is given next, so
/// that a number can be cleared and typed anew.
fn completed(
    before: Option<Value>,
    to: Option<Value>,
    gone: &mut Option<Value>,
    needs: &[(&str, Usual)],
) -> Option<Value> {
    let Some(Value::Object(mut to)) = to else {
        *gone = before;
        return None;
    };
    let lacks = |key: &str| !to.contains_key(key);
    let had = |key: &str| before.as_ref().is_some_and(|it| it.get(key).is_some());
    if needs.iter().any(|(key, _)| lacks(key) && had(key)) {
        *gone = before;
        return None;
    }
    let was = gone.take().and_then(|gone| match gone {
        Value::Object(entries) => Some(entries),
        _ => None,
    });
    let usual = needs
        .iter()
        .map(|(key, usual)| ((*key).to_owned(), usual.value()));
    let usual: Map<String, Value> = usual.collect();
    for (key, value) in was.into_iter().flatten().chain(usual) {
        to.entry(key).or_insert(value);
    }
    Some(Value::Object(to))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_policy_is_there_with_all_that_it_needs_or_not_at_all() {
        let mut gone = None;
        let mut at = None;
        let mut put = |to: Value| {
            at = completed(
                at.take(),
                Some(to).filter(|to| !to.is_null()),
                &mut gone,
                RATE,
            );
            at.clone()
        };
        // Whichever is given first, the rest comes along.
        let written = put(json!({ "key": "trigger.body.id" }));
        let whole = json!({ "limit": 1, "per": "1s", "key": "trigger.body.id" });
        assert_eq!(written, Some(whole));
        let more = json!({ "limit": 5, "per": "2s", "key": "trigger.body.id" });
        assert_eq!(put(more.clone()), Some(more));
        // A number that is cleared takes the policy away, and what is typed next brings it back.
        assert_eq!(put(json!({ "per": "2s", "key": "trigger.body.id" })), None);
        let back = json!({ "limit": 7, "per": "2s", "key": "trigger.body.id" });
        assert_eq!(put(json!({ "limit": 7 })), Some(back));
        // A key that is cleared stays away.
        let without = json!({ "limit": 7, "per": "2s" });
        assert_eq!(put(without.clone()), Some(without));
        assert_eq!(put(Value::Null), None);
    }
}
