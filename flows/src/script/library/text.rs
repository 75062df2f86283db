//! Text. All of these give a new text and leave the old one alone.

use super::{Fallible, define, documented};
use crate::script::bounds;
use crate::script::error::complaint;
use crate::script::function::Function;
use rhai::{Array, Dynamic, INT, ImmutableString, Module};

fn replace(text: &str, find: &str, with: &str) -> Fallible<String> {
    if find.is_empty() {
        return Ok(text.to_owned());
    }
    if with.len() > find.len() {
        let times = text.matches(find).count();
        let grown = times.saturating_mul(with.len() - find.len());
        bounds::text_of(text.len().saturating_add(grown))?;
    } else {
        bounds::spend(text.len() / 64)?;
    }
    Ok(text.replace(find, with))
}

/// The fill that brings a text to a length, in characters.
fn fill(text: &str, length: INT, with: &str) -> Fallible<String> {
    let wanted = bounds::count(length.max(0), "a length")?;
    let missing = wanted.saturating_sub(text.chars().count());
    if missing == 0 {
        return Ok(String::new());
    }
    if with.is_empty() {
        return Err(complaint("there is nothing to pad with"));
    }
    bounds::text_of(text.len().saturating_add(missing.saturating_mul(4)))?;
    Ok(with.chars().cycle().take(missing).collect())
}

fn pad_start(text: &str, length: INT, with: &str) -> Fallible<String> {
    Ok(fill(text, length, with)? + text)
}

fn pad_end(text: &str, length: INT, with: &str) -> Fallible<String> {
    Ok([text, &fill(text, length, with)?].concat())
}

fn left(text: &str, count: INT) -> String {
    text.chars()
        .take(usize::try_from(count).unwrap_or(0))
        .collect()
}

fn right(text: &str, count: INT) -> String {
    let keep = usize::try_from(count).unwrap_or(0);
    let skip = text.chars().count().saturating_sub(keep);
    text.chars().skip(skip).collect()
}

/// Cuts to a length that includes the mark.
fn truncate(text: &str, length: INT, mark: &str) -> String {
    let length = usize::try_from(length).unwrap_or(0);
    if text.chars().count() <= length {
        return text.to_owned();
    }
    let room = length.saturating_sub(mark.chars().count());
    let mut cut: String = text.chars().take(room).collect();
    cut.extend(mark.chars().take(length));
    cut
}

fn title_case(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut inside = false;
    for letter in text.chars() {
        if inside {
            out.extend(letter.to_lowercase());
        } else {
            out.extend(letter.to_uppercase());
        }
        inside = letter.is_alphanumeric() || (inside && (letter == '\'' || letter == '’'));
    }
    out
}

fn capitalize(text: &str) -> String {
    let mut letters = text.chars();
    match letters.next() {
        Some(first) => first.to_uppercase().chain(letters).collect(),
        None => String::new(),
    }
}

/// Lower-case words without accents, joined by dashes.
fn slug(text: &str) -> String {
    let mut out = String::new();
    for letter in text.chars().flat_map(char::to_lowercase) {
        match plain_letters(letter) {
            Some(plain) => out.push_str(plain),
            None if letter.is_ascii_alphanumeric() => out.push(letter),
            None if !out.is_empty() && !out.ends_with('-') => out.push('-'),
            None => {}
        }
    }
    out.truncate(out.trim_end_matches('-').len());
    out
}

/// What Western letters with marks are written as without them; the German ones as Germans do.
fn plain_letters(letter: char) -> Option<&'static str> {
    Some(match letter {
        'ä' | 'æ' => "ae",
        'ö' | 'œ' => "oe",
        'ü' => "ue",
        'ß' => "ss",
        'à' | 'á' | 'â' | 'ã' | 'å' | 'ā' | 'ă' | 'ą' => "a",
        'ç' | 'ć' | 'č' => "c",
        'ď' | 'đ' | 'ð' => "d",
        'è' | 'é' | 'ê' | 'ë' | 'ē' | 'ė' | 'ę' | 'ě' => "e",
        'ğ' => "g",
        'ì' | 'í' | 'î' | 'ï' | 'ī' | 'į' | 'ı' => "i",
        'ł' | 'ľ' | 'ĺ' => "l",
        'ñ' | 'ń' | 'ň' => "n",
        'ò' | 'ó' | 'ô' | 'õ' | 'ø' | 'ō' | 'ő' => "o",
        'ŕ' | 'ř' => "r",
        'ś' | 'š' | 'ş' | 'ș' => "s",
        'ť' | 'ţ' | 'ț' => "t",
        'ù' | 'ú' | 'û' | 'ū' | 'ů' | 'ű' | 'ų' => "u",
        'ý' | 'ÿ' => "y",
        'ź' | 'ż' | 'ž' => "z",
        'þ' => "th",
        '\'' | '’' | '\u{300}'..='\u{36f}' => "",
        _ => return None,
    })
}

