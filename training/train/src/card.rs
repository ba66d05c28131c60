//! The model card of an export. In: the recipe, how far the export is from the trainer, what the run and the evaluation left. Out: Markdown; cards that
//! are there get the numbers of a later evaluation. Measures nothing.

use std::fmt::Write as _;
use std::path::Path;

use loquat_eval::Comparison;
use loquat_export::{Card, Difference, Manifest, Table, evaluate_card};
use serde_json::Value;

use crate::recipe::Recipe;

/// The title of what `loquat-train eval` measured.
const EVALUATION: &str = "Evaluation";

/// The card of a folder whose logits differ so from the trainer's, over that many texts.
#[must_use]
pub fn write(
    recipe: &Recipe,
    manifest: &Manifest,
    difference: &Difference,
    texts: usize,
    tolerance: f64,
) -> String {
    let (mut tables, mut missing) = (vec![parity(manifest, difference, texts, tolerance)], Vec::new());
    match &recipe.export.of {
        Some(_) => {
            missing.push(
                "the training run: `export.of` names what was not taken from the recipe's own".to_owned(),
            );
        }
        None => match training(recipe) {
            Some(table) => tables.push(table),
            None => missing.push("the training run: its metrics.jsonl is not there".to_owned()),
        },
    }
    // What the run was given, with the flags of its command.
    let followed =
        recipe.export.of.is_none().then(|| Recipe::load(&recipe.run_folder().join("recipe.toml"), &[]));
    if let Some(Err(error)) = &followed {
        missing.push(format!(
            "the settings of the run: its recipe cannot be read ({}); those below are what `export` was given",
            error.to_string().replace(&recipe.output.display().to_string(), "OUTPUT")
        ));
    }
    let followed = followed.and_then(Result::ok);
    let mut measured = None;
    if manifest.adapters {
        // `eval` has no column of such a folder: it measures the adapter, with the base that the bot has.
        missing.push(
            "how good the answers are with the adapter: `loquat-train eval` tells in OUTPUT/eval/comparison.md".to_owned(),
        );
    } else {
        let kept = std::fs::read(recipe.eval_folder().join("comparison.json")).ok();
        let kept = kept.and_then(|text| serde_json::from_slice::<Comparison>(&text).ok());
        measured = kept.and_then(|comparison| evaluation(&comparison, &manifest.model_sha256));
        measured.get_or_insert_with(|| Table {
            title: EVALUATION.to_owned(),
            note: "Not measured yet: `loquat-train eval` says here how good the answers are.".to_owned(),
            ..Table::default()
        });
    }
    let licence = recipe.export.licence.clone();
    if licence.is_none() {
        missing.push("the licence: none was given; that of the base and of the data hold".to_owned());
    }
    let set = recipe.run.set.clone().unwrap_or_else(|| recipe.set_folder());
    let about = recipe.export.data.clone().unwrap_or_else(|| "nothing was recorded of its origin".to_owned());
    let data = vec![(name(&set), format!("{about}{}", parts(&set)))];
    Card {
        name: recipe.name.clone(),
        base: name(Path::new(&recipe.base)),
        licence,
        languages: recipe.export.languages.clone(),
        data,
        tables,
        evaluation: measured,
        missing,
        recipe: shown(recipe, followed),
    }
    .markdown(manifest)
}

/// Puts what was measured into the cards of folders, as far as these lie in that of the exports and are still what was measured: what lies elsewhere
/// is not written to. Gives a line for each card.
pub fn evaluate<'a>(
    exports: &Path,
    folders: impl IntoIterator<Item = &'a Path>,
    comparison: &Comparison,
) -> Vec<String> {
    let is_export = |folder: &&Path| {
        let real = [*folder, exports].map(Path::canonicalize);
        matches!(real, [Ok(folder), Ok(exports)] if folder.is_dir() && folder.starts_with(&exports))
    };
    folders.into_iter().filter(is_export).filter_map(|folder| evaluated(folder, comparison)).collect()
}

