//! Choosing a token. In: logits. Out: one id, the same for the same seed and logits.
//! Must not know: text, the model.

use std::cmp::Ordering;

use loquat_contract::Sampling;
use rand_chacha::ChaCha12Rng;
use rand_chacha::rand_core::{Rng, SeedableRng};

use crate::InferenceError;

/// How many of the likeliest tokens are sorted at first; the nucleus seldom has more.
const FIRST_SORTED: usize = 64;

/// Chooses the tokens of one request.
pub(crate) struct Sampler {
    sampling: Sampling,
    random: ChaCha12Rng,
    /// `seen[id]`: the token stands in the prompt or the reply.
    seen: Vec<bool>,
    logits: Vec<f32>,
    order: Vec<u32>,
}

impl Sampler {
    pub(crate) fn new(sampling: Sampling, prompt: &[u32]) -> Self {
        let random = ChaCha12Rng::seed_from_u64(sampling.seed);
        let mut sampler = Self { sampling, random, seen: Vec::new(), logits: Vec::new(), order: Vec::new() };
        prompt.iter().for_each(|&id| sampler.see(id));
        sampler
    }

    /// The next token.
    ///
    /// Repetition penalty, temperature, top-k, top-p, in this order; at temperature 0 the likeliest, of equals the first.
    ///
    /// # Errors
    /// A logit is NaN, or none is finite.
    pub(crate) fn choose(&mut self, logits: &[f32]) -> Result<u32, InferenceError> {
        self.logits.clear();
        self.logits.extend_from_slice(logits);
        self.penalise();
        let (best, highest) = self.best()?;
        let id = if self.sampling.temperature > 0.0 { self.draw(highest) } else { best };
        self.see(id);
        Ok(id)
    }

    fn see(&mut self, id: u32) {
        let at = id as usize;
        if at >= self.seen.len() {
            self.seen.resize(at + 1, false);
        }
        self.seen[at] = true;
    }

    fn penalise(&mut self) {
        let penalty = self.sampling.repetition_penalty;
        if penalty == 1.0 || penalty <= 0.0 {
            return;
        }
        for (logit, _) in self.logits.iter_mut().zip(&self.seen).filter(|(_, seen)| **seen) {
            *logit = if *logit > 0.0 { *logit / penalty } else { *logit * penalty };
        }
    }

    fn best(&self) -> Result<(u32, f32), InferenceError> {
        let mut best = (0, f32::NEG_INFINITY);
        for (&logit, id) in self.logits.iter().zip(0..) {
            if logit.is_nan() {
                return Err(InferenceError::NotFinite);
            }
            if logit > best.1 {
                best = (id, logit);
            }
        }
        if best.1.is_finite() { Ok(best) } else { Err(InferenceError::NotFinite) }
    }

    /// Draws from the tokens that top-k and top-p leave.
    fn draw(&mut self, highest: f32) -> u32 {
        let temperature = self.sampling.temperature;
        for logit in &mut self.logits {
            *logit = ((*logit - highest) / temperature).exp();
        }
        let weights = &self.logits;
        let likelier = |a: &u32, b: &u32| -> Ordering {
            weights[*b as usize].total_cmp(&weights[*a as usize]).then(a.cmp(b))
        };
        self.order.clear();
        self.order.extend((0..).take(weights.len()));
        let sum = |ids: &[u32]| ids.iter().map(|&id| f64::from(weights[id as usize])).sum::<f64>();
        let mut sorted = FIRST_SORTED.min(weights.len());
        if self.sampling.top_k > 0 {
            sorted = self.sampling.top_k.min(weights.len());
            sort_first(&mut self.order, sorted, likelier);
            self.order.truncate(sorted);
        } else if self.sampling.top_p < 1.0 {
            sort_first(&mut self.order, sorted, likelier);
        }
        let wanted = f64::from(self.sampling.top_p.max(0.0)) * sum(&self.order);
        let nucleus = loop {
            if self.sampling.top_p >= 1.0 {
                break &self.order[..];
            }
            let mut reached = 0.0;
            let end = self.order[..sorted].iter().position(|&id| {
                reached += f64::from(weights[id as usize]);
                reached >= wanted
            });
            match end {
                Some(end) => break &self.order[..=end],
                None if sorted == self.order.len() => break &self.order[..],
                None => {
                    sorted = (sorted * 8).min(self.order.len());
                    sort_first(&mut self.order, sorted, likelier);
                }
            }
        };
        let mut left = uniform(&mut self.random) * sum(nucleus);
        for &id in nucleus {
            left -= f64::from(weights[id as usize]);
            if left < 0.0 {
                return id;
            }
        }
        nucleus.last().copied().unwrap_or_default()
    }
}

