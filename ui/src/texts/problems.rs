//! What the check finds, in German: a sentence for each code, with what the finding names. English is what the check says itself.

use weir_flows::problem::Problem;

use super::{Language, language};

/// The sentence of a problem in the chosen language.
pub(crate) fn problem_sentence(problem: &Problem) -> String {
    match language() {
        Language::English => problem.message.clone(),
        Language::German => german(problem),
    }
}

/// What follows the sentence of a code.
enum Rest {
    /// What the finding names in backticks.
    Names,
    /// The finding in its own words: they quote a script, a schema or a number.
    Words,
}

fn german(problem: &Problem) -> String {
    use Rest::{Names, Words};
    let (sentence, rest) = match problem.code.as_str() {
        "missing_key" => ("Hier fehlt eine Angabe; ergänzen Sie sie", Names),
        "unknown_key" => (
            "Diese Angabe gibt es hier nicht; entfernen oder berichtigen Sie sie",
            Names,
        ),
        "duplicate_key" => ("Diese Angabe steht zweimal da; entfernen Sie eine", Names),
        "no_meaning" => ("Diese Angabe bewirkt hier nichts; entfernen Sie sie", Names),
        "too_long" => (
            "Ein Schritt kann höchstens 366 Tage warten; schreiben Sie weniger",
            Names,
        ),
        "bad_form" => (
            "Ein Formular ist das JSON-Schema eines Objekts; schreiben Sie \"type\": \"object\" und seine Felder unter `properties`",
            Names,
        ),
        "bad_mock" => (
            "Hier entscheidet eine Person; nennen Sie, was sie sagt: {\"output\": {\"decision\": \"approved\"}} oder \"rejected\"",
            Names,
        ),
        "excludes" => (
            "Diese Angaben schließen einander aus; behalten Sie eine",
            Names,
        ),
        "wrong_type" => ("Dieser Wert hat die falsche Art", Words),
        "wrong_shape" => ("Dieser Wert hat die falsche Form", Words),
        "bad_value" => ("Dieser Wert ist hier nicht möglich", Words),
        "bad_id" => (
            "Diese Kennung geht nicht; erlaubt sind Kleinbuchstaben, Ziffern, - und _",
            Names,
        ),
        "duplicate_id" => ("Diese Kennung ist zweimal vergeben; ändern Sie eine", Names),
        "unknown_id" | "unknown_step" => ("Einen Schritt dieses Namens gibt es nicht", Names),
        "unknown_kind" => ("Diese Art gibt es nicht", Names),
        "unknown_port" => (
            "Diesen Ausgang hat der Schritt nicht; ziehen Sie die Verknüpfung neu",
            Names,
        ),
        "bad_port" => (
            "So kann ein Ausgang nicht heißen; erlaubt sind Kleinbuchstaben, Ziffern, - und _",
            Names,
        ),
        "duplicate_port" => ("Zwei Ausgänge heißen gleich; benennen Sie einen um", Names),
        "open_port" => (
            "Auf diesen Ausgang folgt nichts; verknüpfen Sie ihn, wenn dann etwas geschehen soll",
            Names,
        ),
        "no_case" => (
            "Diese Verzweigung hat keinen Ausgang; fügen Sie einen Fall hinzu",
            Names,
        ),
        "dangling_link" | "bad_target" => (
            "Diese Verknüpfung führt nicht zu einem Schritt; entfernen oder ziehen Sie sie neu",
            Names,
        ),
        "duplicate_link" => (
            "Diese Verknüpfung gibt es zweimal; entfernen Sie eine",
            Names,
        ),
        "circle" => (
            "Die Verknüpfungen bilden einen Kreis; entfernen Sie eine davon",
            Names,
        ),
        "no_step" => (
            "Für die Elemente geschieht nichts; fügen Sie im Ablauf einen Schritt hinzu",
            Names,
        ),
        "too_deep" => (
            "Schleifen stehen hier zu tief ineinander; bilden Sie vorher eine flache Liste",
            Names,
        ),
        "not_here" => (
            "Dieser Schritt kann nicht in einer Schleife stehen; antworten Sie danach mit ihren Ergebnissen",
            Names,
        ),
        "no_trigger" => (
            "Nichts startet diesen Flow; fügen Sie einen Auslöser hinzu",
            Names,
        ),
        "unreachable" => (
            "Kein Auslöser führt hierher, der Schritt läuft also nie; verknüpfen oder löschen Sie ihn",
            Names,
        ),
        "leads_nowhere" => (
            "Auf diesen Auslöser folgt kein Schritt; verknüpfen Sie ihn",
            Names,
        ),
        "not_before" => (
            "Dieser Schritt läuft nicht vor diesem hier; sein Wert ist dann ()",
            Names,
        ),
        "missing_connection" => ("Dieser Schritt braucht eine Verbindung", Names),
        "unknown_connection" => (
            "Diese Verbindung gibt es hier noch nicht; legen Sie sie an",
            Names,
        ),
        "unknown_flow" => (
            "Diesen Flow gibt es hier noch nicht; legen Sie ihn an und veröffentlichen Sie ihn",
            Names,
        ),
        "duplicate_trigger" => (
            "Ein Flow hat nur einen Auslöser für Aufrufe; entfernen Sie einen",
            Names,
        ),
        "unknown_secret" => (
            "Dieses Geheimnis gibt es hier noch nicht; legen Sie es an",
            Names,
        ),
        "literal_secret" => (
            "Hier steht ein Geheimnis im Klartext; legen Sie es als Geheimnis an und nennen Sie nur seinen Namen",
            Names,
        ),
        "bad_duration" => (
            "Das ist keine Dauer; schreiben Sie sie wie 250ms, 10s, 5m, 2h oder 7d",
            Names,
        ),
        "bad_url" => (
            "Das ist keine Adresse; sie beginnt mit https:// oder http://",
            Names,
        ),
        "bad_path" => ("Dieser Pfad geht nicht", Words),
        "path_taken" => (
            "Diesen Pfad hat schon ein anderer Flow; wählen Sie einen anderen",
            Names,
        ),
        "json_path" => ("Dieser Pfad durch die Daten hat einen Fehler", Words),
        "cron" | "bad_schedule" => ("Dieser Zeitplan hat einen Fehler", Words),
        "time_zone" => ("Diese Zeitzone gibt es nicht", Names),
        "schema" => ("Das Schema hat einen Fehler", Words),
        "script" => ("Das Skript hat einen Fehler", Words),
        "bare_expression" => (
            "Hier steht ohnehin ein Ausdruck; schreiben Sie ihn ohne das = am Anfang",
            Names,
        ),
        "not_compiled" => ("Dieser Teil lässt sich nicht übersetzen", Words),
        "bad_row" => ("Diese Zeile geht so nicht", Words),
        "too_large" => ("Der Flow ist zu groß; teilen Sie ihn in mehrere", Names),
        "not_a_flow" | "not_json" => ("Das ist kein Flow", Words),
        "missing_format" | "unknown_format" => ("Dieses Format kennt dieser Server nicht", Words),
        _ => return problem.message.clone(),
    };
    let rest = match rest {
        Rest::Words => problem.message.clone(),
        Rest::Names => names(&problem.message).join(", "),
    };
    if rest.is_empty() {
        format!("{sentence}.")
    } else {
        format!("{sentence}: {rest}")
    }
}

