//! The model as the engine holds it. In: requests from anywhere. Out: streams of text, written one after another by the
//! thread that owns the session. Must not know: prompts, facts, platforms.

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
use tokio::sync::mpsc::{self, Receiver, Sender, UnboundedReceiver};

use crate::constrain::ConstraintCompiler;
use crate::decoder::{Decode, Decoder};
use crate::folder::identity;
use crate::generate::{self, Output};
use crate::graph::outlets;
use crate::provider::{self, Threads};
use crate::template::Template;
use crate::tokenizer::Tokenizer;
use crate::{CacheKind, InferenceError, ModelFolder, ModelInfo, Provider, Runtime};

/// How to open a model.
#[derive(Clone, Debug)]
pub struct OnnxModelOptions {
    /// The model folder.
    pub folder: PathBuf,
    /// Providers to try, best first.
    pub providers: Vec<Provider>,
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
}

impl OnnxModelOptions {
    /// The processor, any language, 2048 tokens.
    pub fn new(folder: impl Into<PathBuf>) -> Self {
        Self {
            folder: folder.into(),
            providers: vec![Provider::Cpu],
            threads: 0,
            spin: true,
            languages: Vec::new(),
            name: None,
            max_context: 2048,
            queue: 32,
        }
    }
}

/// A model folder, running on ONNX Runtime.
///
/// One thread owns the session and writes one reply after another; dropping the model ends it.
#[derive(Debug)]
pub struct OnnxModel {
    info: ModelInfo,
    languages: Vec<Language>,
    closing: Arc<AtomicBool>,
    /// `None` only while dropping.
    queue: Option<Sender<Job>>,
    thread: Option<JoinHandle<()>>,
}

#[derive(Debug)]
struct Job {
    request: GenerateRequest,
    output: Output,
}

impl OnnxModel {
    /// Reads the folder, loads the graph and starts the thread. Blocks for as long as that takes: call it from
    /// `spawn_blocking` in async code.
    ///
    /// # Errors
    /// A piece is missing or damaged, or no provider works; the error says what to do.
    pub fn open(runtime: &Runtime, options: OnnxModelOptions) -> Result<Self, InferenceError> {
        let started = Instant::now();
        let folder = ModelFolder::read(&options.folder)?;
        let tokenizer = Tokenizer::read(folder.path())?;
        let template = Template::read(folder.path())?;
        let threads = Threads { count: options.threads, spin: options.spin };
        let (session, provider) = provider::open(runtime, folder.graph(), &options.providers, threads)?;
        let config = folder.config();
        let context = config.context.unwrap_or(usize::MAX).min(options.max_context.max(1));
        let decoder = Decoder::new(session, provider.used, &folder, context)?;

        let mut eos = config.eos.clone();
        eos.extend(template.token("eos_token").and_then(|token| tokenizer.id(token)));
        eos.sort_unstable();
        eos.dedup();
        let signature = decoder.signature();
        let info = ModelInfo {
            identity: identity(&folder, options.name)?,
            folder: folder.path().to_owned(),
            graph: folder.graph().to_owned(),
            inputs: outlets(decoder.session().inputs()),
            outputs: outlets(decoder.session().outputs()),
            provider,
            threads: options.threads,
            cache: if config.share_buffer { CacheKind::Shared } else { CacheKind::Growing },
            cache_bytes: signature.cache_bytes(context),
            layers: signature.cache.len() / 2,
            context,
            model_context: config.context,
            vocabulary: signature.vocabulary.unwrap_or_else(|| tokenizer.vocabulary()),
            eos: eos.clone(),
            opened_in: started.elapsed(),
        };
        let constraints = ConstraintCompiler::new(tokenizer.clone(), eos.clone(), info.vocabulary);
        let vocabulary = info.vocabulary;
        let language = generate::Language { tokenizer, template, eos, vocabulary, constraints };
        let closing = Arc::new(AtomicBool::new(false));
        let (queue, jobs) = mpsc::channel(options.queue.max(1));
        let thread = std::thread::Builder::new()
            .name("loquat-model".to_owned())
            .spawn({
                let closing = Arc::clone(&closing);
                move || serve(decoder, &language, jobs, &closing)
            })
            .map_err(InferenceError::Thread)?;
        Ok(Self { info, languages: options.languages, closing, queue: Some(queue), thread: Some(thread) })
    }

    /// What it is and what it runs on.
    pub fn info(&self) -> &ModelInfo {
        &self.info
    }
}

/// Works until the model is dropped.
fn serve(
    mut decoder: impl Decode,
    language: &generate::Language,
    mut jobs: Receiver<Job>,
    closing: &AtomicBool,
) {
    while let Some(Job { request, output }) = jobs.blocking_recv() {
        if closing.load(Ordering::Relaxed) {
            return;
        }
        if output.gone() {
            continue;
        }
        if let Err(error) = generate::generate(&mut decoder, language, &request, &output) {
            output.send(Err(error.into()));
        }
    }
}

impl LanguageModel for OnnxModel {
    fn identity(&self) -> &ModelIdentity {
        &self.info.identity
    }

    /// The request enters the queue when the stream is first polled.
    fn generate(&self, request: GenerateRequest) -> BoxStream<'static, Result<Token, ModelError>> {
        // Weak, so that a forgotten stream does not keep the thread alive.
        let queue = self.queue.as_ref().map(Sender::downgrade);
        let closing = Arc::clone(&self.closing);
        async move {
            let (sender, items) = mpsc::unbounded_channel();
            let job = Job { request, output: Output { sender, closing } };
            if let Some(queue) = queue.and_then(|queue| queue.upgrade()) {
                // Where this fails the job is dropped, and `read` sees its channel closed.
                drop(queue.send(job).await);
            }
            read(items)
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
) -> impl Stream<Item = Result<Token, ModelError>> {
    stream::unfold(Some(items), |items| async {
        let mut items = items?;
        let item = items.recv().await.unwrap_or(Err(ModelError::Stopped));
        let rest = (!matches!(item, Ok(Token::Finish(_)) | Err(_))).then_some(items);
        Some((item, rest))
    })
}

impl Drop for OnnxModel {
    fn drop(&mut self) {
        self.closing.store(true, Ordering::Relaxed);
        self.queue = None;
        // A session that still runs while the process exits would crash it.
        if let Some(thread) = self.thread.take() {
            drop(thread.join());
        }
    }
}
