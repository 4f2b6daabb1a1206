// Selection of the k highest of n scores in a row, rows in blockIdx.y: a histogram radix select of
// digits of 11, 11 and 10 bits, then an ordered compaction (count, sums of counts, scatter).
//
// A Source says what is selected: `unsigned key(int row, int i, unsigned floor) const` is the
// order-preserving key of candidate i, or 0 if i is none (below the floor, say). Ties go to the
// lower index. Positions never come from atomics: results are the same in every schedule.
#pragma once
#include "edgecv/half.cuh"
#include "edgecv/order.cuh"
#include "edgecv/scan.cuh"
#include "edgecv/sort.cuh"

constexpr int SELECT_BINS = 2048, SELECT_PASSES = 3;
constexpr int SELECT_THREADS = 256, SELECT_WARPS = SELECT_THREADS / 32;
constexpr int SELECT_TILE = 512;  // scores a warp counts and scatters, 32 at a time
constexpr int SELECT_MOST = 4096;  // sorted by one block
constexpr unsigned SELECT_LOWEST = 0x007fffffu;  // key of -inf

// What a pass has found of a row: keys whose leading digits are above `prefix` are all taken, and
// `need` of those that equal it. `whole`: the row has no more candidates than fit.
struct SelectState {
  unsigned prefix;
  int need, whole, unused;
};

// Lowest key that is a candidate; 0 where the threshold is NaN: all are, NaN as -inf.
__device__ inline unsigned select_floor(float threshold) {
  return is_nan(threshold) ? 0u : order_key(threshold);
}

// Rows of plain scores: row r begins at data[skip + r * pitch].
template <class T>
struct SelectValues {
  const T* data;
  int skip, pitch;
  __device__ unsigned key(int row, int i, unsigned floor) const {
    const float value = to_float(data[skip + static_cast<long long>(row) * pitch + i]);
    if (is_nan(value)) return floor == 0 ? SELECT_LOWEST : 0;
    const unsigned key = order_key(value);
    return key >= floor ? key : 0;
  }
};

__device__ inline int select_length(int n, const int* count) {
  return count == nullptr ? n : max(0, min(n, count[blockIdx.y]));
}

__device__ inline int select_shift(int pass) { return pass == 0 ? 21 : pass == 1 ? 10 : 0; }

// What a row's histogram of one pass adds to what was known. `counted` is the number of candidates
// in the histogram. All threads of SELECT_THREADS call it.
__device__ inline SelectState select_pick(const int* bins, int pass, SelectState known, int& counted) {
  __shared__ SelectState picked;
  const int share = SELECT_BINS / SELECT_THREADS;
  const int top = SELECT_BINS - 1 - static_cast<int>(threadIdx.x) * share;  // highest bins first
  int sum = 0;
  for (int j = 0; j < share; ++j) sum += bins[top - j];
  int above = block_scan(sum, counted);
  if (pass == 0 && counted <= known.need) {
    if (threadIdx.x == 0) picked = {0u, 0, 1, 0};
  } else if (above < known.need && known.need <= above + sum) {
    int bin = top;
    while (above + bins[bin] < known.need) above += bins[bin--];
    const int digits = pass == 2 ? 10 : 11;
    picked = {known.prefix << digits | static_cast<unsigned>(bin), known.need - above, 0, 0};
  }
  __syncthreads();
  const SelectState found = picked;
  __syncthreads();
  return found;
}

// What is known before `pass`; block 0 keeps it for later kernels, and reports the totals.
__device__ inline SelectState select_resume(const int* bins, int pass, int k, SelectState* states,
                                            int* kept, int* total) {
  if (pass == 0) return {0u, k, 0, 0};
  const int row = blockIdx.y;
  bins += (row * SELECT_PASSES + pass - 1) * SELECT_BINS;
  SelectState known = {0u, k, 0, 0};
  if (pass > 1) known = states[row * SELECT_PASSES + pass - 2];
  if (known.whole) {
    if (blockIdx.x == 0 && threadIdx.x == 0) states[row * SELECT_PASSES + pass - 1] = known;
    return known;
  }
  int counted;
  const SelectState found = select_pick(bins, pass - 1, known, counted);
  if (blockIdx.x == 0 && threadIdx.x == 0) {
    states[row * SELECT_PASSES + pass - 1] = found;
    if (pass == 1) {
      total[row] = counted;
      kept[row] = min(counted, k);
    }
  }
  return found;
}

