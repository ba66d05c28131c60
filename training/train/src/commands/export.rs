//! `loquat-train export`. In: a recipe, and what its run has learnt. Out: ONNX folders with model cards, each compared with the trainer before
//! it is put in place; an adapter for ONNX Runtime.

mod check;
mod origin;

use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::Context;
use loquat::parts::{cache, runtime};
use loquat::progress::Screen;
use loquat_export::{
    CARD_FILE, Candidate, ExportOptions, Progress, Quantisation, import_lora, weights_to_onnx_checked,
};

use crate::base;
use crate::card;
use crate::cli::RecipeArgs;
use crate::recipe::Recipe;
use check::{Compared, Trainer};
use origin::Origin;

/// Where the bases of adapters lie, below the folder of exports.
const BASES: &str = "base";

/// Exports what the recipe says.
///
/// # Errors
/// When there is nothing to export, a folder cannot be written, or one differs from the trainer by more than its tolerance: that one is then
/// not put in place.
pub fn run(args: &RecipeArgs) -> anyhow::Result<ExitCode> {
    let recipe = Recipe::load(&args.recipe, &args.overrides)?;
    let screen = Screen::default();
    // What is compared comes first: a set that is missing is found sooner than weights are read.
    let base = base::weights(&recipe, &screen)?;
    let texts = check::texts(&recipe, &base)?;
    let origin =
        Origin::find(&recipe, &base, &mut |progress| show(&screen, "merging the adapter", progress))?;
    let loaded = base::bot(&recipe)?;
    let cache = cache(&loaded.config)?;
    let onnxruntime = runtime(&loaded.config, &cache, &screen)?;
    screen.clear();
    let mut trainer = Trainer::open(recipe.run.threads, &base, &origin)?;

    let work = Work { recipe: &recipe, screen: &screen, onnxruntime: &onnxruntime, texts: &texts };
    let folder = recipe.export_folder();
    let mut made = Vec::new();
    for &form in &recipe.export.forms {
        let options = ExportOptions { quantisation: form, adapters: false };
        let target = folder.join(form.to_string());
        made.push(work.export(&origin.weights, &target, options, None, &mut trainer)?);
    }
    let adapter = origin.adapter.as_deref().filter(|_| recipe.export.adapter);
    if let Some(adapter) = adapter {
        for &form in &recipe.export.forms {
            let options = ExportOptions { quantisation: form, adapters: true };
            let target = folder.join(BASES).join(form.to_string());
            made.push(work.export(&base, &target, options, Some(adapter), &mut trainer)?);
            // The same for every form but fp16; also where the bot's own copy of the base can take it.
            if form != Quantisation::Fp16 {
                let name = adapter_name(&recipe);
                copy(&target.join(&name), &folder.join(&name))?;
            }
        }
    } else if recipe.export.adapter {
        screen
            .say("no adapter was trained, so `export.adapter` does nothing: all of the weights have learnt");
    }
    screen.clear();
    writeln!(anstream::stdout(), "{}", table(&made))?;
    screen.say(&format!("next: loquat-train eval {}", args.again()));
    screen.say(&format!("then, in the bot: loquat model use NAME {}", made[0].folder.display()));
    Ok(ExitCode::SUCCESS)
}

/// A folder that is in place.
struct Made {
    folder: PathBuf,
    form: String,
    compared: Compared,
    bytes: u64,
}

struct Work<'a> {
    recipe: &'a Recipe,
    screen: &'a Screen,
    onnxruntime: &'a loquat_inference::Runtime,
    texts: &'a [Vec<u32>],
}

impl Work<'_> {
    /// Writes a folder, with an adapter for it where there is one, compares it with the trainer, and puts it in place with its card.
    fn export(
        &self,
        weights: &Path,
        target: &Path,
        options: ExportOptions,
        adapter: Option<&Path>,
        trainer: &mut Trainer,
    ) -> anyhow::Result<Made> {
        let mut compared = None;
        let form = options.quantisation;
        let name = target.display().to_string();
        let tolerance = self.recipe.export.tolerance.of(form);
        let check = &mut |candidate: Candidate<'_>| {
            let file = adapter.map(|source| {
                let file = candidate.folder.join(adapter_name(self.recipe));
                import_lora(source, candidate.folder, &file).map(|_| file)
            });
            let file = file.transpose()?;
            self.screen.show(&format!("comparing {form} with the trainer"), 0, None, false);
            let onnx = check::open(self.onnxruntime, candidate.folder, file.as_deref(), &self.recipe.run)?;
            let found = trainer.compare(onnx, self.texts)?;
            check::accept(&found, tolerance, form)?;
            let card =
                card::write(self.recipe, candidate.manifest, &found.difference, found.texts, tolerance);
            std::fs::write(candidate.folder.join(CARD_FILE), card)?;
            compared = Some(found);
            Ok(())
        };
        let report = &mut |progress: Progress<'_>| show(self.screen, &format!("writing {form}"), progress);
        let manifest = weights_to_onnx_checked(weights, target, options, check, report)?;
        self.screen.clear();
        let compared = compared.with_context(|| format!("{name} was not compared"))?;
        let with = if adapter.is_some() { " with an adapter" } else { "" };
        self.screen.say(&format!("{name}: {}", compared.words()));
        let bytes = manifest.files.iter().map(|file| file.bytes).sum();
        Ok(Made { folder: target.to_owned(), form: format!("{form}{with}"), compared, bytes })
    }
}

/// The adapter's file.
fn adapter_name(recipe: &Recipe) -> String {
    format!("{}.onnx_adapter", recipe.name)
}

fn copy(from: &Path, to: &Path) -> anyhow::Result<()> {
    let partial = to.with_extension("partial");
    std::fs::copy(from, &partial)
        .and_then(|_| std::fs::rename(&partial, to))
        .with_context(|| format!("{} cannot be written", to.display()))
}

fn show(screen: &Screen, task: &str, progress: Progress<'_>) {
    screen.show(task, progress.done, Some(progress.total), false);
}

/// What was made, as Markdown.
fn table(made: &[Made]) -> String {
    let mut text =
        "| form | MB | largest difference / rms | same likeliest token | perplexity (trainer) | folder |\n\
                    |---|---:|---:|---:|---:|---|\n"
            .to_owned();
    for one in made {
        let [found, reference] = one.compared.difference.perplexities();
        text.push_str(&format!(
            "| {} | {:.0} | {:.2e} | {:.2} % | {found:.4} ({reference:.4}) | {} |\n",
            one.form,
            one.bytes as f64 / 1e6,
            one.compared.difference.relative(),
            100.0 * one.compared.difference.share_same(),
            one.folder.display(),
        ));
    }
    text
}
