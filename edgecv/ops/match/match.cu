// CUDA twin of match (contract: edgecv/ops/match/__init__.py). No N x M matrix is kept: a block takes
// 64 rows and a share of the columns, 64 at a time; each row's best two go to a partial result a share,
// each column's best to a 64-bit maximum (distance, then lower index), which is the same in any order.
// `match_finish` joins them. Keys are order_pack(-distance^2, index): larger is nearer; 0 is nobody.
#include "edgecv/half.cuh"
#include "edgecv/order.cuh"
#include "edgecv/scan.cuh"

constexpr int TILE = 64, LANES = 16, EACH = 4, CHUNK = 16, THREADS = LANES * LANES;
constexpr int FINISH = 1024;

// A row's nearest, and the key of its second nearest.
struct Nearest {
  bits64_t best, rival;
};

__device__ void take(Nearest& known, bits64_t key) {
  if (key > known.best) {
    known.rival = known.best;
    known.best = key;
  } else if (key > known.rival) {
    known.rival = key;
  }
}

// 64 rows x CHUNK channels, transposed into shared memory; 0 beyond the rows and channels.
template <class T>
__device__ void load_tile(const T* from, int first, int rows, int channel, int depth, float (*tile)[TILE + 1]) {
  for (int i = threadIdx.x; i < TILE * CHUNK; i += THREADS) {
    const int row = first + i / CHUNK, c = channel + i % CHUNK;
    const bool real = row < rows && c < depth;
    tile[i % CHUNK][i / CHUNK] = real ? to_float(from[static_cast<long long>(row) * depth + c]) : 0.f;
  }
}

__device__ int rows_of(const int* counts, int capacity) {
  return counts == nullptr ? capacity : max(0, min(capacity, counts[blockIdx.z]));
}

// `partial` is (B, shares, n), `columns` (B, m) zero before.
template <class T>
__device__ void match_block(const T* first, const int* first_count, int n, const T* second,
                            const int* second_count, int m, int depth, Nearest* partial,
                            bits64_t* columns) {
  __shared__ float a[CHUNK][TILE + 1], b[CHUNK][TILE + 1], norms[2 * TILE];
  __shared__ bits64_t keys[TILE][LANES], rivals[TILE][LANES];
  const int x = threadIdx.x % LANES, y = threadIdx.x / LANES, top = blockIdx.x * TILE;
  const int rows = rows_of(first_count, n), width = rows_of(second_count, m);
  first += static_cast<long long>(blockIdx.z) * n * depth;
  second += static_cast<long long>(blockIdx.z) * m * depth;
  Nearest nearest = {0ull, 0ull};  // of row top + threadIdx.x, in the first TILE threads
  for (int left = blockIdx.y * TILE; left < width && top < rows; left += gridDim.y * TILE) {
    float dots[EACH][EACH] = {}, norm = 0.f;
    for (int channel = 0; channel < depth; channel += CHUNK) {
      load_tile(first, top, rows, channel, depth, a);
      load_tile(second, left, width, channel, depth, b);
      __syncthreads();
      for (int c = 0; c < CHUNK; ++c) {
        for (int i = 0; i < EACH; ++i)
          for (int j = 0; j < EACH; ++j)
            dots[i][j] = fmaf(a[c][y + i * LANES], b[c][x + j * LANES], dots[i][j]);
        if (threadIdx.x < 2 * TILE) {
          const float value = threadIdx.x < TILE ? a[c][threadIdx.x] : b[c][threadIdx.x - TILE];
          norm = fmaf(value, value, norm);
        }
      }
      __syncthreads();
    }
    if (threadIdx.x < 2 * TILE) norms[threadIdx.x] = norm;
    __syncthreads();
    // Squared distances; each thread's best two of its four columns, for each of its four rows.
    Nearest by_column[EACH] = {};
    for (int i = 0; i < EACH; ++i) {
      Nearest by_row = {0ull, 0ull};
      const int row = y + i * LANES;
      for (int j = 0; j < EACH; ++j) {
        const int column = x + j * LANES;
        float squared = (norms[row] + norms[TILE + column]) - 2.f * dots[i][j];
        if (squared < 0.f) squared = 0.f;
        if (!(squared < EDGECV_INF) || top + row >= rows || left + column >= width) continue;
        take(by_row, order_pack(-squared, left + column));
        take(by_column[j], order_pack(-squared, top + row));
      }
      keys[row][x] = by_row.best;
      rivals[row][x] = by_row.rival;
    }
    __syncthreads();
    if (threadIdx.x < TILE) {
      for (int lane = 0; lane < LANES; ++lane) {
        take(nearest, keys[threadIdx.x][lane]);
        take(nearest, rivals[threadIdx.x][lane]);
      }
    }
    __syncthreads();
    for (int j = 0; j < EACH; ++j) keys[x + j * LANES][y] = by_column[j].best;
    __syncthreads();
    if (threadIdx.x < TILE && left + static_cast<int>(threadIdx.x) < width) {
      bits64_t best = 0;
      for (int lane = 0; lane < LANES; ++lane)
        if (keys[threadIdx.x][lane] > best) best = keys[threadIdx.x][lane];
      atomicMax(&columns[static_cast<long long>(blockIdx.z) * m + left + threadIdx.x], best);
    }
    __syncthreads();
  }
  const int row = top + threadIdx.x;
  if (threadIdx.x < TILE && row < n)
    partial[(static_cast<long long>(blockIdx.z) * gridDim.y + blockIdx.y) * n + row] = nearest;
}

