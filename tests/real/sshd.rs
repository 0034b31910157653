//! A private sshd that lets Barman's account in as postgres.

use super::guard::{Guard, Process, Spec};
use super::wait::{self, seconds};
use super::{folder, template};

/// A running sshd.
pub struct Sshd {
    /// What Barman has to run to reach it.
    pub command: String,
    _process: Process,
}

impl Sshd {
    /// Makes the keys and starts it. It runs as postgres: it has to let nobody else in.
    pub fn start(guard: &Guard) -> Self {
        let port = folder::port();
        let (server, client) = (guard.folder().join("sshd"), guard.folder().join("ssh"));
        for (user, home, key) in [("postgres", &server, "host_key"), ("barman", &client, "id")] {
            let make = ["install", "-d", "-m", "711", &home.display().to_string()];
            guard.must(&Spec::new("setup", make).user(user), seconds(10));
            let path = home.join(key).display().to_string();
            let words = ["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", &path];
            guard.must(&Spec::new("setup", words).user(user), seconds(10));
        }
        let public = client.join("id.pub").display().to_string();
        let authorized = server.join("authorized_keys").display().to_string();
        let words = ["install", "-m", "600", &public, &authorized];
        guard.must(&Spec::new("setup", words).user("postgres"), seconds(10));
        let config = template::fill(
            &template::read("sshd_config"),
            &[
                ("127.0.0.1:22", &format!("127.0.0.1:{port}")),
                ("/srv/sshd", &server.display().to_string()),
            ],
        );
        let path = guard.folder().join("sshd_config");
        folder::write(&path, &config);
        let words = [
            "/usr/sbin/sshd",
            "-D",
            "-e",
            "-f",
            &path.display().to_string(),
        ];
        let process = guard.start(&Spec::new("sshd", words).user("postgres"));
        wait::until(seconds(10), "sshd", || {
            std::net::TcpStream::connect(("127.0.0.1", port))
        });
        let command = format!(
            "ssh -p {port} -i {} -o BatchMode=yes -o StrictHostKeyChecking=no -o UserKnownHostsFile=/dev/null \
             -o LogLevel=ERROR postgres@127.0.0.1",
            client.join("id").display()
        );
        Self {
            command,
            _process: process,
        }
    }
}
