//! Open incidents for people.

use std::time::Duration;

use crate::store::Incident;

use super::age::age;
use super::text::one_line;

/// The incidents, two lines each.
pub fn incidents(incidents: &[Incident], now: Duration) -> String {
    if incidents.is_empty() {
        return "no incident is open\n".to_owned();
    }
    let lines = incidents.iter().map(|one| {
        let Incident {
            class,
            cluster,
            subject,
            member,
            message,
            since,
            ..
        } = one;
        let place = match (cluster.as_str(), member) {
            ("", _) => String::new(),
            (cluster, None) => format!("{cluster}: "),
            (cluster, Some(member)) => format!("{cluster}/{member}: "),
        };
        let what = one_line(&format!("{place}{subject}"));
        let age = age(now, *since);
        let message = one_line(message);
        format!("{}, for {age}: {what}\n    {message}\n", class.as_str())
    });
    lines.collect()
}
