//! How a predicate may be said. In: its names and templates, and the language's wordings of common relations. Out: the words that
//! name it, and the orders in which subject, words and object may stand. Knows no sentence and no fact's value.

use std::collections::HashSet;

use loquat_contract::{Label, Predicate, Templates};

use crate::lexicon::Lexicon;
use crate::realise::phrasing;
use crate::words::{fold, has_han, keys, words};

/// Where a predicate's words stand beside its subject and object.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Place {
    Before,
    Between,
    After,
}

/// The order of one template.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Shape {
    pub(crate) subject_first: bool,
    /// Where its words stand; nowhere, where it has none of its own.
    pub(crate) places: Vec<Place>,
    /// Whether the second name is introduced by the word for who did it: "directed by {object}".
    pub(crate) by: bool,
    /// The preposition before the second name: "in" of "{object} is used in {subject}".
    pub(crate) preposition: Option<String>,
    /// Whether an "is" stands between the names.
    pub(crate) has_copula: bool,
}

/// All ways of saying a predicate in one language.
#[derive(Clone, Debug, Default)]
pub(crate) struct Sayings {
    /// The words that name it, as keys.
    pub(crate) phrases: Vec<Vec<String>>,
    /// The words of these phrases as they are written.
    forms: HashSet<String>,
    /// Whether it has a word for the past in its own name: "had capital" never says "capital".
    keeps_past: bool,
    pub(crate) shapes: Vec<Shape>,
    /// Nouns for its objects, or its subjects (true), where they are counted; as keys.
    pub(crate) kinds: Vec<(Vec<String>, bool)>,
    /// Whether it is named by a noun, so that "the P of S is O" says it.
    pub(crate) is_noun: bool,
    /// Whether its facts are told in the past: "was directed by".
    pub(crate) is_past: bool,
    /// Whether a template has no words of its own ("{subject} is located in {object}").
    pub(crate) goes_without_saying: bool,
    /// Whether "the P of X" may say it of its object X.
    pub(crate) is_said_of_its_object: bool,
    /// Whether its words may stand right behind its object X: X地区.
    pub(crate) follows_its_object: bool,
}

impl Sayings {
    pub(crate) fn new(predicate: &Predicate, lexicon: &Lexicon) -> Self {
        let mut sayings = Self::default();
        let labels: Vec<&str> = predicate.labels.iter().map(|label| label.text.as_str()).collect();
        let labels: Vec<String> =
            labels.into_iter().chain([predicate.label(&lexicon.language)]).map(readable).collect();
        let own = own_templates(predicate, lexicon);
        let mut templates: Vec<String> = own.iter().map(|template| (*template).to_owned()).collect();
        if own.is_empty() {
            // Those that sentences about it are made from; a date's may have a preposition of its own.
            let made = phrasing(predicate, false, lexicon);
            templates.extend(made.templates().into_iter().map(str::to_owned));
        }
        let wordings = lexicon.wordings.iter().filter(|wording| {
            let is_called = |name: &String| labels.iter().any(|label| fold(label) == fold(name));
            wording.of.iter().any(is_called)
        });
        for wording in wordings {
            templates.extend(wording.say.iter().cloned());
            wording.words.iter().for_each(|words| sayings.name(words, lexicon));
            for (nouns, of_subjects) in [(&wording.objects, false), (&wording.subjects, true)] {
                let kinds = nouns.iter().map(|noun| (keys(noun, &lexicon.language), of_subjects));
                sayings.kinds.extend(kinds);
            }
        }
        let own_label = readable(predicate.label(&lexicon.language));
        let made = from_label(&own_label, lexicon);
        let is_past =
            |label: &String| words(label, &lexicon.language).iter().any(|word| lexicon.is_past(&word.folded));
        sayings.keeps_past = labels.iter().any(is_past);
        labels.iter().for_each(|label| sayings.name(label, lexicon));
        for alias in predicate.aliases.iter().map(|alias| readable(&alias.text)) {
            if is_form_of(&alias, &labels, lexicon) {
                sayings.name(&alias, lexicon);
            }
        }
        let ends_in_preposition = lexicon.ends_in_function_word(&own_label);
        let has_noun_template = templates.iter().any(|template| is_of_subject(template));
        let label_is_a_word_of_templates = own.iter().any(|template| {
            let first = words(&own_label, &lexicon.language).into_iter().next().map(|word| word.folded);
            words(template, &lexicon.language).into_iter().any(|word| Some(word.folded) == first)
        });
        sayings.is_noun = !ends_in_preposition
            && (has_noun_template
                || !label_is_a_word_of_templates && made.iter().any(|made| is_of_subject(made)));
        templates.extend(made);
        for (place, template) in templates.iter().enumerate() {
            sayings.template(template, place < own.len(), lexicon);
        }
        sayings
    }

