//! How to import. In: what the caller wants. Out: options, and the rules that they come to.

use std::path::PathBuf;
use std::sync::Arc;

use loquat_contract::{Language, Rank};
use rustc_hash::FxHashSet;
use xxhash_rust::xxh3::xxh3_64;

use super::format::Format;
use super::mapping::Mapping;
use super::wikidata::names::{DIRECT, expanded};
use crate::statement::{Describes, Object, Statement};
use crate::vocabulary::RDF_TYPE;

/// How to import a file.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ImportOptions {
    /// The format; `None` goes by the file's name.
    pub format: Option<Format>,
    /// What the facts cite; `None` takes the source that the file names, else the file's name.
    pub source: Option<String>,
    /// What this import takes the place of: all that was imported under the same key. `None` is the file's path, so that
    /// a newer version of the same file takes the older one's place.
    pub key: Option<String>,
    /// Which columns of a table mean what; `None` reads subject, predicate and object, or a property graph's header.
    pub mapping: Option<Arc<Mapping>>,
    /// What of the file is kept.
    pub filter: Filter,
    /// The folder for bad lines; `None` is a folder beside the store, named as it with `.quarantine` behind.
    pub quarantine: Option<PathBuf>,
    /// Unpacked bytes a packed one from which on a file is taken for a trap; `None` is 250.
    pub unpack_ratio: Option<u64>,
    /// Threads that read; `None` is one a processor.
    pub threads: Option<usize>,
}

/// What of a file is kept; an empty list keeps everything.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Filter {
    /// Languages of names, descriptions and texts. Text without a language, or in Wikidata's `mul`, is always kept. A
    /// language stands for all its varieties: `zh` for `zh-hans`, `zh-hant`, `zh-tw` and others.
    pub languages: Vec<Language>,
    /// Classes: only what is an instance of one (`rdf:type`, Wikidata's P31) is kept, and the classes themselves. Ids, or
    /// Wikidata's `Q5`.
    pub types: Vec<String>,
    /// Predicates of the facts that are kept. Ids, or Wikidata's `P31`.
    pub predicates: Vec<String>,
    /// Predicates of the facts that are left out.
    pub without_predicates: Vec<String>,
    /// Only what has a page of Wikipedia is kept.
    pub wikipedia: Option<Wikipedia>,
    /// Whether facts of deprecated rank are left out.
    pub without_deprecated: bool,
}

/// A page in which Wikipedia.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Wikipedia {
    /// In any language.
    Any,
    /// In this language.
    In(Language),
}

impl Wikipedia {
    pub(super) fn allows(&self, language: &str) -> bool {
        match self {
            Self::Any => true,
            Self::In(wanted) => wanted.as_str().eq_ignore_ascii_case(language),
        }
    }
}

impl ImportOptions {
    /// A digest of all that decides what is read from a file.
    pub(super) fn digest(&self, format: Format) -> u64 {
        xxh3_64(format!("{format:?} {:?} {:?}", self.mapping, self.filter).as_bytes())
    }
}

/// The subjects that a filter keeps, by digest; found by reading the file once before.
#[derive(Debug, Default)]
pub(super) struct Kept {
    pub(super) subjects: FxHashSet<u64>,
    /// What is said of predicates is kept too.
    pub(super) predicates: FxHashSet<u64>,
}

/// A filter made ready.
#[derive(Debug, Default)]
pub(super) struct Rules {
    pub(super) filter: Filter,
    pub(super) types: FxHashSet<String>,
    predicates: FxHashSet<String>,
    without: FxHashSet<String>,
    /// `None` where every subject is kept, or the reader itself decides.
    pub(super) kept: Option<Kept>,
}

impl Rules {
    pub(super) fn new(filter: &Filter) -> Self {
        let all = |ids: &[String]| ids.iter().map(|id| expanded(id)).collect();
        Self {
            types: all(&filter.types),
            predicates: all(&filter.predicates),
            without: all(&filter.without_predicates),
            filter: filter.clone(),
            kept: None,
        }
    }

