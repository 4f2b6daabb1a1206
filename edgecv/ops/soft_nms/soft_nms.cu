// Soft-NMS of one class of one image in a block: choose the best score, decay the others, repeat.
// Scores decay in shared memory; what is chosen is written, NaN for the rest. The caller ranks.
#include "edgecv/order.cuh"
#include "edgecv/scan.cuh"

constexpr int SOFT_MOST = 1024, SOFT_THREADS = 256;

__device__ inline float soft_iou(const float4& a, const float4& b) {
  const float width = fmaxf(fminf(a.z, b.z) - fmaxf(a.x, b.x), 0.0f);
  const float height = fmaxf(fminf(a.w, b.w) - fmaxf(a.y, b.y), 0.0f);
  const float common = width * height;
  if (!(common > 0.0f)) return 0.0f;
  const float one = (a.z - a.x) * (a.w - a.y), other = (b.z - b.x) * (b.w - b.y);
  const float share = common / ((one + other) - common);
  return share > 0.0f ? share : 0.0f;
}

// Highest of one key of each thread, in every thread; all threads call it.
__device__ inline bits64_t soft_highest(bits64_t key) {
  __shared__ bits64_t warps[SOFT_THREADS / 32];
  for (int step = 16; step > 0; step >>= 1) {
    const bits64_t other = __shfl_xor_sync(0xffffffffu, key, step);
    key = other > key ? other : key;
  }
  if ((threadIdx.x & 31) == 0) warps[threadIdx.x >> 5] = key;
  __syncthreads();
  key = warps[0];
  for (int warp = 1; warp < SOFT_THREADS / 32; ++warp) key = warps[warp] > key ? warps[warp] : key;
  __syncthreads();  // the next call writes `warps`
  return key;
}

// A class in blockIdx.x, an image in blockIdx.y. `decayed` is (B, n); `overflow` is (B,), zero
// before, and counts candidates whose class was full.
extern "C" __global__ void soft_nms_decay(const float4* boxes, const float* scores, const int* ids,
                                          const int* count, int n, int limit, int gaussian, float width,
                                          float floor, float* decayed, int* overflow) {
  __shared__ float4 box[SOFT_MOST];
  __shared__ float left[SOFT_MOST];
  __shared__ int member[SOFT_MOST];
  const int kind = blockIdx.x, classes = gridDim.x, image = blockIdx.y;
  const int length = max(0, min(n, count[image]));
  const float none = __uint_as_float(0x7fc00000u);
  const long long row = static_cast<long long>(image) * n;
  int found = 0;
  for (int base = 0; base < length; base += SOFT_THREADS) {  // the members, in their order
    const int i = base + threadIdx.x;
    const int id = i >= length ? -1 : ids == nullptr ? 0 : ids[row + i];
    const bool mine = i < length && id == kind, able = mine && !is_nan(scores[row + i]);
    const bool stray = kind == 0 && i < length && (id < 0 || id >= classes);  // of no class: nobody's
    int added;
    const int at = found + block_scan(able, added);
    if (able && at < SOFT_MOST) {
      box[at] = boxes[row + i];
      left[at] = scores[row + i];
      member[at] = i;
    }
    if (mine || stray) decayed[row + i] = none;
    found += added;
  }
  if (threadIdx.x == 0 && found > SOFT_MOST) atomicAdd(&overflow[image], found - SOFT_MOST);
  const int members = min(found, SOFT_MOST);
  __syncthreads();
  for (int choice = 0; choice < min(limit, members); ++choice) {
    bits64_t key = 0;
    for (int i = threadIdx.x; i < members; i += SOFT_THREADS) {
      const bits64_t here = order_pack(left[i], i);
      key = here > key ? here : key;
    }
    key = soft_highest(key);
    const int best = static_cast<int>(order_index(key));
    const float score = order_score(key);
    if (!(score >= floor)) break;
    const float4 chosen = box[best];
    for (int i = threadIdx.x; i < members; i += SOFT_THREADS) {
      if (i == best) {
        decayed[row + member[i]] = left[i];
        left[i] = none;
        continue;
      }
      const float overlap = soft_iou(chosen, box[i]);
      if (gaussian)
        left[i] *= expf(-(overlap * overlap) / width);
      else if (overlap >= width)
        left[i] *= 1.0f - overlap;
    }
  }
}
