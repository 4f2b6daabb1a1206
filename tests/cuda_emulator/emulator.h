// emulator.h - TEST-ONLY: lets an unmodified CUDA C kernel file compile with
//   g++ -std=c++17 -O2 -fPIC -shared -fno-extern-tls-init -include emulator.h
// and run on the CPU.  One fiber per CUDA thread, one block at a time per OS thread.
// Strict on purpose: divergent barriers, shuffles whose mask names an exited or
// missing lane, dynamic-shared-memory overruns and deadlocks are reported, shared
// memory is poisoned before every block, and the thread order can be permuted.
#pragma once
#include <cassert>
#include <cmath>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <algorithm>
#include <atomic>
#include <random>
#include <string>
#include <thread>
#include <tuple>
#include <type_traits>
#include <utility>
#include <vector>
#include <link.h>
#include <sys/mman.h>
#if !defined(__x86_64__) || defined(EMULATOR_UCONTEXT)
#include <ucontext.h>
#define EMULATOR_USE_UCONTEXT 1
#endif

#define __global__ __attribute__((visibility("default")))
#define __device__
#define __host__
#define __constant__
#define __shared__ thread_local          // block scope: implies static; legal after extern
#define __forceinline__ inline __attribute__((always_inline))
#define __noinline__ __attribute__((noinline))
#define __launch_bounds__(...)
#define __align__(n) __attribute__((aligned(n)))

#define EMULATOR_VEC(T, B)                                                                  \
  struct B##2 { T x, y; }; struct B##3 { T x, y, z; }; struct alignas(4 * sizeof(T)) B##4 { T x, y, z, w; }; \
  inline B##2 make_##B##2(T x, T y) { return {x, y}; }                                      \
  inline B##3 make_##B##3(T x, T y, T z) { return {x, y, z}; }                              \
  inline B##4 make_##B##4(T x, T y, T z, T w) { return {x, y, z, w}; }
EMULATOR_VEC(float, float) EMULATOR_VEC(int, int) EMULATOR_VEC(unsigned, uint)
EMULATOR_VEC(unsigned char, uchar) EMULATOR_VEC(short, short)
struct dim3 { unsigned x = 1, y = 1, z = 1; };

