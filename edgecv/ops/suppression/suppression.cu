// Gathers the boxes that suppression kept: the last step of the CUDA twin of edgecv/ops/suppression.
// A thread per result, rows of the batch in blockIdx.y. found: (B, 2), how many results, and how many
// candidates no capacity held. decayed (B, limit) and full (B,) are soft suppression's, or null.
#include "edgecv/types.cuh"

extern "C" __global__ void suppression_gather(const float* boxes, const float* scores, const int* ids,
                                              const int* count, const int* total, const int* keep,
                                              const int* kept, const float* decayed, const int* full, int k,
                                              int limit, float* out_boxes, float* out_scores, int* out_ids,
                                              int* found) {
  const int row = blockIdx.y, i = blockIdx.x * blockDim.x + threadIdx.x;
  if (i == 0) {
    found[2 * row] = kept[row];
    found[2 * row + 1] = total[row] - count[row] + (full == nullptr ? 0 : full[row]);
  }
  if (i >= limit) return;
  const bool real = i < kept[row];
  const int from = real ? row * k + keep[row * limit + i] : 0, to = row * limit + i;
  for (int j = 0; j < 4; ++j) out_boxes[4 * to + j] = real ? boxes[4 * from + j] : 0.0f;
  out_scores[to] = !real ? 0.0f : decayed == nullptr ? scores[from] : decayed[to];
  out_ids[to] = real ? ids[from] : -1;
}
