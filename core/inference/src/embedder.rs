//! Texts to vectors. In: texts from anywhere. Out: a vector of length 1 for each, computed by the thread that owns the session.
//! Must not know: what the texts are for, where the model came from.
//!
//! A text becomes tokens, cut to the model's length; texts of like length run together, the shorter ones padded and masked. The
//! graph gives a hidden state a token, `[batch, tokens, dimension]`, of which one vector is made as the model was trained for.

mod batch;

use std::path::PathBuf;
use std::sync::Arc;
use std::thread::JoinHandle;

use loquat_contract::{BoxFuture, Language, ModelError, ModelIdentity, TextEmbedder};
use ort::session::Session;
use ort::value::Tensor;
use tokio::sync::{mpsc, oneshot};

use crate::folder::sha256;
use crate::provider::{self, Threads, Wanted};
use crate::{InferenceError, Provider, ProviderOptions, Runtime};
use batch::{Batch, batches, pool};

/// How a text's vector is made of its tokens' hidden states.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Pooling {
    /// Their mean (Reimers and Gurevych 2019, section 3): all-MiniLM-L6-v2, gte-small.
    Mean,
    /// The first token's, `[CLS]`: the bge models (Xiao et al. 2023).
    FirstToken,
}

/// How to open an embedder.
#[derive(Clone, Debug)]
pub struct OnnxEmbedderOptions {
    /// The ONNX graph of an encoder: `input_ids` and `attention_mask`, perhaps `token_type_ids`, each `[batch, tokens]`; its
    /// first output is `[batch, tokens, dimension]`.
    pub graph: PathBuf,
    /// The `tokenizer.json`.
    pub tokenizer: PathBuf,
    /// How the vector is made.
    pub pooling: Pooling,
    /// Its name.
    pub name: String,
    /// The languages that it was made for; none means any.
    pub languages: Vec<Language>,
    /// The most tokens of a text; what follows is left out. Both BERT models and their kin end at 512.
    pub max_tokens: usize,
    /// The most texts that run together.
    pub batch: usize,
    /// Providers to try, best first.
    pub providers: Vec<Provider>,
    /// How each of them works.
    pub provider_options: ProviderOptions,
    /// Threads for an operator; 0 lets ONNX Runtime take the processor's cores.
    pub threads: usize,
    /// Whether its threads spin while they wait for each other.
    pub spin: bool,
}

impl OnnxEmbedderOptions {
    /// The processor, 512 tokens, 32 texts at a time, without spinning.
    pub fn new(
        name: impl Into<String>,
        graph: impl Into<PathBuf>,
        tokenizer: impl Into<PathBuf>,
        pooling: Pooling,
    ) -> Self {
        Self {
            graph: graph.into(),
            tokenizer: tokenizer.into(),
            pooling,
            name: name.into(),
            languages: Vec::new(),
            max_tokens: 512,
            batch: 32,
            providers: vec![Provider::Cpu],
            provider_options: ProviderOptions::default(),
            threads: 0,
            spin: false,
        }
    }
}

type Vectors = Result<Vec<Vec<f32>>, InferenceError>;

#[derive(Debug)]
struct Job {
    texts: Vec<String>,
    answer: oneshot::Sender<Vectors>,
}

/// An encoder, running on ONNX Runtime.
///
/// One thread owns the session; dropping the embedder ends it.
#[derive(Debug)]
pub struct OnnxEmbedder {
    identity: ModelIdentity,
    dimension: usize,
    languages: Vec<Language>,
    tokenizer: Arc<tokenizers::Tokenizer>,
    /// `None` only while dropping.
    queue: Option<mpsc::Sender<Job>>,
    thread: Option<JoinHandle<()>>,
}

impl OnnxEmbedder {
    /// Loads graph and tokenizer, starts the thread and embeds one text to learn the dimension. Blocks for as long as that takes.
    ///
    /// # Errors
    /// A file is missing or damaged, or the graph is no encoder; the error says what to do.
    pub fn open(runtime: &Runtime, options: OnnxEmbedderOptions) -> Result<Self, InferenceError> {
        let identity = ModelIdentity { name: options.name.clone(), sha256: sha256(&[&options.graph])? };
        let tokenizer = tokenizers::Tokenizer::from_file(&options.tokenizer);
        let mut tokenizer = tokenizer.map_err(|error| {
            InferenceError::Tokenizer(format!("{}: {error}", options.tokenizer.display()))
        })?;
        // Batches are padded here, to the longest of each and not to a fixed length.
        tokenizer.with_padding(None);
        let truncation =
            tokenizers::TruncationParams { max_length: options.max_tokens.max(3), ..Default::default() };
        tokenizer
            .with_truncation(Some(truncation))
            .map_err(|error| InferenceError::Tokenizer(error.to_string()))?;
        let threads = Threads { count: options.threads, spin: options.spin };
        let wanted = Wanted { providers: &options.providers, threads, options: &options.provider_options };
        let (session, _) = provider::open(runtime, &options.graph, &identity, wanted)?;
        let wants = |name: &str| session.inputs().iter().any(|input| input.name() == name);
        if !wants("input_ids") {
            let reason = "it has no input `input_ids`".to_owned();
            return Err(InferenceError::NoEncoder { graph: options.graph, reason });
        }
        let optional = ["attention_mask", "token_type_ids"].map(wants);
        let tokenizer = Arc::new(tokenizer);
        let mut encoder = Encoder { session, tokenizer: tokenizer.clone(), optional, options };
        let probe = encoder.embed(&["a".to_owned()])?;
        let dimension = probe.first().map_or(0, Vec::len);

        let (queue, mut jobs) = mpsc::channel::<Job>(32);
        let languages = encoder.options.languages.clone();
        let thread = std::thread::Builder::new()
            .name("loquat-embedder".to_owned())
            .spawn(move || {
                while let Some(Job { texts, answer }) = jobs.blocking_recv() {
                    if !answer.is_closed() {
                        // Whoever asked may have gone meanwhile.
                        drop(answer.send(encoder.embed(&texts)));
                    }
                }
            })
            .map_err(InferenceError::Thread)?;
        Ok(Self { identity, dimension, languages, tokenizer, queue: Some(queue), thread: Some(thread) })
    }
}

