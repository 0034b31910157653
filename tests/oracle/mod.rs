//! An independent oracle for findings about rules across members: a model of a cluster that tries every sequence.
//!
//! Random rules are generated, `PATRONI_BARMAN_ORACLE_SETS` of them. Rules that `check` calls safe never end wrong
//! in the model; every error has a sequence that does, including the one that the finding describes.

mod generate;
mod world;

use patroni_barman::check::findings;
use patroni_barman::diagnostic::Finding;
use patroni_barman::load::load;
use patroni_barman::model::{Event, Role};
use patroni_barman::source::Source;

use self::generate::{Dice, rules};
use self::world::{Call, Effects, MEMBERS, World, effects};

/// The findings about members and events of leaders.
const ABOUT_MEMBERS: [&str; 3] = ["PB219", "PB220", "PB221"];

/// The content of a finding, parsed from its text.
#[derive(Debug)]
struct Said {
    target: String,
    story: Vec<Call>,
    leader: Option<usize>,
    code: &'static str,
    message: String,
}

fn said(finding: &Finding) -> Option<Said> {
    let code = finding.code.as_str();
    let code = ABOUT_MEMBERS.into_iter().find(|known| *known == code)?;
    let words: Vec<&str> = finding.message.split('`').collect();
    let (head, _) = finding.message.split_once(": ")?;
    let target = if head.starts_with("the model of") {
        format!("model of {}", words[1])
    } else {
        format!("description of {}", words[3])
    };
    let member = |name: &str| MEMBERS.iter().position(|member| *member == name);
    let (_, tale) = finding.message.split_once(": ")?;
    let (tale, leader) = match tale.split_once(", while ") {
        Some((tale, end)) => (tale, member(end.split('`').nth(1)?)),
        None => (tale, None),
    };
    let step = |step: &str| {
        let plain = match (step.split_once(" (where "), step.split_once(") ")) {
            (Some((member, _)), Some((_, rest))) => format!("{member} {rest}"),
            _ => step.to_owned(),
        };
        let words: Vec<&str> = plain.split('`').collect();
        let (event, role) = words[3].split_once(' ').unwrap();
        let call = (
            member(words[1]).unwrap(),
            Event::parse(event).unwrap(),
            Role::parse(role).unwrap(),
        );
        step.contains("and sets it").then_some(call)
    };
    Some(Said {
        target,
        story: tale.split(", then ").filter_map(step).collect(),
        leader,
        code,
        message: finding.message.clone(),
    })
}

/// The disagreements between `check` and the model, for a listener that only receives some findings.
fn disagreements(text: &str, hears: &dyn Fn(&Said) -> bool) -> Vec<String> {
    let sources = [Source::new("rules.yml", text)];
    let rules = load(&sources).rules.unwrap();
    let said: Vec<Said> = findings(&sources).iter().filter_map(said).collect();
    let said: Vec<Said> = said.into_iter().filter(|said| hears(said)).collect();
    let mut wrong = Vec::new();
    for (target, sites) in effects(&rules) {
        let worlds: Vec<World<'_>> = sites
            .iter()
            .map(|effects: &Effects| World::new(effects, &sites))
            .collect();
        let hurts = worlds.iter().any(World::hurts);
        let about: Vec<&Said> = said.iter().filter(|said| said.target == target).collect();
        if hurts == about.is_empty() {
            let verdict = if hurts {
                "calls safe"
            } else {
                "calls an error"
            };
            let why = about.first().map(|said| said.message.as_str());
            wrong.push(format!("`check` {verdict} {target}: {why:?}\n{text}"));
        }
        for said in about.iter().filter(|_| hurts) {
            let mut worlds = worlds.iter();
            if !worlds.any(|world| world.story_hurts(&said.story, said.leader)) {
                let message = &said.message;
                wrong.push(format!("this does not hurt: {message}\n{text}"));
            }
        }
    }
    wrong
}

fn sets(many: usize) -> impl Iterator<Item = String> {
    (0..many).map(|seed| rules(&mut Dice::new(seed as u64 + 1)))
}

fn number_of_sets() -> usize {
    let given = std::env::var("PATRONI_BARMAN_ORACLE_SETS").ok();
    given.map_or(100, |text| text.parse().unwrap())
}

#[test]
fn what_check_says_of_members_is_what_every_sequence_shows() {
    let wrong: Vec<String> = sets(number_of_sets())
        .flat_map(|text| disagreements(&text, &|_| true))
        .collect();
    let first: Vec<&String> = wrong.iter().take(5).collect();
    let text = first.iter().map(|text| text.as_str()).collect::<Vec<_>>();
    assert!(wrong.is_empty(), "{}:\n{}", wrong.len(), text.join("\n"));
}

/// A lint that ignored roles, events, promotions or everything would be detected.
#[test]
fn an_oracle_that_hears_less_disagrees() {
    for deaf in ABOUT_MEMBERS {
        let mut sets = sets(60);
        assert!(
            sets.any(|text| !disagreements(&text, &|said| said.code != deaf).is_empty()),
            "no set needs {deaf}"
        );
    }
}

const HEAD: &str = "version: 1\napi: {url: \"http://b\"}\npatroni: {url: \"http://p\"}\nrules:\n";

/// Known rules, judged only by the model.
#[test]
fn the_model_knows_rules_that_hurt_from_those_that_do_not() {
    let follow = "  - {name: follow, on: [on_role_change, on_start], role: primary, request: {type: config_switch, server: main, model_name: \"m:{{ node }}\"}}\n";
    let reset = |event: &str, role: &str| {
        format!(
            "{follow}  - {{name: reset, on: {event}, role: {role}, request: {{type: config_switch, server: main, reset: true}}}}\n"
        )
    };
    for (hurts, rules) in [
        (false, follow.to_owned()),
        (
            true,
            follow.replace("role: primary", "role: [primary, replica]"),
        ),
        (true, follow.replace("on_role_change, ", "")),
        (true, follow.replace("primary", "replica")),
        (
            false,
            follow
                .replace("server: main", "server: \"own-{{ node }}\"")
                .replace("primary", "replica"),
        ),
        (true, reset("on_stop", "demoted")),
        (false, reset("on_stop", "primary")),
        (true, reset("on_restart", "primary")),
    ] {
        let text = format!("{HEAD}{rules}");
        let rules = load(&[Source::new("rules.yml", text.as_str())])
            .rules
            .unwrap();
        let all = effects(&rules);
        let found = all.values().any(|sites| {
            let mut worlds = sites.iter().map(|effects| World::new(effects, sites));
            worlds.any(|world| world.hurts())
        });
        assert_eq!(found, hurts, "{text}");
        assert_eq!(disagreements(&text, &|_| true), [] as [&str; 0]);
    }
}
