//! What the oracle is shown, and what becomes of its verdicts.

use super::{A, B, NAMES, World};
use crate::glimpse::Glimpse;
use crate::oracle::{Circumstances, Heard, Rule, Verdict, Violation};
use crate::subject::Subject;
use crate::trace::What;
use ha_core::machine::ActionId;
use ha_core::pair::{Action, Event, State, Why};
use ha_core::reject::Reject;

impl<S: Subject> World<S> {
    pub(super) fn heard(
        &mut self,
        unit: usize,
        result: Result<(), Reject>,
        path: u8,
        bytes: &[u8],
    ) {
        match (result, Glimpse::of(bytes)) {
            (Ok(()), Some(glimpse)) => {
                let heard = Heard {
                    now: self.now,
                    local: self.local(unit),
                    path,
                    glimpse,
                    peer_holds: self.units[1 - unit].platform.holds,
                    interval: self.intervals[1 - unit],
                };
                let verdict = self.oracle.hears(unit, &heard);
                self.judge(unit, verdict);
            }
            (Err(reject), _) if is_unreadable(&reject) => {
                self.violate(Rule::Wire, &format!("{} cannot read: {reject}", NAMES[unit]));
            }
            _ => {}
        }
    }

    pub(super) fn judge_sync(&mut self, unit: usize, was_active: bool, fault: &str) {
        let left = was_active && !self.is_in(unit, State::Active);
        let verdict = self.oracle.sync_fault(unit, left, fault);
        self.judge(unit, verdict);
    }

    pub(super) fn begin(&mut self, unit: usize, id: ActionId, action: S::Action) -> Verdict {
        let it = &mut self.units[unit];
        let held = it.platform.holds;
        let platform = &mut it.platform;
        match S::duty(action) {
            Ok(action) => {
                if let Action::Persist { bytes, .. } = &action {
                    it.keeping = Some(bytes.clone());
                }
                platform.begin(self.now, id, action.name());
                let other = &self.units[1 - unit];
                let [a, b] = self.oracle.failure_time;
                let failure_time = a.min(b);
                let verdict = self.oracle.acts(self.now, unit, held, &action, || Circumstances {
                    delay: self.network.longest_delay,
                    interval: self.intervals[A].max(self.intervals[B]),
                    failure_time,
                    is_sure: self.network.is_sure(),
                    is_clean_conflict: other.platform.holds
                        && self.units.iter().all(|unit| unit.slowest.is_zero()),
                });
                match &action {
                    Action::Probe(probe) => self.probe(unit, *probe),
                    Action::RestartService { service } => {
                        self.units[unit].around.restarting(id, *service);
                    }
                    _ => {}
                }
                self.note(unit, || What::Action(action));
                verdict
            }
            Err(other) => {
                platform.begin(self.now, id, other);
                self.note(unit, || What::OtherAction(other));
                Ok(())
            }
        }
    }

    pub(super) fn news(&mut self, unit: usize, event: Event) -> Verdict {
        let peer_holds = self.units[1 - unit].platform.holds;
        let local = self.local(unit);
        let verdict = self.oracle.news(self.now, unit, local, peer_holds, &event);
        match event {
            Event::RoleChanged { why, .. } if why != Why::Started => self.observed.role_change(why),
            Event::MayStop { .. } => self.units[unit].may_stop = true,
            _ => {}
        }
        self.note(unit, || What::Event(event));
        verdict
    }

    pub(super) fn check(&mut self) {
        let holds = self.holds();
        let verdict = self.oracle.check(self.now, holds, || {
            // A platform that cannot withdraw keeps both Active; that is not the machines' fault.
            let cannot = self.units.iter().any(|unit| unit.platform.cannot_withdraw);
            // Who hangs hears nothing.
            let excused = cannot || self.units.iter().any(|unit| unit.hung_until.is_some());
            let slowest = self.units[A].slowest.max(self.units[B].slowest);
            let allowance = self.network.longest_delay + slowest;
            (!excused).then(|| (allowance, self.network.is_lossy()))
        });
        for unit in [A, B] {
            let it = &self.units[unit];
            if it.machine.is_some() && it.hung_until.is_none() {
                let local = it.clock.at(self.now);
                let verdict = self.oracle.check_unit(unit, local, it.platform.holds);
                self.judge(unit, verdict);
            }
        }
        let is_open = holds == [false; 2] && [A, B].iter().any(|unit| self.could_take(*unit));
        self.oracle.gap.note(self.now, is_open);
        if let Err((rule, text)) = verdict {
            self.violate(rule, &text);
        }
    }

    /// Nothing outside of its machine keeps a unit from being Active.
    fn could_take(&self, unit: usize) -> bool {
        let it = &self.units[unit];
        it.machine.as_ref().is_some_and(|machine| machine.pair().state() != State::Left)
            && it.hung_until.is_none()
            && it.platform.is_well()
            && !self.oracle.is_barred(unit)
    }

    pub(super) fn judge(&mut self, unit: usize, verdict: Verdict) {
        if let Err((rule, text)) = verdict {
            self.violate(rule, &format!("{} {text}", NAMES[unit]));
        }
    }

    /// Ends the run. The first violation is the one that counts.
    pub(crate) fn violate(&mut self, rule: Rule, text: &str) {
        let at = self.now();
        self.violation.get_or_insert_with(|| Violation { rule, at, text: text.into() });
    }

    /// What happened.
    #[must_use]
    pub fn into_trace(self) -> Vec<crate::Entry> {
        self.trace.into()
    }
}

/// The datagram, not what it says, is wrong: the network here changes no bit, so its sender did that.
fn is_unreadable(reject: &Reject) -> bool {
    use Reject::{Serial, Stale, UnknownPeer, UnprovenStart};
    !matches!(reject, Stale | UnprovenStart | Serial | UnknownPeer)
}
