//! What can be asked around a question that was answered. In: the question and its case. Out: cases that the same facts, or those a step
//! further, answer; each asked of the engine.

use loquat_contract::{Outcome, Value};

use super::{Asker, FACTS, TRIES, object_of};
use crate::bot::Answer;
use crate::case::{Beside, Case, Slots, stated};
use crate::dice::Dice;
use crate::error::PrepareError;
use crate::example::Kind;
use crate::question::Question;
use crate::wordings::{Names, Use};

/// So much more than its share is asked of a kind, because not every question of it is answered.
const SURPLUS: f64 = 2.5;

impl Asker {
    /// Cases around a question, as many of each kind as its share wants.
    pub(super) async fn around(
        &self,
        question: &Question,
        answer: &Answer,
        case: &Case,
    ) -> Result<Vec<Case>, PrepareError> {
        let Some(slots) = &case.slots else { return Ok(Vec::new()) };
        let mut dice = Dice::new(self.seed, "around", &question.key());
        let shares = &self.settings.shares;
        let mut wants = |kind: Kind| {
            let share = shares.of(kind) / (shares.fact + shares.list).max(0.05);
            dice.chance((share * SURPLUS).min(1.0))
        };
        let (follows, points, decides, presupposes, goes_on) = (
            wants(Kind::FollowUp),
            wants(Kind::FollowUp),
            wants(Kind::YesNo),
            wants(Kind::Contradicted),
            wants(Kind::MultiHop),
        );
        let mut cases = self.reworded(question, answer, case, slots, &mut dice).await?;
        if follows {
            cases.extend(self.again(question, answer, case, slots, &mut dice).await?);
        }
        if points {
            cases.extend(self.its(question, answer, case, &mut dice).await?);
        }
        if decides {
            cases.extend(self.yes_or_no(question, answer, case, slots, &mut dice).await?);
        }
        if presupposes {
            cases.extend(self.contradicted(question, answer, case, slots, &mut dice).await?);
        }
        if goes_on {
            cases.extend(self.further(answer, case, slots, &mut dice).await?);
        }
        Ok(cases)
    }

    /// The case of these messages, where they are answered from the same facts.
    async fn same(
        &self,
        turns: &[String],
        answer: &Answer,
        case: &Case,
        kind: Kind,
    ) -> Result<Option<Case>, PrepareError> {
        let Some(again) = self.bot.ask(turns).await? else { return Ok(None) };
        if again.facts() != answer.facts() || again.reply.outcome != Outcome::Answered {
            return Ok(None);
        }
        let Some(last) = turns.last() else { return Ok(None) };
        let made = self.case(&again, last, &case.accepted, Some(kind)).await?;
        Ok(made.map(|made| Case { group: case.group.clone(), beside: case.beside.clone(), ..made }))
    }

    async fn reworded(
        &self,
        question: &Question,
        answer: &Answer,
        case: &Case,
        slots: &Slots,
        dice: &mut Dice,
    ) -> Result<Vec<Case>, PrepareError> {
        let mut cases = Vec::new();
        let mut forms = self.wordings.make(Use::Ask, &names(slots), &case.language);
        dice.shuffle(&mut forms);
        for form in forms.into_iter().filter(|form| form != question.last()).take(TRIES) {
            if cases.len() >= self.settings.reworded {
                break;
            }
            cases.extend(self.same(&[form], answer, case, case.kind).await?);
        }
        Ok(cases)
    }

    /// The same question of another subject first, and then “And of …?”.
    async fn again(
        &self,
        question: &Question,
        answer: &Answer,
        case: &Case,
        slots: &Slots,
        dice: &mut Dice,
    ) -> Result<Option<Case>, PrepareError> {
        let group = question.group.clone().unwrap_or_default();
        let Some(opening) = self.openings.get(&group).and_then(|all| dice.pick(all)) else { return Ok(None) };
        let mut forms = self.wordings.make(Use::Again, &names(slots), &case.language);
        dice.shuffle(&mut forms);
        for form in forms.into_iter().take(2).filter(|_| opening != question.last()) {
            let turns = [opening.clone(), form];
            if let Some(case) = self.same(&turns, answer, case, Kind::FollowUp).await? {
                return Ok(Some(case));
            }
        }
        Ok(None)
    }

