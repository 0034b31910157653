//! The lines that a simulator prints.

use std::io::{self, Write};

/// An output for whole lines. If it is quiet, a line that repeats the one before is dropped.
pub(super) struct Lines<W> {
    output: W,
    quiet: bool,
    line: Vec<u8>,
    last: Vec<u8>,
}

impl<W: Write> Lines<W> {
    pub(super) const fn new(output: W, quiet: bool) -> Self {
        Self {
            output,
            quiet,
            line: Vec::new(),
            last: Vec::new(),
        }
    }
}

impl<W: Write> Write for Lines<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        for part in bytes.split_inclusive(|byte| *byte == b'\n') {
            self.line.extend_from_slice(part);
            if !part.ends_with(b"\n") {
                continue;
            }
            let line = std::mem::take(&mut self.line);
            if !(self.quiet && line == self.last) {
                self.output.write_all(&line)?;
            }
            self.last = line;
        }
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        self.output.flush()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_quiet_output_drops_what_repeats() {
        for (quiet, expected) in [(true, "a\nb\na\n"), (false, "a\nb\nb\na\n")] {
            let mut lines = Lines::new(Vec::new(), quiet);
            for part in ["a", "\n", "b\nb", "\n", "a\n"] {
                lines.write_all(part.as_bytes()).unwrap();
            }
            assert_eq!(lines.output, expected.as_bytes());
        }
    }
}
