//! Full-text search over names and descriptions. In: words, complete or not, spelt well or not. Out: entities, best first, and what may
//! have been meant.
//!
//! **Score.** For each word of the query, its inverse document frequency ln(1 + N/df) (Robertson and Spärck Jones 1976) times where
//! it stands (name 1, further name 0.8, description 0.4); the sum times the share of the name's words that the query covers; then up
//! to a fifth more for how well known the entity is. An entity that has all words goes before one that has some.

use std::sync::Arc;

use fst::automaton::{Automaton, Levenshtein, Str};
use fst::{IntoStreamer, Streamer};
use loquat_contract::Entity;
use rustc_hash::FxHashMap;

use crate::Graph;
use crate::link::{fold_text, is_unspaced};
use crate::snapshot::names::{Claim, OpenShard};
use crate::snapshot::part;
use crate::view::View;

/// Where a word stands.
pub(crate) const IN_LABEL: u8 = 1;
pub(crate) const IN_ALIAS: u8 = 2;
pub(crate) const IN_DESCRIPTION: u8 = 4;

/// Words of a query that are looked up.
const WORDS: usize = 16;
/// Entities whose names are looked at for the final order.
const LOOKED_AT: usize = 256;
/// Completions of a word that was begun.
const COMPLETIONS: usize = 32;

/// What a search came to.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Search {
    /// The entities, best first.
    pub found: Vec<Found>,
    /// The query as it was understood, where words of it were not in the graph and others like them are.
    pub did_you_mean: Option<String>,
}

/// An entity that matches.
#[derive(Clone, Debug, PartialEq)]
pub struct Found {
    /// The entity.
    pub entity: Arc<Entity>,
    /// Only its order counts, within one search.
    pub score: f32,
}

impl Graph {
    /// Searches names and descriptions; at most `limit` entities. The last word may be incomplete.
    pub fn search(&self, query: &str, limit: usize) -> Search {
        self.read(|view| search(view, query, limit))
    }
}

/// The words of a text, folded, as they are indexed: of scripts without spaces each two characters that stand together.
pub(crate) fn words_of(text: &str, mut take: impl FnMut(&str)) {
    let folded = fold_text(text);
    for run in folded.split(|c: char| !c.is_alphanumeric()).filter(|run| !run.is_empty()) {
        let mut rest = run;
        while let Some(first) = rest.chars().next() {
            let unspaced = is_unspaced(first);
            let length = rest.find(|c| is_unspaced(c) != unspaced).unwrap_or(rest.len());
            let (stretch, after) = rest.split_at(length);
            rest = after;
            let mut starts: Vec<usize> = stretch.char_indices().map(|(at, _)| at).collect();
            starts.push(stretch.len());
            if unspaced && starts.len() > 2 {
                starts.windows(3).for_each(|pair| take(&stretch[pair[0]..pair[2]]));
            } else {
                take(stretch);
            }
        }
    }
}

/// A word of the query and who has it.
struct Term {
    word: String,
    claims: Vec<Claim>,
    weight: f32,
}

fn search(view: &View, query: &str, limit: usize) -> Search {
    let mut words: Vec<String> = Vec::new();
    words_of(query, |word| {
        if words.len() < WORDS && !words.iter().any(|known| known == word) {
            words.push(word.to_owned());
        }
    });
    let mut corrected = false;
    let mut terms = Vec::new();
    let last = words.len().saturating_sub(1);
    for (at, word) in words.iter().enumerate() {
        let mut claims = claims_on(view, word);
        if claims.is_empty() && at == last {
            claims = completions(view, word);
        }
        let mut word = word.clone();
        if claims.is_empty()
            && let Some(better) = correction(view, &word)
        {
            claims = claims_on(view, &better);
            word = better;
            corrected = true;
        }
        let share = f64::from(view.entities()) / claims.len().max(1) as f64;
        terms.push(Term { word, weight: share.ln_1p() as f32, claims });
    }
    let did_you_mean =
        corrected.then(|| terms.iter().map(|term| term.word.as_str()).collect::<Vec<_>>().join(" "));
    Search { found: rank(view, &terms, limit), did_you_mean }
}

