//! The config's embedding models → open ones. In: `graph.embeddings` and the bot's languages. Out: the models, fetched once. Nothing is
//! fetched where the config says `off`.

use std::sync::Arc;

use loquat_artifacts::{Artifact, Cache, catalog, ensure};
use loquat_contract::{Language, TextEmbedder};
use loquat_inference::{OnnxEmbedder, OnnxEmbedderOptions, Pooling};

use crate::config::{Config, Embeddings};
use crate::progress::Screen;

/// The models that the config wants: of `auto`, one for each of the bot's languages that there is one for.
///
/// # Errors
/// When a model, or the runtime, cannot be had or opened.
pub fn embedders(
    config: &Config,
    cache: &Cache,
    screen: &Screen,
) -> anyhow::Result<Vec<Arc<dyn TextEmbedder>>> {
    let speaks = |language: Language| config.bot.languages.iter().any(|spoken| spoken.matches(&language));
    let wanted = match config.graph.embeddings {
        Embeddings::Off => return Ok(Vec::new()),
        Embeddings::Auto => {
            let english = speaks(Language::english()).then_some(Embeddings::MiniLm);
            let chinese = speaks(Language::chinese()).then_some(Embeddings::BgeSmallZh);
            english.into_iter().chain(chinese).collect()
        }
        one => vec![one],
    };
    let runtime = super::runtime(config, cache, screen)?;
    let open = |name: Embeddings| -> anyhow::Result<Arc<dyn TextEmbedder>> {
        let mut options = options(name, cache, screen)?;
        options.providers = super::providers(config);
        options.provider_options = super::provider_options(config, cache, runtime.path());
        options.threads = config.runtime.threads;
        options.spin = config.runtime.spin;
        Ok(Arc::new(OnnxEmbedder::open(&runtime, options)?))
    };
    wanted.into_iter().map(open).collect()
}

fn options(name: Embeddings, cache: &Cache, screen: &Screen) -> anyhow::Result<OnnxEmbedderOptions> {
    let fetched = |artifact: Artifact| {
        ensure(&artifact.with_own_copy("set `graph.embeddings = \"off\"` to do without"), cache, screen)
    };
    let english = |title: &str| -> anyhow::Result<OnnxEmbedderOptions> {
        let folder = fetched(catalog::english_embedders())?.join("dist/Xenova").join(title);
        let (graph, tokenizer) = (folder.join("onnx/model.onnx"), folder.join("tokenizer.json"));
        let mut options = OnnxEmbedderOptions::new(title, graph, tokenizer, Pooling::Mean);
        options.languages = vec![Language::english()];
        Ok(options)
    };
    match name {
        Embeddings::GteSmall => english("gte-small"),
        Embeddings::BgeSmallZh => {
            let graph = fetched(catalog::bge_small_zh())?.join("model_merged.onnx");
            let tokenizer = fetched(catalog::bge_small_zh_tokenizer())?.join("lib/vendor/tokenizer.json");
            let mut options =
                OnnxEmbedderOptions::new("bge-small-zh-v1.5", graph, tokenizer, Pooling::FirstToken);
            options.languages = vec![Language::chinese()];
            Ok(options)
        }
        Embeddings::MiniLm | Embeddings::Auto | Embeddings::Off => english("all-MiniLM-L6-v2"),
    }
}