/// What a sentence has in backticks, each once.
fn names(message: &str) -> Vec<&str> {
    let mut names = Vec::new();
    for name in message.split('`').skip(1).step_by(2) {
        if !names.contains(&name) {
            names.push(name);
        }
    }
    names
}

#[cfg(test)]
mod tests {
    use std::{fs, path::Path};

    use super::*;

    #[test]
    fn a_finding_names_what_it_is_about() {
        for (code, message, said) in [
            (
                "missing_key",
                "`script` is missing; add it",
                "Hier fehlt eine Angabe; ergänzen Sie sie: script",
            ),
            (
                "no_case",
                "this branch has no way out; add a case",
                "Diese Verzweigung hat keinen Ausgang; fügen Sie einen Fall hinzu.",
            ),
            (
                "script",
                "line 1, column 2: no",
                "Das Skript hat einen Fehler: line 1, column 2: no",
            ),
            ("of_tomorrow", "It is new.", "It is new."),
        ] {
            assert_eq!(german(&Problem::error("", code, message)), said);
        }
    }

    #[test]
    fn every_code_of_the_check_has_a_sentence() {
        let sources = Path::new(env!("CARGO_MANIFEST_DIR")).join("../flows/src");
        let (mut codes, mut missing) = (0, Vec::new());
        for file in ["check.rs", "check", "settings.rs", "shape.rs", "json.rs"] {
            for text in texts_of(&sources.join(file)) {
                for code in codes_of(&text) {
                    codes += 1;
                    if german(&Problem::error("", code, "?")) == "?" {
                        missing.push(code.to_owned());
                    }
                }
            }
        }
        assert_eq!(
            missing,
            Vec::<String>::new(),
            "codes without a German sentence"
        );
        assert!(codes > 30, "only {codes} codes were found");
    }

    fn texts_of(path: &Path) -> Vec<String> {
        if path.is_dir() {
            let entries = fs::read_dir(path).unwrap();
            entries
                .flat_map(|entry| texts_of(&entry.unwrap().path()))
                .collect()
        } else {
            vec![fs::read_to_string(path).unwrap()]
        }
    }

    /// The codes in calls such as `error(at, "some_code", message)`: the first text that is two words with an underscore.
    fn codes_of(text: &str) -> Vec<&str> {
        let text = text.split("#[cfg(test)]").next().unwrap_or_default();
        let mut codes = Vec::new();
        for call in ["::error(", "::warning(", ".error(", ".warning("] {
            for rest in text.split(call).skip(1) {
                let end = rest.find(';').unwrap_or(rest.len());
                let mut quoted = rest[..end].split('"').skip(1).step_by(2);
                codes.extend(quoted.find(|text| {
                    text.contains('_') && text.bytes().all(|b| b.is_ascii_lowercase() || b == b'_')
                }));
            }
        }
        codes
    }
}
