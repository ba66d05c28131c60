//! The loops around a tile. In: two factors. Out: their product, by the threads of rayon's pool.

use std::cell::RefCell;
use std::ops::Range;

use rayon::prelude::*;

use super::panels::Piece;
use super::tile::{Arithmetic, HEIGHT, Source, Target, WIDTH};
use super::{Factor, Numbers, Out};

/// Words of depth that are summed in registers before they are added to the result: a panel of the right factor, `4 · 32 · 256` bytes,
/// and one of the left then stay in the first-level cache.
const DEPTH: usize = 256;
/// Words of a shared factor that are packed at once, about: 8 MiB, which caches of the third level hold.
const SHARE: usize = 1 << 21;
/// Columns, or rows, that a thread packs at once for itself, at most.
const COLUMNS: usize = 4 * WIDTH;
const ROWS: usize = 8 * HEIGHT;

/// A line of the cache.
#[derive(Clone, Copy)]
#[repr(C, align(64))]
pub(super) struct Line([u32; 16]);

thread_local! {
    /// What this thread shares with others, and what it packs for itself. Both are kept: fresh memory costs more than to fill it.
    pub(super) static SHARED: RefCell<Vec<Line>> = const { RefCell::new(Vec::new()) };
    static OWN: RefCell<Vec<Line>> = const { RefCell::new(Vec::new()) };
}

/// Lends a buffer of words. A call within a call, by a thread that steals work while it waits, gets a buffer of its own.
pub(super) fn lend<R>(
    from: &'static std::thread::LocalKey<RefCell<Vec<Line>>>,
    words: usize,
    run: impl FnOnce(&mut [u32]) -> R,
) -> R {
    let mut lines = from.take();
    let needed = words.div_ceil(16);
    if lines.len() < needed {
        lines.resize(needed, Line([0; 16]));
    }
    // SAFETY: a line is sixteen words without gaps, and `lines` is borrowed as long as they are.
    let result = run(unsafe { std::slice::from_raw_parts_mut(lines.as_mut_ptr().cast(), 16 * needed) });
    from.set(lines);
    result
}

/// A pointer that threads share. Whoever dereferences it keeps to a part of its own.
#[derive(Clone, Copy)]
struct Shared<T>(*mut T);
// SAFETY: see above.
unsafe impl<T> Send for Shared<T> {}
// SAFETY: see above.
unsafe impl<T> Sync for Shared<T> {}

impl<T> Shared<T> {
    fn get(self) -> *mut T {
        self.0
    }
}

/// A matrix as lines of some depth, cut into panels and blocks of depth.
#[derive(Clone, Copy)]
pub(super) struct Side<'a> {
    pub(super) numbers: Numbers<'a>,
    pub(super) lines: usize,
    pub(super) step: usize,
    pub(super) depth: usize,
    pub(super) depth_step: usize,
}

impl<'a> Side<'a> {
    /// A factor's rows as lines.
    pub(super) fn of_rows(factor: Factor<'a>) -> Self {
        Self {
            numbers: factor.numbers,
            lines: factor.rows,
            step: factor.row_step,
            depth: factor.columns,
            depth_step: factor.column_step,
        }
    }

    /// Packs the panel that begins at `line`, for the block of `words` that begins at `word`.
    pub(super) fn fill<A: Arithmetic, const LINES: usize>(
        self,
        panel: &mut [u32],
        line: usize,
        word: usize,
        words: usize,
    ) {
        assert!(panel.len() >= words * LINES, "room for a panel");
        let offset = line * self.step + word * A::NUMBERS * self.depth_step;
        let lines = (self.lines - line).min(LINES);
        let depth = (self.depth - word * A::NUMBERS).min(words * A::NUMBERS);
        match self.numbers {
            Numbers::F32(numbers) => {
                self.fill_from::<A, f32, LINES>(panel, words, &numbers[offset..], lines, depth)
            }
            Numbers::Bf16(numbers) => {
                self.fill_from::<A, half::bf16, LINES>(panel, words, &numbers[offset..], lines, depth)
            }
        }
    }

