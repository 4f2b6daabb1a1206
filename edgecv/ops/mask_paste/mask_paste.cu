// Mask paste, one bit or one byte a pixel. A warp owns 32 words of one row: for each word its
// lanes judge 32 pixels and vote, lane w keeps word w, and the warp stores 32 words side by side.
// Everything outside the box is written as zero without arithmetic.
#include "edgecv/half.cuh"

// sizes: height and width of each picture; places: offset of the mask, its height, its width
template <class T>
struct MaskPaste {
    const T* mask;
    int height, width, rows, columns, live;
    float x, y, right, bottom, region_x, region_y, scale_x, scale_y, threshold;

    __device__ float cell(int v, int u) const  // cells beyond the mask are zero
    {
        bool inside = v > 0 && v <= rows && u > 0 && u <= columns;
        return inside ? to_float(mask[(v - 1) * columns + u - 1]) : 0.0f;
    }
    __device__ bool pixel(int row, int column) const
    {
        float cx = (float)column + 0.5f, cy = (float)row + 0.5f;
        if (!(live && cx >= x && cx < right && cy >= y && cy < bottom)) return false;
        if (row >= height || column >= width) return false;
        float h = fminf(fmaxf((cx - region_x) * scale_x - 0.5f, -1.0f), (float)columns) + 1.0f;
        float v = fminf(fmaxf((cy - region_y) * scale_y - 0.5f, -1.0f), (float)rows) + 1.0f;
        int left = (int)h < columns ? (int)h : columns, top = (int)v < rows ? (int)v : rows;
        h -= (float)left;
        v -= (float)top;
        float above = cell(top, left) * (1.0f - h) + cell(top, left + 1) * h;
        float below = cell(top + 1, left) * (1.0f - h) + cell(top + 1, left + 1) * h;
        return above * (1.0f - v) + below * v >= threshold;
    }
};

template <class T>
__device__ __forceinline__ MaskPaste<T> mask_paste_load(
    const T* masks, const int* places, const float* regions, const float* boxes, const int* counts,
    const int* sizes, int capacity, float threshold, int image, int n)
{
    MaskPaste<T> p;
    int i = image * capacity + n;
    const float* region = regions + i * 4;
    const float* box = boxes + i * 4;
    float width = region[2] - region[0], height = region[3] - region[1], area = width * height;
    p.mask = masks + places[i * 3];
    p.rows = places[i * 3 + 1];
    p.columns = places[i * 3 + 2];
    p.height = sizes[image * 2];
    p.width = sizes[image * 2 + 1];
    p.x = box[0], p.y = box[1], p.right = box[2], p.bottom = box[3];
    p.region_x = region[0], p.region_y = region[1];
    p.scale_x = (float)p.columns / width;
    p.scale_y = (float)p.rows / height;
    p.threshold = threshold;
    float sum = area + p.scale_x + p.scale_y;  // of positive numbers: finite if each of them is
    p.live = n < counts[image] && width > 0.0f && area > 0.0f && sum - sum == 0.0f &&
             p.rows > 0 && p.columns > 0;
    return p;
}

// grid (words / 32, rows / 4, images * capacity), block (32, 4); out: (rows, words) an instance
template <class T>
__device__ __forceinline__ void mask_paste_vote(MaskPaste<T> p, unsigned* out, int words, int rows)
{
    int lane = threadIdx.x, row = blockIdx.y * blockDim.y + threadIdx.y, first = blockIdx.x * 32;
    if (row >= rows) return;  // the whole warp
    unsigned kept = 0;
    float cy = (float)row + 0.5f;
    bool crossed = p.live && cy >= p.y && cy < p.bottom;
    for (int w = 0; w < 32 && first + w < words; ++w) {
        int column = (first + w) * 32;
        if (!crossed || !(p.right > (float)column && p.x < (float)column + 32.0f)) continue;
        unsigned bits = __ballot_sync(0xffffffffu, p.pixel(row, column + lane));
        if (lane == w) kept = bits;
    }
    if (first + lane < words) out[(long long)row * words + first + lane] = kept;
}

// grid (columns / 32, rows / 4, images * capacity), block (32, 4)
template <class T>
__device__ __forceinline__ void mask_paste_byte(MaskPaste<T> p, unsigned char* out, int columns, int rows)
{
    int column = blockIdx.x * blockDim.x + threadIdx.x, row = blockIdx.y * blockDim.y + threadIdx.y;
    if (row < rows && column < columns) out[(long long)row * columns + column] = p.pixel(row, column);
}

extern "C" __global__ void mask_paste_bits_f32(
    const float* masks, const int* places, const float* regions, const float* boxes, const int* counts,
    const int* sizes, unsigned* out, int capacity, int rows, int columns, float threshold)
{
    int i = blockIdx.z;
    MaskPaste<float> p = mask_paste_load(masks, places, regions, boxes, counts, sizes, capacity,
                                       threshold, i / capacity, i % capacity);
    mask_paste_vote(p, out + (long long)i * rows * columns, columns, rows);
}

extern "C" __global__ void mask_paste_bytes_f32(
    const float* masks, const int* places, const float* regions, const float* boxes, const int* counts,
    const int* sizes, unsigned char* out, int capacity, int rows, int columns, float threshold)
{
    int i = blockIdx.z;
    MaskPaste<float> p = mask_paste_load(masks, places, regions, boxes, counts, sizes, capacity,
                                       threshold, i / capacity, i % capacity);
    mask_paste_byte(p, out + (long long)i * rows * columns, columns, rows);
}

extern "C" __global__ void mask_paste_bits_f16(
    const half_t* masks, const int* places, const float* regions, const float* boxes, const int* counts,
    const int* sizes, unsigned* out, int capacity, int rows, int columns, float threshold)
{
    int i = blockIdx.z;
    MaskPaste<half_t> p = mask_paste_load(masks, places, regions, boxes, counts, sizes, capacity,
                                       threshold, i / capacity, i % capacity);
    mask_paste_vote(p, out + (long long)i * rows * columns, columns, rows);
}

extern "C" __global__ void mask_paste_bytes_f16(
    const half_t* masks, const int* places, const float* regions, const float* boxes, const int* counts,
    const int* sizes, unsigned char* out, int capacity, int rows, int columns, float threshold)
{
    int i = blockIdx.z;
    MaskPaste<half_t> p = mask_paste_load(masks, places, regions, boxes, counts, sizes, capacity,
                                       threshold, i / capacity, i % capacity);
    mask_paste_byte(p, out + (long long)i * rows * columns, columns, rows);
}
