// What comes before a CRF on the device; see edgecv/ops/refine.
#include "edgecv/half.cuh"
#include "edgecv/types.cuh"

// The picture in a network's input: (B, C, N) floats of one or three channels -> (B, N, 3).
// `levels`: mean, then std, C of each. blockIdx.y: the picture.
template <typename T>
__device__ inline void pixels(const T* input, const float* levels, int channels, int count, uint8_t* out) {
  const int i = blockIdx.x * blockDim.x + threadIdx.x;
  if (i >= count) return;
  const T* plane = input + static_cast<int64_t>(blockIdx.y) * channels * count;
  uint8_t* pixel = out + (static_cast<int64_t>(blockIdx.y) * count + i) * 3;
  for (int c = 0; c < 3; ++c) {
    const int from = channels == 1 ? 0 : c;
    float value = rintf(to_float(plane[static_cast<int64_t>(from) * count + i]) * levels[channels + from] + levels[from]);
    value = value > 0.0f ? value : 0.0f;
    pixel[c] = static_cast<uint8_t>(value < 255.0f ? value : 255.0f);
  }
}

extern "C" __global__ void refine_pixels_f32(const float* input, const float* levels, int channels, int count, uint8_t* out) {
  pixels(input, levels, channels, count, out);
}

extern "C" __global__ void refine_pixels_f16(const half_t* input, const float* levels, int channels, int count, uint8_t* out) {
  pixels(input, levels, channels, count, out);
}

// Scores (planes, h, w) -> (planes, H, W). `index` and `share`: the lower and upper source row of
// each output row and how far it is to the upper, then the same of columns. blockIdx.y: the plane.
template <typename T>
__device__ inline void enlarge(
    const T* scores, const int* index, const float* share, int from_high, int from_wide, int high, int wide, float* out) {
  const int i = blockIdx.x * blockDim.x + threadIdx.x;
  if (i >= high * wide) return;
  const int y = i / wide, x = i % wide;
  const int *rows = index, *columns = index + 2 * high;
  const T* plane = scores + static_cast<int64_t>(blockIdx.y) * from_high * from_wide;
  const T *upper = plane + rows[y] * from_wide, *lower = plane + rows[high + y] * from_wide;
  const int left = columns[x], right = columns[wide + x];
  const float a = to_float(upper[left]), b = to_float(upper[right]), down = share[y], across = share[high + x];
  const float first = a + down * (to_float(lower[left]) - a), second = b + down * (to_float(lower[right]) - b);
  out[static_cast<int64_t>(blockIdx.y) * high * wide + i] = first + across * (second - first);
}

extern "C" __global__ void refine_enlarge_f32(
    const float* scores, const int* index, const float* share, int from_high, int from_wide, int high, int wide, float* out) {
  enlarge(scores, index, share, from_high, from_wide, high, wide, out);
}

extern "C" __global__ void refine_enlarge_f16(
    const half_t* scores, const int* index, const float* share, int from_high, int from_wide, int high, int wide, float* out) {
  enlarge(scores, index, share, from_high, from_wide, high, wide, out);
}
