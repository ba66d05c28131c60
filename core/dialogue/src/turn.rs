//! One question of a message. In: how it was understood, and what answers it. Out: its part of the reply's data: names, values, gaps,
//! choices, and what the conversation remembers.

use loquat_contract::{Choice, Gap, Language, LinkedEntity, Mention, Outcome};

use crate::ground::{Ambiguity, Grounds, Plan, Unknown};
use crate::lexicon::Lexicon;
use crate::realise::fill;
use crate::session::{Asked, Pending, Session};
use crate::understand::Understood;
use crate::values::values;

/// One question of a message, as far as it went.
pub(crate) struct Turn {
    /// Where it begins in the message.
    pub(crate) offset: usize,
    /// The names in it, as typed; none where it answers what was asked back.
    pub(crate) mentions: Vec<Mention>,
    /// The question in full, with what a follow-up leaves out.
    pub(crate) asked: String,
    pub(crate) understood: Understood,
    pub(crate) plan: Plan,
    /// What was asked and is not in the graph.
    pub(crate) gaps: Vec<Gap>,
    /// Whether it got facts or, under a policy other than strict, what the model believes.
    pub(crate) is_answered: bool,
}

impl Turn {
    pub(crate) fn grounds(&self) -> Option<&Grounds> {
        match &self.plan {
            Plan::Facts(grounds) => Some(grounds),
            Plan::Clarify(_) | Plan::Unknown(_) | Plan::Smalltalk(_) => None,
        }
    }

    /// What each mention was taken to mean.
    pub(crate) fn entities(&self, language: &Language) -> Vec<LinkedEntity> {
        let chosen = self.grounds().map_or(&[][..], |grounds| &grounds.chosen);
        let of_mention = |mention: &Mention| {
            let is_taken = |id| chosen.iter().any(|(_, entity)| entity.id == id);
            let by_choice = mention.candidates.iter().find(|candidate| is_taken(candidate.entity.id.clone()));
            let candidate = by_choice.or(mention.candidates.first())?;
            Some(LinkedEntity {
                text: mention.text.clone(),
                start: self.offset + mention.range.start,
                end: self.offset + mention.range.end,
                id: candidate.entity.id.clone(),
                label: candidate.entity.label(language).to_owned(),
                score: candidate.score,
            })
        };
        self.mentions.iter().filter_map(of_mention).collect()
    }

    /// The values that answer.
    pub(crate) fn values(&self, lexicon: &Lexicon) -> Vec<String> {
        self.grounds().map(|grounds| values(grounds, lexicon)).unwrap_or_default()
    }

    /// Finds what was asked and is not in the graph.
    pub(crate) fn gaps(&self, before: &Session, language: &Language) -> Vec<Gap> {
        let gap = Gap {
            question: self.asked.trim().to_owned(),
            entity: None,
            name: String::new(),
            predicate: None,
            asked: self.understood.asked.clone(),
        };
        match &self.plan {
            Plan::Unknown(unknown) => {
                let points_back = self.understood.points_back.then(|| before.focus.first()).flatten();
                let entity = match unknown {
                    Unknown::Relation(entity) => Some(entity),
                    Unknown::Everything => points_back,
                    Unknown::Name(_) => None,
                };
                let name = match (unknown, entity) {
                    (Unknown::Name(name), _) => name.clone(),
                    (_, Some(entity)) => entity.label(language).to_owned(),
                    _ => self.understood.unknown_name.clone().unwrap_or_default(),
                };
                let relation = self.understood.relations.first().and_then(|relation| relation.first());
                let predicate = relation.map(|predicate| predicate.id.clone());
                vec![Gap { entity: entity.map(|entity| entity.id.clone()), name, predicate, ..gap }]
            }
            Plan::Facts(grounds) if !grounds.is_complete => {
                let is_said = |relation: &&Vec<_>| {
                    grounds.facts.iter().any(|fact| {
                        relation.iter().any(|predicate: &std::sync::Arc<loquat_contract::Predicate>| {
                            predicate.id == fact.predicate.id
                        })
                    })
                };
                let missing = self.understood.relations.iter().filter(|relation| !is_said(relation));
                let topic = grounds.focus.first();
                missing
                    .filter_map(|relation| relation.first())
                    .map(|predicate| Gap {
                        entity: topic.map(|entity| entity.id.clone()),
                        name: topic.map_or_else(String::new, |entity| entity.label(language).to_owned()),
                        predicate: Some(predicate.id.clone()),
                        ..gap.clone()
                    })
                    .collect()
            }
            _ => Vec::new(),
        }
    }

    /// What the person can choose from.
    pub(crate) fn choices(&self, language: &Language) -> Vec<Choice> {
        let Plan::Clarify(ambiguity) = &self.plan else { return Vec::new() };
        let lines = ambiguity.labels(language).into_iter();
        lines.map(|line| Choice { label: line.clone(), value: line }).collect()
    }

    /// What the conversation is about after this question.
    pub(crate) fn remember(&self, session: Session, language: &Language) -> Session {
        let session = Session { language: Some(language.clone()), pending: None, ..session };
        match &self.plan {
            Plan::Facts(Grounds { focus, relations, .. }) => {
                let asked = Asked {
                    text: self.asked.clone(),
                    names: self.understood.mentions.iter().map(|mention| mention.range.clone()).collect(),
                    comparing: self.understood.comparing.clone(),
                };
                let (focus, relations) = (focus.clone(), relations.clone());
                Session { focus, relations, asked: Some(asked), ..session }
            }
            Plan::Clarify(ambiguity) => {
                let lines = ambiguity.labels(language).into_iter();
                let entities = ambiguity.meanings.iter().map(|meaning| meaning.entity().clone());
                let pending =
                    Pending { question: self.asked.clone(), meanings: entities.zip(lines).collect() };
                Session { pending: Some(pending), ..session }
            }
            Plan::Unknown(Unknown::Relation(entity)) => {
                Session { focus: vec![entity.clone()], relations: Vec::new(), asked: None, ..session }
            }
            // Something else was asked about, and it is not in the graph: "its" no longer points at what came before.
            Plan::Unknown(_) => Session { focus: Vec::new(), relations: Vec::new(), asked: None, ..session },
            Plan::Smalltalk(_) => session,
        }
    }
}

/// What is asked back: "Which Georgia do you mean: the country in the Caucasus or the US state?"
pub(crate) fn question_back(ambiguity: &Ambiguity, lexicon: &Lexicon) -> String {
    let lines = &lexicon.lines;
    let mut phrases: Vec<String> = ambiguity
        .meanings
        .iter()
        .map(|meaning| match &meaning.description {
            Some(description) => fill(&lines.clarify_choice, &[("description", description)]),
            None => meaning.entity().name_in_sentence(&lexicon.language),
        })
        .collect();
    let last = phrases.pop().unwrap_or_default();
    let choices = format!("{}{}{last}", phrases.join(&lexicon.realise.separator), lines.clarify_last);
    fill(&lines.clarify, &[("name", &ambiguity.name), ("choices", &choices)])
}

/// Answered where any question is; small talk where nothing else was said.
pub(crate) fn outcome(turns: &[Turn]) -> Outcome {
    let has = |of_kind: fn(&Plan) -> bool| turns.iter().any(|turn| of_kind(&turn.plan));
    if turns.iter().any(|turn| turn.is_answered) {
        Outcome::Answered
    } else if has(|plan| matches!(plan, Plan::Clarify(_))) {
        Outcome::Clarified
    } else if has(|plan| matches!(plan, Plan::Unknown(_))) {
        Outcome::Abstained
    } else {
        Outcome::Smalltalk
    }
}
