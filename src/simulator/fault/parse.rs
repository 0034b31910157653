//! The notation of faults: `WHERE:WHAT[*COUNT]`, separated by commas.

use std::str::FromStr;

use crate::model::duration;

use super::{Answer, Count, Effect, Fault, Faults, Place, Target};

const POSSIBLE: &str = "\
write `WHERE:WHAT` or `WHERE:WHAT*COUNT`, separated by commas
  WHERE: status, post, poll, list, diagnose, any, receiver, or a path such as /diagnose or /servers/demo
  WHAT:  refuse, hang, hang=DURATION, slow=DURATION, late=DURATION, reset, truncate, a status such as 500, 503+retry-after=1, \
503+accepted or 404+nginx, garbage, empty, stuck (post, poll), gone (post, poll), fail (post, receiver), fail-done (post), \
lost-accept, redirect, ok
  COUNT: how often, from 1; without it always";

/// A fault that can't be read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("fault `{fault}`: {problem}\n{POSSIBLE}")]
pub struct FaultError {
    /// The fault as written.
    pub fault: String,
    /// The problem with it.
    pub problem: String,
}

impl FromStr for Faults {
    type Err = FaultError;

    fn from_str(text: &str) -> Result<Self, FaultError> {
        let faults = text.split(',').map(|fault| fault.trim().parse());
        let faults = faults.collect::<Result<_, _>>()?;
        Ok(Self { faults })
    }
}

impl FromStr for Fault {
    type Err = FaultError;

    fn from_str(text: &str) -> Result<Self, FaultError> {
        parse(text).map_err(|problem| FaultError {
            fault: text.to_owned(),
            problem,
        })
    }
}

fn parse(fault: &str) -> Result<Fault, String> {
    let (text, count) = match fault.rsplit_once('*') {
        None => (fault, Count::Always),
        Some((text, count)) => match count.parse() {
            Ok(times) if times > 0 => (text, Count::Times(times)),
            _ => return Err(format!("`{count}` is not a count")),
        },
    };
    let (place, effect) = text.rsplit_once(':').ok_or("there is no `:`")?;
    let place = parse_place(place)?;
    let effect = parse_effect(effect)?;
    if let Place::Kind(target) = &place
        && !effect.fits(*target)
    {
        return Err(format!("that can't happen to `{}`", target.name()));
    }
    Ok(Fault {
        place,
        effect,
        count,
        text: text.to_owned(),
    })
}

fn parse_place(text: &str) -> Result<Place, String> {
    if text.starts_with('/') {
        return Ok(Place::Path(text.to_owned()));
    }
    Target::ALL
        .into_iter()
        .find(|candidate| candidate.name() == text)
        .map(Place::Kind)
        .ok_or_else(|| format!("there is no request `{text}`"))
}

fn parse_effect(text: &str) -> Result<Effect, String> {
    let timed = text.split_once('=');
    if let Some((name @ ("slow" | "hang" | "late"), time)) = timed {
        let time = duration::parse(time)
            .ok_or_else(|| format!("`{time}` is not a duration such as `500ms` or `2s`"))?;
        return Ok(match name {
            "slow" => Effect::Slow(time),
            "late" => Effect::Late(time),
            _ => Effect::HangFor(time),
        });
    }
    if text.starts_with(|first: char| first.is_ascii_digit()) {
        return parse_answer(text);
    }
    match text {
        "ok" => Ok(Effect::Ok),
        "refuse" => Ok(Effect::Refuse),
        "hang" => Ok(Effect::Hang),
        "reset" => Ok(Effect::Reset),
        "truncate" => Ok(Effect::Truncate),
        "garbage" => Ok(Effect::Garbage),
        "empty" => Ok(Effect::Empty),
        "stuck" => Ok(Effect::Stuck),
        "gone" => Ok(Effect::Gone),
        "fail" => Ok(Effect::Fail),
        "fail-done" => Ok(Effect::FailDone),
        "lost-accept" => Ok(Effect::LostAccept),
        "redirect" => Ok(Effect::Redirect),
        "slow" | "late" => Err(format!("`{text}` needs a duration, `{text}=2s`")),
        other => Err(format!("there is no fault `{other}`")),
    }
}

