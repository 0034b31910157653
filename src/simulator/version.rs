//! Versions of the simulated programs, as far as their answers differ.

use std::fmt;
use std::str::FromStr;

/// A version such as `2.1.0`; missing parts are 0.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Version(pub u32, pub u32, pub u32);

/// The default version of pg-backup-api.
pub const PG_BACKUP_API: Version = Version(2, 2, 0);
/// The default version of Barman.
pub const BARMAN: Version = Version(3, 19, 1);
/// The default version of Patroni.
pub const PATRONI: Version = Version(4, 1, 5);

/// The first Barman with models.
pub const BARMAN_WITH_MODELS: Version = Version(3, 10, 0);

#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is not a version such as `3.10.1`")]
pub struct VersionError(String);

impl FromStr for Version {
    type Err = VersionError;

    fn from_str(text: &str) -> Result<Self, VersionError> {
        let parts: Result<Vec<u32>, _> = text.split('.').map(str::parse).collect();
        match parts.as_deref() {
            Ok([major]) => Ok(Self(*major, 0, 0)),
            Ok([major, minor]) => Ok(Self(*major, *minor, 0)),
            Ok([major, minor, patch]) => Ok(Self(*major, *minor, *patch)),
            _ => Err(VersionError(text.to_owned())),
        }
    }
}

impl fmt::Display for Version {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}.{}.{}", self.0, self.1, self.2)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_are_compared_by_their_numbers() {
        let version = |text: &str| text.parse::<Version>().unwrap();
        assert!(version("3.9.0") < version("3.10"));
        assert_eq!(version("2").to_string(), "2.0.0");
        for wrong in ["", "3.x", "1.2.3.4", "v2"] {
            assert!(wrong.parse::<Version>().is_err(), "{wrong}");
        }
    }
}
