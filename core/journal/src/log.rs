//! The segments as one log. In: frames. Out: the same on disk, and at a start the index of them.

use std::fs::{self, File};
use std::io::{self, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use crate::index::{Index, Location};
use crate::segment::{self, Damage, HEAD, Head, Salt};

/// Where a new segment is begun.
const SEGMENT: u64 = 64 << 20;

/// The log, for its one writer.
pub(crate) struct Log {
    folder: PathBuf,
    file: Arc<File>,
    number: u64,
    /// Where the next frame goes: everything before it is durable.
    end: u64,
    damage: Vec<Damage>,
    /// Whether a write failed in a way that leaves the file's end in doubt.
    in_doubt: bool,
}

/// The number of the last segment, and what was read of it.
type Last = (u64, segment::Scanned);

/// Reads every segment of a folder that is not void into an index. Returns the last one too.
pub(crate) fn scan(folder: &Path, writable: bool) -> io::Result<(Index, Vec<Damage>, Option<Last>)> {
    let numbers = segment::numbers(folder)?;
    let mut index = Index::new(1, Salt::default());
    let mut damage = Vec::new();
    let mut last = None;
    let live = from_base(folder, &numbers)?;
    // The salt first, from any of them: without it what was accepted would not be known again.
    for head in live.iter().filter_map(|number| segment::head(folder, *number).transpose()) {
        let head = head?;
        index.salt = head.salt;
        index.next = index.next.max(head.next);
    }
    for number in live {
        let path = segment::path(folder, number);
        let scanned = segment::scan(&path, writable, |header, payload, offset| {
            let length = u32::try_from(payload.len()).unwrap_or(u32::MAX);
            index.read(&header, payload, Location { segment: number, offset, length })
        })?;
        damage.extend(scanned.damage.iter().cloned());
        index.files.insert(number, scanned.file.clone());
        index.bytes += scanned.end;
        last = Some((number, scanned));
    }
    Ok((index, damage, last))
}

/// The numbers from the newest base on; all of them where there is none.
fn from_base(folder: &Path, numbers: &[u64]) -> io::Result<Vec<u64>> {
    for (place, number) in numbers.iter().enumerate().rev() {
        if segment::head(folder, *number)?.is_some_and(|head| head.is_base) {
            return Ok(numbers[place..].to_vec());
        }
    }
    Ok(numbers.to_vec())
}

impl Log {
    /// Opens the log, removes what a base has made void, and finds the end.
    pub(crate) fn open(folder: &Path) -> io::Result<(Self, Index)> {
        for entry in fs::read_dir(folder)? {
            let path = entry?.path();
            if path.extension().is_some_and(|extension| extension == "tmp") {
                fs::remove_file(path)?;
            }
        }
        let numbers = segment::numbers(folder)?;
        let live = from_base(folder, &numbers)?;
        for void in numbers.iter().filter(|number| !live.contains(number)) {
            fs::remove_file(segment::path(folder, *void))?;
        }
        let (mut index, damage, last) = scan(folder, true)?;
        let (number, file, end) = match last {
            Some((number, scanned)) if scanned.head.is_some() && !scanned.is_damaged_at_end => {
                // What follows is an unfinished write.
                scanned.file.set_len(scanned.end)?;
                scanned.file.sync_all()?;
                (number, scanned.file, scanned.end)
            }
            last => {
                let number = last.as_ref().map_or(1, |(number, _)| number + 1);
                if last.is_none() {
                    index.salt = fresh_salt()?;
                }
                let head = Head { number, is_base: last.is_none(), next: index.next, salt: index.salt };
                let file = Arc::new(segment::create(folder, &head, &[], || Ok(()))?);
                index.bytes += HEAD as u64;
                (number, file, HEAD as u64)
            }
        };
        index.files.insert(number, file.clone());
        Ok((Self { folder: folder.to_owned(), file, number, end, damage, in_doubt: false }, index))
    }

    pub(crate) fn damage(&self) -> &[Damage] {
        &self.damage
    }

    /// Where the next bytes will lie.
    pub(crate) fn place(&self) -> (u64, u64) {
        (self.number, self.end)
    }

    /// Makes room: begins a new segment where the present one is full or in doubt. Before each [`append`](Self::append).
    pub(crate) fn make_ready(
        &mut self,
        next: u64,
        salt: Salt,
        files: impl FnOnce(u64, Arc<File>),
    ) -> io::Result<()> {
        if self.end < SEGMENT && !self.in_doubt {
            return Ok(());
        }
        if self.in_doubt {
            // The frames of a failed write must not come back to life behind ones that were refused.
            self.file.set_len(self.end)?;
            self.file.sync_all()?;
        }
        let head = Head { number: self.number + 1, is_base: false, next, salt };
        let file = Arc::new(segment::create(&self.folder, &head, &[], || Ok(()))?);
        files(head.number, file.clone());
        (self.number, self.file, self.end, self.in_doubt) = (head.number, file, HEAD as u64, false);
        Ok(())
    }

    /// Appends bytes and makes them durable; on failure the log ends where it did before.
    pub(crate) fn append(&mut self, bytes: &[u8]) -> io::Result<()> {
        let mut file = &*self.file;
        let written = file.seek(SeekFrom::Start(self.end)).and_then(|_| file.write_all(bytes));
        if let Err(error) = written {
            // What got there of it must not stand behind what comes next.
            self.in_doubt = self.file.set_len(self.end).is_err();
            return Err(error);
        }
        if let Err(error) = file.sync_data() {
            // Nobody knows now what the disk has (fsync(2)), so this segment is left.
            self.in_doubt = true;
            return Err(error);
        }
        self.end += bytes.len() as u64;
        Ok(())
    }

    /// Puts a new base in place of everything, with these frames in it. What is void then is still there until
    /// [`remove_void`](Self::remove_void). `is_ours` is asked at the last moment.
    pub(crate) fn replace(
        &mut self,
        next: u64,
        salt: Salt,
        frames: &[u8],
        is_ours: impl FnOnce() -> io::Result<()>,
    ) -> io::Result<Arc<File>> {
        let head = Head { number: self.number + 1, is_base: true, next, salt };
        let file = Arc::new(segment::create(&self.folder, &head, &[frames], is_ours)?);
        (self.number, self.file, self.end) = (head.number, file.clone(), (HEAD + frames.len()) as u64);
        (self.in_doubt, self.damage) = (false, Vec::new());
        Ok(file)
    }

    /// Removes the files that the present base has made void.
    pub(crate) fn remove_void(&self) -> io::Result<()> {
        for void in segment::numbers(&self.folder)?.into_iter().filter(|number| *number < self.number) {
            fs::remove_file(segment::path(&self.folder, void))?;
        }
        segment::sync_folder(&self.folder)
    }
}

/// A secret that nobody can guess.
fn fresh_salt() -> io::Result<Salt> {
    let mut salt = Salt::default();
    getrandom::fill(&mut salt).map_err(io::Error::other)?;
    Ok(salt)
}
