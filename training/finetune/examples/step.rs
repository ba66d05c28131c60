//! `cargo run --release -p loquat-finetune --example step -- FOLDER [--lora RANK] [--rows 2] [--length 256] [--threads 2] [--steps 5]
//! [--checkpointing] [--evaluate]`
//!
//! Tokens in a second, and the most memory, of training steps of a weights folder: forward, backward, AdamW.

use std::io::Write as _;
use std::path::PathBuf;
use std::time::Instant;

use loquat_finetune::backend::Cpu;
use loquat_finetune::{Backend, Batch, Decoder, Learn, LoraOptions, Options, Row, Trainee, Update};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut arguments = std::env::args().skip(1);
    let (mut folder, mut learn, mut checkpointing, mut evaluate) = (None, Learn::Full, false, false);
    let (mut rows, mut length, mut threads, mut steps) = (2, 256, 2, 5);
    while let Some(argument) = arguments.next() {
        let mut number =
            || arguments.next().ok_or("a number is missing")?.parse::<usize>().map_err(|_| "no number");
        match argument.as_str() {
            "--lora" => {
                let rank = number()?;
                learn = Learn::Lora(LoraOptions { rank, alpha: 2.0 * rank as f32, ..LoraOptions::default() });
            }
            "--rows" => rows = number()?,
            "--length" => length = number()?,
            "--threads" => threads = number()?,
            "--steps" => steps = number()?,
            "--checkpointing" => checkpointing = true,
            "--evaluate" => evaluate = true,
            _ => folder = Some(PathBuf::from(argument)),
        }
    }
    let mut out = std::io::stdout();
    let folder = folder.ok_or("which weights folder?")?;
    let start = Instant::now();
    let options = Options { learn, checkpointing, seed: 1 };
    let mut decoder = Decoder::load(Cpu::new(threads)?, &folder, options)?;
    let (learnt, all) = decoder.counts();
    let loaded = start.elapsed().as_secs_f64();
    let device = decoder.backend().describe();
    writeln!(out, "{device}; {learnt} of {all} weights learn; loaded in {loaded:.1} s")?;
    let vocabulary = decoder.config().vocab_size;
    let token = |place: usize| (place * 7919 % vocabulary) as u32;
    let row = |row: usize| Row {
        tokens: (0..length).map(|place| token(row * length + place)).collect(),
        targets: (1..=length).map(|place| token(row * length + place)).collect(),
        weights: vec![1.0; length],
        prefix: 0,
        documents: vec![0],
    };
    let batch = Batch { rows: (0..rows).map(row).collect() };
    let mut best = f64::MAX;
    for step in 1..=steps as u64 {
        let start = Instant::now();
        let loss = if evaluate { decoder.evaluate(&batch)? } else { decoder.accumulate(&batch)? };
        let passes = start.elapsed().as_secs_f64();
        if !evaluate {
            let gradient_scale = (1.0 / loss.weight) as f32;
            let (betas, epsilon) = ((0.9, 0.95), 1e-8);
            decoder.update(&Update { step, rate: 1e-4, betas, epsilon, decay: 0.1, gradient_scale })?;
        }
        let seconds = start.elapsed().as_secs_f64();
        best = best.min(seconds);
        let speed = batch.tokens() as f64 / seconds;
        let (mean, update) = (loss.mean(), seconds - passes);
        writeln!(
            out,
            "step {step}: loss {mean:.5}, {speed:.1} tokens/s, passes {passes:.3} s, update {update:.3} s"
        )?;
    }
    let speed = batch.tokens() as f64 / best;
    writeln!(out, "best {speed:.1} tokens/s, most memory {:.2} GB", peak().unwrap_or(f64::NAN))?;
    Ok(())
}

/// The most memory that was resident, in GB, where the system tells it.
fn peak() -> Option<f64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"))?;
    Some(line.trim().trim_end_matches(" kB").parse::<f64>().ok()? * 1024.0 / 1e9)
}
