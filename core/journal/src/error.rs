//! What can go wrong with a disk, as the contract says it. In: an error of the system. Out: a [`JournalError`].

use std::error::Error;
use std::io;

use loquat_contract::JournalError;

/// Any failure of the store behind the journal.
pub(crate) fn store(source: impl Into<Box<dyn Error + Send + Sync>>) -> JournalError {
    JournalError::Store(source.into())
}

/// The log says something that it cannot.
pub(crate) fn invalid(what: impl Into<String>) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, what.into())
}
