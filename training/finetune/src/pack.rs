//! Documents → what a step reads. In: documents as tokens. Out: batches of rows, in an order drawn anew for each epoch. Must not know:
//! text, models.
//!
//! Documents that begin alike are a *group* (`group`): a row of them has their common beginning once. Each epoch draws an order of all
//! documents (`shuffle`); in that order they are fitted into rows (`fit`), the rows are put in an order of their own, and filled into
//! batches. Rows have no padding, so what packing wastes is only the beginnings that are repeated from row to row.

mod document;
mod fit;
mod group;
mod shuffle;

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use crate::batch::{Batch, Row};
use group::Group;

pub use document::Document;
pub use fit::RowPlan;

/// How long rows and batches may be.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Limits {
    /// The most tokens of a row, its shared beginning included; so also of a document.
    pub row_tokens: usize,
    /// The most tokens of a batch; at least `row_tokens`.
    pub batch_tokens: usize,
    /// What happens to documents that are longer than a row.
    pub too_long: TooLong,
}

/// What happens to documents that are longer than a row.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum TooLong {
    /// They are left out.
    Drop,
    /// Their end is cut off.
    Cut,
}

/// What became of the documents.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct PackReport {
    /// Documents that are used.
    pub documents: usize,
    /// Documents that were left out, being longer than a row.
    pub dropped: usize,
    /// Documents whose end was cut off.
    pub cut: usize,
    /// Documents that were left out, having no token to learn (some only since they were cut).
    pub without_target: usize,
    /// Tokens of all documents that are used, each counted as if it stood alone.
    pub tokens: usize,
    /// Those of them that are learnt.
    pub learnt: usize,
    /// Tokens that are computed to read all documents once, a shared beginning once for each row; another order of the documents needs about
    /// as many.
    pub computed: usize,
    /// Groups of documents that begin alike, the one of those that share nothing included.
    pub groups: usize,
}

/// Why documents cannot be packed.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum PackError {
    /// There is nothing to learn.
    #[error(
        "there is no document to learn from ({}); {}",
        if report.dropped + report.without_target == 0 { "the set is empty".to_owned() } else {
            format!("{} are too long, {} have no token to learn", report.dropped, report.without_target) },
        if report.dropped > 0 { "allow longer rows, or let documents be cut" } else { "make a set first, or check its roles and weights" }
    )]
    Empty {
        /// What became of the documents.
        report: PackReport,
    },
    /// A batch could not hold one row.
    #[error(
        "a batch of {batch_tokens} tokens holds no row of {row_tokens}; allow larger batches, or shorter rows"
    )]
    Limits {
        /// The most tokens of a row.
        row_tokens: usize,
        /// The most tokens of a batch.
        batch_tokens: usize,
    },
}

/// Documents, ready to be read in any order.
#[derive(Clone, Debug)]
pub struct Pack {
    documents: Vec<Document>,
    groups: Vec<Group>,
    /// The group of each document.
    group_of: Vec<usize>,
    limits: Limits,
    report: PackReport,
}

impl Pack {
    /// Takes in documents, and finds which of them begin alike.
    ///
    /// # Errors
    /// When none is left to learn from, or the limits contradict each other.
    pub fn new(documents: Vec<Document>, limits: Limits) -> Result<Self, PackError> {
        if limits.batch_tokens < limits.row_tokens {
            let Limits { row_tokens, batch_tokens, .. } = limits;
            return Err(PackError::Limits { row_tokens, batch_tokens });
        }
        let mut report = PackReport::default();
        let mut kept = Vec::with_capacity(documents.len());
        for mut document in documents {
            if document.len() > limits.row_tokens {
                match limits.too_long {
                    TooLong::Drop => {
                        report.dropped += 1;
                        continue;
                    }
                    TooLong::Cut => {
                        report.cut += 1;
                        document.cut(limits.row_tokens);
                    }
                }
            }
            match document.first_target() {
                Some(_) => kept.push(document),
                None => report.without_target += 1,
            }
        }
        report.documents = kept.len();
        report.tokens = kept.iter().map(Document::len).sum();
        report.learnt = kept.iter().map(Document::targets).sum();
        if kept.is_empty() {
            return Err(PackError::Empty { report });
        }
        let (groups, group_of) = group::find(&kept, limits.row_tokens);
        report.groups = groups.len();
        let mut pack = Self { documents: kept, groups, group_of, limits, report };
        let once = pack.in_order();
        pack.report.computed = once.iter().flatten().map(|row| pack.length(row)).sum();
        Ok(pack)
    }

