//! What the settings do to the choice.

use std::collections::BTreeMap;
use std::fmt;

use loquat_contract::Sampling;
use proptest::prelude::*;

use super::{Sampler, validate};
use crate::InferenceError;
use crate::constrain::{Ending, LogitMask, TokenSet};

fn sampling() -> Sampling {
    Sampling { temperature: 1.0, seed: 7, ..Sampling::default() }
}

fn choose(sampler: &mut Sampler, logits: &[f32]) -> u32 {
    sampler.choose(logits, None).unwrap().token
}

/// The first token behind `prompt`.
fn first(sampling: Sampling, prompt: &[u32], logits: &[f32]) -> u32 {
    choose(&mut Sampler::new(sampling, None, prompt), logits)
}

/// How often each id is drawn from `logits`.
fn counts(sampling: Sampling, logits: &[f32], draws: usize) -> Vec<usize> {
    let mut sampler = Sampler::new(sampling, None, &[]);
    let mut counts = vec![0; logits.len()];
    for _ in 0..draws {
        counts[choose(&mut sampler, logits) as usize] += 1;
    }
    counts
}

/// Always the same tokens.
struct Only {
    allowed: TokenSet,
    committed: Vec<u32>,
}

impl Only {
    fn new(ids: &[u32]) -> Self {
        let mut allowed = TokenSet::alloc(64);
        ids.iter().for_each(|&id| allowed.allow_token(id));
        Self { allowed, committed: Vec::new() }
    }
}

impl fmt::Display for Only {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a few tokens")
    }
}

impl LogitMask for Only {
    fn mask(&mut self) -> Result<&TokenSet, InferenceError> {
        Ok(&self.allowed)
    }

    fn commit(&mut self, token: u32) -> Result<(), InferenceError> {
        self.committed.push(token);
        Ok(())
    }

    fn ending(&mut self) -> Ending {
        Ending::Forbidden
    }
}

#[test]
fn greedy_takes_the_first_of_the_likeliest() {
    assert_eq!(first(Sampling::default(), &[], &[0.0, 3.0, 3.0, f32::NEG_INFINITY]), 1);
}

proptest! {
    #[test]
    fn best_is_found_wherever_it_stands(mut logits in prop::collection::vec(-50.0_f32..50.0, 1..5000), at: prop::sample::Index) {
        let at = at.index(logits.len());
        logits[at] = 60.0;
        prop_assert_eq!(first(Sampling::default(), &[], &logits) as usize, at);
        logits[at] = f32::NAN;
        let refused = Sampler::new(Sampling::default(), None, &[]).choose(&logits, None);
        prop_assert!(matches!(refused, Err(InferenceError::NotFinite)));
    }

    /// Against sorting everything, as the papers put it.
    #[test]
    fn only_what_the_cuts_leave_is_drawn(
        logits in prop::collection::vec(-4.0_f32..4.0, 1..300),
        top_k in 0_usize..20,
        top_p in 0.0_f32..1.0,
        min_p in prop::sample::select(vec![0.0_f32, 0.05, 0.5]),
        temperature in 0.3_f32..2.0,
    ) {
        let mut order: Vec<usize> = (0..logits.len()).collect();
        order.sort_by(|&a, &b| logits[b].total_cmp(&logits[a]).then(a.cmp(&b)));
        let weight = |id: usize| f64::from((logits[id] - logits[order[0]]) / temperature).exp();
        let kept: Vec<usize> = order.iter().copied()
            .take(if top_k == 0 { usize::MAX } else { top_k })
            .filter(|&id| weight(id) >= f64::from(min_p) * (1.0 - 1e-5))
            .collect();
        let wanted = f64::from(top_p) * kept.iter().map(|&id| weight(id)).sum::<f64>();
        let mut reached = 0.0;
        let nucleus = kept.iter().take_while(|&&id| {
            let before = reached;
            reached += weight(id);
            before <= wanted * (1.0 + 1e-5)
        });
        let nucleus: Vec<usize> = nucleus.copied().collect();
        let sampling = Sampling { top_k, top_p, min_p, temperature, seed: 3, ..Sampling::default() };
        let mut sampler = Sampler::new(sampling, None, &[]);
        for _ in 0..50 {
            let token = choose(&mut sampler, &logits) as usize;
            prop_assert!(nucleus.contains(&token), "{token} is not in {nucleus:?}");
        }
    }
}

