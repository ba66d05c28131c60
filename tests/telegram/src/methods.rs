//! What each method does. In go its name and parameters; out comes its result. One group of methods a file.

mod answers;
mod callbacks;
mod chats;
mod edits;
mod keyboard;
mod media;
mod messages;
mod profile;
mod reactions;
mod rich;

use serde_json::Value;

use crate::refusal::Refusal;
use crate::request::Params;
use crate::webhook;
use crate::world::World;

/// Methods that older servers do not know, with the version of the Bot API that brought them.
const SINCE: [(&str, (u8, u8)); 4] = [
    ("setmessagereaction", (7, 0)),
    ("sendmessagedraft", (9, 3)),
    ("sendrichmessage", (10, 1)),
    ("sendrichmessagedraft", (10, 1)),
];

/// Carries out a method; its name is in small letters.
pub(crate) fn call(world: &mut World, method: &str, params: &Params) -> Result<Value, Refusal> {
    if SINCE.iter().any(|(name, since)| *name == method && world.options.bot_api_version < *since) {
        return Err(Refusal::unknown_method());
    }
    world.fade_drafts();
    match method {
        "getme" => Ok(profile::me(world)),
        "getwebhookinfo" => Ok(webhook::info(world)),
        "logout" | "close" => Ok(true.into()),
        "sendmessage" => messages::send(world, params),
        "sendmessagedraft" => messages::send_draft(world, params),
        "sendrichmessage" => rich::send(world, params),
        "sendrichmessagedraft" => rich::send_draft(world, params),
        "sendchataction" => messages::chat_action(world, params),
        "forwardmessage" => messages::forward(world, params),
        "copymessage" => messages::copy(world, params),
        "sendmediagroup" => media::send_group(world, params),
        "getfile" => media::get_file(world, params),
        "editmessagetext" => edits::text(world, params),
        "editmessagecaption" => edits::caption(world, params),
        "editmessagereplymarkup" => edits::keyboard(world, params),
        "deletemessage" => edits::delete(world, params),
        "deletemessages" => edits::delete_many(world, params),
        "answercallbackquery" => callbacks::answer(world, params),
        "setmessagereaction" => reactions::set(world, params),
        "setmycommands" | "getmycommands" | "deletemycommands" => profile::commands(world, method, params),
        "setmyname"
        | "getmyname"
        | "setmydescription"
        | "getmydescription"
        | "setmyshortdescription"
        | "getmyshortdescription" => profile::text(world, method, params),
        "setchatmenubutton" | "getchatmenubutton" => profile::menu_button(world, method, params),
        "getchat" => chats::get(world, params),
        "getchatmember" => chats::member(world, params),
        "getchatadministrators" => chats::administrators(world, params),
        "getchatmembercount" => chats::count(world, params),
        "leavechat" => chats::leave(world, params),
        "createforumtopic" => chats::create_topic(world, params),
        "editforumtopic" => chats::edit_topic(world, params),
        "closeforumtopic" | "reopenforumtopic" => chats::open_topic(world, method, params),
        "deleteforumtopic" => chats::delete_topic(world, params),
        _ => match media::KINDS.iter().find(|(name, _)| *name == method) {
            Some((_, kind)) => media::send(world, kind, params),
            None => Err(Refusal::unknown_method()),
        },
    }
}
