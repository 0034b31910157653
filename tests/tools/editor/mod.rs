//! The messages of an editor with the YAML language server while rules files and rule tests are written.

mod server;

use std::fs;
use std::path::{Path, PathBuf};

use server::Server;

use crate::support::text::has;

fn rules() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("rules")
}

fn uri(path: &Path) -> String {
    format!("file://{}", path.display())
}

/// The line and character in a text, from 0, so many bytes after the start of some words.
fn place(text: &str, words: &str, after: usize) -> (usize, usize) {
    let at = text.find(words).unwrap_or_else(|| panic!("no `{words}`")) + after;
    let before = &text[..at];
    let line = before.rfind('\n').map_or(0, |line| line + 1);
    (before.matches('\n').count(), at - line)
}

const RULES: &str = r#"# yaml-language-server: $schema=../schemas/rules.schema.json
version: 1
api: {url: "http://localhost:7480"}
rules:
  - name: follow
    on: on_role_change
    role: primary
    verify: applied
    request:
      type: config_switch
      server: main
      model_name: main:n1
"#;

#[test]
fn an_editor_finds_nothing_in_the_shipped_files() {
    let mut server = Server::start();
    let mut files = 0;
    for folder in [rules(), rules().join("tests")] {
        let Ok(entries) = fs::read_dir(folder) else {
            continue;
        };
        for path in entries
            .map(|entry| entry.unwrap().path())
            .filter(|path| path.is_file())
        {
            let text = fs::read_to_string(&path).unwrap();
            assert!(
                text.starts_with("# yaml-language-server: $schema="),
                "{}",
                path.display()
            );
            assert_eq!(
                server.open(&uri(&path), &text),
                [""; 0],
                "{}",
                path.display()
            );
            files += 1;
        }
    }
    assert!(files >= 7, "only {files} files");
}

#[test]
fn an_editor_finds_what_is_wrong_and_explains_every_key() {
    let mut server = Server::start();
    let broken = RULES
        .replace("on_role_change", "on_promote")
        .replace("verify:", "verfy:");
    let found = server
        .open(&uri(&rules().join("broken.yml")), &broken)
        .join("\n");
    has(&found, "on_role_change");
    has(&found, "verfy");

    let path = uri(&rules().join("explained.yml"));
    assert_eq!(server.open(&path, RULES), [""; 0]);
    for (words, part) in [
        ("verify:", "Barman receives WAL"),
        ("role:", "role"),
        ("model_name:", "model"),
        ("api:", "pg-backup-api"),
    ] {
        let (line, character) = place(RULES, words, 1);
        let said = server.hover(&path, line, character);
        assert!(said.contains(part), "{words} {said}");
    }
}

#[test]
fn an_editor_completes_keys_and_words() {
    let mut server = Server::start();
    for (name, from, to, before, expected) in [
        (
            "completed.yml",
            "main:n1\n",
            "main:n1\n    \n",
            "main:n1\n    ",
            &[
                "when",
                "cluster",
                "retry",
                "poll",
                "fence",
                "on_failure",
                "enabled",
            ][..],
        ),
        (
            "words.yml",
            "on: on_role_change",
            "on: ",
            "    on: ",
            &["on_start", "on_role_change", "create_replica"],
        ),
        (
            "verify.yml",
            "verify: applied",
            "verify: ",
            "verify: ",
            &["streaming"],
        ),
        (
            "request.yml",
            "      model_name: main:n1\n",
            "      \n",
            "server: main\n      ",
            &["model_name", "reset"],
        ),
    ] {
        let text = RULES.replace(from, to);
        let path = uri(&rules().join(name));
        server.open(&path, &text);
        let (line, character) = place(&text, before, before.len());
        let words = server.complete(&path, line, character);
        for word in expected {
            assert!(words.iter().any(|label| label == word), "{word}: {words:?}");
        }
    }
}
