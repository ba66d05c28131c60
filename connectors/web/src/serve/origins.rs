//! Other sites whose pages may ask. In: origins as the config writes them. Out: whether one is among them.

use axum::http::{HeaderValue, Uri};

use crate::WebError;

/// Exact origins: scheme, host and port.
#[derive(Clone, Debug, Default)]
pub(crate) struct Origins(Vec<String>);

impl Origins {
    /// Refuses what no browser would ever send.
    pub(crate) fn new(written: &[String]) -> Result<Self, WebError> {
        written.iter().map(|origin| serialized(origin)).collect::<Result<_, _>>().map(Self)
    }

    /// Whether a page of this origin may ask.
    pub(crate) fn has(&self, origin: &str) -> bool {
        self.0.iter().any(|own| own == origin)
    }

    /// Each of them.
    pub(crate) fn iter(&self) -> impl Iterator<Item = &str> {
        self.0.iter().map(String::as_str)
    }
}

/// An origin as browsers write it (RFC 6454, section 6.2): in lower case, without the scheme's own port.
fn serialized(origin: &str) -> Result<String, WebError> {
    let wrong = || WebError::Origin(origin.to_owned());
    let lower = origin.to_ascii_lowercase();
    let uri: Uri = lower.parse().map_err(|_| wrong())?;
    let (Some(scheme), Some(authority)) = (uri.scheme_str(), uri.authority()) else { return Err(wrong()) };
    let port = match scheme {
        "http" => ":80",
        "https" => ":443",
        _ => return Err(wrong()),
    };
    let shown = format!("{scheme}://{authority}");
    let plain = lower == shown && !authority.as_str().contains(['@', '*']) && !authority.host().is_empty();
    // It is written into headers.
    if !plain || HeaderValue::from_str(&shown).is_err() || shown.contains([';', ',', '\'', ' ']) {
        return Err(wrong());
    }
    Ok(shown.strip_suffix(port).map_or(shown.clone(), str::to_owned))
}

#[cfg(test)]
mod tests {
    use super::Origins;

    fn one(origin: &str) -> Result<Origins, crate::WebError> {
        Origins::new(&[origin.to_owned()])
    }

    #[test]
    fn an_origin_is_scheme_host_and_port() {
        assert!(one("https://www.example.org").unwrap().has("https://www.example.org"));
        assert!(one("https://WWW.example.org:443").unwrap().has("https://www.example.org"));
        assert!(one("http://localhost:3000").unwrap().has("http://localhost:3000"));
        assert!(one("http://[::1]:3000").unwrap().has("http://[::1]:3000"));
        let own = one("https://www.example.org").unwrap();
        for other in
            ["http://www.example.org", "https://example.org", "https://www.example.org.evil.example", "null"]
        {
            assert!(!own.has(other), "{other}");
        }
    }

    #[test]
    fn what_no_browser_sends_is_refused() {
        for wrong in [
            "",
            "*",
            "null",
            "www.example.org",
            "https://*.example.org",
            "https://www.example.org/",
            "ftp://example.org",
            "https://ann@example.org",
            "https://example.org/chat",
            "https://example.org; script-src *",
            "file:///",
        ] {
            assert!(one(wrong).is_err(), "{wrong}");
        }
    }
}
