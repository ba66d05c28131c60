//! Gets pinned artefacts (the runtime library, models) into the cache folder and says where they lie.
//!
//! In: an [`Artifact`] (what, which version, which SHA-256) and a [`Cache`] (where, and through which programs). Out: a
//! path that holds exactly the pinned bytes, or a [`FetchError`] that says what to do next. It must not know what the
//! files are for: no dialogue, no ONNX, no configuration.
//!
//! ```no_run
//! use loquat_artifacts::{Cache, catalog, ensure};
//!
//! let cache = Cache::from_env()?;
//! let library = ensure(&catalog::onnxruntime()?, &cache, &|step: loquat_artifacts::Step<'_>| eprintln!("{step}"))?;
//! assert!(library.is_file());
//! # Ok::<(), loquat_artifacts::FetchError>(())
//! ```
//!
//! What is promised:
//! - nothing half-written is ever returned: files are written to a folder beside the destination, verified, synced, and
//!   renamed into place;
//! - two processes that start at once download once: the second waits, then finds it there;
//! - a present artefact costs one `stat` a file: a stamp keeps size and modification time, and the SHA-256 is computed
//!   again only when they changed;
//! - no registry host is named here: `python3 -m pip`, `npm` and the hub client know theirs;
//! - no credential reaches a message: URLs lose their user part and query.

mod artifact;
mod cache;
pub mod catalog;
mod digest;
mod ensure;
mod error;
mod fetch;
mod process;
mod progress;
mod redact;
mod stamp;

pub use artifact::{Artifact, HubFiles, Pin, Source, WheelTarget};
pub use cache::{Cache, Clients, HubAccess};
pub use ensure::{ensure, path_of};
pub use error::{FetchError, Offline};
pub use progress::{Activity, Progress, Silent, Step};
