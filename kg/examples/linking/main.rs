//! How well names in text are linked, on data that nobody here wrote. Prints Markdown.
//!
//! ```text
//! cargo run --release -p loquat-kg --example linking -- [SET…] [--sample N] [--data FOLDER] [--misses N]
//! ```
//!
//! | set | what |
//! |---|---|
//! | `entityquestions` | English questions; the subject is to be found among all 232 k facts, also lower-cased, in capitals, with a slip |
//! | `absent` | the same with a tenth of the subjects taken out of the graph: the answer should be "not in the graph" |
//! | `namesakes` | the same with pairs of subjects that share one name (pseudonames, after Gale, Church and Yarowsky 1992) |
//! | `nlpcc` | Chinese questions |
//! | `metaqa` | questions about films over 1, 2 and 3 facts |
//! | `geonames` | "Paris, Texas": cities of one name, from the file that `geonames.py` writes, named with `--geonames FILE` |
//! | `scale` | time over millions of names: those of the npm packages, at most `--names N` |
//! | `calibrate` | fits the map from evidence to certainty on EntityQuestions' training questions, and prints its knots |
//!
//! Without a set it runs all but the last two. Data is looked for in `../shared/data`; what is not there is skipped.

mod calibration;
mod cases;
mod geonames;
mod report;
mod sets;
mod slips;

use std::path::{Path, PathBuf};

use loquat_kg::{Graph, ImportOptions};

/// What the program was asked to do.
struct Options {
    data: PathBuf,
    /// Questions of a set at most.
    sample: usize,
    /// Misses to print.
    misses: usize,
    /// Names at most, for `scale`.
    names: usize,
    geonames: Option<PathBuf>,
}

type Failure = Box<dyn std::error::Error>;

fn main() -> Result<(), Failure> {
    let data = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../shared/data");
    let mut options = Options { data, sample: 4000, misses: 0, names: 1_000_000, geonames: None };
    let mut chosen: Vec<String> = Vec::new();
    let mut arguments = std::env::args().skip(1);
    while let Some(argument) = arguments.next() {
        let mut value = || arguments.next().ok_or(format!("{argument} needs a value"));
        match argument.as_str() {
            "--data" => options.data = value()?.into(),
            "--sample" => options.sample = value()?.parse()?,
            "--misses" => options.misses = value()?.parse()?,
            "--names" => options.names = value()?.parse()?,
            "--geonames" => options.geonames = Some(value()?.into()),
            _ => chosen.push(argument),
        }
    }
    if chosen.is_empty() {
        let usual = ["entityquestions", "absent", "namesakes", "nlpcc", "metaqa", "geonames"];
        chosen = usual.map(str::to_owned).to_vec();
    }
    for set in chosen {
        match set.as_str() {
            "entityquestions" => sets::entity_questions(&options)?,
            "absent" => sets::absent(&options)?,
            "namesakes" => sets::namesakes(&options)?,
            "nlpcc" => sets::nlpcc(&options)?,
            "metaqa" => sets::metaqa(&options)?,
            "geonames" => geonames::geonames(&options)?,
            "scale" => sets::scale(&options)?,
            "calibrate" => calibration::calibrate(&options)?,
            _ => return Err(format!("there is no set {set}").into()),
        }
    }
    Ok(())
}

/// A new graph of these rows of subject, predicate, object. The folder goes with the graph.
fn graph<'a>(rows: impl Iterator<Item = [&'a str; 3]>) -> Result<(tempfile::TempDir, Graph), Failure> {
    use std::io::Write as _;
    let folder = tempfile::tempdir()?;
    let file = folder.path().join("facts.tsv");
    let mut out = std::io::BufWriter::new(std::fs::File::create(&file)?);
    for [subject, predicate, object] in rows {
        writeln!(out, "{subject}\t{predicate}\t{object}")?;
    }
    out.into_inner()?.sync_all()?;
    let graph = Graph::open(folder.path().join("graph"))?;
    graph.import(&file, &ImportOptions::default(), |_| {})?;
    Ok((folder, graph))
}
