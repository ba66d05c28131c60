//! `loquat model bench`. In: a model folder, or the bot's models. Out: how fast each reads and writes, alone and for several at
//! once, and how much memory that takes, as a table or JSON. Must not know: ONNX, what the engine does to be fast.

mod measure;
mod prompts;
mod report;

use std::io::Write;

use anyhow::Context;
use loquat_contract::LanguageModel;

use crate::cli::BenchCommand;
use crate::config::{Loaded, ModelConfig};
use crate::parts::{
    ModelSource, cache, folder_of, open_unaltered, options, runtime, sources, with_models_in_use,
};
use crate::progress::Screen;

pub(super) fn bench(loaded: &Loaded, command: &BenchCommand) -> anyhow::Result<()> {
    let screen = Screen::default();
    let config = &loaded.config;
    let cache = cache(config)?;
    let onnxruntime = runtime(config, &cache, &screen)?;
    let wanted = match &command.path {
        Some(path) => {
            let name = path.file_name().unwrap_or(path.as_os_str()).to_string_lossy().into_owned();
            vec![ModelSource {
                name,
                config: ModelConfig { path: Some(path.clone()), ..ModelConfig::default() },
            }]
        }
        None => sources(&with_models_in_use(config)?)?,
    };
    let mut reports = Vec::new();
    // One after another, so that none shares the processor or the memory with another.
    for source in &wanted {
        let folder = folder_of(source, &cache, &screen)?;
        let mut options = options(source, config, folder, &onnxruntime, &cache);
        // Those that are to run at once do run at once.
        options.sequences = command.sequences.iter().copied().fold(options.sequences, usize::max);
        options.threads = command.threads.unwrap_or(options.threads);
        report::forget_peak();
        let model = open_unaltered(&onnxruntime, options)
            .with_context(|| format!("model `{}` cannot be opened", source.name))?;
        let info = model.info().clone();
        screen.say(&format!("measuring {} on {} …", info.identity.name, info.provider.used));
        let measured = super::super::runtime()?.block_on(measure::measure(&model, command, &screen))?;
        let report = report::Report::new(model.identity().clone(), &info, measured);
        if !command.json {
            write!(anstream::stdout(), "{report}")?;
        }
        reports.push(report);
    }
    if command.json {
        let mut out = anstream::stdout();
        serde_json::to_writer_pretty(&mut out, &reports)?;
        writeln!(out)?;
    }
    Ok(())
}
