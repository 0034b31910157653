//! Rules of a revision, with a real git.

use std::os::unix::fs::symlink;
use std::process::Command;

use crate::support::ended::Ended;
use crate::support::folder::Folder;
use crate::support::prerequisite::find;

const RULES: &str = r#"version: 1
api: {url: "http://127.0.0.1:7480"}
rules:
  - name: rebuild
    on: create_replica
    request: {type: recovery, server: main, backup_id: latest, remote_ssh_command: ssh a, destination_directory: "{{ datadir }}"}
"#;

/// A repository.
struct Repository(Folder);

impl Repository {
    fn new() -> Self {
        let repository = Self(Folder::new());
        repository.git(&["init", "-q"]);
        repository
    }

    fn git(&self, arguments: &[&str]) {
        let settings = [
            "user.name=a",
            "user.email=a@example",
            "commit.gpgsign=false",
        ];
        let mut git = Command::new(find(&["git"], "git"));
        git.args(settings.iter().flat_map(|setting| ["-c", setting]))
            .args(arguments)
            .current_dir(&self.0);
        Ended::of(&mut git).exits(0);
    }

    fn commit(&self) {
        self.git(&["add", "-A"]);
        self.git(&["commit", "-q", "-m", "rules"]);
    }

    /// Runs `diff --exit-code` in a directory of it.
    fn diff(&self, within: &str, arguments: &[&str]) -> Ended {
        let mut command = self
            .0
            .command([&["diff", "--exit-code"], arguments].concat());
        let ended = Ended::of(command.current_dir(self.0.path(within)));
        ended.case(arguments.join(" "))
    }
}

#[test]
fn rules_can_be_taken_from_git() {
    let repository = Repository::new();
    repository.0.write("rules/a.yml", RULES);
    repository.0.write("rules/note.txt", "no rules");
    repository.commit();
    let edited = RULES.replace("latest", "oldest");
    repository.0.write("rules/a.yml", edited);
    for (old, new, code) in [
        ("git:HEAD:rules/a.yml", "rules/a.yml", 1),
        ("git:HEAD:rules", "rules", 1),
        ("git:HEAD:rules", "git:HEAD:rules/a.yml", 0),
        ("git:HEAD:rules/b.yml", "rules/a.yml", 2),
        ("git:nope:rules/a.yml", "rules/a.yml", 2),
        ("git:HEAD", "rules/a.yml", 2),
        ("git:--help:x", "rules/a.yml", 2),
    ] {
        repository.diff("", &[old, new]).exits(code);
    }
}

/// A revision is read like a file system: from any directory, through links, and without anything that is not a file.
#[test]
fn a_revision_is_read_as_a_disk_is() {
    let repository = Repository::new();
    let write = |name: &str, text: &str| repository.0.write(name, text);
    let link = |to: &str, name: &str| symlink(to, repository.0.path(name)).unwrap();
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
    repository.commit();
    for (within, old, new, code) in [
        ("", "git:HEAD:rules", "rules", 0),
        ("", "git:HEAD:rules/", "rules", 0),
        ("rules", "git:HEAD:rules", ".", 0),
        ("rules", "git:HEAD:./", ".", 0),
        ("rules", "git:HEAD:rules/rules", "rules", 0),
        ("rules", "git:HEAD:./rules", "rules", 0),
        ("rules", "git:HEAD:rules", "rules", 1),
        ("", "git:HEAD:link", "rules", 0),
        ("", "git:HEAD:link.yml", "other.yml", 0),
        ("rules", "git:HEAD:link2.yml", "../other.yml", 0),
        ("", "git:HEAD:folder.yml", "rules/rules", 0),
    ] {
        repository.diff(within, &[old, new]).exits(code);
    }
    for (old, says) in [
        (
            "git:HEAD:broken.yml",
            "the link leads nowhere in the revision",
        ),
        ("git:HEAD:out.yml", "the link leads out of"),
        (
            "git:HEAD:rules/x.yml",
            "has no `*.yml` or `*.yaml` file in it",
        ),
        (
            "git:HEAD@{1 hour ago}:no.yml",
            "there is no `no.yml` in `HEAD@{1 hour ago}`",
        ),
        ("git:nope:no.yml", "git says: invalid object name 'nope'"),
        ("git:HEAD:a\nb", "a path of two lines"),
    ] {
        repository.diff("", &[old, "other.yml"]).exits(2).says(says);
    }
}

/// The diff of a pull request that adds the rules, as in the workflow in `docs/reviewing.md`, and that of a hook.
#[test]
fn rules_that_are_new_or_staged_can_be_compared() {
    let repository = Repository::new();
    repository.0.write("readme", "no rules yet");
    repository.commit();
    repository.0.write("rules/a.yml", RULES);
    repository.git(&["add", "-A"]);
    let edited = RULES.replace("latest", "oldest");
    repository.0.write("rules/a.yml", edited);
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
        repository.diff("", arguments).exits(code).tells(says);
    }
    repository.git(&["commit", "-q", "-m", "rules"]);
    repository
        .diff("", &["git:HEAD@{2099-01-01 10:00}:rules", "rules"])
        .exits(1);
}
