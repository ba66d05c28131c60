//! The sets of questions. In: the options. Out: tables on standard output.

use std::collections::{HashMap, HashSet};

use loquat_kg::Graph;

use super::cases::{Case, Facts, bracketed, hash, lines, questions, sample};
use super::report::{Tally, header, skipped};
use super::slips::{SLIPS, slipped};
use super::{Failure, Options, graph};

/// The facts and questions of EntityQuestions, or a message that they are not there.
pub(crate) fn english(options: &Options, file: &str) -> Result<Option<(Facts, Vec<Case>)>, Failure> {
    let folder = options.data.join("entityquestions");
    let facts = match Facts::read(&folder.join("facts.tsv.gz")) {
        Ok(facts) => facts,
        Err(error) => {
            skipped("entityquestions", &error);
            return Ok(None);
        }
    };
    let (cases, unclear) = questions(&folder.join(file), &facts)?;
    eprintln!("entityquestions: {} questions, {unclear} without a known subject", cases.len());
    Ok(Some((facts, sample(cases, options.sample))))
}

pub(crate) fn entity_questions(options: &Options) -> Result<(), Failure> {
    let Some((facts, cases)) = english(options, "dev.jsonl.gz")? else { return Ok(()) };
    let (_folder, graph) = graph(facts.rows())?;
    header("EntityQuestions, dev");
    Tally::of(&graph, &cases).print("as written", options.misses);
    let lower: Vec<Case> = cases.iter().filter_map(|case| case.changed(str::to_lowercase)).collect();
    Tally::of(&graph, &lower).print("lower case", options.misses);
    let upper: Vec<Case> = cases.iter().filter_map(|case| case.changed(str::to_uppercase)).collect();
    Tally::of(&graph, &upper).print("capitals", options.misses);
    for slip in SLIPS {
        let respelt =
            |case: &Case| slipped(&case.text[case.range.clone()], slip).map(|name| case.respelt(&name));
        let wrong: Vec<Case> = cases.iter().filter_map(respelt).collect();
        Tally::of(&graph, &wrong).print(&format!("{slip:?}").to_lowercase(), options.misses);
    }
    Ok(())
}

/// Whether an entity is one of the tenth that is taken out of the graph.
fn is_absent(name: &str) -> bool {
    hash(name).is_multiple_of(10)
}

/// The graph without those.
pub(crate) fn reduced(facts: &Facts) -> Result<(tempfile::TempDir, Graph), Failure> {
    let subjects: HashSet<&str> = facts.rows().map(|[subject, ..]| subject).collect();
    let gone = |name: &str| subjects.contains(name) && is_absent(name);
    graph(facts.rows().filter(|[subject, _, object]| !gone(subject) && !gone(object)))
}

fn knows(graph: &Graph, id: &str) -> bool {
    graph.show(id, 0).iter().any(|shown| shown.entity.id.as_str() == id)
}

pub(crate) fn absent(options: &Options) -> Result<(), Failure> {
    let Some((facts, cases)) = english(options, "dev.jsonl.gz")? else { return Ok(()) };
    let (_folder, graph) = reduced(&facts)?;
    let (absent, present): (Vec<Case>, Vec<Case>) =
        cases.into_iter().partition(|case| !knows(&graph, &case.gold));
    header("EntityQuestions, dev, a tenth of the subjects not in the graph");
    Tally::of(&graph, &present).print("in the graph", options.misses);
    Tally::of(&graph, &absent).print("not in the graph", options.misses);
    let lower: Vec<Case> = absent.iter().filter_map(|case| case.changed(str::to_lowercase)).collect();
    Tally::of(&graph, &lower).print("not in the graph, lower case", options.misses);
    Ok(())
}

pub(crate) fn namesakes(options: &Options) -> Result<(), Failure> {
    let Some((facts, cases)) = english(options, "dev.jsonl.gz")? else { return Ok(()) };
    let (_folder, graph, cases) = paired(&facts, cases)?;
    header("EntityQuestions, dev, two subjects under each name");
    Tally::of(&graph, &cases).print("two of a name", options.misses);
    Ok(())
}

/// A graph in which the subjects of the questions share their name with another subject each, and the questions that ask by it.
pub(crate) fn paired(
    facts: &Facts,
    cases: Vec<Case>,
) -> Result<(tempfile::TempDir, Graph, Vec<Case>), Failure> {
    let mut asked: Vec<&str> = cases.iter().map(|case| case.gold.as_str()).collect();
    asked.sort_unstable_by_key(|name| hash(name));
    asked.dedup();
    let mut shared: HashMap<&str, &str> = HashMap::new();
    for pair in asked.chunks_exact(2) {
        shared.insert(pair[0], pair[0]);
        shared.insert(pair[1], pair[0]);
    }
    let labels = shared.iter().map(|(id, name)| [*id, "rdfs:label", *name]);
    let (folder, graph) = graph(facts.rows().chain(labels))?;
    let rename = |case: &Case| shared.get(case.gold.as_str()).map(|name| case.respelt(name));
    let cases = cases.iter().filter_map(rename).collect();
    Ok((folder, graph, cases))
}

