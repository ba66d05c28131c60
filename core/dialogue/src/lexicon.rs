//! What the engine knows of a language, read from a file. In: TOML. Out: word lists, units, and the bot's own lines.
//!
//! A new language is a new file under `lexicon/` and a line in [`Lexicons::builtin`].

mod computed;

use std::collections::BTreeMap;
use std::sync::Arc;

use loquat_contract::Language;
use serde::Deserialize;

use crate::EngineError;
use crate::phrases::Phrasebook;
use crate::realise::Phrasings;
use crate::words::{keys, words};
use computed::{Computed, ComputedFile};

/// What kind of word a phrase is, for a sentence that is checked or a question that is understood.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum WordKind {
    Function,
    Filler,
    Personal,
    Question,
    Pronoun,
    Continuation,
    Negation,
    Superlative,
    Operator,
    Polar,
    Count,
    Conjunction,
    Preposition,
    Nesting,
    Approximately,
    Courtesy,
}

/// Why somebody talks without asking for a fact.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Smalltalk {
    Greeting,
    Thanks,
    Goodbye,
    Wellbeing,
    Identity,
    Ability,
    #[serde(skip)]
    Other,
}

/// A unit that other units of its dimension can be converted to.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct KnownUnit {
    pub(crate) dimension: String,
    pub(crate) factor: f64,
    /// What is added after that, in base units: a scale that begins elsewhere.
    #[serde(default)]
    pub(crate) offset: f64,
    pub(crate) names: Vec<String>,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Lines {
    pub(crate) unknown: String,
    pub(crate) unknown_name: String,
    pub(crate) unknown_relation: String,
    pub(crate) unknown_rest: String,
    pub(crate) greeting: String,
    pub(crate) thanks: String,
    pub(crate) goodbye: String,
    pub(crate) wellbeing: String,
    pub(crate) identity: String,
    pub(crate) ability: String,
    pub(crate) other: String,
    pub(crate) more: String,
    pub(crate) yes: String,
    pub(crate) no: String,
    pub(crate) clarify: String,
    pub(crate) clarify_choice: String,
    pub(crate) clarify_last: String,
}

/// How facts are put into sentences. `{predicate}` stands for the relation's words, `{predicates}` for their plural.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Realisation {
    pub(crate) template: String,
    pub(crate) plural_template: String,
    pub(crate) subjects_template: String,
    pub(crate) many_subjects_template: String,
    /// A relation that is no noun, between subject and object.
    pub(crate) link: String,
    /// What a relation leads to, as a phrase.
    pub(crate) noun_of: String,
    pub(crate) nouns_of: String,
    pub(crate) reached: String,
    pub(crate) reached_several: String,
    /// What leads to something by a relation, as a phrase: by a noun, then by another.
    pub(crate) described: String,
    pub(crate) described_several: String,
    pub(crate) that: String,
    pub(crate) that_several: String,
    pub(crate) separator: String,
    pub(crate) last_separator: String,
    pub(crate) group: String,
    pub(crate) date: String,
    pub(crate) month_names: Vec<String>,
    /// What stands before a day, and before a month, year, decade or century.
    pub(crate) before_day: String,
    pub(crate) before_year: String,
    pub(crate) conclude: Conclusions,
    pub(crate) forms: FormWords,
}

/// How what follows from several facts is said.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Conclusions {
    pub(crate) yes: String,
    pub(crate) no: String,
    /// Between the facts behind a yes or no.
    pub(crate) between: String,
    pub(crate) has_count: String,
    pub(crate) number_of: String,
    /// Of things that the question names, and of all that a relation leads to.
    pub(crate) extreme_named: String,
    pub(crate) extreme_among: String,
    pub(crate) against: String,
    /// "has" for one and for several.
    pub(crate) has: [String; 2],
    /// The greatest and the least of a number, an amount of money and a time.
    pub(crate) number: [String; 2],
    pub(crate) money: [String; 2],
    pub(crate) time: [String; 2],
}

