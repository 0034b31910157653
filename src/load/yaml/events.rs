//! The parser's events, one after the other, with their byte ranges in the text.

use std::borrow::Cow;
use std::ops::Range;

use granit_parser::{
    Event, Options, Parser, ScalarStyle, ScanError, StrInput, StructureStyle, Tag,
};

/// An event that forms a part of the tree.
pub(super) enum Part<'t> {
    Scalar {
        value: Cow<'t, str>,
        style: ScalarStyle,
    },
    List,
    Map,
    Alias(usize),
    /// The end of a list, of a mapping or of the document.
    End,
    /// Another document; explicit ones begin with `---`.
    Document {
        explicit: bool,
    },
    /// The end of the text, or of its readable part.
    Nothing,
}

/// A part and its properties.
pub(super) struct Item<'t> {
    pub(super) part: Part<'t>,
    pub(super) range: Range<usize>,
    /// The number of its anchor, or 0 if it has none.
    pub(super) anchor: usize,
    pub(super) tag: Option<TagAt<'t>>,
    /// The end of the part before it.
    pub(super) behind: usize,
}

/// A tag and its place.
pub(super) struct TagAt<'t> {
    pub(super) tag: Cow<'t, Tag>,
    pub(super) range: Range<usize>,
}

/// Reads the events of a text.
pub(super) struct Events<'t> {
    parser: Parser<'t, StrInput<'t>>,
    pub(super) comments: Vec<Range<usize>>,
    /// The positions of the open brackets.
    open: Vec<Option<usize>>,
    pub(super) error: Option<ScanError>,
    behind: usize,
}

impl<'t> Events<'t> {
    pub(super) fn new(text: &'t str) -> Self {
        // Both as in the fast reading.
        let mut options = Options::default();
        options.block_scalar_eof_without_line_feed = true;
        options.bom_inside_document_as_content = true;
        Self {
            parser: Parser::new_from_str_with_options(text, options),
            comments: Vec::new(),
            open: Vec::new(),
            error: None,
            behind: 0,
        }
    }

    /// The position of the innermost open bracket.
    pub(super) fn opened(&self) -> Option<usize> {
        self.open.iter().rev().find_map(|open| *open)
    }

    pub(super) fn next(&mut self) -> Item<'t> {
        loop {
            let event = match self.error {
                Some(_) => None,
                None => self.parser.next_event(),
            };
            let (event, span) = match event {
                Some(Ok(event)) => event,
                other => {
                    self.error = other.and_then(Result::err).or(self.error.take());
                    return self.item(Part::Nothing, self.behind..self.behind, 0, None);
                }
            };
            let range = span.byte_range().unwrap_or_default();
            let place = span.tag_span().and_then(|span| span.byte_range());
            let tag = |tag: Option<Cow<'t, Tag>>| {
                Some(TagAt {
                    tag: tag?,
                    range: place.clone().unwrap_or_else(|| range.clone()),
                })
            };
            let bracket = |style| (style == StructureStyle::Flow).then_some(range.start);
            return match event {
                Event::Comment(..) => {
                    self.comments.push(range);
                    continue;
                }
                Event::Scalar(value, style, anchor, found) => {
                    let tag = tag(found);
                    self.item(Part::Scalar { value, style }, range, anchor, tag)
                }
                Event::SequenceStart(style, anchor, found) => {
                    self.open.push(bracket(style));
                    let tag = tag(found);
                    self.item(Part::List, range, anchor, tag)
                }
                Event::MappingStart(style, anchor, found) => {
                    self.open.push(bracket(style));
                    let tag = tag(found);
                    self.item(Part::Map, range, anchor, tag)
                }
                Event::Alias(number) => self.item(Part::Alias(number), range, 0, None),
                Event::SequenceEnd | Event::MappingEnd => {
                    self.open.pop();
                    self.item(Part::End, range, 0, None)
                }
                Event::DocumentEnd => self.item(Part::End, range, 0, None),
                Event::DocumentStart(explicit, _) => {
                    self.item(Part::Document { explicit }, range, 0, None)
                }
                Event::StreamEnd => self.item(Part::Nothing, range, 0, None),
                _ => continue,
            };
        }
    }

    fn item(
        &mut self,
        part: Part<'t>,
        range: Range<usize>,
        anchor: usize,
        tag: Option<TagAt<'t>>,
    ) -> Item<'t> {
        let behind = std::mem::replace(&mut self.behind, range.end);
        Item {
            part,
            range,
            anchor,
            tag,
            behind,
        }
    }
}
