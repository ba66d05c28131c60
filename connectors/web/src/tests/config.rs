//! What can be written into a bot's file, and what is refused before a port is opened.

use std::net::TcpListener;

use serde::Deserialize;

use crate::{Config, WebError, bind, sample};

#[derive(Deserialize)]
struct File {
    web: Config,
}

#[test]
fn the_sample_shows_the_defaults() {
    let file: File = toml::from_str(sample()).unwrap();
    assert_eq!(toml::to_string(&file.web).unwrap(), toml::to_string(&Config::default()).unwrap());
    for line in sample().lines().filter(|line| line.starts_with("# token")) {
        let with_token = sample().replace(line, line.trim_start_matches("# "));
        assert!(toml::from_str::<File>(&with_token).unwrap().web.token.is_some());
    }
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
    let empty: Config = toml::from_str("token = ' '").unwrap();
    assert!(matches!(bind(&empty), Err(WebError::EmptyToken)));
    let guarded: Config = toml::from_str("host = '0.0.0.0'\nport = 0\ntoken = 'sesame'").unwrap();
    let bound = bind(&guarded).unwrap();
    assert_eq!(bound.link(), format!("http://127.0.0.1:{}", bound.address().port()));
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
