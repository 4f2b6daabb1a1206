// Scores and boxes of YOLO v2 to v7's raw maps: the CUDA twin of edgecv/ops/yolo_v3. One launch a
// scale; points of all scales are counted on: a scale's begin at `start`. Rows of the batch in
// blockIdx.y.
#include "edgecv/boxes.cuh"

constexpr int YOLO_LAST = 1, YOLO_SOFTMAX = 2, YOLO_SQUARE = 4, YOLO_MULTI = 8;

// A map is (anchors * values, cells), or (anchors, cells, values) with YOLO_LAST.
template <class T>
struct YoloMap {
  const T* data;
  int anchors, classes, cells, flags;

  __device__ int points() const { return anchors * cells; }
  __device__ float value(int point, int which) const {
    const int values = 5 + classes;
    const T* map = data + blockIdx.y * static_cast<long long>(values) * points();
    const int anchor = point / cells, cell = point % cells;
    return to_float(flags & YOLO_LAST ? map[static_cast<long long>(point) * values + which]
                                      : map[(static_cast<long long>(anchor) * values + which) * cells + cell]);
  }
  __device__ float top(int point) const {
    float top = value(point, 5);
    for (int c = 1; c < classes; ++c) top = fmaxf(top, value(point, 5 + c));
    return top;
  }
  __device__ float sum(int point, float top) const {
    float sum = 0.0f;
    for (int c = 0; c < classes; ++c) sum += expf(value(point, 5 + c) - top);
    return sum;
  }
  // Of a point whose objectness passed; top and sum are those of a softmax.
  __device__ float score(int point, int id, float top, float sum) const {
    const float raw = value(point, 5 + id);
    const float of_class = flags & YOLO_SOFTMAX ? expf(raw - top) / sum : box_sigmoid(raw);
    return of_class * box_sigmoid(value(point, 4));
  }
};

// A thread per point writes what is ranked: values is (B, all * classes), or single-label (B, all)
// with the class beside in best. Points below `limit` in objectness have no scores.
template <class T>
__device__ void yolo_scores(YoloMap<T> map, int start, int all, float limit, float* values, int* best) {
  const int point = blockIdx.x * blockDim.x + threadIdx.x;
  if (point >= map.points()) return;
  const long long at = blockIdx.y * static_cast<long long>(all) + start + point;
  const bool multi = map.flags & YOLO_MULTI, passes = map.value(point, 4) >= limit;
  const bool soft = passes && (map.flags & YOLO_SOFTMAX);
  const float top = soft ? map.top(point) : 0.0f, sum = soft ? map.sum(point, top) : 1.0f;
  float highest = box_no_score();
  int id = -1;
  for (int c = 0; c < map.classes && (multi || passes); ++c) {
    const float score = passes ? map.score(point, c, top, sum) : box_no_score();
    if (multi) values[at * map.classes + c] = score;
    if (is_nan(score) || (id >= 0 && score <= highest)) continue;
    highest = score;
    id = c;
  }
  if (multi) return;
  values[at] = highest;
  best[at] = id;
}

// A thread per chosen score; those of other scales are left to their launches, entries beyond the
// count to the first.
template <class T>
__device__ void yolo_boxes(YoloMap<T> map, int start, int all, const int* best, const int* index,
                           const float* value, const float* sizes, int width, float stride, float stretch,
                           int k, BoxOutputs out) {
  const int i = blockIdx.x * blockDim.x + threadIdx.x, at = blockIdx.y * k + i;
  if (i >= k) return;
  const int chosen = index[at];
  if (chosen < 0) {
    if (start == 0) out.clear(at);
    return;
  }
  const bool multi = map.flags & YOLO_MULTI;
  const int place = multi ? chosen / map.classes : chosen, point = place - start;
  if (point < 0 || point >= map.points()) return;
  const int id = multi ? chosen % map.classes : best[blockIdx.y * all + place];
  const int anchor = point / map.cells, cell = point % map.cells;
  const float shift = (stretch - 1.0f) * 0.5f;
  const float x = (box_sigmoid(map.value(point, 0)) * stretch - shift + cell % width) * stride;
  const float y = (box_sigmoid(map.value(point, 1)) * stretch - shift + cell / width) * stride;
  float w = map.value(point, 2), h = map.value(point, 3);
  if (map.flags & YOLO_SQUARE) {
    w = box_sigmoid(w) * 2.0f;
    h = box_sigmoid(h) * 2.0f;
    w *= w;
    h *= h;
  } else {
    w = expf(w);
    h = expf(h);
  }
  out.put_centred(at, x, y, w * sizes[2 * anchor], h * sizes[2 * anchor + 1], value[at], id);
}

extern "C" __global__ void yolo_v3_scores_f32(const float* map, int anchors, int classes, int cells,
                                              int flags, int start, int all, float limit, float* values,
                                              int* best) {
  yolo_scores(YoloMap<float>{map, anchors, classes, cells, flags}, start, all, limit, values, best);
}

extern "C" __global__ void yolo_v3_scores_f16(const half_t* map, int anchors, int classes, int cells,
                                              int flags, int start, int all, float limit, float* values,
                                              int* best) {
  yolo_scores(YoloMap<half_t>{map, anchors, classes, cells, flags}, start, all, limit, values, best);
}

extern "C" __global__ void yolo_v3_boxes_f32(const float* map, int anchors, int classes, int cells,
                                             int flags, int start, int all, const int* best,
                                             const int* index, const float* value, const float* sizes,
                                             int width, float stride, float stretch, int k, float* boxes,
                                             float* scores, int* ids) {
  yolo_boxes(YoloMap<float>{map, anchors, classes, cells, flags}, start, all, best, index, value, sizes,
             width, stride, stretch, k, BoxOutputs{boxes, scores, ids});
}

extern "C" __global__ void yolo_v3_boxes_f16(const half_t* map, int anchors, int classes, int cells,
                                             int flags, int start, int all, const int* best,
                                             const int* index, const float* value, const float* sizes,
                                             int width, float stride, float stretch, int k, float* boxes,
                                             float* scores, int* ids) {
  yolo_boxes(YoloMap<half_t>{map, anchors, classes, cells, flags}, start, all, best, index, value, sizes,
             width, stride, stretch, k, BoxOutputs{boxes, scores, ids});
}
