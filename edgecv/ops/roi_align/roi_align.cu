// RoIAlign over up to five levels: a block per (bin row, box, image). The block first tabulates
// its samples along both axes in shared memory, so that no channel repeats that arithmetic; then
// its threads share the sums of all channels. fp32 sums in a fixed order: bits equal the CPU twin.
#include "edgecv/half.cuh"

#define ROI_ALIGN_MAX_SAMPLES 64

struct RoiAlignTap {
    int low, high;  // cells; low < 0: the sample lies outside
    float lower, upper;  // weights
};

__device__ __forceinline__ bool roi_align_finite(float v) { return v - v == 0.0f; }

__device__ __forceinline__ float roi_align_length(float start, float end, int aligned)
{
    float length = end - start;
    return !aligned && length < 1.0f ? 1.0f : length;  // NaN stays NaN
}

__device__ __forceinline__ int roi_align_samples(float size, int sampling)
{
    if (sampling > 0 || !roi_align_finite(size)) return sampling;
    return (int)fminf(fmaxf(ceilf(size), 0.0f), (float)ROI_ALIGN_MAX_SAMPLES);
}

__device__ RoiAlignTap roi_align_tap(float start, float size, int bin, int sample, int samples, int cells)
{
    RoiAlignTap tap = {-1, -1, 0.0f, 0.0f};
    float step = ((float)sample + 0.5f) * size / (float)samples;
    float at = (start + (float)bin * size) + step;
    if (!(at >= -1.0f && at <= (float)cells)) return tap;
    at = fmaxf(at, 0.0f);
    int cell = (int)at;
    if (cell >= cells - 1) { cell = cells - 1; at = (float)cell; }
    tap.low = cell;
    tap.high = cell + 1 < cells ? cell + 1 : cell;
    tap.upper = at - (float)cell;
    tap.lower = 1.0f - tap.upper;
    return tap;
}

struct RoiAlignShape { int levels, capacity, channels, rows, columns, sampling, aligned, unused; };
struct RoiAlignLevel { int height, width, channel, row, column, image; };  // strides in elements

// numbers: scales[levels], then the areas from which a box leaves each level [levels - 1]
template <class In, class Out>
__device__ __forceinline__ void roi_align_row(
    const In* f0, const In* f1, const In* f2, const In* f3, const In* f4, const int* table,
    const float* numbers, const float* boxes, const int* counts, Out* out)
{
    extern __shared__ RoiAlignTap roi_align_taps[];  // columns * samples, then one row's samples
    RoiAlignShape shape = *(const RoiAlignShape*)table;
    const RoiAlignLevel* maps = (const RoiAlignLevel*)(table + 8);
    int channels = shape.channels, rows = shape.rows, columns = shape.columns;
    int bin_row = blockIdx.x, k = blockIdx.y, image = blockIdx.z;
    long long roi = (long long)image * shape.capacity + k;
    Out* target = out + (roi * channels * rows + bin_row) * columns;
    int level = 0, ny = 0, nx = 0;
    if (k < counts[image]) {
        const float* box = boxes + roi * 4;
        float area = (box[2] - box[0]) * (box[3] - box[1]);
        for (int i = 0; i + 1 < shape.levels; ++i) level += area >= numbers[shape.levels + i];
        float scale = numbers[level], shift = shape.aligned ? 0.5f : 0.0f;
        float x = box[0] * scale - shift, y = box[1] * scale - shift;
        float width = roi_align_length(x, box[2] * scale - shift, shape.aligned) / (float)columns;
        float height = roi_align_length(y, box[3] * scale - shift, shape.aligned) / (float)rows;
        nx = roi_align_samples(width, shape.sampling);
        ny = roi_align_samples(height, shape.sampling);
        for (int i = threadIdx.x; i < columns * nx + ny; i += blockDim.x) {
            int j = i - columns * nx;
            roi_align_taps[i] = j < 0
                ? roi_align_tap(x, width, i / nx, i % nx, nx, maps[level].width)
                : roi_align_tap(y, height, bin_row, j, ny, maps[level].height);
        }
    }
    __syncthreads();
    RoiAlignLevel map = maps[level];
    const In* base = level == 0 ? f0 : level == 1 ? f1 : level == 2 ? f2 : level == 3 ? f3 : f4;
    base += (long long)image * map.image;
    const RoiAlignTap* down = roi_align_taps + columns * nx;
    float count = (float)(ny * nx > 1 ? ny * nx : 1);
    bool channels_last = map.channel == 1;  // neighbouring threads read neighbouring elements
    for (int i = threadIdx.x; i < channels * columns; i += blockDim.x) {
        int c = channels_last ? i % channels : i / columns;
        int bin = channels_last ? i / channels : i % columns;
        const In* plane = base + (long long)c * map.channel;
        float total = 0.0f;
        for (int a = 0; a < ny; ++a) {
            RoiAlignTap v = down[a];
            if (v.low < 0) continue;
            const In* top = plane + v.low * map.row;
            const In* bottom = plane + v.high * map.row;
            for (int b = 0; b < nx; ++b) {
                RoiAlignTap h = roi_align_taps[bin * nx + b];
                if (h.low < 0) continue;
                int left = h.low * map.column, right = h.high * map.column;
                float value = v.lower * h.lower * to_float(top[left]);
                value += v.lower * h.upper * to_float(top[right]);
                value += v.upper * h.lower * to_float(bottom[left]);
                value += v.upper * h.upper * to_float(bottom[right]);
                total += value;
            }
        }
        store_float(target + (long long)c * rows * columns + bin, total / count);
    }
}

extern "C" __global__ void roi_align_f32_f32(
    const float* f0, const float* f1, const float* f2, const float* f3, const float* f4, const int* table,
    const float* numbers, const float* boxes, const int* counts, float* out)
{
    roi_align_row(f0, f1, f2, f3, f4, table, numbers, boxes, counts, out);
}

extern "C" __global__ void roi_align_f32_f16(
    const float* f0, const float* f1, const float* f2, const float* f3, const float* f4, const int* table,
    const float* numbers, const float* boxes, const int* counts, half_t* out)
{
    roi_align_row(f0, f1, f2, f3, f4, table, numbers, boxes, counts, out);
}

extern "C" __global__ void roi_align_f16_f32(
    const half_t* f0, const half_t* f1, const half_t* f2, const half_t* f3, const half_t* f4, const int* table,
    const float* numbers, const float* boxes, const int* counts, float* out)
{
    roi_align_row(f0, f1, f2, f3, f4, table, numbers, boxes, counts, out);
}

extern "C" __global__ void roi_align_f16_f16(
    const half_t* f0, const half_t* f1, const half_t* f2, const half_t* f3, const half_t* f4, const int* table,
    const float* numbers, const float* boxes, const int* counts, half_t* out)
{
    roi_align_row(f0, f1, f2, f3, f4, table, numbers, boxes, counts, out);
}
