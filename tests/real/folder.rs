//! The directory of one stack, and free ports.

use std::net::TcpListener;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU16, Ordering};

/// A new directory in which every user may create directories, with `logs` in it.
pub fn create() -> PathBuf {
    let folder = tempfile::Builder::new()
        .prefix("patroni_barman-")
        .tempdir()
        .expect("a folder")
        .keep();
    let open = |path: &Path, mode| {
        std::fs::set_permissions(path, PermissionsExt::from_mode(mode)).expect("its mode");
    };
    open(&folder, 0o1777);
    std::fs::create_dir(folder.join("logs")).expect("a folder for logs");
    open(&folder.join("logs"), 0o755);
    folder
}

/// Writes a file that everyone may read.
pub fn write(path: &Path, text: &str) {
    std::fs::write(path, text).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    let mode = if text.starts_with("#!") { 0o755 } else { 0o644 };
    std::fs::set_permissions(path, PermissionsExt::from_mode(mode)).expect("its mode");
}

/// A free port below the range of outgoing connections, so that none of these
/// takes it while its program is being restarted.
pub fn port() -> u16 {
    static NEXT: AtomicU16 = AtomicU16::new(0);
    const FIRST: u16 = 20_000;
    const COUNT: u16 = 12_000;
    let start = std::process::id().wrapping_mul(97) % u32::from(COUNT);
    for _ in 0..COUNT {
        let next = NEXT.fetch_add(1, Ordering::Relaxed);
        let offset = (start + u32::from(next)) % u32::from(COUNT);
        let port = FIRST + u16::try_from(offset).expect("below COUNT");
        if TcpListener::bind(("127.0.0.1", port)).is_ok() {
            return port;
        }
    }
    panic!("no free port on 127.0.0.1");
}
