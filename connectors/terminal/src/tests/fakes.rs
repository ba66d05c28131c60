//! A page of paper to print on, and replies to print.

use std::io::{self, Write};
use std::sync::{Arc, Mutex};

use loquat_contract::{
    Address, Citation, Envelope, Generation, IdempotencyKey, Language, ModelIdentity, Outcome, Part, Policy,
    Reply, Sentence, Timings, TokenCount, Verdict,
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

fn whole(to: &Address, text: &str, reply: Option<Arc<Reply>>) -> Envelope {
    let part = Part { text: text.to_owned(), is_apology: reply.is_none(), ..Part::default() };
    let key = IdempotencyKey("0".repeat(24));
    Envelope { reply, ..Envelope::new(key, to.clone(), part) }
}

/// A reply as the host delivers it.
pub(super) fn envelope(to: &Address, reply: &Reply) -> Envelope {
    whole(to, &reply.answer, Some(Arc::new(reply.clone())))
}

/// An apology as the host delivers it.
pub(super) fn notice(to: &Address, text: &str) -> Envelope {
    whole(to, text, None)
}

/// Something else that is no reply, such as what an answer rests on.
pub(super) fn note(to: &Address, text: &str) -> Envelope {
    let apology = notice(to, text);
    Envelope { part: Part { is_apology: false, ..apology.part }, ..apology }
}

pub(super) fn sentence(text: &str, verdict: Verdict, facts: &[&str]) -> Sentence {
    Sentence::new(text, verdict, facts.iter().map(|id| (*id).into()).collect())
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
                entity: "Bhutan".into(),
                subject: "Bhutan".into(),
                predicate: "says".into(),
                object: id.to_string(),
                source: "world.ttl".into(),
                since: Generation(1),
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
        values: Vec::new(),
        gaps: Vec::new(),
        choices: Vec::new(),
        policy,
        model: ModelIdentity { name: "scripted".into(), sha256: String::new() },
        graph: Generation(1),
        seed: 0,
        timings: Timings::default(),
        tokens: TokenCount::default(),
    }
}
