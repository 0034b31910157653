//! The size of the binary.

use std::fs;

use crate::program::BINARY;
use crate::table::{Row, size};

pub fn rows() -> Vec<Row> {
    let bytes = fs::metadata(BINARY).expect("it was built").len();
    vec![Row::alone("release binary", size(bytes), "")]
}
