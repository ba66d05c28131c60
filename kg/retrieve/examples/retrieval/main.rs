//! Measures retrieval on three sets of questions: the share whose answer is stated by one of the first 1, 5 and 20 facts.
//!
//! ```text
//! cargo run --release -p loquat-retrieve --example retrieval -- [--sample 2000] [--embeddings off|minilm|gte] [--sets eq,metaqa,nlpcc]
//!     [--tuning] [--hidden] [--failures 20] [--features FEATURES.jsonl] [--data ../shared/data]
//! ```
//!
//! The sets are EntityQuestions (Sciavolino et al. 2021), MetaQA (Zhang et al. 2018) with the topic's brackets taken away, and NLPCC
//! 2016 KBQA; one whose files are not there is skipped. Weights are learnt from EntityQuestions' training questions and from one half
//! of the two others' (`--tuning`, by a hash of the question); what is reported is the other half, and EntityQuestions' dev questions.
//! `--hidden` asks each question twice more: with the facts of its answers hidden, and with its name unknown; then nothing should be
//! answered. With it, `--features` writes what `learn.py` and `certain.py` learn weights from.

mod embedders;
mod gate;
mod hidden;
mod sets;

use std::fs::File;
use std::io::BufWriter;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, Instant};

use loquat_contract::{Language, Value};
use loquat_kg::{Graph, ImportOptions};
use loquat_retrieve::{Retrieval, RetrieveOptions, Retriever};

use gate::Gate;
use hidden::Hidden;
use sets::{Question, Set};

type Failure = Box<dyn std::error::Error>;

struct Options {
    sample: usize,
    embeddings: String,
    sets: String,
    tuning: bool,
    failures: usize,
    features: Option<PathBuf>,
    hidden: bool,
    data: PathBuf,
}

