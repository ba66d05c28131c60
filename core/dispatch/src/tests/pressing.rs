//! Buttons below replies: which there are, who may press them, what comes of it, twice and after a restart.

use loquat_contract::{
    BotCard, Capabilities, Choice, Event, Inbound, Journal, Outcome, Receipt, Refusal, Reply, Sender,
    Sentence, Settlement, Verdict, testing,
};

use super::fakes::{Bench, command, message, press};
use crate::{Bot, Settings};

fn answered(text: &str) -> Reply {
    let sentences = vec![Sentence::new(text, Verdict::Supported, vec!["f1".into()])];
    Reply { outcome: Outcome::Answered, sentences, ..testing::reply(text) }
}

fn asked_back() -> Reply {
    let choice = |text: &str| Choice { label: text.to_owned(), value: format!("{text}!") };
    Reply {
        outcome: Outcome::Clarified,
        choices: vec![choice("country"), choice("state")],
        ..testing::reply("Which Georgia do you mean?")
    }
}

fn bench() -> Bench {
    let settings = Settings { human: Some("Call 555.".into()), ..Settings::default() };
    let mut bot = Bot { max_message_chars: 400, settings, ..Bot::default() };
    bot.access.roles.insert("operator".into(), vec!["post:boss".into()]);
    let bench = Bench::of(bot);
    script(&bench);
    bench
}

fn script(bench: &Bench) {
    bench.echo.answer_with("capital?", answered("It is Thimphu."));
    bench.echo.answer_with("georgia?", asked_back());
    let plain = *bench.post.capabilities.lock().unwrap();
    *bench.post.capabilities.lock().unwrap() = Capabilities { buttons: 25, ..plain };
}

fn rows(bench: &Bench) -> Vec<Vec<String>> {
    bench.post.delivered.lock().unwrap().last().unwrap().buttons.clone()
}

#[tokio::test]
async fn a_reply_has_buttons_and_they_are_answered_also_after_a_restart() {
    let bench = bench();
    bench.accept_all(&[message("a", "1", "capital?")]).await;
    bench.settled().await;
    let expected = ["why.1 Why?", "good.1 👍", "bad.1 👎", "retry.1 Try again", "human.1 Talk to a person"];
    assert_eq!(rows(&bench), [expected.map(str::to_owned).to_vec()]);
    bench.drain().await;

    let bench = bench.restarted().await;
    script(&bench);
    bench.accept(&press("a", "2", "alice", "why.1")).await.unwrap();
    bench.settled().await;
    let told = bench.post.delivered.lock().unwrap().last().unwrap().clone();
    assert!(told.text.starts_with("About answer #1, to “capital?”:") && told.is_private, "{told:?}");
    bench.accept(&press("a", "3", "bob", "human.1")).await.unwrap();
    bench.settled().await;
    assert_eq!(bench.post.texts().pop().unwrap(), "Call 555.");
    for button in ["good.1", "bad.1"] {
        bench.accept(&press("a", button, "bob", button)).await.unwrap();
    }
    bench.settled().await;
    assert_eq!(bench.post.texts().len(), 3, "feedback is not answered");
    assert_eq!(bench.entry(5).await.settled.unwrap().0, Settlement::Noted);
    let signs = bench.post.signs.lock().unwrap().clone();
    assert_eq!(
        signs,
        ["2 working in private", "3 working in private", "good.1 Thank you.", "bad.1 Thank you."],
        "each once it is durable"
    );
}

#[tokio::test]
async fn a_choice_is_answered_as_if_it_were_said_and_only_for_who_asked() {
    let bench = bench();
    bench.accept_all(&[message("a", "1", "georgia?")]).await;
    bench.settled().await;
    assert_eq!(rows(&bench)[..2], [["c0.1 country"], ["c1.1 state"]], "each on a line of its own");
    assert!(!bench.post.texts()[0].contains("1. country"));
    for (who, button, refused) in [
        ("bob", "c0.1", "for the person who asked"),
        ("bob", "retry.1", "for the person who asked"),
        ("alice", "c2.1", "too old"),
        ("alice", "c0.9", "too old"),
        ("alice", "c0", "too old"),
        ("alice", "strange.1", "too old"),
    ] {
        let refusal = bench.accept(&press("a", &format!("x{button}{who}"), who, button)).await.unwrap_err();
        assert!(refusal.to_string().contains(refused) && refusal.is_final(), "{who} {button}: {refusal}");
    }
    assert!(matches!(bench.accept(&press("other", "o", "alice", "c0.1")).await, Err(Refusal::TooOld)));
    assert_eq!(bench.entries().await.len(), 1, "what is refused is not kept");
    bench.accept(&press("a", "2", "boss", "c0.1")).await.unwrap();
    bench.settled().await;
    bench.accept(&press("a", "3", "alice", "c1.1")).await.unwrap();
    bench.settled().await;
    assert_eq!(bench.post.texts()[1..], ["country!", "state!"]);
    assert_eq!(bench.entry(3).await.prepared.unwrap().asked.unwrap(), "state!");
}

