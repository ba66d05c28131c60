//! A device that is none: it runs the same kernels, compiled as C++, thread by thread on the processor. In and out as of a device.
//!
//! Every kernel runs twice, with its threads in other orders, and has to leave the same bytes: one that lacks a barrier, or where two
//! threads write one number, is found out. Memory begins as no number, and ends where a page begins that cannot be touched. Products are
//! plain loops, not cuBLASLt: what is asked of that is tested on a GPU alone.
#![expect(unsafe_code, reason = "kernels are foreign code, and read and write by address")]

use std::collections::BTreeMap;
use std::ffi::{CString, c_char, c_void};
use std::hash::{DefaultHasher, Hash, Hasher};
use std::io::Write;
use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::sync::{Mutex, MutexGuard, OnceLock, PoisonError};

use half::bf16;

use super::device::{Argument, Device, Fault, Launch, Matrix, Number, Product};
use super::kernels::Module;

/// What CUDA's words mean here; `emulator.hpp` has the rest.
const MEANINGS: [&str; 6] = [
    "-DKERNEL=KERNEL_MARK void",
    "-D__device__=",
    "-D__shared__=static",
    "-D__launch_bounds__(n)=",
    "-DINFINITY=__builtin_inff()",
    "-DDYNAMIC_SHARED(T,name)=T* name = reinterpret_cast<T*>(emulator::dynamic_shared)",
];

type Allocate = unsafe extern "C" fn(usize) -> *mut u8;
type Release = unsafe extern "C" fn(*mut u8);
type Run = unsafe extern "C" fn(
    *const c_char,
    *const c_char,
    u32,
    u32,
    u32,
    usize,
    *const *mut c_void,
    *const usize,
    usize,
    u64,
) -> i32;

/// The compiled kernels. One at a time: they share what stands for a block's memory.
struct Library(libloading::Library);

static LIBRARY: OnceLock<Mutex<Library>> = OnceLock::new();

fn library() -> MutexGuard<'static, Library> {
    let library = LIBRARY.get_or_init(|| {
        let file = built();
        // SAFETY: built of this crate's own sources.
        Mutex::new(Library(unsafe { libloading::Library::new(&file) }.unwrap()))
    });
    library.lock().unwrap_or_else(PoisonError::into_inner)
}

/// The sources of all modules as one text of C++, each in a namespace of its own, with a list of the kernels.
fn source() -> String {
    let mut text = format!("{}\n#define KERNEL_MARK\n", include_str!("emulated/emulator.hpp"));
    let mut list = String::new();
    for (number, module) in Module::ALL.into_iter().enumerate() {
        let plain = preprocessed(&module.source());
        for kernel in kernel_names(&plain) {
            let function = format!("&module{number}::{kernel}");
            let caller = format!("Caller<{function}, decltype({function})>");
            list += &format!("{{\"{}\", \"{kernel}\", {caller}::call, {caller}::sizes()}},\n", module.name());
        }
        text += &format!("namespace module{number} {{\n{plain}\n}}\n");
    }
    format!("{text}std::vector<Kernel> kernels = {{\n{list}}};\n")
}

/// The names of the kernels in a text whose macros are replaced.
pub(super) fn kernel_names(preprocessed: &str) -> Vec<&str> {
    let kernels = preprocessed.split("KERNEL_MARK void").skip(1);
    kernels.map(|after| after.trim_start().split('(').next().unwrap().trim()).collect()
}

pub(super) fn preprocessed(source: &str) -> String {
    let mut compiler = compiler();
    compiler.args(["-E", "-P", "-x", "c++", "-"]).args(MEANINGS);
    let mut child = compiler.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
    child.stdin.take().unwrap().write_all(source.as_bytes()).unwrap();
    let output = child.wait_with_output().unwrap();
    assert!(output.status.success());
    String::from_utf8(output.stdout).unwrap()
}

fn compiler() -> Command {
    Command::new(std::env::var_os("CXX").unwrap_or_else(|| "c++".into()))
}

