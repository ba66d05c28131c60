//! What a line means. In: a line as typed. Out: a message, or something the terminal does itself.

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
            // The host's: it has the answers that are asked about.
            _ if is_why(line) => Self::Message(line.to_owned()),
            _ if line.starts_with('/') => {
                Self::Unknown(line.split_whitespace().next().unwrap_or(line).to_owned())
            }
            _ => Self::Message(line.to_owned()),
        }
    }
}

fn is_why(line: &str) -> bool {
    matches!(line.split_whitespace().next(), Some("/why" | "/为什么"))
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
        assert_eq!(Line::from("/whynot"), Line::Unknown("/whynot".into()));
    }
}
