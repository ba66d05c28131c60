//! Choosing a token. In: logits, and which of them are allowed. Out: one id, the same for the same seed and logits, and how likely
//! it was. Must not know: text, the model.

mod best;

mod draw;

mod settings;

mod weights;

use std::collections::HashMap;

use loquat_contract::Sampling;
use rand_chacha::ChaCha12Rng;
use rand_chacha::rand_core::SeedableRng;

use self::best::best;
pub(crate) use self::settings::validate;
use crate::InferenceError;
use crate::constrain::LogitMask;

/// What was chosen.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Choice {
    pub(crate) token: u32,
    /// Only where they were asked for.
    pub(crate) logprobs: Option<Logprobs>,
}

/// Natural logarithms of probabilities, of the logits as they came.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Logprobs {
    pub(crate) chosen: f32,
    /// The likeliest tokens, the likeliest first.
    pub(crate) likeliest: Vec<(u32, f32)>,
}

/// Chooses the tokens of one request.
pub(crate) struct Sampler {
    sampling: Sampling,
    /// How many of the likeliest tokens are given with the chosen one.
    logprobs: Option<usize>,
    random: ChaCha12Rng,
    /// How often each token stands in the reply, those of the prompt included; kept only for penalties.
    seen: HashMap<u32, u32>,
    /// Logits with bias and penalties; empty where there are none.
    adjusted: Vec<f32>,
    pool: Vec<(u32, f32)>,
}

impl Sampler {
    /// Starts behind `prompt`. The settings have passed [`validate`].
    pub(crate) fn new(sampling: Sampling, logprobs: Option<usize>, prompt: &[u32]) -> Self {
        let random = ChaCha12Rng::seed_from_u64(sampling.seed);
        let mut sampler =
            Self { sampling, logprobs, random, seen: HashMap::new(), adjusted: Vec::new(), pool: Vec::new() };
        if sampler.penalises() {
            sampler.seen.extend(prompt.iter().map(|&id| (id, 0)));
        }
        sampler
    }

    /// The next token, which `mask` is told of.
    ///
    /// Bias, repetition, presence and frequency penalty, mask, temperature, top-k, min-p, top-p, in this order; at temperature 0
    /// the likeliest, of equals the first.
    ///
    /// # Errors
    /// A logit is NaN, none is finite, or the bias and the mask leave none.
    pub(crate) fn choose(
        &mut self,
        logits: &[f32],
        mask: Option<&mut dyn LogitMask>,
    ) -> Result<Choice, InferenceError> {
        let highest = best(logits)?;
        let token = match mask {
            None => self.pick(logits, highest)?,
            Some(mask) => {
                let token = self.pick_allowed(logits, highest, mask)?;
                mask.commit(token)?;
                token
            }
        };
        self.accept(token);
        let logprobs = self.logprobs.map(|count| self.measure(logits, highest.1, token, count));
        Ok(Choice { token, logprobs })
    }

    /// Takes note of a token that stands in the reply without having been chosen here.
    pub(crate) fn accept(&mut self, token: u32) {
        if self.penalises() {
            *self.seen.entry(token).or_default() += 1;
        }
    }

    fn pick(&mut self, logits: &[f32], mut highest: (u32, f32)) -> Result<u32, InferenceError> {
        let logits = if self.adjusts() {
            self.adjust(logits);
            let forbidden = || InferenceError::Sampling("the bias forbids every token".to_owned());
            highest = best(&self.adjusted).map_err(|_| forbidden())?;
            &self.adjusted
        } else {
            logits
        };
        if self.sampling.temperature == 0.0 {
            return Ok(highest.0);
        }
        Ok(draw::draw_any(&self.sampling, &mut self.random, &mut self.pool, logits, highest))
    }

    fn pick_allowed(
        &mut self,
        logits: &[f32],
        mut highest: (u32, f32),
        mask: &mut dyn LogitMask,
    ) -> Result<u32, InferenceError> {
        let allowed = mask.mask()?;
        let (logits, is_adjusted) = if self.adjusts() {
            self.adjust(logits);
            (&self.adjusted[..], true)
        } else {
            (logits, false)
        };
        let candidates = || allowed.iter().filter_map(|id| Some((id, *logits.get(id as usize)?)));
        // Wide masks mostly allow the best token; that saves a walk through them.
        let known = (highest.0 as usize) < allowed.len();
        if is_adjusted || !known || !allowed.is_allowed(highest.0) {
            highest = (0, f32::NEG_INFINITY);
            for (id, logit) in candidates() {
                if logit > highest.1 {
                    highest = (id, logit);
                }
            }
        }
        if highest.1 == f32::NEG_INFINITY {
            return Err(InferenceError::Stuck { constraint: mask.to_string() });
        }
        if self.sampling.temperature == 0.0 {
            return Ok(highest.0);
        }
        Ok(draw::draw(&self.sampling, &mut self.random, &mut self.pool, candidates(), highest))
    }

    fn penalises(&self) -> bool {
        let Sampling { repetition_penalty, presence_penalty, frequency_penalty, .. } = self.sampling;
        repetition_penalty != 1.0 || presence_penalty != 0.0 || frequency_penalty != 0.0
    }

    fn adjusts(&self) -> bool {
        self.penalises() || !self.sampling.logit_bias.is_empty()
    }

    fn adjust(&mut self, logits: &[f32]) {
        let Sampling { repetition_penalty, presence_penalty, frequency_penalty, logit_bias, .. } =
            &self.sampling;
        self.adjusted.clear();
        self.adjusted.extend_from_slice(logits);
        for (&id, bias) in logit_bias {
            if let Some(logit) = self.adjusted.get_mut(id as usize) {
                *logit = (*logit + bias).min(f32::MAX);
            }
        }
        for (&id, &times) in &self.seen {
            if let Some(logit) = self.adjusted.get_mut(id as usize) {
                *logit = if *logit > 0.0 { *logit / repetition_penalty } else { *logit * repetition_penalty };
                if times > 0 {
                    *logit -= presence_penalty + frequency_penalty * times as f32;
                }
                *logit = logit.min(f32::MAX);
            }
        }
    }

    fn measure(&mut self, logits: &[f32], highest: f32, token: u32, count: usize) -> Logprobs {
        let sum = weights::sum(logits, highest, 1.0).ln() as f32;
        let logprob = |logit: f32| logit - highest - sum;
        draw::likeliest(&mut self.pool, (0..).zip(logits.iter().copied()), f32::NEG_INFINITY, count);
        Logprobs {
            chosen: logits.get(token as usize).map_or(f32::NEG_INFINITY, |&logit| logprob(logit)),
            likeliest: self.pool.iter().map(|&(id, logit)| (id, logprob(logit))).collect(),
        }
    }
}

#[cfg(test)]
mod tests;