// Pass 0, 1, 2: how often each digit occurs among candidates that begin with the prefix. The bins
// of all passes, (rows, SELECT_PASSES, SELECT_BINS), are zero before.
template <class Source>
__device__ void select_histogram(Source source, int n, const int* count, const float* threshold, int k,
                                 int pass, int* bins, SelectState* states, int* kept, int* total) {
  __shared__ int here[SELECT_BINS];
  const SelectState known = select_resume(bins, pass, k, states, kept, total);
  if (known.whole) return;
  const int row = blockIdx.y, length = select_length(n, count);
  const unsigned floor = select_floor(threshold[0]);
  const int shift = select_shift(pass);
  const unsigned digits = pass == 2 ? 1023u : 2047u;
  for (int bin = threadIdx.x; bin < SELECT_BINS; bin += SELECT_THREADS) here[bin] = 0;
  __syncthreads();
  const int first = blockIdx.x * SELECT_WARPS * SELECT_TILE;
  const int last = min(length, first + SELECT_WARPS * SELECT_TILE);
  for (int i = first + threadIdx.x; i < last; i += SELECT_THREADS) {
    const unsigned key = source.key(row, i, floor);
    const bool begins = pass == 0 || key >> select_shift(pass - 1) == known.prefix;
    if (key != 0 && begins) atomicAdd(&here[(key >> shift) & digits], 1);
  }
  __syncthreads();
  int* all = bins + (row * SELECT_PASSES + pass) * SELECT_BINS;
  for (int bin = threadIdx.x; bin < SELECT_BINS; bin += SELECT_THREADS)
    if (here[bin] != 0) atomicAdd(&all[bin], here[bin]);
}

// Whether a key is taken for sure (2), taken while there is need (1), or not (0).
__device__ inline int select_verdict(unsigned key, const SelectState& known) {
  if (key == 0) return 0;
  if (known.whole || key > known.prefix) return 2;
  return key == known.prefix ? 1 : 0;
}

// Per tile of SELECT_TILE scores, a warp each: how many are taken for sure, and how many may be.
// `counts` is (rows, tiles, 2).
template <class Source>
__device__ void select_count(Source source, int n, const int* count, const float* threshold, int k,
                             int* bins, SelectState* states, int* counts, int* kept, int* total) {
  const SelectState known = select_resume(bins, SELECT_PASSES, k, states, kept, total);
  const int row = blockIdx.y, length = select_length(n, count), lane = threadIdx.x & 31;
  const unsigned floor = select_floor(threshold[0]);
  const int tiles = (n + SELECT_TILE - 1) / SELECT_TILE;
  const int tile = blockIdx.x * SELECT_WARPS + (threadIdx.x >> 5);
  if (tile >= tiles) return;
  int sure = 0, maybe = 0;
  for (int j = 0; j < SELECT_TILE; j += 32) {
    const int i = tile * SELECT_TILE + j + lane;
    const int verdict = i < length ? select_verdict(source.key(row, i, floor), known) : 0;
    sure += __popc(__ballot_sync(0xffffffffu, verdict == 2));
    maybe += __popc(__ballot_sync(0xffffffffu, verdict == 1));
  }
  if (lane == 0) {
    counts[(row * tiles + tile) * 2] = sure;
    counts[(row * tiles + tile) * 2 + 1] = maybe;
  }
}

