//! Grouped-query attention by blocks of queries: scores of one block are kept at a time, and made again on the way back.

use std::ops::Range;

use rayon::prelude::*;

use super::product::{Grid, GridMut, product};
use super::vector::{dot, exp, largest, same, sum, widest};
use crate::backend::{Heads, Layout, Span};

/// Queries of a block.
const BLOCK: usize = 64;

/// What the forward pass read and left.
#[derive(Clone, Copy, Debug)]
pub(super) struct Kept<'a> {
    pub(super) out: &'a [f32],
    pub(super) logsumexp: &'a [f32],
    pub(super) qkv: &'a [f32],
}

/// Queries one after another, and the keys that the last of them sees; the others see fewer of the own ones.
#[derive(Clone, Debug)]
struct Block {
    queries: Range<usize>,
    prefix: Range<usize>,
    own: Range<usize>,
}

impl Block {
    fn of(span: &Span) -> impl Iterator<Item = Self> {
        span.tokens.clone().step_by(BLOCK).map(|start| {
            let end = span.tokens.end.min(start + BLOCK);
            let (prefix, own) = (span.prefix.clone(), span.tokens.start..end);
            // Side by side they are one range.
            let (prefix, own) = if prefix.end == own.start {
                (own.start..own.start, prefix.start..end)
            } else {
                (prefix, own)
            };
            Self { queries: start..end, prefix, own }
        })
    }

    /// How many keys the last query sees.
    fn keys(&self) -> usize {
        self.prefix.len() + self.own.len()
    }

    /// How many keys a query of the block sees.
    fn visible(&self, query: usize) -> usize {
        self.prefix.len() + self.queries.start + query + 1 - self.own.start
    }

    /// Ranges of keys, with their first column in the scores.
    fn ranges(&self) -> impl Iterator<Item = (usize, Range<usize>)> {
        [(0, self.prefix.clone()), (self.prefix.len(), self.own.clone())]
            .into_iter()
            .filter(|(_, range)| !range.is_empty())
    }
}

/// Where heads lie in rows of `qkv`.
#[derive(Clone, Copy, Debug)]
struct Fused<'a> {
    data: &'a [f32],
    heads: Heads,
}

impl<'a> Fused<'a> {
    fn part(self, tokens: &Range<usize>, head: usize) -> Grid<'a> {
        let (stride, dimension) = (self.heads.fused(), self.heads.dimension);
        Grid::new(&self.data[tokens.start * stride + head * dimension..], tokens.len(), dimension, stride)
    }

    fn queries(self, tokens: &Range<usize>, head: usize) -> Grid<'a> {
        self.part(tokens, head)
    }

    fn keys(self, tokens: &Range<usize>, head: usize) -> Grid<'a> {
        self.part(tokens, self.heads.query + head)
    }

    fn values(self, tokens: &Range<usize>, head: usize) -> Grid<'a> {
        self.part(tokens, self.heads.query + self.heads.key + head)
    }
}

/// `scores[i, j] = scale · query i · key j`, of the keys that any query of the block sees.
fn scores(scores: &mut [f32], block: &Block, qkv: Fused<'_>, query_head: usize, key_head: usize) {
    let scale = 1.0 / (qkv.heads.dimension as f32).sqrt();
    let queries = qkv.queries(&block.queries, query_head);
    for (column, keys) in block.ranges() {
        let out = GridMut::new(&mut scores[column..], block.queries.len(), keys.len(), block.keys());
        product(out, 0.0, scale, queries, qkv.keys(&keys, key_head).transpose());
    }
}

pub(super) fn forward(out: &mut [f32], logsumexp: &mut [f32], qkv: &[f32], layout: &Layout, heads: Heads) {
    let qkv = Fused { data: qkv, heads };
    let (mut out, mut logsumexp) = (out, logsumexp);
    let mut tasks = Vec::new();
    for block in layout.spans.iter().flat_map(Block::of) {
        let (one, rest) = out.split_at_mut(block.queries.len() * heads.output());
        let (sums, rest_of_sums) = logsumexp.split_at_mut(block.queries.len() * heads.query);
        tasks.push((block, one, sums));
        (out, logsumexp) = (rest, rest_of_sums);
    }
    tasks.into_par_iter().with_max_len(1).for_each_init(Vec::new, |room, (block, out, logsumexp)| {
        room.resize(room.len().max(block.queries.len() * block.keys()), 0.0);
        let room = &mut room[..block.queries.len() * block.keys()];
        for head in 0..heads.query {
            let key_head = head * heads.key / heads.query;
            scores(room, &block, qkv, head, key_head);
            widest(
                #[inline(always)]
                || {
                    for (query, scores) in room.chunks_exact_mut(block.keys()).enumerate() {
                        logsumexp[query * heads.query + head] = softmax(scores, block.visible(query));
                    }
                },
            );
            for (number, (column, keys)) in block.ranges().enumerate() {
                let out = &mut out[head * heads.dimension..];
                let out = GridMut::new(out, block.queries.len(), heads.dimension, heads.output());
                let weights = Grid::new(&room[column..], block.queries.len(), keys.len(), block.keys());
                let keep = if number == 0 { 0.0 } else { 1.0 };
                product(out, keep, 1.0, weights, qkv.values(&keys, key_head));
            }
        }
    });
}

/// In place; what is not visible becomes 0. The logarithm of the denominator.
#[inline(always)]
fn softmax(scores: &mut [f32], visible: usize) -> f32 {
    let (scores, hidden) = scores.split_at_mut(visible);
    hidden.fill(0.0);
    let most = largest(scores);
    for score in scores.iter_mut() {
        *score = exp(*score - most);
    }
    let total = sum(scores, same);
    let scale = 1.0 / total;
    for score in scores.iter_mut() {
        *score *= scale;
    }
    most + total.ln()
}

