//! The engine over a model that knows its lines by heart, and fails wherever a row holds what it should not.

pub(crate) mod toy;

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use loquat_contract::{
    ChatMessage, Constraint, ConversationId, Finish, GenerateRequest, ModelError, Role, Sampling, StopReason,
    Token,
};
use tokio::sync::mpsc::{UnboundedReceiver, unbounded_channel};

use super::{BLOCK, CHUNK, Decoding, Engine, Language, Output, Sequence, Settings, Stats};
use crate::constrain::ConstraintCompiler;
use crate::template::Template;
use crate::tokenizer::tests::bytes;
use toy::{POISON, Toy, WIDTH};

/// An engine that is led by hand.
struct Rig {
    engine: Engine<Toy>,
    language: Arc<Language>,
    closing: Arc<AtomicBool>,
}

/// One request and what came of it.
struct Asked {
    reader: UnboundedReceiver<Result<Token, ModelError>>,
    items: Vec<Token>,
    error: Option<ModelError>,
}

fn settings(rows: usize) -> Settings {
    Settings { rows, queue: 100, decoding: Decoding::Batched, prefix_bytes: 1 << 20 }
}

/// An engine whose model answers each prompt with its reply.
fn rig(lines: &[(&str, &str)], settings: Settings) -> Rig {
    let tokenizer = bytes();
    let end = tokenizer.id("<|im_end|>").unwrap();
    let mut toy = Toy { context: 2000, ..Toy::default() };
    for (prompt, reply) in lines {
        let mut reply = tokenizer.encode(reply).unwrap();
        reply.push(end);
        toy.replies.insert(tokenizer.encode(prompt).unwrap(), reply);
    }
    let source = "{% for message in messages %}{{ message.content }}{% endfor %}";
    let language = Arc::new(Language {
        constraints: ConstraintCompiler::new(tokenizer.clone(), vec![end], WIDTH),
        tokenizer,
        template: Template::new(source.to_owned(), Vec::new()).unwrap(),
        eos: vec![end],
        context: 2000,
        vocabulary: WIDTH,
        adapters: vec!["support".to_owned()],
        adapter: None,
    });
    let stats = Arc::new(Stats::new("test"));
    let engine = Engine::new(toy, Arc::clone(&language), settings, stats);
    Rig { engine, language, closing: Arc::default() }
}

fn request(prompt: &str) -> GenerateRequest {
    GenerateRequest { messages: vec![ChatMessage::new(Role::User, prompt)], ..GenerateRequest::default() }
}

impl Rig {
    fn ask(&mut self, request: GenerateRequest) -> Asked {
        let (sender, reader) = unbounded_channel();
        let output = Output { sender: sender.clone(), closing: Arc::clone(&self.closing) };
        match Sequence::new(&self.language, request, output) {
            Ok(sequence) => self.engine.enqueue(sequence),
            Err(error) => sender.send(Err(error.into())).unwrap(),
        }
        Asked { reader, items: Vec::new(), error: None }
    }

    fn run(&mut self) {
        let mut rounds = 0;
        while !self.engine.is_idle() {
            self.engine.round();
            rounds += 1;
            assert!(rounds < 100_000, "it never ends");
        }
    }

    /// Runs one request to its end.
    fn answer(&mut self, request: GenerateRequest) -> Asked {
        let mut asked = self.ask(request);
        self.run();
        asked.read();
        asked
    }

    fn toy(&self) -> &Toy {
        &self.engine.decoder
    }
}

impl Asked {
    fn read(&mut self) {
        while let Ok(item) = self.reader.try_recv() {
            assert!(self.error.is_none() && self.finish().is_none(), "something follows the end");
            match item {
                Ok(item) => self.items.push(item),
                Err(error) => self.error = Some(error),
            }
        }
    }

    fn text(&mut self) -> String {
        self.read();
        let text = |item: &Token| if let Token::Text(text) = item { Some(text.clone()) } else { None };
        self.items.iter().filter_map(text).collect()
    }