    fn fill_from<A: Arithmetic, S: Source, const LINES: usize>(
        self,
        panel: &mut [u32],
        words: usize,
        numbers: &[S],
        lines: usize,
        depth: usize,
    ) {
        let piece =
            Piece { at: numbers.as_ptr(), lines, step: self.step, depth, depth_step: self.depth_step };
        // SAFETY: `product` saw that the instructions are there; a `Factor` has all its lines and numbers; the panel has the room.
        unsafe { A::fill::<S, LINES>(panel.as_mut_ptr(), words, piece) }
    }
}

/// One side of each term, whose depths follow one another: to add products is to multiply deeper factors.
#[derive(Clone, Copy)]
struct Sides<'a>(&'a [Side<'a>]);

impl Sides<'_> {
    fn lines(self) -> usize {
        self.0.first().map_or(0, |side| side.lines)
    }

    /// Words of all terms. A term begins with a word of its own.
    fn words<A: Arithmetic>(self) -> usize {
        self.0.iter().map(|side| side.depth.div_ceil(A::NUMBERS)).sum()
    }

    /// Packs the panel that begins at `line`, for the block of `words` that begins at `word` of all terms' words.
    fn fill<A: Arithmetic, const LINES: usize>(
        self,
        panel: &mut [u32],
        line: usize,
        word: usize,
        words: usize,
    ) {
        let (mut begins, end) = (0, word + words);
        for side in self.0 {
            let ends = begins + side.depth.div_ceil(A::NUMBERS);
            let (from, to) = (word.max(begins), end.min(ends));
            if from < to {
                side.fill::<A, LINES>(&mut panel[(from - word) * LINES..], line, from - begins, to - from);
            }
            begins = ends;
        }
    }
}

/// [`product`](super::product) of terms that are not empty.
pub(super) fn multiply<A: Arithmetic>(
    out: Out<'_>,
    keep: bool,
    scale: f32,
    terms: &[(Factor<'_>, Factor<'_>)],
) {
    let (rows, columns) = (out.rows, out.columns);
    let left: Vec<_> = terms.iter().map(|(left, _)| Side::of_rows(*left)).collect();
    let right: Vec<_> = terms.iter().map(|(_, right)| Side::of_rows(right.transpose())).collect();
    let (left, right) = (Sides(&left), Sides(&right));
    let target = Target { at: out.numbers.as_mut_ptr(), stride: out.stride, rows, columns, scale, keep };
    let plan = Plan::<A>::new(left.words::<A>(), target);
    if rows <= columns {
        plan.run::<HEIGHT, WIDTH>(left, right, COLUMNS);
    } else {
        plan.run::<WIDTH, HEIGHT>(right, left, ROWS);
    }
}

/// How the depth is cut, and where the result goes.
struct Plan<A> {
    words: usize,
    block: usize,
    target: Target,
    arithmetic: std::marker::PhantomData<A>,
}

// SAFETY: threads write parts of the target that do not overlap.
unsafe impl<A> Sync for Plan<A> {}

impl<A: Arithmetic> Plan<A> {
    fn new(words: usize, target: Target) -> Self {
        let block = words.div_ceil(words.div_ceil(DEPTH));
        Self { words, block, target, arithmetic: std::marker::PhantomData }
    }

    /// Packs all of `shared`, then cuts `split` into pieces of about `most` lines for the threads.
    fn run<const SHARED_LINES: usize, const SPLIT_LINES: usize>(
        &self,
        shared: Sides<'_>,
        split: Sides<'_>,
        most: usize,
    ) {
        let panels = shared.lines().div_ceil(SHARED_LINES);
        let lines = panels * SHARED_LINES;
        let threads = rayon::current_num_threads();
        // A few pieces a thread, so that one that is held up does not hold up the others.
        let most = most.min(split.lines().div_ceil(4 * threads)).next_multiple_of(SPLIT_LINES);
        // As many blocks of depth as there is room for, at least one.
        let share = self.block * (SHARE / (lines * self.block)).max(1);
        for from in (0..self.words).step_by(share) {
            let to = self.words.min(from + share);
            self.share::<SHARED_LINES, SPLIT_LINES>(shared, split, most, from..to);
        }
    }