pub(crate) fn nlpcc(options: &Options) -> Result<(), Failure> {
    let folder = options.data.join("nlpcc2016-kbqa");
    let facts = match Facts::read(&folder.join("facts.tsv.gz")) {
        Ok(facts) => facts,
        Err(error) => {
            skipped("nlpcc", &error);
            return Ok(());
        }
    };
    let (cases, unclear) = questions(&folder.join("train.jsonl.gz"), &facts)?;
    eprintln!("nlpcc: {} questions, {unclear} without a known subject", cases.len());
    let cases = sample(cases, options.sample);
    header("NLPCC 2016 KBQA, training questions");
    let (_folder, all) = graph(facts.rows())?;
    Tally::of(&all, &cases).print("as written", options.misses);
    let (_folder, graph) = reduced(&facts)?;
    let (absent, present): (Vec<Case>, Vec<Case>) =
        cases.into_iter().partition(|case| !knows(&graph, &case.gold));
    Tally::of(&graph, &present).print("a tenth taken out: in the graph", options.misses);
    Tally::of(&graph, &absent).print("not in the graph", options.misses);
    Ok(())
}

pub(crate) fn metaqa(options: &Options) -> Result<(), Failure> {
    let folder = options.data.join("metaqa");
    let facts = match Facts::read(&folder.join("kb.tsv.gz")) {
        Ok(facts) => facts,
        Err(error) => {
            skipped("metaqa", &error);
            return Ok(());
        }
    };
    let (_folder, graph) = graph(facts.rows())?;
    header("MetaQA, dev, without the brackets");
    for hops in 1..=3 {
        let cases = sample(bracketed(&folder.join(format!("{hops}-hop-dev.tsv.gz")))?, options.sample);
        Tally::of(&graph, &cases).print(&format!("{hops} hops"), options.misses);
    }
    Ok(())
}

/// Messages of 200 characters with names of packages, some misspelt, over millions of names.
pub(crate) fn scale(options: &Options) -> Result<(), Failure> {
    let path = options.data.join("npm-kg/npm.tsv.gz");
    let mut rows: Vec<[String; 3]> = Vec::new();
    let read = match lines(&path) {
        Ok(lines) => lines,
        Err(error) => {
            skipped("scale", &error);
            return Ok(());
        }
    };
    for line in read.take(options.names) {
        let line = line?;
        let mut cells = line.split('\t');
        let (name, owner) = (cells.next().unwrap_or_default(), cells.next().unwrap_or_default());
        let owner = if owner.is_empty() { "nobody" } else { owner };
        if !name.trim().is_empty() {
            rows.push([name, "maintainer", owner].map(str::to_owned));
        }
    }
    let (_folder, graph) = graph(rows.iter().map(|row| row.each_ref().map(String::as_str)))?;
    let names: Vec<&str> = rows.iter().map(|row| row[0].as_str()).filter(|name| name.len() > 6).collect();
    let mut cases = Vec::new();
    let mut misspelt = Vec::new();
    for number in 0..options.sample {
        let name = names[hash(&number.to_string()) as usize % names.len()];
        let other = names[hash(&format!("other {number}")) as usize % names.len()];
        let text = "Good morning, I have a question about the Quarterly Report of our Northern Branch and about NAME. \
                    Could Somebody please tell me who the maintainer is, and whether Version Two still works with OTHER?";
        let (before, rest) = text.split_once("NAME").unwrap_or_default();
        let start = before.len();
        let case = Case {
            text: format!("{before}{name}{}", rest.replace("OTHER", other)),
            gold: name.to_owned(),
            range: start..start + name.len(),
        };
        // Written with a capital, as only then is a slip looked for beside other names.
        let capital = |name: &str| name[..1].to_uppercase() + &name[1..];
        if name.is_ascii() {
            let slip = SLIPS[number % SLIPS.len()];
            misspelt.extend(slipped(name, slip).map(|name| case.respelt(&capital(&name))));
        }
        cases.push(case);
    }
    header(&format!("Time over {} names", rows.len()));
    Tally::of(&graph, &cases).print("200 characters", options.misses);
    Tally::of(&graph, &misspelt).print("200 characters, misspelt", options.misses);
    Ok(())
}
