//! What a page shows before anybody has said who they are. In: nothing. Out: who the bot is, and what it takes.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use loquat_contract::Language;
use serde::Serialize;
use utoipa::ToSchema;

use crate::serve::Site;

/// Which files can be sent along.
#[derive(Serialize, ToSchema)]
pub(crate) struct FilesTaken {
    /// The largest, in bytes.
    max_bytes: usize,
    /// How many with a message.
    max_per_message: usize,
    /// Their media types; `*` stands for what is behind the slash.
    types: Vec<String>,
}

/// How somebody gets in.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Entry {
    /// `POST /api/session` asks for nothing.
    Open,
    /// `POST /api/session` asks for the bot's token, or for who the host site says that it is.
    Token,
    /// `POST /api/session` asks for who the host site says that it is: there is no token to know.
    Identity,
}

/// The bot as a page introduces it.
#[derive(Serialize, ToSchema)]
pub(crate) struct Bot {
    /// Its name.
    name: String,
    /// A sentence or two of welcome.
    greeting: String,
    /// Questions to start with.
    suggestions: Vec<String>,
    /// The languages it answers in.
    #[schema(value_type = Vec<String>)]
    languages: Vec<Language>,
    /// The longest message, in characters.
    max_message_chars: usize,
    /// Which files it takes; `null` where it takes none.
    #[schema(required)]
    files: Option<FilesTaken>,
    /// How somebody gets in.
    entry: Entry,
    /// Whether a page may offer to talk to a human.
    human: bool,
    /// Whether `/api/entities` answers.
    explore: bool,
    /// Whether a page may load pictures of other sites.
    images: bool,
}

/// Says who the bot is, and what it takes.
#[utoipa::path(
    get, path = "/api/bot", operation_id = "bot", tag = "session",
    responses((status = 200, description = "The bot.", body = Bot), crate::openapi::Refusals),
    security(())
)]
pub(super) async fn bot(State(site): State<Arc<Site>>) -> Json<Bot> {
    let (config, card) = (&site.config, &site.bot);
    let takes_files = site.files.is_some() && config.files.max_per_message > 0;
    Json(Bot {
        name: card.name.clone(),
        greeting: card.greeting.clone(),
        suggestions: card.suggestions.clone(),
        languages: card.languages.clone(),
        max_message_chars: config.max_message_chars,
        files: takes_files.then(|| FilesTaken {
            max_bytes: config.files.max_bytes,
            max_per_message: config.files.max_per_message,
            types: config.files.types.clone(),
        }),
        entry: match config.entry() {
            "open" => Entry::Open,
            "token" => Entry::Token,
            _ => Entry::Identity,
        },
        human: config.human,
        explore: config.explore && site.knowledge.is_some(),
        images: config.images,
    })
}
