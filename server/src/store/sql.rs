//! SQL as the store writes it: hand-written, with stable texts, and rows read by position.

use std::{cell::Cell, collections::HashMap};

use sea_orm::{
    ConnectionTrait, DatabaseTransaction, DbBackend, DbErr, QueryResult, Statement, TryGetable,
    Value,
};

/// The numbers of rows that a multi-row statement may have, so that a statement has few texts and the database's cache
/// of prepared statements always hits. Powers of two: a batch of any size takes few statements.
const CHUNKS: [usize; 10] = [512, 256, 128, 64, 32, 16, 8, 4, 2, 1];

/// The most parameters in one statement: half of what SQLite takes.
const PARAMETERS: usize = 16_000;

/// A statement that may be executed for many rows at once. `{rows}` in its text stands for the list of rows.
pub(super) struct Many {
    /// The text around the rows.
    pub(super) text: &'static str,
    /// The number of values in a row.
    pub(super) width: usize,
}

/// Writes multi-row statements and remembers their texts.
pub(super) struct Texts {
    backend: DbBackend,
    known: HashMap<(&'static str, usize), String>,
    /// The most bytes of values in a statement of more than one row.
    pub(super) most_bytes: usize,
}

impl Texts {
    pub(super) fn new(backend: DbBackend) -> Self {
        Texts {
            backend,
            known: HashMap::new(),
            most_bytes: usize::MAX,
        }
    }

    /// Executes `many` for `values` (rows one after the other), and gives the rows that the statement returns.
    pub(super) async fn query(
        &mut self,
        tx: &DatabaseTransaction,
        many: &Many,
        values: Vec<Value>,
    ) -> Result<Vec<QueryResult>, DbErr> {
        let mut returned = Vec::new();
        for statement in self.statements(many, values) {
            let rows = tx.query_all_raw(statement).await?;
            if returned.is_empty() {
                returned = rows;
            } else {
                returned.extend(rows);
            }
        }
        Ok(returned)
    }

    /// Executes `many` for `values` (rows one after the other).
    pub(super) async fn execute(
        &mut self,
        tx: &DatabaseTransaction,
        many: &Many,
        values: Vec<Value>,
    ) -> Result<(), DbErr> {
        for statement in self.statements(many, values) {
            tx.execute_raw(statement).await?;
        }
        Ok(())
    }

    fn statements(&mut self, many: &Many, values: Vec<Value>) -> Vec<Statement> {
        debug_assert_eq!(values.len() % many.width, 0);
        let sizes: Vec<usize> = match self.most_bytes {
            usize::MAX => Vec::new(),
            _ => values.chunks(many.width).map(bytes).collect(),
        };
        let total = values.len() / many.width;
        let mut values = values.into_iter();
        let mut statements = Vec::new();
        let mut done = 0;
        while done < total {
            let fits = |rows: usize| {
                rows <= total - done
                    && rows * many.width <= PARAMETERS
                    && (sizes.is_empty()
                        || sizes[done..done + rows].iter().sum::<usize>() <= self.most_bytes)
            };
            let rows = CHUNKS.into_iter().find(|rows| fits(*rows)).unwrap_or(1);
            let backend = self.backend;
            let text = self
                .known
                .entry((many.text, rows))
                .or_insert_with(|| text(backend, many, rows));
            let chunk = values.by_ref().take(rows * many.width);
            statements.push(Statement::from_sql_and_values(
                backend,
                text.as_str(),
                chunk,
            ));
            done += rows;
        }
        statements
    }
}

/// About how many bytes a row takes on the wire.
fn bytes(row: &[Value]) -> usize {
    row.iter()
        .map(|value| match value {
            Value::String(Some(text)) => text.len() + 4,
            Value::Bytes(Some(bytes)) => bytes.len() + 4,
            _ => 16,
        })
        .sum()
}

/// A statement from a text with `?` for each value, in the words of the database.
pub(super) fn statement(
    backend: DbBackend,
    text: &str,
    values: impl IntoIterator<Item = Value>,
) -> Statement {
    Statement::from_sql_and_values(backend, numbered(backend, text), values)
}

/// PostgreSQL numbers its parameters; SQLite is faster with nameless ones.
pub(super) fn numbered(backend: DbBackend, text: &str) -> String {
    if backend == DbBackend::Sqlite {
        return text.to_owned();
    }
    let mut numbered = String::with_capacity(text.len() + 16);
    for (number, part) in text.split('?').enumerate() {
        if number > 0 {
            numbered.push('$');
            numbered.push_str(&number.to_string());
        }
        numbered.push_str(part);
    }
    numbered
}

/// The text of a statement for so many rows.
pub(super) fn text(backend: DbBackend, many: &Many, rows: usize) -> String {
    let row = format!("({})", vec!["?"; many.width].join(","));
    let rows = vec![row.as_str(); rows].join(",");
    numbered(backend, &many.text.replace("{rows}", &rows))
}

/// Reads the cells of a row from left to right.
pub(super) struct Cells<'a> {
    row: &'a QueryResult,
    next: Cell<usize>,
}

