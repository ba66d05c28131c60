//! The model as the engine of dialogue holds it. In: requests from anywhere. Out: streams of text. Must not know: prompts, facts,
//! platforms.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;
use std::time::Instant;

use futures::stream::{self, StreamExt};
use futures::{FutureExt, Stream};
use loquat_contract::{
    BoxStream, GenerateRequest, Language, LanguageModel, ModelError, ModelIdentity, Token,
};
use ort::session::Adapter;
use ort::value::TensorElementType;
use tokio::sync::mpsc::{self, Receiver, Sender, UnboundedReceiver};
use tracing::field::Empty;
use tracing::{Span, debug_span};

use crate::constrain::ConstraintCompiler;
use crate::decoder::{Decode, Decoder};
use crate::engine::{self, Engine, Output, Request, Sequence, Settings, Stats};
use crate::ensemble::Ensemble;
use crate::folder::{identity, sha256, sha256_of};
use crate::graph::outlets;
use crate::provider::{self, ProviderReport, Threads, Wanted};
use crate::template::Template;
use crate::tokenizer::Tokenizer;
use crate::{
    CacheKind, Decoding, InferenceError, ModelFolder, ModelInfo, ModelStats, Provider, ProviderOptions,
    Runtime,
};

/// More sequences than this are not answered at once, whatever is asked for.
const MOST_SEQUENCES: usize = 1024;

/// How to open a model.
#[derive(Clone, Debug)]
pub struct OnnxModelOptions {
    /// The model folder.
    pub folder: PathBuf,
    /// Providers to try, best first.
    pub providers: Vec<Provider>,
    /// How each of them works.
    pub provider_options: ProviderOptions,
    /// Threads for an operator; 0 lets ONNX Runtime take the processor's cores.
    pub threads: usize,
    /// Whether its threads spin while they wait for each other: about a quarter faster on a quiet machine, much slower on
    /// one whose cores are busy with other work.
    pub spin: bool,
    /// Languages that it writes well; none means any.
    pub languages: Vec<Language>,
    /// Its name, in place of the folder's.
    pub name: Option<String>,
    /// The most tokens of a chat, prompt and reply together; the model's own limit holds where it is lower.
    pub max_context: usize,
    /// Requests that may wait before callers do.
    pub queue: usize,
    /// Requests that are answered at the same time, 1 to 1024.
    pub sequences: usize,
    /// How tokens are written.
    pub decoding: Decoding,
    /// Bytes of memory for keys and values of prompts that may come again; 0 keeps none.
    pub prefix_cache: usize,
    /// ONNX Runtime's adapter files (LoRA), by the names under which requests ask for them.
    pub adapters: BTreeMap<String, PathBuf>,
    /// The adapter for requests that name none.
    pub adapter: Option<String>,
    /// Other models with the same tokenizer that write along, each with its weight; this one has the weight 1.
    pub ensemble: Vec<(PathBuf, f32)>,
}

impl OnnxModelOptions {
    /// The processor, any language, 2048 tokens, 16 sequences, 256 MB for prompts that come again.
    pub fn new(folder: impl Into<PathBuf>) -> Self {
        Self {
            folder: folder.into(),
            providers: vec![Provider::Cpu],
            provider_options: ProviderOptions::default(),
            threads: 0,
            spin: true,
            languages: Vec::new(),
            name: None,
            max_context: 2048,
            queue: 32,
            sequences: 16,
            decoding: Decoding::Batched,
            prefix_cache: 256_000_000,
            adapters: BTreeMap::new(),
            adapter: None,
            ensemble: Vec::new(),
        }
    }

    /// Refuses adapters that do not go together with the rest.
    pub(crate) fn check(&self) -> Result<(), InferenceError> {
        if let Some(name) = self.adapter.as_ref().filter(|name| !self.adapters.contains_key(*name)) {
            let known = self.adapters.keys().cloned().collect();
            return Err(InferenceError::UnknownAdapter { name: name.clone(), known });
        }
        if let (Some((folder, _)), false) = (self.ensemble.first(), self.adapters.is_empty()) {
            let reason = "a model with adapters writes alone; take out `adapters`, or `ensemble`".to_owned();
            return Err(InferenceError::EnsembleUnfit { folder: folder.clone(), reason });
        }
        Ok(())
    }
}

