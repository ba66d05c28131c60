//! Tokens that say who somebody is, and ids that say whose a conversation is. In: a person. Out: a signed token, or a conversation's id
//! with a mark on it; and the way back. It does not know how somebody came to be let in.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jsonwebtoken::{Algorithm, DecodingKey, EncodingKey, Header, Validation};
use loquat_contract::Timestamp;
use ring::hmac;
use secrecy::{ExposeSecret, SecretString};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::person::Person;
use super::secret::Secret;
use super::signatures;

/// Who made a token, so that no other sort of token is taken for one.
const ISSUER: &str = "loquat-web";
/// How much of a mark is kept, in bytes: 128 bits are out of anybody's reach.
const MARK: usize = 16;

/// Signs and checks.
pub(crate) struct Guests {
    sign: EncodingKey,
    check: DecodingKey,
    conversations: hmac::Key,
    /// What a token says of the web token that its holder knew, so that another web token is asked for again.
    door: Option<String>,
}

#[derive(Debug, Deserialize, Serialize)]
struct Claims {
    iss: String,
    sub: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    name: Option<String>,
    iat: u64,
    exp: u64,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    door: Option<String>,
}

/// Why a token is not taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Refused {
    /// Its time is over.
    Expired,
    /// It was not made here, or for another web token.
    Wrong,
}

impl Guests {
    pub(crate) fn new(secret: &Secret, token: Option<&SecretString>) -> Self {
        signatures::install();
        let key = secret.derive("guest tokens", &[]);
        let conversations = secret.derive("conversations", &[]);
        Self {
            sign: EncodingKey::from_secret(&key),
            check: DecodingKey::from_secret(&key),
            conversations: hmac::Key::new(hmac::HMAC_SHA256, &conversations),
            door: token.map(|token| {
                URL_SAFE_NO_PAD.encode(&secret.derive("door", token.expose_secret().as_bytes())[..MARK])
            }),
        }
    }

    /// Somebody new.
    pub(crate) fn somebody() -> Person {
        Person { id: format!("guest:{}", Uuid::new_v4()), name: None }
    }

    /// A token for a person that is good until then, in seconds since 1970.
    pub(crate) fn issue(&self, person: &Person, expires: u64) -> Option<String> {
        let claims = Claims {
            iss: ISSUER.to_owned(),
            sub: person.id.clone(),
            name: person.name.clone(),
            iat: now(),
            exp: expires,
            door: self.door.clone(),
        };
        jsonwebtoken::encode(&Header::new(Algorithm::HS256), &claims, &self.sign).ok()
    }

    /// Whose token this is.
    pub(crate) fn check(&self, token: &str) -> Result<Person, Refused> {
        let mut validation = Validation::new(Algorithm::HS256);
        validation.leeway = 0;
        validation.set_issuer(&[ISSUER]);
        validation.set_required_spec_claims(&["exp", "iss", "sub"]);
        let claims = match jsonwebtoken::decode::<Claims>(token, &self.check, &validation) {
            Ok(token) => token.claims,
            Err(error) => {
                let is_late = matches!(error.kind(), jsonwebtoken::errors::ErrorKind::ExpiredSignature);
                return Err(if is_late { Refused::Expired } else { Refused::Wrong });
            }
        };
        // At the second itself it is over too (RFC 7519, section 4.1.4).
        if claims.exp <= now() {
            return Err(Refused::Expired);
        }
        match claims.door == self.door {
            true => Ok(Person { id: claims.sub, name: claims.name }),
            false => Err(Refused::Wrong),
        }
    }

    /// A conversation's id that is this person's alone: `<uuid>.<mark>`.
    pub(crate) fn sign_conversation(&self, person: &Person, uuid: &str) -> String {
        let mark = hmac::sign(&self.conversations, owned(person, uuid).as_bytes());
        format!("{uuid}.{}", URL_SAFE_NO_PAD.encode(&mark.as_ref()[..MARK]))
    }

    /// Whether this person's conversation has this id.
    pub(crate) fn check_conversation(&self, person: &Person, id: &str) -> bool {
        let Some((uuid, _)) = id.split_once('.') else { return false };
        super::same(self.sign_conversation(person, uuid).as_bytes(), id.as_bytes())
    }
}

/// The lengths keep apart what would read the same put together.
fn owned(person: &Person, uuid: &str) -> String {
    format!("{}:{}:{uuid}", person.id.len(), person.id)
}

/// Seconds since 1970.
pub(crate) fn now() -> u64 {
    Timestamp::now().0 / 1000
}

#[cfg(test)]
mod tests {
    use super::*;

    fn guests() -> Guests {
        Guests::new(&Secret::passing().unwrap(), None)
    }

    #[test]
    fn a_conversation_is_one_persons() {
        let guests = guests();
        let (ann, bob) = (Guests::somebody(), Guests::somebody());
        let uuid = "3f2b8c1e-9d4a-4e6b-8a21-0c9d7e5f1b34";
        let id = guests.sign_conversation(&ann, uuid);
        assert!(guests.check_conversation(&ann, &id));
        assert!(!guests.check_conversation(&bob, &id));
        assert!(!guests.check_conversation(&ann, uuid));
        assert!(!guests.check_conversation(&ann, &id[..id.len() - 1]));
        assert!(!guests.check_conversation(&ann, &format!("{id}x")));
        let another = id.replace("3f2b8c1e", "3f2b8c1f");
        assert!(!guests.check_conversation(&ann, &another));
        assert!(!super::tests::guests().check_conversation(&ann, &id), "another bot's");
    }

    #[test]
    fn names_that_read_alike_put_together_are_told_apart() {
        let guests = guests();
        let person = |id: &str| Person { id: id.to_owned(), name: None };
        let id = guests.sign_conversation(&person("user:1"), "2:3");
        let mark = id.split_once('.').unwrap().1;
        assert!(!guests.check_conversation(&person("user:1:2"), &format!("3.{mark}")));
    }
}
