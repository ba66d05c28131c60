//! Prompts whose facts do not tell. In: the cases of one part. Out: their questions with the facts of others, other questions with their facts,
//! some of several facts alone; the answer is the bot's own line for what it does not know.

use std::collections::BTreeSet;

use super::{Composer, Line, Pool, example, names};
use crate::case::Case;
use crate::dice::Dice;
use crate::example::{Example, Kind};

impl Composer<'_> {
    /// So many examples; fewer where the part has too little to make them of.
    pub(super) fn missing(&self, pool: &Pool<'_>, count: usize) -> Vec<Example> {
        let mut dice = Dice::new(self.seed, "missing", &count.to_string());
        let is_usable = |case: &&&Case| {
            matches!(case.kind, Kind::Fact | Kind::List | Kind::FollowUp)
                && case.subject().is_some()
                && self.refusal(&case.language).is_some()
        };
        let usable: Vec<&Case> = pool.cases.iter().filter(is_usable).copied().collect();
        let mut made = Vec::with_capacity(count);
        // Each in turn, in another order each time, so that none is used much oftener than others.
        let mut queue: Vec<&Case> = Vec::new();
        for _ in 0..count.saturating_mul(3) {
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
            let one = match dice.below(5) {
                0 | 1 => self.of_its_subject(case, pool, &mut dice),
                2 | 3 => self.of_another(case, pool, &mut dice),
                _ => self.of_anything(case, pool, &mut dice),
            };
            made.extend(one);
        }
        made
    }

    /// The facts of the case, or others of its subject, and a question for another relation.
    fn of_its_subject(&self, case: &Case, pool: &Pool<'_>, dice: &mut Dice) -> Option<Example> {
        let beside = self.beside(case);
        if let Some(line) = dice.pick(&beside).filter(|_| dice.chance(0.5)) {
            return self.refused(
                case,
                &case.prompt.question,
                vec![Line { text: line, topics: &case.topics }],
                pool,
                dice,
            );
        }
        let subject = case.subject()?;
        let other = pool.other(case, pool.cases, dice)?;
        let is_apart = |relation: &str| !self.wordings.are_alike(&other.group, relation, &case.language);
        let knows_it = !is_apart(&case.group) || case.beside.iter().any(|one| !is_apart(&one.relation));
        let asked = other.subject().filter(|name| other.prompt.question.contains(name))?;
        if knows_it {
            return None;
        }
        let question = other.prompt.question.replace(asked, subject);
        let lines = case.prompt.facts.iter().map(|text| Line { text, topics: &case.topics }).collect();
        self.refused(case, &question, lines, pool, dice)
    }

    /// The question of the case, and what is asked for said of another.
    fn of_another(&self, case: &Case, pool: &Pool<'_>, dice: &mut Dice) -> Option<Example> {
        let other = pool.other(case, pool.like(case), dice)?;
        let lines = other.prompt.facts.iter().map(|text| Line { text, topics: &other.topics }).collect();
        self.refused(case, &case.prompt.question, lines, pool, dice)
    }

    /// The question of the case, and facts about other things.
    fn of_anything(&self, case: &Case, pool: &Pool<'_>, dice: &mut Dice) -> Option<Example> {
        let other = pool.other(case, pool.cases, dice)?;
        let line = Line { text: dice.pick(&other.prompt.facts)?, topics: &other.topics };
        self.refused(case, &case.prompt.question, vec![line], pool, dice)
    }

    /// A refusal over these lines, with some more beside them.
    fn refused(
        &self,
        case: &Case,
        question: &str,
        lines: Vec<Line<'_>>,
        pool: &Pool<'_>,
        dice: &mut Dice,
    ) -> Option<Example> {
        let refusal = self.refusal(&case.language)?;
        let mut facts: Vec<String> = lines.iter().map(|line| line.text.to_owned()).collect();
        let mut topics: BTreeSet<String> =
            lines.iter().flat_map(|line| line.topics.iter().cloned()).collect();
        topics.extend(case.topics.iter().cloned());
        let more =
            if dice.chance(self.augment.distracted) { dice.below(self.augment.distractors) } else { 0 };
        for _ in 0..more {
            let Some(other) = pool.other(case, pool.cases, dice) else { continue };
            let is_new = |line: &&String| !facts.contains(*line) && !case.prompt.facts.contains(*line);
            if let Some(line) = dice.pick(&other.prompt.facts).filter(is_new) {
                facts.push(line.clone());
                topics.extend(other.topics.iter().cloned());
            }
        }
        // What was only mentioned before cannot be told from what the facts are about.
        let is_told =
            case.kind == Kind::FollowUp && !case.subject().is_some_and(|name| names(question, name));
        if facts.is_empty() || is_told {
            return None;
        }
        dice.shuffle(&mut facts);
        let prompt = case.prompt.with_facts(facts).with_question(question);
        Some(example(Kind::Missing, &prompt, refusal, &[], topics, &case.group))
    }
}
