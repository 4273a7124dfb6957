//! A plan as text that a person reads, and that is read back as it was: one line for what each thing is.
//!
//! A line has a form, in which `{}` stands for a value. The same table writes and reads.

use super::draw::{DUTIES, REASONS};
use super::{Fault, Kind, Links, Plan, Setup, Timed, Way, Whom};
use crate::broken::broken;
use crate::platform::Answer;
use crate::surroundings::{Condition, Monitored};
use crate::world::{A, B, NAMES};
use core::fmt;
use core::str::FromStr;
use core::time::Duration;
use ha_core::machine::ActionError;
use ha_core::pair::{Departure, Maintenance, Mode};

/// Why a text is no plan.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("line {line} is not understood: {text}")]
pub struct PlanError {
    /// Which line, from 1.
    pub line: usize,
    /// What it says.
    pub text: String,
}

// Values.

/// Something that stands in the place of a `{}`.
trait Value: Sized {
    fn read(text: &str) -> Option<Self>;
    fn write(&self) -> String;
}

macro_rules! numbers {
    ($($number:ty),*) => {$(
        impl Value for $number {
            fn read(text: &str) -> Option<Self> {
                text.parse().ok()
            }
            fn write(&self) -> String {
                self.to_string()
            }
        }
    )*};
}
numbers!(u8, u16, u32, u64, i64);

/// A unit.
impl Value for usize {
    fn read(text: &str) -> Option<Self> {
        NAMES.iter().position(|name| *name == text)
    }
    fn write(&self) -> String {
        NAMES[*self].into()
    }
}

impl Value for Duration {
    fn read(text: &str) -> Option<Self> {
        let unit = text.trim_start_matches(|it: char| it.is_ascii_digit() || it == '.');
        let (whole, part) = {
            let number = text.strip_suffix(unit)?;
            number.split_once('.').unwrap_or((number, ""))
        };
        let nanos: u64 = match unit {
            "s" => 1_000_000_000,
            "ms" => 1_000_000,
            "µs" => 1_000,
            "ns" => 1,
            _ => return None,
        };
        let part: u64 = if part.is_empty() { 0 } else { format!("{part:0<9}").parse().ok()? };
        let whole: u64 = whole.parse().ok()?;
        Some(Self::from_nanos(whole.checked_mul(nanos)? + part * nanos / 1_000_000_000))
    }
    fn write(&self) -> String {
        format!("{self:?}")
    }
}

/// One of some names.
macro_rules! names {
    ($($type:ty { $($name:literal = $value:expr),* $(,)? })*) => {$(
        impl Value for $type {
            fn read(text: &str) -> Option<Self> {
                match text {
                    $($name => Some($value),)*
                    _ => None,
                }
            }
            fn write(&self) -> String {
                $(if *self == $value { return $name.into(); })*
                format!("{self:?}")
            }
        }
    )*};
}

names! {
    Departure { "stop" = Departure::Stop, "restart" = Departure::Restart }
    bool { "yes" = true, "no" = false }
    Whom { "A" = Whom::One(A), "B" = Whom::One(B), "both" = Whom::Both }
    Condition {
        "works" = Condition::Works,
        "fails" = Condition::Fails,
        "fails beyond repair" = Condition::IsBeyondRepair,
    }
    Way { "cut" = Way::Cut, "healed" = Way::Heal }
    Kind {
        "quiet" = Kind::Quiet,
        "network" = Kind::Network,
        "hangs" = Kind::Hangs,
        "crashes" = Kind::Crashes,
        "actions" = Kind::Actions,
        "health" = Kind::Health,
        "orders" = Kind::Orders,
        "flaps" = Kind::Flaps,
        "clean-crash" = Kind::CleanCrash,
        "everything" = Kind::Everything,
        "monitors" = Kind::Monitors,
        "alike" = Kind::Alike,
    }
    Mode {
        "active-standby" = Mode::ActiveStandby { stateful: false },
        "active-standby-stateful" = Mode::ActiveStandby { stateful: true },
        "active-active-dpi" = Mode::ActiveActiveDpi,
        "clustering" = Mode::ActiveActiveClustering { stateful: false },
        "clustering-stateful" = Mode::ActiveActiveClustering { stateful: true },
        "clustering-dpi" = Mode::ActiveActiveDpiClustering,
    }
}

