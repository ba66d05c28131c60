// Attention on tensor cores, in 16 bits with sums in 32: Dao, "FlashAttention-2", 2023. Scores stay in registers.
//
// HEAD, the numbers of a head, is a multiple of 16 up to 128, and given when this is compiled. A block of 4 warps has 64 rows, 16 a
// warp, in registers, and goes over tiles of STEP others in shared memory. Rows are queries (forward, and for the gradient of queries) or
// keys (for the gradients of keys and values), so that no two blocks write the same number.
//
// A row of qkv holds all queries, then all keys, then all values; rows and heads begin at multiples of 16 bytes.

#ifndef HEAD
#define HEAD 64
#endif
#define STEP (HEAD <= 64 ? 64 : 32)
#define ROWS 64
#define THREADS 128
// 8 more than a head: lines of a tile then begin in different banks, and still at multiples of 16 bytes.
#define LINE (HEAD + 8)

struct Tile {
    alignas(16) bf16 at[STEP][LINE];
};

// Fragments of one warp, as PTX lays them out for mma.m16n8k16 (PTX ISA, "Matrix fragments for mma.m16n8k16"). With g = lane / 4 and
// t = lane % 4: of a 16 × 16 left factor, registers 0 to 3 hold columns 2t, 2t + 1 of rows g and g + 8, then the same 8 columns further; of
// a 16 × 8 sum, numbers 0 and 1 are columns 2t, 2t + 1 of row g, and 2 and 3 of row g + 8.
typedef unsigned Left[4];
typedef float Sum[4];

// sum += left · right, 16 × 16 times 16 × 8.
__device__ inline void multiply(Sum& sum, const Left& left, unsigned right0, unsigned right1) {
#ifdef __CUDA_ARCH__
    asm volatile(
        "mma.sync.aligned.m16n8k16.row.col.f32.bf16.bf16.f32 {%0, %1, %2, %3}, {%4, %5, %6, %7}, {%8, %9}, {%0, %1, %2, %3};"
        : "+f"(sum[0]), "+f"(sum[1]), "+f"(sum[2]), "+f"(sum[3])
        : "r"(left[0]), "r"(left[1]), "r"(left[2]), "r"(left[3]), "r"(right0), "r"(right1));
#else
    emulate_mma_m16n8k16(sum, left, right0, right1);
#endif
}

// Four 8 × 8 matrices of shared memory: lane i says where row i % 8 of matrix i / 8 begins. Register m holds columns 2t, 2t + 1 of row g of
// matrix m; transposed, rows 2t, 2t + 1 of column g.
__device__ inline void load_matrices(unsigned (&to)[4], const bf16* row) {
#ifdef __CUDA_ARCH__
    const unsigned address = (unsigned)__cvta_generic_to_shared(row);
    asm volatile("ldmatrix.sync.aligned.m8n8.x4.shared.b16 {%0, %1, %2, %3}, [%4];"
                 : "=r"(to[0]), "=r"(to[1]), "=r"(to[2]), "=r"(to[3])
                 : "r"(address)
                 : "memory");
#else
    emulate_ldmatrix_x4(to, row, false);
#endif
}

__device__ inline void load_transposed(unsigned (&to)[4], const bf16* row) {
#ifdef __CUDA_ARCH__
    const unsigned address = (unsigned)__cvta_generic_to_shared(row);
    asm volatile("ldmatrix.sync.aligned.m8n8.x4.trans.shared.b16 {%0, %1, %2, %3}, [%4];"
                 : "=r"(to[0]), "=r"(to[1]), "=r"(to[2]), "=r"(to[3])
                 : "r"(address)
                 : "memory");
#else
    emulate_ldmatrix_x4(to, row, true);
#endif
}

// Lines `first` to `first + STEP` of a matrix in global memory; those from `end` on are zeros. All threads.
__device__ inline void load_tile(Tile& tile, const bf16* matrix, size stride, int first, int end) {
    const int packs = HEAD / 8;
    for (int i = threadIdx.x; i < STEP * packs; i += THREADS) {
        const int line = i / packs, c = i % packs * 8;
        Pack<bf16, 8> pack = {};
        if (first + line < end) pack = read<8>(matrix + (first + line) * stride + c);
        write<8>(&tile.at[line][c], pack);
    }
}

// The 16 lines of a matrix from `first` on, as left factors; those from `end` on are zeros. `matrix` and its lines are even.
__device__ inline void load_left(Left (&to)[HEAD / 16], const bf16* matrix, size stride, int first, int end) {
    const int g = threadIdx.x % WARP / 4, t = threadIdx.x % 4;
    for (int k = 0; k < HEAD / 16; k++)
        for (int m = 0; m < 4; m++) {
            const int line = first + g + m % 2 * 8, c = k * 16 + m / 2 * 8 + 2 * t;
            to[k][m] = line < end ? *reinterpret_cast<const unsigned*>(matrix + line * stride + c) : 0;
        }
}

