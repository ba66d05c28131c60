//! Benchmarks that others made, in the formats that they come in. In: a line. Out: an item.

use std::collections::BTreeMap;

use serde::Deserialize;

use crate::item::{Expect, Item, Turn, language_of};

#[derive(Deserialize)]
struct EntityQuestion {
    relation: String,
    question: String,
    answers: Vec<String>,
}

#[derive(Deserialize)]
struct NlpccQuestion {
    question: String,
    answer: String,
}

fn asked(question: &str, answers: Vec<String>) -> Item {
    let turn = Turn { say: question.to_owned(), expect: Expect::Answer, answers, ..Turn::default() };
    Item { language: language_of(question), turns: vec![turn], ..Item::default() }
}

/// `{"relation", "question", "answers"}`.
pub(super) fn entityquestions(line: &str) -> Result<Item, String> {
    let line: EntityQuestion = serde_json::from_str(line).map_err(|error| error.to_string())?;
    Ok(Item { relation: Some(line.relation), hops: Some(1), ..asked(&line.question, line.answers) })
}

/// `question with its [topic]` TAB `answers joined by |`.
pub(super) fn metaqa(line: &str, hops: Option<u8>) -> Result<Item, String> {
    let (question, answers) =
        line.split_once('\t').ok_or("it has no tab between question and answers; is it MetaQA?")?;
    let topic = question
        .split_once('[')
        .and_then(|(_, rest)| rest.rsplit_once(']'))
        .map(|(topic, _)| topic.to_owned())
        .ok_or("its topic does not stand in [brackets]; is it MetaQA?")?;
    let question = question.replacen('[', "", 1);
    let question = match question.rsplit_once(']') {
        Some((before, after)) => format!("{before}{after}"),
        None => question,
    };
    let answers = answers.split('|').map(str::to_owned).collect();
    Ok(Item { topic: Some(topic), hops, language: "en".to_owned(), ..asked(&question, answers) })
}

/// `{"question", "answer"}`; the answer is a value of the graph, which may be a list.
pub(super) fn nlpcc(line: &str) -> Result<Item, String> {
    let line: NlpccQuestion = serde_json::from_str(line).map_err(|error| error.to_string())?;
    let mut answers = vec![line.answer.clone()];
    for part in line.answer.split(['\u{ff0c}', '、', '|']).map(str::trim).filter(|part| !part.is_empty()) {
        if !answers.iter().any(|known| known == part) {
            answers.push(part.to_owned());
        }
    }
    Ok(Item { hops: Some(1), language: "zh".to_owned(), ..asked(&line.question, answers) })
}

/// EntityQuestions asks for each relation in one form, and does not say where the topic stands in it: it is what differs.
pub(super) fn find_topics(items: &mut [Item]) {
    let mut forms: BTreeMap<String, (String, String, usize)> = BTreeMap::new();
    for item in items.iter() {
        let (Some(relation), Some(turn)) = (&item.relation, item.turns.first()) else { continue };
        forms
            .entry(relation.clone())
            .and_modify(|(before, after, count)| {
                before.truncate(shared(before.chars(), turn.say.chars()));
                let kept = shared(after.chars().rev(), turn.say.chars().rev());
                *after = after[after.len() - kept..].to_owned();
                *count += 1;
            })
            .or_insert_with(|| (turn.say.clone(), turn.say.clone(), 1));
    }
    for item in items {
        let form = item.relation.as_ref().and_then(|relation| forms.get(relation));
        // Few questions may share a piece of their topics by chance.
        let Some((before, after, 8..)) = form else { continue };
        let said = item.turns.first().map(|turn| turn.say.as_str()).unwrap_or_default();
        let topic = said.strip_prefix(before.as_str()).and_then(|rest| rest.strip_suffix(after.as_str()));
        item.topic = topic.map(str::trim).filter(|topic| !topic.is_empty()).map(str::to_owned);
    }
}

/// How many bytes two texts have in common from where they begin.
fn shared(ours: impl Iterator<Item = char>, theirs: impl Iterator<Item = char>) -> usize {
    ours.zip(theirs).take_while(|(ours, theirs)| ours == theirs).map(|(c, _)| c.len_utf8()).sum()
}
