//! Ids as they stand in a path. In: parts of a path, and who asks. Out: ids known to have their shape, and to be theirs.

use std::collections::HashMap;
use std::sync::Arc;

use axum::extract::{FromRequestParts, Path};
use axum::http::StatusCode;
use axum::http::request::Parts;
use axum::response::Response;
use loquat_contract::MessageId;

use crate::serve::{PLATFORM, Person, Site, problem};

/// A conversation that is the asker's own: the random UUID (version 4) in its id. What else is in the id says whose it is.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Channel(pub(crate) String);

impl FromRequestParts<Arc<Site>> for Channel {
    type Rejection = Response;

    async fn from_request_parts(parts: &mut Parts, site: &Arc<Site>) -> Result<Self, Response> {
        let person = Person::from_request_parts(parts, site).await?;
        let id = named(parts, site, "conversation").await;
        let own = id.filter(|id| site.guests.check_conversation(&person, id));
        let uuid = own.and_then(|id| id.split_once('.').map(|(uuid, _)| uuid.to_owned()));
        // One that is not theirs and one that is none look the same.
        uuid.filter(|uuid| is_uuid_v4(uuid)).map(Self).ok_or_else(|| {
            let words = "you have no such conversation; begin one with POST /api/conversations";
            problem(StatusCode::NOT_FOUND, "no_conversation", words)
        })
    }
}

impl Person {
    /// The same as the journal knows them.
    pub(crate) fn known_as(&self) -> loquat_contract::Person {
        loquat_contract::Person { platform: PLATFORM.to_owned(), id: self.id.clone() }
    }
}

/// The message that a path names.
pub(super) struct Target(pub(super) MessageId);

impl<S: Send + Sync> FromRequestParts<S> for Target {
    type Rejection = Response;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Response> {
        let id = named(parts, state, "message").await.filter(|id| is_message_id(id));
        id.map(|id| Self(MessageId(id))).ok_or_else(bad_id)
    }
}

/// The file that a path names.
pub(super) struct FileId(pub(super) String);

impl<S: Send + Sync> FromRequestParts<S> for FileId {
    type Rejection = Response;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Response> {
        let id = named(parts, state, "file").await.filter(|id| is_file_id(id));
        id.map(Self).ok_or_else(no_file)
    }
}

/// The part of the path that a route calls `name`.
async fn named<S: Send + Sync>(parts: &mut Parts, state: &S, name: &str) -> Option<String> {
    let Path(mut names) = Path::<HashMap<String, String>>::from_request_parts(parts, state).await.ok()?;
    names.remove(name)
}

/// Whether `id` is a random UUID in lower case, as `crypto.randomUUID()` makes it (RFC 9562, section 5.4).
fn is_uuid_v4(id: &str) -> bool {
    id.len() == 36
        && id.bytes().enumerate().all(|(index, byte)| match index {
            8 | 13 | 18 | 23 => byte == b'-',
            14 => byte == b'4',
            19 => matches!(byte, b'8' | b'9' | b'a' | b'b'),
            _ => matches!(byte, b'0'..=b'9' | b'a'..=b'f'),
        })
}

/// Whether `id` can be a message's id: up to 64 letters, digits, `-` and `_`.
pub(super) fn is_message_id(id: &str) -> bool {
    (1..=64).contains(&id.len()) && id.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-' || b == b'_')
}

/// Whether `id` can be a file's id: 32 hexadecimal digits.
pub(super) fn is_file_id(id: &str) -> bool {
    id.len() == 32 && id.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'))
}

pub(super) fn bad_id() -> Response {
    problem(StatusCode::UNPROCESSABLE_ENTITY, "bad_id", "an id is up to 64 letters, digits, - and _")
}

pub(super) fn no_file() -> Response {
    problem(StatusCode::NOT_FOUND, "no_file", "this conversation has no such file; upload it first")
}

#[cfg(test)]
mod tests {
    use super::{is_file_id, is_message_id, is_uuid_v4};

    #[test]
    fn only_random_uuids_are_conversations() {
        assert!(is_uuid_v4("3f2b8c1e-9d4a-4e6b-8a21-0c9d7e5f1b34"));
        for id in [
            "",
            "1",
            "3f2b8c1e-9d4a-1e6b-8a21-0c9d7e5f1b34", // version 1, made from the clock
            "3F2B8C1E-9D4A-4E6B-8A21-0C9D7E5F1B34",
            "3f2b8c1e-9d4a-4e6b-8a21-0c9d7e5f1b3é",
            "3f2b8c1e09d4a04e6b08a2100c9d7e5f1b34",
        ] {
            assert!(!is_uuid_v4(id), "{id}");
        }
    }

    #[test]
    fn ids_of_messages_and_files_are_short_and_plain() {
        assert!(is_message_id("a-1_B"));
        assert!(is_file_id(&"0a".repeat(16)));
        for id in ["", "a/b", "../a", "a~b", &"a".repeat(65)] {
            assert!(!is_message_id(id) && !is_file_id(id), "{id}");
        }
    }
}
