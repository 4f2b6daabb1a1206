// RoIPool: a block per (bin row, box, image), its threads share channels and bins of that row.
#include "edgecv/half.cuh"

#define ROI_POOL_FAR 1048576.0f

__device__ __forceinline__ int roi_pool_round(float v)
{
    v = fminf(fmaxf(v, -ROI_POOL_FAR), ROI_POOL_FAR);
    float whole = truncf(v);
    return (int)(fabsf(v - whole) >= 0.5f ? whole + (v < 0.0f ? -1.0f : 1.0f) : whole);
}

__device__ __forceinline__ int roi_pool_clip(int v, int cells)
{
    return v < 0 ? 0 : v > cells ? cells : v;
}

struct RoiPoolShape { int capacity, channels, height, width, rows, columns; };

template <class T>
__device__ __forceinline__ void roi_pool_row(
    const T* feature, const float* boxes, const int* counts, T* out, RoiPoolShape s, float scale)
{
    int row = blockIdx.x, k = blockIdx.y, image = blockIdx.z;
    long long roi = (long long)image * s.capacity + k;
    const float* box = boxes + roi * 4;
    const T* planes = feature + (long long)image * s.channels * s.height * s.width;
    T* target = out + (roi * s.channels * s.rows + row) * s.columns;
    int left = 0, top = 0, bottom = 0, length = 0;
    float x0 = box[0] * scale, y0 = box[1] * scale, x1 = box[2] * scale, y1 = box[3] * scale;
    float sum = (x0 - x0) + (y0 - y0) + (x1 - x1) + (y1 - y1);  // 0 if all of them are finite
    if (k < counts[image] && sum == 0.0f) {
        int first = roi_pool_round(y0), height = roi_pool_round(y1) - first + 1;
        height = height < 1 ? 1 : height;
        left = roi_pool_round(x0);
        length = roi_pool_round(x1) - left + 1;
        length = length < 1 ? 1 : length;
        top = roi_pool_clip(first + row * height / s.rows, s.height);
        bottom = roi_pool_clip(first + ((row + 1) * height + s.rows - 1) / s.rows, s.height);
    }
    for (int i = threadIdx.x; i < s.channels * s.columns; i += blockDim.x) {
        int c = i / s.columns, bin = i % s.columns;
        int begin = roi_pool_clip(left + bin * length / s.columns, s.width);
        int end = roi_pool_clip(left + ((bin + 1) * length + s.columns - 1) / s.columns, s.width);
        const T* plane = planes + (long long)c * s.height * s.width;
        T best = T();  // 0 in both types
        bool any = false;
        float most = 0.0f;
        for (int y = top; y < bottom; ++y)
            for (int x = begin; x < end; ++x) {
                float v = to_float(plane[y * s.width + x]);
                if (any ? v > most : v >= -3.4028235e38f) {
                    most = v;
                    best = plane[y * s.width + x];
                    any = true;
                }
            }
        target[(long long)c * s.rows * s.columns + bin] = best;
    }
}

extern "C" __global__ void roi_pool_f32(
    const float* feature, const float* boxes, const int* counts, float* out, int capacity,
    int channels, int height, int width, int rows, int columns, float scale)
{
    RoiPoolShape s = {capacity, channels, height, width, rows, columns};
    roi_pool_row(feature, boxes, counts, out, s, scale);
}

extern "C" __global__ void roi_pool_f16(
    const half_t* feature, const float* boxes, const int* counts, half_t* out, int capacity,
    int channels, int height, int width, int rows, int columns, float scale)
{
    RoiPoolShape s = {capacity, channels, height, width, rows, columns};
    roi_pool_row(feature, boxes, counts, out, s, scale);
}
