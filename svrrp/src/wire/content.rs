//! The elements of an advertisement.
//!
//! | type | | value |
//! | --- | --- | --- |
//! | 1 | model | text, 1 to 32 visible ASCII characters |
//! | 2 | firmware version | text, 1 to 32 visible ASCII characters |
//! | 0x83 | rank table, always there | 16 bytes: of VG 1 the ranks of nodes 1 to 4, then of VG 2, ...; 0: no rank |
//! | 0x84 | virtual groups | 1 to 4 entries of 22 bytes: see [`GroupEntry`]. In ascending order, each once |
//! | 0x85 | units heard | 1 to 7 entries of 20 bytes: see [`HeardEntry`]. In ascending order, each once |
//!
//! The model and the firmware version are there both, or neither. A list that would be empty is left out.

use super::bytes::{Writer, malformed};
use super::element::{Elements, element_len};
use super::group::{GROUP_LEN, GroupEntry};
use super::header::name;
use super::heard::{HEARD_LEN, HeardEntry};
use super::table::{ByGroup, ByMember};
use crate::identity::{GroupNumber, MAX_GROUPS, MAX_NODES, MAX_UNITS, Member, NodeNumber};
use crate::rank::{Rank, RankTable};
use ha_core::identity::MAX_NAME_LEN;
use ha_core::pair::Product;
use ha_core::reject::Reject;

const MODEL: u8 = 1;
const FIRMWARE: u8 = 2;
const RANKS: u8 = 0x83;
const GROUPS: u8 = 0x84;
const HEARD: u8 = 0x85;

const RANKS_LEN: usize = MAX_GROUPS * MAX_NODES;
const MAX_HEARD: usize = MAX_UNITS - 1;

/// The length of all elements at the most.
pub(super) const LONGEST_CONTENT: usize = 2 * element_len(MAX_NAME_LEN)
    + element_len(RANKS_LEN)
    + element_len(MAX_GROUPS * GROUP_LEN)
    + element_len(MAX_HEARD * HEARD_LEN);

/// The elements of an advertisement.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Content {
    /// The model and the firmware version, the same on all units of a cluster (NODE-2). Not every advertisement
    /// has to say them.
    pub product: Option<Product>,
    /// The ranks by which it works.
    pub ranks: RankTable,
    /// What it says of each virtual group that is configured.
    pub groups: ByGroup<GroupEntry>,
    /// The other units that it hears or heard.
    pub heard: ByMember<HeardEntry>,
}

impl Content {
    /// Reads what the elements say into an empty value, where it is: it is too large to be moved about.
    pub(super) fn fill(&mut self, elements: &[u8], sender: Member) -> Result<(), Reject> {
        let (groups, heard) = (&mut self.groups, &mut self.heard);
        let view = ContentView::check(
            elements,
            sender,
            |group, entry| groups.set(group, Some(entry)),
            |member, entry| heard.set(member, Some(entry)),
        )?;
        self.product = view.product;
        self.ranks = view.ranks();
        Ok(())
    }

    pub(super) fn check(&self, sender: Member) -> Result<(), Reject> {
        if self.heard.get(sender).is_some() {
            return Err(malformed("unit heard"));
        }
        self.groups.iter().try_for_each(|(_, entry)| entry.check(sender.node))
    }

    pub(super) fn wire_len(&self) -> usize {
        let list = |entries: usize, len: usize| match entries {
            0 => 0,
            entries => element_len(entries.saturating_mul(len)),
        };
        let product = self.product.as_ref().map_or(0, |product| {
            let model = element_len(product.model.as_str().len());
            model.saturating_add(element_len(product.firmware.as_str().len()))
        });
        product
            .saturating_add(element_len(RANKS_LEN))
            .saturating_add(list(self.groups.len(), GROUP_LEN))
            .saturating_add(list(self.heard.len(), HEARD_LEN))
    }

