//! Messages: what is for the bot, what it is told of them later, and where it answers.

use loquat_contract::{Administration, Button, Drafts, Event, MessageId, Place, Refusal};
use loquat_fake_discord::{Options, Say};

use super::fakes::{Bot, conversation, draft, envelope, key, part, sent, until};
use crate::{Config, ConversationKind};

#[tokio::test]
async fn a_mention_is_answered_in_its_channel_without_calling_anybody() {
    let bot = Bot::start().await;
    let asked = bot.say("a", "ann", format!("{} hello @everyone", bot.mention()));
    let inbound = bot.sink.after(1).await.remove(0);
    assert_eq!(inbound.text(), Some("hello @everyone"));
    assert_eq!(inbound.id, MessageId(asked.to_string()));
    assert_eq!(inbound.conversation, conversation(bot.guild.channel("a")));
    assert_eq!(inbound.sender.name.as_deref(), Some("ann"));
    assert!(inbound.sent_at.is_some_and(|at| at.0 > 1_420_070_400_000));
    let id = sent(bot.deliver(&envelope(inbound.address(), "hi @everyone and <@1>")).await);
    let [said] = &bot.said("a")[..] else { panic!() };
    assert_eq!((said.id.to_string(), said.reply_to), (id.0, Some(asked)));
    assert!(said.notified.is_empty() && said.mentions.is_empty(), "{said:?}");
}

#[tokio::test]
async fn what_is_not_for_the_bot_never_reaches_the_sink() {
    let bot = Bot::with(Options::default(), |config| Config { message_content: true, ..config }).await;
    let discord = &bot.guild.discord;
    bot.say("a", "ann", "hello everybody");
    bot.say("a", "ann", "@everyone come here");
    let other = bot.say("a", "bob", "a question");
    bot.say("a", "ann", Say::from("an answer").reply_to(other));
    bot.say("a", "ann", format!("{} this is", bot.mention()));
    assert_eq!(bot.sink.after(1).await[0].text(), Some("this is"));
    // Neither is what the bot says itself.
    let to = bot.sink.accepted()[0].address();
    sent(bot.deliver(&envelope(to, &format!("{} me", bot.mention()))).await);
    let robot = discord.other_bot("robot");
    discord.say(bot.guild.channel("a"), robot, format!("{} beep", bot.mention())).unwrap();
    let accepted = bot.sink.after(2).await;
    assert!(accepted[1].sender.is_bot && accepted[1].text() == Some("beep"), "{accepted:?}");
}

#[tokio::test]
async fn the_bots_own_role_is_a_mention_too() {
    use loquat_fake_discord::permissions::{EVERYONE, MENTION_EVERYONE};
    let bot = Bot::with(Options::default(), |config| Config { message_content: true, ..config }).await;
    let (discord, guild) = (&bot.guild.discord, bot.guild.id());
    discord.set_everyone(guild, EVERYONE | MENTION_EVERYONE);
    let role = discord.bot_role(guild).unwrap();
    bot.say("a", "ann", format!("<@&{role}> by role"));
    assert_eq!(bot.sink.after(1).await[0].text(), Some("by role"));
}

#[tokio::test]
async fn mentions_replies_and_direct_messages_need_no_intent() {
    let bot = Bot::with(Options { message_content: false, ..Options::default() }, |config| config).await;
    let discord = &bot.guild.discord;
    bot.say("a", "ann", format!("{} hello", bot.mention()));
    let first = bot.sink.after(1).await.remove(0);
    assert_eq!(first.text(), Some("hello"));
    let answer = sent(bot.deliver(&envelope(first.address(), "yes")).await);
    let answer = bot.said("a").into_iter().find(|said| said.id.to_string() == answer.0).unwrap().id;
    bot.say("a", "ann", Say::from("and why").reply_to(answer));
    let second = bot.sink.after(2).await.remove(1);
    assert_eq!(second.text(), Some("and why"));
    let Event::Message(message) = &second.event else { panic!() };
    assert_eq!(message.reply_to, Some(MessageId(answer.to_string())));
    let ann = discord.person("ann");
    let direct = discord.direct(ann);
    discord.say(direct, ann, "in private").unwrap();
    let third = bot.sink.after(3).await.remove(2);
    assert_eq!((third.text(), &third.conversation), (Some("in private"), &conversation(direct)));
    let mut private = envelope(third.address(), "so be it");
    private.key = key(2);
    sent(bot.deliver(&private).await);
    assert_eq!(discord.said(direct)[0].content, "so be it");
}

