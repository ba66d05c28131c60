//! Texts put together from pieces. In: the pieces and what ends a text. Out: the tokens that go on along them, in any tokenisation.
//! Must not know: logits, grammars.

mod automaton;

use std::fmt;
use std::sync::Arc;

use llguidance::toktrie::Recognizer;

use self::automaton::{Automaton, DEAD, START};
use super::vocabulary::Vocabulary;
use super::{Ending, LogitMask, TokenSet, shown};
use crate::InferenceError;

/// Bytes that the pieces of one constraint may have together.
const MOST_BYTES: usize = 1 << 20;
/// States of the automaton before those behind are forgotten; each takes some hundred bytes.
const MOST_STATES: usize = 1 << 16;
/// Pieces that an error names.
const NAMED: usize = 3;

/// A text on its way along the allowed ones.
pub(crate) struct Texts {
    vocabulary: Vocabulary,
    automaton: Automaton,
    name: Arc<str>,
    state: u32,
    /// An end of turn was committed.
    over: bool,
    /// The token before: the tokenizer may join it with what is forced.
    last: Option<u32>,
    mask: Option<TokenSet>,
    stack: Vec<u32>,
}

impl Texts {
    /// Any number of `pieces`, then one of `ends`.
    pub(crate) fn new(
        vocabulary: Vocabulary,
        pieces: &[String],
        ends: &[String],
    ) -> Result<Self, InferenceError> {
        let name = name(pieces, ends);
        let refuse =
            |reason: &str| InferenceError::Constraint { constraint: name.clone(), reason: reason.to_owned() };
        if ends.is_empty() {
            return Err(refuse("no text can end; give at least one that ends it"));
        }
        if pieces.iter().chain(ends).map(String::len).sum::<usize>() > MOST_BYTES {
            return Err(refuse("it has more than a mebibyte of text; give fewer or shorter ones"));
        }
        let automaton = Automaton::new(pieces, ends);
        Ok(Self {
            vocabulary,
            automaton,
            name: name.into(),
            state: START,
            over: false,
            last: None,
            mask: None,
            stack: Vec::new(),
        })
    }

    /// Walks on from `state`.
    fn walk(&mut self, state: u32) -> Walk<'_> {
        self.stack.clear();
        self.stack.push(state);
        Walk { automaton: &mut self.automaton, stack: &mut self.stack }
    }

    fn stuck(&self) -> InferenceError {
        InferenceError::Stuck { constraint: self.to_string() }
    }
}

impl LogitMask for Texts {
    fn mask(&mut self) -> Result<&TokenSet, InferenceError> {
        if self.mask.is_none() {
            let vocabulary = self.vocabulary.clone();
            let ending = self.ending();
            let mut mask = if ending == Ending::Forbidden {
                vocabulary.trie().alloc_token_set()
            } else {
                vocabulary.ends()
            };
            if ending != Ending::Forced {
                let state = self.state;
                vocabulary.trie().add_bias(&mut self.walk(state), &mut mask, &[]);
            }
            if mask.is_zero() {
                return Err(self.stuck());
            }
            self.mask = Some(mask);
        }
        self.mask.as_ref().ok_or_else(|| InferenceError::Stuck { constraint: self.name.to_string() })
    }

    fn commit(&mut self, token: u32) -> Result<(), InferenceError> {
        self.mask = None;
        let vocabulary = self.vocabulary.clone();
        let trie = vocabulary.trie();
        if trie.eos_tokens().contains(&token) {
            self.over = true;
            return if self.automaton.complete(self.state) { Ok(()) } else { Err(self.stuck()) };
        }
        if token as usize >= trie.vocab_size() || trie.token(token).is_empty() {
            return Err(self.stuck());
        }
        self.state =
            trie.token(token).iter().fold(self.state, |state, &byte| self.automaton.step(state, byte));
        if self.state == DEAD {
            return Err(self.stuck());
        }
        self.state = self.automaton.trim(self.state, MOST_STATES);
        self.last = Some(token);
        Ok(())
    }

    fn ending(&mut self) -> Ending {
        match (self.automaton.complete(self.state), self.automaton.open(self.state)) {
            _ if self.over => Ending::Forced,
            (true, false) => Ending::Forced,
            (true, true) => Ending::Allowed,
            (false, _) => Ending::Forbidden,
        }
    }

    fn forced(&mut self) -> Vec<u32> {
        if self.over {
            return Vec::new();
        }
        let (bytes, end) = self.automaton.only_way(self.state);
        if bytes.is_empty() {
            return Vec::new();
        }
        let vocabulary = self.vocabulary.clone();
        let trie = vocabulary.trie();
        let before: Vec<u32> = self.last.into_iter().collect();
        let joined = vocabulary.tokenise(&[trie.decode_raw(&before), bytes.clone()].concat());
        let joined = joined.and_then(|tokens| Some(tokens.strip_prefix(&before[..])?.to_vec()));
        let Some(mut tokens) = joined.or_else(|| vocabulary.tokenise(&bytes)) else { return Vec::new() };
        // The last of them may also begin a token that goes beyond what is forced: the model chooses.
        let (chopped, _) = trie.chop_tokens(&mut self.walk(end), &tokens);
        tokens.truncate(tokens.len() - chopped);
        tokens
    }
}

impl fmt::Display for Texts {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.name)
    }
}

/// What errors call it.
fn name(pieces: &[String], ends: &[String]) -> String {
    let list = |texts: &[String]| {
        let mut list: Vec<String> = texts.iter().take(NAMED).map(|text| shown(text)).collect();
        if texts.len() > NAMED {
            list.push(format!("and {} more", texts.len() - NAMED));
        }
        list.join(", ")
    };
    if pieces.is_empty() {
        format!("one of the texts [{}]", list(ends))
    } else {
        format!("the pieces [{}] ended by [{}]", list(pieces), list(ends))
    }
}

/// The automaton as the vocabulary's trie walks along it.
struct Walk<'a> {
    automaton: &'a mut Automaton,
    stack: &'a mut Vec<u32>,
}

impl Recognizer for Walk<'_> {
    fn pop_bytes(&mut self, count: usize) {
        self.stack.truncate(self.stack.len() - count);
    }

    fn collapse(&mut self) {
        self.stack.drain(..self.stack.len() - 1);
    }

    fn trie_finished(&mut self) {
        self.stack.truncate(1);
    }

    fn try_push_byte(&mut self, byte: u8) -> bool {
        let state = self.stack.last().map_or(DEAD, |&state| self.automaton.step(state, byte));
        if state != DEAD {
            self.stack.push(state);
        }
        state != DEAD
    }
}
