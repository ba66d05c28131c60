//! The bytes that tokens stand for. In: a tokenizer and an id. Out: what the token adds to a text that is under way.
//! Must not know: chats, logits, constraints.

use std::collections::HashMap;
use std::sync::Arc;

use tokenizers::DecoderWrapper;

/// What the tokens of one vocabulary stand for.
#[derive(Clone, Debug)]
pub(crate) struct TokenBytes {
    tokenizer: Arc<tokenizers::Tokenizer>,
    scheme: Scheme,
    /// The texts of the added tokens, and whether each is a mark rather than text.
    added: HashMap<u32, (String, bool)>,
}

#[derive(Clone, Debug)]
enum Scheme {
    /// A character for each byte (Radford et al. 2019, section 2.2).
    ByteLevel(HashMap<char, u8>),
    /// Whatever the decoder makes of a token behind another one, whose id and text these are; because many decoders treat
    /// the first token of a text in another way.
    Decoder {
        /// `<0xE4>` and the like are bytes.
        fallback: bool,
        before: Option<(u32, String)>,
    },
}

impl TokenBytes {
    pub(crate) fn new(tokenizer: Arc<tokenizers::Tokenizer>) -> Self {
        let decoder = tokenizer.get_decoder();
        let scheme = if decoder.is_some_and(|decoder| has(decoder, &is_byte_level)) {
            Scheme::ByteLevel(byte_level())
        } else {
            let fallback = decoder.is_some_and(|decoder| has(decoder, &is_byte_fallback));
            let id = tokenizer.encode_fast("a", false).ok().and_then(|found| found.get_ids().last().copied());
            let before = id.and_then(|id| Some((id, tokenizer.decode(&[id], false).ok()?)));
            Scheme::Decoder { fallback, before }
        };
        let added = tokenizer.get_added_tokens_decoder().into_iter().map(|(id, token)| {
            // Some models' marks are not flagged as special; no one means them as text.
            let mark = token.special || (token.content.starts_with('<') && token.content.ends_with('>'));
            (id, (token.content, mark))
        });
        Self { added: added.collect(), scheme, tokenizer }
    }

    /// One more than the highest id.
    pub(crate) fn len(&self) -> usize {
        let ids = self.tokenizer.get_vocab(true).into_values();
        ids.max().map_or(0, |id| id as usize + 1)
    }

    /// The token's bytes; `None` for marks such as the end of a turn, which are no text, and for unknown ids.
    pub(crate) fn of(&self, id: u32) -> Option<Vec<u8>> {
        if let Some((text, mark)) = self.added.get(&id) {
            return (!mark).then(|| text.clone().into_bytes());
        }
        let token = self.tokenizer.id_to_token(id)?;
        match &self.scheme {
            Scheme::ByteLevel(bytes) => token.chars().map(|c| bytes.get(&c).copied()).collect(),
            Scheme::Decoder { fallback, before } => {
                if let Some(byte) = fallback.then(|| byte_of(&token)).flatten() {
                    return Some(vec![byte]);
                }
                let behind = before.as_ref().and_then(|(first, text)| {
                    let both = self.tokenizer.decode(&[*first, id], false).ok()?;
                    both.strip_prefix(text.as_str()).map(str::to_owned)
                });
                let text = behind.or_else(|| self.tokenizer.decode(&[id], false).ok())?;
                Some(text.into_bytes())
            }
        }
    }

    /// The token as text, marks by their names; what is no whole character stands as U+FFFD.
    pub(crate) fn text(&self, id: u32) -> String {
        match self.added.get(&id) {
            Some((text, _)) => text.clone(),
            None => String::from_utf8_lossy(&self.of(id).unwrap_or_default()).into_owned(),
        }
    }
}

fn has(decoder: &DecoderWrapper, wanted: &dyn Fn(&DecoderWrapper) -> bool) -> bool {
    match decoder {
        DecoderWrapper::Sequence(sequence) => sequence.get_decoders().iter().any(|part| has(part, wanted)),
        part => wanted(part),
    }
}

fn is_byte_level(decoder: &DecoderWrapper) -> bool {
    matches!(decoder, DecoderWrapper::ByteLevel(_))
}

fn is_byte_fallback(decoder: &DecoderWrapper) -> bool {
    matches!(decoder, DecoderWrapper::ByteFallback(_))
}

/// The byte that `<0xE4>` names.
fn byte_of(token: &str) -> Option<u8> {
    let digits = token.strip_prefix("<0x")?.strip_suffix('>')?;
    u8::from_str_radix(digits, 16).ok().filter(|_| digits.len() == 2)
}

/// Printable characters stand for themselves, the other bytes, in order, for the characters from U+0100.
fn byte_level() -> HashMap<char, u8> {
    let printable = |byte: &u8| matches!(byte, b'!'..=b'~' | 0xA1..=0xAC | 0xAE..=0xFF);
    let themselves = (0..=u8::MAX).filter(printable).map(|byte| (char::from(byte), byte));
    let others = ('\u{100}'..).zip((0..=u8::MAX).filter(|byte| !printable(byte)));
    themselves.chain(others).collect()
}

#[cfg(test)]
pub(crate) mod tests;
