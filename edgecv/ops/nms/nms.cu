// Greedy suppression of sorted boxes. Up to 4096 candidates: nms_mask (64 x 64 overlaps a block, a
// bit each), then nms_reduce (a block an image goes through the rows in order). More: nms_list, a
// block an image, 1024 candidates at a time against the boxes kept so far; it needs no mask.
#include "edgecv/types.cuh"

constexpr int NMS_WORD = 64, NMS_WORDS = 64;  // nms_reduce: up to 4096 candidates
constexpr int NMS_REDUCERS = 512, NMS_TILE = 1024;

__device__ inline int nms_length(int n, const int* count, int image) { return max(0, min(n, count[image])); }

// A product, not a quotient, and only where something overlaps: empty and inverted boxes overlap
// nothing, NaN compares false.
__device__ inline bool nms_overlap(const float4& a, const float4& b, float iou) {
  const float width = fmaxf(fminf(a.z, b.z) - fmaxf(a.x, b.x), 0.0f);
  const float height = fmaxf(fminf(a.w, b.w) - fmaxf(a.y, b.y), 0.0f);
  const float common = width * height;
  const float one = (a.z - a.x) * (a.w - a.y), other = (b.z - b.x) * (b.w - b.y);
  return common > 0.0f && common > iou * ((one + other) - common);
}

// Bit j of mask[image, i, column]: box i suppresses box column * 64 + j, which is later.
// Words below the diagonal, and of boxes beyond `count`, are not written.
extern "C" __global__ void nms_mask(const float4* boxes, const int* ids, const int* count, int n, float iou,
                                    bits64_t* mask) {
  __shared__ float4 tile[NMS_WORD];
  __shared__ int tile_ids[NMS_WORD];
  const int column = blockIdx.x, row = blockIdx.y, image = blockIdx.z, words = gridDim.x;
  const int length = nms_length(n, count, image);
  if (row > column || column * NMS_WORD >= length) return;
  const long long first = static_cast<long long>(image) * n;
  const int other = column * NMS_WORD + threadIdx.x, i = row * NMS_WORD + threadIdx.x;
  if (other < length) {
    tile[threadIdx.x] = boxes[first + other];
    tile_ids[threadIdx.x] = ids == nullptr ? 0 : ids[first + other];
  }
  __syncthreads();
  if (i >= length) return;
  const float4 box = boxes[first + i];
  const int id = ids == nullptr ? 0 : ids[first + i];
  const int last = min(NMS_WORD, length - column * NMS_WORD);
  bits64_t bits = 0;
  for (int j = row == column ? threadIdx.x + 1 : 0; j < last; ++j)
    if (tile_ids[j] == id && nms_overlap(box, tile[j], iou)) bits |= 1ull << j;
  mask[(first + i) * words + column] = bits;
}

// Goes through the mask a word of 64 candidates at a time: one thread settles the word with its
// diagonal block, then all threads let the boxes it chose suppress those of later words.
extern "C" __global__ void nms_reduce(const int* count, const bits64_t* mask, int n, int limit, int* keep,
                                      int* kept) {
  __shared__ bits64_t removed[NMS_WORDS], rows[NMS_WORD], chosen;
  __shared__ int total;
  const int image = blockIdx.x, words = (n + NMS_WORD - 1) / NMS_WORD;
  const int length = nms_length(n, count, image), used = (length + NMS_WORD - 1) / NMS_WORD;
  const int later = threadIdx.x % NMS_WORD, group = threadIdx.x / NMS_WORD;
  mask += static_cast<long long>(image) * n * words;
  keep += image * limit;
  if (threadIdx.x < NMS_WORDS) removed[threadIdx.x] = 0;
  if (threadIdx.x == 0) total = 0;
  bits64_t ahead = 0;  // a row of the next diagonal block, loaded while this one is settled
  if (threadIdx.x < NMS_WORD && threadIdx.x < length)
    ahead = mask[static_cast<long long>(threadIdx.x) * words];
  for (int word = 0; word < used; ++word) {
    const long long first = word * NMS_WORD;
    if (threadIdx.x < NMS_WORD) rows[threadIdx.x] = ahead;
    if (threadIdx.x < NMS_WORD && first + NMS_WORD + threadIdx.x < length)
      ahead = mask[(first + NMS_WORD + threadIdx.x) * words + word + 1];
    __syncthreads();
    if (threadIdx.x == 0) {
      const int left = length - word * NMS_WORD;
      bits64_t alive = ~removed[word] & (left < NMS_WORD ? (1ull << left) - 1 : ~0ull);
      int found = total;
      chosen = 0;
      while (alive != 0 && found < limit) {
        const int bit = __ffsll(static_cast<long long>(alive)) - 1;
        keep[found++] = word * NMS_WORD + bit;
        chosen |= 1ull << bit;
        alive &= ~(rows[bit] | 1ull << bit);
      }
      total = found;
    }
    __syncthreads();
    if (total == limit) break;
    if (later > word && later < used) {
      bits64_t bits = 0;
      for (int bit = group; bit < NMS_WORD; bit += NMS_REDUCERS / NMS_WORD)
        if (chosen >> bit & 1) bits |= mask[(first + bit) * words + later];
      if (bits != 0) atomicOr(&removed[later], bits);
    }
  }
  __syncthreads();
  for (int i = total + threadIdx.x; i < limit; i += NMS_REDUCERS) keep[i] = -1;
  if (threadIdx.x == 0) kept[image] = total;
}

