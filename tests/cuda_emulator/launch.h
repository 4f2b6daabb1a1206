// Running a grid: every block in turn, its threads in the order asked for.
#pragma once
#include <link.h>

#include <thread>
#include <tuple>
#include <type_traits>
#include <utility>

#include "grid.h"

namespace emulator {
constexpr unsigned char POISON = 0xCD;
constexpr size_t BEYOND = 4096;  // bytes behind the launched dynamic shared memory that are watched

// The `extern __shared__` arrays, from a second translation unit written at build time.
extern "C" int emulator_dynamic(unsigned char** arrays, size_t* capacity);

struct Shared {  // this thread's copy of every __shared__ variable of this library
  char* start = nullptr;
  size_t bytes = 0;
};

inline Shared find_shared() {
  Shared found;
  current = nullptr;  // touched, so that the thread's copy exists
  dl_iterate_phdr(
      [](dl_phdr_info* info, size_t, void* out) -> int {
        for (int k = 0; info->dlpi_tls_data && k < info->dlpi_phnum; ++k) {
          if (info->dlpi_phdr[k].p_type != PT_TLS) continue;
          auto start = (char*)info->dlpi_tls_data;
          size_t bytes = info->dlpi_phdr[k].p_memsz;
          if ((char*)&current >= start && (char*)&current < start + bytes) {
            *(Shared*)out = {start, bytes};
            return 1;
          }
        }
        return 0;
      },
      &found);
  return found;
}

inline void report_deadlock(Block* block) {
  for (unsigned i = 0; i < block->threads; ++i) {
    Fiber* fiber = block->fibers[i];
    if (fiber->state == DONE) continue;
    char what[128];
    snprintf(what, sizeof what, "deadlock: thread %u waits at a %s barrier nobody completes, line %u",
             fiber->linear, fiber->state == AT_WARP ? "warp" : "block", fiber->line);
    fail(what);
    return;
  }
}

inline void check_dynamic(size_t launched) {
  unsigned char* arrays[16];
  size_t capacity = 0;
  int count = emulator_dynamic(arrays, &capacity);
  for (int k = 0; k < count; ++k)
    for (size_t i = launched; i < launched + BEYOND; ++i)
      if (arrays[k][i] != POISON) return fail("dynamic shared memory written past the launched size");
}

inline void run_block(Block* block, size_t dynamic, bool shuffled, Shared shared) {
  if (shared.start) memset(shared.start, POISON, shared.bytes);
  current = nullptr;
  block->alive = block->threads;
  block->waiting = block->spins = 0;
  block->votes = Votes{};
  for (auto& meetings : block->warps) meetings.clear();
  for (unsigned i = 0; i < block->threads; ++i) {
    Fiber* fiber = block->fibers[i];
    fiber->state = READY;
    fiber->linear = i;
    dim3 size = block->block_size;
    fiber->thread = {i % size.x, i / size.x % size.y, i / (size.x * size.y)};
  }
  if (shuffled) std::shuffle(block->order.begin(), block->order.end(), block->random);
  while (block->alive) {
    bool moved = false;
    for (unsigned at : block->order) {
      Fiber* fiber = block->fibers[at];
      if (fiber->state != READY) continue;
      moved = true;
      current = fiber;
      to_fiber(block, fiber);
      current = nullptr;
      if (failed) return;
    }
    if (!moved) return report_deadlock(block);
  }
  check_dynamic(dynamic);
}

struct Grid {
  dim3 grid, block;
  size_t dynamic;  // bytes of dynamic shared memory
  int order;       // 0 forward, 1 reverse, else the seed of a shuffle
  void (*entry)(void*);
  void* arguments;
};

inline bool check_sizes(const Grid& g) {
  unsigned char* arrays[16];
  size_t capacity = 0;
  emulator_dynamic(arrays, &capacity);
  unsigned threads = g.block.x * g.block.y * g.block.z;
  if (threads == 0 || threads > 1024 || g.block.z > 64) fail("bad block size");
  else if (!g.grid.x || !g.grid.y || !g.grid.z || g.grid.y > 65535 || g.grid.z > 65535)
    fail("bad grid size");
  else if (g.dynamic > capacity) fail("more dynamic shared memory than any device has");
  return !failed;
}

// Fibers are used again: a stack is expensive, and after a failure it holds live frames.
static std::vector<std::vector<Fiber*>> spare_fibers;
static std::atomic_flag spare_lock = ATOMIC_FLAG_INIT;

inline void take_fibers(Block* block) {
  while (spare_lock.test_and_set()) {
  }
  if (!spare_fibers.empty()) {
    block->fibers = std::move(spare_fibers.back());
    spare_fibers.pop_back();
  }
  spare_lock.clear();
  while (block->fibers.size() < block->threads) block->fibers.push_back(new_fiber());
  for (Fiber* fiber : block->fibers) fiber->block = block;
}

inline void give_fibers(Block* block) {
  if (failed) return;
  while (spare_lock.test_and_set()) {
  }
  spare_fibers.push_back(std::move(block->fibers));
  spare_lock.clear();
}

inline void run_blocks(const Grid& g, std::atomic<uint64_t>& next, unsigned seed) {
  uint64_t total = (uint64_t)g.grid.x * g.grid.y * g.grid.z;
  Shared shared = find_shared();
  Block block;
  block.block_size = g.block;
  block.grid_size = g.grid;
  block.threads = g.block.x * g.block.y * g.block.z;
  block.entry = g.entry;
  block.arguments = g.arguments;
  block.random.seed(seed);
  take_fibers(&block);
  block.warps.resize((block.threads + 31) / 32);
  block.order.resize(block.threads);
  for (unsigned i = 0; i < block.threads; ++i)
    block.order[i] = g.order == 1 ? block.threads - 1 - i : i;
  std::vector<uint64_t> blocks;
  if (g.order >= 2) {  // the same shuffle in every OS thread
    blocks.resize(total);
    for (uint64_t i = 0; i < total; ++i) blocks[i] = i;
    std::mt19937 random(g.order);
    std::shuffle(blocks.begin(), blocks.end(), random);
  }
  for (uint64_t i; !failed && (i = next++) < total;) {
    uint64_t at = g.order == 1 ? total - 1 - i : g.order >= 2 ? blocks[i] : i;
    block.index = {unsigned(at % g.grid.x), unsigned(at / g.grid.x % g.grid.y),
                   unsigned(at / ((uint64_t)g.grid.x * g.grid.y))};
    run_block(&block, g.dynamic, g.order >= 2, shared);
  }
  give_fibers(&block);
}

inline int run(const Grid& g, int os_threads) {
  failed = 0;
  error_text[0] = 0;
  if (!check_sizes(g)) return 1;
  std::atomic<uint64_t> next{0};
  if (os_threads <= 1) {
    run_blocks(g, next, g.order * 7919);
  } else {
    std::vector<std::thread> workers;
    for (int i = 0; i < os_threads; ++i)
      workers.emplace_back([&, i] { run_blocks(g, next, g.order * 7919 + i); });
    for (auto& worker : workers) worker.join();
  }
  return failed;
}

// A kernel and its arguments as cuLaunchKernel takes them: an array of pointers to values.
template <class... A>
struct Call {
  void (*kernel)(A...);
  void** values;
};
template <class... A, size_t... I>
void call(Call<A...>* c, std::index_sequence<I...>) {
  c->kernel(*(std::remove_reference_t<A>*)c->values[I]...);
}
template <class... A>
int launch(void (*kernel)(A...), void** values, int count, const unsigned* sides, size_t dynamic,
           int order, int os_threads) {
  if (count != (int)sizeof...(A)) {
    fail("wrong number of kernel arguments");
    return 1;
  }
  Call<A...> c{kernel, values};
  Grid g{{sides[0], sides[1], sides[2]}, {sides[3], sides[4], sides[5]}, dynamic, order,
         [](void* p) { call((Call<A...>*)p, std::index_sequence_for<A...>{}); }, &c};
  return run(g, os_threads);
}
template <class... A>
int argument_sizes(void (*)(A...), int* out) {
  int sizes[] = {(int)sizeof(A)..., 0};
  memcpy(out, sizes, sizeof...(A) * sizeof(int));
  return sizeof...(A);
}
}  // namespace emulator

// One a kernel, written at build time.
#define EMULATED_KERNEL(name)                                                                      \
  extern "C" __global__ int name##__launch(const unsigned* sides, size_t dynamic, void** values,   \
                                           int count, int order, int os_threads) {                 \
    return emulator::launch(name, values, count, sides, dynamic, order, os_threads);               \
  }                                                                                                \
  extern "C" __global__ int name##__sizes(int* out) { return emulator::argument_sizes(name, out); }
extern "C" __global__ inline __attribute__((used)) const char* emulator_error() {
  return emulator::error_text;
}
