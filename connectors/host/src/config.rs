//! What a bot's file says. In: TOML, environment, flags. Out: a checked [`Config`]. Starts nothing.

mod load;
mod problem;
mod runtime;
mod sample;
mod telemetry;

use std::collections::BTreeMap;
use std::path::PathBuf;

use loquat_contract::{Language, Policy};
use loquat_export::Quantisation;
use secrecy::SecretString;
use serde::{Deserialize, Serialize, Serializer};

pub use load::{Loaded, Origin, Overrides, load};
pub use problem::{ConfigError, explained};
pub use runtime::{Arena, CudaConfig, Library, ProfileConfig, ProviderName, RuntimeConfig, TensorRtConfig};
pub use sample::sample;
pub use telemetry::{LogConfig, LogFormat, TelemetryConfig};

/// A bot: who it is, what it knows, which models word its answers, and where people reach it.
#[derive(Clone, Debug, Default, Deserialize, Serialize)]
#[serde(default, deny_unknown_fields)]
pub struct Config {
    /// Who the bot is.
    pub bot: BotConfig,
    /// What it knows.
    pub graph: GraphConfig,
    /// What runs its models.
    pub runtime: RuntimeConfig,
    /// Its models by name.
    pub models: BTreeMap<String, ModelConfig>,
    /// Where models named by `hub` come from.
    pub hub: HubConfig,
    /// What it remembers of accepted messages.
    pub journal: JournalConfig,
    /// How messages are handled and replies delivered.
    pub delivery: loquat_dispatch::Settings,
    /// Who may talk to it.
    pub access: loquat_dispatch::access::Access,
    /// Where people reach it.
    pub connectors: ConnectorsConfig,
    /// What it tells of itself to whoever watches it.
    pub metrics: MetricsConfig,
    /// How its log is written.
    pub log: LogConfig,
    /// Where traces of its work go.
    pub telemetry: TelemetryConfig,
    /// Servers that are told what happens.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub webhooks: Vec<loquat_webhook::Config>,
}

/// What the bot tells of itself to whoever watches it.
#[derive(Clone, Debug, Default, Deserialize, Serialize)]
#[serde(default, deny_unknown_fields)]
pub struct MetricsConfig {
    /// The address of a page in Prometheus' format, such as `127.0.0.1:9464`. Who reaches it may read it. Default: none.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub listen: Option<std::net::SocketAddr>,
}

/// Who the bot is.
#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(default, deny_unknown_fields)]
pub struct BotConfig {
    /// Its name. Default: `Loquat`.
    pub name: String,
    /// What it is, for the model. Default: empty.
    pub persona: String,
    /// What it says first. Default: empty.
    pub greeting: String,
    /// Questions to start with. Default: none.
    pub suggestions: Vec<String>,
    /// What happens to sentences that the facts do not support: `strict`, `hedged` or `open`. Default: `strict`.
    pub policy: Policy,
    /// The languages it speaks, the preferred one first. Default: English and Chinese.
    pub languages: Vec<Language>,
    /// How freely the model words its answers; 0 always takes the likeliest token. Default: 0.
    pub temperature: f32,
    /// Seed of the model's choices. Default: 0.
    pub seed: u64,
    /// The longest message taken, in characters. Default: 4000.
    pub max_message_chars: usize,
}

impl Default for BotConfig {
    fn default() -> Self {
        Self {
            name: "Loquat".to_owned(),
            persona: String::new(),
            greeting: String::new(),
            suggestions: Vec::new(),
            policy: Policy::Strict,
            languages: vec![Language::english(), Language::chinese()],
            temperature: 0.0,
            seed: 0,
            max_message_chars: 4000,
        }
    }
}

/// What the bot knows.
#[derive(Clone, Debug, Default, Deserialize, Serialize)]
#[serde(default, deny_unknown_fields)]
pub struct GraphConfig {
    /// Graph files, imported at the first start and again when they change; relative to the bot's file. Default: none.
    pub sources: Vec<PathBuf>,
    /// The folder of the store. Default: a folder of the bot's name among the user's data.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub store: Option<PathBuf>,
    /// A SPARQL endpoint in place of sources and store.
    pub sparql: loquat_sparql::Config,
    /// What compares questions with relations by meaning, beside their words: `off`, `auto` (a model for each of the bot's
    /// languages that there is one for), `all-minilm-l6-v2`, `gte-small` or `bge-small-zh`. Default: `off`.
    pub embeddings: Embeddings,
}

/// A sentence embedding model that Loquat fetches by itself.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Embeddings {
    /// None: words alone decide, and nothing is fetched.
    #[default]
    Off,
    /// For English all-MiniLM-L6-v2, for Chinese bge-small-zh.
    Auto,
    /// all-MiniLM-L6-v2, English, 90 MB.
    #[serde(rename = "all-minilm-l6-v2")]
    MiniLm,
    /// gte-small, English, 133 MB.
    GteSmall,
    /// bge-small-zh-v1.5, Chinese, 24 MB.
    BgeSmallZh,
}

