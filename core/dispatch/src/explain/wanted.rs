//! Whether somebody asks why. In: an event. Out: which reply is to be explained; `None` for everything else.

use loquat_contract::{Event, Inbound, MessageId, Sequence};

/// What the command is called.
const NAMES: [&str; 2] = ["why", "为什么"];
/// What a command begins with where the platform leaves commands to the bot. IRC clients keep what begins with `/`.
const SIGNS: [char; 4] = ['/', '!', '／', '！'];

/// Which reply is meant.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Wanted {
    /// Counted back from the last, which is 1.
    Back(usize),
    /// The one to a message, or of which this message is a part.
    About(MessageId),
    /// The one under this number of the ledger.
    Number(Sequence),
    /// What stands behind the command names none.
    Unclear,
}

/// Which reply an event asks about: `/why`, `/why 2`, `/why #12`, or `/why` in answer to a message.
pub(crate) fn wanted(inbound: &Inbound) -> Option<Wanted> {
    match &inbound.event {
        Event::Command { name, arguments } => is_name(name).then(|| which(arguments, None)),
        Event::Message(message) | Event::Edit { now: message, .. } => {
            let rest = message.text.trim().strip_prefix(SIGNS)?;
            let (command, arguments) = rest.split_once(char::is_whitespace).unwrap_or((rest, ""));
            // Telegram names the bot that is meant: `/why@loquat_bot`.
            let name = command.split('@').next().unwrap_or_default();
            is_name(name).then(|| which(arguments, message.reply_to.as_ref()))
        }
        _ => None,
    }
}

fn is_name(name: &str) -> bool {
    NAMES.iter().any(|known| known.eq_ignore_ascii_case(name))
}

fn which(arguments: &str, reply_to: Option<&MessageId>) -> Wanted {
    let arguments = arguments.trim();
    let number = |text: &str| text.trim().parse::<u64>().ok().filter(|number| *number > 0);
    match (arguments.strip_prefix('#'), reply_to) {
        (Some(sequence), _) => {
            number(sequence).map_or(Wanted::Unclear, |number| Wanted::Number(Sequence(number)))
        }
        (None, Some(message)) if arguments.is_empty() => Wanted::About(message.clone()),
        (None, _) if arguments.is_empty() => Wanted::Back(1),
        (None, _) => number(arguments)
            .and_then(|number| usize::try_from(number).ok())
            .map_or(Wanted::Unclear, Wanted::Back),
    }
}

#[cfg(test)]
mod tests {
    use loquat_contract::{ConversationId, Message, Sender};

    use super::*;

    fn of(event: Event) -> Option<Wanted> {
        let conversation =
            ConversationId { bot: "b".into(), platform: "p".into(), channel: "c".into(), thread: None };
        wanted(&Inbound { event, ..Inbound::message(conversation, "1", Sender::new("a"), "") })
    }

    #[test]
    fn the_command_says_which_reply_is_meant() {
        for (text, expected) in [
            ("/why", Wanted::Back(1)),
            (" !WHY ", Wanted::Back(1)),
            ("/why@loquat_bot 2", Wanted::Back(2)),
            ("/why #12", Wanted::Number(Sequence(12))),
            ("！为什么 3", Wanted::Back(3)),
            ("/why 0", Wanted::Unclear),
            ("/why is Sydney the capital?", Wanted::Unclear),
            ("/why #", Wanted::Unclear),
        ] {
            assert_eq!(of(Event::Message(text.into())), Some(expected), "{text}");
        }
        for text in ["why", "Why?", "Why is Sydney the capital of Australia?", "/whynot", "/ why", "!", ""] {
            assert_eq!(of(Event::Message(text.into())), None, "{text}");
        }
    }

    #[test]
    fn a_command_of_the_platform_and_an_answer_to_a_message_are_understood() {
        let command = |name: &str, arguments: &str| {
            of(Event::Command { name: name.into(), arguments: arguments.into() })
        };
        assert_eq!(command("why", ""), Some(Wanted::Back(1)));
        assert_eq!(command("why", " #7 "), Some(Wanted::Number(Sequence(7))));
        assert_eq!(command("start", ""), None);
        let meant = MessageId("m7".into());
        let in_answer = |text: &str| {
            let message = Message { reply_to: Some(meant.clone()), ..Message::from(text) };
            of(Event::Message(message))
        };
        assert_eq!(in_answer("/why"), Some(Wanted::About(meant.clone())));
        assert_eq!(in_answer("/why 2"), Some(Wanted::Back(2)), "what is said counts");
        assert_eq!(in_answer("thanks"), None);
    }
}
