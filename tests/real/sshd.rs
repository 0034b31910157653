//! A private sshd that lets one account log in as another.

use super::guard::{Guard, Process, Spec};
use super::wait::{self, seconds};
use super::{folder, template};

pub struct Sshd {
    /// The command that reaches it.
    pub command: String,
    /// The same without the destination.
    pub options: String,
    _process: Process,
}

impl Sshd {
    /// Creates the keys and starts it. It runs as `to`, the only account it has to serve. Commands are searched for in `path`.
    pub fn start(guard: &Guard, to: &'static str, from: &'static str, path: &str) -> Self {
        let port = folder::port();
        let server = guard.folder().join(format!("sshd-{to}"));
        let client = guard.folder().join(format!("ssh-{from}"));
        for (user, home, key) in [(to, &server, "host_key"), (from, &client, "id")] {
            let make = ["install", "-d", "-m", "711", &home.display().to_string()];
            guard.set_up(user, &make);
            let path = home.join(key).display().to_string();
            let words = ["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", &path];
            guard.set_up(user, &words);
        }
        let public = client.join("id.pub").display().to_string();
        let authorized = server.join("authorized_keys").display().to_string();
        let words = ["install", "-m", "600", &public, &authorized];
        guard.set_up(to, &words);
        let config = template::fill(
            &template::read("sshd_config"),
            &[
                ("127.0.0.1:22", &format!("127.0.0.1:{port}")),
                ("/srv/sshd", &server.display().to_string()),
            ],
        );
        let config = format!("{config}SetEnv PATH={path}\n");
        let path = guard.folder().join(format!("sshd_config-{to}"));
        folder::write(&path, &config);
        let words = [
            "/usr/sbin/sshd",
            "-D",
            "-e",
            "-f",
            &path.display().to_string(),
        ];
        let process = guard.start(&Spec::new(format!("sshd-{to}"), words).user(to));
        wait::until(seconds(10), "sshd", || {
            std::net::TcpStream::connect(("127.0.0.1", port))
        });
        let options = format!(
            "/usr/bin/ssh -p {port} -i {} -o BatchMode=yes -o StrictHostKeyChecking=no -o UserKnownHostsFile=/dev/null \
             -o LogLevel=ERROR",
            client.join("id").display()
        );
        Self {
            command: format!("{options} {to}@127.0.0.1"),
            options,
            _process: process,
        }
    }
}
