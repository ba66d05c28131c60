//! The backend on an NVIDIA GPU. In: what [`Backend`](super::Backend) has. Out: the same, computed by kernels of our own and matrix products
//! of cuBLASLt.
//!
//! Nothing of CUDA is needed to build this: libraries are loaded where they are, and kernels are compiled, on the machine that runs them.
//! Everything goes into one stream, so that the processor runs ahead; only downloads wait (a loss, a gradient's norm). Sums are made in a
//! fixed order, without atomic additions.
//!
//! In mixed precision (Micikevicius et al., "Mixed Precision Training", 2018) products read and write brain floating point and sum in
//! 32 bits. Parameters are kept in 32 bits beside what products read; gradients of weights, moments and statistics are in 32 bits. Its range is
//! that of 32 bits, so the loss needs no scale.

#[cfg(test)]
mod agree;
mod attention;
mod buffer;
mod compile;
mod device;
mod driver;
#[cfg(test)]
mod emulated;
mod kernels;
mod launch;
mod libraries;
mod memory;
mod operations;
mod product;
#[cfg(test)]
mod tests;

use std::path::PathBuf;
use std::sync::Arc;

use super::BackendError;
use device::{Device, Fault, Number};
use driver::Gpu;
use memory::Memory;

pub use buffer::{Buffer, Indices, Placement};

/// In what products read and write.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Precision {
    /// 32 bits.
    Full,
    /// Brain floating point, with parameters, gradients of weights and moments in 32 bits.
    #[default]
    Mixed,
}

impl Precision {
    fn number(self) -> Number {
        match self {
            Self::Full => Number::F32,
            Self::Mixed => Number::Bf16,
        }
    }
}

/// Which GPU, and where CUDA's libraries are.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct CudaOptions {
    /// Which, as `nvidia-smi -L` numbers them.
    pub device: usize,
    /// In what products read and write.
    pub precision: Precision,
    /// Folders with CUDA's libraries, searched before the system's; of a folder of Python packages also `nvidia/*/lib`.
    pub libraries: Vec<PathBuf>,
}

/// The backend, over a device.
#[derive(Debug)]
pub struct Cuda<D: Device = Gpu> {
    device: Arc<D>,
    memory: Memory<D>,
    precision: Precision,
    /// Bytes of logits that are there at once.
    logits: usize,
}

/// What [`Cuda`] has of them: 2560 tokens of a vocabulary of 49152.
const LOGITS: usize = 512 << 20;

impl Cuda<Gpu> {
    /// The backend on a GPU of this machine.
    ///
    /// # Errors
    /// When a library is missing, there is no GPU, or it is too old: with what to do.
    pub fn open(options: &CudaOptions) -> Result<Self, BackendError> {
        let gpu =
            Gpu::open(options).map_err(|fault| failure(&format!("GPU {}", options.device), fault, 0))?;
        Ok(Self::over(gpu, options.precision))
    }
}

impl<D: Device> Cuda<D> {
    fn over(device: D, precision: Precision) -> Self {
        let device = Arc::new(device);
        Self { memory: Memory::new(Arc::clone(&device)), device, precision, logits: LOGITS }
    }

    /// What a fault is to the layers above. `bytes` is what was asked for.
    fn failed(&self, fault: Fault, bytes: usize) -> BackendError {
        failure(&self.device.name(), fault, bytes)
    }

    /// A request that would read or write what is not there, or what no kernel can do.
    fn refused(&self, what: String) -> BackendError {
        BackendError::Device { device: self.device.name(), what, source: None }
    }
}

fn failure(device: &str, fault: Fault, bytes: usize) -> BackendError {
    let device = device.to_owned();
    match fault {
        Fault::Memory => BackendError::Memory { device, bytes },
        Fault::Other { what, source } => BackendError::Device { device, what, source },
    }
}
