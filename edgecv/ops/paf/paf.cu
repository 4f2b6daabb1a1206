// CUDA twin of paf (contract and arithmetic: edgecv/ops/paf/__init__.py; the CPU twin's loops are in
// the same order). Three kernels: a block a part finds peaks, a block a limb connects them, a block
// an image makes people. An image is blockIdx.y.
#include "edgecv/half.cuh"
#include "edgecv/order.cuh"
#include "edgecv/sort.cuh"

constexpr int PEAKS = 64, SAMPLES = 10, WORKING = 128, MAX_JOINTS = 32;  // of edgecv.ops.paf
constexpr int PEAK_THREADS = 256, BUFFER = 512;  // the kept peaks and what two rounds may add
constexpr int LIMB_THREADS = 128;
constexpr float FAINT = 0.1f, LEAST = 0.25f, TINY = 1.17549435e-38f;

// ---- peaks -------------------------------------------------------------------------------------

template <class T>
struct Map {
  const T* cells;
  int height, width;
  __device__ float at(int y, int x) const { return to_float(cells[y * width + x]); }

  // The maximum of its 3x3, a lower index winning ties; a NaN is none and hides none.
  __device__ bool is_peak(int y, int x, float value) const {
    for (int v = max(0, y - 1); v <= min(height - 1, y + 1); ++v)
      for (int u = max(0, x - 1); u <= min(width - 1, x + 1); ++u) {
        const float other = at(v, u);
        const bool earlier = v < y || (v == y && u < x);
        if (other > value || (other == value && earlier)) return false;
      }
    return true;
  }
};

// Step to, and rise of the logarithm at, the peak of the parabola along one axis.
__device__ void parabola(float before, float value, float after, double& step, double& rise) {
  const float floor = FAINT * value;
  const double middle = log((double)value);
  const double left = log((double)(before > floor ? before : floor));
  const double right = log((double)(after > floor ? after : floor));
  const double curve = (left - middle) + (right - middle);
  if (!(curve < 0)) return;
  step = 0.5 * (left - right) / curve;
  rise = -0.125 * (left - right) * (left - right) / curve;
}

// Place and height of the peak in a cell.
template <class T>
__device__ float3 refined(const Map<T>& map, int cell) {
  const int y = cell / map.width, x = cell % map.width;
  const float value = map.at(y, x);
  double step_x = 0, rise_x = 0, step_y = 0, rise_y = 0;
  if (x > 0 && x < map.width - 1) parabola(map.at(y, x - 1), value, map.at(y, x + 1), step_x, rise_x);
  if (y > 0 && y < map.height - 1) parabola(map.at(y - 1, x), value, map.at(y + 1, x), step_y, rise_y);
  return make_float3((float)(x + step_x), (float)(y + step_y), (float)(value * exp(rise_x + rise_y)));
}

// The PEAKS best of `buffer` at its start, highest first. All threads call it.
__device__ int keep_best(bits64_t* buffer, int filled) {
  const int size = power_of_two(max(1, filled));
  for (int i = filled + threadIdx.x; i < size; i += blockDim.x) buffer[i] = 0;
  __syncthreads();
  block_sort_falling(buffer, size);
  return min(filled, PEAKS);
}

