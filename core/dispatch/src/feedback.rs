//! What people think of the bot's replies. In: entries of the journal, in order. Out: for each person and reply, what counts: the last of
//! reactions and buttons that was not taken back, and the last words. It is nothing of its own on disk: who is erased takes
//! their feedback with them.

use std::collections::{BTreeMap, HashMap};

use loquat_contract::{ConversationId, Entry, Event, MessageId, PartState, Person, Sequence, Timestamp};
use serde::Serialize;

use crate::buttons::{Action, Id, Meaning};
use crate::commands::Order;
use crate::wish::Wish;

/// Whether somebody likes a reply.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Rating {
    /// They do.
    Good,
    /// They do not.
    Bad,
}

/// Reactions that say that a reply is good.
const GOOD: [&str; 20] = [
    "👍", "❤", "🎉", "👏", "🔥", "💯", "😍", "🥰", "👌", "🙏", "⭐", "✅", "🤩", "🏆", "🤗", "💖", "😊",
    "+1", "thumbsup", "heart",
];
/// Reactions that say that a reply is bad. One that may be either, such as a laugh, is neither.
const BAD: [&str; 12] = ["👎", "😕", "💩", "🤮", "😢", "😡", "🤬", "😠", "❌", "😞", "-1", "thumbsdown"];

impl Rating {
    /// What a reaction says; `None` where it says nothing of the kind.
    pub fn of(emoji: &str) -> Option<Self> {
        // Without what only chooses a picture or a colour of skin.
        let is_shade = |c: char| matches!(c, '\u{fe0e}' | '\u{fe0f}' | '\u{1f3fb}'..='\u{1f3ff}');
        let bare: String = emoji.trim().trim_matches(':').chars().filter(|c| !is_shade(*c)).collect();
        let is_among = |emojis: &[&str]| emojis.contains(&bare.as_str());
        match () {
            () if is_among(&GOOD) => Some(Self::Good),
            () if is_among(&BAD) => Some(Self::Bad),
            () => None,
        }
    }

    /// Its name in metrics and lists.
    pub fn name(self) -> &'static str {
        match self {
            Self::Good => "good",
            Self::Bad => "bad",
        }
    }
}

/// What somebody thinks of a reply.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Feedback {
    /// The entry whose reply it is about.
    pub reply: Sequence,
    /// Who.
    pub person: Person,
    /// Whether they like it; `None` where they only say something.
    pub verdict: Option<Rating>,
    /// What they say of it.
    pub text: Option<String>,
    /// When they last said or did something about it.
    pub at: Timestamp,
}

/// What people think of the replies among `entries`, which come in the order of the journal; by reply.
pub fn feedback<'a>(entries: impl IntoIterator<Item = &'a Entry>) -> Vec<Feedback> {
    let mut gathering = Gathering::default();
    entries.into_iter().for_each(|entry| gathering.take(entry));
    gathering.finish()
}

/// What one person did about one reply.
#[derive(Debug, Default)]
struct Opinion {
    /// Reactions and buttons that stand, the last one last; a button has no emoji.
    marks: Vec<(Option<String>, Rating)>,
    text: Option<String>,
    at: Timestamp,
}

/// [`feedback`] of a journal that is read entry by entry.
#[derive(Debug, Default)]
pub struct Gathering {
    /// Replies by the messages that they were sent as.
    parts: HashMap<(ConversationId, MessageId), Sequence>,
    /// Replies by the messages that they answer.
    questions: HashMap<(ConversationId, MessageId), Sequence>,
    /// Where each reply is.
    replies: HashMap<Sequence, ConversationId>,
    /// The last reply of a conversation.
    last: HashMap<ConversationId, Sequence>,
    opinions: BTreeMap<(Sequence, Person), Opinion>,
}

impl Gathering {
    /// Takes the next entry in.
    pub fn take(&mut self, entry: &Entry) {
        self.take_opinion(entry);
        if entry.prepared.as_ref().is_none_or(|prepared| prepared.reply.is_none()) {
            return;
        }
        let conversation = &entry.inbound.conversation;
        for part in &entry.parts {
            if let PartState::Sent { id: Some(id) } = part {
                self.parts.insert((conversation.clone(), id.clone()), entry.sequence);
            }
        }
        let answered = entry.inbound.address();
        self.questions.insert((conversation.clone(), answered.in_reply_to), entry.sequence);
        self.replies.insert(entry.sequence, conversation.clone());
        self.last.insert(conversation.clone(), entry.sequence);
    }

    /// The reply that the entry says something of, where it does.
    fn take_opinion(&mut self, entry: &Entry) -> Option<Sequence> {
        let inbound = &entry.inbound;
        let place = |message: &MessageId| (inbound.conversation.clone(), message.clone());
        match &inbound.event {
            Event::Reaction { message, emoji, removed } => {
                let rating = Rating::of(emoji)?;
                let reply = *self.parts.get(&place(message))?;
                let opinion = self.opinion(reply, entry);
                opinion.marks.retain(|(mark, _)| mark.as_ref() != Some(emoji));
                if !removed {
                    opinion.marks.push((Some(emoji.clone()), rating));
                }
                Some(reply)
            }
            Event::Button { id, .. } => {
                let (rating, reply) = match Id::parse(id) {
                    Some(Id { meaning: Meaning::Action(Action::Good), of }) => (Rating::Good, of),
                    Some(Id { meaning: Meaning::Action(Action::Bad), of }) => (Rating::Bad, of),
                    _ => return None,
                };
                // Erased meanwhile, or past retention: there is nothing any more that it is about.
                if !self.is_known(reply, &inbound.conversation) {
                    return None;
                }
                let opinion = self.opinion(reply, entry);
                opinion.marks.retain(|(mark, _)| mark.is_some());
                opinion.marks.push((None, rating));
                Some(reply)
            }
            _ => {
                let Wish::Order(Order::Feedback { text, about }) = Wish::of(inbound) else { return None };
                let reply = match &about {
                    Some(message) => self.parts.get(&place(message)).or(self.questions.get(&place(message))),
                    None => self.last.get(&inbound.conversation),
                };
                let reply = reply.copied().filter(|_| !text.is_empty())?;
                self.opinion(reply, entry).text = Some(text);
                Some(reply)
            }
        }
    }

    fn is_known(&self, reply: Sequence, conversation: &ConversationId) -> bool {
        self.replies.get(&reply) == Some(conversation)
    }

    fn opinion(&mut self, reply: Sequence, entry: &Entry) -> &mut Opinion {
        let opinion = self.opinions.entry((reply, entry.inbound.person())).or_default();
        opinion.at = entry.accepted_at;
        opinion
    }

    /// Takes the next entry in, and says what its person thinks of the reply now that it is about; `None` where it is about none, or they
    /// took back all they had said.
    pub(crate) fn told(mut self, entry: &Entry) -> Option<Feedback> {
        let reply = self.take_opinion(entry)?;
        let person = entry.inbound.person();
        self.finish().into_iter().find(|one| one.reply == reply && one.person == person)
    }

    /// What counts of all that was taken in, by reply.
    pub fn finish(self) -> Vec<Feedback> {
        let of = |((reply, person), opinion): ((Sequence, Person), Opinion)| {
            let verdict = opinion.marks.last().map(|(_, rating)| *rating);
            let Opinion { text, at, .. } = opinion;
            (verdict.is_some() || text.is_some()).then_some(Feedback { reply, person, verdict, text, at })
        };
        self.opinions.into_iter().filter_map(of).collect()
    }
}
