//! A recipe with every key, its default and what it means. In: nothing. Out: TOML that loads as it is.

/// The sample that `loquat-train sample` prints: the tables of all commands, one after another.
pub fn sample() -> String {
    [HEAD, super::prepare::SAMPLE, RUN, TUNE, SOUP, EXPORT, ENSEMBLE, EVAL].join("\n")
}

const HEAD: &str = r#"# A recipe for loquat-train. Relative paths are relative to this file.
# Every key can also be set by a flag: --set run.rate=1e-4

# Required: names the outputs.
name = "shop"
# Required: the model to begin with: a model of the bot's config by name (smollm2 is there without any), else a GGUF file or a folder of weights
# as Hugging Face writes it (config.json, model.safetensors, tokenizer.json, chat_template.jinja).
base = "smollm2"
# The bot whose models, graph, persona and prompts are used. Set it: without it, and with no loquat.toml where the command is started, it is
# Loquat's built-in bot, which knows countries, that is trained. `prepare` says first which bot it is.
# bot = "loquat.toml"
# Required: everything that is made lies below this folder: set/, base/, run/, export/, eval/.
output = "runs/shop"
# Seed of all that is drawn.
seed = 1
"#;

const RUN: &str = r#"# How the model is trained: loquat-train run
[run]
# The training set, where it is not output/set: a folder with train.jsonl and, for evaluation, dev.jsonl.
# set = "set"
# Which parameters learn: lora (adapters beside the linear layers) or full (all).
method = "lora"
# Whether replies of the base ([prepare.rehearsal]) are learnt by all that it foretells at each token, and not by the tokens alone
# (distillation). With method = "full" no base is left to foretell, and they are learnt by their tokens.
distil = true
# What computing is done in: f32, or bf16. On the CPU that rounds the factors of large products alone. On a GPU activations, their gradients and
# weights that do not learn are bfloat16 too; weights that learn, their gradients and the optimiser's moments stay f32.
precision = "f32"
# Where computing is done: auto (a GPU where one can be used), cpu or cuda.
device = "auto"
# Threads of the CPU; 0 is one a core.
threads = 0
# Compute activations again in the backward pass (gradient checkpointing): saves memory, costs about a third of the time.
recompute = false

# The most tokens of a row. Documents that begin alike share their beginning within a row.
row_tokens = 1024
# The most tokens that are read at once: more need more memory.
batch_tokens = 2048
# Batches whose gradients are added up for one step.
accumulate = 1
# What happens to documents longer than a row: drop (they are left out, and counted) or cut (their end is).
too_long = "drop"

# How often the set is gone through; parts of a time are allowed.
epochs = 3.0
# How many steps are made; 0 leaves it to epochs.
steps = 0
# How the learning rate changes after the warm-up: constant, linear, cosine, or inverse_sqrt (rate / sqrt(step), as of "Attention Is
# All You Need"; the highest rate is reached at the end of the warm-up).
schedule = "cosine"
# The highest learning rate. For method = "full" a tenth of this is a good beginning.
rate = 2e-4
# Steps in which the learning rate rises from nothing; 0 leaves it to warmup_share, a share of all steps.
warmup_steps = 0
warmup_share = 0.03
# The share of the highest learning rate below which it does not fall.
floor = 0.0

# AdamW: decay of the moments, what is added to the second one's root, decay of the weights.
beta1 = 0.9
beta2 = 0.999
epsilon = 1e-8
decay = 0.01
# The greatest norm of the gradient; 0 lets any pass.
clip = 1.0

# Steps between evaluations on dev.jsonl; 0 evaluates at the end of each epoch.
evaluate_every = 0
# Evaluations without a better loss after which the run stops; 0 never stops it.
patience = 3
# Steps between checkpoints; 0 keeps one after each evaluation, and ten minutes after the last one.
checkpoint_every = 0
# How many of the last checkpoints stay, beside the best one.
keep = 2
# Whether each checkpoint has the weights for others to read too, which loquat-train soup averages.
checkpoint_weights = false

# Adapters, where method = "lora".
[run.lora]
rank = 16
# What an adapter's output is multiplied by, before it is divided by the rank.
alpha = 32.0
# The share of an adapter's inputs that is left out at random in training.
dropout = 0.0
# The linear layers that get adapters, by Hugging Face's names.
targets = ["q_proj", "k_proj", "v_proj", "o_proj", "gate_proj", "up_proj", "down_proj"]
# How many blocks get adapters, counted from the last. Default: all.
# last_blocks = 15
"#;