impl<'a> Cells<'a> {
    pub(super) fn of(row: &'a QueryResult) -> Self {
        Cells {
            row,
            next: Cell::new(0),
        }
    }

    /// The next cell.
    pub(super) fn take<T: TryGetable>(&self) -> Result<T, DbErr> {
        let index = self.next.get();
        self.next.set(index + 1);
        self.row.try_get_by_index(index)
    }

    /// The next cell, which stays the next one.
    pub(super) fn peek<T: TryGetable>(&self) -> Result<T, DbErr> {
        self.row.try_get_by_index(self.next.get())
    }

    /// The next cell: a number that counts something.
    pub(super) fn count(&self) -> Result<u32, DbErr> {
        counted(self.take::<i64>()?)
    }

    /// The next cell: 0 or 1.
    pub(super) fn truth(&self) -> Result<bool, DbErr> {
        Ok(self.take::<i64>()? != 0)
    }

    /// The next cell: a number that counts something, or nothing.
    pub(super) fn maybe_count(&self) -> Result<Option<u32>, DbErr> {
        self.take::<Option<i64>>()?.map(counted).transpose()
    }
}

fn counted(number: i64) -> Result<u32, DbErr> {
    u32::try_from(number).map_err(|_| {
        DbErr::Type(format!(
            "{number} is not a count; the row was changed by something other than Weir"
        ))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const PAIR: Many = Many {
        text: "INSERT INTO t VALUES {rows}",
        width: 2,
    };

    #[test]
    fn texts_are_few_and_stable() {
        let mut texts = Texts::new(DbBackend::Postgres);
        let statements = texts.statements(&PAIR, vec![Value::from(1_i64); 2 * 71]);
        let rows: Vec<_> = statements
            .iter()
            .map(|statement| statement.values.as_ref().unwrap().0.len() / 2)
            .collect();
        assert_eq!(rows, [64, 4, 2, 1]);
        assert_eq!(statements[2].sql, "INSERT INTO t VALUES ($1,$2),($3,$4)");
        assert!(texts.statements(&PAIR, Vec::new()).is_empty());
    }

    #[test]
    fn statements_are_kept_small_if_asked() {
        let mut texts = Texts::new(DbBackend::Postgres);
        texts.most_bytes = 100;
        let row = |length: usize| [Value::from(1_i64), Value::from("x".repeat(length))];
        let values = [10, 10, 10, 10, 500, 10, 40, 40]
            .into_iter()
            .flat_map(row)
            .collect();
        let rows: Vec<_> = texts
            .statements(&PAIR, values)
            .iter()
            .map(|statement| statement.values.as_ref().unwrap().0.len() / 2)
            .collect();
        assert_eq!(rows, [2, 2, 1, 2, 1]);
    }

    #[test]
    fn sqlite_keeps_nameless_parameters() {
        assert_eq!(
            text(DbBackend::Sqlite, &PAIR, 2),
            "INSERT INTO t VALUES (?,?),(?,?)"
        );
    }
}
