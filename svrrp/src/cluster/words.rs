//! What the nodes say: each by its active unit, and by its last word while its pair moves the role (VG-6).

use super::holding::stance;
use super::machine::ClusterUnit;
use super::news::KeptOut;
use crate::election::{GroupView, NodeSet, NodeView, Said, Stance};
use crate::identity::{GroupNumber, Member, NodeNumber};
use crate::link_weight::LinkWeight;
use crate::wire::{Advertisement, Condition, GroupEntry, GroupStance};
use ha_core::time::Instant;

/// The last word of a node's active unit.
#[derive(Clone, Debug)]
pub(super) struct Words {
    pub(super) advertisement: Advertisement,
    pub(super) at: Instant,
}

impl Words {
    pub(super) fn speaker(&self) -> Member {
        self.advertisement.header.sender
    }

    pub(super) fn entry(&self, group: GroupNumber) -> Option<&GroupEntry> {
        entry(&self.advertisement, group)
    }
}

/// A unit may hold a group if it speaks for its node and says so; or if it does not speak any more, and is still
/// withdrawing. Nothing else counts that a unit says which is not active (NODE-4).
fn may_hold(said: &Advertisement, group: GroupNumber) -> bool {
    let stance = entry(said, group).map(|entry| entry.stance).unwrap_or_default();
    match said.unit.condition {
        Condition::Active => stance.holds(),
        _ => matches!(stance, GroupStance::Withdrawing { .. }),
    }
}

fn entry(said: &Advertisement, group: GroupNumber) -> Option<&GroupEntry> {
    said.content.as_ref()?.groups.get(group)
}

impl ClusterUnit {
    /// Why a unit is kept out, if it is (NODE-2).
    pub(super) fn kept_out(&self, advertisement: &Advertisement) -> Option<KeptOut> {
        let Some(content) = &advertisement.content else { return Some(KeptOut::Protocol) };
        let (theirs, ours) = (content.product?, self.config.product);
        (theirs != ours).then_some(KeptOut::Product { theirs, ours })
    }

    /// What a node says of a group.
    pub(super) fn entry_of(&self, node: NodeNumber, group: GroupNumber) -> Option<&GroupEntry> {
        entry(self.words_of(node, group)?, group)
    }

    fn is_alive(&self, member: Member) -> bool {
        self.peer(member).is_some_and(|peer| peer.is_alive(self.judged, &self.config.rules))
    }

    /// A unit is heard, and says that it holds the group.
    pub(super) fn holds(&self, member: Member, group: GroupNumber) -> bool {
        let said = self.peer(member).and_then(|it| it.alive(self.judged, &self.config.rules));
        said.is_some_and(|said| may_hold(said, group))
    }

    /// A unit that is heard and could be its node's active one.
    fn can_be_active(&self, member: Member) -> bool {
        let said = self.peer(member).and_then(|it| it.alive(self.judged, &self.config.rules));
        said.is_some_and(|said| {
            said.unit.can_be_active
                && said.unit.condition != Condition::Barred
                && self.kept_out(said).is_none()
        })
    }

    /// Until when the word of a node counts whose active unit does not speak any more.
    fn word_ends(&self, words: &Words) -> Instant {
        let failure_time = words.advertisement.unit.failure_time();
        words.at + (self.config.rules.settling_time)(failure_time)
    }

    /// What a node says of a group, as long as that counts: its active unit is heard; or another one is, which can become
    /// active. But if that does not hold the group, and another unit of the node does, that one's word counts.
    pub(super) fn words_of(&self, node: NodeNumber, group: GroupNumber) -> Option<&Advertisement> {
        let speaker = self.word_of_speaker(node).map(|words| &words.advertisement);
        speaker.filter(|said| may_hold(said, group)).or_else(|| {
            let heard = |it| self.peer(it)?.alive(self.judged, &self.config.rules);
            let mut heard = self.units_of(node).filter_map(heard);
            heard.find(|said| may_hold(said, group)).or(speaker)
        })
    }

    fn word_of_speaker(&self, node: NodeNumber) -> Option<&Words> {
        let words = self.words.get(node.index())?.as_ref()?;
        let speaker = words.speaker();
        let speaks = self.is_alive(speaker) && self.peer(speaker).is_some_and(|it| it.is_speaker());
        let settles = || {
            let is_ours = node == self.config.own.node && self.is_fit();
            let can_go_on = is_ours || self.units_of(node).any(|it| self.can_be_active(it));
            self.judged < self.word_ends(words) && can_go_on
        };
        (speaks || settles()).then_some(words)
    }

