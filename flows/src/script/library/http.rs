//! `http` for script actions: every call goes through the one client that the caller brings.

use super::{Fallible, define, documented};
use crate::script::error::complaint;
use crate::script::function::Function;
use crate::script::scope::Http;
use crate::script::value;
use rhai::{Dynamic, Map, Module};
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
        self.0
            .send(request)
            .map(value::from_json)
            .map_err(complaint)
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
        let key = if target.contains("://") {
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
    "get" "http.get(path or url, options?) -> #{ status, headers, body }", "Asks the step's connection. Options: query, headers.", "" => "";
    "delete" "http.delete(path or url, options?) -> #{ status, headers, body }", "Asks the connection to delete.", "" => "";
    "post" "http.post(path or url, body, options?) -> #{ status, headers, body }", "Sends a body; maps and lists travel as JSON.", "" => "";
    "put" "http.put(path or url, body, options?) -> #{ status, headers, body }", "Puts a body.", "" => "";
    "patch" "http.patch(path or url, body, options?) -> #{ status, headers, body }", "Changes with a body.", "" => "";
    "request" "http.request(#{ method, path or url, query?, headers?, body? }) -> #{ status, headers, body }", "Any request.", "" => "";
};
