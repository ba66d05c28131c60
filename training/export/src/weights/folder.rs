//! A weights folder that is open. In: its path. Out: a shape, and tensors by the names that the graph writer has for them. What is
//! missing, superfluous or of another shape is refused before anything is read.

use std::collections::HashSet;
use std::fs;
use std::path::{Path, PathBuf};

use safetensors::Dtype;
use serde_json::Value;
use sha2::{Digest, Sha256};

use super::names::{to_gguf, to_transformers};
use super::shards::{Place, Shards};
use super::{CONFIG_FILE, configuration};
use crate::decoder::{FACTORS, Found, Role, Shape, Source, tensors};
use crate::error::{ExportError, Result};
use crate::folder::{self, Family, Scaling, feed, hex};
use crate::gguf::{TensorData, TensorKind};
use crate::progress::{Progress, Report, Stage};

/// What older files have besides a model's tensors, and follows from its configuration.
const DERIVED: &str = ".rotary_emb.inv_freq";
const OUTPUT: &str = "lm_head.weight";

#[derive(Debug)]
pub(crate) struct WeightsFolder {
    path: PathBuf,
    pub(crate) config: Value,
    pub(crate) shape: Shape,
    pub(crate) family: Family,
    pub(crate) scaling: Option<Scaling>,
    shards: Shards,
}

impl WeightsFolder {
    pub(crate) fn open(path: &Path) -> Result<Self> {
        let file = path.join(CONFIG_FILE);
        let bytes = match fs::read(&file) {
            Err(source) if source.kind() == std::io::ErrorKind::NotFound => {
                return Err(ExportError::NoModel { path: path.to_owned(), expected: CONFIG_FILE.to_owned() });
            }
            bytes => bytes.map_err(ExportError::io("read", &file))?,
        };
        let config = serde_json::from_slice(&bytes)
            .map_err(|source| ExportError::Json { path: file.clone(), detail: source.to_string() })?;
        let configuration::Configuration { shape, family, scaling } = configuration::read(&file, &config)?;
        let shards = Shards::open(path)?;
        let folder = Self { path: path.to_owned(), config, shape, family, scaling, shards };
        folder.check()?;
        Ok(folder)
    }

    /// Refuses a folder whose tensors are not those of its configuration.
    fn check(&self) -> Result<()> {
        let found = self.shards.tensors();
        // Layers are found by name: a count without tensors behind it would only take time and memory.
        if self.shape.layers > found.len() {
            let detail = format!("`num_hidden_layers` is {}, more than there are tensors", self.shape.layers);
            return Err(ExportError::Json { path: self.path.join(CONFIG_FILE), detail });
        }
        let expected = tensors(&self.shape);
        for tensor in &expected {
            let name = self.shown(&tensor.name);
            let Some(place) = found.get(&name) else {
                return Err(self.error(&name, "is missing".to_owned()));
            };
            let shape =
                if tensor.is_vector { vec![tensor.columns] } else { vec![tensor.rows, tensor.columns] };
            if place.shape != shape {
                return Err(self.error(&name, format!("has shape {:?}, not {shape:?}", place.shape)));
            }
            if kind(place.dtype).is_none() {
                return Err(ExportError::UnsupportedFeature {
                    path: self.path.clone(),
                    feature: format!("`{name}` of type {} (F32, BF16 and F16 are read)", place.dtype),
                });
            }
        }
        let known = expected.iter().map(|tensor| self.shown(&tensor.name)).collect::<HashSet<_>>();
        let unknown = found.keys().find(|name| !known.contains(*name) && !self.is_superfluous(name));
        match unknown {
            Some(name) => Err(self.error(name, "is not part of this architecture as known here".to_owned())),
            None => Ok(()),
        }
    }

    /// Whether a tensor says nothing that is not known without it.
    fn is_superfluous(&self, name: &str) -> bool {
        name.ends_with(DERIVED) || (self.shape.tied && name == OUTPUT)
    }

    fn error(&self, tensor: &str, problem: String) -> ExportError {
        ExportError::Tensor { path: self.path.clone(), tensor: tensor.to_owned(), problem }
    }

    fn place(&self, name: &str) -> Option<&Place> {
        self.shards.tensors().get(&self.shown(name))
    }

    /// The factors that Llama 3's scaling divides frequencies by.
    fn factors(&self) -> Option<Vec<f32>> {
        match self.scaling {
            Some(Scaling::Llama3(llama3)) => Some(llama3.factors(self.shape.head_size, self.shape.rotary)),
            _ => None,
        }
    }

    /// Whether a tensor is the weights of a norm that are kept less one.
    fn is_less_one(&self, name: &str) -> bool {
        self.shape.norms_less_one
            && tensors(&self.shape).iter().any(|tensor| tensor.role == Role::Norm && tensor.name == name)
    }

