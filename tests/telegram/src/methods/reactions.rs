//! The bot's own reactions.

use serde_json::Value;

use crate::refusal::Refusal;
use crate::request::Params;
use crate::world::World;

/// The emoji that anyone may react with.
const ALLOWED: &str = "❤ 👍 👎 🔥 🥰 👏 😁 🤔 🤯 😱 🤬 😢 🎉 🤩 🤮 💩 🙏 👌 🕊 🤡 🥱 🥴 😍 🐳 ❤‍🔥 🌚 🌭 💯 🤣 ⚡ 🍌 🏆 💔 🤨 😐 🍓 🍾 💋 🖕 😈 😴 😭 🤓 👻 \
                       👨‍💻 👀 🎃 🙈 😇 😨 🤝 ✍ 🤗 🫡 🎅 🎄 ☃ 💅 🤪 🗿 🆒 💘 🙉 🦄 😘 💊 🙊 😎 👾 🤷‍♂ 🤷 🤷‍♀ 😡";

/// `setMessageReaction`. A bot may have one at a message.
pub(super) fn set(world: &mut World, params: &Params) -> Result<Value, Refusal> {
    let chat = world.writable_chat(params)?;
    let id = params.number("message_id").unwrap_or_default();
    let list = params.json("reaction")?.unwrap_or_default();
    let list = list.as_array().cloned().unwrap_or_default();
    if list.len() > 1 {
        return Err(Refusal::bad("REACTIONS_TOO_MANY"));
    }
    let mut reactions = Vec::new();
    for reaction in &list {
        let emoji = reaction.get("emoji").and_then(Value::as_str).unwrap_or_default();
        let plain = emoji.trim_end_matches('\u{fe0f}');
        if !ALLOWED.split_whitespace().any(|allowed| allowed == plain) {
            return Err(Refusal::bad("REACTION_INVALID"));
        }
        reactions.push(plain.to_owned());
    }
    let bot = world.bot.id;
    let message = world.chat_mut(chat)?.messages.get_mut(&id);
    let message = message.ok_or_else(|| Refusal::bad("message to react not found"))?;
    if reactions.is_empty() {
        message.reactions.remove(&bot);
    } else {
        message.reactions.insert(bot, reactions);
    }
    Ok(true.into())
}
