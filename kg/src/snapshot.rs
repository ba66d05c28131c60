//! The graph as it is read: one immutable, checksummed, memory-mapped file. In: the file. Out: entities, facts and names by number.
//!
//! Entities are numbered in the order of their ids, facts in the order of their subjects. Facts lie in both directions as compressed
//! sparse rows: `out_starts` says where a subject's facts begin, `in_starts` where the numbers of an object's facts begin in
//! `in_facts`. What is given of a file was checked; where something does not match its checksum, reading gives nothing and
//! [`is_damaged`](Snapshot::is_damaged) says so. It knows no store and no import.

pub(crate) mod codec;
pub(crate) mod names;
mod read;
pub(crate) mod section;

use std::path::Path;
use std::sync::{Arc, OnceLock};

use loquat_contract::{Entity, Generation, Predicate, Schema, Unit};
use loquat_mapped::{Mapped, MappedError};
use serde::{Deserialize, Serialize};

use names::Table;
pub(crate) use read::value_of;
use section::{Blobs, Column, Dictionary};

/// What the file's end says. The number grows with the layout.
pub(crate) const KIND: [u8; 8] = *b"LQgraph2";

/// The names of the sections.
pub(crate) mod part {
    pub(crate) const META: u64 = 1;
    pub(crate) const IDS: [u64; 3] = [10, 11, 12];
    pub(crate) const REDIRECTS: [u64; 3] = [13, 14, 15];
    pub(crate) const REDIRECT_TARGETS: u64 = 16;
    pub(crate) const LATENT: u64 = 17;
    pub(crate) const RECORDS: [u64; 3] = [20, 21, 22];
    pub(crate) const PRIORS: u64 = 23;
    pub(crate) const OUT_STARTS: u64 = 30;
    pub(crate) const OBJECTS: u64 = 31;
    pub(crate) const PREDICATES: u64 = 32;
    pub(crate) const ORIGINS: u64 = 33;
    pub(crate) const IN_STARTS: u64 = 34;
    pub(crate) const IN_FACTS: u64 = 35;
    pub(crate) const LITERALS: [u64; 3] = [40, 41, 42];
    pub(crate) const SPECIAL_FACTS: u64 = 50;
    pub(crate) const SPECIALS: [u64; 3] = [51, 52, 53];
    pub(crate) const EXACT: u64 = 60;
    pub(crate) const LOOSE: u64 = 61;
    pub(crate) const WORDS: u64 = 62;
}

/// The bit of an object that says it is a literal.
pub(crate) const LITERAL: u32 = 1 << 31;

/// What is read as a whole when the file is opened.
#[derive(Debug, Default, Serialize, Deserialize)]
pub(crate) struct Meta {
    pub(crate) generation: Generation,
    /// The last edit that is in it.
    pub(crate) last_edit: u64,
    /// The runs that are in it.
    pub(crate) runs: Vec<u64>,
    pub(crate) entities: u32,
    pub(crate) facts: u32,
    pub(crate) specials: u32,
    pub(crate) redirects: u32,
    pub(crate) predicate_width: u8,
    pub(crate) origin_width: u8,
    pub(crate) languages: Vec<String>,
    /// Ids of the entities that are units of values.
    pub(crate) units: Vec<String>,
    pub(crate) predicates: Vec<Predicate>,
    /// For each predicate its subject, where it has only one.
    pub(crate) sole_subjects: Vec<Option<u32>>,
    /// For each predicate how many facts have it.
    pub(crate) uses: Vec<u32>,
    /// How many hashes of latent ids there are.
    pub(crate) latent: u32,
    pub(crate) origins: Vec<Origin>,
    pub(crate) exact: Table,
    pub(crate) loose: Table,
    pub(crate) words: Table,
}

/// Where facts come from.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Origin {
    pub(crate) source: Arc<str>,
    pub(crate) generation: Generation,
}

/// What an entity's record says of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Word {
    Label = 0,
    Alias = 1,
    Article = 2,
    Description = 3,
    Unit = 4,
}

/// A fact's object, or a qualifier's value, by number.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct Object(pub(crate) u32);

impl Object {
    /// The entity; `None` for a literal.
    #[inline]
    pub(crate) fn node(self) -> Option<u32> {
        (self.0 & LITERAL == 0).then_some(self.0)
    }

    /// The number of the literal; `None` for an entity.
    #[inline]
    pub(crate) fn literal(self) -> Option<usize> {
        (self.0 & LITERAL != 0).then_some((self.0 & !LITERAL) as usize)
    }
}

/// An open snapshot.
pub(crate) struct Snapshot {
    mapped: Mapped,
    pub(crate) meta: Meta,
    pub(crate) predicates: Vec<Arc<Predicate>>,
    schema: OnceLock<Arc<Schema>>,
    units: OnceLock<Vec<Arc<Unit>>>,
    ids: Dictionary,
    redirects: Dictionary,
    redirect_targets: Column,
    latent: Column,
    records: Blobs,
    priors: Column,
    out_starts: Column,
    objects: Column,
    predicate_of: Column,
    origin_of: Column,
    in_starts: Column,
    in_facts: Column,
    literals: Blobs,
    special_facts: Column,
    specials: Blobs,
}

impl std::fmt::Debug for Snapshot {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Snapshot").field("path", &self.mapped.path()).finish_non_exhaustive()
    }
}

