//! All flows: how they stand, what starts them, how they did, and bringing them in and out as files.

use leptos::{html, prelude::*, task::spawn_local};

use super::{
    import::{ImportDialog, Imports},
    new_flow::{Making, NewFlowDialog},
    publish::PublishDialog,
};
use crate::{
    api::{self, FlowSummary, TriggerSummary, encode},
    clock, files, kinds,
    kit::{
        badge::{Badge, DayBar, RunBadge},
        button::{Button, CopyButton, IconButton, Weight},
        dialog::Confirm,
        icon::{Glyph, Icon},
        menu::{Menu, MenuItem},
        rows::rows,
        state::{Empty, kept},
        time::TimeAgo,
        toast::toast,
    },
    lab,
    load::{Loader, follow},
    texts::{count, fill, texts},
    words,
};

/// How many triggers of a flow the list names.
const TRIGGERS: usize = 3;

#[component]
pub(crate) fn FlowsPage() -> impl IntoView {
    let t = texts();
    let search = RwSignal::new(String::new());
    let flows = Loader::new(|| api::all::<FlowSummary>("/flows"));
    follow(|_| true, move || flows.reload());
    // What is published from here is checked here.
    lab::know(lab::Know {
        catalog: kinds::catalog(),
        names: None,
    });
    let making: RwSignal<Option<Making>> = RwSignal::new(None);
    let begin = move |_| making.set(Some(Making::Empty));
    let imports = Imports::new(move || flows.reload());
    let publishing: RwSignal<Option<FlowSummary>> = RwSignal::new(None);
    let deleting: RwSignal<Option<FlowSummary>> = RwSignal::new(None);
    let input: NodeRef<html::Input> = NodeRef::new();
    let choose = move || {
        if let Some(input) = input.get_untracked() {
            input.click();
        }
    };
    let chosen = move |_| {
        if let Some(input) = input.get_untracked() {
            imports.take(files::listed(input.files()));
            // The same file may be chosen again.
            input.set_value("");
        }
    };
    let read_again = Callback::new(move |()| flows.reload());
    let none = Memo::new(move |_| flows.ready().is_none_or(|flows| flows.is_empty()));
    let list = kept(flows, move || {
        if none.get() {
            return view! {
                <Empty icon=Icon::Workflow title=t.flows_empty_title text=t.flows_empty_text>
                    <Button label=t.new_flow icon=Icon::Plus weight=Weight::Primary test="new-flow" press=begin/>
                    <Button label=t.flows_empty_action icon=Icon::Upload press=move |_| choose()/>
                    <p class="fine">{t.flows_empty_hint}</p>
                </Empty>
            }
            .into_any();
        }
        let flows = Signal::derive(move || flows.ready().unwrap_or_default());
        view! { <FlowTable flows search publishing deleting making done=read_again/> }.into_any()
    });
    let taken = Signal::derive(move || {
        let all = flows.ready().unwrap_or_default();
        all.into_iter().map(|flow| flow.id).collect::<Vec<_>>()
    });
    let number = move || {
        flows
            .ready()
            .map(|flows| count(flows.len() as u64, t.flows_count_one, t.flows_count_many))
    };
    view! {
        <DropZone imports/>
        <header class="page-head">
            <h1>{t.flows_title}</h1>
            <span class="fine">{number}</span>
            <div class="page-tools">
                <label class="search">
                    <Glyph icon=Icon::Search/>
                    <input
                        type="search"
                        data-search=""
                        data-testid="search"
                        placeholder=t.flows_search
                        aria-label=t.flows_search
                        prop:value=search
                        on:input:target=move |event| search.set(event.target().value())
                    />
                    <kbd>"/"</kbd>
                </label>
                <input
                    node_ref=input
                    type="file"
                    class="unseen"
                    accept=".json,application/json"
                    multiple
                    tabindex="-1"
                    aria-label=t.flows_import
                    data-testid="import-input"
                    on:change=chosen
                />
                <Button label=t.flows_import icon=Icon::Upload test="import" press=move |_| choose()/>
                <Button label=t.new_flow icon=Icon::Plus weight=Weight::Primary test="new-flow" press=begin/>
            </div>
        </header>
        <section class="page-body">{list}</section>
        <ImportDialog imports choose/>
        <PublishDialog flow=publishing done=move || flows.reload()/>
        <NewFlowDialog making taken/>
        <DeleteDialog flow=deleting done=move || flows.reload()/>
    }
}

