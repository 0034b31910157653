//! Any bytes as an answer of pg-backup-api or Patroni.

#![no_main]

use libfuzzer_sys::fuzz_target;
use patroni_barman::barman::{Diagnosis, answer};
use patroni_barman::http::Response;
use patroni_barman::patroni::{read_cluster, read_node};

fuzz_target!(|data: &[u8]| {
    let Some(([low, high], body)) = data.split_first_chunk().map(|(two, rest)| (*two, rest)) else {
        return;
    };
    let status = u16::from_le_bytes([low, high]);
    let response = Response {
        status: 100 + status % 500,
        location: (status > 500).then(|| "https://elsewhere.example/".to_owned()),
        body: body.to_vec(),
        ..Response::default()
    };
    if let Ok(id) = answer::accepted(&response) {
        assert!(!id.as_str().is_empty());
    }
    let _ = answer::progress(&response);
    let _ = answer::operations(&response);
    let _ = answer::diagnosis(&response);
    let _ = answer::alive(&response);
    if let Ok(json) = serde_json::from_slice(body) {
        let _ = Diagnosis::read(&json);
        let _ = read_node(&json);
        let _ = read_cluster(&json);
    }
});
