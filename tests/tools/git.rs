//! Rules of a revision, with a real git.

use std::fs;
use std::os::unix::fs::symlink;
use std::path::Path;
use std::process::Command;

use crate::support::prerequisite::find;
use crate::support::program::program;

const RULES: &str = r#"version: 1
api: {url: "http://127.0.0.1:7480"}
rules:
  - name: rebuild
    on: create_replica
    request: {type: recovery, server: main, backup_id: latest, remote_ssh_command: ssh a, destination_directory: "{{ datadir }}"}
"#;

/// Runs git in a directory.
fn git_in(folder: &Path, arguments: &[&str]) {
    let settings = [
        "user.name=a",
        "user.email=a@example",
        "commit.gpgsign=false",
    ];
    let output = Command::new(find(&["git"], "git"))
        .args(settings.iter().flat_map(|setting| ["-c", setting]))
        .args(arguments)
        .current_dir(folder)
        .output()
        .unwrap();
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{errors}");
}

/// The exit code and standard error of `diff --exit-code` in a directory.
fn diff_in(folder: &Path, old: &str, new: &str) -> (Option<i32>, String) {
    let output = program()
        .args(["diff", "--exit-code", old, new])
        .current_dir(folder)
        .output()
        .unwrap();
    let errors = String::from_utf8_lossy(&output.stderr).into_owned();
    (output.status.code(), errors)
}

#[test]
fn rules_can_be_taken_from_git() {
    let folder = tempfile::tempdir().unwrap();
    let git = |arguments: &[&str]| git_in(folder.path(), arguments);
    git(&["init", "-q"]);
    let rules = folder.path().join("rules");
    fs::create_dir(&rules).unwrap();
    fs::write(rules.join("a.yml"), RULES).unwrap();
    fs::write(rules.join("note.txt"), "no rules").unwrap();
    git(&["add", "-A"]);
    git(&["commit", "-q", "-m", "rules"]);
    fs::write(rules.join("a.yml"), RULES.replace("latest", "oldest")).unwrap();
    for (old, new, code) in [
        ("git:HEAD:rules/a.yml", "rules/a.yml", 1),
        ("git:HEAD:rules", "rules", 1),
        ("git:HEAD:rules", "git:HEAD:rules/a.yml", 0),
        ("git:HEAD:rules/b.yml", "rules/a.yml", 2),
        ("git:nope:rules/a.yml", "rules/a.yml", 2),
        ("git:HEAD", "rules/a.yml", 2),
        ("git:--help:x", "rules/a.yml", 2),
    ] {
        let (status, errors) = diff_in(folder.path(), old, new);
        assert_eq!(status, Some(code), "{old} {new}: {errors}");
    }
}

