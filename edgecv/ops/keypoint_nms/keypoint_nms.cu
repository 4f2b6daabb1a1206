// CUDA twin of keypoint_nms (contract: edgecv/ops/keypoint_nms/__init__.py). A state a pixel; in a
// round `keep` finds keypoints from the states before it, then `drop` hides their windows. The best
// of the keypoints are selected by edgecv/select.cuh. An image in blockIdx.y.
#include "edgecv/select.cuh"

enum State { UNDECIDED = 0, KEPT = 1, DROPPED = 2 };

// One thread a pixel. In the first round all pixels are undecided, whatever `states` holds.
template <class T>
__device__ void keep_best(const T* scores, int height, int width, int radius, int first,
                          const float* threshold, uint8_t* states) {
  const int i = blockIdx.x * blockDim.x + threadIdx.x;
  if (i >= height * width) return;
  const long long skip = static_cast<long long>(blockIdx.y) * height * width;
  scores += skip;
  states += skip;
  if (!first && states[i] != UNDECIDED) return;
  const float value = to_float(scores[i]);
  bool best = !is_nan(value) && order_key(value) >= select_floor(threshold[0]);
  const int x = i % width, y = i / width;
  for (int v = max(0, y - radius); best && v <= min(height - 1, y + radius); ++v) {
    for (int u = max(0, x - radius); best && u <= min(width - 1, x + radius); ++u) {
      const int at = v * width + u;
      const float other = to_float(scores[at]);
      const bool better = other > value || (other == value && at < i);
      // One kept in this round still competes; one kept in an earlier round has dropped us.
      if (better && (first || states[at] != DROPPED)) best = false;
    }
  }
  if (first || best) states[i] = best ? KEPT : UNDECIDED;
}

extern "C" __global__ void keypoint_nms_keep_f32(const float* scores, int height, int width, int radius,
                                                 int first, const float* threshold, uint8_t* states) {
  keep_best(scores, height, width, radius, first, threshold, states);
}

extern "C" __global__ void keypoint_nms_keep_f16(const half_t* scores, int height, int width, int radius,
                                                 int first, const float* threshold, uint8_t* states) {
  keep_best(scores, height, width, radius, first, threshold, states);
}

// Keypoints hide all others in their window; no keypoint lies in another's window.
extern "C" __global__ void keypoint_nms_drop(int height, int width, int radius, uint8_t* states) {
  const int i = blockIdx.x * blockDim.x + threadIdx.x;
  if (i >= height * width) return;
  states += static_cast<long long>(blockIdx.y) * height * width;
  if (states[i] != KEPT) return;
  const int x = i % width, y = i / width;
  for (int v = max(0, y - radius); v <= min(height - 1, y + radius); ++v)
    for (int u = max(0, x - radius); u <= min(width - 1, x + radius); ++u)
      if (v * width + u != i) states[v * width + u] = DROPPED;
}

template <class T>
struct Keypoints {
  const T* scores;
  const uint8_t* states;
  int height, width, border;

  __device__ unsigned key(int image, int i, unsigned floor) const {
    const long long at = static_cast<long long>(image) * height * width + i;
    const int x = i % width, y = i / width;
    const bool inside = min(x, width - 1 - x) >= border && min(y, height - 1 - y) >= border;
    return inside && states[at] == KEPT ? order_key(to_float(scores[at])) : 0u;
  }
};

extern "C" __global__ void __launch_bounds__(1024)
keypoint_nms_small_f32(const float* scores, const uint8_t* states, int height, int width, int border, int n,
                 const int* count, const float* threshold, int k, int* index, float* value, int* kept, int* total) {
  const Keypoints<float> source = {scores, states, height, width, border};
  select_small(source, n, count, threshold, k, index, value, kept, total);
}

extern "C" __global__ void __launch_bounds__(1024)
keypoint_nms_small_f16(const half_t* scores, const uint8_t* states, int height, int width, int border, int n,
                 const int* count, const float* threshold, int k, int* index, float* value, int* kept, int* total) {
  const Keypoints<half_t> source = {scores, states, height, width, border};
  select_small(source, n, count, threshold, k, index, value, kept, total);
}

extern "C" __global__ void
keypoint_nms_histogram_f32(const float* scores, const uint8_t* states, int height, int width, int border, int n,
                 const int* count, const float* threshold, int k, int pass, int* bins, SelectState* found, int* kept, int* total) {
  const Keypoints<float> source = {scores, states, height, width, border};
  select_histogram(source, n, count, threshold, k, pass, bins, found, kept, total);
}

extern "C" __global__ void
keypoint_nms_histogram_f16(const half_t* scores, const uint8_t* states, int height, int width, int border, int n,
                 const int* count, const float* threshold, int k, int pass, int* bins, SelectState* found, int* kept, int* total) {
  const Keypoints<half_t> source = {scores, states, height, width, border};
  select_histogram(source, n, count, threshold, k, pass, bins, found, kept, total);
}

extern "C" __global__ void
keypoint_nms_count_f32(const float* scores, const uint8_t* states, int height, int width, int border, int n,
                 const int* count, const float* threshold, int k, int* bins, SelectState* found, int* counts, int* kept, int* total) {
  const Keypoints<float> source = {scores, states, height, width, border};
  select_count(source, n, count, threshold, k, bins, found, counts, kept, total);
}

extern "C" __global__ void
keypoint_nms_count_f16(const half_t* scores, const uint8_t* states, int height, int width, int border, int n,
                 const int* count, const float* threshold, int k, int* bins, SelectState* found, int* counts, int* kept, int* total) {
  const Keypoints<half_t> source = {scores, states, height, width, border};
  select_count(source, n, count, threshold, k, bins, found, counts, kept, total);
}

extern "C" __global__ void
keypoint_nms_scatter_f32(const float* scores, const uint8_t* states, int height, int width, int border, int n,
                 const int* count, const float* threshold, int k, int* bins, const SelectState* found, const int* counts, unsigned* keys, int* index) {
  const Keypoints<float> source = {scores, states, height, width, border};
  select_scatter(source, n, count, threshold, k, bins, found, counts, keys, index);
}

extern "C" __global__ void
keypoint_nms_scatter_f16(const half_t* scores, const uint8_t* states, int height, int width, int border, int n,
                 const int* count, const float* threshold, int k, int* bins, const SelectState* found, const int* counts, unsigned* keys, int* index) {
  const Keypoints<half_t> source = {scores, states, height, width, border};
  select_scatter(source, n, count, threshold, k, bins, found, counts, keys, index);
}

// Pixel centres of the selected indices; (0, 0) beyond `kept`.
extern "C" __global__ void keypoint_nms_points(const int* index, const int* kept, int width, int k,
                                               float* points) {
  const int i = blockIdx.x * blockDim.x + threadIdx.x;
  if (i >= k) return;
  const int row = blockIdx.y, at = row * k + i;
  const bool real = i < kept[row];
  points[2 * at] = real ? static_cast<float>(index[at] % width) + 0.5f : 0.f;
  points[2 * at + 1] = real ? static_cast<float>(index[at] / width) + 0.5f : 0.f;
}
