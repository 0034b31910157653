//! The pages of an agent in a browser, at the width of a phone and of a desktop, in light and dark mode.

use std::fs;
use std::path::Path;
use std::process::Command;

use crate::browser::browser;
use crate::support::fleet::Fleet;
use crate::support::wait::until;

const FLEET: [(&str, &str); 3] = [("main", "east"), ("side", "west"), ("lost", "west")];

/// A page of the running agent, with the width of its content; current browsers write that into the title.
fn look(file: &Path, width: u32, dark: bool) -> (String, u32) {
    let folder = tempfile::tempdir().unwrap();
    // a browser's window can't be narrower than 500 pixels; a frame in it can
    let frame = folder.path().join("frame.html");
    let inner = fs::read_to_string(file).unwrap();
    let inner = inner.replace("<meta http-equiv=\"refresh\" content=\"10\">", "");
    fs::write(folder.path().join("page.html"), inner).unwrap();
    let script = "const frame = document.querySelector('iframe'); frame.onload = () => { \
        document.title = frame.contentDocument.documentElement.scrollWidth; };";
    let text = format!(
        "<!doctype html><title>0</title><iframe src=\"page.html\" style=\"border:0;width:{width}px;height:2000px\"></iframe><script>{script}</script>"
    );
    fs::write(&frame, text).unwrap();
    let output = Command::new(browser())
        .args([
            "--headless",
            "--no-sandbox",
            "--disable-gpu",
            "--no-first-run",
        ])
        .args(["--allow-file-access-from-files", "--enable-logging=stderr"])
        .args(["--virtual-time-budget=5000", "--dump-dom"])
        .arg(format!(
            "--blink-settings=preferredColorScheme={}",
            u8::from(!dark)
        ))
        .arg(format!("--window-size={},2000", width.max(600)))
        .arg(format!(
            "--user-data-dir={}",
            folder.path().join("profile").display()
        ))
        .arg(format!("file://{}", frame.display()))
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(!said.contains("CONSOLE"), "{said}");
    let dom = String::from_utf8_lossy(&output.stdout).into_owned();
    let title = dom.split("<title>").nth(1).unwrap_or_default();
    let title = title.split('<').next().unwrap_or_default();
    (
        dom.clone(),
        title.parse().unwrap_or_else(|_| panic!("{dom}")),
    )
}

#[test]
fn the_pages_of_an_agent_fit_a_phone_and_a_desk() {
    let fleet = Fleet::new(&FLEET);
    for member in ["n1", "n2", "n3"] {
        fleet
            .world
            .tell("lost", &format!("silence {member}"))
            .unwrap();
    }
    let mut agent = fleet.agent(&[]);
    agent.until_fine(&["main", "side"]);
    fleet.world.tell("main", "promote n2").unwrap();
    until(|| fleet.active("east", "main") == "main:n2");
    agent.until_it_says("lost: Patroni");
    let folder = tempfile::tempdir().unwrap();
    for (name, path, seen) in [
        ("all", "/", "unreachable"),
        ("main", "/cluster/main", "main:n2"),
        ("lost", "/cluster/lost", "unreachable"),
    ] {
        let page = agent.get(path);
        assert!(page.contains(seen), "{page}");
        let file = folder.path().join(format!("{name}.html"));
        fs::write(&file, page).unwrap();
        for width in [390, 1280] {
            for dark in [false, true] {
                let (dom, taken) = look(&file, width, dark);
                assert!(
                    taken > 0 && taken <= width,
                    "{path} takes {taken} of {width} pixels\n{dom}"
                );
            }
        }
    }
}
