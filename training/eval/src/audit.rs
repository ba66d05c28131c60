//! A second look at what was sent. In: a reply, what was said before it, and the graph. Out: sentences that claim what no cited fact
//! says. It believes nothing that the reply says of itself: facts are looked up in the graph again by subject and id, and each name, number
//! and date of a sentence is sought in them.
//!
//! Limits: it sees names by capital letters and by what the graph links, and numbers and dates. What a sentence says of them is
//! the verifier's business. A number in another unit than the fact's is reported, for a person to see.

mod counts;
mod evidence;

use loquat_contract::{Fact, FactId, Knowledge, KnowledgeError, Outcome, Reply, Sentence, Verdict, Wording};
use serde::{Deserialize, Serialize};

use crate::normal::{Word, composed, is_han, words_of};
use crate::quantity::{agrees, quantities};
use evidence::{Evidence, of_conversation, of_facts};

/// Facts of a subject that are read at first, and where the fact is not among them.
const FACTS: [usize; 2] = [512, 1_000_000];
/// Words that begin an English sentence and name nothing.
const OPENERS: &str = "a about according all also although an and another as at besides both but by for from he her here his how however \
    i in indeed it its neither no none not of on one only or our she so some sorry such that the their them there these they this those \
    though thus to together unfortunately we well what when where which while who with yes you your";
/// Words that deny.
const DENIALS: [&str; 15] = [
    "not", "no", "isn", "aren", "wasn", "weren", "doesn", "don", "didn", "never", "neither", "nor", "不",
    "没", "非",
];

/// What is wrong with a sentence.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum FindingKind {
    /// The reply itself says that no fact supports it.
    Doubtful,
    /// It is said to be supported, and names no fact that the reply cites.
    Uncited,
    /// A fact that it rests on is not in the graph.
    NotInGraph,
    /// It has a name that no cited fact has.
    ForeignName,
    /// It has a number or a date that no cited fact has.
    ForeignNumber,
}

/// A sentence that was sent and should not have been.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Finding {
    /// Which sentence of the reply, from 0.
    pub sentence: usize,
    /// What is wrong with it.
    pub kind: FindingKind,
    /// The name, the number or the fact.
    pub what: String,
}

/// Audits a reply. `said` is everything that was said in the conversation so far, by either side, the message itself last; `bot` is the bot's name.
///
/// # Errors
/// When the graph cannot be read.
pub async fn audit(
    graph: &dyn Knowledge,
    reply: &Reply,
    said: &[String],
    bot: &str,
) -> Result<Vec<Finding>, KnowledgeError> {
    let mut findings = Vec::new();
    let mut conversation = of_conversation(reply, said, bot);
    if reply.outcome == Outcome::Clarified {
        conversation.add_candidates(graph, said).await?;
    }
    for (place, sentence) in reply.sentences.iter().enumerate() {
        let mut note =
            |kind, what: &str| findings.push(Finding { sentence: place, kind, what: what.to_owned() });
        match sentence.verdict {
            Verdict::Contradicted | Verdict::Unsupported => note(FindingKind::Doubtful, ""),
            Verdict::NoClaim => {
                for (kind, what) in foreign(graph, sentence, &[], &conversation, reply).await? {
                    note(kind, &what);
                }
            }
            Verdict::Supported => {
                if sentence.facts.is_empty() {
                    note(FindingKind::Uncited, "");
                }
                let mut facts = Vec::new();
                for id in &sentence.facts {
                    match cited(graph, reply, id).await? {
                        Some(fact) => facts.push(fact),
                        None if reply.citations.iter().any(|citation| citation.id == *id) => {
                            note(FindingKind::NotInGraph, id.as_str());
                        }
                        None => note(FindingKind::Uncited, id.as_str()),
                    }
                }
                for (kind, what) in foreign(graph, sentence, &facts, &conversation, reply).await? {
                    note(kind, &what);
                }
            }
        }
    }
    Ok(findings)
}

/// The fact that a citation names, out of the graph.
async fn cited(graph: &dyn Knowledge, reply: &Reply, id: &FactId) -> Result<Option<Fact>, KnowledgeError> {
    let Some(citation) = reply.citations.iter().find(|citation| citation.id == *id) else { return Ok(None) };
    let mut subjects = vec![citation.entity.clone()];
    if citation.entity.as_str().is_empty() {
        let mentions = graph.link(&citation.subject).await?;
        subjects =
            mentions.iter().flat_map(|mention| &mention.candidates).map(|c| c.entity.id.clone()).collect();
    }
    for limit in FACTS {
        for subject in &subjects {
            let facts = graph.facts(subject, limit).await?;
            if let Some(fact) = facts.into_iter().find(|fact| fact.id == *id) {
                return Ok(Some(fact));
            }
        }
    }
    Ok(None)
}

