//! `loquat doctor`. In: the config. Out: one line a check: ok, or the problem and what to do. Fetches and converts nothing.

mod platforms;

use std::io::Write;
use std::path::Path;
use std::process::ExitCode;

use loquat_artifacts::{Artifact, Cache, Source};
use loquat_contract::{Generation, Query, State};
use loquat_inference::{Provider, Runtime};
use loquat_journal::Ledger;
use loquat_kg::{Graph, GraphError};
use loquat_sparql::SparqlGraph;
use owo_colors::OwoColorize;

use crate::config::{Config, ConfigError, Library, Loaded};
use crate::parts::{
    Choice, ModelSource, Places, cache, has_driver, library_command, open_unaltered, options,
    provider_options, providers, ready_folder, sources, with_models_in_use,
};

/// What a check came to.
enum Finding {
    Ok(String),
    /// Not there yet, and made by itself at the first start.
    Later(String),
    Problem {
        what: String,
        advice: String,
    },
}

impl Finding {
    fn problem(what: impl ToString, advice: &str) -> Self {
        Self::Problem { what: what.to_string(), advice: advice.to_owned() }
    }
}

pub(super) fn doctor(loaded: Result<Loaded, ConfigError>) -> anyhow::Result<ExitCode> {
    let mut checks: Vec<(String, Finding)> = Vec::new();
    match loaded {
        Err(error) => {
            checks.push(("config".to_owned(), Finding::problem(error, "correct it and run this again")))
        }
        Ok(loaded) => {
            checks.push(("config".to_owned(), Finding::Ok(loaded.origin.to_string())));
            examine(&loaded.config, &mut checks)?;
        }
    }
    let mut out = anstream::stdout();
    let mut problems = 0;
    for (name, finding) in &checks {
        match finding {
            Finding::Ok(what) => writeln!(out, "{} {name:20} {what}", "ok     ".green())?,
            Finding::Later(what) => writeln!(out, "{} {name:20} {what}", "later  ".cyan())?,
            Finding::Problem { what, advice } => {
                problems += 1;
                writeln!(out, "{} {name:20} {what}\n{:28} → {advice}", "problem".red(), "")?;
            }
        }
    }
    Ok(if problems == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

fn examine(config: &Config, checks: &mut Vec<(String, Finding)>) -> anyhow::Result<()> {
    let cache = cache(config)?;
    let places = Places::of(config)?;
    let runtime = match Choice::of(config) {
        Err(error) => Err(Finding::problem(error, "set `runtime.library`")),
        Ok(Choice::Fetched(artifact)) if !Choice::Fetched(artifact.clone()).path(&cache).exists() => {
            Err(Finding::Later(format!("{} is fetched at the first start{}", artifact.name, size(&artifact))))
        }
        Ok(choice) => Runtime::init(choice.path(&cache)).map_err(|error| {
            Finding::problem(error, "set `runtime.library` to another copy, or remove this one")
        }),
    };
    match runtime {
        Ok(runtime) => {
            let version = runtime.version().unwrap_or_else(|| "of unknown version".to_owned());
            let what = format!("ONNX Runtime {version}, {}", runtime.path().display());
            checks.push(("runtime library".to_owned(), Finding::Ok(what)));
            checks.extend(provided(config, &runtime, &cache));
            match with_models_in_use(config).and_then(|config| sources(&config)) {
                Ok(sources) => checks.extend(sources.iter().map(|source| {
                    (format!("model {}", source.name), model(source, config, &runtime, &cache))
                })),
                Err(error) => {
                    checks.push(("models".to_owned(), Finding::problem(error, "correct the config")))
                }
            }
        }
        Err(finding) => checks.push(("runtime library".to_owned(), finding)),
    }
    checks.push(("graph".to_owned(), graph(config, &places.graph)));
    checks.push(("journal".to_owned(), journal(&places.journal)));
    checks.extend(platforms::examine(config)?);
    checks.push(("tokens".to_owned(), tokens(config, &cache)));
    Ok(())
}

/// How much is downloaded.
fn size(artifact: &Artifact) -> String {
    match &artifact.source {
        Source::Pip { wheel, .. } => format!(" ({} MB)", wheel.bytes / 1_000_000),
        _ => String::new(),
    }
}

/// What the library holds, and for each provider of a GPU that is asked for whether its own libraries load.
fn provided(config: &Config, runtime: &Runtime, cache: &Cache) -> Vec<(String, Finding)> {
    let built: Vec<String> = runtime.providers().iter().map(ToString::to_string).collect();
    let mut found =
        vec![("providers".to_owned(), Finding::Ok(format!("the library has {}", built.join(", "))))];
    let tuning = provider_options(config, cache, runtime.path());
    for provider in providers(config).into_iter().filter(|provider| *provider != Provider::Cpu) {
        let finding = match runtime.probe(provider, &tuning) {
            Ok(()) => Finding::Ok("its libraries load".to_owned()),
            Err(_) if config.runtime.library == Library::Auto && !has_driver() => Finding::problem(
                "there is no NVIDIA driver on this machine, so the library is the one for the processor",
                "install the driver (580 or later), or take the provider out of `runtime.providers`",
            ),
            Err(skipped) => {
                let mut advice =
                    skipped.advice.unwrap_or_else(|| "docs/gpu.md says what it needs".to_owned());
                if advice.contains("Python package `nvidia-") || advice.contains("Python package `tensorrt") {
                    advice = format!("{advice}; all of them: {}", library_command(config, cache));
                }
                Finding::problem(skipped.reason, &advice)
            }
        };
        found.push((provider.to_string(), finding));
    }
    found
}

fn model(source: &ModelSource, config: &Config, runtime: &Runtime, cache: &Cache) -> Finding {
    let folder = match ready_folder(source, cache) {
        Ok(Some(folder)) => folder,
        Ok(None) => return Finding::Later("is fetched and converted at the next start".to_owned()),
        Err(error) => return Finding::problem(format!("{error:#}"), "correct the config"),
    };
    let opened = open_unaltered(runtime, options(source, config, folder, runtime, cache));
    match opened {
        Ok(model) => {
            let info = model.info();
            let sha256 = info.identity.sha256.get(..12).unwrap_or_default().to_owned();
            Finding::Ok(format!("{}…, {} layers, on {}", sha256, info.layers, info.provider.used))
        }
        Err(error) => Finding::problem(
            format!("{error:#}"),
            "remove the folder it names and start again, or name another model",
        ),
    }
}

fn graph(config: &Config, store: &Path) -> Finding {
    if config.graph.sparql.endpoint.is_some() {
        return match SparqlGraph::probe(&config.graph.sparql) {
            Ok(address) => Finding::Ok(format!("{address} answers")),
            Err(error) => Finding::problem(error, "run this again afterwards"),
        };
    }
    let missing: Vec<String> = config
        .graph
        .sources
        .iter()
        .filter(|path| path.is_absolute() && !path.exists())
        .map(|path| path.display().to_string())
        .collect();
    if !missing.is_empty() {
        return Finding::problem(
            format!("{} cannot be found", missing.join(", ")),
            "correct `graph.sources`",
        );
    }
    if !Graph::exists(store) {
        return Finding::Later("is built at the first start".to_owned());
    }
    let stats = Graph::open(store).and_then(|graph| graph.stats());
    match stats {
        Err(GraphError::Locked { holder, .. }) => {
            Finding::Ok(format!("in use by {holder}, {}", store.display()))
        }
        Ok(stats) if stats.generation == Generation(0) => {
            Finding::problem("the graph is empty", "name files in `graph.sources`, or use `loquat kg import`")
        }
        Ok(stats) if !stats.interrupted.is_empty() => Finding::problem(
            format!("the import of {} was interrupted", stats.interrupted.join(", ")),
            "import it again",
        ),
        Ok(stats) => Finding::Ok(format!(
            "{} facts about {} entities, {}",
            stats.facts,
            stats.entities,
            store.display()
        )),
        Err(error) => Finding::problem(
            error,
            "stop the process that has it, or remove the folder: it is built again from its sources",
        ),
    }
}

fn journal(folder: &Path) -> Finding {
    if !folder.join("format").exists() && !folder.join("durability_cookie").exists() {
        return to_be_made(folder);
    }
    // Read alone: a bot that is running has it open.
    let ledger = match Ledger::open(folder) {
        Ok(ledger) => ledger,
        Err(error) => {
            return Finding::problem(error, "move the folder away; what it owes is then not answered");
        }
    };
    let damaged: Vec<String> =
        ledger.damage().iter().filter(|d| !d.is_unfinished).map(ToString::to_string).collect();
    if !damaged.is_empty() {
        let advice = "all else in it is kept; check the disk, and `loquat ledger compact` clears it away";
        return Finding::problem(format!("it is damaged: {}", damaged.join("; ")), advice);
    }
    let count = |state| {
        let query = Query { state: Some(state), ..Query::default() };
        ledger.entries(&query).map(|entries| entries.len())
    };
    match (count(State::Unknown), count(State::Failed)) {
        (Ok(unknown), Ok(failed)) => {
            Finding::Ok(format!("{}; {unknown} unknown, {failed} failed", folder.display()))
        }
        (Err(error), _) | (_, Err(error)) => Finding::problem(error, "check the disk"),
    }
}

/// A folder that is made at the first start, or why it cannot be.
fn to_be_made(folder: &Path) -> Finding {
    let there = folder.ancestors().find(|ancestor| ancestor.is_dir()).unwrap_or(Path::new("/"));
    match tempfile::tempfile_in(there) {
        Ok(_) => Finding::Later("is made at the first start".to_owned()),
        Err(error) => Finding::problem(
            format!("{} cannot be made: {error}", folder.display()),
            "correct the rights, or set `journal.folder` and `graph.store`",
        ),
    }
}

fn tokens(config: &Config, cache: &Cache) -> Finding {
    let said = |set: bool| if set { "set" } else { "not set" };
    Finding::Ok(format!(
        "hub: {}; web chat: {}",
        said(cache.clients.hub.token.is_some()),
        said(config.connectors.web.token.is_some())
    ))
}
