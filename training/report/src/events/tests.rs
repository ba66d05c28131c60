//! What is in an event file, byte by byte where a value is known, and what is refused.

use proptest::prelude::*;

use super::record::masked;
use super::{EventFile, buckets, png_size, record};

#[test]
fn checksums_are_masked_crc32c() {
    // RFC 3720, appendix B.4: 32 bytes of zeros have 0x8a9136aa.
    let plain = 0x8a91_36aa_u32;
    assert_eq!(masked(&[0; 32]), plain.rotate_right(15).wrapping_add(0xa282_ead8));
}

#[test]
fn a_record_has_its_length_twice_checked() {
    let mut bytes = Vec::new();
    record::write(&mut bytes, b"abc").unwrap();
    assert_eq!(bytes.len(), 8 + 4 + 3 + 4);
    assert_eq!(bytes[..8], [3, 0, 0, 0, 0, 0, 0, 0]);
    assert_eq!(bytes[8..12], masked(&bytes[..8]).to_le_bytes());
    assert_eq!(bytes[15..], masked(b"abc").to_le_bytes());
}

#[test]
fn a_second_start_writes_a_second_file() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path().join("tensorboard");
    let mut first = EventFile::create(&folder, None).unwrap();
    first.scalar(1, "loss", 2.0).unwrap();
    let path = first.path().to_owned();
    drop(first);
    let kept = std::fs::read(&path).unwrap();
    let second = EventFile::create(&folder, Some(1)).unwrap();
    assert!(second.path() > path.as_path(), "files are read in the order of their names");
    assert_eq!(std::fs::read(&path).unwrap(), kept);
}

#[test]
fn what_is_no_png_is_refused_and_leaves_the_file_good() {
    let folder = tempfile::tempdir().unwrap();
    let mut events = EventFile::create(folder.path(), None).unwrap();
    let before = std::fs::metadata(events.path()).unwrap().len();
    for bytes in [b"".as_slice(), b"\x89PNG\r\n\x1a\n", b"GIF89a, and so on, and so on, and so on"] {
        assert!(events.image(1, "loss", bytes).is_err());
    }
    events.flush().unwrap();
    assert_eq!(std::fs::metadata(events.path()).unwrap().len(), before);
}

#[test]
fn the_size_of_a_picture_is_read() {
    let svg = "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"30\" height=\"20\"/>";
    assert_eq!(png_size(&crate::plot::png(svg, 2.0).unwrap()), Some((60, 40)));
}

#[test]
fn a_folder_that_is_a_file_is_named() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("file");
    std::fs::write(&path, "").unwrap();
    let error = EventFile::create(&path, None).unwrap_err().to_string();
    assert!(error.contains("file"), "{error}");
}

proptest! {
    #[test]
    fn every_value_is_in_the_bucket_that_has_it(values in prop::collection::vec(-1e6..1e6_f64, 1..200)) {
        let rows = buckets(&values);
        let sum: f64 = rows.iter().map(|row| row[2]).sum();
        prop_assert_eq!(sum, values.len() as f64);
        let least = values.iter().copied().fold(f64::INFINITY, f64::min);
        let greatest = values.iter().copied().fold(f64::NEG_INFINITY, f64::max);
        prop_assert!(rows[0][0] <= least && rows[rows.len() - 1][1] >= greatest);
        for pair in rows.windows(2) {
            prop_assert_eq!(pair[0][1], pair[1][0]);
        }
    }
}

#[test]
fn what_is_no_number_is_in_no_bucket() {
    assert!(buckets(&[f64::NAN, f64::INFINITY]).is_empty());
    assert_eq!(buckets(&[2.0, 2.0, f64::NAN]), [[1.5, 2.5, 2.0]]);
}
