// Scores and boxes of YOLO v1's grid: the CUDA twin of edgecv/ops/yolo_v1. Rows of the batch in
// blockIdx.y.
#include "edgecv/boxes.cuh"

constexpr int YOLO_GRID_SQUARE = 1, YOLO_GRID_DARKNET = 2, YOLO_GRID_MULTI = 4;

template <class T>
struct YoloGrid {
  const T* data;
  int side, each, classes, flags;  // each: boxes of a cell

  __device__ int cells() const { return side * side; }
  __device__ int points() const { return cells() * each; }
  __device__ float at(int place) const {
    return to_float(data[blockIdx.y * static_cast<long long>(cells()) * (5 * each + classes) + place]);
  }
  // Value j of a box: x, y, width, height, confidence.
  __device__ float box(int point, int j) const {
    if (!(flags & YOLO_GRID_DARKNET))
      return at(point / each * (5 * each + classes) + point % each * 5 + j);
    return at(j == 4 ? cells() * classes + point : cells() * (classes + each) + 4 * point + j);
  }
  __device__ float of_class(int point, int id) const {
    const int cell = point / each;
    return at(flags & YOLO_GRID_DARKNET ? cell * classes + id : cell * (5 * each + classes) + 5 * each + id);
  }
};

// A thread per box of a cell writes what is ranked: values is (B, points * classes), or single-label
// (B, points) with the class beside in best.
template <class T>
__device__ void yolo_grid_scores(YoloGrid<T> grid, float* values, int* best) {
  const int point = blockIdx.x * blockDim.x + threadIdx.x;
  if (point >= grid.points()) return;
  const int at = blockIdx.y * grid.points() + point;
  const bool multi = grid.flags & YOLO_GRID_MULTI;
  const float there = grid.box(point, 4);
  float highest = box_no_score();
  int id = -1;
  for (int c = 0; c < grid.classes; ++c) {
    const float score = there * grid.of_class(point, c);
    if (multi) values[at * grid.classes + c] = score;
    if (is_nan(score) || (id >= 0 && score <= highest)) continue;
    highest = score;
    id = c;
  }
  if (multi) return;
  values[at] = highest;
  best[at] = id;
}

template <class T>
__device__ void yolo_grid_boxes(YoloGrid<T> grid, const int* best, const int* index, const float* value,
                                float width, float height, int k, BoxOutputs out) {
  const int i = blockIdx.x * blockDim.x + threadIdx.x, at = blockIdx.y * k + i;
  if (i >= k) return;
  const int chosen = index[at];
  if (chosen < 0) return out.clear(at);
  const bool multi = grid.flags & YOLO_GRID_MULTI;
  const int point = multi ? chosen / grid.classes : chosen;
  const int id = multi ? chosen % grid.classes : best[blockIdx.y * grid.points() + point];
  const int cell = point / grid.each;
  const float side = static_cast<float>(grid.side);
  const float x = (cell % grid.side + grid.box(point, 0)) / side * width;
  const float y = (cell / grid.side + grid.box(point, 1)) / side * height;
  float w = grid.box(point, 2), h = grid.box(point, 3);
  if (grid.flags & YOLO_GRID_SQUARE) {
    w *= w;
    h *= h;
  }
  out.put_centred(at, x, y, w * width, h * height, value[at], id);
}

extern "C" __global__ void yolo_v1_scores_f32(const float* data, int side, int each, int classes,
                                              int flags, float* values, int* best) {
  yolo_grid_scores(YoloGrid<float>{data, side, each, classes, flags}, values, best);
}

extern "C" __global__ void yolo_v1_scores_f16(const half_t* data, int side, int each, int classes,
                                              int flags, float* values, int* best) {
  yolo_grid_scores(YoloGrid<half_t>{data, side, each, classes, flags}, values, best);
}

extern "C" __global__ void yolo_v1_boxes_f32(const float* data, int side, int each, int classes, int flags,
                                             const int* best, const int* index, const float* value,
                                             float width, float height, int k, float* boxes,
                                             float* scores, int* ids) {
  yolo_grid_boxes(YoloGrid<float>{data, side, each, classes, flags}, best, index, value, width, height, k,
                  BoxOutputs{boxes, scores, ids});
}

extern "C" __global__ void yolo_v1_boxes_f16(const half_t* data, int side, int each, int classes,
                                             int flags, const int* best, const int* index,
                                             const float* value, float width, float height, int k,
                                             float* boxes, float* scores, int* ids) {
  yolo_grid_boxes(YoloGrid<half_t>{data, side, each, classes, flags}, best, index, value, width, height, k,
                  BoxOutputs{boxes, scores, ids});
}
