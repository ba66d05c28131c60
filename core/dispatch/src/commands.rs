//! Commands of the host's own, on every platform. In: `/why 2`, `!why 2`, `/why@my_bot 2`, or the same as a command of the platform. Out: what
//! is wanted; `None` for everything else. `offer` has the list that platforms show, `serve` and `operate` do what is wanted.

mod offer;
mod operate;
mod serve;

use loquat_contract::{MessageId, Sequence};

pub(crate) use offer::{help, offered};
pub(crate) use serve::said;

/// What a command begins with where the platform leaves commands to the bot. IRC clients keep what begins with `/`.
const SIGNS: [char; 4] = ['/', '!', '／', '！'];

/// A command's names in English and Chinese.
const NAMES: [(&str, &str); 11] = [
    ("ask", "提问"),
    ("why", "为什么"),
    ("feedback", "反馈"),
    ("reset", "重置"),
    ("language", "语言"),
    ("help", "帮助"),
    ("start", "开始"),
    ("status", "状态"),
    ("leave", "离开"),
    ("remove", "删除"),
    ("human", "人工"),
];

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

/// A command.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Order {
    /// Answers these words.
    Ask(String),
    /// Says why a reply says what it says.
    Why(Wanted),
    /// Takes what somebody thinks of a reply.
    Feedback {
        /// Their words.
        text: String,
        /// The message that they answer, where they do; else the last reply is meant.
        about: Option<MessageId>,
    },
    /// Forgets what the conversation is about.
    Reset,
    /// Chooses the language of replies.
    Language(String),
    /// Says how to reach a person.
    Human,
    /// Says what can be done.
    Help,
    /// Says who the bot is.
    Start,
    /// Says how the bot is.
    Status,
    /// Leaves the conversation.
    Leave,
    /// Removes a message of the bot's.
    Remove(Wanted),
}

impl Order {
    /// Whether only the person who asked is to see the answer, where the platform can do that.
    pub(crate) fn is_private(&self) -> bool {
        match self {
            Self::Why(_)
            | Self::Feedback { .. }
            | Self::Human
            | Self::Help
            | Self::Status
            | Self::Leave
            | Self::Remove(_) => true,
            Self::Ask(_) | Self::Reset | Self::Language(_) | Self::Start => false,
        }
    }

    /// Whether it is for those who run the bot.
    pub(crate) fn is_for_operators(&self) -> bool {
        matches!(self, Self::Status | Self::Leave | Self::Remove(_))
    }
}

/// The command that a text is.
pub(crate) fn in_text(text: &str, reply_to: Option<&MessageId>) -> Option<Order> {
    let rest = text.trim().strip_prefix(SIGNS)?;
    let (command, arguments) = rest.split_once(char::is_whitespace).unwrap_or((rest, ""));
    order(command, arguments, reply_to)
}

/// The command of this name.
pub(crate) fn order(name: &str, arguments: &str, reply_to: Option<&MessageId>) -> Option<Order> {
    // Telegram names the bot that is meant: `/why@loquat_bot`.
    let name = name.split('@').next().unwrap_or_default();
    let is_meant =
        |(english, chinese): &&(&str, &str)| english.eq_ignore_ascii_case(name) || *chinese == name;
    let (name, _) = NAMES.iter().find(is_meant)?;
    let words = arguments.trim().to_owned();
    Some(match *name {
        "ask" => Order::Ask(words),
        "why" => Order::Why(which(arguments, reply_to)),
        "feedback" => Order::Feedback { text: words, about: reply_to.cloned() },
        "reset" => Order::Reset,
        "language" => Order::Language(words),
        "human" => Order::Human,
        "help" => Order::Help,
        "start" => Order::Start,
        "status" => Order::Status,
        "leave" => Order::Leave,
        _ => Order::Remove(which(arguments, reply_to)),
    })
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
    use super::*;

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
            assert_eq!(in_text(text, None), Some(Order::Why(expected)), "{text}");
        }
        for text in ["why", "Why?", "Why is Sydney the capital of Australia?", "/whynot", "/ why", "!", ""] {
            assert_eq!(in_text(text, None), None, "{text}");
        }
    }

    #[test]
    fn a_command_of_the_platform_and_an_answer_to_a_message_are_understood() {
        assert_eq!(order("why", "", None), Some(Order::Why(Wanted::Back(1))));
        assert_eq!(order("why", " #7 ", None), Some(Order::Why(Wanted::Number(Sequence(7)))));
        assert_eq!(order("unheard", "", None), None);
        let meant = MessageId("m7".into());
        assert_eq!(in_text("/why", Some(&meant)), Some(Order::Why(Wanted::About(meant.clone()))));
        assert_eq!(in_text("/why 2", Some(&meant)), Some(Order::Why(Wanted::Back(2))));
        let remove = in_text("/remove", Some(&meant));
        assert_eq!(remove, Some(Order::Remove(Wanted::About(meant.clone()))));
        let said = Order::Feedback { text: "The date is wrong.".into(), about: Some(meant.clone()) };
        assert_eq!(in_text("/feedback The date is wrong.", Some(&meant)), Some(said));
        assert_eq!(in_text("/语言 zh", None), Some(Order::Language("zh".into())));
    }

    #[test]
    fn every_command_that_is_offered_is_understood() {
        for spec in offered(&[loquat_contract::Language::english()], true) {
            assert!(order(&spec.name, "", None).is_some(), "{}", spec.name);
        }
    }
}
