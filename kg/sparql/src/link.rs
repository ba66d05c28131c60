//! Names in plain text. In: a message. Out: which stretches of it name what, with scores as the embedded graph's.
//!
//! An endpoint finds names spelt just so. So each stretch between the borders of words is asked for in the spellings that
//! people mean by it ([`stretch`]), all of a message in few queries; then the longest stretch that names something wins,
//! leftmost first. What an embedded graph finds beyond that, an endpoint cannot be asked for: names without their diacritics or
//! punctuation, and spelling mistakes.
//!
//! **Scores.** A mention's certainty is that of its best fit: 1, times 0.85 for a plural, 0.7 or 0.9 for one or several words in
//! lower case where the name has a capital, 0.5 for figures and signs. Candidates share it by weight: 1 to 2 by the number of
//! triples about the entity, times 0.3 where the name is not its preferred one.

mod stretch;

use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;

use loquat_contract::{Candidate, Mention};
use loquat_terms::case::{Message, Spelling, Stretch};
use loquat_text::is_han;
use oxrdf::{Literal, NamedNode, Term};

use crate::SparqlError;
use crate::graph::{Inner, number};
use crate::query::tagged;
use stretch::{Tried, stretches};

/// The least certainty of a mention.
const THRESHOLD: f32 = 0.4;

/// Names of one query.
const BATCH: usize = 2_000;

/// Queries for names that one message may take; what stands behind is not linked.
const QUERIES: usize = 6;

/// Candidates of a mention.
const CANDIDATES: usize = 16;

/// An entity's claim to a name.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Named {
    id: String,
    /// By a preferred name.
    preferred: bool,
}

/// Entities that a stretch may mean, and how well the name fits.
struct Found {
    tried: Tried,
    claims: Vec<(Named, f32)>,
}

impl Inner {
    pub(crate) fn link(&self, text: &str) -> Result<Vec<Mention>, SparqlError> {
        let mut tried = stretches(text);
        let named = self.named(&mut tried)?;
        let found = self.longest(text, tried, &named);
        let degrees = self.degrees(&found)?;
        let ids = found.iter().flat_map(|found| found.claims.iter().map(|(claim, _)| claim.id.clone()));
        let known = self.describe(ids)?;
        let mention = |found: Found| {
            let shares = share(&found.claims, &degrees);
            let candidate =
                |(id, score): (&str, f32)| Some(Candidate { entity: known.get(id)?.entity(id), score });
            let candidates: Vec<Candidate> = shares.into_iter().filter_map(candidate).collect();
            let range = found.tried.range;
            let text = text.get(range.clone())?.to_owned();
            (!candidates.is_empty()).then_some(Mention { range, text, candidates })
        };
        Ok(found.into_iter().filter_map(mention).collect())
    }

    /// Who has the names, of those that are asked for. Stretches that would take too many queries are dropped.
    fn named(&self, tried: &mut Vec<Tried>) -> Result<HashMap<String, Arc<Vec<Named>>>, SparqlError> {
        let mut named = HashMap::new();
        let mut missing = BTreeSet::new();
        let mut room = BATCH * QUERIES;
        let mut kept = 0;
        for stretch in tried.iter() {
            for (form, _) in &stretch.forms {
                if named.contains_key(form) || missing.contains(form) {
                    continue;
                }
                match self.named.get(form) {
                    Some(found) => drop(named.insert(form.clone(), found)),
                    None => {
                        room = room.saturating_sub(self.tags(form).count() + 1);
                        missing.insert(form.clone());
                    }
                }
            }
            if room == 0 {
                tracing::debug!(at = stretch.range.start, "the message is too long to be linked whole");
                break;
            }
            kept += 1;
        }
        tried.truncate(kept);
        let mut literals = Vec::new();
        for form in &missing {
            literals.push(Literal::new_simple_literal(form));
            for language in self.tags(form) {
                literals.push(tagged(form, language)?);
            }
        }
        let mut claims: HashMap<String, BTreeSet<Named>> = HashMap::new();
        for batch in literals.chunks(BATCH) {
            let rows = self.endpoint.select(&self.queries.named(batch, self.max_rows), |row| {
                let (Some(Term::Literal(name)), Some(Term::NamedNode(p)), Some(Term::NamedNode(s))) =
                    (row.get("name"), row.get("p"), row.get("s"))
                else {
                    return None;
                };
                let preferred = self.roles.is_label(p.as_str());
                Some((name.value().to_owned(), Named { id: s.as_str().to_owned(), preferred }))
            })?;
            for (name, claim) in rows {
                claims.entry(name).or_default().insert(claim);
            }
        }
        for form in missing {
            let found = Arc::new(claims.remove(&form).unwrap_or_default().into_iter().collect::<Vec<_>>());
            self.named.insert(form.clone(), found.clone());
            named.insert(form, found);
        }
        Ok(named)
    }

