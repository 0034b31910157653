//! Programs that must be installed. A test that can't find one fails, and names it and its package.

use std::path::PathBuf;

/// Finds the first of these programs on the `PATH`.
pub fn find(names: &[&str], packages: &str) -> PathBuf {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let folders: Vec<PathBuf> = std::env::split_paths(&path).collect();
    let places = names
        .iter()
        .flat_map(|name| folders.iter().map(move |folder| folder.join(name)));
    let found = places.into_iter().find(|place| place.is_file());
    found.unwrap_or_else(|| panic!("{}", missing(names, packages)))
}

fn missing(names: &[&str], packages: &str) -> String {
    let name = names[0];
    format!(
        "`{name}` is missing; on Debian 12, `sudo apt-get install {packages}` or `.ci/run` installs it"
    )
}
