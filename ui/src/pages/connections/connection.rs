//! The form of one connection. What it holds is a plain value with rules of its own; the form only shows it.

use leptos::{prelude::*, task::spawn_local};
use serde_json::{Map, Value, json};
use weir_flows::document::is_slug;

use crate::{
    api::{self, Auth, Connection, SecretSummary, encode},
    kit::{
        button::{Button, Weight},
        dialog::Dialog,
        field::{Choice, Field, TextField},
        icon::{Glyph, Icon},
        toast::toast,
    },
    load::Loader,
    texts::{Texts, fill, texts},
};

/// Which connection the form is opened for.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Wanted {
    pub(crate) name: String,
    pub(crate) exists: bool,
}

/// What is typed into the form.
#[derive(Clone, Copy)]
struct Form {
    name: RwSignal<String>,
    title: RwSignal<String>,
    base: RwSignal<String>,
    auth: RwSignal<String>,
    username: RwSignal<String>,
    /// The name of the secret for a password, token or key.
    secret: RwSignal<String>,
    /// The value of that secret where it is to be set at once.
    value: RwSignal<String>,
    place: RwSignal<String>,
    key: RwSignal<String>,
    headers: RwSignal<String>,
    timeout: RwSignal<String>,
}

impl Form {
    fn new() -> Self {
        let text = || RwSignal::new(String::new());
        Form {
            name: text(),
            title: text(),
            base: text(),
            auth: text(),
            username: text(),
            secret: text(),
            value: text(),
            place: text(),
            key: text(),
            headers: text(),
            timeout: text(),
        }
    }

    fn fill(self, name: &str, connection: &Connection) {
        let (kind, username, secret, place, key) = match &connection.auth {
            Auth::None => (
                "none",
                String::new(),
                String::new(),
                "header".to_owned(),
                String::new(),
            ),
            Auth::Basic { username, password } => (
                "basic",
                plain(username),
                secret_name(password),
                "header".to_owned(),
                String::new(),
            ),
            Auth::Bearer { token } => (
                "bearer",
                String::new(),
                secret_name(token),
                "header".to_owned(),
                String::new(),
            ),
            Auth::ApiKey { place, name, value } => (
                "api_key",
                String::new(),
                secret_name(value),
                place.clone(),
                name.clone(),
            ),
        };
        self.name.set(name.to_owned());
        self.title.set(connection.title.clone());
        self.base.set(connection.base_url.clone());
        self.auth.set(kind.to_owned());
        self.username.set(username);
        self.secret.set(secret);
        self.value.set(String::new());
        self.place.set(if place == "query" {
            place
        } else {
            "header".to_owned()
        });
        self.key.set(key);
        self.headers.set(headers_text(&connection.headers));
        self.timeout
            .set(connection.timeout.clone().unwrap_or_default());
    }

    fn read(self) -> Connection {
        let secret = json!({ "$secret": self.secret.get_untracked().trim() });
        let auth = match self.auth.get_untracked().as_str() {
            "basic" => Auth::Basic {
                username: json!(self.username.get_untracked().trim()),
                password: secret,
            },
            "bearer" => Auth::Bearer { token: secret },
            "api_key" => Auth::ApiKey {
                place: self.place.get_untracked(),
                name: self.key.get_untracked().trim().to_owned(),
                value: secret,
            },
            _ => Auth::None,
        };
        let timeout = self.timeout.get_untracked().trim().to_owned();
        Connection {
            title: self.title.get_untracked().trim().to_owned(),
            base_url: self.base.get_untracked().trim().to_owned(),
            headers: read_headers(&self.headers.get_untracked()),
            auth,
            timeout: (!timeout.is_empty()).then_some(timeout),
        }
    }
}

