//! Files and directories as arguments of `check`.

use std::fs;

use crate::support::ended::Ended;
use crate::support::folder::Folder;
use crate::support::program::{full, program};
use crate::support::text::has;

const RULE: &str = "rules:\n  - {name: a, on: on_start, role: primary, request: {type: config_switch, server: s, reset: true}}\n";
const HEAD: &str = "version: 1\napi: {url: \"http://localhost:7480\"}\npatroni: {url: \"http://localhost:8008\"}\n";

fn check(folder: &Folder, arguments: &[&str]) -> Ended {
    folder.run([&["check"], arguments].concat())
}

#[test]
fn what_can_t_be_read_ends_with_2_and_says_why() {
    let folder = Folder::new();
    fs::create_dir(folder.path("empty")).unwrap();
    folder.write("latin1.yml", b"version: 1\n# gr\xf6\xdfe\n");
    let utf16 = |text: &str| {
        text.encode_utf16()
            .flat_map(u16::to_le_bytes)
            .collect::<Vec<_>>()
    };
    folder.write("utf16.yml", utf16("\u{feff}version: 1\n"));
    folder.write("unmarked.yml", utf16("version: 1\n"));
    let large = format!("{HEAD}{RULE}#{}\n", "x".repeat(4 << 20));
    folder.write("large.yml", large);
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
        let checked = |format| {
            check(&folder, &[path, "--format", format])
                .case(path)
                .exits(2)
        };
        assert_eq!(checked("human").says(expected).stdout, "");
        // the other formats keep their form in this case
        let json = checked("json").json();
        assert_eq!(json["failures"][0]["file"], path);
        let message = json["failures"][0]["message"].as_str().unwrap();
        has(message, expected);
        let sarif = checked("sarif").json();
        let invocation = &sarif["runs"][0]["invocations"][0];
        assert_eq!(invocation["executionSuccessful"], false);
        let notification = &invocation["toolExecutionNotifications"][0];
        assert_eq!(notification["message"]["text"], message);
    }
}

#[test]
fn standard_input_is_checked_under_the_name_that_it_is_given() {
    let folder = Folder::new();
    let typed = |arguments: &[&str], text: &[u8]| {
        let mut command = folder.command([&["check"], arguments].concat());
        Ended::fed(&mut command, text).case(format!("{arguments:?}"))
    };
    let wrong = b"version: 1\nrulez: []\n";
    let named = ["-", "--stdin-filename", "rules/a.yml"];
    let latin1 = b"version: 1\n# gr\xf6\xdfe\n";
    for (arguments, text, exit, place) in [
        (&["-"][..], &wrong[..], 1, "--> <stdin>:2:1"),
        (&named, wrong, 1, "--> rules/a.yml:2:1"),
        (
            &["-", "--format", "json"],
            latin1,
            2,
            "`<stdin>` is not UTF-8",
        ),
        (&["-", "-"], b"", 2, ""),
        (&["a.yml", "--stdin-filename", "b.yml"], b"", 2, ""),
    ] {
        typed(arguments, text).exits(exit).tells(place);
    }
}

/// A variable without a value is checked only with the value from Patroni's configuration.
#[test]
fn a_variable_is_checked_with_the_value_it_is_given() {
    let folder = Folder::new();
    let rule = RULE.replace("reset: true", "model_name: \"{{ model }}\"");
    let text = format!("{HEAD}vars: {{model: null}}\n{rule}");
    folder.write("a.yml", text);
    for (set, exit, expected) in [
        ("model=main:n1", 0, ": ok, 1 rule"),
        ("model=-x", 1, "`model_name` can't be `-x`"),
        ("modell=x", 2, "declares no variable `modell`"),
        ("model", 2, "has no `=`"),
    ] {
        let ended = check(&folder, &["a.yml", "--set", set]).case(set);
        ended.exits(exit).tells(expected);
    }
    check(&folder, &["a.yml"]).exits(0);
}

#[test]
fn it_is_told_when_there_is_more_than_is_listed() {
    let folder = Folder::new();
    for (count, truncated) in [(999, false), (5_000, true)] {
        let text = format!("{HEAD}rules: [{}]\n", "1, ".repeat(count));
        folder.write("a.yml", text);
        let json = check(&folder, &["a.yml", "--format", "json"]).json();
        assert_eq!(json["truncated"], truncated, "{count}");
        let stdout = check(&folder, &["a.yml"]).stdout;
        assert_eq!(stdout.contains("there may be more"), truncated, "{count}");
    }
}

/// The other files are checked anyway, in every format.
#[test]
fn one_file_that_can_t_be_read_hides_nothing_of_the_others() {
    let folder = Folder::with(&[
        ("broken.yml", "version: 1\nrulez: []\n"),
        ("good.yml", &format!("{HEAD}{RULE}")),
    ]);
    for format in ["human", "json", "sarif", "github"] {
        let files = ["absent.yml", "broken.yml", "gone.yml", "good.yml"];
        let ended = check(&folder, &[&["--format", format], &files[..]].concat())
            .case(format)
            .exits(2)
            .shows("rulez")
            .shows("PB101");
        let (stdout, stderr) = (ended.stdout, ended.stderr);
        let told = stdout.contains("absent.yml");
        assert_eq!(told, format != "human", "{format}: {stdout}");
        for path in ["absent.yml", "gone.yml"] {
            has(&stderr, &format!("can't read `{path}`"));
        }
    }
}

