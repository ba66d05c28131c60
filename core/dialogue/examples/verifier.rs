//! Measures the verifier on labelled sentences: `cargo run --release -p loquat-dialogue --example verifier [-- --failures N]`.
//!
//! In: `facts.json` and `sentences.jsonl` of `benchmarks/grounding/verifier`. Out: recall of bad sentences, false alarms on good ones,
//! by kind and language, and the time that a sentence takes.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Instant;

use anyhow::{Context, Result};
use loquat_contract::{Entity, Fact, Label, Language, Predicate, Templates, Unit, Value, Verdict};
use loquat_dialogue::Verifier;
use serde::Deserialize;

type Labels = Vec<(String, Option<String>)>;

#[derive(Deserialize)]
struct Named {
    labels: Labels,
    aliases: Labels,
    articles: Labels,
}

#[derive(Deserialize)]
struct Said {
    labels: Labels,
    aliases: Labels,
    single: Labels,
    plural: Labels,
    inverse: Labels,
    when_true: Labels,
    when_false: Labels,
    unit: Labels,
}

#[derive(Deserialize)]
struct Graph {
    predicates: BTreeMap<String, Said>,
    entities: BTreeMap<String, Named>,
    facts: Vec<(String, String, Vec<serde_json::Value>)>,
}

#[derive(Deserialize)]
struct Labelled {
    language: String,
    frame: String,
    held_out: bool,
    evidence: Vec<String>,
    label: String,
    kind: String,
    sentence: String,
}

fn labels(labels: &Labels) -> Vec<Label> {
    let label = |(text, language): &(String, Option<String>)| match language {
        Some(language) => Label::new(text, language),
        None => Label::plain(text),
    };
    labels.iter().map(label).collect()
}

fn entity(id: &str, named: &Named) -> Arc<Entity> {
    let (names, aliases, articles) = (labels(&named.labels), labels(&named.aliases), labels(&named.articles));
    Arc::new(Entity { id: id.into(), labels: names, aliases, articles, ..Entity::default() })
}

fn predicate(id: &str, said: &Said) -> Arc<Predicate> {
    let [single, plural, inverse, when_true, when_false] =
        [&said.single, &said.plural, &said.inverse, &said.when_true, &said.when_false].map(labels);
    let symbol = said.unit.iter().find(|(_, language)| language.is_none()).map(|(text, _)| text.clone());
    let names = said.unit.iter().filter(|(_, language)| language.is_some()).cloned().collect();
    let unit = Unit { symbol: symbol.unwrap_or_default(), labels: labels(&names) };
    Arc::new(Predicate {
        id: id.into(),
        labels: labels(&said.labels),
        aliases: labels(&said.aliases),
        templates: Templates { single, plural, inverse, when_true, when_false },
        unit: (!said.unit.is_empty()).then_some(unit),
    })
}

fn value(parts: &[serde_json::Value], entities: &BTreeMap<String, Arc<Entity>>) -> Result<Value> {
    let text = |at: usize| parts.get(at).and_then(|part| part.as_str()).unwrap_or_default().to_owned();
    Ok(match text(0).as_str() {
        "name" => Value::Entity(entities.get(&text(1)).context("an entity without labels")?.clone()),
        "number" => Value::number(text(1), text(1).parse()?),
        "boolean" => Value::Boolean(parts.get(1).and_then(|part| part.as_bool()).unwrap_or_default()),
        _ if text(3) == "date" => Value::Date(text(1)),
        _ if text(2).is_empty() => Value::Text(Label::plain(text(1))),
        _ => Value::Text(Label::new(text(1), &text(2))),
    })
}

#[derive(Default)]
struct Tally {
    right: usize,
    all: usize,
}

impl Tally {
    fn add(&mut self, right: bool) {
        self.all += 1;
        self.right += usize::from(right);
    }

    fn share(&self) -> String {
        let share = 100.0 * self.right as f64 / self.all.max(1) as f64;
        format!("{:>5} / {:<5} {share:6.2} %", self.right, self.all)
    }
}

