//! What can be written into a bot's file, and what is refused before a port is opened.

use std::net::TcpListener;

use serde::Deserialize;

use crate::{Config, Keys, Scope, WebError, bind, examine, sample};

#[derive(Deserialize)]
struct File {
    web: Config,
}

#[test]
fn the_sample_shows_the_defaults() {
    let file: File = toml::from_str(sample()).unwrap();
    assert_eq!(toml::to_string(&file.web).unwrap(), toml::to_string(&Config::default()).unwrap());
}

#[test]
fn what_the_sample_leaves_out_is_taken_once_it_is_no_comment() {
    // A key is one word before an equals sign; all else behind a mark are words.
    let is_key = |line: &&str| {
        let key = line.strip_prefix("# ").and_then(|rest| rest.split_once(" = "));
        key.is_some_and(|(key, _)| key.bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'_'))
    };
    let keys: Vec<&str> = sample().lines().filter(is_key).collect();
    assert_eq!(keys.len(), 7, "{keys:?}");
    let all = keys.iter().fold(sample().to_owned(), |text, line| text.replace(line, &line[2..]));
    let web = toml::from_str::<File>(&all).unwrap().web;
    assert!(web.token.is_some() && web.tls.certificate.is_some() && web.tls.key.is_some());
    let identity = web.identity;
    assert!(identity.secret.is_some() && identity.public_key.is_some());
    assert!(identity.issuer.is_some() && identity.audience.is_some());
}

#[test]
fn unknown_keys_are_refused() {
    let error = toml::from_str::<Config>("prot = 8080").unwrap_err();
    assert!(error.to_string().contains("unknown field `prot`"), "{error}");
}

#[test]
fn the_token_is_shown_nowhere() {
    let config: Config = toml::from_str("token = 'sesame'").unwrap();
    assert!(!format!("{config:?}").contains("sesame"));
    assert!(toml::to_string(&config).unwrap().contains("[redacted]"));
}

#[test]
fn a_network_address_needs_a_token() {
    let open: Config = toml::from_str("host = '0.0.0.0'\nport = 0").unwrap();
    assert!(matches!(bind(&open), Err(WebError::Open(_))));
    let named = "host = '0.0.0.0'\nport = 0\n[identity]\nsecret = 'a secret of site and bot, 32 bytes'\naudience = 'a'";
    for let_in in [named, "host = '0.0.0.0'\nport = 0\npublic = true"] {
        assert!(bind(&toml::from_str(let_in).unwrap()).is_ok(), "{let_in}");
    }
    let empty: Config = toml::from_str("token = ' '").unwrap();
    assert!(matches!(bind(&empty), Err(WebError::EmptyToken)));
    let guarded: Config = toml::from_str("host = '0.0.0.0'\nport = 0\ntoken = 'sesame'").unwrap();
    let bound = bind(&guarded).unwrap();
    assert_eq!(bound.link(), format!("http://127.0.0.1:{}", bound.address().port()));
}

#[test]
fn what_cannot_be_meant_is_refused_and_says_what_to_do() {
    for (text, says) in [
        ("public = true\ntoken = 'sesame'", "take one of the two out"),
        ("trusted_proxies = ['proxy.example.org']", "127.0.0.1"),
        ("origins = ['www.example.org']", "https://www.example.org"),
        ("guest_days = 0", "from 1 to"),
        ("guest_days = 4000", "from 1 to"),
        ("[identity]\nhours = 0", "from 1 to"),
        ("[files]\ntypes = ['png']", "image/png"),
        ("[files]\ntypes = ['*/*']", "image/png"),
        ("[tls]\nkey = 'key.pem'", "name both files"),
        ("[tls]\ncertificate = 'no such file'\nkey = 'key.pem'", "name PEM files"),
    ] {
        let config: Config = toml::from_str(&format!("port = 0\n{text}")).unwrap();
        let error = bind(&config).unwrap_err().to_string();
        assert!(error.contains(says), "{text}: {error}");
    }
}

#[test]
fn who_may_come_in_follows_from_what_is_configured() {
    let entry = |text: &str| toml::from_str::<Config>(text).unwrap().entry();
    assert_eq!(entry(""), "open");
    assert_eq!(entry("token = 'sesame'"), "token");
    assert_eq!(entry("host = '0.0.0.0'\npublic = true"), "open");
    assert_eq!(entry("[identity]\nsecret = 's'"), "identity");
    assert_eq!(entry("public = true\n[identity]\nsecret = 's'"), "open");
    assert_eq!(entry("token = 'sesame'\n[identity]\nsecret = 's'"), "token");
}

#[test]
fn the_doctor_says_what_to_do() {
    let folder = tempfile::tempdir().unwrap();
    let advice = |text: &str| -> Vec<String> {
        let config: Config = toml::from_str(&format!("port = 0\n{text}")).unwrap();
        examine(&config, folder.path()).into_iter().filter_map(|check| check.advice).collect()
    };
    assert!(advice("").is_empty());
    assert!(advice("allowed_hosts = ['chat.example.org']")[0].contains("trusted_proxies"));
    assert!(advice("[tls]\ncertificate = 'no such file'\nkey = 'key.pem'")[0].contains("tls"));
    assert!(advice("[identity]\npublic_key = 'no such file'\naudience = 'a'")[0].contains("identity"));
    Keys::kept_in(folder.path()).make("shop", [Scope::Chat].into()).unwrap();
    assert!(advice("").is_empty());
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        let readable = std::fs::Permissions::from_mode(0o644);
        std::fs::set_permissions(folder.path().join("keys.json"), readable).unwrap();
        assert!(advice("")[0].contains("chmod 600"));
    }
    std::fs::write(folder.path().join("keys.json"), "{").unwrap();
    assert!(advice("")[0].contains("correct the file"));
}

#[test]
fn a_taken_port_moves_to_the_next_free_one() {
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = taken.local_addr().unwrap().port();
    let bound = bind(&Config { port, ..Config::default() }).unwrap();
    let moved = bound.address().port();
    assert!(moved > port && moved <= port.saturating_add(20), "{port} → {moved}");
    assert!(bound.moved());
    assert_eq!(bound.link(), format!("http://127.0.0.1:{moved}"));
}

#[test]
fn where_no_port_is_free_it_says_which_were_tried() {
    let taken = TcpListener::bind("127.0.0.1:65535");
    let error = bind(&Config { port: u16::MAX, ..Config::default() }).unwrap_err();
    assert!(matches!(error, WebError::PortsTaken { first: 65535, last: 65535 }), "{error}");
    drop(taken);
}

#[test]
fn any_free_port_is_no_move() {
    assert!(!bind(&Config { port: 0, ..Config::default() }).unwrap().moved());
}
