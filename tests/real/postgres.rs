//! Queries to a PostgreSQL server.

use std::process::Command;

use super::prerequisites::POSTGRES;

/// Runs one SQL command on the server at `port` and returns its rows, or the error.
pub fn query(port: u16, sql: &str) -> Result<String, String> {
    query_at("127.0.0.1", port, sql)
}

/// The same on any host; a directory contains the server's socket.
pub fn query_at(host: &str, port: u16, sql: &str) -> Result<String, String> {
    let output = Command::new(format!("{POSTGRES}/psql"))
        .args(["-X", "-A", "-t", "-q", "-v", "ON_ERROR_STOP=1", "-c", sql])
        .env("PGHOST", host)
        .env("PGPORT", port.to_string())
        .env("PGUSER", "postgres")
        .env("PGDATABASE", "postgres")
        .env("PGPASSWORD", "secret-of-postgres")
        .env("PGCONNECT_TIMEOUT", "3")
        .output()
        .map_err(|error| format!("psql: {error}"))?;
    if output.status.success() {
        Ok(String::from_utf8_lossy(&output.stdout)
            .trim_end()
            .to_owned())
    } else {
        Err(String::from_utf8_lossy(&output.stderr)
            .trim_end()
            .to_owned())
    }
}

/// Checks that WAL is streamed through Barman's replication slot there.
pub fn barman_streams(port: u16) -> Result<(), String> {
    let rows = query(
        port,
        "SELECT active FROM pg_replication_slots WHERE slot_name = 'barman'",
    )?;
    if rows == "t" {
        Ok(())
    } else {
        Err(format!("slot barman: `{rows}`"))
    }
}
