//! The catalogue: each line is a name, the English text and the German one. Those of the editor are in `editor`, those of running things in `ops`.

/// Declares the catalogue, so that no text can exist in one language only.
macro_rules! catalogue {
    ($($name:ident: $english:literal, $german:literal;)*) => {
        /// All texts of the page in one language.
        pub(crate) struct Texts {
            $(pub(crate) $name: &'static str,)*
        }

        /// The English texts.
        pub(crate) static ENGLISH: Texts = Texts { $($name: $english,)* };
        /// The German texts.
        pub(crate) static GERMAN: Texts = Texts { $($name: $german,)* };

        #[cfg(test)]
        impl Texts {
            /// Every text with its name.
            pub(crate) fn all(&self) -> Vec<(&'static str, &'static str)> {
                vec![$((stringify!($name), self.$name),)*]
            }
        }
    };
}

mod editor;
mod ops;

ops::with_ops! { catalogue {
    // Its tag (BCP 47), as the phrases of the catalog of kinds are asked for.
    language: "en", "de";

    // The shell.
    nav_label: "Main navigation", "Hauptnavigation";
    nav_flows: "Flows", "Flows";
    nav_runs: "Runs", "Läufe";
    nav_connections: "Connections", "Verbindungen";
    nav_system: "System", "System";
    nav_fold: "Narrow bar", "Schmale Leiste";
    nav_unfold: "Wide bar", "Breite Leiste";
    skip_to_content: "Skip to content", "Zum Inhalt springen";
    language_switch: "Deutsch", "English";
    theme_system: "System colours", "Systemfarben";
    theme_light: "Light colours", "Helle Farben";
    theme_dark: "Dark colours", "Dunkle Farben";
    page_missing_title: "There is no such page", "Diese Seite gibt es nicht";
    page_missing_text: "The address may be mistyped, or the thing was deleted.", "Die Adresse ist vielleicht vertippt, oder die Sache wurde gelöscht.";
    page_missing_action: "Show all flows", "Alle Flows zeigen";

    // Everywhere.
    close: "Close", "Schließen";
    cancel: "Cancel", "Abbrechen";
    save: "Save", "Speichern";
    delete: "Delete", "Löschen";
    edit: "Edit", "Bearbeiten";
    copy: "Copy", "Kopieren";
    copied: "Copied", "Kopiert";
    copy_failed: "The browser did not allow copying", "Der Browser hat das Kopieren nicht erlaubt";
    retry: "Try again", "Erneut versuchen";
    loading: "Loading", "Wird geladen";
    load_more: "Show more", "Mehr anzeigen";
    optional: "optional", "optional";
    actions: "Actions", "Aktionen";
    trouble_title: "This could not be loaded", "Das konnte nicht geladen werden";
    trouble_offline: "The server does not answer. Check that it runs and that you are connected, then try again.", "Der Server antwortet nicht. Prüfen Sie, ob er läuft und ob Sie verbunden sind, und versuchen Sie es erneut.";
    request_id: "Request {id}", "Anfrage {id}";

    // Time.
    just_now: "just now", "gerade eben";
    seconds_ago: "{n} s ago", "vor {n} s";
    minutes_ago: "{n} min ago", "vor {n} min";
    hours_ago: "{n} h ago", "vor {n} h";
    day_ago: "1 day ago", "vor 1 Tag";
    days_ago: "{n} days ago", "vor {n} Tagen";
    in_seconds: "in {n} s", "in {n} s";
    in_minutes: "in {n} min", "in {n} min";
    in_hours: "in {n} h", "in {n} h";
    in_day: "in 1 day", "in 1 Tag";
    in_days: "in {n} days", "in {n} Tagen";
    decimal_point: ".", ",";

    // States of runs and steps.
    status_running: "Running", "Läuft";
    status_waiting: "Waiting", "Wartet";
    status_succeeded: "Succeeded", "Erfolgreich";
    status_failed: "Failed", "Gescheitert";
    status_cancelled: "Cancelled", "Abgebrochen";
    status_skipped: "Skipped", "Übersprungen";
    status_pending: "Not yet reached", "Noch nicht erreicht";

    // Failure classes, explained.
    class_transient: "Passing problem", "Vorübergehendes Problem";
    class_transient_text: "The other side or the network had a passing problem. Another attempt may succeed.", "Die Gegenseite oder das Netz hatte ein vorübergehendes Problem. Ein weiterer Versuch kann gelingen.";
    class_rate_limited: "Too many requests", "Zu viele Anfragen";
    class_rate_limited_text: "The other side asks to slow down. Later attempts may succeed; a lower rate avoids this.", "Die Gegenseite bittet um weniger Anfragen. Spätere Versuche können gelingen; ein geringeres Tempo vermeidet das.";
    class_timed_out: "No answer in time", "Keine Antwort in der Zeit";
    class_timed_out_text: "No answer came in time. What was asked may have happened all the same: check on the other side before doing it again.", "Es kam rechtzeitig keine Antwort. Was verlangt war, kann trotzdem geschehen sein: vor einer Wiederholung bei der Gegenseite nachsehen.";
    class_rejected: "Refused by the other side", "Von der Gegenseite abgelehnt";
    class_rejected_text: "The other side understood the request and refused it. The same request will be refused again: change the data or the step.", "Die Gegenseite hat die Anfrage verstanden und abgelehnt. Dieselbe Anfrage wird wieder abgelehnt: Daten oder Schritt ändern.";
    class_denied: "Not allowed", "Nicht erlaubt";
    class_denied_text: "Access was denied, by the other side or by this server's outbound guard. Check the connection, its secrets and the allowed addresses.", "Der Zugriff wurde verweigert, von der Gegenseite oder vom Ausgangsschutz dieses Servers. Verbindung, Geheimnisse und erlaubte Adressen prüfen.";
    class_broken: "Error in the flow", "Fehler im Flow";
    class_broken_text: "The flow itself is wrong here: a script failed, a bound was hit, or an answer was not what it claimed to be.", "Der Flow selbst ist hier falsch: ein Skript scheiterte, eine Grenze wurde erreicht, oder eine Antwort war nicht, was sie zu sein vorgab.";
    class_lost: "Interrupted", "Unterbrochen";
    class_lost_text: "The server stopped during this attempt. What was asked may have happened: check on the other side before doing it again.", "Der Server wurde während dieses Versuchs beendet. Was verlangt war, kann geschehen sein: vor einer Wiederholung bei der Gegenseite nachsehen.";

    // Flows.
    flows_title: "Flows", "Flows";
    flows_search: "Search title, id or address", "Titel, Id, Adresse suchen";
    flows_import: "Import", "Importieren";
    flows_export: "Export", "Exportieren";
    flows_publish: "Publish", "Veröffentlichen";
    flows_column_flow: "Flow", "Flow";
    flows_column_triggers: "Triggers", "Auslöser";
    flows_column_state: "State", "Stand";
    flows_column_last: "Last run", "Letzter Lauf";
    flows_column_day: "Last 24 hours", "Letzte 24 Stunden";
    flows_column_next: "Next fire", "Nächster Start";
    flows_empty_title: "No flows yet", "Noch keine Flows";
    flows_empty_text: "A flow starts with a trigger, such as a request or a time, and moves a message from step to step. Draw one, or bring one in as a file: drop it anywhere on this page or choose it.", "Ein Flow beginnt mit einem Auslöser, etwa einer Anfrage oder einer Uhrzeit, und bringt eine Nachricht von Schritt zu Schritt. Zeichnen Sie einen, oder holen Sie einen als Datei herein: irgendwo auf diese Seite ziehen oder auswählen.";
    flows_empty_action: "Choose files", "Dateien auswählen";
    flows_empty_hint: "Ready-made flows with tests lie in the folder flows/gallery of Weir's source; weir serve --gallery loads them.", "Fertige Flows mit Tests liegen im Ordner flows/gallery des Quelltexts von Weir; weir serve --gallery lädt sie.";
    flows_no_match_title: "Nothing matches “{text}”", "Nichts passt zu „{text}“";
    flows_no_match_text: "Search looks at titles, ids and addresses of flows.", "Gesucht wird in Titeln, Ids und Adressen der Flows.";
    flows_no_match_action: "Clear the search", "Suche leeren";
    flows_drop: "Drop flow files to import them", "Flow-Dateien zum Importieren hier ablegen";
    flows_count_one: "{n} flow", "{n} Flow";
    flows_count_many: "{n} flows", "{n} Flows";
    state_draft: "Draft", "Entwurf";
    state_published: "Published v{n}", "Veröffentlicht v{n}";
    state_changed: "v{n}, draft changed", "v{n}, Entwurf geändert";
    state_draft_hint: "Never published: no trigger listens yet.", "Nie veröffentlicht: noch lauscht kein Auslöser.";
    state_changed_hint: "The draft differs from the published version.", "Der Entwurf weicht von der veröffentlichten Version ab.";
    never_run: "never", "nie";
    no_runs_today: "no runs", "keine Läufe";
    day_succeeded: "{n} succeeded", "{n} erfolgreich";
    day_failed: "{n} failed", "{n} gescheitert";
    day_active: "{n} underway", "{n} unterwegs";
    copy_url: "Copy the address", "Adresse kopieren";
    trigger_more: "{n} more", "{n} weitere";
    trigger_none: "no trigger", "kein Auslöser";
    delete_flow_title: "Delete “{name}”?", "„{name}“ löschen?";
    delete_flow_text: "Its draft and versions are deleted and its triggers stop listening. Its runs stay.", "Entwurf und Versionen werden gelöscht, die Auslöser lauschen nicht mehr. Die Läufe bleiben.";
    deleted: "“{name}” was deleted", "„{name}“ wurde gelöscht";
    exported: "{file} was downloaded", "{file} wurde heruntergeladen";

    // Import.
    import_title: "Import flows", "Flows importieren";
    import_reading: "Reading {file}", "{file} wird gelesen";
    import_done: "Imported as a draft", "Als Entwurf importiert";
    import_replaced: "The draft was replaced", "Der Entwurf wurde ersetzt";
    import_warnings_one: "{n} thing to look at", "{n} Sache zum Ansehen";
    import_warnings_many: "{n} things to look at", "{n} Sachen zum Ansehen";
    import_exists: "There is already a flow with the id {id}. Its draft can be replaced; published versions stay as they are.", "Es gibt schon einen Flow mit der Id {id}. Sein Entwurf kann ersetzt werden; veröffentlichte Versionen bleiben, wie sie sind.";
    import_replace: "Replace the draft", "Entwurf ersetzen";
    import_refused_one: "Not imported: {n} problem", "Nicht importiert: {n} Problem";
    import_refused_many: "Not imported: {n} problems", "Nicht importiert: {n} Probleme";
    import_not_json: "This file is not JSON: {why}", "Diese Datei ist kein JSON: {why}";
    import_unreadable: "The browser could not read this file.", "Der Browser konnte diese Datei nicht lesen.";
    import_more: "Choose more files", "Weitere Dateien auswählen";

    // Problems.
    problem_error: "Error", "Fehler";
    problem_warning: "Warning", "Warnung";
    problem_whole: "whole document", "ganzes Dokument";
    problem_show: "Show on the drawing", "In der Zeichnung zeigen";

    // One flow.
    flow_back: "All flows", "Alle Flows";
    tab_drawing: "Drawing", "Zeichnung";
    tab_try: "Try", "Ausprobieren";
    tab_runs: "Runs", "Läufe";
    tab_versions: "Versions", "Versionen";
    tab_document: "Document", "Dokument";
    tabs_label: "Parts of the flow", "Teile des Flows";
    publish_title: "Publish “{name}”", "„{name}“ veröffentlichen";
    publish_text: "The draft becomes version {n}. From then on its triggers start runs of that version; runs underway end on theirs.", "Der Entwurf wird Version {n}. Von da an starten seine Auslöser Läufe dieser Version; laufende Läufe enden auf ihrer.";
    publish_note: "What changed", "Was sich geändert hat";
    publish_note_hint: "One line for the list of versions", "Eine Zeile für die Liste der Versionen";
    publish_done: "Version {n} is live", "Version {n} ist aktiv";
    publish_refused: "It cannot be published yet: the draft has errors.", "Noch nicht zu veröffentlichen: Der Entwurf hat Fehler.";

    // The canvas.
    canvas_label: "Drawing of the flow. Arrow keys move between cards, Enter opens one.", "Zeichnung des Flows. Pfeiltasten wechseln zwischen Karten, Eingabe öffnet eine.";
    canvas_in: "Zoom in", "Vergrößern";
    canvas_out: "Zoom out", "Verkleinern";
    canvas_fit: "Fit to window", "In das Fenster einpassen";
    canvas_actual: "Actual size", "Originalgröße";
    canvas_empty_title: "This flow has no steps yet", "Dieser Flow hat noch keine Schritte";
    canvas_empty_text: "Import a document with steps to see them drawn here.", "Importieren Sie ein Dokument mit Schritten, um sie hier gezeichnet zu sehen.";
    canvas_trigger: "Trigger, {kind}", "Auslöser, {kind}";
    canvas_step: "Step, {kind}", "Schritt, {kind}";
    canvas_disabled: "disabled", "abgeschaltet";

    // The canvas that is drawn on.
    canvas_label_drawable: "Drawing of the flow. Arrow keys move between cards, Space chooses one, Enter opens it, L draws a link, Ctrl with arrow keys moves it.", "Zeichnung des Flows. Pfeiltasten wechseln zwischen Karten, Leertaste wählt eine aus, Eingabe öffnet sie, L zeichnet eine Verknüpfung, Strg mit Pfeiltasten verschiebt sie.";
    canvas_leads_to: "Leads to: {ways}", "Führt zu: {ways}";
    canvas_leads_nowhere: "Leads nowhere yet", "Führt noch nirgends hin";
    canvas_way_by: "{title} (by {port})", "{title} (über {port})";
    canvas_link: "Link from {from}, port {port}, to {to}", "Verknüpfung von {from}, Ausgang {port}, zu {to}";
    canvas_insert: "Insert a step", "Schritt einfügen";
    canvas_port: "Add a step after {title}, port {port}", "Schritt nach {title} hinzufügen, Ausgang {port}";
    canvas_port_tip: "Click to add a step, drag to connect", "Klicken fügt einen Schritt hinzu, Ziehen verknüpft";
    canvas_port_error: "error", "Fehler";
    canvas_no_way_out: "This card has no way out.", "Diese Karte hat keinen Ausgang.";
    canvas_connecting: "Linking from {title}, port {port}. Arrow keys choose where it goes, L takes the next port, Enter connects, Escape leaves.", "Verknüpfung von {title}, Ausgang {port}. Pfeiltasten wählen das Ziel, L nimmt den nächsten Ausgang, Eingabe verknüpft, Escape bricht ab.";
    canvas_target: "To {title}", "Zu {title}";
    canvas_no_target: "There is no card that it could lead to.", "Es gibt keine Karte, zu der sie führen könnte.";
    canvas_left: "Linking left.", "Verknüpfen abgebrochen.";
    canvas_connected: "{from} now leads to {to}.", "{from} führt jetzt zu {to}.";
    canvas_moved: "{title} is at {x}, {y}.", "{title} steht bei {x}, {y}.";
    canvas_illegal_itself: "A step cannot lead to itself", "Ein Schritt kann nicht zu sich selbst führen";
    canvas_illegal_trigger: "Nothing leads to a trigger: it starts the flow", "Zu einem Auslöser führt nichts: Er startet den Flow";
    canvas_illegal_exists: "This link is there already", "Diese Verknüpfung gibt es schon";
    canvas_illegal_gone: "This card is gone", "Diese Karte gibt es nicht mehr";
    canvas_illegal_circle: "This would be a circle: {way}", "Das wäre ein Kreis: {way}";
    canvas_error: "{n} error", "{n} Fehler";
    canvas_errors: "{n} errors", "{n} Fehler";
    canvas_warning: "{n} warning", "{n} Warnung";
    canvas_warnings: "{n} warnings", "{n} Warnungen";
    canvas_start_title: "What starts this flow?", "Was startet diesen Flow?";
    canvas_start_text: "Pick a trigger. The steps come after it.", "Wählen Sie einen Auslöser. Die Schritte kommen danach.";
    canvas_inside_none: "Nothing inside yet", "Noch nichts darin";
    canvas_inside_one: "{n} step inside", "{n} Schritt darin";
    canvas_inside_many: "{n} steps inside", "{n} Schritte darin";
    canvas_inside_tip: "Double click or Enter opens what is inside", "Doppelklick oder Eingabe öffnet, was darin ist";
    canvas_body_title: "What is done for every item?", "Was geschieht für jedes Element?";
    canvas_body_text: "Add the first step. Its input is the item.", "Fügen Sie den ersten Schritt hinzu. Seine Eingabe ist das Element.";
    canvas_body_add: "Add a step", "Schritt hinzufügen";

    // The panel beside the drawing.
    panel_close: "Close the panel", "Bereich schließen";
    panel_trigger: "Trigger", "Auslöser";
    panel_step: "Step", "Schritt";
    panel_flow: "Flow", "Flow";
    panel_config: "Configuration", "Konfiguration";
    panel_policy: "When things go wrong", "Wenn etwas schiefgeht";
    panel_connection: "Connection", "Verbindung";
    panel_connection_missing: "not set up here", "hier nicht eingerichtet";
    panel_connection_create: "Set up", "Einrichten";
    panel_filter: "Only if", "Nur wenn";
    panel_map: "Message becomes", "Nachricht wird zu";
    panel_dedupe: "Once per", "Einmal je";
    panel_schema: "Body must match", "Inhalt muss passen zu";
    panel_no_config: "Nothing to configure.", "Nichts zu konfigurieren.";
    panel_retry: "Attempts", "Versuche";
    panel_retry_constant: "up to {n}, {delay} apart", "bis zu {n}, im Abstand von {delay}";
    panel_retry_growing: "up to {n}, from {delay}, doubling", "bis zu {n}, ab {delay}, verdoppelnd";
    panel_retry_max: "at most {max}", "höchstens {max}";
    panel_timeout: "Time per attempt", "Zeit je Versuch";
    panel_deadline: "Time for all attempts", "Zeit für alle Versuche";
    panel_at_once: "Attempts at once", "Versuche zugleich";
    panel_rate: "Attempts per time", "Versuche je Zeit";
    panel_rate_within: "{n} within {time}", "{n} innerhalb von {time}";
    panel_cache: "Result is used again for", "Ergebnis gilt weiter für";
    panel_on_error: "If it fails", "Wenn es scheitert";
    panel_on_error_continue: "the run goes on", "läuft der Lauf weiter";
    panel_on_error_stop: "the run fails", "scheitert der Lauf";
    panel_on_error_links: "the error path is taken", "wird der Fehlerweg genommen";
    panel_join: "Several links in", "Mehrere Verknüpfungen hinein";
    panel_join_any: "starts on the first one taken", "beginnt mit dem ersten genommenen";
    panel_undo: "Undo", "Rückgängig";
    panel_idempotent: "Repeatable", "Wiederholbar";
    yes: "yes", "ja";
    no: "no", "nein";
    panel_flow_text: "Choose a card to see what it does.", "Wählen Sie eine Karte, um zu sehen, was sie tut.";
    panel_history: "History kept", "Verlauf behalten";
    panel_history_full: "of every run", "von jedem Lauf";
    panel_history_failures: "of failed runs", "von gescheiterten Läufen";
    panel_history_none: "counts only", "nur Zahlen";
    panel_run_timeout: "Time per run", "Zeit je Lauf";
    panel_concurrency: "Runs at once", "Läufe zugleich";
    panel_tests: "Tests", "Tests";
    panel_secret: "secret {name}", "Geheimnis {name}";

    // Try.
    try_trigger: "Trigger", "Auslöser";
    try_sample_test: "Test: {name}", "Test: {name}";
    try_sample_schema: "Example from the schema", "Beispiel aus dem Schema";
    try_sample_run: "Message of run {id}", "Nachricht des Laufs {id}";
    try_body: "Body", "Inhalt";
    try_headers: "Headers", "Kopfzeilen";
    try_query: "Query", "Query";
    try_run: "Run", "Ausführen";
    try_again: "Run again", "Erneut ausführen";
    try_running: "Running…", "Läuft …";
    try_not_json: "Not JSON: {why} (line {line}, column {column})", "Kein JSON: {why} (Zeile {line}, Spalte {column})";
    try_not_object: "An object of texts is expected, such as {\"name\": \"value\"}.", "Erwartet wird ein Objekt mit Texten, etwa {\"name\": \"value\"}.";
    try_refused: "The trigger refuses this message", "Der Auslöser lehnt diese Nachricht ab";
    try_real: "Actions call the outside: requests are sent, things are booked, mails go out.", "Aktionen rufen nach außen: Anfragen werden gesendet, es wird gebucht, Mails gehen hinaus.";

    // Versions and document.
    versions_empty_title: "No version yet", "Noch keine Version";
    versions_empty_text: "A version is a published copy that never changes. Triggers start runs of the newest one.", "Eine Version ist eine veröffentlichte Kopie, die sich nie ändert. Auslöser starten Läufe der neuesten.";
    versions_column_version: "Version", "Version";
    versions_column_when: "Published", "Veröffentlicht";
    versions_column_note: "What changed", "Was sich geändert hat";
    versions_live: "live", "aktiv";
    versions_download: "Download v{n}", "v{n} herunterladen";
    versions_show: "Show v{n}", "v{n} zeigen";
    versions_viewing: "You are looking at version {n}.", "Sie sehen Version {n}.";
    versions_to_draft: "Show the draft", "Entwurf zeigen";

    // Runs.
    runs_title: "Runs", "Läufe";
    runs_filter_flow: "Flow", "Flow";
    runs_filter_status: "Status", "Status";
    runs_filter_time: "Started", "Begonnen";
    runs_all_flows: "All flows", "Alle Flows";
    runs_all: "All", "Alle";
    runs_hour: "Last hour", "Letzte Stunde";
    runs_day: "Last 24 hours", "Letzte 24 Stunden";
    runs_week: "Last 7 days", "Letzte 7 Tage";
    runs_any_time: "Any time", "Jederzeit";
    runs_column_status: "Status", "Status";
    runs_column_flow: "Flow", "Flow";
    runs_column_trigger: "Trigger", "Auslöser";
    runs_column_started: "Started", "Begonnen";
    runs_column_duration: "Duration", "Dauer";
    runs_column_failure: "Failure", "Fehler";
    runs_empty_title: "No runs yet", "Noch keine Läufe";
    runs_empty_text: "A run appears here as soon as a trigger of a published flow receives something, or when you try a flow.", "Ein Lauf erscheint hier, sobald ein Auslöser eines veröffentlichten Flows etwas empfängt oder Sie einen Flow ausprobieren.";
    runs_empty_action: "Go to the flows", "Zu den Flows";
    runs_none_match_title: "No run matches these filters", "Kein Lauf passt zu diesen Filtern";
    runs_none_match_text: "Widen the time or clear the filters.", "Erweitern Sie die Zeit oder leeren Sie die Filter.";
    runs_clear: "Clear filters", "Filter leeren";
    runs_live: "Live", "Live";

    // One run.
    run_title: "Run {id}", "Lauf {id}";
    run_back: "All runs", "Alle Läufe";
    run_version: "version {n}", "Version {n}";
    run_message: "Message", "Nachricht";
    run_reply: "Reply", "Antwort";
    run_input: "Input", "Eingabe";
    run_output: "Output", "Ausgabe";
    run_attempts: "Attempts", "Versuche";
    run_attempt: "Attempt {n}", "Versuch {n}";
    run_undo: "Undo, attempt {n}", "Rückgängig, Versuch {n}";
    run_request: "Request", "Anfrage";
    run_response: "Response", "Antwort";
    run_calls: "Calls", "Aufrufe";
    run_call: "Call {n}", "Aufruf {n}";
    run_next_attempt: "Next attempt {when}", "Nächster Versuch {when}";
    run_left_by: "Left by the port {port}", "Verlassen über den Ausgang {port}";
    run_step_pending: "This step has not been reached.", "Dieser Schritt wurde nicht erreicht.";
    run_step_skipped: "No link into this step was taken, so it did not run.", "Kein Weg in diesen Schritt wurde genommen, daher lief er nicht.";
    run_failed_at: "Failed at {step}", "Gescheitert bei {step}";
    run_failed: "The run failed", "Der Lauf ist gescheitert";
    run_in_script: "Line {line}, column {column} of the script", "Zeile {line}, Spalte {column} des Skripts";
    run_show_step: "Show the step", "Schritt zeigen";
    run_overview: "The run", "Der Lauf";
    run_not_kept: "This flow keeps no messages, inputs and outputs of such runs; its settings say so.", "Dieser Flow behält von solchen Läufen keine Nachrichten, Eingaben und Ausgaben; so sagen es seine Einstellungen.";
    run_steps: "Steps", "Schritte";
    run_version_gone: "Version {n} of this flow is gone, so the run is shown as a list.", "Version {n} dieses Flows ist nicht mehr da, daher wird der Lauf als Liste gezeigt.";
    run_lost_stream: "Live updates are interrupted; trying again.", "Die Live-Anzeige ist unterbrochen; sie wird neu verbunden.";
    run_params: "Path parameters", "Pfadparameter";
    run_started_by: "started by {trigger}", "ausgelöst von {trigger}";

    // JSON.
    json_more: "{n} more", "{n} weitere";
    json_items_one: "{n} item", "{n} Eintrag";
    json_items_many: "{n} items", "{n} Einträge";
    json_keys_one: "{n} key", "{n} Schlüssel";
    json_keys_many: "{n} keys", "{n} Schlüssel";
    json_whole_text: "show all {n} characters", "alle {n} Zeichen zeigen";
    json_expand: "Expand all", "Alles aufklappen";
    json_collapse: "Collapse all", "Alles zuklappen";
    json_empty_text: "empty text", "leerer Text";

    // Connections and secrets.
    connections_title: "Connections and secrets", "Verbindungen und Geheimnisse";
    connections_tab: "Connections", "Verbindungen";
    secrets_tab: "Secrets", "Geheimnisse";
    connections_text: "A connection says where and as whom an action calls. Flows name it, so the same flow works on another server.", "Eine Verbindung sagt, wohin und als wer eine Aktion ruft. Flows nennen sie nur, so läuft derselbe Flow auch auf einem anderen Server.";
    secrets_text: "A secret is a sealed value that connections and signatures use. It can be replaced, never read.", "Ein Geheimnis ist ein versiegelter Wert, den Verbindungen und Signaturen verwenden. Er kann ersetzt, aber nie gelesen werden.";
    connections_new: "New connection", "Neue Verbindung";
    connections_edit: "Connection {name}", "Verbindung {name}";
    connections_empty_title: "No connections yet", "Noch keine Verbindungen";
    connections_empty_text: "Set one up when a flow names a connection, or when several steps call the same service.", "Richten Sie eine ein, wenn ein Flow eine Verbindung nennt oder mehrere Schritte denselben Dienst rufen.";
    connections_name: "Name", "Name";
    connections_name_hint: "Lower-case letters, digits, - and _", "Kleinbuchstaben, Ziffern, - und _";
    connections_name_bad: "Use lower-case letters, digits, - and _, starting with a letter or digit.", "Kleinbuchstaben, Ziffern, - und _ verwenden, am Anfang ein Buchstabe oder eine Ziffer.";
    connections_label: "Title", "Titel";
    connections_base: "Base URL", "Basis-URL";
    connections_base_hint: "Paths of actions are appended to it", "Pfade der Aktionen werden daran angehängt";
    connections_base_bad: "Give an address that starts with https:// or http://.", "Geben Sie eine Adresse an, die mit https:// oder http:// beginnt.";
    connections_auth: "Authentication", "Anmeldung";
    auth_none: "None", "Keine";
    auth_basic: "User and password", "Benutzer und Passwort";
    auth_bearer: "Bearer token", "Bearer-Token";
    auth_api_key: "API key", "API-Schlüssel";
    connections_username: "User", "Benutzer";
    connections_password: "Password secret", "Geheimnis für das Passwort";
    connections_token: "Token secret", "Geheimnis für das Token";
    connections_key: "Key secret", "Geheimnis für den Schlüssel";
    connections_key_place: "Sent in", "Gesendet in";
    connections_key_header: "Header", "Kopfzeile";
    connections_key_query: "Query", "Query";
    connections_key_name: "Under the name", "Unter dem Namen";
    connections_secret_hint: "Name of a secret", "Name eines Geheimnisses";
    connections_secret_missing: "There is no secret of this name yet.", "Ein Geheimnis mit diesem Namen gibt es noch nicht.";
    connections_headers: "Headers", "Kopfzeilen";
    connections_headers_hint: "Sent with every call, one per line, as name: value", "Bei jedem Aufruf gesendet, je Zeile als Name: Wert";
    connections_timeout: "Timeout", "Zeitlimit";
    connections_timeout_hint: "Such as 10s or 1m", "Etwa 10s oder 1m";
    connections_saved: "Connection {name} was saved", "Verbindung {name} wurde gespeichert";
    connections_delete_title: "Delete connection {name}?", "Verbindung {name} löschen?";
    connections_delete_text: "Steps that name it fail until it is set up again.", "Schritte, die sie nennen, scheitern, bis sie wieder eingerichtet ist.";
    secrets_new: "New secret", "Neues Geheimnis";
    secrets_replace: "Replace the value", "Wert ersetzen";
    secrets_value: "Value", "Wert";
    secrets_value_hint: "Stored sealed; nobody can read it again, here or by the API", "Wird versiegelt gespeichert; niemand kann ihn wieder lesen, weder hier noch über die API";
    secrets_saved: "Secret {name} was set", "Geheimnis {name} wurde gesetzt";
    secrets_empty_title: "No secrets yet", "Noch keine Geheimnisse";
    secrets_empty_text: "Keep passwords, tokens and signing keys here; documents and exports only carry their names.", "Bewahren Sie Passwörter, Tokens und Signaturschlüssel hier auf; Dokumente und Exporte tragen nur ihre Namen.";
    secrets_delete_title: "Delete secret {name}?", "Geheimnis {name} löschen?";
    secrets_delete_text: "Connections and triggers that use it fail until it is set again.", "Verbindungen und Auslöser, die es verwenden, scheitern, bis es wieder gesetzt ist.";
    column_name: "Name", "Name";
    column_address: "Address", "Adresse";
    column_updated: "Changed", "Geändert";

    // Editing code.
    code_enlarge: "Edit in a large window", "In einem großen Fenster bearbeiten";
    code_keys_line: "Ctrl and Space offers what fits.", "Strg und Leertaste schlägt vor, was passt.";
    code_keys_block: "Tab indents. Escape and then Tab leaves the text. Ctrl and Space offers what fits, F8 goes to the next problem.", "Tab rückt ein. Escape und dann Tab verlässt den Text. Strg und Leertaste schlägt vor, was passt, F8 geht zum nächsten Problem.";
    code_plain: "The editor could not be loaded; this plain field does the same work.", "Der Editor konnte nicht geladen werden; dieses einfache Feld leistet dasselbe.";
    code_problem: "Line {line}, column {column}: {message}", "Zeile {line}, Spalte {column}: {message}";
    code_completions: "Suggestions", "Vorschläge";
    code_problems: "Problems", "Probleme";
    code_no_problems: "No problems", "Keine Probleme";
    code_selection_deleted: "Selection deleted", "Auswahl gelöscht";
    code_folded_lines: "Folded lines", "Zugeklappt: Zeilen";
    code_unfolded_lines: "Unfolded lines", "Aufgeklappt: Zeilen";
    code_lines_to: "to", "bis";
    code_folded: "folded code", "zugeklappter Code";
    code_unfold: "unfold", "aufklappen";
    code_fold_line: "Fold line", "Zeile zuklappen";
    code_unfold_line: "Unfold line", "Zeile aufklappen";
    code_control_character: "Control character", "Steuerzeichen";
    code_example: "Example", "Beispiel";
    code_result: "gives", "ergibt";
    code_sample: "Sample", "Beispielwert";
    holds_text: "text", "Text";
    holds_number: "number", "Zahl";
    holds_bool: "true or false", "wahr oder falsch";
    holds_null: "nothing", "nichts";
    holds_list: "list", "Liste";
    holds_map: "map", "Objekt";
    holds_item: "item", "Eintrag";

    // System.
    system_title: "System", "System";
    system_version: "Weir version", "Weir-Version";
    system_database: "Database", "Datenbank";
    system_workspace: "Workspace", "Arbeitsbereich";
    system_started: "Running since", "Läuft seit";
    system_servers: "Servers", "Server";
    system_this: "this one", "dieser";
    system_old: "older version", "ältere Version";
    system_api: "API", "API";
    system_api_text: "The page uses nothing but the public API, so whatever it does, a program can do.", "Die Seite verwendet nur die öffentliche API: Was sie tut, kann auch ein Programm.";
    system_docs: "API documentation", "API-Dokumentation";
    system_openapi: "OpenAPI document", "OpenAPI-Dokument";
    system_schema: "JSON Schema of the flow file", "JSON-Schema der Flow-Datei";
    system_health: "Health", "Zustand";
    system_metrics: "Metrics", "Metriken";
    system_keys: "Keyboard", "Tastatur";
    key_search: "Search or filter", "Suchen oder filtern";
    key_arrows: "Go from card to card", "Von Karte zu Karte";
    key_enter: "Open the card", "Karte öffnen";
    key_escape: "Close panel or dialog", "Bereich oder Dialog schließen";
    key_zoom: "Zoom the drawing", "Zeichnung vergrößern oder verkleinern";
    key_fit: "Fit the drawing", "Zeichnung einpassen";
    key_pan: "Move the drawing", "Zeichnung verschieben";
    key_pan_keys: "Drag", "Ziehen";
    system_works: "Icons by Lucide (ISC), font Inter (OFL 1.1), code editor CodeMirror (MIT).", "Symbole von Lucide (ISC), Schrift Inter (OFL 1.1), Code-Editor CodeMirror (MIT).";

    // What differs between two documents.
    quoted: "“{text}”", "„{text}“";
    diff_added: "Added", "Neu";
    diff_removed: "Removed", "Entfernt";
    diff_changed: "Changed", "Geändert";
    diff_linked: "New links", "Neue Verknüpfungen";
    diff_unlinked: "Removed links", "Entfernte Verknüpfungen";
    diff_flow: "The flow itself", "Der Flow selbst";
    diff_tests: "Tests", "Tests";
    diff_drawing: "The drawing", "Die Zeichnung";
    diff_id: "id {from} → {to}", "Id {from} → {to}";
    diff_from_to: "{name}: {from} → {to}", "{name}: {from} → {to}";
    diff_now: "{name}: {to}", "{name}: {to}";
    diff_new: "{name}: new", "{name}: neu";
    diff_other: "{name}: changed", "{name}: geändert";
    diff_gone: "{name}: removed", "{name}: entfernt";
    diff_nothing: "nothing", "nichts";
    diff_more: "{n} more", "{n} weitere";
    diff_moved_one: "{n} card was moved", "{n} Karte wurde verschoben";
    diff_moved_many: "{n} cards were moved", "{n} Karten wurden verschoben";
    diff_test_added: "“{name}” is new", "„{name}“ ist neu";
    diff_test_changed: "“{name}” was changed", "„{name}“ wurde geändert";
    diff_test_removed: "“{name}” was removed", "„{name}“ wurde entfernt";
    diff_sum_added: "adds {names}", "neu: {names}";
    diff_sum_removed: "removes {names}", "entfernt: {names}";
    diff_sum_changed: "changes {names}", "geändert: {names}";
    diff_sum_links: "other links", "andere Verknüpfungen";
    diff_sum_flow: "flow: {names}", "Flow: {names}";
    diff_sum_tests: "tests", "Tests";
    diff_title: "Title", "Titel";
    diff_description: "Description", "Beschreibung";
    diff_kind: "Kind", "Art";
    diff_delay: "First delay", "Erster Abstand";
    diff_max_delay: "Longest delay", "Längster Abstand";
    diff_backoff: "Growth of the delay", "Wachsen des Abstands";
    diff_retry_on: "Tried again after", "Neuer Versuch nach";
    diff_jitter: "Share of chance", "Anteil des Zufalls";
    diff_pinned: "Pinned output", "Angeheftete Ausgabe";
    diff_disabled: "Disabled", "Abgeschaltet";
    diff_same: "Nothing differs.", "Nichts ist anders.";

    // The lab.
    lab_silent: "Checking and computing in this browser took too long and was stopped. It starts anew with your next change.", "Das Prüfen und Rechnen in diesem Browser dauerte zu lange und wurde abgebrochen. Es beginnt mit Ihrer nächsten Änderung von Neuem.";
    lab_unloaded: "The part of the page that checks and computes could not be loaded. Reload the page; it may be older than the server.", "Der Teil der Seite, der prüft und rechnet, konnte nicht geladen werden. Laden Sie die Seite neu; sie ist vielleicht älter als der Server.";
    lab_broken: "Checking and computing in this browser broke down ({why}). It starts anew with your next change.", "Das Prüfen und Rechnen in diesem Browser ist abgestürzt ({why}). Es beginnt mit Ihrer nächsten Änderung von Neuem.";
} }
