//! The config: its sample, what it refuses, and what it does not show.

use crate::{Config, DiscordError, connect, sample};

use super::fixture::TOKEN;

#[derive(serde::Deserialize)]
struct File {
    discord: Config,
}

fn parsed(text: &str) -> Config {
    toml::from_str::<File>(text).unwrap().discord
}

#[test]
fn the_sample_is_the_default() {
    let (sample, default) =
        (toml::to_string(&parsed(sample())).unwrap(), toml::to_string(&Config::default()).unwrap());
    assert_eq!(sample, default);
    let bare: String = sample.lines().map(|line| format!("{line}\n")).collect();
    for key in default.lines().filter_map(|line| line.split_once(" = ")).map(|(key, _)| key) {
        assert!(bare.contains(key), "{key}");
    }
    // What has no default stands there as an example that works.
    let uncommented = crate::sample().replace("# token =", "token =").replace("# api =", "api =");
    assert!(parsed(&uncommented).token.is_some());
}

#[test]
fn what_would_go_wrong_later_is_refused_with_its_key() {
    type Set = fn(&mut Config);
    let with = |set: Set| {
        let mut config = Config { token: Some(TOKEN.to_owned().into()), ..Config::default() };
        set(&mut config);
        connect(config, loquat_contract::BotCard::default()).err().map(|error| error.to_string())
    };
    assert_eq!(with(|_| {}), None);
    let cases: [(Set, &str); 13] = [
        (|config| config.token = None, "connectors.discord.token"),
        (|config| config.token = Some("a b".to_owned().into()), "connectors.discord.token"),
        (|config| config.token = Some(String::new().into()), "connectors.discord.token"),
        (|config| config.api = Some("http://discord.example/api/v10".into()), "connectors.discord.api"),
        (
            |config| config.api = Some("https://me:secret@discord.example/api/v10".into()),
            "connectors.discord.api",
        ),
        (|config| config.api = Some("https://discord.example/api/v9".into()), "connectors.discord.api"),
        (|config| config.api = Some("nonsense".into()), "connectors.discord.api"),
        (|config| config.api = Some("https://discord.example/api".into()), "connectors.discord.api"),
        (|config| config.guilds = vec!["Help".into()], "connectors.discord.guilds"),
        (|config| config.channels = vec!["#a".into()], "connectors.discord.channels"),
        (|config| config.channels = vec!["0".into()], "connectors.discord.channels"),
        (|config| config.answer_all_in = vec!["x".into()], "connectors.discord.answer_all_in"),
        (|config| config.answer_all_in = vec!["1".into()], "message_content"),
    ];
    for (number, (set, key)) in cases.into_iter().enumerate() {
        let refused = with(set).unwrap_or_else(|| panic!("case {number}"));
        assert!(refused.contains(key) && !refused.contains("secret"), "{refused}");
    }
    for api in [
        "http://127.0.0.1:1/api/v10",
        "http://[::1]:1/api/v10",
        "http://localhost:1/api/v10",
        "https://proxy.example/api/v10/",
    ] {
        let config =
            Config { token: Some("t".to_owned().into()), api: Some(api.into()), ..Config::default() };
        assert!(connect(config, loquat_contract::BotCard::default()).is_ok(), "{api}");
    }
}

#[test]
fn secrets_are_not_printed() {
    let config = Config { token: Some(TOKEN.to_owned().into()), ..Config::default() };
    let (debug, toml) = (format!("{config:?}"), toml::to_string(&config).unwrap());
    assert!(!debug.contains(TOKEN) && !toml.contains(TOKEN), "{debug} {toml}");
    assert!(!DiscordError::Token.to_string().contains(TOKEN));
}