/// The same for one folder; none where it is one that adapters are for.
fn evaluated(folder: &Path, comparison: &Comparison) -> Option<String> {
    let left = |why: &str| format!("the card of {} is left as it is: {why}", folder.display());
    let manifest = match Manifest::read(folder) {
        Ok(manifest) => manifest.filter(|manifest| !manifest.adapters)?,
        Err(error) => return Some(left(&error.to_string())),
    };
    let Some(table) = evaluation(comparison, &manifest.model_sha256) else {
        return Some(left("its model is not the one that was measured"));
    };
    Some(match evaluate_card(folder, &table) {
        Ok(true) => format!("the card of {} has these numbers", folder.display()),
        Ok(false) => left("it has no part for an evaluation, as a new export would have"),
        Err(error) => format!("the card of {} could not be given these numbers: {error}", folder.display()),
    })
}

/// The recipe, with the settings that the run followed, where they are known; without the folders of the machine that it was followed on, without the names that
/// were taken out of what people said, and without what an evaluation was given, of which its own part tells.
fn shown(recipe: &Recipe, followed: Option<Recipe>) -> String {
    let mut recipe = recipe.clone();
    if let Some(followed) = followed {
        recipe.run = followed.run;
    }
    let prepare = &mut recipe.prepare;
    prepare.clean.words.clear();
    prepare.clean.keep.clear();
    let of_graph = prepare.graph.iter_mut().flat_map(|graph| [&mut graph.questions, &mut graph.wordings]);
    let of_base = prepare.rehearsal.iter_mut().map(|rehearsal| &mut rehearsal.questions);
    let of_set = of_graph.chain(of_base).chain([&mut prepare.dialogues.files, &mut prepare.text.files]);
    of_set
        .chain([&mut recipe.soup.of, &mut recipe.ensemble.models])
        .flatten()
        .for_each(|path| *path = name(path).into());
    recipe.base = name(Path::new(&recipe.base));
    let paths =
        [Some(&mut recipe.output), recipe.bot.as_mut(), recipe.run.set.as_mut(), recipe.export.of.as_mut()];
    paths.into_iter().flatten().for_each(|path| *path = name(path).into());
    let Ok(mut table) = toml::Table::try_from(&recipe) else { return String::new() };
    table.remove("eval");
    toml::to_string_pretty(&table).unwrap_or_default()
}

/// The last part of a path: cards are read elsewhere.
fn name(path: &Path) -> String {
    path.file_name().unwrap_or(path.as_os_str()).to_string_lossy().into_owned()
}

/// How many examples each part of a set has.
fn parts(set: &Path) -> String {
    let count = |part: &str| {
        let text = std::fs::read_to_string(set.join(format!("{part}.jsonl"))).ok()?;
        Some(format!("{} {part}", text.lines().filter(|line| !line.trim().is_empty()).count()))
    };
    let parts = ["train", "dev", "test"].into_iter().filter_map(count).collect::<Vec<_>>();
    if parts.is_empty() { String::new() } else { format!(" (examples: {})", parts.join(", ")) }
}

fn parity(manifest: &Manifest, difference: &Difference, texts: usize, tolerance: f64) -> Table {
    let [found, reference] = difference.perplexities();
    let row = |cells: [String; 2]| cells.to_vec();
    Table {
        title: "Against the trainer".to_owned(),
        note: format!(
            "The folder in ONNX Runtime, as {}, and the trainer in 32-bit floats, at {} tokens of {texts} texts of the set.",
            manifest.quantisation, difference.places
        ),
        columns: vec!["measure".to_owned(), "value".to_owned()],
        rows: vec![
            row([
                "largest difference of a logit, over the root mean square of the trainer's".to_owned(),
                format!("{:.2e} (accepted: {tolerance:e})", difference.relative()),
            ]),
            row([
                "the likeliest next token is the trainer's".to_owned(),
                format!("{:.2} %", 100.0 * difference.share_same()),
            ]),
            row(["perplexity, here and in the trainer".to_owned(), format!("{found:.4}, {reference:.4}")]),
        ],
    }
}

