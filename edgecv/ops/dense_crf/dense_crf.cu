// Fully connected CRF by mean field on permutohedral lattices; see edgecv/ops/dense_crf.
// Every sum runs in the order of the CPU twin, so the bits are the same. Vertices are numbered by
// sorted key (there: as they appear), which no result depends on.
#include "edgecv/crf.cuh"
#include "edgecv/half.cuh"
#include "edgecv/scan.cuh"
#include "edgecv/sort.cuh"
#include "edgecv/types.cuh"

constexpr int D = 5, CORNERS = 6;  // of the bilateral lattice, the only one built here

// ---- logits: (L, N) to rows (N, P), their maximum 0 -------------------------------------------

extern "C" __global__ void dense_crf_pack_f32(const float* logits, float* rows, int labels, int pixels, int width) {
  crf_pack(logits, rows, labels, pixels, width);
}

extern "C" __global__ void dense_crf_pack_f16(const half_t* logits, float* rows, int labels, int pixels, int width) {
  crf_pack(logits, rows, labels, pixels, width);
}

// ---- the bilateral lattice: keys, sort, vertices, neighbours ----------------------------------

// Keys as two words, entries in order, and barycentric weights. `cells`: low[5], step[6].
extern "C" __global__ void dense_crf_embed(
    const uint8_t* image, const float* scale, const int64_t* cells, float sigma, float color_sigma,
    int width, int pixels, unsigned* low_words, unsigned* high_words, int* entries, float* weights) {
  const int i = blockIdx.x * blockDim.x + threadIdx.x;
  if (i >= pixels) return;
  const int64_t* step = cells + D;
  float feature[D], lifted[CORNERS], cell[CORNERS], rest[CORNERS], by_rank[CORNERS];
  feature[0] = static_cast<float>(i % width) / sigma;
  feature[1] = static_cast<float>(i / width) / sigma;
  for (int c = 0; c < 3; ++c) feature[2 + c] = static_cast<float>(image[static_cast<int64_t>(i) * 3 + c]) / color_sigma;
  float total = 0.0f;
  for (int j = D; j > 0; --j) {
    const float part = feature[j - 1] * scale[j - 1];
    lifted[j] = total - static_cast<float>(j) * part;
    total += part;
  }
  lifted[0] = total;
  const float rise = CORNERS, inverse = static_cast<float>(1.0 / CORNERS);
  int excess = 0, rank[CORNERS];
  for (int j = 0; j < CORNERS; ++j) {
    cell[j] = rintf(lifted[j] * inverse);
    excess += static_cast<int>(cell[j]);
    rest[j] = lifted[j] - cell[j] * rise;
    rank[j] = 0;
  }
  for (int j = 0; j < D; ++j)
    for (int k = j + 1; k < CORNERS; ++k) {
      const int less = rest[j] < rest[k];
      rank[j] += less;
      rank[k] += 1 - less;
    }
  int64_t key = 0, step_of[CORNERS];
  for (int j = 0; j < CORNERS; ++j) {
    rank[j] += excess;
    const int wrap = rank[j] < 0 ? 1 : rank[j] > D ? -1 : 0;
    rank[j] += wrap * CORNERS;
    cell[j] += static_cast<float>(wrap);
    by_rank[rank[j]] = (lifted[j] - cell[j] * rise) * inverse;
    step_of[rank[j]] = step[j];
    if (j < D) key += (static_cast<int64_t>(cell[j]) - cells[j]) * step[j];
  }
  const int64_t at = static_cast<int64_t>(i) * CORNERS;
  for (int k = 0; k < CORNERS; ++k) {
    if (k > 0) key += 1 - step_of[D - k + 1];
    low_words[at + k] = static_cast<unsigned>(key);
    high_words[at + k] = static_cast<unsigned>(key >> 32);
    entries[at + k] = static_cast<int>(at) + k;
    const float weight = k == 0 ? by_rank[D] + (1.0f - by_rank[0]) : by_rank[D - k] - by_rank[D - k + 1];
    weights[at + k] = weight > 0.0f ? weight : 0.0f;  // rounding may leave -1e-7
  }
}

extern "C" __global__ void __launch_bounds__(1024) dense_crf_radix_count(const unsigned* words, int n, int shift, int* counts) {
  radix_count(words, n, shift, counts);
}

extern "C" __global__ void dense_crf_radix_offsets(int tiles, int* counts) {
  radix_offsets(tiles, counts);
}

