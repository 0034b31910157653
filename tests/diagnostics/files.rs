//! Files and directories as `check` meets them.

use std::fs;
use std::process::Output;

use crate::support::program::program;

const RULE: &str = "rules:\n  - {name: a, on: on_start, role: primary, request: {type: config_switch, server: s, reset: true}}\n";
const HEAD: &str = "version: 1\napi: {url: \"http://localhost:7480\"}\npatroni: {url: \"http://localhost:8008\"}\n";

fn check(folder: &tempfile::TempDir, arguments: &[&str]) -> (Output, String, String) {
    let output = program()
        .current_dir(folder.path())
        .arg("check")
        .args(arguments)
        .output()
        .unwrap();
    let text = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).unwrap();
    let (stdout, stderr) = (text(&output.stdout), text(&output.stderr));
    (output, stdout, stderr)
}

#[test]
fn what_can_t_be_read_ends_with_2_and_says_why() {
    let folder = tempfile::tempdir().unwrap();
    let write = |name: &str, bytes: &[u8]| fs::write(folder.path().join(name), bytes).unwrap();
    fs::create_dir(folder.path().join("empty")).unwrap();
    write("latin1.yml", b"version: 1\n# gr\xf6\xdfe\n");
    let large = format!("{HEAD}{RULE}#{}\n", "x".repeat(4 << 20));
    write("large.yml", large.as_bytes());
    for (path, expected) in [
        ("nowhere.yml", "can't read `nowhere.yml`"),
        (
            "latin1.yml",
            "`latin1.yml` is not UTF-8: line 2 has other bytes in it",
        ),
        ("large.yml", "`large.yml` is larger than 4 MiB"),
        ("empty", "`empty` has no `*.yml` or `*.yaml` file in it"),
        ("/dev/zero", "`/dev/zero` is larger than 4 MiB"),
    ] {
        let (output, stdout, stderr) = check(&folder, &[path]);
        assert_eq!(output.status.code(), Some(2), "{path}");
        assert!(stderr.contains(expected), "{path}: {stderr}");
        assert_eq!(stdout, "");
    }
}

/// The other files are checked all the same, in every format.
#[test]
fn one_file_that_can_t_be_read_hides_nothing_of_the_others() {
    let folder = tempfile::tempdir().unwrap();
    let write = |name: &str, text: &str| fs::write(folder.path().join(name), text).unwrap();
    write("broken.yml", "version: 1\nrulez: []\n");
    write("good.yml", &format!("{HEAD}{RULE}"));
    for format in ["human", "json", "sarif", "github"] {
        let options = [
            "--format",
            format,
            "absent.yml",
            "broken.yml",
            "gone.yml",
            "good.yml",
        ];
        let (output, stdout, stderr) = check(&folder, &options);
        assert_eq!(output.status.code(), Some(2), "{format}: {stdout}{stderr}");
        assert!(stdout.contains("rulez"), "{format}: {stdout}");
        assert!(stdout.contains("PB101"), "{format}: {stdout}");
        assert!(!stdout.contains("absent.yml"), "{format}: {stdout}");
        for path in ["absent.yml", "gone.yml"] {
            assert!(stderr.contains(&format!("can't read `{path}`")), "{stderr}");
        }
    }
}

#[test]
fn a_directory_is_one_rule_set_in_the_order_of_its_names() {
    let folder = tempfile::tempdir().unwrap();
    let rules = folder.path().join("rules");
    fs::create_dir(&rules).unwrap();
    let write = |name: &str, text: &str| fs::write(rules.join(name), text).unwrap();
    write("10-api.yml", HEAD);
    write(
        "20-vars.yaml",
        "version: 1\nexport: true\nvars: {a: x, b: \"{{ a }}\"}\n",
    );
    write(
        "30-rules.yml",
        &format!("version: 1\nvars: {{c: \"{{{{ b }}}}\"}}\n{RULE}"),
    );
    write("notes.txt", "not rules: [");
    write(".30-rules.yml.swp.yml", "not rules: [");
    let (output, stdout, stderr) = check(&folder, &["rules"]);
    assert_eq!(output.status.code(), Some(0), "{stdout}{stderr}");

    // What is for all files is there for all of them.
    fs::rename(rules.join("20-vars.yaml"), rules.join("40-vars.yaml")).unwrap();
    let (output, stdout, stderr) = check(&folder, &["rules"]);
    assert_eq!(output.status.code(), Some(0), "{stdout}{stderr}");

    write("40-vars.yaml", "version: 1\nvars: {a: x, b: \"{{ a }}\"}\n");
    let (output, stdout, _) = check(&folder, &["rules"]);
    assert_eq!(output.status.code(), Some(1));
    assert!(stdout.contains("rules/30-rules.yml:2:15"), "{stdout}");
    assert!(stdout.contains("write `export: true`"), "{stdout}");
}