#[component]
fn FlowTable(
    flows: Signal<Vec<FlowSummary>>,
    search: RwSignal<String>,
    publishing: RwSignal<Option<FlowSummary>>,
    deleting: RwSignal<Option<FlowSummary>>,
    making: RwSignal<Option<Making>>,
    /// Told after a flow was changed from here.
    #[prop(into)]
    done: Callback<()>,
) -> impl IntoView {
    let t = texts();
    let matching = Memo::new(move |_| {
        let wanted = search.get().trim().to_lowercase();
        let mut flows = flows.get();
        flows.retain(|flow| matches(flow, &wanted));
        flows
    });
    let none = Memo::new(move |_| matching.with(Vec::is_empty));
    move || {
        if none.get() {
            let title = fill(t.flows_no_match_title, &[("text", search.get().trim())]);
            return view! {
                <Empty icon=Icon::Search title text=t.flows_no_match_text>
                    <Button label=t.flows_no_match_action press=move |_| search.set(String::new())/>
                </Empty>
            }
            .into_any();
        }
        let row = move |flow| row(flow, publishing, deleting, making, done);
        view! {
            <div class="table-frame">
                <table class="table flows" data-testid="flows">
                    <thead>
                        <tr>
                            <th scope="col">{t.flows_column_flow}</th>
                            <th scope="col">{t.flows_column_triggers}</th>
                            <th scope="col">{t.flows_column_state}</th>
                            <th scope="col">{t.flows_column_last}</th>
                            <th scope="col">{t.flows_column_day}</th>
                            <th scope="col">{t.flows_column_next}</th>
                            <th scope="col"><span class="unseen">{t.actions}</span></th>
                        </tr>
                    </thead>
                    <tbody>{rows(move || matching.get(), |flow| flow.id.clone(), row)}</tbody>
                </table>
            </div>
        }
        .into_any()
    }
}

