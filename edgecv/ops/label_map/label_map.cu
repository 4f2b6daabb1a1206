// CUDA twin of label_map (the contract and its arithmetic: edgecv/ops/label_map/__init__.py).
//
// A block owns a tile of the output. Its warps first look at the scores under the tile, a class per
// warp: a class's values stay between its smallest and largest score there, so only classes whose
// largest reaches the best smallest can win (with a slack that covers rounding, as in cpu.py). Most
// tiles keep one class, and then nothing is interpolated. Every score is read once for that, the few
// able classes once more. Nothing of size C x H x W is ever made, in memory or in shared memory.

#include "edgecv/half.cuh"

#define WORDS 8        // int32 per slot of the parameter block: see Slot
#define TILE_X 32      // threads across a block
#define TILE_Y 8       // threads down a block
#define PER_X 2        // pixels per thread across
#define PER_Y 2        // and down
#define MAX_CLASSES 256
#define SLACK 3.814697265625e-6f  // 2^-18
#define HUGE_SCORE 1e38f

struct Slot {
  int height, width;  // of the labels; 0: the slot holds no picture
  float scale_y, offset_y, scale_x, offset_x;
};

struct Tap {
  int low, high;
  float fraction;
};

__device__ Tap tap_of(int at, float scale, float offset, int cells) {
  float u = (float)at * scale;
  u = u + offset;
  u = u < 0.0f ? 0.0f : u;
  float last = (float)(cells - 1);
  u = u > last ? last : u;
  int low = (int)u;
  Tap t = {low, low + 1 < cells ? low + 1 : cells - 1, u - (float)low};
  return t;
}

template <typename T>
__device__ float value_at(const T* plane, int columns, const Tap& ty, const Tap& tx) {
  const T* above = plane + ty.low * columns;
  const T* below = plane + ty.high * columns;
  float a = to_float(above[tx.low]), b = to_float(above[tx.high]);
  float left = a + ty.fraction * (to_float(below[tx.low]) - a);
  float right = b + ty.fraction * (to_float(below[tx.high]) - b);
  return left + tx.fraction * (right - left);
}

// Smallest and largest score of one class under the tile, by one warp; beyond HUGE_SCORE or NaN
// they say nothing, and the class has to be computed: -inf, inf.
template <typename T>
__device__ void range_of(const T* plane, int columns, int top, int bottom, int left, int right, float* low, float* high) {
  int across = right - left + 1, count = (bottom - top + 1) * across, lane = threadIdx.x;
  float least = EDGECV_INF, most = -EDGECV_INF;
  for (int i = lane; i < count; i += 32) {
    float score = to_float(plane[(top + i / across) * columns + left + i % across]);
    if (!(fabsf(score) <= HUGE_SCORE)) least = -EDGECV_INF, most = EDGECV_INF;
    least = score < least ? score : least;
    most = score > most ? score : most;
  }
  for (int step = 16; step; step >>= 1) {
    float l = __shfl_xor_sync(0xffffffffu, least, step), m = __shfl_xor_sync(0xffffffffu, most, step);
    least = l < least ? l : least;
    most = m > most ? m : most;
  }
  *low = least;
  *high = most;
}

struct Shared {
  float upper[MAX_CLASSES];         // what each class reaches at most under the tile
  float bars[TILE_Y];               // what the best class of each warp reaches everywhere
  unsigned able[MAX_CLASSES / 32];  // the classes that can win, a bit each
};

// Which classes can win anywhere in the tile of output pixels x0..x1-1, y0..y1-1.
template <typename T>
__device__ void find_able(const T* scores, const Slot& s, int classes, int rows, int columns, int x0, int y0, int x1, int y1,
                          Shared* shared) {
  int left = tap_of(x0, s.scale_x, s.offset_x, columns).low, right = tap_of(x1 - 1, s.scale_x, s.offset_x, columns).high;
  int top = tap_of(y0, s.scale_y, s.offset_y, rows).low, bottom = tap_of(y1 - 1, s.scale_y, s.offset_y, rows).high;
  float bar = -EDGECV_INF;
  for (int c = threadIdx.y; c < classes; c += TILE_Y) {
    float low, high;
    range_of(scores + (int64_t)c * rows * columns, columns, top, bottom, left, right, &low, &high);
    float size = -low > high ? -low : high;
    bool known = size <= HUGE_SCORE;
    float least = low - SLACK * size;
    if (known && least > bar) bar = least;
    if (threadIdx.x == 0) shared->upper[c] = known ? high + SLACK * size : EDGECV_INF;
  }
  if (threadIdx.x == 0) shared->bars[threadIdx.y] = bar;
  __syncthreads();
  for (int i = 0; i < TILE_Y; ++i) bar = shared->bars[i] > bar ? shared->bars[i] : bar;
  int c = threadIdx.y * TILE_X + threadIdx.x;
  unsigned bits = __ballot_sync(0xffffffffu, c < classes && shared->upper[c < classes ? c : 0] >= bar);
  if (threadIdx.x == 0) shared->able[threadIdx.y] = bits;
  __syncthreads();
}

