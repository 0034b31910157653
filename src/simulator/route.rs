//! The endpoints of requests.

use percent_encoding::percent_decode_str;

/// The owner of an endpoint's operations. IDs are unique only within one scope.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Scope {
    /// One Barman server: `/servers/S/operations`.
    Server(String),
    /// The whole Barman instance: `/operations`.
    Instance,
}

/// The meaning of a path, whatever the method.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Route {
    Status,
    Diagnose,
    /// `/operations` and `/servers/S/operations`
    Operations(Scope),
    /// `/operations/ID` and `/servers/S/operations/ID`
    Operation(Scope, String),
    /// Anything else.
    Unknown,
}

impl Route {
    /// Reads a path below `prefix`. The path is decoded before it is split, as in the real server, so an encoded slash
    /// is a slash.
    pub fn of(path: &str, prefix: &str) -> Self {
        let path = path.split_once('?').map_or(path, |(path, _)| path);
        let Some(path) = path.strip_prefix(prefix) else {
            return Self::Unknown;
        };
        let path = percent_decode_str(path).decode_utf8_lossy();
        let segments: Vec<&str> = path.split('/').collect();
        match segments.as_slice() {
            ["", "status"] => Self::Status,
            ["", "diagnose"] => Self::Diagnose,
            ["", "operations"] => Self::Operations(Scope::Instance),
            ["", "operations", id] if !id.is_empty() => {
                Self::Operation(Scope::Instance, (*id).to_owned())
            }
            ["", "servers", server, "operations"] if !server.is_empty() => {
                Self::Operations(Scope::Server((*server).to_owned()))
            }
            ["", "servers", server, "operations", id] if !server.is_empty() && !id.is_empty() => {
                Self::Operation(Scope::Server((*server).to_owned()), (*id).to_owned())
            }
            _ => Self::Unknown,
        }
    }

    /// Returns true for operations of the whole instance.
    pub fn is_of_instance(&self) -> bool {
        matches!(
            self,
            Self::Operations(Scope::Instance) | Self::Operation(Scope::Instance, _)
        )
    }

    /// The methods that the route accepts, as listed in the `Allow` header.
    pub fn allowed(&self) -> &'static str {
        match self {
            Self::Operations(_) => "GET, HEAD, OPTIONS, POST",
            _ => "GET, HEAD, OPTIONS",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_are_decoded_before_they_are_split() {
        let server = |name: &str| Route::Operations(Scope::Server(name.to_owned()));
        assert_eq!(
            Route::of("/servers/demo/operations?x=1", ""),
            server("demo")
        );
        assert_eq!(Route::of("/servers/a%20b/operations", ""), server("a b"));
        assert_eq!(Route::of("/servers/a%2Fb/operations", ""), Route::Unknown);
        assert_eq!(Route::of("/servers/100%/operations", ""), server("100%"));
        assert_eq!(Route::of("/servers/%zz%4/operations", ""), server("%zz%4"));
        assert_eq!(Route::of("/servers//operations", ""), Route::Unknown);
    }

    #[test]
    fn a_prefix_is_taken_off() {
        assert_eq!(Route::of("/backup/status", "/backup"), Route::Status);
        assert_eq!(Route::of("/status", "/backup"), Route::Unknown);
        assert_eq!(Route::of("/backupstatus", "/backup"), Route::Unknown);
    }
}
