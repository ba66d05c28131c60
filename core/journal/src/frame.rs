//! One record on disk. In: a header and a payload. Out: bytes with a checksum, and the record again. Knows no files.
//!
//! | bytes | what |
//! |---|---|
//! | 0–3 | `LQF2`, by which the next frame is found behind a damaged stretch |
//! | 4–7 | length of the payload, little-endian like all numbers |
//! | 8–15 | sequence of the entry |
//! | 16–23 | milliseconds since 1970 |
//! | 24–27 | kind, state after it, flags, zero |
//! | 28–35 | XXH3-64 of bytes 0–27 and the payload |
//! | 36… | the payload, JSON, and a line break |

use std::ops::Range;

use xxhash_rust::xxh3::Xxh3;

/// What a frame begins with.
const MAGIC: [u8; 4] = *b"LQF2";
/// Bytes before the payload.
pub(crate) const HEADER: usize = 36;
/// The longest payload; a length beyond it is damage.
const LONGEST: usize = 64 << 20;

/// What a frame holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    /// An accepted event: an `Inbound`.
    Accepted = 1,
    /// Steps of its way: a `Vec<Step>`.
    Steps = 2,
    /// What is left of an entry that was dropped: the digest of its address, in hexadecimal digits.
    Tombstone = 3,
}

/// A frame without its payload.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Header {
    pub(crate) kind: Kind,
    pub(crate) sequence: u64,
    /// Milliseconds since 1970.
    pub(crate) at: u64,
    /// How far the entry is after it.
    pub(crate) state: u8,
    pub(crate) flags: u8,
}

fn checksum(head: &[u8], payload: &[u8]) -> u64 {
    let mut hash = Xxh3::new();
    hash.update(head);
    hash.update(payload);
    hash.digest()
}

/// Bytes that a frame with this payload takes.
pub(crate) fn size(payload: usize) -> usize {
    HEADER + payload + 1
}

/// Appends a frame to `out`.
pub(crate) fn put(out: &mut Vec<u8>, header: &Header, payload: &[u8]) {
    let start = out.len();
    out.extend(MAGIC);
    out.extend(u32::try_from(payload.len()).unwrap_or(u32::MAX).to_le_bytes());
    out.extend(header.sequence.to_le_bytes());
    out.extend(header.at.to_le_bytes());
    out.extend([header.kind as u8, header.state, header.flags, 0]);
    let sum = checksum(&out[start..], payload);
    out.extend(sum.to_le_bytes());
    out.extend(payload);
    out.push(b'\n');
}

/// What stands at a place of a segment.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Found {
    /// A frame, its payload, and where it ends.
    Frame(Header, Range<usize>, usize),
    /// The beginning of a frame that the end of the bytes cuts off.
    CutOff,
    /// Something else.
    Damage,
}

/// Reads what stands at `start`.
pub(crate) fn read(bytes: &[u8], start: usize) -> Found {
    let rest = &bytes[start..];
    let magic = rest.len().min(MAGIC.len());
    if rest[..magic] != MAGIC[..magic] {
        return Found::Damage;
    }
    let Some(head) = rest.first_chunk::<HEADER>() else { return Found::CutOff };
    let number = |at: usize| u64::from_le_bytes(std::array::from_fn(|i| head[at + i]));
    let length = u32::from_le_bytes(std::array::from_fn(|i| head[4 + i])) as usize;
    if length > LONGEST {
        return Found::Damage;
    }
    let end = HEADER + length;
    let Some(payload) = rest.get(HEADER..end) else { return Found::CutOff };
    if rest.len() <= end {
        return Found::CutOff;
    }
    if checksum(&head[..28], payload) != number(28) || rest[end] != b'\n' {
        return Found::Damage;
    }
    let kind = match head[24] {
        1 => Kind::Accepted,
        2 => Kind::Steps,
        3 => Kind::Tombstone,
        _ => return Found::Damage,
    };
    let header = Header { kind, sequence: number(8), at: number(16), state: head[25], flags: head[26] };
    Found::Frame(header, start + HEADER..start + end, start + end + 1)
}

/// Where the next whole frame begins behind a damaged place.
pub(crate) fn next(bytes: &[u8], after: usize) -> Option<usize> {
    let mut from = after + 1;
    while let Some(offset) = bytes.get(from..)?.windows(MAGIC.len()).position(|window| window == MAGIC) {
        if matches!(read(bytes, from + offset), Found::Frame(..)) {
            return Some(from + offset);
        }
        from += offset + 1;
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    fn header(sequence: u64) -> Header {
        Header { kind: Kind::Steps, sequence, at: 7, state: 2, flags: 1 }
    }

    #[test]
    fn a_frame_is_read_back_and_one_behind_damage_is_found() {
        let mut bytes = Vec::new();
        put(&mut bytes, &header(1), b"one");
        let second = bytes.len();
        put(&mut bytes, &header(2), b"LQF2 is no frame");
        let third = bytes.len();
        put(&mut bytes, &header(3), b"");
        assert_eq!(read(&bytes, 0), Found::Frame(header(1), HEADER..HEADER + 3, second));
        for damaged in second..third {
            let mut bytes = bytes.clone();
            bytes[damaged] ^= 1;
            // A longer length may only look like a frame that is cut off.
            assert!(!matches!(read(&bytes, second), Found::Frame(..)), "byte {damaged}");
            assert_eq!(next(&bytes, second), Some(third));
        }
        for cut in third + 1..bytes.len() {
            assert_eq!(read(&bytes[..cut], third), Found::CutOff, "cut at {cut}");
        }
    }
}
