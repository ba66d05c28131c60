//! A table of keys: who has which. In: keys with claims. Out: finite-state transducers, one for each two bytes that keys begin with,
//! and the claims on a key.
//!
//! Cut into shards, a table can be built on all cores, and looking something up touches, and so checks, a small part of it. A
//! key of one byte has a shard of its own. What a transducer gives for a key is the one claim on it, or where the list of
//! claims begins, those first that weigh most.

use std::ops::Range;

use fst::raw::Fst;
use loquat_mapped::{Mapped, MappedError, Writer};
use rayon::prelude::*;
use serde::{Deserialize, Serialize};

use super::codec::{put, take};
use crate::GraphError;

/// Claims on one key that are kept: the list of an overly common name is cut.
const LONGEST_LIST: usize = 4096;

/// Bits of a claim's flags.
const FLAGS: u32 = 3;

/// One node's claim to a key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Claim {
    pub(crate) node: u32,
    /// What the table's owner wants to know of it, below 8.
    pub(crate) flags: u8,
}

/// A part of a table: keys that begin with the same two bytes.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Shard {
    first: u8,
    /// 0 for the key of one byte.
    second: u8,
    transducer: Range<u64>,
    lists: Range<u64>,
}

/// Where a table's shards lie, in the order of their keys.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Table {
    shards: Vec<Shard>,
}

/// A shard that is being looked at.
#[derive(Clone, Copy)]
pub(crate) struct OpenShard<'a> {
    transducer: &'a [u8],
    mapped: &'a Mapped,
    shard: &'a Shard,
    /// Where the table's section begins.
    start: usize,
}

impl Table {
    /// The shards that can hold keys that begin with these bytes: that of the first byte alone, and that of both.
    pub(crate) fn shards<'a>(
        &'a self,
        mapped: &'a Mapped,
        start: usize,
        first: u8,
        second: Option<u8>,
    ) -> impl Iterator<Item = OpenShard<'a>> {
        let seconds = [Some(0), second.filter(|second| *second != 0)];
        seconds.into_iter().flatten().filter_map(move |second| {
            let at = self.shards.binary_search_by_key(&(first, second), |shard| (shard.first, shard.second));
            self.shards.get(at.ok()?)?.open(mapped, start)
        })
    }

    /// Every shard of keys that begin with this byte.
    pub(crate) fn shards_of<'a>(
        &'a self,
        mapped: &'a Mapped,
        start: usize,
        first: u8,
    ) -> impl Iterator<Item = OpenShard<'a>> {
        let from = self.shards.partition_point(|shard| shard.first < first);
        let own = self.shards[from..].iter().take_while(move |shard| shard.first == first);
        own.filter_map(move |shard| shard.open(mapped, start))
    }

    /// The claims on a key, the weightiest first.
    pub(crate) fn claims(&self, mapped: &Mapped, start: usize, key: &str) -> Vec<Claim> {
        let Some((first, rest)) = key.as_bytes().split_first() else { return Vec::new() };
        let mut found = Vec::new();
        for shard in self.shards(mapped, start, *first, rest.first().copied()) {
            if let Some(value) = shard.transducer().and_then(|transducer| transducer.get(key)) {
                found.extend(shard.claims(value.value()));
            }
        }
        found
    }
}

impl Shard {
    fn open<'a>(&'a self, mapped: &'a Mapped, start: usize) -> Option<OpenShard<'a>> {
        let transducer = mapped.bytes(within(start, &self.transducer))?;
        Some(OpenShard { transducer, mapped, shard: self, start })
    }
}

impl<'a> OpenShard<'a> {
    /// The second byte of its keys; 0 where they have one.
    pub(crate) fn second(&self) -> u8 {
        self.shard.second
    }

    /// The transducer from keys to values. Cheap: it reads a header.
    pub(crate) fn transducer(&self) -> Option<Fst<&'a [u8]>> {
        Fst::new(self.transducer).ok()
    }

    /// The claims that a value stands for.
    pub(crate) fn claims(&self, value: u64) -> impl Iterator<Item = Claim> + use<'a> {
        let inline = (value & 1 == 0).then(|| claim(value >> 1));
        let mut list: &[u8] = if inline.is_some() { &[] } else { self.list(value >> 1).unwrap_or_default() };
        let count = if inline.is_some() { 0 } else { take(&mut list).unwrap_or_default() };
        inline.into_iter().chain((0..count).map_while(move |_| take(&mut list).map(claim)))
    }

    /// How many claims a value stands for.
    pub(crate) fn count(&self, value: u64) -> u64 {
        if value & 1 == 0 {
            return 1;
        }
        self.list(value >> 1).and_then(|mut list| take(&mut list)).unwrap_or_default()
    }

    /// The claims of a value in a table that was written by node.
    pub(crate) fn claims_by_node(&self, value: u64) -> impl Iterator<Item = Claim> + use<'a> {
        let by_list = value & 1 == 1;
        let mut node = 0;
        self.claims(value).map(move |mut claim| {
            if by_list {
                node += claim.node;
                claim.node = node;
            }
            claim
        })
    }

    fn list(&self, offset: u64) -> Option<&'a [u8]> {
        let lists = within(self.start, &self.shard.lists);
        let from = lists.start.checked_add(usize::try_from(offset).ok()?)?;
        self.mapped.bytes(from..lists.end)
    }
}

