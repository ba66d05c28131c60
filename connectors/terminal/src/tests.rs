//! The terminal as a whole: what is printed for a reply, and a conversation from the first line to the last.

mod fakes;

mod conformance;
mod printing;
mod talking;

use serde::Deserialize;

use crate::{Config, sample};

#[derive(Deserialize)]
struct File {
    terminal: Config,
}

#[test]
fn the_sample_shows_the_defaults() {
    let file: File = toml::from_str(sample()).unwrap();
    assert_eq!(toml::to_string(&file.terminal).unwrap(), toml::to_string(&Config::default()).unwrap());
    let with_history = sample().replace("# history_file", "history_file");
    assert!(toml::from_str::<File>(&with_history).unwrap().terminal.history_file.is_some());
    assert!(toml::from_str::<Config>("histroy_lines = 1").is_err());
}
