//! Which models a bot uses in place of its config's own. In: what an operator wants. Out: a small file beside the journal that outlives the
//! process, and the config's model with what is used instead. Opens no model.

use std::collections::BTreeMap;
use std::io::Write;
use std::path::{Path, PathBuf};

use anyhow::{Context, bail};
use loquat_contract::{ModelIdentity, Timestamp};
use serde::de::IgnoredAny;
use serde::{Deserialize, Serialize};

use super::model::Source;

/// So many uses of a model can be gone back through.
const REMEMBERED: usize = 16;
/// The name under which an adapter goes that is put in place of the config's.
const ADAPTER: &str = "in use";

/// What an operator wants of a model.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize)]
pub struct ModelRequest {
    /// The model's name in the config.
    pub model: String,
    /// What is to become of it.
    pub change: Change,
}

/// What is to become of a model.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Change {
    /// This folder takes its place.
    Folder(PathBuf),
    /// It writes with this adapter of ONNX Runtime's.
    Adapter(PathBuf),
    /// What was used before is used again.
    Rollback,
    /// The config's own is used again.
    Reset,
}

/// Something that was used from some time on. Without `path` and `adapter` it is the config's own.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize, Serialize)]
#[serde(default, deny_unknown_fields)]
pub struct Use {
    /// The model folder, in place of the config's.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub path: Option<PathBuf>,
    /// The adapter, in place of the config's.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub adapter: Option<PathBuf>,
    /// What was found there when it was taken up; `None` where nobody has looked.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub model: Option<ModelIdentity>,
    /// When it was taken up.
    pub since: Timestamp,
}

/// The uses of one of the config's models.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize, Serialize)]
#[serde(from = "Written")]
pub struct History {
    /// What was put in its place, the oldest first; the last is in use.
    pub uses: Vec<Use>,
}

/// A history as any version has written it.
#[derive(Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
struct Written {
    uses: Vec<Use>,
    /// The config's own model, which earlier versions kept here.
    #[serde(rename = "own")]
    _own: IgnoredAny,
}

impl From<Written> for History {
    fn from(written: Written) -> Self {
        Self { uses: written.uses }
    }
}

/// The models that are used in place of the config's own, by the names that the config has for them.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize, Serialize)]
#[serde(transparent)]
pub struct Uses(pub BTreeMap<String, History>);

impl Use {
    /// Whether it is the config's own.
    pub(crate) fn is_own(&self) -> bool {
        self.path.is_none() && self.adapter.is_none()
    }

    /// The config's model with this in its place.
    pub(crate) fn applied(&self, source: &Source) -> Source {
        let mut applied = source.clone();
        if let Some(path) = &self.path {
            applied.config.path = Some(path.clone());
            // They were made for the model whose place it takes.
            applied.config.adapters.clear();
            applied.config.adapter = None;
            applied.config.ensemble.clear();
        }
        if let Some(adapter) = &self.adapter {
            applied.config.adapters.insert(ADAPTER.to_owned(), adapter.clone());
            applied.config.adapter = Some(ADAPTER.to_owned());
        }
        applied
    }

    /// The files that it needs and that are not there.
    pub fn missing(&self) -> Vec<&Path> {
        let needed = [self.path.as_deref(), self.adapter.as_deref()];
        needed.into_iter().flatten().filter(|path| !path.exists()).collect()
    }

    /// Where it lies, in words.
    pub fn place(&self) -> String {
        let shown = |path: &PathBuf| path.display().to_string();
        match (&self.path, &self.adapter) {
            (None, None) => "the config's own".to_owned(),
            (Some(path), None) => shown(path),
            (None, Some(adapter)) => format!("the config's own, with {}", shown(adapter)),
            (Some(path), Some(adapter)) => format!("{}, with {}", shown(path), shown(adapter)),
        }
    }
}

impl History {
    /// What is in use; `None` where it has always been the config's own.
    pub fn current(&self) -> Option<&Use> {
        self.uses.last()
    }

    /// What was in use before; the config's own at first.
    pub fn before(&self) -> Option<Use> {
        let place = self.uses.len().checked_sub(1)?;
        Some(self.at(place))
    }

