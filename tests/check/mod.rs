//! Findings of `check` about the meaning of rules: against brute force, against Barman, and in formats for other programs.

mod formats;
mod online;
mod random;
