//! Cases as data, each a test with its own name, so that it can be run and reviewed on its own:
//!
//! ```text
//! cargo test --test cases -- --list
//! cargo test --test cases diagnostics::cases::a-list
//! UPDATE_CASES=1 cargo test --test cases diagnostics::cases::a-list
//! ```
//!
//! The last command records the program's current output; read the difference before you commit it.
#![allow(
    clippy::restriction,
    clippy::disallowed_methods,
    reason = "these rules are the program's; a test that meets something unexpected has failed"
)]

mod diagnostics;
mod faults;
mod help;
mod parity;
mod recorded;
mod session;
#[path = "../support/mod.rs"]
mod support;

use libtest_mimic::Arguments;

/// Most cases spend their time waiting, so more can run at once than there are processors.
const AT_ONCE: usize = 8;

fn main() {
    let mut arguments = Arguments::from_args();
    arguments.test_threads.get_or_insert(AT_ONCE);
    let trials = [
        diagnostics::trials(),
        faults::trials(),
        help::trials(),
        parity::trials(),
        session::trials(),
    ];
    libtest_mimic::run(&arguments, trials.into_iter().flatten().collect()).exit();
}
