//! Memory of a device, kept for the next who needs as much. In: how many bytes. Out: blocks, which come back by themselves.
//!
//! A step asks for the same sizes as the one before, so that after the first nothing is asked of the driver. A block that comes back may
//! be given out at once: who had it before is done in the stream's order.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use super::device::{Device, Fault};

/// All memory of a backend. It goes back to the device when the last block, and the last of these, is gone.
#[derive(Debug)]
pub(super) struct Memory<D: Device>(Arc<Shared<D>>);

#[derive(Debug)]
struct Shared<D: Device> {
    device: Arc<D>,
    /// Blocks that nobody has, by their size.
    free: Mutex<HashMap<usize, Vec<u64>>>,
}

impl<D: Device> Memory<D> {
    pub(super) fn new(device: Arc<D>) -> Self {
        Self(Arc::new(Shared { device, free: Mutex::default() }))
    }

    /// A block of at least so many bytes; what is in it is of no meaning.
    pub(super) fn block(&self, bytes: usize) -> Result<Block<D>, Fault> {
        let bytes = rounded(bytes);
        let kept = self.0.free().get_mut(&bytes).and_then(Vec::pop);
        let address = match kept {
            Some(address) => address,
            None => match self.0.device.allocate(bytes) {
                // What is kept in other sizes may make room.
                Err(Fault::Memory) => {
                    self.0.release();
                    self.0.device.allocate(bytes)?
                }
                other => other?,
            },
        };
        Ok(Block { address, bytes, memory: Arc::clone(&self.0) })
    }
}

impl<D: Device> Shared<D> {
    fn free(&self) -> std::sync::MutexGuard<'_, HashMap<usize, Vec<u64>>> {
        self.free.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Gives back what nobody has.
    fn release(&self) {
        for (_, addresses) in self.free().drain() {
            for address in addresses {
                self.device.release(address);
            }
        }
    }
}

impl<D: Device> Drop for Shared<D> {
    fn drop(&mut self) {
        self.release();
    }
}

/// Memory that someone has.
#[derive(Debug)]
pub(super) struct Block<D: Device> {
    address: u64,
    bytes: usize,
    memory: Arc<Shared<D>>,
}

impl<D: Device> Block<D> {
    /// The address of a byte in it.
    pub(super) fn at(&self, byte: usize) -> u64 {
        self.address + byte as u64
    }
}

impl<D: Device> Drop for Block<D> {
    fn drop(&mut self) {
        self.memory.free().entry(self.bytes).or_default().push(self.address);
    }
}

/// Sizes that are near each other become one, so that a batch of nearly as many tokens finds what the one before left; at most an eighth
/// more is taken.
fn rounded(bytes: usize) -> usize {
    let step = (bytes.max(4096).next_power_of_two() / 16).max(512);
    bytes.max(1).next_multiple_of(step)
}

#[cfg(test)]
mod tests {
    use super::rounded;

    #[test]
    fn sizes_are_rounded_up_a_little() {
        for (bytes, to) in [
            (0, 512),
            (1, 512),
            (512, 512),
            (513, 1024),
            (1 << 20, 1 << 20),
            ((1 << 20) + 1, (1 << 20) + (1 << 17)),
        ] {
            assert_eq!(rounded(bytes), to);
        }
        for bytes in [5_000, 70_001, 123_456_789] {
            assert!(rounded(bytes) >= bytes && rounded(bytes) <= bytes + bytes / 8 + 512);
        }
    }
}
