//! Starts the page, gives every part what it shares, and finds the part for an address.

use leptos::{mount::mount_to, prelude::*};
use leptos_router::{
    components::{Route, Router, Routes},
    path,
};
use wasm_bindgen::JsCast;

use crate::{
    clock, kinds,
    kit::{
        button::Weight,
        icon::Icon,
        state::{Empty, shown},
        toast::{ToastShelf, Toasts},
    },
    load::Loader,
    pages::{
        approvals::ApprovalsPage, connections::ConnectionsPage, flow::FlowPage, flows::FlowsPage,
        letters::LettersPage, run::RunPage, runs::RunsPage, schedules::SchedulesPage,
        system::SystemPage,
    },
    settings::Settings,
    shell::Shell,
    texts::texts,
};

/// Replaces the boot screen of `index.html` by the page.
pub fn start() {
    std::panic::set_hook(Box::new(|info| {
        console_error_panic_hook::hook(info);
        // The page is dead now; a person must see that and what to do.
        if let Some(note) = document().get_element_by_id("broken") {
            let _ = note.remove_attribute("hidden");
        }
    }));
    let Some(root) = document().get_element_by_id("app") else {
        return;
    };
    root.set_inner_html("");
    mount_to(root.unchecked_into(), App).forget();
}

#[component]
fn App() -> impl IntoView {
    let settings = Settings::provide();
    Toasts::provide();
    clock::provide_tick();
    let catalog = Loader::new(kinds::read);
    view! {
        <Router>
            // Another language draws everything anew: texts are plain, and switching is rare.
            {move || {
                settings.language.track();
                view! {
                    <Shell>
                        {shown(catalog, |()| view! { <Places/> })}
                    </Shell>
                    <ToastShelf/>
                }
            }}
        </Router>
    }
}

/// The part for the address.
#[component]
fn Places() -> impl IntoView {
    view! {
        <Routes fallback=Missing>
            <Route path=path!("/") view=FlowsPage/>
            <Route path=path!("/flows/:flow") view=FlowPage/>
            <Route path=path!("/runs") view=RunsPage/>
            <Route path=path!("/runs/:run") view=RunPage/>
            <Route path=path!("/dead-letters") view=LettersPage/>
            <Route path=path!("/approvals") view=ApprovalsPage/>
            <Route path=path!("/schedules") view=SchedulesPage/>
            <Route path=path!("/connections") view=ConnectionsPage/>
            <Route path=path!("/system") view=SystemPage/>
        </Routes>
    }
}

/// There is nothing at this address.
#[component]
fn Missing() -> impl IntoView {
    let t = texts();
    view! {
        <Empty icon=Icon::CircleAlert title=t.page_missing_title text=t.page_missing_text>
            <a class=Weight::Primary.class() href="/">{t.page_missing_action}</a>
        </Empty>
    }
}
