// Attention in full precision, for any head of at most 256 numbers: a warp a query, or a key, with the numbers of a head spread over its
// lanes. Slow and simple; flash.cu is for 16 bits.
//
// A row of qkv holds all queries, then all keys, then all values.

#define MOST 8

template <class T>
__device__ inline void take(float (&to)[MOST], const T* from, int lane, int dimension) {
    for (int n = 0; n < MOST; n++) {
        const int d = lane + n * WARP;
        to[n] = d < dimension ? number(from[d]) : 0.0f;
    }
}

template <class T>
__device__ inline void leave(T* to, const float (&from)[MOST], float scale, int lane, int dimension) {
    for (int n = 0; n < MOST; n++) {
        const int d = lane + n * WARP;
        if (d < dimension) put(to[d], from[n] * scale);
    }
}

__device__ inline float dot(const float (&a)[MOST], const float (&b)[MOST]) {
    float sum = 0.0f;
    for (int n = 0; n < MOST; n++) sum += a[n] * b[n];
    return warp_sum(sum);
}

// out = softmax(q·k · scale) v; logsumexp[token · heads + head]. Grid (tokens / warps, heads of queries).
template <class T>
__device__ void attend(
    T* out, float* logsumexp, const T* qkv, const Place* places, int tokens, int heads, int key_heads, int dimension, float scale) {
    const int lane = threadIdx.x % WARP;
    const size token = (size)blockIdx.x * (blockDim.x / WARP) + threadIdx.x / WARP;
    if (token >= (size)tokens) return;
    const int head = blockIdx.y, key_head = head / (heads / key_heads);
    const size stride = (size)(heads + 2 * key_heads) * dimension;
    const Place place = places[token];
    const T* keys = qkv + (size)(heads + key_head) * dimension;
    const T* values = keys + (size)key_heads * dimension;
    float q[MOST], sum[MOST], other[MOST];
    take(q, qkv + token * stride + (size)head * dimension, lane, dimension);
    for (int n = 0; n < MOST; n++) sum[n] = 0.0f;
    float largest = -INFINITY, weight = 0.0f;
    for (size j = place.begin; j <= token; j++) {
        // Between what all see and what is its own lies what others own.
        if (j >= (size)place.shared && j < (size)place.first) j = place.first;
        take(other, keys + j * stride, lane, dimension);
        const float score = dot(q, other) * scale;
        const float before = largest;
        largest = fmaxf(largest, score);
        const float fade = expf(before - largest), p = expf(score - largest);
        weight = weight * fade + p;
        take(other, values + j * stride, lane, dimension);
        for (int n = 0; n < MOST; n++) sum[n] = sum[n] * fade + p * other[n];
    }
    leave(out + (token * heads + head) * dimension, sum, 1.0f / weight, lane, dimension);
    if (lane == 0) logsumexp[token * heads + head] = logf(weight) + largest;
}

// delta = the dot product of out and d_out of each head: a warp each. Grid (tokens / warps, heads).
template <class T>
__device__ void attend_delta(float* delta, const T* out, const T* d_out, int tokens, int heads, int dimension) {
    const int lane = threadIdx.x % WARP, head = blockIdx.y;
    const size token = (size)blockIdx.x * (blockDim.x / WARP) + threadIdx.x / WARP;
    if (token >= (size)tokens) return;
    const size at = (token * heads + head) * dimension;
    float sum = 0.0f;
    for (int d = lane; d < dimension; d += WARP) sum += number(out[at + d]) * number(d_out[at + d]);
    sum = warp_sum(sum);
    if (lane == 0) delta[token * heads + head] = sum;
}

// The gradient of queries. Grid (tokens / warps, heads of queries).
template <class T>
__device__ void attend_backward_query(
    T* d_qkv, const T* d_out, const float* delta, const float* logsumexp, const T* qkv, const Place* places, int tokens, int heads,
    int key_heads, int dimension, float scale) {
    const int lane = threadIdx.x % WARP;
    const size token = (size)blockIdx.x * (blockDim.x / WARP) + threadIdx.x / WARP;
    if (token >= (size)tokens) return;
    const int head = blockIdx.y, key_head = head / (heads / key_heads);
    const size stride = (size)(heads + 2 * key_heads) * dimension, at = token * heads + head;
    const Place place = places[token];
    const T* keys = qkv + (size)(heads + key_head) * dimension;
    const T* values = keys + (size)key_heads * dimension;
    float q[MOST], up[MOST], sum[MOST], other[MOST];
    take(q, qkv + token * stride + (size)head * dimension, lane, dimension);
    take(up, d_out + at * dimension, lane, dimension);
    for (int n = 0; n < MOST; n++) sum[n] = 0.0f;
    for (size j = place.begin; j <= token; j++) {
        if (j >= (size)place.shared && j < (size)place.first) j = place.first;
        take(other, values + j * stride, lane, dimension);
        const float d_p = dot(up, other);
        take(other, keys + j * stride, lane, dimension);
        const float p = expf(dot(q, other) * scale - logsumexp[at]);
        const float d_score = p * (d_p - delta[at]);
        for (int n = 0; n < MOST; n++) sum[n] += d_score * other[n];
    }
    leave(d_qkv + token * stride + (size)head * dimension, sum, scale, lane, dimension);
}

