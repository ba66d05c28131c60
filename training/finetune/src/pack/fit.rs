//! Documents into rows, rows into batches. In: an order and lengths. Out: which documents lie side by side.

use super::group::Group;

/// A row to be: documents of one group.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RowPlan {
    /// Their group.
    pub(super) group: usize,
    /// The documents, in the order in which they lie.
    pub(super) documents: Vec<usize>,
}

/// A document's length, its shared beginning included, and its group.
#[derive(Clone, Copy, Debug)]
pub(super) struct Size {
    pub(super) tokens: usize,
    pub(super) group: usize,
}

/// Rows of a group that wait for something that fits.
const OPEN: usize = 8;

/// Fits documents, as they come, each into the open row of its group where it leaves the least room. Where it fits nowhere it opens a row,
/// and where too many are open the fullest is closed: best fit with bounded space, Csirik and Johnson, "Bounded Space On-Line Bin
/// Packing: Best Is Better than First", 2001.
pub(super) fn rows(order: &[usize], sizes: &[Size], groups: &[Group], row_tokens: usize) -> Vec<RowPlan> {
    let mut open: Vec<Vec<(usize, RowPlan)>> = vec![Vec::new(); groups.len()];
    let mut closed = Vec::new();
    for &document in order {
        let Size { tokens, group } = sizes[document];
        let own = tokens - groups[group].prefix;
        let rows = &mut open[group];
        let fitting = rows.iter_mut().filter(|(room, _)| *room >= own).min_by_key(|(room, _)| *room);
        match fitting {
            Some((room, row)) => {
                *room -= own;
                row.documents.push(document);
            }
            None => {
                if rows.len() == OPEN
                    && let Some(fullest) = (0..rows.len()).min_by_key(|&at| rows[at].0)
                {
                    closed.push(rows.remove(fullest).1);
                }
                let row = RowPlan { group, documents: vec![document] };
                rows.push((row_tokens - tokens, row));
            }
        }
    }
    closed.extend(open.into_iter().flatten().map(|(_, row)| row));
    closed
}

/// Fills rows into batches, in their order.
pub(super) fn batches(
    rows: Vec<RowPlan>,
    sizes: &[Size],
    groups: &[Group],
    batch_tokens: usize,
) -> Vec<Vec<RowPlan>> {
    let mut batches: Vec<Vec<RowPlan>> = Vec::new();
    let mut room = 0;
    for row in rows {
        let prefix = groups[row.group].prefix;
        let tokens =
            prefix + row.documents.iter().map(|&document| sizes[document].tokens - prefix).sum::<usize>();
        match batches.last_mut().filter(|_| tokens <= room) {
            Some(batch) => batch.push(row),
            None => {
                batches.push(vec![row]);
                room = batch_tokens;
            }
        }
        room -= tokens;
    }
    batches
}
