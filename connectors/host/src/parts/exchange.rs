//! The models of a running bot, each of which another can take the place of. In: what an operator wants. Out: the engine answers with the
//! new model from the next message on; or all is as before, and it is said why.
//!
//! A new model is opened and tried out beside the old one. Only then the file that outlives the process is written, and only then
//! the engine gets the model: whenever the process ends, the next one has the old model or the new one. Who has begun with the old model ends with
//! it, and its memory is freed once nobody uses it. Keys and values of a model's prompts are that model's own, so none are mixed.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::{Context, bail, ensure};
use arc_swap::ArcSwap;
use futures::StreamExt;
use loquat_contract::{
    ChatMessage, GenerateRequest, Language, LanguageModel, ModelIdentity, Role, Sampling, Token,
};
use loquat_dialogue::Engine;

use super::model::Source;
use super::uses::{Change, History, ModelRequest, Use, Uses};

/// How often it is looked whether an old model is still used.
const LOOK: Duration = Duration::from_millis(100);
/// Tokens of the answer that a new model is tried out with.
const TRIAL: usize = 24;

/// Opens a model. Blocks for as long as that takes.
pub type Open = Arc<dyn Fn(&Source) -> anyhow::Result<Arc<dyn LanguageModel>> + Send + Sync>;

/// One of the config's models, and what is open for it.
#[derive(Clone)]
pub struct ModelPlace {
    /// The model as the config has it.
    pub own: Source,
    /// The name of the config's own model, also where another has its place; `None` where it cannot be told.
    pub title: Option<String>,
    /// What is open.
    pub model: Option<Arc<dyn LanguageModel>>,
    /// Whether that is the config's own because what was put in its place could not be opened.
    pub is_fallback: bool,
}

/// Which models are open, and what is known of earlier ones.
struct State {
    places: Vec<ModelPlace>,
    uses: Uses,
}

/// A model that is in use.
#[derive(Clone)]
pub struct InUse {
    /// The name that the config has for it.
    pub name: String,
    /// The model.
    pub model: Arc<dyn LanguageModel>,
    /// What is in use since when, where it is not the config's own.
    pub current: Option<Use>,
    /// What was in use before.
    pub before: Option<Use>,
    /// Names of models whose place it has taken.
    pub earlier: Vec<String>,
}

/// How models are changed, and which are in use.
pub struct Exchange {
    file: PathBuf,
    languages: Vec<Language>,
    open: Open,
    engine: Arc<Engine>,
    state: ArcSwap<State>,
    /// One change at a time.
    turn: tokio::sync::Mutex<()>,
}

impl std::fmt::Debug for Exchange {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Exchange").field("file", &self.file).finish_non_exhaustive()
    }
}

impl Exchange {
    /// The models of a bot that is opened, in the order in which `engine` has them. `file` is where `uses` were read from, and changes are
    /// kept.
    pub fn new(
        file: PathBuf,
        uses: Uses,
        languages: Vec<Language>,
        engine: Arc<Engine>,
        places: Vec<ModelPlace>,
        open: Open,
    ) -> Self {
        for place in &places {
            if let Some(model) = &place.model {
                gauge(&place.own.name, model.identity(), 1.0);
            }
        }
        let state = ArcSwap::from_pointee(State { places, uses });
        Self { file, languages, open, engine, state, turn: tokio::sync::Mutex::default() }
    }

    /// The engine that answers with these models.
    pub fn engine(&self) -> &Arc<Engine> {
        &self.engine
    }

    /// The models that are in use now, in the order of preference.
    pub fn in_use(&self) -> Vec<InUse> {
        let state = self.state.load();
        let shown = |place: &ModelPlace| {
            let history = state.uses.of(&place.own.name);
            let model = place.model.clone()?;
            let known = history.uses.iter().filter_map(|one| Some(&one.model.as_ref()?.name));
            Some(InUse {
                name: place.own.name.clone(),
                current: history.current().filter(|_| !place.is_fallback).cloned(),
                before: history.before().filter(|_| !place.is_fallback),
                earlier: known.chain(&place.title).cloned().collect(),
                model,
            })
        };
        state.places.iter().filter_map(shown).collect()
    }

    /// Does what an operator wants, and says what came of it. One change at a time; it runs to its end also where nobody waits for it.
    ///
    /// # Errors
    /// When the new model cannot be used; everything is then as before.
    pub async fn change(self: Arc<Self>, request: ModelRequest) -> anyhow::Result<String> {
        let name = request.model.clone();
        let _turn = self.turn.lock().await;
        let changed = self.changed(request).await;
        let outcome = if changed.is_ok() { "taken_up" } else { "refused" };
        metrics::counter!("loquat_model_changes_total", "name" => name.clone(), "outcome" => outcome)
            .increment(1);
        if let Err(error) = &changed {
            tracing::warn!(
                model = name,
                error = format!("{error:#}"),
                "a model was refused; the one in use stays"
            );
        }
        changed
    }

