//! XML as maps: attributes under `@name`, text under `#text`, repeated elements as lists.

use super::{Fallible, define, documented, plain};
use crate::script::bounds;
use crate::script::error::complaint;
use crate::script::function::Function;
use crate::script::thaw::own;
use quick_xml::escape::{escape, resolve_predefined_entity};
use quick_xml::events::{BytesRef, BytesStart, Event};
use quick_xml::{Reader, XmlVersion};
use rhai::{Array, Dynamic, Map, Module};

/// An element that is open.
struct Open {
    name: String,
    map: Map,
    text: String,
}

fn wrong(problem: impl std::fmt::Display) -> Box<rhai::EvalAltResult> {
    complaint(format!("the text is not XML: {problem}"))
}

fn parse(text: &str) -> Fallible<Dynamic> {
    bounds::spend(text.len() / 8)?;
    let mut reader = Reader::from_str(text);
    reader.config_mut().expand_empty_elements = true;
    let mut open: Vec<Open> = Vec::new();
    let mut root = None;
    let mut seen = 0_usize;
    loop {
        seen += 1;
        if seen.is_multiple_of(256) {
            bounds::spend(256)?;
        }
        match reader
            .read_event()
            .map_err(|problem| wrong(format!("{problem} (at byte {})", reader.error_position())))?
        {
            Event::Start(start) => {
                if root.is_some() && open.is_empty() {
                    return Err(wrong("there is more than one outer element"));
                }
                if open.len() >= bounds::nesting() {
                    return Err(bounds::stop(bounds::too_deep(bounds::nesting())));
                }
                open.push(opened(&start)?);
            }
            Event::End(_) => {
                let Some(done) = open.pop() else {
                    return Err(wrong("an element ends that was not open"));
                };
                let (name, value) = (done.name.clone(), closed(done));
                match open.last_mut() {
                    Some(parent) => add(&mut parent.map, name, value),
                    None => {
                        let mut map = Map::new();
                        map.insert(name.into(), value);
                        root = Some(map);
                    }
                }
            }
            Event::Text(piece) => {
                if let Some(parent) = open.last_mut() {
                    parent.text.push_str(&piece.xml10_content());
                }
            }
            Event::CData(piece) => {
                if let Some(parent) = open.last_mut() {
                    parent.text.push_str(&piece.xml10_content());
                }
            }
            Event::GeneralRef(entity) => {
                let letters = resolved(&entity)?;
                if let Some(parent) = open.last_mut() {
                    parent.text.push_str(&letters);
                }
            }
            Event::Eof => break,
            // A document type may define entities that grow without bound; none are expanded.
            Event::Empty(_)
            | Event::Comment(_)
            | Event::Decl(_)
            | Event::PI(_)
            | Event::DocType(_) => {}
        }
    }
    if let Some(left) = open.last() {
        return Err(wrong(format!("<{}> is not closed", left.name)));
    }
    root.map(Dynamic::from_map)
        .ok_or_else(|| wrong("there is no element"))
}

fn opened(start: &BytesStart<'_>) -> Fallible<Open> {
    let name = start.name().0.to_owned();
    let mut map = Map::new();
    for attribute in start.attributes() {
        let attribute = attribute.map_err(wrong)?;
        let key = attribute.key.0;
        let value = attribute
            .normalized_value(XmlVersion::Implicit1_0)
            .map_err(wrong)?;
        map.insert(format!("@{key}").into(), value.into_owned().into());
    }
    Ok(Open {
        name,
        map,
        text: String::new(),
    })
}

/// A character or one of the five entities that XML itself has.
fn resolved(entity: &BytesRef<'_>) -> Fallible<String> {
    if let Some(letter) = entity.resolve_char_ref().map_err(wrong)? {
        return Ok(letter.into());
    }
    let name = entity.xml10_content();
    resolve_predefined_entity(&name)
        .map(str::to_owned)
        .ok_or_else(|| wrong(format!("the entity &{name}; is unknown")))
}

/// An element with neither attributes nor elements is its text.
fn closed(element: Open) -> Dynamic {
    let Open { mut map, text, .. } = element;
    if map.is_empty() {
        return text.into();
    }
    if !text.trim().is_empty() {
        map.insert("#text".into(), text.trim().into());
    }
    Dynamic::from_map(map)
}

fn add(map: &mut Map, name: String, value: Dynamic) {
    match map.get_mut(name.as_str()) {
        None => {
            map.insert(name.into(), value);
        }
        Some(before) => {
            if let Some(mut list) = before.write_lock::<Array>() {
                list.push(value);
                return;
            }
            *before = Dynamic::from_array(vec![before.take(), value]);
        }
    }
}

/// What `to_xml` takes as options.
struct Style {
    declaration: bool,
    pretty: bool,
}