    pub(super) fn put(&self, out: &mut Writer<'_>) -> Option<()> {
        if let Some(product) = &self.product {
            for (kind, text) in
                [(MODEL, product.model.as_str()), (FIRMWARE, product.firmware.as_str())]
            {
                out.put_element(kind, text.len())?;
                out.put_slice(text.as_bytes())?;
            }
        }
        out.put_element(RANKS, RANKS_LEN)?;
        for group in GroupNumber::ALL {
            let rank = |node| self.ranks.get(group, node).map_or(0, |rank: Rank| rank.0.get());
            out.put(NodeNumber::ALL.map(rank))?;
        }
        if !self.groups.is_empty() {
            out.put_element(GROUPS, self.groups.len().checked_mul(GROUP_LEN)?)?;
        }
        for (group, entry) in self.groups.iter() {
            entry.put(group, out)?;
        }
        if !self.heard.is_empty() {
            out.put_element(HEARD, self.heard.len().checked_mul(HEARD_LEN)?)?;
        }
        for (member, entry) in self.heard.iter() {
            entry.put(member, out)?;
        }
        Some(())
    }
}

/// The elements of an advertisement, checked whole, where they are.
#[derive(Clone, Copy, Debug)]
pub(super) struct ContentView<'a> {
    pub(super) product: Option<Product>,
    ranks: &'a [u8; RANKS_LEN],
    groups: &'a [[u8; GROUP_LEN]],
    heard: &'a [[u8; HEARD_LEN]],
}

impl<'a> ContentView<'a> {
    /// Checks all elements, and hands out the entries of the lists on the way.
    pub(super) fn check(
        elements: &'a [u8],
        sender: Member,
        mut on_group: impl FnMut(GroupNumber, GroupEntry),
        mut on_heard: impl FnMut(Member, HeardEntry),
    ) -> Result<Self, Reject> {
        let (mut model, mut firmware, mut ranks) = (None, None, None);
        let mut content = Self { product: None, ranks: &[0; RANKS_LEN], groups: &[], heard: &[] };
        for element in Elements::new(elements) {
            let element = element?;
            match element.kind {
                MODEL => model = Some(name(element.value, "model")?),
                FIRMWARE => firmware = Some(name(element.value, "firmware")?),
                RANKS => ranks = Some(element.value.try_into().map_err(|_| malformed("ranks"))?),
                GROUPS => content.groups = entries(element.value, MAX_GROUPS, "virtual groups")?,
                HEARD => content.heard = entries(element.value, MAX_HEARD, "units heard")?,
                _ => element.skip()?,
            }
        }
        content.ranks = ranks.ok_or(malformed("ranks"))?;
        content.product = match (model, firmware) {
            (Some(model), Some(firmware)) => Some(Product { model, firmware }),
            (None, None) => None,
            (Some(_), None) => return Err(malformed("firmware")),
            (None, Some(_)) => return Err(malformed("model")),
        };
        // The first place that the next entry may have: each once, in ascending order.
        let mut first = 0;
        for entry in content.groups {
            let (group, entry) = GroupEntry::read(entry)?;
            entry.check(sender.node)?;
            if group.index() < first {
                return Err(malformed("virtual group"));
            }
            first = group.index().saturating_add(1);
            on_group(group, entry);
        }
        let mut first = 0;
        for entry in content.heard {
            let (member, entry) = HeardEntry::read(entry)?;
            if member == sender || member.index() < first {
                return Err(malformed("unit heard"));
            }
            first = member.index().saturating_add(1);
            on_heard(member, entry);
        }
        Ok(content)
    }

    pub(super) fn ranks(&self) -> RankTable {
        let mut table = RankTable::new();
        let (rows, _) = self.ranks.as_chunks::<MAX_NODES>();
        for (group, row) in GroupNumber::ALL.into_iter().zip(rows) {
            for (node, rank) in NodeNumber::ALL.into_iter().zip(row) {
                table.set(group, node, Rank::new(*rank));
            }
        }
        table
    }

    // What was checked can be read.
    pub(super) fn groups(self) -> impl Iterator<Item = (GroupNumber, GroupEntry)> + use<'a> {
        self.groups.iter().filter_map(|entry| GroupEntry::read(entry).ok())
    }

    pub(super) fn heard(self) -> impl Iterator<Item = (Member, HeardEntry)> + use<'a> {
        self.heard.iter().filter_map(|entry| HeardEntry::read(entry).ok())
    }
}

/// The entries of a list: at least one, at most `limit`, and nothing else.
fn entries<'a, const N: usize>(
    value: &'a [u8],
    limit: usize,
    field: &'static str,
) -> Result<&'a [[u8; N]], Reject> {
    match value.as_chunks() {
        (entries, []) if (1..=limit).contains(&entries.len()) => Ok(entries),
        _ => Err(malformed(field)),
    }
}