extern "C" __global__ void __launch_bounds__(256)
match_tiles_f32(const float* first, const int* first_count, int n, const float* second,
                const int* second_count, int m, int depth, Nearest* partial, bits64_t* columns) {
  match_block(first, first_count, n, second, second_count, m, depth, partial, columns);
}

extern "C" __global__ void __launch_bounds__(256)
match_tiles_f16(const half_t* first, const int* first_count, int n, const half_t* second,
                const int* second_count, int m, int depth, Nearest* partial, bits64_t* columns) {
  match_block(first, first_count, n, second, second_count, m, depth, partial, columns);
}

// One block a picture pair: the pairs that pass, by rising row. `limits` are the squares of ratio and
// farthest. Zeroes `columns` for the next call.
extern "C" __global__ void __launch_bounds__(1024)
match_finish(const Nearest* partial, int shares, const int* first_count, int n, int m,
             const float* limits, bits64_t* columns, int* pairs, float* distances, int* count) {
  const int z = blockIdx.z, rows = rows_of(first_count, n);
  partial += static_cast<long long>(z) * shares * n;
  columns += static_cast<long long>(z) * m;
  pairs += static_cast<long long>(z) * n * 2;
  distances += static_cast<long long>(z) * n;
  const float ratio = limits[0], farthest = limits[1];
  int found = 0;
  for (int base = 0; base < rows; base += FINISH) {
    const int row = base + threadIdx.x;
    Nearest nearest = {0ull, 0ull};
    for (int share = 0; row < rows && share < shares; ++share) {
      take(nearest, partial[static_cast<long long>(share) * n + row].best);
      take(nearest, partial[static_cast<long long>(share) * n + row].rival);
    }
    bool good = nearest.best != 0;
    int column = 0;
    float squared = 0.f;
    if (good) {
      column = static_cast<int>(order_index(nearest.best));
      squared = -order_score(nearest.best);
      good = static_cast<int>(order_index(columns[column])) == row && squared <= farthest;
      if (nearest.rival != 0 && ratio < EDGECV_INF)
        good = good && squared < ratio * -order_score(nearest.rival);
    }
    int added;
    const int at = found + block_scan(good, added);
    if (good) {
      pairs[2 * at] = row;
      pairs[2 * at + 1] = column;
      distances[at] = sqrtf(squared);
    }
    found += added;
  }
  for (int i = found + threadIdx.x; i < n; i += FINISH) {
    pairs[2 * i] = pairs[2 * i + 1] = -1;
    distances[i] = 0.f;
  }
  __syncthreads();
  for (int i = threadIdx.x; i < m; i += FINISH) columns[i] = 0ull;
  if (threadIdx.x == 0) count[z] = found;
}
