//! What a message asks. In: its text, the graph's names and predicates. Out: [`Understood`]: language, mentions, the relations asked
//! for, and the words that nothing accounts for. Looks up no facts.

mod choice;
mod clauses;
mod ellipsis;
mod names;
mod relation;

use std::ops::Range;
use std::sync::Arc;

use loquat_contract::{Language, Mention, Predicate, Schema};

use crate::lexicon::{Lexicon, Smalltalk, WordKind};
use crate::phrases::{Found, Phrasebook};
use crate::words::{Word, has_han, words};
use relation::{find_relations, is_compounded};

pub(crate) use choice::choice;
pub(crate) use clauses::clauses;
pub(crate) use ellipsis::{completed, renamed};
pub(crate) use names::names;
pub(crate) use relation::RelationWords;

/// A message, understood as far as its words go.
#[derive(Clone, Debug)]
pub(crate) struct Understood {
    /// What the text names in the graph, with candidates.
    pub(crate) mentions: Vec<Mention>,
    /// Which of the mentions are but a part of a relation's name ("shipping" in "return shipping"), by their place.
    pub(crate) within_relation: Vec<bool>,
    /// Which of the mentions own what stands behind them ("Bhutan's", 不丹的), by their place.
    pub(crate) is_owner: Vec<bool>,
    /// What is asked of them, in the order of the text; each is a set of predicates that the same words may mean.
    pub(crate) relations: Vec<Vec<Arc<Predicate>>>,
    /// Stretches of content words that are neither name nor relation, as typed.
    pub(crate) unexplained: Vec<String>,
    /// Whether what is unexplained leaves the question as it is: nothing, or one name that the asker takes for the answer ("Why is
    /// Sydney the capital of Australia?"). A name behind a preposition or beside another name asks for something else.
    pub(crate) is_answerable: bool,
    /// A name in the question that is not in the graph.
    pub(crate) unknown_name: Option<String>,
    /// Whether a relation describes the thing that another is asked of: "the currency of the country whose capital is …".
    pub(crate) is_nested: bool,
    /// Whether two relations stand there with nothing that joins them: "the currency of the neighbours of Bhutan" asks for one of
    /// them only.
    pub(crate) is_chained: bool,
    /// Whether it compares over many things or denies, which no single fact answers.
    pub(crate) has_operator: bool,
    /// Whether of these it has only words that compare, which something can be computed for.
    pub(crate) is_computable: bool,
    /// Where it has a word that compares, as bytes.
    pub(crate) comparing: Option<Range<usize>>,
    /// Whether yes or no is wanted.
    pub(crate) is_polar: bool,
    /// Whether it asks how many there are.
    pub(crate) counts: bool,
    /// Names left that the graph does not have: a path of relations says nothing of them.
    pub(crate) foreign_names: Vec<String>,
    /// Words that make another thing of a relation's name before them: "punishment" in "capital punishment".
    pub(crate) compounds: Vec<String>,
    /// Whether a number is left that belongs to no name: a year, mostly.
    pub(crate) has_number: bool,
    /// Whether names are listed ("border Bhutan and India"), so that what is asked is asked of each.
    pub(crate) lists_names: bool,
    /// The words that ask for the relations, as typed; without a relation, those that nothing explains.
    pub(crate) asked: String,
    /// Whether it points back at what was talked about: a pronoun, "and …", "what about …".
    pub(crate) points_back: bool,
    /// Set when nothing is asked that facts could answer.
    pub(crate) smalltalk: Option<Smalltalk>,
}

/// The language of `text` among those the bot speaks: by script, else that of the conversation so far, else the first.
pub(crate) fn detect_language(text: &str, spoken: &[Language], before: Option<&Language>) -> Language {
    let has_letters = text.chars().any(char::is_alphabetic);
    let by_script = |unspaced: bool| spoken.iter().find(|language| language.is_unspaced() == unspaced);
    let found = if has_han(text) {
        by_script(true)
    } else if has_letters {
        before.filter(|language| !language.is_unspaced()).or_else(|| by_script(false))
    } else {
        before
    };
    found.or(spoken.first()).cloned().unwrap_or_else(Language::english)
}

