//! Chats, their members and their topics.

use serde_json::{Value, json};

use crate::refusal::Refusal;
use crate::request::Params;
use crate::world::{Author, Kind, Standing, Topic, World};

/// `getChat`.
pub(super) fn get(world: &World, params: &Params) -> Result<Value, Refusal> {
    let id = world.find_chat(params)?;
    let chat = world.chat(id)?;
    let mut shape = world.chat_json(id);
    shape["accent_color_id"] = 0.into();
    shape["max_reaction_count"] = 11.into();
    shape["accepted_gift_types"] = json!({
        "unlimited_gifts": false, "limited_gifts": false, "unique_gifts": false, "premium_subscription": false,
        "gifts_from_channels": false
    });
    if chat.kind.is_group() {
        shape["permissions"] = [
            "can_send_messages",
            "can_send_audios",
            "can_send_documents",
            "can_send_photos",
            "can_send_videos",
            "can_send_video_notes",
            "can_send_voice_notes",
            "can_send_polls",
            "can_send_other_messages",
            "can_add_web_page_previews",
            "can_change_info",
            "can_invite_users",
            "can_pin_messages",
            "can_manage_topics",
        ]
        .into_iter()
        .map(|name| (name.to_owned(), Value::Bool(true)))
        .collect::<serde_json::Map<_, _>>()
        .into();
    }
    Ok(shape)
}

fn known(world: &World, params: &Params) -> Result<i64, Refusal> {
    let id = world.writable_chat(params)?;
    Ok(id)
}

/// `getChatMember`.
pub(super) fn member(world: &World, params: &Params) -> Result<Value, Refusal> {
    let id = known(world, params)?;
    let user = params.number("user_id").ok_or_else(|| Refusal::bad("invalid user_id specified"))?;
    if !world.users.contains_key(&user) {
        return Err(Refusal::bad("PARTICIPANT_ID_INVALID"));
    }
    Ok(world.member_json(world.chat(id)?, user))
}

/// `getChatAdministrators`, bots other than this one left out.
pub(super) fn administrators(world: &World, params: &Params) -> Result<Value, Refusal> {
    let id = known(world, params)?;
    let chat = world.chat(id)?;
    if chat.kind == Kind::Private {
        return Err(Refusal::bad("there are no administrators in the private chat"));
    }
    let mut list: Vec<Value> = chat.administrators.iter().map(|id| world.member_json(chat, *id)).collect();
    if chat.bot == Standing::Administrator {
        list.push(world.member_json(chat, world.bot.id));
    }
    Ok(list.into())
}

/// `getChatMemberCount`.
pub(super) fn count(world: &World, params: &Params) -> Result<Value, Refusal> {
    let id = known(world, params)?;
    Ok((world.chat(id)?.members.len() + 1).into())
}

/// `leaveChat`.
pub(super) fn leave(world: &mut World, params: &Params) -> Result<Value, Refusal> {
    let id = world.writable_chat(params)?;
    if world.chat(id)?.kind == Kind::Private {
        return Err(Refusal::bad("chat member status can't be changed in private chats"));
    }
    world.change_bot(id, Standing::Left, world.bot.id)?;
    Ok(true.into())
}

fn forum(world: &World, params: &Params) -> Result<i64, Refusal> {
    let id = world.writable_chat(params)?;
    let chat = world.chat(id)?;
    if chat.kind != Kind::Forum {
        return Err(Refusal::bad("the chat is not a forum"));
    }
    if chat.bot != Standing::Administrator {
        return Err(Refusal::bad("not enough rights to create a topic"));
    }
    Ok(id)
}

/// `createForumTopic`.
pub(super) fn create_topic(world: &mut World, params: &Params) -> Result<Value, Refusal> {
    let id = forum(world, params)?;
    let name = params.get("name").ok_or_else(|| Refusal::bad("topic name must be non-empty"))?;
    let thread = world.open_topic(id, name, Author::User(world.bot.id))?;
    Ok(json!({"message_thread_id": thread, "name": name, "icon_color": 7_322_096}))
}

fn topic<'a>(world: &'a mut World, params: &Params) -> Result<&'a mut Topic, Refusal> {
    let id = forum(world, params)?;
    let thread = params.number("message_thread_id").unwrap_or_default();
    world.chat_mut(id)?.topics.get_mut(&thread).ok_or_else(|| Refusal::bad("message thread not found"))
}

/// `editForumTopic`.
pub(super) fn edit_topic(world: &mut World, params: &Params) -> Result<Value, Refusal> {
    let topic = topic(world, params)?;
    if let Some(name) = params.get("name") {
        topic.name = name.to_owned();
    }
    Ok(true.into())
}

/// `closeForumTopic` and `reopenForumTopic`.
pub(super) fn open_topic(world: &mut World, method: &str, params: &Params) -> Result<Value, Refusal> {
    let topic = topic(world, params)?;
    let closed = method.starts_with("close");
    if topic.closed == closed {
        return Err(Refusal::bad("TOPIC_NOT_MODIFIED"));
    }
    topic.closed = closed;
    Ok(true.into())
}

/// `deleteForumTopic`, with all that was said in it.
pub(super) fn delete_topic(world: &mut World, params: &Params) -> Result<Value, Refusal> {
    topic(world, params)?;
    let id = forum(world, params)?;
    let thread = params.number("message_thread_id");
    let chat = world.chat_mut(id)?;
    chat.topics.retain(|topic, _| Some(*topic) != thread);
    chat.messages.retain(|_, message| message.thread != thread);
    Ok(true.into())
}