template <typename T>
__device__ int label_of(const T* scores, const Slot& s, int rows, int columns, int x, int y, const unsigned* able) {
  Tap tx = tap_of(x, s.scale_x, s.offset_x, columns), ty = tap_of(y, s.scale_y, s.offset_y, rows);
  float best = -EDGECV_INF;
  int label = 0;
  for (int word = 0; word < MAX_CLASSES / 32; ++word) {  // rising: of equal values the lowest label stays
    for (unsigned rest = able[word]; rest; rest &= rest - 1) {
      int c = word * 32 + __ffs(rest) - 1;
      float value = value_at(scores + (int64_t)c * rows * columns, columns, ty, tx);
      if (value > best) best = value, label = c;
    }
  }
  return label;
}

template <typename T>
__device__ void label_tiles(const T* logits, const int* blocks, uint8_t* labels, int64_t capacity, int classes, int rows,
                            int columns) {
  __shared__ Shared shared;
  const int* w = blocks + blockIdx.z * WORDS;
  Slot s = {w[0], w[1], __int_as_float(w[2]), __int_as_float(w[3]), __int_as_float(w[4]), __int_as_float(w[5])};
  int wide = TILE_X * PER_X, high = TILE_Y * PER_Y, across = (s.width + wide - 1) / wide;
  int tiles = across * ((s.height + high - 1) / high);
  const T* scores = logits + (int64_t)blockIdx.z * classes * rows * columns;
  uint8_t* out = labels + (int64_t)blockIdx.z * capacity;
  for (int tile = blockIdx.x; tile < tiles; tile += gridDim.x) {
    int x0 = tile % across * wide, y0 = tile / across * high;
    int x1 = x0 + wide < s.width ? x0 + wide : s.width, y1 = y0 + high < s.height ? y0 + high : s.height;
    find_able(scores, s, classes, rows, columns, x0, y0, x1, y1, &shared);
    int only = -1, count = 0;
    for (int word = 0; word < MAX_CLASSES / 32; ++word) {
      if (shared.able[word]) only = word * 32 + __ffs(shared.able[word]) - 1;
      count += __popc(shared.able[word]);
    }
    for (int k = 0; k < PER_X * PER_Y; ++k) {
      int x = x0 + k % PER_X * TILE_X + threadIdx.x, y = y0 + k / PER_X * TILE_Y + threadIdx.y;
      if (x >= x1 || y >= y1) continue;
      int label = count == 1 ? only : label_of(scores, s, rows, columns, x, y, shared.able);
      out[(int64_t)y * s.width + x] = (uint8_t)label;
    }
    __syncthreads();  // the next tile overwrites what this one reads
  }
}

// grid (any, 1, batch), block (32, 8): a block takes every gridDim.x-th tile of 64 x 16 labels.
extern "C" __global__ void label_map_f32(const float* logits, const int* blocks, uint8_t* labels, int64_t capacity, int classes,
                                         int rows, int columns) {
  label_tiles(logits, blocks, labels, capacity, classes, rows, columns);
}

extern "C" __global__ void label_map_f16(const half_t* logits, const int* blocks, uint8_t* labels, int64_t capacity, int classes,
                                         int rows, int columns) {
  label_tiles(logits, blocks, labels, capacity, classes, rows, columns);
}

// Parameter blocks of pictures that letterbox placed: a row of its block (see letterbox.cu's Slot:
// height, width, …, top, left, rows, columns) becomes a row of ours, in the doubles of `sampling`
// and with the coarser grid of `grid_of`. grid ceil(batch / 32), block 32.
extern "C" __global__ void label_map_place(const int* frames, int frame_words, int* blocks, int batch, int most, int input_height,
                                           int input_width, int rows, int columns, int align_corners) {
  int slot = blockIdx.x * blockDim.x + threadIdx.x;
  if (slot >= batch) return;
  const int* f = frames + slot * frame_words;
  int* w = blocks + slot * WORDS;
  int k = 1;
  while ((int64_t)((f[0] + k - 1) / k) * ((f[1] + k - 1) / k) > most) ++k;
  for (int axis = 0; axis < 2; ++axis) {
    int length = (f[axis] + k - 1) / k, side = axis ? input_width : input_height, cells = axis ? columns : rows;
    w[axis] = length;
    double step = (double)f[7 + axis] / (double)(length ? length : 1);
    double first = (double)f[5 + axis] + 0.5 * step, scale, offset;
    if (align_corners) {
      double ratio = side > 1 ? (double)(cells - 1) / (double)(side - 1) : 0.0;
      scale = step * ratio, offset = (first - 0.5) * ratio;
    } else {
      scale = step * cells / side, offset = first * cells / side - 0.5;
    }
    w[2 + 2 * axis] = __float_as_int((float)scale);
    w[3 + 2 * axis] = __float_as_int((float)offset);
  }
}