/// A model folder, running on ONNX Runtime.
///
/// One thread owns the session and answers many requests at once; dropping the model ends it.
pub struct OnnxModel {
    info: ModelInfo,
    languages: Vec<Language>,
    language: Arc<engine::Language>,
    stats: Arc<Stats>,
    closing: Arc<AtomicBool>,
    /// `None` only while dropping.
    queue: Option<Sender<Request>>,
    thread: Option<JoinHandle<()>>,
}

impl std::fmt::Debug for OnnxModel {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("OnnxModel").field("info", &self.info).finish_non_exhaustive()
    }
}

impl OnnxModel {
    /// Reads the folder, loads the graph and starts the thread. Blocks for as long as that takes: call it from
    /// `spawn_blocking` in async code.
    ///
    /// # Errors
    /// A piece is missing or damaged, or no provider works; the error says what to do.
    pub fn open(runtime: &Runtime, options: OnnxModelOptions) -> Result<Self, InferenceError> {
        let started = Instant::now();
        options.check()?;
        let folder = ModelFolder::read(&options.folder)?;
        let tokenizer = Tokenizer::read(folder.path())?;
        let template = Template::read(folder.path())?;
        let identity = identity(&folder, options.name.clone())?;
        let (decoder, provider) = open_decoder(runtime, &folder, &identity, &options)?;
        let config = folder.config();
        let signature = decoder.signature();

        let mut eos = config.eos.clone();
        eos.extend(template.token("eos_token").and_then(|token| tokenizer.id(token)));
        eos.sort_unstable();
        eos.dedup();
        let mut info = ModelInfo {
            model_sha256: identity.sha256.clone(),
            identity: written_with(identity, &options)?,
            folder: folder.path().to_owned(),
            graph: folder.graph().to_owned(),
            inputs: outlets(decoder.session().inputs()),
            outputs: outlets(decoder.session().outputs()),
            provider,
            threads: options.threads,
            cache: if decoder.shares_buffer() { CacheKind::Shared } else { CacheKind::Growing },
            cache_bytes: signature.cache_bytes(decoder.context()),
            layers: signature.cache.len() / 2,
            context: decoder.context(),
            model_context: config.context,
            vocabulary: signature.vocabulary.unwrap_or_else(|| tokenizer.vocabulary()),
            eos: eos.clone(),
            sequences: options.sequences.clamp(1, MOST_SEQUENCES),
            decoding: options.decoding,
            adapters: options.adapters.keys().cloned().collect(),
            opened_in: started.elapsed(),
        };
        fit(&folder, &tokenizer, &eos, signature.vocabulary)?;
        let mut members = vec![(decoder, 1.0)];
        for (path, weight) in &options.ensemble {
            let member = open_member(runtime, path, *weight, &options, &tokenizer)?;
            info.context = info.context.min(member.context());
            members.push((member, *weight));
        }

        let settings = Settings {
            rows: options.sequences.clamp(1, MOST_SEQUENCES),
            queue: options.queue.max(1),
            decoding: options.decoding,
            prefix_bytes: options.prefix_cache,
        };
        let width = info.vocabulary;
        let language = move |context, vocabulary: Option<usize>| engine::Language {
            constraints: ConstraintCompiler::new(tokenizer.clone(), eos.clone(), vocabulary.unwrap_or(width)),
            tokenizer,
            template,
            eos,
            context,
            vocabulary: vocabulary.unwrap_or(width),
            adapters: options.adapters.into_keys().collect(),
            adapter: options.adapter,
        };
        let running = if members.len() > 1 {
            start(Ensemble::new(members), language, settings, &info)?
        } else {
            start(members.remove(0).0, language, settings, &info)?
        };
        let Running { language, stats, closing, queue, thread } = running;
        let (queue, thread) = (Some(queue), Some(thread));
        Ok(Self { info, languages: options.languages, language, stats, closing, queue, thread })
    }

    /// What it is and what it runs on.
    pub fn info(&self) -> &ModelInfo {
        &self.info
    }

    /// What it has done and is doing.
    pub fn stats(&self) -> ModelStats {
        self.stats.read()
    }
}