impl Kind {
    /// The kind of this name.
    #[must_use]
    pub fn named(name: &str) -> Option<Self> {
        Self::read(name)
    }
}

impl Value for &'static str {
    fn read(text: &str) -> Option<Self> {
        REASONS.iter().chain(&DUTIES).find(|known| **known == text).copied()
    }
    fn write(&self) -> String {
        (*self).into()
    }
}

impl Value for Links {
    fn read(text: &str) -> Option<Self> {
        let (path, sender) = match text.split_once(" from ") {
            Some((path, sender)) => (path, Some(usize::read(sender)?)),
            None => (text, None),
        };
        let path = match path {
            "all paths" => None,
            path => Some(path.strip_prefix("path ")?.parse().ok()?),
        };
        Some(Self { path, sender })
    }
    fn write(&self) -> String {
        self.to_string()
    }
}

impl Value for Monitored {
    fn read(text: &str) -> Option<Self> {
        if let Some(text) = text.strip_prefix("port ") {
            let (port, link) = text.split_once(" of link ")?;
            return Some(Self::Port(link.parse().ok()?, port.parse().ok()?));
        }
        match text.split_once(' ')? {
            ("target", number) => number.parse().ok().map(Self::Target),
            ("service", number) => number.parse().ok().map(Self::Service),
            _ => None,
        }
    }
    fn write(&self) -> String {
        match self {
            Self::Port(link, port) => format!("port {port} of link {link}"),
            Self::Target(number) => format!("target {number}"),
            Self::Service(number) => format!("service {number}"),
        }
    }
}

impl Value for Answer {
    fn read(text: &str) -> Option<Self> {
        Some(match text {
            "never" => Self::NEVER,
            "at once" => Self::AT_ONCE,
            "with a failure" => Self::FAILS,
            late => Self::after(Duration::read(late.strip_prefix("after ")?)?),
        })
    }
    fn write(&self) -> String {
        match self.outcome {
            Some(Err(ActionError::Failed)) => "with a failure".into(),
            _ => self.to_string(),
        }
    }
}

/// The parts of a line that stand where its form has `{}`.
fn parts<'a>(form: &str, mut text: &'a str) -> Option<Vec<&'a str>> {
    let mut pieces = form.split("{}");
    text = text.strip_prefix(pieces.next()?)?;
    let mut parts = Vec::new();
    for piece in pieces {
        let end = if piece.is_empty() { text.len() } else { text.find(piece)? };
        parts.push(&text[..end]);
        text = &text[end + piece.len()..];
    }
    text.is_empty().then_some(parts)
}

fn fill(form: &str, values: &[String]) -> String {
    let mut values = values.iter();
    let mut text = String::new();
    for (at, piece) in form.split("{}").enumerate() {
        if at > 0 {
            text.push_str(values.next().map_or("", String::as_str));
        }
        text.push_str(piece);
    }
    text
}

// Faults.

/// The form of each fault, in both directions.
macro_rules! faults {
    ($($pattern:pat => $form:literal, ($($value:ident),*), $make:expr;)*) => {
        impl fmt::Display for Fault {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                match self {
                    $($pattern => f.write_str(&fill($form, &[$($value.write()),*])),)*
                }
            }
        }

        impl Fault {
            /// Reads what [`Display`](fmt::Display) wrote.
            fn read(text: &str) -> Option<Self> {
                $(
                    if let Some(parts) = parts($form, text) {
                        let mut parts = parts.into_iter();
                        $(let $value = parts.next().and_then(Value::read);)*
                        // Another form may begin alike: then a value cannot be read.
                        if let ($(Some($value),)*) = ($($value,)*) {
                            return Some($make);
                        }
                    }
                )*
                None
            }
        }
    };
}

