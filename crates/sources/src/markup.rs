//! XML as a walk over elements, texts and their ends, with everything refused that could hurt:
//! definitions in a document type (entities that unfold), depth, pieces without end, more than
//! one root, an element that is not closed. Entities are the five of XML and numbers; any other
//! is handed on as such.

use std::io::Read;
use std::ops::ControlFlow;

use quick_xml::XmlVersion;
use quick_xml::events::{BytesRef, BytesStart, Event};
use quick_xml::reader::Reader;

use crate::error::{Place, SourceError};
use crate::located::{Located, PIECE_MAX};
use crate::part::Part;

/// Deepest nesting of elements.
const DEPTH_MAX: usize = 256;
/// Characters of an element's name that are kept for messages.
const NAME_KEPT: usize = 80;

/// What is met on the walk.
pub(crate) trait Visitor {
    /// An element begins, in this line.
    fn start(&mut self, element: &Element<'_>, line: u64) -> Result<(), String>;
    /// Text inside the innermost open element.
    fn text(&mut self, text: &str);
    /// An entity that is not defined.
    fn unknown_entity(&mut self, name: &str);
    /// The innermost open element ends. Stops the walk by breaking.
    fn end(&mut self) -> ControlFlow<()>;
}

/// An element that begins.
pub(crate) struct Element<'a>(&'a BytesStart<'a>);

/// The value of an attribute.
pub(crate) enum Value {
    Text(String),
    /// It holds an entity that is not defined; as written.
    Unreadable(String),
}

impl Element<'_> {
    pub(crate) fn name(&self) -> &str {
        self.0.name().0
    }

    /// Every attribute until `each` breaks. A broken one is an error of the file.
    pub(crate) fn attributes(
        &self,
        mut each: impl FnMut(&str, &dyn Fn() -> Value) -> ControlFlow<()>,
    ) -> Result<(), String> {
        let mut attributes = self.0.attributes();
        // Looking for doubles takes quadratic time; of doubles the first is taken.
        attributes.with_checks(false);
        for attribute in attributes {
            let attribute = attribute.map_err(|error| error.to_string())?;
            let value = || match attribute.normalized_value(XmlVersion::Implicit1_0) {
                Ok(value) => Value::Text(value.into_owned()),
                Err(_) => Value::Unreadable(attribute.value.clone().into_owned()),
            };
            if each(attribute.key.0, &value).is_break() {
                break;
            }
        }
        Ok(())
    }
}

/// Walks through a document.
pub(crate) fn walk(
    text: impl Read,
    part: &Part,
    visitor: &mut impl Visitor,
) -> Result<ControlFlow<()>, SourceError> {
    let mut reader = Reader::from_reader(Located::new(text));
    let config = reader.config_mut();
    config.expand_empty_elements = true;
    // `Smith & Sons`, as written by hand-made exports.
    config.allow_dangling_amp = true;
    let mut open = Open::default();
    let mut buffer = Vec::new();
    loop {
        buffer.clear();
        // A long piece is not kept for the next ones.
        buffer.shrink_to(1 << 16);
        reader.get_mut().begin_piece();
        let before = reader.get_ref().place();
        let event = reader.read_event_into(&mut buffer);
        let xml = |place, what| SourceError::Xml { file: part.name().to_owned(), place, what };
        let event = match event {
            Ok(event) => event,
            Err(_) if reader.get_ref().is_over() => {
                let limit = PIECE_MAX >> 20;
                return Err(xml(
                    before,
                    format!("a tag, comment or text of more than {limit} MiB"),
                ));
            }
            Err(quick_xml::Error::Io(error)) => {
                return Err(part.io(std::io::Error::new(error.kind(), error.to_string())));
            }
            Err(error) => return Err(xml(before, open.explain(&error))),
        };
        match event {
            Event::Start(start) => {
                let element = Element(&start);
                open.push(element.name(), before.line).map_err(|what| xml(before, what))?;
                visitor.start(&element, before.line).map_err(|what| xml(before, what))?;
            }
            Event::End(_) => {
                open.pop();
                if visitor.end().is_break() {
                    return Ok(ControlFlow::Break(()));
                }
            }
            Event::Text(text) if open.is_inside() => visitor.text(&text.xml10_content()),
            Event::CData(text) if open.is_inside() => visitor.text(&text.xml10_content()),
            Event::GeneralRef(entity) if open.is_inside() => match resolve(&entity) {
                Some(resolved) => visitor.text(&resolved),
                None => visitor.unknown_entity(&entity),
            },
            Event::Text(text) if text.trim_matches(is_blank).is_empty() => {}
            Event::Text(_) | Event::CData(_) | Event::GeneralRef(_) => {
                let what = "there is text outside of the root element; is this file XML?";
                return Err(xml(before, what.to_owned()));
            }
            Event::DocType(text) if text.contains('[') => {
                let file = part.name().to_owned();
                return Err(SourceError::DocumentType { file, place: before });
            }
            Event::Eof => {
                return open.at_end().map_err(|(at, what)| xml(at.unwrap_or(before), what));
            }
            _ => {}
        }
    }
}

fn is_blank(c: char) -> bool {
    c.is_whitespace() || c == '\u{feff}'
}

/// One of the five entities of XML, or a character by its number.
fn resolve(entity: &BytesRef<'_>) -> Option<String> {
    if entity.is_char_ref() {
        return entity.resolve_char_ref().ok().flatten().map(String::from);
    }
    quick_xml::escape::resolve_predefined_entity(entity).map(str::to_owned)
}

/// The elements that are open.
#[derive(Default)]
struct Open {
    names: String,
    elements: Vec<(usize, u64)>,
    had_root: bool,
}

impl Open {
    fn is_inside(&self) -> bool {
        !self.elements.is_empty()
    }

    fn push(&mut self, name: &str, line: u64) -> Result<(), String> {
        if self.elements.is_empty() && self.had_root {
            return Err("a second root element; XML has one".to_owned());
        }
        if self.elements.len() >= DEPTH_MAX {
            return Err(format!("elements are nested more than {DEPTH_MAX} deep"));
        }
        self.had_root = true;
        self.elements.push((self.names.len(), line));
        self.names.extend(name.chars().take(NAME_KEPT));
        Ok(())
    }

    fn pop(&mut self) {
        if let Some((start, _)) = self.elements.pop() {
            self.names.truncate(start);
        }
    }

    fn innermost(&self) -> Option<(&str, u64)> {
        let (start, line) = self.elements.last()?;
        Some((self.names.get(*start..)?, *line))
    }

    fn explain(&self, error: &quick_xml::Error) -> String {
        match self.innermost() {
            Some((name, line)) => format!("{error} (inside <{name}>, opened in line {line})"),
            None => error.to_string(),
        }
    }

    fn at_end(&self) -> Result<ControlFlow<()>, (Option<Place>, String)> {
        match self.innermost() {
            None => Ok(ControlFlow::Continue(())),
            Some((name, line)) => {
                let what =
                    format!("the file ends inside <{name}>, opened in line {line}; it is cut off");
                Err((None, what))
            }
        }
    }
}
