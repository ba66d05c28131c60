//! Commands, as text and as the platform's, for everybody and for operators; files; conversations that move.

use loquat_contract::{
    Attachment, BotCard, Delivery, Event, Generation, Inbound, Journal, Language, Message, MessageId, Place,
    Sender, Settlement,
};

use super::fakes::{Bench, command, conversation, message};
use super::receiving::Idle;
use crate::Bot;

fn bench() -> Bench {
    let languages = vec![Language::english(), Language::chinese()];
    let card = BotCard { name: "Lo".into(), languages, ..BotCard::default() };
    let mut bot = Bot { card, max_message_chars: 400, ..Bot::default() };
    bot.access.roles.insert("operator".into(), vec!["post:boss".into()]);
    Bench::of(bot)
}

/// What is said to the last of these.
async fn said(bench: &Bench, all: &[Inbound]) -> String {
    bench.accept_all(all).await;
    bench.settled().await;
    bench.post.texts().pop().unwrap()
}

fn by_boss(inbound: Inbound) -> Inbound {
    Inbound { sender: Sender::new("boss"), ..inbound }
}

#[tokio::test]
async fn a_conversation_that_was_reset_knows_nothing_of_before_also_after_a_restart() {
    let bench = bench();
    said(&bench, &[message("a", "1", "one"), message("a", "2", "/language zh")]).await;
    assert!(
        said(&bench, &[message("a", "3", "!reset")]).await.contains("忘了"),
        "in the language that was chosen"
    );
    let memory = bench.journal.memory(&conversation("a")).await.unwrap().unwrap();
    assert_eq!(memory.0, "0 zh", "the language stays");
    said(&bench, &[message("a", "4", "/language auto"), command("a", "5", "reset", "")]).await;
    assert_eq!(bench.journal.memory(&conversation("a")).await.unwrap().unwrap().0, "");
    bench.drain().await;
    let bench = bench.restarted().await;
    said(&bench, &[message("a", "6", "two")]).await;
    assert_eq!(bench.entry(6).await.prepared.unwrap().memory.unwrap().0, "1", "counted from the reset");
}

#[tokio::test]
async fn the_language_that_was_chosen_lasts_and_is_that_of_the_hosts_words_too() {
    let bench = bench();
    assert_eq!(said(&bench, &[message("a", "1", "/language 中文")]).await, "从现在起我用中文回答。");
    bench.drain().await;
    let bench = bench.restarted().await;
    assert_eq!(said(&bench, &[command("a", "2", "ask", "")]).await, "/ask 后面需要写上问题。");
    said(&bench, &[message("a", "3", "hello")]).await;
    let reply = bench.entry(3).await.prepared.unwrap().reply.unwrap();
    assert_eq!(reply.language, Language::chinese());
    let usage = said(&bench, &[message("a", "4", "/language klingon")]).await;
    assert!(usage.contains("en, zh") && usage.contains("auto"), "{usage}");
    assert!(said(&bench, &[message("a", "5", "/language auto")]).await.contains("从现在起"));
    assert!(
        said(&bench, &[message("b", "6", "/language")]).await.contains("one of en, zh"),
        "others have their own"
    );
}

#[tokio::test]
async fn help_greets_and_names_what_one_may_use() {
    let bench = bench();
    let help = said(&bench, &[message("a", "1", "/help")]).await;
    assert!(
        help.contains("/why [ANSWER] — ") && !help.contains("/leave") && !help.contains("/human"),
        "{help}"
    );
    let help = said(&bench, &[by_boss(command("a", "2", "help", ""))]).await;
    assert!(help.contains("/leave — Leave this conversation"), "{help}");
    assert_eq!(said(&bench, &[message("a", "3", "/start")]).await, "Lo");
    assert_eq!(
        said(&bench, &[message("a", "4", "/human")]).await,
        "Nobody has told me how to reach a person from here."
    );
    assert_eq!(said(&bench, &[message("a", "5", "/ask  What? ")]).await, "What?");
    assert_eq!(said(&bench, &[message("a", "6", "/unheard of")]).await, "/unheard of", "ordinary text");
    let signs = bench.post.signs.lock().unwrap().clone();
    assert_eq!(signs, ["2 working in private"], "only what the platform calls a command is acknowledged");
}

