//! The project's own format, which the crate's README describes. In: a line. Out: an item. What is unknown is refused, so that a
//! misspelt key does not pass for an expectation that is met.

use serde::Deserialize;

use crate::item::{Expect, Item, Turn, language_of};
use crate::normal::expression;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Line {
    #[serde(default)]
    id: String,
    question: Option<String>,
    turns: Option<Vec<LineTurn>>,
    language: Option<String>,
    relation: Option<String>,
    hops: Option<u8>,
    topic: Option<String>,
    category: Option<String>,
    #[serde(rename = "note")]
    _note: Option<String>,
    expect: Option<Expect>,
    answers: Option<Vec<String>>,
    must: Option<Vec<String>>,
    never: Option<Vec<String>>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct LineTurn {
    say: String,
    expect: Option<Expect>,
    answers: Option<Vec<String>>,
    must: Option<Vec<String>>,
    never: Option<Vec<String>>,
}

/// A line as an item; its id is empty where it has none.
pub(super) fn item(line: &str) -> Result<Item, String> {
    let line: Line = serde_json::from_str(line).map_err(|error| error.to_string())?;
    let expects =
        line.expect.is_some() || line.answers.is_some() || line.must.is_some() || line.never.is_some();
    let turns = match (line.question, line.turns) {
        (Some(say), None) => {
            vec![LineTurn {
                say,
                expect: line.expect,
                answers: line.answers,
                must: line.must,
                never: line.never,
            }]
        }
        (None, Some(_)) if expects => {
            return Err("`expect`, `answers`, `must` and `never` stand in the turns, where there are turns"
                .to_owned());
        }
        (None, Some(turns)) if !turns.is_empty() => turns,
        (Some(_), Some(_)) => return Err("it has `question` and `turns`; keep one".to_owned()),
        _ => return Err("it has neither `question` nor `turns`; write one".to_owned()),
    };
    let turns: Vec<Turn> = turns.into_iter().map(turn).collect::<Result<_, _>>()?;
    let said: String = turns.iter().map(|turn| turn.say.as_str()).collect();
    Ok(Item {
        id: line.id,
        set: String::new(),
        language: line.language.unwrap_or_else(|| language_of(&said)),
        relation: line.relation,
        hops: line.hops,
        topic: line.topic,
        category: line.category,
        is_paraphrase: false,
        turns,
    })
}

fn turn(turn: LineTurn) -> Result<Turn, String> {
    if turn.say.trim().is_empty() {
        return Err("nothing is said in it".to_owned());
    }
    let answers = turn.answers.unwrap_or_default();
    let by_answers = if answers.is_empty() { Expect::Any } else { Expect::Answer };
    let (must, never) = (turn.must.unwrap_or_default(), turn.never.unwrap_or_default());
    for pattern in must.iter().chain(&never) {
        if let Some(Err(error)) = expression(pattern) {
            return Err(format!("{pattern} is no regular expression: {error}"));
        }
    }
    Ok(Turn { say: turn.say, expect: turn.expect.unwrap_or(by_answers), answers, must, never })
}
