//! Finds what needs no markup: mentions, commands, hashtags, links, addresses. In goes a text; out come its entities.

use std::sync::LazyLock;

use regex::Regex;

use super::{Entity, units};

type Pattern = (&'static str, LazyLock<Option<Regex>>);

static PATTERNS: [Pattern; 6] = [
    (
        "url",
        LazyLock::new(|| {
            Regex::new(r"(?i)\b(?:https?|tg)://[^\s<>]+|\b(?:[a-z0-9-]+\.)+(?:com|org|net|io|dev|me)\b(?:/[^\s<>]*)?").ok()
        }),
    ),
    ("email", LazyLock::new(|| Regex::new(r"(?i)\b[a-z0-9._%+-]+@[a-z0-9-]+(?:\.[a-z0-9-]+)+").ok())),
    ("mention", LazyLock::new(|| Regex::new(r"@[A-Za-z][A-Za-z0-9_]{2,31}").ok())),
    (
        "bot_command",
        LazyLock::new(|| Regex::new(r"/[A-Za-z0-9_]{1,64}(?:@[A-Za-z][A-Za-z0-9_]{2,31})?").ok()),
    ),
    ("hashtag", LazyLock::new(|| Regex::new(r"#[\p{L}\p{N}_]*\p{L}[\p{L}\p{N}_]*").ok())),
    ("cashtag", LazyLock::new(|| Regex::new(r"\$[A-Z]{1,8}\b").ok())),
];

/// What a text means without markup.
pub(crate) fn detect(text: &str) -> Vec<Entity> {
    let mut found: Vec<Entity> = Vec::new();
    // An address is no mention, and what stands in a link is neither.
    let order = ["email", "url", "mention", "bot_command", "hashtag", "cashtag"];
    for kind in order {
        let Some(pattern) =
            PATTERNS.iter().find(|(name, _)| *name == kind).and_then(|(_, pattern)| pattern.as_ref())
        else {
            continue;
        };
        for hit in pattern.find_iter(text) {
            let words = match kind {
                "url" => hit.as_str().trim_end_matches(['.', ',', ';', ':', '!', '?', ')', '\'', '"']),
                _ => hit.as_str(),
            };
            let before = text.get(..hit.start()).and_then(|before| before.chars().next_back());
            let after = text.get(hit.start() + words.len()..).and_then(|after| after.chars().next());
            let stands_alone = match kind {
                "bot_command" => {
                    !before.is_some_and(|c| c.is_alphanumeric() || matches!(c, '/' | '_' | '<' | '>' | '.'))
                        && !after.is_some_and(|c| c.is_alphanumeric() || matches!(c, '/' | '_'))
                }
                "mention" | "hashtag" | "cashtag" => {
                    !before.is_some_and(|c| c.is_alphanumeric() || matches!(c, '_' | '@' | '#' | '&'))
                }
                _ => true,
            };
            if !stands_alone {
                continue;
            }
            let offset = units(text.get(..hit.start()).unwrap_or_default());
            let entity = Entity::new(kind, offset, units(words));
            if !found.iter().any(|other| entity.offset < other.end() && other.offset < entity.end()) {
                found.push(entity);
            }
        }
    }
    found.sort_by_key(|entity| entity.offset);
    found
}
