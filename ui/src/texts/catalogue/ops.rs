//! The texts of running things: dead letters, replays, cancelling, schedules.

/// Hands the lines of the rest of the page and these on to the macro that adds those of the editor.
macro_rules! with_ops {
    ($catalogue:ident { $($pages:tt)* }) => { editor::with_editor! { $catalogue {
    $($pages)*

    nav_letters: "Dead letters", "Gescheitertes";
    nav_approvals: "Approvals", "Freigaben";
    nav_schedules: "Schedules", "Zeitpläne";

    // Who and why.
    sign_name: "Your name", "Ihr Name";
    sign_note: "Note", "Notiz";

    // Dead letters.
    letters_title: "Dead letters", "Gescheitertes";
    letters_text: "Runs that ended in failure wait here until somebody replays or discards them. Nothing is tried again by itself.", "Läufe, die gescheitert sind, warten hier, bis jemand sie wiederholt oder verwirft. Von selbst wird nichts mehr versucht.";
    letters_column_cause: "Cause", "Ursache";
    letters_column_died: "Failed", "Gescheitert";
    letters_column_owner: "Owner", "Zuständig";
    letters_column_settled: "Settled", "Erledigt";
    letters_all_causes: "All causes", "Alle Ursachen";
    letters_open: "Open", "Offen";
    letters_replayed: "Replayed", "Wiederholt";
    letters_discarded: "Discarded", "Verworfen";
    letters_unknown: "may have happened", "vielleicht geschehen";
    letters_unknown_hint: "Nobody knows whether what the step asked for has happened. Look at the other side first.", "Niemand weiß, ob geschehen ist, was der Schritt verlangt hat. Sehen Sie zuerst bei der Gegenseite nach.";
    letters_claim: "Look after it…", "Übernehmen …";
    letters_claim_title: "Look after this dead letter", "Zuständig sein";
    letters_claim_text: "Others see who looks after it, and what was noted.", "Andere sehen, wer zuständig ist und was notiert wurde.";
    letters_owner_hint: "Leave it empty for nobody", "Leer lassen für niemanden";
    letters_claimed: "Noted", "Notiert";
    letters_discard: "Discard", "Verwerfen";
    letters_discard_title: "Discard this dead letter?", "Verwerfen?";
    letters_discard_text: "Nothing more is done about it. The run stays to be looked at.", "Es wird nichts weiter unternommen. Der Lauf bleibt zum Nachsehen da.";
    letters_discard_done: "Discarded", "Verworfen";
    letters_discard_all: "Discard all…", "Alle verwerfen …";
    letters_replay_all: "Replay all…", "Alle wiederholen …";
    letters_empty_title: "Nothing has failed", "Nichts ist gescheitert";
    letters_empty_text: "A run that fails for good appears here, with its cause and with what can be done about it.", "Ein Lauf, der endgültig scheitert, erscheint hier, mit seiner Ursache und dem, was man tun kann.";
    letters_none_title: "Nothing matches these filters", "Nichts passt zu diesen Filtern";
    letters_none_text: "Choose another state or cause, or clear the filters.", "Wählen Sie einen anderen Stand oder eine andere Ursache, oder leeren Sie die Filter.";

    // Approvals.
    approvals_title: "Approvals", "Freigaben";
    approvals_text: "Runs wait here for a person to decide. Approve or reject, and the run goes on.", "Läufe warten hier auf die Entscheidung einer Person. Stimmen Sie zu oder lehnen Sie ab, und der Lauf geht weiter.";
    approvals_one: "Approval", "Freigabe";
    approvals_column_title: "To be decided", "Zu entscheiden";
    approvals_since: "Asked", "Gefragt";
    approvals_until: "Due", "Fällig";
    approvals_approve: "Approve", "Zustimmen";
    approvals_reject: "Reject", "Ablehnen";
    approvals_approved: "Approved", "Zugestimmt";
    approvals_rejected: "Rejected", "Abgelehnt";
    approvals_optional: "(optional)", "(optional)";
    approvals_decided: "This was decided already. The run shows how.", "Das ist schon entschieden. Der Lauf zeigt, wie.";
    approvals_over: "The run does not wait for this any more: nobody decided in time, or it has ended.", "Der Lauf wartet darauf nicht mehr: Niemand hat rechtzeitig entschieden, oder er ist zu Ende.";
    approvals_empty_title: "Nothing waits for a decision", "Nichts wartet auf eine Entscheidung";
    approvals_empty_text: "A step “Wait” with an approval lets a run rest until somebody decides here, for instance before a large order is booked.", "Ein Schritt „Warten“ mit einer Freigabe lässt einen Lauf ruhen, bis hier jemand entscheidet, etwa bevor ein großer Auftrag gebucht wird.";
    approvals_none_title: "Nothing of this flow waits", "Von diesem Flow wartet nichts";
    approvals_none_text: "Choose another flow, or show all.", "Wählen Sie einen anderen Flow, oder zeigen Sie alle.";
    run_waits_callback: "Waits for a call of its link until {time}. Send it with POST:", "Wartet bis {time} auf einen Aufruf seines Links. Senden Sie ihn mit POST:";
    run_waits_approval: "Waits until {time} for a person to decide.", "Wartet bis {time} auf die Entscheidung einer Person.";
    run_decide: "Decide…", "Entscheiden …";
    run_copy_link: "Copy the link", "Link kopieren";

    // Many of them.
    many_all: "All open dead letters.", "Alles, was offen ist.";
    many_matching: "All open dead letters of: {what}.", "Alles Offene von: {what}.";
    many_original: "The version that each one ran on", "Die Version, auf der jeder lief";
    many_planned_one: "{n} run will be replayed", "{n} Lauf wird wiederholt";
    many_planned_many: "{n} runs will be replayed", "{n} Läufe werden wiederholt";
    many_at_least: "{said}, and more: only the newest were looked at here", "{said}, und mehr: Hier wurden nur die neuesten angesehen";
    many_again: "{n} made before", "{n} schon einmal gemacht";
    many_refused_one: "{n} is left as it is:", "{n} bleibt, wie es ist:";
    many_refused_many: "{n} are left as they are:", "{n} bleiben, wie sie sind:";
    many_done_one: "{n} dealt with", "{n} erledigt";
    many_done_many: "{n} dealt with", "{n} erledigt";
    many_stop: "Stop", "Anhalten";
    many_stopped: "Stopped: {said}", "Angehalten: {said}";
    many_broken_text: "The rest is still open. Close this and start again to go on.", "Der Rest ist noch offen. Schließen Sie dies und starten Sie noch einmal, um weiterzumachen.";
    many_discards_one: "{n} run will be discarded", "{n} Lauf wird verworfen";
    many_discards_many: "{n} runs will be discarded", "{n} Läufe werden verworfen";
    many_more: "{said}, and more.", "{said}, und mehr.";
    many_discard_text: "Nothing more is done about them. The runs stay to be looked at.", "Es wird nichts weiter unternommen. Die Läufe bleiben zum Nachsehen da.";

    // Calls.
    run_called: "Called run {id}", "Aufgerufener Lauf {id}";
    run_called_by: "Called by run {id}", "Aufgerufen von Lauf {id}";

    // Replays.
    replay_action: "Replay", "Wiederholen";
    replay_title: "Replay run {id}", "Lauf {id} wiederholen";
    replay_of: "Replay of run {id}", "Wiederholung von Lauf {id}";
    replay_done: "The replay is underway", "Die Wiederholung läuft";
    replay_from: "Begin", "Beginnen";
    replay_from_failure: "Where it stopped", "Wo er stehen blieb";
    replay_from_start: "At the start: everything again", "Am Anfang: alles noch einmal";
    replay_from_step: "At the step “{step}”", "Beim Schritt „{step}“";
    replay_version: "Version", "Version";
    replay_original: "Version {n}, as before", "Version {n}, wie zuvor";
    replay_newest: "The version that is live now", "Die Version, die jetzt aktiv ist";
    replay_edit: "Change the message", "Nachricht ändern";
    replay_body: "Body of the message", "Inhalt der Nachricht";
    replay_body_hint: "What is taken over from the old run does not change with it.", "Was vom alten Lauf übernommen wird, ändert sich dadurch nicht.";
    replay_unsure: "Nobody knows whether “{step}” has happened. Look at the other side, then say it here.", "Niemand weiß, ob „{step}“ geschehen ist. Sehen Sie bei der Gegenseite nach und sagen Sie es hier.";
    replay_unsure_label: "Did it happen?", "Ist es geschehen?";
    replay_unsure_choose: "Please choose", "Bitte wählen";
    replay_unsure_no: "It did not happen: do it again", "Nein: noch einmal tun";
    replay_unsure_yes: "It happened: go on after it", "Ja: danach weitergehen";
    replay_unsure_output: "What it gave", "Was es ergeben hat";
    replay_unsure_output_hint: "As JSON; the steps after it work with this.", "Als JSON; die Schritte danach arbeiten damit.";
    replay_plan: "What this does, on version {n}", "Was das tut, auf Version {n}";
    replay_planning: "Looking at what this does…", "Es wird nachgesehen, was das tut …";
    replay_refused: "It cannot be replayed so", "So lässt er sich nicht wiederholen";
    replay_taken_over: "Taken over", "Übernommen";
    replay_again: "Run", "Ausgeführt";
    replay_writes: "These calls may change something on the other side:", "Diese Aufrufe können bei der Gegenseite etwas ändern:";
    replay_no_writes: "No call that changes anything on the other side.", "Kein Aufruf, der bei der Gegenseite etwas ändert.";
    replay_made_before: "made before", "schon einmal gemacht";
    replay_may_have_happened: "may have happened", "vielleicht geschehen";
    replay_must_say: "First say above whether it happened.", "Sagen Sie zuerst oben, ob es geschehen ist.";

    // Cancelling.
    cancel_run: "Cancel…", "Abbrechen …";
    cancel_title: "Cancel run {id}?", "Lauf {id} abbrechen?";
    cancel_text: "Nothing new starts from then on, and the run never goes on.", "Von da an beginnt nichts Neues, und der Lauf geht nie weiter.";
    cancel_undo: "Reverse first what has succeeded", "Vorher zurücknehmen, was gelungen ist";
    cancel_undo_hint: "Steps that say how are reversed, the last one first; what is underway may end before that.", "Schritte, die sagen wie, werden zurückgenommen, der letzte zuerst; was gerade läuft, darf vorher enden.";
    cancel_now_hint: "What is underway is broken off; nobody then knows whether it happened.", "Was gerade läuft, wird abgebrochen; dann weiß niemand, ob es geschehen ist.";
    cancel_action: "Cancel the run", "Lauf abbrechen";
    cancel_keep: "Let it run", "Laufen lassen";
    cancel_done: "The run is cancelled", "Der Lauf ist abgebrochen";
    cancel_undoing: "The run is being reversed", "Der Lauf wird zurückgenommen";
    cancelled_by: "Cancelled by {name}", "Abgebrochen von {name}";
    cancelled_title: "Cancelled", "Abgebrochen";
    run_taken_over: "taken over", "übernommen";
    run_cached: "from the cache", "aus dem Zwischenspeicher";

    run_waits_until: "Waits until {time}", "Wartet bis {time}";
    run_queued_since: "Has waited for its turn since {time}: the limits of this step let no more through at once.", "Wartet seit {time}, bis er an der Reihe ist: Die Grenzen dieses Schritts lassen gerade nicht mehr durch.";
    run_held: "This run is accepted and has not begun: its flow is paused, or runs before it have all its places. It begins as soon as that is over.", "Dieser Lauf ist angenommen und hat noch nicht begonnen: Sein Flow ist angehalten, oder Läufe vor ihm belegen alle Plätze. Er beginnt, sobald das vorbei ist.";
    run_undone: "reversed", "zurückgenommen";
    run_not_undone: "not reversed", "nicht zurückgenommen";

    // The items of an each step.
    items_title: "Items", "Elemente";
    items_done: "{n} of {all} done", "{n} von {all} erledigt";
    items_failed_one: "{n} failed", "{n} gescheitert";
    items_failed_many: "{n} failed", "{n} gescheitert";
    items_underway_one: "{n} underway", "{n} unterwegs";
    items_underway_many: "{n} underway", "{n} unterwegs";
    items_number: "Item {n}", "Element {n}";
    items_item: "Item", "Element";

    // Schedules.
    schedules_title: "Schedules", "Zeitpläne";
    schedules_text: "What starts or asks by the clock, in the zone that its trigger names. Each instant is used once, whatever happens to the server.", "Was nach der Uhr startet oder abfragt, in der Zeitzone, die der Auslöser nennt. Jeder Zeitpunkt zählt einmal, was auch mit dem Server geschieht.";
    schedules_column_times: "Times", "Zeiten";
    schedules_column_next: "Next", "Als Nächstes";
    schedules_column_last: "Last", "Zuletzt";
    schedules_every: "every {span}", "alle {span}";
    schedules_due: "due now", "jetzt fällig";
    schedules_never: "does not fire any more", "startet nicht mehr";
    schedules_off: "flow switched off", "Flow ausgeschaltet";
    schedules_paused: "flow paused", "Flow angehalten";
    schedules_disabled: "trigger switched off", "Auslöser ausgeschaltet";
    schedules_show: "Next ten times of {name}", "Nächste zehn Zeiten von {name}";
    schedules_fires: "Next ten", "Nächste zehn";
    schedules_skipped: "the clocks skip this time", "diese Zeit überspringen die Uhren";
    schedules_doubled: "this time comes twice", "diese Zeit kommt zweimal";
    schedules_empty_title: "Nothing starts by the clock yet", "Noch startet nichts nach der Uhr";
    schedules_empty_text: "Draw a flow with a schedule or a poll as its trigger and publish it; its times appear here.", "Zeichnen Sie einen Flow mit einem Zeitplan oder einer Abfrage als Auslöser und veröffentlichen Sie ihn; seine Zeiten erscheinen hier.";

    // Polls.
    poll_failed_one: "failed", "gescheitert";
    poll_failed_many: "failed {n} times in a row", "{n}-mal in Folge gescheitert";
    poll_failed_text: "The cursor stays where it was; the poll is made again by itself.", "Der Cursor bleibt, wo er war; die Abfrage wird von selbst wiederholt.";
    poll_underway: "underway", "unterwegs";
    poll_cursor: "Cursor", "Cursor";
    poll_no_cursor: "none yet: the next poll begins from the start", "noch keiner: die nächste Abfrage beginnt von vorn";
    poll_moved: "Changed", "Geändert";
    poll_polled: "Last success", "Letzter Erfolg";
    poll_not_yet: "none yet", "noch keiner";
    poll_set: "Set the cursor", "Cursor setzen";
    poll_set_of: "Set the cursor of {name}", "Cursor von {name} setzen";
    poll_set_text: "The next poll goes on from there. What it finds again starts again, unless the trigger has a dedupe key; what lies between is left out.", "Die nächste Abfrage macht dort weiter. Was sie dann noch einmal findet, startet noch einmal, außer der Auslöser erkennt Doppeltes; was dazwischen liegt, fällt aus.";
    poll_set_hint: "As JSON: 105, or a text in quotes. Empty begins from the start.", "Als JSON: 105, oder ein Text in Anführungszeichen. Leer beginnt von vorn.";
    poll_cursor_wrong: "This is no JSON ({why}); a text stands in quotes.", "Das ist kein JSON ({why}); ein Text steht in Anführungszeichen.";
    poll_set_done: "The cursor is set", "Der Cursor ist gesetzt";
    } } };
}
pub(super) use with_ops;
