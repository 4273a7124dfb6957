//! What happens when, and what is expected of it: a script is a text with one step a line.

use crate::cables::{Cable, LINK, X0};
use crate::naming;
use crate::order::Order;
use crate::setup::{INTERFACES, Setup};
use crate::view::View;
use std::time::Duration;
use svrrp::{GroupNumber, Member, NodeNumber};
use thiserror::Error;

/// The language, for `--help`.
pub(crate) const LANGUAGE: &str = "\
Scripts: one step a line, in order; # begins a comment. Times count from the start of the program.
`at` waits for its time; a step whose time is over already is taken at once. A script fails at the first step that
cannot be done, or is not as it expects.

  at 2s crash 1P              the Primary of node 1 dies without a word
  at 3s start 1P              it is started again
  at 4s cut 1 2               the cluster link between nodes 1 and 2; cut 1 2 x0: X0
  at 5s mend 1 2              and back
  at 6s down 2P x1            a port of a unit goes down: its link weight falls
  at 7s up 2P x1              and up again
  at 8s take-over 1S          a planned hand-over inside node 1
  at 9s move 1 to 2           a planned hand-over of VG 1 to node 2, by new ranks

  at 9s group 1 on node 2     it must be so then
  by 9s group 1 on node 2     it must become so, and the script goes on when it is

  group 1 on node 2           one unit has the addresses of VG 1, and it is one of node 2
  group 1 on 2P               it is this unit
  group 1 on nobody           no unit has them
  group 1 on several          more than one unit has them: the cluster is split
  unit 2S standby             the role of a unit: active, standby, election or off";

/// A step.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Step {
    /// The line it stands on, from 1.
    pub(crate) line: usize,
    pub(crate) at: Duration,
    pub(crate) what: What,
    /// As it was written.
    pub(crate) text: String,
}

/// What a step is about.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum What {
    /// It is done at its time.
    Do(Order),
    /// It is so at its time.
    Find(Condition),
    /// It becomes so, by its time.
    Await(Condition),
}

/// Something that is so, or is not.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Condition {
    /// The addresses of the group are there, and nowhere else.
    Group(GroupNumber, Place),
    /// The unit has this role, or does not run.
    Unit(Member, String),
}

/// Where the addresses of a group can be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Place {
    Node(NodeNumber),
    Unit(Member),
    Nobody,
    Several,
}

/// A script cannot be understood.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error("line {line}: {why}")]
pub(crate) struct ScriptError {
    line: usize,
    why: String,
}

/// Reads a script for such a cluster.
///
/// # Errors
/// The first line that cannot be understood.
pub(crate) fn parse(text: &str, setup: &Setup) -> Result<Vec<Step>, ScriptError> {
    let lines = (1..).zip(text.lines()).map(|(line, text)| {
        let text = text.split('#').next().unwrap_or_default().trim();
        (line, text)
    });
    let steps = lines.filter(|(_, text)| !text.is_empty()).map(|(line, text)| {
        let step = Reader { setup }.step(text);
        let (at, what) = step.map_err(|why| ScriptError { line, why })?;
        Ok(Step { line, at, what, text: text.to_owned() })
    });
    steps.collect()
}

struct Reader<'a> {
    setup: &'a Setup,
}

impl Reader<'_> {
    fn step(&self, text: &str) -> Result<(Duration, What), String> {
        let words: Vec<_> = text.split_whitespace().collect();
        let [when, time, rest @ ..] = &words[..] else {
            return Err("a line begins with `at TIME` or `by TIME`".to_owned());
        };
        let time = humantime::parse_duration(time).map_err(|error| format!("{time}: {error}"))?;
        let what = match *when {
            "at" if matches!(rest, ["group" | "unit", ..]) => What::Find(self.condition(rest)?),
            "at" => What::Do(self.order(rest)?),
            "by" => What::Await(self.condition(rest)?),
            _ => return Err(format!("`{when}` is neither `at` nor `by`")),
        };
        Ok((time, what))
    }

    fn order(&self, words: &[&str]) -> Result<Order, String> {
        Ok(match *words {
            ["crash", unit] => Order::Crash(self.unit(unit)?),
            ["start", unit] => Order::Start(self.unit(unit)?),
            ["cut", one, other, ref path @ ..] => Order::Cut(self.cable(one, other, path)?),
            ["mend", one, other, ref path @ ..] => Order::Mend(self.cable(one, other, path)?),
            [word @ ("down" | "up"), unit, port] => {
                let is_it = |it: &ha_core::identity::InterfaceId| {
                    naming::interface(*it).eq_ignore_ascii_case(port)
                };
                let interface = INTERFACES.into_iter().find(is_it);
                let interface = interface.ok_or_else(|| format!("`{port}` is not X1 or X2"))?;
                Order::Port { member: self.unit(unit)?, interface, up: word == "up" }
            }
            ["take-over", unit] if self.setup.has_pairs() => Order::TakeOver(self.unit(unit)?),
            ["take-over", _] => return Err("the nodes have a single unit".to_owned()),
            ["move", group, "to", node] => {
                Order::Move { group: self.group(group)?, to: self.node(node)? }
            }
            _ => return Err(format!("`{}` is nothing that can be done", words.join(" "))),
        })
    }

    fn condition(&self, words: &[&str]) -> Result<Condition, String> {
        Ok(match *words {
            ["group", group, "on", ref place @ ..] => {
                let place = match *place {
                    ["node", node] => Place::Node(self.node(node)?),
                    ["nobody"] => Place::Nobody,
                    ["several"] => Place::Several,
                    [unit] => Place::Unit(self.unit(unit)?),
                    _ => return Err("a group is on a node, a unit, nobody or several".to_owned()),
                };
                Condition::Group(self.group(group)?, place)
            }
            ["unit", unit, role @ ("active" | "standby" | "election" | "off")] => {
                Condition::Unit(self.unit(unit)?, role.to_owned())
            }
            _ => return Err(format!("`{}` is nothing that can be expected", words.join(" "))),
        })
    }

    fn unit(&self, name: &str) -> Result<Member, String> {
        let unit = naming::parse_unit(name).filter(|it| self.setup.members().any(|own| own == *it));
        unit.ok_or_else(|| format!("there is no unit `{name}`"))
    }

    fn node(&self, number: &str) -> Result<NodeNumber, String> {
        let node = naming::parse_node(number).filter(|it| self.setup.nodes().any(|own| own == *it));
        node.ok_or_else(|| format!("there is no node `{number}`"))
    }

    fn group(&self, number: &str) -> Result<GroupNumber, String> {
        let group = number.parse().ok().and_then(GroupNumber::new);
        let group = group.filter(|it| self.setup.groups().any(|own| own == *it));
        group.ok_or_else(|| format!("there is no group `{number}`"))
    }

    fn cable(&self, one: &str, other: &str, path: &[&str]) -> Result<Cable, String> {
        let path = match *path {
            [] => LINK,
            ["x0"] => X0,
            _ => return Err(format!("`{}` is no path: x0, or nothing", path.join(" "))),
        };
        Cable::new(self.node(one)?, self.node(other)?, path)
            .ok_or_else(|| "a cable is between two nodes".to_owned())
    }
}

