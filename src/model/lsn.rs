//! Positions in PostgreSQL's write-ahead log, and the files that hold it.

use std::fmt;

use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

/// A position in the WAL: a number of bytes, written like `16/B374D848`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[cfg_attr(test, derive(schemars::JsonSchema), schemars(inline))]
pub struct Lsn(#[cfg_attr(test, schemars(with = "String"))] pub u64);

impl Lsn {
    /// Reads PostgreSQL's notation.
    pub fn parse(text: &str) -> Option<Self> {
        let (high, low) = text.split_once('/')?;
        let part = |text: &str| u32::from_str_radix(text, 16).ok().map(u64::from);
        Some(Self(part(high)? << 32 | part(low)?))
    }

    /// The number of the WAL segment that contains it.
    pub const fn segment(self, size: u64) -> u64 {
        self.0 / if size == 0 { SEGMENT } else { size }
    }
}

impl fmt::Display for Lsn {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:X}/{:X}", self.0 >> 32, self.0 & 0xFFFF_FFFF)
    }
}

impl Serialize for Lsn {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Lsn {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        Self::parse(&text).ok_or_else(|| de::Error::custom("not a position in the WAL"))
    }
}

/// The default size of a WAL segment in bytes, which `initdb --wal-segsize` can change.
pub const SEGMENT: u64 = 16 * 1024 * 1024;

/// A WAL file: its name has 24 hexadecimal digits.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct WalFile {
    /// The timeline.
    pub timeline: u64,
    /// The number of the segment, from the beginning of the WAL.
    pub segment: u64,
}

impl WalFile {
    /// Reads a file name, for segments of this size in bytes.
    pub fn parse(name: &str, size: u64) -> Option<Self> {
        let digits = name.len() == 24 && name.bytes().all(|byte| byte.is_ascii_hexdigit());
        let part = |range| u64::from_str_radix(name.get(range)?, 16).ok();
        let each = Self::in_each_log(size);
        digits.then_some(())?;
        Some(Self {
            timeline: part(0..8)?,
            segment: part(8..16)?.checked_mul(each)?.checked_add(part(16..24)?)?,
        })
    }

    /// The file name.
    pub fn name(self, size: u64) -> String {
        let each = Self::in_each_log(size);
        let (log, rest) = (self.segment / each, self.segment % each);
        format!("{:08X}{log:08X}{rest:08X}", self.timeline)
    }

    /// The position of its first byte.
    pub const fn start(self, size: u64) -> Lsn {
        Lsn(self.segment.saturating_mul(size))
    }

    fn in_each_log(size: u64) -> u64 {
        ((1 << 32) / size.max(1)).max(1)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_position_is_in_a_segment_of_a_file() {
        let lsn = Lsn::parse("16/B374D848").unwrap();
        assert_eq!(lsn.to_string(), "16/B374D848");
        let file = WalFile {
            timeline: 3,
            segment: lsn.segment(SEGMENT),
        };
        assert_eq!(file.name(SEGMENT), "0000000300000016000000B3");
        assert_eq!(
            WalFile::parse("0000000300000016000000B3", SEGMENT),
            Some(file)
        );
        assert_eq!(file.start(SEGMENT).to_string(), "16/B3000000");
        let large = 1024 * 1024 * 1024;
        let file = WalFile {
            segment: lsn.segment(large),
            ..file
        };
        assert_eq!(file.name(large), "000000030000001600000002");
        assert_eq!(
            WalFile::parse("000000030000001600000002", large),
            Some(file)
        );
    }

    #[test]
    fn other_texts_are_neither() {
        for text in ["", "16", "x/1", "1/123456789", "1/2/3"] {
            assert_eq!(Lsn::parse(text), None, "{text}");
        }
        for name in [
            "",
            "00000003.history",
            "0000000300000016000000B3.partial",
            "00000003000000160000é0B",
        ] {
            assert_eq!(WalFile::parse(name, SEGMENT), None, "{name}");
        }
    }
}
