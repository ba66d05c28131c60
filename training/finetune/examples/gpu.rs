//! `cargo run --release -p loquat-finetune --example gpu -- FOLDER TOKENS [--device cuda] [--full-precision] [--checkpointing] [--lora RANK]
//! [--steps 8]`
//!
//! Training steps of a weights folder on a GPU (or with `--device cpu` on the processor): forward, backward, clipping, AdamW. TOKENS is a
//! file of JSON: batches of rows of tokens, each row with one more than are read. Out: a line of JSON with each step's seconds and loss.

use std::error::Error;
use std::io::Write as _;
use std::path::PathBuf;
use std::time::Instant;

use loquat_finetune::backend::cuda::{CudaOptions, Precision};
use loquat_finetune::backend::{Cpu, Cuda};
use loquat_finetune::{Backend, Batch, Decoder, Learn, LoraOptions, Options, Row, Trainee, Update};

fn main() -> Result<(), Box<dyn Error>> {
    let mut arguments = std::env::args().skip(1);
    let mut cuda = CudaOptions::default();
    let (mut on_cpu, mut checkpointing, mut steps, mut learn) = (false, false, 8, Learn::Full);
    let mut paths = Vec::new();
    while let Some(argument) = arguments.next() {
        match argument.as_str() {
            "--device" => on_cpu = arguments.next().ok_or("which device?")? == "cpu",
            "--full-precision" => cuda.precision = Precision::Full,
            "--checkpointing" => checkpointing = true,
            "--steps" => steps = arguments.next().ok_or("how many steps?")?.parse()?,
            "--lora" => {
                let rank = arguments.next().ok_or("which rank?")?.parse()?;
                learn = Learn::Lora(LoraOptions { rank, alpha: 2.0 * rank as f32, ..LoraOptions::default() });
            }
            _ => paths.push(PathBuf::from(argument)),
        }
    }
    let [folder, tokens] = paths.as_slice() else { return Err("FOLDER and TOKENS are needed".into()) };
    let batches: Vec<Vec<Vec<u32>>> = serde_json::from_slice(&std::fs::read(tokens)?)?;
    let batches: Vec<Batch> = batches
        .into_iter()
        .map(|rows| Batch { rows: rows.iter().map(|tokens| row(tokens)).collect() })
        .collect();
    let options = Options { learn, checkpointing, seed: 1 };
    if on_cpu {
        measure(Decoder::load(Cpu::new(0)?, folder, options)?, &batches, steps)
    } else {
        measure(Decoder::load(Cuda::open(&cuda)?, folder, options)?, &batches, steps)
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

fn measure<B: Backend>(mut decoder: Decoder<B>, batches: &[Batch], steps: u64) -> Result<(), Box<dyn Error>> {
    let (mut seconds, mut losses) = (Vec::new(), Vec::new());
    for (step, batch) in (1..=steps).zip(batches.iter().cycle()) {
        let start = Instant::now();
        let loss = decoder.accumulate(batch)?;
        let norm = decoder.gradient_norm()? / loss.weight;
        let gradient_scale = ((1.0 / norm).min(1.0) / loss.weight) as f32;
        let update =
            Update { step, rate: 1e-4, betas: (0.9, 0.95), epsilon: 1e-8, decay: 0.0, gradient_scale };
        decoder.update(&update)?;
        // The step is over when its last kernel is: a norm is waited for.
        decoder.gradient_norm()?;
        seconds.push(start.elapsed().as_secs_f64());
        losses.push(loss.mean());
    }
    let device = decoder.backend().describe();
    let answer = serde_json::json!({ "device": device, "seconds": seconds, "losses": losses });
    writeln!(std::io::stdout(), "{answer}")?;
    Ok(())
}