#[tokio::test]
async fn a_thread_is_a_conversation_of_its_own_and_all_of_it_is_for_the_bot_once_it_is_in() {
    let bot = Bot::with(Options::default(), |config| Config { message_content: true, ..config }).await;
    let discord = &bot.guild.discord;
    let (channel, ann) = (bot.guild.channel("a"), discord.person("ann"));
    let thread = discord.thread(channel, ann, "a thread");
    discord.say(thread, ann, "not for the bot").unwrap();
    discord.say(thread, ann, format!("{} one", bot.mention())).unwrap();
    let first = bot.sink.after(1).await.remove(0);
    assert_eq!(first.conversation.channel, channel.to_string());
    assert_eq!(first.conversation.thread, Some(thread.to_string()));
    sent(bot.deliver(&envelope(first.address(), "first")).await);
    assert_eq!(discord.said(thread).len(), 1);
    // The gateway has to have said that the bot is in the thread.
    discord.say(thread, ann, "two").unwrap();
    assert_eq!(bot.sink.after(2).await[1].text(), Some("two"));
}

#[tokio::test]
async fn a_post_in_a_forum_is_answered_where_everything_is_for_the_bot() {
    let guild = super::fixture::Guild::with(Options::default()).await.unwrap();
    let forum = guild.discord.forum(guild.id(), "questions", &[]);
    let bot = Bot::unready(guild, |config| Config {
        message_content: true,
        answer_all_in: vec![forum.to_string()],
        ..config
    })
    .await;
    let discord = &bot.guild.discord;
    discord.ready().await.unwrap();
    let ann = discord.person("ann");
    let post = discord.post(forum, ann, "A title", "what is this?").unwrap();
    let first = bot.sink.after(1).await.remove(0);
    assert_eq!(first.text(), Some("what is this?"));
    assert_eq!(first.conversation.thread, Some(post.to_string()));
    sent(bot.deliver(&envelope(first.address(), "that is it")).await);
    assert_eq!(discord.said(post)[0].content, "that is it");
}

#[tokio::test]
async fn a_mention_opens_a_thread_where_the_config_says_so() {
    let bot = Bot::with(Options::default(), |config| Config {
        conversation: ConversationKind::Thread,
        message_content: true,
        ..config
    })
    .await;
    let discord = &bot.guild.discord;
    let (channel, ann) = (bot.guild.channel("a"), discord.person("ann"));
    let asked = bot.say("a", "ann", format!("{} what is the capital of Bhutan?", bot.mention()));
    let first = bot.sink.after(1).await.remove(0);
    assert_eq!(first.conversation.thread, Some(asked.to_string()));
    sent(bot.deliver(&envelope(first.address(), "Thimphu")).await);
    assert_eq!(discord.threads(channel), [(asked, "what is the capital of Bhutan?".to_owned())]);
    assert!(discord.said(asked).iter().any(|said| said.content == "Thimphu"));
    discord.say(asked, ann, "and of Nepal?").unwrap();
    let second = bot.sink.after(2).await.remove(1);
    assert_eq!(second.conversation, first.conversation);
    sent(bot.deliver(&envelope(second.address(), "Kathmandu")).await);
    assert_eq!(discord.threads(channel).len(), 1);
    // A change of what was asked belongs there too.
    discord.edit(asked, &format!("{} what is the capital of Peru?", bot.mention())).unwrap();
    let edit = bot.sink.after(3).await.remove(2);
    assert_eq!(
        (edit.text(), &edit.conversation),
        (Some("what is the capital of Peru?"), &first.conversation)
    );
}

