//! Matrix products by cuBLASLt. In: matrices in memory, row-major. Out: launches. It must not know what they mean.
//!
//! cuBLASLt has matrices column-major: what it reads of a row-major matrix is its transpose. So `out = left · right` is asked for as
//! `outᵀ = rightᵀ · leftᵀ`, with the two changed about. The way to compute is chosen once for each shape.
#![expect(unsafe_code, reason = "cuBLASLt is foreign code")]

use std::collections::HashMap;
use std::ffi::c_void;
use std::ptr;
use std::sync::{Arc, Mutex, PoisonError};

use cudarc::cublaslt::result::{self, CublasError};
use cudarc::cublaslt::sys;
use cudarc::driver::CudaStream;
use cudarc::driver::result as driver;
use cudarc::driver::sys::CUdeviceptr;

use super::device::{Fault, Matrix, Number, Product};
use super::driver::said;

/// What NVIDIA recommends for Hopper.
const WORKSPACE: usize = 32 << 20;
/// What an address is a multiple of, at most, as far as cuBLASLt looks.
const ALIGNMENT: u64 = 256;

/// cuBLASLt with memory of its own, and what it chose before.
#[derive(Debug)]
pub(super) struct Products {
    handle: sys::cublasLtHandle_t,
    workspace: CUdeviceptr,
    stream: Arc<CudaStream>,
    plans: Mutex<HashMap<Key, Plan>>,
}

// SAFETY: a handle may be used by all threads (cuBLASLt's documentation, "Thread safety"); plans are behind a lock.
unsafe impl Send for Products {}
// SAFETY: as above.
unsafe impl Sync for Products {}

/// What a plan depends on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
struct Key {
    matrices: [(Number, usize, usize, usize, bool, u64); 3],
    keeps: bool,
}

/// Descriptions of the matrices, and the chosen way.
#[derive(Debug)]
struct Plan {
    description: sys::cublasLtMatmulDesc_t,
    /// Of the first factor, the second and the result, column-major.
    layouts: [sys::cublasLtMatrixLayout_t; 3],
    algorithm: sys::cublasLtMatmulAlgo_t,
}

impl Drop for Plan {
    fn drop(&mut self) {
        // SAFETY: both were made by the functions that these undo, and are not used afterwards. That it fails says nothing of use.
        unsafe {
            let _ = result::destroy_matmul_desc(self.description);
            for layout in self.layouts {
                let _ = result::destroy_matrix_layout(layout);
            }
        }
    }
}

impl Products {
    pub(super) fn new(stream: &Arc<CudaStream>) -> Result<Self, Fault> {
        // SAFETY: given back once, below.
        let workspace = unsafe { driver::malloc_sync(WORKSPACE) }.map_err(said)?;
        let handle = result::create_handle().map_err(|error| {
            // SAFETY: nobody has it.
            let _ = unsafe { driver::free_sync(workspace) };
            failed("cannot be used", error)
        })?;
        Ok(Self { handle, workspace, stream: Arc::clone(stream), plans: Mutex::default() })
    }

    /// # Safety
    /// The matrices lie in memory that was allocated and not released, and the stream's context is current.
    pub(super) unsafe fn multiply(&self, product: &Product, stream: &CudaStream) -> Result<(), Fault> {
        let mut plans = self.plans.lock().unwrap_or_else(PoisonError::into_inner);
        let key = Key {
            matrices: [product.right, product.left, product.out].map(|matrix| {
                let Matrix { address, number, rows, columns, stride, transposed } = matrix;
                (number, rows, columns, stride, transposed, alignment(address))
            }),
            keeps: product.keep != 0.0,
        };
        let plan = match plans.entry(key) {
            std::collections::hash_map::Entry::Occupied(there) => there.into_mut(),
            std::collections::hash_map::Entry::Vacant(free) => {
                let plan = self.plan(product).map_err(|error| {
                    let sizes =
                        [product.left, product.right, product.out].map(|m| (m.rows, m.columns, m.stride));
                    failed(&format!("has no way to multiply {sizes:?}"), error)
                })?;
                free.insert(plan)
            }
        };
        let [first, second, out] = plan.layouts;
        // SAFETY: the plan was made for these sizes, the caller has the matrices, and the numbers on this stack are read at once.
        unsafe {
            result::matmul(
                self.handle,
                plan.description,
                ptr::from_ref(&product.scale).cast(),
                ptr::from_ref(&product.keep).cast(),
                product.right.address as *const c_void,
                first,
                product.left.address as *const c_void,
                second,
                product.out.address as *const c_void,
                out,
                product.out.address as *mut c_void,
                out,
                &raw const plan.algorithm,
                self.workspace as *mut c_void,
                WORKSPACE,
                stream.cu_stream().cast(),
            )
        }
        .map_err(|error| failed("cannot multiply", error))
    }