impl Condition {
    pub(crate) fn holds(&self, view: &View) -> bool {
        match self {
            Self::Group(group, place) => {
                let holders = view.group(*group).map(|it| &it.holders[..]).unwrap_or_default();
                match (place, holders) {
                    (Place::Nobody, []) | (Place::Several, [_, _, ..]) => true,
                    (Place::Node(node), [holder]) => holder.node == *node,
                    (Place::Unit(unit), [holder]) => holder == unit,
                    _ => false,
                }
            }
            Self::Unit(member, role) => {
                let is = view.unit(*member).and_then(|unit| unit.role);
                let is = is.map_or_else(|| "off".to_owned(), |role| role.to_string());
                is.eq_ignore_ascii_case(role)
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SETUP: Setup =
        Setup { nodes: 3, units: 2, groups: 2, interval: Duration::from_secs(1), level: 3 };

    #[test]
    fn steps_are_read_in_order_and_know_their_lines() {
        let text = "# begins\n\nat 2s crash 1p # now\n  by 2500ms unit 1S active\nat 3s group 2 on several";
        let steps = parse(text, &SETUP).unwrap();
        let one = |designation| Member { node: NodeNumber::One, designation };
        let expected = [
            (3, 2000, What::Do(Order::Crash(one(ha_core::identity::Designation::Primary)))),
            (
                4,
                2500,
                What::Await(Condition::Unit(
                    one(ha_core::identity::Designation::Secondary),
                    "active".to_owned(),
                )),
            ),
            (5, 3000, What::Find(Condition::Group(GroupNumber::Two, Place::Several))),
        ];
        let read = steps.into_iter().map(|it| (it.line, it.at.as_millis(), it.what));
        assert_eq!(read.collect::<Vec<_>>(), expected);
    }

    #[test]
    fn the_language_is_what_the_help_says() {
        for line in LANGUAGE.lines().filter_map(|line| line.strip_prefix("  ")) {
            let step = line.split("   ").next().unwrap();
            let step = match step.split_whitespace().next().unwrap() {
                "group" | "unit" => format!("by 1s {step}"),
                _ => step.to_owned(),
            };
            assert!(parse(&step, &SETUP).is_ok(), "{step}");
        }
        assert!(parse("at 4s cut 1 2 x0", &SETUP).is_ok());
    }

    #[test]
    fn what_cannot_be_understood_is_refused_with_its_line() {
        let refused = [
            ("at 2s", "`` is nothing that can be done"),
            ("at", "a line begins with `at TIME` or `by TIME`"),
            ("at soon crash 1P", "soon: expected number at 0"),
            ("in 2s crash 1P", "`in` is neither `at` nor `by`"),
            ("at 2s crash 4P", "there is no unit `4P`"),
            ("at 2s crash 1P now", "`crash 1P now` is nothing that can be done"),
            ("at 2s cut 1 1", "a cable is between two nodes"),
            ("at 2s cut 1 2 x1", "`x1` is no path: x0, or nothing"),
            ("at 2s cut 1 -2", "there is no node `-2`"),
            ("at 2s down 1P x0", "`x0` is not X1 or X2"),
            ("at 2s move 3 to 1", "there is no group `3`"),
            ("by 2s crash 1P", "`crash 1P` is nothing that can be expected"),
            ("by 2s group 1 on node", "there is no unit `node`"),
            ("by 2s group 1 on", "a group is on a node, a unit, nobody or several"),
            ("by 2s unit 1P tired", "`unit 1P tired` is nothing that can be expected"),
        ];
        for (text, why) in refused {
            let error = parse(&format!("# first\n{text}"), &SETUP).unwrap_err();
            assert_eq!(error.to_string(), format!("line 2: {why}"));
        }
        let single = Setup { units: 1, ..SETUP };
        let error = parse("at 1s take-over 1P", &single).unwrap_err();
        assert_eq!(error.to_string(), "line 1: the nodes have a single unit");
    }
}
