//! Where a wrong reply went wrong. In: the turn, the reply and the graph. Out: one stage. A heuristic for finding what to work on: it
//! reads what the reply shows of its way and asks the graph what it could have said.

use loquat_contract::{Fact, Knowledge, KnowledgeError, Language, Outcome, Reply};
use serde::{Deserialize, Serialize};

use crate::grade::Graded;
use crate::item::{Expect, Item, Turn};
use crate::normal::same;
use crate::system::Mode;

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
    /// It had the right fact, and said something else.
    FactIgnored,
    /// A model without any facts said something else.
    ModelWrong,
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
            Self::FactIgnored => "had the right fact, said something else",
            Self::ModelWrong => "the model, without facts, says something else",
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
    mode: Mode,
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
    if mode == Mode::Model {
        return Ok(if graded.is_answer { Stage::ModelWrong } else { Stage::Abstained });
    }
    let accepted = |text: &str| turn.answers.iter().any(|answer| same(text, answer));
    let has_said = match mode.is_judged_by_text() {
        true => graded.is_in_text,
        false => graded.is_in_values.or(graded.is_in_text),
    };
    let cites =
        reply.citations.iter().any(|citation| accepted(&citation.object) || accepted(&citation.subject));
    if graded.is_answer && (turn.answers.is_empty() || has_said == Some(true)) {
        return Ok(Stage::Missing);
    }
    if graded.is_answer && cites {
        return Ok(Stage::FactIgnored);
    }
    if !is_linked(item, reply) {
        return Ok(Stage::NotLinked);
    }
    let is_known = is_known(graph, reply, &accepted).await?;
    Ok(match (graded.is_answer, is_known) {
        // Unverified words cite nothing unless they happen to be right: the fact was there to be said.
        (true, true) if mode.is_judged_by_text() => Stage::FactIgnored,
        (true, _) => Stage::WrongFact,
        (false, true) => Stage::AbstainedThoughKnown,
        (false, false) => Stage::Abstained,
    })
}

/// Whether one fact around what was linked has an accepted answer.
async fn is_known(
    graph: &dyn Knowledge,
    reply: &Reply,
    accepted: &(dyn Fn(&str) -> bool + Sync),
) -> Result<bool, KnowledgeError> {
    let english = Language::english();
    for entity in &reply.entities {
        let answers = |fact: &Fact| {
            let is_other = fact.subject.id != entity.id;
            accepted(&fact.object.text(&english)) || is_other && fact.subject.names().any(accepted)
        };
        if graph.facts(&entity.id, FACTS).await?.iter().any(answers) {
            return Ok(true);
        }
    }
    Ok(false)
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
