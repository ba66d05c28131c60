//! What is there, as the JSON of the Bot API. In go parts of the [`World`]; out come the objects `User`, `Chat`, `Message`, `File`.

use serde_json::{Map, Value, json};

use crate::entities::Entity;
use crate::world::{Author, Chat, File, Kind, Message, User, World};

impl World {
    pub(crate) fn user_json(&self, id: i64) -> Value {
        self.users
            .get(&id)
            .map_or_else(|| json!({"id": id, "is_bot": false, "first_name": "Deleted Account"}), user)
    }

    pub(crate) fn chat_json(&self, id: i64) -> Value {
        let Some(chat) = self.chats.get(&id) else { return json!({"id": id, "type": "private"}) };
        let mut shape = Map::new();
        shape.insert("id".into(), chat.id.into());
        if chat.kind == Kind::Private {
            if let Some(user) = self.users.get(&id) {
                shape.insert("first_name".into(), user.name.clone().into());
                if let Some(name) = &user.username {
                    shape.insert("username".into(), name.clone().into());
                }
            }
        } else {
            shape.insert("title".into(), chat.title.clone().into());
            if let Some(name) = &chat.username {
                shape.insert("username".into(), name.clone().into());
            }
        }
        shape.insert("type".into(), chat.kind.name().into());
        if chat.kind == Kind::Forum {
            shape.insert("is_forum".into(), true.into());
        }
        if chat.kind == Kind::Group {
            shape.insert("all_members_are_administrators".into(), false.into());
        }
        Value::Object(shape)
    }

    /// A message with the one that it replies to.
    pub(crate) fn message_json(&self, message: &Message) -> Value {
        self.shaped(message, true)
    }

    fn shaped(&self, message: &Message, with_reply: bool) -> Value {
        let mut shape = Map::new();
        let mut put = |name: &str, value: Value| {
            shape.insert(name.to_owned(), value);
        };
        put("message_id", message.id.into());
        let chat = self.chats.get(&message.chat);
        match message.author {
            Author::User(id) => put("from", self.user_json(id)),
            Author::Chat(id) => {
                put("sender_chat", self.chat_json(id));
                if chat.is_some_and(|chat| chat.kind.is_group()) {
                    put("from", anonymous());
                }
            }
        }
        put("chat", self.chat_json(message.chat));
        put("date", message.date.into());
        if let Some(date) = message.edited {
            put("edit_date", date.into());
        }
        if let Some((thread, is_topic)) = chat.and_then(|chat| thread(chat, message)) {
            put("message_thread_id", thread.into());
            if is_topic {
                put("is_topic_message", true.into());
            }
        }
        if let Some(from) = message.forwarded_from {
            put(
                "forward_origin",
                json!({"type": "user", "date": message.date, "sender_user": self.user_json(from)}),
            );
        }
        if with_reply && let Some(replied) = message.reply_to.and_then(|id| self.message(message.chat, id)) {
            put("reply_to_message", self.shaped(replied, false));
            if let Some(quote) = &message.quote {
                put("quote", json!({"text": quote, "position": 0, "is_manual": true}));
            }
        }
        if message.protected {
            put("has_protected_content", true.into());
        }
        if let Some(group) = &message.group {
            put("media_group_id", group.clone().into());
        }
        if let Some((name, value)) = &message.service {
            put(name, value.clone());
        } else if let Some(rich) = &message.rich {
            put("rich_message", rich.clone());
        } else if let Some(media) = &message.media {
            if let Some(file) = self.files.get(&media.file) {
                put(&media.kind, media_json(&media.kind, file));
                if media.kind == "animation" {
                    put("document", media_json("document", file));
                }
            }
            if !message.text.is_empty() {
                put("caption", message.text.clone().into());
                if !message.entities.is_empty() {
                    put("caption_entities", self.entities_json(&message.entities));
                }
            }
        } else {
            put("text", message.text.clone().into());
            if !message.entities.is_empty() {
                put("entities", self.entities_json(&message.entities));
            }
            if let Some(preview) = &message.link_preview {
                put("link_preview_options", preview.clone());
            }
        }
        if let Some(keyboard) = &message.keyboard {
            put("reply_markup", keyboard.clone());
        }
        Value::Object(shape)
    }

    pub(crate) fn entities_json(&self, entities: &[Entity]) -> Value {
        entities.iter().map(|entity| entity.shape(self)).collect()
    }

