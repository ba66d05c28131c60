//! Counts what was linked. In: questions with their entity, and a linker. Out: a row of a Markdown table.

use std::ops::Range;
use std::time::{Duration, Instant};

use loquat_contract::{EntityId, Mention};
use loquat_kg::Graph;

use super::cases::Case;

/// What was found over a set of questions.
#[derive(Default)]
pub(crate) struct Tally {
    asked: usize,
    /// The entity is the first candidate of the most certain mention.
    best_first: usize,
    /// It is among the first five of that mention.
    best_five: usize,
    /// It is the first candidate of some mention.
    any_first: usize,
    any_five: usize,
    /// Some mention overlaps the entity's name and means something else first, and none means it.
    wrong: usize,
    /// No mention overlaps the entity's name.
    none: usize,
    /// A name that is not in the graph was reported where the name stands.
    unlinked: usize,
    mentions: usize,
    times: Vec<Duration>,
    misses: Vec<String>,
    slowest: (Duration, String),
}

impl Tally {
    pub(crate) fn of(graph: &Graph, cases: &[Case]) -> Self {
        let mut tally = Self::default();
        cases.iter().for_each(|case| tally.add(graph, case, &[]));
        tally
    }

    /// The same where the conversation is about an entity already.
    pub(crate) fn about(graph: &Graph, cases: &[(Case, String)]) -> Self {
        let mut tally = Self::default();
        cases.iter().for_each(|(case, about)| tally.add(graph, case, &[EntityId::from(about.as_str())]));
        tally
    }

    fn add(&mut self, graph: &Graph, case: &Case, about: &[EntityId]) {
        let (mentions, unlinked) = link(graph, &case.text, about);
        // The best of three, so that other work on the machine is not counted.
        let again = (0..3).map(|_| {
            let begun = Instant::now();
            std::hint::black_box(link(graph, &case.text, about));
            begun.elapsed()
        });
        let took = again.min().unwrap_or_default();
        self.times.push(took);
        if took > self.slowest.0 {
            self.slowest = (took, case.text.clone());
        }
        self.asked += 1;
        self.mentions += mentions.len();
        let rank =
            |mention: &Mention| mention.candidates.iter().position(|c| c.entity.id.as_str() == case.gold);
        let best = mentions.iter().max_by(|a, b| a.candidates[0].score.total_cmp(&b.candidates[0].score));
        let best = best.and_then(rank);
        let any = mentions.iter().filter_map(rank).min();
        self.best_first += usize::from(best == Some(0));
        self.best_five += usize::from(best.is_some_and(|rank| rank < 5));
        self.any_first += usize::from(any == Some(0));
        self.any_five += usize::from(any.is_some_and(|rank| rank < 5));
        let overlaps = |range: &Range<usize>| range.start < case.range.end && case.range.start < range.end;
        let overlapping = mentions.iter().any(|mention| overlaps(&mention.range));
        self.wrong += usize::from(overlapping && any != Some(0));
        self.none += usize::from(!overlapping);
        self.unlinked += usize::from(!overlapping && unlinked.iter().any(overlaps));
        if any != Some(0) {
            let texts: Vec<_> = mentions
                .iter()
                .map(|m| format!("{}→{} {:.2}", m.text, m.candidates[0].entity.id, m.candidates[0].score))
                .collect();
            self.misses.push(format!("{:?} in {:?}: {texts:?} {unlinked:?}", case.gold, case.text));
        }
    }

    fn time(&self, share: usize) -> Duration {
        let mut times = self.times.clone();
        times.sort_unstable();
        times
            .get((times.len() * share / 1000).min(times.len().saturating_sub(1)))
            .copied()
            .unwrap_or_default()
    }

    fn share(&self, count: usize) -> String {
        format!("{:.1}", 100.0 * count as f64 / self.asked.max(1) as f64)
    }

    /// One row; see [`header`].
    #[expect(clippy::print_stdout, reason = "the numbers are what the program is for")]
    pub(crate) fn print(&self, name: &str, misses: usize) {
        let further = self.mentions.saturating_sub(self.any_first);
        println!(
            "| {name} | {} | {} | {} | {} | {} | {} | {} | {} | {:.2} | {:.1?} | {:.1?} |",
            self.asked,
            self.share(self.best_first),
            self.share(self.best_five),
            self.share(self.any_first),
            self.share(self.any_five),
            self.share(self.wrong),
            self.share(self.none),
            self.share(self.unlinked),
            further as f64 / self.asked.max(1) as f64,
            self.time(500),
            self.time(990),
        );
        if misses > 0 {
            eprintln!("{name}: slowest {:.1?}: {:?}", self.slowest.0, self.slowest.1);
        }
        let step = (self.misses.len() / misses.max(1)).max(1);
        self.misses.iter().step_by(step).take(misses).for_each(|miss| eprintln!("{miss}"));
    }
}

/// The mentions, and the stretches that look like names and are not in the graph.
fn link(graph: &Graph, text: &str, about: &[EntityId]) -> (Vec<Mention>, Vec<Range<usize>>) {
    let linked = graph.linked(text, about);
    (linked.mentions, linked.unlinked.into_iter().map(|name| name.range).collect())
}

/// The head of the table.
#[expect(clippy::print_stdout, reason = "the numbers are what the program is for")]
pub(crate) fn header(title: &str) {
    println!("\n## {title}\n");
    println!(
        "Shares in %. *Best* is the most certain mention of a question; *wrong* means that the name was taken for \
         something else only, *none* that nothing was linked there, *NIL* that this was also said. *Further* counts the \
         mentions a question that do not mean its entity.\n"
    );
    println!(
        "| | questions | best@1 | best@5 | any@1 | any@5 | wrong | none | NIL | further | p50 | p99 |\n\
         |---|---|---|---|---|---|---|---|---|---|---|---|"
    );
}

/// Says why a set was left out.
pub(crate) fn skipped(set: &str, error: &dyn std::fmt::Display) {
    eprintln!("{set} is skipped: {error}");
}
