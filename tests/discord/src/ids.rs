//! Snowflakes: ids that say when they were made, and go up.

use std::fmt;
use std::str::FromStr;

use jiff::Timestamp;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// The first millisecond of 2015, from which snowflakes count.
const EPOCH_MILLIS: i64 = 1_420_070_400_000;

/// A snowflake; in JSON a string.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Id(pub u64);

impl Id {
    /// When it was made.
    pub(crate) fn time(self) -> Timestamp {
        let millis = EPOCH_MILLIS + i64::try_from(self.0 >> 22).unwrap_or(0);
        Timestamp::from_millisecond(millis).unwrap_or_default()
    }

    /// The time as Discord writes it.
    pub(crate) fn written_time(self) -> String {
        written(self.time())
    }
}

/// An id in a client's JSON: Discord takes them as strings and as numbers.
pub(crate) fn id_in(json: &serde_json::Value) -> Option<Id> {
    json.as_u64().map(Id).or_else(|| json.as_str()?.parse().ok())
}

/// A time as Discord writes it.
pub(crate) fn written(time: Timestamp) -> String {
    time.strftime("%Y-%m-%dT%H:%M:%S%.6f+00:00").to_string()
}

impl fmt::Display for Id {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl FromStr for Id {
    type Err = std::num::ParseIntError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        text.parse().map(Self)
    }
}

impl Serialize for Id {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Id {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = std::borrow::Cow::<'de, str>::deserialize(deserializer)?;
        text.parse().map_err(serde::de::Error::custom)
    }
}

/// Makes ids.
#[derive(Debug, Default)]
pub(crate) struct Ids {
    last: u64,
}

impl Ids {
    /// The next one: later than all before it, also where the clock was put back.
    pub(crate) fn next(&mut self) -> Id {
        let millis = Timestamp::now().as_millisecond() - EPOCH_MILLIS;
        let now = u64::try_from(millis).unwrap_or(0) << 22;
        self.last = now.max(self.last + 1);
        Id(self.last)
    }
}
