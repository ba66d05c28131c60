//! How a file is written. In: its name and its first bytes. Out: a format.

use std::path::Path;

use memchr::memmem;

/// How a file is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Format {
    /// RDF 1.1 Turtle.
    Turtle,
    /// RDF 1.1 N-Triples; Wikidata's truthy dump too.
    NTriples,
    /// RDF 1.1 N-Quads; the names of graphs are passed over.
    NQuads,
    /// RDF 1.1 TriG; the names of graphs are passed over.
    TriG,
    /// RDF 1.1 XML.
    RdfXml,
    /// JSON-LD 1.1.
    JsonLd,
    /// Subject, predicate and object separated by tabs, without quoting; or by a mapping; or a property graph.
    Tsv,
    /// Subject, predicate and object separated by commas, quoted as RFC 4180 says; or by a mapping; or a property graph.
    Csv,
    /// Wikidata's JSON dump, an entity a line.
    WikidataJson,
}

/// Endings of names that tell of compression; what the bytes say counts.
const PACKED: [&str; 6] = [".gz", ".gzip", ".bz2", ".zst", ".zstd", ".bgz"];

/// Every name of a format, as a file's ending and on a command line.
const NAMES: [(Format, &[&str]); 9] = [
    (Format::Turtle, &["ttl", "turtle"]),
    (Format::NTriples, &["nt", "ntriples"]),
    (Format::NQuads, &["nq", "nquads"]),
    (Format::TriG, &["trig"]),
    (Format::RdfXml, &["rdf", "xml", "owl", "rdfxml"]),
    (Format::JsonLd, &["jsonld", "json-ld"]),
    (Format::Tsv, &["tsv", "tab"]),
    (Format::Csv, &["csv"]),
    (Format::WikidataJson, &["wikidata", "json", "jsonl", "ndjson"]),
];

impl Format {
    /// The names that [`named`](Self::named) knows first, one a format.
    pub fn names() -> impl Iterator<Item = &'static str> {
        NAMES.iter().filter_map(|(_, names)| names.first().copied())
    }

    /// The format with this name: `ttl`, `nt`, `nq`, `trig`, `rdf`, `jsonld`, `tsv`, `csv`, `wikidata` and others.
    pub fn named(name: &str) -> Option<Self> {
        let name = name.to_ascii_lowercase();
        NAMES.iter().find(|(_, names)| names.contains(&name.as_str())).map(|(format, _)| *format)
    }

    /// The format that a file's name ends in; a final `.gz`, `.bz2` or `.zst` is passed over. `.json` is Wikidata's dump
    /// here; an import looks at the first bytes, and reads JSON-LD where they are that.
    pub fn of(path: &Path) -> Option<Self> {
        let name = path.file_name()?.to_str()?.to_ascii_lowercase();
        Self::named(unpacked_name(&name).rsplit_once('.')?.1)
    }

    /// The format of a file that may be Wikidata's dump by its name, by its first bytes.
    pub(super) fn sniffed(self, head: &[u8]) -> Self {
        let is_json_ld = |word: &[u8]| memmem::find(head, word).is_some();
        match self {
            Self::WikidataJson if is_json_ld(b"\"@context\"") || is_json_ld(b"\"@id\"") => Self::JsonLd,
            other => other,
        }
    }
}

/// The name without the ending that tells of compression.
pub(super) fn unpacked_name(name: &str) -> &str {
    let packed = |ending: &&str| {
        let at = name.len().checked_sub(ending.len());
        at.and_then(|at| name.get(at..)).is_some_and(|tail| tail.eq_ignore_ascii_case(ending))
    };
    match PACKED.iter().find(|ending| packed(ending)) {
        Some(ending) => &name[..name.len() - ending.len()],
        None => name,
    }
}

#[cfg(test)]
mod tests {
    use super::{Format, unpacked_name};

    #[test]
    fn formats_go_by_the_name() {
        for (name, format) in [
            ("a.ttl", Some(Format::Turtle)),
            ("b.NT.gz", Some(Format::NTriples)),
            ("c.tsv.bz2", Some(Format::Tsv)),
            ("d.csv", Some(Format::Csv)),
            ("e.nq.zst", Some(Format::NQuads)),
            ("latest-all.json.bz2", Some(Format::WikidataJson)),
            ("f.xlsx", None),
            ("gz", None),
        ] {
            assert_eq!(Format::of(name.as_ref()), format, "{name}");
        }
        assert_eq!(unpacked_name("a.nt.GZ"), "a.nt");
        assert!(Format::names().all(|name| Format::named(name).is_some()));
    }

    #[test]
    fn json_is_told_apart_by_its_first_bytes() {
        let wikidata = br#"[\n{"type":"item","id":"Q42""#;
        assert_eq!(Format::WikidataJson.sniffed(wikidata), Format::WikidataJson);
        assert_eq!(Format::WikidataJson.sniffed(br#"{"@context": {}}"#), Format::JsonLd);
        assert_eq!(Format::Tsv.sniffed(br#"{"@context": {}}"#), Format::Tsv);
    }
}
