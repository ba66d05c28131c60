//! The journal as its users meet it: what is kept, in what order, what a crash, a full disk and damage leave, and what is gone when it is
//! erased.

mod breaking;
mod erasing;
mod keeping;

use std::sync::Arc;
use std::time::Duration;

use loquat_contract::{
    ConversationId, Document, Generation, Inbound, Language, Memory, ModelIdentity, Outcome, Part, PartState,
    Policy, Prepared, Reply, Sender, Settlement, Step, Timings, TokenCount,
};

use crate::Retention;

const FOREVER: Retention = Retention { entries: Duration::MAX, tombstones: Duration::MAX };

fn conversation(channel: &str) -> ConversationId {
    ConversationId { bot: "b".into(), platform: "p".into(), channel: channel.into(), thread: None }
}

fn message(channel: &str, id: &str) -> Inbound {
    Inbound::message(conversation(channel), id, Sender::new("alice"), format!("text {id}"))
}

fn reply(answer: &str) -> Reply {
    Reply {
        answer: answer.into(),
        language: Language::english(),
        outcome: Outcome::Answered,
        sentences: Vec::new(),
        citations: Vec::new(),
        entities: Vec::new(),
        values: Vec::new(),
        gaps: Vec::new(),
        choices: Vec::new(),
        policy: Policy::Strict,
        model: ModelIdentity { name: "m".into(), sha256: String::new() },
        graph: Generation(1),
        seed: 0,
        timings: Timings::default(),
        tokens: TokenCount::default(),
    }
}

fn prepared(answer: &str, memory: Option<&str>) -> Step {
    let part = Part { text: answer.into(), document: Document::plain(answer), ..Part::default() };
    Step::Prepared(Box::new(Prepared {
        reply: Some(Arc::new(reply(answer))),
        parts: vec![part],
        memory: memory.map(|memory| Memory(memory.into())),
        ..Prepared::default()
    }))
}

fn sent(id: &str) -> Step {
    Step::Part { number: 1, state: PartState::Sent { id: Some(loquat_contract::MessageId(id.into())) } }
}

fn delivered() -> Step {
    Step::Settled(Settlement::Delivered)
}
