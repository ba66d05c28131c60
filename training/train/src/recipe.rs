//! A recipe: one TOML file that all commands take. In: the file, and what the command line sets over it. Out: a checked [`Recipe`] with
//! absolute paths. Starts nothing.

mod ensemble;
mod eval;
mod export;
mod load;
mod prepare;
mod run;
mod sample;
mod soup;
mod tune;

use std::path::{Component, Path, PathBuf};

use serde::{Deserialize, Serialize};

pub use ensemble::EnsembleRecipe;
pub use eval::{EvalRecipe, TargetsRecipe};
pub use export::{ExportRecipe, ToleranceRecipe};
pub use prepare::PrepareRecipe;
pub use run::{Device, Method, Precision, RunRecipe};
pub use sample::sample;
pub use soup::{SoupMethod, SoupRecipe};
pub use tune::{Search, TuneRecipe, WHOLE};

/// What is made of what, and how.
#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Recipe {
    /// Names the outputs.
    pub name: String,
    /// The model to begin with: a model of the bot's config by name, else a GGUF file or a weights folder.
    pub base: String,
    /// The bot whose models, graph, persona and prompts are used. Default: `loquat.toml` where the command is started, else Loquat's built-in
    /// one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub bot: Option<PathBuf>,
    /// The folder of everything that is made.
    pub output: PathBuf,
    /// Seed of all that is drawn. Default: 1.
    #[serde(default = "one")]
    pub seed: u64,
    /// What is learnt from.
    #[serde(default)]
    pub prepare: PrepareRecipe,
    /// How the model is trained.
    #[serde(default)]
    pub run: RunRecipe,
    /// Which ONNX folders are made.
    #[serde(default)]
    pub export: ExportRecipe,
    /// Which settings are tried.
    #[serde(default)]
    pub tune: TuneRecipe,
    /// Which weights are averaged.
    #[serde(default)]
    pub soup: SoupRecipe,
    /// Which models answer together.
    #[serde(default)]
    pub ensemble: EnsembleRecipe,
    /// What is measured of which models.
    #[serde(default)]
    pub eval: EvalRecipe,
}

impl Recipe {
    /// Where the training set is.
    pub fn set_folder(&self) -> PathBuf {
        self.output.join("set")
    }

    /// Where the weights folder lies that is made of a GGUF base.
    pub fn base_folder(&self) -> PathBuf {
        self.output.join("base")
    }

    /// Where the run keeps its checkpoints, its best weights and its numbers.
    pub fn run_folder(&self) -> PathBuf {
        self.output.join("run")
    }

    /// Where a search keeps its trials.
    pub fn tune_folder(&self) -> PathBuf {
        self.output.join("tune")
    }

    /// Where averaged weights are.
    pub fn soup_folder(&self) -> PathBuf {
        self.output.join("soup")
    }

    /// Where ONNX folders are.
    pub fn export_folder(&self) -> PathBuf {
        self.output.join("export")
    }

    /// Where reports of how good it is are.
    pub fn eval_folder(&self) -> PathBuf {
        self.output.join("eval")
    }

    /// The recipe as a file.
    ///
    /// # Errors
    /// When a value has no form in TOML.
    pub fn to_toml(&self) -> Result<String, toml::ser::Error> {
        toml::to_string_pretty(self)
    }

    /// Makes paths absolute, as seen from the recipe's folder.
    fn resolve(&mut self, folder: &Path) {
        self.output = seen_from(folder, &self.output);
        self.bot.iter_mut().for_each(|path| *path = seen_from(folder, path));
        // Else it is a name of the bot's config.
        let base = seen_from(folder, Path::new(&self.base));
        if base.exists() {
            self.base = base.to_string_lossy().into_owned();
        }
        prepare::resolve(&mut self.prepare, folder);
        self.run.resolve(folder);
        self.export.resolve(folder);
        self.soup.resolve(folder);
        self.ensemble.resolve(folder);
        self.eval.resolve(folder);
    }
}

/// A path as seen from a folder, without `..` where what these lead through is there: links up to the last `..` are followed, as the system does, and links
/// after it keep their names.
fn seen_from(folder: &Path, path: &Path) -> PathBuf {
    let path = folder.join(path);
    let parts: Vec<Component<'_>> = path.components().collect();
    let Some(up) = parts.iter().rposition(|part| *part == Component::ParentDir) else { return path };
    let (detour, rest) = parts.split_at(up + 1);
    match detour.iter().collect::<PathBuf>().canonicalize() {
        Ok(mut real) => {
            real.extend(rest);
            real
        }
        Err(_) => path,
    }
}

fn one() -> u64 {
    1
}