/// Puts the first `count` of `ids` in order at the front.
fn sort_first(ids: &mut [u32], count: usize, compare: impl Fn(&u32, &u32) -> Ordering) {
    if count < ids.len() {
        ids.select_nth_unstable_by(count, &compare);
    }
    ids[..count].sort_unstable_by(compare);
}

/// In [0, 1), from the upper 53 bits.
fn uniform(random: &mut impl Rng) -> f64 {
    (random.next_u64() >> 11) as f64 / (1_u64 << 53) as f64
}

#[cfg(test)]
mod tests {
    use loquat_contract::Sampling;

    use super::Sampler;
    use crate::InferenceError;

    fn sampling() -> Sampling {
        Sampling { temperature: 1.0, seed: 7, ..Sampling::default() }
    }

    /// How often each of the first ids is drawn from `logits`.
    fn counts(sampling: Sampling, logits: &[f32], draws: usize) -> Vec<usize> {
        let mut sampler = Sampler::new(sampling, &[]);
        let mut counts = vec![0; logits.len()];
        for _ in 0..draws {
            counts[sampler.choose(logits).unwrap() as usize] += 1;
        }
        counts
    }

    #[test]
    fn greedy_takes_the_first_of_the_likeliest() {
        let mut sampler = Sampler::new(Sampling::default(), &[]);
        assert_eq!(sampler.choose(&[0.0, 3.0, 3.0, f32::NEG_INFINITY]).unwrap(), 1);
    }

    #[test]
    fn same_seed_draws_the_same() {
        let logits: Vec<f32> = (0..1000).map(|id| (id as f32 * 0.37).sin()).collect();
        let draw = |seed| {
            let mut sampler = Sampler::new(Sampling { seed, top_p: 0.9, ..sampling() }, &[]);
            (0..50).map(|_| sampler.choose(&logits).unwrap()).collect::<Vec<_>>()
        };
        assert_eq!(draw(1), draw(1));
        assert_ne!(draw(1), draw(2));
    }

    #[test]
    fn draws_follow_the_softmax() {
        let counts = counts(sampling(), &[0.0, 3_f32.ln()], 4000);
        assert!((2850..3150).contains(&counts[1]), "{counts:?}");
        // At temperature 1/2 the odds are squared, 9 to 1.
        let counts = self::counts(Sampling { temperature: 0.5, ..sampling() }, &[0.0, 3_f32.ln()], 4000);
        assert!((3500..3700).contains(&counts[1]), "{counts:?}");
    }

    #[test]
    fn top_k_and_top_p_cut_the_tail() {
        let logits = [0.5_f32, 0.3, 0.15, 0.05].map(f32::ln);
        let drawn = |sampling| counts(sampling, &logits, 500).iter().filter(|&&count| count > 0).count();
        assert_eq!(drawn(Sampling { top_k: 2, ..sampling() }), 2);
        assert_eq!(drawn(Sampling { top_p: 0.75, ..sampling() }), 2);
        assert_eq!(drawn(Sampling { top_p: 0.0, ..sampling() }), 1);
        assert_eq!(drawn(sampling()), 4);
        // Of the two that top-k leaves, the first alone has 0.625.
        assert_eq!(drawn(Sampling { top_k: 2, top_p: 0.6, ..sampling() }), 1);
    }

    #[test]
    fn wide_nucleus_is_found() {
        let logits = vec![1.0; 1000];
        let drawn = counts(Sampling { top_p: 0.5, ..sampling() }, &logits, 5000);
        assert!(drawn[500..].iter().all(|&count| count == 0));
        assert!(drawn[..500].iter().filter(|&&count| count > 0).count() > 480);
    }

    #[test]
    fn repetition_is_penalised() {
        let penalised = Sampling { repetition_penalty: 2.0, ..Sampling::default() };
        assert_eq!(Sampler::new(penalised.clone(), &[0]).choose(&[3.0, 2.0]).unwrap(), 1);
        assert_eq!(Sampler::new(penalised.clone(), &[1]).choose(&[-1.5, -1.0]).unwrap(), 0);
        let mut sampler = Sampler::new(penalised, &[]);
        assert_eq!([sampler.choose(&[3.0, 2.0]).unwrap(), sampler.choose(&[3.0, 2.0]).unwrap()], [0, 1]);
    }

    #[test]
    fn logits_that_are_no_numbers_are_an_error() {
        for logits in [[0.0, f32::NAN], [f32::NEG_INFINITY; 2], [0.0, f32::INFINITY]] {
            let chosen = Sampler::new(sampling(), &[]).choose(&logits);
            assert!(matches!(chosen, Err(InferenceError::NotFinite)), "{logits:?}");
        }
    }
}
