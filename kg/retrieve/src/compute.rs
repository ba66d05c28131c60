//! Answers that no single fact states. In: scored paths and how the answer is put together. Out: a count, yes or no, the greatest or
//! least, what lies within bounds of time, each with the facts it is computed from. Computes nothing where facts are missing or
//! their units differ.

use std::sync::Arc;

use loquat_contract::{Entity, EntityId, Fact, Mention, Predicate, PredicateId, Value};

use super::RetrieveError;
use super::features::{has_figures, year};
use super::lexicon::{Comparing, Most};
use super::path::{Around, Step, chain};
use super::question::Question;
use super::search::{Scored, Search};
use super::shape::{Bounds, Reading, Shape};

/// What was computed.
#[derive(Clone, Debug, PartialEq)]
pub struct Computed {
    /// The result.
    pub outcome: Outcome,
    /// The facts it is computed from: to cite it is to cite them all.
    pub facts: Vec<Fact>,
    /// The entity from which the relations are walked; `None` where the question names what is compared.
    pub topic: Option<Arc<Entity>>,
    /// The relations to what was counted, compared or looked for.
    pub path: Vec<Step>,
    /// What is compared.
    pub attribute: Option<Arc<Predicate>>,
    /// Whether not everything at the end of the path was taken, but what else the question says of it: “rivers” of all that is in
    /// Spain, “before 1990”.
    pub narrowed: bool,
    /// How surely the question asks for this, from 0 to 1; see [`Group::certainty`](crate::Group::certainty).
    pub certainty: f32,
}

/// The result of a computation.
#[derive(Clone, Debug, PartialEq)]
pub enum Outcome {
    /// How many there are.
    Count {
        /// The number of different values.
        count: usize,
        /// Whether a limit left some uncounted.
        at_least: bool,
    },
    /// Yes or no.
    YesNo(bool),
    /// Those with the greatest or least value; several where they are equal.
    Extreme {
        /// Which end of the order.
        most: Most,
        /// Those at the end.
        entities: Vec<Arc<Entity>>,
    },
    /// The values that lie within the time that the question gives.
    Within(Vec<Value>),
}

/// The most entities that are compared.
const COMPARED: usize = 512;
/// Facts read of each.
const FACTS: usize = 128;
/// The least evidence for a path to be computed with, and for denying what it does not have.
const EVIDENCE: f32 = 0.3;
const SURE: f32 = 0.6;

/// Computes what the question asks for, and says how the answer is put together after all: "how many people live in …" asks for a
/// value where the graph has the number.
pub(super) async fn compute(
    search: &mut Search<'_>,
    scored: &[Scored],
    reading: &Reading,
    mentions: &[Mention],
) -> Result<(Option<Computed>, Shape), RetrieveError> {
    let shape = reading.shape;
    let Some(best) = scored.first() else {
        return Ok((comparison(search, reading, mentions).await?, shape));
    };
    let computed = match shape {
        Shape::Count if states_amount(search, best) => return Ok((None, Shape::Value)),
        Shape::Count => count(search, best, reading.bounds).await?,
        Shape::YesNo => decide(search, scored, reading, mentions),
        Shape::Comparison(_) => comparison(search, reading, mentions).await?,
        Shape::Superlative(_) => superlative(search, scored, reading, mentions).await?,
        Shape::List | Shape::Value | Shape::Date => match reading.bounds {
            Some(bounds) => {
                let (ends, facts) = within(search, best, bounds).await?;
                let values: Vec<Value> =
                    ends.iter().map(|&end| search.paths[best.path].ends[end].value.clone()).collect();
                (!values.is_empty()).then(|| Computed {
                    narrowed: true,
                    ..along(search, best, Outcome::Within(values), facts)
                })
            }
            None => None,
        },
    };
    Ok((computed, shape))
}

