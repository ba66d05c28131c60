//! cargo run --release -p loquat-inference --example bare -- LIBONNXRUNTIME MODEL_FOLDER
//!
//! The floor under the engine: `session.run` in a loop over one KV cache that is bound as past and present, with no sampling, text
//! or queue. In: jobs on standard input, `{"prompt": 64, "tokens": 128}`. Out: how long the prompt and the further tokens took,
//! a line of JSON a job. Settings: `THREADS`, `CONTEXT`, `BLOCK` (tokens of the prompt at once). It must not know the crate that it is
//! compared with.

use std::io::{BufRead, Write};
use std::time::Instant;

use anyhow::{Context, Result, bail};
use ort::environment::Environment;
use ort::memory::{AllocationDevice, Allocator, AllocatorType, MemoryInfo, MemoryType};
use ort::session::{IoBinding, Session};
use ort::value::{DynTensor, Tensor, TensorElementType};
use serde::Deserialize;

#[derive(Deserialize)]
struct Job {
    prompt: usize,
    tokens: usize,
}

struct Bare {
    session: Session,
    binding: IoBinding,
    host: MemoryInfo<'static>,
    length: usize,
}

impl Bare {
    /// With a cache for `context` tokens.
    fn open(environment: &Environment, folder: &str, threads: usize, context: usize) -> Result<Self> {
        let config: serde_json::Value =
            serde_json::from_slice(&std::fs::read(format!("{folder}/genai_config.json"))?)?;
        let decoder = &config["model"]["decoder"];
        let size =
            |key: &str| decoder[key].as_u64().map(|size| size as usize).with_context(|| key.to_owned());
        let shape = [1, size("num_key_value_heads")?, context, size("head_size")?];

        let session = session(environment, &format!("{folder}/model.onnx"), threads)?;
        let mut binding = session.create_binding()?;
        for layer in 0..size("num_hidden_layers")? {
            for part in ["key", "value"] {
                let mut buffer = DynTensor::new(&Allocator::default(), TensorElementType::Float32, shape)?;
                binding.bind_input(format!("past_key_values.{layer}.{part}"), &buffer)?;
                binding.bind_output(format!("present.{layer}.{part}"), &mut buffer)?;
            }
        }
        let host = MemoryInfo::new(AllocationDevice::CPU, 0, AllocatorType::Device, MemoryType::CPUOutput)?;
        Ok(Self { session, binding, host, length: 0 })
    }

    fn run(&mut self, tokens: &[i64]) -> Result<()> {
        self.length += tokens.len();
        self.binding.bind_input("input_ids", &Tensor::from_array(([1, tokens.len()], tokens.to_vec()))?)?;
        let mask = Tensor::from_array(([1, self.length], vec![1_i64; self.length]))?;
        self.binding.bind_input("attention_mask", &mask)?;
        self.binding.bind_output_to_device("logits", &self.host)?;
        self.session.run_binding(&self.binding)?;
        Ok(())
    }
}

fn session(environment: &Environment, graph: &str, threads: usize) -> Result<Session, ort::Error> {
    Session::builder(environment)?.with_intra_threads(threads)?.commit_from_file(graph)
}

fn main() -> Result<()> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [library, folder] = arguments.as_slice() else {
        bail!("give the path of libonnxruntime and a model folder");
    };
    let environment = ort::init_from(library)?.with_telemetry(false).build()?;
    let mut bare = Bare::open(&environment, folder, number("THREADS", 0)?, number("CONTEXT", 2048)?)?;
    let block = number("BLOCK", 64)?;
    let mut out = std::io::stdout().lock();
    writeln!(out, "{}", serde_json::json!({ "ready": "bare" }))?;
    for line in std::io::stdin().lock().lines() {
        let job: Job = serde_json::from_str(&line?)?;
        // Which tokens makes no difference to the time.
        let token = |at: usize| 1000 + (at as i64 * 7919) % 40_000;
        let prompt: Vec<i64> = (0..job.prompt).map(token).collect();
        bare.length = 0;
        let started = Instant::now();
        for part in prompt.chunks(block) {
            bare.run(part)?;
        }
        let first = started.elapsed().as_secs_f64();
        for at in 1..job.tokens {
            bare.run(&[token(at)])?;
        }
        let seconds = started.elapsed().as_secs_f64();
        writeln!(out, "{}", serde_json::json!({ "first": first, "seconds": seconds }))?;
    }
    Ok(())
}

fn number(name: &str, default: usize) -> Result<usize> {
    std::env::var(name).map_or(Ok(default), |text| text.parse().with_context(|| name.to_owned()))
}