fn within(start: usize, range: &Range<u64>) -> Range<usize> {
    start + range.start as usize..start + range.end as usize
}

fn claim(packed: u64) -> Claim {
    Claim { node: (packed >> FLAGS) as u32, flags: (packed & ((1 << FLAGS) - 1)) as u8 }
}

fn packed(claim: Claim) -> u64 {
    u64::from(claim.node) << FLAGS | u64::from(claim.flags)
}

/// Keys and claims on them, of a part of the nodes.
#[derive(Default)]
pub(crate) struct Keys {
    bytes: Vec<u8>,
    entries: Vec<Entry>,
}

#[derive(Clone, Copy)]
struct Entry {
    start: u32,
    length: u16,
    claim: Claim,
}

impl Keys {
    /// Adds a claim; an empty key, or one longer than 64 KiB, is nobody's name.
    pub(crate) fn push(&mut self, key: &str, claim: Claim) {
        let (Ok(start), Ok(length)) = (u32::try_from(self.bytes.len()), u16::try_from(key.len())) else {
            return;
        };
        if length > 0 && !key.as_bytes().contains(&0) {
            self.bytes.extend_from_slice(key.as_bytes());
            self.entries.push(Entry { start, length, claim });
        }
    }

    /// Puts the keys into their order; before they are written.
    pub(crate) fn sort(&mut self) {
        let bytes = &self.bytes;
        self.entries.sort_unstable_by(|a, b| key_of(bytes, a).cmp(key_of(bytes, b)));
    }

    fn key(&self, entry: &Entry) -> &[u8] {
        key_of(&self.bytes, entry)
    }

    /// The entries of a shard.
    fn of_shard(&self, shard: (u8, u8)) -> &[Entry] {
        let from = self.entries.partition_point(|entry| shard_of(self.key(entry)) < shard);
        let to = self.entries.partition_point(|entry| shard_of(self.key(entry)) <= shard);
        &self.entries[from..to]
    }
}

fn key_of<'a>(bytes: &'a [u8], entry: &Entry) -> &'a [u8] {
    &bytes[entry.start as usize..entry.start as usize + usize::from(entry.length)]
}

fn shard_of(key: &[u8]) -> (u8, u8) {
    (key.first().copied().unwrap_or_default(), key.get(1).copied().unwrap_or_default())
}

/// The order of the claims on one key.
pub(crate) enum Order<'a> {
    /// The weightiest first, cut after some thousand.
    Weight(&'a (dyn Fn(Claim) -> u32 + Sync)),
    /// By node, all of them; each by how much its node is more than the one before.
    Node,
}

/// Writes a table from sorted keys.
pub(crate) fn write(
    writer: &mut Writer,
    name: u64,
    keys: &[Keys],
    order: &Order<'_>,
) -> Result<Table, GraphError> {
    writer.section(name)?;
    let mut names: Vec<(u8, u8)> = Vec::new();
    for keys in keys {
        names.extend(keys.entries.iter().map(|entry| shard_of(keys.key(entry))));
        names.sort_unstable();
        names.dedup();
    }
    let mut table = Table::default();
    // Some at a time: what is built waits in memory until it is written.
    for names in names.chunks(256) {
        let built: Vec<(Vec<u8>, Vec<u8>)> =
            names.par_iter().map(|shard| build(keys, *shard, order)).collect::<Result<_, _>>()?;
        for ((first, second), (transducer, lists)) in names.iter().zip(built) {
            let place = |writer: &mut Writer, bytes: &[u8]| -> Result<Range<u64>, MappedError> {
                let start = writer.section_length();
                writer.write(bytes)?;
                Ok(start..start + bytes.len() as u64)
            };
            let transducer = place(writer, &transducer)?;
            let lists = place(writer, &lists)?;
            table.shards.push(Shard { first: *first, second: *second, transducer, lists });
        }
    }
    Ok(table)
}

