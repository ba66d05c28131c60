//! What the backend asks of a device: memory, kernels in the order they are given, matrix products. In: addresses and sizes. Out: the same.
//! It must not know roles, layers or precisions.
//!
//! Two are there: the CUDA driver, and for tests a processor that runs the same kernels thread by thread.

#![expect(unsafe_code, reason = "kernels and products are foreign code, and read and write by address")]

use std::ffi::c_void;

use super::kernels::Module;

/// What went wrong on a device.
#[derive(Debug, thiserror::Error)]
pub enum Fault {
    /// There is no memory left.
    #[error("out of memory")]
    Memory,
    /// Anything else.
    #[error("{what}")]
    Other {
        /// What was done, and what may help.
        what: String,
        /// What the driver or a library said.
        #[source]
        source: Option<Box<dyn std::error::Error + Send + Sync>>,
    },
}

impl Fault {
    pub(super) fn new(what: String) -> Self {
        Self::Other { what, source: None }
    }

    pub(super) fn of(what: String, source: impl std::error::Error + Send + Sync + 'static) -> Self {
        Self::Other { what, source: Some(Box::new(source)) }
    }
}

/// Memory and kernels. Everything happens in the order it is asked for; only downloads wait.
///
/// To implement it: keep one stream, put all into it, and let `download` wait for what is before it.
pub trait Device: std::fmt::Debug {
    /// Its name, for people.
    fn name(&self) -> String;

    /// How many blocks of threads it runs at once, roughly: multiprocessors.
    fn processors(&self) -> usize;

    /// Memory, at a multiple of 256; what is in it is of no meaning.
    fn allocate(&self, bytes: usize) -> Result<u64, Fault>;

    /// Gives memory back, after what was asked for before.
    fn release(&self, address: u64);

    /// Copies to the device. `bytes` may be changed afterwards.
    fn upload(&self, to: u64, bytes: &[u8]) -> Result<(), Fault>;

    /// Copies from the device, and waits for it.
    fn download(&self, from: u64, bytes: &mut [u8]) -> Result<(), Fault>;

    /// Fills with zeros.
    fn clear(&self, at: u64, bytes: usize) -> Result<(), Fault>;

    /// Runs a kernel.
    ///
    /// # Safety
    /// The kernel has these parameters, and reads and writes only memory that was allocated and not released.
    unsafe fn launch(&self, launch: &Launch<'_>) -> Result<(), Fault>;

    /// Multiplies matrices.
    ///
    /// # Safety
    /// All three matrices lie in memory that was allocated and not released.
    unsafe fn multiply(&self, product: &Product) -> Result<(), Fault>;
}

/// A kernel and what it is given.
#[derive(Debug)]
pub struct Launch<'a> {
    /// Where it is.
    pub module: Module,
    /// Its name.
    pub kernel: &'a str,
    /// How many blocks, across and down.
    pub grid: (usize, usize),
    /// How many threads a block has: a multiple of 32.
    pub threads: usize,
    /// How many bytes of shared memory a block has beside what it declares.
    pub shared: usize,
    /// Its parameters.
    pub arguments: &'a [Argument],
}

/// A parameter of a kernel.
#[derive(Clone, Copy, Debug)]
pub enum Argument {
    /// A pointer.
    Address(u64),
    /// `int`.
    Int(i32),
    /// `unsigned`.
    Word(u32),
    /// `size`, or another number of 64 bits without a sign.
    Size(u64),
    /// `float`.
    Float(f32),
}

impl Argument {
    /// Where the parameter's bytes are, and how many: as a launch wants them.
    pub(super) fn raw(&self) -> (*mut c_void, usize) {
        match self {
            Self::Address(it) | Self::Size(it) => (std::ptr::from_ref(it).cast_mut().cast(), 8),
            Self::Int(it) => (std::ptr::from_ref(it).cast_mut().cast(), 4),
            Self::Word(it) => (std::ptr::from_ref(it).cast_mut().cast(), 4),
            Self::Float(it) => (std::ptr::from_ref(it).cast_mut().cast(), 4),
        }
    }
}

/// The numbers of a matrix.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Number {
    /// 32 bits.
    F32,
    /// Brain floating point, 16 bits.
    Bf16,
}

impl Number {
    pub(super) fn bytes(self) -> usize {
        match self {
            Self::F32 => 4,
            Self::Bf16 => 2,
        }
    }
}

/// A matrix in a device's memory, row-major.
#[derive(Clone, Copy, Debug)]
pub struct Matrix {
    /// Its first element.
    pub address: u64,
    /// What it holds.
    pub number: Number,
    /// Stored rows.
    pub rows: usize,
    /// Stored columns.
    pub columns: usize,
    /// From one row to the next, in elements.
    pub stride: usize,
    /// Whether its transpose is meant.
    pub transposed: bool,
}

/// `out = scale · left · right + keep · out`, summed in 32 bits. `left` and `right` hold the same numbers.
#[derive(Clone, Copy, Debug)]
pub struct Product {
    /// What is written.
    pub out: Matrix,
    /// The left factor.
    pub left: Matrix,
    /// The right factor.
    pub right: Matrix,
    /// What the product is multiplied by.
    pub scale: f32,
    /// 0, and `out` is not read, or 1.
    pub keep: f32,
}
