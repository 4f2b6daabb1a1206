// CUDA twin of cell_scores (contract: edgecv/ops/cell_scores/__init__.py): a thread a cell, so that
// neighbouring threads read neighbouring cells of each channel.
#include "edgecv/half.cuh"

template <class T>
__device__ void scores_of_cell(const T* logits, int side, int height, int width, float* scores) {
  const int cells = height * width, cell = blockIdx.x * blockDim.x + threadIdx.x;
  if (cell >= cells) return;
  const int pixels = side * side;
  const T* here = logits + static_cast<long long>(blockIdx.y) * (pixels + 1) * cells + cell;
  float highest = -EDGECV_INF;
  bool broken = false;
  for (int c = 0; c <= pixels; ++c) {
    const float value = to_float(here[static_cast<long long>(c) * cells]);
    broken = broken || is_nan(value);
    if (value > highest) highest = value;
  }
  if (broken) highest = __int_as_float(0x7fc00000);
  float sum = 0.f;
  for (int c = 0; c <= pixels; ++c) sum += expf(to_float(here[static_cast<long long>(c) * cells]) - highest);
  const int x = cell % width * side, y = cell / width * side, pitch = width * side;
  float* out = scores + static_cast<long long>(blockIdx.y) * pixels * cells;
  for (int c = 0; c < pixels; ++c) {
    const float value = expf(to_float(here[static_cast<long long>(c) * cells]) - highest) / sum;
    out[static_cast<long long>(y + c / side) * pitch + x + c % side] = value;
  }
}

extern "C" __global__ void cell_scores_f32(const float* logits, int side, int height, int width,
                                           float* scores) {
  scores_of_cell(logits, side, height, width, scores);
}

extern "C" __global__ void cell_scores_f16(const half_t* logits, int side, int height, int width,
                                           float* scores) {
  scores_of_cell(logits, side, height, width, scores);
}