/// What the run's own file says: of the steps and evaluations that it has, the last.
fn training(recipe: &Recipe) -> Option<Table> {
    let text = std::fs::read_to_string(recipe.run_folder().join("metrics.jsonl")).ok()?;
    let lines = text.lines().filter_map(|line| serde_json::from_str::<Value>(line).ok()).collect::<Vec<_>>();
    let mut rows = Vec::new();
    let last =
        |pointer: &str| lines.iter().rev().find_map(|line| line.pointer(pointer).and_then(Value::as_f64));
    let best = lines.iter().filter_map(|line| line.pointer("/eval/perplexity").and_then(Value::as_f64));
    let best = best.min_by(f64::total_cmp);
    for (name, value, digits) in [
        ("steps", last("/step"), 0),
        ("loss of the last step", last("/loss"), 4),
        ("best perplexity on dev.jsonl", best, 4),
        ("tokens a second, last", last("/tokens_per_second"), 0),
    ] {
        rows.extend(value.map(|value| vec![name.to_owned(), format!("{value:.digits$}")]));
    }
    (!rows.is_empty()).then(|| Table {
        title: "Training".to_owned(),
        note: "From the run's metrics.jsonl.".to_owned(),
        columns: vec!["measure".to_owned(), "value".to_owned()],
        rows,
    })
}

/// What `loquat-train eval` measured of this very model, beside the base; none where it measured others.
fn evaluation(comparison: &Comparison, model_sha256: &str) -> Option<Table> {
    let mut comparison = comparison.clone();
    // Its columns are called by the beginning of their hashes.
    let is_it = format!("({}…)", model_sha256.get(..12)?);
    let own = comparison.models.iter().skip(1).position(|model| model.ends_with(&is_it))? + 1;
    let both = |at: usize| at == 0 || at == own;
    let mut at = 0..;
    comparison.models.retain(|_| at.next().is_some_and(both));
    for row in &mut comparison.rows {
        let mut at = 0..;
        row.numbers.retain(|_| at.next().is_some_and(both));
    }
    let table = comparison.table();
    let cells = |line: &str| {
        let inner = line.trim().trim_start_matches('|').trim_end_matches('|');
        inner.split('|').map(|cell| cell.trim().to_owned()).collect::<Vec<_>>()
    };
    let mut lines = table.lines();
    let columns = cells(lines.next()?);
    let rows = lines.skip(1).filter(|line| line.starts_with('|')).map(cells).collect();
    let mut note = "Through the bot's engine, beside the base.".to_owned();
    for row in comparison.rows.iter().filter(|row| !row.about.is_empty()) {
        let _infallible = write!(note, " {}: {}", row.name, row.about);
    }
    for one in &comparison.notes {
        let _infallible = write!(note, " {one}.");
    }
    Some(Table { title: EVALUATION.to_owned(), note, columns, rows })
}

#[cfg(test)]
mod tests {
    use std::path::PathBuf;

    use loquat_eval::MeasureRow;

    use super::*;

    #[test]
    fn an_evaluation_of_other_models_is_none_of_this_one() {
        let hash = |digit: &str| digit.repeat(64);
        let column = |name: &str, digit: &str| format!("{name} ({}…)", &hash(digit)[..12]);
        let comparison = Comparison {
            models: vec![column("base", "a"), column("fp32", "b"), column("int8", "c")],
            rows: vec![MeasureRow {
                name: "own words".to_owned(),
                about: "asked are 7 questions.".to_owned(),
                numbers: vec![None, None, None],
                target: None,
            }],
            notes: Vec::new(),
        };
        let table = evaluation(&comparison, &hash("c")).unwrap();
        assert!(table.columns.contains(&column("base", "a")) && table.columns.contains(&column("int8", "c")));
        assert!(!table.columns.contains(&column("fp32", "b")), "{:?}", table.columns);
        assert!(table.note.contains("asked are 7 questions"), "{}", table.note);
        assert!(table.rows.iter().all(|row| row.len() == table.columns.len()), "{:?}", table.rows);
        // What was trained since, and the base itself, have no numbers there.
        assert!(
            evaluation(&comparison, &hash("d")).is_none() && evaluation(&comparison, &hash("a")).is_none()
        );
    }

