// What each element does alone. A thread takes elements a whole grid apart, so that any grid does all of them.

#define EACH(i, length)                                                                                                          \
    for (size i = (size)blockIdx.x * blockDim.x + threadIdx.x; i < (length); i += (size)gridDim.x * blockDim.x)

// Turns queries and keys by their positions, in the half-split order of Hugging Face: element j of a head pairs with j + dimension / 2.
// A thread for each token and j; a row has `heads` heads to turn at its beginning and is `stride` long.
template <class T>
__device__ void rotate(
    T* qkv, const unsigned* positions, const float* frequencies, size tokens, int heads, int dimension, int stride, float sign) {
    const int half = dimension / 2;
    EACH(i, tokens * half) {
        const size token = i / half;
        const int j = (int)(i % half);
        float sine, cosine;
        sincosf((float)positions[token] * frequencies[j], &sine, &cosine);
        sine *= sign;
        T* at = qkv + token * stride + j;
        for (int head = 0; head < heads; head++, at += dimension) {
            const float first = number(at[0]), second = number(at[half]);
            put(at[0], first * cosine - second * sine);
            put(at[half], second * cosine + first * sine);
        }
    }
}

__device__ inline float sigmoid(float x) { return 1.0f / (1.0f + expf(-x)); }

// out = gate · sigmoid(gate) · up; a row of gate_up is `width` of the gate, then `width` of the other.
template <int N, class T>
__device__ void swiglu(T* out, const T* gate_up, size rows, int width) {
    const int packs = width / N;
    EACH(i, rows * packs) {
        const size row = i / packs;
        const int c = (int)(i % packs) * N;
        const Pack<T, N> gate = read<N>(gate_up + row * 2 * width + c), up = read<N>(gate_up + row * 2 * width + width + c);
        Pack<T, N> result;
        for (int n = 0; n < N; n++) {
            const float g = number(gate.at[n]);
            put(result.at[n], g * sigmoid(g) * number(up.at[n]));
        }
        write<N>(out + row * width + c, result);
    }
}

// gate_up becomes its gradient; out, where it is not null, what the forward pass had written.
template <int N, class T>
__device__ void swiglu_backward(T* gate_up, T* out, const T* d_out, size rows, int width) {
    const int packs = width / N;
    EACH(i, rows * packs) {
        const size row = i / packs;
        const int c = (int)(i % packs) * N;
        T* at = gate_up + row * 2 * width + c;
        Pack<T, N> gate = read<N>(at), up = read<N>(at + width);
        const Pack<T, N> d = read<N>(d_out + row * width + c);
        Pack<T, N> result;
        for (int n = 0; n < N; n++) {
            const float g = number(gate.at[n]), u = number(up.at[n]), upstream = number(d.at[n]), s = sigmoid(g);
            put(result.at[n], g * s * u);
            put(gate.at[n], upstream * u * s * (1.0f + g * (1.0f - s)));
            put(up.at[n], upstream * g * s);
        }
        if (out) write<N>(out + row * width + c, result);
        write<N>(at, gate);
        write<N>(at + width, up);
    }
}

template <class T, class W>
__device__ void add_bias(T* out, const W* bias, size rows, int width) {
    EACH(i, rows * width) put(out[i], number(out[i]) + number(bias[i % width]));
}

template <class T>
__device__ void add(T* out, const T* x, size length) {
    EACH(i, length) put(out[i], number(out[i]) + number(x[i]));
}

// SplitMix64's finaliser over a counter (Steele, Lea and Flood 2014): element i stays where the upper half of its hash is at least
// `threshold`.
template <class T>
__device__ void dropout(T* out, int keep, const T* x, unsigned long long seed, unsigned threshold, float scale, size length) {
    EACH(i, length) {
        unsigned long long hash = seed + (i + 1) * 0x9E3779B97F4A7C15ull;
        hash = (hash ^ (hash >> 30)) * 0xBF58476D1CE4E5B9ull;
        hash = (hash ^ (hash >> 27)) * 0x94D049BB133111EBull;
        hash ^= hash >> 31;
        const float stays = (unsigned)(hash >> 32) >= threshold ? number(x[i]) * scale : 0.0f;
        put(out[i], keep ? number(out[i]) + stays : stays);
    }
}

#define KERNELS(T, suffix)                                                                                                       \
    KERNEL rotate_##suffix(                                                                                  \
        T* qkv, const unsigned* positions, const float* frequencies, size tokens, int heads, int dimension, int stride,          \
        float sign) {                                                                                                            \
        rotate(qkv, positions, frequencies, tokens, heads, dimension, stride, sign);                                             \
    }                                                                                                                            \
    KERNEL add_##suffix(T* out, const T* x, size length) { add(out, x, length); }                            \
    KERNEL dropout_##suffix(                                                                                 \
        T* out, int keep, const T* x, unsigned long long seed, unsigned threshold, float scale, size length) {                   \
        dropout(out, keep, x, seed, threshold, scale, length);                                                                   \
    }
#define SWIGLU(N, T, suffix)                                                                                                     \
    KERNEL swiglu_##suffix(T* out, const T* gate_up, size rows, int width) {                                 \
        swiglu<N>(out, gate_up, rows, width);                                                                                    \
    }                                                                                                                            \
    KERNEL swiglu_backward_##suffix(T* gate_up, T* out, const T* d_out, size rows, int width) {              \
        swiglu_backward<N>(gate_up, out, d_out, rows, width);                                                                    \
    }
#define BIAS(T, W, suffix)                                                                                                       \
    KERNEL add_bias_##suffix(T* out, const W* bias, size rows, int width) {                                  \
        add_bias(out, bias, rows, width);                                                                                        \
    }

KERNELS(float, f32)
KERNELS(bf16, bf16)
// With a 4: for widths that are multiples of 4.
SWIGLU(1, float, f32)
SWIGLU(4, float, f32_4)
SWIGLU(1, bf16, bf16)
SWIGLU(4, bf16, bf16_4)
BIAS(float, float, f32_f32)
BIAS(bf16, float, bf16_f32)
BIAS(bf16, bf16, bf16_bf16)
