//! What a model makes of a text that is given. In: tokens, or text. Out: logits at each position, and how surprising the text is. For
//! comparing models; it must not know chats, requests, sampling.

use crate::decoder::{Decode, Decoder};
use crate::folder::identity;
use crate::model::open_decoder;
use crate::tokenizer::Tokenizer;
use crate::{InferenceError, ModelFolder, OnnxModelOptions, Runtime};

/// Tokens that run at once; of so many, logits are in memory.
const CHUNK: usize = 64;

/// A model folder that reads and does not write.
pub struct OnnxScorer {
    decoder: Decoder,
    tokenizer: Tokenizer,
    /// That of the adapter, or of none.
    lane: usize,
}

/// How surprising tokens were, in sum.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Surprise {
    /// The cross-entropy, in nats.
    pub nats: f64,
    /// Over so many tokens.
    pub tokens: usize,
}

impl Surprise {
    /// The exponential of the mean; 1 would be no surprise at all. Not a number where there were no tokens.
    pub fn perplexity(self) -> f64 {
        (self.nats / self.tokens as f64).exp()
    }
}

impl OnnxScorer {
    /// Opens the folder of `options` with its adapter, where it names one. Of the options those count that say what runs the graph, and how
    /// many tokens a text may have.
    ///
    /// # Errors
    /// As [`OnnxModel::open`](crate::OnnxModel::open).
    pub fn open(runtime: &Runtime, options: OnnxModelOptions) -> Result<Self, InferenceError> {
        let names: Vec<String> = options.adapters.keys().cloned().collect();
        let lane = match &options.adapter {
            None => 0,
            Some(name) => match names.iter().position(|known| known == name) {
                Some(at) => at + 1,
                None => return Err(InferenceError::UnknownAdapter { name: name.clone(), known: names }),
            },
        };
        let folder = ModelFolder::read(&options.folder)?;
        let tokenizer = Tokenizer::read(folder.path())?;
        let identity = identity(&folder, options.name.clone())?;
        let options = OnnxModelOptions { sequences: 1, ..options };
        let (decoder, _) = open_decoder(runtime, &folder, &identity, &options)?;
        Ok(Self { decoder, tokenizer, lane })
    }

    /// The longest text, in tokens.
    pub fn context(&self) -> usize {
        self.decoder.context()
    }

    /// The tokens of a text, without any that begin or end one.
    ///
    /// # Errors
    /// The tokenizer fails.
    pub fn encode(&self, text: &str) -> Result<Vec<u32>, InferenceError> {
        self.tokenizer.encode(text)
    }

    /// Runs `tokens` from an empty cache, and gives `each` the place of each of them and the logits of what follows it, one a vocabulary
    /// entry.
    ///
    /// # Errors
    /// The graph fails, or there are more tokens than fit.
    pub fn logits(
        &mut self,
        tokens: &[u32],
        mut each: impl FnMut(usize, &[f32]),
    ) -> Result<(), InferenceError> {
        if tokens.len() > self.context() {
            return Err(InferenceError::ContextTooLong { prompt: tokens.len(), context: self.context() });
        }
        self.decoder.push(self.lane)?;
        let ran = self.run(tokens, &mut each);
        self.decoder.clear(self.lane);
        ran
    }

    fn run(&mut self, tokens: &[u32], each: &mut impl FnMut(usize, &[f32])) -> Result<(), InferenceError> {
        let mut done = 0;
        for chunk in tokens.chunks(CHUNK) {
            let logits = self.decoder.extend(self.lane, 0, chunk, chunk.len())?;
            for at in 0..logits.rows() {
                each(done + at, logits.row(at)?);
            }
            done += chunk.len();
        }
        Ok(())
    }

    /// How surprising each token is after those before it. The first is not counted.
    ///
    /// # Errors
    /// As [`logits`](Self::logits).
    pub fn surprise(&mut self, tokens: &[u32]) -> Result<Surprise, InferenceError> {
        let mut surprise = Surprise::default();
        self.logits(tokens, |at, logits| {
            let next = tokens.get(at + 1).and_then(|next| logits.get(*next as usize));
            if let Some(logit) = next {
                surprise.nats += log_sum_exp(logits) - f64::from(*logit);
                surprise.tokens += 1;
            }
        })?;
        Ok(surprise)
    }

    /// How surprising a text is, cut into windows of `window` tokens that do not see each other.
    ///
    /// # Errors
    /// As [`logits`](Self::logits) and [`encode`](Self::encode).
    pub fn surprise_of_text(&mut self, text: &str, window: usize) -> Result<Surprise, InferenceError> {
        let tokens = self.encode(text)?;
        let mut sum = Surprise::default();
        for window in tokens.chunks(window.max(2)) {
            let one = self.surprise(window)?;
            sum = Surprise { nats: sum.nats + one.nats, tokens: sum.tokens + one.tokens };
        }
        Ok(sum)
    }
}

impl std::fmt::Debug for OnnxScorer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("OnnxScorer").field("context", &self.context()).finish_non_exhaustive()
    }
}

/// The logarithm of the sum of the exponentials.
fn log_sum_exp(logits: &[f32]) -> f64 {
    let highest = f64::from(logits.iter().copied().fold(f32::NEG_INFINITY, f32::max));
    highest + logits.iter().map(|logit| (f64::from(*logit) - highest).exp()).sum::<f64>().ln()
}