struct Encoder {
    session: Session,
    tokenizer: Arc<tokenizers::Tokenizer>,
    /// Whether the graph takes `attention_mask` and `token_type_ids`.
    optional: [bool; 2],
    options: OnnxEmbedderOptions,
}

impl Encoder {
    fn embed(&mut self, texts: &[String]) -> Vectors {
        let encode =
            |text: &String| self.tokenizer.encode_fast(text.as_str(), true).map(|e| e.get_ids().to_vec());
        let tokens: Result<Vec<Vec<u32>>, _> = texts.iter().map(encode).collect();
        let tokens = tokens.map_err(|error| InferenceError::Tokenizer(error.to_string()))?;
        let mut vectors = vec![Vec::new(); texts.len()];
        for batch in batches(&tokens, self.options.batch) {
            let pooled = self.run(&batch)?;
            for (&text, vector) in batch.texts.iter().zip(pooled) {
                vectors[text] = vector;
            }
        }
        Ok(vectors)
    }

    fn run(&mut self, batch: &Batch) -> Vectors {
        let shape = [batch.texts.len(), batch.width];
        let [mask, types] = self.optional;
        let mut inputs = ort::inputs!["input_ids" => Tensor::from_array((shape, batch.ids.clone()))?];
        if mask {
            inputs.push(("attention_mask".into(), Tensor::from_array((shape, batch.mask.clone()))?.into()));
        }
        if types {
            inputs.push((
                "token_type_ids".into(),
                Tensor::from_array((shape, vec![0_i64; batch.ids.len()]))?.into(),
            ));
        }
        let outputs = self.session.run(inputs)?;
        let (found, hidden) = outputs[0].try_extract_tensor::<f32>()?;
        let [texts, tokens, dimension] = found[..] else {
            let reason = format!("its first output has the shape {found:?}, not [batch, tokens, dimension]");
            return Err(InferenceError::NoEncoder { graph: self.options.graph.clone(), reason });
        };
        if [texts, tokens] != shape.map(|size| size as i64) || dimension <= 0 {
            let reason = format!("its first output has the shape {found:?} for {shape:?} tokens");
            return Err(InferenceError::NoEncoder { graph: self.options.graph.clone(), reason });
        }
        let vectors = pool(hidden, batch, dimension as usize, self.options.pooling);
        let finite = vectors.iter().flatten().all(|x| x.is_finite());
        if finite { Ok(vectors) } else { Err(InferenceError::NotFinite) }
    }
}

impl TextEmbedder for OnnxEmbedder {
    fn identity(&self) -> &ModelIdentity {
        &self.identity
    }

    fn dimension(&self) -> usize {
        self.dimension
    }

    fn count(&self, texts: &[String]) -> Option<usize> {
        let count = |text: &String| {
            self.tokenizer.encode_fast(text.as_str(), true).map(|encoding| encoding.get_ids().len())
        };
        texts.iter().map(count).sum::<Result<usize, _>>().ok()
    }

    fn embed<'a>(&'a self, texts: &'a [String]) -> BoxFuture<'a, Result<Vec<Vec<f32>>, ModelError>> {
        Box::pin(async move {
            let (answer, vectors) = oneshot::channel();
            let queue = self.queue.as_ref().ok_or(ModelError::Stopped)?;
            let job = Job { texts: texts.to_vec(), answer };
            queue.send(job).await.map_err(|_gone| ModelError::Stopped)?;
            Ok(vectors.await.map_err(|_gone| ModelError::Stopped)??)
        })
    }

    fn speaks(&self, language: &Language) -> bool {
        self.languages.is_empty() || self.languages.iter().any(|known| known.matches(language))
    }
}

impl Drop for OnnxEmbedder {
    fn drop(&mut self) {
        self.queue = None;
        // A session that still runs while the process exits would crash it.
        if let Some(thread) = self.thread.take() {
            drop(thread.join());
        }
    }
}