fn style(options: &Map) -> Fallible<Style> {
    let mut style = Style {
        declaration: true,
        pretty: false,
    };
    for (name, value) in options {
        let flag = value
            .as_bool()
            .map_err(|_| complaint(format!("the option `{name}` is true or false")))?;
        match name.as_str() {
            "declaration" => style.declaration = flag,
            "pretty" => style.pretty = flag,
            other => {
                return Err(complaint(format!(
                    "to_xml has no option `{other}`; there are declaration and pretty"
                )));
            }
        }
    }
    Ok(style)
}

fn print(map: &Map, style: &Style) -> Fallible<String> {
    let mut out = String::new();
    if style.declaration {
        out.push_str(r#"<?xml version="1.0" encoding="UTF-8"?>"#);
        out.push('\n');
    }
    let [(name, value)] = map.iter().collect::<Vec<_>>()[..] else {
        return Err(complaint(
            "XML has one outer element: give a map with one key",
        ));
    };
    element(name, value, 0, style.pretty, &mut out)?;
    Ok(out)
}

fn element(
    name: &str,
    value: &Dynamic,
    depth: usize,
    pretty: bool,
    out: &mut String,
) -> Fallible<()> {
    if depth > bounds::nesting() {
        return Err(bounds::stop(bounds::too_deep(bounds::nesting())));
    }
    let fits = |letter: char| letter.is_alphanumeric() || "-_.:".contains(letter);
    if !name.starts_with(|first: char| first.is_alphabetic() || first == '_')
        || !name.chars().all(fits)
    {
        return Err(complaint(format!(
            "`{name}` cannot be the name of an XML element"
        )));
    }
    let mut value = value.clone();
    own(&mut value);
    if let Some(list) = value.read_lock::<Array>() {
        return list
            .iter()
            .try_for_each(|item| element(name, item, depth, pretty, out));
    }
    let indent = |out: &mut String, depth: usize| {
        if pretty {
            if !out.is_empty() && !out.ends_with('\n') {
                out.push('\n');
            }
            out.push_str(&"  ".repeat(depth));
        }
    };
    bounds::text_of(out.len())?;
    indent(out, depth);
    out.push('<');
    out.push_str(name);
    let Some(map) = value.read_lock::<Map>() else {
        let text = plain(&value);
        if text.is_empty() {
            out.push_str("/>");
        } else {
            out.push('>');
            out.push_str(&escape(&*text));
            close(name, out);
        }
        return Ok(());
    };
    for (key, value) in map.iter() {
        if let Some(attribute) = key.strip_prefix('@')
            && !value.is_unit()
        {
            out.push(' ');
            out.push_str(attribute);
            out.push_str("=\"");
            out.push_str(&escape(&*plain(value)));
            out.push('"');
        }
    }
    let text = map.get("#text").map(plain).unwrap_or_default();
    let inner: Vec<_> = map
        .iter()
        .filter(|(key, _)| !key.starts_with('@') && *key != "#text")
        .collect();
    if text.is_empty() && inner.is_empty() {
        out.push_str("/>");
        return Ok(());
    }
    out.push('>');
    out.push_str(&escape(&*text));
    for (key, value) in &inner {
        element(key, value, depth + 1, pretty && text.is_empty(), out)?;
    }
    if text.is_empty() {
        indent(out, depth);
    }
    close(name, out);
    Ok(())
}

fn close(name: &str, out: &mut String) {
    out.push_str("</");
    out.push_str(name);
    out.push('>');
}

/// Puts the functions into the module.
pub(super) fn register(module: &mut Module) {
    define!(module, "parse_xml", |text: &str| parse(text));
    super::define_reading!(module, "to_xml", |map: &mut Map| print(
        map,
        &style(&Map::new())?
    ));
    super::define_reading!(module, "to_xml", |map: &mut Map, options: Map| print(
        map,
        &style(&options)?
    ));
}

/// The documentation.
pub(super) const FUNCTIONS: &[Function] = documented! { Format;
    "parse_xml" "parse_xml(text) -> map", "Reads XML: attributes stand under \"@name\", repeated elements become lists, an element with only text is that text, and text beside attributes stands under \"#text\". Everything is text; use to_list for elements that may come once or often.", "parse_xml(`<order id=\"7\"><sku>A</sku><sku>B</sku><note lang=\"en\">hi</note></order>`)" => r##"{"order":{"@id":"7","note":{"#text":"hi","@lang":"en"},"sku":["A","B"]}}"##;
    "to_xml" "to_xml(map, options?) -> text", "Prints a map with one key as XML, the other way round. Options: declaration (true), pretty (false).", "to_xml(#{ order: #{ \"@id\": 7, sku: [\"A\", \"B&C\"] } }, #{ declaration: false })" => r#""<order id=\"7\"><sku>A</sku><sku>B&amp;C</sku></order>""#;
};
