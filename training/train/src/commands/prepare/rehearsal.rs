//! What the base can do already, for its set. In: the recipe. Out: its own replies, as examples. The base is opened as the bot would open it.

use anyhow::Context;
use loquat::config::Config;
use loquat::parts::{cache, models, runtime};
use loquat::progress::Screen;
use loquat_prepare::rehearsal::{questions, rehearse};
use loquat_prepare::{Example, settings};

use crate::model;
use crate::recipe::Recipe;

/// The replies of the recipe's base.
pub(super) fn examples(
    recipe: &Recipe,
    config: &Config,
    settings: &settings::Rehearsal,
    tasks: &tokio::runtime::Runtime,
    screen: &Screen,
) -> anyhow::Result<Vec<Example>> {
    let questions = questions(settings, recipe.prepare.bad_lines)?;
    let mut config = config.clone();
    let model = model::named(&recipe.base, &config);
    let model = model.context(
        "the base cannot be asked for `[prepare.rehearsal]`; name a model of the bot's config or a GGUF file as `base`, or leave the table out",
    )?;
    config.models = [("base".to_owned(), model)].into();
    let cache = cache(&config)?;
    let opened = models(&config, &runtime(&config, &cache, screen)?, &cache, screen)?;
    let model = opened.first().context("the base is not open")?;
    let mut progress = |done: usize, of: usize| {
        screen.show("asking the base what it can do already", done as u64, Some(of as u64), false);
    };
    let folder = recipe.set_folder();
    std::fs::create_dir_all(&folder).with_context(|| format!("{} cannot be made", folder.display()))?;
    let kept = folder.join("rehearsed.jsonl");
    let made = rehearse(model.as_ref(), &questions, settings, recipe.seed, &kept, &mut progress);
    let examples = tasks.block_on(made)?;
    screen.clear();
    let cut = examples.iter().filter(|example| example.unfinished).count();
    screen.say(&format!(
        "{} replies of the base, {cut} of them cut off at {} tokens",
        examples.len(),
        settings.tokens
    ));
    Ok(examples)
}
