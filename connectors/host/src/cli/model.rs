//! `loquat model`: its arguments.

use std::path::PathBuf;

use clap::{Args, Subcommand, ValueHint};

use crate::config::Quantize;

/// Commands on models.
#[derive(Debug, Subcommand)]
pub enum ModelCommand {
    /// Tells of a model folder or GGUF file; without a path, of the bot's models
    #[command(after_help = "Examples:\n  loquat model info\n  loquat model info my-model.gguf")]
    Info {
        /// A model folder or GGUF file
        #[arg(value_hint = ValueHint::AnyPath)]
        path: Option<PathBuf>,
    },
    /// Puts another model, or an adapter, in the place of one of the bot's; also while the bot runs, which drops nothing
    ///
    /// A running bot opens the new model beside the old one and tries it out. Where it works, the next message is answered by it, while
    /// those that are being answered end with the old one; where it does not, the old one stays, and it is said why. What was chosen
    /// outlives restarts, in place of what the config says.
    #[command(
        after_help = "Examples:\n  loquat model use smollm2 runs/shop/export/int8\n  loquat model use smollm2 shop.onnx_adapter\n  loquat model use smollm2 --rollback"
    )]
    Use(UseCommand),
    /// Lists the bot's models: what is in use for each, since when, and what was before
    List,
    /// Converts a GGUF file into an ONNX model folder
    #[command(
        after_help = "Example:\n  loquat model import-gguf my-model.gguf --quantize int4 --output my-model"
    )]
    ImportGguf {
        /// The GGUF file
        #[arg(value_hint = ValueHint::FilePath)]
        path: PathBuf,
        /// The folder to write [default: the file's name without its ending]
        #[arg(long, short, value_hint = ValueHint::DirPath)]
        output: Option<PathBuf>,
        /// Bits a weight
        #[arg(long, value_enum, default_value = "int4")]
        quantize: Quantize,
        /// Lets LoRA adapters change the model at run time, which costs some speed without one, too
        #[arg(long)]
        adapters: bool,
    },
    /// Turns a LoRA adapter that PEFT trained into one for a converted model
    #[command(
        after_help = "Example:\n  loquat model import-lora my-adapter --model my-model --output my-adapter.onnx_adapter"
    )]
    ImportLora {
        /// The folder with adapter_config.json and adapter_model.safetensors
        #[arg(value_hint = ValueHint::DirPath)]
        path: PathBuf,
        /// The model's folder, converted with `--adapters`
        #[arg(long, value_hint = ValueHint::DirPath)]
        model: PathBuf,
        /// The file to write [default: the adapter folder's name with the ending .onnx_adapter]
        #[arg(long, short, value_hint = ValueHint::FilePath)]
        output: Option<PathBuf>,
    },
    /// Measures how fast a model reads and writes, and its memory; without a path, of the bot's models
    #[command(
        after_help = "Examples:\n  loquat model bench\n  loquat model bench my-model --sequences 1,8 --prompt 256 --json"
    )]
    Bench(BenchCommand),
}

/// Which model takes whose place.
#[derive(Debug, Args)]
pub struct UseCommand {
    /// The name that the config has for the model; may be left out where it has one
    #[arg(value_name = "NAME")]
    pub first: Option<String>,
    /// A model folder, a GGUF file, or an adapter (.onnx_adapter) for the model that is in use
    #[arg(value_name = "PATH", value_hint = ValueHint::AnyPath)]
    pub second: Option<PathBuf>,
    /// Goes back to what was used before
    #[arg(long, conflicts_with = "reset")]
    pub rollback: bool,
    /// Goes back to what the config says
    #[arg(long)]
    pub reset: bool,
}

/// What to measure of a model.
#[derive(Debug, Args)]
pub struct BenchCommand {
    /// A model folder or GGUF file
    #[arg(value_hint = ValueHint::AnyPath)]
    pub path: Option<PathBuf>,
    /// How many replies are written at once
    #[arg(long, value_name = "COUNT,…", value_delimiter = ',', default_value = "1,4,16", value_parser = at_least_one)]
    pub sequences: Vec<usize>,
    /// Tokens of a prompt, nearly; the chat template's are among them
    #[arg(long, value_name = "TOKENS,…", value_delimiter = ',', default_value = "64,512", value_parser = at_least_one)]
    pub prompt: Vec<usize>,
    /// Tokens of a reply, at most
    #[arg(long, default_value = "64", value_parser = at_least_one)]
    pub tokens: usize,
    /// How often each is measured; medians are shown
    #[arg(long, default_value = "5", value_parser = at_least_one)]
    pub rounds: usize,
    /// Threads for an operator [default: the config's `runtime.threads`]
    #[arg(long)]
    pub threads: Option<usize>,
    /// Prints everything as JSON
    #[arg(long)]
    pub json: bool,
}

fn at_least_one(text: &str) -> Result<usize, String> {
    text.parse().ok().filter(|&count| count > 0).ok_or_else(|| "write a whole number from 1 on".to_owned())
}
