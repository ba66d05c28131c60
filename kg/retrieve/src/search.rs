//! The search for paths. In: entities that a question may be about. Out: every path of relations worth scoring. Walks the graph by
//! [`Knowledge::facts`] alone.
//!
//! A beam search: of the paths found so far, those whose relations the question says best are walked on, in both directions. Hubs
//! cannot hurt: an entity is read up to a limit, a path goes on from a few of its ends, and lookups are counted.

use std::sync::Arc;

use futures::{StreamExt, stream};
use loquat_contract::{Entity, EntityId, Knowledge, Language, Mention, PredicateId};
use rustc_hash::{FxHashMap, FxHashSet};

use super::certainty::{self, Circumstances, Naming, certainty};
use super::features::{COUNT, Candidate, may_be_silent, score};
use super::meaning::{Compared, Meaning};
use super::path::{Around, Path, Step};
use super::phrases::{Occurrence, PhraseIndex};
use super::question::Question;
use super::{RetrieveError, RetrieveOptions};

/// Paths that are walked on from each length.
const BEAM: usize = 16;
/// Ends of a path that it is walked on from.
const WIDTH: usize = 64;
/// Facts of an entity along the way that are read in either direction.
const INNER: usize = 128;
/// Lookups that wait for the graph at the same time.
const AT_ONCE: usize = 16;
/// The least evidence for a relation to be walked on.
const SAID: f32 = 0.3;
/// The same in meaning, in standard deviations.
const MEANT: f32 = 1.5;
/// What of a word may stay unexplained without a longer path being tried.
const LEFT_OVER: f32 = 0.3;

/// An entity that the question may be about.
#[derive(Clone, Debug)]
pub(super) struct Topic {
    pub(super) entity: Arc<Entity>,
    /// How surely it is meant.
    pub(super) link: f32,
    /// Which reading of the question leaves its name out.
    pub(super) view: usize,
    /// The share of the question that its name is.
    pub(super) share: f32,
    /// How its name stands in the question.
    pub(super) naming: Naming,
}

/// The question without one of the names in it.
pub(super) struct View {
    pub(super) question: Question,
    pub(super) explicable: Vec<f32>,
    pub(super) compared: Option<Compared>,
}

/// A path with what was made of it.
#[derive(Clone, Debug)]
pub(super) struct Scored {
    pub(super) path: usize,
    pub(super) score: f32,
    pub(super) features: [f32; COUNT],
    /// The names of relations that the question says, by step.
    pub(super) matched: Vec<Option<String>>,
}

pub(super) struct Search<'a> {
    pub(super) knowledge: &'a dyn Knowledge,
    pub(super) index: &'a PhraseIndex,
    pub(super) meaning: Option<&'a Meaning>,
    pub(super) language: &'a Language,
    pub(super) options: &'a RetrieveOptions,
    pub(super) weights: &'a [f32; COUNT],
    pub(super) views: Vec<View>,
    pub(super) topics: Vec<Topic>,
    /// The names in the question; the first of them have the views of the same number.
    pub(super) mentions: &'a [Mention],
    pub(super) paths: Vec<Path>,
    around: FxHashMap<EntityId, Arc<Around>>,
    lookups: usize,
    said: FxHashMap<(usize, PredicateId, bool), Arc<Vec<Occurrence>>>,
}

impl<'a> Search<'a> {
    pub(super) fn new(
        knowledge: &'a dyn Knowledge,
        index: &'a PhraseIndex,
        meaning: Option<&'a Meaning>,
        language: &'a Language,
        options: &'a RetrieveOptions,
        weights: &'a [f32; COUNT],
        mentions: &'a [Mention],
    ) -> Self {
        Self {
            knowledge,
            index,
            meaning,
            language,
            options,
            weights,
            views: Vec::new(),
            topics: Vec::new(),
            mentions,
            paths: Vec::new(),
            around: FxHashMap::default(),
            lookups: options.lookups,
            said: FxHashMap::default(),
        }
    }

