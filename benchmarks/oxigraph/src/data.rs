//! The data. In: the table of packages. Out: N-Triples, and a random sample of packages to ask about.

use std::collections::{HashMap, HashSet};
use std::fmt::Write as _;
use std::fs::{self, File};
use std::io::{BufRead, BufReader, BufWriter, Write};
use std::path::Path;

use flate2::read::GzDecoder;
use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::{Rng, SeedableRng};

/// Names of things.
pub(crate) const LABEL: &str = "http://www.w3.org/2000/01/rdf-schema#label";
/// Who publishes a package.
pub(crate) const OWNER: &str = "https://example.com/npm#owner";
/// How often it is downloaded.
const DOWNLOADS: &str = "https://example.com/npm#downloads";
const INTEGER: &str = "http://www.w3.org/2001/XMLSchema#integer";
/// The file in the scratch folder.
pub(crate) const TRIPLES: &str = "npm.nt";
const SAMPLE: &str = "sample.tsv";
/// Owners up to this many packages are asked for all of them.
const SMALL: usize = 1000;

/// What was written.
pub(crate) struct Made {
    pub(crate) packages: usize,
    pub(crate) owners: usize,
    pub(crate) triples: u64,
    pub(crate) bytes: u64,
}

/// A package to ask about.
pub(crate) struct Asked {
    pub(crate) name: String,
    pub(crate) iri: String,
    /// Its owner has few enough packages to ask for all of them.
    pub(crate) small: bool,
}

/// The packages to ask about.
pub(crate) struct Sample(pub(crate) Vec<Asked>);

/// Writes the triples and the sample.
pub(crate) fn generate(
    table: &Path,
    packages: Option<usize>,
    queries: usize,
    scratch: &Path,
) -> anyhow::Result<Made> {
    let path = scratch.join(TRIPLES);
    let mut file = BufWriter::with_capacity(1 << 20, File::create(&path)?);
    let mut owners: HashMap<String, usize> = HashMap::new();
    let mut names: Vec<(String, String)> = Vec::new();
    let mut made = Made { packages: 0, owners: 0, triples: 0, bytes: 0 };
    let lines = BufReader::new(GzDecoder::new(File::open(table)?)).lines();
    for line in lines.take(packages.unwrap_or(usize::MAX)) {
        let line = line?;
        let [name, owner, downloads] = line.split('\t').collect::<Vec<_>>()[..] else { continue };
        let iri = package_iri(name);
        writeln!(file, "<{iri}> <{LABEL}> {} .", literal(name))?;
        writeln!(file, "<{iri}> <{DOWNLOADS}> \"{downloads}\"^^<{INTEGER}> .")?;
        made.triples += 2;
        made.packages += 1;
        if !owner.is_empty() {
            let their = format!("https://www.npmjs.com/~{}", percent_encoded(owner));
            writeln!(file, "<{iri}> <{OWNER}> <{their}> .")?;
            made.triples += 1;
            let known = owners.entry(owner.to_owned()).or_default();
            if *known == 0 {
                writeln!(file, "<{their}> <{LABEL}> {} .", literal(owner))?;
                made.triples += 1;
            }
            *known += 1;
            names.push((name.to_owned(), owner.to_owned()));
        }
    }
    file.into_inner()?.sync_all()?;
    made.owners = owners.len();
    made.bytes = fs::metadata(&path)?.len();
    anyhow::ensure!(!names.is_empty(), "no package has an owner");

    let mut random = ChaCha8Rng::seed_from_u64(4);
    let mut drawn = HashSet::new();
    let mut sample = BufWriter::new(File::create(scratch.join(SAMPLE))?);
    while drawn.len() < queries.min(names.len()) {
        let at = (random.next_u64() % names.len() as u64) as usize;
        if drawn.insert(at) {
            let (name, owner) = &names[at];
            writeln!(sample, "{name}\t{}", owners[owner] <= SMALL)?;
        }
    }
    sample.flush()?;
    Ok(made)
}

impl Sample {
    pub(crate) fn read(scratch: &Path) -> anyhow::Result<Self> {
        let text = fs::read_to_string(scratch.join(SAMPLE))?;
        let asked = |line: &str| {
            let (name, small) = line.split_once('\t')?;
            Some(Asked { name: name.to_owned(), iri: package_iri(name), small: small == "true" })
        };
        Ok(Self(text.lines().filter_map(asked).collect()))
    }
}

fn package_iri(name: &str) -> String {
    format!("https://www.npmjs.com/package/{}", percent_encoded(name))
}

fn percent_encoded(text: &str) -> String {
    let mut encoded = String::with_capacity(text.len());
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
            encoded.push(byte as char);
        } else {
            let _ = write!(encoded, "%{byte:02X}");
        }
    }
    encoded
}

fn literal(text: &str) -> String {
    format!("\"{}\"", text.replace('\\', "\\\\").replace('"', "\\\"").replace('\r', "\\r"))
}
