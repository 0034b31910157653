//! From a value of the rules to its line and column.

use std::collections::HashMap;
use std::ops::Range;

use super::mask::mask;
use super::problem::{Part, Problem, Spot};
use super::yaml::{self, Careful, Data, Entry, Node};
use crate::diagnostic::{Finding, Place, Related};
use crate::model::Origin;
use crate::source::{Characters, Position, Source};

/// The files of a rule set, with the trees of those that were needed.
pub struct Locator<'s> {
    files: Vec<File<'s>>,
}

struct File<'s> {
    source: &'s Source,
    lines: Lines,
    /// The positions in it, once read.
    read: Option<Careful>,
    /// The indices of the keys of its large mappings, by the pointer of the mapping.
    keys: Keys,
}

impl File<'_> {
    fn read(&mut self) -> &Careful {
        self.read
            .get_or_insert_with(|| yaml::careful(&self.source.text))
    }

    fn range(&mut self, spot: &Spot) -> Option<Range<usize>> {
        let text = &self.source.text;
        let read = self.read.get_or_insert_with(|| yaml::careful(text));
        match &read.tree {
            Some(tree) => range_of(text, tree, spot, &mut self.keys),
            None => Some(0..0),
        }
    }
}

impl<'s> Locator<'s> {
    /// Nothing is read before it is needed.
    pub fn new(sources: &'s [Source]) -> Self {
        let file = |source| File {
            source,
            lines: Lines::default(),
            read: None,
            keys: Keys::default(),
        };
        let files = sources.iter().map(file).collect();
        Self { files }
    }

    /// Adds what was read already of a file with faults.
    pub(super) fn put(&mut self, file: usize, read: Careful) {
        if let Some(file) = self.files.get_mut(file) {
            mask(file.source, &read);
            file.read = Some(Careful {
                tree: read.tree.filter(|_| read.complete),
                ..Careful::default()
            });
        }
    }

    /// Turns a problem into a finding; `None` if its place already has another finding.
    pub fn finding(&mut self, problem: Problem) -> Option<Finding> {
        let place = self.place(&problem.spot)?;
        let related = problem
            .related
            .into_iter()
            .filter_map(|(spot, message)| {
                let place = self.place(&spot)?;
                Some(Related { place, message })
            })
            .collect();
        Some(Finding {
            code: problem.code,
            message: problem.message,
            place,
            help: problem.help,
            related,
        })
    }

    /// The place of a spot; `None` if the value there can't be read.
    pub fn place(&mut self, spot: &Spot) -> Option<Place> {
        let file = self.files.get_mut(spot.origin.file)?;
        let range = file.range(spot)?;
        // Its line may be shown.
        mask(file.source, file.read());
        Some(file.lines.place(file.source, &range))
    }

    /// The last line of a value.
    pub fn last_line(&mut self, origin: &Origin) -> Option<usize> {
        let file = self.files.get_mut(origin.file)?;
        let range = file.range(&Spot::value(origin))?;
        let end = range.start + file.source.text.get(range)?.trim_end().len();
        let last = end.saturating_sub(1)..end;
        Some(file.lines.place(file.source, &last).position.line)
    }

    /// The comments of a file, except in parts that are not read.
    pub fn comments(&mut self, file: usize) -> Vec<Range<usize>> {
        let file = self.files.get_mut(file);
        file.map(|file| file.read().comments.clone())
            .unwrap_or_default()
    }

    /// The place of a byte range in a file.
    pub fn bytes(&mut self, file: usize, range: &Range<usize>) -> Option<Place> {
        let file = self.files.get_mut(file)?;
        Some(file.lines.place(file.source, range))
    }
}

/// The place of a value of the rules; the beginning of its file if it does not exist.
pub fn locate(sources: &[Source], origin: &Origin) -> Place {
    let place = Locator::new(sources).place(&Spot::value(origin));
    place.unwrap_or_else(|| Place {
        file: sources
            .get(origin.file)
            .map(|source| source.name.clone())
            .unwrap_or_default(),
        position: Position::START,
        length: 1,
    })
}

/// The beginnings of the lines of a text, found on first use.
#[derive(Default)]
struct Lines {
    starts: Vec<usize>,
    characters: Characters,
}

