//! Questions → cases. In: questions about the graph and the bot. Out: for each the prompt that its model would get, the wordings that
//! pass, and what can be asked around it: in other words, afterwards, with a yes or no, with a wrong presupposition, a step further.

mod around;

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use loquat_contract::{Fact, Knowledge, Language, Outcome, Value};
use serde::{Deserialize, Serialize};

use crate::bot::{Answer, Bot};
use crate::case::{Beside, Case, about, accepted, echo, is_right, slots, stated};
use crate::dice::Dice;
use crate::error::PrepareError;
use crate::example::Kind;
use crate::prompt::Prompt;
use crate::question::Question;
use crate::settings::Graph;
use crate::wordings::{Names, Use, Wordings};

/// So many facts of an entity are looked at.
const FACTS: usize = 24;
/// So many wordings are tried to have one fact said.
const TRIES: usize = 8;
/// The most facts that an answer which the engine draws from several is shown with.
const CHAIN: usize = 6;

/// What became of a question.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Fate {
    /// It is in the set.
    Kept,
    /// The bot did not answer it from facts.
    NotAnswered,
    /// The bot's answer is none of those that the question set accepts.
    OtherAnswer,
    /// The bot answers it without its model: a long list, a text that is prose, a count.
    WithoutModel,
    /// The bot's verifier does not let a model say even the template's sentence.
    NotSayable,
}

impl Fate {
    /// The fate in words, behind a number.
    pub fn told(self) -> &'static str {
        match self {
            Self::Kept => "were answered and kept",
            Self::NotAnswered => "were not answered from facts",
            Self::OtherAnswer => "got another answer than the question set accepts",
            Self::WithoutModel => "are answered without a model",
            Self::NotSayable => "have an answer that the verifier lets no model say",
        }
    }
}

/// A fact as the engine says it, with the prompt that had it.
#[derive(Clone, Debug)]
struct Said {
    line: String,
    facts: Vec<loquat_contract::FactId>,
    prompt: Prompt,
}

/// Asks the bot.
pub(crate) struct Asker {
    pub(crate) bot: Bot,
    pub(crate) knowledge: Arc<dyn Knowledge>,
    pub(crate) wordings: Wordings,
    pub(crate) settings: Graph,
    pub(crate) seed: u64,
    /// Values of each relation, to be wrong with.
    values: HashMap<String, Vec<String>>,
    /// Questions for each relation, to begin a dialogue with.
    openings: HashMap<String, Vec<String>>,
    said: Mutex<HashMap<String, Option<Said>>>,
}

impl Asker {
    /// Knows all questions beforehand: what is wrong for one is right for another.
    pub(crate) fn new(
        bot: Bot,
        knowledge: Arc<dyn Knowledge>,
        wordings: Wordings,
        settings: Graph,
        seed: u64,
        questions: &[Question],
    ) -> Self {
        let mut values: HashMap<String, Vec<String>> = HashMap::new();
        let mut openings: HashMap<String, Vec<String>> = HashMap::new();
        for question in questions {
            let group = question.group.clone().unwrap_or_default();
            values.entry(group.clone()).or_default().extend(question.answers.first().cloned());
            if let [only] = question.turns.as_slice() {
                openings.entry(group).or_default().push(only.clone());
            }
        }
        Self { bot, knowledge, wordings, settings, seed, values, openings, said: Mutex::default() }
    }

    /// What the bot says where it knows nothing; `None` where it has no line of its own for that.
    pub(crate) async fn refusal(&self, language: &Language) -> Result<Option<String>, PrepareError> {
        if let Some(own) = &self.settings.refusal {
            return Ok(Some(own.clone()));
        }
        // No name, no relation, no word that means anything.
        let nonsense = if language.is_unspaced() {
            ["啧嗯嘿哩？", "噗嗤哐啷？"]
        } else {
            ["qwx zzkpf vrrt?", "blorp xqzv?"]
        };
        for asked in nonsense {
            let Some(answer) = self.bot.ask(&[asked.to_owned()]).await? else { continue };
            let reply = &answer.reply;
            if reply.outcome == Outcome::Abstained && reply.language.matches(language) {
                return Ok(Some(reply.answer.clone()));
            }
        }
        Ok(None)
    }