    /// [`run`](Self::run), for a part of the depth.
    fn share<const SHARED_LINES: usize, const SPLIT_LINES: usize>(
        &self,
        shared: Sides<'_>,
        split: Sides<'_>,
        most: usize,
        depth: Range<usize>,
    ) {
        let panels = shared.lines().div_ceil(SHARED_LINES);
        let lines = panels * SHARED_LINES;
        let threads = rayon::current_num_threads();
        lend(&SHARED, depth.len() * lines, |packed| {
            let base = Shared(packed.as_mut_ptr());
            let fill = |panel: usize| {
                for word in depth.clone().step_by(self.block) {
                    let words = self.block.min(depth.end - word);
                    // SAFETY: a block holds all panels one after another; each panel is filled once.
                    let part = unsafe {
                        let at = base.get().add((word - depth.start) * lines + panel * SHARED_LINES * words);
                        std::slice::from_raw_parts_mut(at, words * SHARED_LINES)
                    };
                    shared.fill::<A, SHARED_LINES>(part, panel * SHARED_LINES, word, words);
                }
            };
            (0..panels).into_par_iter().with_min_len(panels.div_ceil(4 * threads)).for_each(fill);
            let packed: &[u32] = packed;
            (0..split.lines().div_ceil(most)).into_par_iter().with_max_len(1).for_each(|piece| {
                let first = piece * most;
                let count = most.min(split.lines() - first);
                self.piece::<SHARED_LINES, SPLIT_LINES>(
                    packed,
                    shared.lines(),
                    split,
                    first..first + count,
                    &depth,
                );
            });
        });
    }

    /// Packs a range of lines of `split` and multiplies them with all of what is shared.
    fn piece<const SHARED_LINES: usize, const SPLIT_LINES: usize>(
        &self,
        packed: &[u32],
        shared_lines: usize,
        split: Sides<'_>,
        range: Range<usize>,
        depth: &Range<usize>,
    ) {
        let (first, count) = (range.start, range.len());
        let lines = shared_lines.next_multiple_of(SHARED_LINES);
        let own_lines = count.next_multiple_of(SPLIT_LINES);
        lend(&OWN, self.block * own_lines, |own| {
            for word in depth.clone().step_by(self.block) {
                let words = self.block.min(depth.end - word);
                for line in (0..count).step_by(SPLIT_LINES) {
                    split.fill::<A, SPLIT_LINES>(&mut own[line * words..], first + line, word, words);
                }
                let others = &packed[(word - depth.start) * lines..][..words * lines];
                if SPLIT_LINES == WIDTH {
                    for column in (0..count).step_by(WIDTH) {
                        for row in (0..shared_lines).step_by(HEIGHT) {
                            self.tile(
                                words,
                                word == 0,
                                &others[row * words..],
                                &own[column * words..],
                                row,
                                first + column,
                            );
                        }
                    }
                } else {
                    for column in (0..shared_lines).step_by(WIDTH) {
                        for row in (0..count).step_by(HEIGHT) {
                            self.tile(
                                words,
                                word == 0,
                                &own[row * words..],
                                &others[column * words..],
                                first + row,
                                column,
                            );
                        }
                    }
                }
            }
        });
    }

    fn tile(&self, words: usize, begins: bool, left: &[u32], right: &[u32], row: usize, column: usize) {
        assert!(left.len() >= words * HEIGHT && right.len() >= words * WIDTH, "whole panels");
        let target = Target {
            at: self.target.at.wrapping_add(row * self.target.stride + column),
            rows: (self.target.rows - row).min(HEIGHT),
            columns: (self.target.columns - column).min(WIDTH),
            keep: self.target.keep || !begins,
            ..self.target
        };
        // SAFETY: `product` saw that the instructions are there, `Out` that its rows and columns are; no other thread has this tile.
        unsafe { A::run(words, left.as_ptr(), right.as_ptr(), target) }
    }
}
