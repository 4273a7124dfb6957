//! The screen of a fixed moment, and what the keys ask for.

use super::keys::{Selection, Wish};
use super::{Screen, svg};
use crate::cables::{Cable, LINK, X0};
use crate::order::Order;
use crate::setup::{INTERFACES, Setup};
use crate::timeline::{Entry, Tone};
use crate::view::{GroupView, UnitView, View};
use ha_core::pair::Role;
use ha_core::time::Instant;
use ratatui::Terminal;
use ratatui::backend::TestBackend;
use ratatui::buffer::Buffer;
use ratatui::crossterm::event::{KeyCode, KeyEvent, KeyModifiers};
use ratatui::layout::Rect;
use ratatui::widgets::Widget as _;
use std::time::Duration;
use svrrp::link_weight::LinkWeight;
use svrrp::{GroupNumber, Member, NodeNumber};

fn unit(name: &str) -> Member {
    crate::naming::parse_unit(name).unwrap()
}

fn cable(path: ha_core::identity::PathId) -> Cable {
    Cable::new(NodeNumber::Two, NodeNumber::One, path).unwrap()
}

/// 1P is off, 1S owns VG 1, X1 of 2P is down, VG 2 is held twice, and a link is cut.
fn view() -> View {
    let interval = Duration::from_millis(100);
    let setup = Setup { nodes: 3, units: 2, groups: 3, interval, level: 3 };
    let units = setup.members().map(|member| {
        let role = match member {
            it if it == unit("1P") => None,
            it if it == unit("1S") || it != unit("2S") && it != unit("3S") => Some(Role::Active),
            _ => Some(Role::Standby),
        };
        UnitView { member, role, ports: [member != unit("2P"), true] }
    });
    let ranks = setup.ranks();
    let groups = setup.groups().map(|group| GroupView {
        group,
        holders: match group {
            GroupNumber::One => vec![unit("1S")],
            GroupNumber::Two => vec![unit("2P"), unit("3P")],
            _ => vec![],
        },
        weights: [Some(LinkWeight(2)), Some(LinkWeight(1)), None, None],
        ranks: NodeNumber::ALL.map(|node| ranks.get(group, node)),
    });
    let entry = |milliseconds, who, tone, what: &str| {
        let at = Instant::from_millis(milliseconds);
        Entry { at, who, tone, what: what.to_owned() }
    };
    let (units, groups) = (units.collect(), groups.collect());
    View {
        setup,
        now: Instant::from_millis(4321),
        units,
        groups,
        cut: [cable(LINK)].into(),
        entries: vec![
            entry(1, None, Tone::Told, "an older one, which does not fit"),
            entry(2000, None, Tone::Done, "1P crashes"),
            entry(2215, Some(unit("1S")), Tone::Good, "VG 1: taking -> owner"),
        ],
        bound: Duration::from_millis(400),
    }
}

#[test]
fn a_moment_is_drawn() {
    let view = view();
    let mut terminal = Terminal::new(TestBackend::new(104, 23)).unwrap();
    let selection = Selection::new(&view);
    let screen = Screen { view: &view, selection };
    terminal.draw(|frame| frame.render_widget(screen, frame.area())).unwrap();
    insta::assert_snapshot!(terminal.backend());
}

#[test]
fn a_terminal_that_is_too_small_is_drawn_all_the_same() {
    let view = view();
    for (width, height) in [(0, 0), (1, 1), (30, 5), (200, 3)] {
        let mut buffer = Buffer::empty(Rect::new(0, 0, width, height));
        Screen { view: &view, selection: Selection::new(&view) }.render(buffer.area, &mut buffer);
    }
}

#[test]
fn the_picture_has_every_word_in_its_place_and_colour() {
    let mut buffer = Buffer::with_lines(["ab <c", "  d"]);
    buffer[(0, 0)].set_fg(ratatui::style::Color::Green);
    let picture = svg::picture(&buffer);
    let words = |word: &str| picture.lines().filter(|line| line.contains(word)).count();
    assert_eq!(words("fill=\"#a8cc8c\">a</text>"), 1, "{picture}");
    assert_eq!(
        words("<text x=\"21\" y=\"26\" textLength=\"36\" fill=\"#b9c0cb\">b &lt;c</text>"),
        1
    );
    assert_eq!(words("<text x=\"30\" y=\"45\" textLength=\"9\" fill=\"#b9c0cb\">d</text>"), 1);
}

fn press(selection: &mut Selection, code: KeyCode) -> Wish {
    selection.press(KeyEvent::new(code, KeyModifiers::NONE), &view())
}

#[test]
fn keys_act_on_what_is_selected() {
    let mut selection = Selection::new(&view()).unwrap();
    let it = &mut selection;
    let port = |up| Wish::Do(Order::Port { member: unit("2P"), interface: INTERFACES[0], up });
    assert_eq!(press(it, KeyCode::Char('c')), Wish::Do(Order::Crash(unit("1P"))));
    assert_eq!(press(it, KeyCode::Left), Wish::Nothing);
    assert_eq!(press(it, KeyCode::Char('s')), Wish::Do(Order::Start(unit("3S"))));
    for _ in 0..3 {
        press(it, KeyCode::Right);
    }
    assert_eq!(press(it, KeyCode::Char('1')), port(true));
    assert_eq!(press(it, KeyCode::Char('3')), Wish::Nothing);
    assert_eq!(press(it, KeyCode::Char('t')), Wish::Do(Order::TakeOver(unit("2P"))));
    let group_2 = Order::Move { group: GroupNumber::Two, to: NodeNumber::Two };
    assert_eq!(press(it, KeyCode::F(2)), Wish::Do(group_2));
    assert_eq!(press(it, KeyCode::F(4)), Wish::Nothing);
    assert_eq!(press(it, KeyCode::Char('x')), Wish::Do(Order::Mend(cable(LINK))));
    for _ in 0..3 {
        press(it, KeyCode::Down);
    }
    assert_eq!(press(it, KeyCode::Char('x')), Wish::Do(Order::Cut(cable(X0))));
    assert_eq!(press(it, KeyCode::Char('q')), Wish::Quit);
}
