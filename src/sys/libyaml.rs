//! A safe face for `libyaml-rs`, the port of libyaml that `yaml_serde` stands on.
//!
//! Psych, which the yaml_vault gem uses, is libyaml too: with the same scanner both sides see the
//! same scalars. `yaml_serde` itself shows neither events nor source spans.

use libyaml_rs as ffi;
use std::marker::PhantomData;
use std::mem::MaybeUninit;
use std::ptr::addr_of_mut;

/// How a scalar is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Style {
    /// Without quotes.
    Plain,
    /// `'…'`
    SingleQuoted,
    /// `"…"`
    DoubleQuoted,
    /// `|`
    Literal,
    /// `>`
    Folded,
}

/// What an event says, without its place.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum RawEvent {
    /// A document begins.
    DocumentStart,
    /// A document ends.
    DocumentEnd,
    /// `*name`
    Alias(String),
    /// A scalar; `tag` is resolved (`!!str` is `tag:yaml.org,2002:str`).
    Scalar {
        anchor: Option<String>,
        tag: Option<String>,
        value: String,
        style: Style,
    },
    /// `[` or the first `-`.
    SequenceStart {
        anchor: Option<String>,
        tag: Option<String>,
        flow: bool,
    },
    /// The end of a sequence.
    SequenceEnd,
    /// `{` or the first key.
    MappingStart {
        anchor: Option<String>,
        tag: Option<String>,
        flow: bool,
    },
    /// The end of a mapping.
    MappingEnd,
}

impl RawEvent {
    /// Its anchor and its tag, or the alias.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        let (first, second) = match self {
            RawEvent::Alias(name) => (Some(name), None),
            RawEvent::Scalar { anchor, tag, .. }
            | RawEvent::SequenceStart { anchor, tag, .. }
            | RawEvent::MappingStart { anchor, tag, .. } => (anchor.as_ref(), tag.as_ref()),
            _ => (None, None),
        };
        [first, second].into_iter().flatten().map(String::as_str)
    }
}

/// Where something stands, counted from 0.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Mark {
    /// Bytes before it (characters in C's libyaml, bytes in this port).
    pub index: usize,
    /// Lines before it.
    pub line: usize,
    /// Characters before it in its line.
    pub column: usize,
}

/// Why a text is not YAML.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SyntaxError {
    /// libyaml's own words.
    pub problem: String,
    /// The place of the problem.
    pub mark: Mark,
}

/// An event with the marks of its first and its last character's end.
pub type Marked = (RawEvent, Mark, Mark);

/// libyaml's event parser over one text.
pub struct Parser<'a> {
    // Boxed, for libyaml keeps a pointer to the parser inside the parser.
    raw: Box<MaybeUninit<ffi::yaml_parser_t>>,
    text: PhantomData<&'a [u8]>,
}

impl<'a> Parser<'a> {
    /// Starts at the beginning of `text`, which must not begin with a byte order mark.
    pub fn new(text: &'a str) -> Parser<'a> {
        let mut raw = Box::new(MaybeUninit::<ffi::yaml_parser_t>::uninit());
        // SAFETY: initialize fills the whole struct (it only fails when out of memory, which aborts);
        // the input outlives the parser by 'a.
        unsafe {
            let ok = ffi::yaml_parser_initialize(raw.as_mut_ptr()).ok;
            debug_assert!(ok);
            ffi::yaml_parser_set_encoding(raw.as_mut_ptr(), ffi::YAML_UTF8_ENCODING);
            ffi::yaml_parser_set_input_string(raw.as_mut_ptr(), text.as_ptr(), text.len() as u64);
        }
        Parser {
            raw,
            text: PhantomData,
        }
    }

    /// The next event, `None` at the end of the stream.
    pub fn next_event(&mut self) -> Result<Option<Marked>, SyntaxError> {
        loop {
            let mut event = MaybeUninit::<ffi::yaml_event_t>::uninit();
            // SAFETY: the parser is initialised; parse zeroes the event before anything else and leaves
            // it valid on success; each successful event is read once and deleted once.
            unsafe {
                if !ffi::yaml_parser_parse(self.raw.as_mut_ptr(), event.as_mut_ptr()).ok {
                    return Err(self.error());
                }
                let mut event = event.assume_init();
                let kind = event.type_;
                let read = read(&event);
                let marks = (mark(event.start_mark), mark(event.end_mark));
                ffi::yaml_event_delete(addr_of_mut!(event));
                match read {
                    Some(raw) => return Ok(Some((raw, marks.0, marks.1))),
                    None if kind == ffi::YAML_STREAM_START_EVENT => {}
                    None => return Ok(None),
                }
            }
        }
    }

    fn error(&self) -> SyntaxError {
        // SAFETY: the parser is initialised; `problem` is null or a NUL-terminated literal of the library.
        unsafe {
            let parser = self.raw.assume_init_ref();
            let problem = if parser.problem.is_null() {
                "not YAML".to_owned()
            } else {
                std::ffi::CStr::from_ptr(parser.problem.cast())
                    .to_string_lossy()
                    .into_owned()
            };
            SyntaxError {
                problem,
                mark: mark(parser.problem_mark),
            }
        }
    }
}

impl Drop for Parser<'_> {
    fn drop(&mut self) {
        // SAFETY: initialised in `new`, deleted only here.
        unsafe { ffi::yaml_parser_delete(self.raw.as_mut_ptr()) }
    }
}