impl Snapshot {
    /// Opens a file; what it holds is checked as it is read.
    pub(crate) fn open(path: &Path) -> Result<Self, MappedError> {
        let mapped = Mapped::open(path, KIND)?;
        let damaged = || MappedError::Damaged { path: path.to_owned(), reason: "its head does not decode" };
        let bytes = mapped.bytes(mapped.section(part::META)).ok_or_else(damaged)?;
        let mut meta: Meta = postcard::from_bytes(bytes).map_err(|_| damaged())?;
        let column = |name, width| Column::open(&mapped, name, width);
        Ok(Self {
            predicates: std::mem::take(&mut meta.predicates).into_iter().map(Arc::new).collect(),
            schema: OnceLock::new(),
            units: OnceLock::new(),
            ids: Dictionary::open(&mapped, part::IDS, meta.entities as usize),
            redirects: Dictionary::open(&mapped, part::REDIRECTS, meta.redirects as usize),
            redirect_targets: column(part::REDIRECT_TARGETS, 4),
            latent: column(part::LATENT, 4),
            records: Blobs::open(&mapped, part::RECORDS),
            priors: column(part::PRIORS, 1),
            out_starts: column(part::OUT_STARTS, 4),
            objects: column(part::OBJECTS, 4),
            predicate_of: column(part::PREDICATES, meta.predicate_width),
            origin_of: column(part::ORIGINS, meta.origin_width),
            in_starts: column(part::IN_STARTS, 4),
            in_facts: column(part::IN_FACTS, 4),
            literals: Blobs::open(&mapped, part::LITERALS),
            special_facts: column(part::SPECIAL_FACTS, 4),
            specials: Blobs::open(&mapped, part::SPECIALS),
            meta,
            mapped,
        })
    }

    /// Whether something that was read did not match its checksum; then the file is to be made anew.
    pub(crate) fn is_damaged(&self) -> bool {
        self.mapped.is_damaged()
    }

    /// Checks all of it; whether all is well.
    pub(crate) fn check_all(&self) -> bool {
        self.mapped.check_all()
    }

    /// Bytes of the file.
    pub(crate) fn bytes(&self) -> u64 {
        self.mapped.file_length()
    }

    /// Bytes of its parts, by what they hold.
    pub(crate) fn parts(&self) -> Vec<(&'static str, u64)> {
        let bytes = |names: &[u64]| names.iter().map(|name| self.mapped.section(*name).len() as u64).sum();
        vec![
            ("ids", bytes(&part::IDS)),
            ("words of entities", bytes(&part::RECORDS)),
            ("priors", bytes(&[part::PRIORS])),
            ("names", bytes(&[part::EXACT])),
            ("looser names", bytes(&[part::LOOSE])),
            ("words for search", bytes(&[part::WORDS])),
            ("facts by subject", bytes(&[part::OUT_STARTS, part::OBJECTS, part::PREDICATES, part::ORIGINS])),
            ("facts by object", bytes(&[part::IN_STARTS, part::IN_FACTS])),
            ("values", bytes(&part::LITERALS)),
            ("ranks and qualifiers", bytes(&[part::SPECIAL_FACTS]) + bytes(&part::SPECIALS)),
        ]
    }

    /// What can be asked of it.
    pub(crate) fn schema(&self) -> &Arc<Schema> {
        self.schema.get_or_init(|| {
            let with_subject = self.predicates.iter().zip(&self.meta.sole_subjects);
            let sole_subjects = with_subject
                .filter_map(|(predicate, subject)| Some((predicate.id.clone(), self.entity((*subject)?)?)))
                .collect();
            Arc::new(Schema {
                generation: self.meta.generation,
                predicates: self.predicates.clone(),
                sole_subjects,
            })
        })
    }

    /// The mapping, for the tables of names.
    pub(crate) fn mapped(&self) -> &Mapped {
        &self.mapped
    }

    /// A unit by its number in [`Meta::units`].
    fn unit(&self, number: usize) -> Option<&Arc<Unit>> {
        let units = self.units.get_or_init(|| {
            let unit = |id: &String| match self.node(id) {
                Some(node) => self.as_unit(node),
                None => Unit { symbol: crate::names::entity_name(id), labels: Vec::new() },
            };
            self.meta.units.iter().map(|id| Arc::new(unit(id))).collect()
        });
        units.get(number)
    }

    /// Whether a statement may mention an id that is no entity, or be void because of what the id is: an address, something that
    /// only words are said of, a property, a type without a name, something that was merged. Told by a hash of 32 bits.
    pub(crate) fn is_latent(&self, id: &str) -> bool {
        let hashes = self.latent.slice(&self.mapped, 0..self.meta.latent as usize).unwrap_or_default();
        hashes.binary_search_by_key(&latent_hash(id.as_bytes()), |hash| hash.get()).is_ok()
    }

    /// An entity as the unit of a value.
    pub(crate) fn as_unit(&self, node: u32) -> Unit {
        let (entity, symbol) = self.words(node).unwrap_or_else(|| (Entity::default(), None));
        Unit { symbol: symbol.unwrap_or_default(), labels: entity.labels }
    }
}

/// The hash by which latent ids are told; see [`Snapshot::is_latent`].
pub(crate) fn latent_hash(id: &[u8]) -> u32 {
    xxhash_rust::xxh3::xxh3_64(id) as u32
}