/// The words of a name in any of the usual spellings.
fn words(text: &str) -> Vec<String> {
    let mut words: Vec<String> = Vec::new();
    let mut word = String::new();
    let letters: Vec<char> = text.chars().collect();
    for (place, &letter) in letters.iter().enumerate() {
        let before = place.checked_sub(1).map(|p| letters[p]);
        let after = letters.get(place + 1);
        let hump = letter.is_uppercase()
            && (before.is_some_and(|b| b.is_lowercase() || b.is_numeric())
                || (before.is_some_and(char::is_uppercase)
                    && after.is_some_and(|a| a.is_lowercase())));
        if (hump || !letter.is_alphanumeric()) && !word.is_empty() {
            words.push(std::mem::take(&mut word));
        }
        if letter.is_alphanumeric() {
            word.extend(letter.to_lowercase());
        }
    }
    if !word.is_empty() {
        words.push(word);
    }
    words
}

fn camel_case(text: &str) -> String {
    words(text)
        .iter()
        .enumerate()
        .map(|(place, word)| {
            if place == 0 {
                word.clone()
            } else {
                capitalize(word)
            }
        })
        .collect()
}

fn pieces<'t>(parts: impl Iterator<Item = &'t str>) -> Fallible<Array> {
    let parts: Array = parts.map(|part| part.into()).collect();
    bounds::list_of(parts.len())?;
    Ok(parts)
}

fn repeat(text: &str, times: INT) -> Fallible<String> {
    let times = bounds::count(times.max(0), "a number of times")?;
    bounds::text_of(text.len().saturating_mul(times))?;
    Ok(text.repeat(times))
}

fn join(list: &Array, between: &str) -> Fallible<String> {
    let mut out = String::new();
    for (place, item) in list.iter().enumerate() {
        if place > 0 {
            out.push_str(between);
        }
        out.push_str(&super::plain(item));
        if place % 64 == 0 {
            bounds::text_of(out.len())?;
        }
    }
    bounds::text_of(out.len())?;
    Ok(out)
}