/// The kinds of words that no single fact answers.
const OPERATORS: [WordKind; 3] = [WordKind::Superlative, WordKind::Negation, WordKind::Operator];

/// What accounts for a word of the message.
#[derive(Clone, Debug, PartialEq)]
enum Account {
    Nothing,
    Plain,
    Mention,
    Relation,
}

fn has_question_mark(text: &str) -> bool {
    text.contains(['?', '\u{FF1F}'])
}

/// Whether a sentence of a message asks something: it has a question mark, or begins with a word that asks; in languages that leave
/// that word in its place, it has one anywhere. "And what …" begins with "what".
pub(crate) fn asks(text: &str, lexicon: &Lexicon) -> bool {
    let words = words(text, &lexicon.language);
    let is = |at: usize, kind: WordKind| {
        lexicon.kinds.longest_at(&words, at).is_some_and(|found| found.tags.contains(&kind))
    };
    let begins = (0..words.len()).find(|at| !is(*at, WordKind::Conjunction));
    let asks_at = |at: usize| is(at, WordKind::Question);
    has_question_mark(text)
        || begins.is_some_and(asks_at)
        || lexicon.language.is_unspaced() && (0..words.len()).any(asks_at)
}

/// Reads a message.
pub(crate) fn understand(
    text: &str,
    mentions: Vec<Mention>,
    schema: &Schema,
    relation_words: &Phrasebook<usize>,
    lexicon: &Lexicon,
) -> Understood {
    let words = words(text, &lexicon.language);
    let kinds = word_kinds(&words, lexicon);
    let is = |at: usize, kind: WordKind| kinds.get(at).is_some_and(|kinds| kinds.contains(&kind));
    let in_mention = |word: &Word| {
        mentions
            .iter()
            .position(|mention| word.range.start < mention.range.end && mention.range.start < word.range.end)
    };
    let mut accounts: Vec<Account> = (0..words.len())
        .map(|at| match in_mention(&words[at]) {
            Some(_) => Account::Mention,
            None if kinds[at].iter().any(|kind| !OPERATORS.contains(kind)) => Account::Plain,
            None => Account::Nothing,
        })
        .collect();

    let mut asked = find_relations(&words, &kinds, relation_words, |at| in_mention(&words[at]));
    let is_unexplained = |at: usize| accounts.get(at) == Some(&Account::Nothing);
    let mut compounds = Vec::new();
    asked.retain(|relation| {
        let is_compounded = is_compounded(text, &words, relation, is_unexplained, lexicon);
        if is_compounded {
            compounds.push(text[words[relation.words.end].range.clone()].to_owned());
        }
        !is_compounded
    });
    if asked.iter().any(|relation| !relation.is_weak) {
        asked.retain(|relation| !relation.is_weak);
    }
    for relation in &asked {
        accounts[relation.words.clone()].fill(Account::Relation);
    }

    let within_relation = mentions
        .iter()
        .map(|mention| {
            let own = |at: &usize| in_mention(&words[*at]).is_some_and(|place| mentions[place] == *mention);
            (0..words.len()).filter(own).all(|at| accounts[at] == Account::Relation)
        })
        .collect();
    let owns = |mention: &Mention| {
        let behind = words.iter().find(|word| word.range.start == mention.range.end);
        behind.is_some_and(|word| lexicon.grammar.possessive.contains(&word.folded))
    };
    let is_owner = mentions.iter().map(owns).collect();
    let unexplained_at: Vec<usize> =
        (0..words.len()).filter(|at| accounts[*at] == Account::Nothing).collect();
    let is_name = |run: &[usize]| {
        lexicon.language.is_unspaced()
            || run.iter().all(|at| text[words[*at].range.clone()].starts_with(char::is_uppercase))
    };
    let is_claimed = |run: &[usize]| {
        let (first, last) = (run[0], run[run.len() - 1]);
        let is_restriction = first == 0
            || is(first - 1, WordKind::Preposition)
            || is(first - 1, WordKind::Conjunction)
            || accounts[first - 1] == Account::Mention
            || accounts.get(last + 1) == Some(&Account::Mention);
        !lexicon.language.is_unspaced() && is_name(run) && !is_restriction
    };
    let runs: Vec<&[usize]> = unexplained_at.chunk_by(|before, after| before + 1 == *after).collect();
    let is_answerable = runs.is_empty() || runs.len() == 1 && is_claimed(runs[0]);
    let unknown_name = runs
        .iter()
        .rev()
        .find(|run| is_name(run))
        .map(|run| text[words[run[0]].range.start..words[run[run.len() - 1]].range.end].to_owned());
    let is_nested = asked.len() > 1
        && asked.iter().skip(1).any(|relation| {
            let before = relation.words.start.checked_sub(1);
            before.is_some_and(|before| is(before, WordKind::Nesting))
        });
    let is_free = |at: usize| !matches!(accounts[at], Account::Relation | Account::Mention);
    let is_freely = |at: usize, kind: WordKind| is_free(at) && is(at, kind);
    let has_freely = |kind: WordKind| (0..words.len()).any(|at| is_freely(at, kind));
    let has_operator = OPERATORS.into_iter().any(has_freely);
    let is_computable = !has_freely(WordKind::Negation) && !has_freely(WordKind::Operator);
    let comparing = (0..words.len()).find(|at| is_freely(*at, WordKind::Superlative)).map(|first| {
        let last = (first..words.len()).take_while(|at| is_freely(*at, WordKind::Superlative)).last();
        words[first].range.start..words[last.unwrap_or(first)].range.end
    });
    let joins =
        |at: usize| is(at, WordKind::Conjunction) || text[..words[at].range.start].trim_end().ends_with(',');
    let is_chained = asked.windows(2).any(|pair| {
        pair[0].predicates != pair[1].predicates
            && pair[0].words.end <= pair[1].words.start
            && !(pair[0].words.end..=pair[1].words.start).any(joins)
    });
    let foreign_names: Vec<String> = unexplained_at
        .iter()
        .filter(|at| **at > 0 && !lexicon.language.is_unspaced())
        .map(|at| &text[words[*at].range.clone()])
        .filter(|word| word.starts_with(char::is_uppercase))
        .map(str::to_owned)
        .collect();
    let has_number =
        unexplained_at.iter().any(|at| text[words[*at].range.clone()].contains(|c: char| c.is_ascii_digit()));
    let lists_names = mentions.windows(2).any(|pair| {
        let between = (0..words.len()).filter(|at| {
            words[*at].range.start >= pair[0].range.end && words[*at].range.end <= pair[1].range.start
        });
        let between: Vec<usize> = between.collect();
        let listed = |at: &usize| is(*at, WordKind::Conjunction);
        between.iter().any(listed) && between.iter().all(|at| listed(at) || is(*at, WordKind::Function))
    });
    let points_back = (0..words.len())
        .any(|at| is(at, WordKind::Pronoun) && accounts[at] != Account::Mention)
        || (!words.is_empty() && is(0, WordKind::Continuation) && accounts[0] != Account::Mention)
        || (lexicon.language.is_unspaced() && is(words.len().saturating_sub(1), WordKind::Continuation));
    let is_question = has_question_mark(text)
        || (0..words.len()).any(|at| is(at, WordKind::Question) && accounts[at] != Account::Mention);
    // "Can you tell me who …" and "was Ann Lee the director of which films" want no yes.
    let begins = if lexicon.language.is_unspaced() {
        has_freely(WordKind::Polar)
    } else {
        !words.is_empty() && is_freely(0, WordKind::Polar)
    };
    let wants_a_name =
        (0..words.len()).any(|at| is_free(at) && lexicon.interrogatives.longest_at(&words, at).is_some());
    let is_polar = begins && !wants_a_name;
    let counts = has_freely(WordKind::Count);
    let is_personal = (0..words.len()).any(|at| is(at, WordKind::Personal) || is(at, WordKind::Courtesy));
    let smalltalk = if mentions.is_empty() && asked.is_empty() {
        smalltalk(&words, &kinds, lexicon).or((!is_question && is_personal).then_some(Smalltalk::Other))
    } else {
        None
    };
    // "What language do they speak?" asks once.
    let mut distinct: Vec<&Vec<usize>> = Vec::new();
    for relation in &asked {
        if !distinct.contains(&&relation.predicates) {
            distinct.push(&relation.predicates);
        }
    }
    let said = |range: Range<usize>| &text[words[range.start].range.start..words[range.end - 1].range.end];
    let unexplained = stretches(text, &words, &unexplained_at);
    let asked_words: Vec<&str> = asked.iter().map(|relation| said(relation.words.clone())).collect();
    let asked_words = if asked.is_empty() { unexplained.join(" … ") } else { asked_words.join(" … ") };
    let predicates =
        |indices: &Vec<usize>| indices.iter().map(|index| schema.predicates[*index].clone()).collect();
    Understood {
        relations: distinct.into_iter().map(predicates).collect(),
        within_relation,
        is_owner,
        is_answerable,
        unknown_name,
        is_nested,
        unexplained,
        mentions,
        has_operator,
        is_computable,
        comparing,
        is_chained,
        is_polar,
        counts,
        foreign_names,
        compounds,
        has_number,
        lists_names,
        asked: asked_words,
        points_back,
        smalltalk,
    }
}

