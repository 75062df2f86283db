//! A list to pick from by a few letters: a search field that keeps the focus, and options below it (ARIA combobox).

use std::sync::Arc;

use leptos::{ev::KeyboardEvent, html, prelude::*};

use super::find::fit;
use crate::kit::icon::{Glyph, Icon};

/// How far the keys for a page go.
const PAGE: usize = 6;

/// One thing to pick.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Item<T> {
    pub(crate) pick: T,
    pub(crate) icon: Icon,
    /// The class of its colour.
    pub(crate) tone: &'static str,
    pub(crate) title: String,
    /// One line about it.
    pub(crate) detail: String,
    /// Keys, or another short mark at its end.
    pub(crate) mark: String,
    /// What else it is found by.
    pub(crate) search: Vec<String>,
    /// The heading it stands under.
    pub(crate) group: &'static str,
    /// The name that browser tests find it by.
    pub(crate) test: String,
}

/// The items that fit a query, best first within their groups; the groups in the order in which they come.
pub(crate) fn fitting<T: Clone>(items: &[Item<T>], query: &str) -> Vec<Item<T>> {
    let mut groups: Vec<&'static str> = Vec::new();
    let mut found: Vec<(usize, u32, usize)> = Vec::new();
    for (index, item) in items.iter().enumerate() {
        let mut texts = vec![item.title.as_str(), item.detail.as_str()];
        texts.extend(item.search.iter().map(String::as_str));
        let group = groups
            .iter()
            .position(|group| *group == item.group)
            .unwrap_or_else(|| {
                groups.push(item.group);
                groups.len() - 1
            });
        if let Some(score) = fit(query, &texts) {
            found.push((group, score, index));
        }
    }
    if !query.trim().is_empty() {
        // The group with the best find comes first.
        let best = |group: usize| {
            found
                .iter()
                .filter(|find| find.0 == group)
                .map(|find| find.1)
                .min()
        };
        let order: Vec<Option<u32>> = (0..groups.len()).map(best).collect();
        found.sort_by_key(|(group, score, index)| (order[*group], *group, *score, *index));
    }
    found
        .into_iter()
        .map(|(_, _, index)| items[index].clone())
        .collect()
}

