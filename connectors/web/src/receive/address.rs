//! Ids as the page makes them. In: parts of a path or a body. Out: ids known to have their shape.

use std::collections::HashMap;

use axum::extract::FromRequestParts;
use axum::extract::Path;
use axum::http::StatusCode;
use axum::http::request::Parts;
use axum::response::Response;
use loquat_contract::MessageId;

use crate::serve::problem;

/// A conversation's id: a random UUID (version 4) that only its page knows, so that nobody can guess another's.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Channel(pub(crate) String);

impl<S: Send + Sync> FromRequestParts<S> for Channel {
    type Rejection = Response;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Response> {
        let id = named(parts, state, "conversation").await.filter(|id| is_uuid_v4(id));
        id.map(Self).ok_or_else(|| {
            problem(
                StatusCode::UNPROCESSABLE_ENTITY,
                "bad_id",
                "a conversation's id is a random UUID, in lower case",
            )
        })
    }
}

/// The message that a path names.
pub(super) struct Target(pub(super) MessageId);

impl<S: Send + Sync> FromRequestParts<S> for Target {
    type Rejection = Response;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Response> {
        let id = named(parts, state, "message").await.filter(|id| is_message_id(id));
        id.map(|id| Self(MessageId(id))).ok_or_else(|| {
            problem(
                StatusCode::UNPROCESSABLE_ENTITY,
                "bad_id",
                "a message's id is up to 64 letters, digits, - and _",
            )
        })
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

#[cfg(test)]
mod tests {
    use super::{is_message_id, is_uuid_v4};

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
    fn message_ids_are_short_and_plain() {
        assert!(is_message_id("a-1_B"));
        assert!(!is_message_id(""));
        assert!(!is_message_id("a/b"));
        assert!(!is_message_id(&"a".repeat(65)));
    }
}
