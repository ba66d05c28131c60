//! Whether a past reply would still hold. In: a reply as the journal has it, and the graph as it is now. Out: the sentences that would not
//! be sent any more, each with why. Knows no journal, asks no model and changes nothing.
//!
//! A supported sentence holds if each of its facts is still in the graph, by the same id and hence with the same content, and is not
//! deprecated; if its lists have no more facts than when it was made ([`Sentence::left_out`]); and if the
//! verifier, run anew over those facts as the graph has them now, still supports it. What a template said of facts whose names
//! are what they were then is what the template says now, so it is not read again.

mod lists;

use loquat_contract::{
    Citation, EntityId, Fact, FactId, Knowledge, KnowledgeError, Language, Policy, Rank, Reply, Sentence,
    Verdict, Wording,
};
use serde::Serialize;

use crate::EngineError;
use crate::lexicon::{Lexicon, Lexicons};
use crate::realise::cite;
use crate::verify::Verifier;
pub(crate) use lists::note_left_out;
use lists::{groups, rest};

/// How many facts of an entity are looked at first; many more only where the one looked for is not among them.
const NEARBY: usize = 512;
/// By how much more each time.
const WIDER: usize = 16;
/// How many facts are told of that the graph has in place of one that is gone.
const TOLD: usize = 5;

/// A sentence that would not be sent any more.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Doubt {
    /// Which sentence of the reply, counted from 1.
    pub sentence: usize,
    /// Its words.
    pub text: String,
    /// Why; never empty.
    pub problems: Vec<Problem>,
}

/// Why a sentence would not be sent any more.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(tag = "problem", rename_all = "snake_case")]
pub enum Problem {
    /// A fact is not in the graph any more, or counts as outdated there.
    Gone {
        /// The fact as it was cited.
        fact: Citation,
        /// What the graph says now of its subject in this respect; the first of it.
        now: Vec<Citation>,
    },
    /// Its list has grown: it gives a part of it as if that were all.
    Grown {
        /// Facts of the list that it does not give, the first of them.
        more: Vec<Citation>,
        /// How many there are.
        count: usize,
        /// How many there were when it was made.
        left_out: usize,
    },
    /// The names of a fact are others now, and the sentence is not in these.
    Renamed {
        /// The fact as it was cited.
        then: Citation,
        /// The fact as it would be cited now.
        now: Citation,
    },
    /// The verifier does not find its facts in it any more.
    Unsupported,
    /// It names a fact that the reply does not cite, so that nobody can look it up.
    Uncited {
        /// The fact.
        fact: FactId,
    },
    /// It was sent under the policy `strict` without support.
    SentUnsupported {
        /// What verification had found.
        verdict: Verdict,
    },
}

/// What was looked at.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Looked {
    /// Supported sentences.
    pub sentences: usize,
    /// The facts that they cite, each as often as it is cited.
    pub facts: usize,
}

/// Checks past replies.
#[derive(Debug)]
pub struct Recheck {
    lexicons: Lexicons,
    verifier: Verifier,
}

impl Recheck {
    /// With the words of the languages that the engine knows.
    ///
    /// # Errors
    /// When they cannot be read.
    pub fn new() -> Result<Self, EngineError> {
        Ok(Self { lexicons: Lexicons::builtin()?, verifier: Verifier::new()? })
    }

    /// The sentences of a reply that would not be sent any more, and how much was looked at.
    ///
    /// # Errors
    /// When the graph cannot be read.
    pub async fn check(
        &self,
        reply: &Reply,
        knowledge: &dyn Knowledge,
    ) -> Result<(Vec<Doubt>, Looked), KnowledgeError> {
        let lexicon = self.lexicons.of(&reply.language);
        let (mut doubts, mut looked) = (Vec::new(), Looked::default());
        for (number, sentence) in (1..).zip(&reply.sentences) {
            let problems = match sentence.verdict {
                Verdict::Supported => {
                    looked.sentences += 1;
                    looked.facts += sentence.facts.len();
                    supported(reply, sentence, lexicon, &self.verifier, knowledge).await?
                }
                verdict if verdict.is_doubtful() && reply.policy == Policy::Strict => {
                    vec![Problem::SentUnsupported { verdict }]
                }
                _ => Vec::new(),
            };
            if !problems.is_empty() {
                doubts.push(Doubt { sentence: number, text: sentence.text.clone(), problems });
            }
        }
        Ok((doubts, looked))
    }
}