#[component]
pub(crate) fn ConnectionDialog(
    wanted: RwSignal<Option<Wanted>>,
    secrets: Loader<Vec<SecretSummary>>,
    done: impl Fn() + Copy + Send + Sync + 'static,
) -> impl IntoView {
    let t = texts();
    let toast = toast();
    let open = RwSignal::new(false);
    let form = Form::new();
    let (busy, tried) = (RwSignal::new(false), RwSignal::new(false));
    let exists = Memo::new(move |_| {
        wanted.with(|wanted| wanted.as_ref().is_some_and(|wanted| wanted.exists))
    });
    Effect::new(move || {
        let Some(Wanted { name, exists }) = wanted.get() else {
            return;
        };
        tried.set(false);
        if !exists {
            form.fill(&name, &Connection::default());
            open.set(true);
            return;
        }
        spawn_local(async move {
            match api::get::<Connection>(&format!("/connections/{}", encode(&name))).await {
                Ok(connection) => {
                    form.fill(&name, &connection);
                    open.try_set(true);
                }
                Err(trouble) => toast.trouble(&trouble),
            }
        });
    });
    Effect::new(move |before: Option<bool>| {
        let now = open.get();
        if before == Some(true) && !now {
            wanted.set(None);
        }
        now
    });
    let bad_name = Signal::derive(move || {
        (tried.get() && !is_slug(form.name.get().trim())).then(|| t.connections_name_bad.to_owned())
    });
    let bad_base = Signal::derive(move || {
        (tried.get() && !is_address(&form.base.get())).then(|| t.connections_base_bad.to_owned())
    });
    let save = move || {
        tried.set(true);
        let name = form.name.get_untracked().trim().to_owned();
        if busy.get_untracked() || !is_slug(&name) || !is_address(&form.base.get_untracked()) {
            return;
        }
        let connection = form.read();
        let (secret, value) = (
            form.secret.get_untracked().trim().to_owned(),
            form.value.get_untracked(),
        );
        busy.set(true);
        spawn_local(async move {
            let mut answer: Result<Value, _> = Ok(Value::Null);
            if !value.is_empty() && !secret.is_empty() {
                answer = api::send(
                    "PUT",
                    &format!("/secrets/{}", encode(&secret)),
                    &json!({ "value": value }),
                )
                .await;
            }
            if answer.is_ok() {
                answer = api::send(
                    "PUT",
                    &format!("/connections/{}", encode(&name)),
                    &connection,
                )
                .await;
            }
            busy.try_set(false);
            match answer {
                Ok(_) => {
                    open.try_set(false);
                    toast.good(fill(t.connections_saved, &[("name", &name)]));
                    done();
                }
                Err(trouble) => toast.trouble(&trouble),
            }
        });
    };
    let title = Signal::derive(move || match wanted.get() {
        Some(Wanted { name, exists: true }) => fill(t.connections_edit, &[("name", &name)]),
        _ => t.connections_new.to_owned(),
    });
    view! {
        <Dialog open title wide=true>
            <form
                data-testid="connection-form"
                on:submit=move |event| {
                    event.prevent_default();
                    save();
                }
            >
                <div class="dialog-body form">
                    <div class="form-row">
                        <TextField
                            id="connection-name"
                            label=t.connections_name
                            hint=t.connections_name_hint
                            value=form.name
                            wrong=bad_name
                            fixed=exists.get()
                        />
                        <TextField id="connection-title" label=format!("{} ({})", t.connections_label, t.optional) value=form.title/>
                    </div>
                    <TextField
                        id="connection-base"
                        label=t.connections_base
                        hint=t.connections_base_hint
                        value=form.base
                        wrong=bad_base
                    />
                    <Choice
                        id="connection-auth"
                        label=t.connections_auth
                        options=Signal::stored(kinds(t))
                        value=form.auth
                        choose=move |kind| form.auth.set(kind)
                    />
                    {move || auth_fields(t, form, secrets)}
                    <div class="form-row">
                        <Field id="connection-headers" label=format!("{} ({})", t.connections_headers, t.optional) hint=t.connections_headers_hint>
                            <textarea
                                id="connection-headers"
                                class="input mono"
                                rows="2"
                                spellcheck="false"
                                prop:value=form.headers
                                on:input:target=move |event| form.headers.set(event.target().value())
                            ></textarea>
                        </Field>
                        <TextField
                            id="connection-timeout"
                            label=format!("{} ({})", t.connections_timeout, t.optional)
                            hint=t.connections_timeout_hint
                            value=form.timeout
                        />
                    </div>
                </div>
                <footer class="dialog-foot">
                    <Button label=t.cancel press=move |_| open.set(false)/>
                    <Button label=t.save icon=Icon::Check weight=Weight::Primary busy test="connection-save" sends=true press=|_| ()/>
                </footer>
            </form>
        </Dialog>
    }
}

fn kinds(t: &Texts) -> Vec<(String, String)> {
    [
        ("none", t.auth_none),
        ("basic", t.auth_basic),
        ("bearer", t.auth_bearer),
        ("api_key", t.auth_api_key),
    ]
    .into_iter()
    .map(|(word, label)| (word.to_owned(), label.to_owned()))
    .collect()
}

