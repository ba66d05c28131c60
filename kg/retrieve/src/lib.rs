//! Retrieval: the facts worth citing for a question. In: a question, a graph, perhaps an embedder. Out: ranked facts with the path
//! of relations that led to them, and what can be computed of them. Knows the graph by its contract alone, and no model.
//!
//! [`Retriever`] serves any graph:
//!
//! 1. The question is linked; each name may be the *topic*. What is left of the question are words that may say a relation
//!    (`question`), compared with every name of every relation (`phrases`), in words and, with an embedder, in meaning.
//! 2. From each topic, paths of up to three relations are walked in both directions (`search`) and scored as a whole (`features`).
//! 3. How the answer is put together (one value, a list, a count, …) is read from the question (`shape`) and computed from the best
//!    path's facts (`compute`).
//! 4. Facts are given group by group, as many as the token budget holds (`budget`).

mod asked;
mod budget;
mod certainty;
mod compute;
mod features;
mod lexicon;
mod meaning;
mod path;
mod phrases;
mod question;
mod search;
mod shape;
mod words;

#[cfg(test)]
mod tests;

use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};

use loquat_contract::{
    Entity, EntityId, Fact, Generation, Knowledge, KnowledgeError, Language, ModelError, Schema,
    TextEmbedder, Value,
};

pub use asked::Asked;
pub use budget::verbalise;
pub use compute::{Computed, Outcome};
pub use lexicon::Most;
pub use path::Step;
pub use shape::Shape;

use certainty::Naming;
pub use certainty::SURE;
use features::{WEIGHTS, WEIGHTS_WITH_MEANING};
use lexicon::Lexicon;
use meaning::Meaning;
use path::chain;
use phrases::PhraseIndex;
use question::Question;
use search::{Scored, Search, Topic, View};

/// Counts the tokens of a text, as the model that will read the facts does.
pub type TokenCounter = Arc<dyn Fn(&str) -> usize + Send + Sync>;

/// What to retrieve.
#[derive(Clone)]
pub struct RetrieveOptions {
    /// Relations on a path, from 1 to 3.
    pub hops: usize,
    /// The most facts.
    pub max_facts: usize,
    /// The most tokens that the facts may have as sentences.
    pub token_budget: usize,
    /// Counts tokens; without it, 4 characters are taken for one, and 1.5 in Chinese.
    pub token_counter: Option<TokenCounter>,
    /// Facts that are read of each entity that the question names, in either direction: the guard against hubs.
    pub fan_out: usize,
    /// The most entities that are read.
    pub lookups: usize,
    /// The question's language; without it, it is told by the question's words.
    pub language: Option<Language>,
}

impl Default for RetrieveOptions {
    fn default() -> Self {
        Self {
            hops: 3,
            max_facts: 64,
            token_budget: 1024,
            token_counter: None,
            fan_out: 1024,
            lookups: 1024,
            language: None,
        }
    }
}

impl fmt::Debug for RetrieveOptions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RetrieveOptions")
            .field("hops", &self.hops)
            .field("max_facts", &self.max_facts)
            .field("token_budget", &self.token_budget)
            .field("fan_out", &self.fan_out)
            .field("lookups", &self.lookups)
            .field("language", &self.language)
            .finish_non_exhaustive()
    }
}

/// Why nothing was retrieved.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum RetrieveError {
    /// The graph could not be read.
    #[error(transparent)]
    Knowledge(#[from] KnowledgeError),
    /// The embedder failed.
    #[error("the question could not be embedded; try again, or retrieve without an embedder")]
    Embedding(#[from] ModelError),
}

/// A value that a path leads to.
#[derive(Clone, Debug, PartialEq)]
pub struct Answer {
    /// The value.
    pub value: Value,
    /// The facts that lead to it, as they are walked: the last has the value.
    pub facts: Vec<Fact>,
}

/// Where one path leads.
#[derive(Clone, Debug, PartialEq)]
pub struct Group {
    /// The entity it starts from.
    pub topic: Arc<Entity>,
    /// The relations.
    pub path: Vec<Step>,
    /// For each relation, the name that the question's words were matched with.
    pub matched: Vec<Option<String>>,
    /// How likely this is the path that is asked for; all groups together have 1 at the most.
    pub score: f32,
    /// How surely the question asks for this path at all, from 0 to 1, whatever other paths there are: a graph without the answer
    /// has a best path too. What is less sure than [`SURE`] is better not answered from.
    pub certainty: f32,
    /// The values, preferred facts first.
    pub answers: Vec<Answer>,
    /// Whether a limit left some out: where this is set, `answers` is no whole list.
    pub truncated: bool,
}

impl Group {
    /// The path as text: "Heat — directed by → — directed by ←".
    pub fn reason(&self, language: &Language) -> String {
        let mut text = self.topic.label(language).to_owned();
        for step in &self.path {
            let arrow = if step.inverse { "←" } else { "→" };
            text.push_str(&format!(" — {} {arrow}", step.predicate.label(language)));
        }
        text
    }
}

/// A fact with its place in the ranking.
#[derive(Clone, Copy, Debug)]
pub struct RankedFact<'a> {
    /// The fact.
    pub fact: &'a Fact,
    /// The group that it is there for; `None` where the computed result alone needs it.
    pub group: Option<&'a Group>,
}

