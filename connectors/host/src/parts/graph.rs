//! The config's graph files → an open graph. In: sources and the store's folder. Out: the graph, built when it is missing or its sources
//! changed. A graph is built beside the old one and takes its place when it is whole.

use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::sync::atomic::AtomicBool;

use anyhow::{Context, bail};
use loquat_kg::{Graph, ImportOptions};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use super::Places;
use super::import::{ImportSettings, import, report_bad_lines};
use crate::config::{Loaded, Origin};
use crate::progress::Screen;

/// The graph of the built-in sample.
const BUILTIN_GRAPH: (&str, &str) = ("world.ttl", include_str!("../../../../examples/world/world.ttl"));

/// What a store was built from; kept beside it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Built {
    /// The config's files.
    sources: Vec<SourceFile>,
    /// Files that `loquat kg import` added.
    imported: Vec<Imported>,
}

/// A file that was added by hand.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(untagged)]
enum Imported {
    /// Without any flags.
    Plain(PathBuf),
    /// With flags.
    With { path: PathBuf, settings: Box<ImportSettings> },
}

impl Imported {
    fn new(path: PathBuf, settings: ImportSettings) -> Self {
        if settings == ImportSettings::default() {
            Self::Plain(path)
        } else {
            Self::With { path, settings: Box::new(settings) }
        }
    }

    fn path(&self) -> &Path {
        match self {
            Self::Plain(path) | Self::With { path, .. } => path,
        }
    }

