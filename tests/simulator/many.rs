//! Many clients at once, and a host that goes down and comes back.

use std::io::ErrorKind;
use std::net::{SocketAddr, TcpStream};
use std::sync::{Arc, Barrier};

use patroni_barman::simulator::{Config, Simulator};
use serde_json::json;

use super::client::{Answer, Broken, exchange, get, post};
use crate::support::follow::faulty;
use crate::support::wait::until;

#[test]
fn two_hundred_clients_at_once_are_all_served() {
    const CLIENTS: usize = 200;
    let config = (0..CLIENTS).fold(Config::default(), |config, client| {
        let server = format!("s{client}");
        config.server(&server).model(&format!("{server}:n1"))
    });
    // every answer to a post takes a while, so all of them are under way together
    let simulator = Simulator::start(config.faults("post:slow=300ms".parse().unwrap())).unwrap();
    let address = simulator.address();
    let gate = Arc::new(Barrier::new(CLIENTS));
    let clients: Vec<_> = (0..CLIENTS)
        .map(|client| {
            let gate = Arc::clone(&gate);
            std::thread::spawn(move || {
                gate.wait();
                let body = json!({"type": "config_switch", "model_name": format!("s{client}:n1")});
                let operations = format!("/servers/s{client}/operations");
                let id = post(address, &operations, &body).operation_id();
                get(address, &format!("{operations}/{id}")).json()["status"].clone()
            })
        })
        .collect();
    for client in clients {
        assert_eq!(client.join().unwrap(), "DONE");
    }
    assert_eq!(simulator.served().len(), 2 * CLIENTS);
    for client in 0..CLIENTS {
        assert_eq!(
            simulator.active_model(&format!("s{client}")).unwrap(),
            format!("s{client}:n1")
        );
    }
}

/// Asserts that nothing listens there any more, and that a request that was under way has got no answer.
#[track_caller]
fn is_gone(address: SocketAddr, answer: &Result<Answer, Broken>) {
    let broken = matches!(answer, Err(Broken::Closed(_) | Broken::Reset));
    assert!(broken, "{answer:?}");
    let refused = TcpStream::connect(address).unwrap_err().kind();
    assert_eq!(refused, ErrorKind::ConnectionRefused);
}

#[test]
fn it_goes_down_and_comes_back_with_its_state() {
    let config = Config::default()
        .server("demo")
        .model("demo:n1")
        .faults("diagnose:hang".parse().unwrap());
    let simulator = Simulator::start(config).unwrap();
    let address = simulator.address();
    post(
        address,
        "/servers/demo/operations",
        &json!({"type": "config_switch", "model_name": "demo:n1"}),
    )
    .operation_id();
    let waiting = std::thread::spawn(move || exchange(address, "GET", "/diagnose", None, ""));
    until(|| simulator.served().len() == 2);
    simulator.take_down();
    simulator.take_down();
    is_gone(address, &waiting.join().unwrap());
    simulator.bring_up().unwrap();
    simulator.bring_up().unwrap();
    assert_eq!(get(address, "/status").body, "\"OK\"");
    assert_eq!(simulator.active_model("demo").unwrap(), "demo:n1");
}

#[test]
fn dropping_it_closes_its_port() {
    let simulator = faulty("status:hang");
    let address = simulator.address();
    let waiting = std::thread::spawn(move || exchange(address, "GET", "/status", None, ""));
    until(|| !simulator.served().is_empty());
    drop(simulator);
    is_gone(address, &waiting.join().unwrap());
}
