//! What cannot be meant is refused before a port is opened. In: a config. Out: nothing, or what to change.

use secrecy::ExposeSecret;

use super::{Config, Files, Identity, Tls};
use crate::WebError;
use crate::serve::{Origins, Proxies};

/// The shortest secret for HS256, in bytes: as long as what it makes (RFC 7518, section 3.2).
const SHORTEST_SECRET: usize = 32;
/// The longest times that are of use.
const MOST_GUEST_DAYS: u32 = 3650;
const MOST_HOURS: u32 = 24 * 366;

impl Config {
    /// Refuses what would leave the bot open to a network, and what could never work.
    pub(crate) fn check(&self) -> Result<(), WebError> {
        match &self.token {
            Some(token) if token.expose_secret().trim().is_empty() => return Err(WebError::EmptyToken),
            Some(_) if self.public => return Err(WebError::PublicWithToken),
            None if !self.host.is_loopback() && !self.public && !self.identity.is_set() => {
                return Err(WebError::Open(self.host));
            }
            _ => {}
        }
        Origins::new(&self.origins)?;
        Proxies::new(&self.trusted_proxies)?;
        self.files.check()?;
        self.tls.check()?;
        self.identity.check()?;
        for (key, value, most) in [
            ("guest_days", self.guest_days, MOST_GUEST_DAYS),
            ("identity.hours", self.identity.hours, MOST_HOURS),
        ] {
            if value == 0 || value > most {
                return Err(WebError::Number { key, most });
            }
        }
        Ok(())
    }
}

impl Files {
    fn check(&self) -> Result<(), WebError> {
        let is_type = |text: &&String| {
            text.split_once('/').is_some_and(|(kind, rest)| {
                !kind.is_empty() && kind != "*" && !rest.is_empty() && !rest.contains('/')
            })
        };
        match self.types.iter().find(|text| !is_type(text)) {
            Some(wrong) => Err(WebError::MediaType(wrong.clone())),
            None => Ok(()),
        }
    }
}

impl Tls {
    fn check(&self) -> Result<(), WebError> {
        match (&self.certificate, &self.key) {
            (Some(_), None) => Err(WebError::HalfTls { given: "certificate", missing: "key" }),
            (None, Some(_)) => Err(WebError::HalfTls { given: "key", missing: "certificate" }),
            _ => Ok(()),
        }
    }
}

impl Identity {
    fn check(&self) -> Result<(), WebError> {
        if self.secret.is_some() && self.public_key.is_some() {
            return Err(WebError::TwoKeys);
        }
        if self.secret.as_ref().is_some_and(|secret| secret.expose_secret().len() < SHORTEST_SECRET) {
            return Err(WebError::ShortSecret { least: SHORTEST_SECRET });
        }
        if self.is_set() && self.audience.as_ref().is_none_or(|audience| audience.is_empty()) {
            return Err(WebError::NoAudience);
        }
        Ok(())
    }
}