// sum = left · tileᵀ: 16 × STEP.
__device__ inline void times_transposed(Sum (&sum)[STEP / 8], const Left (&left)[HEAD / 16], const Tile& tile) {
    const int lane = threadIdx.x % WARP, matrix = lane / 8, r = lane % 8;
#pragma unroll
    for (int n = 0; n < STEP / 8; n++)
        for (int i = 0; i < 4; i++) sum[n][i] = 0.0f;
#pragma unroll
    for (int k = 0; k < HEAD / 16; k++)
#pragma unroll
        for (int n = 0; n < STEP / 16; n++) {
            unsigned right[4];
            load_matrices(right, &tile.at[n * 16 + matrix / 2 * 8 + r][k * 16 + matrix % 2 * 8]);
            multiply(sum[2 * n], left[k], right[0], right[1]);
            multiply(sum[2 * n + 1], left[k], right[2], right[3]);
        }
}

// sum += left · tile: 16 × HEAD. `left` is a 16 × STEP sum, rounded.
__device__ inline void add_times(Sum (&sum)[HEAD / 8], const Sum (&left)[STEP / 8], const Tile& tile) {
    const int lane = threadIdx.x % WARP, matrix = lane / 8, r = lane % 8;
#pragma unroll
    for (int k = 0; k < STEP / 16; k++) {
        const Left factor = {
            pair(left[2 * k][0], left[2 * k][1]), pair(left[2 * k][2], left[2 * k][3]),
            pair(left[2 * k + 1][0], left[2 * k + 1][1]), pair(left[2 * k + 1][2], left[2 * k + 1][3])};
#pragma unroll
        for (int n = 0; n < HEAD / 16; n++) {
            unsigned right[4];
            load_transposed(right, &tile.at[k * 16 + matrix % 2 * 8 + r][n * 16 + matrix / 2 * 8]);
            multiply(sum[2 * n], factor, right[0], right[1]);
            multiply(sum[2 * n + 1], factor, right[2], right[3]);
        }
    }
}

// The 16 lines of a matrix from `first` on take a sum; those from `end` on are not there. scale0 is for rows g, scale1 for rows g + 8.
__device__ inline void store(
    bf16* matrix, size stride, int first, int end, const Sum (&sum)[HEAD / 8], float scale0, float scale1) {
    const int g = threadIdx.x % WARP / 4, t = threadIdx.x % 4;
    for (int n = 0; n < HEAD / 8; n++) {
        const int c = n * 8 + 2 * t;
        if (first + g < end)
            *reinterpret_cast<unsigned*>(matrix + (first + g) * stride + c) = pair(sum[n][0] * scale0, sum[n][1] * scale0);
        if (first + g + 8 < end)
            *reinterpret_cast<unsigned*>(matrix + (first + g + 8) * stride + c) = pair(sum[n][2] * scale1, sum[n][3] * scale1);
    }
}

// The largest, and the sum, over the four lanes that share rows g and g + 8.
__device__ inline float four_max(float x) {
    x = fmaxf(x, __shfl_xor_sync(FULL, x, 1));
    return fmaxf(x, __shfl_xor_sync(FULL, x, 2));
}
__device__ inline float four_sum(float x) {
    x += __shfl_xor_sync(FULL, x, 1);
    return x + __shfl_xor_sync(FULL, x, 2);
}

__device__ inline bool sees(int query, int key, const Place& place) {
    return key <= query && (key < place.shared || key >= place.first);
}

// Where 64 queries have to look: the first query of a tile begins earliest, so what it does not see, none does.
struct Sight {
    int from, end;
    Place first, last;

    __device__ Sight(const Place* places, int from) : from(from) {
        first = places[from];
        end = from + ROWS < first.end ? from + ROWS : first.end;
        last = places[end - 1];
    }
    __device__ bool none(int keys) const { return keys >= first.shared && keys + STEP <= first.first; }
    // Whether all of the queries see all of the keys.
    __device__ bool all(int keys) const {
        return keys + STEP - 1 <= from && (keys + STEP <= first.shared || keys >= last.first);
    }
};

