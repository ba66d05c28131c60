//! Cities that share a name.

use super::{Failure, Options};

pub(crate) fn geonames(_options: &Options) -> Result<(), Failure> {
    Ok(())
}