fn parse_answer(text: &str) -> Result<Effect, String> {
    let mut words = text.split('+');
    let status = words.next().unwrap_or_default();
    let number = status
        .parse()
        .ok()
        .filter(|number| (200..=599).contains(number));
    let status = number.ok_or_else(|| format!("`{status}` is not a status from 200 to 599"))?;
    let mut answer = Answer {
        status,
        retry_after: None,
        accepted: false,
        nginx: false,
    };
    for word in words {
        match (word, word.strip_prefix("retry-after=")) {
            ("accepted", _) => answer.accepted = true,
            ("nginx", _) => answer.nginx = true,
            (_, Some(seconds)) if seconds.parse::<u64>().is_ok() => {
                answer.retry_after = seconds.parse().ok();
            }
            _ => {
                return Err(format!(
                    "`{word}` is not `retry-after=SECONDS`, `accepted` or `nginx`"
                ));
            }
        }
    }
    Ok(Effect::Answer(answer))
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn every_fault_can_be_written() {
        let answer = |status, retry_after| Answer {
            status,
            retry_after,
            accepted: false,
            nginx: false,
        };
        let cases = [
            ("ok", Effect::Ok),
            ("refuse", Effect::Refuse),
            ("hang", Effect::Hang),
            ("hang=1m", Effect::HangFor(Duration::from_secs(60))),
            ("slow=1s500ms", Effect::Slow(Duration::from_millis(1_500))),
            ("reset", Effect::Reset),
            ("truncate", Effect::Truncate),
            ("late=25s", Effect::Late(Duration::from_secs(25))),
            ("500", Effect::Answer(answer(500, None))),
            ("503+retry-after=1", Effect::Answer(answer(503, Some(1)))),
            (
                "503+accepted",
                Effect::Answer(Answer {
                    accepted: true,
                    ..answer(503, None)
                }),
            ),
            (
                "404+nginx",
                Effect::Answer(Answer {
                    nginx: true,
                    ..answer(404, None)
                }),
            ),
            ("garbage", Effect::Garbage),
            ("empty", Effect::Empty),
            ("stuck", Effect::Stuck),
            ("gone", Effect::Gone),
            ("fail", Effect::Fail),
            ("fail-done", Effect::FailDone),
            ("lost-accept", Effect::LostAccept),
            ("redirect", Effect::Redirect),
        ];
        for (text, effect) in cases {
            let fault: Fault = format!("post:{text}*3").parse().unwrap();
            assert_eq!(
                (&fault.place, &fault.effect, fault.count),
                (&Place::Kind(Target::Post), &effect, Count::Times(3)),
                "{text}"
            );
            assert_eq!(fault.to_string(), format!("post:{text}"));
        }
    }

    #[test]
    fn what_is_wrong_is_said_with_what_is_possible() {
        let cases = [
            ("", "there is no `:`"),
            ("post", "there is no `:`"),
            ("push:500", "there is no request `push`"),
            ("post:explode", "there is no fault `explode`"),
            ("post:500*0", "`0` is not a count"),
            ("post:500*many", "`many` is not a count"),
            ("post:99", "`99` is not a status from 200 to 599"),
            ("post:600", "`600` is not a status from 200 to 599"),
            (
                "post:503+later",
                "`later` is not `retry-after=SECONDS`, `accepted` or `nginx`",
            ),
            ("receiver:500", "that can't happen to `receiver`"),
            ("post:slow", "`slow` needs a duration, `slow=2s`"),
            (
                "post:slow=soon",
                "`soon` is not a duration such as `500ms` or `2s`",
            ),
            ("status:stuck", "that can't happen to `status`"),
            ("poll:fail", "that can't happen to `poll`"),
        ];
        for (text, problem) in cases {
            let error = text.parse::<Fault>().unwrap_err();
            assert_eq!(error.problem, problem, "{text}");
            assert!(
                error.to_string().contains("WHERE: status, post, poll"),
                "{error}"
            );
        }
    }

    #[test]
    fn faults_are_used_up_in_order() {
        let mut faults: Faults = "post:500*2, poll:hang,post:ok*1,post:reset"
            .parse()
            .unwrap();
        let mut next = |target| faults.take(Some(target), "").map(|fault| fault.to_string());
        let posts: Vec<_> = (0..5).map(|_| next(Target::Post).unwrap()).collect();
        assert_eq!(
            posts,
            [
                "post:500",
                "post:500",
                "post:ok",
                "post:reset",
                "post:reset"
            ]
        );
        assert_eq!(next(Target::Poll).unwrap(), "poll:hang");
        assert_eq!(next(Target::Status), None);
    }

    #[test]
    fn any_meets_what_it_can() {
        let mut faults: Faults = "any:stuck*1,any:refuse*1".parse().unwrap();
        assert_eq!(faults.take_at_connect(), None);
        assert_eq!(
            faults.take(Some(Target::Status), "").unwrap().to_string(),
            "any:refuse"
        );
        assert_eq!(
            faults.take(Some(Target::Post), "").unwrap().to_string(),
            "any:stuck"
        );
        assert_eq!(faults.take(Some(Target::Post), ""), None);
        let mut faults: Faults = "any:refuse*1".parse().unwrap();
        assert_eq!(faults.take_at_connect().unwrap().to_string(), "any:refuse");
        assert_eq!(faults.take(None, ""), None);
    }

    #[test]
    fn a_path_is_that_path_and_what_lies_below_it() {
        let mut faults: Faults = "/servers/demo:403+nginx".parse().unwrap();
        for (path, meets) in [
            ("/servers/demo/operations", true),
            ("/servers/demo", true),
            ("/servers/demo?x", true),
            ("/servers/demo2/operations", false),
            ("/diagnose", false),
        ] {
            assert_eq!(faults.take(None, path).is_some(), meets, "{path}");
        }
    }
}
