//! Nearness in meaning. In: texts and an embedder. Out: how much nearer a relation is to a question than other relations are. Keeps
//! the relations' vectors by their text, so that each is computed once.

use std::sync::{Arc, Mutex, PoisonError};

use loquat_contract::{Language, ModelError, Predicate, Schema, TextEmbedder};
use rustc_hash::FxHashMap;

/// Relations that a question is compared with to know what is near for it.
const SAMPLE: usize = 64;
/// Names of a relation that are compared.
const NAMES: usize = 4;

/// An embedder with the vectors of relations.
pub(super) struct Meaning {
    embedder: Arc<dyn TextEmbedder>,
    vectors: Mutex<FxHashMap<String, Arc<[f32]>>>,
}

/// A question's vector, with the mean and standard deviation of its cosines to the sample.
#[derive(Clone, Debug)]
pub(super) struct Compared {
    vector: Vec<f32>,
    mean: f32,
    deviation: f32,
}

impl Meaning {
    pub(super) fn new(embedder: Arc<dyn TextEmbedder>) -> Self {
        Self { embedder, vectors: Mutex::default() }
    }

    pub(super) fn speaks(&self, language: &Language) -> bool {
        self.embedder.speaks(language)
    }

    /// The questions' vectors, compared with a sample of the schema's relations.
    pub(super) async fn compare(
        &self,
        questions: &[String],
        schema: &Schema,
        language: &Language,
    ) -> Result<Vec<Compared>, ModelError> {
        let sample: Vec<&Predicate> = schema.predicates.iter().take(SAMPLE).map(|p| &**p).collect();
        self.learn(&sample, language).await?;
        let vectors = self.embedder.embed(questions).await?;
        Ok(vectors
            .into_iter()
            .map(|vector| {
                let near: Vec<f32> = sample.iter().map(|p| self.cosine(&vector, p, language)).collect();
                let count = near.len().max(1) as f32;
                let mean = near.iter().sum::<f32>() / count;
                let variance = near.iter().map(|x| (x - mean).powi(2)).sum::<f32>() / count;
                Compared { vector, mean, deviation: variance.sqrt().max(0.02) }
            })
            .collect())
    }

    /// Computes the vectors of relations that are not known yet.
    pub(super) async fn learn(
        &self,
        predicates: &[&Predicate],
        language: &Language,
    ) -> Result<(), ModelError> {
        let mut texts: Vec<String> = {
            let known = self.vectors.lock().unwrap_or_else(PoisonError::into_inner);
            let names = predicates.iter().flat_map(|predicate| names(predicate, language));
            names.filter(|text| !known.contains_key(text)).collect()
        };
        texts.sort();
        texts.dedup();
        if texts.is_empty() {
            return Ok(());
        }
        let vectors = self.embedder.embed(&texts).await?;
        let mut known = self.vectors.lock().unwrap_or_else(PoisonError::into_inner);
        known.extend(texts.into_iter().zip(vectors.into_iter().map(Arc::from)));
        Ok(())
    }

    /// Standard deviations by which the relation is nearer to the question than the sample is; 0 where it was not learnt.
    pub(super) fn nearness(&self, question: &Compared, predicate: &Predicate, language: &Language) -> f32 {
        let cosine = self.cosine(&question.vector, predicate, language);
        ((cosine - question.mean) / question.deviation).clamp(-4.0, 4.0)
    }

    /// The cosine to the nearest of the relation's names.
    fn cosine(&self, vector: &[f32], predicate: &Predicate, language: &Language) -> f32 {
        let known = self.vectors.lock().unwrap_or_else(PoisonError::into_inner);
        let dot = |name: &Arc<[f32]>| name.iter().zip(vector).map(|(x, y)| x * y).sum::<f32>();
        let near = names(predicate, language).into_iter().filter_map(|text| known.get(&text).map(dot));
        near.fold(None, |best: Option<f32>, x| Some(best.map_or(x, |best| best.max(x)))).unwrap_or(0.0)
    }
}

/// A relation's names as texts for the embedder.
fn names(predicate: &Predicate, language: &Language) -> Vec<String> {
    let plain = |text: &str| {
        let bare = text.replace("{subject}", "").replace("{object}", "").replace('_', " ");
        bare.split_whitespace().collect::<Vec<_>>().join(" ")
    };
    let mut names = vec![plain(predicate.label(language))];
    let fits = |label: &&loquat_contract::Label| label.language.as_ref().is_none_or(|l| l.matches(language));
    names.extend(predicate.aliases.iter().filter(fits).take(NAMES - 1).map(|label| plain(&label.text)));
    names
}
