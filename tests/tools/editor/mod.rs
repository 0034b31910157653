//! The messages of an editor with the YAML language server while rules files and rule tests are written.

mod server;

use std::fs;
use std::path::{Path, PathBuf};

use server::Server;

fn rules() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("rules")
}

fn uri(path: &Path) -> String {
    format!("file://{}", path.display())
}

/// The line and character of some words in a text, from 0.
fn place(text: &str, words: &str) -> (usize, usize) {
    let at = text.find(words).unwrap_or_else(|| panic!("no `{words}`"));
    let before = &text[..at];
    (
        before.matches('\n').count(),
        at - before.rfind('\n').map_or(0, |line| line + 1),
    )
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
    assert!(found.contains("on_role_change"), "{found}");
    assert!(found.contains("verfy"), "{found}");

    let path = uri(&rules().join("explained.yml"));
    assert_eq!(server.open(&path, RULES), [""; 0]);
    for (words, part) in [
        ("verify:", "Barman receives WAL"),
        ("role:", "role"),
        ("model_name:", "model"),
        ("api:", "pg-backup-api"),
    ] {
        let (line, character) = place(RULES, words);
        let said = server.hover(&path, line, character + 1);
        assert!(said.contains(part), "{words} {said}");
    }
}

#[test]
fn an_editor_completes_keys_and_words() {
    let mut server = Server::start();
    let text = format!("{RULES}    \n");
    let path = uri(&rules().join("completed.yml"));
    server.open(&path, &text);
    let keys = server.complete(&path, text.lines().count() - 1, 4);
    for key in [
        "when",
        "cluster",
        "retry",
        "poll",
        "fence",
        "on_failure",
        "enabled",
    ] {
        assert!(keys.iter().any(|label| label == key), "{key}: {keys:?}");
    }

    let text = RULES.replace("on: on_role_change", "on: ");
    let path = uri(&rules().join("words.yml"));
    server.open(&path, &text);
    let (line, character) = place(&text, "    on: ");
    let words = server.complete(&path, line, character + 8);
    for word in ["on_start", "on_role_change", "create_replica"] {
        assert!(words.iter().any(|label| label == word), "{word}: {words:?}");
    }

    let text = RULES.replace("verify: applied", "verify: ");
    let path = uri(&rules().join("verify.yml"));
    server.open(&path, &text);
    let (line, character) = place(&text, "verify: ");
    let words = server.complete(&path, line, character + 8);
    assert!(words.iter().any(|label| label == "streaming"), "{words:?}");

    let text = RULES.replace("      model_name: main:n1\n", "      \n");
    let path = uri(&rules().join("request.yml"));
    server.open(&path, &text);
    let keys = server.complete(&path, text.lines().count() - 1, 6);
    for key in ["model_name", "reset"] {
        assert!(keys.iter().any(|label| label == key), "{key}: {keys:?}");
    }
}
