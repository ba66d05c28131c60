//! Kills at random moments of import, edit and compaction: what was acknowledged is there, and nothing else is.
//!
//! ```text
//! LOQUAT_KG_CRASH_ROUNDS=1000 cargo test --release -p loquat-kg --test crash -- --nocapture
//! ```
//!
//! A child process works on a graph and says on a pipe what it begins and what was acknowledged. It is killed (SIGKILL), and what is
//! on disk is compared with what was said: all that was acknowledged, and of what had only begun all or nothing. The next child
//! goes on with the same graph.

#![expect(clippy::unwrap_used, reason = "a failed step fails its test, in functions that tests share too")]

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Duration;

use loquat_kg::{Graph, ImportOptions, Object, Statement};

/// Rounds in the common run of all tests.
const ROUNDS: usize = 25;

const TEST: &str = "what_was_acknowledged_survives_kills_and_nothing_else_is_there";

/// Small, fast, and the same everywhere: what a round does must not depend on a library's version.
struct Random(u64);

impl Random {
    fn below(&mut self, bound: u64) -> u64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) % bound
    }
}

/// Something done to the graph, which can be told in a line.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Step {
    Add(Vec<u64>),
    Remove(Vec<u64>),
    /// This source says from here on these items, from the first to before the last.
    Import(u64, u64, u64),
    Compact,
}

impl Step {
    fn random(random: &mut Random) -> Self {
        let items = |random: &mut Random| (0..=random.below(5)).map(|_| random.below(4000)).collect();
        match random.below(12) {
            0..5 => Self::Add(items(random)),
            5..8 => Self::Remove(items(random)),
            8..11 => {
                let first = random.below(3000);
                Self::Import(random.below(3), first, first + 1 + random.below(900))
            }
            _ => Self::Compact,
        }
    }

    fn to_line(&self) -> String {
        let list = |items: &[u64]| items.iter().map(u64::to_string).collect::<Vec<_>>().join(",");
        match self {
            Self::Add(items) => format!("add {}", list(items)),
            Self::Remove(items) => format!("remove {}", list(items)),
            Self::Import(source, first, last) => format!("import {source},{first},{last}"),
            Self::Compact => "compact 0".to_owned(),
        }
    }

    fn of_line(line: &str) -> Self {
        let (name, numbers) = line.split_once(' ').unwrap();
        let numbers: Vec<u64> = numbers.split(',').map(|number| number.parse().unwrap()).collect();
        match name {
            "add" => Self::Add(numbers),
            "remove" => Self::Remove(numbers),
            "import" => Self::Import(numbers[0], numbers[1], numbers[2]),
            _ => Self::Compact,
        }
    }

    fn take(&self, graph: &Graph, folder: &Path) {
        let facts = |items: &[u64]| {
            let fact =
                |item: &u64| Statement::fact(&format!("item {item}"), "in", Object::Entity("Hub".into()));
            items.iter().map(fact).collect::<Vec<_>>()
        };
        match self {
            Self::Add(items) => {
                graph.add(facts(items), "me").unwrap();
            }
            Self::Remove(items) => {
                graph.remove(facts(items)).unwrap();
            }
            Self::Import(source, first, last) => {
                let file = folder.join(format!("source{source}.tsv"));
                let rows: String = (*first..*last).map(|item| format!("item {item}\tin\tHub\n")).collect();
                fs::write(&file, rows).unwrap();
                graph.import(&file, &ImportOptions::default(), |_| {}).unwrap();
            }
            Self::Compact => graph.compact().unwrap(),
        }
    }
}

/// What the graph has to hold.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
struct Expected {
    sources: BTreeMap<u64, (u64, u64)>,
    edits: BTreeMap<u64, bool>,
}

impl Expected {
    fn items(&self) -> BTreeSet<u64> {
        let mut items: BTreeSet<u64> =
            self.sources.values().flat_map(|(first, last)| *first..*last).collect();
        for (item, there) in &self.edits {
            if *there {
                items.insert(*item)
            } else {
                items.remove(item)
            };
        }
        items
    }

    fn after(&self, step: &Step) -> Self {
        let mut after = self.clone();
        let held = self.items();
        match step {
            // What the graph has already is passed over, and so is what it has not.
            Step::Add(items) => {
                after
                    .edits
                    .extend(items.iter().filter(|item| !held.contains(item)).map(|item| (*item, true)));
            }
            Step::Remove(items) => {
                after
                    .edits
                    .extend(items.iter().filter(|item| held.contains(item)).map(|item| (*item, false)));
            }
            Step::Import(source, first, last) => {
                after.sources.insert(*source, (*first, *last));
            }
            Step::Compact => {}
        }
        after
    }
}

