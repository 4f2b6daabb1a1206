// Scores and boxes of dense predictions: the CUDA twin of edgecv/ops/dense_boxes. A table is
// (values, points), or (points, values) with DENSE_LAST; a point's values are its box, its
// objectness if there is one, and its classes. Rows of the batch in blockIdx.y.
#include "edgecv/boxes.cuh"

constexpr int DENSE_LAST = 1, DENSE_XYXY = 2, DENSE_LOGITS = 4, DENSE_OBJECTNESS = 8, DENSE_MULTI = 16;
constexpr int DENSE_AT_ONCE = 8;

template <class T>
struct DenseTable {
  const T* data;
  int points, classes, flags;

  __device__ int first() const { return flags & DENSE_OBJECTNESS ? 5 : 4; }
  __device__ float value(int point, int which) const {
    const long long values = first() + classes;
    const T* table = data + blockIdx.y * values * points;
    return to_float(flags & DENSE_LAST ? table[point * values + which]
                                       : table[static_cast<long long>(which) * points + point]);
  }
  // Class by class where class scores lie together, else point by point.
  __device__ void place(int i, int& point, int& id) const {
    const bool by_point = flags & (DENSE_LAST | DENSE_OBJECTNESS);
    point = by_point ? i / classes : i % points;
    id = by_point ? i % classes : i / points;
  }
  __device__ float probability(float x) const { return flags & DENSE_LOGITS ? box_sigmoid(x) : x; }
  // What is ranked: the raw class value, or objectness times class. `limit` is the score as a raw
  // value; a point below it in objectness has no scores.
  __device__ bool passes(int point, float limit) const {
    return !(flags & DENSE_OBJECTNESS) || value(point, 4) >= limit;
  }
  __device__ float score(int point, int id) const {
    const float raw = value(point, first() + id);
    if (!(flags & DENSE_OBJECTNESS)) return raw;
    return probability(raw) * probability(value(point, 4));
  }
};

// A thread per score, in the order that breaks ties: values is (B, points * classes).
template <class T>
__device__ void dense_scores(DenseTable<T> table, float limit, float* values) {
  const int i = blockIdx.x * blockDim.x + threadIdx.x, n = table.points * table.classes;
  if (i >= n) return;
  int point, id;
  table.place(i, point, id);
  values[blockIdx.y * static_cast<long long>(n) + i] =
      table.passes(point, limit) ? table.score(point, id) : box_no_score();
}

// A thread per point: its best score and class, of equal ones the lower. values, best: (B, points).
template <class T>
__device__ void dense_best(DenseTable<T> table, float limit, float* values, int* best) {
  const int point = blockIdx.x * blockDim.x + threadIdx.x;
  if (point >= table.points) return;
  float value = box_no_score();
  int id = -1;
  const int classes = table.passes(point, limit) ? table.classes : 0;
  for (int c = 0; c < classes; c += DENSE_AT_ONCE) {
    float scores[DENSE_AT_ONCE];  // loaded together: a thread waits for memory once
#pragma unroll
    for (int j = 0; j < DENSE_AT_ONCE; ++j)
      scores[j] = c + j < classes ? table.score(point, c + j) : box_no_score();
#pragma unroll
    for (int j = 0; j < DENSE_AT_ONCE; ++j) {
      if (is_nan(scores[j]) || (id >= 0 && scores[j] <= value)) continue;
      value = scores[j];
      id = c + j;
    }
  }
  values[blockIdx.y * table.points + point] = value;
  best[blockIdx.y * table.points + point] = id;
}

// A thread per chosen score: index, value are (B, k) of the selection.
template <class T>
__device__ void dense_boxes(DenseTable<T> table, const int* best, const int* index, const float* value,
                            int k, BoxOutputs out) {
  const int i = blockIdx.x * blockDim.x + threadIdx.x, at = blockIdx.y * k + i;
  if (i >= k) return;
  const int chosen = index[at];
  if (chosen < 0) return out.clear(at);
  int point = chosen, id = 0;
  if (!(table.flags & DENSE_MULTI)) {
    id = best[blockIdx.y * table.points + point];
  } else {
    table.place(chosen, point, id);
  }
  const bool raw = (table.flags & DENSE_LOGITS) && !(table.flags & DENSE_OBJECTNESS);
  const float score = raw ? box_sigmoid(value[at]) : value[at];
  const float a = table.value(point, 0), b = table.value(point, 1);
  const float c = table.value(point, 2), d = table.value(point, 3);
  if (table.flags & DENSE_XYXY)
    out.put(at, a, b, c, d, score, id);
  else
    out.put_centred(at, a, b, c, d, score, id);
}

extern "C" __global__ void dense_boxes_scores_f32(const float* table, int points, int classes, int flags,
                                            float limit, float* values) {
  dense_scores(DenseTable<float>{table, points, classes, flags}, limit, values);
}

extern "C" __global__ void dense_boxes_scores_f16(const half_t* table, int points, int classes, int flags,
                                            float limit, float* values) {
  dense_scores(DenseTable<half_t>{table, points, classes, flags}, limit, values);
}

extern "C" __global__ void dense_boxes_best_f32(const float* table, int points, int classes, int flags,
                                          float limit, float* values, int* best) {
  dense_best(DenseTable<float>{table, points, classes, flags}, limit, values, best);
}

extern "C" __global__ void dense_boxes_best_f16(const half_t* table, int points, int classes, int flags,
                                          float limit, float* values, int* best) {
  dense_best(DenseTable<half_t>{table, points, classes, flags}, limit, values, best);
}

extern "C" __global__ void dense_boxes_f32(const float* table, int points, int classes, int flags,
                                           const int* best, const int* index, const float* value, int k,
                                           float* boxes, float* scores, int* ids) {
  dense_boxes(DenseTable<float>{table, points, classes, flags}, best, index, value, k,
              BoxOutputs{boxes, scores, ids});
}

extern "C" __global__ void dense_boxes_f16(const half_t* table, int points, int classes, int flags,
                                           const int* best, const int* index, const float* value, int k,
                                           float* boxes, float* scores, int* ids) {
  dense_boxes(DenseTable<half_t>{table, points, classes, flags}, best, index, value, k,
              BoxOutputs{boxes, scores, ids});
}
