//! The connection to the API: names, proxies, prefixes.

use std::io::{BufReader, Write as _};
use std::net::{SocketAddr, TcpStream};
use std::sync::mpsc;
use std::thread;
use std::time::Duration;

use patroni_barman::simulator::{Config, Simulator};

use crate::support::ended::Ended;
use crate::support::http::{self, Message, nowhere};
use crate::support::node::Node;
use crate::support::text::{has, starts};

fn simulator() -> Simulator {
    Simulator::start(Config::default().server("demo").model("demo:n1")).unwrap()
}

fn rules(api: &str) -> String {
    format!(
        "version: 1
api: {{{api}}}
defaults: {{fence: none, verify: none, retry: {{attempts: 2, wait: 10ms, max_wait: 20ms}}}}
rules:
  - name: switch
    on: on_role_change
    role: primary
    request: {{type: config_switch, server: demo, model_name: \"demo:n1\"}}
"
    )
}

/// Runs a callback with these keys of the API.
fn switch(api: &str) -> Ended {
    Node::new(&rules(api)).promoted()
}

/// Asserts that it gave up, with this message.
#[track_caller]
fn assert_not_finished(ended: Ended, message: &str) {
    has(&ended.exits(3).message(), message);
}

#[track_caller]
fn assert_switched(ended: Ended, simulator: &Simulator) {
    ended.exits(0);
    assert_eq!(simulator.active_model("demo").as_deref(), Some("demo:n1"));
}

#[test]
fn a_name_that_is_not_found_is_named() {
    let ended = switch("url: \"http://no-such-host.invalid:7480/x\"");
    let message = "can't find the address of `http://no-such-host.invalid:7480`";
    assert_not_finished(ended, message);
}

#[test]
fn the_environments_proxies_are_ignored() {
    let simulator = simulator();
    let proxy = format!("http://{}", nowhere());
    let node = Node::new(&rules(&format!("url: \"{}\"", simulator.url())));
    let mut callback = node.callback();
    for name in ["HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY"] {
        callback = callback.env(name, &proxy);
        callback = callback.env(&name.to_lowercase(), &proxy);
    }
    assert_switched(callback.run(), &simulator);
}

#[test]
fn the_rules_files_proxy_is_used() {
    let simulator = simulator();
    let (address, asked) = proxy(simulator.address(), "200 OK");
    assert_switched(switch(&through(address)), &simulator);
    let request = asked.recv().unwrap();
    starts(&request, "CONNECT barman.invalid:7480 HTTP/1.1\r\n");
}

/// A server that is only known to this proxy.
fn through(proxy: SocketAddr) -> String {
    format!("url: \"http://barman.invalid:7480\", proxy: \"http://{proxy}\"")
}

#[test]
fn a_proxy_that_lets_nobody_through_or_cannot_reach_the_server_is_tried_again() {
    for status in ["407", "502"] {
        let (address, asked) = proxy(simulator().address(), &format!("{status} No"));
        let message = switch(&through(address)).case(status).exits(3).message();
        let place = format!(
            "gave up after 2 attempts: no connection to `http://barman.invalid:7480` (through the proxy `http://{address}`)"
        );
        has(&message, &place);
        has(&message, status);
        assert_eq!(asked.try_iter().count(), 2, "{status}");
    }
}

#[test]
fn a_proxy_whose_answer_drips_is_not_listened_to_for_ever() {
    for scheme in ["http", "https"] {
        let address = dripping_proxy();
        let api = format!(
            "url: \"{scheme}://barman.invalid:7480\", proxy: \"http://{address}\", timeout: 2s, connect_timeout: 400ms"
        );
        let message = format!(
            "gave up after 2 attempts: no connection to `{scheme}://barman.invalid:7480` (through the proxy `http://{address}`) within 400ms"
        );
        assert_not_finished(switch(&api), &message);
    }
}

#[test]
fn the_scheme_is_read_in_any_case() {
    let simulator = simulator();
    let url = simulator.url().replace("http", "HTTP");
    assert_switched(switch(&format!("url: \"{url}\"")), &simulator);
}

#[test]
fn a_path_prefix_is_kept() {
    for slash in ["", "/"] {
        let config = Config::default()
            .server("demo")
            .model("demo:n1")
            .prefix("/backup/api");
        let simulator = Simulator::start(config).unwrap();
        switch(&format!("url: \"{}{slash}\"", simulator.url())).exits(0);
        let path = &simulator.served()[0].path;
        assert_eq!(path, "/backup/api/servers/demo/operations");
    }
}

/// A proxy with this answer to `CONNECT` that then forwards bytes. The channel receives the
/// request.
fn proxy(behind: SocketAddr, answer: &str) -> (SocketAddr, mpsc::Receiver<String>) {
    let (tell, asked) = mpsc::channel();
    let answer = format!("HTTP/1.1 {answer}\r\n\r\n");
    let address = http::serve(move |mut client| {
        let request = Message::read(&mut BufReader::new(&client));
        if tell.send(request.unwrap().head).is_err() {
            return;
        }
        client.write_all(answer.as_bytes()).unwrap();
        if answer.starts_with("HTTP/1.1 200") {
            let server = TcpStream::connect(behind).unwrap();
            pass_on(client.try_clone().unwrap(), server.try_clone().unwrap());
            pass_on(server, client);
        }
    });
    (address, asked)
}

/// A proxy that answers `CONNECT` byte by byte and never finishes.
fn dripping_proxy() -> SocketAddr {
    http::serve(|mut client| {
        let answer = b"HTTP/1.1 200 OK\r\nX: ".iter().chain(b"x".iter().cycle());
        for byte in answer {
            if client.write_all(&[*byte]).is_err() {
                break;
            }
            thread::sleep(Duration::from_millis(50));
        }
    })
}

fn pass_on(mut from: TcpStream, mut to: TcpStream) {
    thread::spawn(move || {
        let _ = std::io::copy(&mut from, &mut to);
        let _ = to.shutdown(std::net::Shutdown::Write);
    });
}
