//! Times steps, for `benchmarks/training`: `cargo run --release -p loquat-finetune --example step MODEL TOKENS [--threads 2] [--steps 4]
//! [--rate 1e-4] [--bf16] [--lora RANK] [--checkpointing]`. In: a weights folder, and a JSON file of batches of rows of tokens. Out: a
//! line of JSON with the seconds, the processors' seconds and the loss of each step, and the process's peak memory in bytes.

#![expect(clippy::print_stdout, reason = "prints its result")]

use std::path::PathBuf;
use std::time::Instant;

use loquat_finetune::backend::cpu::Cpu;
use loquat_finetune::backend::cpu::packed::Precision;
use loquat_finetune::{Batch, Decoder, Learn, LoraOptions, Options, Row, Trainee, Update};
use serde_json::json;

type Failure = Box<dyn std::error::Error>;

struct Arguments {
    model: PathBuf,
    tokens: PathBuf,
    threads: usize,
    steps: u64,
    rate: f32,
    precision: Precision,
    options: Options,
}

impl Arguments {
    fn read() -> Result<Self, Failure> {
        let mut words = std::env::args().skip(1);
        let mut next = move || words.next().ok_or("a value is missing");
        let mut read = Self {
            model: next()?.into(),
            tokens: next()?.into(),
            threads: 2,
            steps: 4,
            rate: 1e-4,
            precision: Precision::F32,
            options: Options { learn: Learn::Full, checkpointing: false, seed: 1 },
        };
        while let Ok(word) = next() {
            match word.as_str() {
                "--threads" => read.threads = next()?.parse()?,
                "--steps" => read.steps = next()?.parse()?,
                "--rate" => read.rate = next()?.parse()?,
                "--bf16" => read.precision = Precision::Bf16,
                "--checkpointing" => read.options.checkpointing = true,
                "--lora" => {
                    let rank = next()?.parse()?;
                    let lora = LoraOptions { rank, alpha: 2.0 * rank as f32, ..LoraOptions::default() };
                    read.options.learn = Learn::Lora(lora);
                }
                _ => return Err(format!("`{word}` is not known").into()),
            }
        }
        Ok(read)
    }
}

fn row(tokens: &[u32]) -> Row {
    let length = tokens.len() - 1;
    Row {
        tokens: tokens[..length].to_vec(),
        targets: tokens[1..].to_vec(),
        weights: vec![1.0; length],
        prefix: 0,
        documents: vec![0],
        ..Row::default()
    }
}

/// The process's peak memory in bytes; 0 where the system does not say.
fn peak() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    let kilobytes = line.and_then(|line| line.split_whitespace().next()?.parse::<u64>().ok());
    kilobytes.unwrap_or_default() * 1024
}

/// What all threads have computed so far, in seconds, to a hundredth: it says more than the clock where other programs run.
fn busy() -> f64 {
    let fields = std::fs::read_to_string("/proc/self/stat").unwrap_or_default();
    let after_name = fields.rsplit(')').next().unwrap_or_default();
    let ticks = after_name.split_whitespace().skip(11).take(2).filter_map(|ticks| ticks.parse::<f64>().ok());
    ticks.sum::<f64>() / 100.0
}

fn main() -> Result<(), Failure> {
    let arguments = Arguments::read()?;
    let batches: Vec<Vec<Vec<u32>>> = serde_json::from_slice(&std::fs::read(&arguments.tokens)?)?;
    let backend = Cpu::with_precision(arguments.threads, arguments.precision)?;
    let mut model = Decoder::load(backend, &arguments.model, arguments.options)?;
    let (mut seconds, mut processors, mut losses) = (Vec::new(), Vec::new(), Vec::new());
    for (step, rows) in (1..=arguments.steps).zip(batches.iter().cycle()) {
        let batch = Batch { rows: rows.iter().map(|tokens| row(tokens)).collect() };
        let (begun, before) = (Instant::now(), busy());
        let loss = model.accumulate(&batch)?;
        model.update(&Update {
            step,
            rate: arguments.rate,
            betas: (0.9, 0.95),
            epsilon: 1e-8,
            decay: 0.0,
            gradient_scale: (1.0 / loss.weight) as f32,
        })?;
        seconds.push(begun.elapsed().as_secs_f64());
        processors.push(busy() - before);
        losses.push(loss.mean());
    }
    println!("{}", json!({ "seconds": seconds, "processors": processors, "losses": losses, "peak": peak() }));
    Ok(())
}