#[expect(clippy::print_stdout, reason = "an example speaks through its output")]
fn main() -> Result<()> {
    let mut arguments = std::env::args().skip(1);
    let shown: usize = match arguments.next().as_deref() {
        Some("--failures") => arguments.next().context("--failures needs a number")?.parse()?,
        _ => 0,
    };
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/../../benchmarks/grounding/verifier");
    let graph: Graph = serde_json::from_str(&std::fs::read_to_string(format!("{folder}/facts.json"))?)?;
    let entities: BTreeMap<String, Arc<Entity>> =
        graph.entities.iter().map(|(id, named)| (id.clone(), entity(id, named))).collect();
    let predicates: BTreeMap<&String, Arc<Predicate>> =
        graph.predicates.iter().map(|(id, said)| (id, predicate(id, said))).collect();
    let mut facts: BTreeMap<String, Vec<Fact>> = BTreeMap::new();
    for (number, (subject, said, object)) in graph.facts.iter().enumerate() {
        let subject_entity = entities.get(subject).context("a subject without labels")?.clone();
        let predicate = predicates.get(said).context("a predicate without labels")?.clone();
        let (id, object) = (format!("{number}"), value(object, &entities)?);
        let fact = Fact::new(id.as_str().into(), subject_entity, predicate, object, "examples".into());
        facts.entry(format!("{subject} {said}")).or_default().push(fact);
    }

    let verifier = Verifier::new()?;
    let (mut tallies, mut micros): (BTreeMap<String, Tally>, Vec<u128>) = Default::default();
    let (mut contradicted, mut contradicted_bad, mut failures) = (0, 0, Vec::new());
    let mut contradictions = Tally::default();
    for line in std::fs::read_to_string(format!("{folder}/sentences.jsonl"))?.lines() {
        let labelled: Labelled = serde_json::from_str(line)?;
        let (mut known, mut lists) = (Vec::new(), Vec::new());
        for key in &labelled.evidence {
            let own = facts.get(key).with_context(|| format!("no facts for {key}"))?;
            lists.push((known.len()..known.len() + own.len()).collect());
            known.extend(own.iter().cloned());
        }
        let evidence = verifier.evidence(&known, &lists, &Language::new(&labelled.language));
        let started = Instant::now();
        let finding = evidence.check(&labelled.sentence);
        micros.push(started.elapsed().as_nanos());
        let is_good = labelled.label == "good";
        let right = (finding.verdict == Verdict::Supported) == is_good;
        let what = if is_good { "good supported" } else { "bad refused" };
        let part = match (labelled.frame.as_str(), labelled.held_out) {
            ("free", _) => "free",
            ("computed", _) => "counts and comparisons",
            (_, true) => "held-out frames",
            _ => "frames",
        };
        for key in ["all", &labelled.language, part] {
            tallies.entry(format!("{what}, {key}")).or_default().add(right);
        }
        if !is_good {
            tallies.entry(format!("bad refused, kind {}", labelled.kind)).or_default().add(right);
        }
        if finding.verdict == Verdict::Contradicted {
            contradicted += 1;
            contradicted_bad += usize::from(!is_good);
        }
        if matches!(labelled.kind.as_str(), "object" | "number" | "name" | "date" | "negation") {
            contradictions.add(finding.verdict == Verdict::Contradicted);
        }
        if !right {
            failures.push(format!(
                "{what}? {:?} {:?} [{}] {}",
                finding.verdict, finding.reason, labelled.kind, labelled.sentence
            ));
        }
    }
    tallies.iter().for_each(|(name, tally)| println!("{name:<32} {}", tally.share()));
    println!(
        "contradicted: {contradicted_bad} of {contradicted} are bad sentences; of those with another value or a denial: {}",
        contradictions.share()
    );
    micros.sort_unstable();
    let at = |share: f64| micros[((micros.len() - 1) as f64 * share) as usize] as f64 / 1000.0;
    println!("microseconds a sentence: median {:.0}, p99 {:.0}, max {:.0}", at(0.5), at(0.99), at(1.0));
    failures.iter().take(shown).for_each(|failure| println!("{failure}"));
    Ok(())
}
