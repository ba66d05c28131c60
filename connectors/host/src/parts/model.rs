//! A model of the config → an open one. In: a `[models.NAME]` table. Out: a folder that is fetched and converted once, and the model
//! opened from it.

use std::fs::File;
use std::path::{Path, PathBuf};

use anyhow::{Context, bail};
use loquat_artifacts::{Artifact, Cache, HubFiles, Source as ArtifactSource, catalog, ensure, path_of};
use loquat_export::{ExportOptions, Manifest, Progress, Quantisation, Stage, dequantise_onnx, gguf_to_onnx};
use loquat_inference::{Decoding, OnnxModel, OnnxModelOptions, Runtime};
use sha2::{Digest, Sha256};

use super::provider;
use crate::config::{BuiltinModel, Config, DecodingName, ModelConfig};
use crate::progress::Screen;

/// A model as the config names it.
#[derive(Clone, Debug)]
pub struct Source {
    /// Its name in the config.
    pub name: String,
    /// Its table.
    pub config: ModelConfig,
}

/// The config's models, those with languages of their own first.
///
/// # Errors
/// When one of them does not say where it comes from.
pub fn sources(config: &Config) -> anyhow::Result<Vec<Source>> {
    let mut sources: Vec<Source> = config
        .models
        .iter()
        .map(|(name, config)| Source { name: name.clone(), config: config.clone() })
        .collect();
    for source in &sources {
        let ModelConfig { path, hub, builtin, .. } = &source.config;
        if path.is_none() && hub.is_none() && builtin.is_none() {
            bail!("model `{0}` has no source; set `path`, `hub` or `builtin` in `[models.{0}]`", source.name);
        }
    }
    let preferred = |source: &Source| {
        let languages = &config.bot.languages;
        let first =
            languages.iter().position(|spoken| source.config.languages.iter().any(|own| own.matches(spoken)));
        (first.is_none(), first, source.name.clone())
    };
    sources.sort_by_key(preferred);
    Ok(sources)
}

/// Opens a model, fetching and converting what is missing.
pub(super) fn open(
    source: &Source,
    config: &Config,
    runtime: &Runtime,
    cache: &Cache,
    screen: &Screen,
) -> anyhow::Result<OnnxModel> {
    let folder = folder_of(source, cache, screen)?;
    open_unaltered(runtime, options(source, config, folder, runtime, cache))
}

/// How the config wants a model opened.
pub fn options(
    source: &Source,
    config: &Config,
    folder: PathBuf,
    runtime: &Runtime,
    cache: &Cache,
) -> OnnxModelOptions {
    let mut options = OnnxModelOptions::new(folder);
    options.providers = provider::providers(config);
    options.provider_options = provider::options(config, cache, runtime.path());
    options.threads = config.runtime.threads;
    options.spin = config.runtime.spin;
    options.languages = source.config.languages.clone();
    options.name = title_of(source);
    options.max_context = source.config.max_context_tokens;
    options.sequences = source.config.sequences;
    options.decoding = match source.config.decoding {
        DecodingName::Batched => Decoding::Batched,
        DecodingName::Speculative => Decoding::Speculative,
    };
    options.prefix_cache = source.config.prefix_cache_mb.saturating_mul(1_000_000);
    options.adapters = source.config.adapters.clone();
    options.adapter = source.config.adapter.clone();
    options.ensemble =
        source.config.ensemble.iter().map(|member| (member.path.clone(), member.weight)).collect();
    options
}

/// Opens a model; one that was converted here has to be what the conversion wrote, to the byte.
///
/// # Errors
/// When it cannot be opened, or its weights or graph have changed since.
pub(crate) fn open_unaltered(runtime: &Runtime, options: OnnxModelOptions) -> anyhow::Result<OnnxModel> {
    let folder = options.folder.clone();
    let model = OnnxModel::open(runtime, options)?;
    let found = &model.info().model_sha256;
    match Manifest::read(&folder)? {
        Some(manifest) if manifest.model_sha256 != *found => bail!(
            "the model in {} is damaged: its SHA-256 is {found}, and {} was written; remove the folder and start again",
            folder.display(),
            manifest.model_sha256
        ),
        _ => Ok(model),
    }
}

/// The name of a model that has another than its folder's.
fn title_of(source: &Source) -> Option<String> {
    let is_builtin = source.config.path.is_none() && source.config.hub.is_none();
    let title = |model| match model {
        BuiltinModel::SmolLm2 => "SmolLM2-135M-Instruct",
        BuiltinModel::MiniMind2 => "MiniMind2-Small",
    };
    source.config.builtin.filter(|_| is_builtin).map(|model| title(model).to_owned())
}

