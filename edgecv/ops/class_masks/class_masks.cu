// Of each box the mask of its own class, as probabilities: a block per box.
#include "edgecv/half.cuh"

template <class T>
__device__ __forceinline__ void class_masks(
    const T* masks, const int* ids, const int* counts, float* soft, int channels, int cells,
    int first)
{
    int k = blockIdx.x;
    bool live = k < counts[0];
    int channel = channels == 1 || !live ? 0 : ids[k] + first;
    bool known = live && channel < channels;
    const T* mask = masks + ((long long)k * channels + (known ? channel : 0)) * cells;
    for (int i = threadIdx.x; i < cells; i += blockDim.x)
        soft[(long long)k * cells + i] = known ? 1.0f / (1.0f + expf(-to_float(mask[i]))) : 0.0f;
}

extern "C" __global__ void class_masks_f32(
    const float* masks, const int* ids, const int* counts, float* soft, int channels, int cells,
    int first)
{
    class_masks(masks, ids, counts, soft, channels, cells, first);
}

extern "C" __global__ void class_masks_f16(
    const half_t* masks, const int* ids, const int* counts, float* soft, int channels, int cells,
    int first)
{
    class_masks(masks, ids, counts, soft, channels, cells, first);
}
