//! TensorFlow's record format. In: bytes. Out: length, checksum of the length, bytes, checksum of the bytes; numbers little-endian
//! (`tensorflow/core/lib/io/record_writer.h`).

use std::io::{self, Write};

use crc::{CRC_32_ISCSI, Crc};

/// CRC-32C, which RFC 3720 has for iSCSI.
const CRC: Crc<u32> = Crc::<u32>::new(&CRC_32_ISCSI);
/// What is added to a checksum once it is rotated, so that checksums of what holds checksums stay good (`crc32c.h`).
const MASK: u32 = 0xa282_ead8;

/// Writes one record.
pub(super) fn write(into: &mut impl Write, bytes: &[u8]) -> io::Result<()> {
    let length = (bytes.len() as u64).to_le_bytes();
    into.write_all(&length)?;
    into.write_all(&masked(&length).to_le_bytes())?;
    into.write_all(bytes)?;
    into.write_all(&masked(bytes).to_le_bytes())
}

pub(super) fn masked(bytes: &[u8]) -> u32 {
    CRC.checksum(bytes).rotate_right(15).wrapping_add(MASK)
}