/// The list. `picked` is told what was picked, `left` that Esc was pressed.
#[component]
pub(crate) fn Picker<T: Clone + Send + Sync + PartialEq + 'static>(
    /// The name of the list; it is part of the ids.
    id: &'static str,
    #[prop(into)] label: String,
    #[prop(into)] placeholder: String,
    /// What to say where nothing fits.
    #[prop(into)]
    nothing: String,
    #[prop(into)] items: Signal<Arc<Vec<Item<T>>>>,
    picked: impl Fn(T) + Clone + Send + Sync + 'static,
    left: impl Fn() + Clone + Send + Sync + 'static,
    /// Told that a pointer went down on an item, for lists whose items can be dragged away.
    #[prop(optional, into)]
    grab: Option<Callback<(T, web_sys::PointerEvent)>>,
    /// Whether it lies over the page: it has the keyboard at once, and keeps it until it is left.
    #[prop(optional)]
    modal: bool,
) -> impl IntoView {
    let query = RwSignal::new(String::new());
    let active = RwSignal::new(0_usize);
    let found = Memo::new(move |_| items.with(|items| fitting(items, &query.get())));
    let input: NodeRef<html::Input> = NodeRef::new();
    if modal {
        Effect::new(move || {
            if let Some(input) = input.get() {
                request_animation_frame(move || {
                    let _ = input.focus();
                });
            }
        });
    }
    let show = move |index: usize| {
        active.set(index);
        let option = document().get_element_by_id(&format!("{id}-{index}"));
        if let Some(option) = option {
            let options = web_sys::ScrollIntoViewOptions::new();
            options.set_block(web_sys::ScrollLogicalPosition::Nearest);
            option.scroll_into_view_with_scroll_into_view_options(&options);
        }
    };
    let keys = {
        let (picked, left) = (picked.clone(), left.clone());
        move |event: KeyboardEvent| {
            let count = found.with_untracked(Vec::len);
            let now = active.get_untracked();
            match event.key().as_str() {
                "ArrowDown" if count > 0 => show((now + 1) % count),
                "ArrowUp" if count > 0 => show((now + count - 1) % count),
                "PageDown" if count > 0 => show((now + PAGE).min(count - 1)),
                "PageUp" if count > 0 => show(now.saturating_sub(PAGE)),
                "Enter" => {
                    if let Some(item) = found.with_untracked(|found| found.get(now).cloned()) {
                        query.set(String::new());
                        active.set(0);
                        picked(item.pick);
                    }
                }
                // There is nothing else to go to.
                "Tab" if modal => (),
                "Escape" => left(),
                _ => return,
            }
            event.prevent_default();
            event.stop_propagation();
        }
    };
    let option = move |index: usize, item: &Item<T>| {
        let pick = {
            let (picked, what) = (picked.clone(), item.pick.clone());
            move |_| {
                query.set(String::new());
                picked(what.clone());
            }
        };
        let down = {
            let what = item.pick.clone();
            move |event: web_sys::PointerEvent| {
                // The search keeps the focus while an option is pressed.
                event.prevent_default();
                if let Some(grab) = grab {
                    grab.run((what.clone(), event));
                }
            }
        };
        let over = move |_| {
            if active.get_untracked() != index {
                active.set(index);
            }
        };
        let detail = (!item.detail.is_empty())
            .then(|| view! { <span class="pick-detail">{item.detail.clone()}</span> });
        let mark = (!item.mark.is_empty()).then(|| view! { <kbd>{item.mark.clone()}</kbd> });
        view! {
            <div
                id=format!("{id}-{index}")
                class=format!("pick {}", item.tone)
                class:active=move || active.get() == index
                role="option"
                aria-selected=move || if active.get() == index { "true" } else { "false" }
                data-testid="pick"
                data-pick=item.test.clone()
                title=item.detail.clone()
                on:pointerdown=down
                on:pointermove=over
                on:click=pick
            >
                <span class="pick-icon"><Glyph icon=item.icon/></span>
                <span class="pick-text"><span class="pick-title">{item.title.clone()}</span>{detail}</span>
                {mark}
            </div>
        }
    };
    let options = move || {
        found.with(|found| {
            let mut index = 0;
            let groups = found.chunk_by(|a, b| a.group == b.group).map(|items| {
                let heading = items.first().map_or("", |item| item.group);
                let options: Vec<_> = items
                    .iter()
                    .map(|item| {
                        index += 1;
                        option(index - 1, item)
                    })
                    .collect();
                view! {
                    <div role="group" aria-label=heading>
                        <div class="pick-group" aria-hidden="true">{heading}</div>
                        {options}
                    </div>
                }
            });
            groups.collect_view()
        })
    };
    let none = move || found.with(Vec::is_empty);
    view! {
        <div class="picker">
            <label class="search pick-search">
                <Glyph icon=Icon::Search/>
                <input
                    node_ref=input
                    id=format!("{id}-search")
                    type="search"
                    role="combobox"
                    aria-label=label.clone()
                    aria-expanded="true"
                    aria-autocomplete="list"
                    aria-controls=format!("{id}-list")
                    aria-activedescendant=move || (!none()).then(|| format!("{id}-{}", active.get()))
                    placeholder=placeholder
                    autocomplete="off"
                    spellcheck="false"
                    data-testid=format!("{id}-search")
                    prop:value=query
                    on:input:target=move |event| {
                        query.set(event.target().value());
                        active.set(0);
                    }
                    on:keydown=keys
                />
            </label>
            <div class="pick-list" id=format!("{id}-list") role="listbox" aria-label=label tabindex="-1">{options}</div>
            <p class="pick-none fine" role="status">{move || none().then(|| nothing.clone())}</p>
        </div>
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_group_with_the_best_find_comes_first() {
        let item = |title: &str, group| Item {
            pick: title.to_owned(),
            icon: Icon::Plus,
            tone: "",
            title: title.to_owned(),
            detail: String::new(),
            mark: String::new(),
            search: vec!["word".to_owned()],
            group,
            test: String::new(),
        };
        let items = [
            item("A mapper", "1"),
            item("Word", "2"),
            item("Map", "2"),
            item("Other", "3"),
        ];
        let names = |query| {
            fitting(&items, query)
                .into_iter()
                .map(|item| item.title)
                .collect::<Vec<_>>()
        };
        assert_eq!(names(""), ["A mapper", "Word", "Map", "Other"]);
        assert_eq!(names("map"), ["Map", "A mapper"]);
        assert_eq!(names("word"), ["Word", "Map", "A mapper", "Other"]);
    }
}
