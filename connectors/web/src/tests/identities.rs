//! Who the host site says that somebody is: each sort of key, and what is not to be believed.

use axum::http::StatusCode;
use base64::Engine;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use rcgen::{KeyPair, PublicKeyData, SigningKey};
use ring::hmac;
use serde_json::{Value, json as object};

use super::fakes::{FakeSink, Fixture, ONE, bearing, code, fixture_with, json, message, post};
use crate::serve::now;
use crate::{Config, Identity, WebError, bind};

const SECRET: &str = "a secret of site and bot, 32 bytes";
const RSA_PUBLIC: &str = include_str!("identities/rsa.pub.pem");
/// A JWT that was signed by that key, with `sub` ann, `aud` loquat, and `exp` in 2100.
const RSA_TOKEN: &str = include_str!("identities/rsa.jwt");

fn web(identity: Identity) -> Fixture {
    fixture_with(FakeSink::willing(), Config { identity, ..Config::default() })
}

fn with_secret() -> Identity {
    Identity {
        secret: Some(SECRET.into()),
        audience: Some("loquat".into()),
        issuer: Some("https://www.example.org".into()),
        ..Identity::default()
    }
}

fn with_key(pem: &str) -> Identity {
    Identity { public_key: Some(pem.into()), audience: Some("loquat".into()), ..Identity::default() }
}

fn claims() -> Value {
    object!({
        "sub": "ann", "name": "Ann", "aud": "loquat", "iss": "https://www.example.org", "exp": now() + 300,
    })
}

/// A JWT whose signature is made by `sign`.
fn token(algorithm: &str, claims: &Value, sign: impl Fn(&[u8]) -> Vec<u8>) -> String {
    let part = |value: &Value| URL_SAFE_NO_PAD.encode(value.to_string());
    let said = format!("{}.{}", part(&object!({ "alg": algorithm, "typ": "JWT" })), part(claims));
    let signature = URL_SAFE_NO_PAD.encode(sign(said.as_bytes()));
    format!("{said}.{signature}")
}

fn shared(key: &[u8]) -> impl Fn(&[u8]) -> Vec<u8> {
    let key = hmac::Key::new(hmac::HMAC_SHA256, key);
    move |said| hmac::sign(&key, said).as_ref().to_vec()
}

fn signed(claims: &Value) -> String {
    token("HS256", claims, shared(SECRET.as_bytes()))
}

async fn come(web: &Fixture, identity: &str) -> Result<Value, String> {
    let body = object!({ "identity": identity }).to_string();
    let response = web.as_stranger(post("/api/session", &body)).await;
    match response.status() {
        StatusCode::OK => Ok(json(response).await),
        _ => Err(code(response).await),
    }
}

#[tokio::test]
async fn whom_the_site_names_is_the_same_person_each_time() {
    let web = web(with_secret());
    let first = come(&web, &signed(&claims())).await.unwrap();
    assert_eq!(first["person"], object!({ "id": "user:ann", "name": "Ann" }));
    let second = come(&web, &signed(&claims())).await.unwrap();
    assert_eq!(first["person"], second["person"]);
    let said = bearing(message(ONE, "1", "Hi"), first["token"].as_str().unwrap());
    assert_eq!(web.as_stranger(said).await.status(), StatusCode::ACCEPTED);

    // The site's own token opens no conversation, and nobody comes in without one.
    let said = bearing(message(ONE, "1", "Hi"), &signed(&claims()));
    assert_eq!(code(web.as_stranger(said).await).await, "wrong_token");
    let guest = web.as_stranger(post("/api/session", "{}")).await;
    assert_eq!((guest.status(), code(guest).await.as_str()), (StatusCode::UNAUTHORIZED, "identity_wanted"));
    // Only the site can say whether it still knows them.
    let renewal = object!({ "renew": first["token"] }).to_string();
    let renewed = web.as_stranger(post("/api/session", &renewal)).await;
    assert_eq!(code(renewed).await, "identity_wanted");
}

#[tokio::test]
async fn what_the_token_says_must_be_right() {
    let web = web(with_secret());
    let but = |name: &str, value: Value| {
        let mut claims = claims();
        claims[name] = value;
        signed(&claims)
    };
    let without = |name: &str| {
        let mut claims = claims();
        claims.as_object_mut().unwrap().remove(name);
        signed(&claims)
    };
    assert_eq!(come(&web, &but("exp", object!(now() - 100))).await.unwrap_err(), "expired_identity");
    for wrong in [
        but("aud", object!("another")),
        but("aud", object!([])),
        but("iss", object!("https://evil.example")),
        but("nbf", object!(now() + 1000)),
        but("sub", object!("")),
        but("sub", object!("ann\nbob")),
        but("sub", object!("a".repeat(257))),
        but("sub", object!(1)),
        but("exp", object!("tomorrow")),
        without("exp"),
        without("sub"),
        without("aud"),
        without("iss"),
        "no token".to_owned(),
    ] {
        assert_eq!(come(&web, &wrong).await.unwrap_err(), "wrong_identity", "{wrong}");
    }
    let many = come(&web, &but("aud", object!(["shop", "loquat"]))).await;
    assert!(many.is_ok(), "an audience among several is one");
    let nameless = come(&web, &without("name")).await.unwrap();
    assert!(nameless["person"].get("name").is_none());
}

