// Scores and boxes of anchor deltas: the CUDA twin of edgecv/ops/anchors. Scores are (B, A, columns),
// deltas (B, A, 4), anchors (A, 4) centre and size. Rows of the batch in blockIdx.y.
#include "edgecv/boxes.cuh"

constexpr int ANCHORS_SIGMOID = 1, ANCHORS_YXHW = 2;

// A warp per anchor: softmax over its columns; values is (B, A, columns - 1) without the background.
template <class T>
__device__ void anchors_softmax(const T* scores, int count, int columns, int background, float* values) {
  const int lane = threadIdx.x & 31, anchor = (blockIdx.x * blockDim.x + threadIdx.x) >> 5;
  if (anchor >= count) return;  // all lanes of a warp alike
  const long long row = blockIdx.y * static_cast<long long>(count) + anchor;
  const T* from = scores + row * columns;
  float top = -EDGECV_INF, bad = 0.0f;
  for (int c = lane; c < columns; c += 32) {
    const float x = to_float(from[c]);
    if (is_nan(x)) bad = 1.0f;
    top = fmaxf(top, x);
  }
  for (int step = 16; step > 0; step >>= 1) {
    top = fmaxf(top, __shfl_xor_sync(0xffffffffu, top, step));
    bad = fmaxf(bad, __shfl_xor_sync(0xffffffffu, bad, step));
  }
  float sum = 0.0f;
  for (int c = lane; c < columns; c += 32) sum += expf(to_float(from[c]) - top);
  for (int step = 16; step > 0; step >>= 1) sum += __shfl_xor_sync(0xffffffffu, sum, step);
  float* to = values + row * (columns - 1);
  for (int c = lane; c < columns; c += 32) {
    if (c == background) continue;
    const float share = expf(to_float(from[c]) - top) / sum;
    to[c - (c > background)] = bad > 0.0f ? box_no_score() : share;
  }
}

// Puts the best of one level behind those of the levels before: merged is (B, width) scores, places
// (B, width) their indices among all scores. Entries beyond a level's count are no scores. Levels come
// one after another in a stream: sums (B,) becomes how many scores of all reached the threshold.
extern "C" __global__ void anchors_merge(const int* index, const float* value, const int* kept,
                                         const int* total, int k, int first, int start, int width,
                                         float* merged, int* places, int* sums) {
  const int i = blockIdx.x * blockDim.x + threadIdx.x, row = blockIdx.y;
  if (i == 0) sums[row] = (start ? sums[row] : 0) + total[row];
  if (i >= k) return;
  const bool real = i < kept[row];
  merged[row * width + start + i] = real ? value[row * k + i] : box_no_score();
  places[row * width + start + i] = real ? first + index[row * k + i] : -1;
}

struct AnchorsCoder {
  float vx, vy, vw, vh, clamp, height, width;  // no clipping where height is 0
};

// A thread per chosen score. places: index of the merged scores -> of all scores, or null.
template <class T>
__device__ void anchors_boxes(const T* deltas, const float* anchors, const int* places, int width,
                              const int* index, const float* value, int count, int classes, int flags,
                              AnchorsCoder coder, int k, BoxOutputs out) {
  const int i = blockIdx.x * blockDim.x + threadIdx.x, at = blockIdx.y * k + i;
  if (i >= k) return;
  int chosen = index[at];
  if (chosen < 0) return out.clear(at);
  if (places != nullptr) chosen = places[blockIdx.y * width + chosen];
  const int anchor = chosen / classes, id = chosen % classes;
  const T* delta = deltas + 4 * (blockIdx.y * static_cast<long long>(count) + anchor);
  const int swap = flags & ANCHORS_YXHW ? 1 : 0;
  const float dx = to_float(delta[swap]) * coder.vx, dy = to_float(delta[1 - swap]) * coder.vy;
  const float dw = to_float(delta[2 + swap]) * coder.vw, dh = to_float(delta[3 - swap]) * coder.vh;
  const float* from = anchors + 4 * anchor;
  const float x = dx * from[2] + from[0], y = dy * from[3] + from[1];
  const float w = expf(is_nan(dw) ? dw : fminf(dw, coder.clamp)) * from[2];
  const float h = expf(is_nan(dh) ? dh : fminf(dh, coder.clamp)) * from[3];
  const float score = flags & ANCHORS_SIGMOID ? box_sigmoid(value[at]) : value[at];
  out.put_centred(at, x, y, w, h, score, id);
  if (coder.height > 0.0f) out.clip(at, coder.width, coder.height);
}

extern "C" __global__ void anchors_softmax_f32(const float* scores, int count, int columns,
                                               int background, float* values) {
  anchors_softmax(scores, count, columns, background, values);
}

extern "C" __global__ void anchors_softmax_f16(const half_t* scores, int count, int columns,
                                               int background, float* values) {
  anchors_softmax(scores, count, columns, background, values);
}

extern "C" __global__ void anchors_boxes_f32(const float* deltas, const float* anchors,
                                             const int* places, int width, const int* index,
                                             const float* value, int count, int classes, int flags,
                                             float vx, float vy, float vw, float vh, float clamp,
                                             float clip_height, float clip_width, int k, float* boxes,
                                             float* scores, int* ids) {
  anchors_boxes(deltas, anchors, places, width, index, value, count, classes, flags,
                AnchorsCoder{vx, vy, vw, vh, clamp, clip_height, clip_width}, k,
                BoxOutputs{boxes, scores, ids});
}

extern "C" __global__ void anchors_boxes_f16(const half_t* deltas, const float* anchors,
                                             const int* places, int width, const int* index,
                                             const float* value, int count, int classes, int flags,
                                             float vx, float vy, float vw, float vh, float clamp,
                                             float clip_height, float clip_width, int k, float* boxes,
                                             float* scores, int* ids) {
  anchors_boxes(deltas, anchors, places, width, index, value, count, classes, flags,
                AnchorsCoder{vx, vy, vw, vh, clamp, clip_height, clip_width}, k,
                BoxOutputs{boxes, scores, ids});
}
