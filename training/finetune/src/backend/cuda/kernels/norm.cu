// Root mean square norm: Zhang and Sennrich, "Root Mean Square Layer Normalization", 2019. A warp a row.

// Where `delta` is not null, sum = x + delta, and then sum stands for x. out = x · inverse · weight with
// inverse = 1 / √(mean(x²) + epsilon).
template <int N, class T, class W>
__device__ void norm(
    T* out, float* inverse, T* sum, const T* x, const T* delta, const W* weight, int rows, int width, float epsilon) {
    const int lane = threadIdx.x % WARP;
    const size row = (size)blockIdx.x * (blockDim.x / WARP) + threadIdx.x / WARP;
    // A warp leaves as a whole.
    if (row >= (size)rows) return;
    const T* from = x + row * width;
    float squares = 0.0f;
    for (int c = lane * N; c < width; c += WARP * N) {
        Pack<T, N> in = read<N>(from + c);
        if (delta) {
            const Pack<T, N> more = read<N>(delta + row * width + c);
            for (int n = 0; n < N; n++) put(in.at[n], number(in.at[n]) + number(more.at[n]));
            write<N>(sum + row * width + c, in);
        }
        for (int n = 0; n < N; n++) squares += number(in.at[n]) * number(in.at[n]);
    }
    const float scale = 1.0f / sqrtf(warp_sum(squares) / width + epsilon);
    if (lane == 0) inverse[row] = scale;
    // A lane reads again what it wrote itself.
    if (delta) from = sum + row * width;
    for (int c = lane * N; c < width; c += WARP * N) {
        const Pack<T, N> in = read<N>(from + c);
        Pack<T, N> result;
        for (int n = 0; n < N; n++) put(result.at[n], number(in.at[n]) * scale * number(weight[c + n]));
        write<N>(out + row * width + c, result);
    }
}

// With x̂ = x · inverse and g = d_out · weight: d_x += inverse · (g − x̂ · mean(g · x̂)).
// parts[block] = the sum over the block's rows of d_out · x̂; parts may be null.
//
// Shared memory: a float for each column and warp, where parts is not null. A lane has the same columns in every row, so that its sums
// are its own until the end.
template <int N, class T, class W>
__device__ void norm_backward(
    T* d_x, float* parts, const T* d_out, const T* x, const float* inverse, const W* weight, int rows, int width) {
    DYNAMIC_SHARED(float, sums);
    const int lane = threadIdx.x % WARP, warp = threadIdx.x / WARP, warps = blockDim.x / WARP;
    float* mine = sums + warp * width;
    if (parts)
        for (int c = lane * N; c < width; c += WARP * N)
            for (int n = 0; n < N; n++) mine[c + n] = 0.0f;
    for (size row = (size)blockIdx.x * warps + warp; row < (size)rows; row += (size)gridDim.x * warps) {
        const T* in = x + row * width;
        const T* gradient = d_out + row * width;
        T* to = d_x + row * width;
        const float scale = inverse[row];
        float dot = 0.0f;
        for (int c = lane * N; c < width; c += WARP * N) {
            const Pack<T, N> a = read<N>(in + c), g = read<N>(gradient + c);
            for (int n = 0; n < N; n++) dot += number(g.at[n]) * number(weight[c + n]) * number(a.at[n]) * scale;
        }
        dot = warp_sum(dot) / width;
        for (int c = lane * N; c < width; c += WARP * N) {
            const Pack<T, N> a = read<N>(in + c), g = read<N>(gradient + c);
            Pack<T, N> result = read<N>(to + c);
            for (int n = 0; n < N; n++) {
                const float hat = number(a.at[n]) * scale, up = number(g.at[n]);
                put(result.at[n], number(result.at[n]) + scale * (up * number(weight[c + n]) - hat * dot));
                if (parts) mine[c + n] += up * hat;
            }
            write<N>(to + c, result);
        }
    }
    if (!parts) return;
    __syncthreads();
    for (int c = threadIdx.x; c < width; c += blockDim.x) {
        float total = 0.0f;
        for (int w = 0; w < warps; w++) total += sums[w * width + c];
        parts[(size)blockIdx.x * width + c] = total;
    }
}

#define KERNELS(N, T, W, suffix)                                                                                                 \
    KERNEL norm_##suffix(                                                                                    \
        T* out, float* inverse, T* sum, const T* x, const T* delta, const W* weight, int rows, int width, float epsilon) {       \
        norm<N>(out, inverse, sum, x, delta, weight, rows, width, epsilon);                                                      \
    }                                                                                                                            \
    KERNEL norm_backward_##suffix(                                                                           \
        T* d_x, float* parts, const T* d_out, const T* x, const float* inverse, const W* weight, int rows, int width) {          \
        norm_backward<N>(d_x, parts, d_out, x, inverse, weight, rows, width);                                                    \
    }

// Of activations and weights; with a 4 for widths that are multiples of 4.
KERNELS(1, float, float, f32_f32)
KERNELS(4, float, float, f32_f32_4)
KERNELS(1, bf16, float, bf16_f32)
KERNELS(4, bf16, float, bf16_f32_4)
KERNELS(1, bf16, bf16, bf16_bf16)
KERNELS(4, bf16, bf16, bf16_bf16_4)