// A warp's 32 candidates: which of them stay, given that no earlier box suppresses those `alive`.
__device__ inline unsigned nms_settle(const float4* boxes, const int* ids, bool alive, float iou,
                                      unsigned* rows) {
  const int lane = threadIdx.x & 31;
  const unsigned lanes = __ballot_sync(0xffffffffu, alive);
  unsigned row = 0;
  for (int j = lane + 1; alive && j < 32; ++j)
    if ((lanes >> j & 1) && ids[j] == ids[lane] && nms_overlap(boxes[lane], boxes[j], iou)) row |= 1u << j;
  rows[lane] = row;
  __syncwarp();
  unsigned left = lanes, stay = 0;
  while (left != 0) {
    const int bit = __ffs(static_cast<int>(left)) - 1;
    stay |= 1u << bit;
    left &= ~(rows[bit] | 1u << bit);
  }
  return stay;
}

extern "C" __global__ void __launch_bounds__(NMS_TILE)
nms_list(const float4* boxes, const int* ids, const int* count, int n, int limit, float iou, int* keep,
         int* kept) {
  __shared__ float4 tile[NMS_TILE], stage[NMS_TILE];
  __shared__ int tile_ids[NMS_TILE], stage_ids[NMS_TILE];
  __shared__ unsigned rows[32], chosen;
  __shared__ int total;
  const int image = blockIdx.x, length = nms_length(n, count, image);
  const int thread = threadIdx.x, lane = thread & 31, warp = thread >> 5;
  boxes += static_cast<long long>(image) * n;
  if (ids != nullptr) ids += static_cast<long long>(image) * n;
  keep += image * limit;
  if (thread == 0) total = 0;
  __syncthreads();
  for (int first = 0; first < length && total < limit; first += NMS_TILE) {
    const int i = first + thread, before = total;
    bool alive = i < length;
    float4 box = {0.0f, 0.0f, 0.0f, 0.0f};
    int id = 0;
    if (alive) {
      box = boxes[i];
      id = ids == nullptr ? 0 : ids[i];
    }
    tile[thread] = box;
    tile_ids[thread] = id;
    for (int base = 0; base < before; base += NMS_TILE) {  // against what earlier tiles kept
      const int staged = min(NMS_TILE, before - base);
      if (thread < staged) {
        stage[thread] = boxes[keep[base + thread]];
        stage_ids[thread] = ids == nullptr ? 0 : ids[keep[base + thread]];
      }
      __syncthreads();
      for (int j = 0; alive && j < staged; ++j)
        if (stage_ids[j] == id && nms_overlap(stage[j], box, iou)) alive = false;
      __syncthreads();
    }
    __syncthreads();
    for (int group = 0; group < 32 && first + group * 32 < length; ++group) {
      if (warp == group) {
        const unsigned stay = nms_settle(tile + group * 32, tile_ids + group * 32, alive, iou, rows);
        if (lane == 0) {
          int found = total;
          for (unsigned left = stay; left != 0 && found < limit; left &= left - 1)
            keep[found++] = first + group * 32 + __ffs(static_cast<int>(left)) - 1;
          total = found;
          chosen = stay;
        }
      }
      __syncthreads();
      for (unsigned left = warp > group && alive ? chosen : 0; left != 0 && alive; left &= left - 1) {
        const int j = group * 32 + __ffs(static_cast<int>(left)) - 1;
        if (tile_ids[j] == id && nms_overlap(tile[j], box, iou)) alive = false;
      }
      const bool full = total == limit;
      __syncthreads();
      if (full) break;
    }
  }
  __syncthreads();
  for (int i = total + thread; i < limit; i += NMS_TILE) keep[i] = -1;
  if (thread == 0) kept[image] = total;
}