    /// The member of a chat, the bot itself included.
    pub(crate) fn member_json(&self, chat: &Chat, id: i64) -> Value {
        let user = self.user_json(id);
        let status = if id == self.bot.id {
            chat.bot.name()
        } else if chat.administrators.first() == Some(&id) && chat.kind != Kind::Private {
            "creator"
        } else if chat.administrators.contains(&id) && chat.kind != Kind::Private {
            "administrator"
        } else if chat.members.contains(&id) {
            "member"
        } else {
            "left"
        };
        member(status, &user)
    }
}

/// A `ChatMember` of this status.
pub(crate) fn member(status: &str, user: &Value) -> Value {
    let mut shape = json!({"user": user, "status": status});
    match status {
        "creator" => shape["is_anonymous"] = false.into(),
        "administrator" => {
            for right in [
                "can_be_edited",
                "is_anonymous",
                "can_promote_members",
                "can_change_info",
                "can_manage_video_chats",
                "can_post_stories",
                "can_edit_stories",
                "can_delete_stories",
            ] {
                shape[right] = false.into();
            }
            for right in [
                "can_manage_chat",
                "can_delete_messages",
                "can_restrict_members",
                "can_invite_users",
                "can_pin_messages",
                "can_manage_topics",
                "can_post_messages",
                "can_edit_messages",
            ] {
                shape[right] = true.into();
            }
        }
        "kicked" => shape["until_date"] = 0.into(),
        _ => {}
    }
    shape
}

/// The topic that a message says it is in. The General topic says nothing; a reply in a supergroup without topics names the
/// message that the talk began with, and is no topic.
fn thread(chat: &Chat, message: &Message) -> Option<(i64, bool)> {
    match chat.kind {
        Kind::Supergroup => {
            let mut first = message.reply_to?;
            while let Some(before) = chat.messages.get(&first).and_then(|message| message.reply_to) {
                first = before;
            }
            Some((first, false))
        }
        Kind::Forum | Kind::Private => message.thread.map(|thread| (thread, true)),
        Kind::Group | Kind::Channel => None,
    }
}

fn user(user: &User) -> Value {
    let mut shape = json!({"id": user.id, "is_bot": user.is_bot, "first_name": user.name});
    if let Some(name) = &user.username {
        shape["username"] = name.clone().into();
    }
    if let Some(language) = &user.language {
        shape["language_code"] = language.clone().into();
    }
    shape
}

/// The user that stands for an administrator who wants to stay unnamed.
fn anonymous() -> Value {
    json!({"id": 1_087_968_824, "is_bot": true, "first_name": "Group", "username": "GroupAnonymousBot"})
}

fn media_json(kind: &str, file: &File) -> Value {
    let size = file.bytes.len();
    let unique = format!("AQAD{}", file.id);
    let mut shape = json!({"file_id": file.id, "file_unique_id": unique, "file_size": size});
    match kind {
        "photo" => {
            let (width, height) = picture_size(&file.bytes).unwrap_or((1280, 960));
            let mut small = shape.clone();
            small["width"] = 90.into();
            small["height"] = (90 * height / width.max(1)).max(1).into();
            shape["width"] = width.into();
            shape["height"] = height.into();
            return json!([small, shape]);
        }
        "voice" | "audio" => {
            shape["duration"] = 1.into();
            if kind == "audio" {
                shape["file_name"] = file.name.clone().into();
            }
        }
        "video" | "animation" => {
            shape["width"] = 640.into();
            shape["height"] = 360.into();
            shape["duration"] = 1.into();
            shape["file_name"] = file.name.clone().into();
        }
        _ => shape["file_name"] = file.name.clone().into(),
    }
    shape["mime_type"] = file.mime.clone().into();
    shape
}

/// The size of a PNG.
fn picture_size(bytes: &[u8]) -> Option<(u32, u32)> {
    let header = bytes.strip_prefix(b"\x89PNG\r\n\x1a\n")?.get(8..16)?;
    let width = u32::from_be_bytes(header.get(..4)?.try_into().ok()?);
    let height = u32::from_be_bytes(header.get(4..)?.try_into().ok()?);
    Some((width, height))
}

/// A file, as `getFile` describes it.
pub(crate) fn file_json(file: &File) -> Value {
    json!({
        "file_id": file.id,
        "file_unique_id": format!("AQAD{}", file.id),
        "file_size": file.bytes.len(),
        "file_path": file.path,
    })
}
