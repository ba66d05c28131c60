//! `parse_mode=MarkdownV2`, and the old `Markdown`. In goes text with marks; out come the text and its entities, or why not, in
//! the real server's words.

use super::Entity;

/// The characters that MarkdownV2 wants escaped.
const RESERVED: &str = "_*[]()~`>#+-=|{}.!";

struct Open {
    kind: &'static str,
    mark: &'static str,
    from: usize,
    at: usize,
}

#[derive(Default)]
struct Writing {
    text: String,
    length: usize,
    entities: Vec<Entity>,
}

impl Writing {
    fn push(&mut self, c: char) {
        self.text.push(c);
        self.length += c.len_utf16();
    }

    fn add(&mut self, kind: &str, from: usize) -> Option<&mut Entity> {
        if self.length == from {
            return None;
        }
        self.entities.push(Entity::new(kind, from, self.length - from));
        self.entities.last_mut()
    }
}

/// Reads MarkdownV2, strictly.
pub(super) fn parse(source: &str) -> Result<(String, Vec<Entity>), String> {
    let mut out = Writing::default();
    let mut open: Vec<Open> = Vec::new();
    let mut quote: Option<(usize, bool)> = None;
    let mut at = 0;
    let mut line_start = true;
    while let Some(c) = source.get(at..).and_then(|rest| rest.chars().next()) {
        let rest = source.get(at..).unwrap_or_default();
        if line_start {
            line_start = false;
            match (rest.starts_with('>'), rest.starts_with("**>"), quote) {
                (false, false, Some((from, _))) => {
                    end_quote(&mut out, from);
                    quote = None;
                }
                (true, _, None) => quote = Some((out.length, false)),
                (_, true, None) => {
                    quote = Some((out.length, true));
                    at += 3;
                    continue;
                }
                (true, _, Some(_)) => {}
                _ => {}
            }
            if rest.starts_with('>') && quote.is_some() {
                at += 1;
                continue;
            }
        }
        if c == '\\'
            && let Some(next) = rest
                .get(1..)
                .and_then(|rest| rest.chars().next())
                .filter(|c| (1..=126).contains(&u32::from(*c)))
        {
            out.push(next);
            at += 2;
            continue;
        }
        if c == '\n' {
            out.push(c);
            at += 1;
            line_start = true;
            continue;
        }
        if !RESERVED.contains(c) {
            out.push(c);
            at += c.len_utf8();
            continue;
        }
        // `__` ends before `_` may begin.
        let closing = open.last().filter(|last| rest.starts_with(last.mark)).filter(|last| {
            !(last.mark == "_" && rest.starts_with("__") && open.iter().all(|other| other.mark != "__"))
        });
        if closing.is_some()
            && let Some(last) = open.pop()
        {
            at += last.mark.len();
            if last.kind == "text_link" {
                at = link(source, at, &last, &mut out)?;
            } else {
                out.add(last.kind, last.from);
            }
            continue;
        }
        if c == '`' {
            at = code(source, at, &mut out)?;
            continue;
        }
        let found = [
            ("||", "spoiler"),
            ("__", "underline"),
            ("_", "italic"),
            ("*", "bold"),
            ("~", "strikethrough"),
            ("[", "text_link"),
            ("![", "custom_emoji"),
        ];
        let Some((mark, kind)) = found.into_iter().find(|(mark, _)| rest.starts_with(mark)) else {
            return Err(format!("Character '{c}' is reserved and must be escaped with the preceding '\\'"));
        };
        let closing = if mark == "[" || mark == "![" { "]" } else { mark };
        open.push(Open {
            kind: if kind == "custom_emoji" { "text_link" } else { kind },
            mark: closing,
            from: out.length,
            at,
        });
        at += mark.len();
    }
    if let Some((from, _)) = quote {
        if open.last().is_some_and(|last| last.kind == "spoiler" && last.from == out.length) {
            // `||` at the end of a quotation says that it can be folded.
            open.pop();
            if let Some(entity) = out.add("expandable_blockquote", from) {
                entity.kind = "expandable_blockquote".to_owned();
            }
        } else {
            end_quote(&mut out, from);
        }
    }
    match open.last() {
        Some(last) => {
            Err(format!("Can't find end of {} entity at byte offset {}", title(last.kind), last.at))
        }
        None => Ok((out.text, out.entities)),
    }
}

fn end_quote(out: &mut Writing, from: usize) {
    // The line's end is not part of it.
    let blank = usize::from(out.text.ends_with('\n'));
    if let Some(entity) = out.add("blockquote", from) {
        entity.length -= blank.min(entity.length);
    }
}