/// The words by which the form of a relation's name is told.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct FormWords {
    pub(crate) prepositions: Vec<String>,
    pub(crate) have: Vec<String>,
    pub(crate) be: Vec<String>,
    pub(crate) been: Vec<String>,
    /// Before one subject's and several subjects' participle, now and in the past.
    pub(crate) is: Vec<String>,
    pub(crate) was: Vec<String>,
    pub(crate) of: Vec<String>,
    /// Words before "of" that take no article.
    pub(crate) bare: Vec<String>,
    pub(crate) articles: Vec<String>,
    pub(crate) participles: Vec<String>,
    pub(crate) participle_endings: Vec<String>,
    pub(crate) no_participles: Vec<String>,
    /// Participles that tell what is so rather than what was done.
    pub(crate) states: Vec<String>,
    pub(crate) verbs: Vec<String>,
    pub(crate) verb_endings: Vec<String>,
    pub(crate) invariable: Vec<String>,
}

impl FormWords {
    /// The indefinite article for this phrase, with its space: by its first letter.
    pub(crate) fn article(&self, phrase: &str) -> String {
        let is_open = phrase.starts_with(['a', 'e', 'i', 'o', 'A', 'E', 'I', 'O']);
        self.articles.get(usize::from(is_open)).map(|article| format!("{article} ")).unwrap_or_default()
    }
}

mod relations;

pub(crate) use relations::{Relation, Relations, Saying};

/// A question, its facts and its answer, to show a model.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Example {
    pub(crate) facts: Vec<String>,
    pub(crate) question: String,
    pub(crate) answer: String,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Prompts {
    #[serde(default, rename = "example")]
    pub(crate) examples: Vec<Example>,
    pub(crate) grounded: String,
    pub(crate) facts: String,
    pub(crate) smalltalk: String,
    pub(crate) open: String,
}

/// The small words by which a checked sentence puts names together.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Grammar {
    /// "the capital *of* Bhutan".
    pub(crate) of: Vec<String>,
    pub(crate) articles: Vec<String>,
    /// "Bhutan*'s* capital".
    pub(crate) possessive: Vec<String>,
    /// "Bhutan, *whose* capital".
    pub(crate) whose: Vec<String>,
    /// "*its* capital".
    pub(crate) own: Vec<String>,
    /// "Bhutan *has* the capital".
    pub(crate) has: Vec<String>,
    pub(crate) copula: Vec<String>,
    /// "directed *by*".
    pub(crate) agent: Vec<String>,
    /// "*in* Bhutan, the capital".
    pub(crate) topic: Vec<String>,
    /// Words that set a statement in the past.
    pub(crate) past: Vec<String>,
    /// Participles that do not end in -ed.
    pub(crate) participles: Vec<String>,
    /// "*Does* Bhutan border India": words that begin a question and are no part of its statement.
    pub(crate) helping: Vec<String>,
    /// Words within a question, and what stands in its statement for them: 是 for 是不是.
    pub(crate) asking: BTreeMap<String, String>,
    /// Words that end a question and are no part of its statement: 吗.
    pub(crate) asking_last: Vec<String>,
}

/// How a common relation is said, whatever graph it stands in.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Wording {
    /// Labels of the relation.
    pub(crate) of: Vec<String>,
    /// Words that name it.
    #[serde(default)]
    pub(crate) words: Vec<String>,
    /// Templates.
    #[serde(default)]
    pub(crate) say: Vec<String>,
    /// What its objects are when they are counted, and its subjects: "two countries".
    #[serde(default)]
    pub(crate) objects: Vec<String>,
    #[serde(default)]
    pub(crate) subjects: Vec<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct WordingsFile {
    #[serde(default)]
    relation: Vec<Wording>,
}