/// A revision is read like a file system: from any directory, through links, and without anything that is not a file.
#[test]
fn a_revision_is_read_as_a_disk_is() {
    let folder = tempfile::tempdir().unwrap();
    let git = |arguments: &[&str]| git_in(folder.path(), arguments);
    git(&["init", "-q"]);
    let write = |name: &str, text: &str| {
        let path = folder.path().join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    };
    let link = |to: &str, name: &str| symlink(to, folder.path().join(name)).unwrap();
    let start = RULES.find("rules:").unwrap();
    let (first, second) = RULES.split_at(start);
    write("rules/a.yml", first);
    write("rules/b.yml", &format!("version: 1\n{second}"));
    write("rules/rules/a.yml", &RULES.replace("latest", "oldest"));
    write("rules/x.yml/readme.txt", "no rules");
    write("other.yml", RULES);
    link("../other.yml", "rules/rules/.hidden.yml");
    link("other.yml", "link.yml");
    link("rules", "link");
    link("link.yml", "link2.yml");
    link("rules/rules", "folder.yml");
    link("nowhere.yml", "broken.yml");
    link("/etc/hostname", "out.yml");
    git(&["add", "-A"]);
    git(&["commit", "-q", "-m", "rules"]);
    for (within, old, new, code, says) in [
        ("", "git:HEAD:rules", "rules", 0, ""),
        ("", "git:HEAD:rules/", "rules", 0, ""),
        ("rules", "git:HEAD:rules", ".", 0, ""),
        ("rules", "git:HEAD:./", ".", 0, ""),
        ("rules", "git:HEAD:rules/rules", "rules", 0, ""),
        ("rules", "git:HEAD:./rules", "rules", 0, ""),
        ("rules", "git:HEAD:rules", "rules", 1, ""),
        ("", "git:HEAD:link", "rules", 0, ""),
        ("", "git:HEAD:link.yml", "other.yml", 0, ""),
        ("rules", "git:HEAD:link2.yml", "../other.yml", 0, ""),
        ("", "git:HEAD:folder.yml", "rules/rules", 0, ""),
        (
            "",
            "git:HEAD:broken.yml",
            "other.yml",
            2,
            "the link leads nowhere in the revision",
        ),
        (
            "",
            "git:HEAD:out.yml",
            "other.yml",
            2,
            "the link leads out of",
        ),
        (
            "",
            "git:HEAD:rules/x.yml",
            "other.yml",
            2,
            "has no `*.yml` or `*.yaml` file in it",
        ),
        (
            "",
            "git:HEAD@{1 hour ago}:no.yml",
            "other.yml",
            2,
            "there is no `no.yml` in `HEAD@{1 hour ago}`",
        ),
        (
            "",
            "git:nope:no.yml",
            "other.yml",
            2,
            "git says: invalid object name 'nope'",
        ),
        ("", "git:HEAD:a\nb", "other.yml", 2, "a path of two lines"),
    ] {
        let (status, errors) = diff_in(&folder.path().join(within), old, new);
        assert_eq!(status, Some(code), "{old} {new}: {errors}");
        assert!(errors.contains(says), "{errors}");
    }
}

/// The diff of a pull request that adds the rules, as in the workflow in `docs/reviewing.md`, and that of a hook.
#[test]
fn rules_that_are_new_or_staged_can_be_compared() {
    let folder = tempfile::tempdir().unwrap();
    let git = |arguments: &[&str]| git_in(folder.path(), arguments);
    git(&["init", "-q"]);
    fs::write(folder.path().join("readme"), "no rules yet").unwrap();
    git(&["add", "-A"]);
    git(&["commit", "-q", "-m", "nothing"]);
    let rules = folder.path().join("rules");
    fs::create_dir(&rules).unwrap();
    fs::write(rules.join("a.yml"), RULES).unwrap();
    git(&["add", "-A"]);
    fs::write(rules.join("a.yml"), RULES.replace("latest", "oldest")).unwrap();
    for (arguments, code, says) in [
        (
            &["git:HEAD:rules/a.yml", "rules/a.yml"][..],
            2,
            "there is no `rules/a.yml` in `HEAD`",
        ),
        (
            &["--allow-missing-old", "git:HEAD:rules/a.yml", "rules/a.yml"],
            1,
            "1 added",
        ),
        (
            &["--allow-missing-old", "git:nope:rules/a.yml", "rules/a.yml"],
            2,
            "invalid object name",
        ),
        (&["git::rules/a.yml", "rules/a.yml"], 1, "latest -> oldest"),
        (&["git::rules", "rules"], 1, "latest -> oldest"),
        (&["git::rules", "git::rules/a.yml"], 0, "no difference"),
        (
            &["git::nope.yml", "rules/a.yml"],
            2,
            "there is no `nope.yml` in what is staged",
        ),
    ] {
        let output = program()
            .args(["diff", "--exit-code"])
            .args(arguments)
            .current_dir(folder.path())
            .output()
            .unwrap();
        let said = [output.stdout, output.stderr].concat();
        let said = String::from_utf8_lossy(&said).into_owned();
        assert_eq!(output.status.code(), Some(code), "{arguments:?}: {said}");
        assert!(said.contains(says), "{arguments:?}: {said}");
    }
    git(&["commit", "-q", "-m", "rules"]);
    let (code, errors) = diff_in(folder.path(), "git:HEAD@{2099-01-01 10:00}:rules", "rules");
    assert_eq!(code, Some(1), "{errors}");
}
