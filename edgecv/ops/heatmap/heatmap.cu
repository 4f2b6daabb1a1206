// CUDA twin of heatmap (contract and arithmetic: edgecv/ops/heatmap/__init__.py). A block a map:
// its highest cell, then the refinement, in double as the CPU twin does, in the same order.
#include "edgecv/half.cuh"
#include "edgecv/order.cuh"

constexpr int THREADS = 128, REACH = 2, SIDE = 2 * REACH + 1;
constexpr int MAX_KERNEL = 31;  // of edgecv.ops.heatmap
constexpr double FLOOR = 1e-10;
enum Refine { NONE = 0, QUARTER = 1, TAYLOR = 2 };

// The best of all threads' packed (value, index), in every thread.
__device__ bits64_t best_of_block(bits64_t mine) {
  __shared__ bits64_t best[THREADS / 32];
  for (int step = 16; step > 0; step >>= 1) {
    const bits64_t other = __shfl_down_sync(0xffffffffu, mine, step);
    if (other > mine) mine = other;
  }
  if ((threadIdx.x & 31) == 0) best[threadIdx.x >> 5] = mine;
  __syncthreads();
  for (int warp = 0; warp < THREADS / 32; ++warp)
    if (best[warp] > mine) mine = best[warp];
  return mine;
}

// The cells round (x, y), blurred, beyond the border 0: SIDE rows of SIDE.
template <class T>
__device__ void blur(const T* map, int height, int width, int x, int y, const double* taps, int kernel,
                     double* out) {
  __shared__ double across[(MAX_KERNEL + 2 * REACH) * SIDE];
  const int half = kernel / 2, rows = kernel + 2 * REACH;
  for (int i = threadIdx.x; i < rows * SIDE; i += THREADS) {
    const int v = y - REACH - half + i / SIDE;
    double sum = 0;
    for (int k = 0; k < kernel; ++k) {
      const int u = x - REACH - half + i % SIDE + k;
      const bool inside = u >= 0 && u < width && v >= 0 && v < height;
      sum += taps[k] * (inside ? (double)to_float(map[v * width + u]) : 0.0);
    }
    across[i] = sum;
  }
  __syncthreads();
  if (threadIdx.x < SIDE * SIDE) {
    double sum = 0;
    for (int k = 0; k < kernel; ++k) sum += taps[k] * across[threadIdx.x + k * SIDE];
    out[threadIdx.x] = sum;
  }
  __syncthreads();
}

// The step to the maximum of the expansion of the logarithm; 0 where there is none within reach.
__device__ void newton_step(const double* blurred, double& step_x, double& step_y) {
  const int middle = REACH * SIDE + REACH;
  auto at = [&](int dy, int dx) {
    const double value = blurred[middle + dy * SIDE + dx];
    return log(value < FLOOR ? FLOOR : value);
  };
  const double centre = at(0, 0);
  const double dx = 0.5 * (at(0, 1) - at(0, -1)), dy = 0.5 * (at(1, 0) - at(-1, 0));
  const double dxx = 0.25 * (at(0, 2) - 2 * centre + at(0, -2));
  const double dyy = 0.25 * (at(2, 0) - 2 * centre + at(-2, 0));
  const double dxy = 0.25 * ((at(1, 1) - at(-1, 1)) - (at(1, -1) - at(-1, -1)));
  const double det = dxx * dyy - dxy * dxy;
  const double u = (dxy * dy - dyy * dx) / det, v = (dxy * dx - dxx * dy) / det;
  const bool good = det > 0 && dxx < 0 && fabs(u) <= REACH && fabs(v) <= REACH;  // NaN is not
  step_x = good ? u : 0;
  step_y = good ? v : 0;
}

template <class T>
__device__ void joint_of(const T* maps, int height, int width, int refine, const double* taps,
                         int kernel, float* joints) {
  __shared__ double blurred[SIDE * SIDE];
  const T* map = maps + (int64_t)blockIdx.x * height * width;
  bits64_t best = 0;
  for (int i = threadIdx.x; i < height * width; i += THREADS) {
    const float value = to_float(map[i]);
    const bits64_t packed = order_pack(is_nan(value) ? -EDGECV_INF : value, i);
    if (packed > best) best = packed;
  }
  const int cell = (int)~(uint32_t)best_of_block(best);
  const int x = cell % width, y = cell / width;
  double step_x = 0, step_y = 0;
  const bool far = x > 1 && y > 1 && x < width - 1 && y < height - 1;
  if (refine == QUARTER && far) {
    const float right = to_float(map[cell + 1]), left = to_float(map[cell - 1]);
    const float below = to_float(map[cell + width]), above = to_float(map[cell - width]);
    step_x = 0.25 * ((right > left) - (right < left));
    step_y = 0.25 * ((below > above) - (below < above));
  } else if (refine == TAYLOR && far && x < width - 2 && y < height - 2) {
    blur(map, height, width, x, y, taps, kernel, blurred);
    if (threadIdx.x == 0) newton_step(blurred, step_x, step_y);
  }
  if (threadIdx.x == 0) {
    const float value = to_float(map[cell]);
    joints[blockIdx.x * 3] = (float)(x + step_x);
    joints[blockIdx.x * 3 + 1] = (float)(y + step_y);
    joints[blockIdx.x * 3 + 2] = is_nan(value) ? -EDGECV_INF : value;
  }
}

extern "C" __global__ void heatmap_joints_f32(const float* maps, int height, int width, int refine,
                                              const double* taps, int kernel, float* joints) {
  joint_of(maps, height, width, refine, taps, kernel, joints);
}

extern "C" __global__ void heatmap_joints_f16(const half_t* maps, int height, int width, int refine,
                                              const double* taps, int kernel, float* joints) {
  joint_of(maps, height, width, refine, taps, kernel, joints);
}
