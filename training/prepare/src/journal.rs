//! The bot's own conversations. In: what was asked and answered, and what people think of it. Out: conversations in which the replies that
//! they liked are learnt. Where it is read from is the command's business.

use std::collections::BTreeMap;

use crate::chat::Chat;
use crate::dice::digest;
use crate::example::{Message, Role};
use crate::settings::{Journal, Replies};

/// So many messages before a reply, where the recipe does not say.
const BEFORE: usize = 4;

/// A question and its reply.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Exchange {
    /// Its number in the journal.
    pub number: u64,
    /// What was asked.
    pub asked: String,
    /// What the bot said.
    pub answered: String,
    /// How many liked it.
    pub liked: usize,
    /// How many disliked it.
    pub disliked: usize,
    /// What to call who asked, where it is known.
    pub names: Vec<String>,
    /// Whether the reply cites facts.
    pub is_grounded: bool,
}

/// One conversation for each reply to be learnt, with what was said before it; the earlier replies are read and not learnt.
pub fn chats(conversations: &BTreeMap<String, Vec<Exchange>>, system: &str, settings: &Journal) -> Vec<Chat> {
    let mut chats = Vec::new();
    for (conversation, exchanges) in conversations {
        // On many platforms a conversation's id is its person's.
        let unit = format!("journal-{:016x}", digest(0, "conversation", conversation));
        let names: Vec<String> =
            exchanges.iter().flat_map(|exchange| exchange.names.iter().cloned()).collect();
        let mut before: Vec<Message> = Vec::new();
        for exchange in exchanges {
            let is_bad = exchange.disliked > 0;
            let is_learnt = !is_bad && (settings.replies == Replies::NotBad || exchange.liked > 0);
            let asked = Message::new(Role::User, &exchange.asked);
            let answered = Message::new(Role::Assistant, &exchange.answered);
            if is_learnt {
                let most = settings.messages_before.unwrap_or(BEFORE);
                let shown = &before[before.len().saturating_sub(most)..];
                let head = Some(Message::new(Role::System, system)).filter(|_| !system.is_empty());
                let own = [asked.clone(), answered.clone()];
                chats.push(Chat {
                    id: format!("journal#{}", exchange.number),
                    unit: unit.clone(),
                    messages: head.into_iter().chain(shown.iter().cloned()).chain(own).collect(),
                    names: names.clone(),
                    is_grounded: exchange.is_grounded,
                });
            }
            if is_bad && !settings.keep_bad_as_context {
                before.clear();
            } else {
                before.extend([asked, answered.only_read()]);
            }
        }
    }
    chats
}

#[cfg(test)]
mod tests {
    use super::*;

    fn all() -> BTreeMap<String, Vec<Exchange>> {
        let exchange = |number: u64, liked, disliked| Exchange {
            number,
            asked: format!("q{number}"),
            answered: format!("a{number}"),
            liked,
            disliked,
            names: vec!["Ann".into()],
            is_grounded: number > 3,
        };
        let all = vec![exchange(1, 1, 0), exchange(2, 1, 1), exchange(3, 0, 0), exchange(4, 2, 0)];
        BTreeMap::from([("c".to_owned(), all)])
    }

    fn made(settings: &Journal) -> Vec<Vec<String>> {
        let told = |message: &Message| {
            let is_learnt = message.role == Role::Assistant && message.weight.is_none();
            format!("{}{}", message.content, if is_learnt { "!" } else { "" })
        };
        chats(&all(), "", settings).iter().map(|chat| chat.messages.iter().map(told).collect()).collect()
    }

    #[test]
    fn liked_replies_are_learnt_and_disliked_ones_never() {
        assert_eq!(made(&Journal::default()), [vec!["q1", "a1!"], vec!["q3", "a3", "q4", "a4!"]]);
        let not_bad = Journal { replies: Replies::NotBad, ..Journal::default() };
        assert_eq!(made(&not_bad).len(), 3);
        let asked = chats(&all(), "", &not_bad);
        assert_eq!(asked[2].question().turns, ["q3", "q4"]);
        assert_eq!(asked.iter().map(|chat| chat.is_grounded).collect::<Vec<_>>(), [false, false, true]);
        let kept = Journal { keep_bad_as_context: true, messages_before: Some(4), ..Journal::default() };
        assert_eq!(made(&kept)[1], ["q2", "a2", "q3", "a3", "q4", "a4!"]);
    }
}
