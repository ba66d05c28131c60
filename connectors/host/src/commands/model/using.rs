//! `loquat model use` and `loquat model list`. In: which model takes whose place. Out: what became of it, by the running bot where one runs.

use std::io::Write;
use std::path::{Path, PathBuf};

use anyhow::{Context, bail};
use loquat_contract::Timestamp;
use owo_colors::OwoColorize;

use crate::cli::UseCommand;
use crate::config::Loaded;
use crate::operator;
use crate::parts::{
    Change, ModelRequest, ModelSource, Places, Uses, cache, change_at_rest, folder_of, opener, runtime,
    shown, sources,
};
use crate::progress::Screen;

/// The ending of ONNX Runtime's adapters.
const ADAPTER: &str = "onnx_adapter";

pub(super) fn change(loaded: &Loaded, command: &UseCommand) -> anyhow::Result<()> {
    let screen = Screen::default();
    let config = &loaded.config;
    let places = Places::of(config)?;
    let all = sources(config)?;
    let goes_back = command.rollback || command.reset;
    // One word is the path, unless there is none to be named.
    let (name, path) = match (&command.first, &command.second) {
        (Some(first), None) if goes_back => (Some(first.as_str()), None),
        (Some(first), None) => (None, Some(PathBuf::from(first))),
        (Some(first), Some(second)) => (Some(first.as_str()), Some(second.clone())),
        (None, _) => (None, None),
    };
    let source = chosen(&all, name)?;
    let change = match (path, goes_back) {
        (Some(_), true) => bail!("name either a path, or `--rollback` or `--reset`"),
        (None, true) if command.rollback => Change::Rollback,
        (None, true) => Change::Reset,
        (Some(path), false) => taken(loaded, source, &path, &screen)?,
        (None, false) => bail!(
            "name a model folder, a GGUF file or an adapter: `loquat model use {} PATH`; or `--rollback`",
            source.name
        ),
    };
    let request = ModelRequest { model: source.name.clone(), change };
    let runtime_of_tasks = super::super::runtime()?;
    let said = runtime_of_tasks.block_on(async {
        match operator::ask_for_model(&places, &request).await? {
            Ok(said) => Ok(said),
            Err(held) => {
                let cache = cache(config)?;
                let onnxruntime = runtime(config, &cache, &screen)?;
                let open = opener(config, onnxruntime, cache);
                let languages = &config.bot.languages;
                let said = change_at_rest(&places.models, source, &request.change, languages, open).await;
                drop(held);
                said
            }
        }
    });
    screen.clear();
    let said = said.with_context(|| format!("model `{}` stays as it is", source.name))?;
    writeln!(anstream::stdout(), "{said}")?;
    if matches!(request.change, Change::Folder(_) | Change::Adapter(_)) {
        screen.say(&format!("`loquat model use {} --rollback` goes back.", source.name));
    }
    Ok(())
}

/// The model that is meant.
fn chosen<'a>(all: &'a [ModelSource], name: Option<&str>) -> anyhow::Result<&'a ModelSource> {
    let known = || all.iter().map(|source| format!("`{}`", source.name)).collect::<Vec<_>>().join(", ");
    match (name, all) {
        (Some(name), _) => all
            .iter()
            .find(|source| source.name == name)
            .with_context(|| format!("the bot has no model `{name}`; it has {}", known())),
        (None, [only]) => Ok(only),
        (None, _) => bail!("the bot has several models, {}; name the one whose place it is", known()),
    }
}

/// What a path is to the bot, wherever it runs. A GGUF file is converted first, here, where its progress can be seen.
fn taken(loaded: &Loaded, source: &ModelSource, path: &Path, screen: &Screen) -> anyhow::Result<Change> {
    let path = std::path::absolute(path)?;
    let is = |ending: &str| path.extension().is_some_and(|own| own.eq_ignore_ascii_case(ending));
    if path.is_dir() {
        if path.join("adapter_config.json").is_file() {
            bail!(
                "{} is an adapter as PEFT has it; convert it with `loquat model import-lora` first",
                path.display()
            );
        }
        return Ok(Change::Folder(path));
    }
    if !path.is_file() {
        bail!("{} does not exist; name a model folder, a GGUF file or an adapter", path.display());
    }
    if is(ADAPTER) {
        return Ok(Change::Adapter(path));
    }
    if !is("gguf") {
        bail!("{} is neither a model folder, nor a GGUF file, nor an adapter (.{ADAPTER})", path.display());
    }
    let mut converted = source.clone();
    converted.config.path = Some(path);
    folder_of(&converted, &cache(&loaded.config)?, screen).map(Change::Folder)
}

pub(super) fn list(loaded: &Loaded) -> anyhow::Result<()> {
    let uses = Uses::read(&Places::of(&loaded.config)?.models)?;
    let mut out = anstream::stdout();
    for source in sources(&loaded.config)? {
        let history = uses.of(&source.name);
        writeln!(out, "{}", source.name.bold())?;
        let Some(current) = history.current() else {
            writeln!(out, "  {:9} the config's own", "in use")?;
            continue;
        };
        writeln!(out, "  {:9} {}", "in use", current.place())?;
        for path in current.missing() {
            let said = "is not there; a bot that starts goes on with the config's own";
            writeln!(out, "  {:9} {} {said}", "warning".yellow(), path.display())?;
        }
        if let Some(model) = &current.model {
            writeln!(out, "  {:9} {}", "model", shown(model))?;
        }
        writeln!(out, "  {:9} {}", "since", moment(current.since))?;
        let mut earlier: Vec<_> = history.uses.iter().rev().skip(1).collect();
        let own = Default::default();
        earlier.push(&own);
        for (at, one) in earlier.into_iter().enumerate() {
            writeln!(out, "  {:9} {}", if at == 0 { "before" } else { "" }, one.place())?;
        }
    }
    Ok(())
}

/// The day and time, to the second.
pub(super) fn moment(at: Timestamp) -> String {
    let at = i64::try_from(at.0).ok().and_then(|at| jiff::Timestamp::from_millisecond(at).ok());
    at.map(|at| format!("{at:.0}")).unwrap_or_default()
}
