//! How a graph does at a size: import, space, opening, lookups, walks, linking, and reads beside edits.
//!
//! ```text
//! cargo run --release -p loquat-kg --example scale -- FILE… [--keep FOLDER]
//! ```
//!
//! Every number is of one run on one machine. Lookups are of names taken evenly from the graph itself, in a random order, once
//! before the clock runs (so the page cache is warm) and once while it does.

use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use loquat_contract::Language;
use loquat_kg::{Graph, ImportOptions, Object, Statement};
use petgraph::visit::{IntoNeighborsDirected, NodeCount, NodeIndexable};

type Failure = Box<dyn std::error::Error>;

/// Names that are looked up.
const NAMES: usize = 20_000;
/// Messages that are linked.
const MESSAGES: usize = 2_000;

#[expect(clippy::print_stdout, reason = "the numbers are what the program is for")]
fn main() -> Result<(), Failure> {
    let (mut files, mut keep) = (Vec::new(), None);
    let mut arguments = std::env::args_os().skip(1);
    while let Some(argument) = arguments.next() {
        match argument.to_str() {
            Some("--keep") => keep = arguments.next().map(PathBuf::from),
            _ => files.push(PathBuf::from(argument)),
        }
    }
    let temporary = tempfile::tempdir()?;
    let folder = keep.unwrap_or_else(|| temporary.path().join("graph"));
    let mut input = 0;
    let graph = Graph::open(&folder)?;
    for file in &files {
        input += std::fs::metadata(file)?.len();
        let (start, cpu) = (Instant::now(), cpu_time());
        let mut read_by = cpu;
        let report = graph.import(file, &ImportOptions::default(), |_| read_by = cpu_time())?;
        let wall = start.elapsed().as_secs_f64();
        let statements = report.facts + report.descriptions;
        println!("{}: {statements} statements, {} bad", file.display(), report.bad);
        let line = |what: &str, wall: f64, cpu: f64| {
            let (a_second, a_cpu_second) = (statements as f64 / wall, statements as f64 / cpu);
            println!(
                "  {what}: {wall:.1} s, {cpu:.1} s of CPU; {a_second:.0}/s, {a_cpu_second:.0} a CPU second"
            );
        };
        line("parsed and durable", report.reading.as_secs_f64(), read_by - cpu);
        line("snapshot", report.indexing.as_secs_f64(), cpu_time() - read_by);
        line("in all", wall, cpu_time() - cpu);
        println!("  peak memory {} MiB", memory("VmHWM:") / 1024);
    }
    drop(graph);

    let start = Instant::now();
    let graph = Graph::open(&folder)?;
    let opened = start.elapsed();
    let first = graph.walk().named("lodash").len();
    println!("open {opened:.1?}, with a first lookup {:.1?} ({first} found)", start.elapsed());
    let stats = graph.stats()?;
    println!(
        "{} entities, {} facts; on disk {} MB, snapshot {} MB, files {} MB: {:.2} of the files",
        stats.entities,
        stats.facts,
        stats.bytes / 1_000_000,
        stats.snapshot_bytes / 1_000_000,
        input / 1_000_000,
        stats.bytes as f64 / input as f64
    );
    for (section, bytes) in graph.sections() {
        println!("  {section:24} {:8.1} MB", bytes as f64 / 1e6);
    }
    lookups(&graph);
    linking(&graph);
    edits(&graph, &folder)
}

/// Names of entities, evenly from the whole graph, in a random order.
fn names(graph: &Graph, count: usize) -> Vec<String> {
    let walk = graph.walk();
    let total = walk.node_count();
    let mut state = 0x9e37_79b9_7f4a_7c15_u64;
    let mut places: Vec<usize> = (0..count).map(|n| n * (total / count).max(1) % total).collect();
    for at in (1..places.len()).rev() {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
        places.swap(at, (state >> 33) as usize % (at + 1));
    }
    let english = Language::english();
    places
        .iter()
        .filter_map(|place| Some(walk.entity(walk.from_index(*place))?.label(&english).to_owned()))
        .collect()
}