/// The library, built once for each text.
fn built() -> PathBuf {
    let text = source();
    let mut hasher = DefaultHasher::new();
    text.hash(&mut hasher);
    let folder = std::env::current_exe().unwrap().parent().unwrap().join("emulated-kernels");
    std::fs::create_dir_all(&folder).unwrap();
    let lock = std::fs::File::create(folder.join("lock")).unwrap();
    lock.lock().unwrap();
    let file = folder.join(format!("{:016x}.so", hasher.finish()));
    if file.is_file() {
        return file;
    }
    let (cpp, partial) = (file.with_extension("cpp"), file.with_extension("partial"));
    std::fs::write(&cpp, text).unwrap();
    let output = compiler()
        .args(["-std=c++17", "-O1", "-shared", "-fPIC", "-w", "-U_FORTIFY_SOURCE"])
        .args([
            "-fsanitize=bounds,alignment,signed-integer-overflow,shift",
            "-fsanitize-undefined-trap-on-error",
        ])
        .arg("-o")
        .args([&partial, &cpp])
        .output()
        .unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    std::fs::rename(&partial, &file).unwrap();
    file
}

/// The device.
#[derive(Debug, Default)]
pub(super) struct Emulated {
    blocks: Mutex<BTreeMap<u64, usize>>,
    /// Every launch has other orders.
    launches: std::sync::atomic::AtomicU64,
}

impl Emulated {
    fn blocks(&self) -> MutexGuard<'_, BTreeMap<u64, usize>> {
        self.blocks.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Fails where these bytes are not those of one block.
    fn check(&self, at: u64, bytes: usize) {
        let blocks = self.blocks();
        let (start, length) = blocks.range(..=at).next_back().expect("nothing is allocated there");
        assert!(at + bytes as u64 <= start + *length as u64, "{bytes} bytes reach over a block's end");
    }

    /// What is in all memory.
    fn everything(&self) -> Vec<Vec<u8>> {
        let blocks = self.blocks();
        // SAFETY: these blocks are allocated, and nothing runs.
        blocks
            .iter()
            .map(|(at, bytes)| unsafe { std::slice::from_raw_parts(*at as *const u8, *bytes) }.to_vec())
            .collect()
    }

    fn put_back(&self, everything: &[Vec<u8>]) {
        for (at, bytes) in self.blocks().keys().zip(everything) {
            // SAFETY: as above; `everything` is of these blocks.
            unsafe { std::ptr::copy_nonoverlapping(bytes.as_ptr(), *at as *mut u8, bytes.len()) }
        }
    }

    fn element(&self, matrix: &Matrix, row: usize, column: usize) -> f32 {
        let (row, column) = if matrix.transposed { (column, row) } else { (row, column) };
        let at = matrix.address + ((row * matrix.stride + column) * matrix.number.bytes()) as u64;
        // SAFETY: `multiply` checked the matrix.
        match matrix.number {
            Number::F32 => unsafe { (at as *const f32).read_unaligned() },
            Number::Bf16 => bf16::from_bits(unsafe { (at as *const u16).read_unaligned() }).to_f32(),
        }
    }
}

impl Device for Emulated {
    fn name(&self) -> String {
        "emulated GPU".to_owned()
    }

    fn processors(&self) -> usize {
        1
    }

    fn allocate(&self, bytes: usize) -> Result<u64, Fault> {
        let library = library();
        // SAFETY: that is its type.
        let allocate = unsafe { library.0.get::<Allocate>(b"emulator_allocate") }.unwrap();
        // SAFETY: any size may be asked for.
        let at = unsafe { allocate(bytes) } as u64;
        self.blocks().insert(at, bytes);
        Ok(at)
    }

    fn release(&self, address: u64) {
        self.blocks().remove(&address).expect("what is given back was allocated");
        let library = library();
        // SAFETY: that is its type.
        let release = unsafe { library.0.get::<Release>(b"emulator_release") }.unwrap();
        // SAFETY: it was allocated by its counterpart, and is given back once.
        unsafe { release(address as *mut u8) };
    }

