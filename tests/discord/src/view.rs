//! A page that draws a channel as people see it, to look at: `GET /view/CHANNEL`.
//!
//! It is HTML and CSS alone, and asks for nothing from elsewhere; pictures and files are the server's own.

mod inline;
mod markdown;
mod parts;

use std::sync::Arc;
use std::time::Duration;

use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::response::{Html, IntoResponse, Response};

use crate::Shared;
use crate::ids::Id;
use crate::world::World;
use crate::world::channel::Channel;
use crate::world::message::{EPHEMERAL, HAS_THREAD, LOADING, Message, kind};

/// Messages of one author that follow each other so soon stand under one name.
const GROUPED: Duration = Duration::from_secs(7 * 60);

/// Draws a channel.
pub(crate) async fn page(State(shared): State<Arc<Shared>>, Path(channel): Path<Id>) -> Response {
    let world = shared.look();
    match world.channels.get(&channel) {
        Some(channel) => Html(world.draw(channel)).into_response(),
        None => (StatusCode::NOT_FOUND, "there is no such channel").into_response(),
    }
}

impl World {
    fn draw(&self, channel: &Channel) -> String {
        let name = if channel.name.is_empty() { "Direct messages" } else { &channel.name };
        let mut page = format!(
            "<!doctype html><html><head><meta charset=\"utf-8\"><title>{0}</title><style>{1}</style></head><body>\
             <header><span class=\"hash\">#</span> {0}</header><main>",
            inline::escaped(name),
            include_str!("view/style.css"),
        );
        let mut before: Option<&Message> = None;
        for message in channel.messages.iter().filter_map(|id| self.messages.get(id)) {
            page.push_str(&self.draw_message(channel, message, before));
            before = Some(message);
        }
        page.push_str("</main></body></html>");
        page
    }

    fn draw_message(&self, channel: &Channel, message: &Message, before: Option<&Message>) -> String {
        let name = inline::escaped(&self.shown_name(channel.guild, message.author));
        match message.kind {
            kind::PINNED => return format!("<div class=\"system\">📌 <b>{name}</b> pinned a message.</div>"),
            kind::THREAD_CREATED => {
                let thread = inline::escaped(&message.content);
                return format!(
                    "<div class=\"system\">🧵 <b>{name}</b> started a thread: <b>{thread}</b></div>"
                );
            }
            _ => {}
        }
        let is_grouped = message.kind == kind::DEFAULT
            && before.is_some_and(|before| {
                let apart = message.id.time().duration_since(before.id.time()).unsigned_abs();
                before.author == message.author
                    && before.kind <= kind::COMMAND
                    && apart < GROUPED
                    && before.kind != kind::PINNED
                    && before.kind != kind::THREAD_CREATED
            });
        let mut html = format!("<article class=\"{}\">", if is_grouped { "grouped" } else { "first" });
        if message.kind == kind::REPLY
            && let Some(reference) = &message.reference
        {
            html.push_str(&self.draw_reference(channel, reference.message));
        }
        if let Some(interaction) = message.interaction.and_then(|id| self.interactions.get(&id))
            && message.kind == kind::COMMAND
        {
            let user = inline::escaped(&self.shown_name(channel.guild, interaction.user));
            let command = inline::escaped(&interaction.name);
            html.push_str(&format!("<div class=\"reference\">↱ <b>{user}</b> used <span class=\"mention\">/{command}</span></div>"));
        }
        if !is_grouped {
            let is_bot = self.users.get(&message.author).is_some_and(|user| user.is_bot);
            let initial = name.chars().next().unwrap_or('?').to_uppercase();
            let tag = if is_bot { "<span class=\"tag\">APP</span>" } else { "" };
            let hue = message.author.0.wrapping_mul(47) % 360;
            html.push_str(&format!(
                "<div class=\"avatar\" style=\"background:hsl({hue} 45% 45%)\">{initial}</div>\
                 <div class=\"author\"><b>{name}</b>{tag}<time>{}</time></div>",
                message.id.time().strftime("%Y-%m-%d %H:%M"),
            ));
        }
        html.push_str("<div class=\"content\">");
        let names = inline::Names { world: self, guild: channel.guild, message };
        if message.flags & LOADING != 0 {
            html.push_str(&format!("<span class=\"loading\">● ● ● {name} is thinking…</span>"));
        }
        html.push_str(&markdown::html(&message.content, &names));
        if message.edited.is_some() {
            html.push_str(" <small>(edited)</small>");
        }
        html.push_str("</div>");
        html.push_str(&parts::files(self, message));
        html.push_str(&parts::embeds(message, &names));
        html.push_str(&parts::components(message));
        html.push_str(&parts::reactions(self, message));
        if message.flags & HAS_THREAD != 0
            && let Some(thread) = self.channels.get(&message.id)
        {
            html.push_str(&format!(
                "<div class=\"thread\">🧵 <b>{}</b> · {} messages</div>",
                inline::escaped(&thread.name),
                thread.messages.len()
            ));
        }
        if message.flags & EPHEMERAL != 0 {
            let only = message.only_for.map(|user| inline::escaped(&self.shown_name(channel.guild, user)));
            html.push_str(&format!(
                "<div class=\"ephemeral\">👁 Only {} can see this</div>",
                only.unwrap_or_default()
            ));
        }
        html.push_str("</article>");
        html
    }

    fn draw_reference(&self, channel: &Channel, to: Id) -> String {
        let Some(message) = self.messages.get(&to).filter(|message| !message.is_deleted) else {
            return "<div class=\"reference\">↱ <i>Original message was deleted</i></div>".into();
        };
        let name = inline::escaped(&self.shown_name(channel.guild, message.author));
        let names = inline::Names { world: self, guild: channel.guild, message };
        let line = message.content.lines().next().unwrap_or_default();
        let mut words = String::new();
        inline::html(line, &names, &mut words);
        format!("<div class=\"reference\">↱ <b>{name}</b> {words}</div>")
    }
}