/// The name that a model has once it is open; `None` where the config names something that is no model. Opens, fetches and converts nothing.
pub(super) fn name_of(source: &Source, cache: &Cache) -> Option<String> {
    let named_by_folder = || {
        let folder = match recipe(source, cache).ok()? {
            Recipe::Folder(path) => path,
            Recipe::Fetched(artifact) => path_of(&artifact, cache),
            Recipe::Converted { target, .. } => target,
        };
        let folder = folder.canonicalize().unwrap_or(folder);
        Some(folder.file_name()?.to_string_lossy().into_owned())
    };
    title_of(source).or_else(named_by_folder)
}

/// How a model's folder comes to be.
enum Recipe {
    /// It is there, or the config is wrong.
    Folder(PathBuf),
    /// It is fetched as it is.
    Fetched(Artifact),
    /// It is converted, from a file that is there or fetched first.
    Converted { from: From, target: PathBuf, options: ExportOptions },
}

/// What is converted.
enum From {
    Gguf(PathBuf),
    FetchedGguf(Artifact),
    FetchedOnnx(Artifact),
}

fn recipe(source: &Source, cache: &Cache) -> anyhow::Result<Recipe> {
    let quantisation = Quantisation::from(source.config.quantize);
    let options = ExportOptions { quantisation, adapters: !source.config.adapters.is_empty() };
    let own = format!("set `models.{}.path` in the config to a model folder or a GGUF file", source.name);
    let target = |name: &str, options: ExportOptions| {
        let suffix = if options.adapters { "-adapters" } else { "" };
        let name = format!("{}-{}{suffix}", name.replace('/', "-"), options.quantisation);
        cache.root().join("models").join(name)
    };
    if let Some(path) = &source.config.path {
        return match path.extension() {
            Some(extension) if extension.eq_ignore_ascii_case("gguf") => Ok(Recipe::Converted {
                target: target(&fingerprint(path)?, options),
                from: From::Gguf(path.clone()),
                options,
            }),
            _ if path.is_dir() => Ok(Recipe::Folder(path.clone())),
            _ => bail!(
                "{} is neither a model folder nor a GGUF file; correct `models.{}.path`",
                path.display(),
                source.name
            ),
        };
    }
    if let Some(repo) = &source.config.hub {
        let revision = source.config.revision.clone();
        return Ok(Recipe::Fetched(Artifact {
            name: repo.clone(),
            folder: format!("hub/{}/{revision}", repo.replace('/', "--")),
            source: ArtifactSource::Hub {
                repo: repo.clone(),
                revision,
                files: HubFiles::OnnxModel { graph: source.config.graph_file.clone() },
            },
            own_copy: Some(own),
        }));
    }
    match source.config.builtin {
        Some(BuiltinModel::SmolLm2) => {
            let artifact = catalog::smollm2().with_own_copy(own);
            let target = target(&artifact.folder, options);
            Ok(Recipe::Converted { from: From::FetchedGguf(artifact), target, options })
        }
        Some(BuiltinModel::MiniMind2) => {
            if options.adapters {
                bail!("MiniMind2 takes no adapters; take `adapters` out of `[models.{}]`", source.name);
            }
            let artifact = catalog::minimind2().with_own_copy(own);
            let options = ExportOptions::from(Quantisation::Fp32);
            let target = target(&artifact.folder, options);
            Ok(Recipe::Converted { from: From::FetchedOnnx(artifact), target, options })
        }
        None => bail!("model `{}` has no source", source.name),
    }
}

/// The model's folder, where nothing has to be fetched or converted for it.
///
/// # Errors
/// When the config names something that is no model.
pub fn ready_folder(source: &Source, cache: &Cache) -> anyhow::Result<Option<PathBuf>> {
    Ok(match recipe(source, cache)? {
        Recipe::Folder(path) => Some(path),
        Recipe::Fetched(artifact) => Some(path_of(&artifact, cache)).filter(|path| path.exists()),
        Recipe::Converted { target, options, .. } => Some(target).filter(|target| is_whole(target, options)),
    })
}

/// What the model is made of, from which training can begin: a GGUF file, fetched where it has to be, or the folder that the config names.
///
/// # Errors
/// When the model is not to be had, or only as ONNX.
pub fn origin_of(source: &Source, cache: &Cache, screen: &Screen) -> anyhow::Result<PathBuf> {
    match recipe(source, cache)? {
        Recipe::Folder(path) => Ok(path),
        Recipe::Converted { from: From::Gguf(path), .. } => Ok(path),
        Recipe::Converted { from: From::FetchedGguf(artifact), .. } => Ok(ensure(&artifact, cache, screen)?),
        Recipe::Fetched(_) | Recipe::Converted { from: From::FetchedOnnx(_), .. } => bail!(
            "model `{}` is to be had as ONNX alone, from which no training can begin; name a GGUF file, or a folder with model.safetensors",
            source.name
        ),
    }
}

