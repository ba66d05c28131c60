//! What an event wants of the bot. In: an event. Out: a question, a command, a button's meaning, or nothing. Looks nothing up: the same event
//! always wants the same.

use loquat_contract::{Event, Inbound, Message, Sequence};

use crate::buttons::{Action, Id, Meaning};
use crate::commands::{Order, Wanted, order};

/// What an event wants.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Wish {
    /// To have these words answered.
    Answer(String),
    /// To have something answered, without saying what; the command's name.
    Wordless(String),
    /// To have files looked at, and nothing else.
    Files(Vec<String>),
    /// To have a choice of this entry answered, counted from 0.
    Choose(usize, Sequence),
    /// To have the question of this entry answered again.
    Retry(Sequence),
    /// A command of the host's own.
    Order(Order),
    /// Nothing that is answered.
    Nothing,
}

impl Wish {
    /// What an event wants.
    pub(crate) fn of(inbound: &Inbound) -> Self {
        match &inbound.event {
            Event::Message(message) | Event::Edit { now: message, .. } => of_message(message),
            Event::Command { name, arguments } => match order(name, arguments, None) {
                Some(order) => Self::of_order(order),
                None if arguments.trim().is_empty() => Self::Wordless(name.clone()),
                None => Self::Answer(arguments.clone()),
            },
            Event::Button { id, .. } => Id::parse(id).map_or(Self::Nothing, of_button),
            Event::Deletion { .. }
            | Event::Reaction { .. }
            | Event::Join
            | Event::Leave
            | Event::Moved { .. } => Self::Nothing,
        }
    }

    fn of_order(order: Order) -> Self {
        match order {
            Order::Ask(words) if words.is_empty() => Self::Wordless("ask".to_owned()),
            Order::Ask(words) => Self::Answer(words),
            order => Self::Order(order),
        }
    }

    /// Whether it is answered by the bot's engine out of the person's own words.
    pub(crate) fn is_question(&self) -> bool {
        matches!(self, Self::Answer(_))
    }

    /// Whether the answer is for the person alone, where it came as a button or a command of the platform.
    pub(crate) fn is_private(&self) -> bool {
        matches!(self, Self::Order(order) if order.is_private())
    }
}

fn of_message(message: &Message) -> Wish {
    let text = message.text.trim();
    if let Some(order) = crate::commands::in_text(text, message.reply_to.as_ref()) {
        return Wish::of_order(order);
    }
    if text.is_empty() && !message.attachments.is_empty() {
        return Wish::Files(message.attachments.iter().map(|file| file.name.clone()).collect());
    }
    Wish::Answer(message.text.clone())
}

fn of_button(id: Id) -> Wish {
    match id.meaning {
        Meaning::Choice(place) => Wish::Choose(place, id.of),
        Meaning::Action(Action::Why) => Wish::Order(Order::Why(Wanted::Number(id.of))),
        Meaning::Action(Action::Retry) => Wish::Retry(id.of),
        Meaning::Action(Action::Human) => Wish::Order(Order::Human),
        // They are feedback, which is read from the journal.
        Meaning::Action(Action::Good | Action::Bad) => Wish::Nothing,
    }
}

#[cfg(test)]
mod tests {
    use loquat_contract::{Attachment, ConversationId, Place, Sender};

    use super::*;

    fn of(event: Event) -> Wish {
        let conversation =
            ConversationId { bot: "b".into(), platform: "p".into(), channel: "c".into(), thread: None };
        Wish::of(&Inbound { event, ..Inbound::message(conversation, "1", Sender::new("a"), "") })
    }

    #[test]
    fn words_commands_files_and_buttons_are_told_apart() {
        let said = |text: &str| of(Event::Message(text.into()));
        let command = |name: &str, arguments: &str| {
            of(Event::Command { name: name.into(), arguments: arguments.into() })
        };
        for (wish, expected) in [
            (said("capital?"), Wish::Answer("capital?".into())),
            (said("/ask  capital? "), Wish::Answer("capital?".into())),
            (said("!ask"), Wish::Wordless("ask".into())),
            (said("/unheard of"), Wish::Answer("/unheard of".into())),
            (command("unheard", "of it"), Wish::Answer("of it".into())),
            (command("unheard", " "), Wish::Wordless("unheard".into())),
            (command("ask", "capital?"), Wish::Answer("capital?".into())),
            (command("reset@my_bot", ""), Wish::Order(Order::Reset)),
            (said("/reset"), Wish::Order(Order::Reset)),
            (said("reset"), Wish::Answer("reset".into())),
        ] {
            assert_eq!(wish, expected);
        }
        let file = Attachment {
            name: "a.png".into(),
            media_type: String::new(),
            bytes: None,
            place: Place::PlatformFile("1".into()),
        };
        let with = |text: &str| {
            of(Event::Message(Message { attachments: vec![file.clone()], ..Message::from(text) }))
        };
        assert_eq!(with(" "), Wish::Files(vec!["a.png".into()]));
        assert_eq!(with("what is this?"), Wish::Answer("what is this?".into()));
        let pressed =
            |id: &str| of(Event::Button { message: loquat_contract::MessageId("m".into()), id: id.into() });
        assert_eq!(pressed("c1.z"), Wish::Choose(1, Sequence(35)));
        assert_eq!(pressed("why.a"), Wish::Order(Order::Why(Wanted::Number(Sequence(10)))));
        assert_eq!(pressed("good.a"), Wish::Nothing);
        assert_eq!(pressed("strange"), Wish::Nothing);
    }
}