#[tokio::test]
async fn where_no_thread_can_be_opened_the_answer_stands_in_the_channel() {
    use loquat_fake_discord::permissions::{CREATE_PUBLIC_THREADS, EVERYONE};
    let bot =
        Bot::with(Options::default(), |config| Config { conversation: ConversationKind::Thread, ..config })
            .await;
    bot.guild.discord.set_everyone(bot.guild.id(), EVERYONE & !CREATE_PUBLIC_THREADS);
    let role = bot.guild.discord.bot_role(bot.guild.id()).unwrap();
    bot.guild.discord.set_role(bot.guild.id(), role, EVERYONE & !CREATE_PUBLIC_THREADS);
    let asked = bot.say("a", "ann", format!("{} hello", bot.mention()));
    let first = bot.sink.after(1).await.remove(0);
    let to = first.address();
    let mut growing = draft(to.clone(), "h");
    growing.message = bot.draft(&growing).await;
    growing.part = part("hi");
    assert_eq!(bot.draft(&growing).await, growing.message);
    let mut answer = envelope(to.clone(), "hi there");
    answer.draft = growing.message.clone();
    answer.part.buttons = vec![vec![Button { id: "why.1".into(), label: "Why?".into() }]];
    assert_eq!(Some(sent(bot.deliver(&answer).await)), growing.message);
    let [said] = &bot.said("a")[..] else { panic!("{:?}", bot.said("a")) };
    assert_eq!((said.content.as_str(), said.reply_to), ("hi there", Some(asked)));
    // What people do with it belongs to the conversation that it is an answer in.
    let ann = bot.guild.discord.person("ann");
    bot.guild.discord.click(said.id, ann, "why.1").unwrap();
    bot.guild.discord.react(said.id, ann, "👍").unwrap();
    let accepted = bot.sink.after(3).await;
    assert!(accepted.iter().all(|inbound| inbound.conversation == first.conversation), "{accepted:?}");
    // Somebody deletes it, and the answer is there all the same; a draft can be taken back.
    bot.guild.discord.delete(said.id).unwrap();
    let other = sent(bot.deliver(&answer).await);
    Drafts::withdraw(&*bot.egress, &to, Some(&other)).await;
    assert!(bot.said("a").is_empty());
    (answer.key, answer.draft) = (key(3), None);
    let third = sent(bot.deliver(&answer).await);
    Administration::remove(&*bot.egress, &to.conversation, &third).await.unwrap();
    assert!(bot.said("a").is_empty());
}

#[tokio::test]
async fn an_answer_is_there_without_what_may_not_be_added_to_it() {
    use loquat_fake_discord::permissions::{EMBED_LINKS, EVERYONE, READ_MESSAGE_HISTORY};
    let bot = Bot::start().await;
    let (discord, guild) = (&bot.guild.discord, bot.guild.id());
    for (number, missing) in (1..).zip([EMBED_LINKS, READ_MESSAGE_HISTORY]) {
        discord.set_everyone(guild, EVERYONE & !missing);
        discord.set_role(guild, discord.bot_role(guild).unwrap(), EVERYONE & !missing);
        bot.say("a", "ann", format!("{} hello", bot.mention()));
        let mut answer = super::encode::cited(1, "Bhutan");
        answer.to = bot.sink.after(number).await.pop().unwrap().address();
        answer.key = key(u32::try_from(number).unwrap());
        sent(bot.deliver(&answer).await);
        let said = bot.said("a").pop().unwrap();
        assert!(said.content.contains("Thimphu"), "{said:?}");
        assert_eq!(
            (said.embeds.len(), said.reply_to.is_some()),
            if number == 1 { (0, true) } else { (1, false) }
        );
    }
    assert_eq!(bot.said("a").len(), 2);
}

#[tokio::test]
async fn a_message_that_was_refused_is_a_new_one_when_it_is_changed() {
    let bot = Bot::start().await;
    bot.sink.answers.lock().unwrap().push_back(Err(Refusal::Empty));
    let asked = bot.say("a", "ann", bot.mention());
    until(|| bot.said("a").iter().any(|said| said.content.contains("empty"))).await;
    bot.guild.discord.edit(asked, &format!("{} hello", bot.mention())).unwrap();
    let inbound = bot.sink.after(1).await.remove(0);
    assert_eq!(inbound.event, Event::Message("hello".into()));
}

