//! Reading the text of a profile, line by line; an error names the line and says what to write instead.

use std::time::Duration;

use super::{Profile, Step, values};
use crate::network::place::{LinkName, Port};

/// A turn is not shorter: the steps of a profile must not take all the time there is.
const SHORTEST_TURN: Duration = Duration::from_millis(10);

/// Why a text is no profile.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("line {line}: {problem}")]
pub struct ProfileError {
    /// The line, from 1.
    pub line: usize,
    /// What is wrong with it.
    pub problem: Problem,
}

/// What is wrong with a line.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Problem {
    /// Too few words.
    #[error("write WHICH WHEN KEY=VALUE …, for example `ab 10s rate=500kbit`")]
    Words,
    /// Not a link.
    #[error("`{0}` names no link: write both, ab, ba, a.up, a.down, b.up, b.down, b.both, repeat or lasts")]
    Which(String),
    /// More than a time after `repeat` or `lasts`.
    #[error("`{0}` stands alone with its time, for example `{0} 60s`")]
    Alone(String),
    /// A turn that is too short.
    #[error("a turn takes at least 10ms")]
    Turn,
    /// Not `KEY=VALUE`.
    #[error("`{0}` is not KEY=VALUE")]
    Pair(String),
    /// Not a key.
    #[error("no key `{0}`")]
    Key(String),
    /// Not a time.
    #[error("`{0}` is no time: write 5us, 25ms or 1.5s, a day at most")]
    Time(String),
    /// Not a share.
    #[error("`{0}` is no share: write 5% or 0.05, 100% at most")]
    Share(String),
    /// Not a rate.
    #[error("`{0}` is no rate: write it in bit, kbit, mbit or gbit, more than nothing, or none")]
    Rate(String),
    /// Not a queue.
    #[error("`{0}` is no queue: write 300ms, 64kB or 50pkts")]
    Queue(String),
    /// Not a distribution.
    #[error("`{0}` is no distribution: write uniform, normal or pareto")]
    Distribution(String),
    /// Neither on nor off.
    #[error("`{0}`: write on or off")]
    Switch(String),
    /// Not a Gilbert-Elliott chain.
    #[error("write loss=5%, loss=ge:P,R or loss=ge:P,R,GOOD,BAD")]
    Loss,
    /// Not a share and a time.
    #[error("write reorder=SHARE,TIME, for example 1%,20ms")]
    Reorder,
    /// Not two times, the second the shorter one.
    #[error("write stall=EVERY,FOR with FOR the shorter time, for example 2s,200ms")]
    Stall,
    /// Not a trace, or none that may be read.
    #[error("trace: {0}")]
    Trace(String),
}

pub(super) fn parse(text: &str, open: impl Fn(&str) -> Result<String, String>) -> Result<Profile, ProfileError> {
    let mut profile = Profile::default();
    for (number, line) in text.lines().enumerate() {
        let (statement, comment) = line.split_once('#').unwrap_or((line, ""));
        if profile.description.is_empty() {
            comment.trim().clone_into(&mut profile.description);
        }
        let words: Vec<&str> = statement.split_whitespace().collect();
        if !words.is_empty() {
            let read = read(&mut profile, &words, &open);
            read.map_err(|problem| ProfileError { line: number + 1, problem })?;
        }
    }
    profile.steps.sort_by_key(|step| step.at);
    Ok(profile)
}

fn read(profile: &mut Profile, words: &[&str], open: &impl Fn(&str) -> Result<String, String>) -> Result<(), Problem> {
    let [which, when, pairs @ ..] = words else { return Err(Problem::Words) };
    let alone = || if pairs.is_empty() { Ok(()) } else { Err(Problem::Alone((*which).to_owned())) };
    match *which {
        "repeat" => {
            alone()?;
            profile.repeat = Some(values::time(when)?);
            return if profile.repeat < Some(SHORTEST_TURN) { Err(Problem::Turn) } else { Ok(()) };
        }
        "lasts" => {
            alone()?;
            profile.lasts = Some(values::time(when)?);
            return Ok(());
        }
        _ => {}
    }
    let links = links(which)?;
    let at = values::time(when)?;
    let change = |pair: &&str| {
        let (key, value) = pair.split_once('=').ok_or_else(|| Problem::Pair((*pair).to_owned()))?;
        values::change(key, value, open)
    };
    let changes = pairs.iter().map(change).collect::<Result<_, _>>()?;
    profile.steps.push(Step { at, links, changes });
    Ok(())
}

