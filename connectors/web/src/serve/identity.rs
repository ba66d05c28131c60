//! Who the host site says that somebody is. In: a JWT that it signed. Out: a person, or that it is not to be believed. The algorithm is
//! that of the configured key, whatever the token says of itself.

use std::collections::HashSet;
use std::fs;

use jsonwebtoken::{Algorithm, DecodingKey, Validation};
use secrecy::ExposeSecret;
use serde::Deserialize;

use super::guests::{Refused, now};
use super::person::Person;
use super::signatures;
use crate::WebError;
use crate::config::Identity;

/// How far the clocks of site and bot may differ, in seconds.
const SKEW: u64 = 30;
/// The longest id and name that are taken, in characters.
const LONGEST: usize = 256;
/// Bytes of an uncompressed point of the curve P-256.
const P256_POINT: usize = 65;

/// The host site's key, and what its tokens must say.
pub(crate) struct HostSite {
    key: DecodingKey,
    validation: Validation,
}

#[derive(Debug, Deserialize)]
struct Claims {
    sub: String,
    exp: u64,
    #[serde(default)]
    name: Option<String>,
}

impl std::fmt::Debug for HostSite {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("HostSite").field("algorithms", &self.validation.algorithms).finish_non_exhaustive()
    }
}

impl HostSite {
    /// None where no key is configured.
    pub(crate) fn new(config: &Identity) -> Result<Option<Self>, WebError> {
        signatures::install();
        let (algorithm, key) = match (&config.secret, &config.public_key) {
            (Some(secret), _) => {
                (Algorithm::HS256, DecodingKey::from_secret(secret.expose_secret().as_bytes()))
            }
            (None, Some(public)) => public_key(public)?,
            (None, None) => return Ok(None),
        };
        let mut validation = Validation::new(algorithm);
        validation.leeway = SKEW;
        validation.validate_nbf = true;
        validation.aud = config.audience.clone().map(|audience| HashSet::from([audience]));
        validation.iss = config.issuer.clone().map(|issuer| HashSet::from([issuer]));
        let mut wanted = vec!["exp", "sub", "aud"];
        wanted.extend(config.issuer.is_some().then_some("iss"));
        validation.set_required_spec_claims(&wanted);
        Ok(Some(Self { key, validation }))
    }

    /// What it signs with.
    pub(crate) fn algorithm(&self) -> String {
        self.validation.algorithms.iter().map(|algorithm| format!("{algorithm:?}")).collect()
    }

    /// Whom a token names.
    pub(crate) fn check(&self, token: &str) -> Result<Person, Refused> {
        let claims = match jsonwebtoken::decode::<Claims>(token, &self.key, &self.validation) {
            Ok(token) => token.claims,
            Err(error) => {
                let is_late = matches!(error.kind(), jsonwebtoken::errors::ErrorKind::ExpiredSignature);
                return Err(if is_late { Refused::Expired } else { Refused::Wrong });
            }
        };
        if claims.exp.saturating_add(SKEW) <= now() {
            return Err(Refused::Expired);
        }
        let is_plain = |text: &str| {
            !text.trim().is_empty() && text.chars().count() <= LONGEST && !text.chars().any(char::is_control)
        };
        if !is_plain(&claims.sub) {
            return Err(Refused::Wrong);
        }
        Ok(Person { id: format!("user:{}", claims.sub), name: claims.name.filter(|name| is_plain(name)) })
    }
}

/// A public key and the one algorithm that it is for.
fn public_key(written: &str) -> Result<(Algorithm, DecodingKey), WebError> {
    let wrong = |problem: String| WebError::PublicKey(problem);
    let pem = match written.contains("-----BEGIN") {
        true => written.to_owned(),
        false => fs::read_to_string(written).map_err(|error| wrong(format!("{written}: {error}")))?,
    };
    if pem.contains("PRIVATE KEY") {
        return Err(wrong("it is a private key, which belongs to the site alone".to_owned()));
    }
    let pem = pem.as_bytes();
    if let Ok(key) = DecodingKey::from_rsa_pem(pem) {
        return Ok((Algorithm::RS256, key));
    }
    if let Ok(key) = DecodingKey::from_ed_pem(pem) {
        return Ok((Algorithm::EdDSA, key));
    }
    match DecodingKey::from_ec_pem(pem) {
        Ok(key) if key.try_get_as_bytes().is_ok_and(|point| point.len() == P256_POINT) => {
            Ok((Algorithm::ES256, key))
        }
        Ok(_) => Err(wrong("its curve is not P-256".to_owned())),
        Err(_) => Err(wrong("it is no PEM of an RSA, P-256 or Ed25519 public key".to_owned())),
    }
}
