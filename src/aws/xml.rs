//! XML as JSON, as far as AWS's replies need it: what a list is can be seen, so no schema is needed.

use quick_xml::Reader;
use quick_xml::events::Event;
use serde_json::{Map, Value};

/// Deeper than any reply of AWS's; what is built is taken apart by recursion.
const DEEPEST: usize = 64;

struct Element {
    name: String,
    text: String,
    children: Vec<(String, Value)>,
}

/// The name of the outermost element and what is in it. An element whose children are all `member` or `item`
/// is a list; another with children is a map, in which children of the same name are a list; one without is
/// its text, and an empty one `null`. Attributes and text beside children are dropped. `None` if it is no XML.
pub(super) fn read(body: &[u8]) -> Option<(String, Value)> {
    let mut reader = Reader::from_str(std::str::from_utf8(body).ok()?);
    let mut open: Vec<Element> = Vec::new();
    loop {
        let closed = match reader.read_event().ok()? {
            Event::Start(start) => {
                if open.len() == DEEPEST {
                    return None;
                }
                open.push(element(start.local_name().as_ref()));
                None
            }
            Event::Empty(start) => Some(element(start.local_name().as_ref())),
            // The reader has checked that it is the one that is open.
            Event::End(_) => Some(open.pop()?),
            Event::Text(text) => {
                add(&mut open, &text.xml10_content())?;
                None
            }
            Event::CData(text) => {
                add(&mut open, &text.xml10_content())?;
                None
            }
            Event::GeneralRef(reference) => {
                let found = match reference.resolve_char_ref().ok()? {
                    Some(character) => character,
                    None => predefined(&reference.xml10_content())?,
                };
                add(&mut open, found.encode_utf8(&mut [0; 4]))?;
                None
            }
            Event::Eof => return None,
            Event::Comment(_) | Event::Decl(_) | Event::PI(_) | Event::DocType(_) => None,
        };
        if let Some(element) = closed {
            let (name, value) = finish(element);
            match open.last_mut() {
                Some(parent) => parent.children.push((name, value)),
                None => return Some((name, value)),
            }
        }
    }
}

fn element(name: &str) -> Element {
    Element {
        name: name.to_owned(),
        text: String::new(),
        children: Vec::new(),
    }
}

/// `None` for text that stands outside of everything.
fn add(open: &mut [Element], text: &str) -> Option<()> {
    match open.last_mut() {
        Some(element) => element.text.push_str(text),
        None if text.trim().is_empty() => {}
        None => return None,
    }
    Some(())
}

/// Others would need a document type, which no reply has.
fn predefined(name: &str) -> Option<char> {
    Some(match name {
        "amp" => '&',
        "lt" => '<',
        "gt" => '>',
        "quot" => '"',
        "apos" => '\'',
        _ => return None,
    })
}

fn finish(element: Element) -> (String, Value) {
    let Element {
        name,
        text,
        children,
    } = element;
    let value = if children.is_empty() {
        // A list without items may be written over two lines.
        if text.trim().is_empty() {
            Value::Null
        } else {
            Value::String(text)
        }
    } else if children
        .iter()
        .all(|(name, _)| name == "member" || name == "item")
    {
        children.into_iter().map(|(_, value)| value).collect()
    } else {
        Value::Object(map(children))
    };
    (name, value)
}

fn map(children: Vec<(String, Value)>) -> Map<String, Value> {
    let mut grouped: Vec<(String, Vec<Value>)> = Vec::new();
    for (name, value) in children {
        match grouped.iter_mut().find(|(known, _)| *known == name) {
            Some((_, values)) => values.push(value),
            None => grouped.push((name, vec![value])),
        }
    }
    let single = |(name, mut values): (String, Vec<Value>)| match values.pop() {
        Some(value) if values.is_empty() => (name, value),
        last => {
            values.extend(last);
            (name, Value::Array(values))
        }
    };
    grouped.into_iter().map(single).collect()
}
