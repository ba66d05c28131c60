//! One model is measured. In: the model, the bot and the material. Out: its numbers; each result is kept as soon as it is there, in a folder that
//! is of this model and this material alone.

use std::collections::HashSet;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use anyhow::Context;
use futures::StreamExt;
use loquat::config::{Config, ModelConfig};
use loquat::parts::{ModelSource, embedders, engine, folder_of, model_options, models, sampling};
use loquat::progress::Screen;
use loquat_artifacts::Cache;
use loquat_contract::{Knowledge, LanguageModel, ModelIdentity, Policy, Sampling};
use loquat_eval::{
    Answered, FirstAttempts, Mode, Perplexity, Rate, RawClaims, Record, Report, Results, RunIdentity,
    RunOptions, System, Unanswerable, ask_unanswerable, run, write_report,
};
use loquat_inference::{InferenceError, OnnxScorer, Runtime, Score};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use super::columns::Column;
use super::material::{Material, Text};
use crate::commands::lines::Lines;
use crate::recipe::Recipe;

/// The name of the one model that the bot has while it is measured.
const NAME: &str = "measured";
/// Tokens that an answer to a prompt without its facts may take: as many as a grounded sentence.
const TOKENS: usize = 128;

/// What all models are measured with.
pub(super) struct Bench<'a> {
    pub(super) recipe: &'a Recipe,
    pub(super) config: &'a Config,
    pub(super) knowledge: Arc<dyn Knowledge>,
    /// The graph and its generation, in words.
    pub(super) graph: String,
    pub(super) material: &'a Material,
    pub(super) runtime: &'a Runtime,
    pub(super) cache: &'a Cache,
    pub(super) screen: &'a Screen,
}

/// The numbers of one model.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub(in crate::commands) struct Measured {
    pub(in crate::commands) sha256: String,
    pub(in crate::commands) first: FirstAttempts,
    pub(in crate::commands) right: Rate,
    pub(in crate::commands) raw: RawClaims,
    pub(in crate::commands) refuses: Rate,
    pub(in crate::commands) general: Perplexity,
    pub(in crate::commands) domain: Perplexity,
    texts: Vec<Judged>,
}

/// A text, judged.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct Judged {
    id: String,
    is_general: bool,
    tokens: usize,
    log_probability: f64,
    /// Why it could not be judged.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    skipped: Option<String>,
}

impl Measured {
    /// Takes the perplexities of several models over the texts that all of them could judge, and gives how many could not be.
    pub(super) fn level(all: &mut [Self]) -> usize {
        let key = |text: &Judged| (text.is_general, text.id.clone());
        let skipped: HashSet<(bool, String)> =
            all.iter().flat_map(|one| &one.texts).filter(|text| text.skipped.is_some()).map(key).collect();
        for one in all {
            (one.general, one.domain) = Default::default();
            for text in one.texts.iter().filter(|text| !skipped.contains(&key(text))) {
                let sum = if text.is_general { &mut one.general } else { &mut one.domain };
                sum.add(text.tokens, text.log_probability);
            }
        }
        skipped.len()
    }
}

