//! Why an answer says what it says, asked in every way; and choices.

use loquat_contract::{
    Capabilities, Choice, Citation, Delivery, Event, FactId, Gap, Generation, Inbound, Language, Length,
    LengthUnit, Message, MessageId, Outcome, Reply, Sentence, Span, Verdict, Wording, testing,
};

use super::fakes::{Bench, message};
use crate::{Overlap, Settings};

fn citation(id: &str, object: &str) -> Citation {
    Citation {
        id: id.into(),
        entity: "bt".into(),
        subject: "Bhutan".to_owned(),
        predicate: "capital".to_owned(),
        object: object.to_owned(),
        source: "world.ttl".into(),
        since: Generation(3),
    }
}

fn capital() -> Reply {
    let text = "The capital of Bhutan is Thimphu.";
    let span = |name: &str| {
        let start = text.find(name).unwrap();
        Span { fact: "f1".into(), start, end: start + name.len() }
    };
    let sentence = Sentence {
        wording: Wording::Model,
        spans: vec![span("Bhutan"), span("Thimphu")],
        ..Sentence::new(text, Verdict::Supported, vec!["f1".into()])
    };
    Reply {
        outcome: Outcome::Answered,
        sentences: vec![sentence],
        citations: vec![citation("f1", "Thimphu")],
        graph: Generation(4),
        ..testing::reply(text)
    }
}

fn unknown(language: &str) -> Reply {
    let gap = Gap {
        question: "q".to_owned(),
        entity: Some("bt".into()),
        name: "Bhutan".to_owned(),
        predicate: None,
        asked: "boiling *point*".to_owned(),
    };
    Reply {
        outcome: Outcome::Abstained,
        gaps: vec![gap],
        language: Language::new(language),
        ..testing::reply("I don't know.")
    }
}

async fn bench(settings: Settings) -> Bench {
    let bench = Bench::with(settings);
    bench.echo.answer_with("capital?", capital());
    bench.echo.answer_with("boiling?", unknown("en"));
    bench.echo.answer_with("沸点?", unknown("zh"));
    bench
}

/// What is said to the last of these messages.
async fn said(bench: &Bench, messages: &[Inbound]) -> String {
    bench.accept_all(messages).await;
    bench.settled().await;
    bench.post.texts().pop().unwrap()
}

#[tokio::test]
async fn why_shows_sentences_facts_sources_and_what_they_were_made_from_also_after_a_restart() {
    let bench = bench(Settings::default()).await;
    let expected = "About answer #1, to “capital?”:\n\n\
        “The capital of Bhutan is Thimphu.”\n\
        supported by [1], in the model's own words: [1] “Bhutan”, “Thimphu”.\n\n\
        [1] Bhutan — capital — Thimphu (source world.ttl, in the graph since generation 3, fact f1)\n\n\
        Made from generation 4 of the graph, under the policy “strict”, with the model echo.";
    bench.post.then([Delivery::Sent { id: Some(MessageId("out-1".into())) }]);
    assert_eq!(said(&bench, &[message("a", "1", "capital?"), message("a", "2", "/why")]).await, expected);
    let entry = bench.entry(2).await;
    let prepared = entry.prepared.unwrap();
    assert_eq!((prepared.explains.map(|one| one.0), prepared.reply), (Some(1), None));
    bench.drain().await;

    let bench = bench.restarted().await;
    let again = said(&bench, &[message("a", "3", "hello"), message("a", "4", "!why 2")]).await;
    assert_eq!(again, expected, "counted back: the explanation is no answer");
    assert_eq!(said(&bench, &[message("a", "5", "/why #1")]).await, expected);
    let command = Event::Command { name: "why".into(), arguments: "2".into() };
    assert_eq!(said(&bench, &[Inbound { event: command, ..message("a", "6", "") }]).await, expected);
    // In answer to the question, and to the answer as the platform calls it.
    for meant in ["1", "out-1", "nobody"] {
        let text = Message { reply_to: Some(MessageId(meant.into())), ..Message::from("/why") };
        let inbound = Inbound { event: Event::Message(text), ..message("a", &format!("7{meant}"), "") };
        let shown = said(&bench, &[inbound]).await;
        assert_eq!(shown == expected, meant != "nobody", "{shown}");
    }
}

#[tokio::test]
async fn where_nothing_was_claimed_it_says_so_and_what_is_missing() {
    let bench = bench(Settings::default()).await;
    let smalltalk = said(&bench, &[message("a", "1", "hello"), message("a", "2", "/why")]).await;
    assert!(smalltalk.contains("Nothing was claimed: no question of fact was asked."), "{smalltalk}");
    let abstained = said(&bench, &[message("a", "3", "boiling?"), message("a", "4", "/why")]).await;
    assert!(abstained.contains("what was asked is not in my facts"), "{abstained}");
    assert!(abstained.contains("Missing in my facts: Bhutan — boiling *point*."), "{abstained}");
    let chinese = said(&bench, &[message("a", "5", "沸点?"), message("a", "6", "/why")]).await;
    assert!(chinese.contains("我的事实中缺少：Bhutan — boiling *point*。"), "{chinese}");
    assert!(chinese.contains("未作任何断言"), "{chinese}");
}