    /// Tensors in order of name, with their names in the files.
    pub(crate) fn tensors(&self) -> impl Iterator<Item = (&str, &Place)> {
        let own = self.shards.tensors().iter().filter(|(name, _)| !self.is_superfluous(name));
        own.map(|(name, place)| (name.as_str(), place))
    }

    /// The rows of a tensor as the file has them.
    pub(crate) fn rows(&self, place: &Place) -> Result<TensorData> {
        let columns = place.shape.last().copied().unwrap_or(1);
        let kind = kind(place.dtype).unwrap_or(TensorKind::F32);
        Ok(TensorData::new(kind, columns, self.shards.read(place)?))
    }

    /// Where it is, as manifests say it: the SHA-256 is over `config.json` and then the files with tensors, in order of name.
    pub(crate) fn describe(&self, report: &mut Report<'_>) -> Result<folder::Source> {
        let (bytes, sha256) = identity(&self.path, &self.shards, report)?;
        let name = std::path::absolute(&self.path).map_err(ExportError::io("resolve", &self.path))?;
        let file = name.file_name().unwrap_or_default().to_string_lossy().into_owned();
        Ok(folder::Source { file, bytes, sha256 })
    }
}

/// The identity of a weights folder: the SHA-256 over `config.json` and then the files with tensors, in order of name. It is what
/// [`WeightsManifest::model_sha256`](crate::WeightsManifest::model_sha256) says of a folder that was written here. The model may be one that
/// cannot be exported.
///
/// # Errors
/// When there are no weights, a header is malformed, or something cannot be read.
pub fn weights_sha256(path: &Path, report: &mut Report<'_>) -> Result<String> {
    Ok(identity(path, &Shards::open(path)?, report)?.1)
}

/// Size and SHA-256 of all that makes a model.
fn identity(path: &Path, shards: &Shards, report: &mut Report<'_>) -> Result<(u64, String)> {
    let mut paths = vec![path.join(CONFIG_FILE)];
    paths.extend(shards.paths().map(Path::to_owned));
    let mut total = 0;
    for path in &paths {
        total += fs::metadata(path).map_err(ExportError::io("read", path))?.len();
    }
    let (mut digest, mut done) = (Sha256::new(), 0);
    for path in &paths {
        let item = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        feed(path, Some(&mut digest), &mut |bytes| {
            done += bytes;
            report(Progress { stage: Stage::Hash, item: &item, done, total, bytes: done });
        })?;
    }
    Ok((total, hex(digest)))
}

impl Source for WeightsFolder {
    fn path(&self) -> &Path {
        &self.path
    }

    fn count(&self) -> usize {
        self.tensors().count()
    }

    fn shown(&self, name: &str) -> String {
        to_transformers(name, self.shape.post_norms).unwrap_or_else(|| name.to_owned())
    }

    fn find(&self, name: &str) -> Option<Found> {
        if name == FACTORS {
            let columns = self.factors()?.len();
            return Some(Found { rows: 1, columns, kind: TensorKind::F32 });
        }
        let place = self.place(name)?;
        let (rows, columns) = match place.shape.as_slice() {
            [columns] => (1, *columns),
            [rows, columns] => (*rows, *columns),
            _ => return None,
        };
        Some(Found { rows, columns, kind: kind(place.dtype)? })
    }

    fn read(&self, name: &str) -> Result<TensorData> {
        let floats =
            |values: &[f32]| TensorData::new(TensorKind::F32, values.len(), crate::onnx::float_bytes(values));
        if let Some(factors) = self.factors().filter(|_| name == FACTORS) {
            return Ok(floats(&factors));
        }
        let place = self.place(name).ok_or_else(|| self.error(name, "is missing".to_owned()))?;
        let data = self.rows(place)?;
        if !self.is_less_one(name) {
            return Ok(data);
        }
        let mut values = vec![0.0; data.columns()];
        data.row(0, &mut values);
        values.iter_mut().for_each(|value| *value += 1.0);
        Ok(floats(&values))
    }

    fn unread(&self, read: &HashSet<String>) -> Option<String> {
        let is_read =
            |name: &str| to_gguf(name, self.shape.post_norms).is_some_and(|name| read.contains(&name));
        self.tensors().map(|(name, _)| name).find(|name| !is_read(name)).map(str::to_owned)
    }
}

/// The same type under GGUF's name.
fn kind(dtype: Dtype) -> Option<TensorKind> {
    match dtype {
        Dtype::F32 => Some(TensorKind::F32),
        Dtype::F16 => Some(TensorKind::F16),
        Dtype::BF16 => Some(TensorKind::BF16),
        _ => None,
    }
}
