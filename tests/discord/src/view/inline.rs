//! Discord's markdown within a line: emphasis, code, spoilers, links, mentions.

use crate::ids::Id;
use crate::world::World;
use crate::world::message::Message;

/// What mentions are called, and which of them count.
pub(super) struct Names<'a> {
    pub(super) world: &'a World,
    pub(super) guild: Option<Id>,
    pub(super) message: &'a Message,
}

/// Text that is safe in HTML.
pub(super) fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}

/// Marks of emphasis, longest first, and the tags for them.
const MARKS: [(&str, &str, &str); 6] = [
    ("**", "<strong>", "</strong>"),
    ("__", "<u>", "</u>"),
    ("~~", "<s>", "</s>"),
    ("||", "<span class=\"spoiler\">", "</span>"),
    ("*", "<em>", "</em>"),
    ("_", "<em>", "</em>"),
];

/// Puts the text's HTML at the end of `out`.
pub(super) fn html(text: &str, names: &Names<'_>, out: &mut String) {
    let mut at = 0;
    while let Some(c) = text[at..].chars().next() {
        let before = text[..at].chars().next_back();
        let length = token(&text[at..], before, names, out);
        if length > 0 {
            at += length;
            continue;
        }
        match c {
            '\n' => out.push_str("<br>"),
            c => out.push_str(&escaped(c.encode_utf8(&mut [0; 4]))),
        }
        at += c.len_utf8();
    }
}

/// Whether the text begins with something that is more than its characters: how long it is, and its HTML in `out`.
fn token(text: &str, before: Option<char>, names: &Names<'_>, out: &mut String) -> usize {
    let mut chars = text.chars();
    match chars.next() {
        Some('\\') => match chars.next().filter(char::is_ascii_punctuation) {
            Some(c) => {
                out.push_str(&escaped(c.encode_utf8(&mut [0; 4])));
                2
            }
            None => 0,
        },
        Some('`') => code(text, out),
        Some('[') => masked(text, names, out),
        Some('<') => angle(text, names, out),
        Some('@') => all(text, names, out),
        Some('h') if !before.is_some_and(char::is_alphanumeric) => bare(text, out),
        Some('*' | '_' | '~' | '|') => emphasis(text, before, names, out),
        _ => 0,
    }
}

fn code(text: &str, out: &mut String) -> usize {
    let ticks = text.bytes().take_while(|byte| *byte == b'`').count();
    match code_end(text, ticks) {
        Some(end) => {
            out.push_str(&format!("<code>{}</code>", escaped(text[ticks..end].trim())));
            end + ticks
        }
        None => 0,
    }
}

/// Where the same number of ticks stands again.
fn code_end(text: &str, ticks: usize) -> Option<usize> {
    let mut at = ticks;
    while let Some(next) = text[at..].find('`') {
        let start = at + next;
        let run = text[start..].bytes().take_while(|byte| *byte == b'`').count();
        if run == ticks {
            return Some(start);
        }
        at = start + run;
    }
    None
}

fn emphasis(text: &str, before: Option<char>, names: &Names<'_>, out: &mut String) -> usize {
    for (mark, open, close) in MARKS {
        let Some(inside) = text.strip_prefix(mark) else { continue };
        let is_word = mark == "_";
        if mark.len() == 1 && inside.starts_with(char::is_whitespace)
            || is_word && before.is_some_and(char::is_alphanumeric)
        {
            continue;
        }
        let Some(end) = end_of(inside, mark) else { continue };
        out.push_str(open);
        html(&inside[..end], names, out);
        out.push_str(close);
        return end + 2 * mark.len();
    }
    0
}

/// Where a mark ends what it began: not in code, and not as a part of a longer mark.
fn end_of(text: &str, mark: &str) -> Option<usize> {
    let mut at = 0;
    while let Some(c) = text[at..].chars().next() {
        let rest = &text[at..];
        if c == '\\' {
            at += 1 + rest[1..].chars().next().map_or(0, char::len_utf8);
            continue;
        }
        if c == '`' {
            let ticks = rest.bytes().take_while(|byte| *byte == b'`').count();
            at += code_end(rest, ticks).map_or(ticks, |end| end + ticks);
            continue;
        }
        if let Some(after) = rest.strip_prefix(mark).filter(|_| at > 0) {
            let is_longer = after.starts_with(&mark[..1]) && mark != "||" && mark != "~~";
            let is_in_word = mark == "_" && after.starts_with(char::is_alphanumeric);
            let is_after_blank = mark == "*" && text[..at].ends_with(char::is_whitespace);
            if !is_longer && !is_in_word && !is_after_blank {
                return Some(at);
            }
            if is_longer && mark.len() == 1 {
                // A longer mark that stands inside is passed over with what it holds.
                let run = rest.chars().take_while(|other| *other == c).count();
                at += run;
                continue;
            }
        }
        at += c.len_utf8();
    }
    None
}