    async fn changed(&self, request: ModelRequest) -> anyhow::Result<String> {
        let begun = Instant::now();
        let state = self.state.load_full();
        let places = &state.places;
        let found = places.iter().position(|place| place.own.name == request.model);
        let Some(at) = found else {
            let known: Vec<&str> = places.iter().map(|place| place.own.name.as_str()).collect();
            bail!("the running bot has no model `{}`; it has {}", request.model, known.join(", "));
        };
        let old = places[at].model.clone();
        let identity = old.as_ref().map(|model| model.identity().clone());
        let own = &places[at].own;
        let ready = ready(&self.file, own, &request.change, &self.languages, &self.open).await?;
        let new = ready.model.identity().clone();
        let uses = match ready.keep(&self.file) {
            Ok(uses) => uses,
            Err(problem) => {
                discard(ready.model).await;
                return Err(problem);
            }
        };

        let mut next = places.clone();
        next[at].model = Some(ready.model);
        next[at].is_fallback = false;
        let speakers = next.iter().filter_map(|place| place.model.clone()).collect();
        self.engine.use_models(speakers)?;
        self.state.store(Arc::new(State { places: next, uses }));
        if let Some(identity) = &identity {
            gauge(&request.model, identity, 0.0);
        }
        gauge(&request.model, &new, 1.0);
        tracing::info!(
            model = request.model,
            change = ?request.change,
            from = identity.as_ref().map(shown),
            to = shown(&new),
            milliseconds = begun.elapsed().as_millis() as u64,
            "a model was taken up"
        );
        drop(state);
        if let Some(old) = old {
            tokio::spawn(free(old));
        }
        let before = identity.map_or_else(|| "none".to_owned(), |identity| shown(&identity));
        let seconds = begun.elapsed().as_secs_f64();
        Ok(format!(
            "model `{}` is now {}, taken up by the running bot in {seconds:.1} s; before, it was {before}{}",
            request.model,
            shown(&new),
            passed_over(&ready.passed_over)
        ))
    }
}

/// Changes what a bot that does not run will use, once the model is opened and tried out. Says what came of it.
///
/// # Errors
/// When the model cannot be used; everything is then as before.
pub async fn change_at_rest(
    file: &Path,
    own: &Source,
    change: &Change,
    languages: &[Language],
    open: Open,
) -> anyhow::Result<String> {
    let ready = ready(file, own, change, languages, &open).await?;
    let new = ready.model.identity().clone();
    let kept = ready.keep(file);
    discard(ready.model).await;
    kept?;
    let name = &own.name;
    Ok(format!(
        "model `{name}` is now {}; no bot runs here, and the next one to start takes it up{}",
        shown(&new),
        passed_over(&ready.passed_over)
    ))
}

/// A change that is not done yet: what will be in use is open, and works.
struct Ready {
    name: String,
    uses: Uses,
    next: History,
    model: Arc<dyn LanguageModel>,
    /// What was passed over on the way back, and why.
    passed_over: Vec<String>,
}

/// Another model lies where one is gone back to.
#[derive(Debug, thiserror::Error)]
#[error("another model lies there than the one that was used ({then} then, {now} now)")]
struct Replaced {
    then: String,
    now: String,
}

/// Opens and tries out what will be in use. The way back leads past what is gone or is another model now, at last to the config's own. It ends
/// at whatever else goes wrong, such as too little memory: that may pass, and what is passed over is not gone back to again.
async fn ready(
    file: &Path,
    own: &Source,
    change: &Change,
    languages: &[Language],
    open: &Open,
) -> anyhow::Result<Ready> {
    let uses = Uses::read(file)?;
    let mut next = uses.of(&own.name).after(&own.name, change)?;
    let goes_back = *change == Change::Rollback;
    let mut over = Vec::new();
    loop {
        let target = next.in_use();
        // The config may say something else by now.
        let expected = target.model.as_ref().filter(|_| goes_back && !target.is_own());
        match working(target.applied(own), expected, languages, open).await {
            Ok(model) => return Ok(Ready { name: own.name.clone(), uses, next, model, passed_over: over }),
            Err(problem) if !goes_back => return Err(problem),
            // The config's own is neither, so this ends.
            Err(problem) if !target.missing().is_empty() || problem.is::<Replaced>() => {
                over.push(format!("{} ({problem:#})", target.place()));
                next.uses.pop();
            }
            Err(problem) => {
                let (name, place) = (&own.name, target.place());
                let reset = format!(", or the config's own with `loquat model use {name} --reset`");
                return Err(problem.context(format!(
                    "the rollback stops at {place}, which cannot be used as it is{}; mend what is said next and repeat it, \
                     or name another with `loquat model use {name} PATH`{}",
                    passed_over(&over),
                    if target.is_own() { "" } else { reset.as_str() }
                )));
            }
        }
    }
}

