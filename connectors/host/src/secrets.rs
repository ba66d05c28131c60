//! Secrets stay out of the log. In: a config's secrets, and text on its way out. Out: the same text without them. No connector knows of it:
//! it is the second line behind each of them, for what their libraries may write at the lowest levels.

use std::borrow::Cow;
use std::io::{self, Write};
use std::sync::{PoisonError, RwLock};

use aho_corasick::{AhoCorasick, MatchKind};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use secrecy::{ExposeSecret, SecretString};

use crate::config::Config;

/// What stands in a secret's place.
const PLACE: &str = "[redacted]";
/// A shorter one would be found in half the words of a log.
const SHORTEST: usize = 6;

/// What is written otherwise in an address, where as little is as RFC 3986 asks for.
const RESERVED: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'_').remove(b'.').remove(b'~');

static KNOWN: RwLock<Option<AhoCorasick>> = RwLock::new(None);

/// Keeps the secrets of a config out of the log from now on.
pub fn keep(config: &Config) {
    let secrets = secrets(config).into_iter().flatten().map(ExposeSecret::expose_secret);
    let finder = finder(secrets);
    *KNOWN.write().unwrap_or_else(PoisonError::into_inner) = finder;
}

fn secrets(config: &Config) -> Vec<Option<&SecretString>> {
    let (web, irc) = (&config.connectors.web, &config.connectors.irc);
    let (discord, telegram) = (&config.connectors.discord, &config.connectors.telegram);
    let graph = &config.graph.sparql;
    let hooks = config.webhooks.iter().flat_map(|hook| [Some(&hook.secret), hook.previous_secret.as_ref()]);
    let known = [
        config.hub.token.as_ref(),
        web.token.as_ref(),
        web.identity.secret.as_ref(),
        irc.password.as_ref(),
        irc.account_password.as_ref(),
        discord.token.as_ref(),
        telegram.token.as_ref(),
        telegram.secret.as_ref(),
        graph.token.as_ref(),
        graph.password.as_ref(),
    ];
    known.into_iter().chain(hooks).chain(config.telemetry.headers.values().map(Some)).collect()
}

/// Finds each secret as it is, as it stands in an address, and as it stands between quotes: Rust's, JSON's, and Rust's within JSON's.
fn finder<'s>(secrets: impl Iterator<Item = &'s str>) -> Option<AhoCorasick> {
    let long = secrets.filter(|secret| secret.len() >= SHORTEST);
    let forms = long.flat_map(|secret| {
        let in_address = |set| utf8_percent_encode(secret, set).to_string();
        let rust = |text: &str| inside(format!("{text:?}"));
        let json = |text: &str| inside(serde_json::Value::from(text).to_string());
        let quoted = [rust(secret), json(secret), json(&rust(secret))];
        [secret.to_owned(), in_address(NON_ALPHANUMERIC), in_address(RESERVED)].into_iter().chain(quoted)
    });
    let forms: Vec<String> = forms.collect();
    if forms.is_empty() {
        return None;
    }
    AhoCorasick::builder().match_kind(MatchKind::LeftmostLongest).build(forms).ok()
}

/// What stands between the quotes.
fn inside(quoted: String) -> String {
    quoted[1..quoted.len() - 1].to_owned()
}

/// The text without any secret.
pub fn without(text: &str) -> Cow<'_, str> {
    let known = KNOWN.read().unwrap_or_else(PoisonError::into_inner);
    match known.as_ref().filter(|finder| finder.is_match(text)) {
        Some(finder) => Cow::Owned(replace(finder, text)),
        None => Cow::Borrowed(text),
    }
}

fn replace(finder: &AhoCorasick, text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    finder.replace_all_with(text, &mut out, |_, _, out| {
        out.push_str(PLACE);
        true
    });
    out
}

/// Standard error without secrets. Each write is one whole event of the log.
#[derive(Debug, Default)]
pub struct Stderr;

impl Write for Stderr {
    fn write(&mut self, event: &[u8]) -> io::Result<usize> {
        io::stderr().write_all(without(&String::from_utf8_lossy(event)).as_bytes())?;
        Ok(event.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        io::stderr().flush()
    }
}

/// Has a panic say what it says without secrets.
pub fn guard_panics() {
    std::panic::set_hook(Box::new(|panic| {
        let backtrace = std::backtrace::Backtrace::capture();
        let thread = std::thread::current();
        let told = format!("thread `{}` {panic}\n{backtrace}\n", thread.name().unwrap_or("without name"));
        let _nobody_reads = io::stderr().write_all(without(&told).as_bytes());
    }));
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_secret_is_replaced_wherever_it_stands() {
        let finder = finder(
            ["123456:AAbb-cc_dd", "short", "longer secret", "with \"quotes\"", "it's \"two\" kinds\u{1}"]
                .into_iter(),
        )
        .unwrap();
        for (text, expected) in [
            ("GET /bot123456:AAbb-cc_dd/getMe", "GET /bot[redacted]/getMe"),
            ("GET /bot123456%3AAAbb%2Dcc%5Fdd/getMe", "GET /bot[redacted]/getMe"),
            ("GET /bot123456%3AAAbb-cc_dd/getMe", "GET /bot[redacted]/getMe"),
            (r#"password: "with \"quotes\"""#, r#"password: "[redacted]""#),
            ("it's \"two\" kinds\u{1}", "[redacted]"),
            (r#"it's \"two\" kinds\u{1}"#, "[redacted]"),
            (r#"it's \"two\" kinds\u0001"#, "[redacted]"),
            (r#"it's \\\"two\\\" kinds\\u{1}"#, "[redacted]"),
            ("a longer secret, twice: longer secret", "a [redacted], twice: [redacted]"),
            ("short words stay", "short words stay"),
        ] {
            assert_eq!(replace(&finder, text), expected);
        }
        assert!(super::finder(std::iter::empty()).is_none());
    }
}
