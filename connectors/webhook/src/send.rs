//! One event is posted. In: a hook, an id and a body. Out: whether the server has it, will never want any, or is to be asked again. Follows no
//! redirect, reads nothing of the answer but its status, and speaks to no link-local address: that is where clouds keep their keys.

use std::net::{IpAddr, SocketAddr};
use std::time::Duration;

use loquat_contract::Timestamp;
use reqwest::dns::{Addrs, Name, Resolve, Resolving};
use reqwest::header::{CONTENT_TYPE, RETRY_AFTER};
use reqwest::{Client, StatusCode, redirect};

use crate::WebhookError;
use crate::config::Hook;
use crate::sign::signatures;

/// How long it may take to be connected.
const CONNECT: Duration = Duration::from_secs(10);
/// The longest pause that a server may ask for.
const LONGEST: Duration = Duration::from_secs(3600);

/// How posting an event ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Posted {
    /// The server confirmed it.
    Confirmed,
    /// The server wants no more events.
    Gone,
    /// It is to be sent again, after the pause where the server names one.
    Again { reason: String, after: Option<Duration> },
}

/// A client for every hook.
///
/// # Errors
/// When the machine's certificates cannot be read.
pub(crate) fn client() -> Result<Client, WebhookError> {
    Client::builder()
        .redirect(redirect::Policy::none())
        .connect_timeout(CONNECT)
        .dns_resolver(std::sync::Arc::new(Checked))
        .user_agent(concat!("loquat/", env!("CARGO_PKG_VERSION")))
        .build()
        .map_err(WebhookError::Client)
}

/// Posts an event once.
pub(crate) async fn post(client: &Client, hook: &Hook, id: &str, body: &[u8]) -> Posted {
    let at = i64::try_from(Timestamp::now().0 / 1000).unwrap_or_default();
    let request = client
        .post(hook.url.clone())
        .timeout(hook.timeout)
        .header(CONTENT_TYPE, "application/json")
        .header("webhook-id", id)
        .header("webhook-timestamp", at)
        .header("webhook-signature", signatures(&hook.keys, id, at, body))
        .body(body.to_vec());
    let again = |reason: String, after| Posted::Again { reason, after };
    let response = match request.send().await {
        Ok(response) => response,
        // Without the address: it may have a secret in its path.
        Err(error) => return again(told(&error.without_url()), None),
    };
    let status = response.status();
    match status {
        _ if status.is_success() => Posted::Confirmed,
        StatusCode::GONE => Posted::Gone,
        _ if status.is_redirection() => {
            again(format!("{status}: redirects are not followed; write the new address into its url"), None)
        }
        _ => {
            let asked = response.headers().get(RETRY_AFTER).and_then(|after| after.to_str().ok());
            let seconds = asked.and_then(|after| after.trim().parse().ok()).map(Duration::from_secs);
            again(status.to_string(), seconds.map(|seconds| seconds.min(LONGEST)))
        }
    }
}

/// An error with its causes: that of the client alone says little.
fn told(error: &reqwest::Error) -> String {
    let mut told = error.to_string();
    let mut cause = std::error::Error::source(error);
    while let Some(error) = cause {
        told += &format!(": {error}");
        cause = error.source();
    }
    told
}

/// Whether an address is one that no event is sent to.
pub(crate) fn is_refused(address: IpAddr) -> bool {
    match address.to_canonical() {
        IpAddr::V4(address) => {
            address.is_link_local()
                || address.is_unspecified()
                || address.is_multicast()
                || address.is_broadcast()
        }
        IpAddr::V6(address) => {
            address.is_unicast_link_local() || address.is_unspecified() || address.is_multicast()
        }
    }
}

/// The machine's own names, without the addresses that are refused.
struct Checked;

impl Resolve for Checked {
    fn resolve(&self, name: Name) -> Resolving {
        Box::pin(async move {
            let found = tokio::net::lookup_host((name.as_str(), 0)).await?;
            let allowed: Vec<SocketAddr> = found.filter(|found| !is_refused(found.ip())).collect();
            if allowed.is_empty() {
                return Err("the name has no address that events may be sent to".into());
            }
            Ok(Box::new(allowed.into_iter()) as Addrs)
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_event_goes_to_where_clouds_keep_their_keys() {
        for refused in
            ["169.254.169.254", "::ffff:169.254.169.254", "fe80::1", "0.0.0.0", "::", "224.0.0.1", "ff02::1"]
        {
            assert!(is_refused(refused.parse().unwrap()), "{refused}");
        }
        for allowed in ["127.0.0.1", "10.0.0.1", "::1", "203.0.113.5", "fd00::1"] {
            assert!(!is_refused(allowed.parse().unwrap()), "{allowed}");
        }
    }
}