/// Whether the graph states the amount that is asked for: a number, or the one value with figures in it ("7200 rpm"), which is no
/// list to be counted.
fn states_amount(search: &Search<'_>, scored: &Scored) -> bool {
    let ends = &search.paths[scored.path].ends;
    match ends.first().map(|end| &end.value) {
        Some(Value::Number { .. }) => true,
        Some(value @ Value::Entity(_)) => ends.len() == 1 && has_figures(value),
        Some(_) => ends.len() == 1,
        None => false,
    }
}

/// What was computed at the end of a path.
fn along(search: &Search<'_>, scored: &Scored, outcome: Outcome, facts: Vec<Fact>) -> Computed {
    let path = &search.paths[scored.path];
    Computed {
        outcome,
        facts,
        topic: Some(search.topics[path.topic].entity.clone()),
        path: path.steps.clone(),
        attribute: None,
        narrowed: false,
        certainty: search.certainty(scored.path).0,
    }
}

async fn count(
    search: &mut Search<'_>,
    best: &Scored,
    bounds: Option<Bounds>,
) -> Result<Option<Computed>, RetrieveError> {
    if best.features[2] < EVIDENCE && search.meaning.is_none() {
        return Ok(None);
    }
    let (ends, mut facts) = match bounds {
        Some(bounds) => within(search, best, bounds).await?,
        None => ((0..search.paths[best.path].ends.len()).collect(), Vec::new()),
    };
    if bounds.is_none() {
        facts = ends.iter().flat_map(|&end| chain(&search.paths, best.path, end)).collect();
    }
    once(&mut facts);
    let outcome = Outcome::Count { count: ends.len(), at_least: search.paths[best.path].cut };
    let narrowed = bounds.is_some();
    Ok(Some(Computed { narrowed, ..along(search, best, outcome, facts) }))
}

/// The ends of a path that lie within the bounds, with the facts that say so: of each end its own date, that of the fact, or the
/// first date that the graph has of the entity.
async fn within(
    search: &mut Search<'_>,
    scored: &Scored,
    bounds: Bounds,
) -> Result<(Vec<usize>, Vec<Fact>), RetrieveError> {
    let fits = |year: i32| (bounds.from..=bounds.to).contains(&year);
    let ids: Vec<EntityId> =
        search.paths[scored.path].entities().take(COMPARED).map(|(_, entity)| entity.id.clone()).collect();
    search.read(&ids, FACTS).await?;
    let (mut ends, mut facts) = (Vec::new(), Vec::new());
    for (at, end) in search.paths[scored.path].ends.iter().enumerate() {
        let qualified = end.fact.qualifiers.iter().find_map(|qualifier| year(&qualifier.value));
        let dated = match &end.value {
            Value::Entity(entity) if qualified.is_none() => {
                search.around(&entity.id).and_then(|around| dated(&around))
            }
            _ => None,
        };
        let own = if matches!(end.value, Value::Entity(_)) { None } else { year(&end.value) };
        let known = own.or(qualified).or(dated.as_ref().map(|(year, _)| *year));
        if known.is_some_and(fits) {
            ends.push(at);
            facts.extend(chain(&search.paths, scored.path, at));
            facts.extend(dated.map(|(_, fact)| fact));
        }
    }
    once(&mut facts);
    Ok((ends, facts))
}

/// The first date among an entity's own facts.
fn dated(around: &Around) -> Option<(i32, Fact)> {
    let own = around.spokes.iter().filter(|spoke| !spoke.step.inverse);
    let dates = own.flat_map(|spoke| &spoke.facts).filter_map(|fact| Some((year(&fact.object)?, fact)));
    let best = dates.min_by(|(_, a), (_, b)| {
        let plain = |fact: &Fact| !matches!(fact.object, Value::Date(_));
        plain(a).cmp(&plain(b)).then_with(|| a.id.cmp(&b.id))
    });
    best.map(|(year, fact)| (year, fact.clone()))
}