    fn finish(&self) -> Option<Finish> {
        if let Some(Token::Finish(finish)) = self.items.last() { Some(*finish) } else { None }
    }
}

fn limited(prompt: &str, stop: &[&str], max_tokens: usize) -> GenerateRequest {
    GenerateRequest {
        sampling: Sampling { max_tokens, ..Sampling::default() },
        stop: stop.iter().map(|stop| (*stop).to_owned()).collect(),
        ..request(prompt)
    }
}

/// `count` tokens of text that begins with `start`.
fn long(start: &str, count: usize) -> String {
    format!("{start}{}", "x".repeat(count - start.len()))
}

#[test]
fn reply_ends_with_its_turn() {
    let mut rig = rig(&[("hello th", "不丹 🐉")], settings(2));
    let mut asked = rig.answer(GenerateRequest { prefill: " th".to_owned(), ..request("hello") });
    assert_eq!(asked.text(), "不丹 🐉");
    // `hello`, the space and `th`; three bytes for each Chinese character, four for the dragon.
    assert_eq!(asked.items.first(), Some(&Token::Prompt(7)));
    assert_eq!(asked.finish(), Some(Finish { reason: StopReason::End, completion: 11 }));
}

#[test]
fn stop_text_ends_the_reply() {
    let mut rig = rig(&[("a", "yes\nUser: no"), ("b", "yes\nUs")], settings(2));
    let mut asked = rig.answer(limited("a", &["\nUser:"], 50));
    assert_eq!((asked.text().as_str(), asked.finish().unwrap().reason), ("yes", StopReason::End));
    assert_eq!(rig.toy().runs.len(), "yes\nUser:".len());
    // What is held back leaves with the last token.
    assert_eq!(rig.answer(limited("b", &["\nUser:"], 50)).text(), "yes\nUs");
    assert_eq!(rig.answer(limited("a", &["\nUser:"], 6)).text(), "yes\nUs");
}

#[test]
fn lengths_are_kept() {
    let mut rig = rig(&[("a", "abcdef"), (&long("b", 1998), "abcdef")], settings(2));
    let mut asked = rig.answer(limited("a", &[], 3));
    assert_eq!((asked.text().as_str(), asked.finish().unwrap().reason), ("abc", StopReason::Length));
    let mut asked = rig.answer(request(&long("b", 1998)));
    assert_eq!((asked.text().as_str(), asked.finish().unwrap().reason), ("ab", StopReason::Length));
    assert_eq!(rig.answer(limited("a", &[], 0)).finish().unwrap().completion, 0);
    let asked = rig.answer(request(&long("b", 2000)));
    assert!(matches!(asked.error, Some(ModelError::ContextTooLong { prompt: 2000, context: 2000 })));
}

#[test]
fn requests_join_and_leave_at_any_token() {
    let lines: Vec<(String, String)> = (0..40)
        .map(|n| {
            (format!("{n}:{}", "p".repeat(n * 7 % 150)), format!("reply {n} {}", "r".repeat(n * 13 % 60)))
        })
        .collect();
    let pairs: Vec<_> = lines.iter().map(|(a, b)| (a.as_str(), b.as_str())).collect();
    for decoding in [Decoding::Batched, Decoding::Speculative] {
        let mut rig = rig(&pairs, Settings { decoding, ..settings(5) });
        let mut asked = Vec::new();
        for (at, (prompt, _)) in lines.iter().enumerate() {
            asked.push(rig.ask(request(prompt)));
            (0..at * 31 % 9).for_each(|_| rig.engine.round());
        }
        rig.run();
        for (asked, (_, reply)) in asked.iter_mut().zip(&lines) {
            assert_eq!(&asked.text(), reply);
            assert_eq!(asked.finish().unwrap().completion, reply.len());
        }
        if decoding == Decoding::Batched {
            let rows = rig.toy().runs.iter().map(|run| run.0).max();
            assert_eq!(rows, Some(5), "sequences run together");
        }
        assert!(rig.toy().rows.iter().all(Vec::is_empty));
    }
}

