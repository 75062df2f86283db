//! The little of Markdown that descriptions use, as HTML.

/// The text with what HTML would take for its own escaped.
pub(super) fn escape(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '"' => escaped.push_str("&quot;"),
            '\'' => escaped.push_str("&#39;"),
            c => escaped.push(c),
        }
    }
    escaped
}

/// Paragraphs and tables, with code and emphasis within.
pub(super) fn markdown(text: &str) -> String {
    text.split("\n\n")
        .map(str::trim)
        .filter(|block| !block.is_empty())
        .map(block)
        .collect()
}

/// Code and emphasis within a line.
pub(super) fn inline(text: &str) -> String {
    let code = text.split('`').enumerate().map(|(i, part)| {
        if i % 2 == 1 {
            format!("<code>{}</code>", escape(part))
        } else {
            strong(part)
        }
    });
    code.collect()
}

fn strong(text: &str) -> String {
    let parts = text.split("**").enumerate();
    parts
        .map(|(i, part)| {
            if i % 2 == 1 {
                format!("<strong>{}</strong>", escape(part))
            } else {
                escape(part)
            }
        })
        .collect()
}

fn block(text: &str) -> String {
    if !text.starts_with('|') {
        return format!("<p>{}</p>", inline(text));
    }
    let mut rows = text.lines().map(cells);
    let head: String = rows
        .next()
        .unwrap_or_default()
        .iter()
        .map(|cell| format!("<th>{}</th>", inline(cell)))
        .collect();
    let row = |cells: Vec<&str>| -> String {
        let cells: String = cells
            .iter()
            .map(|cell| format!("<td>{}</td>", inline(cell)))
            .collect();
        format!("<tr>{cells}</tr>")
    };
    // The line under the head only says that there is one.
    let body: String = rows.skip(1).map(row).collect();
    format!(
        "<div class=\"wide\"><table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table></div>"
    )
}

fn cells(row: &str) -> Vec<&str> {
    row.trim()
        .trim_matches('|')
        .split('|')
        .map(str::trim)
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn descriptions_become_html() {
        assert_eq!(
            markdown("A **b** `<c>`.\n\nNext & last."),
            "<p>A <strong>b</strong> <code>&lt;c&gt;</code>.</p><p>Next &amp; last.</p>"
        );
        let table = markdown("| a | b |\n|---|---|\n| `x` | 1 |\n");
        assert!(
            table.contains("<th>a</th><th>b</th>")
                && table.contains("<tr><td><code>x</code></td><td>1</td></tr>"),
            "{table}"
        );
        assert_eq!(
            escape("<a href='x'>\"&"),
            "&lt;a href=&#39;x&#39;&gt;&quot;&amp;"
        );
    }
}
