//! What an event says to those who run the bot. In: an entry, and those of its conversation before it. Out: that somebody thinks something of a
//! reply, or wants to talk to a person; nothing for all the rest. It is read from the journal, so it is the same whenever it is asked.

use loquat_contract::Entry;

use crate::commands::Order;
use crate::feedback::{Feedback, Gathering};
use crate::wish::Wish;

/// What an event says to those who run the bot.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Signal {
    /// What somebody thinks of a reply, as it stands after the event.
    Feedback(Feedback),
    /// They want to talk to a person.
    Human,
}

/// What `entry` says. `earlier` are the entries of its conversation before it, in the order of the journal.
pub fn signal<'a>(earlier: impl IntoIterator<Item = &'a Entry>, entry: &Entry) -> Option<Signal> {
    if Wish::of(&entry.inbound) == Wish::Order(Order::Human) {
        return Some(Signal::Human);
    }
    let mut gathering = Gathering::default();
    earlier.into_iter().filter(|one| one.sequence < entry.sequence).for_each(|one| gathering.take(one));
    gathering.told(entry).map(Signal::Feedback)
}
