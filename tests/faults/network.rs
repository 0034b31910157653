//! The connection to the API: names, proxies, prefixes.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::mpsc;
use std::thread;
use std::time::Duration;

use patroni_barman::simulator::{Config, Simulator};

use crate::support::call::Ended;
use crate::support::node::Node;

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

/// An address without a listener.
fn nowhere() -> SocketAddr {
    TcpListener::bind("127.0.0.1:0")
        .unwrap()
        .local_addr()
        .unwrap()
}

fn assert_not_finished(ended: &Ended, message: &str) {
    assert_eq!(ended.exit, 3, "{ended:?}");
    assert!(ended.message().contains(message), "{}", ended.message());
}

#[test]
fn a_name_that_is_not_found_is_named() {
    let ended = Node::new(&rules("url: \"http://no-such-host.invalid:7480/x\""))
        .callback()
        .run();
    let message = "can't find the address of `http://no-such-host.invalid:7480`";
    assert_not_finished(&ended, message);
}

#[test]
fn the_environments_proxies_are_ignored() {
    let simulator = simulator();
    let proxy = format!("http://{}", nowhere());
    let node = Node::new(&rules(&format!("url: \"{}\"", simulator.url())));
    let mut callback = node.callback();
    for name in [
        "HTTP_PROXY",
        "http_proxy",
        "HTTPS_PROXY",
        "https_proxy",
        "ALL_PROXY",
        "all_proxy",
    ] {
        callback = callback.env(name, &proxy);
    }
    let ended = callback.run();
    assert_eq!(ended.exit, 0, "{ended:?}");
    assert_eq!(simulator.active_model("demo").as_deref(), Some("demo:n1"));
}

#[test]
fn the_rules_files_proxy_is_used() {
    let simulator = simulator();
    let (address, asked) = proxy(simulator.address(), b"HTTP/1.1 200 OK\r\n\r\n");
    let api = format!("url: \"http://barman.invalid:7480\", proxy: \"http://{address}\"");
    let ended = Node::new(&rules(&api)).callback().run();
    assert_eq!(ended.exit, 0, "{ended:?}");
    assert_eq!(simulator.active_model("demo").as_deref(), Some("demo:n1"));
    assert!(
        asked
            .recv()
            .unwrap()
            .starts_with("CONNECT barman.invalid:7480 HTTP/1.1\r\n")
    );
}

#[test]
fn a_proxy_that_lets_nobody_through_is_tried_again() {
    let simulator = simulator();
    let (address, asked) = proxy(simulator.address(), b"HTTP/1.1 407 No\r\n\r\n");
    let api = format!("url: \"http://barman.invalid:7480\", proxy: \"http://{address}\"");
    let ended = Node::new(&rules(&api)).callback().run();
    assert_eq!(ended.exit, 3, "{ended:?}");
    let message = ended.message();
    let place = format!(
        "no connection to `http://barman.invalid:7480` (through the proxy `http://{address}`)"
    );
    assert!(
        message.contains(&place) && message.contains("407"),
        "{message}"
    );
    assert_eq!(asked.try_iter().count(), 2);
}

#[test]
fn a_proxy_that_can_not_reach_the_server_is_tried_again() {
    let simulator = simulator();
    let (address, asked) = proxy(simulator.address(), b"HTTP/1.1 502 No\r\n\r\n");
    let api = format!("url: \"http://barman.invalid:7480\", proxy: \"http://{address}\"");
    let ended = Node::new(&rules(&api)).callback().run();
    assert_not_finished(
        &ended,
        "gave up after 2 attempts: no connection to `http://barman.invalid:7480`",
    );
    assert_eq!(asked.try_iter().count(), 2);
}

#[test]
fn a_proxy_whose_answer_drips_is_not_listened_to_for_ever() {
    for scheme in ["http", "https"] {
        let address = dripping_proxy();
        let api = format!(
            "url: \"{scheme}://barman.invalid:7480\", proxy: \"http://{address}\", timeout: 2s, connect_timeout: 400ms"
        );
        let ended = Node::new(&rules(&api)).callback().run();
        let message = format!(
            "gave up after 2 attempts: no connection to `{scheme}://barman.invalid:7480` (through the proxy `http://{address}`) within 400ms"
        );
        assert_not_finished(&ended, &message);
    }
}

#[test]
fn the_scheme_is_read_in_any_case() {
    let simulator = simulator();
    let url = simulator.url().replace("http", "HTTP");
    let ended = Node::new(&rules(&format!("url: \"{url}\"")))
        .callback()
        .run();
    assert_eq!(ended.exit, 0, "{ended:?}");
    assert_eq!(simulator.active_model("demo").as_deref(), Some("demo:n1"));
}

#[test]
fn a_path_prefix_is_kept() {
    for slash in ["", "/"] {
        let config = Config::default()
            .server("demo")
            .model("demo:n1")
            .prefix("/backup/api");
        let simulator = Simulator::start(config).unwrap();
        let api = format!("url: \"{}{slash}\"", simulator.url());
        let ended = Node::new(&rules(&api)).callback().run();
        assert_eq!(ended.exit, 0, "{ended:?}");
        assert_eq!(
            simulator.served()[0].path,
            "/backup/api/servers/demo/operations"
        );
    }
}

/// A proxy with this answer to `CONNECT` that then forwards bytes. The channel receives the
/// request.
fn proxy(behind: SocketAddr, answer: &'static [u8]) -> (SocketAddr, mpsc::Receiver<String>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    let (tell, asked) = mpsc::channel();
    thread::spawn(move || {
        for client in listener.incoming() {
            let mut client = client.unwrap();
            let mut head = Vec::new();
            while !head.ends_with(b"\r\n\r\n") {
                let mut byte = [0];
                if client.read(&mut byte).unwrap() == 0 {
                    break;
                }
                head.push(byte[0]);
            }
            if tell.send(String::from_utf8(head).unwrap()).is_err() {
                return;
            }
            client.write_all(answer).unwrap();
            if answer.starts_with(b"HTTP/1.1 200") {
                let server = TcpStream::connect(behind).unwrap();
                pass_on(client.try_clone().unwrap(), server.try_clone().unwrap());
                pass_on(server, client);
            }
        }
    });
    (address, asked)
}

/// A proxy that answers `CONNECT` byte by byte and never finishes.
fn dripping_proxy() -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    thread::spawn(move || {
        for client in listener.incoming() {
            let mut client = client.unwrap();
            thread::spawn(move || {
                let answer = b"HTTP/1.1 200 OK\r\nX: ".iter().chain(b"x".iter().cycle());
                for byte in answer {
                    if client.write_all(&[*byte]).is_err() {
                        break;
                    }
                    thread::sleep(Duration::from_millis(50));
                }
            });
        }
    });
    address
}

fn pass_on(mut from: TcpStream, mut to: TcpStream) {
    thread::spawn(move || {
        let _ = std::io::copy(&mut from, &mut to);
        let _ = to.shutdown(std::net::Shutdown::Write);
    });
}
