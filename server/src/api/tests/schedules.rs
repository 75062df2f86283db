//! What fires when: the list of schedules, the fires of one, and those of times that are being written.

use serde_json::{Value, json};

use super::{Server, orders};

/// A flow with a schedule by cron, one by distance, one that is disabled, and a trigger of another kind.
fn reports(id: &str) -> Value {
    json!({
        "format": "weir/flow@1", "id": id, "title": "Reports",
        "triggers": {
            "daily": { "kind": "schedule", "title": "Every night",
                       "config": { "cron": "30 2 * * *", "timezone": "Europe/Berlin" } },
            "often": { "kind": "schedule", "config": { "every": "7d" } },
            "resting": { "kind": "schedule", "disabled": true, "config": { "cron": "@hourly" } },
            "hand": { "kind": "manual" },
        },
        "steps": { "note": { "kind": "map", "config": { "script": "input.body" } } },
        "links": [
            { "from": "daily", "to": "note" }, { "from": "often", "to": "note" },
            { "from": "resting", "to": "note" }, { "from": "hand", "to": "note" },
        ],
    })
}

#[tokio::test(flavor = "multi_thread")]
async fn schedules_are_listed_in_pages() {
    let server = Server::start().await;
    let list = server.get("/api/v1/schedules").await.json();
    assert_eq!(list, json!({ "items": [], "next": null }));
    for id in ["b-reports", "a-reports"] {
        server.publish(&reports(id)).await;
    }
    server.publish(&orders()).await;

    let mut path = "/api/v1/schedules?limit=3".to_owned();
    let mut listed: Vec<Value> = Vec::new();
    loop {
        let page = server.get(&path).await.json();
        listed.extend(page["items"].as_array().unwrap().clone());
        let Some(next) = page["next"].as_str() else {
            break;
        };
        path = format!("/api/v1/schedules?limit=3&cursor={next}");
    }
    let ids: Vec<_> = listed
        .iter()
        .map(|one| format!("{}/{}", one["flow"], one["trigger"]).replace('"', ""))
        .collect();
    assert_eq!(
        ids,
        [
            "a-reports/daily",
            "a-reports/often",
            "a-reports/resting",
            "b-reports/daily",
            "b-reports/often",
            "b-reports/resting"
        ]
    );
    let daily = &listed[0];
    let summary = server.get("/api/v1/flows/a-reports/summary").await.json();
    assert_eq!(daily["next_at"], summary["triggers"][0]["next_fire"]);
    assert!(daily["next_at"].is_string());
    let mut shown = daily.clone();
    shown["next_at"] = Value::Null;
    assert_eq!(
        shown,
        json!({
            "flow": "a-reports", "flow_title": "Reports", "trigger": "daily", "title": "Every night",
            "kind": "schedule", "cron": "30 2 * * *", "timezone": "Europe/Berlin", "enabled": true, "paused": false, "disabled": false,
            "next_at": null, "last_at": null,
        })
    );
    assert_eq!(listed[1]["every"], "7d");
    assert_eq!(listed[1].get("timezone"), None);
    let resting = &listed[2];
    assert_eq!(
        (
            &resting["disabled"],
            &resting["enabled"],
            &resting["next_at"]
        ),
        (&json!(true), &json!(true), &Value::Null)
    );

    for (word, paused) in [("pause", true), ("resume", false)] {
        let path = format!("/api/v1/flows/a-reports/{word}");
        server.json("POST", &path, &json!({})).await;
        let list = server.get("/api/v1/schedules").await.json();
        let row = &list["items"][0];
        assert_eq!(
            (&row["paused"], row["next_at"].is_null()),
            (&json!(paused), paused)
        );
        let summary = server.get("/api/v1/flows/a-reports/summary").await.json();
        assert_eq!(summary["triggers"][0]["next_fire"], row["next_at"]);
    }

    server
        .json("POST", "/api/v1/flows/a-reports/disable", &json!({}))
        .await;
    let list = server.get("/api/v1/schedules").await.json();
    let off = &list["items"][0];
    assert_eq!(
        (&off["enabled"], &off["next_at"]),
        (&json!(false), &Value::Null)
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn the_next_fires_are_told_with_what_is_odd_about_them() {
    let server = Server::start().await;
    let path = "/api/v1/flows/reports/triggers/daily/fires";
    assert_eq!(server.get(path).await.problem(404), "not_found");
    server
        .json("POST", "/api/v1/flows", &reports("reports"))
        .await;
    let ten = server.get(path).await.json();
    assert_eq!(ten["items"].as_array().unwrap().len(), 10, "of the draft");
    server
        .json("POST", "/api/v1/flows/reports/publish", &json!({}))
        .await;

    let march = server
        .get(&format!("{path}?limit=2&cursor=2026-03-28T12:00:00Z"))
        .await;
    let spring = json!([
        { "at": "2026-03-29T01:00:00.000Z", "local": "2026-03-29T03:00:00+02:00", "odd": "skipped" },
        { "at": "2026-03-30T00:30:00.000Z", "local": "2026-03-30T02:30:00+02:00" },
    ]);
    assert_eq!(march.json()["items"], spring);
    let next = march.json()["next"].as_str().unwrap().to_owned();
    assert!(march.header("link").contains("rel=\"next\""));
    let page = server
        .get(&format!("{path}?limit=1&cursor={next}"))
        .await
        .json();
    assert_eq!(page["items"][0]["at"], "2026-03-31T00:30:00.000Z");
    let october = server
        .get(&format!("{path}?limit=1&cursor=2026-10-24T12:00:00Z"))
        .await;
    assert_eq!(october.json()["items"][0]["odd"], "doubled");

    for (path, status, part) in [
        (format!("{path}?limit=0"), 400, "from 1 to 200"),
        (format!("{path}?cursor=soon"), 400, "write a time"),
        (path.replace("daily", "none"), 404, "no trigger `none`"),
        (path.replace("daily", "hand"), 404, "has no fires"),
    ] {
        let reply = server.get(&path).await;
        assert_eq!(reply.status, status, "{path}");
        assert!(reply.text().contains(part), "{}", reply.text());
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn times_that_are_being_written_have_fires_too() {
    let server = Server::start().await;
    let fires = "/api/v1/schedules/fires";
    let zone = "cron=0,30+2+*+*+*&timezone=Europe/Berlin";
    let count = async |query: &str| {
        let page = server.get(&format!("{fires}?{query}&limit=200")).await;
        let page = page.json();
        let fires = page["items"].as_array().unwrap().iter();
        let day = |fire: &&Value| fire["at"].as_str().unwrap() < "2026-10-25T12";
        fires.filter(day).count()
    };
    let from = "cursor=2026-10-24T12:00:00Z";
    assert_eq!(count(&format!("{zone}&{from}")).await, 2);
    assert_eq!(count(&format!("{zone}&{from}&doubled=twice")).await, 4);
    assert_eq!(count(&format!("every=6h&{from}")).await, 3);

    let reply = server
        .get(&format!("{fires}?cron=0+25+*+*+*&timezone=Mars"))
        .await;
    assert_eq!(reply.problem(422), "invalid_body");
    let errors = reply.json()["errors"].clone();
    assert_eq!(
        (&errors[0]["at"], &errors[1]["at"]),
        (&json!("/cron"), &json!("/timezone"))
    );
    let message = errors[0]["message"].as_str().unwrap();
    assert!(
        message.contains("hour") && message.contains("from 0 to 23"),
        "{message}"
    );
    assert_eq!(server.get(fires).await.problem(422), "invalid_body");
}
