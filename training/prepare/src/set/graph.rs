//! The bot, asked. In: question sets, the graph, and the bot. Out: cases, with what became of each question. Each is kept on disk
//! as soon as it is known.

use std::collections::{BTreeMap, HashMap};
use std::path::Path;
use std::sync::Arc;

use futures::{FutureExt, StreamExt};
use loquat_contract::{BoxFuture, EntityId, Knowledge, Language};

use super::Progress;
use crate::asker::{Asker, Fate, depends_on};
use crate::bot::Bot;
use crate::case::Case;
use crate::dice::digest;
use crate::error::PrepareError;
use crate::kept::{Kept, Outcome};
use crate::question::{Question, balanced, from_graph};
use crate::settings::Graph;
use crate::wordings::Wordings;

/// So many questions are asked again before what is kept is gone on with.
const PROBED: usize = 5;

/// The file of what was asked.
const ASKED: &str = "asked.jsonl";

/// A task that asks one question.
type Asking = BoxFuture<'static, Result<Box<dyn std::any::Any + Send>, PrepareError>>;

/// Runs a task: on a thread of a runtime, or, as [`here`] does, where it is awaited.
pub type Spawn<'a> = &'a (dyn Fn(Asking) -> Asking + Send + Sync);

/// Runs tasks where they are awaited, one after another.
pub fn here(task: Asking) -> Asking {
    task
}

/// The bot, its graph, and what to ask.
pub struct GraphSource {
    /// The bot, under the policy `strict`.
    pub bot: Bot,
    /// What it answers from.
    pub knowledge: Arc<dyn Knowledge>,
    /// Its languages.
    pub languages: Vec<Language>,
    /// How people ask and answer.
    pub wordings: Wordings,
    /// The questions of the recipe's sets.
    pub questions: Vec<Question>,
    /// Entities from which questions are made, in the graph's order.
    pub entities: Vec<EntityId>,
    /// What the bot, the graph and the program are: another one's answers are not gone on with.
    pub identity: String,
    /// So many questions are asked at a time, where tasks run on threads.
    pub parallel: usize,
}

/// What came of it.
pub(super) struct Made {
    pub(super) cases: Vec<Case>,
    pub(super) fates: BTreeMap<Fate, usize>,
    pub(super) refusals: BTreeMap<String, String>,
    pub(super) wordings: Wordings,
}

/// So many entities are looked at for each question that is made of one.
const CANDIDATES: usize = 4;

/// Asks everything that was not asked yet.
pub(super) async fn cases(
    settings: &Graph,
    seed: u64,
    source: GraphSource,
    folder: &Path,
    spawn: Spawn<'_>,
    progress: Progress<'_>,
) -> Result<Made, PrepareError> {
    let by_group = |question: &Question| (question.group.clone().unwrap_or_default(), question.key());
    let mut questions = balanced(source.questions, settings.asked, seed, by_group);
    let key = |entity: &EntityId| (String::new(), entity.to_string());
    let wanted = settings.generated.saturating_mul(CANDIDATES);
    if wanted > 0 {
        let entities = balanced(source.entities, wanted, seed, key);
        let (graph, wordings) = (source.knowledge.as_ref(), &source.wordings);
        questions.extend(
            from_graph(graph, &entities, wordings, &source.languages, settings.generated, seed).await?,
        );
    }
    let mut places: HashMap<String, usize> = HashMap::new();
    questions.retain(|question| places.insert(question.key(), places.len()).is_none());
    if questions.is_empty() {
        let reason = "the graph has no fact that can be asked for; name `questions` in `[prepare.graph]`";
        return Err(PrepareError::Nothing { reason: reason.to_owned() });
    }
    // Each outcome stands for itself: with other questions beside it, it may be told other wrong values and beginnings, as good as its own.
    let made_of = format!("{} {seed} {} {:?}", source.identity, depends_on(settings), source.wordings);
    let mut kept = Kept::open(&folder.join(ASKED), &format!("{:016x}", digest(0, "made of", &made_of)))?;
    let asker = Asker::new(source.bot, source.knowledge, source.wordings, settings.clone(), seed, &questions);
    let asker = Arc::new(asker);
    if !are_still_so(&asker, &questions, &kept).await? {
        return Err(PrepareError::Stale { path: folder.join(ASKED) });
    }
    let mut refusals = BTreeMap::new();
    refuse(&asker, source.languages.iter(), &mut refusals).await?;
    let total = questions.len();
    let open: Vec<Question> =
        questions.iter().filter(|question| !kept.known.contains_key(question)).cloned().collect();
    let mut done = total - open.len();
    progress("asking the bot", done, total);
    let tasks = open.into_iter().map(|question| {
        let asker = asker.clone();
        let task = async move {
            let (fate, cases) = asker.cases(&question).await?;
            let outcome = Outcome { question, fate, cases };
            Ok(Box::new(outcome) as Box<dyn std::any::Any + Send>)
        };
        spawn(task.boxed())
    });
    let mut outcomes = futures::stream::iter(tasks).buffered(source.parallel.max(1));
    while let Some(outcome) = outcomes.next().await {
        if let Ok(outcome) = outcome?.downcast::<Outcome>() {
            kept.keep(*outcome)?;
        }
        done += 1;
        progress("asking the bot", done, total);
    }
    drop(outcomes);
    let cases_of = |question: &Question| kept.known.get(question).map(|outcome| &outcome.cases);
    let met = questions.iter().filter_map(cases_of).flatten().map(|case| &case.language);
    refuse(&asker, met, &mut refusals).await?;
    let mut fates: BTreeMap<Fate, usize> = BTreeMap::new();
    let mut cases = Vec::new();
    for question in &questions {
        if let Some(outcome) = kept.known.remove(question) {
            *fates.entry(outcome.fate).or_default() += 1;
            cases.extend(outcome.cases);
        }
    }
    Ok(Made { cases, fates, refusals, wordings: asker.wordings.clone() })
}

/// Whether some of what is kept comes out the same when it is asked again. Prompts, templates and the verifier are the engine's own: another
/// version of it may have others.
async fn are_still_so(asker: &Asker, questions: &[Question], kept: &Kept) -> Result<bool, PrepareError> {
    let known = questions.iter().filter_map(|question| Some((question, kept.known.get(question)?)));
    for (question, outcome) in known.filter(|(_, outcome)| outcome.fate == Fate::Kept).take(PROBED) {
        let (fate, cases) = asker.cases(question).await?;
        if fate != outcome.fate || cases.first() != outcome.cases.first() {
            return Ok(false);
        }
    }
    Ok(true)
}

/// Learns what is said in these languages where nothing is known, where the set is to have such examples.
async fn refuse<'a>(
    asker: &Asker,
    languages: impl Iterator<Item = &'a Language>,
    refusals: &mut BTreeMap<String, String>,
) -> Result<(), PrepareError> {
    if asker.settings.shares.missing == 0.0 {
        return Ok(());
    }
    for language in languages {
        let primary = language.primary();
        if refusals.contains_key(primary) {
            continue;
        }
        let Some(refusal) = asker.refusal(language).await? else {
            let problem = format!(
                "has no line in the language {primary}, and the bot said none when it was asked what means nothing; give one, such as \
                 {{ {primary} = \"…\" }}, or set `prepare.graph.shares.missing` to 0"
            );
            return Err(PrepareError::Settings { key: "prepare.graph.refusal".to_owned(), problem });
        };
        refusals.insert(primary.to_owned(), refusal);
    }
    Ok(())
}