/// Puts the functions into the module.
pub(super) fn register(module: &mut Module) {
    define!(module, "replace", |text: &str, find: &str, with: &str| {
        replace(text, find, with)
    });
    define!(module, "replace", |text: &str, find: char, with: &str| {
        replace(text, find.encode_utf8(&mut [0; 4]), with)
    });
    define!(module, "replace", |text: &str, find: &str, with: char| {
        replace(text, find, with.encode_utf8(&mut [0; 4]))
    });
    define!(module, "replace", |text: &str, find: char, with: char| {
        replace(
            text,
            find.encode_utf8(&mut [0; 4]),
            with.encode_utf8(&mut [0; 4]),
        )
    });
    define!(module, "remove", |text: &str, find: &str| replace(
        text, find, ""
    ));
    define!(module, "remove", |text: &str, find: char| {
        replace(text, find.encode_utf8(&mut [0; 4]), "")
    });
    define!(module, "trim", |text: &str| text.trim().to_owned());
    define!(module, "trim", |text: &str, marks: &str| {
        text.trim_matches(|c| marks.contains(c)).to_owned()
    });
    define!(module, "trim_start", |text: &str| text
        .trim_start()
        .to_owned());
    define!(module, "trim_start", |text: &str, marks: &str| {
        text.trim_start_matches(|c| marks.contains(c)).to_owned()
    });
    define!(module, "trim_end", |text: &str| text.trim_end().to_owned());
    define!(module, "trim_end", |text: &str, marks: &str| {
        text.trim_end_matches(|c| marks.contains(c)).to_owned()
    });
    define!(module, "squeeze", |text: &str| {
        text.split_whitespace().collect::<Vec<_>>().join(" ")
    });
    define!(module, "strip_prefix", |text: ImmutableString,
                                     prefix: &str|
     -> ImmutableString {
        text.strip_prefix(prefix)
            .map_or_else(|| text.clone(), Into::into)
    });
    define!(module, "strip_suffix", |text: ImmutableString,
                                     suffix: &str|
     -> ImmutableString {
        text.strip_suffix(suffix)
            .map_or_else(|| text.clone(), Into::into)
    });
    define!(module, "pad_start", |text: &str, length: INT| pad_start(
        text, length, " "
    ));
    define!(
        module,
        "pad_start",
        |text: &str, length: INT, with: &str| pad_start(text, length, with)
    );
    define!(
        module,
        "pad_start",
        |number: INT, length: INT, with: &str| { pad_start(&number.to_string(), length, with) }
    );
    define!(
        module,
        "pad_end" | "pad",
        |text: &str, length: INT| pad_end(text, length, " ")
    );
    define!(
        module,
        "pad_end" | "pad",
        |text: &str, length: INT, with: &str| pad_end(text, length, with)
    );
    define!(module, "pad", |text: &str, length: INT, with: char| {
        pad_end(text, length, with.encode_utf8(&mut [0; 4]))
    });
    define!(module, "left", left);
    define!(module, "right", right);
    define!(module, "truncate", |text: &str, length: INT| truncate(
        text, length, ""
    ));
    define!(module, "truncate", |text: &str, length: INT, mark: &str| {
        truncate(text, length, mark)
    });
    define!(module, "title_case", title_case);
    define!(module, "capitalize", capitalize);
    define!(module, "snake_case", |text: &str| words(text).join("_"));
    define!(module, "kebab_case", |text: &str| words(text).join("-"));
    define!(module, "camel_case", camel_case);
    define!(module, "slug", slug);
    define!(module, "repeat", repeat);
    define!(module, "split_lines", |text: &str| pieces(text.lines()));
    define!(module, "split", |text: &str, at: &str| if at.is_empty() {
        pieces(text.split("").filter(|piece| !piece.is_empty()))
    } else {
        pieces(text.split(at))
    });
    define!(module, "split", |text: &str| pieces(
        text.split_whitespace()
    ));
    define!(module, "before", |text: &str, mark: &str| {
        text.split_once(mark)
            .map_or(text, |(before, _)| before)
            .to_owned()
    });
    define!(module, "after", |text: &str, mark: &str| {
        text.split_once(mark)
            .map_or("", |(_, after)| after)
            .to_owned()
    });
    define!(module, "between", |text: &str, open: &str, close: &str| {
        text.split_once(open)
            .and_then(|(_, rest)| rest.split_once(close))
            .map_or(Dynamic::UNIT, |(inside, _)| inside.into())
    });
    define!(module, "is_blank", |text: &str| text.trim().is_empty());
    define!(module, "is_blank", |_nothing: ()| true);
    define!(module, "text", |value: Dynamic| super::plain(&value));
    super::define_reading!(module, "join", |list: &mut Array, between: &str| join(
        list, between
    ));
    super::define_reading!(module, "join", |list: &mut Array| join(list, ""));
}