/// What is wrong now with a sentence that was supported.
async fn supported(
    reply: &Reply,
    sentence: &Sentence,
    lexicon: &Lexicon,
    verifier: &Verifier,
    knowledge: &dyn Knowledge,
) -> Result<Vec<Problem>, KnowledgeError> {
    let (mut problems, mut found) = (Vec::new(), Vec::new());
    for id in &sentence.facts {
        let Some(citation) = reply.citations.iter().find(|citation| citation.id == *id) else {
            problems.push(Problem::Uncited { fact: id.clone() });
            continue;
        };
        match find(citation, lexicon, knowledge).await? {
            Ok(fact) => found.push((citation, fact)),
            Err(now) => problems.push(Problem::Gone { fact: citation.clone(), now }),
        }
    }
    if !problems.is_empty() {
        return Ok(problems);
    }
    let facts: Vec<Fact> = found.iter().map(|(_, fact)| fact.clone()).collect();
    let more = rest(&facts, &lexicon.language, knowledge).await?;
    if more.len() > sentence.left_out {
        let (count, left_out) = (more.len(), sentence.left_out);
        let more = more.iter().take(TOLD).map(|fact| cite(fact, lexicon)).collect();
        problems.push(Problem::Grown { more, count, left_out });
    }
    let renamed = found.iter().find_map(|(then, fact)| {
        let now = cite(fact, lexicon);
        (words(then) != words(&now)).then(|| Problem::Renamed { then: (*then).clone(), now })
    });
    // Before replies said whose words a sentence is in, each was one's own line.
    let is_template = matches!(sentence.wording, Wording::Template | Wording::Line);
    if !(is_template && renamed.is_none()) {
        // As when it was made: the model may have written what the template says.
        let evidence = verifier.evidence(&facts, &groups(&facts), &lexicon.language);
        if evidence.check(&sentence.text).verdict != Verdict::Supported {
            problems.push(renamed.unwrap_or(Problem::Unsupported));
        }
    }
    Ok(problems)
}

/// What of a citation is in words that may change.
fn words(citation: &Citation) -> [&str; 3] {
    [&citation.subject, &citation.predicate, &citation.object]
}

/// The fact of a citation as the graph has it now, or else what the graph says in its place.
async fn find(
    citation: &Citation,
    lexicon: &Lexicon,
    knowledge: &dyn Knowledge,
) -> Result<Result<Fact, Vec<Citation>>, KnowledgeError> {
    let mut instead = Vec::new();
    for subject in subjects(citation, knowledge).await? {
        let mut limit = NEARBY;
        let facts = loop {
            let facts = knowledge.facts(&subject, limit).await?;
            let own = facts.iter().filter(|fact| fact.subject.id == subject).count();
            if own < limit || facts.iter().any(|fact| fact.id == citation.id) {
                break facts;
            }
            limit *= WIDER;
        };
        let own = || facts.iter().filter(|fact| fact.subject.id == subject && fact.rank > Rank::Deprecated);
        if let Some(fact) = own().find(|fact| fact.id == citation.id) {
            return Ok(Ok(fact.clone()));
        }
        let is_alike = |fact: &&Fact| is_called(fact, &citation.predicate, &lexicon.language);
        instead.extend(own().filter(is_alike).take(TOLD).map(|fact| cite(fact, lexicon)));
    }
    Ok(Err(instead))
}

fn is_called(fact: &Fact, predicate: &str, language: &Language) -> bool {
    fact.predicate.label(language) == predicate || fact.predicate.names().any(|name| name == predicate)
}

/// The subject of a citation; in replies of earlier versions, which only name it, whatever has that name.
async fn subjects(citation: &Citation, knowledge: &dyn Knowledge) -> Result<Vec<EntityId>, KnowledgeError> {
    if !citation.entity.as_str().is_empty() {
        return Ok(vec![citation.entity.clone()]);
    }
    let mentions = knowledge.link(&citation.subject).await?;
    let candidates = mentions.iter().flat_map(|mention| &mention.candidates);
    Ok(candidates.map(|candidate| candidate.entity.id.clone()).collect())
}

#[cfg(test)]
mod tests;
