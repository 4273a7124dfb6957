//! The seeds that ever failed, by name: they are run again for ever.

/// A seed that failed once.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Known {
    /// What it is called.
    pub name: &'static str,
    /// The seed.
    pub seed: u64,
}

/// All of them, from `seeds.txt`: a name and a seed a line, and behind `#` what it was.
///
/// # Panics
/// A line of the file is not like that.
#[must_use]
pub fn known() -> Vec<Known> {
    include_str!("../seeds.txt").lines().filter_map(parse).collect()
}

fn parse(line: &'static str) -> Option<Known> {
    let (fields, _) = line.split_once('#').unwrap_or((line, ""));
    let mut fields = fields.split_whitespace();
    let name = fields.next()?;
    let seed = fields.next().and_then(|seed| seed.parse().ok());
    let seed = seed.expect("a line of seeds.txt is a name, a seed, and a comment behind #");
    Some(Known { name, seed })
}
