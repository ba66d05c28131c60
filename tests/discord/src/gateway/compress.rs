//! How payloads are compressed: each alone, or all of a connection as one stream.

use std::io::{self, Write};

use flate2::write::ZlibEncoder;
use flate2::{Compress, Compression, FlushCompress, Status};

/// The context of `zlib-stream`: one a connection, flushed after each payload.
pub(super) struct Compressor(Compress);

impl Default for Compressor {
    fn default() -> Self {
        Self(Compress::new(Compression::default(), true))
    }
}

impl Compressor {
    /// The next payload as a frame that ends with `00 00 FF FF`.
    pub(super) fn frame(&mut self, mut bytes: &[u8]) -> io::Result<Vec<u8>> {
        let mut frame = Vec::with_capacity(bytes.len() / 2 + 64);
        loop {
            let before = self.0.total_in();
            let status =
                self.0.compress_vec(bytes, &mut frame, FlushCompress::Sync).map_err(io::Error::other)?;
            let taken = usize::try_from(self.0.total_in() - before).map_err(io::Error::other)?;
            bytes = bytes.get(taken..).unwrap_or_default();
            // Room that is left over means that all of it was flushed.
            if bytes.is_empty() && frame.len() < frame.capacity() || status == Status::StreamEnd {
                return Ok(frame);
            }
            frame.reserve(frame.capacity().max(64));
        }
    }
}

/// Whether a payload is long enough to be compressed alone.
pub(super) fn is_worth_it(text: &str) -> bool {
    text.len() >= 1024
}

/// A payload compressed alone.
pub(super) fn alone(bytes: &[u8]) -> io::Result<Vec<u8>> {
    let mut encoder = ZlibEncoder::new(Vec::new(), Compression::default());
    encoder.write_all(bytes)?;
    encoder.finish()
}
