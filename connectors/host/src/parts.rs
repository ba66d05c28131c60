//! Config → parts. In: a bot's config. Out: the runtime, the models, the graph and the engine, fetched, converted and opened. Talks
//! to no platform.

mod embedder;
mod graph;
mod import;
mod library;
mod model;
mod place;
mod provider;
mod source;

use std::sync::Arc;

use anyhow::Context;
use loquat_artifacts::{Cache, ensure};
use loquat_contract::{Knowledge, LanguageModel, Sampling, TextEmbedder};
use loquat_dialogue::{Bot, Engine};
use loquat_inference::{OnnxModel, Runtime};

use crate::config::{Config, Loaded};
use crate::progress::Screen;

pub use embedder::embedders;
pub use graph::{graph, open_for_import, quarantine, remember_import};
pub use import::ImportSettings;
pub(crate) use import::{import, report_bad_lines};
pub(crate) use library::{Choice, command as library_command, has_driver};
pub use model::{Source as ModelSource, folder_of, import_gguf, origin_of, ready_folder, sources};
pub(crate) use model::{open_unaltered, options};
pub use place::Places;
pub(crate) use provider::{options as provider_options, providers};
pub use source::GraphSource;

/// Everything that an engine is made of.
pub struct Parts {
    /// The graph.
    pub graph: GraphSource,
    /// The models that are in use, in the order of preference.
    pub models: Vec<Arc<OnnxModel>>,
    /// The sentence embedding models that `graph.embeddings` asks for.
    pub embedders: Vec<Arc<dyn TextEmbedder>>,
    /// The engine.
    pub engine: Arc<Engine>,
}

/// The cache, reached as the config says.
///
/// # Errors
/// When there is no home folder.
pub fn cache(config: &Config) -> anyhow::Result<Cache> {
    let mut cache = Cache::from_env()?;
    if let Some(endpoint) = &config.hub.endpoint {
        cache.clients.hub.endpoint = Some(endpoint.clone());
    }
    if let Some(token) = &config.hub.token {
        cache.clients.hub.token = Some(token.clone());
    }
    Ok(cache)
}

/// The ONNX Runtime: the config's own, else the fetched one that fits its providers.
///
/// # Errors
/// When it is neither there nor to be had, or is no ONNX Runtime.
pub fn runtime(config: &Config, cache: &Cache, screen: &Screen) -> anyhow::Result<Runtime> {
    let path = match Choice::of(config)? {
        Choice::Own(path) => path,
        Choice::Fetched(artifact) => ensure(&artifact, cache, screen)?,
    };
    Ok(Runtime::init(path)?)
}

/// Fetches, converts and opens everything that the config names.
///
/// # Errors
/// When the graph, the runtime, or every model of the config is missing or broken.
pub fn assemble(loaded: &Loaded, screen: &Screen) -> anyhow::Result<Parts> {
    let config = &loaded.config;
    let cache = cache(config)?;
    let places = Places::of(config)?;
    let graph = GraphSource::open(loaded, &places, screen)?;
    let runtime = runtime(config, &cache, screen)?;
    let models = models(config, &runtime, &cache, screen)?;
    let speakers = models.iter().map(|model| model.clone() as Arc<dyn LanguageModel>).collect();
    let embedders = embedders(config, &cache, screen)?;
    let engine = engine(config, &embedders, graph.knowledge(), speakers)?;
    screen.clear();
    Ok(Parts { graph, models, embedders, engine })
}

/// How the bot's models choose their words.
pub(crate) fn sampling(config: &Config) -> Sampling {
    Sampling { temperature: config.bot.temperature, seed: config.bot.seed, ..Sampling::default() }
}

/// The bot's engine, over a graph and models that need not be the config's own.
///
/// # Errors
/// When there is no word list for one of the bot's languages.
pub(crate) fn engine(
    config: &Config,
    embedders: &[Arc<dyn TextEmbedder>],
    knowledge: Arc<dyn Knowledge>,
    speakers: Vec<Arc<dyn LanguageModel>>,
) -> anyhow::Result<Arc<Engine>> {
    let bot = Bot {
        name: config.bot.name.clone(),
        persona: config.bot.persona.clone(),
        policy: config.bot.policy,
        languages: config.bot.languages.clone(),
        sampling: sampling(config),
    };
    let mut engine = Engine::new(bot, knowledge, speakers)?;
    for embedder in embedders {
        engine = engine.with_embedder(embedder.clone());
    }
    Ok(Arc::new(engine))
}

/// Opens the models; one that cannot be had is left out with a notice as long as another can.
pub(crate) fn models(
    config: &Config,
    runtime: &Runtime,
    cache: &Cache,
    screen: &Screen,
) -> anyhow::Result<Vec<Arc<OnnxModel>>> {
    let mut models = Vec::new();
    let mut problems = Vec::new();
    for source in sources(config)? {
        let opened = model::open(&source, config, runtime, cache, screen);
        match opened.with_context(|| format!("model `{}`", source.name)) {
            Ok(model) => models.push(Arc::new(model)),
            Err(problem) => problems.push(problem),
        }
    }
    if models.is_empty() {
        return Err(problems.into_iter().next().unwrap_or_else(|| {
            anyhow::anyhow!(
                "the config names no model; add a `[models.NAME]` table (see `loquat config sample`)"
            )
        }));
    }
    for problem in problems {
        screen.say(&format!(
            "warning: {problem:#}\n  Going on without it: answers in its languages are worded by templates."
        ));
    }
    Ok(models)
}
