// Boxes at the peaks that edgecv/ops/peaks chose: a thread per peak, an image in blockIdx.y.
#include "edgecv/boxes.cuh"

template <class T>
__device__ void center_boxes(const T* size, const T* offset, const int* index, const float* value, int k,
                             int width, int cells, float stride, float size_scale, int logits,
                             BoxOutputs out) {
  const int i = blockIdx.x * blockDim.x + threadIdx.x, at = blockIdx.y * k + i;
  if (i >= k) return;
  if (index[at] < 0) return out.clear(at);
  const int id = index[at] / cells, cell = index[at] % cells;
  const long long here = static_cast<long long>(blockIdx.y) * 2 * cells + cell;
  const float x = (static_cast<float>(cell % width) + to_float(offset[here])) * stride;
  const float y = (static_cast<float>(cell / width) + to_float(offset[here + cells])) * stride;
  const float score = logits ? box_sigmoid(value[at]) : value[at];
  out.put_centred(at, x, y, to_float(size[here]) * size_scale, to_float(size[here + cells]) * size_scale,
                  score, id);
}

extern "C" __global__ void center_boxes_f32(const float* size, const float* offset, const int* index,
                                            const float* value, int k, int width, int cells, float stride,
                                            float size_scale, int logits, float* boxes, float* scores,
                                            int* ids) {
  center_boxes(size, offset, index, value, k, width, cells, stride, size_scale, logits,
               BoxOutputs{boxes, scores, ids});
}

extern "C" __global__ void center_boxes_f16(const half_t* size, const half_t* offset, const int* index,
                                            const float* value, int k, int width, int cells, float stride,
                                            float size_scale, int logits, float* boxes, float* scores,
                                            int* ids) {
  center_boxes(size, offset, index, value, k, width, cells, stride, size_scale, logits,
               BoxOutputs{boxes, scores, ids});
}