/// What was retrieved.
#[derive(Clone, Debug)]
pub struct Retrieval {
    /// The question's language.
    pub language: Language,
    /// How the answer is put together.
    pub shape: Shape,
    /// Where paths lead, the likeliest first.
    pub groups: Vec<Group>,
    /// What was computed, with the facts it is computed from.
    pub computed: Option<Computed>,
    /// Whether the budget or a limit left something out.
    pub truncated: bool,
    /// The state of the graph.
    pub generation: Generation,
}

impl Retrieval {
    /// Every fact once, in the order of the ranking: what something was computed from, then of each group the facts with its
    /// values, then those that lead to them.
    pub fn facts(&self) -> Vec<RankedFact<'_>> {
        let mut seen = rustc_hash::FxHashSet::default();
        let mut ranked: Vec<RankedFact<'_>> = Vec::new();
        for fact in self.computed.iter().flat_map(|computed| &computed.facts) {
            if seen.insert(&fact.id) {
                let has = |group: &&Group| group.answers.iter().any(|answer| answer.facts.contains(fact));
                ranked.push(RankedFact { fact, group: self.groups.iter().find(has) });
            }
        }
        for group in &self.groups {
            let last = group.answers.iter().filter_map(|answer| answer.facts.last());
            let before = group.answers.iter().flat_map(|answer| answer.facts.iter().rev().skip(1));
            for fact in last.chain(before) {
                if seen.insert(&fact.id) {
                    ranked.push(RankedFact { fact, group: Some(group) });
                }
            }
        }
        ranked
    }
}

/// What a group was judged by: pairs of a feature's name and value.
#[derive(Clone, Debug)]
pub struct Features {
    /// For its place among others.
    pub path: Vec<(&'static str, f32)>,
    /// For its certainty.
    pub certainty: Vec<(&'static str, f32)>,
}

type Judged = ([f32; features::COUNT], [f32; certainty::COUNT]);

/// Finds facts for questions.
pub struct Retriever {
    knowledge: Arc<dyn Knowledge>,
    options: RetrieveOptions,
    meanings: Vec<Meaning>,
    index: Mutex<Option<Arc<PhraseIndex>>>,
}

impl fmt::Debug for Retriever {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Retriever").field("options", &self.options).finish_non_exhaustive()
    }
}

/// Entities that a name may mean, of which each is tried.
const CANDIDATES: usize = 16;
/// Names of a question that are tried as its topic.
const MENTIONS: usize = 8;
/// How surely a question is about what the conversation was about before.
const ABOUT: f32 = 0.3;
/// Groups that are given.
const GROUPS: usize = 24;

impl Retriever {
    /// Retrieves from a graph, by words alone.
    pub fn new(knowledge: Arc<dyn Knowledge>, options: RetrieveOptions) -> Self {
        Self { knowledge, options, meanings: Vec::new(), index: Mutex::default() }
    }

    /// Compares meanings too. Of several embedders, the first that speaks the question's language is asked.
    #[must_use]
    pub fn with_embedder(mut self, embedder: Arc<dyn TextEmbedder>) -> Self {
        self.meanings.push(Meaning::new(embedder));
        self
    }

    /// The facts worth citing for a question. The same question on the same state of the graph gives the same facts in the same
    /// order.
    ///
    /// # Errors
    /// When the graph cannot be read or the embedder fails.
    pub async fn retrieve(&self, asked: impl Into<Asked<'_>>) -> Result<Retrieval, RetrieveError> {
        Ok(self.examine(asked.into()).await?.0)
    }

    /// [`retrieve`](Retriever::retrieve), and for each group what it was judged by, to learn weights from.
    ///
    /// # Errors
    /// As there.
    pub async fn retrieve_with_features(
        &self,
        asked: impl Into<Asked<'_>>,
    ) -> Result<(Retrieval, Vec<Features>), RetrieveError> {
        let (retrieval, features) = self.examine(asked.into()).await?;
        let named = |(path, signs): Judged| Features {
            path: features::NAMES.into_iter().zip(path).collect(),
            certainty: certainty::NAMES.into_iter().zip(signs).collect(),
        };
        Ok((retrieval, features.into_iter().map(named).collect()))
    }

