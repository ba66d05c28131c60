//! What a message of the bot's may hold: words, embeds, components, files, and whom it may mention.

use std::collections::HashSet;

use serde_json::{Value, json};

use super::error::ApiError;
use super::payload::Payload;
use super::validate::Form;
use crate::ids::{Id, id_in};
use crate::world::World;
use crate::world::attachment::MAX_BYTES;
use crate::world::mentions::{Allowed, Which};
use crate::world::message::{EPHEMERAL, SUPPRESS_EMBEDS, SUPPRESS_NOTIFICATIONS};

/// How many characters a message may have: code points, as Discord counts.
const LONGEST: usize = 2000;
/// How many characters the embeds of a message may have together.
const LONGEST_EMBEDS: usize = 6000;
/// Flags that a bot may set.
const FLAGS: u64 = SUPPRESS_EMBEDS | EPHEMERAL | SUPPRESS_NOTIFICATIONS;

/// What a body says about a message; `None` where it says nothing.
#[derive(Debug)]
pub(super) struct Content {
    pub(super) content: Option<String>,
    pub(super) embeds: Option<Vec<Value>>,
    pub(super) components: Option<Vec<Value>>,
    /// The files that stay or are new.
    pub(super) files: Option<Vec<Id>>,
    pub(super) flags: Option<u64>,
    pub(super) allowed: Option<Allowed>,
}

impl Content {
    /// Checks a body, and keeps its files.
    pub(super) fn read(world: &mut World, channel: Id, payload: Payload) -> Result<Self, ApiError> {
        let json = payload.json.clone();
        let mut form = Form::default();
        // What stands around a message's words is cut off before they are counted.
        let trimmed = json["content"].as_str().map(|content| Value::from(content.trim()));
        let content = trimmed.as_ref().unwrap_or(&json["content"]);
        let content = form.text("content", content, LONGEST).map(str::to_owned);
        let clears = |key: &str| json.get(key).is_some_and(Value::is_null);
        let embeds = embeds(&mut form, &json);
        let components = components(&mut form, &json["components"]);
        let allowed = allowed(&mut form, &json["allowed_mentions"]);
        let flags = json["flags"].as_u64().map(|flags| flags & FLAGS);
        for upload in &payload.files {
            if upload.bytes.len() > MAX_BYTES {
                return Err(ApiError::TOO_LARGE);
            }
        }
        if payload.files.len() > 10 {
            form.wrong("attachments", "BASE_TYPE_MAX_LENGTH", "Must be 10 or fewer in length.");
        }
        form.done()?;
        let files = files(world, channel, &json, payload);
        let mut embeds = embeds.or_else(|| clears("embeds").then(Vec::new));
        if let (Some(embeds), Some(files)) = (&mut embeds, &files) {
            attach(world, embeds, files);
        }
        Ok(Self {
            content: content.or_else(|| clears("content").then(String::new)),
            embeds,
            components: components.or_else(|| clears("components").then(Vec::new)),
            files,
            flags,
            allowed,
        })
    }

    /// Whether there is nothing to see.
    pub(super) fn is_empty(&self) -> bool {
        self.content.as_deref().is_none_or(str::is_empty)
            && self.embeds.as_ref().is_none_or(Vec::is_empty)
            && self.components.as_ref().is_none_or(Vec::is_empty)
            && self.files.as_ref().is_none_or(Vec::is_empty)
    }
}

fn files(world: &mut World, channel: Id, json: &Value, payload: Payload) -> Option<Vec<Id>> {
    let described = json["attachments"].as_array();
    if described.is_none() && payload.files.is_empty() {
        return None;
    }
    let described = described.map(Vec::as_slice).unwrap_or_default();
    let number = |item: &Value| id_in(&item["id"]).map(|id| id.0);
    // Files that hang there already are named by their ids; those that are new by their places.
    let is_new = |number: u64| payload.files.iter().any(|file| file.number == number);
    let mut all: Vec<Id> =
        described.iter().filter_map(number).filter(|number| !is_new(*number)).map(Id).collect();
    all.retain(|id| world.files.contains_key(id));
    for upload in payload.files {
        let item = described.iter().find(|item| number(item) == Some(upload.number));
        let name = item.and_then(|item| item["filename"].as_str()).unwrap_or(&upload.name);
        let id = world.keep_file(channel, name, upload.content_type, upload.bytes);
        if let Some(file) = world.files.get_mut(&id) {
            file.description = item.and_then(|item| item["description"].as_str()).map(str::to_owned);
        }
        all.push(id);
    }
    Some(all)
}