fn mark(mark: ffi::yaml_mark_t) -> Mark {
    let narrow = |n: u64| usize::try_from(n).unwrap_or(usize::MAX);
    Mark {
        index: narrow(mark.index),
        line: narrow(mark.line),
        column: narrow(mark.column),
    }
}

/// # Safety
/// `pointer` is null or NUL-terminated.
unsafe fn string(pointer: *const u8) -> Option<String> {
    if pointer.is_null() {
        return None;
    }
    // SAFETY: by the caller's promise; libyaml ends anchors and tags with a NUL.
    let bytes = unsafe { std::ffi::CStr::from_ptr(pointer.cast()) };
    Some(bytes.to_string_lossy().into_owned())
}

/// # Safety
/// `event` was filled by a successful `yaml_parser_parse`, so `type_` names the union's member.
unsafe fn read(event: &ffi::yaml_event_t) -> Option<RawEvent> {
    // SAFETY: by the caller's promise.
    unsafe {
        Some(match event.type_ {
            ffi::YAML_DOCUMENT_START_EVENT => RawEvent::DocumentStart,
            ffi::YAML_DOCUMENT_END_EVENT => RawEvent::DocumentEnd,
            ffi::YAML_ALIAS_EVENT => RawEvent::Alias(string(event.data.alias.anchor)?),
            ffi::YAML_SCALAR_EVENT => {
                let scalar = event.data.scalar;
                let length = usize::try_from(scalar.length).unwrap_or(0);
                let bytes = std::slice::from_raw_parts(scalar.value, length);
                RawEvent::Scalar {
                    anchor: string(scalar.anchor),
                    tag: string(scalar.tag),
                    value: String::from_utf8_lossy(bytes).into_owned(),
                    style: style(scalar.style),
                }
            }
            ffi::YAML_SEQUENCE_START_EVENT => {
                let start = event.data.sequence_start;
                let flow = start.style == ffi::YAML_FLOW_SEQUENCE_STYLE;
                RawEvent::SequenceStart {
                    anchor: string(start.anchor),
                    tag: string(start.tag),
                    flow,
                }
            }
            ffi::YAML_SEQUENCE_END_EVENT => RawEvent::SequenceEnd,
            ffi::YAML_MAPPING_START_EVENT => {
                let start = event.data.mapping_start;
                let flow = start.style == ffi::YAML_FLOW_MAPPING_STYLE;
                RawEvent::MappingStart {
                    anchor: string(start.anchor),
                    tag: string(start.tag),
                    flow,
                }
            }
            ffi::YAML_MAPPING_END_EVENT => RawEvent::MappingEnd,
            _ => return None,
        })
    }
}

fn style(style: ffi::yaml_scalar_style_t) -> Style {
    match style {
        ffi::YAML_SINGLE_QUOTED_SCALAR_STYLE => Style::SingleQuoted,
        ffi::YAML_DOUBLE_QUOTED_SCALAR_STYLE => Style::DoubleQuoted,
        ffi::YAML_LITERAL_SCALAR_STYLE => Style::Literal,
        ffi::YAML_FOLDED_SCALAR_STYLE => Style::Folded,
        _ => Style::Plain,
    }
}
