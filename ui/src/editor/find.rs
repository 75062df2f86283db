//! Finding by a few letters: how well a query fits what can be picked. Pure.

/// How well a query fits some texts, the first of which is the name; smaller is better, `None` where it does not fit.
/// Each word of the query must be found somewhere.
pub(crate) fn fit(query: &str, texts: &[&str]) -> Option<u32> {
    let texts: Vec<String> = texts.iter().map(|text| plain(text)).collect();
    plain(query)
        .split_whitespace()
        .map(|word| {
            let found = texts.iter().enumerate().filter_map(|(place, text)| {
                Some(fit_word(word, text)? + if place == 0 { 0 } else { 10 })
            });
            found.min()
        })
        .sum()
}

fn fit_word(word: &str, text: &str) -> Option<u32> {
    if text.starts_with(word) {
        return Some(0);
    }
    let mut words = text.split(|c: char| !c.is_alphanumeric());
    if words.clone().any(|part| part.starts_with(word)) {
        return Some(1);
    }
    if text.contains(word) {
        return Some(3);
    }
    // One letter that is wrong, missing or too many is forgiven in words of some length.
    let length = word.chars().count();
    (length >= 4 && words.any(|part| nearly(word, part))).then_some(6)
}

/// Whether `part` begins with nearly `word`: at most one letter differs.
fn nearly(word: &str, part: &str) -> bool {
    let word: Vec<char> = word.chars().collect();
    let part: Vec<char> = part.chars().take(word.len() + 1).collect();
    let same = word.iter().zip(&part).take_while(|(a, b)| a == b).count();
    let rest = |word: &[char], part: &[char]| part.starts_with(word) || word.starts_with(part);
    let (w, p) = (&word[same..], &part[same..]);
    let skip = |letters: &[char]| letters.get(1..).unwrap_or_default().to_vec();
    let swapped = w.len() > 1 && p.len() > 1 && w[0] == p[1] && w[1] == p[0];
    same > 0
        && part.len() + 1 >= word.len()
        && (rest(&skip(w), &skip(p))
            || rest(&skip(w), p)
            || rest(w, &skip(p))
            || swapped && rest(&w[2..], &p[2..]))
}

/// In lower case, without marks on letters.
fn plain(text: &str) -> String {
    let mut plain = String::with_capacity(text.len());
    for c in text.chars().flat_map(char::to_lowercase) {
        match c {
            'ä' | 'à' | 'á' | 'â' => plain.push('a'),
            'ö' | 'ó' | 'ò' | 'ô' => plain.push('o'),
            'ü' | 'ú' | 'ù' | 'û' => plain.push('u'),
            'é' | 'è' | 'ê' => plain.push('e'),
            'ß' => plain.push_str("ss"),
            c => plain.push(c),
        }
    }
    plain
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_better_fit_comes_first() {
        let kinds = [
            ["Map", "transform umwandeln"],
            ["Branch", "if condition"],
            ["HTTP request", "call map a url"],
        ];
        let order = |query: &str| {
            let mut found: Vec<(u32, &str)> = kinds
                .iter()
                .filter_map(|texts| Some((fit(query, texts)?, texts[0])))
                .collect();
            found.sort();
            found.into_iter().map(|(_, name)| name).collect::<Vec<_>>()
        };
        assert_eq!(order("map"), ["Map", "HTTP request"]);
        assert_eq!(order("REQ http"), ["HTTP request"]);
        assert_eq!(order("umwa"), ["Map"]);
        assert_eq!(order("brnach"), ["Branch"]);
        assert_eq!(order("condtion"), ["Branch"]);
        assert!(order("zebra").is_empty());
        assert_eq!(order("").len(), 3);
    }

    #[test]
    fn marks_on_letters_do_not_matter() {
        assert!(fit("loschen", &["Löschen"]).is_some() && fit("Größe", &["grosse"]).is_some());
    }
}
