//! The catalog entries of the kinds that belong to the language itself: triggers, mappers and control steps.

use crate::catalog::{Catalog, Entry, Field, FieldKind, Group, text, words};

/// The ports of a step that can fail.
const OK_ERROR: &[&str] = &["ok", "error"];
/// The port of a trigger.
const OK: &[&str] = &["ok"];

/// The statuses a `respond` step may answer with.
const STATUS: FieldKind = FieldKind::Integer { min: 200, max: 599 };

/// The methods an `http` trigger may listen to.
const METHODS: &[&str] = &[
    "GET", "POST", "PUT", "PATCH", "DELETE", "HEAD", "OPTIONS", "ANY",
];

/// `http`: a request starts a run and may wait for its reply.
pub fn http() -> Entry {
    Entry {
    kind: text("http"),
    title: text("HTTP request"),
    summary: text("Starts a run for each request to an address of this server, and answers it."),
    group: Group::Trigger,
    icon: text("globe"),
    fields: vec![
        Field::new("method", "Method", FieldKind::Choice(words(METHODS)), "The HTTP method to listen to. POST where none is chosen."),
        Field::new(
            "path",
            "Path",
            FieldKind::Path,
            "The path below /in/main, such as /orders or /orders/{id}. A part in braces is handed over as trigger.params.",
        )
        .required(),
        Field::new(
            "reply",
            "Reply",
            FieldKind::Choice(words(&["result", "accepted"])),
            "result: answer with what the flow responds. accepted: answer 202 as soon as the message is safe on disk.",
        ),
        Field::new(
            "deadline",
            "Reply within",
            FieldKind::Duration,
            "How long the caller waits for the result, 30s where none is given. After it the answer is 202 with the address of the run.",
        ),
    ],
    ports: words(OK),
    exactly_one: Vec::new(),
    action: None,
}
}

/// `webhook`: signed intake from a partner.
pub fn webhook() -> Entry {
    Entry {
    kind: text("webhook"),
    title: text("Webhook"),
    summary: text("Starts a run for each signed message of a partner, answered with 202 once it is safe on disk."),
    group: Group::Trigger,
    icon: text("webhook"),
    fields: vec![
        Field::new("path", "Path", FieldKind::Path, "The path below /in/main, such as /github.").required(),
        Field::new(
            "verify",
            "Signature",
            FieldKind::Group(vec![
                Field::new(
                    "scheme",
                    "Scheme",
                    FieldKind::Choice(words(&["standard-webhooks", "github"])),
                    "How the partner signs: standard-webhooks (webhook-signature) or github (X-Hub-Signature-256).",
                )
                .required(),
                Field::new("secret", "Secret", FieldKind::Secret, "The secret shared with the partner.").required(),
                Field::new(
                    "tolerance",
                    "Tolerance",
                    FieldKind::Duration,
                    "How far the time of a signed message may be from now, 5m where none is given. GitHub signs no time.",
                ),
            ]),
            "How a message proves that it comes from the partner. What does not verify is answered with 401 and not stored.",
        )
        .required(),
    ],
    ports: words(OK),
    exactly_one: Vec::new(),
    action: None,
}
}

/// `schedule`: a run at given times.
pub fn schedule() -> Entry {
    Entry {
        kind: text("schedule"),
        title: text("Schedule"),
        summary: text("Starts a run at given times."),
        group: Group::Trigger,
        icon: text("clock"),
        fields: vec![
            Field::new(
                "cron",
                "Cron",
                FieldKind::Cron,
                "Five fields (minute hour day month weekday), six with seconds first, or @daily and kin.",
            ),
            Field::new(
                "timezone",
                "Time zone",
                FieldKind::TimeZone,
                "The zone of the cron expression, such as Europe/Berlin. UTC where none is given.",
            ),
            Field::new(
                "every",
                "Every",
                FieldKind::Duration,
                "A fixed distance instead of a cron expression, such as 15m, counted from midnight UTC of 1970-01-01.",
            ),
        ],
        ports: words(OK),
        exactly_one: words(&["cron", "every"]),
        action: None,
    }
}

/// `manual`: a person starts it.
pub fn manual() -> Entry {
    Entry {
        kind: text("manual"),
        title: text("By hand"),
        summary: text(
            "Starts a run when a person or a program asks for it through the page or the API.",
        ),
        group: Group::Trigger,
        icon: text("hand"),
        fields: vec![],
        ports: words(OK),
        exactly_one: Vec::new(),
        action: None,
    }
}

/// `map`: a rhai script.
pub fn map() -> Entry {
    Entry {
    kind: text("map"),
    title: text("Map"),
    summary: text("Computes a new value with a rhai script."),
    group: Group::Mapper,
    icon: text("code"),
    fields: vec![Field::new(
        "script",
        "Script",
        FieldKind::Script,
        "The value of its last expression is the output. In scope: input, trigger, steps, run, vars.",
    )
    .required()],
    ports: words(OK_ERROR),
    exactly_one: Vec::new(),
    action: None,
}
}