template <class T>
__device__ void find_peaks(const T* maps, int channels, int height, int width, float least, float2* places,
                           float* scores, int* counts, int* dropped) {
  __shared__ bits64_t buffer[BUFFER];
  const int parts = gridDim.x, row = blockIdx.y * parts + blockIdx.x;
  const int cells = height * width;
  const Map<T> map = {maps + ((int64_t)blockIdx.y * channels + blockIdx.x) * cells, height, width};
  const float faintest = fmaxf(least * LEAST, TINY);
  int filled = 0, total = 0;
  for (int base = 0; base < cells; base += PEAK_THREADS) {
    const int cell = base + threadIdx.x;
    bits64_t key = 0;
    if (cell < cells) {
      const float value = map.at(cell / width, cell % width);
      if (value >= faintest && map.is_peak(cell / width, cell % width, value)) {
        const float score = refined(map, cell).z;
        if (score >= least) key = order_pack(score, cell);
      }
    }
    int added;
    const int at = block_scan(key != 0, added);
    if (key != 0) buffer[filled + at] = key;
    filled += added;
    total += added;
    __syncthreads();
    if (filled > BUFFER - PEAK_THREADS) filled = keep_best(buffer, filled);
  }
  filled = keep_best(buffer, filled);
  for (int i = threadIdx.x; i < filled; i += PEAK_THREADS) {
    const float3 peak = refined(map, (int)~(uint32_t)buffer[i]);
    places[row * PEAKS + i] = make_float2(peak.x, peak.y);
    scores[row * PEAKS + i] = peak.z;
  }
  if (threadIdx.x == 0) {
    counts[row] = filled;
    dropped[row] = total - filled;
  }
}

extern "C" __global__ void paf_peaks_f32(const float* maps, int channels, int height, int width, float least,
                                         float2* places, float* scores, int* counts, int* dropped) {
  find_peaks(maps, channels, height, width, least, places, scores, counts, dropped);
}

extern "C" __global__ void paf_peaks_f16(const half_t* maps, int channels, int height, int width, float least,
                                         float2* places, float* scores, int* counts, int* dropped) {
  find_peaks(maps, channels, height, width, least, places, scores, counts, dropped);
}

// ---- limbs -------------------------------------------------------------------------------------

// Bilinear value at (x, y), inside the map.
template <class T>
__device__ float sample(const Map<T>& map, float x, float y) {
  const int u = (int)x, v = (int)y;
  const int right = min(u + 1, map.width - 1), below = min(v + 1, map.height - 1);
  const float fx = x - (float)u, fy = y - (float)v;
  const float upper = (1.0f - fx) * map.at(v, u) + fx * map.at(v, right);
  const float lower = (1.0f - fx) * map.at(below, u) + fx * map.at(below, right);
  return (1.0f - fy) * upper + fy * lower;
}

// Score of a limb from `start` to `end`; 0 if it is refused.
template <class T>
__device__ float affinity_of(const Map<T>& along_x, const Map<T>& along_y, float2 start, float2 end,
                             float affinity, int needed) {
  const int height = along_x.height, width = along_x.width;
  const float dx = end.x - start.x, dy = end.y - start.y;
  const float length = sqrtf(dx * dx + dy * dy);
  if (!(length > 1e-6f)) return 0;
  const float ux = dx / length, uy = dy / length;
  float total = 0;
  int hits = 0;
  for (int i = 0; i < SAMPLES; ++i) {
    if (hits + SAMPLES - i < needed) return 0;
    const float part = (float)i / (float)(SAMPLES - 1);
    const float x = fminf(fmaxf(start.x + dx * part, 0.0f), (float)(width - 1));
    const float y = fminf(fmaxf(start.y + dy * part, 0.0f), (float)(height - 1));
    const float along = sample(along_x, x, y) * ux + sample(along_y, x, y) * uy;
    if (along > affinity) {
      total += along;
      ++hits;
    }
  }
  if (hits < needed) return 0;
  const float score = total / (float)hits + fminf(0.5f * (float)height / length - 1.0f, 0.0f);
  return score > 0 ? score : 0.0f;
}

