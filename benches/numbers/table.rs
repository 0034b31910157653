//! The table of `docs/performance.md`.

use std::fmt::Write as _;
use std::fs;
use std::time::Duration;

/// The page with the table.
const PAGE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/docs/performance.md");

const BEGIN: &str = "<!-- `cargo bench` writes from here -->\n";
const END: &str = "<!-- to here -->\n";

#[derive(Debug)]
pub struct Row {
    /// The subject of the measurement.
    pub what: String,
    /// This program's number.
    pub here: String,
    /// The number it is compared with.
    pub beside: String,
    /// The ratio of the two.
    pub ratio: String,
    /// The promised value.
    pub target: &'static str,
}

impl Row {
    /// A number with nothing to compare it with.
    pub fn alone(what: impl Into<String>, here: impl Into<String>, target: &'static str) -> Self {
        Self {
            what: what.into(),
            here: here.into(),
            beside: String::new(),
            ratio: String::new(),
            target,
        }
    }

    /// Adds the number to compare with, and the ratio.
    pub fn beside(mut self, beside: impl Into<String>, ratio: impl Into<String>) -> Self {
        self.beside = beside.into();
        self.ratio = ratio.into();
        self
    }
}

/// Milliseconds, or seconds if there are ten or more.
pub fn time(duration: Duration) -> String {
    let millis = duration.as_secs_f64() * 1000.0;
    match millis {
        0.0..10.0 => format!("{millis:.1} ms"),
        10.0..10_000.0 => format!("{millis:.0} ms"),
        _ => format!("{:.1} s", duration.as_secs_f64()),
    }
}

/// Megabytes.
#[expect(clippy::cast_precision_loss, reason = "a tenth is precise enough")]
pub fn size(bytes: u64) -> String {
    format!("{:.1} MB", bytes as f64 / 1e6)
}

/// The ratio of two times.
pub fn times(one: Duration, other: Duration) -> String {
    let ratio = one.as_secs_f64() / other.as_secs_f64();
    if ratio < 10.0 {
        format!("{ratio:.1} ×")
    } else {
        format!("{ratio:.0} ×")
    }
}

/// The machine and the table.
pub fn write(rows: &[Row]) -> String {
    let mut text = format!("Measured on {}.\n\n", machine());
    text.push_str("| | this program | compared with | ratio | target |\n|---|---|---|---|---|\n");
    for row in rows {
        let Row {
            what,
            here,
            beside,
            ratio,
            target,
        } = row;
        let _ = writeln!(text, "| {what} | {here} | {beside} | {ratio} | {target} |");
    }
    text
}

/// Writes the table into its page.
pub fn publish(table: &str) {
    let page = fs::read_to_string(PAGE).expect("the page");
    let (before, rest) = page
        .split_once(BEGIN)
        .expect("the place where the table begins");
    let (_, after) = rest
        .split_once(END)
        .expect("the place where the table ends");
    fs::write(PAGE, format!("{before}{BEGIN}\n{table}\n{END}{after}")).expect("the page is ours");
    println!("written to docs/performance.md");
}

fn machine() -> String {
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    let info = fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let processor = info
        .lines()
        .find_map(|line| line.strip_prefix("model name")?.split_once(": "))
        .map_or("an unknown processor", |(_, name)| name);
    let load = fs::read_to_string("/proc/loadavg").unwrap_or_default();
    let load = load.split(' ').nth(1).unwrap_or("?");
    let system = fs::read_to_string("/etc/os-release").unwrap_or_default();
    let system = system
        .lines()
        .find_map(|line| line.strip_prefix("PRETTY_NAME="))
        .unwrap_or("Linux")
        .trim_matches('"');
    format!("{cores} cores of {processor}, {system}, under a load of {load}")
}
