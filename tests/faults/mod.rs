//! Everything that can go wrong between the program and pg-backup-api: the requests, the messages,
//! and the exit code. The target `cases` has more cases as data.

mod crowd;
mod files;
mod network;
mod timing;
