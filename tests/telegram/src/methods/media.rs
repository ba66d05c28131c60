//! Files, both ways: sent with a caption, alone or in an album, and fetched.

use serde_json::{Value, json};

use super::answers::{Envelope, post};
use crate::entities::{formatted, units};
use crate::refusal::Refusal;
use crate::request::{Params, Upload};
use crate::shape::file_json;
use crate::world::{Media, World};

/// The methods that send one file, and the parameter that has it.
pub(super) const KINDS: [(&str, &str); 8] = [
    ("sendphoto", "photo"),
    ("senddocument", "document"),
    ("sendvoice", "voice"),
    ("sendaudio", "audio"),
    ("sendvideo", "video"),
    ("sendanimation", "animation"),
    ("sendvideonote", "video_note"),
    ("sendsticker", "sticker"),
];

/// The longest caption, in UTF-16 units.
pub(super) const LONGEST_CAPTION: usize = 1024;

/// The largest file that `getFile` gives out.
const LARGEST_FETCHED: usize = 20 << 20;

/// The largest file that a bot may send, and the largest photo.
const LARGEST_SENT: usize = 50 << 20;
const LARGEST_PHOTO: usize = 10 << 20;

/// `sendPhoto` and its like.
pub(super) fn send(world: &mut World, kind: &str, params: &Params) -> Result<Value, Refusal> {
    let envelope = Envelope::read(world, params)?;
    let caption = caption(params)?;
    let media = media(world, kind, params.get(kind), params.files.get(kind), params)?;
    let mut message = envelope.message(world)?;
    message.text = caption.text;
    message.entities = caption.entities;
    message.mended = caption.mended;
    message.media = Some(media);
    post(world, message)
}

/// The caption of a method.
pub(super) fn caption(params: &Params) -> Result<crate::entities::Formatted, Refusal> {
    let caption = formatted(params, "caption", "caption_entities")?;
    if units(&caption.text) > LONGEST_CAPTION {
        return Err(Refusal::bad("message caption is too long"));
    }
    Ok(caption)
}

/// A file: a part of the request, one named by `attach://`, or one that the server has.
fn media(
    world: &mut World,
    kind: &str,
    named: Option<&str>,
    part: Option<&Upload>,
    params: &Params,
) -> Result<Media, Refusal> {
    let part = part.or_else(|| params.files.get(named?.strip_prefix("attach://")?));
    if let Some(upload) = part {
        if upload.bytes.is_empty() {
            return Err(Refusal::bad("file must be non-empty"));
        }
        if upload.bytes.len() > LARGEST_SENT {
            return Err(Refusal::new(413, "Request Entity Too Large"));
        }
        if kind == "photo" && upload.bytes.len() > LARGEST_PHOTO {
            return Err(Refusal::bad("file is too big"));
        }
        let file = world.add_file(kind, &upload.name, upload.mime.as_deref(), upload.bytes.clone());
        return Ok(Media { kind: kind.to_owned(), file });
    }
    let Some(named) = named else {
        return Err(Refusal::bad(format!("there is no {} in the request", kind.replace('_', " "))));
    };
    if named.starts_with("http://") || named.starts_with("https://") {
        // A file from elsewhere would have to be fetched, and this server fetches nothing.
        return Err(Refusal::bad("failed to get HTTP URL content"));
    }
    match world.files.contains_key(named) {
        true => Ok(Media { kind: kind.to_owned(), file: named.to_owned() }),
        false => Err(Refusal::bad("wrong remote file identifier specified: Wrong padding in the string")),
    }
}

/// `sendMediaGroup`.
pub(super) fn send_group(world: &mut World, params: &Params) -> Result<Value, Refusal> {
    let envelope = Envelope::read(world, params)?;
    let list = params.json("media")?.unwrap_or_default();
    let list = list.as_array().cloned().unwrap_or_default();
    if !(2..=10).contains(&list.len()) {
        return Err(Refusal::bad("wrong number of media in the album: it must be 2 to 10"));
    }
    let mut read = Vec::new();
    for item in &list {
        let text = |name: &str| item.get(name).and_then(Value::as_str);
        let kind = text("type").unwrap_or_default();
        if !["photo", "document", "audio", "video"].contains(&kind) {
            return Err(Refusal::bad(format!("can't parse InputMedia: type \"{kind}\" is unsupported")));
        }
        let mut inner = Params::default();
        for name in ["caption", "parse_mode"] {
            if let Some(value) = text(name) {
                inner.values.insert(name.to_owned(), value.to_owned());
            }
        }
        if let Some(entities) = item.get("caption_entities") {
            inner.values.insert("caption_entities".to_owned(), entities.to_string());
        }
        let caption = caption(&inner)?;
        read.push((media(world, kind, text("media"), None, params)?, caption));
    }
    let group = format!("{}", 13_000_000_000_000_000 + world.serial());
    let mut sent = Vec::new();
    for (media, caption) in read {
        let mut message = envelope.message(world)?;
        message.keyboard = None;
        message.media = Some(media);
        message.group = Some(group.clone());
        message.text = caption.text;
        message.entities = caption.entities;
        message.mended = caption.mended;
        sent.push(post(world, message)?);
    }
    Ok(json!(sent))
}

/// `getFile`.
pub(super) fn get_file(world: &World, params: &Params) -> Result<Value, Refusal> {
    let id = params.get("file_id").ok_or_else(|| Refusal::bad("file_id not specified"))?;
    let file = world.files.get(id).ok_or_else(|| Refusal::bad("invalid file_id"))?;
    if file.bytes.len() > LARGEST_FETCHED {
        return Err(Refusal::bad("file is too big"));
    }
    Ok(file_json(file))
}