fn masked(text: &str, names: &Names<'_>, out: &mut String) -> usize {
    let mut depth = 0;
    let close = text.char_indices().find(|(_, c)| {
        depth += match c {
            '[' => 1,
            ']' => -1,
            _ => 0,
        };
        depth == 0
    });
    let Some((close, _)) = close else { return 0 };
    let Some(inside) = text[close + 1..].strip_prefix('(') else { return 0 };
    let Some(end) = inside.find(')') else { return 0 };
    let target = inside[..end].split_whitespace().next().unwrap_or_default();
    let url = target.trim_start_matches('<').trim_end_matches('>');
    if !url.starts_with("https://") && !url.starts_with("http://") || text[1..close].trim().is_empty() {
        return 0;
    }
    out.push_str(&format!("<a href=\"{}\">", escaped(url)));
    html(&text[1..close], names, out);
    out.push_str("</a>");
    close + 2 + end + 1
}

fn angle(text: &str, names: &Names<'_>, out: &mut String) -> usize {
    let Some(end) = text.find('>') else { return 0 };
    let inside = &text[1..end];
    let mention = |out: &mut String, sign: &str, name: String| {
        out.push_str(&format!("<span class=\"mention\">{sign}{}</span>", escaped(&name)));
    };
    let world = names.world;
    if let Some(id) = inside.strip_prefix("@&").and_then(|id| id.parse().ok()) {
        let roles = names.guild.and_then(|guild| world.guilds.get(&guild)).map(|guild| &guild.roles);
        let role = roles.and_then(|roles| roles.get(&id));
        mention(out, "@", role.map_or_else(|| "unknown-role".into(), |role| role.name.clone()));
    } else if let Some(id) =
        inside.strip_prefix("@!").or_else(|| inside.strip_prefix('@')).and_then(|id| id.parse().ok())
    {
        let is_known = world.users.contains_key(&id);
        mention(out, "@", if is_known { world.shown_name(names.guild, id) } else { "unknown-user".into() });
    } else if let Some(id) = inside.strip_prefix('#').and_then(|id| id.parse::<Id>().ok()) {
        mention(
            out,
            "#",
            world.channels.get(&id).map_or_else(|| "unknown".into(), |channel| channel.name.clone()),
        );
    } else if inside.starts_with("https://") || inside.starts_with("http://") {
        out.push_str(&format!("<a href=\"{0}\">{0}</a>", escaped(inside)));
    } else if let Some(emoji) = inside.strip_prefix(':').or_else(|| inside.strip_prefix("a:")) {
        out.push_str(&format!(
            "<span class=\"emoji\">:{}:</span>",
            escaped(emoji.split(':').next().unwrap_or_default())
        ));
    } else if let Some(second) =
        inside.strip_prefix("t:").and_then(|time| time.split(':').next()?.parse().ok())
    {
        let time = jiff::Timestamp::from_second(second).unwrap_or_default();
        out.push_str(&format!("<span class=\"time\">{}</span>", time.strftime("%Y-%m-%d %H:%M")));
    } else {
        return 0;
    }
    end + 1
}

fn all(text: &str, names: &Names<'_>, out: &mut String) -> usize {
    let word = ["@everyone", "@here"].into_iter().find(|word| text.starts_with(word));
    match word.filter(|_| names.message.mentions.everyone) {
        Some(word) => {
            out.push_str(&format!("<span class=\"mention\">{word}</span>"));
            word.len()
        }
        None => 0,
    }
}

fn bare(text: &str, out: &mut String) -> usize {
    if !text.starts_with("https://") && !text.starts_with("http://") {
        return 0;
    }
    let end = text.find(|c: char| c.is_whitespace() || matches!(c, '<' | '>' | '"')).unwrap_or(text.len());
    let url = text[..end].trim_end_matches(['.', ',', ':', ';', '\'', ')', ']', '*', '_']);
    out.push_str(&format!("<a href=\"{0}\">{0}</a>", escaped(url)));
    url.len()
}