/// The documentation.
pub(super) const FUNCTIONS: &[Function] = documented! { Text;
    "replace" "replace(text, find, with) -> text", "Replaces every occurrence.", "\"a-b-c\".replace(\"-\", \" \")" => r#""a b c""#;
    "remove" "remove(text, find) -> text; remove(list, index) -> item; remove(map, key) -> value", "Of a text: the text without every occurrence. Of a list or a map: takes one entry out and gives it.", "\"1'234\".remove(\"'\")" => r#""1234""#;
    "trim" "trim(text) -> text; trim(text, characters) -> text", "Without white space, or without those characters, at both ends.", "\"  Ada \".trim()" => r#""Ada""#;
    "trim_start" "trim_start(text) -> text; trim_start(text, characters) -> text", "The same at the start only.", "\"0042\".trim_start(\"0\")" => r#""42""#;
    "trim_end" "trim_end(text) -> text; trim_end(text, characters) -> text", "The same at the end only.", "\"https://example.com/\".trim_end(\"/\")" => r#""https://example.com""#;
    "squeeze" "squeeze(text) -> text", "Trims, and makes every run of white space one space.", "\" Ada   King\\n\".squeeze()" => r#""Ada King""#;
    "strip_prefix" "strip_prefix(text, prefix) -> text", "Without the prefix, if it is there.", "\"INV-77\".strip_prefix(\"INV-\")" => r#""77""#;
    "strip_suffix" "strip_suffix(text, suffix) -> text", "Without the suffix, if it is there.", "\"report.csv\".strip_suffix(\".csv\")" => r#""report""#;
    "pad_start" "pad_start(text or number, length, fill?) -> text", "Fills at the start up to a length.", "pad_start(7, 3, \"0\")" => r#""007""#;
    "pad_end" "pad_end(text, length, fill?) -> text", "Fills at the end up to a length.", "\"ab\".pad_end(4, \".\")" => r#""ab..""#;
    "pad" "pad(text, length, fill?) -> text; pad(list, length, item)", "Of a text: the same as pad_end. Of a list: appends the item until it is that long.", "let l = [1]; l.pad(3, 0); l" => "[1,0,0]";
    "left" "left(text, count) -> text", "The first characters.", "\"Berlin\".left(3)" => r#""Ber""#;
    "right" "right(text, count) -> text", "The last characters.", "\"Berlin\".right(3)" => r#""lin""#;
    "truncate" "truncate(text, length, mark?) -> text; truncate(list, length)", "Of a text: not longer than that, ending in the mark if it was cut. Of a list: drops items from its end.", "\"A long title\".truncate(7, \"…\")" => r#""A long…""#;
    "title_case" "title_case(text) -> text", "Every word with a capital.", "\"ada KING\".title_case()" => r#""Ada King""#;
    "capitalize" "capitalize(text) -> text", "The first letter as a capital, the rest as it is.", "\"order received\".capitalize()" => r#""Order received""#;
    "snake_case" "snake_case(text) -> text", "Words with underscores.", "\"orderLineID\".snake_case()" => r#""order_line_id""#;
    "kebab_case" "kebab_case(text) -> text", "Words with dashes.", "\"Order Line\".kebab_case()" => r#""order-line""#;
    "camel_case" "camel_case(text) -> text", "Words with humps.", "\"order_line_id\".camel_case()" => r#""orderLineId""#;
    "slug" "slug(text) -> text", "Lower case, without accents, words joined by dashes.", "\"Größe & Maß, Café\".slug()" => r#""groesse-mass-cafe""#;
    "repeat" "repeat(text, times) -> text", "The text several times.", "\"-=\".repeat(3)" => r#""-=-=-=""#;
    "split_lines" "split_lines(text) -> list", "The lines.", "\"a\\r\\nb\\n\".split_lines()" => r#"["a","b"]"#;
    "split" "split(text, at) -> list; split(text) -> list; split(list, index) -> list", "Of a text: the pieces between a mark, or the words. Of a list: cuts the end off from an index and gives it.", "\"a;b;;c\".split(\";\")" => r#"["a","b","","c"]"#;
    "before" "before(text, mark) -> text", "What stands before the first mark; all of it if there is none.", "\"ada@example.com\".before(\"@\")" => r#""ada""#;
    "after" "after(text, mark) -> text", "What stands after the first mark; nothing if there is none.", "\"ada@example.com\".after(\"@\")" => r#""example.com""#;
    "between" "between(text, open, close) -> text or ()", "What stands between two marks.", "\"Order [A1] shipped\".between(\"[\", \"]\")" => r#""A1""#;
    "is_blank" "is_blank(text or ()) -> bool", "Missing, empty or only white space.", "is_blank(\"  \")" => "true";
    "text" "text(value) -> text", "Any value as text: () as nothing, lists and maps as JSON.", "text(#{ a: [1, 2.0] })" => r#""{\"a\":[1,2.0]}""#;
    "join" "join(list, between?) -> text", "The items as one text.", "[\"a\", 1, ()].join(\",\")" => r#""a,1,""#;
};
