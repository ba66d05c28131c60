//! The files of a message. In: Telegram's kinds of files. Out: attachments, by Telegram's own ids; nothing is fetched.

use loquat_contract::{Attachment, Place};

use crate::receive::update::{File, Files};

/// The files of a message, each of them once: an animation comes as a document too.
pub(super) fn attachments(files: Files) -> Vec<Attachment> {
    let mut out = Vec::new();
    let largest = files.photo.into_iter().max_by_key(|photo| photo.width.saturating_mul(photo.height));
    let is_animation = files.animation.is_some();
    let sticker = |file: &File| match (file.is_animated, file.is_video) {
        (true, _) => ("sticker.tgs", "application/x-tgsticker"),
        (_, true) => ("sticker.webm", "video/webm"),
        _ => ("sticker.webp", "image/webp"),
    };
    let kinds = [
        (largest, ("photo.jpg", "image/jpeg")),
        (files.voice, ("voice.ogg", "audio/ogg")),
        (files.audio, ("audio.mp3", "audio/mpeg")),
        (files.video, ("video.mp4", "video/mp4")),
        (files.video_note, ("video.mp4", "video/mp4")),
        (files.animation, ("animation.mp4", "video/mp4")),
        (files.document.filter(|_| !is_animation), ("document", "")),
    ];
    out.extend(kinds.into_iter().filter_map(|(file, kind)| attachment(file?, kind)));
    if let Some(file) = files.sticker {
        let kind = sticker(&file);
        out.extend(attachment(file, kind));
    }
    out
}

fn attachment(file: File, (name, media_type): (&str, &str)) -> Option<Attachment> {
    (!file.file_id.is_empty()).then(|| Attachment {
        name: file.file_name.unwrap_or_else(|| name.to_owned()),
        media_type: file.mime_type.unwrap_or_else(|| media_type.to_owned()),
        bytes: file.file_size,
        place: Place::PlatformFile(file.file_id),
    })
}
