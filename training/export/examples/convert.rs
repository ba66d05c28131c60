//! `cargo run -p loquat-export --example convert -- SOURCE TARGET [int4|int8|fp16|fp32]`
//!
//! SOURCE is a GGUF file, a folder of weights as Hugging Face writes it, or the folder of an ONNX package in dynamic int8, which is
//! dequantised.

use std::io::Write as _;
use std::path::Path;

use loquat_export::{Quantisation, dequantise_onnx, gguf_to_onnx, weights_to_onnx};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let arguments = std::env::args().skip(1).collect::<Vec<_>>();
    let (source, target, quantisation) = match arguments.iter().map(String::as_str).collect::<Vec<_>>()[..] {
        [source, target] | [source, target, "int4"] => (source, target, Quantisation::Int4),
        [source, target, "int8"] => (source, target, Quantisation::Int8),
        [source, target, "fp16"] => (source, target, Quantisation::Fp16),
        [source, target, "fp32"] => (source, target, Quantisation::Fp32),
        _ => return Err("usage: convert SOURCE TARGET [int4|int8|fp16|fp32]".into()),
    };
    let (source, target) = (Path::new(source), Path::new(target));
    let mut error = std::io::stderr();
    let mut report = |p: loquat_export::Progress<'_>| {
        let percent = 100 * p.done / p.total.max(1);
        let _ = write!(error, "\r{:?} {percent:3} %  {:<60.60}", p.stage, p.item);
    };
    let has = |name: &str| source.join(name).is_file();
    let manifest = if has("model.safetensors") || has("model.safetensors.index.json") {
        weights_to_onnx(source, target, quantisation, &mut report)?
    } else if source.is_dir() {
        dequantise_onnx(source, target, &mut report)?
    } else {
        gguf_to_onnx(source, target, quantisation, &mut report)?
    };
    writeln!(std::io::stdout(), "\n{}  {}", manifest.model_sha256, target.display())?;
    Ok(())
}