    /// The languages whose names may be spelt so.
    fn tags(&self, form: &str) -> impl Iterator<Item = &String> {
        let han = form.chars().any(is_han);
        let chinese = |tag: &str| {
            let primary = tag.split('-').next().unwrap_or_default();
            ["zh", "ja", "yue", "wuu", "lzh", "mul"].iter().any(|known| primary.eq_ignore_ascii_case(known))
        };
        self.languages.iter().filter(move |tag| !han || chinese(tag))
    }

    /// Of stretches that name something the longest, leftmost first.
    fn longest(&self, text: &str, tried: Vec<Tried>, named: &HashMap<String, Arc<Vec<Named>>>) -> Vec<Found> {
        let message = Message::of(text);
        let state = self.state.load();
        let predicates = &state.schema.predicates;
        let is_predicate = |id: &str| predicates.binary_search_by(|p| p.id.as_str().cmp(id)).is_ok();
        let mut found: Vec<Found> = Vec::new();
        // By start, and the longest first.
        for tried in tried {
            if found.last().is_some_and(|last| tried.range.start < last.tried.range.end) {
                continue;
            }
            let stretch = Stretch::of(text, tried.range.clone());
            if stretch.is_grammar(message) {
                continue;
            }
            let mut claims = Vec::new();
            for (form, factor) in &tried.forms {
                let Some(fit) = stretch.fit(
                    Spelling::of(form),
                    |name| state.names.contains(name),
                    |name| state.names.contains(name),
                ) else {
                    continue;
                };
                let claimants = named.get(form).map(|claims| claims.as_slice()).unwrap_or_default();
                let claim = claimants.iter().filter(|claim| !is_predicate(&claim.id));
                claims.extend(claim.map(|claim| (claim.clone(), fit * factor)));
            }
            if claims.iter().any(|(_, fit)| *fit >= THRESHOLD) {
                found.push(Found { tried, claims });
            }
        }
        found
    }

    /// How much the graph knows of the entities that share a name with others.
    fn degrees(&self, found: &[Found]) -> Result<HashMap<String, u64>, SparqlError> {
        let mut shared = BTreeSet::new();
        for Found { claims, .. } in found {
            let ids: BTreeSet<&str> = claims.iter().map(|(claim, _)| claim.id.as_str()).collect();
            if ids.len() > 1 {
                shared.extend(ids.into_iter().map(str::to_owned));
            }
        }
        let nodes: Vec<NamedNode> = shared.into_iter().filter_map(|id| NamedNode::new(id).ok()).collect();
        if nodes.is_empty() {
            return Ok(HashMap::new());
        }
        // More namesakes than this are told apart by kind of name alone.
        let counted = nodes.get(..BATCH).unwrap_or(&nodes);
        let rows = self.endpoint.select(&self.queries.degrees(counted), |row| match row.get("s") {
            Some(Term::NamedNode(s)) => Some((s.as_str().to_owned(), number(row.get("n"))?)),
            _ => None,
        })?;
        Ok(rows.into_iter().collect())
    }
}

/// The candidates with their scores, best first; ties in the order of ids.
fn share<'a>(claims: &'a [(Named, f32)], degrees: &HashMap<String, u64>) -> Vec<(&'a str, f32)> {
    let mut best: Vec<(&str, f32)> = Vec::new();
    let mut certainty = 0.0_f32;
    for (claim, fit) in claims {
        certainty = certainty.max(*fit);
        let degree = degrees.get(&claim.id).copied().unwrap_or_default().min(1000) as f32;
        let kind = if claim.preferred { 1.0 } else { 0.3 };
        let weight = kind * (1.0 + degree / (degree + 20.0)) * fit;
        match best.iter_mut().find(|(id, _)| *id == claim.id) {
            Some((_, known)) => *known = known.max(weight),
            None => best.push((&claim.id, weight)),
        }
    }
    let total: f32 = best.iter().map(|(_, weight)| weight).sum();
    best.sort_by(|(a, x), (b, y)| y.total_cmp(x).then(a.cmp(b)));
    best.truncate(CANDIDATES);
    best.into_iter().map(|(id, weight)| (id, certainty * weight / total)).collect()
}
