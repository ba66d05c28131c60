//! A GPU through NVIDIA's driver. In: memory, kernels, products. Out: the same, in one stream. It must not know roles or layers.
#![expect(unsafe_code, reason = "the driver is foreign code")]

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use cudarc::driver::sys::{CUdevice_attribute, CUresult, cuDriverGetVersion};
use cudarc::driver::{CudaContext, CudaFunction, CudaStream, DriverError, result};

use super::CudaOptions;
use super::compile::compile;
use super::device::{Argument, Device, Fault, Launch, Product};
use super::kernels::Module;
use super::libraries;
use super::product::Products;

/// CUDA 13, whose functions are called.
const OLDEST_DRIVER: i32 = 13_000;
/// Ampere: brain floating point on tensor cores.
const OLDEST: (i32, i32) = (8, 0);

/// A GPU with one stream.
#[derive(Debug)]
pub struct Gpu {
    name: String,
    processors: usize,
    capability: (i32, i32),
    kernels: Mutex<HashMap<(Module, String), CudaFunction>>,
    modules: Mutex<HashMap<Module, Arc<cudarc::driver::CudaModule>>>,
    products: Products,
    stream: Arc<CudaStream>,
    context: Arc<CudaContext>,
}

impl Gpu {
    /// # Errors
    /// When a library is missing, there is no such GPU, it is too old, or another program has all of its memory.
    pub(super) fn open(options: &CudaOptions) -> Result<Self, Fault> {
        libraries::load(&options.libraries)?;
        let mut version = 0;
        // SAFETY: writes one number.
        unsafe { cuDriverGetVersion(&raw mut version) }.result().map_err(said)?;
        if version < OLDEST_DRIVER {
            let (major, minor) = (version / 1000, version % 1000 / 10);
            return Err(Fault::new(format!(
                "the NVIDIA driver is for CUDA {major}.{minor}; update it to 580 or later, which is for CUDA 13"
            )));
        }
        let context = CudaContext::new(options.device).map_err(said)?;
        let capability = context.compute_capability().map_err(said)?;
        let name = format!("GPU {}, {}", options.device, context.name().map_err(said)?);
        if capability < OLDEST {
            return Err(Fault::new(format!(
                "{name} has compute capability {}.{}; 8.0 (Ampere) or later is needed: take `device = \"cpu\"`",
                capability.0, capability.1
            )));
        }
        let count =
            context.attribute(CUdevice_attribute::CU_DEVICE_ATTRIBUTE_MULTIPROCESSOR_COUNT).map_err(said)?;
        let stream = context.new_stream().map_err(said)?;
        Ok(Self {
            name,
            processors: usize::try_from(count).unwrap_or(1),
            capability,
            kernels: Mutex::default(),
            modules: Mutex::default(),
            products: Products::new(&stream)?,
            stream,
            context,
        })
    }

    /// A kernel, compiled when it is first asked for.
    fn kernel(&self, module: Module, name: &str) -> Result<CudaFunction, Fault> {
        let mut kernels = self.kernels.lock().unwrap_or_else(PoisonError::into_inner);
        let key = (module, name.to_owned());
        if let Some(kernel) = kernels.get(&key) {
            return Ok(kernel.clone());
        }
        let mut modules = self.modules.lock().unwrap_or_else(PoisonError::into_inner);
        let loaded = match modules.get(&module) {
            Some(loaded) => Arc::clone(loaded),
            None => {
                let loaded = self.context.load_module(compile(module, self.capability)?).map_err(said)?;
                modules.insert(module, Arc::clone(&loaded));
                loaded
            }
        };
        let kernel = loaded.load_function(name).map_err(said)?;
        kernels.insert(key, kernel.clone());
        Ok(kernel)
    }
}

impl Device for Gpu {
    fn name(&self) -> String {
        self.name.clone()
    }

    fn processors(&self) -> usize {
        self.processors
    }

