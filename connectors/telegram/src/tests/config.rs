//! What can be written into a bot's file, and what is refused before anything is connected.

use loquat_contract::BotCard;
use secrecy::ExposeSecret;
use serde::Deserialize;

use crate::{Config, TelegramError, connect, sample};

const TOKEN: &str = "110201543:AAHdqTcvCH1vGWJxfSeofSAs0K5PALDsaw";

#[derive(Deserialize)]
struct File {
    telegram: Config,
}

#[test]
fn the_sample_shows_the_defaults_and_each_key_it_hides_is_one() {
    let file: File = toml::from_str(sample()).unwrap();
    assert_eq!(toml::to_string(&file.telegram).unwrap(), toml::to_string(&Config::default()).unwrap());
    let hidden: Vec<&str> =
        sample().lines().filter(|line| line.starts_with("# ") && line.contains(" = \"")).collect();
    assert_eq!(hidden.len(), 3, "{hidden:?}");
    for line in hidden {
        let shown = sample().replace(line, line.trim_start_matches("# "));
        let file = toml::from_str::<File>(&shown).unwrap();
        let written = toml::to_string(&file.telegram).unwrap();
        assert_ne!(written, toml::to_string(&Config::default()).unwrap(), "{line}");
    }
}

#[test]
fn unknown_keys_are_refused() {
    let error = toml::from_str::<Config>("tokn = 'x'").unwrap_err();
    assert!(error.to_string().contains("unknown field `tokn`"), "{error}");
}

#[test]
fn secrets_are_shown_nowhere() {
    let config: Config = toml::from_str(&format!("token = '{TOKEN}'\nsecret = 'sesame'")).unwrap();
    let shown = format!("{config:?}");
    assert!(!shown.contains("AAHdq") && !shown.contains("sesame"), "{shown}");
    let written = toml::to_string(&config).unwrap();
    assert_eq!(written.matches("[redacted]").count(), 2, "{written}");
}

#[test]
fn what_cannot_work_is_refused_with_the_key_named_and_no_secret_told() {
    let refused = |text: &str| {
        let config: Config = toml::from_str(text).unwrap();
        connect(config, BotCard::default()).err().map(|error| error.to_string())
    };
    let with_token = |text: &str| refused(&format!("token = '{TOKEN}'\n{text}"));
    assert_eq!(with_token(""), None);
    assert_eq!(with_token("api = 'http://127.0.0.1:8081'"), None);
    assert_eq!(with_token("api = 'http://[::1]:8081/'"), None);
    assert_eq!(with_token("mode = 'webhook'\npublic_url = 'https://bot.example.org/telegram'"), None);
    for (text, key) in [
        ("api = 'http://api.example.org'", "connectors.telegram.api"),
        ("api = 'https://me:secret@example.org'", "connectors.telegram.api"),
        ("api = 'nonsense'", "connectors.telegram.api"),
        (&format!("api = 'https://api.telegram.org/bot{TOKEN}'"), "connectors.telegram.api"),
        (
            &format!("mode = 'webhook'\npublic_url = 'http://example.org/{TOKEN}'"),
            "connectors.telegram.public_url",
        ),
        ("mode = 'webhook'\npublic_url = 'http://me:secret@example.org'", "connectors.telegram.public_url"),
        ("mode = 'webhook'", "connectors.telegram.public_url"),
        ("mode = 'webhook'\npublic_url = 'http://bot.example.org'", "connectors.telegram.public_url"),
        ("secret = 'two words'", "connectors.telegram.secret"),
        ("secret = ''", "connectors.telegram.secret"),
    ] {
        let error = with_token(text).unwrap_or_else(|| panic!("{text} is taken"));
        assert!(error.contains(key) && !error.contains("two words"), "{text}: {error}");
        assert!(!error.contains("me:secret") && !error.contains(TOKEN), "{error}");
    }
    for token in [
        "",
        "123",
        "abc:AAHdqTcvCH1vGWJxfSeofSAs0K5PALDsaw",
        "1:short",
        "1:AAHdqTcvCH1vGWJxfSeofSAs0K5PALDsa/",
    ] {
        let error = refused(&format!("token = '{token}'")).unwrap();
        assert!(error.contains("connectors.telegram.token"), "{error}");
        assert!(token.len() < 4 || !error.contains(token), "{error}");
    }
}

#[test]
fn without_a_token_there_is_nothing_to_connect_to() {
    assert!(matches!(connect(Config::default(), BotCard::default()), Err(TelegramError::NoToken)));
}

#[test]
fn the_secret_is_the_same_after_a_restart_and_another_for_another_bot() {
    let config = |token: &str| Config { token: Some(token.into()), ..Config::default() };
    let secret = |token: &str| config(token).secret().expose_secret().to_owned();
    assert_eq!(secret(TOKEN), secret(TOKEN));
    assert_ne!(secret(TOKEN), secret("110201544:AAHdqTcvCH1vGWJxfSeofSAs0K5PALDsaw"));
    assert_eq!(secret(TOKEN).len(), 64);
}
