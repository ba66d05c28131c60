//! Memory for keys and values that tensors share. In: a shape. Out: one allocation, and tensors that are windows into it.
//! Must not know: sequences, what the numbers mean.
//!
//! `ort` can make a tensor over memory that it does not own, but it copies such a tensor when it is bound as an input, and does
//! not take it as an output. Keys and values have to be both, in place, and a batch has to cover just the rows in use. So this
//! is the one place of the crate that makes ONNX Runtime's values by hand.
#![expect(unsafe_code, reason = "windows into one allocation, which ort has no safe call for")]

use std::ops::Range;
use std::ptr::{NonNull, null_mut};

use memmap2::MmapMut;
use ort::AsPointer;
use ort::memory::{AllocationDevice, Allocator, MemoryInfo};
use ort::value::{DynTensor, DynTensorValueType, DynValue, TensorElementType};

use crate::InferenceError;

/// One tensor of keys or values, `[rows, heads, positions, head size]`, in memory that never moves.
pub(crate) struct Buffer {
    place: Place,
    memory: MemoryInfo<'static>,
    element: TensorElementType,
    /// Sizes of all dimensions but the first.
    row_shape: [usize; 3],
    /// Bytes of one row.
    row_bytes: usize,
    rows: usize,
}

enum Place {
    /// The processor's memory, all zeros at first: pages that are never written take none. (A tensor of `ort`'s would be
    /// written from end to end.)
    Host(Pages),
    /// A tensor on a device.
    Device(DynTensor),
}

/// Bytes of the system's own, and not of the allocator: that would keep what one model has freed, and for the next one write zeros over it
/// from end to end.
struct Pages {
    start: NonNull<u8>,
    length: usize,
    /// Gives them back; never looked into.
    _owner: MmapMut,
}

// SAFETY: it owns its memory, and shared references only read.
unsafe impl Send for Pages {}

impl Pages {
    /// `None` where the system has not as much.
    fn new(bytes: usize) -> Option<Self> {
        let mut owner = MmapMut::map_anon(bytes.max(1)).ok()?;
        let (start, length) = (NonNull::new(owner.as_mut_ptr())?, owner.len());
        Some(Self { start, length, _owner: owner })
    }

    fn bytes(&self) -> &[u8] {
        // SAFETY: that many bytes were mapped, all of them zero or written since.
        unsafe { std::slice::from_raw_parts(self.start.as_ptr(), self.length) }
    }

    fn bytes_mut(&mut self) -> &mut [u8] {
        // SAFETY: as above, and the borrow is exclusive.
        unsafe { std::slice::from_raw_parts_mut(self.start.as_ptr(), self.length) }
    }
}

impl Buffer {
    /// Memory for `rows` rows of `row_shape`.
    ///
    /// # Errors
    /// There is not enough memory.
    pub(crate) fn new(
        allocator: &Allocator,
        memory: MemoryInfo<'static>,
        element: TensorElementType,
        rows: usize,
        row_shape: [usize; 3],
    ) -> Result<Self, InferenceError> {
        let [heads, positions, size] = row_shape;
        let numbers = heads.checked_mul(positions).and_then(|count| count.checked_mul(size));
        let row_bytes = numbers
            .filter(|&count| count < isize::MAX as usize / 16)
            .and_then(|count| element.byte_size(count));
        let bytes = row_bytes.and_then(|bytes| bytes.checked_mul(rows));
        let (Some(row_bytes), Some(bytes)) = (row_bytes, bytes) else {
            return Err(InferenceError::CacheTooLarge);
        };
        let place = if memory.allocation_device() == AllocationDevice::CPU {
            Place::Host(Pages::new(bytes).ok_or(InferenceError::CacheTooLarge)?)
        } else {
            Place::Device(DynTensor::new(allocator, element, [rows, heads, positions, size])?)
        };
        Ok(Self { place, memory, element, row_shape, row_bytes, rows })
    }

