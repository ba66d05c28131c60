//! Rich messages (Bot API 10.1; blocks since 10.2): headings, lists, tables. In goes an `InputRichMessage` as blocks or Markdown; out
//! comes a `RichMessage`, and its words for those who look for them. HTML is not read here. The limits are documented, the wording
//! of most refusals is not: what a client may rely on is that they are 400s.

mod blocks;
mod markdown;

use std::time::Instant;

use serde_json::{Value, json};

use super::answers::{Envelope, post};
use super::messages::{draft_place, show_draft};
use crate::refusal::Refusal;
use crate::request::Params;
use crate::world::{Draft, World};

/// A rich message that was read.
pub(super) struct Rich {
    /// A `RichMessage`.
    pub(super) shape: Value,
    /// Its words, a line a block.
    pub(super) plain: String,
}

/// The rich message of a method.
pub(super) fn read(world: &World, params: &Params, is_draft: bool) -> Result<Rich, Refusal> {
    let given = params.json("rich_message")?.unwrap_or_default();
    let Some(fields) = given.as_object() else {
        return Err(Refusal::bad("can't parse InputRichMessage: expected an Object"));
    };
    // A server that does not know a field passes it over.
    let knows_blocks = world.options.bot_api_version >= (10, 2);
    let text = |name: &str| fields.get(name).and_then(Value::as_str).filter(|text| !text.trim().is_empty());
    let given = fields.get("blocks").filter(|_| knows_blocks);
    if [text("html").is_some(), text("markdown").is_some(), given.is_some()].iter().filter(|is| **is).count()
        > 1
    {
        return Err(Refusal::bad("exactly one of the fields html, markdown, and blocks must be used"));
    }
    let blocks = match (given, text("markdown")) {
        (Some(blocks), _) => blocks.clone(),
        (None, Some(source)) => markdown::blocks(source).into(),
        (None, None) if text("html").is_some() => {
            return Err(Refusal::bad("this server reads rich messages as blocks or Markdown only"));
        }
        (None, None) => return Err(Refusal::bad("rich message must be non-empty")),
    };
    let (blocks, plain) = blocks::check(&blocks, is_draft)?;
    let mut shape = json!({"blocks": blocks});
    if fields.get("is_rtl").and_then(Value::as_bool) == Some(true) {
        shape["is_rtl"] = true.into();
    }
    Ok(Rich { shape, plain })
}

/// `sendRichMessage`.
pub(super) fn send(world: &mut World, params: &Params) -> Result<Value, Refusal> {
    let envelope = Envelope::read(world, params)?;
    let rich = read(world, params, false)?;
    let mut message = envelope.message(world)?;
    message.text = rich.plain;
    message.rich = Some(rich.shape);
    post(world, message)
}

/// `sendRichMessageDraft`.
pub(super) fn send_draft(world: &mut World, params: &Params) -> Result<Value, Refusal> {
    let (chat, id, thread) = draft_place(world, params)?;
    let rich = read(world, params, true)?;
    let draft = Draft {
        id,
        thread,
        text: rich.plain,
        entities: Vec::new(),
        rich: Some(rich.shape),
        history: Vec::new(),
        can_stop: params.flag("can_stop"),
        since: Instant::now(),
    };
    show_draft(world, chat, draft)?;
    Ok(true.into())
}
