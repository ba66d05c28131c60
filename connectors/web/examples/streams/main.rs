//! How late tokens come on many open streams of one process, and what each stream takes of its memory:
//! `cargo run --release -p loquat-web --example streams -- [streams=2000] [writing=2000] [seconds=30] [tokens=40]`
//!
//! The server is a process of its own with the real journal and dispatch, and a script instead of a model. `streams` people each hold one
//! stream open; of them, `writing` are answered all the time, by `tokens` tokens for each answer, each due 50 to 100 ms after the one
//! before. A token says when it was due, not when it was written, and the client reads it off again: whatever is late on the way, in the
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
    fn given(arguments: impl Iterator<Item = String>) -> Result<Self, String> {
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
        load.writing = load.writing.min(load.streams);
        Ok(load)
    }
}

type Error = Box<dyn std::error::Error + Send + Sync>;

fn main() -> Result<(), Error> {
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    let mut arguments = std::env::args().skip(1).peekable();
    if arguments.next_if(|argument| argument == "serve").is_some() {
        return runtime.block_on(serve::serve(Load::given(arguments)?));
    }
    let load = Load::given(arguments)?;
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
