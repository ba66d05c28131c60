//! Questions → records. In: a system, items, and where results go. Out: nothing; each result is kept as soon as it is there. Each item is a
//! conversation of its own; many run at once, so that the model writes them in batches.

use std::time::Instant;

use futures::StreamExt;
use loquat_contract::{ConversationId, Reply};

use crate::audit::audit;
use crate::error::EvalError;
use crate::grade::{Graded, grade};
use crate::item::{Item, Turn};
use crate::results::{Record, Results, SentSentence, TurnRecord};
use crate::stage::{Stage, stage};
use crate::system::System;

/// How a run goes.
#[derive(Clone, Copy, Debug)]
pub struct RunOptions {
    /// Conversations at a time, at least one.
    pub parallel: usize,
}

/// Asks a system every item that has no result yet. `progress` gets how many of how many have one.
///
/// # Errors
/// When a result cannot be kept or the graph cannot be read for the audit. An engine that fails is a result.
pub async fn run(
    system: &System,
    items: &[Item],
    results: &mut Results,
    options: RunOptions,
    progress: &mut (dyn FnMut(usize, usize) + Send),
) -> Result<(), EvalError> {
    let is_left = |item: &&Item| !results.has(&system.name, &item.set, &item.id);
    let left: Vec<Item> = items.iter().filter(is_left).cloned().collect();
    let mut done = items.len() - left.len();
    progress(done, items.len());
    let tasks = left.into_iter().map(|item| {
        let system = system.clone();
        async move { tokio::spawn(async move { converse(&system, item).await }).await? }
    });
    let mut records = futures::stream::iter(tasks).buffer_unordered(options.parallel.max(1));
    while let Some(record) = records.next().await {
        results.keep(record?)?;
        done += 1;
        progress(done, items.len());
    }
    Ok(())
}

async fn converse(system: &System, item: Item) -> Result<Record, EvalError> {
    let conversation = ConversationId {
        bot: system.bot.clone(),
        platform: "eval".to_owned(),
        channel: format!("{}/{}", item.set, item.id),
        thread: Some(system.name.clone()),
    };
    let mut said: Vec<String> = Vec::new();
    let mut turns = Vec::with_capacity(item.turns.len());
    for turn in &item.turns {
        said.push(turn.say.clone());
        let started = Instant::now();
        let answered = system.dialogue.answer(&conversation, &turn.say, &mut |_| ()).await;
        let milliseconds = started.elapsed().as_secs_f64() * 1e3;
        let record = match answered {
            Ok(reply) => {
                let record = replied(system, &item, turn, &reply, &said, milliseconds).await?;
                said.push(reply.answer);
                record
            }
            Err(error) => failed(&item, turn, &error, milliseconds),
        };
        turns.push(record);
    }
    system.dialogue.forget(&conversation);
    Ok(Record {
        system: system.name.clone(),
        set: item.set,
        id: item.id,
        language: item.language,
        relation: item.relation,
        hops: item.hops,
        category: item.category,
        is_paraphrase: item.is_paraphrase,
        turns,
    })
}

async fn replied(
    system: &System,
    item: &Item,
    turn: &Turn,
    reply: &Reply,
    said: &[String],
    milliseconds: f64,
) -> Result<TurnRecord, EvalError> {
    let graph = system.knowledge.as_ref();
    let graded = grade(turn, reply, system.mode);
    let findings = audit(graph, reply, said, &system.bot).await?;
    let stage = match graded.is_right {
        Some(false) => Some(stage(graph, item, turn, reply, &graded).await?),
        Some(true) | None => None,
    };
    let sent = |sentence: &loquat_contract::Sentence| SentSentence {
        text: sentence.text.clone(),
        verdict: sentence.verdict,
        wording: sentence.wording,
    };
    let cited = |citation: &loquat_contract::Citation| {
        format!("{} | {} | {}", citation.subject, citation.predicate, citation.object)
    };
    Ok(TurnRecord {
        said: turn.say.clone(),
        expect: turn.expect,
        answers: turn.answers.clone(),
        reply: reply.answer.clone(),
        language: reply.language.to_string(),
        outcome: Some(reply.outcome),
        values: reply.values.clone(),
        sentences: reply.sentences.iter().map(sent).collect(),
        cited: reply.citations.iter().map(cited).collect(),
        linked: reply.entities.iter().map(|entity| entity.label.clone()).collect(),
        graded,
        stage,
        findings,
        milliseconds,
        tokens: reply.tokens,
        error: None,
    })
}

fn failed(item: &Item, turn: &Turn, error: &loquat_contract::DialogueError, milliseconds: f64) -> TurnRecord {
    tracing::warn!(item = %item.id, %error, "not answered");
    let is_right = turn.is_graded().then_some(false);
    TurnRecord {
        said: turn.say.clone(),
        expect: turn.expect,
        answers: turn.answers.clone(),
        reply: String::new(),
        language: item.language.clone(),
        outcome: None,
        values: Vec::new(),
        sentences: Vec::new(),
        cited: Vec::new(),
        linked: Vec::new(),
        graded: Graded { is_right, ..Graded::default() },
        stage: is_right.map(|_| Stage::Failed),
        findings: Vec::new(),
        milliseconds,
        tokens: loquat_contract::TokenCount::default(),
        error: Some(error.to_string()),
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use loquat_contract::testing::{Echo, MemoryGraph, UNANSWERABLE};

    use super::*;
    use crate::item::Expect;
    use crate::results::RunIdentity;
    use crate::system::Mode;

    fn items(count: usize) -> Vec<Item> {
        let item = |n: usize| Item {
            id: n.to_string(),
            set: "set".to_owned(),
            turns: vec![
                Turn { say: format!("hello {n}"), ..Turn::default() },
                Turn {
                    say: if n == 3 { UNANSWERABLE } else { "bye" }.to_owned(),
                    expect: Expect::Abstain,
                    ..Turn::default()
                },
            ],
            ..Item::default()
        };
        (0..count).map(item).collect()
    }

    #[tokio::test]
    async fn every_item_is_asked_once_however_often_the_run_is_begun() {
        let folder = tempfile::tempdir().unwrap();
        let system = System {
            name: "echo".to_owned(),
            mode: Mode::Verified,
            bot: "Echo".to_owned(),
            dialogue: Arc::new(Echo::default()),
            knowledge: Arc::new(MemoryGraph::new(Vec::new())),
        };
        for (some, asked) in [(4, 4), (10, 6), (10, 0)] {
            let mut results = Results::open(folder.path(), &RunIdentity::default(), true).unwrap();
            let before = results.records().len();
            let mut steps = 0;
            let options = RunOptions { parallel: 3 };
            run(&system, &items(some), &mut results, options, &mut |_, _| steps += 1).await.unwrap();
            assert_eq!((results.records().len() - before, steps), (asked, asked + 1));
        }
        let results = Results::open(folder.path(), &RunIdentity::default(), true).unwrap();
        let failed = results.records().iter().find(|record| record.id == "3").unwrap();
        assert_eq!((failed.is_right(), failed.turns[1].stage), (Some(false), Some(Stage::Failed)));
        let passed = results.records().iter().filter(|record| record.is_right() == Some(true)).count();
        assert_eq!(passed, 9);
    }
}