#[tokio::test]
async fn what_operators_may_others_may_not() {
    let bench = bench();
    for (id, name) in ["status", "leave", "remove"].into_iter().enumerate() {
        let told = said(&bench, &[message("a", &format!("t{id}"), &format!("/{name}"))]).await;
        assert_eq!(told, "This command is for those who run the bot.", "{name}");
    }
    assert!(bench.post.administered.lock().unwrap().is_empty());
    let mut reply = loquat_contract::testing::reply("yes");
    reply.graph = Generation(7);
    bench.echo.answer_with("ok?", reply);
    let told = said(&bench, &[message("a", "q", "ok?"), by_boss(message("a", "s", "/status"))]).await;
    let version = env!("CARGO_PKG_VERSION");
    let expected = format!(
        "Loquat {version}, running for 0 min. Conversations at work: 1. Messages owed an answer: 0, unknown: 0, failed: 0. \
         The last answer here was made from generation 7 of the graph."
    );
    assert_eq!(told, expected);
}

#[tokio::test]
async fn a_conversation_is_left_once_the_farewell_is_out() {
    let bench = bench();
    assert_eq!(said(&bench, &[by_boss(command("a", "1", "leave", ""))]).await, "Goodbye.");
    assert_eq!(*bench.post.administered.lock().unwrap(), ["left a after 1"]);
    assert_eq!(bench.entry(1).await.settled.unwrap().0, Settlement::Delivered);
}

#[tokio::test]
async fn an_answer_is_removed_by_its_message_or_number_and_nothing_else_is() {
    let bench = bench();
    bench.post.then([Delivery::Sent { id: Some(MessageId("out-1".into())) }]);
    said(&bench, &[message("a", "1", "one")]).await;
    let in_answer = |id: &str, to: &str| {
        let text = Message { reply_to: Some(MessageId(to.into())), ..Message::from("/remove") };
        by_boss(Inbound { event: Event::Message(text), ..message("a", id, "") })
    };
    assert_eq!(said(&bench, &[in_answer("2", "out-1")]).await, "It is removed.");
    assert!(
        said(&bench, &[in_answer("3", "1")]).await.contains("no message of mine"),
        "somebody else's is not"
    );
    assert_eq!(said(&bench, &[by_boss(command("a", "4", "remove", "#1"))]).await, "It is removed.");
    assert!(said(&bench, &[by_boss(command("b", "5", "remove", "#1"))]).await.contains("no message of mine"));
    assert!(said(&bench, &[by_boss(command("a", "6", "remove", ""))]).await.contains("/remove #12"));
    assert_eq!(*bench.post.administered.lock().unwrap(), ["removed out-1", "removed out-1"]);
}

#[tokio::test]
async fn a_file_without_words_is_named_and_with_words_the_words_are_answered() {
    let bench = bench();
    let file = |name: &str| Attachment {
        name: name.into(),
        media_type: "image/png".into(),
        bytes: Some(7),
        place: Place::Url("https://example.org/1".into()),
    };
    let with = |id: &str, text: &str, names: &[&str]| {
        let attachments = names.iter().map(|name| file(name)).collect();
        let event = Event::Message(Message { attachments, ..Message::from(text) });
        Inbound { event, ..message("a", id, "") }
    };
    assert_eq!(
        said(&bench, &[with("1", "", &["a.png", "b.png"])]).await,
        "I read text only, so I did not look at a.png and b.png. Write your question in words."
    );
    assert_eq!(said(&bench, &[with("2", "hello", &["a.png"])]).await, "hello");
    let Event::Message(kept) = bench.entry(2).await.inbound.event else { panic!("not a message") };
    assert_eq!(kept.attachments, [file("a.png")], "as it came");
}

