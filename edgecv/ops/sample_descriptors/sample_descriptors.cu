// CUDA twin of sample_descriptors (contract: edgecv/ops/sample_descriptors/__init__.py). A block of
// 128 threads a keypoint, a thread every 128th channel; images in blockIdx.y.
#include "edgecv/half.cuh"

constexpr int THREADS = 128;
constexpr float SMALLEST = 1e-12f;

// The sum of all threads' values, in every thread, always in the same order.
__device__ float sum_of_block(float mine) {
  __shared__ float sums[THREADS / 32];
  for (int step = 16; step > 0; step >>= 1) mine += __shfl_down_sync(0xffffffffu, mine, step);
  if ((threadIdx.x & 31) == 0) sums[threadIdx.x >> 5] = mine;
  __syncthreads();
  float sum = 0.f;
  for (int warp = 0; warp < THREADS / 32; ++warp) sum += sums[warp];
  return sum;
}

// A point along one axis: the cell before it, the one after it, and how far it is between them.
__device__ float between_cells(float point, float factor, float offset, int side, int& before, int& after) {
  float place = point * factor + offset;
  place = place < 0.f ? 0.f : place > side - 1 ? side - 1 : place;
  before = min(static_cast<int>(place), max(side - 2, 0));
  after = min(before + 1, side - 1);
  return place - before;
}

__device__ bool is_finite(float value) { return value - value == 0.f; }

template <class T>
__device__ void sample_point(const T* maps, int depth, int height, int width, const float* points,
                             const int* count, int k, const float* rule, float* descriptors) {
  const int image = blockIdx.y, cells = height * width;
  const long long row = static_cast<long long>(image) * k + blockIdx.x;
  float* out = descriptors + row * depth;
  if (count != nullptr && static_cast<int>(blockIdx.x) >= count[image]) {
    for (int c = threadIdx.x; c < depth; c += THREADS) out[c] = 0.f;
    return;
  }
  const float px = points[2 * row], py = points[2 * row + 1];
  if (!is_finite(px) || !is_finite(py)) {
    for (int c = threadIdx.x; c < depth; c += THREADS) out[c] = __int_as_float(0x7fc00000);
    return;
  }
  int left, right, above, below;
  const float u = between_cells(px, rule[0], rule[1], width, left, right);
  const float v = between_cells(py, rule[2], rule[3], height, above, below);
  maps += static_cast<long long>(image) * depth * cells;
  float squares = 0.f;
  for (int c = threadIdx.x; c < depth; c += THREADS) {
    const T* map = maps + static_cast<long long>(c) * cells;
    const T *upper = map + above * width, *lower = map + below * width;
    const float first = to_float(upper[left]) * (1.f - u) + to_float(upper[right]) * u;
    const float second = to_float(lower[left]) * (1.f - u) + to_float(lower[right]) * u;
    const float value = first * (1.f - v) + second * v;
    out[c] = value;
    squares += value * value;
  }
  const float norm = sqrtf(sum_of_block(squares));
  const float scale = norm < SMALLEST ? SMALLEST : norm;  // a NaN stays one
  for (int c = threadIdx.x; c < depth; c += THREADS) out[c] /= scale;
}

extern "C" __global__ void sample_descriptors_f32(const float* maps, int depth, int height, int width,
                                                  const float* points, const int* count, int k,
                                                  const float* rule, float* descriptors) {
  sample_point(maps, depth, height, width, points, count, k, rule, descriptors);
}

extern "C" __global__ void sample_descriptors_f16(const half_t* maps, int depth, int height, int width,
                                                  const float* points, const int* count, int k,
                                                  const float* rule, float* descriptors) {
  sample_point(maps, depth, height, width, points, count, k, rule, descriptors);
}