#[tokio::test]
async fn the_algorithm_is_that_of_the_key_whatever_the_token_says() {
    let pair = KeyPair::generate_for(&rcgen::PKCS_ECDSA_P256_SHA256).unwrap();
    let (ec_pem, der) = (pair.public_key_pem(), pair.subject_public_key_info());
    let by_secret = web(with_secret());
    let none = token("none", &claims(), |_| Vec::new());
    for forged in [&none, &token("HS512", &claims(), shared(SECRET.as_bytes()))] {
        assert_eq!(come(&by_secret, forged).await.unwrap_err(), "wrong_identity");
    }
    // The public key, which anybody may know, taken for a shared secret.
    for (pem, der) in [(ec_pem.as_str(), der), (RSA_PUBLIC, STANDARD.decode(body(RSA_PUBLIC)).unwrap())] {
        let by_key = web(with_key(pem));
        for key in [pem.as_bytes(), pem.trim().as_bytes(), der.as_slice()] {
            let forged = token("HS256", &claims(), shared(key));
            assert_eq!(come(&by_key, &forged).await.unwrap_err(), "wrong_identity");
        }
        assert_eq!(come(&by_key, &none).await.unwrap_err(), "wrong_identity");
    }
}

fn body(pem: &str) -> String {
    pem.lines().filter(|line| !line.starts_with("-----")).collect()
}

#[tokio::test]
async fn each_sort_of_key_is_checked() {
    let curve = KeyPair::generate_for(&rcgen::PKCS_ECDSA_P256_SHA256).unwrap();
    let edwards = KeyPair::generate_for(&rcgen::PKCS_ED25519).unwrap();
    let another = KeyPair::generate_for(&rcgen::PKCS_ED25519).unwrap();
    let by_curve = web(with_key(&curve.public_key_pem()));
    // JWS has the two numbers side by side, certificates have them in ASN.1.
    let good = token("ES256", &claims(), |said| side_by_side(&curve.sign(said).unwrap()));
    assert_eq!(come(&by_curve, &good).await.unwrap()["person"]["id"], "user:ann");
    let by_edwards = web(with_key(&edwards.public_key_pem()));
    let good = token("EdDSA", &claims(), |said| edwards.sign(said).unwrap());
    assert_eq!(come(&by_edwards, &good).await.unwrap()["person"]["id"], "user:ann");
    let forged = token("EdDSA", &claims(), |said| another.sign(said).unwrap());
    assert_eq!(come(&by_edwards, &forged).await.unwrap_err(), "wrong_identity");

    let by_rsa = web(with_key(RSA_PUBLIC));
    assert_eq!(come(&by_rsa, RSA_TOKEN.trim()).await.unwrap()["person"]["id"], "user:ann");
    let (said, signature) = RSA_TOKEN.trim().rsplit_once('.').unwrap();
    let forged = format!("{said}.{}", signature.chars().rev().collect::<String>());
    assert_eq!(come(&by_rsa, &forged).await.unwrap_err(), "wrong_identity");
}

/// An ECDSA signature as ASN.1 has it, in the form of JWS (RFC 7518, section 3.4).
fn side_by_side(der: &[u8]) -> Vec<u8> {
    let number = |at: usize| {
        let length = usize::from(der[at + 1]);
        let digits: Vec<u8> = der[at + 2..at + 2 + length].iter().copied().skip_while(|d| *d == 0).collect();
        ([vec![0; 32 - digits.len()], digits].concat(), at + 2 + length)
    };
    let (r, next) = number(2);
    [r, number(next).0].concat()
}

#[test]
fn keys_that_are_none_are_refused_at_the_start() {
    let wrong = |identity: Identity| bind(&Config { port: 0, identity, ..Config::default() }).unwrap_err();
    let private = KeyPair::generate_for(&rcgen::PKCS_ED25519).unwrap().serialize_pem();
    let other_curve = KeyPair::generate_for(&rcgen::PKCS_ECDSA_P384_SHA384).unwrap().public_key_pem();
    for pem in
        ["-----BEGIN PUBLIC KEY-----\nAAAA\n-----END PUBLIC KEY-----", &private, &other_curve, "/no/such.pem"]
    {
        assert!(matches!(wrong(with_key(pem)), WebError::PublicKey(_)), "{pem}");
    }
    let short = Identity { secret: Some("short".into()), ..with_secret() };
    assert!(matches!(wrong(short), WebError::ShortSecret { .. }));
    assert!(matches!(wrong(Identity { audience: None, ..with_secret() }), WebError::NoAudience));
    let both = Identity { public_key: Some(RSA_PUBLIC.into()), ..with_secret() };
    assert!(matches!(wrong(both), WebError::TwoKeys));
    assert!(!format!("{:?}", with_secret()).contains(SECRET));
}