// The gradients of keys and values: over all that see the token, and all heads of queries that read this one. Grid (tokens / warps, heads
// of keys).
template <class T>
__device__ void attend_backward_key(
    T* d_qkv, const T* d_out, const float* delta, const float* logsumexp, const T* qkv, const Place* places, int tokens, int heads,
    int key_heads, int dimension, float scale) {
    const int lane = threadIdx.x % WARP;
    const size token = (size)blockIdx.x * (blockDim.x / WARP) + threadIdx.x / WARP;
    if (token >= (size)tokens) return;
    const int key_head = blockIdx.y, group = heads / key_heads;
    const size stride = (size)(heads + 2 * key_heads) * dimension;
    const size at = token * stride + (size)(heads + key_head) * dimension;
    const Place place = places[token];
    float k[MOST], v[MOST], d_k[MOST], d_v[MOST], other[MOST], up[MOST];
    take(k, qkv + at, lane, dimension);
    take(v, qkv + at + (size)key_heads * dimension, lane, dimension);
    for (int n = 0; n < MOST; n++) d_k[n] = d_v[n] = 0.0f;
    for (int head = key_head * group; head < (key_head + 1) * group; head++)
        for (size i = token; i < (size)place.end; i++) {
            // Documents ascend: the first that begins after this token, and all after it, do not see it.
            if (token >= (size)place.shared && (size)places[i].first > token) break;
            take(other, qkv + i * stride + (size)head * dimension, lane, dimension);
            take(up, d_out + (i * heads + head) * dimension, lane, dimension);
            const float p = expf(dot(other, k) * scale - logsumexp[i * heads + head]);
            const float d_score = p * (dot(up, v) - delta[i * heads + head]);
            for (int n = 0; n < MOST; n++) {
                d_v[n] += p * up[n];
                d_k[n] += d_score * other[n];
            }
        }
    leave(d_qkv + at, d_k, scale, lane, dimension);
    leave(d_qkv + at + (size)key_heads * dimension, d_v, 1.0f, lane, dimension);
}

#define KERNELS(T, suffix)                                                                                                       \
    KERNEL attend_##suffix(                                                                                  \
        T* out, float* logsumexp, const T* qkv, const Place* places, int tokens, int heads, int key_heads, int dimension,        \
        float scale) {                                                                                                           \
        attend(out, logsumexp, qkv, places, tokens, heads, key_heads, dimension, scale);                                         \
    }                                                                                                                            \
    KERNEL attend_delta_##suffix(                                                                            \
        float* delta, const T* out, const T* d_out, int tokens, int heads, int dimension) {                                      \
        attend_delta(delta, out, d_out, tokens, heads, dimension);                                                               \
    }                                                                                                                            \
    KERNEL attend_backward_query_##suffix(                                                                   \
        T* d_qkv, const T* d_out, const float* delta, const float* logsumexp, const T* qkv, const Place* places, int tokens,     \
        int heads, int key_heads, int dimension, float scale) {                                                                  \
        attend_backward_query(                                                                                                   \
            d_qkv, d_out, delta, logsumexp, qkv, places, tokens, heads, key_heads, dimension, scale);                            \
    }                                                                                                                            \
    KERNEL attend_backward_key_##suffix(                                                                     \
        T* d_qkv, const T* d_out, const float* delta, const float* logsumexp, const T* qkv, const Place* places, int tokens,     \
        int heads, int key_heads, int dimension, float scale) {                                                                  \
        attend_backward_key(d_qkv, d_out, delta, logsumexp, qkv, places, tokens, heads, key_heads, dimension, scale);            \
    }

KERNELS(float, f32)
KERNELS(bf16, bf16)
