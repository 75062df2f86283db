//! The rows of a list that is read again and again: each is drawn once, and only what differs in it is drawn anew.

use leptos::prelude::*;

/// Draws a row for each entry. An entry is known by its key; its row reads what the entry is now, so that whoever has the
/// focus in it, or its menu open, keeps that while the list moves on.
pub(crate) fn rows<T, V>(
    entries: impl Fn() -> Vec<T> + Send + Sync + 'static,
    key: fn(&T) -> String,
    row: impl Fn(Memo<T>) -> V + Send + Sync + 'static,
) -> impl IntoView
where
    T: Clone + PartialEq + Send + Sync + 'static,
    V: IntoView + 'static,
{
    let entries = Memo::new(move |_| entries());
    let row = StoredValue::new(row);
    view! {
        <For each=move || entries.get() key=move |entry| key(entry) let:first>
            {
                let id = key(&first);
                let entry = Memo::new(move |last: Option<&T>| {
                    let now = entries.with(|entries| {
                        entries.iter().find(|entry| key(entry) == id).cloned()
                    });
                    // One that is gone stays as it was until its row goes.
                    now.or_else(|| last.cloned()).unwrap_or_else(|| first.clone())
                });
                row.with_value(|row| row(entry))
            }
        </For>
    }
}
