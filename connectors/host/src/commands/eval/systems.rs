//! The bots that are measured. In: the config, the modes, and what was named on the command line. Out: dialogues, each opened when its
//! turn comes, so that one set of models is in memory at a time.

use std::sync::Arc;

use anyhow::bail;
use loquat_contract::{Dialogue, Knowledge, LanguageModel, Policy};
use loquat_eval::{Alone, Mode, NoModel, System};
use loquat_inference::{OnnxModel, Runtime};
use sha2::{Digest, Sha256};

use crate::cli::{EvalCommand, ModeName};
use crate::config::{Config, Loaded};
use crate::parts::{cache, embedders, engine, models, runtime, sampling, with_models_in_use};
use crate::progress::Screen;

/// The config as it is, or with another model or adapter.
pub(super) struct Variant {
    /// What is added to a mode's name; empty for the config as it is.
    name: String,
    config: Config,
    has_models: bool,
}

/// One column of the comparison.
pub(super) struct Plan {
    /// Its name.
    pub(super) name: String,
    /// How it answers.
    pub(super) mode: Mode,
    /// Which variant.
    pub(super) variant: usize,
}

impl Plan {
    /// What tells it from the same name with other models, adapters or sampling.
    pub(super) fn identity(&self, variants: &[Variant]) -> String {
        let Variant { config, has_models, .. } = &variants[self.variant];
        let models: Vec<String> =
            config.models.iter().map(|(name, model)| format!("{name} {model:?}")).collect();
        let models = if *has_models { fingerprint(&models.join("\n")) } else { "no model".to_owned() };
        let names: Vec<&str> =
            if *has_models { config.models.keys().map(String::as_str).collect() } else { Vec::new() };
        format!("{}: {} ({models})", self.name, names.join(", ")).replace(":  (no model)", ": no model")
    }
}

/// The config as it is, then with each model and adapter that was named.
///
/// # Errors
/// When the config has no such model or adapter, or a model is to be measured and there is none.
pub(super) fn variants(loaded: &Loaded, command: &EvalCommand) -> anyhow::Result<Vec<Variant>> {
    let config = &with_models_in_use(&loaded.config)?;
    if command.no_model && command.mode.contains(&ModeName::Model) {
        bail!("there is no model to measure alone; take `model` out of `--mode`, or `--no-model` away");
    }
    let mut variants =
        vec![Variant { name: String::new(), config: config.clone(), has_models: !command.no_model }];
    for name in &command.models {
        let Some(model) = config.models.get(name) else {
            let known: Vec<&str> = config.models.keys().map(String::as_str).collect();
            bail!("the config has no model `{name}`; it has {}", known.join(", "));
        };
        let mut config = config.clone();
        config.models = [(name.clone(), model.clone())].into();
        variants.push(Variant { name: format!(", model {name}"), config, has_models: true });
    }
    for name in &command.adapters {
        let mut config = config.clone();
        let mut is_known = false;
        for model in config.models.values_mut().filter(|model| model.adapters.contains_key(name)) {
            model.adapter = Some(name.clone());
            is_known = true;
        }
        if !is_known {
            bail!("no model of the config has an adapter `{name}`; name its file in `models.NAME.adapters`");
        }
        variants.push(Variant { name: format!(", adapter {name}"), config, has_models: true });
    }
    Ok(variants)
}

/// Each mode of each variant.
pub(super) fn plans(variants: &[Variant], command: &EvalCommand) -> Vec<Plan> {
    let mut plans: Vec<Plan> = Vec::new();
    for (place, variant) in variants.iter().enumerate() {
        for mode in command.mode.iter().map(|mode| Mode::from(*mode)) {
            let name = format!("{}{}", mode.name(), variant.name);
            if !plans.iter().any(|plan| plan.name == name) {
                plans.push(Plan { name, mode, variant: place });
            }
        }
    }
    plans
}

/// What of the config, beside graph and models, changes replies.
pub(super) fn settings(config: &Config, command: &EvalCommand) -> String {
    let bot = &config.bot;
    let languages: Vec<&str> = bot.languages.iter().map(loquat_contract::Language::as_str).collect();
    let hidden = if command.hide_answers { ", facts hidden" } else { "" };
    format!(
        "{}, {}, temperature {}, seed {}, persona {}, embeddings {:?}{hidden}",
        bot.name,
        languages.join("+"),
        bot.temperature,
        bot.seed,
        fingerprint(&bot.persona),
        config.graph.embeddings,
    )
}

fn fingerprint(text: &str) -> String {
    Sha256::digest(text).iter().take(6).map(|byte| format!("{byte:02x}")).collect()
}

/// The models that are open.
#[derive(Default)]
pub(super) struct Opened {
    runtime: Option<Runtime>,
    /// Of which variant, by its name.
    variant: Option<String>,
    models: Vec<Arc<OnnxModel>>,
}

impl Opened {
    /// The system of a plan, with its models opened.
    pub(super) fn system(
        &mut self,
        plan: &Plan,
        variant: &Variant,
        knowledge: &Arc<dyn Knowledge>,
        screen: &Screen,
    ) -> anyhow::Result<System> {
        if variant.has_models && self.variant.as_ref() != Some(&variant.name) {
            let cache = cache(&variant.config)?;
            // What was open is closed first: two sets of models need not fit.
            self.models.clear();
            if self.runtime.is_none() {
                self.runtime = Some(runtime(&variant.config, &cache, screen)?);
            }
            if let Some(runtime) = &self.runtime {
                self.models = models(&variant.config, runtime, &cache, screen)?;
            }
            self.variant = Some(variant.name.clone());
        }
        let mut speakers: Vec<Arc<dyn LanguageModel>> =
            self.models.iter().map(|model| model.clone() as Arc<dyn LanguageModel>).collect();
        if !variant.has_models {
            speakers = vec![Arc::new(NoModel::default())];
        }
        let mut config = variant.config.clone();
        let dialogue: Arc<dyn Dialogue> = match plan.mode {
            Mode::Model => Arc::new(Alone::new(speakers, sampling(&config))),
            Mode::Facts | Mode::Verified => {
                config.bot.policy = if plan.mode == Mode::Facts { Policy::Open } else { Policy::Strict };
                let embedders = embedders(&config, &cache(&config)?, screen)?;
                engine(&config, &embedders, knowledge.clone(), speakers)?
            }
        };
        Ok(System {
            name: plan.name.clone(),
            mode: plan.mode,
            bot: config.bot.name,
            dialogue,
            knowledge: knowledge.clone(),
        })
    }
}
