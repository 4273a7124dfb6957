//! What the keys do.

use crate::cables::Cable;
use crate::order::Order;
use crate::setup::INTERFACES;
use crate::view::View;
use ratatui::crossterm::event::{KeyCode, KeyEvent, KeyModifiers};
use svrrp::{GroupNumber, Member};

/// The lines below the screen.
pub(crate) const HELP: [&str; 2] = [
    " ← → unit   c crash   s start   1 2 port   t take over from its peer   F1–F4 its node is to own VG 1–4",
    " ↑ ↓ link   x cut or mend   q quit",
];

/// What the keys act on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Selection {
    pub(crate) unit: Member,
    pub(crate) cable: Cable,
}

/// What a key asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Wish {
    Nothing,
    Do(Order),
    Quit,
}

impl Selection {
    /// The first unit and the first cable.
    pub(crate) fn new(view: &View) -> Option<Self> {
        Some(Self { unit: view.units.first()?.member, cable: view.setup.cables().next()? })
    }

    pub(crate) fn press(&mut self, key: KeyEvent, view: &View) -> Wish {
        let units = || view.units.iter().map(|unit| unit.member);
        match key.code {
            KeyCode::Char('q') | KeyCode::Esc => return Wish::Quit,
            KeyCode::Char('c') if key.modifiers.contains(KeyModifiers::CONTROL) => {
                return Wish::Quit;
            }
            KeyCode::Right => self.unit = after(units(), self.unit),
            KeyCode::Left => self.unit = after(units().rev(), self.unit),
            KeyCode::Down => self.cable = after(view.setup.cables(), self.cable),
            KeyCode::Up => {
                let backwards = view.setup.cables().collect::<Vec<_>>().into_iter().rev();
                self.cable = after(backwards, self.cable);
            }
            code => return self.order(code, view).map_or(Wish::Nothing, Wish::Do),
        }
        Wish::Nothing
    }

    fn order(&self, code: KeyCode, view: &View) -> Option<Order> {
        let &Self { unit: member, cable } = self;
        Some(match code {
            KeyCode::Char('c') => Order::Crash(member),
            KeyCode::Char('s') => Order::Start(member),
            KeyCode::Char('t') if view.setup.has_pairs() => Order::TakeOver(member),
            KeyCode::Char('x') if view.cut.contains(&cable) => Order::Mend(cable),
            KeyCode::Char('x') => Order::Cut(cable),
            KeyCode::Char(digit) => {
                let at = usize::try_from(digit.to_digit(10)?).ok()?.checked_sub(1)?;
                let up = !view.unit(member)?.ports.get(at)?;
                Order::Port { member, interface: *INTERFACES.get(at)?, up }
            }
            KeyCode::F(number) => {
                let group = view.group(GroupNumber::new(number)?)?.group;
                Order::Move { group, to: member.node }
            }
            _ => return None,
        })
    }
}

/// The one behind this one; behind the last comes the first.
fn after<T: PartialEq + Copy>(all: impl Iterator<Item = T> + Clone, this: T) -> T {
    all.clone().skip_while(|it| *it != this).nth(1).or_else(|| all.clone().next()).unwrap_or(this)
}
