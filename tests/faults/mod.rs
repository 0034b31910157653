//! Everything that can go wrong between the program and pg-backup-api: what is sent, what is said,
//! and the exit code.

mod case;
mod crowd;
mod files;
mod network;
mod timing;

use case::Case;

#[test]
fn each_fault_ends_as_its_case_says() {
    let cases: Vec<Case> = serde_yaml::from_str(include_str!("cases.yml")).unwrap();
    let wrong = case::check_all(&cases);
    assert!(wrong.is_empty(), "{}", wrong.join("\n\n"));
}
