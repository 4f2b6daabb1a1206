// Kernels with the mistakes the emulator must report, and some that look wrong and are not.
#include "edgecv/half.cuh"
#include "edgecv/order.cuh"

extern "C" __global__ void wrong_divergent_barrier(int* out) {
  if (threadIdx.x < 16) {
    __syncthreads();
  } else {
    out[0] = 1;
    __syncthreads();
  }
}
extern "C" __global__ void wrong_deadlock(int* out) {
  if (threadIdx.x == 0) __syncwarp(0x3u);
  else __syncwarp();
  out[threadIdx.x] = 1;
}
extern "C" __global__ void wrong_shuffle_with_exited_lanes(int* out) {
  if (threadIdx.x >= 16) return;
  out[threadIdx.x] = __shfl_xor_sync(0xffffffffu, (int)threadIdx.x, 1);
}
extern "C" __global__ void wrong_mask_without_the_caller(int* out) {
  out[threadIdx.x] = __shfl_sync(0x0000ffffu, (int)threadIdx.x, 0);
}
extern "C" __global__ void wrong_lane_outside_the_mask(int* out) {
  if (threadIdx.x < 16) out[threadIdx.x] = __shfl_sync(0x0000ffffu, (int)threadIdx.x, 20);
}
extern "C" __global__ void wrong_lock(int* out) {
  while (atomicCAS(out, 0, 1) != 0) {
  }
}
extern "C" __global__ void wrong_trap(int* out) {
  if (out[threadIdx.x] != 0) __trap();
}
extern "C" __global__ void wrong_overrun(int* out, int beyond) { out[threadIdx.x + beyond] = 1; }
extern "C" __global__ void wrong_static_overrun(int* out, int count) {
  __shared__ int values[8];
  values[threadIdx.x % count] = threadIdx.x;
  __syncthreads();
  out[threadIdx.x] = values[threadIdx.x % 8];
}

// Results that depend on the order of threads: what a parity test over orders finds.
extern "C" __global__ void wrong_missing_barrier(int* out) {
  __shared__ int values[64];
  values[threadIdx.x] = threadIdx.x;
  out[threadIdx.x] = values[63 - threadIdx.x];
}
extern "C" __global__ void wrong_uninitialised(int* out) {
  __shared__ int sum;
  atomicAdd(&sum, 1);
  __syncthreads();
  if (threadIdx.x == 0) out[0] = sum;
}
extern "C" __global__ void wrong_last_block_wins(int* out) { out[0] = blockIdx.x; }

// Right, though a simpler emulator would refuse it.
extern "C" __global__ void right_early_exit(int* out) {
  if (threadIdx.x >= 40) return;
  __syncthreads();
  out[threadIdx.x] = 1;
}
extern "C" __global__ void right_dynamic_shared(int* out) {
  extern __shared__ int memory[];
  memory[threadIdx.x] = threadIdx.x;
  __syncthreads();
  out[threadIdx.x] = memory[blockDim.x - 1 - threadIdx.x];
}
extern "C" __global__ void right_lock(int* lock, int* sum) {
  for (bool done = false; !done;) {
    if (atomicCAS(lock, 0, 1) == 0) {
      *sum += 1;
      atomicExch(lock, 0);
      done = true;
    }
  }
}
extern "C" __global__ void right_votes(int* out) {
  int odd = threadIdx.x & 1;
  out[0] = __syncthreads_count(odd);
  out[1] = __syncthreads_or(odd);
  out[2] = __syncthreads_and(odd);
  unsigned ballot = __ballot_sync(0xffffffffu, odd);
  unsigned match = __match_any_sync(0xffffffffu, odd);
  int any = __any_sync(0xffffffffu, odd), all = __all_sync(0xffffffffu, odd);
  if (threadIdx.x == 0) {
    out[3] = ballot;
    out[4] = match;
    out[5] = any;
    out[6] = all;
  }
}
extern "C" __global__ void right_shuffles(int* out) {
  int lane = threadIdx.x;
  out[lane] = __shfl_up_sync(0xffffffffu, lane, 1);
  out[32 + lane] = __shfl_down_sync(0xffffffffu, lane, 2, 8);
  out[64 + lane] = __shfl_xor_sync(0xffffffffu, lane, 16);
  out[96 + lane] = __shfl_sync(0xffffffffu, lane, 3, 8);
}
extern "C" __global__ void right_geometry(int* out) {
  int x = blockIdx.x * blockDim.x + threadIdx.x, y = blockIdx.y * blockDim.y + threadIdx.y;
  int z = blockIdx.z * blockDim.z + threadIdx.z;
  out[(z * gridDim.y * blockDim.y + y) * gridDim.x * blockDim.x + x] = x + 10 * y + 100 * z;
}
extern "C" __global__ void right_atomics(int* out) {
  atomicAdd(&out[0], 1);
  atomicMax(&out[1], (int)threadIdx.x);
  atomicMin(&out[2], (int)threadIdx.x);
  atomicOr(&out[3], 1 << threadIdx.x % 32);
  atomicInc((unsigned*)&out[4], 9u);
}

// The shared headers, element by element.
extern "C" __global__ void right_half_to_float(const half_t* in, float* out, int count) {
  int at = blockIdx.x * blockDim.x + threadIdx.x;
  if (at < count) out[at] = to_float(in[at]);
}
extern "C" __global__ void right_float_to_half(const float* in, half_t* out, int count) {
  int at = blockIdx.x * blockDim.x + threadIdx.x;
  if (at < count) store_float(out + at, to_float(in[at]));
}
extern "C" __global__ void right_order(const float* in, uint32_t* keys, float* back, int count) {
  int at = blockIdx.x * blockDim.x + threadIdx.x;
  if (at >= count) return;
  keys[at] = order_key(in[at]);
  bits64_t packed = order_pack(in[at], at);
  back[at] = order_index(packed) == at ? order_score(packed) : -1;
}