faults! {
    Self::Start(unit) => "{} starts", (unit), Self::Start(unit);
    Self::Crash(unit) => "{} loses its power", (unit), Self::Crash(unit);
    Self::Hang(unit, length) => "{} hangs for {}", (unit, length), Self::Hang(unit, length);
    Self::HangBeforePolling(unit, length) => "{} is woken once more and hangs for {}",
        (unit, length), Self::HangBeforePolling(unit, length);
    Self::Pause(unit, length) => "{} and its clock are paused for {}",
        (unit, length), Self::Pause(unit, length);
    Self::JumpAhead(unit, by) => "{}'s clock jumps ahead by {}", (unit, by), Self::JumpAhead(unit, by);
    Self::SetBack(unit, by) => "{}'s clock is set back by {}", (unit, by), Self::SetBack(unit, by);
    Self::Links(links, way) => "links on {}: {}", (links, way), Self::Links(links, way);
    Self::Loss(loss) => "{} of 1000 datagrams are lost", (loss), Self::Loss(loss);
    Self::Weight(unit, weight, why) => "{} has the weight {}: {}",
        (unit, weight, why), Self::Weight(unit, weight, why);
    Self::MonitoredLinks(unit, all, up) => "{} monitors {} links, up are {}",
        (unit, all, up), Self::MonitoredLinks(unit, all, up);
    Self::Demote(unit, why, Some(lasts)) => "{} is demoted: {}, for {}",
        (unit, why, lasts), Self::Demote(unit, why, Some(lasts));
    Self::Demote(unit, why, None) => "{} is demoted: {}", (unit, why), Self::Demote(unit, why, None);
    Self::Lift(unit, why) => "{} is demoted no longer: {}", (unit, why), Self::Lift(unit, why);
    Self::Ready(unit, is) => "{} is ready: {}", (unit, is), Self::Ready(unit, is);
    Self::Synchronized(unit, is) => "{} has the whole state: {}",
        (unit, is), Self::Synchronized(unit, is);
    Self::Upgrade(unit, is) => "{} is upgraded: {}", (unit, is), Self::Upgrade(unit, is);
    Self::Maintenance(unit, Maintenance::Off) => "{} is to leave maintenance",
        (unit), Self::Maintenance(unit, Maintenance::Off);
    Self::Maintenance(unit, Maintenance::On { lasts: None }) => "{} is to be in maintenance",
        (unit), Self::Maintenance(unit, Maintenance::On { lasts: None });
    Self::Maintenance(unit, Maintenance::On { lasts: Some(lasts) }) =>
        "{} is to be in maintenance for {}",
        (unit, lasts), Self::Maintenance(unit, Maintenance::On { lasts: Some(lasts) });
    Self::TakeOver(unit) => "{} is ordered to take over", (unit), Self::TakeOver(unit);
    Self::FailOver(unit) => "{} is ordered to fail over", (unit), Self::FailOver(unit);
    Self::Leave(unit, what) => "{} is ordered to {}", (unit, what), Self::Leave(unit, what);
    Self::Forget(unit) => "{} loses what it kept over a restart", (unit), Self::Forget(unit);
    Self::Opens(number, mark) => "connection {} opens, with the mark {}",
        (number, mark), Self::Opens(number, mark);
    Self::Ends(number) => "connection {} ends", (number), Self::Ends(number);
    Self::Answer(unit, duty, answer) => "{} will answer {}, {}",
        (unit, duty, answer), Self::Answer(unit, duty, answer);
    Self::Repair(unit) => "{}'s platform works again", (unit), Self::Repair(unit);
    Self::Around(whom, what, to) => "around {}, {}: {}",
        (whom, what, to), Self::Around(whom, what, to);
}

// Setups.

/// The form of each field of a setup, in both directions.
macro_rules! setup {
    ($($field:ident => $form:literal;)*) => {
        fn write_setup(setup: &Setup) -> Vec<String> {
            vec![$(fill($form, &[setup.$field.write()])),*]
        }

        fn read_setup(setup: &mut Setup, line: &str) -> Option<()> {
            $(
                if let Some(value) = parts($form, line) {
                    setup.$field = Value::read(value.first()?)?;
                    return Some(());
                }
            )*
            None
        }
    };
}

