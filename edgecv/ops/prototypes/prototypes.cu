// YOLACT's masks. First a block per image decides which cells each instance needs and where its
// crop goes (sizes in parallel, offsets by one thread in the order of the instances, so that what
// an overflow drops does not depend on luck); then a thread per cell sums over the prototypes.
#include "edgecv/half.cuh"

#define PROTOTYPES_MOST 1024  // instances an image

__device__ __forceinline__ float prototypes_clamp(float v, float limit)
{
    return fminf(fmaxf(v, 0.0f), limit);
}

// boxes (B, N, 4) in input pixels, times scale = cells. places (B, N, 3): first cell, height,
// width; cells (B, N, 4): xyxy; dropped (B): instances whose crop did not fit into `room` cells.
extern "C" __global__ void prototypes_places(
    const float* boxes, const int* counts, int* places, int* cells, int* dropped,
    int capacity, int height, int width, float scale_x, float scale_y, int room)
{
    __shared__ int sizes[PROTOTYPES_MOST];
    int image = blockIdx.x, count = counts[image];
    count = count < capacity ? count : capacity;
    for (int n = threadIdx.x; n < capacity; n += blockDim.x) {
        const float* box = boxes + ((long long)image * capacity + n) * 4;
        int* cell = cells + (image * capacity + n) * 4;
        int* place = places + (image * capacity + n) * 3;
        float x0 = box[0] * scale_x, y0 = box[1] * scale_y;
        float x1 = box[2] * scale_x, y1 = box[3] * scale_y;
        bool finite = (x0 - x0) + (y0 - y0) + (x1 - x1) + (y1 - y1) == 0.0f;
        x0 = prototypes_clamp(x0, (float)width), x1 = prototypes_clamp(x1, (float)width);
        y0 = prototypes_clamp(y0, (float)height), y1 = prototypes_clamp(y1, (float)height);
        int used = n < count && finite && x1 > x0 && y1 > y0;
        cell[0] = used ? (int)floorf(x0 - 0.5f) : 0;
        cell[1] = used ? (int)floorf(y0 - 0.5f) : 0;
        cell[2] = used ? (int)floorf(x1 - 0.5f) + 2 : 0;
        cell[3] = used ? (int)floorf(y1 - 0.5f) + 2 : 0;
        place[1] = cell[3] - cell[1];
        place[2] = cell[2] - cell[0];
        sizes[n] = place[1] * place[2];
    }
    __syncthreads();
    if (threadIdx.x == 0) {
        int next = 0, lost = 0;
        for (int n = 0; n < capacity; ++n) {
            int size = sizes[n];
            bool fits = size <= room - next;
            sizes[n] = fits ? next : -1;
            next += fits ? size : 0;
            lost += !fits;
        }
        dropped[image] = lost;
    }
    __syncthreads();
    for (int n = threadIdx.x; n < capacity; n += blockDim.x) {
        int* place = places + (image * capacity + n) * 3;
        if (sizes[n] < 0) place[1] = place[2] = 0;
        place[0] = image * room + (sizes[n] < 0 ? 0 : sizes[n]);
    }
}

// strides of prototype, row and column in elements; grid (tiles, N, B)
template <class In, class Out>
__device__ __forceinline__ void prototypes_sum(
    const In* maps, const float* coefficients, const int* places, const int* cells, Out* soft,
    int capacity, int k, int height, int width, int step, int row, int column)
{
    int n = blockIdx.y, image = blockIdx.z, at = blockIdx.x * blockDim.x + threadIdx.x;
    int i = image * capacity + n;
    const int* place = places + i * 3;
    const int* cell = cells + i * 4;
    if (at >= place[1] * place[2]) return;
    int y = cell[1] + at / place[2], x = cell[0] + at % place[2];
    y = y < 0 ? 0 : y < height ? y : height - 1;
    x = x < 0 ? 0 : x < width ? x : width - 1;
    const In* map = maps + (long long)image * k * height * width + y * row + x * column;
    const float* weights = coefficients + (long long)i * k;
    float logit = 0.0f;
    for (int p = 0; p < k; ++p) logit += weights[p] * to_float(map[(long long)p * step]);
    store_float(soft + place[0] + at, 1.0f / (1.0f + expf(-logit)));
}

extern "C" __global__ void prototypes_f32_f32(
    const float* maps, const float* coefficients, const int* places, const int* cells, float* soft,
    int capacity, int k, int height, int width, int step, int row, int column)
{
    prototypes_sum(maps, coefficients, places, cells, soft, capacity, k, height, width, step, row,
                   column);
}

extern "C" __global__ void prototypes_f32_f16(
    const float* maps, const float* coefficients, const int* places, const int* cells, half_t* soft,
    int capacity, int k, int height, int width, int step, int row, int column)
{
    prototypes_sum(maps, coefficients, places, cells, soft, capacity, k, height, width, step, row,
                   column);
}

extern "C" __global__ void prototypes_f16_f32(
    const half_t* maps, const float* coefficients, const int* places, const int* cells, float* soft,
    int capacity, int k, int height, int width, int step, int row, int column)
{
    prototypes_sum(maps, coefficients, places, cells, soft, capacity, k, height, width, step, row,
                   column);
}

extern "C" __global__ void prototypes_f16_f16(
    const half_t* maps, const float* coefficients, const int* places, const int* cells, half_t* soft,
    int capacity, int k, int height, int width, int step, int row, int column)
{
    prototypes_sum(maps, coefficients, places, cells, soft, capacity, k, height, width, step, row,
                   column);
}