/// A model, by `path`, `hub` or `builtin`; where several are given, the first of these wins.
#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(default, deny_unknown_fields)]
pub struct ModelConfig {
    /// The languages that it writes well; none means any. Default: any.
    pub languages: Vec<Language>,
    /// One of the models that Loquat fetches by itself.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub builtin: Option<BuiltinModel>,
    /// A model folder or a GGUF file.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub path: Option<PathBuf>,
    /// A repository of a model hub, such as `owner/name`, that holds ONNX files.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub hub: Option<String>,
    /// The repository's revision. Default: `main`.
    pub revision: String,
    /// The graph in the repository, where it has several. Default: the one that is there.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub graph_file: Option<String>,
    /// Weights of a model that is converted: `int4`, `int8`, `fp16` or `fp32`. Default: `int4`.
    pub quantize: Quantize,
    /// The most tokens of a chat, prompt and reply together. Default: 2048.
    pub max_context_tokens: usize,
    /// Replies that are written at the same time; more of them wait. Default: 16.
    pub sequences: usize,
    /// How tokens are written: `batched` for many people at once, `speculative` for one. Default: `batched`.
    pub decoding: DecodingName,
    /// Memory for the prompts' keys and values, in MB, so that what was read once is not read again; 0 is none. Default: 256.
    pub prefix_cache_mb: usize,
    /// LoRA adapters of this model, by name: files that `loquat model import-lora` writes. Default: none.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub adapters: BTreeMap<String, PathBuf>,
    /// The adapter that the bot writes with. Default: none.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub adapter: Option<String>,
    /// Other model folders with the same tokenizer, whose log-probabilities are averaged with this one's. Default: none.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub ensemble: Vec<Member>,
}

/// Another model that writes along.
#[derive(Clone, Debug, PartialEq, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Member {
    /// Its folder.
    pub path: PathBuf,
    /// Its weight; the model that it joins has 1.
    pub weight: f32,
}

/// How tokens are written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum DecodingName {
    /// A token for every reply in one run.
    #[default]
    Batched,
    /// Several tokens of one reply in one run, guessed from the prompt.
    Speculative,
}

impl Default for ModelConfig {
    fn default() -> Self {
        Self {
            languages: Vec::new(),
            builtin: None,
            path: None,
            hub: None,
            revision: "main".to_owned(),
            graph_file: None,
            quantize: Quantize::Int4,
            max_context_tokens: 2048,
            sequences: 16,
            decoding: DecodingName::Batched,
            prefix_cache_mb: 256,
            adapters: BTreeMap::new(),
            adapter: None,
            ensemble: Vec::new(),
        }
    }
}

/// A model that Loquat fetches by itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum BuiltinModel {
    /// SmolLM2-135M-Instruct, English.
    SmolLm2,
    /// MiniMind2-Small, 26 million parameters, English and Chinese.
    MiniMind2,
}

/// Bits a weight.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize, clap::ValueEnum)]
#[serde(rename_all = "lowercase")]
pub enum Quantize {
    /// 8 bits.
    Int8,
    /// 4 bits for weights that have 4 bits in the source, with the same values; 8 for its other quantised weights. Float weights
    /// lose by it.
    Int4,
    /// 16-bit floats, for GPUs.
    Fp16,
    /// No quantisation.
    Fp32,
}

impl From<Quantize> for Quantisation {
    fn from(quantize: Quantize) -> Self {
        match quantize {
            Quantize::Int8 => Self::Int8,
            Quantize::Int4 => Self::Int4,
            Quantize::Fp16 => Self::Fp16,
            Quantize::Fp32 => Self::Fp32,
        }
    }
}

/// A model hub.
#[derive(Clone, Debug, Default, Deserialize, Serialize)]
#[serde(default, deny_unknown_fields)]
pub struct HubConfig {
    /// Its address. Default: `HF_ENDPOINT`, else the hub crate's own.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub endpoint: Option<String>,
    /// The token that private repositories need. Default: `HF_TOKEN`.
    #[serde(serialize_with = "redacted", skip_serializing_if = "Option::is_none")]
    pub token: Option<SecretString>,
}

/// What is remembered of accepted messages.
#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(default, deny_unknown_fields)]
pub struct JournalConfig {
    /// The folder. Default: a folder of the bot's name among the user's data.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub folder: Option<PathBuf>,
    /// How long settled messages and their replies are kept; 0 is for ever. Default: 30.
    pub keep_days: u32,
    /// How long a message that comes again is known as the same; 0 is for ever. Default: 365.
    pub known_days: u32,
}

impl Default for JournalConfig {
    fn default() -> Self {
        Self { folder: None, keep_days: 30, known_days: 365 }
    }
}

impl JournalConfig {
    /// The same for the journal.
    pub fn retention(&self) -> loquat_journal::Retention {
        let days = |days: u32| match days {
            0 => std::time::Duration::MAX,
            days => std::time::Duration::from_secs(u64::from(days) * 86_400),
        };
        loquat_journal::Retention { entries: days(self.keep_days), tombstones: days(self.known_days) }
    }
}

/// Where people reach the bot.
#[derive(Clone, Debug, Default, Deserialize, Serialize)]
#[serde(default, deny_unknown_fields)]
pub struct ConnectorsConfig {
    /// Web chat.
    pub web: loquat_web::Config,
    /// IRC, where it names a server.
    pub irc: loquat_irc::Config,
    /// Discord, where it has a token.
    pub discord: loquat_discord::Config,
    /// Telegram, where it has a token.
    pub telegram: loquat_telegram::Config,
    /// The terminal, for `loquat chat`.
    pub terminal: loquat_terminal::Config,
}

fn redacted<S: Serializer>(_: &Option<SecretString>, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str("[redacted]")
}
