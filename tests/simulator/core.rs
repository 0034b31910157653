//! The core without HTTP: driven by the test's own clock, with arbitrary input.

use std::time::Duration;

use patroni_barman::simulator::api::Api;
use patroni_barman::simulator::barman::Barman;
use patroni_barman::simulator::service::{Delivery, Served, Service};
use patroni_barman::simulator::{Config, Moment, Request, SameSecond};
use proptest::prelude::*;
use serde_json::{Value, json};

fn service(same_second: SameSecond, faults: &str) -> Service<Barman> {
    let config = Config::default()
        .server("demo")
        .model("demo:n1")
        .model("demo:n2")
        .model("other:x")
        .backup("demo", "20260101T000000")
        .operation_time(Duration::from_millis(700));
    let api = Api::new(Barman::new(&config).unwrap(), "", same_second);
    Service::new(api, faults.parse().unwrap())
}

fn at(milliseconds: u64) -> Moment {
    let elapsed = Duration::from_millis(milliseconds);
    Moment {
        elapsed,
        wall: Duration::from_secs(1_795_405_531) + elapsed,
    }
}

/// Values of any type, often in places where they have a meaning.
fn any_json() -> impl Strategy<Value = Value> {
    let word = prop_oneof![
        Just("demo"),
        Just("demo:n1"),
        Just("other:x"),
        Just("server"),
        Just("model"),
        Just("recovery"),
        Just("config_switch"),
        Just("config_update"),
        Just("latest"),
        Just("on"),
        Just("")
    ];
    let key = prop_oneof![
        Just("type"),
        Just("model_name"),
        Just("server_name"),
        Just("reset"),
        Just("backup_id"),
        Just("remote_ssh_command"),
        Just("destination_directory"),
        Just("changes"),
        Just("scope"),
        Just("cluster"),
        Just("description"),
        Just("active"),
        Just("check_timeout"),
    ];
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        word.prop_map(Value::from),
        ".*".prop_map(Value::from),
    ];
    leaf.prop_recursive(4, 24, 5, move |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..3).prop_map(Value::from),
            prop::collection::vec((key.clone(), inner), 0..5).prop_map(|entries| {
                entries
                    .into_iter()
                    .map(|(key, value)| (key.to_owned(), value))
                    .collect::<serde_json::Map<_, _>>()
                    .into()
            }),
        ]
    })
}

fn any_request() -> impl Strategy<Value = Request> {
    let path = prop_oneof![
        4 => Just("/servers/demo/operations".to_owned()),
        2 => Just("/operations".to_owned()),
        1 => Just("/diagnose".to_owned()),
        1 => Just("/servers/demo/operations/20261123T034531".to_owned()),
        1 => "/.*",
    ];
    let method =
        prop_oneof![4 => Just("POST".to_owned()), 2 => Just("GET".to_owned()), 1 => "[A-Z]{1,8}"];
    let body = prop_oneof![
        6 => any_json().prop_map(|value| value.to_string().into_bytes()),
        1 => prop::collection::vec(any::<u8>(), 0..40)
    ];
    (method, path, body).prop_map(|(method, path, body)| Request {
        method,
        path,
        content_type: Some("application/json".to_owned()),
        body,
    })
}

fn play(service: &mut Service<Barman>, requests: &[(u64, Request)]) -> Vec<(Served, Delivery)> {
    let mut now = 0;
    let mut serve = |(pause, request): &(u64, Request)| {
        now += pause;
        service.serve(at(now), request)
    };
    requests.iter().map(&mut serve).collect()
}

#[test]
fn a_late_request_is_taken_up_at_its_time_and_in_its_order() {
    let mut service = service(SameSecond::Refuse, "post:late=25s*1,post:late=5s*1");
    let switch = |model: &str| Request {
        method: "POST".to_owned(),
        path: "/servers/demo/operations".to_owned(),
        content_type: Some("application/json".to_owned()),
        body: json!({"type": "config_switch", "model_name": model})
            .to_string()
            .into_bytes(),
    };
    for (model, time) in [("demo:n1", 25), ("demo:n2", 5)] {
        let (served, delivery) = service.serve(at(0), &switch(model));
        assert_eq!(delivery, Delivery::ResetAfter(Duration::from_secs(time)));
        assert_eq!(served.status, None);
    }
    for (time, model) in [
        (5_600, None),
        (5_800, Some("demo:n2")),
        (25_600, Some("demo:n2")),
        (25_800, Some("demo:n1")),
    ] {
        service.advance(at(time));
        let active = service.api().backend().active_model(at(time), "demo");
        assert_eq!(active.as_deref(), model, "{time}");
    }
}

#[test]
fn what_is_streamed_over_http_is_whole_without_it() {
    let mut service = service(SameSecond::Refuse, "status:ok").filled(Some("3x1".parse().unwrap()));
    let diagnose = Request {
        method: "GET".to_owned(),
        path: "/diagnose".to_owned(),
        content_type: None,
        body: Vec::new(),
    };
    let (_, delivery) = service.serve(at(0), &diagnose);
    let Delivery::Send(response) = delivery else {
        panic!("{delivery:?}")
    };
    let state: Value = serde_json::from_str(&response.body).unwrap();
    assert_eq!(state["servers"].as_object().unwrap().len(), 4);
}

proptest! {
    #[test]
    fn whatever_comes_is_answered_and_the_same_way_again(
        requests in prop::collection::vec((0_u64..900, any_request()), 1..30)
    ) {
        let answers = play(&mut service(SameSecond::Refuse, "poll:gone*1"), &requests);
        prop_assert_eq!(&answers, &play(&mut service(SameSecond::Refuse, "poll:gone*1"), &requests));
        for (served, delivery) in &answers {
            let Delivery::Send(response) = delivery else { panic!("{delivery:?}") };
            prop_assert_eq!(served.status, Some(response.status));
            prop_assert!([200, 202, 400, 404, 405, 500].contains(&response.status), "{:?}", response);
            if response.content_type == "application/json" {
                prop_assert!(serde_json::from_str::<Value>(&response.body).is_ok());
            }
        }
    }

    #[test]
    fn no_id_is_given_twice_unless_asked_for(pauses in prop::collection::vec(0_u64..2_000, 1..40)) {
        let switch = |model: &str| Request {
            method: "POST".to_owned(),
            path: "/servers/demo/operations".to_owned(),
            content_type: Some("application/json".to_owned()),
            body: json!({"type": "config_switch", "model_name": model}).to_string().into_bytes(),
        };
        let requests: Vec<_> = pauses.iter().map(|pause| (*pause, switch("demo:n1"))).collect();
        let ids = |same_second| -> Vec<String> {
            let answers = play(&mut service(same_second, "status:ok"), &requests);
            let body = |delivery: &Delivery| match delivery {
                Delivery::Send(response) => response.body.clone(),
                other => panic!("{other:?}"),
            };
            answers.iter().filter(|(served, _)| served.status == Some(202)).map(|(_, delivery)| body(delivery)).collect()
        };
        let mut distinct = ids(SameSecond::Refuse);
        let accepted = distinct.len();
        distinct.dedup();
        prop_assert_eq!(distinct.len(), accepted);
        for same_second in [SameSecond::KeepFirst, SameSecond::KeepLast] {
            let mut shared = ids(same_second);
            prop_assert_eq!(shared.len(), requests.len());
            shared.dedup();
            prop_assert_eq!(&shared, &distinct);
        }
    }
}
