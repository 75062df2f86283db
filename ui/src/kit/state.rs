//! What stands where content is not, or not yet: waiting, nothing there, or trouble.

use leptos::prelude::*;

use super::{
    button::{Button, Weight},
    icon::{Glyph, Icon},
};
use crate::{
    api::Trouble,
    load::{Loaded, Loader},
    texts::{fill, texts},
};

/// Nothing is here: what belongs here, and how it comes.
#[component]
pub(crate) fn Empty(
    icon: Icon,
    #[prop(into)] title: String,
    #[prop(into)] text: String,
    /// What to do about it.
    #[prop(optional)]
    children: Option<Children>,
) -> impl IntoView {
    view! {
        <div class="empty" data-testid="empty">
            <div class="empty-icon"><Glyph icon size=24/></div>
            <h2>{title}</h2>
            <p>{text}</p>
            {children.map(|children| view! { <div class="empty-actions">{children()}</div> })}
        </div>
    }
}

/// Something could not be loaded: why, under which request id, and a way to try again.
#[component]
pub(crate) fn TroubleNote(trouble: Trouble, retry: impl Fn() + 'static) -> impl IntoView {
    let t = texts();
    let text = if trouble.is_offline() {
        t.trouble_offline.to_owned()
    } else {
        trouble.sentence().to_owned()
    };
    view! {
        <div class="empty trouble" role="alert" data-testid="trouble">
            <div class="empty-icon"><Glyph icon=Icon::TriangleAlert size=24/></div>
            <h2>{t.trouble_title}</h2>
            <p>{text}</p>
            {trouble.request_id.map(|id| view! { <p class="fine mono">{fill(t.request_id, &[("id", &id)])}</p> })}
            <div class="empty-actions">
                <Button label=t.retry icon=Icon::RefreshCw weight=Weight::Normal press=move |_| retry()/>
            </div>
        </div>
    }
}

/// Grey lines that take the room of what is being loaded.
#[component]
pub(crate) fn Skeleton(#[prop(default = 6)] lines: usize) -> impl IntoView {
    view! {
        <div class="skeleton" role="status" aria-label=texts().loading>
            {(0..lines).map(|_| view! { <i></i> }).collect_view()}
        </div>
    }
}

/// Draws what a loader has: grey lines, the content, or the trouble.
pub(crate) fn shown<T, V>(
    loader: Loader<T>,
    content: impl Fn(T) -> V + Send + Sync + 'static,
) -> impl IntoView
where
    T: Clone + PartialEq + Send + Sync + 'static,
    V: IntoView + 'static,
{
    move || match loader.value.get() {
        Loaded::Loading => view! { <Skeleton/> }.into_any(),
        Loaded::Ready(value) => content(value).into_any(),
        Loaded::Failed(trouble) => {
            view! { <TroubleNote trouble retry=move || loader.reload()/> }.into_any()
        }
    }
}