/// The file as it is written.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct LexiconFile {
    function: Vec<String>,
    statement: Vec<String>,
    filler: Vec<String>,
    personal: Vec<String>,
    question: Vec<String>,
    pronoun: Vec<String>,
    continuation: Vec<String>,
    negation: Vec<String>,
    superlative: Vec<String>,
    operator: Vec<String>,
    polar: Vec<String>,
    count: Vec<String>,
    conjunction: Vec<String>,
    interrogative: Vec<String>,
    preposition: Vec<String>,
    nesting: Vec<String>,
    approximately: Vec<String>,
    courtesy: Vec<String>,
    months: Vec<Vec<String>>,
    numerals: BTreeMap<String, f64>,
    multipliers: BTreeMap<String, f64>,
    grammar: Grammar,
    computed: ComputedFile,
    lines: Lines,
    realise: Realisation,
    smalltalk: BTreeMap<Smalltalk, Vec<String>>,
    prompt: Prompts,
}

/// The file of units.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct UnitsFile {
    unit: Vec<KnownUnit>,
}

/// One language.
#[derive(Clone, Debug)]
pub(crate) struct Lexicon {
    pub(crate) language: Language,
    /// What kind of word each phrase is.
    pub(crate) kinds: Phrasebook<WordKind>,
    /// Words that ask for something by name or number: "which", not "is".
    pub(crate) interrogatives: Phrasebook<()>,
    /// The words that a statement may add to what the facts say.
    pub(crate) statement: Phrasebook<()>,
    /// The words of small talk.
    pub(crate) courtesy: Phrasebook<()>,
    /// Numbers written as words, such as "two", as the bits of an `f64` so that they compare exactly.
    pub(crate) numerals: Phrasebook<u64>,
    /// Words that multiply the number before them, as the bits of an `f64`.
    pub(crate) multipliers: Phrasebook<u64>,
    /// Months by name, counted from 1.
    pub(crate) months: Phrasebook<u64>,
    pub(crate) smalltalk: Phrasebook<Smalltalk>,
    pub(crate) units: Vec<KnownUnit>,
    pub(crate) grammar: Grammar,
    pub(crate) computed: Computed,
    pub(crate) wordings: Vec<Wording>,
    pub(crate) lines: Lines,
    pub(crate) realise: Realisation,
    pub(crate) prompts: Prompts,
    /// How relations are said that a graph has no templates for.
    pub(crate) relations: Arc<Relations>,
    pub(crate) phrasings: Phrasings,
}

impl Lexicon {
    /// Whether a phrase ends in a word that claims nothing, as "located in" does.
    pub(crate) fn ends_in_function_word(&self, phrase: &str) -> bool {
        let words = words(phrase, &self.language);
        let last = words.len().checked_sub(1).and_then(|last| self.kinds.longest_at(&words, last));
        last.is_some_and(|found| found.tags.contains(&WordKind::Function))
    }

    /// Whether a word, folded, sets a statement in the past.
    pub(crate) fn is_past(&self, word: &str) -> bool {
        self.grammar.past.iter().any(|past| past == word)
    }

    /// Whether a word, folded, is a past participle.
    pub(crate) fn is_participle(&self, word: &str) -> bool {
        self.language.primary() == "en" && word.len() > 4 && word.ends_with("ed")
            || self.grammar.participles.iter().any(|participle| participle == word)
    }

    /// Whether a word, folded or as a key, asks, denies or compares.
    pub(crate) fn asks_or_denies(&self, word: &str) -> bool {
        let words = words(word, &self.language);
        let says =
            |kind: &WordKind| matches!(kind, WordKind::Question | WordKind::Negation | WordKind::Superlative);
        !words.is_empty() && self.kinds.longest_at(&words, 0).is_some_and(|found| found.tags.iter().any(says))
    }

