//! A recording of an incident: a world, how long it had no Active or two, and the text of it all.

use core::fmt::Write as _;
use core::time::Duration;
use ha_core::pair::{Input, PairConfigBuilder, PathKind};
use sim::harness::{A, B, World, ms};
use sim::timeline::{Style, timeline};
use sim::{Entry, nanos};
use std::fs;
use std::path::Path;

const UPDATE: &str = "UPDATE_INCIDENTS";
/// So many lines around a difference are shown.
const CONTEXT: usize = 3;
/// How wide a line of prose is.
const WIDTH: usize = 100;
const NAMES: [&str; 2] = ["A", "B"];

/// So many seconds.
pub(crate) const fn seconds(seconds: u64) -> Duration {
    Duration::from_secs(seconds)
}

/// An incident that is being recorded.
pub(crate) struct Recording {
    pub(crate) world: World,
    /// When the incident begins: the zero of its timeline.
    begin: Duration,
    none_active: Spell,
    two_active: Spell,
    settings: Vec<&'static str>,
}

/// How long something lasts.
#[derive(Default)]
struct Spell {
    since: Option<Duration>,
    longest: Duration,
}

impl Spell {
    fn note(&mut self, now: Duration, is_so: bool) {
        if let Some(since) = self.since {
            self.longest = self.longest.max(now - since);
        }
        self.since = is_so.then(|| self.since.unwrap_or(now));
    }
}

impl Recording {
    /// Nobody runs; it begins now.
    pub(crate) fn of_units_without_power(
        adjust: fn(PairConfigBuilder) -> PairConfigBuilder,
    ) -> Self {
        let mut world = World::unpowered(1, move |_, config| {
            let config = config.heartbeat_interval(seconds(1)).trigger_level(3);
            adjust(config.paths([PathKind::Control; 2]))
        });
        world.network.set_all(|link| link.delay = ms(1));
        let (none_active, two_active) = (Spell::default(), Spell::default());
        Self { world, begin: Duration::ZERO, none_active, two_active, settings: Vec::new() }
    }

    /// A has been Active and B Standby for a while, equally healthy; it begins now, in between two
    /// heartbeats.
    pub(crate) fn of_a_settled_pair(adjust: fn(PairConfigBuilder) -> PairConfigBuilder) -> Self {
        let mut it = Self::of_units_without_power(adjust);
        for unit in [A, B] {
            it.start(unit);
            it.world.run_for(ms(400));
        }
        it.world.settle();
        it.world.run_for(seconds(100) + ms(700) - it.world.now());
        it.begin = it.world.now();
        it
    }

    /// Powers a unit on; it is in good health.
    pub(crate) fn start(&mut self, unit: usize) {
        self.world.start(unit);
        self.world.input(unit, Input::HealthWeight(2)).unwrap();
    }

    /// A line of its configuration.
    pub(crate) fn setting(&mut self, text: &'static str) {
        self.settings.push(text);
    }

    /// Runs for a while. A unit that is off or does not run at the moment is not Active.
    pub(crate) fn run_for(&mut self, length: Duration) {
        let end = nanos(self.world.now() + length);
        self.note();
        while self.world.step(end) {
            self.note();
        }
        self.note();
    }

    fn note(&mut self) {
        let active = [A, B].map(|unit| self.world.holds()[unit] && !self.world.hangs(unit));
        self.none_active.note(self.world.now(), active == [false; 2]);
        self.two_active.note(self.world.now(), active == [true; 2]);
    }

    /// Compares the recording to the one that is kept, or keeps it.
    pub(crate) fn compare(self, name: &str, title: &str, story: &str) {
        let text = self.text(title, story);
        let path =
            Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("tests/incidents/{name}.txt"));
        if std::env::var_os(UPDATE).is_some() {
            fs::write(&path, text).unwrap();
            return;
        }
        let kept = fs::read_to_string(&path).unwrap_or_default();
        assert!(
            text == kept,
            "{} is no longer what happens; {UPDATE}=1 writes it anew:\n{}",
            path.display(),
            difference(&kept, &text)
        );
    }

    fn text(&self, title: &str, story: &str) -> String {
        let mut text = format!("{title}\n{}\n\n{}\n", "=".repeat(title.len()), wrapped(story));
        text +=
            "Heartbeat: every 1 s; 3 missed ones are a failure (3 s). Two paths, 1 ms each way.\n";
        for setting in &self.settings {
            let _ = writeln!(text, "{setting}");
        }
        text += "\n== the role changes   ! from outside   > asks its platform   < its platform answers\n";
        text += "Heartbeats are left out. Lines without a time belong to the instant above.\n\n";
        let since_begin = |entry: &Entry| Entry { at: entry.at - self.begin, ..entry.clone() };
        let entries = self.world.trace.iter().filter(|entry| entry.at >= self.begin);
        let entries: Vec<_> = entries.map(since_begin).collect();
        text += &timeline(&entries, Style { colour: false, heartbeats: false });
        let _ = writeln!(text, "\nAt the end, after {:?}:", self.world.now() - self.begin);
        for unit in [A, B] {
            let pair = self.world.pair(unit);
            let _ = writeln!(text, "  {} is {}: {}", NAMES[unit], pair.role(), pair.decision());
        }
        let _ = writeln!(text, "  longest time without an Active: {:?}", self.none_active.longest);
        let _ = writeln!(text, "  longest time with two Actives:  {:?}", self.two_active.longest);
        text
    }
}

/// The prose in lines.
fn wrapped(prose: &str) -> String {
    let mut lines = vec![String::new()];
    for word in prose.split_whitespace() {
        let line = lines.last_mut().unwrap();
        if line.is_empty() {
            line.push_str(word);
        } else if line.len() + 1 + word.len() <= WIDTH {
            *line += " ";
            *line += word;
        } else {
            lines.push(word.into());
        }
    }
    lines.join("\n") + "\n"
}

/// The lines from the first to the last difference, with some around them.
fn difference(kept: &str, text: &str) -> String {
    let (kept, text): (Vec<_>, Vec<_>) = (kept.lines().collect(), text.lines().collect());
    let equal = |(a, b): &(&&str, &&str)| a == b;
    let shorter = kept.len().min(text.len());
    let before = kept.iter().zip(&text).take_while(equal).count();
    let after = kept.iter().rev().zip(text.iter().rev()).take_while(equal).count();
    let after = after.min(shorter - before);
    let (kept_end, text_end) = (kept.len() - after, text.len() - after);
    let mut lines = Vec::new();
    let mut add = |mark, part: &[&str]| lines.extend(part.iter().map(|it| format!("{mark} {it}")));
    add(' ', &kept[before.saturating_sub(CONTEXT)..before]);
    add('-', &kept[before..kept_end]);
    add('+', &text[before..text_end]);
    add(' ', &kept[kept_end..(kept_end + CONTEXT).min(kept.len())]);
    lines.join("\n")
}
