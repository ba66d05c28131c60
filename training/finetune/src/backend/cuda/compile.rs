//! CUDA C++ to what a GPU runs, by NVRTC. In: a module and a GPU's compute capability. Out: its machine code, or intermediate code where the
//! compiler is older than the GPU. Needs no GPU.

use std::ffi::{CString, c_char};
use std::ptr;

use cudarc::nvrtc::{Ptx, result, sys};

use super::device::Fault;
use super::kernels::Module;

/// Compiles for compute capability `major.minor`.
///
/// Machine code and not PTX where that is possible: a driver reads the PTX of compilers that are not newer than itself, and the machine code of
/// every compiler of its major version.
pub(super) fn compile(module: Module, (major, minor): (i32, i32)) -> Result<Ptx, Fault> {
    let own = format!("--gpu-architecture=sm_{major}{minor}");
    match code(module, &own, true) {
        Ok(code) => Ok(Ptx::from_binary(code)),
        // The oldest that these kernels compile for; the driver translates it for whatever is there.
        Err(first) => match code(module, "--gpu-architecture=compute_80", false) {
            Ok(text) => Ok(Ptx::from_src(String::from_utf8_lossy(&text).trim_end_matches('\0'))),
            Err(_) => Err(first),
        },
    }
}

/// Machine code, or PTX, of a module.
pub(super) fn code(module: Module, architecture: &str, machine: bool) -> Result<Vec<u8>, Fault> {
    let program = Program::new(&module.source(), &module.name())?;
    let options = [architecture, "--std=c++17"];
    // SAFETY: the program lives until the end of this function.
    #[expect(unsafe_code, reason = "NVRTC is foreign code")]
    let compiled = unsafe { result::compile_program(program.0, &options) };
    if let Err(error) = compiled {
        return Err(Fault::of(format!("{} does not compile: {}", module.name(), program.log()), error));
    }
    program.code(machine).map_err(|error| Fault::of(format!("{} has no code", module.name()), error))
}

struct Program(sys::nvrtcProgram);

impl Program {
    fn new(source: &str, name: &str) -> Result<Self, Fault> {
        let text =
            |text: &str| CString::new(text).map_err(|error| Fault::of("a source with a zero".into(), error));
        result::create_program(&text(source)?, Some(&text(name)?))
            .map(Self)
            .map_err(|error| Fault::of("NVRTC cannot be used".into(), error))
    }

    fn log(&self) -> String {
        // SAFETY: the program is not destroyed yet.
        #[expect(unsafe_code, reason = "NVRTC is foreign code")]
        let log = unsafe { result::get_program_log(self.0) };
        let bytes: Vec<u8> = log.unwrap_or_default().into_iter().map(|byte| byte as u8).collect();
        String::from_utf8_lossy(&bytes).trim_end_matches('\0').to_owned()
    }

    fn code(&self, machine: bool) -> Result<Vec<u8>, result::NvrtcError> {
        let mut bytes = 0;
        // SAFETY: the program is compiled, and the buffer is as long as NVRTC says.
        #[expect(unsafe_code, reason = "NVRTC is foreign code")]
        unsafe {
            if machine {
                sys::nvrtcGetCUBINSize(self.0, ptr::from_mut(&mut bytes)).result()?;
                let mut code = vec![0_u8; bytes];
                sys::nvrtcGetCUBIN(self.0, code.as_mut_ptr().cast::<c_char>()).result()?;
                Ok(code)
            } else {
                sys::nvrtcGetPTXSize(self.0, ptr::from_mut(&mut bytes)).result()?;
                let mut code = vec![0_u8; bytes];
                sys::nvrtcGetPTX(self.0, code.as_mut_ptr().cast::<c_char>()).result()?;
                Ok(code)
            }
        }
    }
}

impl Drop for Program {
    fn drop(&mut self) {
        // SAFETY: it is destroyed once. That it fails says nothing of use.
        #[expect(unsafe_code, reason = "NVRTC is foreign code")]
        let _ = unsafe { result::destroy_program(self.0) };
    }
}
