//! What somebody said, without what only addresses the bot. In: a message's content. Out: its words, with names in the place of ids.

use loquat_contract::Mentioned;
use serenity::model::id::RoleId;

use crate::shared::Me;

/// The words of a content. The bot's mention is taken out at both ends, and is its name in between.
pub(super) fn spoken(content: &str, me: &Me, own_role: Option<RoleId>, mentions: &[Mentioned]) -> String {
    let mut own = vec![format!("<@{}>", me.id), format!("<@!{}>", me.id)];
    own.extend(own_role.map(|role| format!("<@&{role}>")));
    let mut text = content.trim();
    while let Some(rest) = own.iter().find_map(|mention| text.strip_prefix(mention.as_str())) {
        text = rest.trim_start().trim_start_matches([',', ':', '，', '：']).trim_start();
    }
    while let Some(rest) = own.iter().find_map(|mention| text.strip_suffix(mention.as_str())) {
        text = rest.trim_end();
    }
    let mut out = text.to_owned();
    for mention in &own {
        out = out.replace(mention.as_str(), &me.name);
    }
    for person in mentions {
        for mention in [format!("<@{}>", person.id), format!("<@!{}>", person.id)] {
            out = out.replace(&mention, &format!("@{}", person.name));
        }
    }
    emojis(&out)
}

/// A server's own emojis are their names: `<a:wave:123>` is `:wave:`.
fn emojis(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(start) = rest.find('<') {
        let (before, from) = rest.split_at(start);
        out.push_str(before);
        match emoji(from) {
            Some((name, length)) => {
                out.push_str(&format!(":{name}:"));
                rest = &from[length..];
            }
            None => {
                out.push('<');
                rest = &from[1..];
            }
        }
    }
    out + rest
}

/// The name of the emoji that a text begins with, and how many bytes it takes.
fn emoji(text: &str) -> Option<(&str, usize)> {
    let end = text.find('>')?;
    let inner = text[1..end].strip_prefix('a').unwrap_or(&text[1..end]).strip_prefix(':')?;
    let (name, id) = inner.split_once(':')?;
    let is_name = !name.is_empty() && name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_');
    let is_id = !id.is_empty() && id.chars().all(|c| c.is_ascii_digit());
    (is_name && is_id).then_some((name, end + 1))
}
