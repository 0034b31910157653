//! The pages of an agent in a browser, at the width of a phone and of a desktop, in light and dark mode.

use crate::browser::load;
use crate::support::fleet::Fleet;
use crate::support::folder::Folder;
use crate::support::text::has;

const FLEET: [(&str, &str); 3] = [("main", "east"), ("side", "west"), ("lost", "west")];

/// Looks at a page of the running agent. Returns the browser's document and the width of the page's content, which current
/// browsers write into the title.
fn look(page: &str, width: u32, dark: bool) -> (String, u32) {
    // a browser's window can't be narrower than 500 pixels; a frame in it can
    let script = "const frame = document.querySelector('iframe'); frame.onload = () => { \
        document.title = frame.contentDocument.documentElement.scrollWidth; };";
    let frame = format!(
        "<!doctype html><title>0</title><iframe src=\"page.html\" style=\"border:0;width:{width}px;height:2000px\"></iframe><script>{script}</script>"
    );
    let inner = page.replace("<meta http-equiv=\"refresh\" content=\"10\">", "");
    let folder = Folder::with(&[("frame.html", &frame), ("page.html", &inner)]);
    let scheme = u8::from(!dark);
    let options = [
        "--allow-file-access-from-files",
        "--virtual-time-budget=5000",
        &format!("--blink-settings=preferredColorScheme={scheme}"),
    ];
    let window = (width.max(600), 2000);
    let dom = load(&folder.path("frame.html"), window, &options);
    let title = dom.split("<title>").nth(1).unwrap_or_default();
    let title = title.split('<').next().unwrap_or_default();
    let taken = title.parse().unwrap_or_else(|_| panic!("{dom}"));
    (dom, taken)
}

#[test]
fn the_pages_of_an_agent_fit_a_phone_and_a_desk() {
    let fleet = Fleet::new(&FLEET);
    fleet.tell_all("lost", "silence");
    let mut agent = fleet.agent(&[]);
    agent.until_fine(&["main", "side"]);
    fleet.promote("east", "main", "n2");
    agent.until_it_says("lost: Patroni");
    for (path, seen) in [
        ("/", "unreachable"),
        ("/cluster/main", "main:n2"),
        ("/cluster/lost", "unreachable"),
    ] {
        let page = agent.get(path);
        has(&page, seen);
        for (width, dark) in [(390, false), (390, true), (1280, false), (1280, true)] {
            let (dom, taken) = look(&page, width, dark);
            assert!(
                taken > 0 && taken <= width,
                "{path} takes {taken} of {width} pixels\n{dom}"
            );
        }
    }
}
