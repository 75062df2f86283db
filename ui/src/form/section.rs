//! Sections of a form: each can be folded, says whether something is set in it, and marks problems.

use leptos::prelude::*;
use weir_flows::problem::{Problem, Severity};

use super::place::{place_of, within};
use crate::{
    editor::Desk,
    kit::icon::{Glyph, Icon},
    settings,
    texts::texts,
};

/// A section. Its content is built when it is first open, and stays.
#[component]
pub(crate) fn Section(
    /// The word by which the browser remembers whether it is open.
    word: &'static str,
    #[prop(into)] title: String,
    desk: Desk,
    /// The places of the document that it shows.
    places: Vec<String>,
    /// Whether something is set in it.
    #[prop(into)]
    filled: Signal<bool>,
    /// Whether it is open until someone folds it.
    #[prop(optional)]
    at_first: bool,
    children: ChildrenFn,
) -> impl IntoView {
    let t = texts();
    let key = format!("weir.form.{word}");
    let remembered = settings::load(&key).map(|word| word == "open");
    let open = RwSignal::new(remembered.unwrap_or(at_first));
    let built = RwSignal::new(open.get_untracked());
    Effect::new(move || {
        if open.get() {
            built.set(true);
        }
    });
    let places = StoredValue::new(places);
    Effect::new(move || {
        let here = desk.sought.with(|sought| {
            let sought = sought.as_ref()?;
            Some(places.with_value(|places| places.iter().any(|place| within(sought, place))))
        });
        if here == Some(true) {
            open.set(true);
        }
    });
    let worst = Memo::new(move |_| {
        desk.problems
            .with(|problems| places.with_value(|places| worst(problems, places)))
    });
    let toggle = move |_| {
        let now = !open.get_untracked();
        open.set(now);
        settings::save(&key, if now { "open" } else { "folded" });
    };
    let mark = move || {
        worst.get().map(|severity| {
            let (icon, class, said) = match severity {
                Severity::Error => (Icon::CircleAlert, "section-mark bad", t.problem_error),
                Severity::Warning => (Icon::TriangleAlert, "section-mark warn", t.problem_warning),
            };
            view! { <span class=class title=said><Glyph icon size=14/><span class="unseen">{said}</span></span> }
        })
    };
    let dot = move || {
        filled.get().then(|| {
            view! { <span class="section-dot" title=t.form_filled><span class="unseen">{t.form_filled}</span></span> }
        })
    };
    let id = format!("section-{word}");
    let (test, controls) = (id.clone(), id.clone());
    view! {
        <section class="form-section" data-testid=test>
            <h3>
                <button
                    type="button"
                    class="section-head"
                    aria-expanded=move || if open.get() { "true" } else { "false" }
                    aria-controls=controls
                    on:click=toggle
                >
                    <Glyph icon=Icon::ChevronRight size=14/>
                    <span class="section-title">{title}</span>
                    {dot}
                    {mark}
                </button>
            </h3>
            <div class="section-body" id=id hidden=move || !open.get()>
                <Show when=move || built.get()>{children()}</Show>
            </div>
        </section>
    }
}

/// How bad the worst problem within some places is.
fn worst(problems: &[Problem], places: &[String]) -> Option<Severity> {
    let here = problems.iter().filter(|problem| {
        let at = place_of(problem);
        places.iter().any(|place| within(&at, place))
    });
    here.map(|problem| problem.severity).min()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_section_is_marked_by_its_worst_problem() {
        let problems = [
            Problem::warning("/steps/a/retry", "x", ""),
            Problem::error("/steps/a/config/path", "x", ""),
            Problem::error("/steps/b", "x", ""),
        ];
        let places = |list: &[&str]| list.iter().map(|at| (*at).to_owned()).collect::<Vec<_>>();
        assert_eq!(
            worst(&problems, &places(&["/steps/a/retry", "/steps/a/config"])),
            Some(Severity::Error)
        );
        assert_eq!(
            worst(&problems, &places(&["/steps/a/retry"])),
            Some(Severity::Warning)
        );
        assert_eq!(worst(&problems, &places(&["/steps/c"])), None);
    }
}
