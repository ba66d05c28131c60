//! A bot's file with every key, its default and what it means. In: nothing. Out: TOML that loads as it is.

/// The sample that `loquat config sample` prints.
pub fn sample() -> String {
    let within = |table: &str, sample: &str, name: &str| {
        let own = sample.replace(&format!("[{name}]"), &format!("[{table}.{name}]"));
        own.replace(&format!("[{name}."), &format!("[{table}.{name}."))
    };
    let nested = |connector: &str, name: &str| within("connectors", connector, name);
    let sparql = within("graph", loquat_sparql::sample(), "sparql");
    let web = nested(loquat_web::sample(), "web");
    let irc = nested(loquat_irc::sample(), "irc");
    let discord = nested(loquat_discord::sample(), "discord");
    let telegram = nested(loquat_telegram::sample(), "telegram");
    let terminal = nested(loquat_terminal::sample(), "terminal");
    let webhooks = loquat_webhook::sample();
    let (delivery, access) = (loquat_dispatch::sample(), loquat_dispatch::access::sample());
    format!(
        "{SAMPLE}\n{sparql}\n{delivery}\n{access}\n{web}\n{irc}\n{discord}\n{telegram}\n{terminal}\n{webhooks}"
    )
}

const SAMPLE: &str = r#"# A Loquat bot. Relative paths are relative to this file.
# Every key can also be set by the environment (LOQUAT_BOT__NAME=…) or by a flag (--set bot.name=…).

# Who the bot is.
[bot]
name = "Loquat"
# What it is, for the model.
persona = ""
# What it says first.
greeting = ""
# Questions to start with.
suggestions = []
# What happens to sentences that the facts do not support:
#   strict  they are never sent;   hedged  they are marked;   open  they are sent, and the verdict is recorded.
policy = "strict"
# The languages it speaks, the preferred one first: en, zh.
languages = ["en", "zh"]
# How freely the model words its answers; 0 always takes the likeliest token.
temperature = 0.0
# Seed of the model's choices.
seed = 0
# The longest message taken, in characters.
max_message_chars = 4000

# What it knows.
[graph]
# Turtle (.ttl), N-Triples (.nt), TSV and CSV of subject, predicate, object; each also with .gz.
# They are imported at the first start, and again when they change.
sources = []
# The folder of the store. Default: among the user's data, by the bot's name.
# store = "data/graph"
# What compares questions with relations by meaning, beside their words: off, auto (a model for each of the bot's languages that
# there is one for), all-minilm-l6-v2, gte-small or bge-small-zh. Only those named are fetched.
embeddings = "off"

# What runs the models.
[runtime]
# The ONNX Runtime shared library: cpu (of the Python package `onnxruntime`, 28 MB), gpu (of `onnxruntime-gpu`, 256 MB), auto (gpu where
# a GPU provider is asked for and there is an NVIDIA driver, else cpu), or the path of a file. docs/gpu.md has the rest.
library = "auto"
# Where to run, best first: tensorrt, cuda, cpu.
providers = ["cpu"]
# Which GPU, where one is used.
device = 0
# Threads for an operator; 0 takes the processor's cores.
threads = 0
# Whether threads spin while they wait: faster on cores that are idle otherwise, slower on busy ones.
spin = true
# The processor, numbered from 0, for each thread but the first: one less than `threads`. Empty leaves it to the system.
affinity = []
# Whether the memory of the largest run is kept for the next; without it the peak is a little higher, and what stays lower.
arena = true
# Whether numbers too small for the usual form count as 0: faster for models that have such, and slightly other numbers.
flush_denormals = false

# How CUDA works, where it is among the providers.
[runtime.cuda]
# The most memory of the GPU for activations and caches, in MB, beside the weights; 0 is all.
memory_limit_mb = 0
# How that memory grows: powers-of-two or as-requested.
arena = "powers-of-two"
# Whether models in 32 bits are multiplied in TensorFloat-32: faster, and as exact as 16 bits.
tf32 = false
# Folders with the libraries of CUDA, cuDNN and TensorRT, or of Python packages that hold them, searched first.
libraries = []

