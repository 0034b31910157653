//! What a command prints, compared with what the page shows: `…` is for any text, a line of its own for any lines.

/// Tells whether these lines are what is shown.
pub fn fits(shown: &[String], lines: &[&str]) -> bool {
    match shown.split_first() {
        None => lines.is_empty(),
        Some((line, rest)) if line.trim() == "…" => {
            (0..=lines.len()).any(|skipped| fits(rest, &lines[skipped..]))
        }
        Some((line, rest)) => lines
            .split_first()
            .is_some_and(|(first, others)| line_fits(line, first) && fits(rest, others)),
    }
}

fn line_fits(shown: &str, line: &str) -> bool {
    let Some((begin, rest)) = shown.split_once('…') else {
        return shown.trim_end() == line.trim_end();
    };
    let Some(mut left) = line.strip_prefix(begin) else {
        return false;
    };
    let parts: Vec<&str> = rest.split('…').collect();
    let (end, middle) = parts.split_last().expect("one part at least");
    for part in middle {
        match left.split_once(part) {
            Some((_, after)) => left = after,
            None => return false,
        }
    }
    left.trim_end().ends_with(end.trim_end())
}

#[test]
fn an_ellipsis_stands_for_any_text() {
    let shown = |text: &str| -> Vec<String> { text.lines().map(str::to_owned).collect() };
    let lines = ["a 12 b 7 c", "x", "y", "end"];
    assert!(fits(&shown("a … b … c\n…\nend"), &lines));
    assert!(fits(&shown("…"), &lines));
    assert!(!fits(&shown("a … b … d\n…\nend"), &lines));
    assert!(!fits(&shown("a … b … c\nend"), &lines));
    assert!(!fits(&shown("a 12 b 7 c\nx\ny"), &lines));
}
