use std::path::Path;
use std::task::{Context, Poll, Waker};

use serde_json::json;

use super::*;
use crate::evaluate::{Facts, Step, evaluate};
use crate::execute::{Progress, StepOutcome, StepReport};
use crate::load::load;
use crate::model::{Event, Role, Way};
use crate::source::Source;
use crate::store::Owner;

/// A clock on which time passes only while everybody waits.
#[derive(Default)]
struct Stepped {
    now: Cell<Duration>,
    wakes: RefCell<Vec<Duration>>,
}

impl Clock for Stepped {
    fn now(&self) -> Duration {
        self.now.get()
    }

    fn wall(&self) -> Duration {
        self.now.get()
    }

    fn random(&self) -> f64 {
        0.5
    }

    async fn sleep(&self, duration: Duration) {
        let end = self.now.get().saturating_add(duration);
        self.wakes.borrow_mut().push(end);
        std::future::poll_fn(|_| {
            if self.now.get() >= end {
                Poll::Ready(())
            } else {
                Poll::Pending
            }
        })
        .await;
    }
}

impl Stepped {
    fn run<F: Future>(&self, future: F) -> F::Output {
        let mut future = std::pin::pin!(future);
        let mut context = Context::from_waker(Waker::noop());
        loop {
            if let Poll::Ready(output) = future.as_mut().poll(&mut context) {
                return output;
            }
            let now = self.now.get();
            let later = |wake: &Duration| *wake > now;
            let next = self.wakes.borrow().iter().copied().filter(later).min();
            self.now.set(next.unwrap());
        }
    }
}

/// Records deliveries with their time in seconds.
struct Bag<'a> {
    clock: &'a Stepped,
    delivered: &'a RefCell<Vec<String>>,
    /// Nobody can be reached before this time.
    opens: Duration,
}

impl Courier for Bag<'_> {
    async fn deliver(&self, receiver: &Receiver, message: &Message) -> Result<(), Undelivered> {
        if self.clock.now() < self.opens {
            return Err(Undelivered::at_all("closed".to_owned()));
        }
        let json = json!(message);
        let word = |key: &str| json[key].as_str().unwrap().to_owned();
        let (second, name) = (self.clock.now().as_secs(), &receiver.name);
        let said = format!("{second} {name} {} {}", word("class"), word("state"));
        self.delivered.borrow_mut().push(said);
        Ok(())
    }

    fn complain(&self, _: &Receiver, _: &str) {}
}

fn step() -> Step {
    let rules = r#"{version: 1, api: {url: "http://b"}, patroni: {url: "http://p"}, rules: [{name: r, on: on_role_change,
        role: primary, request: {type: config_switch, server: main, model_name: m}}]}"#;
    let rules = load(&[Source::new("rules.yml", rules)]).rules.unwrap();
    let facts = Facts::new(Event::OnRoleChange, Role::Primary, "demo");
    evaluate(&rules, &facts).unwrap().steps.remove(0)
}

fn receiver(name: &str, after: u64) -> Receiver {
    Receiver {
        name: name.to_owned(),
        way: Way::Command(vec!["/bin/true".to_owned()]),
        timeout: Receiver::TIMEOUT,
        after: Duration::from_secs(after),
        classes: IncidentClass::ALL.to_vec(),
    }
}

fn seconds(seconds: u64) -> Duration {
    Duration::from_secs(seconds)
}