#[test]
fn rows_that_grow_run_one_by_one() {
    let mut rig = rig(&[("a", "first"), ("b", "second")], settings(4));
    rig.engine.decoder.is_growing = true;
    let (mut a, mut b) = (rig.ask(request("a")), rig.ask(request("b")));
    rig.run();
    assert_eq!([a.text(), b.text()], ["first", "second"]);
    assert!(rig.toy().runs.iter().all(|run| run.0 == 1));
}

#[test]
fn what_a_prompt_shares_with_another_does_not_run_again() {
    let persona = "p".repeat(BLOCK * 3 + 5);
    let (first, second) = (format!("{persona} one"), format!("{persona} two"));
    let mut rig = rig(&[(&first, "1"), (&second, "2")], settings(2));
    assert_eq!(rig.answer(request(&first)).text(), "1");
    let tokens = |rig: &Rig| rig.toy().runs.iter().map(|run| run.1).sum::<usize>();
    let before = tokens(&rig);
    assert_eq!(rig.answer(request(&second)).text(), "2");
    // All but the three whole blocks, and the token that is written.
    assert_eq!(tokens(&rig) - before, 5 + " two".len() + 1);
    let stats = rig.engine.stats.read();
    assert_eq!(stats.cached_tokens, 3 * BLOCK as u64);
    assert_eq!(stats.prompt_tokens, 2 * first.len() as u64);
}

#[test]
fn whole_cached_prompt_still_gives_logits() {
    let prompt = "p".repeat(BLOCK * 2);
    let mut rig = rig(&[(&prompt, "r")], settings(2));
    assert_eq!(rig.answer(request(&prompt)).text(), "r");
    assert_eq!(rig.answer(request(&prompt)).text(), "r");
    assert_eq!(rig.engine.stats.read().cached_tokens, BLOCK as u64);
}

#[test]
fn no_token_of_a_prompt_runs_alone_because_of_the_cache() {
    let prompt = "p".repeat(CHUNK + BLOCK + 1);
    let mut rig = rig(&[(&prompt, "r")], settings(2));
    rig.answer(request(&prompt));
    assert_eq!(rig.toy().runs, [(1, CHUNK), (1, BLOCK + 1), (1, 1)]);
    rig.answer(request(&prompt));
    assert_eq!(rig.toy().runs[3..], [(1, BLOCK + 1), (1, 1)]);
}

#[test]
fn long_prompt_holds_nobody_up() {
    let book = long("b", CHUNK * 20);
    let reply = "r".repeat(40);
    let mut rig = rig(&[("a", &reply), (&book, "end")], settings(4));
    let mut a = rig.ask(request("a"));
    rig.engine.round();
    let mut b = rig.ask(request(&book));
    for round in 2..12 {
        rig.engine.round();
        // One more than rounds: the prompt's own run gives the first.
        assert_eq!(a.text().len(), round + 1, "a token each round");
    }
    assert!(b.text().is_empty());
    // A short prompt overtakes the long one.
    let mut c = rig.ask(request("a"));
    (0..2).for_each(|_| rig.engine.round());
    assert!(!c.text().is_empty());
    rig.run();
    assert_eq!(b.text(), "end");
}

#[test]
fn short_prompts_do_not_starve_a_long_one() {
    let book = long("b", CHUNK * 10);
    let mut rig = rig(&[("a", "rr"), (&book, "end")], settings(8));
    let mut b = rig.ask(request(&book));
    let mut crowd = Vec::new();
    for _ in 0..60 {
        crowd.push(rig.ask(request("a")));
        rig.engine.round();
    }
    assert!(!b.text().is_empty(), "it has waited for sixty others");
}

