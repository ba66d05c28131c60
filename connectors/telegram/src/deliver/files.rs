//! A file of a part becomes a message. In: an attachment. Out: the message's number, or the report on what went wrong. The words of a part are
//! a message of their own: a caption holds a quarter of one.

use std::time::Duration;

use loquat_contract::{Attachment, Delivery, Envelope, Place as At};
use reqwest::multipart::{Form, Part};
use serde_json::{Value, json};

use super::Shared;
use crate::api::{Failure, Posted};
use crate::encode::keyboard;
use crate::place::{Place, replied_to};

/// The largest picture that is shown as one.
const LARGEST_PHOTO: u64 = 10 * 1024 * 1024;
/// The longest that is waited for another try, since what stands before the file is sent already.
const PATIENCE: Duration = Duration::from_secs(15);
/// What Telegram says of a file that it cannot show as what it looks like.
const NOT_SHOWN: [&str; 6] =
    ["PHOTO_INVALID", "IMAGE_PROCESS", "PHOTO_EXT", "wrong type of", "VIDEO_", "AUDIO_"];

/// The method for a kind of file, and the field that it is in.
fn method(attachment: &Attachment, bytes: u64) -> (&'static str, &'static str) {
    match attachment.media_type.as_str() {
        "image/jpeg" | "image/png" | "image/webp" if bytes <= LARGEST_PHOTO => ("SendPhoto", "photo"),
        "audio/mpeg" | "audio/mp4" => ("SendAudio", "audio"),
        "video/mp4" => ("SendVideo", "video"),
        _ => DOCUMENT,
    }
}

const DOCUMENT: (&str, &str) = ("SendDocument", "document");

impl Shared {
    /// Sends a file. Where other messages of the part are sent already, a short wait that Telegram asks for is waited out here.
    pub(super) async fn hand_over(
        &self,
        place: Place,
        envelope: &Envelope,
        attachment: &Attachment,
        is_alone: bool,
        has_buttons: bool,
    ) -> Result<i32, Delivery> {
        let bytes = match &attachment.place {
            At::Path(path) => {
                let known =
                    tokio::fs::metadata(path).await.map_err(|error| unreadable(attachment, &error))?;
                if !known.is_file() {
                    return Err(unreadable(attachment, &std::io::Error::other("it is no file")));
                }
                known.len()
            }
            _ => attachment.bytes.unwrap_or_default(),
        };
        let mut fields = json!({});
        if let Some(reply) = replied_to(&envelope.to.in_reply_to).filter(|_| is_alone && envelope.number == 1)
        {
            fields["reply_parameters"] = json!({ "message_id": reply, "allow_sending_without_reply": true });
        }
        if let Some(keyboard) = keyboard(&envelope.part).filter(|_| has_buttons) {
            fields["reply_markup"] = json!(keyboard);
        }
        let mut how = method(attachment, bytes);
        let mut is_second = false;
        loop {
            let outcome =
                self.at(place, |at| Box::pin(self.hand_over_once(at, how, &fields, attachment, bytes))).await;
            match outcome {
                Err(failure) if how != DOCUMENT && failure.says(&NOT_SHOWN) => how = DOCUMENT,
                Err(Failure::TooMany(Some(after))) if !is_alone && !is_second && after <= PATIENCE => {
                    is_second = true;
                    tokio::time::sleep(after).await;
                }
                outcome => return outcome.map_err(Failure::delivery),
            }
        }
    }

    async fn hand_over_once(
        &self,
        at: Place,
        (method, field): (&'static str, &'static str),
        fields: &Value,
        attachment: &Attachment,
        bytes: u64,
    ) -> Result<i32, Failure> {
        let mut body = fields.clone();
        body["chat_id"] = at.chat.into();
        if let Some(topic) = at.topic {
            body["message_thread_id"] = topic.into();
        }
        let posted: Posted = match &attachment.place {
            At::Url(known) | At::PlatformFile(known) => {
                body[field] = known.as_str().into();
                self.api.named(method, &body).await?
            }
            At::Path(path) => {
                let name = &attachment.name;
                let unreadable = |error| refused(format!("the file {name:?} cannot be read: {error}"));
                let file = tokio::fs::File::open(path).await.map_err(unreadable)?;
                let mut part = Part::stream_with_length(file, bytes).file_name(attachment.name.clone());
                if !attachment.media_type.is_empty() {
                    part = part
                        .mime_str(&attachment.media_type)
                        .map_err(|_| refused(format!("{:?} is no media type", attachment.media_type)))?;
                }
                let mut form = Form::new().part(field, part);
                for (name, value) in body.as_object().into_iter().flatten() {
                    let text = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
                    form = form.text(name.clone(), text);
                }
                self.api.upload(method, form, bytes).await?
            }
        };
        Ok(posted.message_id)
    }
}

fn refused(description: String) -> Failure {
    Failure::Refused { code: 400, description }
}

fn unreadable(attachment: &Attachment, error: &std::io::Error) -> Delivery {
    Delivery::Permanent { reason: format!("the file {:?} cannot be read: {error}", attachment.name) }
}
