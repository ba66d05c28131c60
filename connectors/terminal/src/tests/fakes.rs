//! A page of paper to print on, and replies to print.

use std::io::{self, Write};
use std::sync::{Arc, Mutex};

use loquat_contract::{
    Citation, Generation, Language, ModelIdentity, Outcome, Policy, Reply, Sentence, Timings, TokenCount,
    Verdict,
};

/// Keeps what is written.
#[derive(Clone, Default)]
pub(super) struct Paper(Arc<Mutex<Vec<u8>>>);

impl Paper {
    /// As somebody without colours reads it.
    pub(super) fn text(&self) -> String {
        anstream::adapter::strip_str(&self.raw()).to_string()
    }

    pub(super) fn raw(&self) -> String {
        String::from_utf8(self.0.lock().unwrap().clone()).unwrap()
    }
}

impl Write for Paper {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap().write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// A pipe whose reader has gone.
pub(super) struct Broken;

impl Write for Broken {
    fn write(&mut self, _: &[u8]) -> io::Result<usize> {
        Err(io::ErrorKind::BrokenPipe.into())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

pub(super) fn sentence(text: &str, verdict: Verdict, facts: &[&str]) -> Sentence {
    Sentence { text: text.into(), verdict, facts: facts.iter().map(|id| (*id).into()).collect() }
}

pub(super) fn supported(text: &str, facts: &[&str]) -> Sentence {
    sentence(text, Verdict::Supported, facts)
}

/// A reply of these sentences, with a citation for every fact in the order of first use.
pub(super) fn reply(language: &str, policy: Policy, sentences: Vec<Sentence>) -> Reply {
    let mut citations: Vec<Citation> = Vec::new();
    for id in sentences.iter().flat_map(|sentence| &sentence.facts) {
        if !citations.iter().any(|citation| citation.id == *id) {
            citations.push(Citation {
                id: id.clone(),
                subject: "Bhutan".into(),
                predicate: "says".into(),
                object: id.to_string(),
                source: "world.ttl".into(),
            });
        }
    }
    Reply {
        answer: String::new(),
        language: Language::new(language),
        outcome: Outcome::Answered,
        sentences,
        citations,
        entities: Vec::new(),
        policy,
        model: ModelIdentity { name: "scripted".into(), sha256: String::new() },
        graph: Generation(1),
        seed: 0,
        timings: Timings::default(),
        tokens: TokenCount::default(),
    }
}