#[test]
fn several_paths_are_rule_sets_of_their_own() {
    let folder = tempfile::tempdir().unwrap();
    for name in ["a.yml", "b.yml"] {
        fs::write(folder.path().join(name), format!("{HEAD}{RULE}")).unwrap();
    }
    let (output, stdout, _) = check(&folder, &["a.yml", "b.yml"]);
    assert_eq!(output.status.code(), Some(0));
    assert_eq!(stdout, "`a.yml`, `b.yml`: nothing found\n");
}

#[test]
fn warnings_fail_a_strict_check_only() {
    let folder = tempfile::tempdir().unwrap();
    let rule = RULE.replace(
        "on: on_start, role: primary",
        "on: [on_start, on_stop], role: demoted",
    );
    fs::write(folder.path().join("a.yml"), format!("{HEAD}{rule}")).unwrap();
    let (output, stdout, _) = check(&folder, &["a.yml"]);
    assert!(stdout.contains("1 warning"), "{stdout}");
    assert_eq!(output.status.code(), Some(0));
    let (output, ..) = check(&folder, &["--strict", "a.yml"]);
    assert_eq!(output.status.code(), Some(1));
}

#[test]
fn a_file_that_is_made_to_be_slow_is_answered_as_any_other() {
    let folder = tempfile::tempdir().unwrap();
    let mb = 1 << 20;
    for (text, expected) in [
        ("[".repeat(mb), "PB009"),
        ("{a: ".repeat(mb / 4), "PB009"),
        ("- ".repeat(mb / 2), "PB009"),
        (
            format!("version: 1\nrules: [{}]\n", "1,".repeat(mb / 20)),
            "PB103",
        ),
        (
            format!(
                "{HEAD}vars: {{a: \"{}\"}}\n{RULE}",
                "{{ x }}".repeat(mb / 20)
            ),
            "PB111",
        ),
        (
            format!(
                "{HEAD}{}",
                RULE.replace(
                    "{name",
                    &format!("{{when: {}true, name", "not ".repeat(mb / 10))
                )
            ),
            "PB111",
        ),
        ("version: 1\n".repeat(mb / 40), "PB002"),
    ] {
        fs::write(folder.path().join("slow.yml"), text).unwrap();
        let (output, stdout, _) = check(&folder, &["slow.yml"]);
        assert_eq!(output.status.code(), Some(1));
        assert!(stdout.contains(expected), "{expected}");
    }
}

#[test]
fn a_result_that_can_t_be_written_is_no_success() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a.yml");
    fs::write(&path, format!("{HEAD}{RULE}")).unwrap();
    let path = path.to_str().unwrap();
    for arguments in [
        &["check", path][..],
        &["check", "--format", "sarif", path],
        &["matrix", path],
        &["diff", path, path],
        &["schema", "rules"],
    ] {
        let full = fs::OpenOptions::new()
            .write(true)
            .open("/dev/full")
            .unwrap();
        let output = program().args(arguments).stdout(full).output().unwrap();
        let said = String::from_utf8(output.stderr).unwrap();
        assert_eq!(output.status.code(), Some(2), "{arguments:?}: {said}");
        assert!(said.contains("the result can't be written"), "{said}");
    }
}

#[test]
fn a_pipe_that_nobody_writes_to_is_no_rules_file() {
    let folder = tempfile::tempdir().unwrap();
    let pipe = folder.path().join("rules.yml");
    crate::support::pipe::make(&pipe);
    for path in [&pipe, &folder.path().to_owned()] {
        let output = program().arg("check").arg(path).output().unwrap();
        let said = String::from_utf8(output.stderr).unwrap();
        assert_eq!(output.status.code(), Some(2), "{said}");
        assert!(said.contains("is a pipe and no file"), "{said}");
    }
}

#[test]
fn what_a_request_can_t_be_sent_with_is_shown_where_it_stands() {
    let folder = tempfile::tempdir().unwrap();
    let rules = folder.path().join("rules.yml");
    let body = "      model_name: \"{{ env.MODEL }}\"\n";
    let rule = "rules:\n  - name: a\n    on: on_start\n    role: primary\n    request:\n      type: config_switch\n      server: s\n";
    fs::write(&rules, format!("{HEAD}{rule}{body}")).unwrap();
    for command in ["plan", "run"] {
        let output = program()
            .args([command, "--rules"])
            .arg(&rules)
            .args(["--node", "n1", "on_start", "primary", "demo"])
            .env("MODEL", "-m")
            .output()
            .unwrap();
        let said = String::from_utf8(output.stderr).unwrap();
        assert_eq!(output.status.code(), Some(4), "{said}");
        assert!(said.contains("rules.yml:11:19"), "{said}");
    }
}
