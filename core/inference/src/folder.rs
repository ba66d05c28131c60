//! The model folder. In: a path. Out: the graph, its weights and what the configuration files say, all checked to be there.
//! Must not know: ONNX Runtime, where the folder came from.

mod config;
mod identity;
mod outline;

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

pub use config::ModelConfig;
pub(crate) use config::Names;
pub(crate) use identity::{identity, sha256, sha256_of};
use outline::Outline;
use serde_json::Value;

use crate::InferenceError;

/// A model folder, read and found complete.
///
/// The layout is that of ONNX Runtime GenAI (`genai_config.json` beside `model.onnx`) or of the hub's ONNX repositories
/// (`config.json`, the graph perhaps in `onnx/`).
#[derive(Clone, Debug)]
pub struct ModelFolder {
    path: PathBuf,
    graph: PathBuf,
    weights: Vec<PathBuf>,
    in_place: BTreeSet<String>,
    is_dynamic: bool,
    config: ModelConfig,
}

impl ModelFolder {
    /// Reads the folder at `path`.
    ///
    /// # Errors
    /// The folder, or a piece of it, is missing, cut short or malformed; the error names it.
    pub fn read(path: impl AsRef<Path>) -> Result<Self, InferenceError> {
        let path = path.as_ref();
        if !path.is_dir() {
            return Err(InferenceError::FolderMissing { path: path.to_owned() });
        }
        let config = ModelConfig::read(path)?;
        let graph = find_graph(path, config.graph.as_deref())?;
        if !path.join("tokenizer.json").is_file() {
            return Err(InferenceError::PieceMissing {
                folder: path.to_owned(),
                piece: "tokenizer.json".to_owned(),
                advice: "copy it from the model's repository, or convert the model again",
            });
        }
        let Outline { weights, in_place, is_dynamic } = outline::of(&graph)?;
        Ok(Self { path: path.to_owned(), graph, weights, in_place, is_dynamic, config })
    }

    /// The folder.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// The ONNX graph.
    pub fn graph(&self) -> &Path {
        &self.graph
    }

    /// The files that hold the graph's weights, where they are not inside it.
    pub fn weights(&self) -> &[PathBuf] {
        &self.weights
    }

    /// Whether these past keys and values may lie in one buffer with the present ones: as `genai_config.json` says, else
    /// where the graph's attention can write in place.
    pub(crate) fn shares_buffer<'a>(&self, mut past: impl Iterator<Item = &'a str>) -> bool {
        self.config.share_buffer.unwrap_or_else(|| past.all(|name| self.in_place.contains(name)))
    }

    /// Whether the rows of a run, and the tokens of a row, are computed independently of which others there are.
    pub(crate) fn rows_are_independent(&self) -> bool {
        !self.is_dynamic
    }

    /// What the configuration files say.
    pub fn config(&self) -> &ModelConfig {
        &self.config
    }

    /// The folder's own name.
    pub(crate) fn name(&self) -> String {
        let path = self.path.canonicalize().unwrap_or_else(|_| self.path.clone());
        path.file_name().map_or_else(|| "model".to_owned(), |name| name.to_string_lossy().into_owned())
    }
}

/// The graph that the configuration names; else `model.onnx`; else the only graph there is. Looks in the folder, then in
/// its `onnx/`.
fn find_graph(folder: &Path, named: Option<&str>) -> Result<PathBuf, InferenceError> {
    let missing =
        |piece: String, advice| InferenceError::PieceMissing { folder: folder.to_owned(), piece, advice };
    let places = [folder.to_owned(), folder.join("onnx")];
    if let Some(named) = named {
        return places.iter().map(|place| place.join(named)).find(|graph| graph.is_file()).ok_or_else(|| {
            missing(named.to_owned(), "genai_config.json names it; fetch or convert the model again")
        });
    }
    for place in &places {
        let whole = place.join("model.onnx");
        if whole.is_file() {
            return Ok(whole);
        }
        let mut graphs: Vec<_> = fs::read_dir(place)
            .into_iter()
            .flatten()
            .filter_map(|entry| Some(entry.ok()?.path()))
            .filter(|path| path.extension().is_some_and(|extension| extension == "onnx"))
            .collect();
        match (graphs.pop(), graphs.is_empty()) {
            (Some(only), true) => return Ok(only),
            (Some(_), false) => {
                return Err(missing(
                    "model.onnx, but several other graphs".to_owned(),
                    "rename the one to use to model.onnx, or name it in genai_config.json",
                ));
            }
            (None, _) => {}
        }
    }
    Err(missing("model.onnx".to_owned(), "fetch or convert the model again"))
}

/// The JSON object in `folder/name`, or `None` where there is no such file.
pub(crate) fn read_json(folder: &Path, name: &str) -> Result<Option<Value>, InferenceError> {
    let file = folder.join(name);
    match fs::read(&file) {
        Ok(bytes) => match serde_json::from_slice(&bytes) {
            Ok(value) => Ok(Some(value)),
            Err(source) => Err(InferenceError::Malformed { file, source }),
        },
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(None),
        Err(source) => Err(InferenceError::Unreadable { file, source }),
    }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::ModelFolder;
    use crate::InferenceError;

    fn folder(files: &[(&str, &str)]) -> tempfile::TempDir {
        let folder = tempfile::tempdir().unwrap();
        for (name, text) in files {
            let file = folder.path().join(name);
            fs::create_dir_all(file.parent().unwrap()).unwrap();
            fs::write(file, text).unwrap();
        }
        folder
    }

    fn missing_piece(files: &[(&str, &str)]) -> String {
        match ModelFolder::read(folder(files).path()).unwrap_err() {
            InferenceError::PieceMissing { piece, .. } => piece,
            other => panic!("{other}"),
        }
    }

    #[test]
    fn absent_folder_is_named() {
        let error = ModelFolder::read("/no/such/model").unwrap_err();
        assert!(error.to_string().contains("/no/such/model"), "{error}");
    }

    #[test]
    fn each_missing_piece_is_named() {
        assert_eq!(missing_piece(&[]), "config.json");
        assert_eq!(missing_piece(&[("config.json", "{}")]), "model.onnx");
        assert_eq!(missing_piece(&[("config.json", "{}"), ("model.onnx", "")]), "tokenizer.json");
        let genai = r#"{"model": {"decoder": {"filename": "decoder.onnx"}}}"#;
        assert_eq!(missing_piece(&[("genai_config.json", genai)]), "decoder.onnx");
        let two = [("config.json", "{}"), ("onnx/a.onnx", ""), ("onnx/b.onnx", "")];
        assert!(missing_piece(&two).contains("several"));
    }

    #[test]
    fn graph_is_found_in_sub_folder() {
        let files = [("config.json", "{}"), ("onnx/model_quantized.onnx", ""), ("tokenizer.json", "{}")];
        let folder = folder(&files);
        let read = ModelFolder::read(folder.path()).unwrap();
        assert!(read.graph().ends_with("onnx/model_quantized.onnx"));
        assert!(read.weights().is_empty());
    }

    #[test]
    fn malformed_configuration_is_named() {
        let folder = folder(&[("config.json", "{"), ("model.onnx", ""), ("tokenizer.json", "{}")]);
        let error = ModelFolder::read(folder.path()).unwrap_err();
        assert!(error.to_string().contains("config.json"), "{error}");
    }
}
