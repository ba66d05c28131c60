//! Writes the snapshot. In: everything gathered. Out: the file's sections.

use std::collections::hash_map::Entry;
use std::path::Path;

use loquat_contract::Predicate;
use loquat_mapped::Writer;
use rustc_hash::{FxHashMap, FxHashSet};

use super::numbering::{NOBODY, Numbering};
use super::words::{Words, record};
use super::{
    Builder, Building, Difference, RawFact, Special, Standing, bare_predicate, describe, name_predicate,
};
use crate::GraphError;
use crate::snapshot::codec::{put, put_literal, rank_byte};
use crate::snapshot::names::{self, Claim, Order};
use crate::snapshot::section::{Blobs, Column, Dictionary};
use crate::snapshot::{KIND, LITERAL, Meta, Origin, latent_hash, part};
use crate::statement::{Describes, Object};

/// Facts in the order of their subjects, each once.
struct Rows {
    /// Where each subject's facts begin; one more than there are subjects.
    starts: Vec<u32>,
    predicates: Vec<u32>,
    objects: Vec<u32>,
    origins: Vec<u32>,
    /// Which of the gathered facts each is.
    raw: Vec<u32>,
    /// For each predicate its subject: [`NOBODY`] for none yet, [`MANY`] for several.
    subjects: Vec<u32>,
}

const MANY: u32 = u32::MAX - 1;

/// What a subject is said to have: predicate, object and qualifiers.
type Said<'a> = (u32, u32, Option<&'a Special>);

/// Who says it.
struct Stood {
    /// Its place, where it counts.
    row: Option<usize>,
    /// Nobody beside the latest run, and what that took the place of.
    only_latest: bool,
    /// The run whose place was taken.
    former: bool,
}

pub(super) fn write(mut builder: Builder, path: &Path, building: Building) -> Result<Difference, GraphError> {
    builder.values_frozen();
    let numbering = builder.number();
    let words = Words::new(&builder, &numbering);
    let links = builder.links(&numbering)?;
    let mut difference = Difference::default();
    let rows = builder.rows(&numbering, &links, &mut difference);

    let mut file = Writer::create(path, KIND)?;
    let writer = &mut file;
    let mut meta = Meta {
        generation: building.generation,
        last_edit: building.last_edit,
        runs: building.runs,
        entities: numbering.entities.len() as u32,
        facts: rows.objects.len() as u32,
        redirects: numbering.redirects.len() as u32,
        languages: builder.languages.iter().map(|language| super::as_text(language).to_owned()).collect(),
        units: builder.units.iter().map(|unit| super::as_text(unit).to_owned()).collect(),
        sole_subjects: rows.subjects.iter().map(|subject| (*subject < MANY).then_some(*subject)).collect(),
        uses: uses(&rows, &numbering),
        ..Meta::default()
    };
    let latent = builder.latent(&numbering);
    meta.latent = latent.len() as u32;
    Column::write(writer, part::LATENT, 4, latent)?;
    let priors = priors(&builder, &numbering, &words, &rows);
    write_facts(writer, &mut meta, &builder, &rows, &numbering, &links)?;
    write_entities(writer, &builder, &numbering, &words, &priors)?;
    meta.predicates = predicates(&builder, &numbering);
    let origins = std::mem::take(&mut builder.origins);
    meta.origins = origins.into_iter().map(|(origin, _)| origin).collect::<Vec<Origin>>();
    drop(rows);

    let (exact, loose) = words.keys(&builder, &numbering);
    let words_of_names = words.search_keys(&builder, &numbering);
    drop((builder, words, numbering));
    let weight = |claim: Claim| {
        let prior = priors.get(claim.node as usize).copied().unwrap_or_default();
        u32::from(claim.flags & crate::link::PREFERRED) << 8 | u32::from(prior)
    };
    meta.exact = names::write(writer, part::EXACT, &exact, &Order::Weight(&weight))?;
    drop(exact);
    meta.loose = names::write(writer, part::LOOSE, &loose, &Order::Weight(&weight))?;
    drop(loose);
    meta.words = names::write(writer, part::WORDS, &words_of_names, &Order::Node)?;
    drop(words_of_names);

    let head =
        postcard::to_stdvec(&meta).map_err(|_| GraphError::TooLarge("what a snapshot's head can say"))?;
    let finish = |mut file: Writer| {
        file.section(part::META)?;
        file.write(&head)?;
        file.finish()
    };
    finish(file)?;
    Ok(difference)
}