#[tokio::test]
async fn a_question_with_brackets_of_its_own_is_quoted_as_it_was() {
    let bench = bench(Settings::default()).await;
    let why = said(&bench, &[message("a", "1", "{number} {question}"), message("a", "2", "/why")]).await;
    assert!(why.starts_with("About answer #1, to “{number} {question}”:"), "{why}");
}

#[tokio::test]
async fn a_conversation_is_told_of_its_own_answers_alone() {
    let bench = bench(Settings::default()).await;
    let early = said(&bench, &[message("b", "1", "/why")]).await;
    assert!(early.contains("no answer here yet"), "{early}");
    said(&bench, &[message("a", "2", "capital?")]).await;
    let others = said(&bench, &[message("b", "3", "/why #2")]).await;
    assert!(others.contains("no answer here yet"), "{others}");
    said(&bench, &[message("b", "4", "hello")]).await;
    for text in ["/why #2", "/why #99", "/why 9"] {
        let id = format!("n{text}");
        let others = said(&bench, &[message("b", &id, text)]).await;
        assert!(others.contains("has no such answer") && !others.contains("Thimphu"), "{text}: {others}");
    }
    let usage = said(&bench, &[message("b", "6", "/why on earth")]).await;
    assert!(usage.contains("/why #12"), "{usage}");
}

#[tokio::test]
async fn where_messages_are_one_line_an_explanation_is_some_lines() {
    let bench = bench(Settings::default()).await;
    let length = Length { limit: 100, unit: LengthUnit::Bytes };
    let facts: Vec<FactId> = (1..=9).map(|number| format!("f{number}").as_str().into()).collect();
    let text = "It borders nine.";
    let reply = Reply {
        outcome: Outcome::Answered,
        sentences: vec![Sentence::new(text, Verdict::Supported, facts.clone())],
        citations: facts.iter().map(|id| citation(id.as_str(), "x")).collect(),
        ..testing::reply(text)
    };
    bench.echo.answer_with("borders?", reply);
    let plain = *bench.post.capabilities.lock().unwrap();
    *bench.post.capabilities.lock().unwrap() =
        Capabilities { max_lines: Some(1), max_length: Some(length), ..plain };
    said(&bench, &[message("a", "1", "borders?")]).await;
    let before = bench.post.texts().len();
    said(&bench, &[message("a", "2", "!why")]).await;
    let lines = bench.post.texts().split_off(before);
    assert!(lines.iter().all(|line| line.len() <= 100 && !line.contains('\n')), "{lines:#?}");
    assert!(
        lines[1].starts_with("“It borders nine.” supported by [1–9], one of my own lines."),
        "{lines:#?}"
    );
    assert!(lines.contains(&"and 4 more facts".to_owned()), "{lines:#?}");
}

#[tokio::test]
async fn asking_why_neither_joins_nor_interrupts_a_question() {
    let debounce = bench(Settings { overlap: Overlap::Debounce, ..Settings::default() }).await;
    let both = [message("a", "1", "capital?"), message("a", "2", "/why")];
    assert!(said(&debounce, &both).await.starts_with("About answer #1"));
    assert_eq!(debounce.post.texts().len(), 2);

    let interrupt = bench(Settings { overlap: Overlap::Interrupt, ..Settings::default() }).await;
    let held = interrupt.echo.hold("capital?");
    interrupt.accept_all(&both).await;
    tokio::time::sleep(std::time::Duration::from_millis(20)).await;
    held.cancel();
    interrupt.settled().await;
    assert!(interrupt.post.texts()[0].starts_with("The capital of Bhutan is Thimphu."));
    assert!(interrupt.post.texts()[1].starts_with("About answer #1"));
}

#[tokio::test]
async fn what_is_asked_back_is_chosen_by_number_also_after_asking_why() {
    let bench = bench(Settings::default()).await;
    let choice = |text: &str| Choice { label: text.to_owned(), value: format!("{text}!") };
    let reply = Reply {
        outcome: Outcome::Clarified,
        choices: vec![choice("Georgia — country"), choice("Georgia — US state")],
        ..testing::reply("Which Georgia do you mean?")
    };
    bench.echo.answer_with("georgia?", reply);
    let asked = said(&bench, &[message("a", "1", "georgia?")]).await;
    assert_eq!(asked, "Which Georgia do you mean?\n\n1. Georgia — country\n2. Georgia — US state");
    assert_eq!(bench.entry(1).await.prepared.unwrap().choices.len(), 2);
    let why = said(&bench, &[message("a", "2", "/why")]).await;
    assert!(why.contains("I asked back what was meant"), "{why}");
    assert_eq!(said(&bench, &[message("a", "3", "2")]).await, "Georgia — US state!");
}
