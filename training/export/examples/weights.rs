//! `cargo run -p loquat-export --example weights -- SOURCE TARGET [f32|bf16|f16]`
//!
//! SOURCE is a GGUF file, TARGET the weights folder to make of it.

use std::io::Write as _;
use std::path::Path;

use loquat_export::{Element, gguf_to_weights};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let arguments = std::env::args().skip(1).collect::<Vec<_>>();
    let (source, target, element) = match arguments.iter().map(String::as_str).collect::<Vec<_>>()[..] {
        [source, target] | [source, target, "f32"] => (source, target, Element::F32),
        [source, target, "bf16"] => (source, target, Element::Bf16),
        [source, target, "f16"] => (source, target, Element::F16),
        _ => return Err("usage: weights SOURCE TARGET [f32|bf16|f16]".into()),
    };
    let mut error = std::io::stderr();
    let manifest = gguf_to_weights(Path::new(source), Path::new(target), element, &mut |p| {
        let percent = 100 * p.done / p.total.max(1);
        let _ = write!(error, "\r{:?} {percent:3} %  {:<60.60}", p.stage, p.item);
    })?;
    writeln!(std::io::stdout(), "\n{}  {target}", manifest.model_sha256)?;
    Ok(())
}