/// What was passed over, as the end of a sentence.
fn passed_over(over: &[String]) -> String {
    over.iter().map(|one| format!("; passed over {one}")).collect()
}

impl Ready {
    /// From now on it is done, whenever this process ends.
    fn keep(&self, file: &Path) -> anyhow::Result<Uses> {
        let mut next = self.next.clone();
        if let Some(last) = next.uses.last_mut() {
            last.model = Some(self.model.identity().clone());
        }
        let mut uses = self.uses.clone();
        if next.uses.is_empty() {
            uses.0.remove(&self.name);
        } else {
            uses.0.insert(self.name.clone(), next);
        }
        uses.write(file)?;
        Ok(uses)
    }
}

/// Opens a model and tries it out. `expected` is what has to be found there.
async fn working(
    source: Source,
    expected: Option<&ModelIdentity>,
    languages: &[Language],
    open: &Open,
) -> anyhow::Result<Arc<dyn LanguageModel>> {
    let open = open.clone();
    let opened = tokio::task::spawn_blocking(move || open(&source)).await;
    let model = opened.context("the model was not opened")??;
    let found = model.identity();
    let tried = match expected {
        Some(expected) if expected.sha256 != found.sha256 => {
            Err(Replaced { then: shown(expected), now: shown(found) }.into())
        }
        _ => try_out(model.as_ref(), languages).await,
    };
    if let Err(problem) = tried {
        discard(model).await;
        return Err(problem);
    }
    Ok(model)
}

/// Frees a model where no message waits for it: its thread has to end first.
async fn discard(model: Arc<dyn LanguageModel>) {
    if let Err(error) = tokio::task::spawn_blocking(move || drop(model)).await {
        tracing::error!(%error, "a model was not freed");
    }
}

/// Has a model answer in each of the languages that it is to speak: it has to write something, and with numbers that are some. It has also
/// run once then, so that the first who asks it waits for nothing.
async fn try_out(model: &dyn LanguageModel, languages: &[Language]) -> anyhow::Result<()> {
    let spoken: Vec<&Language> = languages.iter().filter(|language| model.speaks(language)).collect();
    for language in spoken {
        let said = if language.matches(&Language::chinese()) {
            "你好，你能做什么？"
        } else {
            "Hello, what can you do?"
        };
        let request = GenerateRequest {
            messages: vec![ChatMessage::new(Role::User, said)],
            sampling: Sampling { max_tokens: TRIAL, ..Sampling::default() },
            logprobs: Some(1),
            ..GenerateRequest::default()
        };
        let failed = || format!("it was tried out in {language}, and failed");
        let (mut stream, mut text) = (model.generate(request), String::new());
        while let Some(token) = stream.next().await {
            match token.with_context(failed)? {
                Token::Text(piece) => text.push_str(&piece),
                Token::Logprob { chosen, .. } => {
                    ensure!(chosen.logprob.is_finite(), "{}: its logits are no numbers", failed());
                }
                Token::Prompt(_) | Token::Finish(_) => {}
            }
        }
        ensure!(!text.trim().is_empty(), "{}: it wrote nothing", failed());
    }
    Ok(())
}

/// Frees a model once nobody uses it.
async fn free(old: Arc<dyn LanguageModel>) {
    let begun = Instant::now();
    // Nobody can begin with it any more, so one owner means that it stays one.
    while Arc::strong_count(&old) > 1 {
        tokio::time::sleep(LOOK).await;
    }
    let what = shown(old.identity());
    discard(old).await;
    tracing::info!(model = what, milliseconds = begun.elapsed().as_millis() as u64, "the old model is freed");
}

/// 1 for the model that is in use, 0 for one that was.
fn gauge(name: &str, identity: &ModelIdentity, value: f64) {
    let labels = [("name", name.to_owned()), ("model", identity.name.clone()), ("sha256", short(identity))];
    metrics::gauge!("loquat_model_in_use", &labels).set(value);
}

fn short(identity: &ModelIdentity) -> String {
    identity.sha256.chars().take(12).collect()
}

/// A model in words.
pub(crate) fn shown(identity: &ModelIdentity) -> String {
    format!("{} (SHA-256 {}…)", identity.name, short(identity))
}

#[cfg(test)]
mod tests;
