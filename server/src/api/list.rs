//! Lists in pages: `{"items": […], "next": cursor or null}`, and the same cursor in `Link` (RFC 8288).

use axum::{
    Json,
    http::{HeaderValue, Uri, header},
    response::{IntoResponse, Response},
};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::problem::Problem;

/// How many items a page has where nothing is said.
const USUAL: u32 = 50;

/// The most items of one page.
pub(super) const MOST: u32 = 200;

/// Which part of a list to give.
#[derive(Clone, Debug, Default, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(super) struct Page {
    /// How many items to give, from 1 to 200; 50 where nothing is said.
    #[param(minimum = 1, maximum = 200, default = 50)]
    pub(super) limit: Option<u32>,
    /// Where the page starts: the `next` of the page before.
    pub(super) cursor: Option<String>,
}

impl Page {
    /// How many items to give.
    ///
    /// # Errors
    /// 400 where it is 0 or more than a page may have.
    pub(super) fn limit(&self) -> Result<u32, Problem> {
        match self.limit {
            None => Ok(USUAL),
            Some(limit) if (1..=MOST).contains(&limit) => Ok(limit),
            Some(limit) => Err(Problem::bad_request(format!(
                "`limit` is {limit}; it must be from 1 to {MOST}"
            ))),
        }
    }

    /// The text after which the page starts, for lists whose cursor is a name.
    pub(super) fn after(&self) -> Option<&str> {
        self.cursor.as_deref()
    }
}

/// One page of a list.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub(super) struct Items<T> {
    /// The items of this page.
    pub(super) items: Vec<T>,
    /// Where the next page starts; null on the last one.
    pub(super) next: Option<String>,
}

impl<T> Items<T> {
    /// A page out of one more item than was asked for: the extra one says that there is a next page.
    pub(super) fn of(mut items: Vec<T>, limit: u32, cursor: impl Fn(&T) -> String) -> Self {
        let more = items.len() > limit as usize;
        items.truncate(limit as usize);
        let next = items.last().filter(|_| more).map(cursor);
        Items { items, next }
    }
}

impl<T: Serialize> Items<T> {
    /// The answer, with a link to the next page.
    pub(super) fn answer(self, uri: &Uri) -> Response {
        let link = self.next.as_ref().and_then(|cursor| link(uri, cursor));
        let mut response = Json(self).into_response();
        if let Some(link) = link {
            response.headers_mut().insert(header::LINK, link);
        }
        response
    }
}

/// `<…>; rel="next"` with the same parameters and another cursor.
fn link(uri: &Uri, cursor: &str) -> Option<HeaderValue> {
    let mut query = url::form_urlencoded::Serializer::new(String::new());
    for (name, value) in url::form_urlencoded::parse(uri.query().unwrap_or_default().as_bytes()) {
        if name != "cursor" {
            query.append_pair(&name, &value);
        }
    }
    query.append_pair("cursor", cursor);
    HeaderValue::try_from(format!("<{}?{}>; rel=\"next\"", uri.path(), query.finish())).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_next_page_is_linked_with_the_same_filter() {
        let uri: Uri = "/api/v1/runs?flow=a%26b&cursor=old&limit=2"
            .parse()
            .unwrap();
        let page = Items::of(vec![1, 2, 3], 2, |last| format!("after {last}"));
        assert_eq!(
            (page.items.as_slice(), page.next.as_deref()),
            (&[1, 2][..], Some("after 2"))
        );
        let response = page.answer(&uri);
        assert_eq!(
            response.headers()["link"],
            "</api/v1/runs?flow=a%26b&limit=2&cursor=after+2>; rel=\"next\""
        );
        assert!(
            !Items::of(vec![1, 2], 2, i32::to_string)
                .answer(&uri)
                .headers()
                .contains_key("link")
        );
    }

    #[test]
    fn a_page_has_a_size() {
        let limit = |limit| {
            Page {
                limit,
                cursor: None,
            }
            .limit()
            .ok()
        };
        assert_eq!(
            [
                limit(None),
                limit(Some(200)),
                limit(Some(0)),
                limit(Some(201))
            ],
            [Some(50), Some(200), None, None]
        );
    }
}