# How TensorRT works, where it is among the providers.
[runtime.tensorrt]
# Whether layers of 32 bits may run in 16.
fp16 = true
# The most memory for a layer while it runs, in MB; 0 is what the GPU has.
workspace_mb = 0
# The folder for compiled engines and timings. Default: in the cache.
# engines = "/var/cache/engines"
# The sizes to compile for, each the least, the usual and the most: sequences together, their tokens in a run, tokens before that run.
# [runtime.tensorrt.profile]
# batch = [1, 4, 16]
# tokens = [1, 64, 512]
# past = [0, 256, 2048]

# The models, each under a name of your choice. Without any, these two are used.
[models.smollm2]
# The languages that it writes well; without the key, any.
languages = ["en"]
# A model that Loquat fetches by itself: smollm2 or minimind2 …
builtin = "smollm2"
# … or a model folder or GGUF file …
# path = "models/mine.gguf"
# … or a hub repository with ONNX files, its revision, and the graph's file where it has several.
# hub = "owner/name"
# revision = "main"
# graph_file = "onnx/model.onnx"
# Weights of a GGUF that is converted: int4, int8, fp16 or fp32.
quantize = "int4"
# Replies that are written at the same time; more of them wait. Each has memory for a whole context, taken as it fills.
sequences = 16
# How tokens are written: batched (a token for every reply in one run) or speculative (several tokens of one reply in one run, guessed from
# the prompt: faster for one person, where replies repeat what the prompt says). The two may choose other words.
decoding = "batched"
# Memory for what prompts began with, in MB, so that it is not read again; 0 is none. On the processor only.
prefix_cache_mb = 256
# The LoRA adapter that it writes with, by its name below. Default: none.
# adapter = "support"
# LoRA adapters, made by `loquat model import-lora`; a GGUF is then converted with room for them, which costs some speed.
# [models.smollm2.adapters]
# support = "support.onnx_adapter"
# Other model folders with the same tokenizer: the weighted average of all log-probabilities decides; this model's weight is 1.
# [[models.smollm2.ensemble]]
# path = "models/second"
# weight = 0.5
# The most tokens of a chat, prompt and reply together.
max_context_tokens = 2048

[models.minimind2]
languages = ["zh"]
builtin = "minimind2"

# Where models named by `hub` come from.
[hub]
# endpoint = "http://127.0.0.1:8000"
# token = "hf_…"

# What it tells of itself to whoever watches it.
[metrics]
# The address of a page in Prometheus' format. Who reaches it may read it.
# listen = "127.0.0.1:9464"

# How the log is written: text, or json, an object a line. LOQUAT_LOG_FORMAT goes before it; LOQUAT_LOG says of what.
[log]
format = "text"

# Traces of what each message costs in each stage, without a word of what was said (docs/operating.md).
[telemetry]
# An OpenTelemetry collector that takes OTLP over HTTP. Default: OTEL_EXPORTER_OTLP_ENDPOINT, else none, and nothing is traced.
# otlp_endpoint = "http://127.0.0.1:4318"
# Headers that it wants. Default: OTEL_EXPORTER_OTLP_HEADERS.
# headers = { authorization = "Bearer …" }
# What traces are found by. Default: OTEL_SERVICE_NAME, else loquat.
# service_name = "loquat"
# Which part of the messages is traced, from 0 to 1.
sample = 1.0

# What is remembered of accepted messages.
[journal]
# The folder. Default: among the user's data, by the bot's name.
# folder = "data/journal"
# How long settled messages and their replies are kept; 0 is for ever.
keep_days = 30
# How long a message that comes again is known as the same; 0 is for ever.
known_days = 365
"#;
