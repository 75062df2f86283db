//! The items of an `each` step, in pages.

use axum::{extract::State, http::Uri, response::Response};
use serde::Deserialize;
use utoipa::IntoParams;

use super::{
    detail::{self, ItemDetail},
    step_of_any_depth,
};
use crate::api::{
    App,
    extract::{Path, Query},
    list::{Items, Page},
    problem::{Answer, Problem},
};

/// Which items to list.
#[derive(Debug, Default, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(in crate::api) struct Part {
    /// Where the step is itself in the body of another: the indices of the items around it, from the outermost inwards, joined by dots.
    #[param(example = "3.0")]
    within: Option<String>,
    /// How many items to give, from 1 to 200; 50 where nothing is said.
    #[param(minimum = 1, maximum = 200, default = 50)]
    limit: Option<u32>,
    /// Where the page starts: the `next` of the page before, or the index of an item.
    cursor: Option<String>,
}

/// List the items of a step
///
/// What an `each` step did for the items of its list, in the order of the list; those that have not started are left out.
#[utoipa::path(get, path = "/api/v1/runs/{run}/steps/{step}/items", tag = "Runs", operation_id = "list_step_items",
    params(("run" = String, Path, description = "The id of the run."), ("step" = String, Path, description = "The id of the step.", example = "lines"), Part),
    responses((status = 200, description = "A page of items.", body = Items<ItemDetail>), (status = 404, description = "There is no such run, or no such `each` step that has started.")))]
pub(in crate::api) async fn items(
    State(app): State<App>,
    uri: Uri,
    Path((id, step)): Path<(String, String)>,
    Query(part): Query<Part>,
) -> Answer<Response> {
    let limit = Page {
        limit: part.limit,
        cursor: None,
    }
    .limit()? as usize;
    let first = index(
        "cursor",
        part.cursor.as_deref().filter(|text| !text.is_empty()),
    )?
    .unwrap_or(0);
    let around = part.within.as_deref().filter(|text| !text.is_empty());
    let around = around.into_iter().flat_map(|text| text.split('.'));
    let around = around.map(|text| Ok(index("within", Some(text))?.unwrap_or(0)));
    let around = around.collect::<Answer<Vec<usize>>>()?;
    let recorded = step_of_any_depth(&app, &id, &step).await?;
    let end = first.saturating_add(limit);
    let looked = recorded.run.items_of(
        &recorded.plan,
        &recorded.records,
        &step,
        &around,
        first..end,
    );
    let looked = looked.ok_or_else(|| {
        Problem::not_found(format!(
            "the step `{step}` is no `each` step that has started there, so it has no items"
        ))
    })?;
    let items = detail::items(&looked, &around);
    let next = (end < looked.total && !items.is_empty()).then(|| end.to_string());
    Ok(Items { items, next }.answer(&uri))
}

/// An index in a query.
fn index(name: &str, text: Option<&str>) -> Answer<Option<usize>> {
    let read = text.map(|text| {
        text.parse().map_err(|_| {
            Problem::bad_request(format!(
                "`{name}` is `{text}`; it must be the index of an item, from 0"
            ))
        })
    });
    read.transpose()
}
