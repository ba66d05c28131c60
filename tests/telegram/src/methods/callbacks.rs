//! Answers to pressed buttons.

use serde_json::Value;

use crate::entities::units;
use crate::refusal::Refusal;
use crate::request::Params;
use crate::world::{CallbackAnswer, World};

/// `answerCallbackQuery`: once, and in time.
pub(super) fn answer(world: &mut World, params: &Params) -> Result<Value, Refusal> {
    let late = || Refusal::bad("query is too old and response timeout expired or query ID is invalid");
    let lifetime = world.options.callback_lifetime;
    let id = params.get("callback_query_id").unwrap_or_default();
    let callback = world.callbacks.get_mut(id).ok_or_else(late)?;
    if callback.at.elapsed() > lifetime || callback.answer.is_some() {
        return Err(late());
    }
    let text = params.get("text").unwrap_or_default().to_owned();
    if units(&text) > 200 {
        return Err(Refusal::bad("MESSAGE_TOO_LONG"));
    }
    let (alert, url) = (params.flag("show_alert"), params.get("url").map(str::to_owned));
    callback.answer = Some(CallbackAnswer { text, alert, url });
    Ok(true.into())
}