    /// A tensor `[rows, heads, positions, head size]` over these rows.
    ///
    /// # Safety
    /// It may be used only while the buffer lives, and not while [`bytes`](Self::bytes) or [`bytes_mut`](Self::bytes_mut) lends
    /// the memory out.
    pub(crate) unsafe fn window(
        &self,
        rows: Range<usize>,
        allocator: &Allocator,
    ) -> Result<DynValue, InferenceError> {
        assert!(rows.start < rows.end && rows.end <= self.rows, "a window lies within its buffer");
        let [heads, positions, size] = self.row_shape.map(|size| size as i64);
        let shape = [rows.len() as i64, heads, positions, size];
        let mut value = null_mut();
        // SAFETY: the pointer is valid for `rows.len() * row_bytes` bytes by the assertion; ONNX Runtime neither frees the memory
        // nor moves it. The caller keeps to the rest.
        unsafe {
            let data = self.start().add(rows.start * self.row_bytes);
            let status = (ort::api().CreateTensorWithDataAsOrtValue)(
                self.memory.ptr(),
                data.cast(),
                rows.len() * self.row_bytes,
                shape.as_ptr(),
                shape.len(),
                self.element.into(),
                &mut value,
            );
            ort::Error::result_from_status(status)?;
            let value = NonNull::new(value).ok_or_else(|| ort::Error::new("no tensor was made"))?;
            Ok(DynValue::from_ptr(value, Some(allocator)))
        }
    }

    /// Puts what row `from` holds into row `to`; in the processor's memory, the first `positions` positions alone.
    pub(crate) fn copy(
        &mut self,
        from: usize,
        to: usize,
        positions: usize,
        allocator: &Allocator,
    ) -> Result<(), InferenceError> {
        if !self.is_on_host() {
            // SAFETY: both end with this block, and the memory is a device's.
            let (source, target) =
                unsafe { (self.window(from..from + 1, allocator)?, self.window(to..to + 1, allocator)?) };
            let mut target = target.downcast::<DynTensorValueType>()?;
            return Ok(source.downcast::<DynTensorValueType>()?.copy_into(&mut target)?);
        }
        let used = self.position_bytes() * positions;
        for head in 0..self.row_shape[0] {
            let (from, to) = (self.at(from, head, 0), self.at(to, head, 0));
            self.bytes_mut().copy_within(from..from + used, to);
        }
        Ok(())
    }

    /// Appends these positions of a row to `into`, head after head.
    pub(crate) fn read(&self, row: usize, positions: Range<usize>, into: &mut Vec<u8>) {
        for head in 0..self.row_shape[0] {
            let start = self.at(row, head, positions.start);
            into.extend_from_slice(&self.bytes()[start..start + positions.len() * self.position_bytes()]);
        }
    }

    /// Puts what [`read`](Self::read) gave into a row, from position `at` on; gives how many bytes of `bytes` it took.
    pub(crate) fn write(&mut self, row: usize, at: usize, positions: usize, bytes: &[u8]) -> usize {
        let length = positions * self.position_bytes();
        for head in 0..self.row_shape[0] {
            let start = self.at(row, head, at);
            self.bytes_mut()[start..start + length]
                .copy_from_slice(&bytes[head * length..(head + 1) * length]);
        }
        self.row_shape[0] * length
    }

    /// Whether the processor can read it.
    pub(crate) fn is_on_host(&self) -> bool {
        matches!(self.place, Place::Host(_))
    }

    fn start(&self) -> *mut u8 {
        match &self.place {
            Place::Host(memory) => memory.start.as_ptr(),
            Place::Device(tensor) => tensor.data_ptr().cast_mut().cast(),
        }
    }

    /// Bytes of one position of one head.
    fn position_bytes(&self) -> usize {
        self.row_bytes / (self.row_shape[0] * self.row_shape[1]).max(1)
    }

    fn at(&self, row: usize, head: usize, position: usize) -> usize {
        row * self.row_bytes + (head * self.row_shape[1] + position) * self.position_bytes()
    }

    /// Nothing, where the processor cannot read it.
    fn bytes(&self) -> &[u8] {
        match &self.place {
            Place::Host(memory) => memory.bytes(),
            Place::Device(_) => &[],
        }
    }

    fn bytes_mut(&mut self) -> &mut [u8] {
        match &mut self.place {
            Place::Host(memory) => memory.bytes_mut(),
            Place::Device(_) => &mut [],
        }
    }
}