/// The names, numbers and dates of a sentence that come from nowhere.
async fn foreign(
    graph: &dyn Knowledge,
    sentence: &Sentence,
    facts: &[Fact],
    conversation: &Evidence,
    reply: &Reply,
) -> Result<Vec<(FindingKind, String)>, KnowledgeError> {
    let text = composed(&sentence.text);
    let words = words_of(&text);
    let claims = sentence.verdict == Verdict::Supported;
    let evidence = of_facts(facts);
    let mut covered = evidence.cover(&words);
    let denies = words.iter().any(|word| DENIALS.contains(&word.folded.as_str()));
    if !claims || denies {
        // A bot may name what it was asked about to say that it does not know it, or that it is not so.
        for (ours, theirs) in covered.iter_mut().zip(conversation.cover_by_words(&words)) {
            *ours |= theirs;
        }
    }
    let mut found = Vec::new();
    for quantity in quantities(&text) {
        let within: Vec<usize> = (0..words.len())
            .filter(|&at| overlap(&words[at], quantity.range.start, quantity.range.end))
            .collect();
        let is_covered = !within.is_empty() && within.iter().all(|&at| covered[at]);
        let agrees_with =
            |evidence: &Evidence| evidence.quantities.iter().any(|exact| agrees(&quantity, *exact));
        let is_known = is_covered || agrees_with(&evidence) || (!claims && agrees_with(conversation));
        if !is_known && !counts::recomputes(graph, &quantity, facts, reply).await? {
            found.push((FindingKind::ForeignNumber, text[quantity.range.clone()].to_owned()));
        }
        within.into_iter().for_each(|at| covered[at] = true);
    }
    let is_open = |at: usize| !covered[at] && !evidence.wording.contains(&words[at].folded);
    for (at, word) in words.iter().enumerate() {
        let is_first = starts_a_sentence(&text, word.range.start);
        let is_opener =
            is_first && (!claims || OPENERS.split_whitespace().any(|opener| opener == word.folded));
        let is_name = word.is_capital && word.folded != "i" && !is_opener;
        let is_code = word.folded.chars().any(|c| c.is_ascii_digit());
        if is_open(at) && (is_name || is_code) {
            found.push((FindingKind::ForeignName, text[word.range.clone()].to_owned()));
        }
    }
    // The bot's own lines are made of words that may well be the names of songs.
    if found.is_empty() && sentence.wording != Wording::Line {
        for mention in graph.link(&text).await? {
            let of: Vec<usize> = (0..words.len())
                .filter(|&at| overlap(&words[at], mention.range.start, mention.range.end))
                .collect();
            let open: Vec<usize> = of.iter().copied().filter(|&at| is_open(at)).collect();
            // A lower-case word that the asker used too, such as “film”, is a word; so is a form of the relation's name (“capitals”,
            // “writers” of written_by), an article that begins a sentence, and a single Chinese character.
            let is_said = open.iter().all(|&at| {
                is_function_word(&words[at])
                    || !words[at].is_capital
                        && (conversation.bag.contains(&words[at].folded)
                            || evidence.wording.iter().any(|word| is_form_of(&words[at].folded, word)))
            });
            let is_short = mention.text.chars().filter(|c| is_han(*c)).count() == 1;
            if !open.is_empty() && !is_said && !is_short {
                found.push((FindingKind::ForeignName, mention.text));
            }
        }
    }
    Ok(found)
}

fn overlap(word: &Word, start: usize, end: usize) -> bool {
    word.range.start < end && start < word.range.end
}

/// Whether two words begin alike, as the forms of one do.
fn is_form_of(word: &str, relation: &str) -> bool {
    relation.split('_').any(|part| {
        let shared = word.chars().zip(part.chars()).take_while(|(a, b)| a == b).count();
        shared >= word.chars().count().min(part.chars().count()).min(4) && shared >= 3
    })
}

fn is_function_word(word: &Word) -> bool {
    OPENERS.split_whitespace().any(|known| known == word.folded)
        || matches!(
            word.folded.as_str(),
            "is" | "are" | "was" | "were" | "be" | "been" | "has" | "have" | "had" | "的" | "是"
        )
}

/// Whether nothing but marks stands between the beginning of a sentence, or of what is quoted in it, and `at`.
pub(crate) fn starts_a_sentence(text: &str, at: usize) -> bool {
    let before =
        text[..at].trim_end_matches(|c: char| !c.is_alphanumeric() && !matches!(c, '.' | '!' | '?' | ':'));
    before.is_empty() || before.ends_with(['.', '!', '?', ':'])
}

#[cfg(test)]
mod tests;