/// The fields that the chosen kind of authentication asks for.
fn auth_fields(t: &'static Texts, form: Form, secrets: Loader<Vec<SecretSummary>>) -> AnyView {
    match form.auth.get().as_str() {
        "basic" => view! {
            <div class="form-row">
                <TextField id="connection-username" label=t.connections_username value=form.username/>
                <SecretField label=t.connections_password form secrets/>
            </div>
        }
        .into_any(),
        "bearer" => view! { <SecretField label=t.connections_token form secrets/> }.into_any(),
        "api_key" => {
            let places = vec![
                ("header".to_owned(), t.connections_key_header.to_owned()),
                ("query".to_owned(), t.connections_key_query.to_owned()),
            ];
            view! {
                <div class="form-row">
                    <Choice
                        id="connection-place"
                        label=t.connections_key_place
                        options=Signal::stored(places)
                        value=form.place
                        choose=move |place| form.place.set(place)
                    />
                    <TextField id="connection-key" label=t.connections_key_name value=form.key/>
                </div>
                <SecretField label=t.connections_key form secrets/>
            }
            .into_any()
        }
        _ => ().into_any(),
    }
}

/// The name of a secret, suggested from those there are; one that is not there yet can be set at once.
#[component]
fn SecretField(
    label: &'static str,
    form: Form,
    secrets: Loader<Vec<SecretSummary>>,
) -> impl IntoView {
    let t = texts();
    let known = Memo::new(move |_| {
        secrets
            .ready()
            .unwrap_or_default()
            .into_iter()
            .map(|secret| secret.name)
            .collect::<Vec<_>>()
    });
    let missing = Memo::new(move |_| {
        let name = form.secret.get();
        is_slug(name.trim()) && known.with(|known| known.iter().all(|known| known != name.trim()))
    });
    view! {
        <div class="secret-field">
            <TextField
                id="connection-secret"
                label
                hint=t.connections_secret_hint
                value=form.secret
                list="secret-names"
            />
            <datalist id="secret-names">
                {move || known.get().into_iter().map(|name| view! { <option value=name></option> }).collect_view()}
            </datalist>
            <Show when=move || missing.get()>
                <p class="notice warn"><Glyph icon=Icon::KeyRound/>{t.connections_secret_missing}</p>
                <TextField
                    id="connection-secret-value"
                    label=t.secrets_value
                    hint=t.secrets_value_hint
                    value=form.value
                    hidden=true
                />
            </Show>
        </div>
    }
}

fn is_address(text: &str) -> bool {
    let rest = text
        .trim()
        .strip_prefix("https://")
        .or_else(|| text.trim().strip_prefix("http://"));
    rest.is_some_and(|rest| !rest.is_empty() && !rest.starts_with('/'))
}

/// The name of a secret; a literal is left out, since the form writes names only.
fn secret_name(value: &Value) -> String {
    value
        .get("$secret")
        .and_then(Value::as_str)
        .unwrap_or_default()
        .to_owned()
}

fn plain(value: &Value) -> String {
    value.as_str().unwrap_or_default().to_owned()
}

/// One header per line.
fn headers_text(headers: &Map<String, Value>) -> String {
    let line = |(name, value): (&String, &Value)| match value {
        Value::String(text) => format!("{name}: {text}"),
        other => format!("{name}: {other}"),
    };
    headers.iter().map(line).collect::<Vec<_>>().join("\n")
}

/// Reads what `headers_text` writes. A value that is a JSON object, such as a secret, comes back as one.
fn read_headers(text: &str) -> Map<String, Value> {
    let pairs = text.lines().filter_map(|line| line.split_once(':'));
    let value = |text: &str| match serde_json::from_str::<Value>(text) {
        Ok(object @ Value::Object(_)) => object,
        _ => json!(text),
    };
    pairs
        .map(|(name, text)| (name.trim().to_owned(), value(text.trim())))
        .filter(|(name, _)| !name.is_empty())
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn headers_survive_the_form() {
        let headers = json!({"Accept": "a: b", "X-Key": {"$secret": "k"}});
        let text = headers_text(headers.as_object().unwrap());
        assert_eq!(Value::Object(read_headers(&text)), headers);
        assert!(read_headers("nonsense\n : x").is_empty());
    }

    #[test]
    fn addresses_are_whole() {
        for (text, good) in [
            ("https://a.b", true),
            (" http://localhost:1 ", true),
            ("a.b", false),
            ("https://", false),
            ("https:///x", false),
            ("ftp://a", false),
        ] {
            assert_eq!(is_address(text), good, "{text}");
        }
    }
}
