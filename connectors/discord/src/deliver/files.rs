//! Files that go along with a message. In: where they are. Out: their bytes, or what becomes of the delivery without them.

use loquat_contract::{Attachment, Delivery, Place};
use reqwest::redirect;
use tokio::io::AsyncReadExt;

use super::LARGEST;
use crate::rest::File;

/// How long fetching a file may take.
const FETCH: std::time::Duration = std::time::Duration::from_secs(20);
/// The most files of a message.
const MOST: usize = 10;

/// The bytes of each.
pub(super) async fn read(attachments: &[Attachment]) -> Result<Vec<File>, Delivery> {
    let mut files = Vec::new();
    if attachments.len() > MOST {
        tracing::warn!(
            files = attachments.len(),
            "Discord takes 10 files with a message; the others are left out"
        );
    }
    for attachment in attachments.iter().take(MOST) {
        let bytes = match &attachment.place {
            Place::Path(path) => {
                open(path).await.map_err(|error| permanent(attachment, &error.to_string()))?
            }
            Place::Url(url) => fetch(attachment, url).await?,
            Place::PlatformFile(_) => {
                return Err(permanent(attachment, "Discord has no ids for files; give a path or an address"));
            }
        };
        if bytes.len() as u64 > LARGEST {
            return Err(permanent(attachment, "it is larger than the 10 MiB that Discord takes"));
        }
        files.push(File { name: attachment.name.clone(), bytes });
    }
    Ok(files)
}

/// A file's bytes, and no more of them than are needed to know that they are too many.
async fn open(path: &std::path::Path) -> std::io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    tokio::fs::File::open(path).await?.take(LARGEST + 1).read_to_end(&mut bytes).await?;
    Ok(bytes)
}

/// Fetches a file with a client that knows no token.
async fn fetch(attachment: &Attachment, url: &str) -> Result<Vec<u8>, Delivery> {
    let retry = |error: reqwest::Error| Delivery::Retry {
        after: None,
        reason: format!("the file {:?} cannot be fetched ({})", attachment.name, error.without_url()),
    };
    let client = reqwest::Client::builder().timeout(FETCH).redirect(redirect::Policy::limited(3)).build();
    let mut response = client.map_err(retry)?.get(url).send().await.map_err(retry)?;
    if !response.status().is_success() {
        return Err(permanent(attachment, &format!("its address answers {}", response.status().as_u16())));
    }
    let mut bytes = Vec::new();
    while let Some(chunk) = response.chunk().await.map_err(retry)? {
        bytes.extend_from_slice(&chunk);
        if bytes.len() as u64 > LARGEST {
            break;
        }
    }
    Ok(bytes)
}

fn permanent(attachment: &Attachment, problem: &str) -> Delivery {
    Delivery::Permanent { reason: format!("the file {:?} cannot be sent: {problem}", attachment.name) }
}
