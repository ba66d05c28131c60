//! What hangs on a message: files, embeds, buttons, reactions.

use serde_json::Value;

use super::inline::{self, Names, escaped};
use super::markdown;
use crate::world::World;
use crate::world::message::{Message, SUPPRESS_EMBEDS};

pub(super) fn files(world: &World, message: &Message) -> String {
    let files = message.files.iter().filter_map(|id| world.files.get(id));
    let drawn = files.map(|file| {
        let (url, name) = (escaped(&world.file_url(file)), escaped(&file.name));
        match file.content_type.as_deref() {
            Some(kind) if kind.starts_with("image/") => {
                format!("<img class=\"picture\" src=\"{url}\" alt=\"{name}\">")
            }
            _ => format!(
                "<div class=\"file\">📄 <a href=\"{url}\">{name}</a><small>{} bytes</small></div>",
                file.bytes.len()
            ),
        }
    });
    drawn.collect()
}

pub(super) fn embeds(message: &Message, names: &Names<'_>) -> String {
    if message.flags & SUPPRESS_EMBEDS != 0 {
        return String::new();
    }
    message.embeds.iter().map(|embed| embed_html(embed, names)).collect()
}

fn embed_html(embed: &Value, names: &Names<'_>) -> String {
    let text = |path: &str| embed.pointer(path).and_then(Value::as_str).filter(|text| !text.is_empty());
    let color = embed["color"].as_u64().unwrap_or(0x0020_2225);
    let mut html = format!("<div class=\"embed\" style=\"border-color:#{color:06x}\">");
    if let Some(author) = text("/author/name") {
        html.push_str(&format!("<div class=\"embed-author\">{}</div>", escaped(author)));
    }
    if let Some(title) = text("/title") {
        let mut words = String::new();
        inline::html(title, names, &mut words);
        html.push_str(&match text("/url") {
            Some(url) => format!("<div class=\"embed-title\"><a href=\"{}\">{words}</a></div>", escaped(url)),
            None => format!("<div class=\"embed-title\">{words}</div>"),
        });
    }
    if let Some(description) = text("/description") {
        html.push_str(&markdown::html(description, names));
    }
    let fields = embed["fields"].as_array().map(Vec::as_slice).unwrap_or_default();
    if !fields.is_empty() {
        html.push_str("<div class=\"fields\">");
        for field in fields {
            let class = if field["inline"] == true { "field inline" } else { "field" };
            let mut name = String::new();
            inline::html(field["name"].as_str().unwrap_or_default(), names, &mut name);
            let value = markdown::html(field["value"].as_str().unwrap_or_default(), names);
            html.push_str(&format!("<div class=\"{class}\"><b>{name}</b>{value}</div>"));
        }
        html.push_str("</div>");
    }
    if let Some(footer) = text("/footer/text") {
        html.push_str(&format!("<footer>{}</footer>", escaped(footer)));
    }
    html.push_str("</div>");
    html
}

pub(super) fn components(message: &Message) -> String {
    let mut html = String::new();
    for row in &message.components {
        html.push_str("<div class=\"row\">");
        for component in row["components"].as_array().into_iter().flatten() {
            let style = component["style"].as_u64().unwrap_or(2);
            let disabled = if component["disabled"] == true { " disabled" } else { "" };
            let emoji = component["emoji"]["name"].as_str().unwrap_or_default();
            let label = component["label"].as_str().or(component["placeholder"].as_str()).unwrap_or_default();
            let link = if style == 5 { " ↗" } else { "" };
            html.push_str(&format!(
                "<button class=\"style{style}\"{disabled}>{} {}{link}</button>",
                escaped(emoji),
                escaped(label)
            ));
        }
        html.push_str("</div>");
    }
    html
}

pub(super) fn reactions(world: &World, message: &Message) -> String {
    if message.reactions.is_empty() {
        return String::new();
    }
    let bot = world.bot();
    let chips = message.reactions.iter().map(|(emoji, users)| {
        let class = if users.contains(&bot) { "chip own" } else { "chip" };
        format!("<span class=\"{class}\">{} {}</span>", escaped(emoji), users.len())
    });
    format!("<div class=\"row\">{}</div>", chips.collect::<String>())
}
