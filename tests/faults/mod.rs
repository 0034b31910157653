//! Everything that can go wrong between the program and pg-backup-api: what is sent, what is said,
//! and the exit code. The target `cases` has more of it as data.

mod crowd;
mod files;
mod network;
mod timing;
