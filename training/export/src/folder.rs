//! The model folder: which files it has, how it is written so that no half of it is ever seen, and the manifest
//! that tells whether it is current. It must not know GGUF nor graphs.

mod configuration;
mod hash;
mod manifest;
mod staging;
mod weights_manifest;

pub(crate) use configuration::{
    Description, Family, Scaling, config_json, genai_config_json, generation_config_json,
};
pub(crate) use hash::{bytes_sha256, feed, file_sha256, hex};
pub use manifest::{EXPORT_VERSION, FileEntry, KvCache, MANIFEST_FILE, Manifest, Source};
pub(crate) use staging::{Staging, replace_files};
pub use weights_manifest::{WEIGHTS_VERSION, WeightsManifest};