/// Embeds name files of their message by `attachment://`.
fn attach(world: &World, embeds: &mut [Value], files: &[Id]) {
    for embed in embeds {
        for place in ["image", "thumbnail", "author", "footer"] {
            for key in ["url", "icon_url"] {
                let name = embed[place][key].as_str().and_then(|url| url.strip_prefix("attachment://"));
                let file = name.and_then(|name| {
                    files.iter().filter_map(|id| world.files.get(id)).find(|file| file.name == name)
                });
                if let Some(file) = file {
                    embed[place][key] = world.file_url(file).into();
                }
            }
        }
    }
}

fn embeds(form: &mut Form, json: &Value) -> Option<Vec<Value>> {
    let list = json["embeds"].as_array()?;
    form.list("embeds", &json["embeds"], 10);
    let mut total = 0;
    let mut all = Vec::new();
    for (index, embed) in list.iter().enumerate() {
        let at = format!("embeds.{index}");
        let mut texts = Vec::new();
        for (key, longest) in [("title", 256), ("description", 4096)] {
            texts.extend(form.text(&format!("{at}.{key}"), &embed[key], longest));
        }
        texts.extend(form.text(&format!("{at}.footer.text"), &embed["footer"]["text"], 2048));
        texts.extend(form.text(&format!("{at}.author.name"), &embed["author"]["name"], 256));
        for (number, field) in form.list(&format!("{at}.fields"), &embed["fields"], 25).iter().enumerate() {
            texts.extend(form.needed(&format!("{at}.fields.{number}.name"), &field["name"], 256));
            texts.extend(form.needed(&format!("{at}.fields.{number}.value"), &field["value"], 1024));
        }
        for path in
            ["/url", "/image/url", "/thumbnail/url", "/author/url", "/author/icon_url", "/footer/icon_url"]
        {
            if let Some(url) = embed.pointer(path).and_then(Value::as_str)
                && !["http://", "https://", "attachment://"].iter().any(|scheme| url.starts_with(scheme))
            {
                let message = format!(
                    "Scheme \"{}\" is not supported. Scheme must be one of ('http', 'https').",
                    url.split(':').next().unwrap_or_default()
                );
                form.wrong(&format!("{at}{}", path.replace('/', ".")), "URL_TYPE_INVALID_SCHEME", &message);
            }
        }
        let has_picture = embed["image"].is_object() || embed["thumbnail"].is_object();
        if texts.iter().all(|text| text.is_empty()) && !has_picture {
            form.wrong(&format!("{at}.description"), "BASE_TYPE_REQUIRED", "This field is required");
        }
        total += texts.iter().map(|text| text.chars().count()).sum::<usize>();
        let mut embed = embed.clone();
        embed["type"] = "rich".into();
        embed["content_scan_version"] = 0.into();
        all.push(embed);
    }
    if total > LONGEST_EMBEDS {
        form.wrong("embeds", "MAX_EMBED_SIZE_EXCEEDED", "Embed size exceeds maximum size of 6000");
    }
    Some(all)
}