    /// Whether subjects have to be looked through before.
    pub(super) fn need_survey(&self) -> bool {
        !self.types.is_empty() || self.filter.wikipedia.is_some()
    }

    pub(super) fn keeps_predicate(&self, predicate: &str) -> bool {
        (self.predicates.is_empty() || self.predicates.contains(predicate))
            && !self.without.contains(predicate)
    }

    /// Whether text in this language is kept.
    pub(super) fn keeps_language(&self, language: Option<&str>) -> bool {
        let wanted = &self.filter.languages;
        match language {
            None | Some("mul") => true,
            Some(_) if wanted.is_empty() => true,
            Some(tag) => wanted.iter().any(|wanted| {
                let tag = tag.as_bytes();
                let wanted = if wanted.as_str().contains('-') { wanted.as_str() } else { wanted.primary() };
                let (head, rest) = tag.split_at(wanted.len().min(tag.len()));
                head.eq_ignore_ascii_case(wanted.as_bytes())
                    && matches!(rest.first(), None | Some(b'-' | b'_'))
            }),
        }
    }

    fn keeps_value(&self, value: &Object) -> bool {
        match value {
            Object::Text { language, .. } => self.keeps_language(language.as_deref()),
            _ => true,
        }
    }

    /// Whether a statement is kept, its qualifiers aside.
    pub(super) fn keeps(&self, statement: &Statement) -> bool {
        match statement {
            Statement::Fact { subject, predicate, object, rank, .. } => {
                self.keeps_predicate(predicate)
                    && self.keeps_value(object)
                    && !(self.filter.without_deprecated && *rank == Rank::Deprecated)
                    && self.kept.as_ref().is_none_or(|kept| kept.subjects.contains(&digest(subject)))
            }
            Statement::Description { about, what, language, .. } => {
                self.keeps_language(language.as_deref())
                    && self.kept.as_ref().is_none_or(|kept| {
                        let about = digest(about);
                        *what == Describes::Property
                            || kept.subjects.contains(&about)
                            || kept.predicates.contains(&about)
                    })
            }
        }
    }

    /// Leaves out the qualifiers that are not kept.
    pub(super) fn keep_qualifiers(&self, qualifiers: &mut Vec<(String, Object)>) {
        qualifiers.retain(|(predicate, value)| !self.without.contains(predicate) && self.keeps_value(value));
    }
}

/// Whether facts of this predicate say what something is an instance of.
pub(super) fn is_type(predicate: &str) -> bool {
    predicate == RDF_TYPE || predicate.strip_prefix(DIRECT) == Some("P31")
}

pub(super) fn digest(id: &str) -> u64 {
    xxh3_64(id.as_bytes())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_language_stands_for_its_varieties() {
        let rules = |tags: &[&str]| {
            let languages = tags.iter().map(Language::new).collect();
            Rules::new(&Filter { languages, ..Filter::default() })
        };
        let some = rules(&["en", "zh-hans"]);
        for kept in [None, Some("en"), Some("en-GB"), Some("zh-Hans"), Some("mul"), Some("zh-hans-cn")] {
            assert!(some.keeps_language(kept), "{kept:?}");
        }
        for dropped in ["de", "zh-hant", "enm", "zh"] {
            assert!(!some.keeps_language(Some(dropped)), "{dropped}");
        }
        assert!(rules(&["zh"]).keeps_language(Some("zh-tw")));
        assert!(rules(&[]).keeps_language(Some("de")));
    }

    #[test]
    fn predicates_are_kept_and_left_out_by_short_names_too() {
        let filter = Filter {
            predicates: vec!["P31".into(), "capital".into()],
            without_predicates: vec!["wdt:P279".into()],
            ..Filter::default()
        };
        let rules = Rules::new(&filter);
        assert!(rules.keeps_predicate("http://www.wikidata.org/prop/direct/P31"));
        assert!(rules.keeps_predicate("capital") && !rules.keeps_predicate("area"));
        assert!(!rules.keeps_predicate("http://www.wikidata.org/prop/direct/P279"));
    }
}
