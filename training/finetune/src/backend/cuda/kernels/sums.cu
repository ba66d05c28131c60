// Sums over rows and over everything. Each is made in a fixed order: parts of blocks first, then of the parts.

// parts[y] = the sum of rows y · depth up to (y + 1) · depth. A thread a column, coalesced; grid (columns / threads, parts).
template <class T>
__device__ void column_parts(float* parts, const T* x, int rows, int width, int depth) {
    const int c = blockIdx.x * blockDim.x + threadIdx.x;
    if (c >= width) return;
    const size first = (size)blockIdx.y * depth;
    const size end = first + depth < (size)rows ? first + depth : (size)rows;
    float sum = 0.0f;
    for (size row = first; row < end; row++) sum += number(x[row * width + c]);
    parts[(size)blockIdx.y * width + c] = sum;
}

KERNEL column_parts_f32(float* parts, const float* x, int rows, int width, int depth) {
    column_parts(parts, x, rows, width, depth);
}
KERNEL column_parts_bf16(float* parts, const bf16* x, int rows, int width, int depth) {
    column_parts(parts, x, rows, width, depth);
}

// out += the sum of all rows of parts. Blocks of 32 × 8 threads: 32 columns, and every 8th row for each group of 32 threads.
KERNEL add_columns(float* out, const float* parts, int rows, int width) {
    __shared__ float sums[8][WARP];
    const int lane = threadIdx.x % WARP, group = threadIdx.x / WARP;
    const int c = blockIdx.x * WARP + lane;
    float sum = 0.0f;
    if (c < width)
        for (int row = group; row < rows; row += 8) sum += parts[(size)row * width + c];
    sums[group][lane] = sum;
    __syncthreads();
    if (group != 0 || c >= width) return;
    for (int g = 1; g < 8; g++) sum += sums[g][lane];
    out[c] += sum;
}

// parts[block] = the sum of squares (or of the numbers themselves) of every gridDim-th block of elements, in double precision.
// 256 threads.
__device__ inline void reduce(double* parts, double mine) {
    __shared__ double sums[256];
    sums[threadIdx.x] = mine;
    for (int far = 128; far > 0; far /= 2) {
        __syncthreads();
        if (threadIdx.x < far) sums[threadIdx.x] += sums[threadIdx.x + far];
    }
    if (threadIdx.x == 0) parts[blockIdx.x] = sums[0];
}

KERNEL squares(double* parts, const float* x, size length) {
    double sum = 0.0;
    for (size i = (size)blockIdx.x * blockDim.x + threadIdx.x; i < length; i += (size)gridDim.x * blockDim.x)
        sum += (double)x[i] * (double)x[i];
    reduce(parts, sum);
}

KERNEL total(double* parts, const float* x, size length) {
    double sum = 0.0;
    for (size i = (size)blockIdx.x * blockDim.x + threadIdx.x; i < length; i += (size)gridDim.x * blockDim.x) sum += (double)x[i];
    reduce(parts, sum);
}