const EXPORT: &str = r#"# ONNX folders of what was learnt, each compared with the trainer before it is put in place: loquat-train export
[export]
# What is exported: a folder of weights, or of an adapter of the base as PEFT saves it. Default: the best weights of the run.
# of = "runs/shop/soup/weights"
# How weights are stored, a folder each: fp32, fp16 (for GPUs), int8, int4.
forms = ["int8"]
# Whether an adapter is also written for ONNX Runtime, for the base; a folder has it merged into the weights in any case.
adapter = false
# The examples of the set that are compared (of test.jsonl, else of dev.jsonl), and the most tokens of each, from its beginning.
examples = 12
tokens = 256
# For the model card: its licence as hubs name it, languages (ISO 639-1), and what is to be said of the data.
# licence = "apache-2.0"
languages = []
# data = "Facts of the shop's own graph, CC-BY 4.0"

# How far a folder may be from the trainer: the largest difference of a logit over the root mean square of the trainer's. What differs by
# more is not put in place.
[export.tolerance]
fp32 = 1e-3
fp16 = 5e-2
# Fewer bits change single logits much and the text little; the perplexity that is said beside it tells more. What is wrong, and not
# rounded, differs by several times the root mean square.
int8 = 0.5
int4 = 1.0
"#;

const TUNE: &str = r#"# Which settings are tried: loquat-train tune
[tune]
# How trials share the time. random: each is a whole run. halving: all begin with little, and the best of each rung go on with more.
# hyperband: several rounds of halving, with fewer trials and longer beginnings from one to the next.
search = "halving"
# How many trials begin, for random and halving.
trials = 9
# By what the trials of a rung shrink, and what each may cost grows.
factor = 3
# The share of a whole run that the first rung has.
least = 0.1
# With how many seeds each trial is run; their mean decides.
seeds = 1
# The most documents of dev.jsonl that trials are evaluated on; 0 is all.
dev_documents = 0

# Keys of [run], each with a list of values, or with two ends; log = true makes each power of ten as likely.
[tune.space]
# "run.rate" = { low = 1e-5, high = 1e-3, log = true }
# "run.lora.rank" = [8, 16, 32]
# "run.schedule" = ["cosine", "linear", "inverse_sqrt"]
"#;

const SOUP: &str = r#"# Which weights are averaged: loquat-train soup
[soup]
# Folders of weights or of adapters, or of runs, of which the best weights and those of checkpoints are taken (the latter where
# run.checkpoint_weights = true). Without any, the recipe's run.
# of = ["runs/shop/run", "runs/other/run"]
# greedy (from the best on, those that do not raise the loss on dev.jsonl) or uniform (all).
method = "greedy"
# The type of the numbers that are written: f32, bf16 or f16.
element = "f32"
# The most documents of dev.jsonl that averages are evaluated on; 0 is all.
dev_documents = 0
"#;

const ENSEMBLE: &str = r#"# Which models answer together, by averaged log-probabilities: loquat-train ensemble. How they are measured is in [eval].
[ensemble]
# ONNX model folders of different models, with one tokenizer: two at least.
# models = ["runs/shop/export/int8", "runs/other/export/int8"]
# What each counts; without any, all the same.
# weights = [1.0, 0.5]
"#;

const EVAL: &str = r#"# How good the base and what was exported are, side by side, through the bot's real engine: loquat-train eval
[eval]
# What the others are compared with, where it is not the recipe's base: a model of the bot's config, an ONNX folder or a GGUF file.
# base = "smollm2"
# The models: ONNX folders, GGUF files, adapters (.onnx_adapter) for the base. Default: all in output/export.
# models = ["runs/shop/export/int8"]
# Sets of questions, in any form that `loquat eval` reads; those about an entity of train.jsonl are left out. Without any, those of test.jsonl.
questions = []
# The most questions of each set; which ones is the same each time.
limit = 200
# The most prompts whose facts do not hold the answer: of test.jsonl, else the questions with the facts of others.
unanswerable = 200
# Texts outside the domain, in which forgetting is seen: .jsonl with a dialogue or text a line as in training sets, .txt, .md. Without any,
# forgetting is not seen.
general = []
# The most texts that perplexity is taken of, outside the domain and of dev.jsonl each.
texts = 200
# Questions that are asked at the same time.
parallel = 8

# What the models' numbers should be, as shares; the command exits with 4 where one is missed. Without a number, anything will do.
[eval.targets]
# At least so many answers are right in the model's own words, at its first attempt and before anything is tried again.
# own_words = 0.9
# At most so many claims are unsupported before verification.
# unsupported = 0.02
# At least so many prompts without the answer are refused.
# refuses = 0.98
# By at most so much does the perplexity of general texts rise over the base's.
# general_rise = 0.05
"#;