// `words` is low or high, whichever holds this pass's digit.
extern "C" __global__ void __launch_bounds__(1024) dense_crf_radix_scatter(
    const unsigned* words, int n, int shift, const int* counts, const unsigned* low_words,
    const unsigned* high_words, const int* entries, unsigned* low_out, unsigned* high_out, int* entries_out) {
  const int to = radix_position(words, n, shift, counts);
  if (to < 0) return;
  const int i = blockIdx.x * RADIX_TILE + threadIdx.x;
  low_out[to] = low_words[i];
  high_out[to] = high_words[i];
  entries_out[to] = entries[i];
}

__device__ inline bool begins_vertex(const unsigned* low_words, const unsigned* high_words, int n, int i) {
  if (i >= n) return false;
  return i == 0 || low_words[i] != low_words[i - 1] || high_words[i] != high_words[i - 1];
}

// How many vertices begin in each tile of blockDim.x sorted entries.
extern "C" __global__ void __launch_bounds__(1024) dense_crf_vertex_count(const unsigned* low_words, const unsigned* high_words, int n, int* counts) {
  const int i = blockIdx.x * blockDim.x + threadIdx.x;
  const int sum = block_sum(begins_vertex(low_words, high_words, n, i));
  if (threadIdx.x == 0) counts[blockIdx.x] = sum;
}

// One block: counts become the number of vertices before each tile. `state`: vertices kept, lost.
extern "C" __global__ void __launch_bounds__(1024) dense_crf_vertex_offsets(int tiles, int capacity, int* counts, int* state) {
  int before = 0;
  for (int first = 0; first < tiles; first += blockDim.x) {
    const int t = first + threadIdx.x;
    int total;
    const int here = block_scan(t < tiles ? counts[t] : 0, total);
    if (t < tiles) counts[t] = before + here;
    before += total;
  }
  if (threadIdx.x == 0) {
    state[0] = before < capacity ? before : capacity;
    state[1] = before < capacity ? 0 : before - capacity;
  }
}

// Number the vertices: each entry's, where each one's entries begin, and its key. Vertices beyond
// the capacity are the row `capacity`, which stays 0.
extern "C" __global__ void __launch_bounds__(1024) dense_crf_vertex_write(
    const unsigned* low_words, const unsigned* high_words, const int* entries, int n, int capacity,
    const int* counts, unsigned* offsets, int* starts, int64_t* keys) {
  const int i = blockIdx.x * blockDim.x + threadIdx.x;
  const int begins = begins_vertex(low_words, high_words, n, i);
  int total;
  const int vertex = counts[blockIdx.x] + block_scan(begins, total) + begins - 1;
  if (i >= n) return;
  offsets[entries[i]] = vertex < capacity ? vertex : capacity;
  if (begins && vertex <= capacity) {
    starts[vertex] = i;
    if (vertex < capacity) keys[vertex] = static_cast<int64_t>(high_words[i]) << 32 | low_words[i];
  }
  if (i == n - 1 && vertex < capacity) starts[vertex + 1] = n;
}

// Blur neighbours (6, 2, capacity) by binary search among the falling keys; `capacity`: none.
extern "C" __global__ void dense_crf_neighbours(
    const int64_t* keys, const int64_t* cells, int64_t down, const int* state, int capacity, int* near) {
  const int v = blockIdx.x * blockDim.x + threadIdx.x, axis = blockIdx.y;
  const int vertices = state[0];
  if (v >= vertices) return;
  const int64_t step = cells[D + axis], key = keys[v];
  for (int side = 0; side < 2; ++side) {
    // up: to the next lower remainder and one cell on; down: its inverse
    const int64_t wanted = side == 0 ? key + (key % CORNERS > 0 ? -1 : down) + step
                                     : key - step - ((key - step + 1) % CORNERS > 0 ? -1 : down);
    int low = 0, high = vertices;
    while (low < high) {
      const int middle = (low + high) >> 1;
      if (keys[middle] > wanted) low = middle + 1; else high = middle;
    }
    near[(axis * 2 + side) * capacity + v] = low < vertices && keys[low] == wanted ? low : capacity;
  }
}

// ---- filtering: splat as a gather, blur, and what slicing needs -------------------------------

// Sum weight * row over a vertex's entries, in their order; `rows` null: the rows are ones.
extern "C" __global__ void dense_crf_splat(
    const int* starts, const int* entries, const float* weights, const float* rows, const int* state,
    int corners, int width, float* sums) {
  const int64_t at = static_cast<int64_t>(blockIdx.x) * blockDim.x + threadIdx.x;
  const int vertex = static_cast<int>(at / width), label = static_cast<int>(at % width);
  if (vertex >= state[0]) return;
  float sum = 0.0f;
  for (int i = starts[vertex]; i < starts[vertex + 1]; ++i) {
    const int entry = entries[i];
    sum += rows ? weights[entry] * rows[static_cast<int64_t>(entry / corners) * width + label] : weights[entry];
  }
  sums[at] = sum;
}