    /// A folder as `export` leaves it, of a model with that hash.
    fn export(folder: &Path, recipe: &Recipe, model_sha256: &str, adapters: bool) {
        let manifest: Manifest = serde_json::from_value(serde_json::json!({
            "export_version": 2, "quantisation": "int8", "kv_cache": "shared", "model_sha256": model_sha256, "adapters": adapters,
            "source": { "file": "best", "bytes": 3, "sha256": "cd34" }, "files": [],
        }))
        .unwrap();
        std::fs::create_dir_all(folder).unwrap();
        std::fs::write(folder.join("loquat.json"), serde_json::to_string(&manifest).unwrap()).unwrap();
        let card = write(recipe, &manifest, &Difference::default(), 1, 0.5);
        std::fs::write(folder.join(loquat_export::CARD_FILE), card).unwrap();
    }

    #[test]
    fn cards_of_exports_get_what_is_measured_later_and_others_do_not() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("recipe.toml");
        std::fs::write(&path, "name = \"x\"\nbase = \"smollm2\"\noutput = \"out\"\n").unwrap();
        let recipe = Recipe::load(&path, &[]).unwrap();
        let exports = recipe.export_folder();
        let hash = |digit: &str| digit.repeat(64);
        let places = [("int8", "b"), ("fp16", "c"), ("base/int8", "b"), ("../elsewhere", "b")];
        let folders = places.map(|(place, _)| exports.join(place));
        for (folder, (place, digit)) in folders.iter().zip(places) {
            export(folder, &recipe, &hash(digit), place.starts_with("base"));
        }
        let comparison = Comparison {
            models: ["a", "b"].map(|digit| format!("{digit} ({}…)", &hash(digit)[..12])).to_vec(),
            rows: vec![MeasureRow {
                name: "own words".to_owned(),
                about: String::new(),
                numbers: vec![None, None],
                target: None,
            }],
            notes: Vec::new(),
        };
        let told = evaluate(&exports, folders.iter().map(PathBuf::as_path), &comparison);
        assert_eq!(told.len(), 2, "{told:?}");
        assert!(told[0].contains("int8 has these numbers"), "{told:?}");
        assert!(told[1].contains("not the one that was measured"), "{told:?}");
        let cards = folders.map(|folder| std::fs::read_to_string(folder.join("README.md")).unwrap());
        assert!(cards[0].contains("| own words |") && !cards[0].contains("Not measured yet"), "{}", cards[0]);
        assert!(cards[1].contains("Not measured yet") && cards[3].contains("Not measured yet"));
        assert!(!cards[2].contains("## Evaluation") && cards[2].contains("with the adapter"), "{}", cards[2]);
        // The next export of the same model has them from the start.
        std::fs::create_dir_all(recipe.eval_folder()).unwrap();
        let kept = serde_json::to_string(&comparison).unwrap();
        std::fs::write(recipe.eval_folder().join("comparison.json"), kept).unwrap();
        export(&exports.join("int8"), &recipe, &hash("b"), false);
        assert_eq!(std::fs::read_to_string(exports.join("int8/README.md")).unwrap(), cards[0]);
        // One that has no part for it is told.
        std::fs::write(exports.join("int8/README.md"), "# mine\n").unwrap();
        let told = evaluate(&exports, [exports.join("int8").as_path()], &comparison);
        assert!(told[0].contains("left as it is: it has no part"), "{told:?}");
    }
}
