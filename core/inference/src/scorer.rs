//! How likely a model finds texts that are given. In: a chat and what is said next, or a text alone. Out: the sum of the logarithms of the
//! tokens' probabilities. Runs by itself, without the model's thread: for measuring, never for answering.

use loquat_contract::{ChatMessage, ModelIdentity};

use crate::InferenceError;
use crate::decoder::{Decode, Decoder};
use crate::folder::identity;
use crate::model::{open_decoder, written_with};
use crate::template::Template;
use crate::tokenizer::Tokenizer;
use crate::{ModelFolder, OnnxModelOptions, Runtime};

/// Tokens that run at once: their logits are all in memory, a number for each token of the vocabulary.
const BLOCK: usize = 128;

/// How likely a text was found.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Score {
    /// Tokens that were judged.
    pub tokens: usize,
    /// The sum of the natural logarithms of their probabilities, each given all tokens before it; never positive.
    pub log_probability: f64,
}

/// A model that judges texts.
pub struct OnnxScorer {
    identity: ModelIdentity,
    decoder: Decoder,
    tokenizer: Tokenizer,
    template: Template,
    lane: usize,
}

impl std::fmt::Debug for OnnxScorer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("OnnxScorer").field("identity", &self.identity).finish_non_exhaustive()
    }
}

impl OnnxScorer {
    /// Opens a model folder as [`OnnxModel`](crate::OnnxModel) does, with the adapter that requests without one would get. Of an ensemble
    /// the first model judges alone.
    ///
    /// # Errors
    /// A piece is missing or damaged, or no provider works.
    pub fn open(runtime: &Runtime, options: &OnnxModelOptions) -> Result<Self, InferenceError> {
        let folder = ModelFolder::read(&options.folder)?;
        let identity = identity(&folder, options.name.clone())?;
        let (decoder, _) = open_decoder(runtime, &folder, &identity, options)?;
        let lane = match &options.adapter {
            None => 0,
            Some(name) => options.adapters.keys().position(|known| known == name).map_or(0, |at| at + 1),
        };
        Ok(Self {
            identity: written_with(identity, options)?,
            decoder,
            tokenizer: Tokenizer::read(folder.path())?,
            template: Template::read(folder.path())?,
            lane,
        })
    }

    /// The model's name and hash.
    pub fn identity(&self) -> &ModelIdentity {
        &self.identity
    }

    /// Judges each token of `text` behind a chat; without one, each but the first, before which there is nothing. What the context cannot
    /// hold is left out at the end. The mark that ends a turn is not judged.
    ///
    /// # Errors
    /// The template refuses the chat, the chat alone fills the context, or the run fails.
    pub fn score(&mut self, chat: &[ChatMessage], text: &str) -> Result<Score, InferenceError> {
        let prompt = match chat {
            [] => Vec::new(),
            chat => self.tokenizer.encode(&self.template.render(&self.tokenizer, chat, "")?)?,
        };
        let said = self.tokenizer.encode(&self.tokenizer.disarm(text))?;
        let begun = prompt.len().max(1);
        let mut tokens = prompt;
        tokens.extend(said);
        let context = self.decoder.context();
        if begun >= context {
            return Err(InferenceError::ContextTooLong { prompt: begun, context });
        }
        tokens.truncate(context);
        self.decoder.clear(self.lane);
        self.decoder.push(self.lane)?;
        let judged = self.judge(&tokens, begun);
        self.decoder.clear(self.lane);
        judged
    }

    /// The tokens from `begun` on, each after those before it.
    fn judge(&mut self, tokens: &[u32], begun: usize) -> Result<Score, InferenceError> {
        let mut score = Score::default();
        // The last one is judged, and nothing after it.
        let read = tokens.get(..tokens.len().saturating_sub(1)).unwrap_or_default();
        for (number, block) in read.chunks(BLOCK).enumerate() {
            let start = number * BLOCK;
            let logits = self.decoder.extend(self.lane, 0, block, block.len())?;
            for at in 0..block.len() {
                let next = start + at + 1;
                if next < begun {
                    continue;
                }
                score.log_probability += log_probability(logits.row(at)?, tokens[next])?;
                score.tokens += 1;
            }
        }
        Ok(score)
    }
}

/// The logarithm of a token's probability: its logit less the logarithm of the sum of the exponentials.
fn log_probability(logits: &[f32], token: u32) -> Result<f64, InferenceError> {
    let unknown = InferenceError::UnknownToken { id: token, vocabulary: logits.len() };
    let own = *logits.get(token as usize).ok_or(unknown)?;
    let highest = logits.iter().copied().fold(f32::NEG_INFINITY, f32::max);
    let sum: f64 = logits.iter().map(|logit| f64::from(logit - highest).exp()).sum();
    let found = f64::from(own) - f64::from(highest) - sum.ln();
    if found.is_finite() { Ok(found) } else { Err(InferenceError::NotFinite) }
}

#[cfg(test)]
mod tests {
    use super::log_probability;
    use crate::InferenceError;

    #[test]
    fn probabilities_add_up_to_one_and_what_is_no_number_is_told() {
        let logits = [1.0_f32, -2.0, 300.0, 299.0];
        let sum: f64 = (0..4).map(|token| log_probability(&logits, token).unwrap().exp()).sum();
        assert!((sum - 1.0).abs() < 1e-9, "{sum}");
        let two = log_probability(&[0.0, 0.0], 1).unwrap();
        assert!((two - 0.5_f64.ln()).abs() < 1e-12);
        assert!(matches!(log_probability(&[f32::NAN, 0.0], 1), Err(InferenceError::NotFinite)));
        assert!(matches!(log_probability(&[0.0], 1), Err(InferenceError::UnknownToken { id: 1, .. })));
    }
}
