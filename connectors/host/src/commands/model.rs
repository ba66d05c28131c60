//! `loquat model`. In: a model folder or GGUF file. Out: what it is, how fast it is, a converted folder, or that it is in use.

mod bench;
mod using;

use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::{Context, bail};
use loquat_export::{ExportOptions, import_lora, inspect_folder, inspect_gguf};
use owo_colors::OwoColorize;

use crate::cli::ModelCommand;
use crate::config::{ConfigError, Loaded};
use crate::parts::{assemble, import_gguf};
use crate::progress::Screen;

pub(super) fn model(
    loaded: impl FnOnce() -> Result<Loaded, ConfigError>,
    command: &ModelCommand,
) -> anyhow::Result<ExitCode> {
    match command {
        ModelCommand::Info { path: Some(path) } => info_of(path)?,
        ModelCommand::Info { path: None } => info_of_bot(&loaded()?)?,
        ModelCommand::Use(command) => using::change(&loaded()?, command)?,
        ModelCommand::List => using::list(&loaded()?)?,
        ModelCommand::Bench(command) => bench::bench(&loaded()?, command)?,
        ModelCommand::ImportGguf { path, output, quantize, adapters } => {
            let screen = Screen::default();
            let target =
                output.clone().unwrap_or_else(|| PathBuf::from(path.file_stem().unwrap_or_default()));
            let existing = target.exists() && target.join(loquat_export::folder::MANIFEST_FILE).is_file();
            if target.exists() && !existing {
                bail!(
                    "{} exists and is no converted model; name another folder with `--output`",
                    target.display()
                );
            }
            let options = ExportOptions { quantisation: (*quantize).into(), adapters: *adapters };
            let manifest = import_gguf(path, &target, options, &screen)?;
            screen.clear();
            writeln!(
                anstream::stdout(),
                "{} ({}, SHA-256 {})",
                target.display(),
                manifest.quantisation,
                manifest.model_sha256
            )?;
        }
        ModelCommand::ImportLora { path, model, output } => {
            let named = || Path::new(path.file_name().unwrap_or_default()).with_extension("onnx_adapter");
            let target = output.clone().unwrap_or_else(named);
            let adapter = import_lora(path, model, &target)?;
            writeln!(
                anstream::stdout(),
                "{} ({} layers, rank {}, SHA-256 {})",
                target.display(),
                adapter.layers,
                adapter.rank,
                adapter.sha256
            )?;
        }
    }
    Ok(ExitCode::SUCCESS)
}

fn info_of(path: &Path) -> anyhow::Result<()> {
    let mut out = anstream::stdout();
    if path.is_dir() {
        write!(out, "{}", toml::to_string_pretty(&inspect_folder(path)?)?)?;
    } else if path.is_file() {
        write!(out, "{}", toml::to_string_pretty(&inspect_gguf(path)?)?)?;
    } else {
        bail!("{} does not exist; name a model folder or a GGUF file", path.display());
    }
    Ok(())
}

fn info_of_bot(loaded: &Loaded) -> anyhow::Result<()> {
    let screen = Screen::default();
    let parts = assemble(loaded, &screen).context("the bot's models cannot be opened")?;
    let mut out = anstream::stdout();
    let in_use = parts.exchange.in_use();
    for model in &parts.models {
        let info = model.info();
        writeln!(out, "{}", info.identity.name.bold())?;
        let model_context =
            info.model_context.map_or_else(String::new, |limit| format!(" (the model's own: {limit})"));
        for (name, value) in [
            ("SHA-256", info.identity.sha256.clone()),
            ("folder", info.folder.display().to_string()),
            ("runs on", info.provider.used.to_string()),
            ("layers", info.layers.to_string()),
            ("vocabulary", format!("{} tokens", info.vocabulary)),
            ("context", format!("{} tokens{model_context}", info.context)),
            ("KV cache", format!("{:?}, {} MB when full", info.cache, info.cache_bytes / 1_000_000)),
            ("opened in", format!("{} ms", info.opened_in.as_millis())),
        ] {
            writeln!(out, "  {name:11} {value}")?;
        }
        let replacing = in_use.iter().find(|one| one.model.identity() == &info.identity);
        if let Some((one, current)) = replacing.and_then(|one| Some((one, one.current.as_ref()?))) {
            writeln!(
                out,
                "  {:11} `{}` of the config, since {}",
                "stands for",
                one.name,
                using::moment(current.since)
            )?;
            let before = one.before.as_ref().map(crate::parts::Use::place).unwrap_or_default();
            writeln!(out, "  {:11} {before}", "before")?;
        }
        for skipped in &info.provider.skipped {
            writeln!(out, "  {:11} {skipped}", "not used")?;
        }
    }
    Ok(())
}