impl Builder {
    /// No value is looked up any more; ids are: redirects' targets, and what edits speak of.
    fn values_frozen(&mut self) {
        self.literals.freeze();
        self.texts.shrink_to_fit();
    }

    /// Objects that are web addresses and no entities, as literals: a number for each such term.
    fn links(&self, numbering: &Numbering) -> Result<FxHashMap<u32, u32>, GraphError> {
        let mut links = FxHashMap::default();
        let first = self.literals.len() as u32;
        let mut add = |object: u32| {
            if object & LITERAL == 0 && numbering.node_of[object as usize] == NOBODY {
                let next = first + links.len() as u32;
                links.entry(object).or_insert(next | LITERAL);
            }
        };
        for fact in self.facts.iter().filter(|fact| fact.subject != NOBODY) {
            add(fact.object);
        }
        for special in self.specials.values() {
            special.qualifiers.iter().for_each(|(_, value)| add(*value));
        }
        if self.literals.len() + links.len() >= LITERAL as usize {
            return Err(GraphError::TooLarge("2,147,483,648 different ids or values"));
        }
        Ok(links)
    }

    /// Hashes of the ids that [`is_latent`](crate::snapshot::Snapshot::is_latent) tells, in order.
    fn latent(&self, numbering: &Numbering) -> Vec<u32> {
        let nobody = (0..self.terms.len() as u32).filter(|term| {
            numbering.node_of[*term as usize] == NOBODY && !numbering.predicate_of.contains_key(term)
        });
        let void = self.facts.iter().filter(|fact| fact.subject == NOBODY).map(|fact| fact.object);
        let properties = self.words.iter().filter(|word| word.what == Describes::Property);
        let terms = nobody.chain(void.filter(|object| object & LITERAL == 0));
        let terms = terms.chain(properties.map(|word| word.about));
        let mut hashes: Vec<u32> = terms.map(|term| latent_hash(self.terms.get(term))).collect();
        hashes.sort_unstable();
        hashes.dedup();
        hashes
    }

    /// Sorts facts by subject, keeps each once, and compares what the latest run says with what was said before.
    fn rows(&self, numbering: &Numbering, links: &FxHashMap<u32, u32>, difference: &mut Difference) -> Rows {
        let node = |term: u32| numbering.node_of[term as usize];
        let has_place = |fact: &RawFact| fact.subject != NOBODY && node(fact.subject) != NOBODY;
        // What counted before, of subjects that are no entities any more.
        let mut lost = FxHashSet::default();
        for (fact, raw) in self.facts.iter().zip(0..) {
            if fact.subject != NOBODY && !has_place(fact) {
                let qualified = self.specials.get(&raw).filter(|special| !special.qualifiers.is_empty());
                lost.insert((fact.subject, fact.predicate, fact.object, qualified));
            }
        }
        difference.retired += lost.len() as u64;
        drop(lost);
        let counts = self.facts.iter().filter(|fact| has_place(fact));
        let mut raw_starts = vec![0_u32; numbering.entities.len() + 1];
        counts.for_each(|fact| raw_starts[node(fact.subject) as usize + 1] += 1);
        for at in 1..raw_starts.len() {
            raw_starts[at] += raw_starts[at - 1];
        }
        let mut next = raw_starts.clone();
        let mut order = vec![0_u32; raw_starts.last().copied().unwrap_or_default() as usize];
        for (fact, number) in self.facts.iter().zip(0..).filter(|(fact, _)| has_place(fact)) {
            let place = &mut next[node(fact.subject) as usize];
            order[*place as usize] = number;
            *place += 1;
        }
        drop(next);
        let mut rows = Rows {
            starts: Vec::with_capacity(raw_starts.len()),
            predicates: Vec::with_capacity(order.len()),
            objects: Vec::with_capacity(order.len()),
            origins: Vec::with_capacity(order.len()),
            raw: Vec::with_capacity(order.len()),
            subjects: vec![NOBODY; numbering.predicates.len()],
        };
        let mut standings: FxHashMap<Said<'_>, Stood> = FxHashMap::default();
        for subject in 0..numbering.entities.len() {
            rows.starts.push(rows.objects.len() as u32);
            let group = &order[raw_starts[subject] as usize..raw_starts[subject + 1] as usize];
            standings.clear();
            for raw in group {
                let fact = &self.facts[*raw as usize];
                let standing = self.origins[fact.origin as usize].1;
                let qualified = self.specials.get(raw).filter(|special| !special.qualifiers.is_empty());
                let key: Said<'_> = (fact.predicate, fact.object, qualified);
                let (latest, former) = (standing == Standing::Latest, standing == Standing::Former);
                match standings.entry(key) {
                    Entry::Occupied(mut known) => {
                        let known = known.get_mut();
                        known.former |= former;
                        known.only_latest &= latest || former;
                        if known.row.is_none() && !former {
                            known.row = Some(rows.push(self, numbering, links, *raw));
                        }
                    }
                    Entry::Vacant(new) => {
                        let row = (!former).then(|| rows.push(self, numbering, links, *raw));
                        new.insert(Stood { row, only_latest: latest || former, former });
                    }
                }
            }
            for Stood { row, only_latest, former } in standings.values() {
                difference.new += u64::from(*only_latest && !former && row.is_some());
                difference.retired += u64::from(row.is_none());
            }
            let own = rows.starts[subject] as usize..rows.predicates.len();
            for predicate in &rows.predicates[own] {
                let known = &mut rows.subjects[*predicate as usize];
                *known = match *known {
                    NOBODY => subject as u32,
                    same if same == subject as u32 => same,
                    _ => MANY,
                };
            }
        }
        rows.starts.push(rows.objects.len() as u32);
        rows
    }
}

