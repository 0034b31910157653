//! Advice about a command line of `run` that Patroni's configuration or a wrapper broke.

use std::ffi::OsString;

use clap::error::ErrorKind;

use crate::model::Event;

/// The advice, if the mistake is a known one.
pub fn of(error: &clap::Error, arguments: &[OsString]) -> Option<String> {
    let words: Vec<_> = arguments
        .iter()
        .map(|word| word.to_string_lossy())
        .collect();
    let run = words.iter().position(|word| word == "run")?;
    let words: Vec<&str> = words.iter().skip(run + 1).map(AsRef::as_ref).collect();
    let has = |names: &[&str]| {
        let name = |word: &&&str| names.contains(&word.split('=').next().unwrap_or_default());
        words.iter().any(|word| name(&word))
    };
    match error.kind() {
        ErrorKind::MissingRequiredArgument if has(&["--event"]) => Some(
            "Patroni appends `--scope` and more to the command of a method, unless the method says `no_params: true`"
                .to_owned(),
        ),
        ErrorKind::MissingRequiredArgument if has(&["--scope", "--datadir", "--role", "--connstring"]) => {
            let event = if has(&["--role", "--connstring"]) {
                "create_replica"
            } else {
                "bootstrap"
            };
            Some(format!(
                "Patroni passes these to the command of a method: write `run --event {event}` there"
            ))
        }
        ErrorKind::MissingRequiredArgument => Some(
            "Patroni appends the event, the role and the cluster to a callback's command; a wrapper must pass them on (`\"$@\"`)"
                .to_owned(),
        ),
        ErrorKind::UnknownArgument => before_the_event(&words).map(|word| {
            format!("`{word}` is no event: Patroni appends the event, the role and the cluster, and nothing may precede them")
        }),
        _ => None,
    }
}

/// The word before the event, if there is one that belongs to no option.
fn before_the_event<'a>(words: &[&'a str]) -> Option<&'a str> {
    let event = words.iter().position(|word| Event::parse(word).is_some())?;
    let before = words.get(event.checked_sub(1)?)?;
    let option = event.checked_sub(2).and_then(|index| words.get(index));
    let is_value = option.is_some_and(|option| option.starts_with("--") && !option.contains('='));
    (!before.starts_with('-') && !is_value).then_some(*before)
}
