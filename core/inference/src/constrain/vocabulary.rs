//! A model's vocabulary as a trie of bytes. In: a tokenizer. Out: the trie, and texts as the tokens that the tokenizer would
//! take. Must not know: constraints.

use std::sync::Arc;

use llguidance::toktrie::{TokEnv, TokRxInfo, TokTrie, TokenId, TokenizerEnv};

use super::TokenSet;
use crate::tokenizer::Tokenizer;

/// The widest vocabulary that the trie can hold.
const WIDEST: usize = 1_000_000;
/// The longest token that the trie can hold; longer ones are left out, and their texts written by others.
const LONGEST: usize = 1000;

/// A vocabulary, shared by all that use it.
#[derive(Clone)]
pub(crate) struct Vocabulary {
    env: TokEnv,
}

impl Vocabulary {
    /// `width` is the number of logits; ids that the tokenizer does not know are never allowed.
    pub(crate) fn new(tokenizer: &Tokenizer, eos: &[u32], width: usize) -> Result<Self, String> {
        let bytes = tokenizer.bytes();
        let width = width.max(bytes.len());
        if width == 0 || width > WIDEST {
            return Err(format!("it has {width} tokens, and constraints need 1 to {WIDEST}"));
        }
        let ids = (0..).take(width);
        let words: Vec<Vec<u8>> = ids
            .map(|id| match bytes.of(id) {
                Some(word) if word.len() <= LONGEST && !eos.contains(&id) => word,
                Some(_) => Vec::new(),
                // The trie tells marks from text by a byte that no text has.
                None => format!("?<{id}>").bytes().zip(0..).map(marked).collect(),
            })
            .collect();
        let eos: Vec<u32> = eos.iter().copied().filter(|&id| (id as usize) < width).collect();
        let Some(&first) = eos.first() else {
            return Err("the model has no token that ends a turn, which constraints need".to_owned());
        };
        let info = TokRxInfo::new(u32::try_from(width).unwrap_or(u32::MAX), first);
        let trie = TokTrie::from(&info, &words).with_eos_tokens(&eos);
        let complete =
            (0..=0xF4).all(|byte| matches!(byte, 0xC0 | 0xC1) || trie.token_id_at_bytes(&[byte]).is_some());
        Ok(Self { env: Arc::new(Environment { tokenizer: tokenizer.clone(), trie, complete }) })
    }

    pub(crate) fn trie(&self) -> &TokTrie {
        self.env.tok_trie()
    }

    /// As the libraries take it.
    pub(crate) fn env(&self) -> &TokEnv {
        &self.env
    }

    /// The tokens that the tokenizer would take for `text`; `None` where it cannot write every text.
    pub(crate) fn tokenise(&self, text: &[u8]) -> Option<Vec<u32>> {
        self.complete().then(|| self.env.tokenize_bytes(text))
    }

    /// Whether every text can be written.
    pub(crate) fn complete(&self) -> bool {
        self.env.tokenize_is_canonical()
    }

    /// The ends of a turn.
    pub(crate) fn ends(&self) -> TokenSet {
        self.trie().eos_token_set()
    }
}

/// The bytes of a mark's name; the first one becomes the byte that no text has.
fn marked((byte, at): (u8, usize)) -> u8 {
    if at == 0 { TokTrie::SPECIAL_TOKEN_MARKER } else { byte }
}

struct Environment {
    tokenizer: Tokenizer,
    trie: TokTrie,
    /// There is a token for every byte of UTF-8.
    complete: bool,
}

impl Environment {
    /// The tokenizer's own tokens, where their bytes are those of `text`.
    fn encode(&self, text: &str) -> Option<Vec<TokenId>> {
        let plain = self.tokenizer.encode(text).ok()?;
        if self.trie.decode_raw(&plain) == text.as_bytes() {
            return Some(plain);
        }
        // Some tokenizers put a space before the first word of a text: this text stands behind another one.
        let mut behind = self.tokenizer.encode(&format!("\n{text}")).ok()?;
        let first = (0..behind.len()).find(|&at| self.trie.decode_raw(&behind[at..]) == text.as_bytes())?;
        Some(behind.split_off(first))
    }
}

impl TokenizerEnv for Environment {
    fn tok_trie(&self) -> &TokTrie {
        &self.trie
    }

    fn tokenize_bytes(&self, text: &[u8]) -> Vec<TokenId> {
        self.trie.tokenize_with_greedy_fallback(text, |text| {
            self.encode(text).unwrap_or_else(|| self.trie.greedy_tokenize(text.as_bytes()))
        })
    }

    fn tokenize_is_canonical(&self) -> bool {
        self.complete
    }
}