/// The row of a flow. What changes with every run is drawn apart from what is pressed.
fn row(
    flow: Memo<FlowSummary>,
    publishing: RwSignal<Option<FlowSummary>>,
    deleting: RwSignal<Option<FlowSummary>>,
    making: RwSignal<Option<Making>>,
    done: Callback<()>,
) -> impl IntoView {
    let t = texts();
    let now = move || flow.get_untracked();
    let id = now().id;
    let address = format!("/flows/{}", encode(&id));
    let said =
        Memo::new(move |_| flow.with(|flow| (flow.name().to_owned(), flow.description.clone())));
    let next = Memo::new(move |_| {
        flow.with(|flow| {
            flow.triggers
                .iter()
                .filter_map(|trigger| trigger.next_fire.clone())
                .min()
        })
    });
    // Its next instant is told in a column of its own.
    let started_by = Memo::new(move |_| {
        let mut triggers = flow.with(|flow| flow.triggers.clone());
        triggers
            .iter_mut()
            .for_each(|trigger| trigger.next_fire = None);
        triggers
    });
    let last = Memo::new(move |_| flow.with(|flow| flow.last_run.clone()));
    let last = move || match last.get() {
        Some(last) => view! {
            <a class="cell-link" href=format!("/runs/{}", encode(&last.id))>
                <RunBadge status=last.status/>
                <span class="fine"><TimeAgo at=last.started_at/></span>
            </a>
        }
        .into_any(),
        None => view! { <span class="fine">{t.never_run}</span> }.into_any(),
    };
    let day = Memo::new(move |_| flow.with(|flow| flow.last_24h));
    let publishable =
        Memo::new(move |_| flow.with(|flow| flow.published.is_none() || flow.changed));
    let stands = Memo::new(move |_| flow.with(|flow| (flow.enabled, flow.paused)));
    let more = Signal::derive(move || {
        let (enabled, paused) = stands.get();
        let (word, icon) = if enabled {
            (t.flow_disable, Icon::Ban)
        } else {
            (t.flow_enable, Icon::Play)
        };
        let (pause_word, pause_icon) = pausing(paused);
        vec![
            MenuItem::new(word, icon, "switch", move || {
                switch(now(), move |_| done.run(()));
            }),
            MenuItem::new(pause_word, pause_icon, "pause", move || {
                pause(now(), move |_| done.run(()));
            }),
            MenuItem::new(t.flow_duplicate, Icon::Copy, "duplicate", move || {
                making.set(Some(Making::Copy(now())));
            }),
            MenuItem::new(t.delete, Icon::Trash2, "delete", move || {
                deleting.set(Some(now()));
            }),
        ]
    });
    let to_export = id.clone();
    view! {
        <tr data-testid="flow-row" data-flow=id.clone()>
            <th scope="row">
                <a class="flow-name" href=address title=move || said.get().1>
                    <strong>{move || said.get().0}</strong>
                    <span class="fine mono">{id.clone()}</span>
                </a>
            </th>
            <td>{move || triggers(&started_by.get())}</td>
            <td>{move || flow.with(state)}</td>
            <td>{last}</td>
            <td>{move || view! { <DayBar counts=day.get()/> }}</td>
            <td>{move || next.get().map(|next| view! { <TimeAgo at=next/> })}</td>
            <td class="cell-tools">
                <Show when=move || publishable.get()>
                    <IconButton
                        icon=Icon::Rocket
                        label=t.flows_publish
                        test="publish"
                        press=move |_| publishing.set(Some(now()))
                    />
                </Show>
                <IconButton icon=Icon::Download label=t.flows_export test="export" press=move |_| export(to_export.clone())/>
                <Menu label=t.flow_more items=more test="flow-menu"/>
            </td>
        </tr>
    }
}

fn triggers(triggers: &[TriggerSummary]) -> AnyView {
    if triggers.is_empty() {
        return view! { <span class="fine">{texts().trigger_none}</span> }.into_any();
    }
    // A flow with many triggers does not push the others off the page.
    let shown = if triggers.len() > TRIGGERS {
        TRIGGERS - 1
    } else {
        TRIGGERS
    };
    let lines = triggers
        .iter()
        .take(shown)
        .cloned()
        .map(|trigger| view! { <TriggerLine trigger/> });
    let rest: Vec<&TriggerSummary> = triggers.iter().skip(shown).collect();
    let more = (!rest.is_empty()).then(|| {
        let said = fill(texts().trigger_more, &[("n", &rest.len().to_string())]);
        let names = rest
            .iter()
            .map(|trigger| trigger.url.as_deref().unwrap_or(&trigger.title))
            .collect::<Vec<_>>();
        view! { <li class="trigger-line fine" title=names.join("\n")>{said}</li> }
    });
    view! { <ul class="trigger-lines">{lines.collect_view()} {more}</ul> }.into_any()
}