    /// What became of the documents.
    pub fn report(&self) -> &PackReport {
        &self.report
    }

    /// The longest document, in tokens.
    pub fn longest(&self) -> usize {
        self.documents.iter().map(Document::len).max().unwrap_or(0)
    }

    /// The batches of an epoch, from 0: each document once, in an order that seed and epoch draw.
    pub fn epoch(&self, seed: u64, epoch: u64) -> Vec<Vec<RowPlan>> {
        let order = shuffle::order(self.documents.len(), seed, epoch);
        let mut rows = fit::rows(&order, &self.sizes(), &self.groups, self.limits.row_tokens);
        // Rows are closed when they are full, so those of one group can come in a run.
        shuffle::shuffle(&mut rows, seed ^ ROWS, epoch);
        fit::batches(rows, &self.sizes(), &self.groups, self.limits.batch_tokens)
    }

    /// Each document once, in the order in which they came: for evaluation.
    pub fn in_order(&self) -> Vec<Vec<RowPlan>> {
        let order: Vec<usize> = (0..self.documents.len()).collect();
        let rows = fit::rows(&order, &self.sizes(), &self.groups, self.limits.row_tokens);
        fit::batches(rows, &self.sizes(), &self.groups, self.limits.batch_tokens)
    }

    /// The tokens of a planned batch.
    pub fn batch(&self, rows: &[RowPlan]) -> Batch {
        Batch { rows: rows.iter().map(|row| self.row(row)).collect() }
    }

    /// Tokens of a planned batch if each document stood alone, without a shared beginning.
    pub fn tokens_alone(&self, rows: &[RowPlan]) -> usize {
        rows.iter().flat_map(|row| &row.documents).map(|&document| self.documents[document].len()).sum()
    }

    /// Tells whether two packs give the same batches: SHA-256 over documents and limits, in hexadecimal.
    pub fn fingerprint(&self) -> String {
        let mut hash = Sha256::new();
        for size in [self.limits.row_tokens, self.limits.batch_tokens] {
            hash.update((size as u64).to_le_bytes());
        }
        for document in &self.documents {
            hash.update((document.len() as u64).to_le_bytes());
            document.tokens.iter().for_each(|token| hash.update(token.to_le_bytes()));
            document.weights.iter().for_each(|weight| hash.update(weight.to_le_bytes()));
            if document.distilled {
                hash.update(b"distilled");
            }
        }
        hash.finalize().iter().map(|byte| format!("{byte:02x}")).collect()
    }

    fn sizes(&self) -> Vec<fit::Size> {
        let sizes = self.documents.iter().zip(&self.group_of);
        sizes.map(|(document, &group)| fit::Size { tokens: document.len(), group }).collect()
    }

    /// Tokens of a row, its shared beginning included.
    fn length(&self, row: &RowPlan) -> usize {
        let prefix = self.groups[row.group].prefix;
        let own = row.documents.iter().map(|&document| self.documents[document].len() - prefix);
        prefix + own.sum::<usize>()
    }

    fn row(&self, plan: &RowPlan) -> Row {
        let prefix = self.groups[plan.group].prefix;
        let mut row = Row { prefix, ..Row::default() };
        if let Some(&first) = plan.documents.first() {
            self.documents[first].write(0..prefix, &mut row);
        }
        for &document in &plan.documents {
            row.documents.push(row.tokens.len());
            let document = &self.documents[document];
            document.write(prefix..document.len(), &mut row);
        }
        row
    }
}

/// Keeps the order of rows apart from that of documents.
const ROWS: u64 = 0x726f_7773;

#[cfg(test)]
mod tests;
