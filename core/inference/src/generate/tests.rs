//! Generation over a decoder that follows a script.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use loquat_contract::{ChatMessage, Finish, GenerateRequest, ModelError, Role, Sampling, StopReason, Token};
use tokio::sync::mpsc::unbounded_channel;

use super::{Language, Output, generate};
use crate::InferenceError;
use crate::constrain::ConstraintCompiler;
use crate::decoder::Decode;
use crate::template::Template;
use crate::tokenizer::tests::bytes;

/// Gives the ids of `script` the highest logit, one after another.
struct Script {
    script: Vec<u32>,
    at: usize,
    prompt: Vec<u32>,
    context: usize,
    logits: Vec<f32>,
}

impl Script {
    fn next(&mut self) -> &[f32] {
        self.logits = vec![0.0; 300];
        if let Some(&id) = self.script.get(self.at) {
            self.logits[id as usize] = 1.0;
        }
        self.at += 1;
        &self.logits
    }
}

impl Decode for Script {
    fn context(&self) -> usize {
        self.context
    }

    fn prefill(&mut self, prompt: &[u32], gone: &dyn Fn() -> bool) -> Result<Option<&[f32]>, InferenceError> {
        self.prompt = prompt.to_vec();
        Ok(if gone() { None } else { Some(self.next()) })
    }

    fn step(&mut self, token: u32) -> Result<&[f32], InferenceError> {
        assert_eq!(token, self.script[self.at - 1]);
        Ok(self.next())
    }
}

struct Ran {
    items: Vec<Token>,
    error: Option<InferenceError>,
    script: Script,
}

impl Ran {
    fn text(&self) -> String {
        self.items
            .iter()
            .filter_map(|item| match item {
                Token::Text(text) => Some(text.as_str()),
                _ => None,
            })
            .collect()
    }

    fn finish(&self) -> Option<Finish> {
        match self.items.last()? {
            Token::Finish(finish) => Some(*finish),
            _ => None,
        }
    }
}

/// Runs `request` where the model would write `reply` and end.
fn run(reply: &str, request: &GenerateRequest, context: usize, closing: bool) -> Ran {
    let tokenizer = bytes();
    let end = tokenizer.id("<|im_end|>").unwrap();
    let mut ids = tokenizer.encode(reply).unwrap();
    ids.push(end);
    let mut script = Script { script: ids, at: 0, prompt: Vec::new(), context, logits: Vec::new() };
    let source = "{% for message in messages %}{{ message.content }}{% endfor %}";
    let template = Template::new(source.to_owned(), Vec::new()).unwrap();
    let constraints = ConstraintCompiler::new(tokenizer.clone(), vec![end], 300);
    let language = Language { tokenizer, template, eos: vec![end], vocabulary: 300, constraints };
    let (sender, mut receiver) = unbounded_channel::<Result<Token, ModelError>>();
    let output = Output { sender, closing: Arc::new(AtomicBool::new(closing)) };
    let error = generate(&mut script, &language, request, &output).err();
    drop(output);
    let mut items = Vec::new();
    while let Some(item) = receiver.blocking_recv() {
        items.push(item.unwrap());
    }
    Ran { items, error, script }
}

fn request(stop: &[&str], max_tokens: usize) -> GenerateRequest {
    GenerateRequest {
        messages: vec![ChatMessage::new(Role::User, "hello")],
        prefill: " th".to_owned(),
        sampling: Sampling { max_tokens, ..Sampling::default() },
        stop: stop.iter().map(|stop| (*stop).to_owned()).collect(),
        ..GenerateRequest::default()
    }
}

#[test]
fn reply_ends_with_its_turn() {
    let ran = run("不丹 🐉", &request(&[], 50), 100, false);
    assert_eq!(ran.text(), "不丹 🐉");
    // `hello`, the space and `th`; three bytes for each Chinese character, four for the dragon.
    assert_eq!(ran.script.prompt.len(), 7);
    assert_eq!(ran.items.first(), Some(&Token::Prompt(7)));
    assert_eq!(ran.finish(), Some(Finish { reason: StopReason::End, completion: 11 }));
}

#[test]
fn stop_text_ends_the_reply() {
    let ran = run("yes\nUser: no", &request(&["\nUser:"], 50), 100, false);
    assert_eq!(ran.text(), "yes");
    assert_eq!(ran.finish().unwrap().reason, StopReason::End);
    assert_eq!(ran.script.at, "yes\nUser:".len());
}

#[test]
fn held_text_leaves_with_the_last_token() {
    assert_eq!(run("yes\nUs", &request(&["\nUser:"], 50), 100, false).text(), "yes\nUs");
    assert_eq!(run("yes\nUser", &request(&["\nUser:"], 6), 100, false).text(), "yes\nUs");
}

#[test]
fn lengths_are_kept() {
    let ran = run("abcdef", &request(&[], 3), 100, false);
    assert_eq!((ran.text().as_str(), ran.finish().unwrap().reason), ("abc", StopReason::Length));
    let ran = run("abcdef", &request(&[], 50), 9, false);
    assert_eq!((ran.text().as_str(), ran.finish().unwrap().reason), ("ab", StopReason::Length));
    let ran = run("abcdef", &request(&[], 0), 100, false);
    assert_eq!(ran.finish().unwrap().completion, 0);
    assert_eq!(ran.script.at, 0);
}

#[test]
fn prompt_beyond_the_context_is_an_error() {
    let ran = run("abc", &request(&[], 50), 7, false);
    assert!(matches!(ran.error, Some(InferenceError::ContextTooLong { prompt: 7, context: 7 })));
}

#[test]
fn nothing_runs_for_nobody() {
    let ran = run("abc", &request(&[], 50), 100, true);
    assert!(ran.items.is_empty() && ran.error.is_none());
    assert_eq!(ran.script.at, 0);
}

#[test]
fn output_knows_that_its_reader_left() {
    let (sender, receiver) = unbounded_channel();
    let output = Output { sender, closing: Arc::new(AtomicBool::new(false)) };
    assert!(!output.gone());
    drop(receiver);
    assert!(output.gone());
    let (sender, _receiver) = unbounded_channel();
    let output = Output { sender, closing: Arc::new(AtomicBool::new(false)) };
    output.closing.store(true, Ordering::Relaxed);
    assert!(output.gone());
}
