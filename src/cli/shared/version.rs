//! The version of this program.

use std::sync::LazyLock;

pub const VERSION: &str = env!("CARGO_PKG_VERSION");

/// The commit that it was built from, if the build set it, as packages do.
pub const COMMIT: Option<&str> = option_env!("PATRONI_BARMAN_COMMIT");

/// The output of `--version`.
pub fn line() -> &'static str {
    static LINE: LazyLock<String> = LazyLock::new(|| match COMMIT {
        Some(commit) => format!("{VERSION} ({commit})"),
        None => VERSION.to_owned(),
    });
    &LINE
}
