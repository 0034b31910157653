//! Files and directories as arguments of `check`.

use std::fs;
use std::io::Write as _;
use std::process::{Output, Stdio};

use serde_json::Value;

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
    let utf16 = |text: &str| {
        text.encode_utf16()
            .flat_map(u16::to_le_bytes)
            .collect::<Vec<_>>()
    };
    write("utf16.yml", &utf16("\u{feff}version: 1\n"));
    write("unmarked.yml", &utf16("version: 1\n"));
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
        ("utf16.yml", "`utf16.yml` is UTF-16, not UTF-8"),
        ("unmarked.yml", "`unmarked.yml` is UTF-16, not UTF-8"),
    ] {
        let (output, stdout, stderr) = check(&folder, &[path]);
        assert_eq!(output.status.code(), Some(2), "{path}");
        assert!(stderr.contains(expected), "{path}: {stderr}");
        assert_eq!(stdout, "");
        // the other formats keep their form in this case
        let (output, stdout, _) = check(&folder, &[path, "--format", "json"]);
        assert_eq!(output.status.code(), Some(2), "{path}");
        let json: Value = serde_json::from_str(&stdout).unwrap();
        assert_eq!(json["failures"][0]["file"], path);
        let message = json["failures"][0]["message"].as_str().unwrap();
        assert!(message.contains(expected), "{message}");
        let (output, stdout, _) = check(&folder, &[path, "--format", "sarif"]);
        assert_eq!(output.status.code(), Some(2), "{path}");
        let sarif: Value = serde_json::from_str(&stdout).unwrap();
        let invocation = &sarif["runs"][0]["invocations"][0];
        assert_eq!(invocation["executionSuccessful"], false);
        let notification = &invocation["toolExecutionNotifications"][0];
        assert_eq!(notification["message"]["text"], message);
    }
}

#[test]
fn standard_input_is_checked_under_the_name_that_it_is_given() {
    let folder = tempfile::tempdir().unwrap();
    let typed = |arguments: &[&str], text: &[u8]| {
        let mut child = program()
            .current_dir(folder.path())
            .arg("check")
            .args(arguments)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        child.stdin.take().unwrap().write_all(text).unwrap();
        let output = child.wait_with_output().unwrap();
        let said = [output.stdout, output.stderr].concat();
        (String::from_utf8(said).unwrap(), output.status.code())
    };
    let wrong = b"version: 1\nrulez: []\n";
    let (said, status) = typed(&["-"], wrong);
    assert_eq!(status, Some(1), "{said}");
    assert!(said.contains("--> <stdin>:2:1"), "{said}");
    let (said, status) = typed(&["-", "--stdin-filename", "rules/a.yml"], wrong);
    assert_eq!(status, Some(1), "{said}");
    assert!(said.contains("--> rules/a.yml:2:1"), "{said}");
    let (said, status) = typed(&["-", "--format", "json"], b"version: 1\n# gr\xf6\xdfe\n");
    assert_eq!(status, Some(2), "{said}");
    assert!(said.contains("`<stdin>` is not UTF-8"), "{said}");
    for arguments in [&["-", "-"][..], &["a.yml", "--stdin-filename", "b.yml"]] {
        let (said, status) = typed(arguments, b"");
        assert_eq!(status, Some(2), "{said}");
    }
}

/// A variable without a value is checked only with the value from Patroni's configuration.
#[test]
fn a_variable_is_checked_with_the_value_it_is_given() {
    let folder = tempfile::tempdir().unwrap();
    let rule = RULE.replace("reset: true", "model_name: \"{{ model }}\"");
    let text = format!("{HEAD}vars: {{model: null}}\n{rule}");
    fs::write(folder.path().join("a.yml"), text).unwrap();
    for (set, code, expected) in [
        ("model=main:n1", 0, ": ok, 1 rule"),
        ("model=-x", 1, "`model_name` can't be `-x`"),
        ("modell=x", 2, "declares no variable `modell`"),
        ("model", 2, "has no `=`"),
    ] {
        let (output, stdout, stderr) = check(&folder, &["a.yml", "--set", set]);
        assert_eq!(output.status.code(), Some(code), "{set}: {stdout}{stderr}");
        assert!(
            format!("{stdout}{stderr}").contains(expected),
            "{stdout}{stderr}"
        );
    }
    assert_eq!(check(&folder, &["a.yml"]).0.status.code(), Some(0));
}

#[test]
fn it_is_told_when_there_is_more_than_is_listed() {
    let folder = tempfile::tempdir().unwrap();
    let write = |count: usize| {
        let text = format!("{HEAD}rules: [{}]\n", "1, ".repeat(count));
        fs::write(folder.path().join("a.yml"), text).unwrap();
    };
    for (count, truncated) in [(999, false), (5_000, true)] {
        write(count);
        let (_, stdout, _) = check(&folder, &["a.yml", "--format", "json"]);
        let json: Value = serde_json::from_str(&stdout).unwrap();
        assert_eq!(json["truncated"], truncated, "{count}");
        let (_, stdout, _) = check(&folder, &["a.yml"]);
        assert_eq!(stdout.contains("there may be more"), truncated, "{count}");
    }
}

/// The other files are checked anyway, in every format.
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
        let told = stdout.contains("absent.yml");
        assert_eq!(told, format != "human", "{format}: {stdout}");
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

    // a section for all files applies to all of them
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
    assert_eq!(stdout, "`a.yml`: ok, 1 rule\n`b.yml`: ok, 1 rule\n");
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
    let rule = "rules:\n  - name: a\n    on: [on_role_change, on_start]\n    role: primary\n    request:\n      type: config_switch\n      server: s\n";
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

/// If there are too many clusters to check each rule in each of them, none counts as nonexistent.
#[test]
fn a_fleet_that_conditions_name_has_rules_that_fire() {
    let folder = tempfile::tempdir().unwrap();
    let rules = folder.path().join("rules.yml");
    for clusters in [10, 700] {
        let rule = |number: u32| {
            format!(
                "  - {{name: r{number}, on: [on_role_change, on_start], role: primary, when: cluster == \"c{number}\", \
                 request: {{type: config_switch, server: \"s{number}\", model_name: \"m:{{{{ node }}}}\"}}}}\n"
            )
        };
        let each: Vec<String> = (0..clusters).map(rule).collect();
        fs::write(&rules, format!("{HEAD}rules:\n{}", each.concat())).unwrap();
        let (_, said, _) = check(&folder, &["rules.yml"]);
        assert_eq!(said, format!("`rules.yml`: ok, {clusters} rules\n"));
    }
}