setup! {
    interval => "interval {}";
    level => "level {}";
    paths => "paths {}";
    data => "with a data link {}";
    lan => "with a lan {}";
    mode => "mode {}";
    own_sync => "own synchronization {}";
    preempt => "preempt {}";
    mixed => "other firmware {}";
    election_delay => "election delay {}";
    flap_limit => "flap limit {}";
    flap_window => "flap window {}";
    readiness_limit => "readiness limit {}";
    drift => "drift {}";
    delay => "delay {}";
    jitter => "jitter {}";
    slow => "last path slower by {}";
    loss => "loss {}";
    duplicates => "duplicates {}";
    poll_each => "polled after each call {}";
    links => "monitored links {}";
    ports => "ports of each link {}";
    targets => "probe targets {}";
    probe_interval => "probe interval {}";
    missed_probes => "missed probes {}";
    answer_delay => "answer delay {}";
    answer_loss => "answers lost {}";
    services => "services {}";
    deadline => "deadline {}";
    restarts => "restarts {}";
    restart_window => "restart window {}";
}

/// Only what is not as usual is written.
impl fmt::Display for Plan {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "seed {}", self.seed)?;
        writeln!(f, "kind {}", self.kind.write())?;
        if let Some(broken) = self.broken {
            writeln!(f, "break {}", broken.name)?;
        }
        let usual = write_setup(&Setup::default());
        for (line, usual) in write_setup(&self.setup).into_iter().zip(usual) {
            if line != usual {
                writeln!(f, "{line}")?;
            }
        }
        for Timed { at, fault } in &self.faults {
            writeln!(f, "{:>5}.{:09} s  {fault}", at.as_secs(), at.subsec_nanos())?;
        }
        let at = self.calm_at;
        writeln!(f, "{:>5}.{:09} s  calm", at.as_secs(), at.subsec_nanos())
    }
}

impl FromStr for Plan {
    type Err = PlanError;

    /// Reads what `Display` wrote; what is behind a `#` is a comment.
    fn from_str(text: &str) -> Result<Self, PlanError> {
        let mut plan = Self {
            seed: 0,
            kind: Kind::Quiet,
            broken: None,
            setup: Setup::default(),
            faults: Vec::new(),
            calm_at: Duration::ZERO,
        };
        for (number, text) in text.lines().enumerate() {
            let line = text.split('#').next().unwrap_or("").trim();
            if !line.is_empty() && plan.read_line(line).is_none() {
                return Err(PlanError { line: number + 1, text: text.into() });
            }
        }
        Ok(plan)
    }
}

impl Plan {
    fn read_line(&mut self, line: &str) -> Option<()> {
        if let Some((at, what)) = line.split_once(" s  ") {
            let at = Duration::read(&format!("{at}s"))?;
            match what {
                "calm" => self.calm_at = at,
                fault => self.faults.push(Timed { at, fault: Fault::read(fault)? }),
            }
        } else if let Some(seed) = line.strip_prefix("seed ") {
            self.seed = seed.parse().ok()?;
        } else if let Some(kind) = line.strip_prefix("kind ") {
            self.kind = Kind::read(kind)?;
        } else if let Some(name) = line.strip_prefix("break ") {
            self.broken = Some(broken(name)?);
        } else {
            read_setup(&mut self.setup, line)?;
        }
        Some(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A plan that is read is the one that was written.
    #[test]
    fn a_plan_is_read_as_it_was_written() {
        for seed in 0..3000 {
            let plan = Plan::from_seed(seed);
            let text = plan.to_string();
            assert_eq!(text.parse::<Plan>().as_ref(), Ok(&plan), "{text}");
        }
    }

    /// Anything else is refused, with the line.
    #[test]
    fn what_is_no_plan_is_refused() {
        let wrong =
            ["seed x", "interval 3", "    1.000000000 s  A explodes", "nothing", "kind odd"];
        for line in wrong {
            let text = format!("# a comment\n\n{line}");
            assert_eq!(text.parse::<Plan>().unwrap_err(), PlanError { line: 3, text: line.into() });
        }
    }

    /// Units and links are named as a person names them.
    #[test]
    fn a_fault_reads_like_a_sentence() {
        let links = Links { path: Some(1), sender: Some(B) };
        assert_eq!(Fault::Links(links, Way::Cut).to_string(), "links on path 1 from B: cut");
        let demoted = Fault::Demote(A, "disk", Some(Duration::from_micros(1500)));
        assert_eq!(demoted.to_string(), "A is demoted: disk, for 1.5ms");
    }
}