#[test]
fn nobody_works_for_those_who_left() {
    let mut rig = rig(&[("a", &"r".repeat(100)), ("b", "next")], settings(1));
    let a = rig.ask(request("a"));
    let mut b = rig.ask(request("b"));
    (0..5).for_each(|_| rig.engine.round());
    assert!(b.text().is_empty(), "there is one row");
    drop(a);
    rig.engine.round();
    assert_eq!(b.text(), "ne");
    // One that leaves while it waits never gets a row.
    let mut runs = rig.toy().runs.len();
    drop(rig.ask(request("a")));
    rig.run();
    runs += "xt".len() + 1;
    assert_eq!(rig.toy().runs.len(), runs);
    // Nothing runs once the model closes.
    rig.closing.store(true, Ordering::Relaxed);
    assert!(rig.answer(request("a")).items.is_empty());
    assert_eq!(rig.toy().runs.len(), runs);
}

#[test]
fn what_one_request_cannot_have_fails_it_alone() {
    let poisoned = "b".to_owned();
    let lines = [("a", "all is well"), (poisoned.as_str(), "ok!never"), ("c", "fine too")];
    let mut rig = rig(&lines, settings(4));
    let mut asked: Vec<_> = lines.iter().map(|(prompt, _)| rig.ask(request(prompt))).collect();
    assert_eq!(bytes().encode("!").unwrap(), [POISON]);
    rig.run();
    assert_eq!([asked[0].text(), asked[2].text()], ["all is well", "fine too"]);
    assert_eq!(asked[1].text(), "ok!");
    assert!(matches!(asked[1].error, Some(ModelError::Runtime(_))));
}

#[test]
fn logits_that_are_no_numbers_fail_one_request() {
    let mut rig = rig(&[("a", "fine"), ("b", "bad~bad")], settings(4));
    rig.engine.decoder.nan = bytes().encode("~").unwrap().first().copied();
    let (mut a, mut b) = (rig.ask(request("a")), rig.ask(request("b")));
    rig.run();
    assert_eq!((a.text().as_str(), a.error.is_none()), ("fine", true));
    assert_eq!((b.text().as_str(), b.error.is_some()), ("bad~", true));
}

#[test]
fn speculation_writes_the_same_in_fewer_runs() {
    let prompt = "The capital of Bhutan is Thimphu. The currency of Bhutan is the ngultrum. Say it again: ";
    let reply = "The capital of Bhutan is Thimphu. The currency of Bhutan is the ngultrum.";
    let text = |decoding| {
        let mut rig = rig(&[(prompt, reply)], Settings { decoding, ..settings(2) });
        let text = rig.answer(request(prompt)).text();
        (text, rig.toy().runs.len(), rig.engine.stats.read())
    };
    let (plain, runs, _) = text(Decoding::Batched);
    let (drafted, fewer, stats) = text(Decoding::Speculative);
    assert_eq!([plain.as_str(), drafted.as_str()], [reply, reply]);
    assert!(fewer * 2 < runs, "{fewer} of {runs}");
    assert!(stats.accepted_tokens > 0 && stats.accepted_tokens <= stats.drafted_tokens);
    // No more than was asked for, though more was guessed right.
    let mut rig = rig(&[(prompt, reply)], Settings { decoding: Decoding::Speculative, ..settings(2) });
    let mut asked = rig.answer(limited(prompt, &[], 20));
    assert_eq!(asked.finish().unwrap().completion, 20);
    assert_eq!(asked.text(), bytes().decode(&bytes().encode(reply).unwrap()[..20]));
}

#[test]
fn what_a_constraint_leaves_no_choice_about_takes_no_runs() {
    let texts = ["the capital is Thimphu.", "the capital is Paris."].map(str::to_owned).to_vec();
    for decoding in [Decoding::Batched, Decoding::Speculative] {
        let mut rig =
            rig(&[("a", "the capital is Thimphu."), ("b", "Thimphu")], Settings { decoding, ..settings(4) });
        let constrained = |prompt: &str| GenerateRequest {
            constraint: Some(Constraint::OneOf(texts.clone())),
            ..request(prompt)
        };
        // Beside one that is free.
        let (mut a, mut b) = (rig.ask(constrained("a")), rig.ask(request("b")));
        rig.run();
        assert_eq!([a.text().as_str(), b.text().as_str()], [texts[0].as_str(), "Thimphu"]);
        assert_eq!(a.finish().unwrap().reason, StopReason::End);
        assert_eq!(a.finish().unwrap().completion, bytes().encode(&texts[0]).unwrap().len());
        // The model wants something else, and may not.
        let mut c = rig.answer(constrained("b"));
        assert!(texts.contains(&c.text()));
        let runs = rig.toy().runs.len();
        assert!(runs < 25, "{runs} runs for {} tokens", texts[0].len() * 2);
        // What is forced as a whole takes no run at all.
        let only = Some(Constraint::OneOf(vec![texts[0].clone()]));
        let mut d = rig.answer(GenerateRequest { constraint: only, ..request("b") });
        assert_eq!((d.text().as_str(), rig.toy().runs.len()), (texts[0].as_str(), runs));
    }
}