/// Yes where a path leads from one name to another, or to a value that the question has; no where the path that the question says
/// leads elsewhere.
fn decide(
    search: &Search<'_>,
    scored: &[Scored],
    reading: &Reading,
    mentions: &[Mention],
) -> Option<Computed> {
    let yes = |one: &Scored, holds: bool, facts: Vec<Fact>| {
        Some(along(search, one, Outcome::YesNo(holds != reading.negated), facts))
    };
    for one in scored.iter().filter(|one| one.features[2] >= EVIDENCE || mentions.len() > 1) {
        let path = &search.paths[one.path];
        let own = search.topics[path.topic].view;
        for (at, end) in path.ends.iter().enumerate() {
            let holds = match &end.value {
                Value::Boolean(value) if one.path == scored[0].path => {
                    return yes(one, *value, chain(&search.paths, one.path, at));
                }
                Value::Entity(entity) => mentions.iter().enumerate().any(|(view, mention)| {
                    view != own && mention.candidates.iter().any(|candidate| candidate.entity.id == entity.id)
                }),
                value => reading.bounds.is_some_and(|bounds| {
                    year(value).is_some_and(|year| (bounds.from..=bounds.to).contains(&year))
                }),
            };
            if holds {
                return yes(one, true, chain(&search.paths, one.path, at));
            }
        }
    }
    let best = scored.first().filter(|best| best.features[2] >= SURE)?;
    let path = &search.paths[best.path];
    let asks_for_another = mentions.len() > 1 || reading.bounds.is_some();
    if path.cut || !asks_for_another {
        return None;
    }
    let mut facts: Vec<Fact> =
        (0..path.ends.len()).flat_map(|end| chain(&search.paths, best.path, end)).collect();
    once(&mut facts);
    yes(best, false, facts)
}

async fn comparison(
    search: &mut Search<'_>,
    reading: &Reading,
    mentions: &[Mention],
) -> Result<Option<Computed>, RetrieveError> {
    let Some(comparing) = reading.comparing else { return Ok(None) };
    let named: Vec<Arc<Entity>> = mentions
        .iter()
        .filter_map(|mention| Some(mention.candidates.first()?.entity.clone()))
        .take(8)
        .collect();
    let Some(mut computed) = extreme(search, &named, reading, comparing, true).await? else {
        return Ok(None);
    };
    if let (true, Outcome::Extreme { entities, .. }, Some(first)) =
        (reading.yes_no, &computed.outcome, named.first())
    {
        // "Is A older than B": equal is no.
        let holds = entities.len() == 1 && entities[0].id == first.id;
        computed.outcome = Outcome::YesNo(holds != reading.negated);
    }
    Ok(Some(computed))
}

/// The greatest or least of what a path leads to: the first path for which the graph has something to compare.
async fn superlative(
    search: &mut Search<'_>,
    scored: &[Scored],
    reading: &Reading,
    mentions: &[Mention],
) -> Result<Option<Computed>, RetrieveError> {
    let Some(comparing) = reading.comparing else { return Ok(None) };
    for one in scored.iter().take(16) {
        let several: Vec<(usize, Arc<Entity>)> = search.paths[one.path]
            .entities()
            .map(|(end, entity)| (end, entity.clone()))
            .take(COMPARED)
            .collect();
        if several.len() < 2 {
            continue;
        }
        let ids: Vec<EntityId> = several.iter().map(|(_, entity)| entity.id.clone()).collect();
        search.read(&ids, FACTS).await?;
        let path = &search.paths[one.path];
        let whole = !path.cut && path.entities().count() <= COMPARED && is_whole(search, &ids);
        let own = search.topics[search.paths[one.path].topic].view;
        let others = mentions.iter().enumerate().filter(|(view, _)| *view != own);
        let (before, mut several) = (several.len(), several);
        for (_, mention) in others {
            narrow(&mut several, |entity| is_near(search, entity, mention));
        }
        narrow(&mut several, |entity| is_called(search, entity, &reading.rest));
        let entities: Vec<Arc<Entity>> = several.iter().map(|(_, entity)| entity.clone()).collect();
        let Some(mut computed) = extreme(search, &entities, reading, comparing, false).await? else {
            continue;
        };
        // Where not everything was read, the greatest may be among what was not.
        if !whole {
            return Ok(None);
        }
        if let Outcome::Extreme { entities, .. } = &computed.outcome {
            let ends =
                several.iter().filter(|(_, entity)| entities.iter().any(|winner| winner.id == entity.id));
            let mut facts: Vec<Fact> =
                ends.flat_map(|(end, _)| chain(&search.paths, one.path, *end)).collect();
            facts.append(&mut computed.facts);
            once(&mut facts);
            computed = Computed {
                attribute: computed.attribute,
                narrowed: several.len() < before,
                ..along(search, one, computed.outcome, facts)
            };
        }
        return Ok(Some(computed));
    }
    Ok(None)
}