    /// What a question teaches; the first case is the question itself.
    pub(crate) async fn cases(&self, question: &Question) -> Result<(Fate, Vec<Case>), PrepareError> {
        let Some(answer) = self.bot.ask(&question.turns).await? else {
            return Ok((Fate::NotAnswered, Vec::new()));
        };
        if answer.reply.outcome != Outcome::Answered {
            return Ok((Fate::NotAnswered, Vec::new()));
        }
        if !is_right(&answer, &question.answers) {
            return Ok((Fate::OtherAnswer, Vec::new()));
        }
        if answer.prompt.is_none() {
            let case = self.concluded(&answer, question.last(), &question.answers).await?;
            return Ok(match case {
                Some(case) => (Fate::Kept, vec![case]),
                None => (Fate::WithoutModel, Vec::new()),
            });
        }
        let is_follow_up = question.turns.len() > 1;
        let kind = is_follow_up.then_some(Kind::FollowUp);
        let Some(case) = self.case(&answer, question.last(), &question.answers, kind).await? else {
            return Ok((Fate::NotSayable, Vec::new()));
        };
        let case = Case { beside: self.beside(&answer, &case).await?, ..case };
        let mut cases = vec![case.clone()];
        if !is_follow_up {
            cases.extend(self.around(question, &answer, &case).await?);
        }
        Ok((Fate::Kept, cases))
    }

    /// The case of an answer that the model was asked for; `None` where not even the template's words pass.
    async fn case(
        &self,
        answer: &Answer,
        asked: &str,
        known: &[String],
        kind: Option<Kind>,
    ) -> Result<Option<Case>, PrepareError> {
        let (Some(messages), Some(facts)) = (&answer.prompt, stated(answer)) else { return Ok(None) };
        let Some(prompt) = Prompt::read(messages, &facts, asked) else { return Ok(None) };
        let language = answer.reply.language.clone();
        let (group, topics) = about(answer);
        let slots = slots(answer);
        let template = facts.join(if language.is_unspaced() { "" } else { " " });
        if !self.bot.lets_say(answer, &template).await? {
            return Ok(None);
        }
        let mut answers = vec![template];
        if let Some(slots) = &slots {
            let names = Names {
                subject: &slots.subject,
                object: &slots.object,
                relation: &slots.relation,
                second: "",
            };
            let of = if slots.is_list { Use::Several } else { Use::Say };
            let mut others: Vec<String> = Vec::new();
            for wording in self.wordings.make(of, &names, &language) {
                if wording != answers[0] && self.bot.lets_say(answer, &wording).await? {
                    others.push(wording);
                }
            }
            others.sort_by_key(|wording| std::cmp::Reverse(echo(&prompt.question, wording, slots)));
            answers.extend(others);
        }
        let is_list = answer.reply.sentences.iter().any(|sentence| sentence.facts.len() > 1);
        let kind = kind.unwrap_or(if is_list { Kind::List } else { Kind::Fact });
        let accepted = accepted(answer, known);
        Ok(Some(Case { kind, group, language, prompt, answers, accepted, topics, slots, beside: Vec::new() }))
    }