    fn upload(&self, to: u64, bytes: &[u8]) -> Result<(), Fault> {
        self.check(to, bytes.len());
        // SAFETY: checked.
        unsafe { std::ptr::copy_nonoverlapping(bytes.as_ptr(), to as *mut u8, bytes.len()) };
        Ok(())
    }

    fn download(&self, from: u64, bytes: &mut [u8]) -> Result<(), Fault> {
        self.check(from, bytes.len());
        // SAFETY: checked.
        unsafe { std::ptr::copy_nonoverlapping(from as *const u8, bytes.as_mut_ptr(), bytes.len()) };
        Ok(())
    }

    fn clear(&self, at: u64, bytes: usize) -> Result<(), Fault> {
        self.check(at, bytes);
        // SAFETY: checked.
        unsafe { std::ptr::write_bytes(at as *mut u8, 0, bytes) };
        Ok(())
    }

    unsafe fn launch(&self, launch: &Launch<'_>) -> Result<(), Fault> {
        let (module, kernel) = (launch.module.name(), launch.kernel);
        let [module, kernel] = [module.as_str(), kernel].map(|name| CString::new(name).unwrap());
        let (pointers, sizes): (Vec<_>, Vec<_>) = launch.arguments.iter().map(Argument::raw).unzip();
        let library = library();
        // SAFETY: that is its type.
        let run = unsafe { library.0.get::<Run>(b"emulator_launch") }.unwrap();
        let seed = self.launches.fetch_add(2, std::sync::atomic::Ordering::Relaxed);
        let with = |seed: u64| {
            // SAFETY: the emulator compares the sizes of parameters, and bounds are watched.
            unsafe {
                run(
                    module.as_ptr(),
                    kernel.as_ptr(),
                    launch.grid.0 as u32,
                    launch.grid.1 as u32,
                    launch.threads as u32,
                    launch.shared,
                    pointers.as_ptr(),
                    sizes.as_ptr(),
                    sizes.len(),
                    seed,
                )
            }
        };
        let before = self.everything();
        match with(seed) {
            0 => {}
            1 => return Err(Fault::new(format!("there is no kernel {kernel:?} in {module:?}"))),
            _ => return Err(Fault::new(format!("{kernel:?} has other parameters"))),
        }
        let after = self.everything();
        self.put_back(&before);
        with(seed + 1);
        assert!(
            after == self.everything(),
            "{kernel:?} gives other numbers where its threads run in another order"
        );
        Ok(())
    }

    unsafe fn multiply(&self, product: &Product) -> Result<(), Fault> {
        for matrix in [&product.left, &product.right, &product.out] {
            if matrix.rows > 0 && matrix.columns > 0 {
                let length = (matrix.rows - 1) * matrix.stride + matrix.columns;
                self.check(matrix.address, length * matrix.number.bytes());
            }
        }
        let inner = if product.left.transposed { product.left.rows } else { product.left.columns };
        for row in 0..product.out.rows {
            for column in 0..product.out.columns {
                let mut sum = 0.0;
                for k in 0..inner {
                    let (left, right) = (&product.left, &product.right);
                    sum += f64::from(self.element(left, row, k)) * f64::from(self.element(right, k, column));
                }
                let kept = if product.keep == 0.0 { 0.0 } else { self.element(&product.out, row, column) };
                let value = product.scale * sum as f32 + kept;
                let offset = (row * product.out.stride + column) * product.out.number.bytes();
                let at = product.out.address + offset as u64;
                // SAFETY: checked above.
                unsafe {
                    match product.out.number {
                        Number::F32 => (at as *mut f32).write_unaligned(value),
                        Number::Bf16 => (at as *mut u16).write_unaligned(bf16::from_f32(value).to_bits()),
                    }
                }
            }
        }
        Ok(())
    }
}