/// The model's folder, fetched and converted where it has to be. One process converts, others wait for it.
///
/// # Errors
/// When the model is not to be had, or what was had cannot be converted.
pub fn folder_of(source: &Source, cache: &Cache, screen: &Screen) -> anyhow::Result<PathBuf> {
    let (from, target, options) = match recipe(source, cache)? {
        Recipe::Folder(path) => return Ok(path),
        Recipe::Fetched(artifact) => return Ok(ensure(&artifact, cache, screen)?),
        Recipe::Converted { target, options, .. } if is_whole(&target, options) => {
            return Ok(target);
        }
        Recipe::Converted { from, target, options } => (from, target, options),
    };
    let parent = target.parent().unwrap_or(Path::new("."));
    std::fs::create_dir_all(parent).with_context(|| format!("{} cannot be made", parent.display()))?;
    let lock_path = parent.join(format!("{}.lock", target.file_name().unwrap_or_default().to_string_lossy()));
    let lock =
        File::create(&lock_path).with_context(|| format!("{} cannot be written", lock_path.display()))?;
    lock.lock().with_context(|| format!("{} cannot be locked", lock_path.display()))?;
    if !is_whole(&target, options) {
        let report: &mut loquat_export::Report<'_> = &mut |progress| show(screen, &progress);
        match from {
            From::Gguf(gguf) => gguf_to_onnx(&gguf, &target, options, report)?,
            From::FetchedGguf(artifact) => {
                gguf_to_onnx(&ensure(&artifact, cache, screen)?, &target, options, report)?
            }
            From::FetchedOnnx(artifact) => {
                dequantise_onnx(&ensure(&artifact, cache, screen)?, &target, report)?
            }
        };
        screen.clear();
    }
    Ok(target)
}

/// Whether a converted model is there, of this version and with every file of its size.
fn is_whole(target: &Path, options: ExportOptions) -> bool {
    let manifest = Manifest::read(target).ok().flatten();
    manifest.is_some_and(|manifest| {
        manifest.export_version == loquat_export::EXPORT_VERSION
            && manifest.quantisation == options.quantisation.to_string()
            && manifest.adapters == options.adapters
            && manifest.verify(target, false, &mut |_| ()).is_ok_and(|differing| differing.is_empty())
    })
}

/// Converts a GGUF file into a model folder.
///
/// # Errors
/// When the file is damaged or of a kind that is not known, or the folder cannot be written.
pub fn import_gguf(
    gguf: &Path,
    target: &Path,
    options: ExportOptions,
    screen: &Screen,
) -> anyhow::Result<Manifest> {
    Ok(gguf_to_onnx(gguf, target, options, &mut |progress| show(screen, &progress))?)
}

/// A name for a user's file that changes when the file does.
fn fingerprint(path: &Path) -> anyhow::Result<String> {
    let metadata = path.metadata().with_context(|| format!("{} cannot be read", path.display()))?;
    let stem = path.file_stem().unwrap_or_default().to_string_lossy();
    let mut hash = Sha256::new();
    hash.update(path.as_os_str().as_encoded_bytes());
    hash.update(metadata.len().to_le_bytes());
    if let Ok(age) = metadata.modified()?.duration_since(std::time::UNIX_EPOCH) {
        hash.update(age.as_nanos().to_le_bytes());
    }
    let digest: String = hash.finalize().iter().take(6).map(|byte| format!("{byte:02x}")).collect();
    Ok(format!("{stem}-{digest}"))
}

fn show(screen: &Screen, progress: &Progress<'_>) {
    let (task, is_bytes) = match progress.stage {
        Stage::Hash => ("reading the model", true),
        Stage::Tensors => ("converting the model to ONNX", false),
        _ => ("finishing the model", true),
    };
    screen.show(task, progress.done, Some(progress.total), is_bytes);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_model_is_named_before_it_is_open() {
        let home = tempfile::tempdir().unwrap();
        let cache = Cache::at(home.path());
        let name = |config| name_of(&Source { name: "m".to_owned(), config }, &cache);
        let builtin = ModelConfig { builtin: Some(BuiltinModel::SmolLm2), ..ModelConfig::default() };
        assert_eq!(name(builtin.clone()).as_deref(), Some("SmolLM2-135M-Instruct"));
        let folder = home.path().join("finch");
        std::fs::create_dir(&folder).unwrap();
        assert_eq!(name(ModelConfig { path: Some(folder), ..builtin.clone() }).as_deref(), Some("finch"));
        let hub = ModelConfig { hub: Some("owner/finch".to_owned()), revision: "v1".to_owned(), ..builtin };
        assert_eq!(name(hub).as_deref(), Some("v1"));
        let gone = ModelConfig { path: Some(home.path().join("gone.gguf")), ..ModelConfig::default() };
        assert_eq!(name(gone), None);
    }
}
