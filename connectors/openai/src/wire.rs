//! The shapes of requests and answers, as the API reference of OpenAI has them. In: JSON. Out: JSON.
//!
//! They are our own, because a server has to read what clients send rather than what it would send itself: unknown fields are passed
//! over, and what is refused is named by its path.

pub(crate) mod content;
pub(crate) mod embedding;
pub(crate) mod grounds;
pub(crate) mod message;
pub(crate) mod request;
pub(crate) mod response;