    /// What was in use after so many changes.
    fn at(&self, changes: usize) -> Use {
        changes.checked_sub(1).and_then(|last| self.uses.get(last)).cloned().unwrap_or_default()
    }

    /// The history once a change has happened.
    ///
    /// # Errors
    /// When there is nothing to go back to.
    pub(crate) fn after(&self, name: &str, change: &Change) -> anyhow::Result<Self> {
        let mut next = self.clone();
        let current = self.at(self.uses.len());
        let since = Timestamp::now();
        match change {
            Change::Folder(path) => next.uses.push(Use { path: Some(path.clone()), since, ..Use::default() }),
            Change::Adapter(adapter) => {
                next.uses.push(Use { path: current.path, adapter: Some(adapter.clone()), model: None, since })
            }
            Change::Reset if current.is_own() => bail!("model `{name}` is the config's own already"),
            Change::Reset => next.uses.push(Use { since, ..Use::default() }),
            Change::Rollback if next.uses.pop().is_none() => bail!(
                "there is nothing to go back to: model `{name}` is the config's own, and nothing else was put in its place"
            ),
            Change::Rollback => {}
        }
        let surplus = next.uses.len().saturating_sub(REMEMBERED);
        if surplus > 0 {
            // What comes before the first is the config's own, which can be gone back to in any case.
            next.uses.drain(..surplus);
        }
        Ok(next)
    }

    /// What is in use once a change has happened.
    pub(crate) fn in_use(&self) -> Use {
        self.at(self.uses.len())
    }
}

impl Uses {
    /// What the file says; nothing where there is none.
    ///
    /// # Errors
    /// When it cannot be read.
    pub fn read(file: &Path) -> anyhow::Result<Self> {
        match std::fs::read(file) {
            Ok(bytes) => serde_json::from_slice(&bytes).with_context(|| {
                format!(
                    "{} is damaged, or of another version of Loquat; remove it, and the config's own models are used again",
                    file.display()
                )
            }),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(Self::default()),
            Err(error) => Err(error).with_context(|| format!("{} cannot be read", file.display())),
        }
    }

    /// Writes the file; whenever the process ends, either what it said before is there or what it says now.
    ///
    /// # Errors
    /// When it cannot be written; it is then as before.
    pub fn write(&self, file: &Path) -> anyhow::Result<()> {
        let folder = file.parent().unwrap_or(Path::new("."));
        let written = || -> std::io::Result<()> {
            std::fs::create_dir_all(folder)?;
            let mut beside = beside().tempfile_in(folder)?;
            beside.write_all(&serde_json::to_vec_pretty(self)?)?;
            beside.as_file().sync_all()?;
            beside.persist(file)?;
            Ok(())
        };
        written().with_context(|| format!("{} cannot be written", file.display()))?;
        // The name too is on disk only once its folder is. No failure: whoever reads it now has the new one.
        if let Err(error) = sync_folder(folder) {
            tracing::warn!(folder = %folder.display(), %error, "a power cut now may bring back the model that was used before");
        }
        Ok(())
    }

    /// The uses of a model.
    pub fn of(&self, name: &str) -> History {
        self.0.get(name).cloned().unwrap_or_default()
    }

    /// The config's model, with what is in use in its place; `None` where that is the config's own.
    pub(crate) fn replacing(&self, source: &Source) -> Option<Source> {
        let current = self.0.get(&source.name)?.current()?;
        (!current.is_own()).then(|| current.applied(source))
    }
}

/// A file that whoever may read the folder's other files may read too: the bot need not run as who changes its models.
fn beside() -> tempfile::Builder<'static, 'static> {
    let mut builder = tempfile::Builder::new();
    #[cfg(unix)]
    builder.permissions(std::os::unix::fs::PermissionsExt::from_mode(0o666));
    builder
}

