//! `loquat-train eval`. In: a recipe, a training set, the base and what was exported. Out: how good each is through the bot's real engine, side by
//! side, and whether a target was missed. A run that was stopped goes on.

mod columns;
mod material;
mod measured;

use std::io::Write;
use std::process::ExitCode;

use anyhow::Context;
use loquat::config::Config;
use loquat::parts::{GraphSource, Places, cache, runtime};
use loquat::progress::Screen;
use loquat_eval::{Comparison, MeasureRow, Number, Perplexity, Target};

use crate::base::bot;
use crate::card;
use crate::cli::RecipeArgs;
use crate::recipe::{Recipe, TargetsRecipe};
use columns::{columns, folders};
use material::Material;
use measured::Bench;

pub(super) use columns::Column;
pub(super) use measured::Measured;

/// A target was missed.
const MISSED: u8 = 4;

/// Measures what the recipe says.
///
/// # Errors
/// When a model, a set or the graph cannot be read, or a result cannot be kept.
pub fn run(args: &RecipeArgs) -> anyhow::Result<ExitCode> {
    let recipe = Recipe::load(&args.recipe, &args.overrides)?;
    let screen = Screen::default();
    let Compared { columns, comparison, .. } =
        measure(&recipe, &screen, |config| columns(&recipe, config), "comparison")?;
    writeln!(anstream::stdout(), "{}", comparison.table())?;
    if columns.len() == 1 {
        screen.say(&format!(
            "Only the base was measured: there is no model in {}; run `loquat-train export`, or name some in `eval.models`.",
            recipe.export_folder().display()
        ));
    }
    screen.say(&format!("the reports are in {}", recipe.eval_folder().display()));
    for told in card::evaluate(&recipe.export_folder(), folders(&columns), &comparison) {
        screen.say(&told);
    }
    let missed = comparison.missed();
    for one in &missed {
        screen.say(&format!("missed: {one}"));
    }
    Ok(if missed.is_empty() { ExitCode::SUCCESS } else { ExitCode::from(MISSED) })
}

/// Models side by side.
pub(super) struct Compared {
    pub(super) columns: Vec<Column>,
    pub(super) measured: Vec<Measured>,
    pub(super) comparison: Comparison,
}

/// Measures models, and writes the comparison under a name.
pub(super) fn measure(
    recipe: &Recipe,
    screen: &Screen,
    columns: impl FnOnce(&Config) -> anyhow::Result<Vec<Column>>,
    file: &str,
) -> anyhow::Result<Compared> {
    let loaded = bot(recipe)?;
    let config = &loaded.config;
    let columns = columns(config)?;
    let graph = GraphSource::open(&loaded, &Places::of(config)?, screen)?;
    let tasks = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    let material = tasks.block_on(Material::gather(recipe, config, &graph.knowledge()))?;
    for note in &material.notes {
        screen.say(note);
    }
    screen.say(&format!("each model gets {}, and {}", material.asked, material.untold));
    let cache = cache(config)?;
    let onnxruntime = runtime(config, &cache, screen)?;
    let bench = Bench {
        recipe,
        config,
        knowledge: graph.knowledge(),
        graph: format!("{}, generation {}", graph.summary()?, graph.knowledge().schema().generation),
        material: &material,
        runtime: &onnxruntime,
        cache: &cache,
        screen,
    };
    let mut measured = Vec::new();
    for column in &columns {
        let one = bench.measure(column, &tasks);
        measured.push(one.with_context(|| format!("{} could not be measured", column.name))?);
        // What is there so far is worth reading: a later model may take an hour.
        let comparison = compare(&columns, &mut measured, &recipe.eval.targets, &material);
        let folder = recipe.eval_folder();
        std::fs::write(folder.join(format!("{file}.json")), serde_json::to_vec_pretty(&comparison)?)?;
        std::fs::write(
            folder.join(format!("{file}.md")),
            comparison.page(&format!("Evaluation of {}", recipe.name)),
        )?;
    }
    screen.clear();
    let comparison = compare(&columns, &mut measured, &recipe.eval.targets, &material);
    Ok(Compared { columns, measured, comparison })
}

