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
    let missing = trouble.status == 404;
    let (icon, title, text) = match &trouble {
        gone if gone.status == 404 => (
            Icon::CircleAlert,
            t.page_missing_title,
            t.page_missing_text.to_owned(),
        ),
        offline if offline.is_offline() => (
            Icon::TriangleAlert,
            t.trouble_title,
            t.trouble_offline.to_owned(),
        ),
        other => (
            Icon::TriangleAlert,
            t.trouble_title,
            other.sentence().to_owned(),
        ),
    };
    let id = trouble
        .request_id
        .map(|id| fill(t.request_id, &[("id", &id)]));
    // What is not there does not come by trying again.
    let action = if missing {
        view! { <a class=Weight::Normal.class() href="/">{t.page_missing_action}</a> }.into_any()
    } else {
        view! { <Button label=t.retry icon=Icon::RefreshCw press=move |_| retry()/> }.into_any()
    };
    view! {
        <div class="empty trouble" role="alert" data-testid="trouble">
            <div class="empty-icon"><Glyph icon size=24/></div>
            <h2>{title}</h2>
            <p>{text}</p>
            {id.map(|id| view! { <p class="fine mono">{id}</p> })}
            <div class="empty-actions">{action}</div>
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

/// Draws what a loader has, like [`shown`], but the content only once: it asks the loader itself, and keeps what stays the same.
pub(crate) fn kept<T>(
    loader: Loader<T>,
    content: impl Fn() -> AnyView + Send + Sync + 'static,
) -> impl IntoView
where
    T: Clone + PartialEq + Send + Sync + 'static,
{
    let phase = Memo::new(move |_| {
        loader.value.with(|value| match value {
            Loaded::Loading => None,
            Loaded::Ready(_) => Some(None),
            Loaded::Failed(trouble) => Some(Some(trouble.clone())),
        })
    });
    move || match phase.get() {
        None => view! { <Skeleton/> }.into_any(),
        Some(None) => content(),
        Some(Some(trouble)) => {
            view! { <TroubleNote trouble retry=move || loader.reload()/> }.into_any()
        }
    }
}