    fn allocate(&self, bytes: usize) -> Result<u64, Fault> {
        self.context.bind_to_thread().map_err(said)?;
        // SAFETY: it is given back once, by `release`.
        unsafe { result::malloc_sync(bytes) }.map_err(said)
    }

    fn release(&self, address: u64) {
        // What is asked for before may still be running. A failure shows at the next call.
        self.context.record_err(self.stream.synchronize());
        // SAFETY: `allocate` gave it, and nobody has it any more.
        self.context.record_err(unsafe { result::free_sync(address) });
    }

    fn upload(&self, to: u64, bytes: &[u8]) -> Result<(), Fault> {
        self.context.bind_to_thread().map_err(said)?;
        // SAFETY: the caller has so many bytes there. `bytes` is memory that pages move, which the driver copies before it returns.
        unsafe { result::memcpy_htod_async(to, bytes, self.stream.cu_stream()) }.map_err(said)
    }

    fn download(&self, from: u64, bytes: &mut [u8]) -> Result<(), Fault> {
        self.context.bind_to_thread().map_err(said)?;
        // SAFETY: the caller has so many bytes there, and `bytes` lives until the copy is done.
        unsafe { result::memcpy_dtoh_async(bytes, from, self.stream.cu_stream()) }.map_err(said)?;
        self.stream.synchronize().map_err(said)
    }

    fn clear(&self, at: u64, bytes: usize) -> Result<(), Fault> {
        self.context.bind_to_thread().map_err(said)?;
        // SAFETY: the caller has so many bytes there.
        unsafe { result::memset_d8_async(at, 0, bytes, self.stream.cu_stream()) }.map_err(said)
    }

    unsafe fn launch(&self, launch: &Launch<'_>) -> Result<(), Fault> {
        let kernel = self.kernel(launch.module, launch.kernel)?;
        self.context.bind_to_thread().map_err(said)?;
        let mut arguments: Vec<_> =
            launch.arguments.iter().map(|argument| Argument::raw(argument).0).collect();
        let [across, down, threads, shared] =
            [launch.grid.0, launch.grid.1, launch.threads, launch.shared].map(|number| number as u32);
        // SAFETY: the caller says that the kernel has these parameters; they live until the launch has copied them.
        unsafe {
            result::launch_kernel(
                kernel.cu_function(),
                (across, down, 1),
                (threads, 1, 1),
                shared,
                self.stream.cu_stream(),
                &mut arguments,
            )
        }
        .map_err(|error| Fault::of(format!("{} cannot be started", launch.kernel), error))
    }

    unsafe fn multiply(&self, product: &Product) -> Result<(), Fault> {
        self.context.bind_to_thread().map_err(said)?;
        // SAFETY: the caller's.
        unsafe { self.products.multiply(product, &self.stream) }
    }
}

impl Drop for Gpu {
    fn drop(&mut self) {
        self.context.record_err(self.stream.synchronize());
    }
}

/// What the driver says, and what to do.
pub(super) fn said(error: DriverError) -> Fault {
    let advice = match error.0 {
        CUresult::CUDA_ERROR_OUT_OF_MEMORY => return Fault::Memory,
        CUresult::CUDA_ERROR_NO_DEVICE => {
            "there is a driver and no GPU: check with `nvidia-smi`; a container needs it passed on (`--gpus all`)"
        }
        CUresult::CUDA_ERROR_INVALID_DEVICE => {
            "there is no GPU of this number: `nvidia-smi -L` lists them from 0"
        }
        CUresult::CUDA_ERROR_SYSTEM_DRIVER_MISMATCH => {
            "the kernel's NVIDIA driver and its libraries are of different versions: restart, or install it anew"
        }
        CUresult::CUDA_ERROR_ILLEGAL_ADDRESS
        | CUresult::CUDA_ERROR_MISALIGNED_ADDRESS
        | CUresult::CUDA_ERROR_LAUNCH_FAILED => {
            "a kernel failed: a fault of this program, please report it; `device = \"cpu\"` goes on from the last checkpoint"
        }
        _ => "the NVIDIA driver failed",
    };
    Fault::of(advice.to_owned(), error)
}
