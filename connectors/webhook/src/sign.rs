//! Signatures, by the Standard Webhooks scheme: HMAC-SHA256 over `id.timestamp.body`. In: a secret and an event. Out: the three headers. The
//! secret leaves this module in no way.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use hmac::{Hmac, KeyInit, Mac};
use secrecy::{ExposeSecret, SecretBox, SecretString};
use sha2::Sha256;

/// What a secret begins with.
const PREFIX: &str = "whsec_";

/// A secret's bytes.
#[derive(Clone)]
pub(crate) struct Key(std::sync::Arc<SecretBox<[u8]>>);

impl std::fmt::Debug for Key {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Key([redacted])")
    }
}

impl Key {
    /// The bytes of `whsec_…`; `None` where it is none, or too short or too long for the scheme.
    pub(crate) fn parse(secret: &SecretString) -> Option<Self> {
        let bytes = STANDARD.decode(secret.expose_secret().strip_prefix(PREFIX)?).ok()?;
        (24..=64).contains(&bytes.len()).then(|| Self(std::sync::Arc::new(SecretBox::new(bytes.into()))))
    }

    fn sign(&self, id: &str, at: i64, body: &[u8]) -> Option<String> {
        let mut mac = Hmac::<Sha256>::new_from_slice(self.0.expose_secret()).ok()?;
        mac.update(format!("{id}.{at}.").as_bytes());
        mac.update(body);
        Some(format!("v1,{}", STANDARD.encode(mac.finalize().into_bytes())))
    }
}

/// The value of `webhook-signature`: one signature for each key, so that a secret can be changed while nobody misses anything.
pub(crate) fn signatures(keys: &[Key], id: &str, at: i64, body: &[u8]) -> String {
    let signed: Vec<String> = keys.iter().filter_map(|key| key.sign(id, at, body)).collect();
    signed.join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key(secret: &str) -> Option<Key> {
        Key::parse(&SecretString::from(secret))
    }

    #[test]
    fn the_example_of_the_scheme_has_its_signature() {
        // From the reference libraries' tests.
        let key = key("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw").unwrap();
        let signed =
            signatures(&[key], "msg_p5jXN8AQM9LWM0D4loKWxJek", 1_614_265_330, br#"{"test": 2432232314}"#);
        assert_eq!(signed, "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=");
    }

    #[test]
    fn a_secret_that_is_none_is_refused_and_none_is_printed() {
        for wrong in ["", "whsec_", "whsec_c2hvcnQ=", "MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", "whsec_!!!"] {
            assert!(key(wrong).is_none(), "{wrong}");
        }
        let key = key("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw").unwrap();
        assert_eq!(format!("{key:?}"), "Key([redacted])");
    }
}
