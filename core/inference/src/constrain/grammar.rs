//! Regular expressions, JSON schemas and grammars, which `llguidance` follows. In: their source. Out: the tokens that may come next.
//! Must not know: logits, texts of facts.

use std::fmt;

use llguidance::api::{StopReason, TopLevelGrammar};
use llguidance::toktrie::InferenceCapabilities;
use llguidance::{JsonCompileOptions, Matcher, ParserFactory};
use serde_json::Value;

use super::vocabulary::Vocabulary;
use super::{Ending, LogitMask, TokenSet, shown};
use crate::InferenceError;

/// Bytes that a source may have.
const LONGEST: usize = 256 << 10;
/// States that the lexer of one request may have, each of one to two kilobytes.
const MOST_STATES: usize = 50_000;
/// What reading a source may take of a stack. Schemas that refer to one another are read one within the other: as deep as [`LONGEST`] has
/// room for, which is more than the stacks of threads that serve requests hold, and an overflow ends the process. Only what is used
/// of it costs memory.
const STACK: usize = 256 << 20;

/// What the grammars of one model share.
pub(super) struct Grammars {
    factory: ParserFactory,
}

impl Grammars {
    pub(super) fn new(vocabulary: &Vocabulary) -> Result<Self, String> {
        let capabilities =
            InferenceCapabilities { ff_tokens: vocabulary.complete(), ..InferenceCapabilities::default() };
        let slices = llguidance::earley::SlicedBiasComputer::general_slices();
        let factory = ParserFactory::new(vocabulary.env(), capabilities, &slices);
        let mut factory = factory.map_err(|error| error.to_string())?;
        // Else it writes to standard error, and puts the whole grammar into errors.
        factory.quiet();
        let limits = factory.limits_mut();
        limits.verbose_errors = false;
        limits.max_lexer_states = MOST_STATES;
        Ok(Self { factory })
    }
}

/// A text on its way through a grammar.
pub(super) struct Grammar {
    matcher: Matcher,
    name: String,
    mask: Option<TokenSet>,
}

impl Grammar {
    pub(super) fn regex(grammars: &Grammars, source: &str) -> Result<Self, InferenceError> {
        Self::new(grammars, "the regular expression", source, |source| {
            Ok(TopLevelGrammar::from_regex(source))
        })
    }

    pub(super) fn json_schema(grammars: &Grammars, source: &str) -> Result<Self, InferenceError> {
        Self::new(grammars, "the JSON schema", source, |source| {
            Ok(TopLevelGrammar::from_json_schema(compact(serde_json::from_str(source)?)))
        })
    }

    pub(super) fn lark(grammars: &Grammars, source: &str) -> Result<Self, InferenceError> {
        Self::new(grammars, "the grammar", source, |source| Ok(TopLevelGrammar::from_lark(source.to_owned())))
    }

    fn new(
        grammars: &Grammars,
        kind: &str,
        source: &str,
        read: impl FnOnce(&str) -> Result<TopLevelGrammar, serde_json::Error>,
    ) -> Result<Self, InferenceError> {
        let name = format!("{kind} {}", shown(source));
        let refuse = |reason: String| InferenceError::Constraint { constraint: name.clone(), reason };
        if source.len() > LONGEST {
            return Err(refuse(format!("it has more than {LONGEST} bytes")));
        }
        let grammar = read(source).map_err(|error| refuse(error.to_string()))?;
        let matcher = deep(|| Matcher::new(grammars.factory.create_parser(grammar))).map_err(refuse)?;
        if let Some(reason) = matcher.get_error() {
            return Err(refuse(short(&reason).to_owned()));
        }
        Ok(Self { matcher, name, mask: None })
    }

    fn failed(&self, error: impl fmt::Display) -> InferenceError {
        let (constraint, error) = (self.name.clone(), error.to_string());
        match short(&error) {
            none if none == StopReason::NoExtensionBias.to_string() => InferenceError::Stuck { constraint },
            reason => InferenceError::Constraint { constraint, reason: reason.to_owned() },
        }
    }
}

/// Does it on a stack that is deep enough.
fn deep<T: Send>(read: impl FnOnce() -> T + Send) -> Result<T, String> {
    std::thread::scope(|scope| {
        let thread = std::thread::Builder::new().name("constraint".to_owned()).stack_size(STACK);
        let reading = thread.spawn_scoped(scope, read).map_err(|error| error.to_string())?;
        reading.join().map_err(|_| "it cannot be read".to_owned())
    })
}

/// The line that says what is wrong; the others draw the place.
fn short(reason: &str) -> &str {
    let error = reason.lines().find_map(|line| line.strip_prefix("error: "));
    error.or_else(|| reason.lines().next()).unwrap_or_default()
}

/// The schema with one way to write a value instead of any white space, in which small models lose themselves. Its own
/// `x-guidance` holds where it has one.
fn compact(mut schema: Value) -> Value {
    let own = schema.as_object().is_none_or(|object| object.contains_key("x-guidance"));
    if !own {
        let options = JsonCompileOptions {
            item_separator: ", ".to_owned(),
            key_separator: ": ".to_owned(),
            whitespace_flexible: false,
            ..JsonCompileOptions::default()
        };
        options.apply_to(&mut schema);
    }
    schema
}

impl LogitMask for Grammar {
    fn mask(&mut self) -> Result<&TokenSet, InferenceError> {
        if self.mask.is_none() {
            let mask = self.matcher.compute_mask_or_eos().map_err(|error| self.failed(error))?;
            self.mask = Some(mask);
        }
        self.mask.as_ref().ok_or_else(|| InferenceError::Stuck { constraint: self.name.clone() })
    }

    fn commit(&mut self, token: u32) -> Result<(), InferenceError> {
        self.mask = None;
        self.matcher.consume_token(token).map_err(|error| self.failed(error))
    }

    fn ending(&mut self) -> Ending {
        if self.matcher.is_stopped() {
            Ending::Forced
        } else if self.matcher.is_accepting().unwrap_or(false) {
            Ending::Allowed
        } else {
            Ending::Forbidden
        }
    }

    fn forced(&mut self) -> Vec<u32> {
        if self.matcher.is_stopped() { Vec::new() } else { self.matcher.compute_ff_tokens() }
    }
}

impl fmt::Display for Grammar {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.name)
    }
}