namespace emulator {
enum State : uint8_t { READY, AT_BLOCK, AT_WARP, DONE };
struct Block;
struct Fiber {
#ifdef EMULATOR_USE_UCONTEXT
  ucontext_t uc;
#else
  void* sp = nullptr;
#endif
  void* stack = nullptr; Block* b = nullptr; uint3 tid{}; unsigned lin = 0, line = 0; State st = DONE;
};
struct Group { unsigned mask = 0, arrived = 0, line = 0; const char* op = ""; uint64_t in[32], out[32]; };
struct Block {                       // one per OS thread, reused for every block it runs
  uint3 bid{}; dim3 bdim, gdim; unsigned n = 0, alive = 0, at_bar = 0, bar_line = 0;
  int red_or = 0, red_and = 1, red_cnt = 0, out_or = 0, out_and = 0, out_cnt = 0;
  std::vector<Fiber*> f; std::vector<std::vector<Group>> warps; std::vector<unsigned> order;
  void (*entry)(void*) = nullptr; void* args = nullptr; std::mt19937 rng;
#ifdef EMULATOR_USE_UCONTEXT
  ucontext_t uc;
#else
  void* sp = nullptr;
#endif
};
static thread_local Fiber* cur = nullptr;        // "static": several shim libraries may live in one process
static char g_err[512]; static std::atomic<int> g_failed{0};
static std::vector<std::vector<Fiber*>> g_pool; static std::atomic_flag g_lk = ATOMIC_FLAG_INIT;   // fibers are recycled
constexpr size_t STACK = 128 << 10;

#ifdef EMULATOR_USE_UCONTEXT
inline void to_sched(Fiber* f) { swapcontext(&f->uc, &f->b->uc); }
inline void to_fiber(Block* b, Fiber* f) { swapcontext(&b->uc, &f->uc); }
#else
extern "C" void emulator_switch(void** save, void* to) __attribute__((visibility("hidden")));
asm(".text\n.p2align 4\n.hidden emulator_switch\n.globl emulator_switch\n.type emulator_switch,@function\nemulator_switch:\n"
    "pushq %rbp\npushq %rbx\npushq %r12\npushq %r13\npushq %r14\npushq %r15\nmovq %rsp,(%rdi)\nmovq %rsi,%rsp\n"
    "popq %r15\npopq %r14\npopq %r13\npopq %r12\npopq %rbx\npopq %rbp\nret\n");
inline void to_sched(Fiber* f) { emulator_switch(&f->sp, f->b->sp); }
inline void to_fiber(Block* b, Fiber* f) { emulator_switch(&b->sp, f->sp); }
#endif

[[gnu::noinline]] inline void fail(const char* what, unsigned line = 0) {     // leaves the block for good
  if (!g_failed.exchange(1)) {
    Fiber* f = cur;
    if (f) snprintf(g_err, sizeof g_err, "%s (line %u, block %u,%u,%u thread %u,%u,%u)", what, line,
                    f->b->bid.x, f->b->bid.y, f->b->bid.z, f->tid.x, f->tid.y, f->tid.z);
    else snprintf(g_err, sizeof g_err, "%s", what);
  }
  if (cur) for (;;) to_sched(cur);                    // never resumed: scheduler sees g_failed
}
inline void release_block(Block* b) {
  b->at_bar = 0; b->out_or = b->red_or; b->out_and = b->red_and; b->out_cnt = b->red_cnt;
  b->red_or = b->red_cnt = 0; b->red_and = 1;
  for (unsigned i = 0; i < b->n; ++i) if (b->f[i]->st == AT_BLOCK) b->f[i]->st = READY;
}
[[gnu::noinline]] inline void fiber_main() {
  for (;;) { Fiber* f = cur; f->b->entry(f->b->args);
    Block* b = f->b; f->st = DONE; --b->alive;                                  // exit counts towards barriers (Volta+)
    if (b->alive && b->at_bar == b->alive) release_block(b);
    to_sched(f); }
}
inline void new_fiber(Block* b) {
  auto* f = new Fiber; f->b = b;
  f->stack = mmap(nullptr, STACK + 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  mprotect(f->stack, 4096, PROT_NONE);                                          // guard page
#ifdef EMULATOR_USE_UCONTEXT
  getcontext(&f->uc); f->uc.uc_stack.ss_sp = (char*)f->stack + 4096; f->uc.uc_stack.ss_size = STACK; f->uc.uc_link = nullptr;
  makecontext(&f->uc, fiber_main, 0);
#else
  void** top = (void**)((char*)f->stack + 4096 + STACK) - 2; *--top = nullptr; *--top = (void*)fiber_main; top -= 6;
  memset(top, 0, 48); f->sp = top;
#endif
  b->f.push_back(f);
}
[[gnu::noinline]] inline int barrier(unsigned line, int pred = 0, int kind = 0) {
  Fiber* f = cur; Block* b = f->b;
  if (b->at_bar == 0) b->bar_line = line;
  else if (b->bar_line != line) { char m[96]; snprintf(m, 96, "divergent __syncthreads(): other threads wait at line %u", b->bar_line); fail(m, line); }
  b->red_or |= pred != 0; b->red_and &= pred != 0; b->red_cnt += pred != 0; f->line = line;
  if (++b->at_bar == b->alive) release_block(b); else f->st = AT_BLOCK;
  to_sched(f);
  return kind == 0 ? b->out_cnt : kind == 1 ? b->out_and : b->out_or;
}
// Rendezvous of the lanes named in mask; returns the snapshot of all lanes' values.
[[gnu::noinline]] inline const uint64_t* exchange(const char* op, unsigned line, unsigned mask, uint64_t v) {
  Fiber* f = cur; Block* b = f->b; unsigned lane = f->lin & 31, w = f->lin >> 5, me = 1u << lane;
  unsigned have = std::min(32u, b->n - w * 32); if (have < 32) mask &= (1u << have) - 1;
  if (!(mask & me)) fail("warp intrinsic: calling lane is not in its own mask", line);
  for (unsigned l = 0; l < 32; ++l) if ((mask >> l & 1) && b->f[w * 32 + l]->st == DONE) fail("warp intrinsic: mask names an exited lane", line);
  auto& gs = b->warps[w]; size_t gi = 0;
  while (gi < gs.size() && gs[gi].mask != mask) ++gi;
  if (gi == gs.size()) { gs.emplace_back(); gs[gi].mask = mask; }
  Group* g = &gs[gi];
  if (!g->arrived) { g->op = op; g->line = line; }
  else if (g->line != line || g->op != op) fail("warp intrinsic: lanes of one mask wait at different calls", line);
  g->in[lane] = v; g->arrived |= me; f->line = line;
  if (g->arrived == mask) {
    memcpy(g->out, g->in, sizeof g->in); g->arrived = 0;
    for (unsigned l = 0; l < 32; ++l) if (mask >> l & 1) b->f[w * 32 + l]->st = READY;
  } else f->st = AT_WARP;
  to_sched(f);
  return b->warps[w][gi].out;
}
template <class T> inline uint64_t pack(T v) { static_assert(sizeof(T) <= 8, ""); uint64_t u = 0; memcpy(&u, &v, sizeof v); return u; }
template <class T> inline T unpack(uint64_t u) { T v; memcpy(&v, &u, sizeof v); return v; }
template <class T> inline T shfl(const char* op, unsigned line, unsigned mask, T v, int src, int width, int mode) {
  int lane = cur->lin & 31; const uint64_t* o = exchange(op, line, mask, pack(v)); int base = lane & ~(width - 1), s;
  switch (mode) { case 0: s = base + (src & (width - 1)); break;
    case 1: s = lane - src < base ? lane : lane - src; break;
    case 2: s = lane + src >= base + width ? lane : lane + src; break;
    default: s = lane ^ src; if (s >= base + width) s = lane; }
  if (!(mask >> s & 1)) fail("shuffle reads a lane outside its mask", line);
  return unpack<T>(o[s]);
}
inline unsigned ballot(const char* op, unsigned line, unsigned mask, int p) {
  const uint64_t* o = exchange(op, line, mask, p != 0); unsigned r = 0;
  for (int l = 0; l < 32; ++l) if ((mask >> l & 1) && o[l]) r |= 1u << l;
  return r & (cur->b->n - (cur->lin & ~31u) < 32 ? (1u << (cur->b->n & 31)) - 1 : ~0u);
}
// dynamic shared memory: names/addresses come from a generated TU
extern "C" int emulator_dyn(unsigned char** out, size_t* cap);
struct Tls { char* a = nullptr; size_t n = 0; };
inline Tls find_tls() {                                                         // this module's TLS == all its __shared__ variables
  Tls t; cur = nullptr;
  dl_iterate_phdr([](dl_phdr_info* i, size_t, void* o) -> int {
    if (i->dlpi_tls_data)
      for (int k = 0; k < i->dlpi_phnum; ++k) if (i->dlpi_phdr[k].p_type == PT_TLS) {
        auto a = (char*)i->dlpi_tls_data; size_t n = i->dlpi_phdr[k].p_memsz;
        if ((char*)&cur >= a && (char*)&cur < a + n) { *(Tls*)o = {a, n}; return 1; } }
    return 0; }, &t);
  return t;
}
inline void run_block(Block* b, size_t smem, int order_mode, Tls tls) {
  if (tls.a) memset(tls.a, 0xCD, tls.n);
  cur = nullptr; b->alive = b->n; b->at_bar = 0; b->red_or = b->red_cnt = 0; b->red_and = 1;
  for (auto& w : b->warps) w.clear();
  for (unsigned i = 0; i < b->n; ++i) { Fiber* f = b->f[i]; f->st = READY; f->lin = i;
    f->tid = {i % b->bdim.x, i / b->bdim.x % b->bdim.y, i / (b->bdim.x * b->bdim.y)}; }
  if (order_mode >= 2) std::shuffle(b->order.begin(), b->order.end(), b->rng);
  while (b->alive) {
    bool moved = false;
    for (unsigned k = 0; k < b->n; ++k) { Fiber* f = b->f[b->order[k]];
      if (f->st != READY) continue;
      moved = true; cur = f; to_fiber(b, f); cur = nullptr;
      if (g_failed) return; }
    if (!moved) { for (unsigned i = 0; i < b->n; ++i) if (b->f[i]->st != DONE) { cur = b->f[i]; break; }
      unsigned line = cur->line; bool wp = cur->st == AT_WARP; Fiber* f = cur; (void)f;
      char m[128]; snprintf(m, 128, "deadlock: thread %u waits at a %s barrier nobody completes, line %u", cur->lin, wp ? "warp" : "block", line);
      cur = nullptr; fail(m); return; } }
  unsigned char* p[16]; size_t cap = 0; int nd = emulator_dyn(p, &cap);
  for (int d = 0; d < nd; ++d) for (size_t i = smem; i < std::min(cap, smem + 4096); ++i)
    if (p[d][i] != 0xCD) { fail("dynamic shared memory written past the launched size"); return; }
}
inline int launch(void (*entry)(void*), void* args, dim3 g, dim3 bd, size_t smem, int order, int nthreads) {
  unsigned char* p[16]; size_t cap = 0; emulator_dyn(p, &cap); g_failed = 0; g_err[0] = 0;
  unsigned n = bd.x * bd.y * bd.z;
  if (n == 0 || n > 1024 || bd.z > 64) { fail("bad block size"); return 1; }
  if (!g.x || !g.y || !g.z || g.y > 65535 || g.z > 65535) { fail("bad grid size"); return 1; }
  if (smem > cap) { fail("dynamic shared memory larger than the shim's buffer"); return 1; }
  std::atomic<uint64_t> next{0}; uint64_t total = (uint64_t)g.x * g.y * g.z;
  auto work = [&](int seed) {
    Tls tls = find_tls(); Block* b = new Block; b->bdim = bd; b->gdim = g; b->n = n; b->entry = entry; b->args = args; b->rng.seed(order * 7919 + seed);
    while (g_lk.test_and_set()) {}
    if (!g_pool.empty()) { b->f = std::move(g_pool.back()); g_pool.pop_back(); }
    g_lk.clear();
    for (auto* f : b->f) f->b = b;
    while (b->f.size() < n) new_fiber(b);
    b->warps.resize((n + 31) / 32); b->order.resize(n);
    for (unsigned i = 0; i < n; ++i) b->order[i] = order == 1 ? n - 1 - i : i;
    for (uint64_t i; !g_failed && (i = next++) < total;) {
      uint64_t j = order == 1 ? total - 1 - i : i;
      b->bid = {unsigned(j % g.x), unsigned(j / g.x % g.y), unsigned(j / ((uint64_t)g.x * g.y))};
      run_block(b, smem, order, tls); }
    if (!g_failed) { while (g_lk.test_and_set()) {} g_pool.push_back(std::move(b->f)); g_lk.clear(); }   // after a failure stacks hold live frames: drop
    delete b; };
  if (nthreads <= 1) work(0); else { std::vector<std::thread> t; for (int i = 0; i < nthreads; ++i) t.emplace_back(work, i); for (auto& x : t) x.join(); }
  return g_failed;
}
template <class... A, size_t... I> int launch_k(void (*k)(A...), void** a, dim3 g, dim3 b, size_t s, int o, int nt, std::index_sequence<I...>) {
  struct Pack { void (*k)(A...); void** a; } pk{k, a}; (void)a;
  return launch([](void* q) { auto* p = (Pack*)q; p->k(*(std::remove_reference_t<A>*)p->a[I]...); }, &pk, g, b, s, o, nt);
}
template <class... A> int launch_any(void (*k)(A...), void** a, const unsigned* gb, size_t s, int o, int nt, int nargs) {
  if (nargs != (int)sizeof...(A)) { fail("wrong number of kernel arguments"); return 1; }
  return launch_k(k, a, {gb[0], gb[1], gb[2]}, {gb[3], gb[4], gb[5]}, s, o, nt, std::index_sequence_for<A...>{});
}
template <class... A> int sizes_of(void (*)(A...), int* out) { int s[] = {(int)sizeof(A)..., 0}; memcpy(out, s, sizeof...(A) * sizeof(int)); return sizeof...(A); }
template <class T, class F> inline T rmw(T* p, F f) {
  T o = *p, n; do n = f(o); while (!__atomic_compare_exchange(p, &o, &n, false, __ATOMIC_SEQ_CST, __ATOMIC_SEQ_CST)); return o; }
}  // namespace emulator
// One per kernel (generated): same void** kernelParams convention as cuLaunchKernel.
#define EMULATED_KERNEL(name)                                                                                        \
  extern "C" __global__ int name##__launch(const unsigned* gb, size_t s, void** a, int na, int order, int nt) { return emulator::launch_any(name, a, gb, s, order, nt, na); } \
  extern "C" __global__ int name##__sizes(int* out) { return emulator::sizes_of(name, out); }
extern "C" __global__ inline __attribute__((used)) const char* emulator_error() { return emulator::g_err; }

#define threadIdx (emulator::cur->tid)
#define blockIdx (emulator::cur->b->bid)
#define blockDim (emulator::cur->b->bdim)
#define gridDim (emulator::cur->b->gdim)
static constexpr int warpSize = 32;
#define __syncthreads() ((void)emulator::barrier(__LINE__))
#define __syncthreads_count(p) emulator::barrier(__LINE__, (p), 0)
#define __syncthreads_and(p) emulator::barrier(__LINE__, (p), 1)
#define __syncthreads_or(p) emulator::barrier(__LINE__, (p), 2)
namespace emulator { inline void syncwarp(unsigned line, unsigned m = ~0u) { exchange("syncwarp", line, m, 0); }
template <class T> inline T s4(const char* op, unsigned line, int mode, unsigned m, T v, int src, int w = 32) { return shfl(op, line, m, v, src, w, mode); } }
#define __syncwarp(...) emulator::syncwarp(__LINE__ __VA_OPT__(,) __VA_ARGS__)
#define __shfl_sync(...) emulator::s4("shfl", __LINE__, 0, __VA_ARGS__)
#define __shfl_up_sync(...) emulator::s4("shfl_up", __LINE__, 1, __VA_ARGS__)
#define __shfl_down_sync(...) emulator::s4("shfl_down", __LINE__, 2, __VA_ARGS__)
#define __shfl_xor_sync(...) emulator::s4("shfl_xor", __LINE__, 3, __VA_ARGS__)
#define __ballot_sync(m, p) emulator::ballot("ballot", __LINE__, (m), (p))
#define __any_sync(m, p) (emulator::ballot("any", __LINE__, (m), (p)) != 0)
#define __all_sync(m, p) (emulator::ballot("all", __LINE__, (m), !(p)) == 0)
inline void __threadfence() {} inline void __threadfence_block() {} inline void __threadfence_system() {}
#define __trap() emulator::fail("__trap()", __LINE__)

template <class T> using emulator_nd = std::common_type_t<T>;       // non-deduced: atomicAdd(&float, 1) compiles as in CUDA
#define EMULATOR_RMW(name, expr) template <class T> inline T name(T* p, emulator_nd<T> v) { return emulator::rmw(p, [=](T o) -> T { return expr; }); }
EMULATOR_RMW(atomicAdd, T(o + v)) EMULATOR_RMW(atomicSub, T(o - v)) EMULATOR_RMW(atomicExch, v) EMULATOR_RMW(atomicMax, o < v ? v : o)
EMULATOR_RMW(atomicMin, v < o ? v : o) EMULATOR_RMW(atomicAnd, T(o & v)) EMULATOR_RMW(atomicOr, T(o | v)) EMULATOR_RMW(atomicXor, T(o ^ v))
EMULATOR_RMW(atomicInc, T(o >= v ? 0 : o + 1)) EMULATOR_RMW(atomicDec, T(o == 0 || o > v ? v : o - 1))
template <class T> inline T atomicCAS(T* p, emulator_nd<T> c, emulator_nd<T> v) {
  T o = c; static thread_local unsigned miss = 0;                   // spin locks: let the other lanes run after many misses
  if (!__atomic_compare_exchange(p, &o, &v, false, __ATOMIC_SEQ_CST, __ATOMIC_SEQ_CST) && (++miss & 255) == 0) emulator::to_sched(emulator::cur);
  return o;
}

inline int __popc(unsigned v) { return __builtin_popcount(v); }
inline int __popcll(unsigned long long v) { return __builtin_popcountll(v); }
inline int __clz(int v) { return v ? __builtin_clz((unsigned)v) : 32; }
inline int __clzll(long long v) { return v ? __builtin_clzll(v) : 64; }
inline int __ffs(int v) { return __builtin_ffs(v); }
inline int __ffsll(long long v) { return __builtin_ffsll(v); }
template <class To, class Fr> inline To emulator_bits(Fr f) { To t; static_assert(sizeof t == sizeof f, ""); memcpy(&t, &f, sizeof t); return t; }
inline float __int_as_float(int v) { return emulator_bits<float>(v); }
inline int __float_as_int(float v) { return emulator_bits<int>(v); }
inline float __uint_as_float(unsigned v) { return emulator_bits<float>(v); }
inline unsigned __float_as_uint(float v) { return emulator_bits<unsigned>(v); }
inline int __float2int_rn(float v) { return (int)nearbyintf(v); }
inline int __float2int_rd(float v) { return (int)floorf(v); }
inline float __expf(float v) { return expf(v); }
inline float __logf(float v) { return logf(v); }
inline float __fdividef(float a, float b) { return a / b; }
inline float __frcp_rn(float a) { return 1.f / a; }
inline float rsqrtf(float a) { return 1.f / sqrtf(a); }
inline float __saturatef(float a) { return a < 0 ? 0 : a > 1 ? 1 : a; }
template <class T> inline T __ldg(const T* p) { return *p; }
#define EMULATOR_MM(T) inline T min(T a, T b) { return b < a ? b : a; } inline T max(T a, T b) { return a < b ? b : a; }
EMULATOR_MM(int) EMULATOR_MM(unsigned) EMULATOR_MM(long long) EMULATOR_MM(unsigned long long)
inline float min(float a, float b) { return fminf(a, b); }
inline float max(float a, float b) { return fmaxf(a, b); }

struct __half { _Float16 v; __half() = default; __half(float f) : v((_Float16)f) {} operator float() const { return (float)v; } };
typedef __half half;
struct __half2 { __half x, y; }; typedef __half2 half2;
inline __half __float2half(float f) { return __half(f); }
inline __half __float2half_rn(float f) { return __half(f); }
inline float __half2float(__half h) { return (float)h.v; }
inline __half __hadd(__half a, __half b) { return __half((float)a + (float)b); }
inline __half __hmul(__half a, __half b) { return __half((float)a * (float)b); }
inline bool __hgt(__half a, __half b) { return (float)a > (float)b; }