#[test]
fn same_seed_draws_the_same() {
    let logits: Vec<f32> = (0..1000).map(|id| (id as f32 * 0.37).sin()).collect();
    let draw = |seed| {
        let mut sampler = Sampler::new(Sampling { seed, top_p: 0.9, ..sampling() }, None, &[]);
        (0..50).map(|_| choose(&mut sampler, &logits)).collect::<Vec<_>>()
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
fn cuts_take_the_tail() {
    let logits = [0.5_f32, 0.3, 0.15, 0.05].map(f32::ln);
    let drawn = |sampling| counts(sampling, &logits, 500).iter().filter(|&&count| count > 0).count();
    assert_eq!(drawn(Sampling { top_k: 2, ..sampling() }), 2);
    assert_eq!(drawn(Sampling { top_p: 0.75, ..sampling() }), 2);
    assert_eq!(drawn(Sampling { top_p: 0.0, ..sampling() }), 1);
    assert_eq!(drawn(sampling()), 4);
    // Of the two that top-k leaves, the first alone has 0.625.
    assert_eq!(drawn(Sampling { top_k: 2, top_p: 0.6, ..sampling() }), 1);
    // A fifth of the likeliest is 0.1.
    assert_eq!(drawn(Sampling { min_p: 0.2, ..sampling() }), 3);
    // At temperature 1/2 the weights are squared: 0.15 is 0.09 times as likely as 0.5.
    assert_eq!(drawn(Sampling { min_p: 0.2, temperature: 0.5, ..sampling() }), 2);
    assert_eq!(drawn(Sampling { min_p: 1.0, ..sampling() }), 1);
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
    assert_eq!(first(penalised.clone(), &[0], &[3.0, 2.0]), 1);
    assert_eq!(first(penalised.clone(), &[1], &[-1.5, -1.0]), 0);
    let mut sampler = Sampler::new(penalised, None, &[]);
    assert_eq!([choose(&mut sampler, &[3.0, 2.0]), choose(&mut sampler, &[3.0, 2.0])], [0, 1]);
}

#[test]
fn presence_counts_once_and_frequency_each_time() {
    // The prompt does not count.
    let choices = |sampling| {
        let mut sampler = Sampler::new(sampling, None, &[0, 0, 0]);
        sampler.accept(0);
        [
            choose(&mut sampler, &[3.0, 1.5]),
            choose(&mut sampler, &[3.0, 1.5]),
            choose(&mut sampler, &[3.0, 1.5]),
        ]
    };
    assert_eq!(choices(Sampling { presence_penalty: 1.0, ..Sampling::default() }), [0, 0, 0]);
    assert_eq!(choices(Sampling { presence_penalty: 2.0, ..Sampling::default() }), [1, 0, 0]);
    assert_eq!(choices(Sampling { frequency_penalty: 0.6, ..Sampling::default() }), [0, 0, 1]);
    assert_eq!(choices(Sampling { frequency_penalty: -0.5, ..Sampling::default() }), [0, 0, 0]);
}

#[test]
fn bias_moves_and_forbids() {
    let biased =
        |bias: &[(u32, f32)]| Sampling { logit_bias: bias.iter().copied().collect(), ..Sampling::default() };
    assert_eq!(first(biased(&[(2, 1.5)]), &[], &[3.0, 1.0, 2.0]), 2);
    assert_eq!(first(biased(&[(0, f32::NEG_INFINITY)]), &[], &[3.0, 1.0, 2.0]), 2);
    let drawn = Sampling { temperature: 5.0, seed: 1, ..biased(&[(0, f32::NEG_INFINITY)]) };
    assert_eq!(counts(drawn, &[3.0, 1.0, 2.0], 200)[0], 0);
    assert_eq!(first(biased(&[(1, f32::MAX)]), &[], &[f32::MAX, f32::MAX, 2.0]), 0);
    let all: BTreeMap<u32, f32> = (0..3).map(|id| (id, f32::NEG_INFINITY)).collect();
    let error =
        Sampler::new(Sampling { logit_bias: all, ..sampling() }, None, &[]).choose(&[3.0, 1.0, 2.0], None);
    assert!(error.unwrap_err().to_string().contains("forbids every token"));
}

#[test]
fn masked_tokens_are_not_chosen() {
    let logits = [9.0, 1.0, 8.0, 3.0, 2.0, f32::NEG_INFINITY];
    let mut only = Only::new(&[1, 3, 4, 5, 60]);
    let mut greedy = Sampler::new(Sampling::default(), None, &[]);
    assert_eq!(greedy.choose(&logits, Some(&mut only)).unwrap().token, 3);
    assert_eq!(only.committed, [3]);
    let mut hot = Sampler::new(Sampling { temperature: 3.0, top_p: 0.99, ..sampling() }, None, &[]);
    for _ in 0..200 {
        assert!([1, 3, 4].contains(&hot.choose(&logits, Some(&mut only)).unwrap().token));
    }
    // There may be more logits than the mask knows of.
    let mut more = vec![0.0; 200];
    more[199] = 5.0;
    assert_eq!(greedy.choose(&more, Some(&mut only)).unwrap().token, 1);
    // The bias comes before the mask.
    let bias = [(4, 5.0), (2, 50.0)].into_iter().collect();
    let mut biased = Sampler::new(Sampling { logit_bias: bias, ..Sampling::default() }, None, &[]);
    assert_eq!(biased.choose(&logits, Some(&mut only)).unwrap().token, 4);
    let error = greedy.choose(&logits, Some(&mut Only::new(&[5, 60]))).unwrap_err();
    assert!(
        matches!(&error, InferenceError::Stuck { .. }) && error.to_string().contains("a few tokens"),
        "{error}"
    );
}

#[test]
fn logprobs_are_those_of_the_logits_as_they_came() {
    let logits = [0.5_f32, 0.3, 0.15, 0.05].map(|share| share.ln() + 10.0);
    let bias = [(0, f32::NEG_INFINITY)].into_iter().collect();
    let sampling = Sampling { temperature: 0.01, logit_bias: bias, ..sampling() };
    let close = |found: f32, share: f32| (found - share.ln()).abs() < 1e-5;
    let choice =
        Sampler::new(sampling.clone(), Some(2), &[]).choose(&logits, Some(&mut Only::new(&[2, 3]))).unwrap();
    let logprobs = choice.logprobs.unwrap();
    assert_eq!(choice.token, 2);
    assert!(close(logprobs.chosen, 0.15), "{logprobs:?}");
    assert_eq!(logprobs.likeliest.iter().map(|found| found.0).collect::<Vec<_>>(), [0, 1]);
    assert!(close(logprobs.likeliest[0].1, 0.5) && close(logprobs.likeliest[1].1, 0.3));
    let all = Sampler::new(sampling.clone(), Some(9), &[]).choose(&logits, None).unwrap().logprobs.unwrap();
    assert_eq!(all.likeliest.len(), 4);
    let none = Sampler::new(sampling.clone(), Some(0), &[]).choose(&logits, None).unwrap().logprobs.unwrap();
    assert!(none.likeliest.is_empty() && close(none.chosen, 0.3));
    assert_eq!(Sampler::new(sampling, None, &[]).choose(&logits, None).unwrap().logprobs, None);
}

#[test]
fn logits_that_are_no_numbers_are_an_error() {
    for logits in [[0.0, f32::NAN], [f32::NEG_INFINITY; 2], [0.0, f32::INFINITY]] {
        let chosen = Sampler::new(sampling(), None, &[]).choose(&logits, None);
        assert!(matches!(chosen, Err(InferenceError::NotFinite)), "{logits:?}");
        let chosen = Sampler::new(sampling(), None, &[]).choose(&logits, Some(&mut Only::new(&[0])));
        assert!(matches!(chosen, Err(InferenceError::NotFinite)), "{logits:?}");
    }
}

#[test]
fn settings_that_make_no_sense_are_refused() {
    let valid = Sampling {
        logit_bias: [(99, f32::NEG_INFINITY), (3, -2.0)].into_iter().collect(),
        presence_penalty: -2.0,
        ..sampling()
    };
    validate(&valid, 100).unwrap();
    validate(&Sampling::default(), 0).unwrap();
    let bias = |id, bias| Sampling { logit_bias: [(id, bias)].into_iter().collect(), ..sampling() };
    for (wrong, says) in [
        (Sampling { temperature: -0.1, ..sampling() }, "temperature is -0.1, and has to be 0 or more"),
        (Sampling { temperature: f32::INFINITY, ..sampling() }, "temperature"),
        (Sampling { top_p: f32::NAN, ..sampling() }, "top_p is NaN, and has to be from 0 to 1"),
        (Sampling { top_p: 1.5, ..sampling() }, "top_p"),
        (Sampling { min_p: -0.5, ..sampling() }, "min_p"),
        (Sampling { repetition_penalty: 0.0, ..sampling() }, "repetition_penalty"),
        (Sampling { presence_penalty: f32::NAN, ..sampling() }, "presence_penalty"),
        (Sampling { frequency_penalty: f32::INFINITY, ..sampling() }, "frequency_penalty"),
        (bias(100, 1.0), "logit_bias names the id 100, and the model's ids end with 99"),
        (bias(1, f32::NAN), "logit_bias of the id 1"),
        (bias(1, f32::INFINITY), "logit_bias of the id 1"),
    ] {
        let error = validate(&wrong, 100).unwrap_err().to_string();
        assert!(error.contains(says), "{error}");
    }
}
