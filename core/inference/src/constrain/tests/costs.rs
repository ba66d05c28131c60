//! What choosing a token costs on a real vocabulary. Run by hand:
//! `TOKENIZER=FOLDER cargo test --release -p loquat-inference --lib costs -- --ignored --nocapture`, where the folder has a tokenizer.json.

use std::fmt::Write;
use std::path::Path;
use std::time::{Duration, Instant};

use loquat_contract::{Constraint, Sampling};
use rand_chacha::ChaCha12Rng;
use rand_chacha::rand_core::{Rng, SeedableRng};

use crate::constrain::{ConstraintCompiler, Ending};
use crate::sample::Sampler;
use crate::tokenizer::Tokenizer;

fn median(mut times: Vec<Duration>) -> Duration {
    times.sort_unstable();
    times.get(times.len() / 2).copied().unwrap_or_default()
}

fn worst(times: &[Duration]) -> Duration {
    times.iter().max().copied().unwrap_or_default()
}

/// Logits as a model spreads them: most are far below the best.
fn logits(random: &mut ChaCha12Rng, width: usize) -> Vec<f32> {
    let mut uniform = || (random.next_u32() >> 8) as f32 / 16_777_216.0;
    (0..width).map(|_| (0..6).map(|_| uniform()).sum::<f32>() * 6.0).collect()
}

fn sampling(table: &mut String, random: &mut ChaCha12Rng, width: usize) {
    let logits: Vec<Vec<f32>> = (0..50).map(|_| logits(random, width)).collect();
    let hot = Sampling { temperature: 0.8, ..Sampling::default() };
    let bias = [(7, 1.0)].into_iter().collect();
    for (name, sampling, logprobs) in [
        ("greedy", Sampling::default(), None),
        ("greedy, bias", Sampling { logit_bias: bias, ..Sampling::default() }, None),
        (
            "greedy, repetition 1.1, prompt of 1000",
            Sampling { repetition_penalty: 1.1, ..Sampling::default() },
            None,
        ),
        ("greedy, 5 log-probabilities", Sampling::default(), Some(5)),
        ("temperature 0.8", hot.clone(), None),
        ("temperature 0.8, top-k 40", Sampling { top_k: 40, ..hot.clone() }, None),
        ("temperature 0.8, min-p 0.05", Sampling { min_p: 0.05, ..hot.clone() }, None),
        ("temperature 0.8, top-p 0.9", Sampling { top_p: 0.9, ..hot.clone() }, None),
        ("temperature 0.8, top-k 40, top-p 0.9", Sampling { top_k: 40, top_p: 0.9, ..hot }, None),
    ] {
        let prompt: Vec<u32> = (0..1000).collect();
        let mut sampler = Sampler::new(sampling, logprobs, &prompt);
        let times = logits.iter().map(|logits| {
            let started = Instant::now();
            sampler.choose(logits, None).unwrap();
            started.elapsed()
        });
        writeln!(table, "{name}: {:?}", median(times.collect())).unwrap();
    }
}

/// Writes with random logits, under `constraint`, and tells what its steps took.
fn constrained(
    table: &mut String,
    compiler: &ConstraintCompiler,
    name: &str,
    constraint: &Constraint,
    logits: &[Vec<f32>],
) {
    let (mut masks, mut forces, mut greedy, mut opened) = (vec![], vec![], vec![], vec![]);
    let mut allowed = vec![];
    let mut sampler = Sampler::new(Sampling::default(), None, &[]);
    for round in 0..10 {
        let started = Instant::now();
        let mut mask = compiler.compile(constraint).unwrap();
        opened.push(started.elapsed());
        for step in 0..40 {
            let started = Instant::now();
            let forced = mask.forced();
            forces.push(started.elapsed());
            for id in forced {
                mask.commit(id).unwrap();
            }
            if mask.ending() == Ending::Forced {
                break;
            }
            let started = Instant::now();
            allowed.push(mask.mask().unwrap().num_set());
            masks.push(started.elapsed());
            let started = Instant::now();
            sampler.choose(&logits[(round * 40 + step) % logits.len()], Some(&mut *mask)).unwrap();
            greedy.push(started.elapsed());
        }
    }
    let most = allowed.iter().max().copied().unwrap_or_default();
    writeln!(
        table,
        "{name}: compiled in {:?} (worst {:?}); mask {:?} (worst {:?}, up to {most} tokens); choice and commit {:?}; forced {:?}; \
         {} steps",
        median(opened.clone()), worst(&opened), median(masks.clone()), worst(&masks), median(greedy), median(forces), masks.len(),
    )
    .unwrap();
}

#[test]
#[ignore = "a measurement; it needs TOKENIZER, a model folder"]
fn costs() {
    let folder = std::env::var("TOKENIZER").unwrap();
    let tokenizer = Tokenizer::read(Path::new(&folder)).unwrap();
    let (width, end) = (tokenizer.bytes().len(), tokenizer.id("<|im_end|>").unwrap());
    let mut random = ChaCha12Rng::seed_from_u64(1);
    let mut table = format!("{width} tokens\n");
    sampling(&mut table, &mut random, width);

    let started = Instant::now();
    let compiler = ConstraintCompiler::new(tokenizer, vec![end], width);
    compiler.compile(&Constraint::OneOf(vec!["a".to_owned()])).unwrap();
    writeln!(table, "first constraint: {:?}", started.elapsed()).unwrap();
    let started = Instant::now();
    compiler.compile(&Constraint::Regex("a".to_owned())).unwrap();
    writeln!(table, "first grammar: {:?}", started.elapsed()).unwrap();

    let random_logits: Vec<Vec<f32>> = (0..400).map(|_| logits(&mut random, width)).collect();
    let letters = |random: &mut ChaCha12Rng| {
        let length = 2 + random.next_u32() % 9;
        (0..length).map(|_| char::from(b'a' + (random.next_u32() % 26) as u8)).collect::<String>()
    };
    let mut words: Vec<String> = (0..480).map(|_| format!(" {}", letters(&mut random))).collect();
    words.extend((0..20).map(|year| format!(" {}", 1900 + year * 7)));
    let mut single: Vec<String> = words.clone();
    single.extend(('a'..='z').chain('0'..='9').map(String::from));
    let ends = vec![".".to_owned(), "。".to_owned()];
    let schema = r#"{"type": "object", "properties": {"city": {"type": "string"}, "people": {"type": "integer"}},
        "required": ["city", "people"], "additionalProperties": false}"#;
    for (name, constraint) in [
        ("one of two texts", Constraint::OneOf(vec!["Paris".to_owned(), "London".to_owned()])),
        ("500 pieces", Constraint::Pieces { pieces: words.clone(), ends: ends.clone() }),
        ("500 pieces and every letter and digit", Constraint::Pieces { pieces: single, ends }),
        ("regular expression of a date", Constraint::Regex(r"\d{4}-\d{2}-\d{2}".to_owned())),
        ("regular expression of any text", Constraint::Regex("(?s).{0,1000}".to_owned())),
        ("JSON schema of an object", Constraint::JsonSchema(schema.to_owned())),
        (
            "regular expression with many states",
            Constraint::Regex("[ab]*a[ab]{400}|.*c.{300}d|.*e.{300}".to_owned()),
        ),
    ] {
        constrained(&mut table, &compiler, name, &constraint, &random_logits);
    }
    eprintln!("{table}");
}
