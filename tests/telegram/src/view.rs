//! Draws a chat as people see it: a page of plain HTML and CSS, without scripts and without anything from elsewhere, to be looked at
//! in a browser. In goes the world; out comes the page.

mod rich;

use std::collections::BTreeMap;

use crate::entities::Entity;
use crate::seen::buttons;
use crate::world::{Author, Draft, Message, World};

/// Colours and sizes near those of the real app.
const STYLE: &str = "
body { margin: 0; background: #cfd9c4; font: 15px/1.38 'Noto Sans', 'Noto Sans CJK SC', 'DejaVu Sans', sans-serif; color: #000; }
header { background: #fff; padding: 10px 16px; font-weight: 600; border-bottom: 1px solid #ccc; }
header small { display: block; font-weight: 400; color: #888; }
main { display: flex; flex-direction: column; gap: 6px; padding: 12px; max-width: 720px; margin: auto; }
.row { max-width: 82%; }
.theirs { align-self: flex-end; }
.bubble { background: #fff; border-radius: 14px; padding: 7px 11px; overflow-wrap: anywhere; box-shadow: 0 1px 1px #0002; }
.theirs .bubble { background: #effdde; }
.words { white-space: pre-wrap; }
.name { color: #3a7fb5; font-weight: 600; font-size: 13px; }
.meta { color: #8a9a80; font-size: 11px; text-align: right; }
.reply { border-left: 3px solid #3a7fb5; background: #3a7fb515; padding: 2px 7px; border-radius: 4px; font-size: 13px; margin-bottom: 3px; max-height: 2.8em; overflow: hidden; }
.service { align-self: center; background: #0004; color: #fff; border-radius: 12px; padding: 2px 10px; font-size: 13px; }
.draft .bubble { opacity: .7; border: 1px dashed #3a7fb5; }
code { font: 13px/1.35 'DejaVu Sans Mono', 'Noto Sans Mono CJK SC', monospace; color: #8a4a1f; }
pre { font: 13px/1.35 'DejaVu Sans Mono', 'Noto Sans Mono CJK SC', monospace; background: #f1f3ee; border-left: 3px solid #6b9a3c; border-radius: 6px; margin: 4px 0; padding: 6px 9px; white-space: pre-wrap; }
pre small { display: block; color: #6b9a3c; font-weight: 600; }
blockquote { border-left: 3px solid #3a7fb5; background: #3a7fb515; border-radius: 4px; margin: 3px 0; padding: 2px 8px; }
.spoiler { background: #999; color: #999; border-radius: 3px; }
a, .mention { color: #2a7bb8; text-decoration: none; }
table { border-collapse: collapse; margin: 4px 0; }
td, th { border: 1px solid #bbb; padding: 3px 8px; }
ol, ul { margin: 3px 0; padding-left: 1.6em; }
p { margin: 4px 0; }
h1, h2, h3, h4, h5, h6 { margin: 6px 0 3px; line-height: 1.2; }
.keys { display: flex; gap: 4px; margin-top: 4px; }
.key { flex: 1; text-align: center; background: #5a7a4acc; color: #fff; border-radius: 8px; padding: 5px; font-size: 14px; }
.file { display: flex; gap: 8px; align-items: center; background: #3a7fb515; border-radius: 8px; padding: 6px 9px; }
.reactions span { background: #3a7fb520; border-radius: 10px; padding: 1px 7px; font-size: 13px; margin-right: 4px; }
";

/// The page of a chat.
pub(crate) fn page(world: &World, chat: i64) -> String {
    let mut body = String::new();
    let mut title = format!("no chat {chat}");
    if let Some(known) = world.chats.get(&chat) {
        title = match world.users.get(&chat) {
            Some(user) => user.name.clone(),
            None => known.title.clone(),
        };
        for message in known.messages.values() {
            draw(world, message, &mut body);
        }
        let lifetime = world.options.draft_lifetime;
        for draft in known.drafts.iter().filter(|draft| draft.since.elapsed() < lifetime) {
            draw_draft(draft, &mut body);
        }
    }
    format!(
        "<!doctype html><html lang=\"en\"><head><meta charset=\"utf-8\"><title>{title}</title><style>{STYLE}</style></head><body>\
         <header>{title}<small>{chat}</small></header><main>{body}</main></body></html>",
        title = escaped(&title)
    )
}

/// Text that is no markup.
pub(crate) fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}

fn draw(world: &World, message: &Message, out: &mut String) {
    let name = match message.author {
        Author::User(id) => world.users.get(&id).map(|user| user.name.clone()),
        Author::Chat(id) => world.chats.get(&id).map(|chat| chat.title.clone()),
    };
    let name = escaped(&name.unwrap_or_default());
    if let Some((kind, _)) = &message.service {
        out.push_str(&format!("<div class=\"service\">{name}: {}</div>", kind.replace('_', " ")));
        return;
    }
    let side = if message.by_bot { "" } else { " theirs" };
    let topic = message.thread.and_then(|thread| world.chats.get(&message.chat)?.topics.get(&thread));
    let topic = topic.map(|topic| format!(" › {}", escaped(&topic.name))).unwrap_or_default();
    out.push_str(&format!(
        "<div class=\"row{side}\"><div class=\"bubble\"><div class=\"name\">{name}{topic}</div>"
    ));
    if let Some(replied) = message.reply_to.and_then(|id| world.message(message.chat, id)) {
        let words = message.quote.as_ref().unwrap_or(&replied.text);
        out.push_str(&format!("<div class=\"reply\">{}</div>", escaped(words)));
    }
    if let Some(file) = message.media.as_ref().and_then(|media| world.files.get(&media.file)) {
        out.push_str(&format!(
            "<div class=\"file\">📎 <span>{} <small>{}, {} bytes</small></span></div>",
            escaped(&file.name),
            escaped(&file.kind),
            file.bytes.len()
        ));
    }
    match &message.rich {
        Some(rich) => rich::draw(rich, out),
        None => draw_words(&message.text, &message.entities, out),
    }
    draw_reactions(&message.reactions, out);
    let edited = if message.edited.is_some() { "edited " } else { "" };
    out.push_str(&format!("<div class=\"meta\">{edited}#{}</div></div>", message.id));
    for row in message.keyboard.as_ref().map(buttons).unwrap_or_default() {
        out.push_str("<div class=\"keys\">");
        for button in row {
            let mark = if button.url.is_some() { " ↗" } else { "" };
            out.push_str(&format!("<div class=\"key\">{}{mark}</div>", escaped(&button.text)));
        }
        out.push_str("</div>");
    }
    out.push_str("</div>");
}

fn draw_draft(draft: &Draft, out: &mut String) {
    out.push_str("<div class=\"row draft\"><div class=\"bubble\">");
    match &draft.rich {
        Some(rich) => rich::draw(rich, out),
        None if draft.text.is_empty() => out.push_str("Thinking…"),
        None => draw_words(&draft.text, &draft.entities, out),
    }
    out.push_str(&format!("<div class=\"meta\">draft {}</div></div></div>", draft.id));
}

fn draw_reactions(reactions: &BTreeMap<i64, Vec<String>>, out: &mut String) {
    let mut counts: BTreeMap<&str, usize> = BTreeMap::new();
    for emoji in reactions.values().flatten() {
        *counts.entry(emoji).or_default() += 1;
    }
    if counts.is_empty() {
        return;
    }
    out.push_str("<div class=\"reactions\">");
    for (emoji, count) in counts {
        out.push_str(&format!("<span>{} {count}</span>", escaped(emoji)));
    }
    out.push_str("</div>");
}

/// A text with its entities, which nest.
fn draw_words(text: &str, entities: &[Entity], out: &mut String) {
    out.push_str("<div class=\"words\">");
    let mut open: Vec<&Entity> = Vec::new();
    let mut coming = entities.iter().peekable();
    let mut at = 0;
    // A block ends its line by itself.
    let mut after_block = false;
    for c in text.chars() {
        while let Some(ended) = open.pop_if(|entity| entity.end() <= at) {
            out.push_str(end_tag(ended));
            after_block = is_block(ended);
        }
        while let Some(entity) = coming.next_if(|entity| entity.offset <= at) {
            out.push_str(&start_tag(entity));
            open.push(entity);
        }
        match c {
            '\n' if after_block => {}
            c => out.push_str(&escaped(c.encode_utf8(&mut [0; 4]))),
        }
        after_block = false;
        at += c.len_utf16();
    }
    for entity in open.into_iter().rev() {
        out.push_str(end_tag(entity));
    }
    out.push_str("</div>");
}

fn is_block(entity: &Entity) -> bool {
    matches!(entity.kind.as_str(), "pre" | "blockquote" | "expandable_blockquote")
}

fn start_tag(entity: &Entity) -> String {
    match entity.kind.as_str() {
        "bold" => "<b>".to_owned(),
        "italic" => "<i>".to_owned(),
        "underline" => "<u>".to_owned(),
        "strikethrough" => "<s>".to_owned(),
        "spoiler" => "<span class=\"spoiler\">".to_owned(),
        "code" => "<code>".to_owned(),
        "pre" => match &entity.language {
            Some(language) => format!("<pre><small>{}</small>", escaped(language)),
            None => "<pre>".to_owned(),
        },
        "blockquote" | "expandable_blockquote" => "<blockquote>".to_owned(),
        "text_link" => format!("<a title=\"{}\">", escaped(entity.url.as_deref().unwrap_or_default())),
        "url" | "email" => "<a>".to_owned(),
        _ => "<span class=\"mention\">".to_owned(),
    }
}

fn end_tag(entity: &Entity) -> &'static str {
    match entity.kind.as_str() {
        "bold" => "</b>",
        "italic" => "</i>",
        "underline" => "</u>",
        "strikethrough" => "</s>",
        "code" => "</code>",
        "pre" => "</pre>",
        "blockquote" | "expandable_blockquote" => "</blockquote>",
        "text_link" | "url" | "email" => "</a>",
        _ => "</span>",
    }
}