    /// Finds and scores paths; best first, ties in the order of topics and relations.
    pub(super) async fn run(&mut self) -> Result<Vec<Scored>, RetrieveError> {
        let entities: Vec<EntityId> = self.topics.iter().map(|topic| topic.entity.id.clone()).collect();
        self.read(&entities, self.options.fan_out).await?;
        for topic in 0..self.topics.len() {
            let Some(around) = self.around.get(&self.topics[topic].entity.id).cloned() else { continue };
            for spoke in &around.spokes {
                let mut path = Path::first(topic, spoke, around.cut);
                path.settle();
                self.paths.push(path);
            }
        }
        self.study(0).await?;
        let mut from = 0;
        for _ in 1..self.options.hops.clamp(1, 3) {
            let to = self.paths.len();
            if !self.is_unfinished() {
                break;
            }
            let beam = self.beam(from..to);
            self.walk(&beam).await?;
            self.study(to).await?;
            from = to;
        }
        Ok(self.scored())
    }

    /// Reads what lies around entities, as far as lookups are left.
    pub(super) async fn read(&mut self, entities: &[EntityId], limit: usize) -> Result<(), RetrieveError> {
        let mut wanted: Vec<EntityId> = Vec::new();
        let mut seen = FxHashSet::default();
        for entity in entities {
            if wanted.len() < self.lookups && !self.around.contains_key(entity) && seen.insert(entity) {
                wanted.push(entity.clone());
            }
        }
        self.lookups -= wanted.len();
        let knowledge = self.knowledge;
        let mut read = stream::iter(wanted)
            .map(|entity| async move {
                let facts = knowledge.facts(&entity, limit).await;
                (entity, facts)
            })
            .buffered(AT_ONCE);
        while let Some((entity, facts)) = read.next().await {
            let around = Around::new(&entity, facts?, limit);
            self.around.insert(entity, Arc::new(around));
        }
        Ok(())
    }

    /// What was read around an entity.
    pub(super) fn around(&self, entity: &EntityId) -> Option<Arc<Around>> {
        self.around.get(entity).cloned()
    }

    /// Finds where the question says the relations of the paths from `from` on, and learns their meaning.
    async fn study(&mut self, from: usize) -> Result<(), RetrieveError> {
        let mut new = Vec::new();
        for path in &self.paths[from..] {
            let view = self.topics[path.topic].view;
            let Some(step) = path.steps.last() else { continue };
            let key = (view, step.predicate.id.clone(), step.inverse);
            if !self.said.contains_key(&key) {
                let said = self.index.of(&step.predicate).towards(&self.views[view].question, step.inverse);
                self.said.insert(key, Arc::new(said));
                new.push(step.predicate.clone());
            }
        }
        if let Some(meaning) = self.meaning {
            let new: Vec<_> = new.iter().map(|predicate| &**predicate).collect();
            meaning.learn(&new, self.language).await?;
        }
        Ok(())
    }

    fn occurrences(&self, view: usize, step: &Step) -> &[Occurrence] {
        self.said.get(&(view, step.predicate.id.clone(), step.inverse)).map_or(&[], |said| said.as_slice())
    }

    fn nearness(&self, view: usize, step: &Step) -> f32 {
        match (self.meaning, &self.views[view].compared) {
            (Some(meaning), Some(compared)) => meaning.nearness(compared, &step.predicate, self.language),
            _ => 0.0,
        }
    }

    /// Whether the question says the relation, in words or in meaning.
    fn is_said(&self, view: usize, step: &Step) -> bool {
        self.occurrences(view, step).first().is_some_and(|said| said.score >= SAID)
            || self.nearness(view, step) >= MEANT
    }

    /// Whether words are left that only a longer path would explain.
    fn is_unfinished(&self) -> bool {
        if self.views.iter().any(|view| view.question.common) {
            return true;
        }
        let best = self.scored().into_iter().next();
        best.is_some_and(|best| best.features[5] >= LEFT_OVER)
    }

    /// The paths to walk on: those whose last step the question says, best first.
    fn beam(&self, range: std::ops::Range<usize>) -> Vec<usize> {
        let mut beam: Vec<(f32, usize)> = range
            .filter_map(|at| {
                let path = &self.paths[at];
                let topic = &self.topics[path.topic];
                let silent = path.steps.len() > 1
                    && path.steps.split_last().is_some_and(|(last, before)| may_be_silent(before, last));
                let last = path.steps.last()?;
                if !silent && !self.is_said(topic.view, last) {
                    return None;
                }
                let said: f32 = path
                    .steps
                    .iter()
                    .map(|step| {
                        let words = self.occurrences(topic.view, step).first().map_or(0.0, |said| said.score);
                        words + 0.2 * self.nearness(topic.view, step).max(0.0)
                    })
                    .sum();
                Some((said + 0.5 * topic.link + topic.share, at))
            })
            .collect();
        beam.sort_by(|(a, x), (b, y)| b.total_cmp(a).then(x.cmp(y)));
        beam.truncate(BEAM);
        beam.into_iter().map(|(_, at)| at).collect()
    }

