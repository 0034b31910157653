//! Nothing around a callback delays it: logs, disks, limits, a damaged state.

use std::fs;
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _};
use std::process::Stdio;

use rusqlite::Connection;
use rustix::process::{Pid, Signal, kill_process};

use super::leader;
use crate::support::call::{Call, limited};
use crate::support::wait::{until, wait};

fn mode(path: &std::path::Path) -> u32 {
    fs::metadata(path).unwrap().permissions().mode() & 0o777
}

#[test]
fn a_log_that_is_not_read_holds_up_no_request() {
    let node = leader();
    let (reader, writer) = std::io::pipe().unwrap();
    // a full pipe: the program's output does not fit
    let mut full = writer.try_clone().unwrap();
    rustix::io::ioctl_fionbio(&full, true).unwrap();
    while std::io::Write::write(&mut full, &[b'x'; 4096]).is_ok() {}
    rustix::io::ioctl_fionbio(&full, false).unwrap();
    let mut child = node
        .callback()
        .command()
        .stdout(Stdio::null())
        .stderr(writer)
        .spawn()
        .unwrap();
    let ended = wait(|| child.try_wait().unwrap());
    if ended.is_none() {
        child.kill().unwrap();
        child.wait().unwrap();
    }
    assert_eq!(ended.and_then(|status| status.code()), Some(0));
    assert_eq!(node.active(), "demo:n1");
    drop(reader);
}

#[test]
fn a_limit_of_file_sizes_does_not_end_a_callback() {
    let node = leader();
    let command = node.callback().command();
    limited(&command, "ulimit -f 0").exits(0);
    assert_eq!(node.active(), "demo:n1");
}

#[test]
fn nobody_else_can_read_the_state() {
    let node = leader();
    node.barman().take_down();
    node.promoted().exits(3);
    let folder = node.state().parent().unwrap().to_owned();
    assert_eq!(mode(&folder), 0o700);
    let mut files = 0;
    for entry in fs::read_dir(&folder).unwrap() {
        let path = entry.unwrap().path();
        assert_eq!(mode(&path), 0o600, "{}", path.display());
        files += 1;
    }
    assert!(files >= 3, "{files}");
}

#[test]
fn what_root_makes_belongs_to_the_folders_owner() {
    let node = leader();
    let folder = node.state().parent().unwrap().to_owned();
    fs::create_dir(&folder).unwrap();
    // only root can change the owner of a directory; another user's files belong to that user anyway
    let _ = std::os::unix::fs::chown(&folder, Some(65_534), Some(65_534));
    let expected = fs::metadata(&folder).unwrap().uid();
    node.promoted().exits(0);
    for entry in fs::read_dir(&folder).unwrap() {
        let path = entry.unwrap().path();
        let owner = fs::metadata(&path).unwrap().uid();
        assert_eq!(owner, expected, "{}", path.display());
    }
}

#[test]
fn a_damaged_state_is_moved_aside_and_a_new_one_is_used() {
    let node = leader();
    node.spoil_state();
    node.promoted()
        .exits(0)
        .says("was damaged; it is `")
        .says("state.db.corrupt-");
    assert_eq!(node.outcomes(), ["done"]);
    node.run(["reconcile"]).exits(0);
}

#[test]
fn damage_that_is_found_late_is_moved_aside_too() {
    let node = leader();
    node.promoted().exits(0);
    let database = Connection::open(node.state()).unwrap();
    let page: u32 = database
        .query_row(
            "SELECT rootpage FROM sqlite_schema WHERE name = 'intent'",
            [],
            |row| row.get(0),
        )
        .unwrap();
    drop(database);
    let mut bytes = fs::read(node.state()).unwrap();
    let at = usize::try_from(page - 1).unwrap() * 4096;
    bytes[at..at + 4096].fill(0x55);
    fs::write(node.state(), bytes).unwrap();
    let found = node.promoted().exits(0);
    let found = found.says("database disk image is malformed; continuing without it");
    drop(found);
    let next = node.promoted().exits(0);
    drop(next.says("was damaged; it is `"));
    assert_eq!(node.outcomes(), ["done"]);
    node.run(["reconcile"]).exits(0);
}

#[test]
fn processes_that_make_a_new_state_at_once_all_use_it() {
    let node = leader();
    for _ in 0..5 {
        let _ = fs::remove_dir_all(node.state().parent().unwrap());
        let calls: Vec<_> = (0..5).map(|_| node.call(["reconcile"])).collect();
        let running: Vec<_> = calls.iter().map(Call::start).collect();
        for one in running {
            one.end().never_says("locked").never_says("can't be opened");
        }
    }
}

#[test]
fn a_process_that_stays_opens_its_log_again_and_ends_when_told() {
    let node = leader();
    let log = node.folder().join("log");
    let rotated = node.folder().join("log.1");
    let log_file = log.to_str().unwrap();
    let options = ["--log-file", log_file, "--log-level", "debug"];
    let call = node.call(["reconcile", "--every", "50ms"]).args(options);
    let mut running = call.start();
    until(|| log.exists());
    fs::rename(&log, &rotated).unwrap();
    let pid = Pid::from_raw(running.id().cast_signed()).unwrap();
    kill_process(pid, Signal::HUP).unwrap();
    until(|| log.exists());
    kill_process(pid, Signal::TERM).unwrap();
    assert!(!running.kill_when(|| false));
}

#[test]
fn a_state_that_does_not_answer_holds_up_no_request() {
    let node = leader();
    node.event("on_start", "primary").exits(0);
    let posts = node.posts().len();
    // another process holds the database and hangs
    let other = Connection::open(node.state()).unwrap();
    other.execute_batch("BEGIN EXCLUSIVE").unwrap();
    node.promoted().says("no answer within 1 s").exits(0);
    assert_eq!(node.posts().len(), posts + 1);
    other.execute_batch("ROLLBACK").unwrap();
}