    fn name(&mut self, said: &str, lexicon: &Lexicon) {
        self.forms.extend(words(said, &lexicon.language).into_iter().map(|word| word.folded));
        self.phrase(content_words(said, lexicon));
    }

    /// Whether a word of a sentence, folded, may be one of the predicate's words. They are compared without inflection, and "Heat
    /// produced Ann Lee" must not be what a noun "producer" says: a noun may differ in its number alone.
    pub(crate) fn may_be_written(&self, word: &str) -> bool {
        let is_plural = |one: &str, several: &str| {
            several.strip_prefix(one).is_some_and(|ending| matches!(ending, "s" | "es"))
                || one.strip_suffix('y').is_some_and(|stem| several.strip_prefix(stem) == Some("ies"))
        };
        !self.is_noun
            || self.forms.iter().any(|form| form == word || is_plural(form, word) || is_plural(word, form))
    }

    fn phrase(&mut self, phrase: Vec<String>) {
        if !phrase.is_empty() && !self.phrases.contains(&phrase) {
            self.phrases.push(phrase);
        }
    }

    /// Takes in a template; one of the graph's own may mean something that none of its parts says.
    fn template(&mut self, template: &str, is_own: bool, lexicon: &Lexicon) {
        let (Some(subject), Some(object)) = (template.find("{subject}"), template.find("{object}")) else {
            return;
        };
        let grammar = &lexicon.grammar;
        let fragments: Vec<&str> = template.split(['{', '}']).step_by(2).collect();
        let mut places = Vec::new();
        let mut named = Vec::new();
        for (fragment, place) in fragments.iter().zip([Place::Before, Place::Between, Place::After]) {
            let said = words(fragment, &lexicon.language);
            self.is_past |= said.iter().any(|word| lexicon.is_past(&word.folded));
            self.forms.extend(said.into_iter().map(|word| word.folded));
            let content: Vec<String> = content_words(fragment, lexicon);
            let without_past: Vec<String> = content_words(&without_past(fragment, lexicon), lexicon);
            if !without_past.is_empty() {
                places.push(place);
            }
            named.push((content, without_past));
        }
        // Words on several sides name it only together: "wrongly, {subject}'s founder is {object}" is no word for founder.
        if places.len() < 2 || !is_own {
            for (content, without_past) in named {
                self.phrase(content);
                if !self.keeps_past {
                    self.phrase(without_past);
                }
            }
        }
        self.goes_without_saying |= places.is_empty();
        let middle = words(fragments.get(1).copied().unwrap_or_default(), &lexicon.language);
        let last = middle.iter().rev().map(|word| &word.folded).find(|word| !grammar.articles.contains(word));
        let by = last.is_some_and(|word| grammar.agent.contains(word));
        let preposition = last.filter(|word| grammar.topic.contains(word)).cloned();
        self.is_said_of_its_object |= ["of {object}", "for {object}", "{object}的", "{object}'s"]
            .iter()
            .any(|form| template.contains(form));
        let tail = words(fragments.get(2).copied().unwrap_or_default(), &lexicon.language);
        self.follows_its_object |=
            subject < object && !tail.is_empty() && lexicon.statement.longest_at(&tail, 0).is_none();
        let has_copula = middle.iter().any(|word| grammar.copula.contains(&word.folded));
        let shape = Shape { subject_first: subject < object, places, by, preposition, has_copula };
        // "O is the P of S" is told by its "of", wherever it stands.
        let is_told_by_of = object < subject && is_of_subject(template);
        if !is_told_by_of && !self.shapes.contains(&shape) {
            self.shapes.push(shape);
        }
    }
}

/// Whether a template says the predicate of its subject, as a noun: "The capital of {subject}", "{subject} has a population of".
fn is_of_subject(template: &str) -> bool {
    [
        "of {subject}",
        "on {subject}",
        "for {subject}",
        "{subject}'s",
        "{subject} has",
        "{subject}的",
        "{subject}里的",
    ]
    .iter()
    .any(|form| template.contains(form))
}

