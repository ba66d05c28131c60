// Softmax and cross-entropy over the logits of one token: a block a token, of at most 1024 threads.

// losses[t] = weights[t] · (log Σ exp(logits) − logits[target]); where d_logits is not null,
// d_logits = weights[t] · (softmax(logits) − [c = target]). d_logits may be the logits themselves where the type is the same.
//
// A token of weight 0 costs no reading: its target may be of no meaning.
template <class T>
__device__ void cross_entropy(
    float* losses, T* d_logits, const float* logits, const unsigned* targets, const float* weights, int vocabulary) {
    const float weight = weights[blockIdx.x];
    const float* at = logits + (size)blockIdx.x * vocabulary;
    T* to = d_logits + (size)blockIdx.x * vocabulary;
    if (weight == 0.0f) {
        if (threadIdx.x == 0) losses[blockIdx.x] = 0.0f;
        if (d_logits)
            for (int c = threadIdx.x; c < vocabulary; c += blockDim.x) put(to[c], 0.0f);
        return;
    }
    const int target = (int)targets[blockIdx.x];
    // The largest so far, and the sum relative to it, in one reading.
    float largest = -INFINITY, sum = 0.0f;
    for (int c = threadIdx.x; c < vocabulary; c += blockDim.x) {
        const float x = at[c];
        if (x > largest) {
            sum *= expf(largest - x);
            largest = x;
        }
        sum += expf(x - largest);
    }
    const float all = block_max(largest);
    // A thread beyond the vocabulary has none: its sum is 0, and −∞ less something finite is fine.
    sum = block_sum(sum * expf(largest - all));
    if (threadIdx.x == 0) losses[blockIdx.x] = weight * (logf(sum) + all - at[target]);
    if (!d_logits) return;
    const float scale = weight / sum;
    // The target is read above before it is written below.
    __syncthreads();
    for (int c = threadIdx.x; c < vocabulary; c += blockDim.x) {
        const float gradient = scale * expf(at[c] - all);
        put(to[c], c == target ? gradient - weight : gradient);
    }
}

KERNEL cross_entropy_f32(
    float* losses, float* d_logits, const float* logits, const unsigned* targets, const float* weights, int vocabulary) {
    cross_entropy(losses, d_logits, logits, targets, weights, vocabulary);
}
KERNEL cross_entropy_bf16(
    float* losses, bf16* d_logits, const float* logits, const unsigned* targets, const float* weights, int vocabulary) {
    cross_entropy(losses, d_logits, logits, targets, weights, vocabulary);
}