/// The session of a folder, with its adapters, ready to run.
pub(crate) fn open_decoder(
    runtime: &Runtime,
    folder: &ModelFolder,
    identity: &ModelIdentity,
    options: &OnnxModelOptions,
) -> Result<(Decoder, ProviderReport), InferenceError> {
    let threads = Threads { count: options.threads, spin: options.spin };
    let wanted = Wanted { providers: &options.providers, threads, options: &options.provider_options };
    let (session, provider) = provider::open(runtime, folder.graph(), identity, wanted)?;
    let context = folder.config().context.unwrap_or(usize::MAX).min(options.max_context.max(1));
    let allocator = match provider.used {
        Provider::Cpu => None,
        used => Some(used.allocator(&session)?),
    };
    let adapter = |(name, path): (&String, &PathBuf)| {
        Adapter::from_file(path, allocator.as_ref()).map_err(|source| InferenceError::AdapterUnfit {
            name: name.clone(),
            path: path.clone(),
            source,
        })
    };
    let adapters = options.adapters.iter().map(adapter).collect::<Result<Vec<_>, _>>()?;
    let rows = options.sequences.clamp(1, MOST_SEQUENCES);
    let mut decoder = Decoder::new(session, provider.used, folder, context, rows, &adapters)?;
    if provider.used != Provider::Cpu && decoder.signature().cache_type == TensorElementType::Float32 {
        tracing::warn!(
            model = identity.name,
            "its keys and values are 32-bit floats, which the GPU's attention does not take: it runs on the processor, slowly; convert \
             the model with `quantize = \"fp16\"`"
        );
    }
    for (at, (name, path)) in options.adapters.iter().enumerate() {
        // One token shows whether it is this model's.
        decoder.try_out(at + 1).map_err(|error| InferenceError::AdapterForeign {
            name: name.clone(),
            path: path.clone(),
            reason: error.to_string(),
        })?;
    }
    Ok((decoder, provider))
}

/// What also decides which tokens a model writes, in its identity: adapters, the other models of an ensemble, and how tokens are written.
pub(crate) fn written_with(
    identity: ModelIdentity,
    options: &OnnxModelOptions,
) -> Result<ModelIdentity, InferenceError> {
    let mut parts = Vec::new();
    if options.decoding == Decoding::Speculative {
        parts.push("speculative".to_owned());
    }
    for (name, path) in &options.adapters {
        parts.push(format!("adapter {name} {}", sha256(&[path])?));
    }
    parts.extend(options.adapter.iter().map(|name| format!("with {name}")));
    for (path, weight) in &options.ensemble {
        let member = crate::folder::identity(&ModelFolder::read(path)?, None)?;
        parts.push(format!("member {} {weight}", member.sha256));
    }
    if parts.is_empty() {
        return Ok(identity);
    }
    parts.insert(0, identity.sha256);
    Ok(ModelIdentity { sha256: sha256_of(parts.join("\n").as_bytes()), ..identity })
}

/// Another model of an ensemble, whose tokenizer has to be the same.
pub(crate) fn open_member(
    runtime: &Runtime,
    path: &PathBuf,
    weight: f32,
    options: &OnnxModelOptions,
    tokenizer: &Tokenizer,
) -> Result<Decoder, InferenceError> {
    let unfit =
        |reason: &str| InferenceError::EnsembleUnfit { folder: path.clone(), reason: reason.to_owned() };
    if !(weight.is_finite() && weight > 0.0) {
        return Err(unfit("its weight has to be a positive number"));
    }
    let folder = ModelFolder::read(path)?;
    if !Tokenizer::read(folder.path())?.is_same_as(tokenizer) {
        return Err(unfit("it has another tokenizer"));
    }
    let identity = identity(&folder, None)?;
    Ok(open_decoder(runtime, &folder, &identity, options)?.0)
}

/// Whether the tokenizer can be this model's.
fn fit(
    folder: &ModelFolder,
    tokenizer: &Tokenizer,
    eos: &[u32],
    vocabulary: Option<usize>,
) -> Result<(), InferenceError> {
    let unfit = |reason| Err(InferenceError::TokenizerUnfit { folder: folder.path().to_owned(), reason });
    let Some(vocabulary) = vocabulary else { return Ok(()) };
    let is_known = |id: &u32| (*id as usize) < vocabulary && tokenizer.has(*id);
    if !eos.is_empty() && !eos.iter().any(is_known) {
        return unfit(format!("none of the tokens that end a turn, {eos:?}, is in both of them"));
    }
    let known = tokenizer.vocabulary();
    // Models round their vocabulary up; some tokenizers have a few tokens more, for pictures.
    if known < vocabulary / 2 || known > vocabulary + vocabulary / 8 {
        return unfit(format!("it has {known} tokens and the model {vocabulary}"));
    }
    Ok(())
}

