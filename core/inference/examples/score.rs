//! cargo run --release -p loquat-inference --example score -- LIBONNXRUNTIME TEXT MODEL_FOLDER [MODEL_FOLDER ...]
//!
//! Perplexity of each model on a text file, in windows of `WINDOW` tokens (default 256), of which it reads at most `WINDOWS` (default
//! 8). Setting: `THREADS`. Out: a line of JSON a model.

use std::io::Write;

use anyhow::{Result, bail};
use loquat_inference::{ChatTokenizer, OnnxModelOptions, OnnxScorer, Runtime, Score};

fn main() -> Result<()> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [library, text, folders @ ..] = arguments.as_slice() else {
        bail!("give the path of libonnxruntime, a text file and model folders");
    };
    let runtime = Runtime::init(library)?;
    let text = std::fs::read_to_string(text)?;
    let (window, windows) = (number("WINDOW", 256)?, number("WINDOWS", 8)?);
    let mut out = std::io::stdout().lock();
    for folder in folders {
        let tokens = ChatTokenizer::open(folder)?.text(&text)?;
        let mut options = OnnxModelOptions::new(folder);
        (options.threads, options.spin, options.sequences) = (number("THREADS", 2)?, false, 1);
        let mut scorer = OnnxScorer::open(&runtime, &options)?;
        let mut sum = Score::default();
        for window in tokens.chunks(window).take(windows) {
            let one = scorer.score_tokens(window)?;
            sum.tokens += one.tokens;
            sum.log_probability += one.log_probability;
        }
        let perplexity = (-sum.log_probability / sum.tokens as f64).exp();
        writeln!(
            out,
            "{}",
            serde_json::json!({ "model": folder, "tokens": sum.tokens, "perplexity": perplexity })
        )?;
    }
    Ok(())
}

fn number(name: &str, default: usize) -> Result<usize> {
    Ok(std::env::var(name).map_or(Ok(default), |text| text.parse())?)
}