// out and logsumexp as attention.cu's. Grid (tiles, heads of queries): tiles say where the 64 queries of a block begin, those that see
// least first, and never reach over two rows.
KERNEL __launch_bounds__(THREADS) flash(
    bf16* out, float* logsumexp, const bf16* qkv, const Place* places, const unsigned* tiles, int heads, int key_heads, float scale) {
    __shared__ Tile keys, values;
    const int head = blockIdx.y, key_head = head / (heads / key_heads);
    const int g = threadIdx.x % WARP / 4, t = threadIdx.x % 4;
    const size stride = (size)(heads + 2 * key_heads) * HEAD;
    // The longest first, so that none is left at the end alone.
    const Sight sight(places, (int)tiles[gridDim.x - 1 - blockIdx.x]);
    const int mine = sight.from + (int)threadIdx.x / WARP * 16, query[2] = {mine + g, mine + g + 8};
    const Place place[2] = {
        places[query[0] < sight.end ? query[0] : sight.end - 1], places[query[1] < sight.end ? query[1] : sight.end - 1]};

    Left q[HEAD / 16];
    load_left(q, qkv + (size)head * HEAD, stride, mine, sight.end);
    Sum sum[HEAD / 8] = {};
    float largest[2] = {-INFINITY, -INFINITY}, weight[2] = {0.0f, 0.0f};
    // exp(x · scale) = 2^(x · scale · log2(e)).
    const float scale2 = scale * 1.4426950408889634f;

    for (int j = sight.first.begin; j < sight.end; j += STEP) {
        if (sight.none(j)) continue;
        // Everyone is done with the tiles before.
        __syncthreads();
        load_tile(keys, qkv + (size)(heads + key_head) * HEAD, stride, j, sight.end);
        load_tile(values, qkv + (size)(heads + key_heads + key_head) * HEAD, stride, j, sight.end);
        __syncthreads();
        Sum score[STEP / 8];
        times_transposed(score, q, keys);
        if (!sight.all(j))
#pragma unroll
            for (int n = 0; n < STEP / 8; n++)
                for (int i = 0; i < 4; i++)
                    if (!sees(query[i / 2], j + n * 8 + 2 * t + i % 2, place[i / 2])) score[n][i] = -INFINITY;
        float shift[2];
        for (int r = 0; r < 2; r++) {
            float most = largest[r];
#pragma unroll
            for (int n = 0; n < STEP / 8; n++) most = fmaxf(most, fmaxf(score[n][2 * r], score[n][2 * r + 1]));
            most = four_max(most);
            // Nothing seen so far: 2^−∞ = 0 must not become 2^(−∞ + ∞).
            shift[r] = most == -INFINITY ? 0.0f : most * scale2;
            const float fade = exp2f(largest[r] * scale2 - shift[r]);
            largest[r] = most;
            weight[r] *= fade;
#pragma unroll
            for (int n = 0; n < HEAD / 8; n++) {
                sum[n][2 * r] *= fade;
                sum[n][2 * r + 1] *= fade;
            }
        }
#pragma unroll
        for (int n = 0; n < STEP / 8; n++)
            for (int i = 0; i < 4; i++) {
                score[n][i] = exp2f(score[n][i] * scale2 - shift[i / 2]);
                weight[i / 2] += score[n][i];
            }
        add_times(sum, score, values);
    }

    for (int r = 0; r < 2; r++) {
        weight[r] = four_sum(weight[r]);
        if (t == 0 && query[r] < sight.end) logsumexp[(size)query[r] * heads + head] = largest[r] * scale + logf(weight[r]);
    }
    store(out + (size)head * HEAD, (size)heads * HEAD, mine, sight.end, sum, 1.0f / weight[0], 1.0f / weight[1]);
}