/// Whether all that the graph says of each entity was read.
fn is_whole(search: &Search<'_>, entities: &[EntityId]) -> bool {
    entities.iter().all(|entity| search.around(entity).is_some_and(|around| !around.own_cut))
}

/// Keeps those that are so, if any are.
fn narrow(several: &mut Vec<(usize, Arc<Entity>)>, so: impl Fn(&Entity) -> bool) {
    let kept: Vec<_> = several.iter().filter(|(_, entity)| so(entity)).cloned().collect();
    if !kept.is_empty() {
        *several = kept;
    }
}

/// Whether a fact joins the entity with what a name may mean.
fn is_near(search: &Search<'_>, entity: &Entity, mention: &Mention) -> bool {
    let meant = |id: &EntityId| mention.candidates.iter().any(|candidate| candidate.entity.id == *id);
    search.around(&entity.id).is_some_and(|around| {
        around.spokes.iter().flat_map(|spoke| &spoke.facts).any(|fact| match &fact.object {
            Value::Entity(object) => meant(&object.id) || meant(&fact.subject.id),
            _ => false,
        })
    })
}

/// Whether the question has a word for what the entity is: "river", where one of its facts, or its description, says so.
fn is_called(search: &Search<'_>, entity: &Entity, rest: &Question) -> bool {
    let lexicon = rest.lexicon;
    let says = |text: &str| {
        let lower = text.to_lowercase();
        let mut words = lower.split(|c: char| !c.is_alphanumeric()).filter(|word| !word.is_empty());
        let han = lower.chars().any(loquat_text::is_han) && rest.says(&lower);
        han || words.any(|word| {
            let stem = lexicon.stems.stem(word);
            rest.tokens
                .iter()
                .any(|token| token.terms.iter().any(|(term, weight)| *weight >= 1.0 && *term == stem))
        })
    };
    let described = entity.descriptions.iter().any(|label| says(&label.text));
    described
        || search.around(&entity.id).is_some_and(|around| {
            let own = around.spokes.iter().filter(|spoke| !spoke.step.inverse);
            own.flat_map(|spoke| &spoke.facts).any(|fact| match &fact.object {
                Value::Entity(kind) => kind.labels.iter().any(|label| says(&label.text)),
                _ => false,
            })
        })
}

/// An entity with its value of an attribute, and the fact that states it.
type Measured = (Arc<Entity>, f64, Fact);