/// `fields`: a table from source to target.
pub fn fields() -> Entry {
    Entry {
    kind: text("fields"),
    title: text("Fields"),
    summary: text("Fills an object field by field, from paths, values or expressions."),
    group: Group::Mapper,
    icon: text("table"),
    fields: vec![
        Field::new(
            "fields",
            "Fields",
            FieldKind::Rows(vec![
                Field::new("to", "Target", FieldKind::Text, "The name of the target field; a dot goes deeper: customer.name.").required(),
                Field::new("from", "Source", FieldKind::JsonPath, "A JSONPath into the input: $.body.customer.name. With several results it gives a list."),
                Field::new("value", "Value", FieldKind::Any, "A fixed value, or an expression that starts with =.").expression(),
                Field::new("default", "Default", FieldKind::Any, "Taken where the source has nothing or null."),
                Field::new(
                    "as",
                    "As",
                    FieldKind::Choice(words(&["text", "integer", "number", "boolean"])),
                    "Converts what was found. What cannot be converted is a failure.",
                ),
                Field::new("required", "Required", FieldKind::Boolean, "A failure where nothing is found and there is no default."),
            ]),
            "One row for each target field: a source path, or a value.",
        )
        .required(),
    ],
    ports: words(OK_ERROR),
    exactly_one: Vec::new(),
    action: None,
}
}

/// `validate`: a JSON Schema.
pub fn validate() -> Entry {
    Entry {
    kind: text("validate"),
    title: text("Validate"),
    summary: text("Checks a value against a JSON Schema and passes it on unchanged."),
    group: Group::Mapper,
    icon: text("shield-check"),
    fields: vec![
        Field::new("schema", "Schema", FieldKind::Schema, "The JSON Schema (draft 2020-12 where it does not say).").required(),
        Field::new("value", "Value", FieldKind::Any, "What is checked: the input where nothing is given. Usually an expression: = input.body.").expression(),
    ],
    ports: words(OK_ERROR),
    exactly_one: Vec::new(),
    action: None,
}
}

/// `branch`: conditions choose ports.
pub fn branch() -> Entry {
    Entry {
        kind: text("branch"),
        title: text("Branch"),
        summary: text("Chooses which way the run goes on, by conditions."),
        group: Group::Control,
        icon: text("split"),
        fields: vec![
            Field::new(
                "cases",
                "Cases",
                FieldKind::Rows(vec![
                    Field::new("port", "Port", FieldKind::Port, "The name of the way out.")
                        .required(),
                    Field::new(
                        "when",
                        "When",
                        FieldKind::Condition,
                        "A rhai condition: input.total >= 1000.",
                    )
                    .required(),
                ]),
                "Tried from top to bottom.",
            )
            .required(),
            Field::new(
                "otherwise",
                "Otherwise",
                FieldKind::Port,
                "The way out when no case holds. Without it the run goes on nowhere.",
            ),
            Field::new(
                "mode",
                "Mode",
                FieldKind::Choice(words(&["first", "all"])),
                "first: the first case that holds. all: every case that holds.",
            ),
        ],
        ports: words(&["error"]),
        exactly_one: Vec::new(),
        action: None,
    }
}

/// `respond`: the reply to an http trigger.
pub fn respond() -> Entry {
    Entry {
        kind: text("respond"),
        title: text("Respond"),
        summary: text("Answers the caller of an http trigger; the run goes on."),
        group: Group::Control,
        icon: text("reply"),
        fields: vec![
            Field::new(
                "status",
                "Status",
                STATUS,
                "The HTTP status, 200 where none is given.",
            )
            .expression(),
            Field::new(
                "headers",
                "Headers",
                FieldKind::Table,
                "Headers of the answer.",
            )
            .expression(),
            Field::new(
                "body",
                "Body",
                FieldKind::Any,
                "The answer: the input where nothing is given.",
            )
            .expression(),
        ],
        ports: words(OK_ERROR),
        exactly_one: Vec::new(),
        action: None,
    }
}

/// `fail`: ends the run as failed.
pub fn fail() -> Entry {
    Entry {
        kind: text("fail"),
        title: text("Fail"),
        summary: text("Ends the run as failed, with a message that says why."),
        group: Group::Control,
        icon: text("octagon-x"),
        fields: vec![
            Field::new(
                "message",
                "Message",
                FieldKind::Multiline,
                "What the person who looks at the run must know.",
            )
            .required()
            .expression(),
            Field::new(
                "class",
                "Class",
                FieldKind::Choice(words(&[
                    "transient",
                    "rate_limited",
                    "timed_out",
                    "rejected",
                    "denied",
                    "broken",
                    "lost",
                ])),
                "The failure class, rejected where none is given.",
            ),
        ],
        ports: words(&[]),
        exactly_one: Vec::new(),
        action: None,
    }
}

/// The kinds of the language, without any connector.
pub fn catalog() -> Catalog {
    Catalog {
        triggers: vec![http(), webhook(), schedule(), manual()],
        steps: vec![map(), fields(), validate(), branch(), respond(), fail()],
    }
}