    /// When the word of a node ends that counts because it settles.
    pub(super) fn words_end(&self) -> Option<Instant> {
        let ends = self.words.iter().flatten().map(|words| self.word_ends(words));
        ends.filter(|end| *end > self.judged).min()
    }

    /// The nodes that this unit hears, by any of their units.
    pub(super) fn nodes_heard(&self) -> NodeSet {
        self.others().filter(|it| self.is_alive(*it)).map(|it| it.node).collect()
    }

    /// This node is a candidate for groups.
    pub(super) fn is_fit(&self) -> bool {
        let is_barred = self.standing.condition == Condition::Barred;
        self.standing.can_be_active && self.told_license && !is_barred
    }

    fn others_view(&self, group: GroupNumber, node: NodeNumber) -> Option<NodeView> {
        let words = self.words_of(node, group)?;
        let content = words.content.as_ref();
        let speaks =
            words.unit.condition == Condition::Active && self.is_alive(words.header.sender);
        let entry = content.and_then(|content| content.groups.get(group));
        let heard = content.into_iter().flat_map(|content| content.heard.iter());
        let hears = heard.filter(|(_, entry)| !entry.paths.is_empty());
        let since = self.holding(group)?.conflict_since;
        let echo = content.and_then(|content| content.heard.get(self.config.own)).and_then(|it| {
            let number = it.echo.number.get();
            let counts =
                it.echo.start == self.outgoing.start && since.is_none_or(|since| number >= since);
            counts.then(|| self.history.said(number, self.outgoing.number, group)).flatten()
        });
        Some(NodeView {
            said: Said {
                // What the speaker says of itself, as it does: in a conflict both judge by that.
                fit: if speaks {
                    words.unit.can_be_active
                } else {
                    self.units_of(node).any(|it| self.can_be_active(it))
                },
                weight: entry.map(|entry| LinkWeight(entry.link_weight)).unwrap_or_default(),
                stance: entry.map(|entry| stance(entry.stance)).unwrap_or_default(),
            },
            kept_out: self.kept_out(words).is_some(),
            owner: entry.and_then(|entry| entry.owner_seen).or_else(|| self.owner_of(node, group)),
            hears: hears.map(|(member, _)| member.node).filter(|it| *it != node).collect(),
            echo,
        })
    }

    /// The owner that any active unit of a node hears: it has two for a moment, or while it is split inside.
    fn owner_of(&self, node: NodeNumber, group: GroupNumber) -> Option<NodeNumber> {
        let heard = |it| self.peer(it)?.alive(self.judged, &self.config.rules);
        let speaks = |said: &&Advertisement| said.unit.condition == Condition::Active;
        let mut active = self.units_of(node).filter_map(heard).filter(speaks);
        active.find_map(|said| entry(said, group)?.owner_seen)
    }

    /// The owner that this unit hears, or that its node is.
    pub(super) fn owner_seen(&self, group: GroupNumber) -> Option<NodeNumber> {
        let own = self.config.own.node;
        if self.holding(group).is_some_and(|it| it.state.holds()) {
            return Some(own);
        }
        let said = |node| Some((node, stance(self.entry_of(node, group)?.stance)));
        let holders = NodeNumber::ALL.into_iter().filter(|it| *it != own).filter_map(said);
        let mut holders = holders.filter(|(_, stance)| stance.holds());
        let first = holders.clone().next();
        holders.find(|(_, stance)| *stance == Stance::Owner).or(first).map(|(node, _)| node)
    }

    /// What this unit knows of all nodes, for one group.
    pub(super) fn view(&self, group: GroupNumber) -> GroupView {
        let own = self.config.own.node;
        let nodes = NodeNumber::ALL.map(|node| {
            if node != own {
                return self.others_view(group, node);
            }
            let said = self.told_last()?.get(group.index())?;
            let state = self.holding(group)?.state;
            Some(NodeView {
                said: Said { stance: stance(state.on_the_wire()), ..*said },
                kept_out: false,
                owner: self.owner_seen(group),
                hears: self.nodes_heard(),
                echo: None,
            })
        });
        GroupView { own, nodes }
    }
}
