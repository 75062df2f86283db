//! The catalogue: each line is a name, the English text and the German one.

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

catalogue! {
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
    status_failed: "Failed", "Fehlgeschlagen";
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
    flows_empty_text: "A flow starts with a trigger, such as a request or a time, and moves a message from step to step. Bring one in as a file: drop it anywhere on this page or choose it.", "Ein Flow beginnt mit einem Auslöser, etwa einer Anfrage oder einer Uhrzeit, und bringt eine Nachricht von Schritt zu Schritt. Holen Sie einen als Datei herein: irgendwo auf diese Seite ziehen oder auswählen.";
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
    day_failed: "{n} failed", "{n} fehlgeschlagen";
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
    publish_refused: "Not published: the draft has problems", "Nicht veröffentlicht: der Entwurf hat Probleme";

    // The canvas.
    canvas_label: "Drawing of the flow. Arrow keys move between cards, Enter opens one.", "Zeichnung des Flows. Pfeiltasten wechseln zwischen Karten, Eingabe öffnet eine.";
    canvas_in: "Zoom in", "Vergrößern";
    canvas_out: "Zoom out", "Verkleinern";
    canvas_fit: "Fit to window", "In das Fenster einpassen";
    canvas_actual: "Actual size", "Originalgröße";
    canvas_empty_title: "This flow has no steps yet", "Dieser Flow hat noch keine Schritte";
    canvas_empty_text: "Import a document with steps to see them drawn here.", "Importieren Sie ein Dokument mit Schritten, um sie hier gezeichnet zu sehen.";
    canvas_trigger: "Trigger {title}, {kind}", "Auslöser {title}, {kind}";
    canvas_step: "Step {title}, {kind}", "Schritt {title}, {kind}";
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
    panel_on_error: "If it fails", "Wenn es scheitert";
    panel_on_error_continue: "the run goes on", "läuft der Lauf weiter";
    panel_on_error_stop: "the run fails", "scheitert der Lauf";
    panel_on_error_links: "the error path is taken", "wird der Fehlerweg genommen";
    panel_join: "Several links in", "Mehrere Wege hinein";
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
    try_sample: "Start from", "Ausgehen von";
    try_sample_test: "Test: {name}", "Test: {name}";
    try_sample_schema: "Example from the schema", "Beispiel aus dem Schema";
    try_sample_run: "Message of run {id}", "Nachricht des Laufs {id}";
    try_sample_empty: "Empty message", "Leere Nachricht";
    try_body: "Body", "Inhalt";
    try_headers: "Headers", "Kopfzeilen";
    try_query: "Query", "Query";
    try_run: "Run", "Ausführen";
    try_again: "Run again", "Erneut ausführen";
    try_running: "Running…", "Läuft …";
    try_format: "Format", "Formatieren";
    try_not_json: "Not JSON: {why} (line {line}, column {column})", "Kein JSON: {why} (Zeile {line}, Spalte {column})";
    try_not_object: "An object of texts is expected, such as {\"name\": \"value\"}.", "Erwartet wird ein Objekt mit Texten, etwa {\"name\": \"value\"}.";
    try_duplicate: "This message was accepted before; this is its run from then. Change what the trigger tells messages apart by to start a new one.", "Diese Nachricht wurde schon einmal angenommen; dies ist ihr Lauf von damals. Ändern Sie, woran der Auslöser Nachrichten unterscheidet, um einen neuen zu starten.";
    try_refused: "The trigger refuses this message", "Der Auslöser lehnt diese Nachricht ab";
    try_real: "A try is a real run: actions call the outside and it appears in the list of runs.", "Ein Versuch ist ein echter Lauf: Aktionen rufen nach außen, und er erscheint in der Liste der Läufe.";
    try_unpublished_title: "Publish the flow to try it", "Zum Ausprobieren veröffentlichen";
    try_unpublished_text: "Runs are made from published versions, and this flow has none yet.", "Läufe entstehen aus veröffentlichten Versionen, und dieser Flow hat noch keine.";
    try_changed: "You are trying version {n}. The draft has changed since.", "Sie probieren Version {n}. Der Entwurf wurde seitdem geändert.";
    try_no_trigger: "This flow has no trigger to try.", "Dieser Flow hat keinen Auslöser zum Ausprobieren.";
    try_open_run: "Open the run", "Lauf öffnen";

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
    document_hint: "The draft as it is exported. It names connections and secrets, it never contains them.", "Der Entwurf, wie er exportiert wird. Er nennt Verbindungen und Geheimnisse, er enthält sie nie.";

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
    run_again: "Run again with this message", "Mit dieser Nachricht erneut ausführen";
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
    code_keys_block: "Tab indents. Escape leaves the text, then Tab goes on. Ctrl and Space offers what fits, F8 goes to the next problem.", "Tab rückt ein. Escape verlässt den Text, dann geht Tab weiter. Strg und Leertaste schlägt vor, was passt, F8 geht zum nächsten Problem.";
    code_left: "Text left. Tab goes on, Shift and Tab goes back.", "Text verlassen. Tab geht weiter, Umschalt und Tab geht zurück.";
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
    diff_linked: "New links", "Neue Wege";
    diff_unlinked: "Removed links", "Entfernte Wege";
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
    diff_sum_links: "other links", "andere Wege";
    diff_sum_flow: "settings of the flow", "Einstellungen des Flows";
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

    // The tools of the editor.
    command_add: "Add a trigger or step", "Trigger oder Schritt hinzufügen";
    command_connect: "Draw a link from here", "Von hier verbinden";
    command_duplicate: "Duplicate", "Duplizieren";
    command_delete: "Delete", "Löschen";
    command_disable: "Switch off or on", "Aus- oder einschalten";
    command_rename: "Rename", "Umbenennen";
    command_copy: "Copy", "Kopieren";
    command_cut: "Cut", "Ausschneiden";
    command_paste: "Paste", "Einfügen";
    command_undo: "Undo", "Rückgängig";
    command_redo: "Redo", "Wiederholen";
    command_select_all: "Select all", "Alles auswählen";
    command_inspect: "Edit the settings", "Einstellungen bearbeiten";
    command_next_problem: "Go to the next problem", "Zum nächsten Problem";
    command_tidy: "Tidy up the drawing", "Zeichnung aufräumen";
    command_fit: "Show everything", "Alles zeigen";
    command_actual: "Actual size", "Originalgröße";
    command_zoom_in: "Zoom in", "Vergrößern";
    command_zoom_out: "Zoom out", "Verkleinern";
    command_save: "Save now", "Jetzt speichern";
    command_try: "Try the flow", "Flow ausprobieren";
    command_publish: "Publish", "Veröffentlichen";
    command_search: "Find anything", "Alles finden";
    command_help: "Keys", "Tastenkürzel";
    key_ctrl: "Ctrl+", "Strg+";
    key_shift: "Shift+", "Umschalt+";
    key_delete: "Del", "Entf";
    bar_label: "Drawing tools", "Zeichenwerkzeuge";
    bar_undo: "Undo: {what}", "Rückgängig: {what}";
    bar_redo: "Redo: {what}", "Wiederholen: {what}";
    what_add: "add", "hinzufügen";
    what_delete: "delete", "löschen";
    what_move: "move", "verschieben";
    what_connect: "connect", "verbinden";
    what_disconnect: "disconnect", "trennen";
    what_paste: "paste", "einfügen";
    what_duplicate: "duplicate", "duplizieren";
    what_rename: "rename", "umbenennen";
    what_set: "change settings", "Einstellungen ändern";
    what_tidy: "tidy up", "aufräumen";
    what_restore: "restore a version", "Version wiederherstellen";
    said_undone: "Undone: {what}", "Rückgängig gemacht: {what}";
    said_redone: "Done again: {what}", "Wiederholt: {what}";
    said_added_one: "{n} card added", "{n} Karte hinzugefügt";
    said_added_many: "{n} cards added", "{n} Karten hinzugefügt";
    said_deleted_one: "{n} card deleted; undo brings it back", "{n} Karte gelöscht; Rückgängig holt sie zurück";
    said_deleted_many: "{n} cards deleted; undo brings them back", "{n} Karten gelöscht; Rückgängig holt sie zurück";
    said_link_deleted: "Link deleted; undo brings it back", "Verbindung gelöscht; Rückgängig holt sie zurück";
    said_chosen_one: "{n} card selected", "{n} Karte ausgewählt";
    said_chosen_many: "{n} cards selected", "{n} Karten ausgewählt";
    said_tidied: "The drawing is tidied up", "Die Zeichnung ist aufgeräumt";
    paste_other: "What was copied is no piece of a flow. Copy cards in an editor, or the text of a flow file.", "Das Kopierte ist kein Stück eines Flows. Kopieren Sie Karten in einem Editor oder den Text einer Flow-Datei.";
    paste_broken: "What was copied cannot be read as a piece of a flow: {why}", "Das Kopierte lässt sich nicht als Stück eines Flows lesen: {why}";
    paste_refused: "The browser does not let the page read its clipboard. Press Ctrl+V instead.", "Der Browser lässt die Seite seine Zwischenablage nicht lesen. Drücken Sie stattdessen Strg+V.";
    palette_label: "Triggers and steps to add", "Trigger und Schritte zum Hinzufügen";
    palette_title: "Add", "Hinzufügen";
    palette_close: "Close the palette", "Palette schließen";
    palette_search: "Search triggers and steps", "Trigger und Schritte suchen";
    palette_nothing: "Nothing is called like this. Try another word, such as “http” or “condition”.", "Nichts heißt so. Versuchen Sie ein anderes Wort, etwa „http“ oder „Bedingung“.";
    palette_triggers: "Triggers: what starts a run", "Trigger: was einen Lauf startet";
    palette_mappers: "Mappers: compute a value", "Mapper: einen Wert berechnen";
    palette_actions: "Actions: call other systems", "Aktionen: andere Systeme aufrufen";
    palette_control: "Control: how the run goes on", "Steuerung: wie der Lauf weitergeht";
    menu_label: "Commands", "Befehle";
    finder_label: "Find a step, a command or a kind", "Schritt, Befehl oder Baustein finden";
    finder_nothing: "Nothing is called like this.", "Nichts heißt so.";
    finder_cards: "In this flow", "In diesem Flow";
    finder_commands: "Commands", "Befehle";
    finder_add: "Add", "Hinzufügen";
    help_draw: "Drawing", "Zeichnen";
    help_view: "Looking", "Ansehen";
    help_flow: "Flow", "Flow";
    help_hand: "On the drawing", "Auf der Zeichnung";
    hand_walk: "Walk from card to card", "Von Karte zu Karte gehen";
    hand_walk_keys: "Arrow keys; Tab goes on to its ports and links", "Pfeiltasten; Tab geht weiter zu Ausgängen und Verbindungen";
    hand_choose: "Select along with others", "Zusätzlich auswählen";
    hand_choose_keys: "Space, or Shift and arrow keys; Shift and click", "Leertaste oder Umschalt und Pfeiltasten; Umschalt und Klick";
    hand_open: "Open a card's settings", "Einstellungen einer Karte öffnen";
    hand_open_keys: "Enter, or a click", "Enter oder ein Klick";
    hand_move: "Move what is selected", "Ausgewähltes verschieben";
    hand_move_keys: "Ctrl and arrow keys, with Shift further; or drag", "Strg und Pfeiltasten, mit Umschalt weiter; oder ziehen";
    hand_connect: "Connect cards", "Karten verbinden";
    hand_connect_keys: "L, arrow keys, Enter; or drag from a port", "L, Pfeiltasten, Enter; oder von einem Ausgang ziehen";
    hand_pan: "Move the view", "Ausschnitt verschieben";
    hand_pan_keys: "Wheel, Space and drag, or the middle button", "Rad, Leertaste und ziehen oder mittlere Maustaste";
    hand_marquee: "Select an area", "Bereich auswählen";
    hand_marquee_keys: "Drag on the ground", "Auf dem Grund ziehen";
    hand_snap: "Move without snapping", "Verschieben ohne Einrasten";
    hand_snap_keys: "Hold Alt", "Alt halten";
    hand_leave: "Leave what is going on", "Laufendes abbrechen";
    hand_leave_keys: "Esc", "Esc";

    // The inspector's forms.
    form_inspector: "Inspector", "Inspektor";
    form_edge: "Width of the inspector", "Breite des Inspektors";
    form_halves: "What is shown of the card", "Was von der Karte gezeigt wird";
    form_setup: "Setup", "Einrichtung";
    form_data: "Data", "Daten";
    form_settings: "Settings", "Einstellungen";
    form_rules: "Rules for messages", "Regeln für Nachrichten";
    form_title: "Title", "Titel";
    form_description: "Description", "Beschreibung";
    form_description_hint: "What is it for?", "Wozu ist das da?";
    form_enabled: "Switched on", "Eingeschaltet";
    form_enabled_trigger: "A trigger that is switched off listens to nothing.", "Ein ausgeschalteter Trigger hört auf nichts.";
    form_enabled_step: "A step that is switched off passes its input on unchanged.", "Ein ausgeschalteter Schritt reicht seine Eingabe unverändert weiter.";
    form_enable: "Switch on", "Einschalten";
    form_disable: "Switch off", "Ausschalten";
    form_duplicate: "Duplicate", "Duplizieren";
    form_rename: "New id for “{id}”", "Neue Id für „{id}“";
    form_rename_open: "Rename the id", "Id umbenennen";
    form_rename_apply: "Rename", "Umbenennen";
    form_rename_help: "Links, tests and scripts that say the old id are rewritten.", "Verbindungen, Tests und Skripte mit der alten Id werden umgeschrieben.";
    form_cards_one: "{n} card", "{n} Karte";
    form_cards_many: "{n} cards", "{n} Karten";
    form_links_one: "{n} link", "{n} Verbindung";
    form_links_many: "{n} links", "{n} Verbindungen";
    form_link: "Link", "Verbindung";
    form_link_from: "From", "Von";
    form_link_to: "To", "Nach";
    form_link_port: "Port", "Ausgang";
    form_link_insert: "Insert a step here", "Hier einen Schritt einfügen";
    form_link_insert_which: "Which step?", "Welchen Schritt?";
    form_link_delete: "Delete the link", "Verbindung löschen";
    form_mode: "How it is given", "Wie es angegeben wird";
    form_as_value: "Fixed value", "Fester Wert";
    form_as_expression: "Expression, computed when the step starts", "Ausdruck, berechnet beim Start des Schritts";
    form_as_secret: "Secret, by its name", "Geheimnis, nach seinem Namen";
    form_help: "About “{name}”", "Über „{name}“";
    form_required: "Must be given", "Muss angegeben werden";
    form_default: "{value} where nothing is given", "{value}, wenn nichts angegeben ist";
    form_none_chosen: "Nothing chosen", "Nichts gewählt";
    form_more: "More settings", "Weitere Einstellungen";
    form_filled: "Something is set here", "Hier ist etwas eingestellt";
    form_one_of: "One of these", "Eines davon";
    form_remove: "Remove", "Entfernen";
    form_stranger: "“{name}” is no setting of this kind and keeps the flow from being published.", "„{name}“ ist keine Einstellung dieser Art und verhindert das Veröffentlichen.";
    form_unknown_kind: "This server does not know the kind “{kind}”. Its settings are kept as they are.", "Dieser Server kennt die Art „{kind}“ nicht. Ihre Einstellungen bleiben, wie sie sind.";
    form_entry_add: "Add an entry", "Eintrag hinzufügen";
    form_entry_name: "Name", "Name";
    form_entry_value: "Value of “{name}”", "Wert von „{name}“";
    form_entry_remove: "Remove “{name}”", "„{name}“ entfernen";
    form_row_add: "Add a row", "Zeile hinzufügen";
    form_row_up: "Move up", "Nach oben";
    form_row_down: "Move down", "Nach unten";
    form_row_remove: "Remove the row", "Zeile entfernen";
    form_schema_make: "Make it from the sample", "Aus dem Beispiel erzeugen";
    form_secret_text: "This stands readable in the document. Name a secret instead.", "Das steht lesbar im Dokument. Nennen Sie stattdessen ein Geheimnis.";
    form_connection_help: "Where and as whom the step calls. Set up under Connections.", "Wohin und als wer der Schritt ruft. Eingerichtet unter Verbindungen.";
    form_gives: "Gives", "Ergibt";
    form_finds: "Finds", "Findet";
    form_found_nothing: "Finds nothing in the sample.", "Findet im Beispiel nichts.";
    form_computing: "Computing …", "Wird berechnet …";
    form_no_sample: "There is no sample yet. Choose a message under “Sample” below the drawing, and results appear here as you type.", "Es gibt noch kein Beispiel. Wählen Sie unter „Beispiel“ unter der Zeichnung eine Nachricht; dann erscheinen hier beim Tippen die Ergebnisse.";
    form_place: "Line {line}, column {column}: {message}", "Zeile {line}, Spalte {column}: {message}";
    form_data_nothing: "It got nothing in this sample.", "In diesem Beispiel kam nichts an.";
    form_data_no_output: "It gave nothing in this sample.", "In diesem Beispiel kam nichts heraus.";
    form_pin: "Use this output as the pinned one", "Diese Ausgabe anheften";
    form_pinned_now: "This output is pinned", "Diese Ausgabe ist angeheftet";
    form_pinned: "Pinned output", "Angeheftete Ausgabe";
    form_pinned_help: "Stands in for the action in tests and tries, never in production.", "Vertritt die Aktion in Tests und beim Ausprobieren, nie im Betrieb.";
    form_not_whole: "Write a whole number.", "Schreiben Sie eine ganze Zahl.";
    form_outside: "Write a number from {min} to {max}.", "Schreiben Sie eine Zahl von {min} bis {max}.";
    form_not_a_share: "Write a share from 0 to 1, such as 0.2.", "Schreiben Sie einen Anteil von 0 bis 1, etwa 0,2.";
    form_not_a_duration: "Write a duration such as 250ms, 10s, 5m, 2h or 7d.", "Schreiben Sie eine Dauer wie 250ms, 10s, 5m, 2h oder 7d.";
    form_not_a_status: "“{word}” is no HTTP status. Write numbers and classes such as 2xx, 404.", "„{word}“ ist kein HTTP-Status. Schreiben Sie Zahlen und Klassen wie 2xx, 404.";
    form_not_json: "This is not JSON yet: line {line}, column {column}.", "Das ist noch kein JSON: Zeile {line}, Spalte {column}.";
    form_twice: "“{name}” stands here twice.", "„{name}“ steht hier zweimal.";
    form_nameless: "An entry needs a name.", "Ein Eintrag braucht einen Namen.";
    form_not_a_slug: "Use lower-case letters, digits, _ and -, beginning with a letter or digit.", "Verwenden Sie Kleinbuchstaben, Ziffern, _ und -, beginnend mit Buchstabe oder Ziffer.";
    form_id_taken: "Another card has this id.", "Eine andere Karte hat diese Id.";
    form_filter_help: "A message for which this is false is acknowledged and starts no run.", "Eine Nachricht, für die das nicht gilt, wird bestätigt und startet keinen Lauf.";
    form_map_help: "Its value becomes the body of the message.", "Sein Wert wird zum Inhalt der Nachricht.";
    form_dedupe_help: "A key that is accepted once. A second message with it gets the first one's run.", "Ein Schlüssel, der einmal angenommen wird. Eine zweite Nachricht damit bekommt den Lauf der ersten.";
    form_schema_help: "A JSON Schema that the body must satisfy; anything else is refused.", "Ein JSON-Schema, das der Inhalt erfüllen muss; alles andere wird abgewiesen.";
    form_attempts_help: "How often it is attempted in all, the first time included.", "Wie oft es insgesamt versucht wird, das erste Mal mitgezählt.";
    form_retry_more: "Delays and classes", "Abstände und Klassen";
    form_backoff: "Growth of the delay", "Wachsen des Abstands";
    form_backoff_help: "How the delay grows from attempt to attempt.", "Wie der Abstand von Versuch zu Versuch wächst.";
    form_backoff_exponential: "Twice as long each time", "Jedes Mal doppelt so lang";
    form_backoff_constant: "The same each time", "Jedes Mal gleich";
    form_delay: "First delay", "Erster Abstand";
    form_delay_help: "The delay before the second attempt.", "Der Abstand vor dem zweiten Versuch.";
    form_max_delay: "Longest delay", "Längster Abstand";
    form_max_delay_help: "No delay grows beyond this.", "Darüber hinaus wächst kein Abstand.";
    form_jitter: "Share of chance", "Anteil des Zufalls";
    form_jitter_help: "Which share of each delay is left to the dice, so that many runs do not come back at once.", "Welcher Anteil jedes Abstands dem Zufall überlassen wird, damit viele Läufe nicht zugleich wiederkommen.";
    form_retry_on: "Tried again after", "Neuer Versuch nach";
    form_retry_on_help: "The classes of failures that are worth another attempt.", "Die Fehlerklassen, bei denen sich ein neuer Versuch lohnt.";
    form_timeout_help: "How long one attempt may take.", "Wie lange ein Versuch dauern darf.";
    form_deadline_help: "How long all attempts together may take.", "Wie lange alle Versuche zusammen dauern dürfen.";
    form_on_error_help: "What a failure means for the run where no link leaves by the error port.", "Was ein Fehler für den Lauf bedeutet, wenn keine Verbindung vom Fehlerausgang abgeht.";
    form_on_error_stop: "The run fails", "Der Lauf schlägt fehl";
    form_on_error_continue: "Go on, with the failure as input.error", "Weitermachen, mit dem Fehler als input.error";
    form_join_help: "When a step with several links into it runs.", "Wann ein Schritt mit mehreren eingehenden Verbindungen läuft.";
    form_join_all: "Once all its links are decided", "Wenn alle Verbindungen entschieden sind";
    form_join_any: "On the first link that is taken", "Bei der ersten genommenen Verbindung";
    form_idempotent_help: "Whether doing it twice does no harm. Then an attempt whose end nobody saw is made again.", "Ob zweimaliges Ausführen nicht schadet. Dann wird ein Versuch, dessen Ende niemand sah, wiederholt.";
    form_idempotent_absent: "as its kind decides", "wie seine Art es bestimmt";
    form_undo_kind: "Undone by", "Rückgängig durch";
    form_undo_help: "What reverses this step when the run fails after it succeeded.", "Was diesen Schritt umkehrt, wenn der Lauf nach seinem Erfolg scheitert.";
    form_undo_none: "Nothing", "Nichts";
    form_flow_hint: "Choose a card to set it up.", "Wählen Sie eine Karte, um sie einzurichten.";
    form_history_help: "What is kept of a run that has ended.", "Was von einem beendeten Lauf aufbewahrt wird.";
    form_run_timeout_help: "How long a run may take from arrival to end.", "Wie lange ein Lauf von der Ankunft bis zum Ende dauern darf.";
    form_concurrency_help: "How many runs of this flow may be underway at once. What arrives beyond waits its turn.", "Wie viele Läufe dieses Flows zugleich unterwegs sein dürfen. Was darüber hinaus ankommt, wartet.";
    form_tests_none: "No tests yet. A test is a message with what must come of it; “weir test” and the page run the same.", "Noch keine Tests. Ein Test ist eine Nachricht mit dem, was daraus werden muss; „weir test“ und die Seite führen dieselben aus.";
    form_test_add: "Make the sample's message a test", "Nachricht des Beispiels zum Test machen";
    form_test_new: "Test {n}", "Test {n}";
    form_test_name: "Name of the test", "Name des Tests";
    form_test_remove: "Delete the test “{name}”", "Test „{name}“ löschen";
    form_test_json: "The test as JSON", "Der Test als JSON";
    form_test_wrong: "This is no test yet: {why}", "Das ist noch kein Test: {why}";

    // The names that scripts see.
    name_input: "What came before: the output of the one step before it, or a map by step where there are several.", "Was davor kam: die Ausgabe des einen Schritts davor oder bei mehreren eine Map nach Schritt.";
    name_trigger: "The message: id, kind, body, headers, query, params, method, time.", "Die Nachricht: id, kind, body, headers, query, params, method, time.";
    name_steps: "The outputs of the steps so far, by their ids.", "Die bisherigen Ausgaben der Schritte nach ihrer Id.";
    name_run: "The run: id, flow, version, workspace, started_at.", "Der Lauf: id, flow, version, workspace, started_at.";
    name_vars: "The variables of the workspace.", "Die Variablen des Arbeitsbereichs.";
    name_error: "On an error path: step, class, message, attempts, status, body.", "Auf einem Fehlerweg: step, class, message, attempts, status, body.";

    // Picking in forms.
    pick_no_connection: "No connection: the full address stands in the settings", "Keine Verbindung: die volle Adresse steht in den Einstellungen";
    pick_connection_new: "New connection", "Neue Verbindung";
    pick_no_secret: "Choose a secret", "Geheimnis wählen";
    pick_secret_new: "New secret", "Neues Geheimnis";
    pick_create: "Set up “{name}”", "„{name}“ einrichten";
    pick_missing: "{name} (not set up here)", "{name} (hier nicht eingerichtet)";
    pick_next_fires: "Next", "Als Nächstes";
    pick_fire_odd: "moved by the change of clocks", "durch die Zeitumstellung verschoben";
    pick_path: "Pick from the sample", "Aus dem Beispiel wählen";
    pick_each: "each item", "jeder Eintrag";
    pick_keys_one: "{n} key", "{n} Schlüssel";
    pick_keys_many: "{n} keys", "{n} Schlüssel";
    cron_each_minute: "every minute", "jede Minute";
    cron_minutes: "every {n} minutes", "alle {n} Minuten";
    cron_each_hour: "every hour", "jede Stunde";
    cron_hours: "every {n} hours", "alle {n} Stunden";
    cron_at_minute: "{hours} at minute {n}", "{hours} zur Minute {n}";
    cron_at: "at {times}", "um {times}";
    cron_on: "on {days}", "am {days}";
    cron_from_to: "{from} to {to}", "{from} bis {to}";
    cron_on_day: "on day {n} of the month", "am {n}. des Monats";
    cron_in: "in {month}", "im {month}";
    cron_weekdays: "Sunday Monday Tuesday Wednesday Thursday Friday Saturday", "Sonntag Montag Dienstag Mittwoch Donnerstag Freitag Samstag";
    cron_months: "January February March April May June July August September October November December", "Januar Februar März April Mai Juni Juli August September Oktober November Dezember";
}