/// Neighbouring words as one stretch: a name that is not in the graph has several words, or several characters.
fn stretches(text: &str, words: &[Word], at: &[usize]) -> Vec<String> {
    let neighbours = at.chunk_by(|before, after| before + 1 == *after);
    neighbours
        .filter_map(|run| Some(&text[words[*run.first()?].range.start..words[*run.last()?].range.end]))
        .map(str::to_owned)
        .collect()
}

/// The kinds of each word, by the longest phrases of the lexicon.
fn word_kinds(words: &[Word], lexicon: &Lexicon) -> Vec<Vec<WordKind>> {
    let mut kinds: Vec<Vec<WordKind>> = vec![Vec::new(); words.len()];
    let mut at = 0;
    while at < words.len() {
        match lexicon.kinds.longest_at(words, at) {
            Some(found) => {
                kinds[at..at + found.length].fill(found.tags);
                at += found.length;
            }
            None => at += 1,
        }
    }
    kinds
}

/// Small talk by its phrases; more than one content word beside the phrase makes it something else.
fn smalltalk(words: &[Word], kinds: &[Vec<WordKind>], lexicon: &Lexicon) -> Option<Smalltalk> {
    let found = (0..words.len()).filter_map(|at| Some((at, lexicon.smalltalk.longest_at(words, at)?)));
    // "Thanks, you helped me" is thanks: a call for help is one only when nothing else is.
    let is_more = |phrase: &Found<Smalltalk>| !phrase.tags.contains(&Smalltalk::Ability);
    let (start, phrase) =
        found.max_by_key(|(at, phrase)| (is_more(phrase), phrase.length, std::cmp::Reverse(*at)))?;
    let outside = |at: &usize| *at < start || *at >= start + phrase.length;
    let content = (0..words.len()).filter(outside).filter(|at| kinds[*at].is_empty()).count();
    (content <= 1).then(|| phrase.tags.first().copied()).flatten()
}

#[cfg(test)]
mod tests;
