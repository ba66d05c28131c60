//! What is printed for sentences and replies.

use std::sync::Arc;

use loquat_contract::{
    Address, Capabilities, Choice, ConversationId, Delivery, Draft, Drafts, Egress, MessageId, Policy, Reply,
    Sentence, Verdict,
};

use super::fakes::{Broken, Paper, envelope, note, notice, reply, sentence, supported};
use crate::TerminalEgress;
use crate::deliver::Screen;

const SENT: Delivery = Delivery::Sent { id: None };

fn address() -> Address {
    let conversation =
        ConversationId { bot: "b".into(), platform: "terminal".into(), channel: "c".into(), thread: None };
    Address { conversation, in_reply_to: MessageId("1".into()) }
}

/// What is on paper after each draft, and at the end.
async fn printed(drafts: &[Sentence], reply: &Reply) -> Vec<String> {
    let paper = Paper::default();
    let screen = Arc::new(Screen::plain(Box::new(paper.clone())));
    let answered = screen.expect(&address());
    let egress = TerminalEgress::new(screen);
    let mut seen = Vec::new();
    for count in 1..=drafts.len() {
        egress.drafts().unwrap().draft(&Draft::new(address(), drafts[..count].to_vec())).await;
        seen.push(paper.text());
    }
    assert!(!answered.is_cancelled());
    assert_eq!(egress.deliver(&envelope(&address(), reply)).await, SENT);
    assert!(answered.is_cancelled());
    seen.push(paper.text());
    seen
}

#[tokio::test]
async fn sentences_appear_as_they_come_and_facts_below() {
    let sentences = vec![
        supported("Thimphu is the capital.", &["f1"]),
        supported("Dzongkha is spoken there.", &["f2", "f1"]),
        sentence("Anything else?", Verdict::NoClaim, &[]),
    ];
    let seen = printed(&sentences, &reply("en", Policy::Strict, sentences.clone())).await;
    assert_eq!(
        seen,
        [
            "Thimphu is the capital. [1]",
            "Thimphu is the capital. [1] Dzongkha is spoken there. [2] [1]",
            "Thimphu is the capital. [1] Dzongkha is spoken there. [2] [1] Anything else?",
            "Thimphu is the capital. [1] Dzongkha is spoken there. [2] [1] Anything else?\n\n  \
             [1] Bhutan — says — f1\n  [2] Bhutan — says — f2 (world.ttl)\n\n",
        ]
    );
}

#[tokio::test]
async fn without_drafts_the_reply_is_the_same() {
    let whole = reply("en", Policy::Strict, vec![supported("One.", &["f1"]), supported("Two.", &["f2"])]);
    let drafted = printed(&whole.sentences, &whole).await;
    assert_eq!(drafted.last(), printed(&[], &whole).await.last());
}

#[tokio::test]
async fn an_unsupported_sentence_is_marked_where_the_policy_says_so() {
    let doubtful = sentence("It has dragons.", Verdict::Unsupported, &[]);
    let sentences = vec![supported("A.", &["f1"]), doubtful.clone(), supported("B.", &["f1"])];
    let hedged = printed(&sentences, &reply("en", Policy::Hedged, sentences.clone())).await;
    assert_eq!(hedged[..3], ["A. [1]"; 3], "what the policy decides waits for the reply");
    assert!(hedged[3].starts_with("A. [1] It has dragons. (not in my facts) B. [1]\n"), "{}", hedged[3]);
    let open = printed(&sentences, &reply("en", Policy::Open, sentences.clone())).await;
    assert!(open[3].starts_with("A. [1] It has dragons. B. [1]\n"), "{}", open[3]);
    let chinese = printed(&[], &reply("zh", Policy::Hedged, vec![doubtful])).await;
    assert!(chinese[0].contains("(我的事实中没有)"), "{}", chinese[0]);
}

#[tokio::test]
async fn a_sentence_that_the_facts_deny_names_them_within_the_mark() {
    let denied = sentence("It is Paro.", Verdict::Contradicted, &["f1"]);
    let sentences = vec![denied, sentence("Really.", Verdict::NoClaim, &[])];
    let of = |language, policy| {
        let reply = reply(language, policy, sentences.clone());
        async move { printed(&[], &reply).await.remove(0) }
    };
    let english = of("en", Policy::Hedged).await;
    assert!(english.starts_with("It is Paro. (my facts say otherwise [1]) Really.\n"), "{english}");
    let chinese = of("zh", Policy::Hedged).await;
    assert!(chinese.contains("(与我的事实不符 [1])"), "{chinese}");
    let open = of("en", Policy::Open).await;
    assert!(open.starts_with("It is Paro. Really.\n"), "{open}");
}

#[tokio::test]
async fn what_can_be_chosen_stands_numbered_below_the_question() {
    let asked = sentence("Which Georgia?", Verdict::NoClaim, &[]);
    let mut back = reply("en", Policy::Strict, vec![asked]);
    back.choices = ["the country", "the\nUS \u{1b}[2Jstate"]
        .map(|label| Choice { label: label.into(), value: label.into() })
        .into();
    let seen = printed(&[], &back).await;
    assert_eq!(seen, ["Which Georgia?\n\n  1. the country\n  2. the US [2Jstate\n\n"]);
    assert_eq!(crate::render(&back), "Which Georgia?\n  1. the country\n  2. the US [2Jstate\n");
}

