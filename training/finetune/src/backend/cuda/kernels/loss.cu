// Softmax and cross-entropy over the logits of one token: a block a token, of at most 1024 threads.

// The largest of a token's logits, and the sum of their exponentials relative to it, in one reading.
__device__ void normalise(float& largest, float& sum, const float* logits, int vocabulary) {
    float own_largest = -INFINITY, own = 0.0f;
    for (int c = threadIdx.x; c < vocabulary; c += blockDim.x) {
        const float x = logits[c];
        if (x > own_largest) {
            own *= expf(own_largest - x);
            own_largest = x;
        }
        own += expf(x - own_largest);
    }
    largest = block_max(own_largest);
    // A thread beyond the vocabulary has none: its sum is 0, and −∞ less something finite is fine.
    sum = block_sum(own * expf(own_largest - largest));
}

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
    float all, sum;
    normalise(all, sum, at, vocabulary);
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

// losses[t] = weights[t] · Σ p · log(p / q), with p = softmax(targets) and q = softmax(logits); where d_logits is not null,
// d_logits = weights[t] · (q − p). d_logits may be the logits themselves where the type is the same.
template <class T>
__device__ void divergence(
    float* losses, T* d_logits, const float* logits, const float* targets, const float* weights, int vocabulary) {
    const float weight = weights[blockIdx.x];
    const float* at = logits + (size)blockIdx.x * vocabulary;
    const float* wanted = targets + (size)blockIdx.x * vocabulary;
    T* to = d_logits + (size)blockIdx.x * vocabulary;
    float all, sum, all_wanted, sum_wanted;
    normalise(all, sum, at, vocabulary);
    normalise(all_wanted, sum_wanted, wanted, vocabulary);
    const float scale = 1.0f / sum, scale_wanted = 1.0f / sum_wanted;
    float apart = 0.0f;
    for (int c = threadIdx.x; c < vocabulary; c += blockDim.x) {
        const float own = at[c] - all, other = wanted[c] - all_wanted;
        const float share = expf(other) * scale_wanted;
        apart += share * (other - own);
        if (d_logits) put(to[c], weight * (expf(own) * scale - share));
    }
    apart = block_sum(apart);
    if (threadIdx.x == 0) losses[blockIdx.x] = weight * (apart + logf(sum) - logf(sum_wanted));
}

KERNEL cross_entropy_f32(
    float* losses, float* d_logits, const float* logits, const unsigned* targets, const float* weights, int vocabulary) {
    cross_entropy(losses, d_logits, logits, targets, weights, vocabulary);
}
KERNEL cross_entropy_bf16(
    float* losses, bf16* d_logits, const float* logits, const unsigned* targets, const float* weights, int vocabulary) {
    cross_entropy(losses, d_logits, logits, targets, weights, vocabulary);
}
KERNEL divergence_f32(
    float* losses, float* d_logits, const float* logits, const float* targets, const float* weights, int vocabulary) {
    divergence(losses, d_logits, logits, targets, weights, vocabulary);
}
KERNEL divergence_bf16(
    float* losses, bf16* d_logits, const float* logits, const float* targets, const float* weights, int vocabulary) {
    divergence(losses, d_logits, logits, targets, weights, vocabulary);
}
