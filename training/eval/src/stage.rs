//! Where a wrong reply went wrong. In: the turn, the reply and the graph. Out: one stage. A heuristic for finding what to work on: it
//! reads what the reply shows of its way and asks the graph what it could have said.

use loquat_contract::{Fact, Knowledge, KnowledgeError, Language, Outcome, Reply};
use serde::{Deserialize, Serialize};

use crate::grade::Graded;
use crate::item::{Expect, Item, Turn};
use crate::normal::same;

/// Facts of an entity that are looked through.
const FACTS: usize = 2048;

/// Where it went wrong, in the order of a message's way.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Stage {
    /// The engine failed.
    Failed,
    /// The topic was not linked: none of the reply's entities is it, or nothing is linked at all.
    NotLinked,
    /// It was asked back what is meant.
    AskedBack,
    /// Nothing was said, though a fact between a linked entity and an accepted answer is in the graph.
    AbstainedThoughKnown,
    /// Nothing was said, and no single fact would have answered.
    Abstained,
    /// Other facts were cited than those with an accepted answer.
    WrongFact,
    /// The right fact was cited, and something else was said.
    FactIgnored,
    /// It answered where it should not.
    AnsweredAnyway,
    /// It said what it should never say.
    Forbidden,
    /// It did not say what it should.
    Missing,
}

impl Stage {
    /// What it says in a report.
    pub fn title(self) -> &'static str {
        match self {
            Self::Failed => "the engine failed",
            Self::NotLinked => "topic not linked",
            Self::AskedBack => "asked back",
            Self::AbstainedThoughKnown => "abstained though the fact is in the graph",
            Self::Abstained => "abstained; no single fact answers",
            Self::WrongFact => "wrong fact retrieved",
            Self::FactIgnored => "right fact cited, something else said",
            Self::AnsweredAnyway => "answered where it should abstain",
            Self::Forbidden => "said what it should never say",
            Self::Missing => "did not say what it should",
        }
    }
}

/// The stage at which a turn that is not right went wrong.
pub(crate) async fn stage(
    graph: &dyn Knowledge,
    item: &Item,
    turn: &Turn,
    reply: &Reply,
    graded: &Graded,
) -> Result<Stage, KnowledgeError> {
    if !graded.forbidden.is_empty() {
        return Ok(Stage::Forbidden);
    }
    match turn.expect {
        Expect::Abstain if graded.is_answer => return Ok(Stage::AnsweredAnyway),
        Expect::Abstain => return Ok(Stage::AskedBack),
        Expect::Clarify if graded.is_answer => return Ok(Stage::AnsweredAnyway),
        Expect::Clarify => return Ok(Stage::Abstained),
        Expect::Any => return Ok(Stage::Missing),
        Expect::Answer => {}
    }
    if reply.outcome == Outcome::Clarified {
        return Ok(Stage::AskedBack);
    }
    let accepted = |text: &str| turn.answers.iter().any(|answer| same(text, answer));
    if graded.is_answer {
        let is_right =
            |citation: &loquat_contract::Citation| accepted(&citation.object) || accepted(&citation.subject);
        let has_said = graded.is_in_values.or(graded.is_in_text) == Some(true);
        return Ok(match (turn.answers.is_empty() || has_said, reply.citations.iter().any(is_right)) {
            (true, _) => Stage::Missing,
            (false, true) => Stage::FactIgnored,
            (false, false) if !is_linked(item, reply) => Stage::NotLinked,
            (false, false) => Stage::WrongFact,
        });
    }
    if !is_linked(item, reply) {
        return Ok(Stage::NotLinked);
    }
    for entity in &reply.entities {
        let facts = graph.facts(&entity.id, FACTS).await?;
        let english = Language::english();
        let answers = |fact: &Fact| {
            accepted(&fact.object.text(&english))
                || fact.subject.names().any(accepted) && fact.subject.id != entity.id
        };
        if facts.iter().any(answers) {
            return Ok(Stage::AbstainedThoughKnown);
        }
    }
    Ok(Stage::Abstained)
}

/// Whether the topic, where it is known, or else anything at all was linked.
fn is_linked(item: &Item, reply: &Reply) -> bool {
    match &item.topic {
        Some(topic) => {
            reply.entities.iter().any(|entity| same(&entity.label, topic) || same(&entity.text, topic))
        }
        None => !reply.entities.is_empty(),
    }
}
