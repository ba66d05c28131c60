//! The prefix cache. In: the tokens of prompts, and the keys and values of their blocks. Out: the blocks that a new prompt begins with.
//! Must not know: rows, sessions, requests.
//!
//! Blocks form a tree: a block is known by the block before it and its own tokens, so what is shared by many conversations (system prompt,
//! persona) is kept once, and what one conversation said hangs below it. Equal tokens are compared, not hashes of them. Memory is
//! bounded; the block used least recently goes first. A use touches the last block first, so a block is never older than
//! those below it, and only ends of the tree are thrown away.

use lru::LruCache;

use super::stats::Stats;
use crate::decoder::Block;

/// Tokens in a block.
///
/// A cached block holds what a new run would compute, bit for bit, because runs of two and more tokens agree however they are cut (see
/// `decoder`): reuse changes the time and not the tokens.
pub(crate) const BLOCK: usize = 32;

/// Blocks of keys and values, by the tokens that they stand for.
pub(crate) struct PrefixCache {
    blocks: LruCache<Key, Entry>,
    bytes: usize,
    budget: usize,
    next: u64,
}

#[derive(PartialEq, Eq, Hash)]
struct Key {
    /// The block before it, or the lane.
    before: u64,
    tokens: [u32; BLOCK],
}

struct Entry {
    number: u64,
    block: Block,
}

/// Numbers below it are lanes.
const FIRST: u64 = 1 << 32;

impl PrefixCache {
    /// Keeps up to `budget` bytes; 0 keeps nothing.
    pub(crate) fn new(budget: usize) -> Self {
        Self { blocks: LruCache::unbounded(), bytes: 0, budget, next: FIRST }
    }

    pub(crate) fn is_off(&self) -> bool {
        self.budget == 0
    }

    /// The blocks that `tokens` begin with.
    pub(crate) fn find(&mut self, lane: usize, tokens: &[u32]) -> Vec<Block> {
        let mut before = lane as u64;
        let mut keys = Vec::new();
        let mut found = Vec::new();
        for tokens in tokens.as_chunks::<BLOCK>().0 {
            let key = Key { before, tokens: *tokens };
            let Some(entry) = self.blocks.peek(&key) else { break };
            before = entry.number;
            found.push(entry.block.clone());
            keys.push(key);
        }
        for key in keys.iter().rev() {
            self.blocks.promote(key);
        }
        found
    }

    /// Whether the last block of `tokens`, whole blocks all of them, has to be added still.
    pub(crate) fn lacks(&self, lane: usize, tokens: &[u32]) -> bool {
        !self.is_off() && self.number(lane, tokens).is_none()
    }

    /// Keeps the last block of `tokens`, whole blocks all of them; nothing where those before it are gone.
    pub(crate) fn add(&mut self, lane: usize, tokens: &[u32], block: Block, stats: &Stats) {
        let chunks = tokens.as_chunks::<BLOCK>().0;
        let Some((&last, before)) = chunks.split_last() else { return };
        let Some(before) = self.number(lane, before.as_flattened()) else { return };
        self.bytes += size(&block);
        let entry = Entry { number: self.next, block };
        self.next += 1;
        if let Some((_, old)) = self.blocks.push(Key { before, tokens: last }, entry) {
            self.bytes -= size(&old.block);
        }
        // Those before it count as used with it, so that none is older than what hangs below it.
        self.find(lane, &tokens[..(chunks.len() - 1) * BLOCK]);
        while self.bytes > self.budget
            && let Some((_, old)) = self.blocks.pop_lru()
        {
            self.bytes -= size(&old.block);
        }
        stats.set_prefix_bytes(self.bytes);
    }

    /// The number under which what follows `tokens` is kept.
    fn number(&self, lane: usize, tokens: &[u32]) -> Option<u64> {
        let mut before = lane as u64;
        for tokens in tokens.as_chunks::<BLOCK>().0 {
            before = self.blocks.peek(&Key { before, tokens: *tokens })?.number;
        }
        Some(before)
    }
}

fn size(block: &Block) -> usize {
    block.iter().map(|bytes| bytes.len()).sum::<usize>() + std::mem::size_of::<Key>()
}

#[cfg(test)]
mod tests {
    use super::{BLOCK, PrefixCache, size};
    use crate::decoder::Block;
    use crate::engine::stats::Stats;

    fn block(fill: u8) -> Block {
        vec![vec![fill; 1000].into()]
    }

    fn tokens(blocks: &[u32]) -> Vec<u32> {
        blocks.iter().flat_map(|&token| [token; BLOCK]).collect()
    }

    /// A cache for `room` blocks that holds these paths.
    fn cache(room: usize, paths: &[&[u32]]) -> PrefixCache {
        let mut cache = PrefixCache::new(room * size(&block(0)));
        for path in paths {
            for end in 1..=path.len() {
                let tokens = tokens(&path[..end]);
                if cache.lacks(0, &tokens) {
                    cache.add(0, &tokens, block(path[end - 1] as u8), &Stats::new("test"));
                }
            }
        }
        cache
    }

    fn found(cache: &mut PrefixCache, path: &[u32]) -> Vec<u8> {
        cache.find(0, &tokens(path)).iter().map(|block| block[0][0]).collect()
    }

    #[test]
    fn longest_common_prefix_is_found() {
        let mut cache = cache(10, &[&[1, 2, 3], &[1, 4]]);
        assert_eq!(found(&mut cache, &[1, 2, 9]), [1, 2]);
        assert_eq!(found(&mut cache, &[1, 4, 3]), [1, 4]);
        assert!(found(&mut cache, &[2]).is_empty());
        // A block counts whole or not at all.
        let mut cut = tokens(&[1, 2]);
        cut.pop();
        assert_eq!(cache.find(0, &cut).len(), 1);
        cut[3] += 1;
        assert!(cache.find(0, &cut).is_empty());
    }

    #[test]
    fn same_tokens_elsewhere_are_another_block() {
        let mut cache = cache(10, &[&[1, 2], &[3]]);
        assert_eq!(found(&mut cache, &[3, 2]), [3]);
        assert!(cache.find(1, &tokens(&[1])).is_empty(), "an adapter's keys are its own");
    }

    #[test]
    fn least_recently_used_end_goes_first() {
        let mut cache = cache(3, &[&[1, 2], &[1, 3]]);
        found(&mut cache, &[1, 2]);
        cache.add(0, &tokens(&[1, 4]), block(4), &Stats::new("test"));
        assert_eq!(found(&mut cache, &[1, 3]), [1]);
        assert_eq!(found(&mut cache, &[1, 2]), [1, 2]);
        assert_eq!(found(&mut cache, &[1, 4]), [1, 4]);
        assert!(cache.bytes <= cache.budget);
    }

    #[test]
    fn nothing_is_kept_without_memory_or_without_what_precedes() {
        assert!(cache(0, &[&[1]]).blocks.is_empty());
        let mut orphan = cache(4, &[]);
        orphan.add(0, &tokens(&[1, 2]), block(2), &Stats::new("test"));
        assert!(orphan.blocks.is_empty());
    }
}
