//! Guilds: what is in them, as far as the bot is.

use std::sync::Arc;

use axum::Json;
use axum::extract::{Path, Query, State};
use axum::http::StatusCode;
use serde::Deserialize;
use serde_json::Value;

use super::error::ApiError;
use super::validate::Form;
use crate::Shared;
use crate::ids::{Id, id_in};
use crate::world::World;
use crate::world::channel::{Channel, Kind};
use crate::world::guild::{Guild, Role};
use crate::world::permissions::MANAGE_CHANNELS;

type Answer<T> = Result<T, ApiError>;

impl World {
    /// A guild that the bot is in.
    pub(super) fn member_of(&self, guild: Id) -> Answer<&Guild> {
        let guild = self.guilds.get(&guild).ok_or(ApiError::UNKNOWN_GUILD)?;
        if guild.members.contains_key(&self.bot()) { Ok(guild) } else { Err(ApiError::MISSING_ACCESS) }
    }
}

/// A guild.
pub(super) async fn guild(State(shared): State<Arc<Shared>>, Path(guild): Path<Id>) -> Answer<Json<Value>> {
    let world = shared.look();
    let guild = world.member_of(guild)?;
    let mut json = guild.json();
    json["approximate_member_count"] = guild.members.len().into();
    json["approximate_presence_count"] = guild.members.len().into();
    Ok(Json(json))
}

/// Its channels, without threads.
pub(super) async fn channels(
    State(shared): State<Arc<Shared>>,
    Path(guild): Path<Id>,
) -> Answer<Json<Value>> {
    let world = shared.look();
    world.member_of(guild)?;
    let own =
        world.channels.values().filter(|channel| channel.guild == Some(guild) && channel.thread.is_none());
    Ok(Json(own.map(|channel| world.channel_json(channel)).collect()))
}

/// The bot makes a channel.
pub(super) async fn make_channel(
    State(shared): State<Arc<Shared>>,
    Path(guild): Path<Id>,
    Json(body): Json<Value>,
) -> Answer<(StatusCode, Json<Value>)> {
    let mut form = Form::default();
    let name = form.needed("name", &body["name"], 100).unwrap_or_default().to_owned();
    let kind = match body["type"].as_u64() {
        None | Some(0) => Kind::Text,
        Some(4) => Kind::Category,
        Some(15) => Kind::Forum,
        _ => {
            form.wrong("type", "BASE_TYPE_CHOICES", "Value must be one of {0, 4, 15}.");
            Kind::Text
        }
    };
    form.done()?;
    shared.change(|world| {
        world.member_of(guild)?;
        if world.guild_permissions(world.bot(), guild) & MANAGE_CHANNELS == 0 {
            return Err(ApiError::MISSING_PERMISSIONS);
        }
        let id = world.ids.next();
        let mut channel = Channel::new(id, kind, Some(guild), &name);
        channel.topic = body["topic"].as_str().map(str::to_owned);
        channel.parent = id_in(&body["parent_id"]);
        let overwrites = body["permission_overwrites"].as_array().into_iter().flatten();
        channel.overwrites = overwrites.filter_map(super::channels::overwrite).collect();
        let json = world.channel_json(&channel);
        world.channels.insert(id, channel);
        world.tell_channel("CHANNEL_CREATE", id);
        Ok((StatusCode::CREATED, Json(json)))
    })
}

/// Its roles.
pub(super) async fn roles(State(shared): State<Arc<Shared>>, Path(guild): Path<Id>) -> Answer<Json<Value>> {
    let world = shared.look();
    let guild = world.member_of(guild)?;
    Ok(Json(guild.roles.values().map(Role::json).collect()))
}

/// Which members are asked for.
#[derive(Debug, Deserialize)]
pub(super) struct Range {
    after: Option<Id>,
    limit: Option<usize>,
}

/// Its members, which only an application with the intent for them is told.
pub(super) async fn members(
    State(shared): State<Arc<Shared>>,
    Path(guild): Path<Id>,
    Query(range): Query<Range>,
) -> Answer<Json<Value>> {
    let world = shared.look();
    let guild = world.member_of(guild)?;
    if !world.app.members_and_presences {
        return Err(ApiError::MISSING_ACCESS);
    }
    let members = guild.members.values().filter(|member| range.after.is_none_or(|after| member.user > after));
    let members = members.take(range.limit.unwrap_or(1).clamp(1, 1000));
    Ok(Json(members.map(|member| world.member_json(member)).collect()))
}

/// The bot leaves a guild.
pub(super) async fn leave(State(shared): State<Arc<Shared>>, Path(guild): Path<Id>) -> Answer<StatusCode> {
    shared.change(|world| {
        world.member_of(guild)?;
        world.remove_bot(guild);
        Ok(StatusCode::NO_CONTENT)
    })
}

/// One of its members; `@me` is the bot.
pub(super) async fn member(
    State(shared): State<Arc<Shared>>,
    Path((guild, user)): Path<(Id, String)>,
) -> Answer<Json<Value>> {
    let world = shared.look();
    let guild = world.member_of(guild)?;
    let user = if user == "@me" { Ok(world.bot()) } else { user.parse() };
    let user = user.map_err(|_| ApiError::UNKNOWN_USER)?;
    if !world.users.contains_key(&user) {
        return Err(ApiError::UNKNOWN_USER);
    }
    let member = guild.members.get(&user).ok_or(ApiError::UNKNOWN_MEMBER)?;
    Ok(Json(world.member_json(member)))
}
