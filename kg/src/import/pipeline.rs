//! Reading on several threads. In: chunks of a file whose lines do not need each other. Out: what was found in them, in the
//! order of the file. Memory is bounded by the chunks that are under way.

use std::io::{self, Read};
use std::ops::ControlFlow;
use std::thread;

use crossbeam_channel::{Receiver, Sender, bounded};

use super::chunks::{Chunk, Chunks, lines};
use super::gather::{Found, Gather};
use super::options::Rules;
use super::{ChunkReader, Failure};

/// Where a chunk ends.
pub(super) struct End {
    pub(super) lines: u64,
    pub(super) bytes: u64,
    pub(super) digest: u64,
}

/// What is asked of the chunks.
pub(super) struct Work<'a> {
    pub(super) reader: &'a dyn ChunkReader,
    pub(super) rules: &'a Rules,
    pub(super) graphs: &'a rustc_hash::FxHashSet<String>,
    pub(super) surveys: bool,
}

impl Work<'_> {
    /// What is in one chunk.
    pub(super) fn found(&self, chunk: &Chunk) -> (Found, End) {
        let mut gather = Gather::new(self.rules, self.graphs, self.surveys);
        self.reader.read(chunk, &mut gather);
        (gather.take(), End { lines: lines(chunk), bytes: chunk.end, digest: chunk.digest })
    }
}

/// Takes what was found, in order, and says whether to go on.
pub(super) type Take<'a> = dyn FnMut(Found, End) -> Result<ControlFlow<()>, Failure> + 'a;

/// Reads the rest of a file, on this thread where `threads` is 1.
pub(super) fn read<R: Read + Send>(
    chunks: &mut Chunks<R>,
    work: &Work<'_>,
    threads: usize,
    take: &mut Take<'_>,
) -> Result<ControlFlow<()>, Failure> {
    let cut = |bytes: &[u8], is_last: bool| work.reader.cut(bytes, is_last);
    if threads <= 1 {
        while let Some(chunk) = chunks.next(&cut)? {
            let (found, end) = work.found(&chunk);
            if take(found, end)?.is_break() {
                return Ok(ControlFlow::Break(()));
            }
        }
        return Ok(ControlFlow::Continue(()));
    }
    thread::scope(|scope| {
        let (to_workers, jobs) = bounded::<(Chunk, Sender<(Found, End)>)>(threads);
        // One place a chunk, in the order of the file.
        let (to_order, order) = bounded::<io::Result<Receiver<(Found, End)>>>(2 * threads);
        for _ in 0..threads {
            let jobs = jobs.clone();
            scope.spawn(move || {
                for (chunk, answer) in jobs {
                    // Nobody waits for the answer once the import is stopped.
                    let _ignored = answer.send(work.found(&chunk));
                }
            });
        }
        drop(jobs);
        scope.spawn(move || {
            loop {
                let chunk = match chunks.next(&cut) {
                    Ok(Some(chunk)) => chunk,
                    Ok(None) => return,
                    Err(error) => {
                        let _ignored = to_order.send(Err(error));
                        return;
                    }
                };
                let (answer, place) = bounded(1);
                if to_order.send(Ok(place)).is_err() || to_workers.send((chunk, answer)).is_err() {
                    return;
                }
            }
        });
        for place in order {
            // A worker that is gone has panicked, which ends the scope with its panic.
            let Ok((found, end)) = place?.recv() else { break };
            if take(found, end)?.is_break() {
                return Ok(ControlFlow::Break(()));
            }
        }
        Ok(ControlFlow::Continue(()))
    })
}