// One axis; `near` is that axis' two rows.
extern "C" __global__ void dense_crf_blur(
    const float* values, const int* near, const int* state, int capacity, int width, float* out) {
  const int64_t at = static_cast<int64_t>(blockIdx.x) * blockDim.x + threadIdx.x;
  const int vertex = static_cast<int>(at / width), label = static_cast<int>(at % width);
  if (vertex >= state[0]) return;
  const float one = values[static_cast<int64_t>(near[vertex]) * width + label];
  const float other = values[static_cast<int64_t>(near[capacity + vertex]) * width + label];
  out[at] = values[at] + 0.5f * (one + other);
}

// Multiply the weights by 1 / sqrt(filter of ones), `values` being the blurred splat of ones.
extern "C" __global__ void dense_crf_normalise(
    const float* values, const unsigned* offsets, float gain, int pixels, float* weights) {
  const int i = blockIdx.x * blockDim.x + threadIdx.x;
  if (i >= pixels) return;
  const int64_t at = static_cast<int64_t>(i) * CORNERS;
  float mass = (weights[at] * gain) * values[offsets[at]];
  for (int k = 1; k < CORNERS; ++k) mass += (weights[at + k] * gain) * values[offsets[at + k]];
  const float factor = 1.0f / sqrtf(mass + 1e-20f);
  for (int k = 0; k < CORNERS; ++k) weights[at + k] *= factor;
}

// ---- one mean-field update ---------------------------------------------------------------------

__device__ inline float slice(
    const float* values, const unsigned* offsets, const float* weights, float gain, int corners, int width, int label) {
  float sum = (weights[0] * gain) * values[static_cast<int64_t>(offsets[0]) * width + label];
  for (int k = 1; k < corners; ++k)
    sum += (weights[k] * gain) * values[static_cast<int64_t>(offsets[k]) * width + label];
  return sum;
}

// blockDim (8, pixels): eight lanes a pixel. Shared: a row of labels a pixel, two with a penalty.
// A gain of 0 leaves a kernel out. `penalty` (P, P) or null.
extern "C" __global__ void dense_crf_update(
    const float* rows, const float* values2, const unsigned* offsets2, const float* weights2, float gain2,
    const float* values5, const unsigned* offsets5, const float* weights5, float gain5, const float* penalty,
    int pixels, int width, float* q) {
  extern __shared__ float shared[];
  const int i = blockIdx.x * blockDim.y + threadIdx.y, lane = threadIdx.x;
  const int64_t pixel = i < pixels ? i : pixels - 1;  // all lanes take part in the shuffles
  float* x = shared + threadIdx.y * width;
  float* message = shared + (blockDim.y + threadIdx.y) * width;
  for (int k = lane; k < width; k += CRF_LANES) {
    float value = penalty ? 0.0f : rows[pixel * width + k];
    if (gain2 > 0.0f) value += slice(values2, offsets2 + pixel * 3, weights2 + pixel * 3, gain2, 3, width, k);
    if (gain5 > 0.0f) value += slice(values5, offsets5 + pixel * 6, weights5 + pixel * 6, gain5, 6, width, k);
    (penalty ? message : x)[k] = value;
  }
  if (penalty) {
    __syncwarp();
    for (int k = lane; k < width; k += CRF_LANES) {
      float value = rows[pixel * width + k];
      for (int other = 0; other < width; ++other) value -= penalty[other * width + k] * message[other];
      x[k] = value;
    }
  }
  const float factor = crf_softmax(x, lane, width);
  if (i < pixels)
    for (int k = lane; k < width; k += CRF_LANES) q[pixel * width + k] = x[k] * factor;
}

// ---- results -----------------------------------------------------------------------------------

extern "C" __global__ void dense_crf_labels(const float* q, int labels, int pixels, int width, uint8_t* out) {
  const int i = blockIdx.x * blockDim.x + threadIdx.x;
  if (i >= pixels) return;
  const float* row = q + static_cast<int64_t>(i) * width;
  int best = 0;
  for (int k = 1; k < labels; ++k)
    if (row[k] > row[best]) best = k;
  out[i] = static_cast<uint8_t>(best);
}

extern "C" __global__ void dense_crf_unpack(const float* q, int pixels, int width, float* out) {
  const int i = blockIdx.x * blockDim.x + threadIdx.x, label = blockIdx.y;
  if (i < pixels) out[static_cast<int64_t>(label) * pixels + i] = q[static_cast<int64_t>(i) * width + label];
}

extern "C" __global__ void dense_crf_state(const int* from, int* to) { to[threadIdx.x] = from[threadIdx.x]; }
