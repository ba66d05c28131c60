//! SHA-256 of bytes as they pass. In: readers. Out: hexadecimal digests, with progress. It must not know what is pinned
//! where.

use std::{
    fmt::Write as _,
    fs::File,
    io::{self, Read, Write},
    path::Path,
};

use sha2::{Digest as _, Sha256};

use crate::{Activity, FetchError, Pin, progress::Reporter};

const CHUNK: usize = 256 * 1024;

/// Copies `from` into `to` and gives the SHA-256 and the length; `passed` hears the bytes so far, about every megabyte.
pub(crate) fn copy(
    from: &mut dyn Read,
    to: &mut dyn Write,
    passed: &mut dyn FnMut(u64),
) -> io::Result<(String, u64)> {
    let (mut hash, mut bytes, mut chunk) = (Sha256::new(), 0_u64, vec![0; CHUNK]);
    loop {
        let read = match from.read(&mut chunk) {
            Ok(0) => break,
            Ok(read) => read,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
            Err(error) => return Err(error),
        };
        hash.update(&chunk[..read]);
        to.write_all(&chunk[..read])?;
        let before = bytes;
        bytes += read as u64;
        if before >> 20 != bytes >> 20 {
            passed(bytes);
        }
    }
    passed(bytes);
    let mut hex = String::with_capacity(64);
    for byte in hash.finalize() {
        // Writing to a String cannot fail.
        let _ = write!(hex, "{byte:02x}");
    }
    Ok((hex, bytes))
}

/// The SHA-256 and length of the file at `path`.
pub(crate) fn of_file(path: &Path, reporter: Reporter<'_>) -> Result<(String, u64), FetchError> {
    let mut file = File::open(path).map_err(FetchError::io("open", path))?;
    let total = file.metadata().map_err(FetchError::io("read", path))?.len();
    copy(&mut file, &mut io::sink(), &mut |done| reporter.step(Activity::Verifying, done, Some(total)))
        .map_err(FetchError::io("read", path))
}

/// Checks the file at `path` against its pin: the length first, which finds a cut download at once.
pub(crate) fn verify(path: &Path, pin: &Pin, reporter: Reporter<'_>) -> Result<(), FetchError> {
    let length = path.metadata().map_err(FetchError::io("read", path))?.len();
    if length != pin.bytes {
        return Err(mismatch(path.display().to_string(), pin, "not computed".into(), length));
    }
    let (found, bytes) = of_file(path, reporter)?;
    if found == pin.sha256 { Ok(()) } else { Err(mismatch(path.display().to_string(), pin, found, bytes)) }
}

pub(crate) fn mismatch(path: String, pin: &Pin, found: String, found_bytes: u64) -> FetchError {
    FetchError::Mismatch { path, expected: pin.sha256.clone(), expected_bytes: pin.bytes, found, found_bytes }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn digest_of_a_known_text() {
        let mut out = Vec::new();
        let (hex, bytes) = copy(&mut &b"abc"[..], &mut out, &mut |_| {}).unwrap();
        // FIPS 180-2, appendix B.1.
        assert_eq!(hex, "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
        assert_eq!((bytes, out.as_slice()), (3, &b"abc"[..]));
    }
}