/// Orders the entities that have words of the query.
fn rank(view: &View, terms: &[Term], limit: usize) -> Vec<Found> {
    let mut scores: FxHashMap<u32, (u32, f32)> = FxHashMap::default();
    let mut by_length: Vec<&Term> = terms.iter().filter(|term| !term.claims.is_empty()).collect();
    by_length.sort_by_key(|term| term.claims.len());
    let all_known = !by_length.is_empty() && by_length.len() == terms.len();
    for (at, term) in by_length.iter().enumerate() {
        for claim in &term.claims {
            let place = match claim.flags {
                flags if flags & IN_LABEL != 0 => 1.0,
                flags if flags & IN_ALIAS != 0 => 0.8,
                _ => 0.4,
            };
            // Who lacks the rarest word enters only if nobody has all.
            if at == 0 {
                scores.insert(claim.node, (1, term.weight * place));
            } else if let Some((count, score)) = scores.get_mut(&claim.node) {
                *count += 1;
                *score += term.weight * place;
            }
        }
    }
    let complete = scores.values().any(|(count, _)| *count as usize == by_length.len());
    if complete && all_known {
        scores.retain(|_, (count, _)| *count as usize == by_length.len());
    }
    let mut best: Vec<(u32, f32)> = scores
        .into_iter()
        .map(|(node, (count, score))| (node, score * count as f32 + f32::from(view.prior(node)) / 255.0))
        .collect();
    let order = |a: &(u32, f32), b: &(u32, f32)| b.1.total_cmp(&a.1).then(a.0.cmp(&b.0));
    if best.len() > LOOKED_AT {
        best.select_nth_unstable_by(LOOKED_AT, order);
        best.truncate(LOOKED_AT);
    }
    let mut found: Vec<(u32, Found)> = best
        .into_iter()
        .filter(|(node, _)| view.is_anybody(*node))
        .filter_map(|(node, score)| {
            let entity = view.entity(node)?;
            let covered = entity.names().map(|name| coverage(name, terms)).fold(0.0, f32::max);
            let known = 1.0 + 0.2 * f32::from(view.prior(node)) / 255.0;
            Some((node, Found { entity, score: score * (0.25 + covered) * known }))
        })
        .collect();
    found.sort_by(|(a, x), (b, y)| y.score.total_cmp(&x.score).then(a.cmp(b)));
    found.truncate(limit);
    found.into_iter().map(|(_, found)| found).collect()
}

/// The share of a name's words that the query has.
fn coverage(name: &str, terms: &[Term]) -> f32 {
    let (mut all, mut covered) = (0_u32, 0_u32);
    words_of(name, |word| {
        all += 1;
        covered += u32::from(terms.iter().any(|term| term.word == word));
    });
    if all == 0 { 0.0 } else { covered as f32 / all as f32 }
}

/// Who has a word, by node: of the snapshot, and of the edits since.
fn claims_on(view: &View, word: &str) -> Vec<Claim> {
    let mut claims: Vec<Claim> = Vec::new();
    let bytes = word.as_bytes();
    if let [first, rest @ ..] = bytes {
        let snapshot = view.snapshot();
        let start = snapshot.mapped().section(part::WORDS).start;
        for shard in snapshot.meta.words.shards(snapshot.mapped(), start, *first, rest.first().copied()) {
            if let Some(value) = shard.transducer().and_then(|transducer| transducer.get(word)) {
                claims.extend(shard.claims_by_node(value.value()));
            }
        }
    }
    claims.retain(|claim| !view.overlay().is_renamed(claim.node));
    claims.extend(edited(view, |own| own == word));
    claims
}

