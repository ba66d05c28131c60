//! Fetches every pinned artefact into the cache and prints where each lies.
//!
//! Run: `cargo run -p loquat-artifacts --example fetch`. In: the environment (`XDG_CACHE_HOME`). Out: one path a line.
//! It must not know more of the crate than its public part.

use std::{io::Write as _, time::Instant};

use loquat_artifacts::{Cache, FetchError, Step, catalog, ensure};

fn main() -> Result<(), FetchError> {
    let cache = Cache::from_env()?;
    for artifact in [catalog::onnxruntime()?, catalog::smollm2(), catalog::minimind2()] {
        let start = Instant::now();
        let path = ensure(&artifact, &cache, &|step: Step<'_>| eprint!("\r\x1b[K{step}"));
        eprintln!();
        let mut out = std::io::stdout();
        // Nobody is left to tell when standard output is closed.
        let _ = match path {
            Err(error) if error.is_missing_program() => writeln!(out, "skipped: {error}"),
            outcome => writeln!(out, "{} ({} ms)", outcome?.display(), start.elapsed().as_millis()),
        };
    }
    Ok(())
}
