// Region proposals after each level's best anchors were chosen: decode, clip, say which are large
// enough; then, once all levels were sorted together, put them in that order.
#include "edgecv/half.cuh"

__device__ __forceinline__ float proposals_clip(float v, float low, float high)
{
    return fminf(fmaxf(v, low), high);
}

// A thread per chosen anchor. index, value: (B, k), kept (B): of one level's (A, h, w) logits;
// base: (A, 4); areas: (B, 4) xyxy; boxes (B, width, 4) and merged (B, width) from `start` on.
template <class T>
__device__ __forceinline__ void proposals_level(
    const T* deltas, const int* index, const float* value, const int* kept, const float* base,
    const float* areas, float* boxes, float* merged, int k, int cells, int columns, int anchors,
    float stride_x, float stride_y, float smallest, int start, int width)
{
    int i = blockIdx.x * blockDim.x + threadIdx.x, image = blockIdx.y;
    if (i >= k) return;
    long long slot = (long long)image * width + start + i;
    float* out = boxes + slot * 4;
    merged[slot] = __int_as_float(0x7fc00000);  // NaN is no candidate
    if (i >= kept[image]) return;
    int at = index[image * k + i], a = at / cells, cell = at % cells;
    const T* move = deltas + ((long long)image * anchors + a) * 4 * cells + cell;
    float x = (float)(cell % columns) * stride_x, y = (float)(cell / columns) * stride_y;
    float x0 = base[a * 4] + x, y0 = base[a * 4 + 1] + y;
    float w = (base[a * 4 + 2] + x) - x0, h = (base[a * 4 + 3] + y) - y0;
    float cx = to_float(move[0]) * w + (x0 + 0.5f * w);
    float cy = to_float(move[cells]) * h + (y0 + 0.5f * h);
    float dw = to_float(move[2 * cells]), dh = to_float(move[3 * cells]);
    const float most = 4.135166556742356f;  // log(1000 / 16)
    bool number = dw == dw && dh == dh;
    float half_w = 0.5f * (expf(fminf(dw, most)) * w), half_h = 0.5f * (expf(fminf(dh, most)) * h);
    const float* area = areas + image * 4;
    out[0] = proposals_clip(cx - half_w, area[0], area[2]);
    out[1] = proposals_clip(cy - half_h, area[1], area[3]);
    out[2] = proposals_clip(cx + half_w, area[0], area[2]);
    out[3] = proposals_clip(cy + half_h, area[1], area[3]);
    number = number && cx == cx && cy == cy;
    if (number && out[2] - out[0] >= smallest && out[3] - out[1] >= smallest)
        merged[slot] = value[image * k + i];
}

extern "C" __global__ void proposals_level_f32(
    const float* deltas, const int* index, const float* value, const int* kept, const float* base,
    const float* areas, float* boxes, float* merged, int k, int cells, int columns, int anchors,
    float stride_x, float stride_y, float smallest, int start, int width)
{
    proposals_level(deltas, index, value, kept, base, areas, boxes, merged, k, cells, columns,
                    anchors, stride_x, stride_y, smallest, start, width);
}

extern "C" __global__ void proposals_level_f16(
    const half_t* deltas, const int* index, const float* value, const int* kept, const float* base,
    const float* areas, float* boxes, float* merged, int k, int cells, int columns, int anchors,
    float stride_x, float stride_y, float smallest, int start, int width)
{
    proposals_level(deltas, index, value, kept, base, areas, boxes, merged, k, cells, columns,
                    anchors, stride_x, stride_y, smallest, start, width);
}

// A thread per sorted proposal. starts: (levels) first slot of each level.
extern "C" __global__ void proposals_order(
    const float* boxes, const int* index, const float* value, const int* kept, const int* starts,
    float* out_boxes, float* out_scores, int* out_ids, int width, int levels)
{
    int i = blockIdx.x * blockDim.x + threadIdx.x, image = blockIdx.y;
    if (i >= width) return;
    int slot = image * width + i;
    bool real = i < kept[image];
    int from = real ? index[slot] : 0, level = 0;
    for (int n = 1; n < levels; ++n) level += from >= starts[n];
    for (int c = 0; c < 4; ++c)
        out_boxes[slot * 4 + c] = real ? boxes[((long long)image * width + from) * 4 + c] : 0.0f;
    out_scores[slot] = real ? 1.0f / (1.0f + expf(-value[slot])) : 0.0f;
    out_ids[slot] = real ? level : -1;
}

// Where each picture lies in the input, clipped to it: (B, 4) xyxy, from letterbox's blocks (B, 32).
extern "C" __global__ void proposals_areas(
    const int* blocks, float* areas, int batch, float height, float width)
{
    int image = blockIdx.x * blockDim.x + threadIdx.x;
    if (image >= batch) return;
    const int* fit = blocks + image * 32 + 5;  // top, left, rows, columns
    float* area = areas + image * 4;
    area[0] = proposals_clip((float)fit[1], 0.0f, width);
    area[1] = proposals_clip((float)fit[0], 0.0f, height);
    area[2] = proposals_clip((float)(fit[1] + fit[3]), 0.0f, width);
    area[3] = proposals_clip((float)(fit[0] + fit[2]), 0.0f, height);
}