#[test]
fn a_directory_is_one_rule_set_in_the_order_of_its_names() {
    let folder = Folder::with(&[
        ("rules/10-api.yml", HEAD),
        (
            "rules/20-vars.yaml",
            "version: 1\nexport: true\nvars: {a: x, b: \"{{ a }}\"}\n",
        ),
        (
            "rules/30-rules.yml",
            &format!("version: 1\nvars: {{c: \"{{{{ b }}}}\"}}\n{RULE}"),
        ),
        ("rules/notes.txt", "not rules: ["),
        ("rules/.30-rules.yml.swp.yml", "not rules: ["),
    ]);
    check(&folder, &["rules"]).exits(0);

    // a section for all files applies to all of them
    let [old, new] = ["rules/20-vars.yaml", "rules/40-vars.yaml"];
    fs::rename(folder.path(old), folder.path(new)).unwrap();
    check(&folder, &["rules"]).exits(0);

    folder.write(new, "version: 1\nvars: {a: x, b: \"{{ a }}\"}\n");
    check(&folder, &["rules"])
        .exits(1)
        .shows("rules/30-rules.yml:2:15")
        .shows("write `export: true`");
}

#[test]
fn several_paths_are_rule_sets_of_their_own() {
    let rules = format!("{HEAD}{RULE}");
    let folder = Folder::with(&[("a.yml", &rules), ("b.yml", &rules)]);
    let stdout = check(&folder, &["a.yml", "b.yml"]).exits(0).stdout;
    assert_eq!(stdout, "`a.yml`: ok, 1 rule\n`b.yml`: ok, 1 rule\n");
}

#[test]
fn warnings_fail_a_strict_check_only() {
    let folder = Folder::new();
    let rule = RULE.replace(
        "on: on_start, role: primary",
        "on: [on_start, on_stop], role: demoted",
    );
    folder.write("a.yml", format!("{HEAD}{rule}"));
    check(&folder, &["a.yml"]).shows("1 warning").exits(0);
    check(&folder, &["--strict", "a.yml"]).exits(1);
}

#[test]
fn a_file_that_is_made_to_be_slow_is_answered_as_any_other() {
    let folder = Folder::new();
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
        folder.write("slow.yml", text);
        check(&folder, &["slow.yml"]).exits(1).shows(expected);
    }
}

#[test]
fn a_result_that_can_t_be_written_is_no_success() {
    let folder = Folder::new();
    let path = &folder.write("a.yml", format!("{HEAD}{RULE}"));
    for arguments in [
        &["check", path][..],
        &["check", "--format", "sarif", path],
        &["matrix", path],
        &["diff", path, path],
        &["schema", "rules"],
    ] {
        Ended::of(program().args(arguments).stdout(full()))
            .case(format!("{arguments:?}"))
            .exits(2)
            .says("the result can't be written");
    }
}

#[test]
fn a_pipe_that_nobody_writes_to_is_no_rules_file() {
    let folder = Folder::new();
    crate::support::pipe::make(&folder.path("rules.yml"));
    for path in ["rules.yml", "."] {
        check(&folder, &[path])
            .exits(2)
            .says("is a pipe and no file");
    }
}

#[test]
fn what_a_request_can_t_be_sent_with_is_shown_where_it_stands() {
    let body = "      model_name: \"{{ env.MODEL }}\"\n";
    let rule = "rules:\n  - name: a\n    on: [on_role_change, on_start]\n    role: primary\n    request:\n      type: config_switch\n      server: s\n";
    let folder = Folder::with(&[("rules.yml", &format!("{HEAD}{rule}{body}"))]);
    for command in ["plan", "run"] {
        let mut command = folder.command([command, "--rules", "rules.yml", "--node", "n1"]);
        command.args(["on_start", "primary", "demo"]);
        let ended = Ended::of(command.env("MODEL", "-m"));
        ended.exits(4).says("rules.yml:11:19");
    }
}

/// If there are too many clusters to check each rule in each of them, none counts as nonexistent.
#[test]
fn a_fleet_that_conditions_name_has_rules_that_fire() {
    let folder = Folder::new();
    for clusters in [10, 700] {
        let rule = |number: u32| {
            format!(
                "  - {{name: r{number}, on: [on_role_change, on_start], role: primary, when: cluster == \"c{number}\", \
                 request: {{type: config_switch, server: \"s{number}\", model_name: \"m:{{{{ node }}}}\"}}}}\n"
            )
        };
        let each: Vec<String> = (0..clusters).map(rule).collect();
        folder.write("rules.yml", format!("{HEAD}rules:\n{}", each.concat()));
        let said = check(&folder, &["rules.yml"]).stdout;
        assert_eq!(said, format!("`rules.yml`: ok, {clusters} rules\n"));
    }
}
