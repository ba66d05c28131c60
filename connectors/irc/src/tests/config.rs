//! What can be written into a bot's file, and what is refused before anything is connected.

use loquat_contract::BotCard;
use serde::Deserialize;

use crate::{Config, IrcError, connect, sample};

#[derive(Deserialize)]
struct File {
    irc: Config,
}

#[test]
fn the_sample_shows_the_defaults_and_each_key_it_hides_is_one() {
    let file: File = toml::from_str(sample()).unwrap();
    assert_eq!(toml::to_string(&file.irc).unwrap(), toml::to_string(&Config::default()).unwrap());
    let hidden: Vec<&str> =
        sample().lines().filter(|line| line.starts_with("# ") && line.contains(" = ")).collect();
    assert_eq!(hidden.len(), 6, "{hidden:?}");
    for line in hidden {
        let shown = sample().replace(line, line.trim_start_matches("# "));
        toml::from_str::<File>(&shown).unwrap();
    }
}

#[test]
fn unknown_keys_are_refused() {
    let error = toml::from_str::<Config>("nikname = 'loquat'").unwrap_err();
    assert!(error.to_string().contains("unknown field `nikname`"), "{error}");
}

#[test]
fn secrets_are_shown_nowhere() {
    let config: Config = toml::from_str("password = 'sesame'\naccount_password = 'open'").unwrap();
    assert!(!format!("{config:?}").contains("sesame") && !format!("{config:?}").contains("open"));
    let written = toml::to_string(&config).unwrap();
    assert_eq!(written.matches("[redacted]").count(), 2, "{written}");
}

#[test]
fn what_no_server_would_take_is_refused_with_the_key_named() {
    let refused = |text: &str| {
        let config: Config =
            toml::from_str(&format!("server = 'irc.example.org'\ntls = false\n{text}")).unwrap();
        connect(config, BotCard::default()).err().map(|error| error.to_string())
    };
    assert_eq!(refused(""), None);
    assert_eq!(refused("channels = ['#help', '#staff key', '&local']"), None);
    for (text, key) in [
        ("nickname = 'two words'", "connectors.irc.nickname"),
        ("nickname = '1st'", "connectors.irc.nickname"),
        ("nickname = \"a\\r\\nQUIT\"", "connectors.irc.nickname"),
        ("channels = ['help']", "connectors.irc.channels"),
        ("channels = ['#a,#b']", "connectors.irc.channels"),
        ("channels = [\"#a\\r\\nQUIT\"]", "connectors.irc.channels"),
        ("username = 'a b'", "connectors.irc.username"),
        ("realname = \"a\\nb\"", "connectors.irc.realname"),
        ("password = \"a\\r\\nQUIT\"", "connectors.irc.password"),
        ("account_password = ''", "connectors.irc.account_password"),
    ] {
        let error = refused(text).unwrap_or_else(|| panic!("{text} is taken"));
        assert!(error.contains(key), "{text}: {error}");
        assert!(!error.contains("QUIT") || key != "connectors.irc.password", "{error}");
    }
}

#[test]
fn without_a_server_there_is_nothing_to_connect_to() {
    assert!(matches!(connect(Config::default(), BotCard::default()), Err(IrcError::NoServer)));
}

#[test]
fn a_file_that_holds_no_certificates_is_named() {
    let path = std::env::temp_dir().join("loquat-irc-no-such-file.pem");
    let config = Config { server: Some("irc.example.org".into()), ca_file: Some(path), ..Config::default() };
    let error = connect(config, BotCard::default()).err().unwrap().to_string();
    assert!(error.contains("loquat-irc-no-such-file.pem"), "{error}");
}