#[derive(Default)]
struct Tally {
    asked: usize,
    within: [usize; 3],
    unlinked: usize,
    unreached: usize,
    lower: usize,
    times: Vec<Duration>,
    gated: usize,
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Failure> {
    let options = options()?;
    let mut features = options.features.as_ref().map(File::create).transpose()?.map(BufWriter::new);
    let embedder = embedders::open(&options.embeddings)?;
    say(
        "| questions | asked | in the first 1 | 5 | 20 | topic not linked | not found | lower | median | p99 |",
    );
    say("|---|---|---|---|---|---|---|---|---|---|");
    let mut gates = Vec::new();
    for set in sets::all(&options.data, options.tuning) {
        if !options.sets.split(',').any(|name| set.name.to_lowercase().contains(name)) {
            continue;
        }
        let Some(questions) = set.questions(options.sample)? else {
            say(&format!("| {} | skipped: its files are not in {} |", set.name, options.data.display()));
            continue;
        };
        let folder = tempfile::tempdir()?;
        let graph = Graph::open(folder.path())?;
        graph.import(&set.facts, &ImportOptions::default(), |_| {})?;
        let graph = Arc::new(Hidden::new(Arc::new(graph)));
        let mut retriever = Retriever::new(
            graph.clone(),
            RetrieveOptions { max_facts: 200, token_budget: 8000, ..Default::default() },
        );
        if let Some(embedder) = &embedder {
            retriever = retriever.with_embedder(embedder.clone());
        }
        let mut tally = Tally::default();
        let mut gate = Gate::default();
        for question in &questions {
            let gate = options.hidden.then_some((&mut gate, &*graph));
            ask(&retriever, &set, question, &mut tally, gate, &mut features, options.failures).await?;
        }
        tally.print(&set.name);
        gates.push((set.name.clone(), gate));
    }
    if options.hidden {
        say("");
        Gate::header();
        gates.iter().for_each(|(name, gate)| gate.print(name));
    }
    Ok(())
}

async fn ask(
    retriever: &Retriever,
    set: &Set,
    question: &Question,
    tally: &mut Tally,
    gate: Option<(&mut Gate, &Hidden)>,
    features: &mut Option<BufWriter<File>>,
    failures: usize,
) -> Result<(), Failure> {
    let start = Instant::now();
    let (found, values) = retriever.retrieve_with_features(question.text.as_str()).await?;
    tally.times.push(start.elapsed());
    tally.asked += 1;
    let place = place(&found, question);
    for (within, limit) in tally.within.iter_mut().zip([1, 5, 20]) {
        *within += usize::from(place.is_some_and(|place| place < limit));
    }
    let linked = question
        .topic
        .as_ref()
        .is_none_or(|topic| found.groups.iter().any(|group| group.topic.names().any(|name| name == topic)));
    match place {
        None if !linked => tally.unlinked += 1,
        None => tally.unreached += 1,
        Some(place) if place >= 20 => tally.lower += 1,
        _ => {}
    }
    if place != Some(0) && tally.asked - tally.within[0] <= failures {
        let english = Language::english();
        let best = found.groups.first().map(|group| (group.reason(&english), group.score, &group.matched));
        say(&format!(
            "  {} [{place:?}] {best:?} wanted {:?}",
            question.text,
            question.answers.iter().take(2).collect::<Vec<_>>()
        ));
    }
    let Some((gate, graph)) = gate else { return Ok(()) };
    gate.ask(retriever, graph, question, &set.name, (&found, &values), features, tally.gated < failures)
        .await?;
    tally.gated += 1;
    Ok(())
}

/// The place of the first fact that states an answer.
fn place(found: &Retrieval, question: &Question) -> Option<usize> {
    found.facts().iter().position(|ranked| {
        ranked.group.is_some_and(|group| {
            let states = |answer: &&loquat_retrieve::Answer| {
                answer.facts.last().is_some_and(|fact| fact.id == ranked.fact.id)
            };
            group.answers.iter().find(states).is_some_and(|answer| question.accepts(&answer.value))
        })
    })
}

impl Question {
    fn accepts(&self, value: &Value) -> bool {
        let named = |name: &str| self.answers.iter().any(|answer| sets::plain(answer) == sets::plain(name));
        match value {
            Value::Entity(entity) => entity.names().any(named),
            other => named(&other.text(&Language::english())),
        }
    }
}

impl Tally {
    fn print(&mut self, name: &str) {
        self.times.sort();
        let at = |share: f64| {
            self.times.get((self.times.len() as f64 * share) as usize).copied().unwrap_or_default()
        };
        let percent = |count: usize| format!("{:.1} %", 100.0 * count as f64 / self.asked.max(1) as f64);
        let [one, five, twenty] = self.within.map(percent);
        say(&format!(
            "| {name} | {} | {one} | {five} | {twenty} | {} | {} | {} | {:.1?} | {:.1?} |",
            self.asked,
            percent(self.unlinked),
            percent(self.unreached),
            percent(self.lower),
            at(0.5),
            at(0.99)
        ));
    }
}

fn options() -> Result<Options, Failure> {
    let mut options = Options {
        sample: 2000,
        embeddings: "off".to_owned(),
        sets: "entity,metaqa,nlpcc".to_owned(),
        tuning: false,
        failures: 0,
        features: None,
        hidden: false,
        data: PathBuf::from("../shared/data"),
    };
    let mut arguments = std::env::args().skip(1);
    while let Some(argument) = arguments.next() {
        let mut value = || arguments.next().ok_or(format!("{argument} wants a value"));
        match argument.as_str() {
            "--sample" => options.sample = value()?.parse()?,
            "--embeddings" => options.embeddings = value()?,
            "--sets" => options.sets = value()?,
            "--hidden" => options.hidden = true,
            "--tuning" => options.tuning = true,
            "--failures" => options.failures = value()?.parse()?,
            "--features" => options.features = Some(value()?.into()),
            "--data" => options.data = value()?.into(),
            other => return Err(format!("{other} is not known").into()),
        }
    }
    Ok(options)
}

#[expect(clippy::print_stdout, reason = "the numbers are what the program is for")]
fn say(line: &str) {
    println!("{line}");
}
