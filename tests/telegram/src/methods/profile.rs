//! The bot itself: who it is, its commands and descriptions by language, its menu button.

use serde_json::{Value, json};

use crate::entities::units;
use crate::refusal::Refusal;
use crate::request::Params;
use crate::world::World;

/// `getMe`, with every flag.
pub(super) fn me(world: &World) -> Value {
    let mut me = world.user_json(world.bot.id);
    for (flag, value) in [
        ("can_join_groups", true),
        ("can_read_all_group_messages", !world.privacy),
        ("supports_inline_queries", false),
        ("can_connect_to_business", false),
        ("has_main_web_app", false),
        ("has_topics_enabled", false),
        ("allows_users_to_create_topics", false),
        ("can_manage_bots", false),
        ("supports_guest_queries", false),
        ("supports_join_request_queries", false),
    ] {
        me[flag] = value.into();
    }
    me
}

/// The scope of commands, as a key; a scope is the same however its fields are ordered.
pub(crate) fn scope_key(scope: &Value) -> String {
    let text = |name: &str| {
        scope.get(name).map(|value| value.as_str().map_or_else(|| value.to_string(), str::to_owned))
    };
    let parts = [text("type").or_else(|| Some("default".to_owned())), text("chat_id"), text("user_id")];
    parts.into_iter().flatten().collect::<Vec<_>>().join(" ")
}

/// `setMyCommands`, `getMyCommands`, `deleteMyCommands`.
pub(super) fn commands(world: &mut World, method: &str, params: &Params) -> Result<Value, Refusal> {
    let scope = params.json("scope")?.unwrap_or_default();
    let known = ["default", "all_private_chats", "all_group_chats", "all_chat_administrators", "chat"];
    let known = |kind: &str| known.contains(&kind) || matches!(kind, "chat_administrators" | "chat_member");
    if !scope.is_null() && !scope.get("type").and_then(Value::as_str).is_some_and(known) {
        return Err(Refusal::bad("can't parse BotCommandScope: Unsupported type specified"));
    }
    let language = params.get("language_code").unwrap_or_default();
    if !language.is_empty() && (language.len() != 2 || !language.chars().all(|c| c.is_ascii_lowercase())) {
        return Err(Refusal::bad("invalid language code specified"));
    }
    let key = (scope_key(&scope), language.to_owned());
    match method {
        "getmycommands" => Ok(world.commands.get(&key).cloned().unwrap_or_else(|| json!([]))),
        "deletemycommands" => {
            world.commands.remove(&key);
            Ok(true.into())
        }
        _ => {
            let list = params.json("commands")?.unwrap_or_default();
            let list = list.as_array().ok_or_else(|| Refusal::bad("expected an Array of BotCommand"))?;
            if list.len() > 100 {
                return Err(Refusal::bad("BOT_COMMANDS_TOO_MUCH"));
            }
            let mut kept = Vec::new();
            for command in list {
                let text = |name: &str| command.get(name).and_then(Value::as_str).unwrap_or_default();
                let (name, description) =
                    (text("command").trim_start_matches('/'), text("description").trim());
                let plain = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_';
                if !(1..=32).contains(&name.len()) || !name.chars().all(plain) {
                    return Err(Refusal::bad("BOT_COMMAND_INVALID"));
                }
                if !(1..=256).contains(&units(description)) {
                    return Err(Refusal::bad("BOT_COMMAND_DESCRIPTION_INVALID"));
                }
                kept.push(json!({"command": name, "description": description}));
            }
            world.commands.insert(key, kept.into());
            Ok(true.into())
        }
    }
}

/// The name, description and short description: set and read.
pub(super) fn text(world: &mut World, method: &str, params: &Params) -> Result<Value, Refusal> {
    let (field, longest) = match method.trim_start_matches("set").trim_start_matches("get") {
        "myname" => ("name", 64),
        "mydescription" => ("description", 512),
        _ => ("short_description", 120),
    };
    let language = params.get("language_code").unwrap_or_default().to_owned();
    if method.starts_with("get") {
        let plain = if field == "name" { world.bot.name.clone() } else { String::new() };
        let known =
            world.profile.get(&(field, language)).or_else(|| world.profile.get(&(field, String::new())));
        return Ok(json!({field: known.cloned().unwrap_or(plain)}));
    }
    let value = params.get(field).unwrap_or_default();
    if units(value) > longest {
        return Err(Refusal::bad(format!("bot {} is too long", field.replace('_', " "))));
    }
    world.profile.insert((field, language), value.to_owned());
    Ok(true.into())
}

/// The button beside the text field.
pub(super) fn menu_button(world: &mut World, method: &str, params: &Params) -> Result<Value, Refusal> {
    let chat = params.number("chat_id").unwrap_or(0);
    if method.starts_with("get") {
        return Ok(world.menu_buttons.get(&chat).cloned().unwrap_or_else(|| json!({"type": "commands"})));
    }
    let button = params.json("menu_button")?.unwrap_or_else(|| json!({"type": "default"}));
    world.menu_buttons.insert(chat, button);
    Ok(true.into())
}