/// The thread, and what reaches it.
struct Running {
    language: Arc<engine::Language>,
    stats: Arc<Stats>,
    closing: Arc<AtomicBool>,
    queue: Sender<Request>,
    thread: JoinHandle<()>,
}

fn start<D: Decode + Send + 'static>(
    decoder: D,
    language: impl FnOnce(usize, Option<usize>) -> engine::Language,
    settings: Settings,
    info: &ModelInfo,
) -> Result<Running, InferenceError> {
    let language = Arc::new(language(decoder.context(), decoder.vocabulary()));
    let stats = Arc::new(Stats::new(&info.identity.name));
    let closing = Arc::new(AtomicBool::new(false));
    // What waits is kept by the engine, where conversations take turns.
    let (queue, requests): (_, Receiver<Request>) = mpsc::channel(1);
    let engine = Engine::new(decoder, Arc::clone(&language), settings, Arc::clone(&stats));
    let thread = std::thread::Builder::new()
        .name("loquat-model".to_owned())
        .spawn({
            let closing = Arc::clone(&closing);
            move || engine.serve(requests, &closing)
        })
        .map_err(InferenceError::Thread)?;
    Ok(Running { language, stats, closing, queue, thread })
}

impl LanguageModel for OnnxModel {
    fn identity(&self) -> &ModelIdentity {
        &self.info.identity
    }

    /// The prompt is made, and the request enters the queue, when the stream is first polled.
    fn generate(&self, request: GenerateRequest) -> BoxStream<'static, Result<Token, ModelError>> {
        // Weak, so that a forgotten stream does not keep the thread alive.
        let queue = self.queue.as_ref().map(Sender::downgrade);
        let closing = Arc::clone(&self.closing);
        let language = Arc::clone(&self.language);
        let name = self.info.identity.name.clone();
        async move {
            // From the queue to the last token, within what whoever reads the stream is at.
            let span = debug_span!("run", model = name, prompt_tokens = Empty, completion_tokens = Empty);
            let (sender, items) = mpsc::unbounded_channel();
            let output = Output { sender: sender.clone(), closing };
            match Sequence::new(&language, request, output) {
                Ok(sequence) => {
                    if let Some(queue) = queue.and_then(|queue| queue.upgrade()) {
                        // Where this fails the request is dropped, and `read` sees its channel closed.
                        drop(queue.send(Request::Write(Box::new(sequence))).await);
                    }
                }
                Err(error) => drop(sender.send(Err(error.into()))),
            }
            drop(sender);
            read(items, span)
        }
        .flatten_stream()
        .boxed()
    }

    fn speaks(&self, language: &Language) -> bool {
        self.languages.is_empty() || self.languages.iter().any(|known| known.matches(language))
    }
}

/// The items up to the finish or the error; an end without either means that the thread is gone.
fn read(
    items: UnboundedReceiver<Result<Token, ModelError>>,
    span: Span,
) -> impl Stream<Item = Result<Token, ModelError>> {
    stream::unfold(Some((items, span)), |items| async {
        let (mut items, span) = items?;
        let item = items.recv().await.unwrap_or(Err(ModelError::Stopped));
        match &item {
            Ok(Token::Prompt(tokens)) => drop(span.record("prompt_tokens", tokens)),
            Ok(Token::Finish(finish)) => drop(span.record("completion_tokens", finish.completion)),
            _ => {}
        }
        let rest = (!matches!(item, Ok(Token::Finish(_)) | Err(_))).then_some((items, span));
        Some((item, rest))
    })
}

impl Drop for OnnxModel {
    fn drop(&mut self) {
        self.closing.store(true, Ordering::Relaxed);
        if let Some(queue) = self.queue.take() {
            // Where the queue is full, what is in it wakes the thread. Its end would not: a stream that waits to enter holds it open.
            drop(queue.try_send(Request::Close));
        }
        // A session that still runs while the process exits would crash it.
        if let Some(thread) = self.thread.take() {
            drop(thread.join());
        }
    }
}
