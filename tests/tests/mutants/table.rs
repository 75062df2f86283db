//! The mutants: one decision each of the machine and of the commit path, made wrong.

/// A mutant: where, the decision as it stands there once, and what is done instead.
pub(super) struct Mutant(
    pub(super) &'static str,
    pub(super) &'static str,
    pub(super) &'static str,
);

/// Expressions of Rust.
pub(super) const CODE: &[Mutant] = &[
    Mutant(
        "flows/src/advance.rs",
        "!fold.run.status.is_final()",
        "true",
    ),
    Mutant(
        "flows/src/advance.rs",
        "self.run.timeout_at(self.plan).is_some_and(|at| at <= now)",
        "false",
    ),
    Mutant(
        "flows/src/advance.rs",
        "state.retry_at.is_some_and(|at| at <= now)",
        "state.retry_at.is_some()",
    ),
    Mutant(
        "flows/src/advance.rs",
        "undo.is_some_and(|at| at <= now)",
        "undo.is_some()",
    ),
    Mutant("flows/src/advance.rs", "!self.undo_next()", "true"),
    Mutant("flows/src/advance.rs", "!answers", "true"),
    Mutant("flows/src/advance.rs", "state.retry_at.is_some()", "false"),
    Mutant(
        "flows/src/advance.rs",
        "self.turn.records.len() >= MOST_RECORDS",
        "false",
    ),
    Mutant(
        "flows/src/advance.rs",
        "self.plan.links[*link].port == \"error\"",
        "false",
    ),
    Mutant(
        "flows/src/advance.rs",
        "compiled.on_error == OnError::Continue",
        "true",
    ),
    Mutant("flows/src/advance.rs", "self.here().is_stopping()", "false"),
    Mutant(
        "flows/src/advance/attempts.rs",
        "state.status != StepStatus::Running || state.calls.underway() != Some(number)",
        "state.status != StepStatus::Running",
    ),
    Mutant(
        "flows/src/advance/attempts.rs",
        "self.here().is_stopping()",
        "false",
    ),
    Mutant(
        "flows/src/advance/attempts.rs",
        "retry_at.is_none()",
        "true",
    ),
    Mutant(
        "flows/src/advance/attempts.rs",
        "idempotent || policy.named && failure.class != Class::Lost",
        "idempotent || policy.named",
    ),
    Mutant(
        "flows/src/advance/attempts.rs",
        "number >= policy.attempts",
        "number > policy.attempts",
    ),
    Mutant(
        "flows/src/advance/attempts.rs",
        "!policy.on.contains(&failure.class)",
        "false",
    ),
    Mutant(
        "flows/src/advance/attempts.rs",
        "delay.max(failure.retry_after_ms.unwrap_or(0))",
        "delay",
    ),
    Mutant(
        "flows/src/advance/attempts.rs",
        "grown.min(policy.max_delay_ms)",
        "grown",
    ),
    Mutant(
        "flows/src/advance/attempts.rs",
        "(number == 1 && self.limited(step, undo).is_none()).then_some(config)",
        "None",
    ),
    Mutant(
        "flows/src/advance/attempts.rs",
        "limits.hold_for(undo) && action.kind != CALL",
        "limits.hold_for(undo)",
    ),
    Mutant(
        "flows/src/advance/attempts.rs",
        "queued.until.is_some_and(|until| until <= self.now())",
        "false",
    ),
    Mutant(
        "flows/src/advance/attempts.rs",
        "self.queued(step, undo) != Some(number)",
        "self.queued(step, undo).is_none()",
    ),
    Mutant(
        "flows/src/advance/attempts.rs",
        "self.queued(step, false) == Some(number)",
        "true",
    ),
    Mutant(
        "flows/src/advance.rs",
        "given_up.is_some_and(|at| at <= now)",
        "given_up.is_some()",
    ),
    Mutant(
        "flows/src/advance.rs",
        "state.calls.queued().is_some()",
        "false",
    ),
    Mutant(
        "flows/src/advance/left.rs",
        "matches!(state.status, StepStatus::Running | StepStatus::Waiting)",
        "(state.status == StepStatus::Running)",
    ),
    Mutant("server/src/engine/gate.rs", "free == 0", "false"),
    Mutant("server/src/engine/gate.rs", "at > now", "false"),
    Mutant(
        "server/src/engine/gate.rs",
        "Arc::strong_count(lane) > 1",
        "false",
    ),
    Mutant(
        "server/src/engine/cache.rs",
        "output.at.saturating_add_unsigned(ttl_ms) > now",
        "true",
    ),
    Mutant(
        "flows/src/advance/cancel.rs",
        "self.run.cancelled.as_ref().is_some_and(|_| undo)",
        "self.run.cancelled.is_some()",
    ),
    Mutant(
        "flows/src/advance/cancel.rs",
        "self.give_up_waiting_undo()",
        "()",
    ),
    Mutant(
        "flows/src/advance/cancel.rs",
        "self.give_up_waiting()",
        "()",
    ),
    Mutant(
        "flows/src/advance/undo.rs",
        "undo.ended || undo.calls.underway() != Some(number)",
        "undo.ended",
    ),
    Mutant(
        "flows/src/advance/undo.rs",
        "self.run.undoable.last().cloned()",
        "self.run.undoable.first().cloned()",
    ),
    Mutant("flows/src/advance/undo.rs", "retry_at.is_none()", "true"),
    Mutant(
        "flows/src/advance/answers.rs",
        "state.answer.is_some()",
        "false",
    ),
    Mutant(
        "flows/src/advance/wait.rs",
        "until.saturating_sub(now) > LONGEST_WAIT_MS",
        "false",
    ),
    Mutant(
        "flows/src/advance/each.rs",
        "list.len() > each.limit",
        "false",
    ),
    Mutant(
        "flows/src/advance/each.rs",
        "!item.ready.is_empty() || item.active > 0",
        "!item.ready.is_empty()",
    ),
    Mutant(
        "flows/src/run/apply.rs",
        "self.active + active_now - active",
        "self.active + active_now",
    ),
    Mutant("flows/src/run/apply.rs", "*last == place", "true"),
    Mutant(
        "flows/src/run/apply.rs",
        "self.resting == self.active",
        "true",
    ),
    Mutant(
        "flows/src/run/apply.rs",
        "self.steps[step].ports.contains(&plan.links[link].port)",
        "true",
    ),
    Mutant(
        "flows/src/run/apply.rs",
        "plan.steps[step].join == Join::Any && any(LinkStatus::Taken)",
        "any(LinkStatus::Taken)",
    ),
    Mutant(
        "flows/src/run/apply.rs",
        "is_first || any(LinkStatus::Taken)",
        "true",
    ),
    Mutant("flows/src/run/apply.rs", "self.completed.push(step)", "()"),
    Mutant("flows/src/run/apply.rs", "*id == self.trigger", "true"),
    Mutant(
        "server/src/store/batch.rs",
        "self.status.is_final().then_some(self.at)",
        "None",
    ),
    Mutant(
        "server/src/store/batch.rs",
        "self.wake_at.filter(|_| !self.status.is_final())",
        "None",
    ),
    Mutant(
        "server/src/store/batch.rs",
        "!self.status.is_final() && self.parked_until.is_none()",
        "self.parked_until.is_none()",
    ),
    Mutant(
        "server/src/store/batch.rs",
        "!self.status.is_final() || self.history == History::Keep",
        "self.history == History::Keep",
    ),
    Mutant(
        "server/src/store/batch.rs",
        "!moved.contains(&(workspace.to_owned(), run))",
        "false",
    ),
    Mutant(
        "server/src/store/batch.rs",
        "texts.execute(tx, &INSERT_LETTER, letters).await?",
        "()",
    ),
    Mutant(
        "server/src/store/batch.rs",
        "texts.execute(tx, &INSERT_ENTRY, entries).await",
        "Ok(())",
    ),
    Mutant(
        "server/src/store/batch.rs",
        "!won.contains(&run.id)",
        "false",
    ),
    Mutant(
        "server/src/store/batch.rs",
        "outcomes[index].is_some()",
        "false",
    ),
    Mutant("server/src/store/batch.rs", "awaited.expires", "false"),
    Mutant(
        "server/src/store/committer.rs",
        "self.outcome(number, patience_ends).await",
        "Some(true)",
    ),
    Mutant(
        "server/src/store/committer.rs",
        "self.keeper.is_lost()",
        "false",
    ),
    Mutant(
        "server/src/store/lease.rs",
        "server.is_none_or(|server| server == held.server)",
        "true",
    ),
    Mutant(
        "server/src/store/claims.rs",
        "left || next_at.is_some_and(|at| at <= now)",
        "left",
    ),
    Mutant("server/src/store/runs.rs", "run.turn.seq != 0", "false"),
    Mutant(
        "server/src/fair.rs",
        "state.free - places >= state.reserve",
        "false",
    ),
    Mutant("server/src/fair.rs", "taken + places <= state.free", "true"),
    Mutant("flows/src/poll.rs", "!cursor.is_null()", "true"),
    Mutant(
        "flows/src/poll.rs",
        "messages.len() > most.messages",
        "false",
    ),
    Mutant(
        "flows/src/poll.rs",
        "[soon, next].into_iter().flatten().min()",
        "next",
    ),
    Mutant(
        "flows/src/poll.rs",
        "at.max(now_ms.saturating_add_unsigned(asked))",
        "at",
    ),
    Mutant(
        "server/src/engine/poll.rs",
        "given.or_else(|| stood.cursor.clone())",
        "given",
    ),
    Mutant(
        "server/src/engine/poll.rs",
        "self.stood.failures.saturating_add(1)",
        "1",
    ),
    Mutant(
        "server/src/store/polls.rs",
        "!current || !stands",
        "!current",
    ),
    Mutant(
        "server/src/store/polls.rs",
        "moved.await? == 0",
        "{ moved.await?; false }",
    ),
];

