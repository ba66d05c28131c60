//! Files are there whole or not at all, and every damage is noticed.

use std::fs;
use std::path::{Path, PathBuf};

use crate::{Mapped, MappedError, Writer};

const KIND: [u8; 8] = *b"testing1";

/// A file of two sections, the second over several blocks.
fn written(folder: &Path) -> PathBuf {
    let path = folder.join("file");
    let mut writer = Writer::create(&path, KIND).unwrap();
    writer.section(1).unwrap();
    writer.write(b"short").unwrap();
    writer.section(2).unwrap();
    for number in 0..30_000_u32 {
        writer.write(&number.to_le_bytes()).unwrap();
    }
    writer.section(3).unwrap();
    writer.finish().unwrap();
    path
}

#[test]
fn sections_come_back_as_they_went_in() {
    let folder = tempfile::tempdir().unwrap();
    let mapped = Mapped::open(&written(folder.path()), KIND).unwrap();
    assert_eq!(mapped.bytes(mapped.section(1)), Some(b"short".as_slice()));
    let numbers = mapped.section(2);
    assert!(numbers.start.is_multiple_of(8) && numbers.len() == 120_000);
    let last = mapped.bytes(numbers.end - 4..numbers.end).unwrap();
    assert_eq!(last, 29_999_u32.to_le_bytes());
    assert!(mapped.section(3).is_empty() && mapped.section(9).is_empty());
    assert_eq!(mapped.bytes(0..1 << 40), None);
    assert!(mapped.check_all() && !mapped.is_damaged());
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1, "nothing is left beside it");
}

#[test]
fn an_unfinished_file_leaves_the_old_one() {
    let folder = tempfile::tempdir().unwrap();
    let path = written(folder.path());
    let mut writer = Writer::create(&path, KIND).unwrap();
    writer.section(1).unwrap();
    writer.write(b"new").unwrap();
    drop(writer);
    let mapped = Mapped::open(&path, KIND).unwrap();
    assert_eq!(mapped.bytes(mapped.section(1)), Some(b"short".as_slice()));
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
}

#[test]
fn a_mapping_outlives_its_replacement() {
    let folder = tempfile::tempdir().unwrap();
    let path = written(folder.path());
    let old = Mapped::open(&path, KIND).unwrap();
    let mut writer = Writer::create(&path, KIND).unwrap();
    writer.section(1).unwrap();
    writer.write(b"new").unwrap();
    writer.finish().unwrap();
    assert_eq!(old.bytes(old.section(1)), Some(b"short".as_slice()));
    let new = Mapped::open(&path, KIND).unwrap();
    assert_eq!(new.bytes(new.section(1)), Some(b"new".as_slice()));
}

#[test]
fn wherever_a_bit_flips_it_is_noticed_and_nothing_altered_is_read() {
    let folder = tempfile::tempdir().unwrap();
    let path = written(folder.path());
    let good = fs::read(&path).unwrap();
    for at in (0..good.len()).step_by(997).chain(good.len() - 60..good.len()) {
        let mut bad = good.clone();
        bad[at] ^= 1 << (at % 8);
        fs::write(&path, &bad).unwrap();
        let mapped = match Mapped::open(&path, KIND) {
            Ok(mapped) => mapped,
            Err(MappedError::Damaged { .. }) => continue,
            Err(error) => panic!("{error}"),
        };
        for name in [1, 2] {
            let range = mapped.section(name);
            if let Some(bytes) = mapped.bytes(range.clone()) {
                assert_eq!(bytes, &good[range], "a flip at {at} was read");
            }
        }
        assert!(!mapped.check_all() && mapped.is_damaged(), "a flip at {at} was not noticed");
    }
}

#[test]
fn wherever_it_is_cut_it_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let path = written(folder.path());
    let good = fs::read(&path).unwrap();
    for length in (0..good.len()).step_by(1009) {
        fs::write(&path, &good[..length]).unwrap();
        assert!(Mapped::open(&path, KIND).is_err(), "cut to {length}");
    }
    fs::write(&path, &good).unwrap();
    assert!(matches!(Mapped::open(&path, *b"another1"), Err(MappedError::Damaged { .. })));
}
