// AdamW with decoupled decay: Loshchilov and Hutter, "Decoupled Weight Decay Regularization", 2019.

// `rate` is the learning rate over the first moment's correction, `root` one over the root of the second's, `shrink` one less rate · decay.
// `shadow`, where it is not null, takes what products read. The gradient is cleared.
KERNEL adamw(
    float* parameter, bf16* shadow, float* gradient, float* first, float* second, size length, float gradient_scale, float beta1,
    float beta2, float rate, float root, float epsilon, float shrink) {
    for (size i = (size)blockIdx.x * blockDim.x + threadIdx.x; i < length; i += (size)gridDim.x * blockDim.x) {
        const float g = gradient[i] * gradient_scale;
        const float m = beta1 * first[i] + (1.0f - beta1) * g;
        const float v = beta2 * second[i] + (1.0f - beta2) * g * g;
        const float p = parameter[i] * shrink - rate * m / (sqrtf(v) * root + epsilon);
        first[i] = m;
        second[i] = v;
        parameter[i] = p;
        gradient[i] = 0.0f;
        if (shadow) shadow[i] = rounded(p);
    }
}