/// Parts of statements, as they are sent to the database.
pub(super) const STATEMENTS: &[Mutant] = &[
    Mutant("server/src/store/batch.rs", "AND run.turns = turn.seq", ""),
    Mutant(
        "server/src/store/batch.rs",
        "AND run.server IS NOT DISTINCT FROM turn.server",
        "",
    ),
    Mutant(
        "server/src/store/batch.rs",
        "AND run.ended_at IS NULL RETURNING",
        "RETURNING",
    ),
    Mutant(
        "server/src/store/batch.rs",
        "turns = turn.seq + 1",
        "turns = turn.seq + 2",
    ),
    Mutant(
        "server/src/store/batch.rs",
        "server = turn.server_next",
        "server = turn.server",
    ),
    Mutant(
        "server/src/store/batch.rs",
        "AND schedule.next_at = fire.expected_at",
        "",
    ),
    Mutant(
        "server/src/store/batch.rs",
        "next_at = fire.next_at FROM",
        "next_at = fire.expected_at FROM",
    ),
    Mutant(
        "server/src/store/batch.rs",
        "ON CONFLICT DO NOTHING RETURNING run",
        "ON CONFLICT (workspace, flow, trigger, digest) DO UPDATE SET run = excluded.run RETURNING run",
    ),
    Mutant(
        "server/src/store/batch.rs",
        "ON dedupe.workspace = wanted.workspace AND dedupe.flow",
        "ON dedupe.flow",
    ),
    Mutant(
        "server/src/store/batch.rs",
        "SET state = 'replayed', replay",
        "SET replay",
    ),
    Mutant(
        "server/src/store/batch.rs",
        "DELETE FROM journal WHERE (workspace, run) IN",
        "DELETE FROM journal WHERE seq > 0 AND (workspace, run) IN",
    ),
    Mutant(
        "server/src/store/claims.rs",
        "r.server IS NULL AND r.ended_at IS NULL AND r.workspace = ? AND r.flow = ?",
        "(r.server IS NULL OR 1 = 1) AND r.ended_at IS NULL AND r.workspace = ? AND r.flow = ?",
    ),
    Mutant(
        "server/src/store/claims.rs",
        "r.parked_until <= ?",
        "r.parked_until > ?",
    ),
    Mutant(
        "server/src/store/claims.rs",
        "AND f.id = r.flow AND f.paused = 1",
        "AND f.id = r.flow AND f.paused = 2",
    ),
    Mutant(
        "server/src/store/claims.rs",
        "AND server IS NULL AND ended_at IS NULL RETURNING",
        "AND ended_at IS NULL RETURNING",
    ),
    Mutant(
        "server/src/store/claims.rs",
        "AND server = ? AND ended_at IS NULL",
        "AND (server = ? OR 1 = 1) AND ended_at IS NULL",
    ),
    Mutant(
        "server/src/store/lease.rs",
        "FROM server WHERE id = ? FOR KEY SHARE",
        "WHERE CAST(? AS uuid) IS NOT NULL",
    ),
    Mutant(
        "server/src/store/lease.rs",
        "UPDATE run SET server = NULL WHERE server = ?",
        "UPDATE run SET server = NULL WHERE server = ? AND 1 = 0",
    ),
    Mutant(
        "server/src/store/lease.rs",
        "DELETE FROM server WHERE id = ?",
        "DELETE FROM server WHERE id = ? AND 1 = 0",
    ),
    Mutant(
        "server/src/store/polls.rs",
        "poll.busy_by IS NULL OR poll.busy_until <= ?",
        "poll.busy_by IS NULL OR poll.busy_until <= ? OR 1 = 1",
    ),
    Mutant(
        "server/src/store/polls.rs",
        "AND revision = ? AND busy_by = ?",
        "AND (revision = ? OR 1 = 1) AND busy_by = ?",
    ),
    Mutant(
        "server/src/store/polls.rs",
        "SET last_at = coalesce(?, last_at)",
        "SET last_at = ?",
    ),
    Mutant(
        "server/src/store/polls.rs",
        "position = ?, polled_at = ?",
        "position = coalesce(position, ?), polled_at = ?",
    ),
    Mutant(
        "server/src/store/polls.rs",
        "failures = failures + 1",
        "failures = 1",
    ),
    Mutant(
        "server/src/store/polls.rs",
        "AND revision = coalesce(?, revision) RETURNING",
        "AND (revision = coalesce(?, revision) OR 1 = 1) RETURNING",
    ),
    Mutant(
        "server/src/store/polls.rs",
        "SELECT busy_until FROM poll WHERE",
        "SELECT due_at FROM poll WHERE",
    ),
    Mutant(
        "server/src/store/polls.rs",
        "SET next_at = poll.due_at FROM poll WHERE poll.busy_by = ?",
        "SET next_at = poll.due_at FROM poll WHERE 1 = 0 AND poll.busy_by = ?",
    ),
];
