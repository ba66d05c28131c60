//! The bot's own conversations. In: what was asked and answered, and what people think of it. Out: the replies that they liked: those from
//! facts, to be asked again, and small talk behind the prompt that the bot's model gets for it. Where it is read from is the command's business.

use std::collections::BTreeMap;

use loquat_contract::Outcome;

use crate::bot::Bot;
use crate::chat::Chat;
use crate::dice::digest;
use crate::error::PrepareError;
use crate::example::{Message, Role};
use crate::settings::{Journal, Replies};

/// So many messages before a reply, where the recipe does not say.
const BEFORE: usize = 4;

/// A question and its reply.
#[derive(Clone, Debug, PartialEq, Eq)]
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
    /// What the bot made of it.
    pub outcome: Outcome,
}

/// One conversation for each reply to be learnt, with what was said before it; the earlier replies are read and not learnt. That the bot did
/// not know something, or asked back, is no reply to learn.
pub fn chats(conversations: &BTreeMap<String, Vec<Exchange>>, settings: &Journal) -> Vec<Chat> {
    let mut chats = Vec::new();
    for (conversation, exchanges) in conversations {
        // On many platforms a conversation's id is its person's.
        let unit = format!("journal-{:016x}", digest(0, "conversation", conversation));
        let names: Vec<String> =
            exchanges.iter().flat_map(|exchange| exchange.names.iter().cloned()).collect();
        let mut before: Vec<Message> = Vec::new();
        for exchange in exchanges {
            let is_bad = exchange.disliked > 0;
            let is_liked = !is_bad && (settings.replies == Replies::NotBad || exchange.liked > 0);
            let is_learnt = is_liked && matches!(exchange.outcome, Outcome::Answered | Outcome::Smalltalk);
            let asked = Message::new(Role::User, &exchange.asked);
            let answered = Message::new(Role::Assistant, &exchange.answered);
            if is_learnt {
                let most = settings.messages_before.unwrap_or(BEFORE);
                let shown = &before[before.len().saturating_sub(most)..];
                let own = [asked.clone(), answered.clone()];
                chats.push(Chat {
                    id: format!("journal#{}", exchange.number),
                    unit: unit.clone(),
                    messages: shown.iter().cloned().chain(own).collect(),
                    names: names.clone(),
                    is_grounded: exchange.outcome == Outcome::Answered,
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

/// Small talk as the bot's model is asked for it, with the reply that was liked; `None` where the bot, as it is now, asks its model for no small talk
/// there.
///
/// # Errors
/// When the bot fails.
pub async fn talked(bot: &Bot, chat: Chat) -> Result<Option<Chat>, PrepareError> {
    let [.., asked, answered] = chat.messages.as_slice() else { return Ok(None) };
    let Some(answer) = bot.ask(std::slice::from_ref(&asked.content)).await? else { return Ok(None) };
    if answer.reply.outcome != Outcome::Smalltalk {
        return Ok(None);
    }
    let Some(mut messages) = answer.prompt else { return Ok(None) };
    messages.push(answered.clone());
    Ok(Some(Chat { messages, ..chat }))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn all() -> BTreeMap<String, Vec<Exchange>> {
        let exchange = |number: u64, liked, disliked, outcome| Exchange {
            number,
            asked: format!("q{number}"),
            answered: format!("a{number}"),
            liked,
            disliked,
            names: vec!["Ann".into()],
            outcome,
        };
        let all = vec![
            exchange(1, 1, 0, Outcome::Smalltalk),
            exchange(2, 1, 1, Outcome::Smalltalk),
            exchange(3, 0, 0, Outcome::Smalltalk),
            exchange(4, 2, 0, Outcome::Answered),
            exchange(5, 1, 0, Outcome::Abstained),
        ];
        BTreeMap::from([("c".to_owned(), all)])
    }

    fn made(settings: &Journal) -> Vec<Vec<String>> {
        let told = |message: &Message| {
            let is_learnt = message.role == Role::Assistant && message.weight.is_none();
            format!("{}{}", message.content, if is_learnt { "!" } else { "" })
        };
        chats(&all(), settings).iter().map(|chat| chat.messages.iter().map(told).collect()).collect()
    }

    #[test]
    fn liked_replies_are_learnt_and_disliked_ones_never() {
        assert_eq!(made(&Journal::default()), [vec!["q1", "a1!"], vec!["q3", "a3", "q4", "a4!"]]);
        let not_bad = Journal { replies: Replies::NotBad, ..Journal::default() };
        assert_eq!(made(&not_bad).len(), 3);
        let asked = chats(&all(), &not_bad);
        assert_eq!(asked[2].question().turns, ["q3", "q4"]);
        assert_eq!(asked.iter().map(|chat| chat.is_grounded).collect::<Vec<_>>(), [false, false, true]);
        let kept = Journal { keep_bad_as_context: true, messages_before: Some(4), ..Journal::default() };
        assert_eq!(made(&kept)[1], ["q2", "a2", "q3", "a3", "q4", "a4!"]);
    }
}
