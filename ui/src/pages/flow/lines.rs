//! The lines of a JSON text: where the values that JSON Pointers name begin.

use std::collections::BTreeMap;

/// The line of each value and key of a JSON text by its JSON Pointer, counted from 1. Empty where the text is no JSON.
pub(super) fn lines(text: &str) -> BTreeMap<String, usize> {
    let mut reader = Reader {
        bytes: text.as_bytes(),
        at: 0,
        line: 1,
        found: BTreeMap::new(),
    };
    let read = reader.value(&mut String::new());
    if read.is_some() {
        reader.found
    } else {
        BTreeMap::new()
    }
}

/// The line that a pointer leads to, or the nearest one around it.
pub(super) fn line_of(lines: &BTreeMap<String, usize>, pointer: &str) -> usize {
    let mut pointer = pointer;
    loop {
        if let Some(line) = lines.get(pointer) {
            return *line;
        }
        match pointer.rfind('/') {
            Some(at) => pointer = &pointer[..at],
            None => return 1,
        }
    }
}

struct Reader<'a> {
    bytes: &'a [u8],
    at: usize,
    line: usize,
    found: BTreeMap<String, usize>,
}

impl Reader<'_> {
    fn value(&mut self, pointer: &mut String) -> Option<()> {
        self.space();
        // A key has said the line already.
        self.found.entry(pointer.clone()).or_insert(self.line);
        match self.peek()? {
            b'{' => self.object(pointer),
            b'[' => self.array(pointer),
            b'"' => self.text().map(drop),
            _ => {
                let start = self.at;
                while self
                    .peek()
                    .is_some_and(|byte| byte.is_ascii_alphanumeric() || b"+-.".contains(&byte))
                {
                    self.at += 1;
                }
                (self.at > start).then_some(())
            }
        }
    }

    fn object(&mut self, pointer: &mut String) -> Option<()> {
        self.at += 1;
        loop {
            self.space();
            match self.peek()? {
                b'}' => break,
                b',' => {
                    self.at += 1;
                    continue;
                }
                _ => {}
            }
            let line = self.line;
            let key: String = serde_json::from_slice(self.text()?).ok()?;
            self.space();
            (self.peek()? == b':').then_some(())?;
            self.at += 1;
            let length = pointer.len();
            pointer.push('/');
            pointer.push_str(&key.replace('~', "~0").replace('/', "~1"));
            self.found.insert(pointer.clone(), line);
            self.value(pointer)?;
            pointer.truncate(length);
        }
        self.at += 1;
        Some(())
    }

    fn array(&mut self, pointer: &mut String) -> Option<()> {
        self.at += 1;
        let mut index = 0_usize;
        loop {
            self.space();
            match self.peek()? {
                b']' => break,
                b',' => {
                    self.at += 1;
                    continue;
                }
                _ => {}
            }
            let length = pointer.len();
            pointer.push_str(&format!("/{index}"));
            self.value(pointer)?;
            pointer.truncate(length);
            index += 1;
        }
        self.at += 1;
        Some(())
    }

    /// A text with its quotes.
    fn text(&mut self) -> Option<&[u8]> {
        let start = self.at;
        (self.peek()? == b'"').then_some(())?;
        self.at += 1;
        loop {
            match self.peek()? {
                b'"' => break,
                b'\\' => self.at += 2,
                _ => self.at += 1,
            }
        }
        self.at += 1;
        self.bytes.get(start..self.at)
    }

    fn space(&mut self) {
        while let Some(byte) = self.peek().filter(u8::is_ascii_whitespace) {
            if byte == b'\n' {
                self.line += 1;
            }
            self.at += 1;
        }
    }

    fn peek(&self) -> Option<u8> {
        self.bytes.get(self.at).copied()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pointers_lead_to_lines() {
        let text = "{\n  \"a/b\": 1,\n  \"c\": [\n    { \"d\": \"\\\"}\" },\n    null\n  ],\n  \"e\": {}\n}\n";
        let lines = lines(text);
        for (pointer, line) in [
            ("", 1),
            ("/a~1b", 2),
            ("/c", 3),
            ("/c/0/d", 4),
            ("/c/1", 5),
            ("/e", 7),
            ("/e/not/there", 7),
            ("/nowhere", 1),
        ] {
            assert_eq!(line_of(&lines, pointer), line, "{pointer}");
        }
    }

    #[test]
    fn what_is_no_json_has_no_lines() {
        for text in ["", "{", "{\"a\"", "[1", "{\"a\": }"] {
            assert!(lines(text).is_empty(), "{text}");
        }
    }
}