/// Who has words that are wanted, in the edits since the snapshot.
fn edited(view: &View, mut wanted: impl FnMut(&str) -> bool) -> Vec<Claim> {
    let mut claims = Vec::new();
    for (node, entity) in view.overlay().renamed() {
        let mut flags = 0;
        let mut look =
            |text: &str, place: u8| words_of(text, |own| flags |= if wanted(own) { place } else { 0 });
        entity.labels.iter().for_each(|label| look(&label.text, IN_LABEL));
        entity.aliases.iter().for_each(|label| look(&label.text, IN_ALIAS));
        entity.descriptions.iter().for_each(|label| look(&label.text, IN_DESCRIPTION));
        if flags != 0 {
            claims.push(Claim { node, flags });
        }
    }
    claims
}

/// Every shard with words that begin as this one does.
fn shards<'v>(view: &'v View, word: &str) -> impl Iterator<Item = OpenShard<'v>> + use<'v> {
    let snapshot = view.snapshot();
    let start = snapshot.mapped().section(part::WORDS).start;
    let first = word.as_bytes().first().copied().unwrap_or_default();
    snapshot.meta.words.shards_of(snapshot.mapped(), start, first)
}

/// Who has words that begin with this one.
fn completions(view: &View, word: &str) -> Vec<Claim> {
    let mut claims = Vec::new();
    matching(view, word, &Str::new(word).starts_with(), COMPLETIONS, |shard, _, value| {
        claims.extend(shard.claims_by_node(value));
    });
    claims.sort_unstable_by_key(|claim: &Claim| claim.node);
    claims.dedup_by_key(|claim| claim.node);
    claims.retain(|claim| !view.overlay().is_renamed(claim.node));
    claims.extend(edited(view, |own| own.starts_with(word)));
    claims
}

/// The most frequent word within one mistake of this one, or two for a long one.
fn correction(view: &View, word: &str) -> Option<String> {
    let length = word.chars().count();
    let mistakes = match length {
        0..4 => return None,
        4..9 => 1,
        _ => 2,
    };
    for mistakes in 1..=mistakes {
        let automaton = Levenshtein::new(word, mistakes).ok()?;
        let mut best: Option<(u64, String)> = None;
        matching(view, word, &automaton, usize::MAX, |shard, found, value| {
            let count = shard.count(value);
            if best.as_ref().is_none_or(|(most, _)| count > *most) {
                best = Some((count, found.to_owned()));
            }
        });
        edited(view, |own| {
            let found =
                best.is_none() && own.bytes().next() == word.bytes().next() && accepts(&automaton, own);
            if found {
                best = Some((1, own.to_owned()));
            }
            found
        });
        if let Some((_, found)) = best {
            return Some(found);
        }
    }
    None
}

/// Whether an automaton accepts a word.
fn accepts<A: Automaton>(automaton: &A, word: &str) -> bool {
    let state = word.bytes().fold(automaton.start(), |state, byte| automaton.accept(&state, byte));
    automaton.is_match(&state)
}

/// Calls `take` for the words that an automaton accepts, among those with the same first byte.
fn matching<A: Automaton>(
    view: &View,
    word: &str,
    automaton: &A,
    most: usize,
    mut take: impl FnMut(&OpenShard<'_>, &str, u64),
) {
    let mut taken = 0;
    for shard in shards(view, word) {
        let Some(transducer) = shard.transducer() else { continue };
        let map = fst::Map::from(transducer);
        let mut stream = map.search(automaton).into_stream();
        while let Some((found, value)) = stream.next() {
            if taken >= most {
                return;
            }
            taken += 1;
            take(&shard, std::str::from_utf8(found).unwrap_or_default(), value);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::words_of;

    #[test]
    fn words_are_split_and_folded() {
        let words = |text: &str| {
            let mut words = Vec::new();
            words_of(text, |word| words.push(word.to_owned()));
            words
        };
        assert_eq!(words("São-Tomé, react.js"), ["sao", "tome", "react", "js"]);
        assert_eq!(words("不丹王国 and 水"), ["不丹", "丹王", "王国", "and", "水"]);
        assert_eq!(words("Straße 7"), ["strasse", "7"]);
        assert!(words(" …!").is_empty());
    }
}