    fn settings(&self) -> ImportSettings {
        match self {
            Self::Plain(_) => ImportSettings::default(),
            Self::With { settings, .. } => (**settings).clone(),
        }
    }
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct SourceFile {
    path: PathBuf,
    sha256: String,
}

/// Opens the graph; builds it first when it is missing or the config's files are not those it was built from.
///
/// # Errors
/// When a source or the store cannot be read or written, or another process has the store.
pub fn graph(loaded: &Loaded, places: &Places, screen: &Screen) -> anyhow::Result<Graph> {
    let store = &places.graph;
    let wanted = wanted(loaded)?;
    // Held until the graph is open: two first starts do not build over each other.
    let _building = lock(store)?;
    let built = Built::read(store)?;
    let mut former = None;
    if Graph::exists(store) {
        let graph = Graph::open(store)?;
        if built.sources == wanted {
            return Ok(graph);
        }
        // Opening it has shown that no other process has it; this one keeps it until the new one has its edits.
        former = Some(graph);
    }
    build(loaded, store, Built { sources: wanted, imported: built.imported }, former, screen)?;
    Ok(Graph::open(store)?)
}

/// The lock under which a store is opened or built; one process holds it, others wait.
fn lock(store: &Path) -> anyhow::Result<File> {
    let parent = store.parent().unwrap_or(Path::new("."));
    fs::create_dir_all(parent).with_context(|| format!("{} cannot be made", parent.display()))?;
    let path = beside(store, "lock");
    let lock = File::create(&path).with_context(|| format!("{} cannot be written", path.display()))?;
    lock.lock().with_context(|| format!("{} cannot be locked", path.display()))?;
    Ok(lock)
}

/// Opens the graph for `loquat kg import`.
///
/// # Errors
/// As [`graph`].
pub fn open_for_import(loaded: &Loaded, screen: &Screen) -> anyhow::Result<(Graph, PathBuf)> {
    let places = Places::of(&loaded.config)?;
    Ok((graph(loaded, &places, screen)?, places.graph))
}

/// Notes a file that was added by hand, so that the graph still has it when it is built anew.
///
/// # Errors
/// When the note cannot be written.
pub fn remember_import(store: &Path, file: &Path, settings: &ImportSettings) -> anyhow::Result<()> {
    let mut built = Built::read(store)?;
    let file = Imported::new(std::path::absolute(file)?, settings.absolute()?);
    if !built.imported.contains(&file) {
        // The last import of a file is what the graph has of it.
        built.imported.retain(|known| known.path() != file.path());
        built.imported.push(file);
        built.write(store)?;
    }
    Ok(())
}

/// Where the bad lines of a store's files go.
pub fn quarantine(store: &Path) -> PathBuf {
    beside(store, "quarantine")
}

/// The config's files with their hashes.
fn wanted(loaded: &Loaded) -> anyhow::Result<Vec<SourceFile>> {
    if loaded.origin == Origin::Builtin && loaded.config.graph.sources == [Path::new(BUILTIN_GRAPH.0)] {
        let sha256 = hex(Sha256::digest(BUILTIN_GRAPH.1));
        return Ok(vec![SourceFile { path: PathBuf::from(BUILTIN_GRAPH.0), sha256 }]);
    }
    let file = |path: &PathBuf| {
        let missing = || format!("the graph file {} cannot be read; correct `graph.sources`", path.display());
        let mut hash = Sha256::new();
        std::io::copy(&mut File::open(path).with_context(missing)?, &mut Hashing(&mut hash))
            .with_context(missing)?;
        Ok(SourceFile { path: path.clone(), sha256: hex(hash.finalize()) })
    };
    loaded.config.graph.sources.iter().map(file).collect()
}

/// Builds the store beside its place, with the edits of the one that is there, and moves it there.
fn build(
    loaded: &Loaded,
    store: &Path,
    built: Built,
    former: Option<Graph>,
    screen: &Screen,
) -> anyhow::Result<()> {
    let parent = store.parent().unwrap_or(Path::new("."));
    let building = tempfile::Builder::new().prefix(".graph-").tempdir_in(parent)?;
    let fresh = building.path().join("graph");
    {
        let graph = Graph::open(&fresh)?;
        let (quarantine, never) = (quarantine(store), AtomicBool::new(false));
        let plain = ImportOptions { quarantine: Some(quarantine.clone()), ..ImportOptions::default() };
        for source in &built.sources {
            let unpacked;
            let path = if loaded.origin == Origin::Builtin && source.path == Path::new(BUILTIN_GRAPH.0) {
                unpacked = building.path().join(BUILTIN_GRAPH.0);
                fs::write(&unpacked, BUILTIN_GRAPH.1)?;
                &unpacked
            } else {
                &source.path
            };
            report_bad_lines(path, &import(&graph, path, &plain, &never, screen)?, screen);
        }
        for imported in &built.imported {
            let path = imported.path();
            if path.exists() {
                let options = imported.settings().options(quarantine.clone())?;
                import(&graph, path, &options, &never, screen)?;
            } else {
                let note = "was imported by hand and is gone; its facts are not in the graph any more";
                screen.say(&format!("warning: {} {note}", path.display()));
            }
        }
        if let Some(former) = &former {
            graph.adopt_edits(former)?;
        }
    }
    drop(former);
    if store.exists() {
        fs::rename(store, building.path().join("old"))
            .with_context(|| format!("{} cannot be moved", store.display()))?;
    }
    fs::rename(&fresh, store).with_context(|| format!("{} cannot be written", store.display()))?;
    built.write(store)
}

impl Built {
    fn read(store: &Path) -> anyhow::Result<Self> {
        let path = beside(store, "sources.json");
        match fs::read(&path) {
            Ok(bytes) => Ok(serde_json::from_slice(&bytes).unwrap_or_else(|error| {
                let path = path.display();
                tracing::warn!(%path, %error, "not understood; the graph is built anew, without files added by hand");
                Self::default()
            })),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(Self::default()),
            Err(error) => bail!("{} cannot be read: {error}", path.display()),
        }
    }

    fn write(&self, store: &Path) -> anyhow::Result<()> {
        let path = beside(store, "sources.json");
        let parent = path.parent().unwrap_or(Path::new("."));
        let mut file = tempfile::NamedTempFile::new_in(parent)?;
        serde_json::to_writer_pretty(&mut file, self)?;
        file.as_file().sync_all()?;
        file.persist(&path).with_context(|| format!("{} cannot be written", path.display()))?;
        Ok(())
    }
}

/// A file beside the store, named after it.
fn beside(store: &Path, suffix: &str) -> PathBuf {
    let mut name = store.file_name().unwrap_or_default().to_owned();
    name.push(".");
    name.push(suffix);
    store.with_file_name(name)
}

/// Writes into a hash.
struct Hashing<'a>(&'a mut Sha256);

impl std::io::Write for Hashing<'_> {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.update(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

fn hex(digest: impl AsRef<[u8]>) -> String {
    digest.as_ref().iter().map(|byte| format!("{byte:02x}")).collect()
}
