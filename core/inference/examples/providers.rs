//! Which providers a library can be used with here, and what the others lack. In: the path of libonnxruntime, folders with the
//! libraries of CUDA. Out: a line for each. Must not know: models.
//!
//! `cargo run -p loquat-inference --example providers -- libonnxruntime.so nvidia/cu13/lib nvidia/cudnn/lib`

use anyhow::Context;
use loquat_inference::{Provider, ProviderOptions, Runtime};

#[expect(clippy::print_stdout, reason = "it is what the example is for")]
fn main() -> anyhow::Result<()> {
    let mut arguments = std::env::args_os().skip(1);
    let runtime = Runtime::init(arguments.next().context("name the path of libonnxruntime")?)?;
    let mut options = ProviderOptions::default();
    options.cuda.libraries = arguments.map(Into::into).collect();
    println!("ONNX Runtime {}", runtime.version().unwrap_or_default());
    for provider in [Provider::TensorRt { device: 0 }, Provider::Cuda { device: 0 }, Provider::Cpu] {
        match runtime.probe(provider, &options) {
            Ok(()) => println!("{provider}: its libraries load"),
            Err(skipped) => println!("{skipped}"),
        }
    }
    Ok(())
}
