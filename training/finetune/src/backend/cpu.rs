//! The processor. In: buffers as slices. Out: the same, computed by as many threads as rayon's pool has.

pub mod packed;
