//! Times replies. In: a model and what to measure. Out: what came of every stream, in seconds and tokens. Must not know: how numbers
//! are shown.

use std::time::{Duration, Instant};

use futures::StreamExt;
use futures::future::try_join_all;
use loquat_contract::{GenerateRequest, LanguageModel, Token};

use super::prompts::{Prompts, request, words};
use crate::cli::BenchCommand;
use crate::progress::Screen;

/// Tokens of a beginning that two chats share.
const PREFIX: usize = 512;

/// Tokens by which they differ, nearly.
const SUFFIX: usize = 16;

/// One reply.
#[derive(Clone, Copy, Debug)]
pub(super) struct Stream {
    pub(super) prompt: usize,
    pub(super) completion: usize,
    /// From the request to the first text.
    pub(super) first: Duration,
    /// From the request to the end.
    pub(super) whole: Duration,
}

/// Replies that were written at the same time.
#[derive(Clone, Debug)]
pub(super) struct Round {
    pub(super) streams: Vec<Stream>,
    pub(super) whole: Duration,
}

/// The rounds of one number of sequences and one length of prompt.
#[derive(Clone, Debug)]
pub(super) struct Load {
    pub(super) sequences: usize,
    /// Tokens wanted of a reply.
    pub(super) tokens: usize,
    pub(super) rounds: Vec<Round>,
}

/// Everything that was timed of a model.
#[derive(Clone, Debug, Default)]
pub(super) struct Measured {
    pub(super) loads: Vec<Load>,
    /// Chats whose beginning was never seen before.
    pub(super) cold: Vec<Stream>,
    /// Chats that begin as the one before.
    pub(super) cached: Vec<Stream>,
}

/// Runs everything that `command` asks for, and once before it, untimed.
///
/// # Errors
/// The model fails.
pub(super) async fn measure(
    model: &impl LanguageModel,
    command: &BenchCommand,
    screen: &Screen,
) -> anyhow::Result<Measured> {
    let prompts = Prompts::of(model).await?;
    let mut number = 0;
    let mut next = |length: usize| {
        number += 1;
        words(number, length)
    };
    run(model, vec![request(next(prompts.words_for(64)), 8)]).await?;

    let mut measured = Measured::default();
    for &length in &command.prompt {
        for &sequences in &command.sequences {
            screen.say(&format!("{sequences} at once, prompts of {length} tokens …"));
            let mut load = Load { sequences, tokens: command.tokens, rounds: Vec::new() };
            for _ in 0..command.rounds {
                let chats = (0..sequences)
                    .map(|_| request(next(prompts.words_for(length)), command.tokens))
                    .collect();
                load.rounds.push(run(model, chats).await?);
            }
            measured.loads.push(load);
        }
    }

    screen.say("time to the first token with a cached beginning …");
    for _ in 0..command.rounds {
        let shared = next(prompts.words_for(PREFIX));
        let mut chat = || request(format!("{shared} {}", next(SUFFIX)), 2);
        for (chat, into) in [(chat(), &mut measured.cold), (chat(), &mut measured.cached)] {
            into.extend(run(model, vec![chat]).await?.streams);
        }
    }
    Ok(measured)
}

async fn run(model: &impl LanguageModel, chats: Vec<GenerateRequest>) -> anyhow::Result<Round> {
    let started = Instant::now();
    let streams = try_join_all(chats.into_iter().map(|chat| stream(model, chat))).await?;
    Ok(Round { streams, whole: started.elapsed() })
}

async fn stream(model: &impl LanguageModel, chat: GenerateRequest) -> anyhow::Result<Stream> {
    let started = Instant::now();
    let mut items = model.generate(chat);
    let (mut prompt, mut completion, mut first) = (0, 0, None);
    while let Some(item) = items.next().await {
        match item? {
            Token::Prompt(tokens) => prompt = tokens,
            Token::Text(_) => {
                first.get_or_insert_with(|| started.elapsed());
            }
            Token::Logprob { .. } => {}
            Token::Finish(finish) => completion = finish.completion,
        }
    }
    let whole = started.elapsed();
    Ok(Stream { prompt, completion, first: first.unwrap_or(whole), whole })
}

#[cfg(test)]
mod tests {
    use loquat_contract::testing::ScriptedModel;

    use super::*;

    #[tokio::test]
    async fn every_stream_of_every_round_is_counted() {
        let model = ScriptedModel::new(["one two three"; 200]);
        let command = BenchCommand {
            path: None,
            sequences: vec![1, 3],
            prompt: vec![40],
            tokens: 8,
            rounds: 2,
            threads: None,
            json: false,
        };
        let measured = measure(&model, &command, &Screen::default()).await.unwrap();
        let streams: Vec<usize> = measured
            .loads
            .iter()
            .flat_map(|load| load.rounds.iter().map(|round| round.streams.len()))
            .collect();
        assert_eq!(streams, [1, 1, 3, 3]);
        assert_eq!((measured.cold.len(), measured.cached.len()), (2, 2));
        assert!(measured.cold.iter().all(|stream| stream.first <= stream.whole && stream.prompt > 0));
    }
}