#[tokio::test]
async fn a_conversation_that_moves_takes_along_what_it_was_about_also_after_a_restart() {
    let bench = bench();
    said(&bench, &[message("a", "1", "one"), message("a", "2", "/language zh")]).await;
    let moved = Event::Moved { to: conversation("b") };
    bench.accept(&Inbound { event: moved.clone(), ..message("a", "m", "") }).await.unwrap();
    bench.settled().await;
    bench.drain().await;
    let bench = bench.restarted().await;
    said(&bench, &[message("b", "3", "two")]).await;
    let entries = bench.entries().await;
    assert_eq!(entries.last().unwrap().prepared.as_ref().unwrap().memory.as_ref().unwrap().0, "2 zh");
    // One that knows something newer keeps it, and one that is told twice is no worse.
    bench.accept(&Inbound { event: moved, ..message("a", "m2", "") }).await.unwrap();
    bench.settled().await;
    assert_eq!(bench.journal.memory(&conversation("b")).await.unwrap().unwrap().0, "2 zh");
    assert!(bench.entries().await.iter().all(|entry| entry.settled.is_some()));
}

#[tokio::test]
async fn no_answer_overtakes_the_sign_that_its_command_arrived() {
    let bench = bench();
    let held = loquat_contract::CancellationToken::new();
    *bench.post.hold_sign.lock().unwrap() = Some(held.clone());
    for id in ["1", "2"] {
        let (sink, inbound) = (bench.sink.clone(), command("a", id, "help", ""));
        let accepting = tokio::spawn(async move { sink.accept(inbound).await });
        tokio::time::sleep(std::time::Duration::from_millis(50)).await;
        assert!(bench.post.texts().is_empty(), "the platform would not take it");
        if id == "1" {
            // Whoever accepts has gone away: it is answered all the same.
            accepting.abort();
            bench.settled().await;
            bench.post.delivered.lock().unwrap().clear();
        } else {
            held.cancel();
            accepting.await.unwrap().unwrap();
            bench.settled().await;
        }
    }
    assert_eq!((bench.post.texts().len(), bench.post.signs.lock().unwrap().len()), (1, 1));
}

#[tokio::test(start_paused = true)]
async fn the_menu_is_offered_before_anything_is_received_and_again_where_that_failed() {
    let bench = Bench::of(Bot { max_message_chars: 400, ..Bot::default() });
    *bench.post.menu_failures.lock().unwrap() = 1;
    let running = tokio::spawn({
        let dispatch = bench.dispatch.clone();
        async move { dispatch.run("post", std::sync::Arc::new(Idle)).await }
    });
    tokio::time::sleep(std::time::Duration::from_secs(1)).await;
    assert!(bench.post.menu.lock().unwrap().is_empty());
    bench.sink.reconnected().await;
    let names = |bench: &Bench| -> Vec<String> {
        bench.post.menu.lock().unwrap().iter().map(|command| command.name.clone()).collect()
    };
    let spec = bench.post.menu.lock().unwrap().iter().find(|command| command.name == "language").cloned();
    let choices = spec.unwrap().argument.unwrap().choices.into_iter().map(|(value, _)| value);
    assert_eq!(
        choices.collect::<Vec<_>>(),
        ["en", "zh", "auto"],
        "those that a bot of no languages answers in"
    );
    let expected = ["ask", "why", "feedback", "reset", "language", "help", "status", "leave", "remove"];
    assert_eq!(names(&bench), expected);
    // It has them: they are not sent again.
    bench.post.menu.lock().unwrap().clear();
    bench.sink.reconnected().await;
    assert!(names(&bench).is_empty());
    bench.stop.cancel();
    running.await.unwrap().unwrap();
}
