// CUDA twin of soft_argmax (contract: edgecv/ops/soft_argmax/__init__.py). A warp a map.
#include "edgecv/half.cuh"

constexpr int WARPS = 4;

__device__ float warp_sum(float value) {
  for (int step = 16; step > 0; step >>= 1) value += __shfl_down_sync(0xffffffffu, value, step);
  return value;
}

// A NaN counts as -inf.
template <class T>
__device__ float number(const T* map, int i) {
  const float value = to_float(map[i]);
  return is_nan(value) ? -EDGECV_INF : value;
}

template <class T>
__device__ void place_of(const T* maps, int count, int dimensions, int width, int height, int depth,
                         float beta, float* places) {
  const int lane = threadIdx.x & 31, joint = blockIdx.x * WARPS + (threadIdx.x >> 5);
  if (joint >= count) return;
  const int cells = width * height * depth;
  const T* map = maps + (int64_t)joint * cells;
  float top = -EDGECV_INF;
  for (int i = lane; i < cells; i += 32) top = fmaxf(top, number(map, i));
  for (int step = 16; step > 0; step >>= 1)
    top = fmaxf(top, __shfl_xor_sync(0xffffffffu, top, step));
  float sum = 0, sum_x = 0, sum_y = 0, sum_z = 0;
  if (top > -EDGECV_INF) {
    for (int i = lane; i < cells; i += 32) {
      const float value = number(map, i);
      const float weight = value == top ? 1.0f : expf(beta * (value - top));
      const int row = i / width;
      sum += weight;
      sum_x += weight * (float)(i - row * width);
      sum_y += weight * (float)(row % height);
      sum_z += weight * (float)(row / height);
    }
  }
  sum = warp_sum(sum);
  sum_x = warp_sum(sum_x);
  sum_y = warp_sum(sum_y);
  sum_z = warp_sum(sum_z);
  if (lane != 0) return;
  float* place = places + (int64_t)joint * (dimensions + 1);
  const bool any = sum > 0;
  place[0] = any ? sum_x / sum : 0.0f;
  if (dimensions > 1) place[1] = any ? sum_y / sum : 0.0f;
  if (dimensions > 2) place[2] = any ? sum_z / sum : 0.0f;
  place[dimensions] = any ? 1.0f / sum : 0.0f;
}

extern "C" __global__ void soft_argmax_places_f32(const float* maps, int count, int dimensions, int width,
                                                  int height, int depth, float beta, float* places) {
  place_of(maps, count, dimensions, width, height, depth, beta, places);
}

extern "C" __global__ void soft_argmax_places_f16(const half_t* maps, int count, int dimensions, int width,
                                                  int height, int depth, float beta, float* places) {
  place_of(maps, count, dimensions, width, height, depth, beta, places);
}
