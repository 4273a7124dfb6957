//! What is to be seen: nodes and units, virtual groups, links, the latest events, and the keys.

pub(crate) mod keys;
pub(crate) mod svg;
pub(crate) mod terminal;
#[cfg(test)]
mod tests;

use crate::cables::{Cable, LINK, X0};
use crate::naming;
use crate::setup::INTERFACES;
use crate::timeline::{Entry, Tone, milliseconds};
use crate::view::{GroupView, UnitView, View};
use ha_core::pair::Role;
use keys::Selection;
use ratatui::buffer::Buffer;
use ratatui::layout::{Constraint, Layout, Rect};
use ratatui::style::{Color, Modifier, Style, Stylize as _};
use ratatui::text::{Line, Span};
use ratatui::widgets::{Block, Paragraph, Row, Table, Widget};
use svrrp::{GroupNumber, NodeNumber};

/// A cluster at one moment.
#[derive(Debug)]
pub(crate) struct Screen<'a> {
    pub(crate) view: &'a View,
    /// What the keys act on; a picture has none.
    pub(crate) selection: Option<Selection>,
}

impl Widget for Screen<'_> {
    fn render(self, area: Rect, buf: &mut Buffer) {
        let rows = |count: usize| u16::try_from(count).unwrap_or(u16::MAX);
        let setup = &self.view.setup;
        let [title, nodes, groups, links, events, help] = Layout::vertical([
            Constraint::Length(1),
            Constraint::Length(rows(setup.units.into()) + 2),
            Constraint::Length(rows(self.view.groups.len()) + 3),
            Constraint::Length(5),
            Constraint::Min(3),
            Constraint::Length(if self.selection.is_some() { 2 } else { 0 }),
        ])
        .areas(area);
        self.title().render(title, buf);
        let places = Layout::horizontal(setup.nodes().map(|_| Constraint::Fill(1))).split(nodes);
        for (node, place) in setup.nodes().zip(places.iter()) {
            self.node(node).render(*place, buf);
        }
        Widget::render(self.groups(), groups, buf);
        Widget::render(self.links(), links, buf);
        self.events(events.height.saturating_sub(2)).render(events, buf);
        Paragraph::new(keys::HELP.map(Line::raw).to_vec()).dim().render(help, buf);
    }
}