impl Rows {
    /// Adds a gathered fact; its place.
    fn push(
        &mut self,
        builder: &Builder,
        numbering: &Numbering,
        links: &FxHashMap<u32, u32>,
        raw: u32,
    ) -> usize {
        let fact = &builder.facts[raw as usize];
        self.predicates.push(numbering.predicate_of.get(&fact.predicate).copied().unwrap_or_default());
        self.objects.push(object(fact.object, numbering, links));
        self.origins.push(fact.origin);
        self.raw.push(raw);
        self.raw.len() - 1
    }
}

/// An object's number in the file.
fn object(raw: u32, numbering: &Numbering, links: &FxHashMap<u32, u32>) -> u32 {
    if raw & LITERAL != 0 {
        return raw;
    }
    match numbering.node_of[raw as usize] {
        NOBODY => links.get(&raw).copied().unwrap_or(LITERAL),
        node => node,
    }
}

/// How many facts each predicate has.
fn uses(rows: &Rows, numbering: &Numbering) -> Vec<u32> {
    let mut uses = vec![0; numbering.predicates.len()];
    rows.predicates.iter().for_each(|predicate| uses[*predicate as usize] += 1);
    uses
}

type Written = Result<(), loquat_mapped::MappedError>;

fn write_facts(
    writer: &mut Writer,
    meta: &mut Meta,
    builder: &Builder,
    rows: &Rows,
    numbering: &Numbering,
    links: &FxHashMap<u32, u32>,
) -> Written {
    Column::write(writer, part::OUT_STARTS, 4, rows.starts.iter().copied())?;
    Column::write(writer, part::OBJECTS, 4, rows.objects.iter().copied())?;
    meta.predicate_width = Column::width_of(numbering.predicates.len().saturating_sub(1) as u32);
    Column::write(writer, part::PREDICATES, meta.predicate_width, rows.predicates.iter().copied())?;
    meta.origin_width = Column::width_of(builder.origins.len().saturating_sub(1) as u32);
    Column::write(writer, part::ORIGINS, meta.origin_width, rows.origins.iter().copied())?;
    write_incoming(writer, builder, rows, numbering.entities.len())?;

    let mut literals = Blobs::writer(writer, part::LITERALS)?;
    for literal in builder.literals.iter() {
        literals.push(writer, literal)?;
    }
    let mut by_number: Vec<(u32, u32)> = links.iter().map(|(term, number)| (*number, *term)).collect();
    by_number.sort_unstable();
    let mut bytes = Vec::new();
    for (_, term) in by_number {
        bytes.clear();
        put_literal(&mut bytes, &Object::Url(builder.term(term)), |_| 0, |_| 0);
        literals.push(writer, &bytes)?;
    }
    literals.finish(writer)?;

    let mut special: Vec<(u32, &Special)> = Vec::new();
    if !builder.specials.is_empty() {
        let numbered = rows.raw.iter().zip(0..);
        special.extend(numbered.filter_map(|(raw, fact)| Some((fact, builder.specials.get(raw)?))));
    }
    meta.specials = special.len() as u32;
    Column::write(writer, part::SPECIAL_FACTS, 4, special.iter().map(|(fact, _)| *fact))?;
    let mut specials = Blobs::writer(writer, part::SPECIALS)?;
    for (_, special) in special {
        bytes.clear();
        bytes.push(rank_byte(special.rank));
        for (predicate, value) in &special.qualifiers {
            put(&mut bytes, u64::from(numbering.predicate_of.get(predicate).copied().unwrap_or_default()));
            put(&mut bytes, u64::from(object(*value, numbering, links)));
        }
        specials.push(writer, &bytes)?;
    }
    specials.finish(writer)
}