/// A shard's transducer and lists.
fn build(keys: &[Keys], shard: (u8, u8), order: &Order<'_>) -> Result<(Vec<u8>, Vec<u8>), GraphError> {
    let mut entries: Vec<(&[u8], Claim)> = Vec::new();
    for keys in keys {
        entries.extend(keys.of_shard(shard).iter().map(|entry| (keys.key(entry), entry.claim)));
    }
    // Runs that are in order already are merged.
    entries.sort_by_key(|(key, _)| *key);
    let mut transducer = fst::raw::Builder::memory();
    let mut lists = Vec::new();
    let mut claims: Vec<Claim> = Vec::new();
    for same in entries.chunk_by(|(a, _), (b, _)| a == b) {
        claims.clear();
        claims.extend(same.iter().map(|(_, claim)| *claim));
        if claims.len() > 1 {
            arrange(&mut claims, order);
        }
        let value = match claims.as_slice() {
            [only] => packed(*only) << 1,
            several => {
                let offset = lists.len() as u64;
                put(&mut lists, several.len() as u64);
                let mut before = 0;
                for claim in several {
                    let node = claim.node - before;
                    put(&mut lists, packed(Claim { node, ..*claim }));
                    if matches!(order, Order::Node) {
                        before = claim.node;
                    }
                }
                offset << 1 | 1
            }
        };
        transducer.insert(same[0].0, value)?;
    }
    Ok((transducer.into_inner()?, lists))
}

/// Puts the claims on a key in order, one for each node.
fn arrange(claims: &mut Vec<Claim>, order: &Order<'_>) {
    match order {
        Order::Weight(weight) => {
            claims.sort_unstable_by_key(|claim| (claim.node, std::cmp::Reverse(weight(*claim))));
            claims.dedup_by_key(|claim| claim.node);
            claims.sort_by_cached_key(|claim| std::cmp::Reverse(weight(*claim)));
            claims.truncate(LONGEST_LIST);
        }
        Order::Node => {
            claims.sort_unstable_by_key(|claim| claim.node);
            claims.dedup_by(|later, first| {
                let same = later.node == first.node;
                if same {
                    first.flags |= later.flags;
                }
                same
            });
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const KIND: [u8; 8] = *b"names  1";

    #[test]
    fn claims_come_back_in_the_order_of_their_weight() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("file");
        let mut writer = Writer::create(&path, KIND).unwrap();
        let mut parts = [Keys::default(), Keys::default()];
        for node in 0..2000_u32 {
            let keys = &mut parts[node as usize % 2];
            keys.push(&format!("name {node}"), Claim { node, flags: 1 });
            keys.push("common", Claim { node, flags: (node % 3) as u8 });
            keys.push("a", Claim { node: 7, flags: 2 });
        }
        parts[0].push("", Claim { node: 1, flags: 0 });
        parts[0].push("不丹", Claim { node: 5, flags: 7 });
        parts.iter_mut().for_each(Keys::sort);
        let weight = |claim: Claim| claim.node % 100 + u32::from(claim.flags);
        let table = write(&mut writer, 1, &parts, &Order::Weight(&weight)).unwrap();
        let by_node = write(&mut writer, 2, &parts, &Order::Node).unwrap();
        writer.finish().unwrap();
        let mapped = Mapped::open(&path, KIND).unwrap();
        let start = mapped.section(1).start;
        let claims = |key: &str| table.claims(&mapped, start, key);
        for node in [0, 999, 1999] {
            assert_eq!(claims(&format!("name {node}")), [Claim { node, flags: 1 }]);
        }
        assert_eq!(claims("a"), [Claim { node: 7, flags: 2 }]);
        assert_eq!(claims("不丹"), [Claim { node: 5, flags: 7 }]);
        let common = claims("common");
        assert_eq!(common.len(), 2000);
        assert!(
            common.iter().map(|claim| claim.node % 100 + u32::from(claim.flags)).is_sorted_by(|a, b| a >= b)
        );
        assert!(claims("nam").is_empty() && claims("").is_empty() && claims("不").is_empty());
        assert_eq!(table.shards_of(&mapped, start, b'n').count(), 1);
        let shard = by_node.shards(&mapped, mapped.section(2).start, b'c', Some(b'o')).next().unwrap();
        let value = shard.transducer().unwrap().get("common").unwrap().value();
        assert_eq!(shard.count(value), 2000);
        let claims = shard.claims_by_node(value);
        assert!(claims.zip(0..).all(|(claim, node)| claim == Claim { node, flags: (node % 3) as u8 }));
    }
}
