//! Files of a conversation. In: bytes with a name and a type. Out: an id once they are durable; and the bytes again, for whose they are.

use std::sync::Arc;

use axum::Json;
use axum::body::Body;
use axum::extract::{Request, State};
use axum::http::{HeaderName, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use futures::{StreamExt, stream};
use serde::Deserialize;
use tokio::io::AsyncReadExt;
use utoipa::IntoParams;

use super::address::{Channel, FileId, no_file};
use super::body::Asked;
use crate::encode;
use crate::files::{About, Incoming, Refused, is_shown_in_pages};
use crate::serve::{Person, Site, problem};

/// How much of a file is read at once.
const PIECE: usize = 64 * 1024;
/// Nothing in a file may run or load anything, whatever it is taken for.
const SANDBOX: &str = "sandbox; default-src 'none'";

/// What a file is called.
#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub(crate) struct Naming {
    /// Its name, as its sender calls it.
    #[param(nullable = false)]
    name: Option<String>,
}

/// Uploads a file, to be sent with a message.
#[utoipa::path(
    post, path = "/api/conversations/{conversation}/files", operation_id = "upload_file", tag = "files",
    params(("conversation" = String, Path, description = "The conversation's id."), Naming),
    request_body(content = Vec<u8>, content_type = "application/octet-stream", description = "The bytes; `Content-Type` is the file's own, one of those that `/api/bot` lists."),
    responses(
        (status = 201, description = "It is on disk.", body = encode::File),
        (status = 507, description = "There is no room for it.", body = crate::openapi::Problem),
        crate::openapi::Refusals,
    ),
    security(("bearer" = []))
)]
pub(super) async fn upload(
    State(site): State<Arc<Site>>,
    channel: Channel,
    person: Person,
    Asked(naming): Asked<Naming>,
    request: Request,
) -> Response {
    let Some(files) = site.files.as_ref().filter(|_| site.config.files.max_per_message > 0) else {
        return problem(StatusCode::NOT_FOUND, "no_files", "this bot takes no files; describe what is in it");
    };
    let declared = text(&request, header::CONTENT_TYPE).unwrap_or_default().to_owned();
    let length = text(&request, header::CONTENT_LENGTH).and_then(|length| length.parse().ok());
    let name = naming.name.unwrap_or_default();
    let pieces = request.into_body();
    let incoming = Incoming::begin(files, &channel.0, &person.id, &name, &declared, length).await;
    match incoming {
        Ok(incoming) => match take(incoming, pieces).await {
            Ok(file) => (StatusCode::CREATED, Json(file)).into_response(),
            Err(refused) => refused,
        },
        Err(refused) => refuse(&refused),
    }
}

fn text(request: &Request, name: HeaderName) -> Option<&str> {
    request.headers().get(name).and_then(|value| value.to_str().ok())
}

async fn take(mut incoming: Incoming, pieces: Body) -> Result<encode::File, Response> {
    let mut pieces = pieces.into_data_stream();
    while let Some(piece) = pieces.next().await {
        let piece = piece.map_err(|_| {
            problem(StatusCode::BAD_REQUEST, "broken_off", "the file did not come to its end; send it again")
        })?;
        incoming.take(piece).await.map_err(|refused| refuse(&refused))?;
    }
    incoming.finish().await.map_err(|refused| refuse(&refused))
}

fn refuse(refused: &Refused) -> Response {
    let (status, code) = match refused {
        Refused::TooLarge(_) => (StatusCode::PAYLOAD_TOO_LARGE, "too_large"),
        Refused::NoRoom => (StatusCode::INSUFFICIENT_STORAGE, "no_room"),
        Refused::Kind(_) => (StatusCode::UNSUPPORTED_MEDIA_TYPE, "file_type"),
        Refused::NotThat(_) => (StatusCode::UNSUPPORTED_MEDIA_TYPE, "not_that_type"),
        Refused::Empty => (StatusCode::UNPROCESSABLE_ENTITY, "empty"),
        // Its folder is gone: the person had everything erased while it came.
        Refused::NotKept(error) if error.kind() == std::io::ErrorKind::NotFound => {
            (StatusCode::BAD_REQUEST, "broken_off")
        }
        Refused::NotKept(_) => (StatusCode::SERVICE_UNAVAILABLE, "not_kept"),
    };
    problem(status, code, refused)
}

/// Gives a file's bytes. Only pictures are for a page to show; everything else is a download.
#[utoipa::path(
    get, path = "/api/conversations/{conversation}/files/{file}", operation_id = "download_file", tag = "files",
    params(
        ("conversation" = String, Path, description = "The conversation's id."),
        ("file" = String, Path, description = "The file's id.", pattern = "^[0-9a-f]{32}$"),
    ),
    responses((status = 200, description = "The bytes, under the type that they were uploaded with.", content_type = "*/*", body = Vec<u8>), crate::openapi::Refusals),
    security(("bearer" = []))
)]
pub(super) async fn download(
    State(site): State<Arc<Site>>,
    channel: Channel,
    FileId(id): FileId,
) -> Response {
    let Some((about, path)) = site.files.as_ref().and_then(|files| files.find(&channel.0, &id)) else {
        return no_file();
    };
    // Erased in between.
    let Ok(file) = tokio::fs::File::open(path).await else { return no_file() };
    let pieces = stream::unfold(file, |mut file| async move {
        let mut piece = vec![0; PIECE];
        match file.read(&mut piece).await {
            Ok(0) => None,
            Ok(length) => {
                piece.truncate(length);
                Some((Ok(piece), file))
            }
            Err(error) => Some((Err(error), file)),
        }
    });
    let mut response = Body::from_stream(pieces).into_response();
    let headers = response.headers_mut();
    for (name, value) in [
        (header::CONTENT_TYPE, about.media_type.as_str()),
        (header::CONTENT_LENGTH, &about.bytes.to_string()),
        (header::CONTENT_DISPOSITION, &disposition(&about)),
        (header::CONTENT_SECURITY_POLICY, SANDBOX),
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (header::CACHE_CONTROL, "private, max-age=3600, immutable"),
        (HeaderName::from_static("cross-origin-resource-policy"), "same-origin"),
    ] {
        if let Ok(value) = HeaderValue::from_str(value) {
            headers.insert(name, value);
        }
    }
    response
}

/// How a browser is to take it, with its name in ASCII alone (RFC 6266, section 4.3; RFC 8187).
fn disposition(about: &About) -> String {
    let how = if is_shown_in_pages(&about.media_type) { "inline" } else { "attachment" };
    let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-._~".contains(&byte);
    let encoded: String = about
        .name
        .bytes()
        .map(|byte| if is_plain(byte) { char::from(byte).to_string() } else { format!("%{byte:02X}") })
        .collect();
    format!("{how}; filename*=UTF-8''{encoded}")
}
