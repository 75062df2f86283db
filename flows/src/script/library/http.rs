//! `http` for script actions and polls: every call goes through the one client that the caller brings.

use super::{Fallible, define, documented};
use crate::failure::Failure;
use crate::script::bounds;
use crate::script::error::complaint;
use crate::script::function::Function;
use crate::script::scope::{Http, Unanswered};
use crate::script::value;
use rhai::{Dynamic, EvalAltResult, Map, Module, Position};
use serde_json::{Value, json};
use std::sync::Arc;

/// What the name `http` holds.
#[derive(Clone)]
pub(crate) struct Handle(Arc<dyn Http>);

impl Handle {
    pub(crate) fn new(http: Arc<dyn Http>) -> Self {
        Self(http)
    }

    fn send(&self, request: Value) -> Fallible<Dynamic> {
        match self.0.send(request) {
            Ok(answer) => Ok(value::from_json(answer)),
            Err(Unanswered::Failed(failure)) => Err(thrown(*failure)),
            Err(Unanswered::Stopped(reason)) => Err(bounds::stop(reason)),
        }
    }

    fn call(
        &self,
        method: &str,
        target: &str,
        body: Option<Dynamic>,
        options: Map,
    ) -> Fallible<Dynamic> {
        let mut request = value::to_json(&Dynamic::from_map(options))
            .map_err(|problem| complaint(problem.to_string()))?;
        request["method"] = json!(method);
        let absolute = ["http://", "https://"];
        let key = if absolute.iter().any(|scheme| target.starts_with(scheme)) {
            "url"
        } else {
            "path"
        };
        request[key] = json!(target);
        if let Some(body) = body {
            request["body"] =
                value::to_json(&body).map_err(|problem| complaint(problem.to_string()))?;
        }
        self.send(request)
    }
}

/// The failure of a call as a script catches it; uncaught it becomes the failure of the script.
fn thrown(failure: Failure) -> Box<EvalAltResult> {
    let Failure {
        class,
        message,
        status,
        body,
        retry_after_ms,
        at: _,
    } = failure;
    let mut map = Map::new();
    let mut put = |key: &str, value: Value| map.insert(key.into(), value::from_json(value));
    put("class", class.word().into());
    put("message", message.into());
    put("status", json!(status));
    put("body", body.unwrap_or_default());
    put("retry_after_ms", json!(retry_after_ms));
    EvalAltResult::ErrorRuntime(Dynamic::from_map(map), Position::NONE).into()
}

/// Puts the functions into the module.
pub(super) fn register(module: &mut Module) {
    module.set_custom_type::<Handle>("http");
    macro_rules! reading {
        ($($name:literal $method:literal),*) => {$(
            define!(module, $name, |http: Handle, target: &str| http.call($method, target, None, Map::new()));
            define!(module, $name, |http: Handle, target: &str, options: Map| http.call($method, target, None, options));
        )*};
    }
    reading!("get" "GET", "delete" "DELETE");
    macro_rules! writing {
        ($($name:literal $method:literal),*) => {$(
            define!(module, $name, |http: Handle, target: &str, body: Dynamic| {
                http.call($method, target, Some(body), Map::new())
            });
            define!(module, $name, |http: Handle, target: &str, body: Dynamic, options: Map| {
                http.call($method, target, Some(body), options)
            });
        )*};
    }
    writing!("post" "POST", "put" "PUT", "patch" "PATCH");
    define!(module, "request", |http: Handle,
                                request: Map|
     -> Fallible<Dynamic> {
        let request = value::to_json(&Dynamic::from_map(request))
            .map_err(|problem| complaint(problem.to_string()))?;
        http.send(request)
    });
}

/// The documentation.
pub(super) const FUNCTIONS: &[Function] = documented! { Http;
    "get" "http.get(path or url, options?) -> map", "Reads over the step's connection, or from a URL, and gives #{ status, headers, body }. Options are query, headers, expect, response and follow_redirects. A call that fails throws #{ class, message, status, body }.", "" => "";
    "delete" "http.delete(path or url, options?) -> map", "Asks to delete.", "" => "";
    "post" "http.post(path or url, body, options?) -> map", "Sends a body; maps and lists travel as JSON.", "" => "";
    "put" "http.put(path or url, body, options?) -> map", "Puts a body in the place of what is there.", "" => "";
    "patch" "http.patch(path or url, body, options?) -> map", "Changes what is there by a body.", "" => "";
    "request" "http.request(request) -> map", "Makes any call from #{ method, path or url, query, headers, body, expect }.", "" => "";
};