/// Makes names in a folder durable.
fn sync_folder(folder: &Path) -> std::io::Result<()> {
    #[cfg(unix)]
    std::fs::File::open(folder)?.sync_all()?;
    #[cfg(not(unix))]
    let _ = folder;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn folder(name: &str) -> Change {
        Change::Folder(name.into())
    }

    fn after(changes: &[Change]) -> History {
        changes.iter().fold(History::default(), |history, change| history.after("m", change).unwrap())
    }

    fn places(history: &History) -> Vec<String> {
        history.uses.iter().map(Use::place).collect()
    }

    #[test]
    fn one_goes_back_step_by_step_and_no_further_than_the_config() {
        let history = after(&[folder("/a"), folder("/b"), Change::Adapter("/c".into())]);
        assert_eq!(places(&history), ["/a", "/b", "/b, with /c"]);
        assert_eq!(history.before().unwrap().place(), "/b");
        let history = after(&[folder("/a"), Change::Reset, Change::Rollback]);
        assert_eq!((places(&history), history.in_use().place()), (vec!["/a".to_owned()], "/a".to_owned()));
        let history = after(&[folder("/a"), Change::Rollback]);
        assert_eq!((history.current(), history.before()), (None, None));
        for change in [Change::Rollback, Change::Reset] {
            assert!(history.after("m", &change).is_err());
        }
        let many: Vec<Change> = (0..40).map(|n| folder(&format!("/{n}"))).collect();
        let history = after(&many);
        assert_eq!((history.uses.len(), history.in_use().place()), (REMEMBERED, "/39".to_owned()));
    }

    #[test]
    fn what_is_in_use_outlives_the_process_and_a_damaged_file_is_named() {
        let home = tempfile::tempdir().unwrap();
        let file = home.path().join("below/journal.models.json");
        assert_eq!(Uses::read(&file).unwrap(), Uses::default());
        let uses = Uses([("m".to_owned(), after(&[folder("/a")]))].into());
        uses.write(&file).unwrap();
        assert_eq!(Uses::read(&file).unwrap(), uses);
        let beside = home.path().join("below/plain");
        std::fs::write(&beside, "").unwrap();
        let mode = |path: &Path| std::fs::metadata(path).unwrap().permissions();
        assert_eq!(mode(&file), mode(&beside), "who reads the other files reads this one");
        std::fs::write(&file, "{").unwrap();
        assert!(Uses::read(&file).unwrap_err().to_string().contains("journal.models.json"));
    }

    #[test]
    fn a_file_of_an_earlier_version_is_read_without_what_is_kept_no_more() {
        let home = tempfile::tempdir().unwrap();
        let file = home.path().join("journal.models.json");
        let own = r#"{"name": "own", "sha256": "00"}"#;
        std::fs::write(
            &file,
            format!(r#"{{"m": {{"own": {own}, "uses": [{{"path": "/a", "since": 1}}]}}}}"#),
        )
        .unwrap();
        let uses = Uses::read(&file).unwrap();
        assert_eq!(uses.of("m").in_use().place(), "/a");
        uses.write(&file).unwrap();
        assert!(!std::fs::read_to_string(&file).unwrap().contains("own"));
        std::fs::write(&file, r#"{"m": {"used": []}}"#).unwrap();
        assert!(Uses::read(&file).is_err(), "what no version has written is not guessed at");
    }

    #[test]
    fn a_folder_takes_the_place_of_whatever_the_config_names_without_what_was_made_for_that() {
        let member = crate::config::Member { path: "/member".into(), weight: 1.0 };
        let config = crate::config::ModelConfig {
            builtin: Some(crate::config::BuiltinModel::SmolLm2),
            adapters: [("own".to_owned(), "/own".into())].into(),
            adapter: Some("own".to_owned()),
            ensemble: vec![member],
            ..Default::default()
        };
        let source = Source { name: "m".to_owned(), config };
        let uses = Uses([("m".to_owned(), after(&[folder("/a"), Change::Adapter("/b".into())]))].into());
        let replaced = uses.replacing(&source).unwrap().config;
        assert_eq!(replaced.path.as_deref(), Some(Path::new("/a")));
        assert_eq!(replaced.adapters[replaced.adapter.as_ref().unwrap()], Path::new("/b"));
        assert_eq!((replaced.adapters.len(), replaced.ensemble.len()), (1, 0));
        let uses = Uses([("m".to_owned(), after(&[folder("/a")]))].into());
        let replaced = uses.replacing(&source).unwrap().config;
        assert!(replaced.adapters.is_empty() && replaced.adapter.is_none() && replaced.ensemble.is_empty());
        let uses = Uses([("m".to_owned(), after(&[folder("/a"), Change::Reset]))].into());
        assert!(uses.replacing(&source).is_none());
    }
}
