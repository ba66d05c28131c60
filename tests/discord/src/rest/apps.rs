//! The application and its bot: who they are, where the gateway is, which commands there are.

use std::sync::Arc;

use axum::Json;
use axum::extract::{Path, Query, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use serde::Deserialize;
use serde_json::{Value, json};

use super::error::ApiError;
use super::validate::Form;
use crate::Shared;
use crate::ids::Id;
use crate::world::command::Command;
use crate::world::{STARTS, World};

type Answer<T> = Result<T, ApiError>;

pub(super) async fn gateway(State(shared): State<Arc<Shared>>) -> Json<Value> {
    Json(json!({"url": shared.gateway()}))
}

pub(super) async fn gateway_bot(State(shared): State<Arc<Shared>>) -> Json<Value> {
    Json(json!({
        "url": shared.gateway(),
        "shards": shared.options.shards,
        "session_start_limit": {
            "total": STARTS,
            "remaining": shared.look().starts_left,
            "reset_after": 14_400_000,
            "max_concurrency": 1,
        },
    }))
}

pub(super) async fn me(State(shared): State<Arc<Shared>>) -> Json<Value> {
    let world = shared.look();
    Json(world.users.get(&world.bot()).map(crate::world::user::User::own_json).into())
}

pub(super) async fn user(State(shared): State<Arc<Shared>>, Path(user): Path<Id>) -> Answer<Json<Value>> {
    let world = shared.look();
    world.users.get(&user).map(|user| Json(user.json())).ok_or(ApiError::UNKNOWN_USER)
}

pub(super) async fn application(State(shared): State<Arc<Shared>>) -> Json<Value> {
    let world = shared.look();
    let name = world.shown_name(None, world.bot());
    Json(json!({
        "id": world.app.id,
        "name": name,
        "icon": null,
        "description": "",
        "type": null,
        "bot": world.user_json(world.bot()),
        "summary": "",
        "bot_public": true,
        "bot_require_code_grant": false,
        "verify_key": "0".repeat(64),
        "flags": world.app.flags(),
        "hook": true,
        "is_monetized": false,
        "is_verified": false,
        "is_discoverable": false,
        "approximate_guild_count": world.guilds.len(),
        "approximate_user_install_count": 0,
        "approximate_user_authorization_count": 0,
        "install_params": {"scopes": ["applications.commands", "bot"], "permissions": "0"},
        "integration_types_config": {"0": {"oauth2_install_params": {"scopes": ["applications.commands", "bot"], "permissions": "0"}}},
        "owner": world.user_json(world.app.owner),
        "team": null,
        "redirect_uris": [],
        "interactions_endpoint_url": null,
        "role_connections_verification_url": null,
        "rpc_origins": [],
        "tags": [],
        "event_webhooks_status": 1,
    }))
}

/// Which guilds are asked for.
#[derive(Debug, Deserialize)]
pub(super) struct Range {
    before: Option<Id>,
    after: Option<Id>,
    limit: Option<usize>,
}

pub(super) async fn my_guilds(State(shared): State<Arc<Shared>>, Query(range): Query<Range>) -> Json<Value> {
    let world = shared.look();
    let bot = world.bot();
    let own = world.guilds.values().filter(|guild| guild.members.contains_key(&bot));
    let own = own.filter(|guild| range.after.is_none_or(|after| guild.id > after));
    let own = own.filter(|guild| range.before.is_none_or(|before| guild.id < before));
    let guilds = own.take(range.limit.unwrap_or(200).min(200)).map(|guild| {
        json!({
            "id": guild.id,
            "name": guild.name,
            "icon": null,
            "banner": null,
            "owner": guild.owner == bot,
            "permissions": world.guild_permissions(bot, guild.id).to_string(),
            "features": [],
            "approximate_member_count": guild.members.len(),
            "approximate_presence_count": guild.members.len(),
        })
    });
    Json(guilds.collect())
}

type Scope = Option<Id>;

fn scope(world: &World, app: Id, guild: Scope) -> Answer<Scope> {
    if app != world.app.id {
        return Err(ApiError::UNKNOWN_APPLICATION);
    }
    match guild {
        Some(guild) => world.member_of(guild).map(|guild| Some(guild.id)),
        None => Ok(None),
    }
}

fn listed(world: &World, scope: Scope) -> Json<Value> {
    let commands = world.commands.values().filter(|command| command.guild == scope);
    Json(commands.map(|command| world.command_json(command)).collect())
}

fn found(world: &World, scope: Scope, id: Id) -> Answer<&Command> {
    world.commands.get(&id).filter(|command| command.guild == scope).ok_or(ApiError::UNKNOWN_COMMAND)
}

fn put(world: &mut World, scope: Scope, body: &Value) -> Answer<Json<Value>> {
    let mut form = Form::default();
    let list = form.list("", body, 110);
    for (index, command) in list.iter().enumerate() {
        check(&mut form, &index.to_string(), command);
        let is_double = |other: &&Value| other["name"] == command["name"] && kind(other) == kind(command);
        if list.iter().filter(is_double).count() > 1 {
            form.wrong(
                &index.to_string(),
                "APPLICATION_COMMANDS_DUPLICATE_NAME",
                "Application command names must be unique",
            );
        }
    }
    form.done()?;
    let kept: Vec<Id> = list.iter().map(|command| world.register(scope, command.clone()).0).collect();
    world.commands.retain(|id, command| command.guild != scope || kept.contains(id));
    Ok(listed(world, scope))
}

fn kind(command: &Value) -> u64 {
    command["type"].as_u64().unwrap_or(1)
}

fn check(form: &mut Form, at: &str, command: &Value) {
    name(form, &format!("{at}.name"), &command["name"], kind(command) == 1);
    if kind(command) == 1 {
        form.needed(&format!("{at}.description"), &command["description"], 100);
    }
    for (key, longest) in [("name_localizations", 32), ("description_localizations", 100)] {
        for (locale, text) in command[key].as_object().into_iter().flatten() {
            let at = format!("{at}.{key}.{locale}");
            if !LOCALES.contains(&locale.as_str()) {
                form.wrong(&at, "BASE_TYPE_CHOICES", "Locale is not supported.");
            }
            form.needed(&at, text, longest);
        }
    }
    let mut was_optional = false;
    for (index, option) in form.list(&format!("{at}.options"), &command["options"], 25).iter().enumerate() {
        let at = format!("{at}.options.{index}");
        name(form, &format!("{at}.name"), &option["name"], true);
        form.needed(&format!("{at}.description"), &option["description"], 100);
        if !option["type"].as_u64().is_some_and(|kind| (1..=11).contains(&kind)) {
            form.wrong(&format!("{at}.type"), "BASE_TYPE_CHOICES", "Value must be one of {1, …, 11}.");
        }
        let is_required = option["required"] == true;
        if is_required && was_optional {
            form.wrong(
                &at,
                "APPLICATION_COMMAND_OPTIONS_REQUIRED_INVALID",
                "Required options must be placed before non-required options",
            );
        }
        was_optional |= !is_required;
        form.list(&format!("{at}.choices"), &option["choices"], 25);
        for (number, choice) in option["choices"].as_array().into_iter().flatten().enumerate() {
            form.needed(&format!("{at}.choices.{number}.name"), &choice["name"], 100);
        }
    }
}

fn name(form: &mut Form, at: &str, value: &Value, is_slash: bool) {
    let Some(name) = form.needed(at, value, 32) else { return };
    let is_fine = |c: char| c.is_alphanumeric() || matches!(c, '-' | '_' | '\'');
    if is_slash && (!name.chars().all(is_fine) || name.to_lowercase() != name) {
        form.wrong(at, "APPLICATION_COMMAND_INVALID_NAME", "Command name is invalid");
    }
}

/// Discord's languages.
const LOCALES: [&str; 32] = [
    "id", "da", "de", "en-GB", "en-US", "es-ES", "es-419", "fr", "hr", "it", "lt", "hu", "nl", "no", "pl",
    "pt-BR", "ro", "fi", "sv-SE", "vi", "tr", "cs", "el", "bg", "ru", "uk", "hi", "th", "zh-CN", "ja",
    "zh-TW", "ko",
];

fn add(world: &mut World, scope: Scope, body: Value) -> Answer<Response> {
    let mut form = Form::default();
    check(&mut form, "command", &body);
    form.done()?;
    let (id, is_new) = world.register(scope, body);
    let command = found(world, scope, id)?;
    let status = if is_new { StatusCode::CREATED } else { StatusCode::OK };
    Ok((status, Json(world.command_json(command))).into_response())
}

fn change(world: &mut World, scope: Scope, id: Id, changes: &Value) -> Answer<Json<Value>> {
    let mut body = found(world, scope, id)?.body.clone();
    for (key, value) in changes.as_object().into_iter().flatten() {
        body[key] = value.clone();
    }
    let mut form = Form::default();
    check(&mut form, "command", &body);
    form.done()?;
    let version = world.ids.next();
    if let Some(command) = world.commands.get_mut(&id) {
        (command.body, command.version) = (body, version);
    }
    found(world, scope, id).map(|command| Json(world.command_json(command)))
}

fn remove(world: &mut World, scope: Scope, id: Id) -> Answer<StatusCode> {
    found(world, scope, id)?;
    world.commands.remove(&id);
    Ok(StatusCode::NO_CONTENT)
}

type Here = State<Arc<Shared>>;

pub(super) async fn commands(State(shared): Here, Path(app): Path<Id>) -> Answer<Json<Value>> {
    let world = shared.look();
    Ok(listed(&world, scope(&world, app, None)?))
}

pub(super) async fn put_commands(
    State(shared): Here,
    Path(app): Path<Id>,
    Json(body): Json<Value>,
) -> Answer<Json<Value>> {
    shared.change(|world| put(world, scope(world, app, None)?, &body))
}

pub(super) async fn post_command(
    State(shared): Here,
    Path(app): Path<Id>,
    Json(body): Json<Value>,
) -> Answer<Response> {
    shared.change(|world| add(world, scope(world, app, None)?, body))
}

pub(super) async fn command(State(shared): Here, Path((app, id)): Path<(Id, Id)>) -> Answer<Json<Value>> {
    let world = shared.look();
    let command = found(&world, scope(&world, app, None)?, id)?;
    Ok(Json(world.command_json(command)))
}

pub(super) async fn patch_command(
    State(shared): Here,
    Path((app, id)): Path<(Id, Id)>,
    Json(body): Json<Value>,
) -> Answer<Json<Value>> {
    shared.change(|world| change(world, scope(world, app, None)?, id, &body))
}

pub(super) async fn delete_command(
    State(shared): Here,
    Path((app, id)): Path<(Id, Id)>,
) -> Answer<StatusCode> {
    shared.change(|world| remove(world, scope(world, app, None)?, id))
}

pub(super) async fn guild_commands(
    State(shared): Here,
    Path((app, guild)): Path<(Id, Id)>,
) -> Answer<Json<Value>> {
    let world = shared.look();
    Ok(listed(&world, scope(&world, app, Some(guild))?))
}

pub(super) async fn put_guild_commands(
    State(shared): Here,
    Path((app, guild)): Path<(Id, Id)>,
    Json(body): Json<Value>,
) -> Answer<Json<Value>> {
    shared.change(|world| put(world, scope(world, app, Some(guild))?, &body))
}

pub(super) async fn post_guild_command(
    State(shared): Here,
    Path((app, guild)): Path<(Id, Id)>,
    Json(body): Json<Value>,
) -> Answer<Response> {
    shared.change(|world| add(world, scope(world, app, Some(guild))?, body))
}

pub(super) async fn guild_command(
    State(shared): Here,
    Path((app, guild, id)): Path<(Id, Id, Id)>,
) -> Answer<Json<Value>> {
    let world = shared.look();
    let command = found(&world, scope(&world, app, Some(guild))?, id)?;
    Ok(Json(world.command_json(command)))
}

pub(super) async fn patch_guild_command(
    State(shared): Here,
    Path((app, guild, id)): Path<(Id, Id, Id)>,
    Json(body): Json<Value>,
) -> Answer<Json<Value>> {
    shared.change(|world| change(world, scope(world, app, Some(guild))?, id, &body))
}

pub(super) async fn delete_guild_command(
    State(shared): Here,
    Path((app, guild, id)): Path<(Id, Id, Id)>,
) -> Answer<StatusCode> {
    shared.change(|world| remove(world, scope(world, app, Some(guild))?, id))
}