/// The table: a row for each measure.
fn compare(
    columns: &[Column],
    measured: &mut [Measured],
    targets: &TargetsRecipe,
    material: &Material,
) -> Comparison {
    let mut notes = material.notes.clone();
    let skipped = Measured::level(measured);
    if skipped > 0 {
        notes.push(format!(
            "{skipped} texts are left out of the perplexities: a model's context or chat template does not take them"
        ));
    }
    let measured = &*measured;
    let models = columns
        .iter()
        .zip(measured)
        .map(|(column, one)| format!("{} ({}…)", column.label, one.sha256.get(..12).unwrap_or(&one.sha256)));
    let row = |name: &str,
               about: String,
               target: Option<Target>,
               number: &dyn Fn(&Measured) -> Option<Number>| MeasureRow {
        name: name.to_owned(),
        about,
        numbers: measured.iter().map(number).collect(),
        target,
    };
    let rate = |rate| Some(Number::Rate(rate));
    let at_least = |target: Option<f64>| target.map(Target::AtLeast);
    let at_most = |target: Option<f64>| target.map(Target::AtMost);
    let perplexity = |own: fn(&Measured) -> &Perplexity, one: &Measured| {
        let value = own(one).value()?;
        let first = measured.first().and_then(|first| own(first).value());
        let is_first = measured.first().is_some_and(|first| std::ptr::eq(first, one));
        let rise = first.filter(|_| !is_first).map(|first| value / first - 1.0);
        Some(Number::Perplexity { value, rise })
    };
    let count = |own: fn(&Measured) -> &Perplexity| measured.first().map_or(0, |first| own(first).texts);
    let (asked, untold) = (&material.asked, &material.untold);
    let rows = vec![
        row(
            "grounded answer right in the model's own words, at the first attempt",
            format!(
                "asked are {asked}. Counted are those that the bot answers from facts and has its model word. Right is a reply with an accepted answer \
                 of which every sentence is what the model wrote at once and the verifier let pass; what was written again, or filled into a template, is not."
            ),
            at_least(targets.own_words),
            &|one| rate(one.first.own),
        ),
        row(
            "questions answered right, by the whole engine",
            format!("{asked}. Right is a reply with an accepted answer, in whoever's words."),
            None,
            &|one| rate(one.right),
        ),
        row(
            "unsupported claims before verification",
            format!(
                "the sentences that claim something in the replies to the same questions ({asked}), written with the facts in the prompt and \
                 sent as they are; a refusal claims nothing. Unsupported is what the verifier finds in no fact."
            ),
            at_most(targets.unsupported),
            &|one| rate(one.raw.unsupported),
        ),
        row(
            "replies with such a claim",
            "the same, counted by replies that claim something.".to_owned(),
            None,
            &|one| rate(one.raw.replies),
        ),
        row("refuses although the fact is there", "the same replies.".to_owned(), None, &|one| {
            rate(one.raw.refused)
        }),
        row(
            "refuses when the fact is missing",
            format!(
                "{untold}; none of their facts is the answer. The model alone is asked. It refuses where it says that it does not know, and gives no answer \
                 beside that."
            ),
            at_least(targets.refuses),
            &|one| rate(one.refuses),
        ),
        row(
            "general texts, perplexity",
            format!(
                "{} texts that are not of the domain, of the reply where there is one: how surprised the model is by them. What it has forgotten \
                 shows as a rise over the base.",
                count(|one| &one.general)
            ),
            at_most(targets.general_rise),
            &|one| perplexity(|one| &one.general, one),
        ),
        row(
            "the domain's dev part, perplexity",
            format!(
                "{} examples of dev.jsonl, of the reply where there is one; less is better.",
                count(|one| &one.domain)
            ),
            None,
            &|one| perplexity(|one| &one.domain, one),
        ),
    ];
    Comparison { models: models.collect(), rows, notes }
}