#[expect(clippy::print_stdout, reason = "the numbers are what the program is for")]
fn lookups(graph: &Graph) {
    let names = names(graph, NAMES);
    let look = |name: &str| {
        let walk = graph.walk();
        let mut edges = 0;
        for node in walk.named(name).into_iter().take(1) {
            let label = walk.entity(node).map_or(0, |entity| entity.label(&Language::english()).len());
            edges += label + walk.neighbors_directed(node, petgraph::Outgoing).count();
        }
        edges
    };
    names.iter().for_each(|name| _ = std::hint::black_box(look(name)));
    report("alias → entity → label → edges", names.iter().map(|name| timed(|| look(name))).collect());
    let facts = |name: &str| graph.show(name, 10).len();
    report("the same with whole facts, 10 a side", names.iter().map(|name| timed(|| facts(name))).collect());
    let walk = graph.walk();
    let ids: Vec<_> =
        names.iter().filter_map(|name| Some(walk.entity(*walk.named(name).first()?)?.id.clone())).collect();
    let two = |id| graph.neighbourhood(id, 2, 100).node_count();
    report("two hops, 100 entities at most", ids.iter().map(|id| timed(|| two(id))).collect());
    println!();
}

fn linking(graph: &Graph) {
    let names = names(graph, MESSAGES * 3);
    let message = |three: &[String]| {
        let mut text = format!("Does anybody here know whether {} works well together with", three[0]);
        text.push_str(&format!(
            " {} in a larger projct, or would you rather use {} today?",
            three[1], three[2]
        ));
        text.push_str(" I have been trying it for some days now without any luck, and the docs do not help.");
        text.chars().take(200).collect::<String>()
    };
    let messages: Vec<String> = names.chunks_exact(3).map(message).collect();
    messages.iter().for_each(|text| drop(std::hint::black_box(graph.mentions(text))));
    report("link 200 characters", messages.iter().map(|text| timed(|| graph.mentions(text).len())).collect());
}

/// Reads on two threads, alone and beside a hundred edits a second.
#[expect(clippy::print_stdout, reason = "the numbers are what the program is for")]
fn edits(graph: &Graph, folder: &Path) -> Result<(), Failure> {
    let names = names(graph, NAMES);
    let stop = AtomicBool::new(false);
    let read = |offset: usize| {
        let mut times = Vec::new();
        for name in names.iter().cycle().skip(offset) {
            times.push(timed(|| graph.show(name, 10).len()));
            if stop.load(Ordering::Relaxed) {
                return times;
            }
        }
        times
    };
    for writing in [false, true] {
        stop.store(false, Ordering::Relaxed);
        let (mut times, written) = std::thread::scope(|scope| {
            let readers = [scope.spawn(|| read(0)), scope.spawn(|| read(NAMES / 2))];
            let start = Instant::now();
            let mut written = 0_u32;
            while start.elapsed() < Duration::from_secs(5) {
                let next = Duration::from_millis(10) * (written + 1);
                std::thread::sleep(next.saturating_sub(start.elapsed()));
                if writing {
                    let fact = Statement::fact(
                        &format!("edited {}", written % 50),
                        "edit",
                        Object::number(written.to_string()),
                    );
                    if graph.add(vec![fact], "edits").is_err() {
                        break;
                    }
                }
                written += 1;
            }
            stop.store(true, Ordering::Relaxed);
            let times =
                readers.into_iter().filter_map(|reader| reader.join().ok()).flatten().collect::<Vec<_>>();
            (times, written)
        });
        println!("{} edits in 5 s beside two readers", if writing { written } else { 0 });
        report("  a read of facts by name", std::mem::take(&mut times));
    }
    println!("  in {}", folder.display());
    Ok(())
}

fn timed<T>(work: impl FnOnce() -> T) -> Duration {
    let start = Instant::now();
    std::hint::black_box(work());
    start.elapsed()
}

#[expect(clippy::print_stdout, reason = "the numbers are what the program is for")]
fn report(what: &str, mut times: Vec<Duration>) {
    times.sort();
    let at = |share: f64| times.get((times.len() as f64 * share) as usize).copied().unwrap_or_default();
    println!("{what}: p50 {:.1?}, p99 {:.1?}, p99.9 {:.1?} of {}", at(0.5), at(0.99), at(0.999), times.len());
}

/// Seconds of processor time of this process.
fn cpu_time() -> f64 {
    let stat = std::fs::read_to_string("/proc/self/stat").unwrap_or_default();
    let fields: Vec<&str> = stat.rsplit(')').next().unwrap_or_default().split_whitespace().collect();
    let ticks = |at: usize| fields.get(at).and_then(|field| field.parse::<f64>().ok()).unwrap_or_default();
    (ticks(11) + ticks(12)) / 100.0
}

/// A field of the process's status, in KiB.
fn memory(field: &str) -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix(field)).unwrap_or_default();
    line.split_whitespace().next().and_then(|number| number.parse().ok()).unwrap_or_default()
}