/// One trigger: its icon, and its address with a button to copy it.
#[component]
pub(crate) fn TriggerLine(trigger: TriggerSummary) -> impl IntoView {
    let t = texts();
    let (kind, icon) = words::trigger_kind(t, &trigger.kind);
    let name = if trigger.title.is_empty() {
        kind.clone()
    } else {
        trigger.title
    };
    let address = trigger.url.map(|url| {
        let whole = format!("{}{url}", window().location().origin().unwrap_or_default());
        view! {
            <code class="address" title=whole.clone()>
                {trigger.method.map(|method| view! { <b>{method}</b>" " })}
                {url}
            </code>
            <CopyButton label=t.copy_url text=move || whole.clone()/>
        }
    });
    let said = address.is_none().then(|| name.clone());
    let hint = format!("{kind}: {name}");
    view! {
        <li class="trigger-line" title=hint>
            <Glyph icon/>
            <span class="unseen">{kind}</span>
            {address}
            {said.map(|said| view! { <span class="trigger-name">{said}</span> })}
        </li>
    }
}

/// Draft, published, or published with a draft that differs; whether it is switched off or paused, and how many runs wait.
pub(crate) fn state(flow: &FlowSummary) -> AnyView {
    let t = texts();
    let off = (!flow.enabled).then(|| {
        view! { <Badge label=t.state_disabled tone="bad" icon=Icon::Ban hint=t.state_disabled_hint.to_owned()/> }
    });
    let paused = flow.paused.then(|| {
        view! { <Badge label=t.state_paused tone="warn" icon=Icon::Pause hint=t.state_paused_hint.to_owned()/> }
    });
    let waiting = (flow.waiting > 0).then(|| {
        let label = fill(t.state_waiting, &[("n", &flow.waiting.to_string())]);
        view! { <Badge label icon=Icon::Hourglass hint=t.state_waiting_hint.to_owned()/> }
    });
    view! { <span class="flow-state">{standing(flow)} {off} {paused} {waiting}</span> }.into_any()
}

/// What may be done about the pause of a flow.
pub(crate) fn pausing(paused: bool) -> (&'static str, Icon) {
    let t = texts();
    match paused {
        true => (t.flow_resume, Icon::Play),
        false => (t.flow_pause, Icon::Pause),
    }
}

fn standing(flow: &FlowSummary) -> AnyView {
    let t = texts();
    match &flow.published {
        None => {
            view! { <Badge label=t.state_draft hint=t.state_draft_hint.to_owned()/> }.into_any()
        }
        Some(published) => {
            let n = published.version.to_string();
            if flow.changed {
                let label = fill(t.state_changed, &[("n", &n)]);
                view! { <Badge label tone="warn" hint=t.state_changed_hint.to_owned()/> }.into_any()
            } else {
                let hint = clock::parse(&published.published_at).map(clock::full);
                let label = fill(t.state_published, &[("n", &n)]);
                view! { <Badge label tone="good" hint=hint.unwrap_or_default()/> }.into_any()
            }
        }
    }
}

/// Switches a flow off or on, and gives it as it is then.
pub(crate) fn switch(flow: FlowSummary, done: impl Fn(FlowSummary) + 'static) {
    let t = texts();
    let (word, said) = if flow.enabled {
        ("disable", t.flow_disabled)
    } else {
        ("enable", t.flow_enabled)
    };
    order(flow, word, said, done);
}

/// Pauses a flow or resumes it, and gives it as it is then.
pub(crate) fn pause(flow: FlowSummary, done: impl Fn(FlowSummary) + 'static) {
    let t = texts();
    let (word, said) = match flow.paused {
        true => ("resume", t.flow_resumed),
        false => ("pause", t.flow_paused),
    };
    order(flow, word, said, done);
}

fn order(
    flow: FlowSummary,
    word: &'static str,
    said: &'static str,
    done: impl Fn(FlowSummary) + 'static,
) {
    let path = format!("/flows/{}/{word}", encode(&flow.id));
    spawn_local(async move {
        match api::send_text::<FlowSummary>("POST", &path, "").await {
            Ok(now) => {
                toast().good(fill(said, &[("name", now.name())]));
                done(now);
            }
            Err(trouble) => toast().trouble(&trouble),
        }
    });
}

