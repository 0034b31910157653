//! The version of this program.

use std::sync::LazyLock;

/// The version.
pub const VERSION: &str = env!("CARGO_PKG_VERSION");

/// The commit that it was built of, if the one who built it said so: packages do.
pub const COMMIT: Option<&str> = option_env!("PATRONI_BARMAN_COMMIT");

/// What `--version` says.
pub fn line() -> &'static str {
    static LINE: LazyLock<String> = LazyLock::new(|| match COMMIT {
        Some(commit) => format!("{VERSION} ({commit})"),
        None => VERSION.to_owned(),
    });
    &LINE
}
