//! How likely a model finds texts that are given. In: a chat and what is said next, or a text alone. Out: the sum of the logarithms of the
//! tokens' probabilities. Runs by itself, without the model's thread: for measuring, never for answering.

use loquat_contract::{ChatMessage, ModelIdentity};

use crate::InferenceError;
use crate::decoder::Decode;
use crate::ensemble::Ensemble;
use crate::folder::identity;
use crate::model::{open_decoder, open_member, written_with};
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
    decoder: Box<dyn Decode + Send>,
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
    /// Opens a model folder as [`OnnxModel`](crate::OnnxModel) does, with the adapter that requests without one would get. An ensemble
    /// judges by the average of its models' log-probabilities, made one of probabilities again, as it writes.
    ///
    /// # Errors
    /// A piece is missing or damaged, no provider works, or there is no such adapter.
    pub fn open(runtime: &Runtime, options: &OnnxModelOptions) -> Result<Self, InferenceError> {
        options.check()?;
        let folder = ModelFolder::read(&options.folder)?;
        let identity = identity(&folder, options.name.clone())?;
        let (decoder, _) = open_decoder(runtime, &folder, &identity, options)?;
        let lane = match &options.adapter {
            None => 0,
            Some(name) => options.adapters.keys().position(|known| known == name).map_or(0, |at| at + 1),
        };
        let tokenizer = Tokenizer::read(folder.path())?;
        let mut members = vec![(decoder, 1.0)];
        for (path, weight) in &options.ensemble {
            members.push((open_member(runtime, path, *weight, options, &tokenizer)?, *weight));
        }
        Ok(Self {
            identity: written_with(identity, options)?,
            decoder: if members.len() > 1 {
                Box::new(Ensemble::new(members))
            } else {
                Box::new(members.remove(0).0)
            },
            tokenizer,
            template: Template::read(folder.path())?,
            lane,
        })
    }

    /// The model's name and hash.
    pub fn identity(&self) -> &ModelIdentity {
        &self.identity
    }

    /// Judges each token of `text` behind a chat. Without one the text has what the tokenizer itself puts around it, as in training, and each
    /// token but the first is judged, before which there is nothing. What the context cannot hold is left out at the end. The mark that ends a
    /// turn is not judged.
    ///
    /// # Errors
    /// The template refuses the chat, the chat alone fills the context, or the run fails.
    pub fn score(&mut self, chat: &[ChatMessage], text: &str) -> Result<Score, InferenceError> {
        let (mut tokens, said) = match chat {
            [] => (Vec::new(), self.tokenizer.encode_whole(text)?),
            chat => (
                self.tokenizer.encode(&self.template.render(&self.tokenizer, chat, "")?)?,
                self.tokenizer.encode(&self.tokenizer.disarm(text))?,
            ),
        };
        let begun = tokens.len().max(1);
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

    /// Judges each of `tokens` but the first. What the context cannot hold is left out at the end.
    ///
    /// # Errors
    /// The run fails.
    pub fn score_tokens(&mut self, tokens: &[u32]) -> Result<Score, InferenceError> {
        let tokens = &tokens[..tokens.len().min(self.decoder.context())];
        self.decoder.clear(self.lane);
        self.decoder.push(self.lane)?;
        let judged = self.judge(tokens, 1);
        self.decoder.clear(self.lane);
        judged
    }

    /// The longest text, in tokens.
    pub fn context(&self) -> usize {
        self.decoder.context()
    }

    /// Runs `tokens` by themselves, and gives `each` the place of each of them and the logits of what follows it, a number for each token of
    /// the vocabulary.
    ///
    /// # Errors
    /// There are more tokens than the context holds, or the run fails.
    pub fn logits(
        &mut self,
        tokens: &[u32],
        mut each: impl FnMut(usize, &[f32]),
    ) -> Result<(), InferenceError> {
        let context = self.decoder.context();
        if tokens.len() > context {
            return Err(InferenceError::ContextTooLong { prompt: tokens.len(), context });
        }
        self.decoder.clear(self.lane);
        self.decoder.push(self.lane)?;
        let mut ran = Ok(());
        for (number, block) in tokens.chunks(BLOCK).enumerate() {
            ran = self.decoder.extend(self.lane, 0, block, block.len()).and_then(|logits| {
                (0..block.len()).try_for_each(|at| {
                    each(number * BLOCK + at, logits.row(at)?);
                    Ok(())
                })
            });
            if ran.is_err() {
                break;
            }
        }
        self.decoder.clear(self.lane);
        ran
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
    use loquat_contract::Role;

    use super::*;
    use crate::engine::tests::toy::{Toy, WIDTH};
    use crate::tokenizer::tests::{bytes, with_beginning};

    const TEMPLATE: &str = "{% for message in messages %}[{{ message['content'] }}]{% endfor %}";

    /// A model that expects `said` behind `before` by a logit of 1 a token, and anything at all elsewhere.
    fn scorer(tokenizer: Tokenizer, before: &[u32], said: &[u32], context: usize) -> OnnxScorer {
        let toy = Toy { replies: [(before.to_vec(), said.to_vec())].into(), context, ..Toy::default() };
        OnnxScorer {
            identity: ModelIdentity { name: "toy".to_owned(), sha256: String::new() },
            decoder: Box::new(toy),
            tokenizer,
            template: Template::new(TEMPLATE.to_owned(), Vec::new()).unwrap(),
            lane: 0,
        }
    }

    /// The logarithm of the probability of what it expects.
    fn expected() -> f64 {
        1.0 - (1_f64.exp() + (WIDTH - 1) as f64).ln()
    }

    #[test]
    fn each_token_of_a_reply_is_judged_after_those_before_it_and_none_of_the_chat() {
        let tokenizer = bytes();
        let chat = [ChatMessage::new(Role::User, "how ".repeat(70))];
        let text = "all of it, ".repeat(30);
        let prompt = tokenizer.encode(&format!("[{}]", chat[0].content)).unwrap();
        let said = tokenizer.encode(&text).unwrap();
        assert!(prompt.len() > 2 * BLOCK && said.len() > 2 * BLOCK && !prompt.len().is_multiple_of(BLOCK));
        let mut model = scorer(tokenizer.clone(), &prompt, &said, 2000);
        // Twice: nothing is left over.
        for _ in 0..2 {
            let score = model.score(&chat, &text).unwrap();
            assert_eq!(score.tokens, said.len());
            assert!((score.log_probability - said.len() as f64 * expected()).abs() < 1e-9, "{score:?}");
        }
        let mut short = scorer(tokenizer.clone(), &prompt, &said, prompt.len() + 5);
        let score = short.score(&chat, &text).unwrap();
        assert_eq!(score.tokens, 5);
        assert!((score.log_probability - 5.0 * expected()).abs() < 1e-9);
        let error = scorer(tokenizer, &prompt, &said, prompt.len()).score(&chat, &text).unwrap_err();
        assert!(matches!(error, InferenceError::ContextTooLong { .. }));
    }

    #[test]
    fn a_plain_text_begins_as_the_tokenizer_has_it() {
        let text = "all of it, ".repeat(30);
        for tokenizer in [bytes(), with_beginning()] {
            let tokens = tokenizer.encode_whole(&text).unwrap();
            let mut model = scorer(tokenizer, &tokens[..1], &tokens[1..], 2000);
            let score = model.score(&[], &text).unwrap();
            assert_eq!(score.tokens, tokens.len() - 1);
            assert!((score.log_probability - score.tokens as f64 * expected()).abs() < 1e-9);
            assert_eq!(model.score_tokens(&tokens).unwrap(), score);
        }
        let begins = with_beginning();
        assert_eq!(begins.encode_whole("a").unwrap().len(), begins.encode("a").unwrap().len() + 1);
    }

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
