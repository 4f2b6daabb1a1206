// Which coefficients belong to the boxes that suppression kept: a thread per value.
#include "edgecv/half.cuh"

// coefficients (B, A, k); chosen (B, K): score index = anchor * classes + class of each candidate;
// keep (B, N): which candidates are kept, kept (B); out (B, N, k), zero beyond the count.
template <class T>
__device__ __forceinline__ void prototypes_gather(
    const T* coefficients, const int* chosen, const int* keep, const int* kept, float* out,
    int anchors, int classes, int candidates, int limit, int k)
{
    int i = blockIdx.x * blockDim.x + threadIdx.x, image = blockIdx.y;
    if (i >= limit * k) return;
    int n = i / k, p = i % k;
    float value = 0.0f;
    if (n < kept[image]) {
        int candidate = keep[image * limit + n];
        int anchor = chosen[image * candidates + candidate] / classes;
        value = to_float(coefficients[((long long)image * anchors + anchor) * k + p]);
    }
    out[(long long)image * limit * k + i] = value;
}

extern "C" __global__ void prototypes_gather_f32(
    const float* coefficients, const int* chosen, const int* keep, const int* kept, float* out,
    int anchors, int classes, int candidates, int limit, int k)
{
    prototypes_gather(coefficients, chosen, keep, kept, out, anchors, classes, candidates, limit, k);
}

extern "C" __global__ void prototypes_gather_f16(
    const half_t* coefficients, const int* chosen, const int* keep, const int* kept, float* out,
    int anchors, int classes, int candidates, int limit, int k)
{
    prototypes_gather(coefficients, chosen, keep, kept, out, anchors, classes, candidates, limit, k);
}