    /// The case of an answer that the engine draws from facts by itself: shown with each of them, said as it would be said alone.
    async fn concluded(
        &self,
        answer: &Answer,
        asked: &str,
        known: &[String],
    ) -> Result<Option<Case>, PrepareError> {
        let Some(said) = stated(answer) else { return Ok(None) };
        let citations = &answer.reply.citations;
        if citations.len() > CHAIN {
            return Ok(None);
        }
        let language = answer.reply.language.clone();
        let mut shown: Vec<Said> = Vec::new();
        for citation in citations {
            let known = self.knowledge.facts(&citation.entity, FACTS).await?;
            let Some(fact) = known.iter().find(|fact| fact.id == citation.id) else { return Ok(None) };
            let Some(one) = self.said(fact, &language).await? else { return Ok(None) };
            if !one.facts.contains(&citation.id) {
                return Ok(None);
            }
            if !shown.iter().any(|said| said.line == one.line) {
                shown.push(one);
            }
        }
        let Some(prompt) = shown.first().map(|said| said.prompt.clone()) else { return Ok(None) };
        let facts: Vec<String> = shown.into_iter().map(|said| said.line).collect();
        let kind = if facts.len() > 1 { Kind::MultiHop } else { Kind::YesNo };
        let (group, topics) = about(answer);
        let answers = vec![said.join(if language.is_unspaced() { "" } else { " " })];
        let prompt = prompt.with_facts(facts).with_question(asked.trim());
        let (accepted, slots) = (accepted(answer, known), slots(answer));
        Ok(Some(Case { kind, group, language, prompt, answers, accepted, topics, slots, beside: Vec::new() }))
    }

    /// What the engine says of a fact's subject and relation.
    async fn said(&self, fact: &Fact, language: &Language) -> Result<Option<Said>, PrepareError> {
        let key = format!("{language} {} {}", fact.predicate.id, fact.subject.id);
        let known = self.said.lock().unwrap_or_else(PoisonError::into_inner).get(&key).cloned();
        if let Some(known) = known {
            return Ok(known);
        }
        let subject = fact.subject.name_in_sentence(language);
        let names = Names { subject: &subject, relation: fact.predicate.label(language), ..Names::default() };
        let mut found = None;
        for asked in self.wordings.make(Use::Ask, &names, language).into_iter().take(TRIES) {
            let Some(answer) = self.bot.ask(std::slice::from_ref(&asked)).await? else { continue };
            let (Some(messages), Some(lines)) = (&answer.prompt, stated(&answer)) else { continue };
            let is_of_it = |citation: &loquat_contract::Citation| {
                citation.entity == fact.subject.id
                    && citation.predicate == fact.predicate.label(&answer.reply.language)
            };
            let [line] = lines.as_slice() else { continue };
            if let Some(prompt) = Prompt::read(messages, &lines, &asked)
                && answer.reply.citations.iter().all(is_of_it)
            {
                found = Some(Said { line: line.clone(), facts: answer.facts(), prompt });
                break;
            }
        }
        self.said.lock().unwrap_or_else(PoisonError::into_inner).insert(key, found.clone());
        Ok(found)
    }

    /// Facts of the answer's subject that do not answer, one of each relation, in a stable order.
    async fn others(&self, answer: &Answer) -> Result<Vec<Fact>, PrepareError> {
        let Some(topic) = answer.reply.citations.first().map(|citation| &citation.entity) else {
            return Ok(Vec::new());
        };
        let language = &answer.reply.language;
        let mut seen: Vec<String> =
            answer.reply.citations.iter().map(|citation| citation.predicate.clone()).collect();
        let mut others = Vec::new();
        for fact in self.knowledge.facts(topic, FACTS).await? {
            let relation = fact.predicate.label(language).to_owned();
            if fact.subject.id == *topic && !seen.contains(&relation) {
                seen.push(relation);
                others.push(fact);
            }
        }
        Ok(others)
    }

    /// Further facts about the subject, in words.
    async fn beside(&self, answer: &Answer, case: &Case) -> Result<Vec<Beside>, PrepareError> {
        let others = self.others(answer).await?;
        let mut dice = Dice::new(self.seed, "beside", &case.key());
        let mut lines = Vec::new();
        for fact in dice.shuffled(&others).iter().take(3) {
            if let Some(said) = self.said(fact, &case.language).await?
                && !case.prompt.facts.contains(&said.line)
            {
                let relation = fact.predicate.label(&case.language).to_owned();
                lines.push(Beside { relation, line: said.line });
            }
        }
        Ok(lines)
    }
}

/// The entity that a fact leads to.
fn object_of(fact: &Fact) -> Option<&loquat_contract::EntityId> {
    match &fact.object {
        Value::Entity(entity) => Some(&entity.id),
        _ => None,
    }
}
