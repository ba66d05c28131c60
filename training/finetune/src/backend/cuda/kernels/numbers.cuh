// What all kernels stand on: numbers of 32 and 16 bits, packs of them, sums over a warp and a block.
//
// No header is included, so that NVRTC needs no toolkit beside it. Offsets are of 64 bits wherever a row number is multiplied.
// Blocks have a multiple of 32 threads; kernels that sum over a block say how many at most.

typedef unsigned long long size;

// A test compiles these files for the processor, and then defines these in its own way.
#ifndef KERNEL
#define KERNEL extern "C" __global__ void
#define INFINITY __int_as_float(0x7f800000)
// Shared memory whose size is given at the launch.
#define DYNAMIC_SHARED(T, name)                                     \
    extern __shared__ __align__(16) unsigned char dynamic_shared[]; \
    T* name = reinterpret_cast<T*>(dynamic_shared)
#endif

#define WARP 32
#define FULL 0xffffffffu

// Brain floating point: the upper half of a float.
struct bf16 {
    unsigned short bits;
};

__device__ inline float number(float x) { return x; }
__device__ inline float number(bf16 x) { return __uint_as_float((unsigned)x.bits << 16); }

// Rounds to the nearest, ties to even, as the instruction does.
__device__ inline bf16 rounded(float x) {
    bf16 result;
#ifdef __CUDA_ARCH__
    asm("cvt.rn.bf16.f32 %0, %1;" : "=h"(result.bits) : "f"(x));
#else
    const unsigned bits = __float_as_uint(x);
    result.bits = (bits & 0x7fffffffu) > 0x7f800000u ? 0x7fff : (bits + 0x7fffu + ((bits >> 16) & 1u)) >> 16;
#endif
    return result;
}

__device__ inline void put(float& at, float x) { at = x; }
__device__ inline void put(bf16& at, float x) { at = rounded(x); }

// Two numbers in a register of tensor cores, the first in the lower half.
__device__ inline unsigned pair(float first, float second) {
    return (unsigned)rounded(first).bits | (unsigned)rounded(second).bits << 16;
}

// Neighbours that are read and written at once. The address is a multiple of its size: rows begin at multiples of N.
template <class T, int N>
struct alignas(sizeof(T) * N) Pack {
    T at[N];
};

template <int N, class T>
__device__ inline Pack<T, N> read(const T* from) {
    return *reinterpret_cast<const Pack<T, N>*>(from);
}

template <int N, class T>
__device__ inline void write(T* to, const Pack<T, N>& pack) {
    *reinterpret_cast<Pack<T, N>*>(to) = pack;
}

// The sum over a warp, in each of its lanes; all 32 have to come here.
__device__ inline float warp_sum(float x) {
    for (int far = WARP / 2; far > 0; far /= 2) x += __shfl_xor_sync(FULL, x, far);
    return x;
}

__device__ inline float warp_max(float x) {
    for (int far = WARP / 2; far > 0; far /= 2) x = fmaxf(x, __shfl_xor_sync(FULL, x, far));
    return x;
}

// The sum over a block of at most 1024 threads, in each of them; all have to come here. The order of summing is fixed.
__device__ inline float block_sum(float x) {
    __shared__ float parts[WARP];
    const int lane = threadIdx.x % WARP, warp = threadIdx.x / WARP, warps = blockDim.x / WARP;
    x = warp_sum(x);
    // Whoever still reads the sum before this one has to be done.
    __syncthreads();
    if (lane == 0) parts[warp] = x;
    __syncthreads();
    return warp_sum(lane < warps ? parts[lane] : 0.0f);
}

__device__ inline float block_max(float x) {
    __shared__ float parts[WARP];
    const int lane = threadIdx.x % WARP, warp = threadIdx.x / WARP, warps = blockDim.x / WARP;
    x = warp_max(x);
    __syncthreads();
    if (lane == 0) parts[warp] = x;
    __syncthreads();
    return warp_max(lane < warps ? parts[lane] : -INFINITY);
}

// What a token sees: of its row, which goes from `begin` to `end`, tokens before `shared`, and those from `first` on; up to itself.
struct Place {
    int first, begin, shared, end;
};