/// The deliveries to two receivers during some work and after it.
fn delivered(opens: u64, work: impl AsyncFnOnce(&Stepped, &dyn Fn(&Progress<'_>))) -> Vec<String> {
    let (clock, delivered) = (Stepped::default(), RefCell::default());
    let receivers = [receiver("chat", 60), receiver("pager", 600)];
    let bag = Bag {
        clock: &clock,
        delivered: &delivered,
        opens: seconds(opens),
    };
    let substitute = Substitute::default();
    let desk = Desk::new(&receivers, "rules.yml".to_owned(), None, bag, &substitute);
    let (attention, store) = (Attention::default(), Sqlite::in_memory().unwrap());
    let report = |observations| Report {
        cluster: "demo".to_owned(),
        member: None,
        source: "callback".to_owned(),
        extent: Extent::Observed,
        observations,
    };
    clock.run(async {
        let note = |progress: &Progress<'_>| attention.note(progress, &clock);
        let work = work(&clock, &note);
        desk.beside(work, &attention, &report, Some(&store), &clock)
            .await;
        let report = report(attention.ends());
        desk.tell(report, Some(&store), &clock, Duration::MAX).await;
    });
    delivered.into_inner()
}

fn waiting(step: &Step) -> Progress<'_> {
    Progress::Waiting {
        step,
        reason: "connection refused",
        wait: seconds(10),
    }
}

fn settled(step: &Step, outcome: StepOutcome) -> StepReport {
    StepReport {
        rule: step.rule.clone(),
        request: step.post(),
        operation_id: None,
        attempts: 1,
        duration: Duration::ZERO,
        outcome,
        message: None,
    }
}

#[test]
fn each_receiver_is_told_once_its_patience_is_over_and_once_at_the_end() {
    let step = step();
    let told = delivered(0, async |clock, note| {
        clock.sleep(seconds(5)).await;
        for _ in 0..360 {
            note(&waiting(&step));
            clock.sleep(seconds(10)).await;
        }
        note(&Progress::Settled {
            step: &step,
            report: &settled(&step, StepOutcome::Done),
        });
    });
    let expected = [
        "65 chat unfinished open",
        "605 pager unfinished open",
        "3605 chat unfinished over",
        "3605 pager unfinished over",
    ];
    assert_eq!(told, expected);
}

#[test]
fn trouble_that_passes_is_not_told() {
    let step = step();
    let told = delivered(0, async |clock, note| {
        note(&waiting(&step));
        clock.sleep(seconds(30)).await;
        note(&Progress::Settled {
            step: &step,
            report: &settled(&step, StepOutcome::Done),
        });
        clock.sleep(seconds(120)).await;
    });
    assert!(told.is_empty(), "{told:?}");
}

#[test]
fn an_operation_that_runs_is_no_trouble() {
    let (step, id) = (step(), crate::model::Name::new("1").unwrap());
    let told = delivered(0, async |clock, note| {
        note(&waiting(&step));
        clock.sleep(seconds(10)).await;
        note(&Progress::Accepted {
            step: &step,
            id: &id,
        });
        clock.sleep(seconds(3000)).await;
    });
    assert!(told.is_empty(), "{told:?}");
}

#[test]
fn a_receiver_that_cannot_be_reached_is_tried_again_while_the_work_goes_on() {
    let step = step();
    let told = delivered(150, async |clock, note| {
        note(&waiting(&step));
        clock.sleep(seconds(300)).await;
        note(&Progress::Settled {
            step: &step,
            report: &settled(&step, StepOutcome::Failed),
        });
    });
    let expected = [
        "180 chat unfinished open",
        "300 chat unfinished over",
        "300 chat failed open",
        "300 pager failed open",
    ];
    assert_eq!(told, expected);
}

/// Delivers slowly, so that a process can be killed before, while and after it does.
struct Slow<'a> {
    clock: &'a Stepped,
    delivered: &'a RefCell<Vec<String>>,
}

impl Courier for Slow<'_> {
    async fn deliver(&self, _: &Receiver, message: &Message) -> Result<(), Undelivered> {
        self.clock.sleep(seconds(1)).await;
        let state = json!(message)["state"].as_str().unwrap().to_owned();
        self.delivered.borrow_mut().push(state);
        self.clock.sleep(seconds(1)).await;
        Ok(())
    }

    fn complain(&self, _: &Receiver, _: &str) {}
}

/// A process that reports one thing, and is killed after so many seconds if it has not ended by then. Returns whether it was.
fn process(
    path: &Path,
    number: usize,
    seen: Seen,
    dies: u64,
    delivered: &RefCell<Vec<String>>,
) -> bool {
    let clock = Stepped::default();
    let own = format!("process {number}");
    let alive = own.clone();
    let store = Sqlite::open(path).unwrap();
    let store = store.owned_by(Owner::read(&own), move |owner| owner.as_str() == alive);
    let (receivers, substitute) = ([receiver("chat", 0)], Substitute::default());
    let courier = Slow {
        clock: &clock,
        delivered,
    };
    let desk = Desk::new(
        &receivers,
        "rules.yml".to_owned(),
        None,
        courier,
        &substitute,
    );
    let report = Report {
        cluster: "demo".to_owned(),
        member: None,
        source: "callback".to_owned(),
        extent: Extent::Observed,
        observations: vec![Observation {
            class: IncidentClass::Failed,
            key: "it".to_owned(),
            subject: "it".to_owned(),
            targets: Vec::new(),
            member: None,
            seen,
        }],
    };
    let work = desk.tell(report, Some(&store), &clock, Duration::MAX);
    let ended = clock.run(within(&clock, Duration::from_millis(dies), work));
    ended.is_none()
}

#[test]
fn whatever_is_killed_the_end_of_what_was_told_is_told() {
    let wrong = || Seen::Wrong {
        message: "broken".to_owned(),
        since: Duration::ZERO,
        may_pass: false,
        calm: Duration::ZERO,
    };
    let deaths = [500, 1_500, 9_000];
    for first in deaths {
        for second in deaths {
            for third in deaths {
                let folder = tempfile::tempdir().unwrap();
                let (path, delivered) = (folder.path().join("state.db"), RefCell::default());
                let well = || Seen::Well("mended".to_owned());
                let mut killed = 0;
                for (number, (seen, dies)) in [
                    (wrong(), first),
                    (wrong(), second),
                    (well(), third),
                    (well(), 9_000),
                    (well(), 9_000),
                ]
                .into_iter()
                .enumerate()
                {
                    killed += usize::from(process(&path, number, seen, dies, &delivered));
                }
                let told = delivered.into_inner();
                let count = |state: &str| told.iter().filter(|one| *one == state).count();
                let story = format!("{first} {second} {third}: {told:?}");
                assert!(count("open") <= 1 + killed, "{story}");
                assert!((1..=1 + killed).contains(&count("over")), "{story}");
                if killed == 0 {
                    assert_eq!(told, ["open", "over"], "{story}");
                }
            }
        }
    }
}
