//! What is served. In: the bot's parts, by name. Out: the part that a request names.

use std::num::NonZeroUsize;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use loquat_contract::{ConversationId, Dialogue, LanguageModel, Policy, Sampling, TextEmbedder};

use crate::error::ApiError;
use crate::grounded::Memories;

/// The name under which the bot can always be asked, whatever it is called.
const ALIAS: &str = "loquat";

/// How much one request may ask for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Limits {
    /// The most tokens that a model writes for one choice, and how many it may where a request does not say. Default: 1024.
    pub max_tokens: usize,
    /// The most choices of one request (`n`). Default: 4.
    pub max_choices: usize,
    /// The most messages of one chat. Default: 512.
    pub max_messages: usize,
    /// The longest question to the bot, in characters. Default: 4000.
    pub max_question_chars: usize,
    /// The most texts of one request for embeddings. Default: 2048, which is OpenAI's.
    pub max_inputs: usize,
    /// How many chats are remembered by what was said in them, so that a follow-up is understood. Default: 4096.
    pub remembered_chats: NonZeroUsize,
    /// How many earlier questions of a chat that is not remembered are answered again, for the last one to be understood. Default: 3.
    pub replayed_questions: usize,
    /// How long a stream may be silent before a comment is sent in it. Default: 15 seconds.
    pub keep_alive: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            max_tokens: 1024,
            max_choices: 4,
            max_messages: 512,
            max_question_chars: 4000,
            max_inputs: 2048,
            remembered_chats: NonZeroUsize::MIN.saturating_add(4095),
            replayed_questions: 3,
            keep_alive: Duration::from_secs(15),
        }
    }
}

/// What the API serves: the bot, its models and its embedders.
pub struct Service {
    pub(crate) name: String,
    pub(crate) dialogue: Arc<dyn Dialogue>,
    pub(crate) policy: Policy,
    pub(crate) sampling: Sampling,
    pub(crate) limits: Limits,
    pub(crate) memories: Memories,
    models: Models,
    embedders: Vec<(String, Arc<dyn TextEmbedder>)>,
    /// When it began, in seconds since 1970: what models are said to be created at.
    pub(crate) began: u64,
    conversations: AtomicU64,
}

/// A model that can be asked without grounding.
#[derive(Clone)]
pub struct Offered {
    /// Its name, under which it is listed.
    pub name: String,
    /// Other names that stand for it, such as that of a model whose place it has taken.
    pub also: Vec<String>,
    /// The model.
    pub model: Arc<dyn LanguageModel>,
}

/// Where the models come from that are offered now.
type Models = Arc<dyn Fn() -> Vec<Offered> + Send + Sync>;

/// What the name of a model stands for.
#[derive(Clone)]
pub(crate) enum Named {
    /// The bot: grounded answers.
    Bot,
    /// A model as it is.
    Model(Arc<dyn LanguageModel>),
}

impl Service {
    /// A service of a bot alone; `name` is what it is called in its config.
    pub fn new(name: impl Into<String>, dialogue: Arc<dyn Dialogue>) -> Self {
        let limits = Limits::default();
        Self {
            name: name.into(),
            dialogue,
            policy: Policy::default(),
            sampling: Sampling::default(),
            memories: Memories::new(limits.remembered_chats),
            limits,
            models: Arc::new(Vec::new),
            embedders: Vec::new(),
            began: seconds(),
            conversations: AtomicU64::new(0),
        }
    }

    /// The policy that the bot answers under: under [`Policy::Hedged`] doubtful sentences are marked in the text.
    #[must_use]
    pub fn with_policy(mut self, policy: Policy) -> Self {
        self.policy = policy;
        self
    }

    /// How a model chooses its words where a request does not say.
    #[must_use]
    pub fn with_sampling(mut self, sampling: Sampling) -> Self {
        self.sampling = sampling;
        self
    }

    /// How much one request may ask for.
    #[must_use]
    pub fn with_limits(mut self, limits: Limits) -> Self {
        self.memories = Memories::new(limits.remembered_chats);
        self.limits = limits;
        self
    }

    /// Serves a model without grounding, beside those before it.
    #[must_use]
    pub fn with_model(self, name: impl Into<String>, model: Arc<dyn LanguageModel>) -> Self {
        let mut all = (self.models)();
        all.push(Offered { name: name.into(), also: Vec::new(), model });
        self.with_models(move || all.clone())
    }

