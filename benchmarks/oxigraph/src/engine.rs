//! What is asked of both engines, in the order of the table. In: the triples and the sample. Out: numbers by key.

use std::path::Path;

use crate::data::{Asked, Sample, TRIPLES};
use crate::measure::{bytes_on_disk, latency, memory, timed};

/// An engine under test. A count is the number of things that were read; both engines have to come to the same.
pub(crate) trait Engine: Sized {
    const NAME: &'static str;

    fn open(folder: &Path) -> anyhow::Result<Self>;

    /// Loads N-Triples; they are durable when this returns.
    fn load(&self, file: &Path) -> anyhow::Result<()>;

    /// What the engine does to its files after a load to read faster. `false` where there is nothing to do.
    fn compact(&self) -> anyhow::Result<bool> {
        Ok(false)
    }

    /// From a name to the entities that have it, with every fact around each. Counts entities.
    fn lookup(&self, asked: &Asked) -> anyhow::Result<usize>;

    /// From a package over its owner to other packages with their names, at most so many in all. Counts packages.
    fn two_hops(&self, asked: &Asked, limit: usize) -> anyhow::Result<usize>;

    /// The same as [`lookup`](Engine::lookup), asked for at once: a SPARQL query, or Loquat's call for it.
    fn lookup_at_once(&self, asked: &Asked) -> anyhow::Result<usize>;

    /// The same as [`two_hops`](Engine::two_hops), asked for at once: a SPARQL query, or Loquat's subgraph with every fact in it.
    fn two_hops_at_once(&self, asked: &Asked, limit: usize) -> anyhow::Result<usize>;
}

/// The most packages of a query with a limit.
const LIMIT: usize = 100;

pub(crate) fn run<E: Engine>(scratch: &Path, sample: &Sample) -> anyhow::Result<Vec<(&'static str, f64)>> {
    let folder = scratch.join(E::NAME);
    let mut numbers = Vec::new();
    {
        let engine = E::open(&folder)?;
        let triples = scratch.join(TRIPLES);
        let (wall, processor, ()) = timed(|| engine.load(&triples))?;
        numbers.extend([("import_s", wall), ("import_cpu_s", processor)]);
        let lines = std::io::BufRead::lines(std::io::BufReader::new(std::fs::File::open(&triples)?)).count();
        numbers.push(("per_cpu_s", lines as f64 / processor));
        numbers.extend(memory("VmHWM").map(|bytes| ("import_rss", bytes)));
        let (wall, _, compacted) = timed(|| engine.compact())?;
        if compacted {
            numbers.push(("compact_s", wall));
        }
    }
    // None where an engine is in memory.
    numbers.extend(Some(bytes_on_disk(&folder)?).filter(|bytes| *bytes > 0.0).map(|bytes| ("bytes", bytes)));
    // A first opening after the load may clean up; the second is what a start is like.
    drop(E::open(&folder)?);
    let (wall, _, engine) = timed(|| E::open(&folder))?;
    numbers.push(("open_s", wall));
    let asked = sample.0.first().ok_or_else(|| anyhow::anyhow!("nothing to ask"))?;
    let (wall, _, _) = timed(|| engine.lookup(asked))?;
    numbers.push(("first_s", wall));
    numbers.extend(memory("VmRSS").map(|bytes| ("open_rss", bytes)));

    let all: Vec<&Asked> = sample.0.iter().collect();
    let small: Vec<&Asked> = all.iter().copied().filter(|asked| asked.small).collect();
    let (p50, p99, found) = latency(&all, |asked| engine.lookup(asked))?;
    numbers.extend([("lookup_p50", p50), ("lookup_p99", p99), ("lookup_found", found as f64)]);
    let (p50, p99, found) = latency(&all, |asked| engine.two_hops(asked, LIMIT))?;
    numbers.extend([("hops_p50", p50), ("hops_p99", p99), ("hops_found", found as f64)]);
    let (p50, p99, found) = latency(&small, |asked| engine.two_hops(asked, usize::MAX))?;
    numbers.extend([("whole_p50", p50), ("whole_p99", p99), ("whole_found", found as f64)]);
    let (p50, p99, _) = latency(&all, |asked| engine.lookup_at_once(asked))?;
    numbers.extend([("lookup_once_p50", p50), ("lookup_once_p99", p99)]);
    let (p50, p99, found) = latency(&all, |asked| engine.two_hops_at_once(asked, LIMIT))?;
    numbers.extend([("hops_once_p50", p50), ("hops_once_p99", p99), ("hops_once_found", found as f64)]);
    let (p50, p99, found) = latency(&small, |asked| engine.two_hops_at_once(asked, usize::MAX))?;
    numbers.extend([("whole_once_p50", p50), ("whole_once_p99", p99), ("whole_once_found", found as f64)]);
    Ok(numbers)
}