// `limbs`: per limb its two parts and the two channels of its field.
template <class T>
__device__ void connect(const T* fields, int channels, int height, int width, const int4* limbs, int parts,
                        const float2* places, const int* counts, float affinity, int needed, int2* pairs,
                        float* scores, int* found) {
  __shared__ bits64_t keys[PEAKS * PEAKS];
  __shared__ int filled;
  const int4 limb = limbs[blockIdx.x];
  const int row = blockIdx.y * gridDim.x + blockIdx.x, first = blockIdx.y * parts;
  const int many_a = counts[first + limb.x], many_b = counts[first + limb.y];
  const int64_t cells = (int64_t)height * width, image = (int64_t)blockIdx.y * channels;
  const Map<T> along_x = {fields + (image + limb.z) * cells, height, width};
  const Map<T> along_y = {fields + (image + limb.w) * cells, height, width};
  if (threadIdx.x == 0) filled = 0;
  __syncthreads();
  for (int i = threadIdx.x; i < many_a * many_b; i += LIMB_THREADS) {
    const int a = i / many_b, b = i % many_b;
    const float2 start = places[(first + limb.x) * PEAKS + a], end = places[(first + limb.y) * PEAKS + b];
    const float score = affinity_of(along_x, along_y, start, end, affinity, needed);
    // In any order: the keys differ, there is room for all, and they are sorted.
    if (score > 0) keys[atomicAdd(&filled, 1)] = order_pack(score, a * PEAKS + b);
  }
  __syncthreads();
  const int many = filled, size = power_of_two(max(1, many));
  for (int i = many + threadIdx.x; i < size; i += LIMB_THREADS) keys[i] = 0;
  __syncthreads();
  block_sort_falling(keys, size);
  if (threadIdx.x != 0) return;
  bits64_t used_a = 0, used_b = 0;
  int taken = 0;
  for (int i = 0; i < many && taken < min(many_a, many_b); ++i) {
    const int pair = (int)~(uint32_t)keys[i], a = pair / PEAKS, b = pair % PEAKS;
    if ((used_a >> a & 1) || (used_b >> b & 1)) continue;
    used_a |= 1ull << a;
    used_b |= 1ull << b;
    pairs[row * PEAKS + taken] = make_int2(a, b);
    scores[row * PEAKS + taken++] = order_value((uint32_t)(keys[i] >> 32));
  }
  found[row] = taken;
}

extern "C" __global__ void paf_limbs_f32(const float* fields, int channels, int height, int width,
                                         const int4* limbs, int parts, const float2* places,
                                         const int* counts, float affinity, int needed, int2* pairs,
                                         float* scores, int* found) {
  connect(fields, channels, height, width, limbs, parts, places, counts, affinity, needed, pairs, scores,
          found);
}

extern "C" __global__ void paf_limbs_f16(const half_t* fields, int channels, int height, int width,
                                         const int4* limbs, int parts, const float2* places,
                                         const int* counts, float affinity, int needed, int2* pairs,
                                         float* scores, int* found) {
  connect(fields, channels, height, width, limbs, parts, places, counts, affinity, needed, pairs, scores,
          found);
}

// ---- people ------------------------------------------------------------------------------------

// People under assembly, in shared memory. One thread joins; the others fetch and put away.
struct People {
  short member[WORKING][MAX_JOINTS];  // peak of each part, -1 where there is none
  short owner[MAX_JOINTS][PEAKS];     // who has a peak, -1: nobody
  float sum[WORKING];
  int size[WORKING];
  int count, dropped;

  __device__ void begin(int part_a, int a, int part_b, int b, float sum_of) {
    if (count == WORKING) {
      ++dropped;
      return;
    }
    member[count][part_a] = (short)a;
    member[count][part_b] = (short)b;
    owner[part_a][a] = owner[part_b][b] = (short)count;
    sum[count] = sum_of;
    size[count++] = 2;
  }

  __device__ void join(int person, int part, int peak, float gain) {
    if (member[person][part] >= 0) return;
    member[person][part] = (short)peak;
    owner[part][peak] = (short)person;
    sum[person] += gain;
    ++size[person];
  }

  __device__ void merge(int one, int other, int parts, float score) {
    const int first = min(one, other), second = max(one, other);
    for (int k = 0; k < parts; ++k)
      if (member[first][k] >= 0 && member[second][k] >= 0) return;
    for (int k = 0; k < parts; ++k) {
      const short peak = member[second][k];
      if (peak < 0) continue;
      member[first][k] = peak;
      owner[k][peak] = (short)first;
    }
    sum[first] += sum[second] + score;
    size[first] += size[second];
    size[second] = 0;
  }