/// The numbers of each object's facts, in the order of their import.
fn write_incoming(writer: &mut Writer, builder: &Builder, rows: &Rows, entities: usize) -> Written {
    let mut starts = vec![0_u32; entities + 1];
    for object in rows.objects.iter().filter(|object| *object & LITERAL == 0) {
        starts[*object as usize + 1] += 1;
    }
    for at in 1..starts.len() {
        starts[at] += starts[at - 1];
    }
    let mut by_import = vec![u32::MAX; builder.facts.len()];
    for (raw, fact) in rows.raw.iter().zip(0..) {
        by_import[*raw as usize] = fact;
    }
    let mut next = starts.clone();
    let mut incoming = vec![0_u32; starts.last().copied().unwrap_or_default() as usize];
    for fact in by_import.into_iter().filter(|fact| *fact != u32::MAX) {
        let object = rows.objects[fact as usize];
        if object & LITERAL == 0 {
            let place = &mut next[object as usize];
            incoming[*place as usize] = fact;
            *place += 1;
        }
    }
    Column::write(writer, part::IN_STARTS, 4, starts)?;
    Column::write(writer, part::IN_FACTS, 4, incoming)
}

fn write_entities(
    writer: &mut Writer,
    builder: &Builder,
    numbering: &Numbering,
    words: &Words,
    priors: &[u8],
) -> Written {
    Dictionary::write(writer, part::IDS, numbering.entities.iter().map(|term| builder.terms.get(*term)))?;
    let merged = numbering.redirects.iter();
    Dictionary::write(writer, part::REDIRECTS, merged.map(|(term, _)| builder.terms.get(*term)))?;
    Column::write(writer, part::REDIRECT_TARGETS, 4, numbering.redirects.iter().map(|(_, node)| *node))?;
    let mut records = Blobs::writer(writer, part::RECORDS)?;
    let mut bytes = Vec::new();
    for (node, term) in numbering.entities.iter().enumerate() {
        record(&words.said(builder, numbering, node), builder.term(*term), &mut bytes);
        records.push(writer, &bytes)?;
    }
    records.finish(writer)?;
    Column::write(writer, part::PRIORS, 1, priors.iter().map(|prior| u32::from(*prior)))
}

/// How well known each entity is, as [`Snapshot::prior`](crate::snapshot::Snapshot::prior) says.
fn priors(builder: &Builder, numbering: &Numbering, words: &Words, rows: &Rows) -> Vec<u8> {
    let mut degrees: Vec<u32> = rows.starts.windows(2).map(|pair| pair[1] - pair[0]).collect();
    for object in rows.objects.iter().filter(|object| *object & LITERAL == 0) {
        degrees[*object as usize] += 1;
    }
    let given: FxHashSet<u32> = builder
        .words
        .iter()
        .filter(|word| word.what == Describes::Popularity)
        .map(|word| numbering.node_of[word.about as usize])
        .collect();
    let prior = |(node, degree): (usize, u32)| {
        let given = given.contains(&(node as u32)).then(|| words.popularity(builder, node)).flatten();
        prior(given.unwrap_or(f64::from(degree)))
    };
    degrees.into_iter().enumerate().map(prior).collect()
}

/// 8 · log₂(1 + x), at most 255.
pub(crate) fn prior(popularity: f64) -> u8 {
    (8.0 * popularity.max(0.0).ln_1p() / std::f64::consts::LN_2).min(255.0) as u8
}

/// The predicates with what was said of them.
fn predicates(builder: &Builder, numbering: &Numbering) -> Vec<Predicate> {
    let mut predicates: Vec<Predicate> =
        numbering.predicates.iter().map(|term| bare_predicate(builder.term(*term))).collect();
    for word in &builder.words {
        if let Some(predicate) = numbering.predicate_of.get(&word.about)
            && let Some(predicate) = predicates.get_mut(*predicate as usize)
        {
            describe(predicate, word.what, builder.label(word));
        }
    }
    predicates.iter_mut().for_each(name_predicate);
    predicates
}
