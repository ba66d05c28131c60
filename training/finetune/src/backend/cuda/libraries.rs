//! The libraries of CUDA. In: folders. Out: the libraries loaded, or which is missing and what has it. It must not know who put them there.
//!
//! The system's loader takes a library that is loaded already, by its name, for every later one that asks for that name: so those of Python
//! packages are found without `LD_LIBRARY_PATH`.

use std::path::{Path, PathBuf};

use super::device::Fault;

/// A library, what its file begins with, and what has it.
type Needed = (fn() -> bool, &'static str, &'static str);

const NEEDED: [Needed; 3] = [
    (
        || {
            // SAFETY: loads a library of NVIDIA's that has the driver's name.
            #[expect(unsafe_code, reason = "loading a library runs its code")]
            unsafe {
                cudarc::driver::sys::is_culib_present()
            }
        },
        if cfg!(windows) { "nvcuda.dll" } else { "libcuda.so.1" },
        "it comes with the NVIDIA driver (580 or later for CUDA 13); a container needs it passed on (`--gpus all`)",
    ),
    (
        || {
            // SAFETY: as above.
            #[expect(unsafe_code, reason = "loading a library runs its code")]
            unsafe {
                cudarc::nvrtc::sys::is_culib_present()
            }
        },
        if cfg!(windows) { "nvrtc64_130_0.dll" } else { "libnvrtc.so.13" },
        "the Python package `nvidia-cuda-nvrtc~=13.0` has it: install it into the active virtual environment, or name its folder",
    ),
    (
        || {
            // SAFETY: as above.
            #[expect(unsafe_code, reason = "loading a library runs its code")]
            unsafe {
                cudarc::cublaslt::sys::is_culib_present()
            }
        },
        if cfg!(windows) { "cublasLt64_13.dll" } else { "libcublasLt.so.13" },
        "the Python package `nvidia-cublas~=13.0` has it: install it into the active virtual environment, or name its folder",
    ),
];

/// Loads what the folders, and the active Python environment, hold, and then looks whether all are there.
///
/// # Errors
/// When one is missing: nothing of CUDA may be called then, because that would end the process.
pub(super) fn load(folders: &[PathBuf]) -> Result<(), Fault> {
    preload(folders);
    match NEEDED.iter().find(|(is_there, ..)| !is_there()) {
        None => Ok(()),
        Some((_, name, advice)) => Err(Fault::new(format!("{name} is missing; {advice}"))),
    }
}

/// Loads what the folders hold; what they lack is left to the system's loader.
pub(super) fn preload(folders: &[PathBuf]) {
    let folders = all(folders);
    for (_, name, _) in NEEDED {
        let Some(folder) = folders.iter().find(|folder| folder.join(name).is_file()) else { continue };
        // NVRTC of CUDA 13.0 looks for its other half by name alone.
        let halves = entries(folder).into_iter().filter(|file| {
            let file = file.file_name().unwrap_or_default().to_string_lossy();
            name.contains("nvrtc") && file.contains("nvrtc-builtins") && !file.contains(".alt.")
        });
        for file in halves.chain([folder.join(name)]) {
            // SAFETY: a library of NVIDIA's, by its own name, in a folder that the user named or that is Python's.
            #[expect(unsafe_code, reason = "loading a library runs its code")]
            let library = unsafe { libloading::Library::new(&file) };
            // It stays for as long as the process does. Where it cannot be loaded, `load` says so.
            library.map(std::mem::forget).unwrap_or_default();
        }
    }
}

/// The folders themselves, those of an active environment's packages, and what NVIDIA's packages have in them.
fn all(folders: &[PathBuf]) -> Vec<PathBuf> {
    let mut roots = folders.to_vec();
    for name in ["VIRTUAL_ENV", "CONDA_PREFIX"] {
        roots.extend(std::env::var_os(name).into_iter().flat_map(|root| packages(Path::new(&root))));
    }
    let within = roots.iter().flat_map(|root| {
        let lib = if cfg!(windows) { "bin" } else { "lib" };
        let mut found: Vec<PathBuf> =
            entries(&root.join("nvidia")).into_iter().map(|package| package.join(lib)).collect();
        found.sort();
        found
    });
    roots.iter().cloned().chain(within).filter(|folder| folder.is_dir()).collect()
}

/// The folders of packages of a Python environment.
fn packages(environment: &Path) -> Vec<PathBuf> {
    let pythons = entries(&environment.join("lib")).into_iter().map(|python| python.join("site-packages"));
    pythons.chain([environment.join("Lib/site-packages")]).filter(|folder| folder.is_dir()).collect()
}

fn entries(folder: &Path) -> Vec<PathBuf> {
    std::fs::read_dir(folder).into_iter().flatten().flatten().map(|entry| entry.path()).collect()
}

#[cfg(test)]
mod tests {
    use super::all;

    #[test]
    fn folders_of_nvidias_packages_are_found() {
        let root = tempfile::tempdir().unwrap();
        let lib = root.path().join("nvidia/cu13").join(if cfg!(windows) { "bin" } else { "lib" });
        std::fs::create_dir_all(&lib).unwrap();
        let found = all(&[root.path().to_owned(), root.path().join("not there")]);
        assert_eq!(found[0], root.path());
        assert!(found.contains(&lib), "{found:?}");
        assert!(found.iter().all(|folder| folder.is_dir()));
    }
}