#[tokio::test]
async fn an_explanation_is_printed_as_it_is_and_an_apology_stands_out() {
    let paper = Paper::default();
    let egress = TerminalEgress::new(Arc::new(Screen::plain(Box::new(paper.clone()))));
    assert_eq!(egress.deliver(&note(&address(), "About answer #1:\n\n“Yes.”")).await, SENT);
    assert!(paper.text().ends_with("About answer #1:\n\n“Yes.”\n\n"), "{}", paper.text());
    assert!(!paper.raw().contains("\u{1b}[33m"), "yellow is for what went wrong: {:?}", paper.raw());
    assert_eq!(egress.deliver(&notice(&address(), "No model.")).await, SENT);
    assert!(paper.raw().contains("\u{1b}[33mNo model."), "{:?}", paper.raw());
}

#[tokio::test]
async fn a_reply_that_says_something_else_is_printed_whole() {
    let drafts = [supported("It is Paro.", &["f1"])];
    let seen =
        printed(&drafts, &reply("en", Policy::Strict, vec![supported("It is Thimphu.", &["f1"])])).await;
    assert!(seen[1].starts_with("It is Paro. [1]\nIt is Thimphu. [1]\n"), "{}", seen[1]);
}

#[tokio::test]
async fn chinese_sentences_stand_side_by_side() {
    let no_claim = |text| sentence(text, Verdict::NoClaim, &[]);
    let sentences =
        vec![no_claim("你好。"), no_claim("请问？"), supported("首都是廷布。", &["f1"]), no_claim("再见。")];
    let seen = printed(&[], &reply("zh", Policy::Strict, sentences)).await;
    assert!(seen[0].starts_with("你好。请问？首都是廷布。 [1] 再见。\n"), "{}", seen[0]);
}

#[tokio::test]
async fn nothing_that_is_said_steers_the_terminal() {
    let paper = Paper::default();
    let egress = TerminalEgress::new(Arc::new(Screen::plain(Box::new(paper.clone()))));
    let mut whole = reply("en", Policy::Strict, vec![supported("\u{1b}]0;owned\u{7}Hi.", &["f1"])]);
    whole.citations[0].source = "\u{1b}[2Ja\nb".into();
    assert_eq!(egress.deliver(&envelope(&address(), &whole)).await, SENT);
    assert_eq!(egress.deliver(&notice(&address(), "\u{9b}2J")).await, SENT);
    let raw = paper.raw();
    assert!(
        !raw.contains("\u{1b}]") && !raw.contains("\u{1b}[2J") && !raw.contains(['\u{7}', '\u{9b}']),
        "{raw:?}"
    );
    assert!(paper.text().contains("([2Ja b)"));
}

#[tokio::test]
async fn an_answer_nobody_waits_for_says_what_it_is() {
    let paper = Paper::default();
    let egress = TerminalEgress::new(Arc::new(Screen::plain(Box::new(paper.clone()))));
    let sentences = vec![supported("Late.", &[])];
    egress.draft(&Draft::new(address(), sentences.clone())).await;
    let delivered = egress.deliver(&envelope(&address(), &reply("en", Policy::Strict, sentences))).await;
    assert_eq!(delivered, SENT);
    assert_eq!(paper.text(), "The answer to an earlier question:\nLate.\n\n");
}

#[tokio::test]
async fn a_screen_that_is_gone_is_an_error() {
    let screen = Arc::new(Screen::plain(Box::new(Broken)));
    let gone = screen.gone();
    let egress = TerminalEgress::new(screen);
    for envelope in
        [envelope(&address(), &reply("en", Policy::Strict, Vec::new())), notice(&address(), "No model.")]
    {
        let delivered = egress.deliver(&envelope).await;
        let Delivery::Permanent { reason } = delivered else { panic!("{delivered:?}") };
        assert!(reason.contains("cannot be written to"), "{reason}");
    }
    assert!(gone.is_cancelled());
}

#[tokio::test]
async fn drafts_that_were_lost_or_come_twice_do_no_harm() {
    let paper = Paper::default();
    let screen = Arc::new(Screen::plain(Box::new(paper.clone())));
    screen.expect(&address());
    let egress = TerminalEgress::new(screen);
    let sentences = ["One.", "Two.", "Three."].map(|text| supported(text, &["f1"]));
    for count in [1, 3, 3, 2] {
        egress.draft(&Draft::new(address(), sentences[..count].to_vec())).await;
    }
    assert_eq!(paper.text(), "One. [1] Two. [1] Three. [1]");
}

#[tokio::test]
async fn a_draft_that_is_withdrawn_ends_the_wait_and_says_so() {
    for (drafted, printed) in [(vec![supported("One.", &[])], "One. (withdrawn)\n\n"), (vec![], "")] {
        let paper = Paper::default();
        let screen = Arc::new(Screen::plain(Box::new(paper.clone())));
        let answered = screen.expect(&address());
        let egress = TerminalEgress::new(screen);
        if !drafted.is_empty() {
            egress.draft(&Draft::new(address(), drafted.to_vec())).await;
        }
        egress.withdraw(&address(), None).await;
        assert_eq!(paper.text(), printed);
        assert!(answered.is_cancelled());
    }
}

#[test]
fn what_the_platform_can_do_is_said() {
    let egress = TerminalEgress::new(Arc::new(Screen::plain(Box::new(Paper::default()))));
    assert_eq!(egress.capabilities(), Capabilities { drafts: true, ..Capabilities::default() });
}