    /// Makes each path of the beam one step longer, in every way that the question says or that leads back along a relation.
    async fn walk(&mut self, beam: &[usize]) -> Result<(), RetrieveError> {
        for &at in beam {
            let ends: Vec<(usize, Arc<Entity>)> =
                self.paths[at].entities().take(WIDTH).map(|(end, entity)| (end, entity.clone())).collect();
            let ids: Vec<EntityId> = ends.iter().map(|(_, entity)| entity.id.clone()).collect();
            self.read(&ids, INNER).await?;
            let mut longer: Vec<Path> = Vec::new();
            for (end, entity) in &ends {
                let Some(around) = self.around(&entity.id) else { continue };
                let passed = self.passed(at, *end);
                let passed: Vec<&EntityId> = passed.iter().collect();
                for spoke in &around.spokes {
                    let same = |path: &Path| {
                        path.steps.last().is_some_and(|step| {
                            step.inverse == spoke.step.inverse && step.predicate.id == spoke.step.predicate.id
                        })
                    };
                    let place = longer.iter().position(same).unwrap_or_else(|| {
                        longer.push(self.paths[at].longer(at, &spoke.step));
                        longer.len() - 1
                    });
                    longer[place].extend(*end, spoke, &passed);
                    longer[place].cut |= around.cut;
                }
            }
            longer.retain_mut(|path| {
                path.settle();
                !path.ends.is_empty()
            });
            self.paths.extend(longer);
        }
        Ok(())
    }

    /// The entities on the way to an end, itself included.
    fn passed(&self, path: usize, end: usize) -> Vec<EntityId> {
        let mut passed = vec![self.topics[self.paths[path].topic].entity.id.clone()];
        let (mut path, mut end) = (Some(path), end);
        while let Some(here) = path.and_then(|path| self.paths.get(path)) {
            let Some(at) = here.ends.get(end) else { break };
            if let loquat_contract::Value::Entity(entity) = &at.value {
                passed.push(entity.id.clone());
            }
            (path, end) = (here.parent, at.parent);
        }
        passed
    }

    fn candidate(&self, path: usize) -> Candidate<'_> {
        let path = &self.paths[path];
        let topic = &self.topics[path.topic];
        let view = &self.views[topic.view];
        Candidate {
            question: &view.question,
            explicable: &view.explicable,
            said: path.steps.iter().map(|step| self.occurrences(topic.view, step)).collect(),
            meaning: path.steps.iter().map(|step| self.nearness(topic.view, step)).collect(),
            path,
            link: topic.link,
            share: topic.share,
        }
    }

    /// How surely the question asks for the path, and the signs of that.
    pub(super) fn certainty(&self, path: usize) -> (f32, [f32; certainty::COUNT]) {
        let candidate = self.candidate(path);
        let (features, taken) = candidate.features();
        let topic = &self.topics[self.paths[path].topic];
        let others = self.mentions.iter().enumerate().filter(|(view, _)| *view != topic.view);
        let circumstances = Circumstances {
            candidate: &candidate,
            features: &features,
            taken: &taken,
            naming: topic.naming,
            others: others.map(|(_, mention)| mention).collect(),
        };
        let signs = circumstances.signs();
        (certainty(&signs), signs)
    }

    fn scored(&self) -> Vec<Scored> {
        let mut scored: Vec<Scored> = (0..self.paths.len())
            .filter(|&at| !self.paths[at].ends.is_empty())
            .map(|at| {
                let candidate = self.candidate(at);
                let (features, taken) = candidate.features();
                let matched = taken
                    .iter()
                    .zip(&candidate.said)
                    .map(|(at, said)| at.map(|at| said[at].phrase.clone()))
                    .collect();
                Scored { path: at, score: score(&features, self.weights), features, matched }
            })
            .collect();
        scored.sort_by(|a, b| {
            b.score.total_cmp(&a.score).then_with(|| self.order(a.path).cmp(&self.order(b.path)))
        });
        scored
    }

    /// What decides between paths of the same score.
    fn order(&self, path: usize) -> (&EntityId, Vec<(&PredicateId, bool)>) {
        let path = &self.paths[path];
        let steps = path.steps.iter().map(|step| (&step.predicate.id, step.inverse)).collect();
        (&self.topics[path.topic].entity.id, steps)
    }
}