    fn plan(&self, product: &Product) -> Result<Plan, CublasError> {
        let description = result::create_matmul_desc(
            sys::cublasComputeType_t::CUBLAS_COMPUTE_32F,
            sys::cudaDataType_t::CUDA_R_32F,
        )?;
        let mut plan = Plan {
            description,
            layouts: [ptr::null_mut(); 3],
            algorithm: sys::cublasLtMatmulAlgo_t { data: [0; 8] },
        };
        let matrices = [&product.right, &product.left, &product.out];
        for (layout, matrix) in plan.layouts.iter_mut().zip(matrices) {
            let (rows, columns) = (matrix.columns as u64, matrix.rows as u64);
            *layout = result::create_matrix_layout(kind(matrix.number), rows, columns, matrix.stride as i64)?;
        }
        for (attribute, matrix) in [
            (sys::cublasLtMatmulDescAttributes_t::CUBLASLT_MATMUL_DESC_TRANSA, &product.right),
            (sys::cublasLtMatmulDescAttributes_t::CUBLASLT_MATMUL_DESC_TRANSB, &product.left),
        ] {
            // CUBLAS_OP_N and CUBLAS_OP_T.
            let operation = i32::from(matrix.transposed);
            // SAFETY: reads one number of 32 bits.
            unsafe {
                result::set_matmul_desc_attribute(
                    plan.description,
                    attribute,
                    ptr::from_ref(&operation).cast(),
                    4,
                )?;
            }
        }
        plan.algorithm = self.choose(&plan, matrices)?;
        Ok(plan)
    }

    fn choose(&self, plan: &Plan, matrices: [&Matrix; 3]) -> Result<sys::cublasLtMatmulAlgo_t, CublasError> {
        use sys::cublasLtMatmulPreferenceAttributes_t as Attribute;
        let wishes = result::create_matmul_pref()?;
        let [first, second, out] = matrices.map(|matrix| alignment(matrix.address) as u32);
        let set = |attribute, value: *const c_void, bytes| {
            // SAFETY: reads so many bytes of a number that lives until then.
            unsafe { result::set_matmul_pref_attribute(wishes, attribute, value, bytes) }
        };
        let room: usize = WORKSPACE;
        // Unless it is told otherwise, cuBLASLt takes all addresses for multiples of 256.
        let found = set(Attribute::CUBLASLT_MATMUL_PREF_MAX_WORKSPACE_BYTES, ptr::from_ref(&room).cast(), 8)
            .and_then(|()| {
                set(Attribute::CUBLASLT_MATMUL_PREF_MIN_ALIGNMENT_A_BYTES, ptr::from_ref(&first).cast(), 4)
            })
            .and_then(|()| {
                set(Attribute::CUBLASLT_MATMUL_PREF_MIN_ALIGNMENT_B_BYTES, ptr::from_ref(&second).cast(), 4)
            })
            .and_then(|()| {
                set(Attribute::CUBLASLT_MATMUL_PREF_MIN_ALIGNMENT_C_BYTES, ptr::from_ref(&out).cast(), 4)
            })
            .and_then(|()| {
                set(Attribute::CUBLASLT_MATMUL_PREF_MIN_ALIGNMENT_D_BYTES, ptr::from_ref(&out).cast(), 4)
            })
            .and_then(|()| {
                let [first, second, out] = plan.layouts;
                // SAFETY: all were made above and live.
                unsafe {
                    result::get_matmul_algo_heuristic(
                        self.handle,
                        plan.description,
                        first,
                        second,
                        out,
                        out,
                        wishes,
                    )
                }
            });
        // SAFETY: made above, and not used afterwards.
        unsafe { result::destroy_matmul_pref(wishes) }?;
        Ok(found?.algo)
    }
}

impl Drop for Products {
    fn drop(&mut self) {
        let context = self.stream.context();
        context.record_err(self.stream.synchronize());
        self.plans.lock().unwrap_or_else(PoisonError::into_inner).clear();
        // SAFETY: both are ours, and nothing that runs uses them. That it fails says nothing of use.
        unsafe {
            let _ = result::destroy_handle(self.handle);
            context.record_err(driver::free_sync(self.workspace));
        }
    }
}

fn kind(number: Number) -> sys::cudaDataType_t {
    match number {
        Number::F32 => sys::cudaDataType_t::CUDA_R_32F,
        Number::Bf16 => sys::cudaDataType_t::CUDA_R_16BF,
    }
}

/// The largest power of two that divides an address, as far as cuBLASLt looks.
fn alignment(address: u64) -> u64 {
    (1 << address.trailing_zeros().min(63)).min(ALIGNMENT)
}

fn failed(what: &str, error: CublasError) -> Fault {
    Fault::of(format!("cuBLASLt {what}"), error)
}

#[cfg(test)]
mod tests {
    use super::alignment;

    #[test]
    fn alignment_is_that_of_the_address() {
        for (address, expected) in [(0, 256), (256, 256), (4096 + 128, 128), (6, 2), (7, 1)] {
            assert_eq!(alignment(address), expected);
        }
    }
}