// The gradient of queries. Grid as flash's.
KERNEL __launch_bounds__(THREADS) flash_backward_query(
    bf16* d_qkv, const bf16* d_out, const float* delta, const float* logsumexp, const bf16* qkv, const Place* places,
    const unsigned* tiles, int heads, int key_heads, float scale) {
    __shared__ Tile keys, values;
    const int head = blockIdx.y, key_head = head / (heads / key_heads);
    const int g = threadIdx.x % WARP / 4, t = threadIdx.x % 4;
    const size stride = (size)(heads + 2 * key_heads) * HEAD;
    const Sight sight(places, (int)tiles[gridDim.x - 1 - blockIdx.x]);
    const int mine = sight.from + (int)threadIdx.x / WARP * 16, query[2] = {mine + g, mine + g + 8};
    Place place[2];
    float lse[2], dot[2];
    for (int r = 0; r < 2; r++) {
        const int there = query[r] < sight.end ? query[r] : sight.end - 1;
        place[r] = places[there];
        lse[r] = logsumexp[(size)there * heads + head];
        dot[r] = delta[(size)there * heads + head];
    }

    Left q[HEAD / 16], up[HEAD / 16];
    load_left(q, qkv + (size)head * HEAD, stride, mine, sight.end);
    load_left(up, d_out + (size)head * HEAD, (size)heads * HEAD, mine, sight.end);
    Sum sum[HEAD / 8] = {};

    for (int j = sight.first.begin; j < sight.end; j += STEP) {
        if (sight.none(j)) continue;
        __syncthreads();
        load_tile(keys, qkv + (size)(heads + key_head) * HEAD, stride, j, sight.end);
        load_tile(values, qkv + (size)(heads + key_heads + key_head) * HEAD, stride, j, sight.end);
        __syncthreads();
        Sum score[STEP / 8], d_p[STEP / 8];
        times_transposed(score, q, keys);
        times_transposed(d_p, up, values);
#pragma unroll
        for (int n = 0; n < STEP / 8; n++)
            for (int i = 0; i < 4; i++) {
                const bool seen = sees(query[i / 2], j + n * 8 + 2 * t + i % 2, place[i / 2]);
                const float p = seen ? expf(score[n][i] * scale - lse[i / 2]) : 0.0f;
                score[n][i] = p * (d_p[n][i] - dot[i / 2]);
            }
        add_times(sum, score, keys);
    }
    store(d_qkv + (size)head * HEAD, stride, mine, sight.end, sum, scale, scale);
}

// The gradients of keys and values: rows are keys, and each block goes over all heads of queries that read its head of keys. Grid (tiles,
// heads of keys).
KERNEL __launch_bounds__(THREADS) flash_backward_key(
    bf16* d_qkv, const bf16* d_out, const float* delta, const float* logsumexp, const bf16* qkv, const Place* places,
    const unsigned* tiles, int heads, int key_heads, float scale) {
    __shared__ Tile queries, ups;
    __shared__ float lse[STEP], dot[STEP];
    __shared__ Place place[STEP];
    const int key_head = blockIdx.y, group = heads / key_heads;
    const int g = threadIdx.x % WARP / 4, t = threadIdx.x % 4;
    const size stride = (size)(heads + 2 * key_heads) * HEAD;
    const int from = (int)tiles[blockIdx.x];
    const Place first = places[from];
    const int end = from + ROWS < first.end ? from + ROWS : first.end;
    const int mine = from + (int)threadIdx.x / WARP * 16, key[2] = {mine + g, mine + g + 8};

    Left k[HEAD / 16], v[HEAD / 16];
    load_left(k, qkv + (size)(heads + key_head) * HEAD, stride, mine, end);
    load_left(v, qkv + (size)(heads + key_heads + key_head) * HEAD, stride, mine, end);
    Sum d_k[HEAD / 8] = {}, d_v[HEAD / 8] = {};

    for (int head = key_head * group; head < (key_head + 1) * group; head++)
        for (int i = from; i < first.end; i += STEP) {
            // Documents ascend: where the first query of a tile begins after all keys, and no key is shared, none that follows sees one.
            if (from >= first.shared && places[i].first >= end) break;
            __syncthreads();
            load_tile(queries, qkv + (size)head * HEAD, stride, i, first.end);
            load_tile(ups, d_out + (size)head * HEAD, (size)heads * HEAD, i, first.end);
            if (threadIdx.x < STEP) {
                const int there = i + (int)threadIdx.x < first.end ? i + (int)threadIdx.x : first.end - 1;
                lse[threadIdx.x] = logsumexp[(size)there * heads + head];
                dot[threadIdx.x] = delta[(size)there * heads + head];
                place[threadIdx.x] = places[there];
            }
            __syncthreads();
            Sum p[STEP / 8], d_score[STEP / 8];
            times_transposed(p, k, queries);
            times_transposed(d_score, v, ups);
#pragma unroll
            for (int n = 0; n < STEP / 8; n++)
                for (int e = 0; e < 4; e++) {
                    const int column = n * 8 + 2 * t + e % 2;
                    const bool seen = i + column < first.end && sees(i + column, key[e / 2], place[column]);
                    p[n][e] = seen ? expf(p[n][e] * scale - lse[column]) : 0.0f;
                    d_score[n][e] = p[n][e] * (d_score[n][e] - dot[column]);
                }
            add_times(d_v, p, ups);
            add_times(d_k, d_score, queries);
        }
    store(d_qkv + (size)(heads + key_head) * HEAD, stride, mine, end, d_k, scale, scale);
    store(d_qkv + (size)(heads + key_heads + key_head) * HEAD, stride, mine, end, d_v, 1.0f, 1.0f);
}
