//! Files that hang on messages, and where they are fetched.

use axum::body::Bytes;
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use serde_json::{Value, json};

use super::World;
use crate::ids::Id;

/// A file.
#[derive(Clone, Debug)]
pub(crate) struct Attachment {
    pub(crate) id: Id,
    pub(crate) channel: Id,
    pub(crate) name: String,
    pub(crate) content_type: Option<String>,
    pub(crate) description: Option<String>,
    pub(crate) bytes: Bytes,
    pub(crate) is_ephemeral: bool,
    /// How many seconds a voice message takes.
    pub(crate) seconds: Option<f64>,
}

/// How large a file may be.
pub(crate) const MAX_BYTES: usize = 10 * 1024 * 1024;

impl World {
    /// Keeps a file, to hang it on a message.
    pub(crate) fn keep_file(
        &mut self,
        channel: Id,
        name: &str,
        content_type: Option<String>,
        bytes: Bytes,
    ) -> Id {
        let id = self.ids.next();
        let file = Attachment {
            id,
            channel,
            name: allowed_name(name),
            content_type,
            description: None,
            bytes,
            is_ephemeral: false,
            seconds: None,
        };
        self.files.insert(id, file);
        id
    }

    pub(crate) fn file_url(&self, file: &Attachment) -> String {
        let name = utf8_percent_encode(&file.name, NON_ALPHANUMERIC).to_string().replace("%2E", ".");
        // Real addresses are signed, and good for a day.
        format!("{}/attachments/{}/{}/{name}?ex=7fffffff&is=0&hm=fake", self.url, file.channel, file.id)
    }

    pub(crate) fn file_json(&self, id: Id) -> Value {
        let Some(file) = self.files.get(&id) else { return Value::Null };
        let url = self.file_url(file);
        let mut json = json!({
            "id": file.id,
            "filename": file.name,
            "size": file.bytes.len(),
            "url": url,
            "proxy_url": url,
        });
        if let Some(kind) = &file.content_type {
            json["content_type"] = json!(kind);
        }
        if let Some(description) = &file.description {
            json["description"] = json!(description);
        }
        if file.is_ephemeral {
            json["ephemeral"] = true.into();
        }
        if let Some(seconds) = file.seconds {
            json["duration_secs"] = seconds.into();
            json["waveform"] = "AAAA".into();
        }
        if let Some((width, height)) = png_size(&file.bytes) {
            json["width"] = width.into();
            json["height"] = height.into();
        }
        json
    }
}

/// Discord writes `_` for what it does not want in a file's name.
fn allowed_name(name: &str) -> String {
    let kept = |c: char| if c.is_alphanumeric() || matches!(c, '.' | '-' | '_') { c } else { '_' };
    let name: String = name.chars().map(kept).collect();
    if name.is_empty() { "unknown".into() } else { name }
}

/// Width and height of a PNG.
fn png_size(bytes: &[u8]) -> Option<(u32, u32)> {
    let head = bytes.strip_prefix(b"\x89PNG\r\n\x1a\n")?.get(8..16)?;
    let (width, height) = head.split_at(4);
    Some((u32::from_be_bytes(width.try_into().ok()?), u32::from_be_bytes(height.try_into().ok()?)))
}
