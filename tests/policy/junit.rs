//! The shape of JUnit XML as CI systems publish it: which elements stand where, with which attributes.

/// Element, where it stands, the attributes it must have, and those it may have.
const ELEMENTS: [(&str, &str, &[&str], &[&str]); 4] = [
    (
        "testsuites",
        "",
        &[],
        &["name", "time", "tests", "failures", "disabled", "errors"],
    ),
    (
        "testsuite",
        "testsuites",
        &["name", "tests"],
        &[
            "failures",
            "errors",
            "time",
            "disabled",
            "skipped",
            "timestamp",
            "hostname",
            "id",
            "package",
        ],
    ),
    (
        "testcase",
        "testsuite",
        &["name", "classname"],
        &["assertions", "time", "status"],
    ),
    ("failure", "testcase", &[], &["type", "message"]),
];

/// Checks a document and gives how many test cases and failures there are.
pub fn check(xml: &str) -> (usize, usize) {
    let mut rest = xml
        .strip_prefix("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n")
        .unwrap();
    let mut open: Vec<String> = Vec::new();
    let (mut cases, mut failures, mut announced) = (0, 0, Vec::new());
    while let Some((text, tag)) = rest.split_once('<') {
        assert!(!text.contains('>') && entities_are_known(text), "{text}");
        if open.last().is_none_or(|name| name != "failure") {
            assert_eq!(text.trim(), "", "text in {open:?}");
        }
        let (tag, after) = tag.split_once('>').unwrap();
        rest = after;
        if let Some(name) = tag.strip_prefix('/') {
            assert_eq!(open.pop().as_deref(), Some(name));
            continue;
        }
        let (tag, closed) = tag
            .strip_suffix('/')
            .map_or((tag, false), |tag| (tag, true));
        let (name, attributes) = tag.split_once(' ').unwrap_or((tag, ""));
        let attributes = attributes_of(attributes);
        let (_, parent, required, allowed) =
            ELEMENTS.iter().find(|(known, ..)| *known == name).unwrap();
        assert_eq!(open.last().map_or("", String::as_str), *parent);
        for (key, value) in &attributes {
            assert!(
                required.contains(key) || allowed.contains(key),
                "{name} has no {key}"
            );
            assert!(entities_are_known(value), "{value}");
            if matches!(*key, "tests" | "failures" | "errors") {
                let count: usize = value.parse().unwrap();
                announced.push((name.to_owned(), (*key).to_owned(), count));
            }
        }
        for key in *required {
            assert!(
                attributes.iter().any(|(known, _)| known == key),
                "{name} needs {key}"
            );
        }
        cases += usize::from(name == "testcase");
        failures += usize::from(name == "failure");
        if !closed {
            open.push(name.to_owned());
        }
    }
    assert!(open.is_empty() && rest.trim().is_empty(), "{open:?} {rest}");
    for (name, key, expected) in [
        ("testsuites", "tests", cases),
        ("testsuites", "failures", failures),
    ] {
        let found = announced.iter().find(|(n, k, _)| n == name && k == key);
        assert_eq!(found.unwrap().2, expected, "{name} {key}");
    }
    (cases, failures)
}

fn attributes_of(text: &str) -> Vec<(&str, &str)> {
    let mut found: Vec<(&str, &str)> = Vec::new();
    let mut rest = text.trim();
    while let Some((key, after)) = rest.split_once("=\"") {
        let (value, after) = after.split_once('"').unwrap();
        assert!(found.iter().all(|(known, _)| *known != key), "{key} twice");
        found.push((key, value));
        rest = after.trim();
    }
    assert_eq!(rest, "");
    found
}

fn entities_are_known(text: &str) -> bool {
    text.split('&').skip(1).all(|rest| {
        ["amp;", "lt;", "gt;", "quot;"]
            .iter()
            .any(|known| rest.starts_with(known))
    })
}

#[test]
fn the_check_sees_what_is_wrong() {
    let right = "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<testsuites tests=\"1\" failures=\"0\"><testsuite name=\"a\" \
                 tests=\"1\"><testcase name=\"b\" classname=\"c\"/></testsuite></testsuites>";
    assert_eq!(check(right), (1, 0));
    for (from, to) in [
        ("<testcase name=\"b\" ", "<testcase "),
        ("tests=\"1\" failures", "tests=\"2\" failures"),
        ("classname", "class"),
        ("<testsuite ", "text<testsuite "),
        ("\"c\"/>", "\"&c\"/>"),
        ("</testsuite>", ""),
    ] {
        let wrong = right.replacen(from, to, 1);
        assert!(
            std::panic::catch_unwind(|| check(&wrong)).is_err(),
            "{wrong}"
        );
    }
}