#[test]
fn each_token_is_told_with_its_probability() {
    let mut rig = rig(&[("a", "yes")], settings(1));
    let mut asked = rig.answer(GenerateRequest { logprobs: Some(2), ..request("a") });
    assert_eq!(asked.text(), "yes");
    let told: Vec<_> = asked
        .items
        .iter()
        .filter_map(|item| {
            if let Token::Logprob { chosen, likeliest } = item { Some((chosen, likeliest)) } else { None }
        })
        .collect();
    assert_eq!(told.iter().map(|(chosen, _)| chosen.text.as_str()).collect::<String>(), "yes");
    // One logit of 1 among those of 0.
    let expected = 1.0 - (1_f32.exp() + WIDTH as f32 - 1.0).ln();
    for (chosen, likeliest) in told {
        assert!((chosen.logprob - expected).abs() < 1e-4, "{chosen:?}");
        assert_eq!((likeliest.len(), &likeliest[0]), (2, chosen));
    }
}

#[test]
fn adapters_have_lanes_of_their_own() {
    let mut rig = rig(&[("a", "reply")], settings(4));
    let adapted = || GenerateRequest { adapter: Some("support".to_owned()), ..request("a") };
    let (mut base, mut other) = (rig.ask(request("a")), rig.ask(adapted()));
    rig.engine.round();
    rig.engine.round();
    assert_eq!(rig.toy().rows.iter().map(Vec::len).collect::<Vec<_>>(), [1, 1]);
    rig.run();
    assert_eq!([base.text(), other.text()], ["reply", "reply"]);
    let refused = rig.answer(GenerateRequest { adapter: Some("poet".to_owned()), ..request("a") });
    let error = refused.error.unwrap().to_string();
    assert!(error.contains("poet") && error.contains("support"), "{error}");
}

#[test]
fn conversations_take_turns() {
    let mut rig = rig(&[("a", "r"), ("b", "r")], settings(1));
    let of = |channel: &str, prompt: &str| {
        let (bot, platform) = ("bot".to_owned(), "web".to_owned());
        let conversation = ConversationId { bot, platform, channel: channel.to_owned(), thread: None };
        GenerateRequest { conversation: Some(conversation), ..request(prompt) }
    };
    let mut loud: Vec<_> = (0..5).map(|_| rig.ask(of("loud", "a"))).collect();
    let mut quiet = rig.ask(of("quiet", "b"));
    (0..4).for_each(|_| rig.engine.round());
    assert!(!quiet.text().is_empty(), "it does not wait for all five");
    assert!(loud[4].text().is_empty());
    rig.run();
    assert_eq!(loud[4].text(), "r");
}

#[test]
fn token_that_the_model_lacks_is_refused() {
    let (sender, _reader) = unbounded_channel();
    let output = Output { sender, closing: Arc::default() };
    let narrow = Language {
        tokenizer: bytes(),
        template: Template::new("{{ messages[0].content }}".to_owned(), Vec::new()).unwrap(),
        eos: Vec::new(),
        context: 100,
        vocabulary: 10,
        constraints: ConstraintCompiler::new(bytes(), Vec::new(), 10),
        adapters: Vec::new(),
        adapter: None,
    };
    let refused = Sequence::new(&narrow, request("zz"), output).err().unwrap();
    assert!(refused.to_string().contains("another model's"), "{refused}");
}