// The chosen keys and their indices: those taken for sure by rising index, then those that equal
// the last key by rising index. Zeroes the bins for the next call. `keys`, `index` are (rows, k).
template <class Source>
__device__ void select_scatter(Source source, int n, const int* count, const float* threshold, int k,
                               int* bins, const SelectState* states, const int* counts, unsigned* keys,
                               int* index) {
  const int row = blockIdx.y, length = select_length(n, count), lane = threadIdx.x & 31;
  for (int at = blockIdx.x * SELECT_THREADS + threadIdx.x; at < SELECT_PASSES * SELECT_BINS;
       at += gridDim.x * SELECT_THREADS)
    bins[row * SELECT_PASSES * SELECT_BINS + at] = 0;
  const SelectState known = states[row * SELECT_PASSES + SELECT_PASSES - 1];
  const unsigned floor = select_floor(threshold[0]);
  const int tiles = (n + SELECT_TILE - 1) / SELECT_TILE, first = blockIdx.x * SELECT_WARPS;
  counts += row * tiles * 2;
  int sure = 0, maybe = 0;
  for (int t = threadIdx.x; t < first; t += SELECT_THREADS) {
    sure += counts[t * 2];
    maybe += counts[t * 2 + 1];
  }
  sure = block_sum(sure);
  maybe = block_sum(maybe) + k - known.need;
  const int tile = first + (threadIdx.x >> 5);
  if (tile >= tiles) return;
  for (int t = first; t < tile; ++t) {
    sure += counts[t * 2];
    maybe += counts[t * 2 + 1];
  }
  const unsigned earlier = (1u << lane) - 1;
  for (int j = 0; j < SELECT_TILE; j += 32) {
    const int i = tile * SELECT_TILE + j + lane;
    const unsigned key = i < length ? source.key(row, i, floor) : 0;
    const int verdict = select_verdict(key, known);
    const unsigned sures = __ballot_sync(0xffffffffu, verdict == 2);
    const unsigned maybes = __ballot_sync(0xffffffffu, verdict == 1);
    const int at = verdict == 2 ? sure + __popc(sures & earlier) : maybe + __popc(maybes & earlier);
    if (verdict != 0 && at < k) {
      keys[row * k + at] = key;
      index[row * k + at] = i;
    }
    sure += __popc(sures);
    maybe += __popc(maybes);
  }
}

// Key and index as one key in which of equal keys the lower index is the higher.
__device__ inline bits64_t select_pack(unsigned key, int index) {
  return static_cast<bits64_t>(key) << 32 | ~static_cast<unsigned>(index);
}

// Write the first `kept` of sorted packed keys; -1 and -inf after them.
__device__ inline void select_write(const bits64_t* packed, int kept, int k, int* index,
                                    float* value) {
  for (int i = threadIdx.x; i < k; i += blockDim.x) {
    const bool real = i < kept;
    index[blockIdx.y * k + i] = real ? static_cast<int>(~static_cast<unsigned>(packed[i])) : -1;
    value[blockIdx.y * k + i] = order_value(real ? static_cast<unsigned>(packed[i] >> 32) : SELECT_LOWEST);
  }
}

// Sort what scatter chose, k <= SELECT_MOST: a block a row.
__device__ inline void select_sort(const unsigned* keys, const int* chosen, const int* kept, int k,
                                   int* index, float* value) {
  __shared__ bits64_t packed[SELECT_MOST];
  const int row = blockIdx.y, taken = kept[row], size = power_of_two(max(1, taken));
  for (int i = threadIdx.x; i < size; i += blockDim.x)
    packed[i] = i < taken ? select_pack(keys[row * k + i], chosen[row * k + i]) : 0ull;
  __syncthreads();
  block_sort_falling(packed, size);
  select_write(packed, taken, k, index, value);
}

// Everything in one block a row, n <= SELECT_MOST.
template <class Source>
__device__ void select_small(Source source, int n, const int* count, const float* threshold, int k,
                             int* index, float* value, int* kept, int* total) {
  __shared__ bits64_t packed[SELECT_MOST];
  const int row = blockIdx.y, length = select_length(n, count);
  const unsigned floor = select_floor(threshold[0]);
  int found = 0;
  for (int base = 0; base < length; base += blockDim.x) {
    const int i = base + threadIdx.x;
    const unsigned key = i < length ? source.key(row, i, floor) : 0;
    int added;
    const int at = found + block_scan(key != 0, added);
    if (key != 0) packed[at] = select_pack(key, i);
    found += added;
  }
  const int size = power_of_two(max(1, found));
  for (int i = found + threadIdx.x; i < size; i += blockDim.x) packed[i] = 0ull;
  __syncthreads();
  block_sort_falling(packed, size);
  const int taken = min(found, k);
  select_write(packed, taken, k, index, value);
  if (threadIdx.x == 0) {
    kept[row] = taken;
    total[row] = found;
  }
}