    fn parse(
        tag: &str,
        text: &str,
        units: &str,
        wordings: &str,
        relations: &Arc<Relations>,
    ) -> Result<Self, EngineError> {
        let file: LexiconFile = read(tag, text)?;
        let wordings: WordingsFile = read("wordings", wordings)?;
        let units: UnitsFile = read("units", units)?;
        let language = Language::new(tag);
        let mut kinds = Phrasebook::default();
        for (kind, phrases) in [
            (WordKind::Function, &file.function),
            (WordKind::Filler, &file.filler),
            (WordKind::Personal, &file.personal),
            (WordKind::Question, &file.question),
            (WordKind::Pronoun, &file.pronoun),
            (WordKind::Continuation, &file.continuation),
            (WordKind::Negation, &file.negation),
            (WordKind::Superlative, &file.superlative),
            (WordKind::Operator, &file.operator),
            (WordKind::Polar, &file.polar),
            (WordKind::Count, &file.count),
            (WordKind::Conjunction, &file.conjunction),
            (WordKind::Preposition, &file.preposition),
            (WordKind::Nesting, &file.nesting),
            (WordKind::Approximately, &file.approximately),
            (WordKind::Courtesy, &file.courtesy),
        ] {
            phrases.iter().for_each(|phrase| kinds.insert(keys(phrase, &language), kind));
        }
        let book = |phrases: &[String]| {
            let mut book = Phrasebook::default();
            phrases.iter().for_each(|phrase| book.insert(keys(phrase, &language), ()));
            book
        };
        let (statement, courtesy) = (book(&file.statement), book(&file.courtesy));
        let mut months = Phrasebook::default();
        for (month, names) in (1..).zip(&file.months) {
            names.iter().for_each(|name| months.insert(keys(name, &language), month));
        }
        let mut smalltalk = Phrasebook::default();
        for (kind, phrases) in &file.smalltalk {
            phrases.iter().for_each(|phrase| smalltalk.insert(keys(phrase, &language), *kind));
        }
        let numbers = |table: &BTreeMap<String, f64>| {
            let mut book = Phrasebook::default();
            table.iter().for_each(|(word, value)| book.insert(keys(word, &language), value.to_bits()));
            book
        };
        Ok(Self {
            numerals: numbers(&file.numerals),
            multipliers: numbers(&file.multipliers),
            interrogatives: book(&file.interrogative),
            kinds,
            statement,
            courtesy,
            months,
            smalltalk,
            units: units.unit,
            computed: Computed::new(&file.computed, &language),
            grammar: file.grammar,
            wordings: wordings.relation,
            lines: file.lines,
            realise: file.realise,
            prompts: file.prompt,
            relations: relations.clone(),
            phrasings: Phrasings::default(),
            language,
        })
    }
}

fn read<T: serde::de::DeserializeOwned>(name: &str, text: &str) -> Result<T, EngineError> {
    toml::from_str(text)
        .map_err(|source| EngineError::Lexicon { file: name.to_owned(), source: Box::new(source) })
}

/// The languages that the engine knows.
#[derive(Clone, Debug)]
pub(crate) struct Lexicons(Vec<Lexicon>);

impl Lexicons {
    /// The languages of the files under `lexicon/`.
    pub(crate) fn builtin() -> Result<Self, EngineError> {
        let files = [
            ("en", include_str!("../lexicon/en.toml"), include_str!("../lexicon/wordings.en.toml")),
            ("zh", include_str!("../lexicon/zh.toml"), include_str!("../lexicon/wordings.zh.toml")),
        ];
        let units = include_str!("../lexicon/units.toml");
        let relations = Arc::new(Relations::parse(include_str!("../lexicon/relations.toml"))?);
        files
            .into_iter()
            .map(|(tag, text, wordings)| Lexicon::parse(tag, text, units, wordings, &relations))
            .collect::<Result<_, _>>()
            .map(Self)
    }

    /// Whether there is a file for `language`.
    pub(crate) fn knows(&self, language: &Language) -> bool {
        self.0.iter().any(|lexicon| lexicon.language.matches(language))
    }

    /// The lexicon of `language`, else English.
    pub(crate) fn of(&self, language: &Language) -> &Lexicon {
        let found = self.0.iter().find(|lexicon| lexicon.language.matches(language));
        found.unwrap_or(&self.0[0])
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::words::words;

    #[test]
    fn every_builtin_file_parses() {
        let lexicons = Lexicons::builtin().unwrap();
        assert!(lexicons.knows(&Language::new("zh-Hant")));
        let english = lexicons.of(&Language::english());
        let text = words("what about it", &english.language);
        assert_eq!(english.kinds.longest_at(&text, 0).unwrap().tags, [WordKind::Continuation]);
        assert_eq!(english.realise.month_names.len(), 12);
    }
}
