// Rows of a table by number, and sums back into them.

// out[i] = table[rows[i]]. A block for each i.
template <class T>
__device__ void gather(T* out, const T* table, const unsigned* rows, int width) {
    const T* from = table + (size)rows[blockIdx.x] * width;
    T* to = out + (size)blockIdx.x * width;
    for (int c = threadIdx.x; c < width; c += blockDim.x) to[c] = from[c];
}

// table[list[n]] += the sum of from[order[i]] for starts[n] <= i < starts[n + 1]. A block for each n: no two blocks write one row, and
// the order of summing is fixed.
template <class To, class From>
__device__ void scatter(
    To* table, const From* from, const unsigned* list, const unsigned* starts, const unsigned* order, int width) {
    const unsigned first = starts[blockIdx.x], end = starts[blockIdx.x + 1];
    To* at = table + (size)list[blockIdx.x] * width;
    for (int c = threadIdx.x; c < width; c += blockDim.x) {
        float sum = 0.0f;
        for (unsigned i = first; i < end; i++) sum += number(from[(size)order[i] * width + c]);
        put(at[c], number(at[c]) + sum);
    }
}

#define GATHER(T, suffix)                                                                                                        \
    KERNEL gather_##suffix(T* out, const T* table, const unsigned* rows, int width) {                        \
        gather(out, table, rows, width);                                                                                         \
    }
#define SCATTER(To, From, suffix)                                                                                                \
    KERNEL scatter_##suffix(                                                                                 \
        To* table, const From* from, const unsigned* list, const unsigned* starts, const unsigned* order, int width) {           \
        scatter(table, from, list, starts, order, width);                                                                        \
    }

GATHER(float, f32)
GATHER(bf16, bf16)
SCATTER(float, float, f32_f32)
SCATTER(float, bf16, f32_bf16)
SCATTER(bf16, bf16, bf16_bf16)
