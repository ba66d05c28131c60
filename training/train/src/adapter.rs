//! What an adapter was trained on, in a note beside it. In: an adapter's folder, the weights that it is to be used with. Out: whether it is of
//! these, and how it was made. Adapters of others have no note, and are taken as they are.

use std::fs;
use std::io::ErrorKind;
use std::path::Path;

use anyhow::{Context, bail};
use loquat_finetune::LoraOptions;
use serde::{Deserialize, Serialize};

/// The file beside `adapter_config.json`.
pub const NOTE: &str = "base.json";

/// What an adapter was trained on, and how.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct TrainedOn {
    /// What the recipe called it, for people.
    pub base: String,
    /// Its identity: that of [`loquat_export::weights_sha256`].
    pub model_sha256: String,
    /// How the adapter was made.
    pub lora: LoraOptions,
}

impl TrainedOn {
    /// The note of an adapter's folder; none where it has none.
    ///
    /// # Errors
    /// When it cannot be read.
    pub fn read(adapter: &Path) -> anyhow::Result<Option<Self>> {
        let path = adapter.join(NOTE);
        let unread = || {
            format!(
                "{} cannot be read; remove it where the adapter is known to be of this base",
                path.display()
            )
        };
        match fs::read(&path) {
            Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
            bytes => serde_json::from_slice(&bytes.with_context(unread)?).with_context(unread).map(Some),
        }
    }

    /// Refuses other weights than those that it was trained on: what it adds to them would mean nothing.
    ///
    /// # Errors
    /// When they are others.
    pub fn check(&self, adapter: &Path, base: &Path, model_sha256: &str) -> anyhow::Result<()> {
        if self.model_sha256 == model_sha256 {
            return Ok(());
        }
        let short = |hash: &str| hash.get(..12).unwrap_or(hash).to_owned();
        bail!(
            "{} was trained on {} ({}…), and the base is now {} ({}…); set `base` to what it was, or train again",
            adapter.display(),
            self.base,
            short(&self.model_sha256),
            base.display(),
            short(model_sha256)
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_adapter_is_of_its_base_alone() {
        let folder = tempfile::tempdir().unwrap();
        assert_eq!(TrainedOn::read(folder.path()).unwrap(), None);
        let note =
            TrainedOn { base: "tiny".to_owned(), model_sha256: "a".repeat(64), lora: LoraOptions::default() };
        fs::write(folder.path().join(NOTE), serde_json::to_string(&note).unwrap()).unwrap();
        let read = TrainedOn::read(folder.path()).unwrap().unwrap();
        assert_eq!(read, note);
        read.check(folder.path(), Path::new("base"), &"a".repeat(64)).unwrap();
        let told = read.check(folder.path(), Path::new("base"), &"b".repeat(64)).unwrap_err().to_string();
        assert!(told.contains("trained on tiny (aaaaaaaaaaaa…)") && told.contains("`base`"), "{told}");
        fs::write(folder.path().join(NOTE), "{").unwrap();
        assert!(TrainedOn::read(folder.path()).unwrap_err().to_string().contains("base.json"));
    }
}