#[tokio::test]
async fn a_change_counts_also_of_what_an_earlier_process_handed_on() {
    let mut bot = Bot::start().await;
    let asked = bot.say("a", "ann", format!("{} hello", bot.mention()));
    bot.sink.after(1).await;
    bot.running.abort();
    let card = loquat_contract::BotCard { name: "Mira".into(), ..Default::default() };
    let (ingress, _) = crate::connect(super::fixture::config(bot.guild.discord.address()), card).unwrap();
    bot.ingress = std::sync::Arc::new(ingress);
    bot.again();
    until(|| bot.sink.reconnected.load(std::sync::atomic::Ordering::SeqCst) == 2).await;
    bot.guild.discord.edit(asked, &format!("{} goodbye", bot.mention())).unwrap();
    let edit = bot.sink.after(2).await.remove(1);
    let wanted = Event::Edit { message: MessageId(asked.to_string()), now: "goodbye".into() };
    assert_eq!(edit.event, wanted);
}

#[tokio::test]
async fn a_thread_that_the_bot_left_is_nobodys_but_the_peoples() {
    let bot = Bot::with(Options::default(), |config| Config { message_content: true, ..config }).await;
    let discord = &bot.guild.discord;
    let ann = discord.person("ann");
    let thread = discord.thread(bot.guild.channel("a"), ann, "a thread");
    discord.say(thread, ann, format!("{} one", bot.mention())).unwrap();
    let first = bot.sink.after(1).await.remove(0);
    Administration::leave(&*bot.egress, &first.conversation).await.unwrap();
    discord.say(thread, ann, "among ourselves").unwrap();
    discord.say(thread, ann, format!("{} two", bot.mention())).unwrap();
    assert_eq!(bot.sink.after(2).await[1].text(), Some("two"));
}

#[tokio::test]
async fn edits_deletions_and_reactions_are_told_of_what_the_bot_has_to_do_with() {
    let bot = Bot::start().await;
    let discord = &bot.guild.discord;
    let (ann, bob) = (discord.person("ann"), discord.person("bob"));
    let asked = bot.say("a", "ann", format!("{} hello", bot.mention()));
    let foreign = bot.say("a", "bob", "nothing for the bot");
    discord.edit(foreign, "nothing at all").unwrap();
    discord.edit(asked, &format!("{} hello again", bot.mention())).unwrap();
    let to = bot.sink.after(2).await[0].address();
    let Event::Edit { message, now } = &bot.sink.accepted()[1].event else { panic!() };
    assert_eq!((message.0.clone(), now.text.as_str()), (asked.to_string(), "hello again"));
    sent(bot.deliver(&envelope(to, "hi")).await);
    let answer = bot.said("a")[0].id;
    discord.react(foreign, ann, "👍").unwrap();
    discord.react(answer, bob, "👍").unwrap();
    discord.take_back(answer, bob, "👍").unwrap();
    discord.react(answer, bob, "👍").unwrap();
    let reactions: Vec<_> = bot.sink.after(5).await[2..].to_vec();
    for (reaction, is_removed) in reactions.iter().zip([false, true, false]) {
        let Event::Reaction { message, emoji, removed } = &reaction.event else { panic!("{reaction:?}") };
        assert_eq!((message.0.clone(), emoji.as_str(), *removed), (answer.to_string(), "👍", is_removed));
        assert_eq!(reaction.sender.id, bob.to_string());
    }
    discord.delete(foreign).unwrap();
    discord.delete(asked).unwrap();
    let gone = bot.sink.after(6).await.remove(5);
    assert_eq!(gone.event, Event::Deletion { message: MessageId(asked.to_string()) });
    assert_eq!(gone.sender.id, ann.to_string());
}

#[tokio::test]
async fn whoever_forgot_the_mention_can_add_it() {
    let bot = Bot::start().await;
    let asked = bot.say("a", "ann", "hello");
    bot.guild.discord.edit(asked, &format!("{} hello", bot.mention())).unwrap();
    let inbound = bot.sink.after(1).await.remove(0);
    assert_eq!((inbound.id.0.clone(), inbound.text()), (asked.to_string(), Some("hello")));
}

