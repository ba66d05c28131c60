//! What the targets share. In: bytes of the fuzzer. Out: a folder with files, as the readers want it. Must not know: any format.

use std::fs;
use std::path::Path;

use tempfile::TempDir;

/// A folder in memory where the system has one, used again from run to run.
#[derive(Debug)]
pub struct Scratch(TempDir);

impl Default for Scratch {
    fn default() -> Self {
        let memory = Path::new("/dev/shm");
        let folder = if memory.is_dir() { TempDir::new_in(memory) } else { TempDir::new() };
        Self(folder.unwrap_or_else(|error| panic!("no folder for the fuzzer: {error}")))
    }
}

impl Scratch {
    /// The folder.
    pub fn path(&self) -> &Path {
        self.0.path()
    }

    /// Writes a file, in place of the last run's.
    pub fn write(&self, name: &str, bytes: &[u8]) {
        fs::write(self.path().join(name), bytes).unwrap_or_else(|error| panic!("{name} cannot be written: {error}"));
    }

    /// Removes a file that an earlier run may have written.
    pub fn remove(&self, name: &str) {
        // It may not be there.
        drop(fs::remove_file(self.path().join(name)));
    }
}

/// The parts of `data` between lines of `%%`, the first `N`; those that are not there are `None`.
pub fn parts<const N: usize>(data: &[u8]) -> [Option<&[u8]>; N] {
    let mut rest = Some(data);
    std::array::from_fn(|_| {
        let all = rest?;
        match all.windows(4).position(|window| window == b"\n%%\n") {
            Some(at) => {
                rest = Some(&all[at + 4..]);
                Some(&all[..at])
            }
            None => {
                rest = None;
                Some(all)
            }
        }
    })
}
