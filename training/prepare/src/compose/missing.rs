//! Prompts whose facts do not tell. In: the cases of one part. Out: questions with facts that come near: something else about the subject
//! that is asked about, the same about something with a name like it, or both; the answer is the bot's own line for what it does not know.

use std::collections::BTreeSet;

use super::{Composer, Line, Pool, example, is_nameless};
use crate::case::Case;
use crate::dice::Dice;
use crate::example::{Example, Kind};

/// A question that the lines do not answer.
struct Open<'a> {
    case: &'a Case,
    question: String,
    /// The relation asked for.
    group: &'a str,
    lines: Vec<Line<'a>>,
}

impl Composer<'_> {
    /// So many examples; fewer where the part has too little to make them of.
    pub(super) fn missing(&self, pool: &Pool<'_>, count: usize) -> Vec<Example> {
        let mut dice = Dice::new(self.seed, "missing", &count.to_string());
        let is_usable =
            |case: &&&Case| asks(case) && case.subject().is_some() && self.refusal(&case.language).is_some();
        let usable: Vec<&Case> = pool.cases.iter().filter(is_usable).copied().collect();
        let mut made = Vec::with_capacity(count);
        // Each in turn, in another order each time, so that none is used much oftener than others.
        let mut queue: Vec<&Case> = Vec::new();
        for _ in 0..count.saturating_mul(4) {
            if made.len() >= count || usable.is_empty() {
                break;
            }
            let case = match queue.pop() {
                Some(case) => case,
                None => {
                    queue = dice.shuffled(&usable);
                    continue;
                }
            };
            if is_nameless(case) {
                made.extend(self.of_the_same(case, &mut dice).and_then(|open| self.refused(open, &mut dice)));
                continue;
            }
            let open = match dice.below(20) {
                0..=8 => self.of_its_subject(case, pool, &mut dice),
                9..=16 => self.of_another(case, pool, &mut dice),
                _ => self.of_anything(case, pool, &mut dice),
            };
            let Some(open) = open else { continue };
            let open = self.with_more(open, pool, &mut dice);
            made.extend(self.refused(open, &mut dice));
        }
        made
    }

    /// The question of the case, and something else about its subject.
    fn of_the_same<'a>(&self, case: &'a Case, dice: &mut Dice) -> Option<Open<'a>> {
        let text = dice.pick(&self.beside(case)).copied()?;
        let lines = vec![Line { text, topics: &case.topics }];
        Some(Open { case, question: case.prompt.question.clone(), group: &case.group, lines })
    }

    /// A question about the case's subject, and something else about it; with what is asked for said of another, half of the time.
    fn of_its_subject<'a>(&self, case: &'a Case, pool: &Pool<'a>, dice: &mut Dice) -> Option<Open<'a>> {
        if let Some(mut open) = self.of_the_same(case, dice).filter(|_| dice.chance(0.5)) {
            if dice.chance(0.5) {
                open.lines.extend(pool.like_it(case, dice).into_iter().flat_map(lines));
            }
            return Some(open);
        }
        let (subject, other) = (case.subject()?, self.asked_of_such(case, pool, dice)?);
        let asked = other.subject().filter(|name| other.prompt.question.contains(name))?;
        if self.wordings.are_alike(&other.group, &case.group, &case.language) {
            return None;
        }
        let question = other.prompt.question.replace(asked, subject);
        let mut said = lines(case);
        if dice.chance(0.5) {
            said.extend(lines(other));
        }
        Some(Open { case, question, group: &other.group, lines: said })
    }

    /// A case of another relation, one that such subjects have where that is known.
    fn asked_of_such<'a>(&self, case: &'a Case, pool: &Pool<'a>, dice: &mut Dice) -> Option<&'a Case> {
        const TRIES: usize = 4;
        let neighbours = self.neighbours.of(&case.group);
        (0..TRIES)
            .find_map(|_| {
                let relation = dice.pick(neighbours)?;
                pool.other(case, pool.of(case, relation), dice).filter(|other| asks(other))
            })
            .or_else(|| pool.other(case, pool.cases, dice).filter(|other| asks(other)))
    }

    /// The question of the case, and what is asked for said of another, one with a name like its own where there is one; with something else
    /// about its subject, half of the time.
    fn of_another<'a>(&self, case: &'a Case, pool: &Pool<'a>, dice: &mut Dice) -> Option<Open<'a>> {
        let mut said = lines(pool.like_it(case, dice)?);
        if let Some(text) = dice.pick(&self.beside(case)).copied().filter(|_| dice.chance(0.5)) {
            said.push(Line { text, topics: &case.topics });
        }
        Some(Open { case, question: case.prompt.question.clone(), group: &case.group, lines: said })
    }

    /// The question of the case, and facts about other things.
    fn of_anything<'a>(&self, case: &'a Case, pool: &Pool<'a>, dice: &mut Dice) -> Option<Open<'a>> {
        let all = lines(pool.other(case, pool.cases, dice)?);
        let said = vec![dice.pick(&all)?.clone()];
        Some(Open { case, question: case.prompt.question.clone(), group: &case.group, lines: said })
    }

    /// With facts about other things beside them, as often as those that answer have such.
    fn with_more<'a>(&self, mut open: Open<'a>, pool: &Pool<'a>, dice: &mut Dice) -> Open<'a> {
        let most = self.augment.distractors;
        let more = if dice.chance(self.augment.distracted) { dice.below(most) } else { 0 };
        for _ in 0..more {
            let Some(other) = pool.other(open.case, pool.cases, dice) else { continue };
            let is_new = |line: &&Line<'_>| open.lines.iter().all(|one| one.text != line.text);
            let all = lines(other);
            let line = dice.pick(&all).filter(is_new).cloned();
            open.lines.extend(line);
        }
        open
    }

    fn refused(&self, open: Open<'_>, dice: &mut Dice) -> Option<Example> {
        let Open { case, question, group, lines } = open;
        let refusal = self.refusal(&case.language)?;
        let mut topics: BTreeSet<String> = case.topics.clone();
        topics.extend(lines.iter().flat_map(|line| line.topics.iter().cloned()));
        let mut facts: Vec<String> = lines.iter().map(|line| line.text.to_owned()).collect();
        dice.shuffle(&mut facts);
        let prompt = case.prompt.with_facts(facts).with_question(&question);
        Some(example(Kind::Missing, &prompt, refusal, &[], topics, group))
    }
}

/// Whether its question can be asked with facts that do not tell.
fn asks(case: &Case) -> bool {
    matches!(case.kind, Kind::Fact | Kind::List | Kind::FollowUp)
}

/// What a case says.
fn lines(case: &Case) -> Vec<Line<'_>> {
    case.prompt.facts.iter().map(|text| Line { text, topics: &case.topics }).collect()
}