#[tokio::test]
async fn files_come_and_go_with_messages() {
    let bot = Bot::start().await;
    let file = Say::from(format!("{} look", bot.mention())).file("a.txt", "text/plain", b"abc".to_vec());
    bot.say("a", "ann", file);
    let inbound = bot.sink.after(1).await.remove(0);
    let Event::Message(message) = &inbound.event else { panic!() };
    let [attachment] = &message.attachments[..] else { panic!() };
    assert_eq!((attachment.name.as_str(), attachment.bytes), ("a.txt", Some(3)));
    assert!(matches!(&attachment.place, Place::Url(url) if url.contains("a.txt")), "{attachment:?}");

    // What came can go back, and so can a file of this machine's.
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("b.bin");
    std::fs::write(&path, [0, 1, 2, 255]).unwrap();
    let own = loquat_contract::Attachment {
        name: "b.bin".into(),
        media_type: String::new(),
        bytes: None,
        place: Place::Path(path),
    };
    let mut answer = envelope(inbound.address(), "here");
    answer.part.attachments = vec![attachment.clone(), own];
    sent(bot.deliver(&answer).await);
    let files = bot.said("a").remove(0).files;
    let files: Vec<_> = files.iter().map(|(name, _, bytes)| (name.as_str(), bytes.to_vec())).collect();
    assert_eq!(files, [("a.txt", b"abc".to_vec()), ("b.bin", vec![0, 1, 2, 255])]);
}

#[tokio::test]
async fn the_bot_answers_only_where_the_config_lets_it() {
    let guild = super::fixture::Guild::with(Options::default()).await.unwrap();
    let (allowed, other) = (guild.channel("a"), guild.channel("b"));
    let elsewhere = guild.discord.guild("Elsewhere");
    let (foreign, mine) = (guild.discord.text_channel(elsewhere, "c"), guild.id().to_string());
    let bot = Bot::unready(guild, |config| Config {
        guilds: vec![mine],
        channels: vec![allowed.to_string()],
        direct_messages: false,
        ..config
    })
    .await;
    let discord = &bot.guild.discord;
    discord.ready().await.unwrap();
    let ann = discord.person("ann");
    let thread = discord.thread(allowed, ann, "thread");
    for channel in [other, foreign, discord.direct(ann), thread, allowed] {
        discord.say(channel, ann, format!("{} here", bot.mention())).unwrap();
    }
    let accepted = bot.sink.after(2).await;
    assert_eq!(accepted[0].conversation.thread, Some(thread.to_string()));
    assert_eq!(accepted[1].conversation, conversation(allowed));
    assert_eq!(accepted.len(), 2);
}

#[tokio::test]
async fn typing_is_shown_also_before_the_thread_is_open() {
    use loquat_contract::Egress;
    let bot =
        Bot::with(Options::default(), |config| Config { conversation: ConversationKind::Thread, ..config })
            .await;
    bot.say("a", "ann", format!("{} hello", bot.mention()));
    let inbound = bot.sink.after(1).await.remove(0);
    bot.egress.signal_typing(&inbound.conversation).await;
    let channel = bot.guild.channel("a");
    until(|| bot.guild.discord.typing().iter().any(|typing| typing.channel == channel)).await;
}

#[tokio::test]
async fn only_mentions_that_the_host_makes_call_somebody() {
    use loquat_contract::{Block, Document, Format, Inline, Mentioned};
    let bot = Bot::start().await;
    let bob = bot.guild.discord.person("bob");
    bot.say("a", "bob", "hello");
    bot.say("a", "ann", format!("{} hello", bot.mention()));
    let to = bot.sink.after(1).await.remove(0).address();
    let mut answer = envelope(to, "x");
    let mention = Inline::Mention(Mentioned { id: bob.to_string(), name: "bob".into() });
    let words = Inline::Text(format!(" said it, not <@{}>", bot.guild.discord.person("ann")));
    let document = Document { blocks: vec![Block::Paragraph(vec![mention, words])] };
    answer.part.text = document.render(Format::ChatMarkdown);
    answer.part.document = document;
    let id = sent(bot.deliver(&answer).await);
    let said = bot.said("a").into_iter().find(|said| said.id.to_string() == id.0).unwrap();
    assert_eq!(bot.guild.discord.notified(said.id), ["bob"]);
    assert!(part("a").attachments.is_empty());
}
