//! What a line means. In: a line as typed. Out: a message, or something the terminal does itself.

/// Commands of the host's that are of use here.
const HOSTS: [&str; 14] = [
    "ask",
    "提问",
    "why",
    "为什么",
    "feedback",
    "反馈",
    "reset",
    "重置",
    "language",
    "语言",
    "human",
    "人工",
    "status",
    "状态",
];

/// A line, understood.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Line {
    /// Nothing was typed.
    Empty,
    /// Something for the bot.
    Message(String),
    /// What can be typed here?
    Help,
    /// A command that does not exist.
    Unknown(String),
    /// That was all.
    End,
}

impl From<&str> for Line {
    fn from(line: &str) -> Self {
        let line = line.trim();
        match line {
            "" => Self::Empty,
            "/help" | "/?" => Self::Help,
            "/quit" | "/exit" => Self::End,
            _ if is_hosts(line) => Self::Message(line.to_owned()),
            _ if line.starts_with('/') => {
                Self::Unknown(line.split_whitespace().next().unwrap_or(line).to_owned())
            }
            _ => Self::Message(line.to_owned()),
        }
    }
}

/// Whether it is a command of the host's, which has what it is about.
fn is_hosts(line: &str) -> bool {
    let command = line.split_whitespace().next().unwrap_or_default();
    HOSTS.contains(&command.trim_start_matches('/'))
}

#[cfg(test)]
mod tests {
    use super::Line;

    #[test]
    fn commands_start_with_a_slash() {
        assert_eq!(Line::from("  What is 1/2? "), Line::Message("What is 1/2?".into()));
        assert_eq!(Line::from(" /quit "), Line::End);
        assert_eq!(Line::from("/help"), Line::Help);
        assert_eq!(Line::from("/quiet please"), Line::Unknown("/quiet".into()));
        assert_eq!(Line::from("\t"), Line::Empty);
        assert_eq!(Line::from(" /why 2"), Line::Message("/why 2".into()));
        assert_eq!(Line::from("/reset"), Line::Message("/reset".into()));
        assert_eq!(Line::from("/语言 zh"), Line::Message("/语言 zh".into()));
        assert_eq!(Line::from("/whynot"), Line::Unknown("/whynot".into()));
    }
}
