//! CSV (RFC 4180): tables as lists of maps, or of lists.

use super::{Fallible, define, documented, plain};
use crate::script::bounds;
use crate::script::error::complaint;
use crate::script::function::Function;
use crate::script::thaw::own;
use rhai::{Array, Dynamic, Map, Module};

/// What `parse_csv` and `to_csv` take as options.
struct Options {
    delimiter: u8,
    header: bool,
    columns: Vec<String>,
    quote_all: bool,
    line_end: &'static str,
    trim: bool,
}

fn options(given: &Map) -> Fallible<Options> {
    let mut options = Options {
        delimiter: b',',
        header: true,
        columns: Vec::new(),
        quote_all: false,
        line_end: "\r\n",
        trim: false,
    };
    for (name, value) in given {
        let flag = || {
            value
                .as_bool()
                .map_err(|_| complaint(format!("the option `{name}` is true or false")))
        };
        match name.as_str() {
            "delimiter" => {
                let text = plain(value);
                let [byte] = *text.as_bytes() else {
                    return Err(complaint(
                        "the delimiter is one character, like \";\" or \"\\t\"",
                    ));
                };
                options.delimiter = byte;
            }
            "header" => options.header = flag()?,
            "trim" => options.trim = flag()?,
            "quote_all" => options.quote_all = flag()?,
            "line_end" => {
                options.line_end = match plain(value).as_str() {
                    "\n" => "\n",
                    "\r\n" => "\r\n",
                    _ => return Err(complaint("the line end is \"\\n\" or \"\\r\\n\"")),
                };
            }
            "columns" => {
                let mut value = value.clone();
                own(&mut value);
                let list = value
                    .read_lock::<Array>()
                    .ok_or_else(|| complaint("`columns` is a list of names"))?;
                options.columns = list.iter().map(plain).collect();
            }
            other => {
                return Err(complaint(format!(
                    "CSV has no option `{other}`; there are delimiter, header, columns, trim, quote_all and line_end"
                )));
            }
        }
    }
    Ok(options)
}

fn parse(text: &str, options: &Options) -> Fallible<Array> {
    bounds::spend(text.len() / 16)?;
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    let mut reader = csv::ReaderBuilder::new()
        .delimiter(options.delimiter)
        .has_headers(false)
        .flexible(true)
        .trim(if options.trim {
            csv::Trim::All
        } else {
            csv::Trim::None
        })
        .from_reader(text.as_bytes());
    let mut columns = (!options.columns.is_empty()).then(|| options.columns.clone());
    let mut rows = Array::new();
    for (number, record) in reader.records().enumerate() {
        let record =
            record.map_err(|problem| complaint(format!("the text is not CSV: {problem}")))?;
        if number == 0 && options.header {
            columns.get_or_insert_with(|| record.iter().map(str::to_owned).collect());
            continue;
        }
        if rows.len().is_multiple_of(128) {
            bounds::list_of(rows.len())?;
            bounds::spend(record.len() * 32)?;
        }
        rows.push(match &columns {
            None => Dynamic::from_array(record.iter().map(|cell| cell.into()).collect()),
            Some(columns) => {
                if record.len() > columns.len() {
                    return Err(complaint(format!(
                        "row {} has {} cells, but there are {} columns",
                        number + 1,
                        record.len(),
                        columns.len()
                    )));
                }
                let cells = record.iter().map(|cell| cell.into());
                let blank = std::iter::repeat_with(|| Dynamic::from(""));
                let row: Map = columns
                    .iter()
                    .map(|name| name.as_str().into())
                    .zip(cells.chain(blank))
                    .collect();
                Dynamic::from_map(row)
            }
        });
    }
    bounds::list_of(rows.len())?;
    Ok(rows)
}

fn print(rows: Array, options: &Options) -> Fallible<String> {
    let mut writer = csv::WriterBuilder::new()
        .delimiter(options.delimiter)
        .flexible(true)
        .quote_style(if options.quote_all {
            csv::QuoteStyle::Always
        } else {
            csv::QuoteStyle::Necessary
        })
        .terminator(if options.line_end == "\n" {
            csv::Terminator::Any(b'\n')
        } else {
            csv::Terminator::CRLF
        })
        .from_writer(Vec::new());
    let wrong = |problem: &dyn std::fmt::Display| complaint(format!("cannot print CSV: {problem}"));
    let rows: Array = rows
        .into_iter()
        .map(|mut row| {
            own(&mut row);
            row
        })
        .collect();
    let columns = if options.columns.is_empty() {
        columns_of(&rows)
    } else {
        options.columns.clone()
    };
    if options.header && !columns.is_empty() {
        writer
            .write_record(&columns)
            .map_err(|problem| wrong(&problem))?;
    }
    let mut bytes = 0_usize;
    for row in &rows {
        let cells: Vec<String> = if let Some(map) = row.read_lock::<Map>() {
            columns
                .iter()
                .map(|name| map.get(name.as_str()).map(plain).unwrap_or_default())
                .collect()
        } else if let Some(list) = row.read_lock::<Array>() {
            list.iter().map(plain).collect()
        } else {
            return Err(complaint("a row of CSV is a map or a list"));
        };
        bytes += cells.iter().map(|cell| cell.len() + 3).sum::<usize>();
        bounds::text_of(bytes)?;
        writer
            .write_record(&cells)
            .map_err(|problem| wrong(&problem))?;
    }
    let bytes = writer.into_inner().map_err(|problem| wrong(&problem))?;
    String::from_utf8(bytes).map_err(|problem| wrong(&problem))
}

/// The keys of all rows, in the order of the first row that has them.
fn columns_of(rows: &Array) -> Vec<String> {
    let mut columns: Vec<String> = Vec::new();
    let mut known = std::collections::HashSet::new();
    for row in rows {
        if let Some(map) = row.read_lock::<Map>() {
            for key in map.keys() {
                if known.insert(key.to_string()) {
                    columns.push(key.to_string());
                }
            }
        }
    }
    columns
}

/// Puts the functions into the module.
pub(super) fn register(module: &mut Module) {
    define!(module, "parse_csv", |text: &str| parse(
        text,
        &options(&Map::new())?
    ));
    define!(module, "parse_csv", |text: &str, given: Map| parse(
        text,
        &options(&given)?
    ));
    define!(module, "to_csv", |rows: Array| print(
        rows,
        &options(&Map::new())?
    ));
    define!(module, "to_csv", |rows: Array, given: Map| print(
        rows,
        &options(&given)?
    ));
}

/// The documentation.
pub(super) const FUNCTIONS: &[Function] = documented! { Format;
    "parse_csv" "parse_csv(text, options?) -> list", "Reads CSV: a list of maps by the names in the first row. Cells are text. Options: delimiter, header (false gives lists), columns (names to use), trim.", "parse_csv(\"id;name\\n1;\\\"Ada; L.\\\"\", #{ delimiter: \";\" })" => r#"[{"id":"1","name":"Ada; L."}]"#;
    "to_csv" "to_csv(list, options?) -> text", "Prints a list of maps or lists as CSV. Options: delimiter, header, columns (which and in what order), quote_all, line_end.", "to_csv([#{ id: 1, name: \"a,b\" }], #{ columns: [\"name\", \"id\"], line_end: \"\\n\" })" => r#""name,id\n\"a,b\",1\n""#;
};