fn title(kind: &str) -> &'static str {
    match kind {
        "bold" => "Bold",
        "italic" => "Italic",
        "underline" => "Underline",
        "strikethrough" => "Strikethrough",
        "spoiler" => "Spoiler",
        "text_link" => "TextUrl",
        "code" => "Code",
        _ => "Pre",
    }
}

/// `(https://…)` after a link's words.
fn link(source: &str, at: usize, open: &Open, out: &mut Writing) -> Result<usize, String> {
    let rest = source.get(at..).unwrap_or_default();
    let Some(rest) = rest.strip_prefix('(') else {
        return Err("Character ']' is reserved and must be escaped with the preceding '\\'".to_owned());
    };
    let mut url = String::new();
    let mut escaped = false;
    for (index, c) in rest.char_indices() {
        match c {
            '\\' if !escaped => escaped = true,
            ')' if !escaped => {
                let user = url.strip_prefix("tg://user?id=").and_then(|id| id.parse().ok());
                let emoji = url.strip_prefix("tg://emoji?id=").map(str::to_owned);
                let kind = match (&user, &emoji) {
                    (Some(_), _) => "text_mention",
                    (_, Some(_)) => "custom_emoji",
                    _ => "text_link",
                };
                if let Some(entity) = out.add(kind, open.from) {
                    entity.url = (kind == "text_link").then_some(url);
                    entity.user = user;
                    entity.custom_emoji = emoji;
                }
                return Ok(at + 1 + index + 1);
            }
            c => {
                url.push(c);
                escaped = false;
            }
        }
    }
    Err(format!("Can't find end of a URL at byte offset {at}"))
}

/// Code, in a line or a block.
fn code(source: &str, at: usize, out: &mut Writing) -> Result<usize, String> {
    let rest = source.get(at..).unwrap_or_default();
    let (mark, kind) = if rest.starts_with("```") { ("```", "pre") } else { ("`", "code") };
    let mut from = at + mark.len();
    let mut language = None;
    if kind == "pre" {
        let after = source.get(from..).unwrap_or_default();
        let word: &str = after.split(|c: char| c.is_whitespace() || c == '`').next().unwrap_or_default();
        if after.get(word.len()..).is_some_and(|rest| rest.starts_with('\n')) {
            language = Some(word.to_owned()).filter(|word| !word.is_empty());
            from += word.len() + 1;
        }
    }
    let begin = out.length;
    let mut escaped = false;
    let mut index = from;
    while let Some(c) = source.get(index..).and_then(|rest| rest.chars().next()) {
        if !escaped && source.get(index..).is_some_and(|rest| rest.starts_with(mark)) {
            if let Some(entity) = out.add(kind, begin) {
                entity.language = language;
            }
            return Ok(index + mark.len());
        }
        if c == '\\' && !escaped {
            escaped = true;
        } else {
            out.push(c);
            escaped = false;
        }
        index += c.len_utf8();
    }
    Err(format!("Can't find end of {} entity at byte offset {at}", title(kind)))
}

/// Reads the old Markdown: nothing nests, and only four marks are known.
pub(super) fn parse_old(source: &str) -> Result<(String, Vec<Entity>), String> {
    let mut out = Writing::default();
    let mut at = 0;
    while let Some(c) = source.get(at..).and_then(|rest| rest.chars().next()) {
        let rest = source.get(at..).unwrap_or_default();
        match c {
            '\\' if rest.get(1..).is_some_and(|rest| rest.starts_with(['_', '*', '`', '['])) => {
                out.push(rest.get(1..).and_then(|rest| rest.chars().next()).unwrap_or(c));
                at += 2;
            }
            '`' => at = code(source, at, &mut out)?,
            '*' | '_' | '[' => {
                let (kind, end) = match c {
                    '*' => ("bold", '*'),
                    '_' => ("italic", '_'),
                    _ => ("text_link", ']'),
                };
                let Some(length) = rest.get(1..).and_then(|rest| rest.find(end)) else {
                    return Err(format!("Can't find end of the entity starting at byte offset {at}"));
                };
                let from = out.length;
                rest.get(1..=length).unwrap_or_default().chars().for_each(|c| out.push(c));
                let open = Open { kind, mark: "]", from, at };
                at += length + 2;
                if c == '[' && source.get(at..).is_some_and(|rest| rest.starts_with('(')) {
                    at = link(source, at, &open, &mut out)?;
                } else if c != '[' {
                    out.add(kind, from);
                }
            }
            c => {
                out.push(c);
                at += c.len_utf8();
            }
        }
    }
    Ok((out.text, out.entities))
}