/// Downloads the draft exactly as the server prints it.
pub(crate) fn export(flow: String) {
    let toast = toast();
    spawn_local(async move {
        match api::get_text(&format!("/flows/{}", encode(&flow))).await {
            Ok(text) => {
                let name = format!("{flow}.json");
                files::download(&name, &text);
                toast.good(fill(texts().exported, &[("file", &name)]));
            }
            Err(trouble) => toast.trouble(&trouble),
        }
    });
}

#[component]
fn DeleteDialog(
    flow: RwSignal<Option<FlowSummary>>,
    done: impl Fn() + Copy + Send + Sync + 'static,
) -> impl IntoView {
    let t = texts();
    let toast = toast();
    let open = RwSignal::new(false);
    Effect::new(move || {
        if flow.with(Option::is_some) {
            open.set(true);
        }
    });
    let name = move || {
        flow.get()
            .map(|flow| flow.name().to_owned())
            .unwrap_or_default()
    };
    let title = Signal::derive(move || fill(t.delete_flow_title, &[("name", &name())]));
    let accept = move || {
        let Some(gone) = flow.get_untracked() else {
            return;
        };
        spawn_local(async move {
            match api::remove(&format!("/flows/{}", encode(&gone.id))).await {
                Ok(()) => {
                    toast.good(fill(t.deleted, &[("name", gone.name())]));
                    done();
                }
                Err(trouble) => toast.trouble(&trouble),
            }
        });
    };
    // Closing lets go of the flow, so that the same one can be asked about again.
    Effect::new(move || {
        if !open.get() {
            flow.set(None);
        }
    });
    view! { <Confirm open title text=t.delete_flow_text accept/> }
}

/// Takes files that are dropped anywhere on the page.
#[component]
fn DropZone(imports: Imports) -> impl IntoView {
    let over = RwSignal::new(0_i32);
    let enter = window_event_listener(leptos::ev::dragenter, move |event| {
        if files::carries_files(&event) {
            over.update(|over| *over += 1);
        }
    });
    let leave = window_event_listener(leptos::ev::dragleave, move |event| {
        if files::carries_files(&event) {
            over.update(|over| *over = (*over - 1).max(0));
        }
    });
    let hover = window_event_listener(leptos::ev::dragover, |event| {
        if files::carries_files(&event) {
            event.prevent_default();
        }
    });
    let drop = window_event_listener(leptos::ev::drop, move |event| {
        if files::carries_files(&event) {
            event.prevent_default();
            over.set(0);
            imports.take(files::listed(
                event.data_transfer().and_then(|data| data.files()),
            ));
        }
    });
    on_cleanup(move || {
        enter.remove();
        leave.remove();
        hover.remove();
        drop.remove();
    });
    view! {
        <Show when=move || { over.get() > 0 }>
            <div class="drop"><div class="drop-frame"><Glyph icon=Icon::Upload size=32/><p>{texts().flows_drop}</p></div></div>
        </Show>
    }
}

fn matches(flow: &FlowSummary, wanted: &str) -> bool {
    let has = |text: &str| text.to_lowercase().contains(wanted);
    has(&flow.title)
        || has(&flow.id)
        || flow
            .triggers
            .iter()
            .any(|trigger| has(&trigger.title) || trigger.url.as_deref().is_some_and(has))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn search_looks_at_titles_ids_and_addresses() {
        let flow: FlowSummary = serde_json::from_value(json!({
            "id": "order-intake", "title": "Bestellungen", "revision": 1, "updated_at": "2026-11-22T22:00:00Z",
            "triggers": [{"id": "a", "kind": "http", "title": "Shop", "url": "/in/main/orders"}]
        }))
        .unwrap();
        for (wanted, found) in [
            ("intake", true),
            ("bestell", true),
            ("shop", true),
            ("/in/main/ord", true),
            ("", true),
            ("zzz", false),
        ] {
            assert_eq!(matches(&flow, wanted), found, "{wanted}");
        }
    }
}