  __device__ void connect(int4 limb, int2 pair, float score, const float (*heights)[PEAKS], int parts,
                          bool closing) {
    const int one = owner[limb.x][pair.x], other = owner[limb.y][pair.y];
    const float a = heights[limb.x][pair.x], b = heights[limb.y][pair.y];
    if (one < 0 && other < 0) {
      if (!closing) begin(limb.x, pair.x, limb.y, pair.y, a + b + score);
    } else if (other < 0) {
      join(one, limb.y, pair.y, b + score);
    } else if (one < 0) {
      join(other, limb.x, pair.x, a + score);
    } else if (one != other) {
      merge(one, other, parts, score);
    }
  }
};

// WORKING threads: thread t weighs person t at the end. `joints` is (images, most, parts, 3).
extern "C" __global__ void paf_people(const int4* limbs, int count, int closing, int parts,
                                      const float2* places, const float* heights, const int* lost,
                                      const int2* pairs, const float* scores, const int* found,
                                      int min_joints, float min_score, int most, float* joints,
                                      float* means, int* kept, int* overflow) {
  __shared__ People people;
  __shared__ float height_of[MAX_JOINTS][PEAKS];
  __shared__ int2 pair_of[PEAKS];
  __shared__ float score_of[PEAKS], mean_of[WORKING];
  const int t = threadIdx.x, image = blockIdx.x;
  for (int i = t; i < WORKING * MAX_JOINTS; i += WORKING) people.member[i / MAX_JOINTS][i % MAX_JOINTS] = -1;
  for (int i = t; i < parts * PEAKS; i += WORKING) {
    people.owner[i / PEAKS][i % PEAKS] = -1;
    height_of[i / PEAKS][i % PEAKS] = heights[image * parts * PEAKS + i];
  }
  people.size[t] = 0;
  if (t == 0) people.count = people.dropped = 0;
  for (int i = 0; i < count; ++i) {
    const int row = image * count + i, many = found[row];
    if (t < many) {
      pair_of[t] = pairs[row * PEAKS + t];
      score_of[t] = scores[row * PEAKS + t];
    }
    __syncthreads();
    if (t == 0)
      for (int n = 0; n < many; ++n)
        people.connect(limbs[i], pair_of[n], score_of[n], height_of, parts, i >= count - closing);
    __syncthreads();
  }
  const int size = people.size[t];
  const bool good = size >= max(1, min_joints) && people.sum[t] >= min_score * (float)size;
  float mean = 0;
  for (int k = 0; k < parts && good; ++k)
    if (people.member[t][k] >= 0) mean += height_of[k][people.member[t][k]];
  mean = good ? mean / (float)size : -1.0f;
  mean_of[t] = mean;
  const int total = __syncthreads_count(good);
  int rank = 0;
  for (int other = 0; other < WORKING; ++other)
    if (mean_of[other] > mean || (mean_of[other] == mean && other < t)) ++rank;
  if (t < most) {  // rows nobody takes are zeros
    if (t >= total) means[image * most + t] = 0;
    for (int k = 0; k < 3 * parts && t >= total; ++k) joints[(image * most + t) * 3 * parts + k] = 0;
  }
  if (good && rank < most) {
    means[image * most + rank] = mean;
    float* row = joints + (image * most + rank) * 3 * parts;
    for (int k = 0; k < parts; ++k) {
      const int peak = people.member[t][k];
      const float2 place = peak >= 0 ? places[(image * parts + k) * PEAKS + peak] : make_float2(0, 0);
      row[3 * k] = place.x;
      row[3 * k + 1] = place.y;
      row[3 * k + 2] = peak >= 0 ? height_of[k][peak] : 0.0f;
    }
  }
  if (t == 0) {
    int dropped = people.dropped + max(0, total - most);
    for (int k = 0; k < parts; ++k) dropped += lost[image * parts + k];
    kept[image] = min(total, most);
    overflow[image] = dropped;
  }
}
