//! A value of the rules and its place, on the way down from the top of the file.

use std::fmt::Write as _;

use serde_json::Value;

use crate::load::problem::{Spot, escape};
use crate::model::Origin;

/// A value and its place. A place is made into text only where it is kept or shown: most are not.
#[derive(Clone, Copy)]
pub(crate) struct Here<'v, 'p> {
    pub(crate) value: &'v Value,
    place: Place<'p>,
}

#[derive(Clone, Copy)]
enum Place<'p> {
    Root(&'p Origin),
    Key(&'p Place<'p>, &'p str),
    Index(&'p Place<'p>, usize),
}

impl<'v, 'p> Here<'v, 'p> {
    /// A value at a place that is known.
    pub(crate) fn new(value: &'v Value, origin: &'p Origin) -> Self {
        let place = Place::Root(origin);
        Self { value, place }
    }

    /// Another value at this place.
    pub(super) fn with<'w>(&self, value: &'w Value) -> Here<'w, 'p> {
        let place = self.place;
        Here { value, place }
    }

    /// The value under a key.
    pub(super) fn get<'c>(&'c self, key: &'c str) -> Option<Here<'v, 'c>> {
        let value = self.value.get(key)?;
        let place = Place::Key(&self.place, key);
        Some(Here { value, place })
    }

    /// The value under a key, or `null` in its place.
    pub(super) fn child<'c>(&'c self, key: &'c str) -> Here<'v, 'c> {
        let place = Place::Key(&self.place, key);
        self.get(key).unwrap_or(Here {
            value: &Value::Null,
            place,
        })
    }

    /// The string under a key.
    pub(super) fn text(&self, key: &str) -> Option<&'v str> {
        self.value.get(key)?.as_str()
    }

    /// The entries of a mapping; none for any other value.
    pub(super) fn entries<'c>(&'c self) -> impl Iterator<Item = (&'v String, Here<'v, 'c>)> {
        let entries = self.value.as_object().into_iter().flatten();
        entries.map(|(key, value)| {
            let place = Place::Key(&self.place, key);
            (key, Here { value, place })
        })
    }

    /// The items of a list; none for any other value.
    pub(super) fn items<'c>(&'c self) -> impl Iterator<Item = Here<'v, 'c>> {
        let items = self.value.as_array().into_iter().flatten().enumerate();
        items.map(|(index, value)| {
            let place = Place::Index(&self.place, index);
            Here { value, place }
        })
    }

    /// The value itself, or the items of a list.
    pub(super) fn one_or_items<'c>(&'c self) -> impl Iterator<Item = Here<'v, 'c>> {
        let one = Some(*self).filter(|here| !here.value.is_array());
        one.into_iter().chain(self.items())
    }

    /// The file that the value is in.
    pub(super) fn file(&self) -> usize {
        let mut place = &self.place;
        loop {
            match place {
                Place::Root(origin) => return origin.file,
                Place::Key(parent, _) | Place::Index(parent, _) => place = parent,
            }
        }
    }

    /// The place, to be kept.
    pub(super) fn origin(&self) -> Origin {
        let mut pointer = String::with_capacity(self.place.length());
        self.place.write(&mut pointer);
        let file = self.file();
        Origin { file, pointer }
    }

    /// The value, for a message.
    pub(super) fn spot(&self) -> Spot {
        Spot::value(&self.origin())
    }

    /// The key before the value, for a message.
    pub(super) fn key_spot(&self) -> Spot {
        Spot::key(&self.origin())
    }
}

impl Place<'_> {
    /// The length of the text for usual keys and indices.
    fn length(&self) -> usize {
        match self {
            Self::Root(origin) => origin.pointer.len(),
            Self::Key(parent, key) => parent.length() + 1 + key.len(),
            Self::Index(parent, _) => parent.length() + "/9999".len(),
        }
    }

    fn write(&self, pointer: &mut String) {
        match self {
            Self::Root(origin) => pointer.push_str(&origin.pointer),
            Self::Key(parent, key) => {
                parent.write(pointer);
                pointer.push('/');
                pointer.push_str(&escape(key));
            }
            Self::Index(parent, index) => {
                parent.write(pointer);
                let _ = write!(pointer, "/{index}");
            }
        }
    }
}
