//! Approvals: what runs wait for a person to decide.

mod decide;
mod questions;

use leptos::prelude::*;
use leptos_router::{
    NavigateOptions,
    hooks::{use_navigate, use_query_map},
};

use self::decide::DecideDialog;
use super::runs::flow_options;
use crate::{
    api::{self, Approval, FlowSummary, Trouble, encode},
    kit::{
        button::Button,
        field::Choice,
        icon::Icon,
        rows::rows,
        state::{Empty, kept},
        time::TimeAgo,
    },
    load::{Loader, follow},
    texts::texts,
};

/// How many are read at once.
const PAGE: usize = 50;

/// What was read, and whether there is more.
#[derive(Clone, Debug, PartialEq)]
struct Read {
    approvals: Vec<Approval>,
    more: bool,
}

/// Reads so many pages.
async fn read(flow: String, pages: usize) -> Result<Read, Trouble> {
    let path = format!("/approvals?limit={PAGE}&flow={}", encode(&flow));
    let (approvals, more) = api::pages(&path, pages).await?;
    Ok(Read { approvals, more })
}

#[component]
pub(crate) fn ApprovalsPage() -> impl IntoView {
    let t = texts();
    let query = use_query_map();
    let word = move |name: &str| {
        query
            .with(|query| query.get(name))
            .filter(|word| !word.is_empty())
    };
    let flow = Memo::new(move |_| word("flow").unwrap_or_default());
    let wanted = Memo::new(move |_| word("id"));
    let navigate = StoredValue::new(use_navigate());
    let go = move |flow: &str| {
        let mark = if flow.is_empty() {
            String::new()
        } else {
            format!("?flow={}", encode(flow))
        };
        let options = NavigateOptions {
            scroll: false,
            replace: true,
            ..NavigateOptions::default()
        };
        navigate.with_value(|navigate| navigate(&format!("/approvals{mark}"), options));
    };
    let pages = RwSignal::new(1_usize);
    let found = Loader::new(move || read(flow.get(), pages.get()));
    // A run that has begun to wait, or waits no more.
    follow(|_| true, move || found.reload());
    let flows = Loader::new(|| api::all::<FlowSummary>("/flows"));
    let names = Signal::derive(move || flows.ready().unwrap_or_default());
    let options = Signal::derive(move || flow_options(&names.get(), &flow.get()));
    let none = Memo::new(move |_| found.ready().is_none_or(|read| read.approvals.is_empty()));
    let more = Memo::new(move |_| found.ready().is_some_and(|read| read.more));
    let list = kept(found, move || {
        if none.get() {
            return if flow.get().is_empty() {
                view! { <Empty icon=Icon::CircleCheck title=t.approvals_empty_title text=t.approvals_empty_text/> }.into_any()
            } else {
                view! {
                    <Empty icon=Icon::Funnel title=t.approvals_none_title text=t.approvals_none_text>
                        <Button label=t.runs_clear icon=Icon::X press=move |_| go("")/>
                    </Empty>
                }
                .into_any()
            };
        }
        let rows = rows(
            move || found.ready().map(|read| read.approvals).unwrap_or_default(),
            |approval| approval.id.clone(),
            move |approval| row(approval.get_untracked(), names, flow),
        );
        view! {
            <div class="table-frame">
                <table class="table" data-testid="approvals">
                    <thead>
                        <tr>
                            <th scope="col">{t.approvals_column_title}</th>
                            <th scope="col">{t.runs_column_flow}</th>
                            <th scope="col">{t.approvals_since}</th>
                            <th scope="col">{t.approvals_until}</th>
                        </tr>
                    </thead>
                    <tbody>{rows}</tbody>
                </table>
            </div>
            <Show when=move || more.get()>
                <div class="more">
                    <Button label=t.load_more icon=Icon::ChevronDown test="more" press=move |_| pages.update(|pages| *pages += 1)/>
                </div>
            </Show>
        }
        .into_any()
    });
    view! {
        <header class="page-head"><h1>{t.approvals_title}</h1></header>
        <div class="filters">
            <Choice id="filter-flow" label=t.runs_filter_flow bare=true options value=flow choose=move |flow| go(&flow)/>
        </div>
        <section class="page-body">
            <p class="lead">{t.approvals_text}</p>
            {list}
        </section>
        <DecideDialog
            wanted=wanted.into()
            close=Callback::new(move |()| go(&flow.get_untracked()))
            done=Callback::new(move |()| found.reload())
        />
    }
}

fn row(approval: Approval, names: Signal<Vec<FlowSummary>>, filter: Memo<String>) -> impl IntoView {
    let Approval {
        id,
        title,
        flow,
        since,
        until,
        ..
    } = approval;
    let href = {
        let id = encode(&id);
        move || {
            let flow = filter.get();
            let flow = (!flow.is_empty()).then(|| format!("&flow={}", encode(&flow)));
            format!("/approvals?id={id}{}", flow.unwrap_or_default())
        }
    };
    let name = move || {
        let known = names.with(|names| {
            let known = names.iter().find(|known| known.id == flow);
            known.map(|known| known.name().to_owned())
        });
        known.unwrap_or_else(|| flow.clone())
    };
    view! {
        <tr class="row-link" data-testid="approval-row" data-id=id>
            <th scope="row"><a class="row-anchor" href=href>{title}</a></th>
            <td>{name}</td>
            <td><TimeAgo at=since/></td>
            <td>{until.map(|at| view! { <TimeAgo at/> })}</td>
        </tr>
    }
}
