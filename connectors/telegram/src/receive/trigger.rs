//! Whether words are for the bot, and which. In: a text with its entities. Out: the text without what only addresses the bot, a command, the
//! people who are named. Knows nothing of chats.

use std::ops::Range;

use loquat_contract::Mentioned;

use super::update::Entity;
use crate::api::Me;

/// What a text says.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Addressed {
    /// The words, without the mention of the bot.
    pub(super) text: String,
    /// Whether the bot is mentioned.
    pub(super) is_mentioned: bool,
    /// The command at its start.
    pub(super) command: Option<Command>,
    /// The people who are named.
    pub(super) mentions: Vec<Mentioned>,
}

/// A command, such as `/why@bot 2`.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Command {
    /// Its name in lower case, without slash.
    pub(super) name: String,
    /// What follows it.
    pub(super) arguments: String,
    /// Whether it says which bot it is for, and that is this one; `Some(false)` is for another.
    pub(super) is_for_bot: Option<bool>,
}

/// Reads a text.
pub(super) fn read(text: &str, entities: &[Entity], me: &Me) -> Addressed {
    let mut addressed = Addressed::default();
    let mut own: Vec<Range<usize>> = Vec::new();
    for entity in entities {
        let Some(range) = place(text, entity) else { continue };
        let words = &text[range.clone()];
        match entity.kind.as_str() {
            "bot_command" if range.start == 0 => {
                let (name, whose) = match words.trim_start_matches('/').split_once('@') {
                    Some((name, whose)) => (name, Some(whose)),
                    None => (words.trim_start_matches('/'), None),
                };
                addressed.command = Some(Command {
                    name: name.to_lowercase(),
                    arguments: text[range.end..].trim().to_owned(),
                    is_for_bot: whose.map(|whose| whose.eq_ignore_ascii_case(&me.username)),
                });
            }
            "mention" => {
                let name = words.trim_start_matches('@');
                if !me.username.is_empty() && name.eq_ignore_ascii_case(&me.username) {
                    own.push(range);
                } else {
                    addressed.mentions.push(Mentioned { id: words.to_owned(), name: name.to_owned() });
                }
            }
            "text_mention" => match &entity.user {
                Some(user) if user.id == me.id => own.push(range),
                Some(user) => addressed.mentions.push(Mentioned {
                    id: user.id.to_string(),
                    name: words.trim_start_matches('@').to_owned(),
                }),
                None => {}
            },
            _ => {}
        }
    }
    addressed.is_mentioned = !own.is_empty();
    addressed.text = without(text, own);
    addressed
}

/// The bytes of an entity; `None` where its numbers fit no text.
fn place(text: &str, entity: &Entity) -> Option<Range<usize>> {
    let end = entity.offset.checked_add(entity.length)?;
    let mut units = 0;
    let (mut from, mut to) = (None, None);
    for (at, c) in text.char_indices().chain([(text.len(), '\0')]) {
        if units == entity.offset {
            from.get_or_insert(at);
        }
        if units == end {
            to.get_or_insert(at);
        }
        units += c.len_utf16();
    }
    let range = from?..to?;
    (range.start < range.end).then_some(range)
}

/// A text without these ranges, and without the marks that part an address from what is said.
fn without(text: &str, mut ranges: Vec<Range<usize>>) -> String {
    ranges.sort_by_key(|range| range.start);
    let mut out = String::new();
    let mut at = 0;
    for range in ranges {
        if range.start < at {
            continue;
        }
        out.push_str(&text[at..range.start]);
        at = range.end;
        let rest = &text[at..];
        if out.trim().is_empty() {
            // "@bot, …" and "@bot: …".
            let said = rest.trim_start_matches([',', ':', '，', '：']).trim_start();
            at = text.len() - said.len();
            out.clear();
        } else if out.ends_with(char::is_whitespace) && rest.starts_with(char::is_whitespace) {
            at += rest.chars().next().map_or(0, char::len_utf8);
        }
    }
    out.push_str(&text[at..]);
    out.trim().to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn me() -> Me {
        serde_json::from_value(
            serde_json::json!({ "id": 42, "first_name": "Loquat", "username": "LoquatBot" }),
        )
        .unwrap()
    }

    fn entity(kind: &str, offset: usize, length: usize) -> Entity {
        Entity { kind: kind.into(), offset, length, user: None }
    }

    #[test]
    fn the_mention_of_the_bot_is_taken_out_and_that_of_others_stays() {
        for (text, offset, said) in [
            ("@loquatbot who is it?", 0, "who is it?"),
            ("@LoquatBot, who is it?", 0, "who is it?"),
            ("@LoquatBot：谁？", 0, "谁？"),
            ("who is it, @LoquatBot", 11, "who is it,"),
            ("tell @LoquatBot about 廷布", 5, "tell about 廷布"),
            ("👩🏽‍🚀 @LoquatBot hello", 8, "👩🏽‍🚀 hello"),
        ] {
            let read = read(text, &[entity("mention", offset, 10)], &me());
            assert_eq!((read.text.as_str(), read.is_mentioned), (said, true), "{text}");
        }
        let read = read("@ann hello", &[entity("mention", 0, 4)], &me());
        assert_eq!((read.text.as_str(), read.is_mentioned), ("@ann hello", false));
        assert_eq!(read.mentions, [Mentioned { id: "@ann".into(), name: "ann".into() }]);
    }

    #[test]
    fn a_command_says_whose_it_is() {
        for (text, length, name, arguments, whose) in [
            ("/why", 4, "why", "", None),
            ("/Ask  where is Thimphu?", 4, "ask", "where is Thimphu?", None),
            ("/why@loquatBOT 2", 14, "why", "2", Some(true)),
            ("/why@other_bot", 14, "why", "", Some(false)),
        ] {
            let read = read(text, &[entity("bot_command", 0, length)], &me());
            let command = Command { name: name.into(), arguments: arguments.into(), is_for_bot: whose };
            assert_eq!(read.command, Some(command), "{text}");
        }
        let later = read("say /why", &[entity("bot_command", 4, 4)], &me());
        assert_eq!(later.command, None);
    }

    #[test]
    fn entities_that_fit_no_text_are_passed_over() {
        for (offset, length) in [(0, 99), (99, 1), (usize::MAX, 2), (1, 1), (0, 0)] {
            let read = read("👋", &[entity("mention", offset, length)], &me());
            assert_eq!((read.text.as_str(), read.is_mentioned), ("👋", false), "{offset} {length}");
        }
    }
}
