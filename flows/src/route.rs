//! Paths of http and webhook triggers: `/orders/{id}`, matched segment by segment.

use serde_json::{Map, Value};

/// A path with named parameters.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Route {
    segments: Vec<Segment>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Segment {
    Literal(String),
    /// `{name}`: one segment.
    Parameter(String),
    /// `{*name}`: all that follows.
    Rest(String),
}

impl Route {
    /// Reads a path. It starts with `/`; `{name}` stands for one segment, and a last `{*name}` for all that follow.
    ///
    /// # Errors
    /// What is wrong with it and what to write.
    pub fn parse(text: &str) -> Result<Route, String> {
        let rest = text
            .strip_prefix('/')
            .ok_or_else(|| format!("the path `{text}` must start with /"))?;
        let mut segments = Vec::new();
        let parts: Vec<&str> = if rest.is_empty() {
            Vec::new()
        } else {
            rest.split('/').collect()
        };
        for (i, part) in parts.iter().enumerate() {
            let segment = match part
                .strip_prefix('{')
                .and_then(|part| part.strip_suffix('}'))
            {
                Some(name) => match name.strip_prefix('*') {
                    Some(name) if i + 1 == parts.len() => Segment::Rest(parameter(text, name)?),
                    Some(_) => {
                        return Err(format!(
                            "in the path `{text}`, `{part}` takes all that follows, so it must be the last part"
                        ));
                    }
                    None => Segment::Parameter(parameter(text, name)?),
                },
                None if part.is_empty() => {
                    return Err(format!(
                        "the path `{text}` has an empty part; remove the extra /"
                    ));
                }
                None if *part == "." || *part == ".." => {
                    return Err(format!("the path `{text}` may not contain `{part}`"));
                }
                None => match part
                    .chars()
                    .find(|c| !(c.is_ascii_alphanumeric() || "-_.~!$&'()*+,;=:@".contains(*c)))
                {
                    Some(c) => {
                        return Err(format!(
                            "the path `{text}` may not contain `{c}`; use letters, digits, - _ . ~ and {{name}}"
                        ));
                    }
                    None => Segment::Literal((*part).to_owned()),
                },
            };
            segments.push(segment);
        }
        let mut names: Vec<&str> = segments.iter().filter_map(Segment::name).collect();
        names.sort_unstable();
        match names.windows(2).find(|pair| pair[0] == pair[1]) {
            Some(pair) => Err(format!(
                "the path `{text}` has two parts named {{{}}}; rename one",
                pair[0]
            )),
            None => Ok(Route { segments }),
        }
    }

    /// The parameters of a path that matches. The segments are percent-decoded already.
    pub fn matches(&self, path: &[String]) -> Option<Map<String, Value>> {
        let mut params = Map::new();
        for (i, segment) in self.segments.iter().enumerate() {
            match segment {
                Segment::Literal(text) => path.get(i).filter(|part| *part == text).map(|_| ())?,
                Segment::Parameter(name) => {
                    params.insert(
                        name.clone(),
                        path.get(i).filter(|part| !part.is_empty())?.as_str().into(),
                    );
                }
                Segment::Rest(name) => {
                    params.insert(
                        name.clone(),
                        path.get(i..)
                            .filter(|rest| !rest.is_empty())?
                            .join("/")
                            .into(),
                    );
                    return Some(params);
                }
            }
        }
        (path.len() == self.segments.len()).then_some(params)
    }

    /// A key that is equal for two routes that match the same paths.
    pub fn key(&self) -> String {
        let part = |segment: &Segment| match segment {
            Segment::Literal(text) => format!("/{text}"),
            Segment::Parameter(_) => "/{}".to_owned(),
            Segment::Rest(_) => "/{*}".to_owned(),
        };
        self.segments.iter().map(part).collect()
    }

    /// The first segment, where it is no parameter.
    pub fn first_literal(&self) -> Option<&str> {
        match self.segments.first()? {
            Segment::Literal(text) => Some(text),
            _ => None,
        }
    }

    /// Sorts routes so that the more exact one comes first.
    pub fn rank(&self) -> Vec<u8> {
        let mut rank: Vec<u8> = self
            .segments
            .iter()
            .map(|segment| match segment {
                Segment::Literal(_) => 0,
                Segment::Parameter(_) => 1,
                Segment::Rest(_) => 2,
            })
            .collect();
        rank.push(0);
        rank
    }
}

impl Segment {
    fn name(&self) -> Option<&str> {
        match self {
            Segment::Literal(_) => None,
            Segment::Parameter(name) | Segment::Rest(name) => Some(name),
        }
    }
}

fn parameter(path: &str, name: &str) -> Result<String, String> {
    let fits = name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_')
        && name.starts_with(|c: char| c.is_ascii_alphabetic());
    if fits {
        Ok(name.to_owned())
    } else {
        Err(format!(
            "in the path `{path}`, `{name}` cannot name a part; use letters, digits and _"
        ))
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn path(text: &str) -> Vec<String> {
        text.split('/').skip(1).map(str::to_owned).collect()
    }

    #[test]
    fn routes_match_segment_by_segment() {
        let route = Route::parse("/orders/{id}/lines").unwrap();
        assert_eq!(
            route.matches(&path("/orders/7/lines")),
            json!({"id": "7"}).as_object().cloned()
        );
        assert_eq!(route.matches(&path("/orders/7")), None);
        assert_eq!(route.matches(&path("/orders//lines")), None);
        assert_eq!(route.matches(&path("/orders/7/lines/8")), None);
        let rest = Route::parse("/files/{*path}").unwrap();
        assert_eq!(
            rest.matches(&path("/files/a/b")),
            json!({"path": "a/b"}).as_object().cloned()
        );
        assert_eq!(rest.matches(&path("/files")), None);
        assert_eq!(
            Route::parse("/a/{x}").unwrap().key(),
            Route::parse("/a/{y}").unwrap().key()
        );
        assert!(Route::parse("/a/b").unwrap().rank() < Route::parse("/a/{x}").unwrap().rank());
    }

    #[test]
    fn wrong_paths_are_refused_with_advice() {
        for bad in [
            "", "orders", "/a//b", "/a/", "/a b", "/{a}/{a}", "/{*a}/b", "/{1}", "/..", "/a?b",
            "/ä",
        ] {
            assert!(Route::parse(bad).is_err(), "{bad}");
        }
        assert!(Route::parse("/").is_ok());
    }
}