/// What the graph holds, from both sides of its facts.
fn held(graph: &Graph) -> BTreeSet<u64> {
    let shown = graph.show("Hub", usize::MAX);
    let incoming = shown.first().map(|hub| hub.incoming.as_slice()).unwrap_or_default();
    let items: Vec<u64> = incoming
        .iter()
        .map(|fact| fact.subject.id.as_str().strip_prefix("item ").unwrap().parse().unwrap())
        .collect();
    let set: BTreeSet<u64> = items.iter().copied().collect();
    assert_eq!(set.len(), items.len(), "a fact is there twice");
    assert_eq!(graph.stats().unwrap().facts, items.len());
    for item in set.iter().step_by(97) {
        assert_eq!(graph.show(&format!("item {item}"), 5)[0].facts.len(), 1);
        assert_eq!(graph.mentions(&format!("where is item {item}?")).len(), 1);
    }
    set
}

/// Works until it is killed.
fn child(folder: &Path, seed: u64) {
    let graph = Graph::open(folder.join("graph")).unwrap();
    let mut random = Random(seed);
    let mut pipe = std::io::stderr();
    // In one piece each: a kill leaves no half line.
    let mut say = |line: &str| pipe.write_all(format!("{line}\n").as_bytes()).unwrap();
    say("open");
    loop {
        let step = Step::random(&mut random);
        say(&format!("begin {}", step.to_line()));
        step.take(&graph, folder);
        say("done");
    }
}

#[test]
fn what_was_acknowledged_survives_kills_and_nothing_else_is_there() {
    if let Some(folder) = std::env::var_os("LOQUAT_KG_CRASH_FOLDER") {
        let seed = std::env::var("LOQUAT_KG_CRASH_SEED").unwrap().parse().unwrap();
        return child(Path::new(&folder), seed);
    }
    let rounds = std::env::var("LOQUAT_KG_CRASH_ROUNDS").map_or(ROUNDS, |rounds| rounds.parse().unwrap());
    let folder = tempfile::tempdir().unwrap();
    // What the graph may hold: of a step that was cut short, both that it was taken and that it was not, until the graph tells.
    let mut worlds = vec![Expected::default()];
    let mut random = Random(2026);
    let (mut acknowledged, mut begun, mut kept) = (0, 0, 0_usize);
    for round in 0..rounds {
        let mut child = Command::new(std::env::current_exe().unwrap())
            .args(["--exact", TEST, "--nocapture"])
            .env("LOQUAT_KG_CRASH_FOLDER", folder.path())
            .env("LOQUAT_KG_CRASH_SEED", random.below(1 << 30).to_string())
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let pipe = child.stderr.take().unwrap();
        let delay = Duration::from_micros(random.below(150_000));
        let (opened, is_open) = std::sync::mpsc::channel();
        let listener = std::thread::spawn(move || {
            let mut lines = Vec::new();
            for line in BufReader::new(pipe).lines().map_while(Result::ok) {
                if line == "open" {
                    let _ = opened.send(());
                }
                lines.push(line);
            }
            lines
        });
        // A part of the kills comes while the graph is being opened.
        if round % 5 > 0 {
            let _ = is_open.recv_timeout(Duration::from_secs(60));
        }
        std::thread::sleep(delay);
        child.kill().unwrap();
        child.wait().unwrap();
        let lines = listener.join().unwrap();
        let mut open = None;
        for line in &lines {
            if let Some(step) = line.strip_prefix("begin ") {
                open = Some(Step::of_line(step));
            } else if line == "done" {
                let step = open.take().unwrap();
                worlds.iter_mut().for_each(|world| *world = world.after(&step));
                acknowledged += 1;
            } else {
                assert_eq!(line, "open", "round {round}: {lines:#?}");
            }
        }
        let graph = Graph::open(folder.path().join("graph")).unwrap();
        let found = held(&graph);
        let acknowledged_alone = worlds[0].items();
        if let Some(step) = open {
            begun += 1;
            let after: Vec<Expected> = worlds.iter().map(|world| world.after(&step)).collect();
            worlds.extend(after);
        }
        worlds.retain(|world| world.items() == found);
        worlds.dedup();
        let missing: Vec<_> = acknowledged_alone.difference(&found).take(5).collect();
        let extra: Vec<_> = found.difference(&acknowledged_alone).take(5).collect();
        assert!(
            !worlds.is_empty(),
            "round {round}, after {:?}: missing {missing:?} …, too many {extra:?} …",
            lines.last()
        );
        kept += usize::from(acknowledged_alone != found);
        if round % 100 == 99 {
            println!(
                "{} rounds: {acknowledged} steps acknowledged, {begun} cut short, {kept} of these kept",
                round + 1
            );
        }
    }
    assert!(acknowledged > 0);
}
