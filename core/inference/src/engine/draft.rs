//! Prompt lookup. In: the tokens so far. Out: a guess at the next ones. Must not know: the model.
//!
//! Replies that rest on facts repeat what the prompt says. So what followed the last few tokens where they stood before is a fair
//! guess (Saxena 2023, "Prompt Lookup Decoding"); the model checks the whole guess in one run, and what it would have
//! chosen otherwise is thrown away.

/// The longest and the shortest run of tokens that is looked up.
const LONGEST: usize = 3;
const SHORTEST: usize = 1;

/// The most tokens that are guessed, and how many at first.
const MOST: usize = 10;
const FIRST: usize = 4;

/// Guesses for one sequence, more of them as long as they come true.
///
/// How many depends on the sequence alone, so it is the same whatever else runs.
#[derive(Debug)]
pub(crate) struct Drafter {
    length: usize,
}

impl Drafter {
    pub(crate) fn new() -> Self {
        Self { length: FIRST }
    }

    /// At least one token and at most `room` to follow `tokens`.
    pub(crate) fn draft(&self, tokens: &[u32], room: usize) -> Vec<u32> {
        let room = room.min(self.length);
        let found = (SHORTEST..=LONGEST).rev().find_map(|length| {
            let start = tokens.len().checked_sub(length)?;
            let (before, last) = tokens.split_at(start);
            // The latest place where they stood, followed by something.
            let at = before.windows(length).rposition(|window| window == last)?;
            Some(&tokens[at + length..])
        });
        match found {
            Some(rest) => rest.iter().copied().take(room.max(1)).collect(),
            // A run has to have two tokens (see `decoder`), so something is guessed in any case.
            None => tokens.last().copied().into_iter().collect(),
        }
    }

    /// How many of the guessed tokens came true.
    pub(crate) fn learn(&mut self, drafted: usize, accepted: usize) {
        self.length = if accepted == drafted { (self.length * 2).min(MOST) } else { (accepted + 1).max(2) };
    }
}

#[cfg(test)]
mod tests {
    use super::{Drafter, FIRST, MOST};

    #[test]
    fn longest_and_latest_match_is_followed() {
        let drafter = Drafter::new();
        assert_eq!(drafter.draft(&[1, 2, 3, 9, 1, 2, 3], 2), [9, 1]);
        // `2` alone stood before 7 last, `1 2` before 5.
        assert_eq!(drafter.draft(&[1, 2, 5, 2, 7, 1, 2], 1), [5]);
        assert_eq!(drafter.draft(&[4, 8, 4, 6, 4], 1), [6]);
    }

    #[test]
    fn something_is_always_guessed() {
        assert_eq!(Drafter::new().draft(&[1, 2, 3], 8), [3]);
        assert_eq!(Drafter::new().draft(&[7, 7], 0).len(), 1);
    }

    #[test]
    fn guesses_grow_while_they_come_true() {
        let mut drafter = Drafter::new();
        let tokens: Vec<u32> = (0..50).chain(0..10).collect();
        assert_eq!(drafter.draft(&tokens, 99).len(), FIRST);
        drafter.learn(4, 4);
        assert_eq!(drafter.draft(&tokens, 99), (10..18).collect::<Vec<_>>());
        drafter.learn(8, 8);
        assert_eq!(drafter.draft(&tokens, 99).len(), MOST);
        assert_eq!(drafter.draft(&tokens, 3).len(), 3);
        drafter.learn(10, 0);
        assert_eq!(drafter.draft(&tokens, 99).len(), 2);
    }
}
