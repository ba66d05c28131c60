//! Keyboards under messages. In goes a method's `reply_markup`; out comes the inline keyboard to show, or why it is refused.

use serde_json::{Value, json};

use crate::refusal::Refusal;
use crate::request::Params;

/// How many buttons there may be.
const MOST: usize = 100;

/// Reads and checks `reply_markup`. Keyboards of other kinds are taken, and not shown under the message.
pub(super) fn read(params: &Params) -> Result<Option<Value>, Refusal> {
    let Some(text) = params.get("reply_markup") else { return Ok(None) };
    let Ok(markup) = serde_json::from_str::<Value>(text) else {
        return Err(Refusal::bad("can't parse reply keyboard markup JSON object"));
    };
    if !markup.is_object() {
        return Err(Refusal::bad("object expected as reply markup"));
    }
    let Some(rows) = markup.get("inline_keyboard") else { return Ok(None) };
    let Some(rows) = rows.as_array() else {
        return Err(Refusal::bad("field \"inline_keyboard\" must be of type Array"));
    };
    let mut kept: Vec<Value> = Vec::new();
    let mut count = 0;
    for row in rows {
        let Some(row) = row.as_array() else {
            return Err(Refusal::bad(
                "field \"inline_keyboard\" of the InlineKeyboardMarkup must be an Array of Arrays",
            ));
        };
        for button in row {
            check(button)?;
        }
        count += row.len();
        if !row.is_empty() {
            kept.push(Value::Array(row.clone()));
        }
    }
    if count > MOST {
        return Err(Refusal::bad("REPLY_MARKUP_TOO_LONG"));
    }
    Ok((!kept.is_empty()).then(|| json!({"inline_keyboard": kept})))
}

fn check(button: &Value) -> Result<(), Refusal> {
    let wrong = |why: &str| Refusal::bad(format!("can't parse inline keyboard button: {why}"));
    let Some(fields) = button.as_object() else {
        return Err(wrong("InlineKeyboardButton must be an Object"));
    };
    match fields.get("text") {
        None => return Err(wrong("Can't find field \"text\"")),
        Some(text) if text.as_str().is_none_or(|text| text.trim().is_empty()) => {
            return Err(wrong("Button text must be non-empty"));
        }
        Some(_) => {}
    }
    let text = |name: &str| fields.get(name).and_then(Value::as_str);
    let text = |name: &str| text(name).filter(|text| !text.is_empty());
    if let Some(url) = text("url") {
        let known = ["http://", "https://", "tg://"].iter().any(|scheme| url.starts_with(scheme));
        return match known || url.contains('.') {
            true => Ok(()),
            false => {
                Err(Refusal::bad(format!("inline keyboard button URL '{url}' is invalid: Wrong HTTP URL")))
            }
        };
    }
    if let Some(data) = text("callback_data") {
        return match data.len() {
            1..=64 => Ok(()),
            _ => Err(Refusal::bad("BUTTON_DATA_INVALID")),
        };
    }
    let others = [
        "web_app",
        "login_url",
        "switch_inline_query",
        "switch_inline_query_current_chat",
        "switch_inline_query_chosen_chat",
        "copy_text",
        "callback_game",
        "pay",
    ];
    match others.iter().any(|name| fields.contains_key(*name)) {
        true => Ok(()),
        false => Err(wrong("Text buttons are unallowed in the inline keyboard")),
    }
}
