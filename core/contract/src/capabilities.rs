//! What a platform can do, as data. In: a connector's knowledge of its platform. Out: values that the host acts on.

use std::time::Duration;

use crate::Format;

/// How a platform counts the length of a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LengthUnit {
    /// Unicode scalar values.
    Characters,
    /// UTF-16 code units.
    Utf16,
    /// UTF-8 bytes.
    Bytes,
}

impl LengthUnit {
    /// The length of `text` in this unit.
    pub fn measure(self, text: &str) -> usize {
        match self {
            Self::Characters => text.chars().count(),
            Self::Utf16 => text.encode_utf16().count(),
            Self::Bytes => text.len(),
        }
    }
}

/// The longest text that a message may have.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Length {
    /// How much of it.
    pub limit: usize,
    /// How it is counted.
    pub unit: LengthUnit,
}

/// What the platform does with an envelope whose key it has seen before.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Idempotency {
    /// It shows it again. A delivery that may have arrived is then never repeated.
    #[default]
    None,
    /// It shows it once, however often it is delivered.
    Key,
    /// It shows it once when delivered again within this time of the first try.
    Window(Duration),
}

/// How many messages a platform takes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Pace {
    /// The pause between two messages into one conversation.
    pub per_conversation: Duration,
    /// The pause between any two messages.
    pub overall: Duration,
}

/// What a platform can do. The default is the least: plain text of any length, and nothing else. To describe a platform, name
/// what it has beyond that, and take the rest from the default.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Capabilities {
    /// The longest message; `None` without limit.
    pub max_length: Option<Length>,
    /// The most lines of a message; `None` without limit. IRC has one.
    pub max_lines: Option<usize>,
    /// The markup that it shows.
    pub format: Format,
    /// Whether the connector shows the citations of a reply itself, apart from the text of its last part; else they stand below it.
    pub citations_apart: bool,
    /// The widest table that can be read there, in columns of a fixed-width font; a wider one becomes a list. `None` for any.
    pub table_columns: Option<usize>,
    /// Whether a message can be changed once it is sent.
    pub edits: bool,
    /// Whether a question that was answered is answered again when it is changed: the platform shows the new answer in place of the
    /// old one.
    pub answers_changes: bool,
    /// Whether a reply can be shown while it is being written ([`Egress::drafts`](crate::Egress::drafts)).
    pub drafts: bool,
    /// Whether a draft has only what is new since the draft before it, for platforms that keep what came before: then each costs the
    /// same, however long the reply is. Limits of length do not apply to it.
    pub drafts_grow: bool,
    /// Whether conversations have threads.
    pub threads: bool,
    /// The most buttons on a message; 0 where there are none, and choices become numbered lines. A row has up to 5.
    pub buttons: usize,
    /// Whether people can react to messages.
    pub reactions: bool,
    /// The largest file in bytes; 0 where files cannot be sent, and become lines with their names.
    pub max_file_bytes: u64,
    /// How long a typing signal lasts; `None` where there is none.
    pub typing: Option<Duration>,
    /// What a key is good for.
    pub idempotency: Idempotency,
    /// Whether missed messages can be asked for ([`Egress::backfill`](crate::Egress::backfill)).
    pub backfill: bool,
    /// Whether a conversation goes on after the process ends, so that a reply can still reach it from the next one.
    pub outlives_process: bool,
    /// How fast it takes messages.
    pub pace: Pace,
    /// How long [`Sink::alive`](crate::Sink::alive) may stay silent before the connection counts as dead and is made anew;
    /// `None` where a dead connection shows by itself.
    pub silence: Option<Duration>,
}
