//! What a step reads. In: documents as tokens. Out: rows in which documents lie side by side without seeing each other.

/// Documents of one prefix, side by side.
///
/// A token sees the prefix up to itself, and its own document up to itself; never another document. Positions of a document go on from the
/// prefix: the first token of each has position `prefix`. So documents that begin alike, as dialogues with one system prompt do,
/// cost their common beginning once, and the loss is the one they have each alone.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Row {
    /// The tokens: the prefix, then the documents one after another.
    pub tokens: Vec<u32>,
    /// What each token should be followed by; of no meaning where its weight is 0.
    pub targets: Vec<u32>,
    /// What the loss at each token counts: 1 where it is learnt, 0 where it is only read.
    pub weights: Vec<f32>,
    /// Where what follows is learnt from what the base foretells, not from the target. As long as `tokens`, or empty where that is so nowhere.
    pub distilled: Vec<bool>,
    /// How many tokens at the beginning every document sees. 0 where they share none.
    pub prefix: usize,
    /// Where each document begins in `tokens`, ascending; the first is `prefix`.
    pub documents: Vec<usize>,
}

impl Row {
    /// Whether what follows a token is learnt from what the base foretells.
    pub fn is_distilled(&self, token: usize) -> bool {
        self.distilled.get(token).is_some_and(|distilled| *distilled)
    }
}

/// The rows of one step, or of a part of it. Rows may differ in length.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Batch {
    /// The rows.
    pub rows: Vec<Row>,
}

impl Batch {
    /// Tokens that are read.
    pub fn tokens(&self) -> usize {
        self.rows.iter().map(|row| row.tokens.len()).sum()
    }

    /// The sum of all weights: what a mean loss is divided by.
    pub fn weight(&self) -> f64 {
        self.rows.iter().flat_map(|row| &row.weights).map(|weight| f64::from(*weight)).sum()
    }

    /// The rows in which something is learnt from what the base foretells.
    #[must_use]
    pub fn distilled(&self) -> Self {
        let learns = |row: &&Row| {
            row.weights.iter().enumerate().any(|(at, weight)| *weight > 0.0 && row.is_distilled(at))
        };
        Self { rows: self.rows.iter().filter(learns).cloned().collect() }
    }
}