fn links(which: &str) -> Result<Vec<LinkName>, Problem> {
    let (a, b) = (Port::A, Port::B);
    match which {
        "both" => Ok(vec![a.up(), a.down()]),
        "ab" | "a.up" => Ok(vec![a.up()]),
        "ba" | "a.down" => Ok(vec![a.down()]),
        "b.up" => Ok(vec![b.up()]),
        "b.down" => Ok(vec![b.down()]),
        "b.both" => Ok(vec![b.up(), b.down()]),
        unknown => Err(Problem::Which(unknown.to_owned())),
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use media_core::Bitrate;
    use proptest::prelude::*;

    use super::*;
    use crate::network::conditions::{Change, Conditions, Distribution, Loss, QueueLimit, Stall};

    fn conditions(text: &str) -> Conditions {
        let profile = Profile::parse(text).unwrap();
        profile.conditions_at(Port::A.up(), Duration::from_secs(1_000))
    }

    #[test]
    fn a_text_becomes_steps() {
        let text = "# a fall\nboth 20s delay=10ms rate=2.5mbit # later\nab 0s loss=ge:1%,25%\nrepeat 60s\nlasts 2s";
        let profile = Profile::parse(text).unwrap();
        assert_eq!(profile.description, "a fall");
        assert_eq!((profile.repeat, profile.lasts), (Some(Duration::from_secs(60)), Some(Duration::from_secs(2))));
        let chain = Loss::Bursts { begin: 0.01, end: 0.25, good: 0.0, bad: 1.0 };
        let first = Step { at: Duration::ZERO, links: vec![Port::A.up()], changes: vec![Change::Loss(chain)] };
        assert_eq!(profile.steps[0], first);
        assert_eq!(profile.steps[1].links, [Port::A.up(), Port::A.down()]);
        let rate = Change::Rate(Some(Bitrate::from_kbps(2500)));
        assert_eq!(profile.steps[1].changes, [Change::Delay(Duration::from_millis(10)), rate]);
    }

    #[test]
    fn every_key_is_understood() {
        let text = "ab 0s delay=1.5s jitter=30ms dist=pareto corr=0.5 jitter-reorders=on loss=5% dup=0.5% \
            reorder=1%,20ms rate=1gbit queue=64kB stall=2s,150ms down=on";
        let expected = Conditions {
            delay: Duration::from_millis(1500),
            jitter: Duration::from_millis(30),
            distribution: Distribution::Pareto,
            correlation: 0.5,
            jitter_reorders: true,
            loss: Loss::Random(0.05),
            duplicates: 0.005,
            reordered: 0.01,
            held_back: Duration::from_millis(20),
            rate: Some(Bitrate::from_kbps(1_000_000)),
            queue: QueueLimit::Bytes(64_000),
            stall: Some(Stall { every: Duration::from_secs(2), hold: Duration::from_millis(150) }),
            trace: None,
            down: true,
        };
        assert_eq!(conditions(text), expected);
        let off = "ab 1s delay=0s jitter=0ms dist=normal corr=0 jitter-reorders=off loss=none dup=0 reorder=none \
            rate=none queue=300ms stall=none trace=none down=off";
        assert_eq!(conditions(&format!("{text}\n{off}")), Conditions::default());
    }

    #[test]
    fn traces_are_read_from_beside_the_profile() {
        let folder = tempfile::tempdir().unwrap();
        let write = |name: &str, text: &str| std::fs::write(folder.path().join(name), text).unwrap();
        write("cell.trace", "10\n20\n20\n40\n");
        write("up.profile", "ab 0s trace=cell.trace");
        let profile = Profile::load(&folder.path().join("up.profile")).unwrap();
        let trace = profile.conditions_at(Port::A.up(), Duration::ZERO).trace.unwrap();
        assert_eq!(trace.capacity(), Bitrate::from_kbps(1200));
        for bad in ["", "0", "10\n5", "10\nx"] {
            write("cell.trace", bad);
            assert!(Profile::load(&folder.path().join("up.profile")).is_err(), "{bad:?}");
        }
        let gone = Profile::load(Path::new("nowhere.profile")).unwrap_err().to_string();
        assert!(gone.contains("nowhere.profile"), "{gone}");
    }

    #[test]
    fn an_error_names_the_line_and_what_to_write() {
        for (text, expected) in [
            ("ab 0s delay=10", "line 1: `10` is no time: write 5us"),
            ("\nxx 0s", "line 2: `xx` names no link"),
            ("ab 0s loss=150%", "100% at most"),
            ("ab 0s loss=ge:1%", "loss=ge:P,R"),
            ("ab 0s foo=1", "no key `foo`"),
            ("ab 0s foo", "`foo` is not KEY=VALUE"),
            ("ab", "write WHICH WHEN"),
            ("ab 0s rate=0kbit", "`0kbit` is no rate"),
            ("ab 0s rate=5", "`5` is no rate"),
            ("ab 0s queue=5", "`5` is no queue"),
            ("ab 0s queue=0pkts", "`0pkts` is no queue"),
            ("ab 0s stall=1s,1s", "stall=EVERY,FOR"),
            ("ab 0s reorder=1%", "reorder=SHARE,TIME"),
            ("ab 0s down=maybe", "write on or off"),
            ("ab 0s dist=flat", "`flat` is no distribution"),
            ("ab 0s trace=x", "trace: only a profile in a file"),
            ("ab 999999s loss=1%", "is no time"),
            ("ab -1s loss=1%", "is no time"),
            ("repeat 0s", "a turn takes at least 10ms"),
            ("lasts 60s loss=1%", "`lasts` stands alone"),
        ] {
            let error = Profile::parse(text).unwrap_err().to_string();
            assert!(error.contains(expected), "{text}: {error}");
        }
    }

    proptest! {
        #[test]
        fn no_text_makes_it_panic(text in "(both|ab|b.up|repeat|lasts) [0-9.]{0,9}(us|ms|s)? [a-z]{2,6}=[0-9.,%a-zA-Z:-]{0,12}") {
            let _ = Profile::parse(&text);
        }
    }
}