impl Bench<'_> {
    /// Measures a model, or goes on with it.
    pub(super) fn measure(
        &self,
        column: &Column,
        tasks: &tokio::runtime::Runtime,
    ) -> anyhow::Result<Measured> {
        let config = self.config_with(&column.model);
        let opened = models(&config, self.runtime, self.cache, self.screen)?;
        let model = opened.first().context("the model is not open")?.clone();
        let identity = model.info().identity.clone();
        let folder = self.folder(column, &identity)?;
        let records = tasks.block_on(self.ask(&column.name, &config, model.clone(), &folder))?;
        let refusals =
            tasks.block_on(self.try_unanswerable(&column.name, &config, model.as_ref(), &folder))?;
        // It is opened once more to judge texts: two of them need not fit.
        drop((opened, model));
        let texts = self.judge(&column.name, &config, &folder)?;

        let of = |mode: Mode| records.iter().filter(move |record| record.system == mode.name());
        let mut right = Rate::default();
        for is_right in of(Mode::Verified).filter_map(Record::is_right) {
            right.part += usize::from(is_right);
            right.whole += 1;
        }
        // Judged anew: what was kept may be of an earlier judge.
        let refuses = |prompt: &&Unanswerable| {
            let answered = refusals.iter().find(|answered| answered.id == prompt.id);
            answered.is_some_and(|answered| prompt.not_refusing(&answered.text).is_none())
        };
        let refused = self.material.unanswerable.iter().filter(refuses).count();
        Ok(Measured {
            sha256: identity.sha256,
            first: FirstAttempts::of(of(Mode::Verified)),
            right,
            raw: RawClaims::of(of(Mode::Facts)),
            refuses: Rate { part: refused, whole: refusals.len() },
            texts,
            ..Measured::default()
        })
    }

    /// The bot's config with this model alone.
    fn config_with(&self, model: &ModelConfig) -> Config {
        let mut config = self.config.clone();
        config.models = [(NAME.to_owned(), model.clone())].into();
        config
    }

    /// The folder of what this model did on this material, under this bot.
    fn folder(&self, column: &Column, identity: &ModelIdentity) -> anyhow::Result<PathBuf> {
        let mut hash = Sha256::new();
        let (bot, embeddings) = (&self.config.bot, &self.config.graph.embeddings);
        hash.update(format!("{}\n{bot:?}\n{embeddings:?}\n{}\n", env!("CARGO_PKG_VERSION"), self.graph));
        hash.update(format!("{}\n{:?}\n", identity.sha256, column.model));
        hash.update(format!("{:?}", self.material));
        let digest: String = hash.finalize().iter().take(6).map(|byte| format!("{byte:02x}")).collect();
        let folder = self.recipe.eval_folder().join(format!("{}-{digest}", column.name));
        std::fs::create_dir_all(&folder).with_context(|| format!("{} cannot be made", folder.display()))?;
        Ok(folder)
    }

    /// Asks the bot every question, once with verification and once without.
    async fn ask(
        &self,
        name: &str,
        config: &Config,
        model: Arc<dyn LanguageModel>,
        folder: &Path,
    ) -> anyhow::Result<Vec<Record>> {
        let items = &self.material.items;
        let sha256 = &model.identity().sha256;
        let system_of = |mode: Mode| format!("{}: {name} ({sha256})", mode.name());
        let identity = RunIdentity {
            questions: format!("{} questions", items.len()),
            systems: [Mode::Verified, Mode::Facts].map(system_of).to_vec(),
            graph: self.graph.clone(),
            settings: config.bot.name.clone(),
        };
        let mut results = Results::open(folder, &identity, true)?;
        let embedders = embedders(config, self.cache, self.screen)?;
        for mode in [Mode::Verified, Mode::Facts] {
            let mut config = config.clone();
            config.bot.policy = if mode == Mode::Facts { Policy::Open } else { Policy::Strict };
            let system = System {
                name: mode.name().to_owned(),
                mode,
                bot: config.bot.name.clone(),
                dialogue: engine(&config, &embedders, self.knowledge.clone(), vec![model.clone()])?,
                knowledge: self.knowledge.clone(),
            };
            let task = format!("{name}: asking, {}", mode.name());
            let mut progress =
                |done: usize, of: usize| self.screen.show(&task, done as u64, Some(of as u64), false);
            let options = RunOptions { parallel: self.recipe.eval.parallel };
            run(&system, items, &mut results, options, &mut progress).await?;
            self.screen.clear();
        }
        let title = format!("{} of {}", name, self.recipe.name);
        write_report(&Report::new(&title, identity, results.records()), folder)?;
        Ok(results.records().to_vec())
    }

    /// Asks the model itself each prompt whose facts do not hold the answer.
    async fn try_unanswerable(
        &self,
        name: &str,
        config: &Config,
        model: &dyn LanguageModel,
        folder: &Path,
    ) -> anyhow::Result<Vec<Answered>> {
        let mut kept: Lines<Answered> = Lines::open(&folder.join("unanswerable.jsonl"))?;
        let sampling = Sampling { max_tokens: TOKENS, ..sampling(config) };
        let prompts = &self.material.unanswerable;
        let left: Vec<_> =
            prompts.iter().filter(|prompt| kept.all.iter().all(|one| one.id != prompt.id)).collect();
        let answers = left.into_iter().map(|prompt| ask_unanswerable(model, prompt, &sampling));
        let mut answers = futures::stream::iter(answers).buffer_unordered(self.recipe.eval.parallel);
        let task = format!("{name}: asking without the facts");
        while let Some(answered) = answers.next().await {
            kept.push(answered?)?;
            self.screen.show(&task, kept.all.len() as u64, Some(prompts.len() as u64), false);
        }
        self.screen.clear();
        Ok(kept.all)
    }

    /// Judges general texts and the domain's. One that does not fit the model's context or its template is skipped.
    fn judge(&self, name: &str, config: &Config, folder: &Path) -> anyhow::Result<Vec<Judged>> {
        let mut kept: Lines<Judged> = Lines::open(&folder.join("perplexity.jsonl"))?;
        let general = self.material.general.iter().map(|text| (true, text));
        let all: Vec<(bool, &Text)> =
            general.chain(self.material.domain.iter().map(|text| (false, text))).collect();
        let is_left = |(is_general, text): &(bool, &Text)| {
            kept.all.iter().all(|one| one.id != text.id || one.is_general != *is_general)
        };
        let left: Vec<(bool, &Text)> = all.iter().copied().filter(is_left).collect();
        if !left.is_empty() {
            let model = config.models.get(NAME).context("the model is not in the config")?;
            let source = ModelSource { name: NAME.to_owned(), config: model.clone() };
            let path = folder_of(&source, self.cache, self.screen)?;
            let options = model_options(&source, config, path, self.runtime, self.cache);
            let mut scorer = OnnxScorer::open(self.runtime, &options)?;
            let task = format!("{name}: judging texts");
            for (is_general, text) in left {
                let (score, skipped) = match scorer.score(&text.chat, &text.text) {
                    Ok(score) => (score, None),
                    Err(error @ (InferenceError::ContextTooLong { .. } | InferenceError::Template(_))) => {
                        (Score::default(), Some(error.to_string()))
                    }
                    Err(error) => return Err(error).with_context(|| format!("text {}", text.id)),
                };
                let Score { tokens, log_probability } = score;
                let id = text.id.clone();
                kept.push(Judged { id, is_general, tokens, log_probability, skipped })?;
                self.screen.show(&task, kept.all.len() as u64, Some(all.len() as u64), false);
            }
            self.screen.clear();
        }
        Ok(kept.all)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn perplexity_is_of_texts_that_all_models_could_judge() {
        let text = |id: &str, is_general, tokens, log_probability, skipped: Option<&str>| Judged {
            id: id.to_owned(),
            is_general,
            tokens,
            log_probability,
            skipped: skipped.map(str::to_owned),
        };
        let of = |texts| Measured { texts, ..Measured::default() };
        let mut all = [
            of(vec![
                text("a", true, 2, -2.0, None),
                text("b", true, 9, -90.0, None),
                text("a", false, 4, -8.0, None),
            ]),
            of(vec![
                text("a", true, 2, -1.0, None),
                text("b", true, 0, 0.0, Some("too long")),
                text("a", false, 4, -4.0, None),
            ]),
        ];
        assert_eq!(Measured::level(&mut all), 1);
        let general = |one: &Measured| (one.general.texts, one.general.value().unwrap().ln());
        assert_eq!((general(&all[0]), general(&all[1])), ((1, 1.0), (1, 0.5)));
        assert_eq!((all[0].domain.texts, all[0].domain.tokens), (1, 4));
        // However often it is done.
        assert_eq!((Measured::level(&mut all), all[0].general.tokens), (1, 2));
    }
}