/// `scratch` has room for `d_qkv` once more: each task has a part of it, where rows are its queries' gradients, the key's and the value's.
pub(super) fn backward(
    d_qkv: &mut [f32],
    scratch: &mut [f32],
    d_out: &[f32],
    kept: Kept<'_>,
    layout: &Layout,
    heads: Heads,
) {
    let (group, dimension) = (heads.query / heads.key, heads.dimension);
    let width = (group + 2) * dimension;
    let mut tasks = Vec::new();
    let mut rest = &mut *scratch;
    for row in &layout.rows {
        let first = layout.spans.partition_point(|span| span.tokens.start < row.start);
        let last = layout.spans.partition_point(|span| span.tokens.start < row.end);
        for head in 0..heads.key {
            let (part, after) = rest.split_at_mut(row.len() * width);
            tasks.push((row, &layout.spans[first..last], head, part));
            rest = after;
        }
    }
    tasks.into_par_iter().with_max_len(1).for_each_init(
        <(Vec<f32>, Vec<f32>)>::default,
        |room, (row, spans, head, part)| {
            part.fill(0.0);
            for block in spans.iter().flat_map(Block::of) {
                let task = Task { row, heads, key_head: head, d_out, kept };
                task.block(part, room, &block);
            }
        },
    );
    let rows = layout.rows.iter().flat_map(|row| row.clone().map(move |token| (row, token)));
    let rows: Vec<_> = rows.collect();
    d_qkv.par_chunks_exact_mut(heads.fused()).zip(rows).for_each(|(d_qkv, (row, token))| {
        for head in 0..heads.key {
            let part = row.start * heads.key * width + head * row.len() * width;
            let part = &scratch[part + (token - row.start) * width..][..width];
            let (queries, rest) = part.split_at(group * dimension);
            d_qkv[head * group * dimension..][..group * dimension].copy_from_slice(queries);
            d_qkv[(heads.query + head) * dimension..][..dimension].copy_from_slice(&rest[..dimension]);
            d_qkv[(heads.query + heads.key + head) * dimension..][..dimension]
                .copy_from_slice(&rest[dimension..]);
        }
    });
}

/// The gradients of one head of keys, of one row.
struct Task<'a> {
    row: &'a Range<usize>,
    heads: Heads,
    key_head: usize,
    d_out: &'a [f32],
    kept: Kept<'a>,
}

impl Task<'_> {
    fn block(&self, part: &mut [f32], room: &mut (Vec<f32>, Vec<f32>), block: &Block) {
        let heads = self.heads;
        let (group, dimension) = (heads.query / heads.key, heads.dimension);
        let (width, count) = ((group + 2) * dimension, block.queries.len());
        let qkv = Fused { data: self.kept.qkv, heads };
        let size = count * block.keys();
        room.0.resize(room.0.len().max(size), 0.0);
        room.1.resize(room.1.len().max(size), 0.0);
        let (weights, d_scores) = (&mut room.0[..size], &mut room.1[..size]);
        for member in 0..group {
            let head = self.key_head * group + member;
            scores(weights, block, qkv, head, self.key_head);
            let rows = block.queries.start * heads.output() + head * dimension;
            let d_out = Grid::new(&self.d_out[rows..], count, dimension, heads.output());
            for (column, keys) in block.ranges() {
                let out = GridMut::new(&mut d_scores[column..], count, keys.len(), block.keys());
                product(out, 0.0, 1.0, d_out, qkv.values(&keys, self.key_head).transpose());
            }
            widest(
                #[inline(always)]
                || self.turn(weights, d_scores, block, head),
            );
            for (number, (column, keys)) in block.ranges().enumerate() {
                let weights = Grid::new(&weights[column..], count, keys.len(), block.keys());
                let d_scores = Grid::new(&d_scores[column..], count, keys.len(), block.keys());
                let queries = (block.queries.start - self.row.start) * width + member * dimension;
                let out = GridMut::new(&mut part[queries..], count, dimension, width);
                product(
                    out,
                    if number == 0 { 0.0 } else { 1.0 },
                    1.0,
                    d_scores,
                    qkv.keys(&keys, self.key_head),
                );
                let first = (keys.start - self.row.start) * width + group * dimension;
                let out = GridMut::new(&mut part[first..], keys.len(), dimension, width);
                product(out, 1.0, 1.0, d_scores.transpose(), qkv.queries(&block.queries, head));
                let out = GridMut::new(&mut part[first + dimension..], keys.len(), dimension, width);
                product(out, 1.0, 1.0, weights.transpose(), d_out);
            }
        }
    }

    /// Scores become the softmax, and what comes of the values becomes the scores' gradient (with the scale of the products).
    #[inline(always)]
    fn turn(&self, weights: &mut [f32], d_scores: &mut [f32], block: &Block, head: usize) {
        let (heads, dimension) = (self.heads, self.heads.dimension);
        let scale = 1.0 / (dimension as f32).sqrt();
        let rows = weights.chunks_exact_mut(block.keys()).zip(d_scores.chunks_exact_mut(block.keys()));
        for (query, (weights, d_scores)) in rows.enumerate() {
            let token = block.queries.start + query;
            let place = token * heads.output() + head * dimension;
            let along = dot(&self.d_out[place..][..dimension], &self.kept.out[place..][..dimension]);
            let logsumexp = self.kept.logsumexp[token * heads.query + head];
            let visible = block.visible(query);
            weights[visible..].fill(0.0);
            d_scores[visible..].fill(0.0);
            for (weight, d_score) in weights[..visible].iter_mut().zip(&mut d_scores[..visible]) {
                *weight = exp(*weight - logsumexp);
                *d_score = *weight * (*d_score - along) * scale;
            }
        }
    }
}
