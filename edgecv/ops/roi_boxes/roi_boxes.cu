// R-CNN's second stage. A warp per proposal writes its class probabilities (NaN, which is no
// candidate, beyond the count); a thread per chosen candidate decodes its box.
#include "edgecv/half.cuh"
#include "edgecv/types.cuh"

__device__ __forceinline__ float roi_boxes_nan() { return __int_as_float(0x7fc00000); }

// logits (B, K, classes + 1), values (B, K, classes)
template <class T>
__device__ __forceinline__ void roi_boxes_softmax(
    const T* logits, const int* counts, float* values, int capacity, int classes, int background)
{
    int lane = threadIdx.x & 31, k = (blockIdx.x * blockDim.x + threadIdx.x) >> 5;
    int image = blockIdx.y, columns = classes + 1;
    if (k >= capacity) return;  // the whole warp
    long long roi = (long long)image * capacity + k;
    const T* from = logits + roi * columns;
    float* to = values + roi * classes;
    bool live = k < counts[image];
    float top = -EDGECV_INF, sum = 0.0f;
    for (int c = lane; c < columns && live; c += 32) top = fmaxf(top, to_float(from[c]));
    for (int step = 16; step > 0; step >>= 1) top = fmaxf(top, __shfl_xor_sync(0xffffffffu, top, step));
    for (int c = lane; c < columns && live; c += 32) sum += expf(to_float(from[c]) - top);
    for (int step = 16; step > 0; step >>= 1) sum += __shfl_xor_sync(0xffffffffu, sum, step);
    for (int c = lane; c < columns; c += 32)
        if (c != background)
            to[c - (c > background)] = live ? expf(to_float(from[c]) - top) / sum : roi_boxes_nan();
}

extern "C" __global__ void roi_boxes_softmax_f32(
    const float* logits, const int* counts, float* values, int capacity, int classes, int background)
{
    roi_boxes_softmax(logits, counts, values, capacity, classes, background);
}

extern "C" __global__ void roi_boxes_softmax_f16(
    const half_t* logits, const int* counts, float* values, int capacity, int classes, int background)
{
    roi_boxes_softmax(logits, counts, values, capacity, classes, background);
}

// index, value (B, k), kept (B): of (B, K, classes) probabilities. deltas (B, K, columns): four for
// all classes, or four a class, with the background's `first` ones in front where there are some.
template <class T>
__device__ __forceinline__ void roi_boxes_decode(
    const T* deltas, const float* rois, const float* areas, const int* index, const float* value,
    const int* kept, float* boxes, float* merged, int k, int capacity, int classes, int columns,
    int first, float wx, float wy, float ww, float wh, float smallest)
{
    int i = blockIdx.x * blockDim.x + threadIdx.x, image = blockIdx.y;
    if (i >= k) return;
    long long slot = (long long)image * k + i;
    float* out = boxes + slot * 4;
    merged[slot] = roi_boxes_nan();
    if (i >= kept[image]) return;
    int at = index[slot], roi = at / classes, id = at % classes;
    const float* box = rois + ((long long)image * capacity + roi) * 4;
    const T* move = deltas + ((long long)image * capacity + roi) * columns +
                    (columns > 4 ? (first + id) * 4 : 0);
    float w = box[2] - box[0], h = box[3] - box[1];
    float cx = to_float(move[0]) / wx * w + (box[0] + 0.5f * w);
    float cy = to_float(move[1]) / wy * h + (box[1] + 0.5f * h);
    float dw = to_float(move[2]) / ww, dh = to_float(move[3]) / wh;
    const float most = 4.135166556742356f;  // log(1000 / 16)
    bool number = dw == dw && dh == dh && cx == cx && cy == cy;
    float half_w = 0.5f * (expf(fminf(dw, most)) * w), half_h = 0.5f * (expf(fminf(dh, most)) * h);
    const float* area = areas + image * 4;
    out[0] = fminf(fmaxf(cx - half_w, area[0]), area[2]);
    out[1] = fminf(fmaxf(cy - half_h, area[1]), area[3]);
    out[2] = fminf(fmaxf(cx + half_w, area[0]), area[2]);
    out[3] = fminf(fmaxf(cy + half_h, area[1]), area[3]);
    if (number && out[2] - out[0] >= smallest && out[3] - out[1] >= smallest)
        merged[slot] = value[slot];
}

extern "C" __global__ void roi_boxes_decode_f32(
    const float* deltas, const float* rois, const float* areas, const int* index,
    const float* value, const int* kept, float* boxes, float* merged, int k, int capacity,
    int classes, int columns, int first, float wx, float wy, float ww, float wh, float smallest)
{
    roi_boxes_decode(deltas, rois, areas, index, value, kept, boxes, merged, k, capacity, classes,
                     columns, first, wx, wy, ww, wh, smallest);
}

extern "C" __global__ void roi_boxes_decode_f16(
    const half_t* deltas, const float* rois, const float* areas, const int* index,
    const float* value, const int* kept, float* boxes, float* merged, int k, int capacity,
    int classes, int columns, int first, float wx, float wy, float ww, float wh, float smallest)
{
    roi_boxes_decode(deltas, rois, areas, index, value, kept, boxes, merged, k, capacity, classes,
                     columns, first, wx, wy, ww, wh, smallest);
}

// Closes the gaps that boxes too small left: their scores still fall, so this is one more gather.
// again (B, k), kept (B): the candidates that stay, in order; index: what each was; best, reached
// (B): how many were decoded, and how many reached the score. total: kept and beyond the capacity.
extern "C" __global__ void roi_boxes_gather(
    const float* boxes, const float* merged, const int* index, const int* again, const int* kept,
    const int* best, const int* reached, float* out_boxes, float* out_scores, int* out_ids,
    int* total, int k, int classes)
{
    int i = blockIdx.x * blockDim.x + threadIdx.x, image = blockIdx.y;
    if (i == 0) total[image] = kept[image] + reached[image] - best[image];
    if (i >= k) return;
    long long slot = (long long)image * k + i;
    bool real = i < kept[image];
    long long from = (long long)image * k + (real ? again[slot] : 0);
    for (int c = 0; c < 4; ++c) out_boxes[slot * 4 + c] = real ? boxes[from * 4 + c] : 0.0f;
    out_scores[slot] = real ? merged[from] : 0.0f;
    out_ids[slot] = real ? index[from] % classes : -1;
}
