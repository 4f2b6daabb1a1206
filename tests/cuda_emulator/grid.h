// Threads, warps and blocks: who waits for whom, and what is said when nobody ever comes.
#pragma once
#include <algorithm>
#include <atomic>
#include <cstdint>
#include <cstdio>
#include <random>
#include <vector>

#include "fibers.h"

#define EMULATOR_VECTOR(T, name)                                     \
  struct alignas(2 * sizeof(T)) name##2 {                            \
    T x, y;                                                          \
  };                                                                 \
  struct name##3 {                                                   \
    T x, y, z;                                                       \
  };                                                                 \
  struct alignas(4 * sizeof(T)) name##4 {                            \
    T x, y, z, w;                                                    \
  };                                                                 \
  inline name##2 make_##name##2(T x, T y) { return {x, y}; }         \
  inline name##3 make_##name##3(T x, T y, T z) { return {x, y, z}; } \
  inline name##4 make_##name##4(T x, T y, T z, T w) { return {x, y, z, w}; }
EMULATOR_VECTOR(signed char, char)
EMULATOR_VECTOR(unsigned char, uchar)
EMULATOR_VECTOR(short, short)
EMULATOR_VECTOR(unsigned short, ushort)
EMULATOR_VECTOR(int, int)
EMULATOR_VECTOR(unsigned, uint)
EMULATOR_VECTOR(float, float)
struct dim3 {
  unsigned x = 1, y = 1, z = 1;
};

namespace emulator {
enum State : uint8_t { READY, AT_BLOCK, AT_WARP, DONE };
struct Block;

struct Fiber {  // one CUDA thread
  Place place;
  Block* block = nullptr;
  uint3 thread{};
  unsigned linear = 0, line = 0;
  State state = DONE;
};

struct Meeting {  // of the lanes named in a mask
  unsigned mask = 0, arrived = 0, line = 0;
  const char* what = "";
  uint64_t in[32], out[32];
};

struct Votes {  // of __syncthreads_or, _and, _count
  int any = 0, all = 1, count = 0;
};

struct Block {  // one an OS thread, used again for every block it runs
  uint3 index{};
  dim3 block_size, grid_size;
  unsigned threads = 0, alive = 0, waiting = 0, line = 0;
  Votes votes, counted;
  std::vector<Fiber*> fibers;
  std::vector<std::vector<Meeting>> warps;
  std::vector<unsigned> order;
  void (*entry)(void*) = nullptr;
  void* arguments = nullptr;
  std::mt19937 random;
  unsigned spins = 0;
  Place place;
};

// "static": several libraries of this kind live in one process, each with its own state.
static thread_local Fiber* current = nullptr;
static char error_text[512];
static std::atomic<int> failed{0};

inline void to_scheduler(Fiber* fiber) { hand_over(&fiber->place, &fiber->block->place); }
inline void to_fiber(Block* block, Fiber* fiber) { hand_over(&block->place, &fiber->place); }

// Ends the launch with a message; the first one stands. A fiber that fails never goes on.
[[gnu::noinline]] inline void fail(const char* what, unsigned line = 0) {
  if (!failed.exchange(1)) {
    if (Fiber* f = current)
      snprintf(error_text, sizeof error_text, "%s (line %u, block %u,%u,%u thread %u,%u,%u)", what,
               line, f->block->index.x, f->block->index.y, f->block->index.z, f->thread.x,
               f->thread.y, f->thread.z);
    else
      snprintf(error_text, sizeof error_text, "%s", what);
  }
  if (current)
    for (;;) to_scheduler(current);
}

inline void release(Block* block) {
  block->waiting = block->spins = 0;
  block->counted = block->votes;
  block->votes = Votes{};
  for (unsigned i = 0; i < block->threads; ++i)
    if (block->fibers[i]->state == AT_BLOCK) block->fibers[i]->state = READY;
}

[[gnu::noinline]] inline void fiber_body() {
  for (;;) {
    Fiber* fiber = current;
    Block* block = fiber->block;
    block->entry(block->arguments);
    fiber->state = DONE;
    block->spins = 0;
    --block->alive;  // a thread that returned counts as arrived at every barrier
    if (block->alive && block->waiting == block->alive) release(block);
    to_scheduler(fiber);
  }
}

inline Fiber* new_fiber() {
  Fiber* fiber = new Fiber;
  start(&fiber->place, new_stack(), fiber_body);
  return fiber;
}

// __syncthreads() and its voting forms: all live threads of the block, at one line.
[[gnu::noinline]] inline Votes barrier(unsigned line, bool vote) {
  Fiber* fiber = current;
  Block* block = fiber->block;
  if (block->waiting == 0) {
    block->line = line;
  } else if (block->line != line) {
    char what[96];
    snprintf(what, sizeof what, "divergent __syncthreads(): other threads wait at line %u",
             block->line);
    fail(what, line);
  }
  block->votes.any |= vote;
  block->votes.all &= vote;
  block->votes.count += vote;
  fiber->line = line;
  if (++block->waiting == block->alive) release(block);
  else fiber->state = AT_BLOCK;
  to_scheduler(fiber);
  return block->counted;
}

// The lanes of `mask` meet; each gets the values of all of them.
[[gnu::noinline]] inline const uint64_t* meet(const char* what, unsigned line, unsigned mask,
                                              uint64_t value) {
  Fiber* fiber = current;
  Block* block = fiber->block;
  unsigned lane = fiber->linear & 31, warp = fiber->linear >> 5;
  unsigned lanes = std::min(32u, block->threads - warp * 32);
  if (lanes < 32) mask &= (1u << lanes) - 1;
  if (!(mask >> lane & 1)) fail("warp intrinsic: calling lane is not in its own mask", line);
  for (unsigned other = 0; other < 32; ++other)
    if ((mask >> other & 1) && block->fibers[warp * 32 + other]->state == DONE)
      fail("warp intrinsic: mask names an exited lane", line);
  auto& meetings = block->warps[warp];
  size_t at = 0;
  while (at < meetings.size() && meetings[at].mask != mask) ++at;
  if (at == meetings.size()) {
    meetings.emplace_back();
    meetings[at].mask = mask;
  }
  Meeting* here = &meetings[at];
  if (!here->arrived) {
    here->what = what;
    here->line = line;
  } else if (here->line != line || here->what != what) {
    fail("warp intrinsic: lanes of one mask wait at different calls", line);
  }
  here->in[lane] = value;
  here->arrived |= 1u << lane;
  fiber->line = line;
  if (here->arrived == mask) {
    memcpy(here->out, here->in, sizeof here->in);
    here->arrived = 0;
    for (unsigned other = 0; other < 32; ++other)
      if (mask >> other & 1) block->fibers[warp * 32 + other]->state = READY;
  } else {
    fiber->state = AT_WARP;
  }
  to_scheduler(fiber);
  return block->warps[warp][at].out;  // asked again: the vector may have grown meanwhile
}

// A lock's loop lets other threads run; one that never ends is an error.
inline void spin(unsigned line) {
  if (++current->block->spins > 1u << 17) fail("a lock that nobody gives back", line);
  to_scheduler(current);
}
}  // namespace emulator