/// Compares entities by the attribute that the question names, else by one that the comparing word is used for. With `all`, each
/// has to have it; otherwise two have to.
async fn extreme(
    search: &mut Search<'_>,
    entities: &[Arc<Entity>],
    reading: &Reading,
    comparing: &Comparing,
    all: bool,
) -> Result<Option<Computed>, RetrieveError> {
    let ids: Vec<EntityId> = entities.iter().map(|entity| entity.id.clone()).collect();
    search.read(&ids, FACTS).await?;
    let meant: Vec<Question> =
        comparing.attributes.iter().map(|word| Question::read(word, None, reading.rest.lexicon)).collect();
    // Attributes with their fitness, and for each entity its value of it.
    let mut attributes: Vec<(f32, PredicateId, Vec<Measured>)> = Vec::new();
    for entity in entities {
        let Some(around) = search.around(&entity.id) else { continue };
        for spoke in around.spokes.iter().filter(|spoke| !spoke.step.inverse) {
            let Some((value, fact)) =
                spoke.facts.iter().find_map(|fact| Some((measure(fact, comparing.dates)?, fact)))
            else {
                continue;
            };
            let id = &spoke.step.predicate.id;
            if let Some((_, _, values)) = attributes.iter_mut().find(|(_, known, _)| known == id) {
                values.push((entity.clone(), value, fact.clone()));
                continue;
            }
            let phrases = search.index.of(&spoke.step.predicate);
            let said =
                |question: &Question| phrases.occurrences(question).first().map_or(0.0, |said| said.score);
            let by_word = meant.iter().enumerate().map(|(at, word)| said(word) * (1.0 - 0.1 * at as f32));
            let named = said(&reading.rest);
            let fitness = if named >= SURE { 1.0 + named } else { by_word.fold(0.0, f32::max) };
            if fitness >= EVIDENCE {
                attributes.push((fitness, id.clone(), vec![(entity.clone(), value, fact.clone())]));
            }
        }
    }
    let needed = if all { entities.len().max(2) } else { 2 };
    attributes
        .retain(|(_, _, values)| values.len() >= needed && one_unit(values.iter().map(|(_, _, fact)| fact)));
    attributes.sort_by(|(a, x, _), (b, y, _)| b.total_cmp(a).then_with(|| x.cmp(y)));
    let Some((fitness, _, mut values)) = attributes.into_iter().next() else { return Ok(None) };
    let attribute = values.first().map(|(_, _, fact)| fact.predicate.clone());
    values.sort_by(|(a, x, _), (b, y, _)| {
        let order = if comparing.most == Most::Greatest { y.total_cmp(x) } else { x.total_cmp(y) };
        order.then_with(|| a.id.cmp(&b.id))
    });
    let best = values.first().map_or(0.0, |(_, value, _)| *value);
    let entities =
        values.iter().take_while(|(_, value, _)| *value == best).map(|(entity, _, _)| entity.clone());
    let outcome = Outcome::Extreme { most: comparing.most, entities: entities.collect() };
    Ok(Some(Computed {
        outcome,
        facts: values.into_iter().map(|(_, _, fact)| fact).collect(),
        topic: None,
        path: Vec::new(),
        attribute,
        narrowed: false,
        certainty: fitness.min(1.0),
    }))
}

/// The fact's value as a number to be compared: an amount, or for dates the days since year 0, roughly.
fn measure(fact: &Fact, dates: bool) -> Option<f64> {
    match &fact.object {
        Value::Number { value, .. } if !dates => Some(*value),
        Value::Date(text) if dates => {
            let rest = text.trim_start_matches('-');
            let mut parts = rest.split('-').skip(1).map(|part| part.parse::<f64>().unwrap_or(1.0));
            let (month, day) = (parts.next().unwrap_or(1.0), parts.next().unwrap_or(1.0));
            Some(f64::from(year(&fact.object)?) * 372.0 + month * 31.0 + day)
        }
        value if dates => year(value).map(|year| f64::from(year) * 372.0 + 32.0),
        _ => None,
    }
}

fn one_unit<'a>(mut facts: impl Iterator<Item = &'a Fact>) -> bool {
    let symbol = |fact: &Fact| fact.unit().map(|unit| (unit.symbol.clone(), unit.labels.clone()));
    let first = facts.next().map(symbol);
    facts.all(|fact| Some(symbol(fact)) == first)
}

/// Keeps each fact once, in order.
fn once(facts: &mut Vec<Fact>) {
    let mut seen = rustc_hash::FxHashSet::default();
    facts.retain(|fact| seen.insert(fact.id.clone()));
}