    async fn examine(
        &self,
        Asked { text, about, mentions }: Asked<'_>,
    ) -> Result<(Retrieval, Vec<Judged>), RetrieveError> {
        let schema = self.knowledge.schema();
        let index = self.index(&schema);
        let language = self.options.language.clone().unwrap_or_else(|| Lexicon::guess(text));
        let lexicon = Lexicon::of(&language);
        let meaning = self.meanings.iter().find(|meaning| meaning.speaks(&language));
        let weights = if meaning.is_some() { &WEIGHTS_WITH_MEANING } else { &WEIGHTS };
        let linked = match mentions {
            Some(_) => Vec::new(),
            None => self.knowledge.link_in(text, about).await?,
        };
        let mentions = mentions.unwrap_or(&linked);
        let reading = shape::read(text, mentions, lexicon);
        let mut search =
            Search::new(&*self.knowledge, &index, meaning, &language, &self.options, weights, mentions);

        let length = text.chars().count().max(1) as f32;
        for mention in mentions.iter().take(MENTIONS) {
            let view = search.views.len();
            search.views.push(view_of(Question::read(text, Some(mention.range.clone()), lexicon), &index));
            let share = mention.text.chars().count() as f32 / length;
            let topics = mention.candidates.iter().take(CANDIDATES);
            search.topics.extend(topics.map(|candidate| Topic {
                entity: candidate.entity.clone(),
                link: candidate.score,
                view,
                share,
                naming: Naming::of(text, mention, &candidate.entity),
            }));
        }
        let whole = search.views.len();
        search.views.push(view_of(Question::read(text, None, lexicon), &index));
        self.add_known(&mut search, about, &schema, whole).await?;
        if let Some(meaning) = meaning {
            let texts: Vec<String> = search.views.iter().map(|view| view.question.text()).collect();
            let compared = meaning.compare(&texts, &schema, &language).await?;
            for (view, compared) in search.views.iter_mut().zip(compared) {
                view.compared = Some(compared);
            }
        }

        let scored = search.run().await?;
        let (computed, shape) = compute::compute(&mut search, &scored, &reading, mentions).await?;
        let (mut groups, mut features) = (Vec::new(), Vec::new());
        for (scored, score) in scored.iter().zip(shares(&scored)).take(GROUPS) {
            let (certainty, signs) = search.certainty(scored.path);
            groups.push(group(&search, scored, score, certainty));
            features.push((scored.features, signs));
        }
        let limited = groups.first().is_some_and(|group| group.truncated);
        let mut retrieval = Retrieval {
            language,
            shape,
            groups,
            computed,
            truncated: limited,
            generation: schema.generation,
        };
        budget::cut(&mut retrieval, &self.options);
        Ok((retrieval, features))
    }

    /// Adds what the conversation is about, and the only subject of a relation that is asked for without a name.
    async fn add_known(
        &self,
        search: &mut Search<'_>,
        about: &[EntityId],
        schema: &Schema,
        view: usize,
    ) -> Result<(), RetrieveError> {
        let mut known: Vec<(Arc<Entity>, f32)> = Vec::new();
        search.read(about, self.options.fan_out).await?;
        for id in about {
            let Some(around) = search.around(id) else { continue };
            let spoke = around.spokes.iter().find(|spoke| !spoke.step.inverse);
            let subject = spoke.and_then(|spoke| spoke.facts.first()).map(|fact| fact.subject.clone());
            let object = || {
                let fact = around.spokes.iter().find_map(|spoke| spoke.facts.first())?;
                match &fact.object {
                    Value::Entity(entity) => Some(entity.clone()),
                    _ => None,
                }
            };
            known.extend(subject.or_else(object).map(|entity| (entity, ABOUT)));
        }
        if search.topics.is_empty() && known.is_empty() {
            let question = &search.views[view].question;
            for predicate in &schema.predicates {
                let Some(subject) = schema.sole_subjects.get(&predicate.id) else { continue };
                let said = search.index.of(predicate).occurrences(question);
                if said.first().is_some_and(|said| said.score >= 0.5) {
                    known.push((subject.clone(), ABOUT));
                }
            }
        }
        for (entity, link) in known {
            if search.topics.iter().all(|topic| topic.entity.id != entity.id) {
                search.topics.push(Topic {
                    entity,
                    link,
                    view,
                    share: 0.0,
                    naming: Naming { exact: true, goes_on: false },
                });
            }
        }
        Ok(())
    }

    /// The words of the schema's relations, read anew when the graph has changed.
    fn index(&self, schema: &Schema) -> Arc<PhraseIndex> {
        let mut kept = self.index.lock().unwrap_or_else(PoisonError::into_inner);
        match &*kept {
            Some(index) if index.generation == schema.generation => index.clone(),
            _ => kept.insert(Arc::new(PhraseIndex::new(schema))).clone(),
        }
    }
}

fn view_of(question: Question, index: &PhraseIndex) -> View {
    let explicable = index.explicable(&question);
    View { question, explicable, compared: None }
}

/// Softmax over the scores.
fn shares(scored: &[Scored]) -> Vec<f32> {
    let most = scored.first().map_or(0.0, |best| best.score);
    let odds: Vec<f32> = scored.iter().map(|one| (one.score - most).exp()).collect();
    let total: f32 = odds.iter().sum();
    odds.into_iter().map(|one| one / total).collect()
}

fn group(search: &Search<'_>, scored: &Scored, score: f32, certainty: f32) -> Group {
    let path = &search.paths[scored.path];
    let answer = |end: usize| Answer {
        value: path.ends[end].value.clone(),
        facts: chain(&search.paths, scored.path, end),
    };
    Group {
        topic: search.topics[path.topic].entity.clone(),
        path: path.steps.clone(),
        matched: scored.matched.clone(),
        score,
        certainty,
        answers: (0..path.ends.len()).map(answer).collect(),
        truncated: path.cut,
    }
}
