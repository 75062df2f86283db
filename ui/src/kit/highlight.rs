//! Cuts a rhai script or a JSON text into coloured pieces. For reading only: it never fails and loses no character.

/// What a piece of text is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Piece {
    Plain,
    Keyword,
    Text,
    Number,
    Comment,
    /// A key of a JSON object.
    Key,
}

impl Piece {
    /// The class that colours it.
    pub(crate) fn class(self) -> &'static str {
        match self {
            Piece::Plain => "",
            Piece::Keyword => "hl-keyword",
            Piece::Text => "hl-text",
            Piece::Number => "hl-number",
            Piece::Comment => "hl-comment",
            Piece::Key => "hl-key",
        }
    }
}

const RHAI: &[&str] = &[
    "let",
    "const",
    "if",
    "else",
    "for",
    "in",
    "while",
    "loop",
    "do",
    "until",
    "break",
    "continue",
    "return",
    "throw",
    "try",
    "catch",
    "fn",
    "switch",
    "true",
    "false",
    "this",
    "global",
    "is_def_var",
    "print",
    "private",
];

/// The pieces of a rhai script.
pub(crate) fn rhai(text: &str) -> Vec<(Piece, &str)> {
    cut(text, RHAI, false)
}

/// The pieces of a JSON text.
pub(crate) fn json(text: &str) -> Vec<(Piece, &str)> {
    cut(text, &["true", "false", "null"], true)
}

fn cut<'a>(text: &'a str, keywords: &[&str], json: bool) -> Vec<(Piece, &'a str)> {
    let mut pieces: Vec<(Piece, &str)> = Vec::new();
    let mut plain = 0;
    let mut at = 0;
    while at < text.len() {
        let rest = &text[at..];
        let (kind, length) = token(rest, keywords, json);
        if kind != Piece::Plain {
            if plain < at {
                pieces.push((Piece::Plain, &text[plain..at]));
            }
            pieces.push((kind, &rest[..length]));
            plain = at + length;
        }
        at += length;
    }
    if plain < text.len() {
        pieces.push((Piece::Plain, &text[plain..]));
    }
    pieces
}

/// The kind and the length in bytes, at least one character, of what a text starts with.
fn token(rest: &str, keywords: &[&str], json: bool) -> (Piece, usize) {
    let Some(first) = rest.chars().next() else {
        return (Piece::Plain, 0);
    };
    match first {
        '/' if !json && rest.starts_with("//") => {
            (Piece::Comment, rest.find('\n').unwrap_or(rest.len()))
        }
        '/' if !json && rest.starts_with("/*") => (
            Piece::Comment,
            rest.find("*/").map_or(rest.len(), |end| end + 2),
        ),
        '"' | '`' | '\'' => {
            let length = quoted(rest, first);
            let is_key = json && rest[length..].trim_start().starts_with(':');
            (if is_key { Piece::Key } else { Piece::Text }, length)
        }
        c if c.is_ascii_digit() || (json && c == '-') => {
            let number = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '_' | '+' | '-');
            let end = if json {
                rest.find(|c| !number(c)).unwrap_or(rest.len())
            } else {
                script_number(rest)
            };
            (Piece::Number, end)
        }
        c if c.is_alphabetic() || c == '_' || c == '$' => {
            let end = rest
                .find(|c: char| !c.is_alphanumeric() && c != '_')
                .unwrap_or(rest.len())
                .max(c.len_utf8());
            let kind = if keywords.contains(&&rest[..end]) {
                Piece::Keyword
            } else {
                Piece::Plain
            };
            (kind, end)
        }
        c => (Piece::Plain, c.len_utf8()),
    }
}

/// The length of a quoted text with its quotes; to the end where it is not closed.
fn quoted(rest: &str, quote: char) -> usize {
    let mut escaped = false;
    for (at, c) in rest.char_indices().skip(1) {
        match c {
            _ if escaped => escaped = false,
            '\\' if quote != '`' => escaped = true,
            c if c == quote => return at + c.len_utf8(),
            _ => (),
        }
    }
    rest.len()
}

/// The length of a number in a script; the dots of a range `0..9` do not belong to it.
fn script_number(rest: &str) -> usize {
    let bytes = rest.as_bytes();
    let mut at = 0;
    while at < bytes.len() {
        let fraction = bytes[at] == b'.' && bytes.get(at + 1).is_some_and(u8::is_ascii_digit);
        if !(bytes[at].is_ascii_alphanumeric() || bytes[at] == b'_' || fraction) {
            break;
        }
        at += 1;
    }
    at
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_script_is_cut() {
        let pieces = rhai("let a = 1.5; // x\n`t ${a}` + lettuce 0..9");
        let coloured: Vec<_> = pieces
            .iter()
            .filter(|(kind, _)| *kind != Piece::Plain)
            .copied()
            .collect();
        assert_eq!(
            coloured,
            [
                (Piece::Keyword, "let"),
                (Piece::Number, "1.5"),
                (Piece::Comment, "// x"),
                (Piece::Text, "`t ${a}`"),
                (Piece::Number, "0"),
                (Piece::Number, "9"),
            ]
        );
    }

    #[test]
    fn keys_and_values_of_json_differ() {
        let pieces = json(r#"{"a": "b\"c", "n": -1e3, "t": true}"#);
        let coloured: Vec<_> = pieces
            .iter()
            .filter(|(kind, _)| *kind != Piece::Plain)
            .copied()
            .collect();
        assert_eq!(
            coloured,
            [
                (Piece::Key, "\"a\""),
                (Piece::Text, r#""b\"c""#),
                (Piece::Key, "\"n\""),
                (Piece::Number, "-1e3"),
                (Piece::Key, "\"t\""),
                (Piece::Keyword, "true"),
            ]
        );
    }

    #[test]
    fn no_character_is_lost() {
        for text in [
            "",
            "\"open",
            "/* open",
            "ä`ö",
            "a\\",
            "1..",
            "'",
            "{\"ü\":[]}",
            "$$x",
        ] {
            for pieces in [rhai(text), json(text)] {
                assert_eq!(
                    pieces.iter().map(|(_, piece)| *piece).collect::<String>(),
                    text
                );
            }
        }
    }
}
