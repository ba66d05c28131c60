//! Config → parts. In: a bot's config. Out: the runtime, the models, the graph and the engine, fetched, converted and opened. Talks
//! to no platform.

mod embedder;
mod exchange;
mod graph;
mod import;
mod library;
mod model;
mod place;
mod provider;
mod source;
mod uses;

use std::sync::Arc;

use anyhow::Context;
use loquat_artifacts::{Cache, ensure};
use loquat_contract::{Knowledge, LanguageModel, Sampling, TextEmbedder};
use loquat_dialogue::{Bot, Engine};
use loquat_inference::{OnnxModel, Runtime};

use crate::config::{Config, Loaded};
use crate::progress::Screen;

pub use embedder::embedders;
pub(crate) use exchange::shown;
pub use exchange::{Exchange, InUse, ModelPlace, Open, change_at_rest};
pub use graph::{graph, open_for_import, quarantine, remember_import};
pub use import::ImportSettings;
pub(crate) use import::{import, report_bad_lines};
pub(crate) use library::{Choice, command as library_command, has_driver};
pub use model::{
    Source as ModelSource, folder_of, import_gguf, options as model_options, origin_of, ready_folder, sources,
};
pub(crate) use model::{open_unaltered, options};
pub use place::Places;
pub(crate) use provider::{options as provider_options, providers};
pub use source::GraphSource;
pub use uses::{Change, History, ModelRequest, Use, Uses};

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
    /// What puts other models in the place of these while the bot runs; it holds them too.
    pub exchange: Arc<Exchange>,
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
    let graph = GraphSource::open(loaded, &Places::of(&loaded.config)?, screen)?;
    assemble_over(graph, loaded, screen)
}

/// The same over a graph that is open.
///
/// # Errors
/// As [`assemble`].
pub(crate) fn assemble_over(graph: GraphSource, loaded: &Loaded, screen: &Screen) -> anyhow::Result<Parts> {
    let config = &loaded.config;
    let cache = cache(config)?;
    let places = Places::of(config)?;
    let runtime = runtime(config, &cache, screen)?;
    let uses = Uses::read(&places.models)?;
    let opened = opened(config, &uses, &runtime, &cache, screen)?;
    let models: Vec<Arc<OnnxModel>> = opened.iter().filter_map(|one| one.model.clone()).collect();
    let speakers = models.iter().map(|model| model.clone() as Arc<dyn LanguageModel>).collect();
    let embedders = embedders(config, &cache, screen)?;
    let engine = engine(config, &embedders, graph.knowledge(), speakers)?;
    screen.clear();
    let place = |one: Opened| ModelPlace {
        title: model::name_of(&one.source, &cache),
        own: one.source,
        model: one.model.map(|model| model as Arc<dyn LanguageModel>),
        is_fallback: one.is_fallback,
    };
    let model_places = opened.into_iter().map(place).collect();
    let exchange = Exchange::new(
        places.models,
        uses,
        config.bot.languages.clone(),
        engine.clone(),
        model_places,
        opener(config, runtime, cache),
    );
    Ok(Parts { graph, models, embedders, engine, exchange: Arc::new(exchange) })
}

/// The config with what is used in the place of its models.
///
/// # Errors
/// When that cannot be read, or one of the models does not say where it comes from.
pub(crate) fn with_models_in_use(config: &Config) -> anyhow::Result<Config> {
    let uses = Uses::read(&Places::of(config)?.models)?;
    let mut config = config.clone();
    for source in sources(&config)? {
        if let Some(other) = uses.replacing(&source) {
            config.models.insert(source.name, other.config);
        }
    }
    Ok(config)
}

/// What opens models as the config wants it.
pub(crate) fn opener(config: &Config, runtime: Runtime, cache: Cache) -> Open {
    let config = config.clone();
    Arc::new(move |source| {
        let model = model::open(source, &config, &runtime, &cache, &Screen::default())?;
        Ok(Arc::new(model) as Arc<dyn LanguageModel>)
    })
}

/// How the bot's models choose their words.
pub fn sampling(config: &Config) -> Sampling {
    Sampling { temperature: config.bot.temperature, seed: config.bot.seed, ..Sampling::default() }
}

/// The bot's engine, over a graph and models that need not be the config's own.
///
/// # Errors
/// When there is no word list for one of the bot's languages.
pub fn engine(
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

/// Opens the config's own models; one that cannot be had is left out with a notice as long as another can.
///
/// # Errors
/// When none can be had.
pub fn models(
    config: &Config,
    runtime: &Runtime,
    cache: &Cache,
    screen: &Screen,
) -> anyhow::Result<Vec<Arc<OnnxModel>>> {
    let opened = opened(config, &Uses::default(), runtime, cache, screen)?;
    Ok(opened.into_iter().filter_map(|one| one.model).collect())
}

/// One of the config's models, and what is opened for it.
struct Opened {
    source: ModelSource,
    model: Option<Arc<OnnxModel>>,
    /// Whether something else was put in its place, and could not be opened.
    is_fallback: bool,
}

/// The config's models, each with what is opened for it: what is used in its place, else itself. One that cannot be had has none, as long as
/// another can.
fn opened(
    config: &Config,
    uses: &Uses,
    runtime: &Runtime,
    cache: &Cache,
    screen: &Screen,
) -> anyhow::Result<Vec<Opened>> {
    let mut models = Vec::new();
    let mut problems = Vec::new();
    for source in sources(config)? {
        let open = |source: &ModelSource| model::open(source, config, runtime, cache, screen).map(Arc::new);
        let other = uses.replacing(&source);
        let replacing = other.as_ref().and_then(|other| match open(other) {
            Ok(model) => {
                note_changed(uses, &source.name, &model);
                Some(model)
            }
            Err(problem) => {
                screen.say(&format!(
                    "warning: what is used in the place of model `{0}` cannot be opened: {problem:#}\n  Going on with the config's own; \
                     `loquat model use {0} --reset` makes that last.",
                    source.name
                ));
                None
            }
        });
        let is_fallback = other.is_some() && replacing.is_none();
        let opened = replacing.map_or_else(|| open(&source), Ok);
        let model = match opened.with_context(|| format!("model `{}`", source.name)) {
            Ok(model) => Some(model),
            Err(problem) => {
                problems.push(problem);
                None
            }
        };
        models.push(Opened { source, model, is_fallback });
    }
    if models.iter().all(|one| one.model.is_none()) {
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

/// Notes where the folder in use holds another model than when it was taken up.
fn note_changed(uses: &Uses, name: &str, model: &OnnxModel) {
    let taken_up = uses.of(name).in_use().model;
    let found = model.info().identity.clone();
    if let Some(taken_up) = taken_up.filter(|taken_up| taken_up.sha256 != found.sha256) {
        tracing::warn!(
            model = name,
            was = shown(&taken_up),
            is = shown(&found),
            "the folder in use has changed since it was taken up"
        );
    }
}