    /// “And its …?” of another relation.
    async fn its(
        &self,
        question: &Question,
        answer: &Answer,
        case: &Case,
        dice: &mut Dice,
    ) -> Result<Option<Case>, PrepareError> {
        let others = self.others(answer).await?;
        for fact in dice.shuffled(&others).iter().take(2) {
            let relation = fact.predicate.label(&case.language);
            let forms = self.wordings.make(
                Use::Its,
                &Names { subject: "it", relation, ..Names::default() },
                &case.language,
            );
            let Some(form) = dice.pick(&forms).cloned() else { continue };
            let turns = [question.last().to_owned(), form.clone()];
            let Some(next) = self.bot.ask(&turns).await? else { continue };
            let is_of_it = |citation: &loquat_contract::Citation| {
                citation.entity == fact.subject.id && citation.predicate == relation
            };
            if next.reply.citations.is_empty() || !next.reply.citations.iter().all(is_of_it) {
                continue;
            }
            let Some(made) = self.case(&next, &form, &[], Some(Kind::FollowUp)).await? else { continue };
            let relation = case.group.clone();
            let said = case.prompt.facts.iter().cloned();
            let beside = said.map(|line| Beside { relation: relation.clone(), line }).collect();
            return Ok(Some(Case { beside, ..made }));
        }
        Ok(None)
    }

    async fn yes_or_no(
        &self,
        question: &Question,
        answer: &Answer,
        case: &Case,
        slots: &Slots,
        dice: &mut Dice,
    ) -> Result<Option<Case>, PrepareError> {
        let wrong = self.wrong(question, slots, dice);
        let object = wrong.filter(|_| dice.chance(0.5)).unwrap_or_else(|| slots.object.clone());
        let named = Names { object: &object, ..names(slots) };
        let mut forms = self.wordings.make(Use::Polar, &named, &case.language);
        dice.shuffle(&mut forms);
        for form in forms.into_iter().take(2).filter(|_| !slots.is_list) {
            let Some(decided) = self.bot.ask(std::slice::from_ref(&form)).await? else { continue };
            // What the model gets to say has no yes or no in it.
            let is_decided = decided.prompt.is_none() && decided.facts() == answer.facts();
            if let Some(said) = stated(&decided).filter(|_| is_decided) {
                let answers = vec![said.join(if case.language.is_unspaced() { "" } else { " " })];
                let prompt = case.prompt.with_question(&form);
                let accepted = decided.reply.values.clone();
                return Ok(Some(Case { kind: Kind::YesNo, answers, accepted, prompt, ..case.clone() }));
            }
        }
        Ok(None)
    }

    async fn contradicted(
        &self,
        question: &Question,
        answer: &Answer,
        case: &Case,
        slots: &Slots,
        dice: &mut Dice,
    ) -> Result<Option<Case>, PrepareError> {
        let Some(wrong) = self.wrong(question, slots, dice) else { return Ok(None) };
        let named = Names { object: &wrong, ..names(slots) };
        let mut forms = self.wordings.make(Use::Wrong, &named, &case.language);
        dice.shuffle(&mut forms);
        for form in forms.into_iter().take(2).filter(|_| !slots.is_list) {
            if let Some(case) = self.same(&[form], answer, case, Kind::Contradicted).await? {
                return Ok(Some(case));
            }
        }
        Ok(None)
    }

    /// A value of the relation that is not this one's.
    fn wrong(&self, question: &Question, slots: &Slots, dice: &mut Dice) -> Option<String> {
        let values = self.values.get(question.group.as_deref().unwrap_or_default())?;
        let wrong = dice.pick(values)?;
        let is_right = question.answers.contains(wrong) || slots.object.contains(wrong.as_str());
        (!is_right).then(|| wrong.clone())
    }

    /// What the object's own facts say.
    async fn further(
        &self,
        answer: &Answer,
        case: &Case,
        slots: &Slots,
        dice: &mut Dice,
    ) -> Result<Option<Case>, PrepareError> {
        let [citation] = answer.reply.citations.as_slice() else { return Ok(None) };
        let known = self.knowledge.facts(&citation.entity, FACTS).await?;
        let fact = known.iter().find(|fact| fact.id == citation.id);
        let Some(next) = fact.and_then(object_of) else { return Ok(None) };
        let further = self.knowledge.facts(next, FACTS).await?;
        let own: Vec<_> = further
            .into_iter()
            .filter(|fact| fact.subject.id == *next && !matches!(fact.object, Value::Boolean(_)))
            .collect();
        for fact in dice.shuffled(&own).iter().take(2) {
            let second = fact.predicate.label(&case.language);
            let named = Names { second, ..names(slots) };
            let forms = self.wordings.make(Use::Hop, &named, &case.language);
            let Some(form) = dice.pick(&forms).cloned() else { continue };
            let Some(reached) = self.bot.ask(std::slice::from_ref(&form)).await? else { continue };
            let goes_on = reached.facts().contains(&citation.id) && reached.prompt.is_none();
            if goes_on && let Some(made) = self.concluded(&reached, &form, &[]).await? {
                return Ok(Some(made).filter(|made| made.kind == Kind::MultiHop));
            }
        }
        Ok(None)
    }
}

fn names(slots: &Slots) -> Names<'_> {
    Names { subject: &slots.subject, object: &slots.object, relation: &slots.relation, second: "" }
}