/// Rows of buttons or of one menu.
fn components(form: &mut Form, value: &Value) -> Option<Vec<Value>> {
    value.as_array()?;
    let mut number = 0;
    let mut numbered = |component: &Value| {
        number += 1;
        let mut component = component.clone();
        if component["id"].as_u64().is_none_or(|id| id == 0) {
            component["id"] = number.into();
        }
        component
    };
    let mut ids = HashSet::new();
    let mut rows = Vec::new();
    for (index, row) in form.list("components", value, 5).iter().enumerate() {
        let at = format!("components.{index}");
        if row["type"] != 1 {
            form.wrong(
                &format!("{at}.type"),
                "UNION_TYPE_CHOICES",
                "Value of field \"type\" must be one of (1,).",
            );
            continue;
        }
        let mut shown = numbered(row);
        let inside = form.list(&format!("{at}.components"), &row["components"], 5);
        let is_menu = |component: &Value| matches!(component["type"].as_u64(), Some(3 | 5..=8));
        if inside.is_empty() || inside.iter().any(is_menu) && inside.len() > 1 {
            form.wrong(
                &format!("{at}.components"),
                "BASE_TYPE_BAD_LENGTH",
                "Must be between 1 and 5 in length.",
            );
        }
        let mut list = Vec::new();
        for (place, component) in inside.iter().enumerate() {
            let at = format!("{at}.components.{place}");
            if component["type"] == 2 {
                button(form, &at, component);
            } else if !is_menu(component) {
                form.wrong(
                    &format!("{at}.type"),
                    "UNION_TYPE_CHOICES",
                    "Value of field \"type\" must be one of (2, 3, 5, 6, 7, 8).",
                );
            }
            if let Some(id) = form.text(&format!("{at}.custom_id"), &component["custom_id"], 100)
                && !ids.insert(id)
            {
                form.wrong(
                    &format!("{at}.custom_id"),
                    "COMPONENT_CUSTOM_ID_DUPLICATED",
                    "Component custom id cannot be duplicated",
                );
            }
            list.push(numbered(component));
        }
        shown["components"] = list.into();
        rows.push(shown);
    }
    Some(rows)
}

fn button(form: &mut Form, at: &str, button: &Value) {
    form.text(&format!("{at}.label"), &button["label"], 80);
    let style = button["style"].as_u64();
    let text = |key: &str| button[key].as_str().filter(|text| !text.is_empty());
    match style {
        Some(5) if text("url").is_none() => {
            form.wrong(&format!("{at}.url"), "BASE_TYPE_REQUIRED", "A url is required");
        }
        Some(5) if text("custom_id").is_some() => {
            form.wrong(
                at,
                "BUTTON_COMPONENT_CUSTOM_ID_AND_URL",
                "A custom id and url cannot both be specified",
            );
        }
        Some(1..=4) if text("custom_id").is_none() => {
            form.wrong(&format!("{at}.custom_id"), "BASE_TYPE_REQUIRED", "A custom id is required");
        }
        Some(1..=6) => {}
        _ => form.wrong(
            &format!("{at}.style"),
            "BASE_TYPE_CHOICES",
            "Value must be one of {1, 2, 3, 4, 5, 6}.",
        ),
    }
    if style != Some(6) && text("label").is_none() && !button["emoji"].is_object() {
        form.wrong(at, "BUTTON_COMPONENT_INVALID_LABEL_OR_EMOJI", "Buttons must have a label or an emoji");
    }
}

fn allowed(form: &mut Form, value: &Value) -> Option<Allowed> {
    value.as_object()?;
    let parse = form.list("allowed_mentions.parse", &value["parse"], 3);
    for (index, kind) in parse.iter().enumerate() {
        if !matches!(kind.as_str(), Some("everyone" | "users" | "roles")) {
            form.wrong(
                &format!("allowed_mentions.parse.{index}"),
                "BASE_TYPE_CHOICES",
                "Value must be one of ('users', 'roles', 'everyone').",
            );
        }
    }
    let mut which = |kind: &str| {
        let parses = parse.contains(&json!(kind));
        let ids = form.list(&format!("allowed_mentions.{kind}"), &value[kind], 100);
        if parses && !ids.is_empty() {
            let message = format!("parse:[\"{kind}\"] and {kind}: [ids...] are mutually exclusive.");
            form.wrong("allowed_mentions", "MESSAGE_ALLOWED_MENTIONS_PARSE_EXCLUSIVE", &message);
        }
        if parses {
            return Which::All;
        }
        Which::Only(ids.iter().filter_map(id_in).collect())
    };
    let (users, roles) = (which("users"), which("roles"));
    let everyone = parse.contains(&json!("everyone"));
    Some(Allowed { everyone, users, roles, replied_user: value["replied_user"] == true })
}