impl Screen<'_> {
    fn title(&self) -> Line<'_> {
        let View { setup, now, bound, .. } = self.view;
        let shape = format!(" {} nodes of {}", setup.nodes, units(setup.units));
        let rhythm = format!("{:?} × {}", setup.interval, setup.level);
        let now = now.since_epoch().as_secs_f64();
        let bound = milliseconds(*bound);
        Line::from(vec![
            shape.bold(),
            format!(" · {rhythm} · from a crash to the new owner {bound} at the most · ").into(),
            format!("{now:.1} s").bold(),
        ])
    }

    fn node(&self, node: NodeNumber) -> Paragraph<'_> {
        let units = self.view.units.iter().filter(|unit| unit.member.node == node);
        let lines: Vec<_> = units.map(|unit| self.unit(unit)).collect();
        let first = self.view.group(GroupNumber::One);
        let is_master = first.is_some_and(|it| it.holders.iter().any(|unit| unit.node == node));
        let master = if is_master { "· Master " } else { "" };
        Paragraph::new(lines).block(Block::bordered().title(format!(" {node} {master}").bold()))
    }

    fn unit(&self, unit: &UnitView) -> Line<'_> {
        let is_selected = self.selection.is_some_and(|it| it.unit == unit.member);
        let mark = if is_selected { "▶" } else { " " };
        let role = unit.role.map_or_else(|| "off".to_owned(), |role| role.to_string());
        let colour = match unit.role {
            None => Color::Red,
            Some(Role::Active) => Color::Green,
            Some(Role::Standby) => Color::Cyan,
            Some(_) => Color::Yellow,
        };
        let name = format!("{mark}{} ", naming::unit(unit.member));
        let mut spans = vec![name.bold(), format!("{role:<9}").fg(colour)];
        for (interface, up) in INTERFACES.into_iter().zip(unit.ports) {
            let colour = if up { Color::Green } else { Color::Red };
            spans.push(format!(" {}", naming::interface(interface)).into());
            spans.push(if up { "●" } else { "○" }.fg(colour));
        }
        Line::from(spans)
    }

    fn groups(&self) -> Table<'_> {
        let nodes = || self.view.setup.nodes();
        let header = ["".to_owned(), "owner".to_owned()].into_iter();
        let header = header.chain(nodes().map(|node| node.to_string()));
        let rows = self.view.groups.iter().map(|group| {
            let weights = nodes().map(|node| weight(group, node));
            Row::new([group.group.to_string().bold(), owner(group)].into_iter().chain(weights))
        });
        let widths = [Constraint::Length(6), Constraint::Length(12)];
        let widths = widths.into_iter().chain(nodes().map(|_| Constraint::Fill(1)));
        let title =
            " virtual groups: the owner, and of each node the links that are up and its rank ";
        Table::new(rows, widths)
            .header(Row::new(header).dim())
            .block(Block::bordered().title(title))
    }

    fn links(&self) -> Table<'_> {
        let pairs = || self.view.setup.node_pairs();
        let header = pairs().map(|[one, other]| format!("{} – {}", one.get(), other.get()));
        let rows = [(LINK, "cluster link"), (X0, "X0")].map(|(path, name)| {
            let cables = pairs().filter_map(move |[one, other]| Cable::new(one, other, path));
            let cells = cables.map(|cable| self.cable(cable));
            Row::new([name.bold()].into_iter().chain(cells))
        });
        let widths = [Constraint::Length(14)].into_iter();
        let widths = widths.chain(pairs().map(|_| Constraint::Length(9)));
        Table::new(rows, widths)
            .header(Row::new([String::new()].into_iter().chain(header)).dim())
            .block(Block::bordered().title(" links between nodes "))
    }

    fn cable(&self, cable: Cable) -> Span<'static> {
        let is_selected = self.selection.is_some_and(|it| it.cable == cable);
        let mark = if is_selected { "▶" } else { " " };
        if self.view.cut.contains(&cable) {
            format!("{mark}╴cut╶").fg(Color::Red)
        } else {
            format!("{mark}─────").fg(Color::Green)
        }
    }

    fn events(&self, rows: u16) -> Paragraph<'_> {
        let from = self.view.entries.len().saturating_sub(rows.into());
        let lines = self.view.entries.iter().skip(from).map(event);
        Paragraph::new(lines.collect::<Vec<_>>()).block(Block::bordered().title(" events "))
    }
}

fn units(count: u8) -> &'static str {
    if count == 1 { "1 unit" } else { "2 units" }
}

fn owner(group: &GroupView) -> Span<'static> {
    let names = group.holders.iter().map(|unit| naming::unit(*unit)).collect::<Vec<_>>();
    match &names[..] {
        [] => "nobody".fg(Color::Red),
        [one] => one.clone().fg(Color::Green).bold(),
        several => several.join(" and ").fg(Color::Red),
    }
}

fn weight(group: &GroupView, node: NodeNumber) -> Span<'static> {
    let at = |table: &[Option<String>; 4]| table.get(node.index()).cloned().flatten();
    let weight = at(&group.weights.map(|it| it.map(|it| format!("{it} up"))));
    let rank = at(&group.ranks.map(|it| it.map(|it| it.to_string()))).unwrap_or_default();
    let text = format!("{}, {rank}", weight.unwrap_or_else(|| "-".to_owned()));
    let owns = group.holders.iter().any(|unit| unit.node == node);
    text.fg(if owns { Color::Green } else { Color::Reset })
}

fn event(entry: &Entry) -> Line<'_> {
    let style = match entry.tone {
        Tone::Told => Style::new(),
        Tone::Good => Style::new().fg(Color::Green),
        Tone::Bad => Style::new().fg(Color::Red).add_modifier(Modifier::BOLD),
        Tone::Done => Style::new().fg(Color::Yellow),
    };
    Line::styled(entry.to_string(), style)
}