#[tokio::test]
async fn a_button_that_is_pressed_twice_is_answered_once_while_it_is_under_way() {
    let bench = bench();
    bench.accept_all(&[message("a", "1", "georgia?")]).await;
    bench.settled().await;
    let held = bench.echo.hold("country!");
    assert_eq!(bench.accept(&press("a", "2", "alice", "c0.1")).await.unwrap(), Receipt::Accepted);
    let again = bench.accept(&press("a", "3", "alice", "c0.1")).await.unwrap();
    assert_eq!(again, Receipt::Answered("This is being answered already.".into()));
    // The platform delivers the first press again.
    assert_eq!(bench.accept(&press("a", "2", "alice", "c0.1")).await.unwrap(), Receipt::Duplicate);
    held.cancel();
    bench.settled().await;
    assert_eq!(bench.post.texts()[1..], ["country!"]);
    // Later it is a new wish.
    bench.accept(&press("a", "4", "alice", "c0.1")).await.unwrap();
    bench.settled().await;
    assert_eq!(bench.post.texts()[1..], ["country!", "country!"]);
    // Of what is owed after a stop, a second press is known as well.
    let bench = {
        bench.journal.accept(&press("a", "5", "alice", "c1.1")).await.unwrap();
        bench.drain().await;
        bench.restarted().await
    };
    script(&bench);
    let held = bench.echo.hold("state!");
    bench.dispatch.resume().await.unwrap();
    let again = bench.accept(&press("a", "6", "alice", "c1.1")).await.unwrap();
    assert!(matches!(again, Receipt::Answered(_)), "{again:?}");
    held.cancel();
    bench.drain().await;
    assert_eq!(bench.post.texts().pop().unwrap(), "state!");
}

#[tokio::test]
async fn trying_again_gives_the_answer_of_now_and_says_where_it_is_the_same() {
    let bench = bench();
    bench.accept_all(&[message("a", "1", "capital?"), message("a", "2", "hello")]).await;
    bench.settled().await;
    let memory = async |sequence| bench.entry(sequence).await.prepared.unwrap().memory.unwrap().0;
    assert_eq!([memory(1).await, memory(2).await], ["1", "2"]);
    bench.accept(&press("a", "3", "alice", "retry.1")).await.unwrap();
    bench.settled().await;
    assert!(bench.post.texts()[2].contains("the answer is the same"), "{:?}", bench.post.texts());
    assert_eq!(memory(3).await, "1", "asked in the conversation as it was before the question");

    bench.echo.answer_with("capital?", answered("It is Paro."));
    bench.accept(&press("a", "4", "alice", "retry.1")).await.unwrap();
    bench.settled().await;
    assert_eq!(bench.post.texts()[3], "It is Paro.");
    let prepared = bench.entry(4).await.prepared.unwrap();
    assert_eq!((prepared.again.unwrap().0, prepared.asked.unwrap().as_str()), (1, "capital?"));
    assert!(rows(&bench)[0].contains(&"retry.4 Try again".to_owned()), "the new answer has its own");
    // Again of again.
    bench.accept(&press("a", "5", "alice", "retry.4")).await.unwrap();
    bench.settled().await;
    assert!(bench.post.texts()[4].contains("the answer is the same"));
    assert_eq!(memory(5).await, "1");
}