impl Lines {
    /// The place of a byte range, cut at the end of its line.
    fn place(&mut self, source: &Source, range: &Range<usize>) -> Place {
        let text = &source.text;
        if self.starts.is_empty() {
            let bytes = text.as_bytes();
            // A lone carriage return also ends a line.
            let ends = |at: usize| match bytes.get(at) {
                Some(b'\n') => true,
                Some(b'\r') => bytes.get(at + 1) != Some(&b'\n'),
                _ => false,
            };
            let breaks = (0..bytes.len()).filter(|at| ends(*at));
            self.starts = std::iter::once(0).chain(breaks.map(|at| at + 1)).collect();
            self.characters = Characters::of(text);
        }
        let starts = &self.starts;
        let line = starts.partition_point(|start| *start <= range.start).max(1);
        let start = starts.get(line - 1).copied().unwrap_or(0);
        let until = |byte: usize| self.characters.before(text, byte);
        // A byte order mark has no column.
        let mark = text.get(start..range.start).unwrap_or_default();
        let mark = usize::from(mark.starts_with('\u{feff}'));
        let covered = text.get(range.clone()).unwrap_or_default();
        let end = covered.find(['\n', '\r']).unwrap_or(covered.len());
        let covered = covered.get(..end).unwrap_or_default().trim_end();
        let length = until(range.start + covered.len()) - until(range.start);
        Place {
            file: source.name.clone(),
            position: Position {
                line,
                column: until(range.start) - until(start) - mark + 1,
            },
            length: length.max(1),
        }
    }
}

/// The first position of each key in the large mappings of a file. A search through thousands of keys for each of them
/// would take minutes.
#[derive(Default)]
struct Keys(HashMap<String, HashMap<String, usize>>);

impl Keys {
    /// The maximum size of mappings that are searched.
    const FEW: usize = 64;

    fn find<'n>(&mut self, pointer: &str, entries: &'n [Entry], key: &str) -> Option<&'n Entry> {
        if entries.len() <= Self::FEW {
            return entries.iter().find(|entry| entry.key == key);
        }
        if !self.0.contains_key(pointer) {
            let all = entries.iter().enumerate().rev();
            let numbers = all.map(|(number, entry)| (entry.key.clone(), number));
            self.0.insert(pointer.to_owned(), numbers.collect());
        }
        entries.get(*self.0.get(pointer)?.get(key)?)
    }
}

/// The bytes of a spot; for a missing value, those of the nearest one around it.
fn range_of(text: &str, root: &Node, spot: &Spot, keys: &mut Keys) -> Option<Range<usize>> {
    let mut node = root;
    let mut key: Option<Range<usize>> = None;
    let pointer = &spot.origin.pointer;
    let mut parent = 0;
    for part in pointer.split('/').skip(1) {
        let token = part.replace("~1", "/").replace("~0", "~");
        let within = pointer.get(..parent).unwrap_or_default();
        parent += 1 + part.len();
        let step = match &*node.data {
            Data::Map(entries) => keys
                .find(within, entries, &token)
                .map(|entry| (&entry.value, Some(entry.range.clone()))),
            Data::List(items) => token
                .parse()
                .ok()
                .and_then(|index: usize| items.get(index))
                .map(|item| (item, None)),
            Data::Bad => return None,
            Data::Scalar(_) => None,
        };
        let Some((next, at)) = step else {
            break;
        };
        node = next;
        // An item has no key of its own; an empty one is shown by its dash.
        let dash = next.range.start.checked_sub(1);
        let dash = dash.filter(|dash| text.as_bytes().get(*dash) == Some(&b'-'));
        key = at.or(dash.map(|dash| dash..dash + 1)).or(key);
    }
    if *node.data == Data::Bad {
        return None;
    }
    Some(match (&spot.part, key) {
        (Part::Bytes(part), _) => yaml::part_of(text, node, part),
        (Part::Key, Some(key)) => key,
        (_, Some(key)) if node.range.is_empty() => key,
        // A mapping or list over several lines is shown by its first line.
        _ => node.range.clone(),
    })
}