    /// Serves without grounding the models that `offered` gives at the time of a request; the first one also for requests that name the
    /// bot and set `grounding` to false.
    #[must_use]
    pub fn with_models(mut self, offered: impl Fn() -> Vec<Offered> + Send + Sync + 'static) -> Self {
        self.models = Arc::new(offered);
        self
    }

    /// Serves embeddings.
    #[must_use]
    pub fn with_embedder(mut self, name: impl Into<String>, embedder: Arc<dyn TextEmbedder>) -> Self {
        self.embedders.push((name.into(), embedder));
        self
    }

    /// What `name` stands for; `None` where nothing is called so.
    pub(crate) fn named(&self, name: &str) -> Option<Named> {
        let models = (self.models)();
        let exact = models.iter().find(|offered| offered.name == name);
        let is_called = |known: &String| known.eq_ignore_ascii_case(name);
        let called = || models.iter().find(|offered| is_called(&offered.name));
        let also = || models.iter().find(|offered| offered.also.iter().any(is_called));
        if let Some(offered) = exact.or_else(called) {
            return Some(Named::Model(offered.model.clone()));
        }
        // Before the other names of models: whoever asks for the bot gets answers that are verified.
        if name.eq_ignore_ascii_case(ALIAS) || name.to_lowercase() == self.name.to_lowercase() {
            return Some(Named::Bot);
        }
        also().map(|offered| Named::Model(offered.model.clone()))
    }

    /// The model that writes where the bot is named and grounding is off.
    pub(crate) fn first_model(&self) -> Result<Arc<dyn LanguageModel>, ApiError> {
        let first = (self.models)().into_iter().next();
        first.map(|offered| offered.model).ok_or_else(|| {
            ApiError::unsupported("grounding", "This bot has no language model to answer without its facts.")
        })
    }

    pub(crate) fn embedder(&self, name: &str) -> Result<&Arc<dyn TextEmbedder>, ApiError> {
        if self.embedders.is_empty() {
            let known = "This bot has no embedding model open: set `graph.embeddings` in its config, for example to \"auto\".";
            return Err(ApiError::no_model(name, known));
        }
        let found = find(&self.embedders, name).map(|(_, embedder)| embedder);
        found.ok_or_else(|| {
            ApiError::no_model(
                name,
                &format!("Embedding models are {}.", listed(self.embedders.iter().map(|(name, _)| name))),
            )
        })
    }

    /// Which models can write, in words.
    pub(crate) fn writers(&self) -> String {
        let models = (self.models)();
        match models.is_empty() {
            true => format!("There is `{}`.", self.name),
            false => {
                let names = listed(models.iter().map(|offered| &offered.name));
                format!("There are `{}` and, without grounding, {names}.", self.name)
            }
        }
    }

    /// The names of everything, with what each is.
    pub(crate) fn catalogue(&self) -> impl Iterator<Item = (String, &'static str)> {
        let bot = std::iter::once((self.name.clone(), "grounded"));
        let models = (self.models)().into_iter().map(|offered| (offered.name, "language_model"));
        let embedders = self.embedders.iter().map(|(name, _)| (name.clone(), "embedding"));
        bot.chain(models).chain(embedders)
    }

    /// A conversation that no other request has.
    pub(crate) fn conversation(&self) -> ConversationId {
        let number = self.conversations.fetch_add(1, Ordering::Relaxed);
        ConversationId {
            bot: self.name.clone(),
            platform: "openai".to_owned(),
            channel: number.to_string(),
            thread: None,
        }
    }
}

/// The one of this name, letter by letter before without regard to case.
fn find<'a, T>(all: &'a [(String, T)], name: &str) -> Option<&'a (String, T)> {
    let exact = all.iter().find(|(known, _)| known == name);
    exact.or_else(|| all.iter().find(|(known, _)| known.eq_ignore_ascii_case(name)))
}

fn listed<'a>(all: impl Iterator<Item = &'a String>) -> String {
    all.map(|name| format!("`{name}`")).collect::<Vec<_>>().join(", ")
}

/// Now, in seconds since 1970.
pub(crate) fn seconds() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_secs()
}