#[tokio::test]
async fn what_was_erased_has_no_buttons_any_more() {
    let bench = bench();
    bench.accept_all(&[message("a", "1", "capital?")]).await;
    bench.settled().await;
    // Pressed before, and its turn comes after: nothing of the erased question is answered.
    let held = bench.echo.hold("wait");
    let other = Inbound { sender: Sender::new("bob"), ..message("a", "2", "wait") };
    bench.accept(&other).await.unwrap();
    bench.accept(&press("a", "3", "boss", "retry.1")).await.unwrap();
    bench.dispatch.erase(&"post:alice".parse().unwrap()).await.unwrap();
    held.cancel();
    bench.settled().await;
    assert_eq!(bench.post.texts()[1..], ["wait", "That is not kept any more; ask again."]);
    for button in ["why.1", "good.1", "retry.1"] {
        let refusal = bench.accept(&press("a", button, "bob", button)).await;
        assert!(matches!(refusal, Err(Refusal::TooOld)), "{button}: {refusal:?}");
    }
}

#[tokio::test]
async fn labels_are_in_the_language_of_the_reply_and_few_buttons_show_none() {
    let bench = bench();
    let chinese = Reply { language: loquat_contract::Language::chinese(), ..answered("是廷布。") };
    bench.echo.answer_with("首都?", chinese);
    bench.accept(&message("a", "1", "首都?")).await.unwrap();
    bench.settled().await;
    assert_eq!(rows(&bench)[0][0], "why.1 为什么？");
    let plain = *bench.post.capabilities.lock().unwrap();
    *bench.post.capabilities.lock().unwrap() = Capabilities { buttons: 4, ..plain };
    bench.accept(&message("a", "2", "capital?")).await.unwrap();
    bench.settled().await;
    assert!(rows(&bench).is_empty());
}

#[tokio::test]
async fn suggestions_are_buttons_of_the_greeting() {
    let card = BotCard {
        greeting: "Ask me.".into(),
        suggestions: vec!["What is open?".into()],
        ..BotCard::default()
    };
    let bench = Bench::of(Bot { card, max_message_chars: 100, ..Bot::default() });
    script(&bench);
    bench.accept(&command("a", "1", "start", "")).await.unwrap();
    bench.settled().await;
    assert_eq!(rows(&bench), [["c0.1 What is open?"]]);
    bench.accept(&press("a", "2", "alice", "c0.1")).await.unwrap();
    bench.settled().await;
    assert_eq!(bench.post.texts(), ["Ask me.", "What is open?"]);
    let Event::Button { .. } = bench.entry(2).await.inbound.event else { panic!("not a button") };
}

#[tokio::test]
async fn what_is_asked_again_of_somebody_who_is_erased_meanwhile_leaves_no_trace() {
    let bench = bench();
    bench.accept_all(&[message("a", "1", "my-secret-question")]).await;
    bench.settled().await;
    let held = bench.echo.hold("my-secret-question");
    bench.accept(&press("a", "2", "boss", "retry.1")).await.unwrap();
    tokio::time::sleep(std::time::Duration::from_millis(20)).await;
    bench.dispatch.erase(&"post:alice".parse().unwrap()).await.unwrap();
    held.cancel();
    bench.settled().await;
    assert_eq!(bench.post.texts().pop().unwrap(), "That is not kept any more; ask again.");
    let kept = format!("{:?}", bench.entries().await);
    assert!(!kept.contains("my-secret-question"), "{kept}");
}

#[tokio::test]
async fn a_choice_of_which_nothing_can_be_recalled_is_not_answered_in_what_is_talked_about_now() {
    use loquat_contract::{Memory, Prepared, Sequence, Step};
    let bench = bench();
    bench.journal.accept(&message("a", "1", "georgia?")).await.unwrap();
    let prepared = Prepared {
        choices: asked_back().choices,
        memory: Some(Memory("strange".into())),
        ..Prepared::default()
    };
    let steps = vec![Step::Prepared(Box::new(prepared)), Step::Settled(Settlement::Delivered)];
    bench.journal.record(Sequence(1), steps).await.unwrap();
    bench.accept_all(&[message("a", "2", "one"), message("a", "3", "two")]).await;
    bench.settled().await;
    bench.accept(&press("a", "4", "alice", "c0.1")).await.unwrap();
    bench.settled().await;
    let memory = bench.entry(4).await.prepared.unwrap().memory.unwrap();
    assert_eq!(memory.0, "1", "the first that it remembers");
}