/// Templates for a predicate by the form of its label, where the graph has none: "directed_by", "capital", "part of".
fn from_label(label: &str, lexicon: &Lexicon) -> Vec<String> {
    if label.is_empty() || lexicon.language.is_unspaced() != has_han(label) {
        return Vec::new();
    }
    if lexicon.language.is_unspaced() {
        return vec![
            format!("{{subject}}的{label}是{{object}}"),
            format!("{{object}}是{{subject}}的{label}"),
            format!("{{subject}}{label}{{object}}"),
        ];
    }
    let label = label.to_lowercase();
    let words: Vec<&str> = label.split_whitespace().collect();
    let (Some(first), Some(last)) = (words.first(), words.last()) else { return Vec::new() };
    let is_participle = lexicon.is_participle(first);
    if lexicon.grammar.agent.iter().any(|agent| agent == last) && is_participle {
        let verb = words[..words.len() - 1].join(" ");
        return vec![
            format!("{{subject}} was {label} {{object}}"),
            format!("{{subject}} is {label} {{object}}"),
            format!("{{object}} {verb} {{subject}}"),
        ];
    }
    if lexicon.ends_in_function_word(&label) {
        let mut templates = vec![format!("{{subject}} is {label} {{object}}")];
        if is_participle {
            templates.push(format!("{{subject}} was {label} {{object}}"));
        }
        return templates;
    }
    let noun = words
        .strip_prefix(&["has"])
        .filter(|rest| !rest.is_empty())
        .map_or(label.clone(), |rest| rest.join(" "));
    vec![
        format!("The {noun} of {{subject}} is {{object}}"),
        format!("{{object}} is the {noun} of {{subject}}"),
    ]
}

/// Whether an alias names the relation as a label does, with one more word beside: "capital city", "land area". One that leaves out a
/// word of the label is another relation: "capital" of "former capital", 创始人 of 误传的创始人. Other aliases are for understanding
/// people: "sold out" asks for the stock, and says something of it.
fn is_form_of(alias: &str, labels: &[String], lexicon: &Lexicon) -> bool {
    let own = content_words(alias, lexicon);
    let asks = |word: &String| lexicon.asks_or_denies(word);
    if own.is_empty() || own.iter().any(asks) {
        return false;
    }
    labels.iter().any(|label| {
        let named = content_words(label, lexicon);
        if has_han(label) {
            let (alias, label) = (fold(alias), fold(label));
            return alias.contains(&label);
        }
        !named.is_empty() && named.iter().all(|word| own.contains(word)) && own.len() <= named.len() + 1
    })
}

/// The predicate's templates in the language of the answer.
fn own_templates<'t>(predicate: &'t Predicate, lexicon: &Lexicon) -> Vec<&'t str> {
    let Templates { single, plural, inverse, .. } = &predicate.templates;
    let own = |label: &&Label| label.language.as_ref().is_some_and(|own| own.matches(&lexicon.language));
    let templates = [single, plural, inverse].into_iter().flatten().filter(own);
    templates.map(|template| template.text.as_str()).collect()
}

/// A label as words: "directed_by" and "directedBy" as "directed by".
pub(crate) fn readable(label: impl AsRef<str>) -> String {
    let label = label.as_ref().replace('_', " ");
    let mut spaced = String::with_capacity(label.len());
    let mut before = ' ';
    for c in label.chars() {
        if c.is_uppercase() && before.is_lowercase() {
            spaced.push(' ');
            spaced.extend(c.to_lowercase());
        } else {
            spaced.push(c);
        }
        before = c;
    }
    spaced
}

fn without_past(fragment: &str, lexicon: &Lexicon) -> String {
    let kept = fragment.split_whitespace().filter(|word| !lexicon.is_past(&fold(word)));
    kept.collect::<Vec<_>>().join(" ")
}

/// The words of a phrase, without words at its ends that every statement may have.
fn content_words(phrase: &str, lexicon: &Lexicon) -> Vec<String> {
    let words = words(phrase, &lexicon.language);
    let is_content = |at: &usize| lexicon.statement.longest_at(&words[..=*at], *at).is_none();
    let first = (0..words.len()).find(is_content);
    let last = (0..words.len()).rev().find(is_content);
    match (first, last) {
        (Some(first), Some(last)) => words[first..=last].iter().map(|word| word.key.clone()).collect(),
        _ => Vec::new(),
    }
}
