//! How late tokens come on many open streams of one process, and what each stream takes of its memory:
//! `cargo run --release -p loquat-web --example streams -- [streams=2000] [writing=N] [seconds=30] [tokens=40]`
//!
//! The server is a process of its own with the real journal and dispatch, and a script instead of a model. `streams` people each hold one
//! stream open; of them, `writing` are answered all the time, by `tokens` tokens for each answer, each due 50 to 100 ms after the one
//! before. Without `writing`, two loads are measured, one after the other: everybody is answered all the time, which is the worst that so
//! many streams can ask for; and one in ten is, while the others read or think.
//!
//! Each token is a sentence of its own to the server, and a draft: it goes through dispatch, is composed, and is sent as an event of its
//! own. A real answer has a few sentences. Questions come over HTTP, and answers are kept in the journal and delivered as always: all of
//! it, and the client, shares the machine with the streams.
//!
//! What a stream takes is what the server's process has grown by, divided by the number of streams: with the people's sessions, what the
//! script keeps of answers that are being written, and what the journal keeps of those that are over.
//!
//! A token says when it was due, not when it was written, and the client reads it off again: whatever is late on the way, in the
//! server's timers or in the client itself, counts as delay. The client says how late its own timers were, so that one knows how much of
//! that is its own.
#![expect(clippy::print_stdout, reason = "it is run for what it prints")]

mod client;
mod http;
mod serve;

use std::process::{Command, Stdio};

/// What is measured.
#[derive(Clone, Copy)]
pub(crate) struct Load {
    pub(crate) streams: usize,
    pub(crate) writing: usize,
    pub(crate) seconds: u64,
    pub(crate) tokens: usize,
}

impl Load {
    fn given(arguments: impl Iterator<Item = String>) -> Result<Vec<Self>, String> {
        let mut load = Self { streams: 2000, writing: usize::MAX, seconds: 30, tokens: 40 };
        for argument in arguments {
            let wrong = || format!("{argument} is none of streams=N, writing=N, seconds=N and tokens=N");
            let (key, value) = argument.split_once('=').ok_or_else(wrong)?;
            let value: usize = value.parse().map_err(|_| wrong())?;
            match key {
                "streams" => load.streams = value,
                "writing" => load.writing = value,
                "seconds" => load.seconds = value as u64,
                "tokens" => load.tokens = value.max(1),
                _ => return Err(wrong()),
            }
        }
        let writing = match load.writing {
            usize::MAX => vec![load.streams, load.streams / 10],
            given => vec![given.min(load.streams)],
        };
        Ok(writing.into_iter().map(|writing| Self { writing, ..load }).collect())
    }
}

type Error = Box<dyn std::error::Error + Send + Sync>;

fn main() -> Result<(), Error> {
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    let mut arguments = std::env::args().skip(1).peekable();
    if arguments.next_if(|argument| argument == "serve").is_some() {
        let loads = Load::given(arguments)?;
        return loads.first().map_or(Ok(()), |load| runtime.block_on(serve::serve(*load)));
    }
    for load in Load::given(arguments)? {
        measure(&runtime, load)?;
    }
    Ok(())
}

fn measure(runtime: &tokio::runtime::Runtime, load: Load) -> Result<(), Error> {
    let mut server = Command::new(std::env::current_exe()?)
        .args(["serve", &format!("tokens={}", load.tokens)])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()?;
    let measured = runtime.block_on(client::measure(load, &mut server));
    // It stops when its standard input ends.
    drop(server.stdin.take());
    server.wait()?;
    measured
}
