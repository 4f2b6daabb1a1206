// Fibers: stacks that hand over to each other. Twelve instructions on x86-64, ucontext elsewhere.
#pragma once
#include <sys/mman.h>

#include <cstddef>
#include <cstring>
#if !defined(__x86_64__) || defined(EMULATOR_UCONTEXT)
#include <ucontext.h>
#define EMULATOR_USE_UCONTEXT 1
#endif

namespace emulator {
constexpr size_t STACK_BYTES = 128 << 10, GUARD_BYTES = 4096;

inline void* new_stack() {  // its lowest page is forbidden: an overflow is a crash, not a surprise
  void* stack = mmap(nullptr, STACK_BYTES + GUARD_BYTES, PROT_READ | PROT_WRITE,
                     MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  mprotect(stack, GUARD_BYTES, PROT_NONE);
  return (char*)stack + GUARD_BYTES;
}

#ifdef EMULATOR_USE_UCONTEXT
struct Place {  // where a fiber goes on
  ucontext_t context;
};
inline void start(Place* place, void* stack, void (*body)()) {
  getcontext(&place->context);
  place->context.uc_stack.ss_sp = stack;
  place->context.uc_stack.ss_size = STACK_BYTES;
  place->context.uc_link = nullptr;
  makecontext(&place->context, body, 0);
}
inline void hand_over(Place* from, Place* to) { swapcontext(&from->context, &to->context); }
#else
struct Place {
  void* stack = nullptr;
};
extern "C" void emulator_switch(void** save, void* to) __attribute__((visibility("hidden")));
asm(".text\n.p2align 4\n.hidden emulator_switch\n.globl emulator_switch\n"
    ".type emulator_switch,@function\nemulator_switch:\n"
    "pushq %rbp\npushq %rbx\npushq %r12\npushq %r13\npushq %r14\npushq %r15\n"
    "movq %rsp,(%rdi)\nmovq %rsi,%rsp\n"
    "popq %r15\npopq %r14\npopq %r13\npopq %r12\npopq %rbx\npopq %rbp\nret\n");
inline void start(Place* place, void* stack, void (*body)()) {
  void** top = (void**)((char*)stack + STACK_BYTES) - 2;
  *--top = nullptr;
  *--top = (void*)body;  // `ret` of the switch goes here
  top -= 6;              // the six registers it pops
  memset(top, 0, 6 * sizeof(void*));
  place->stack = top;
}
inline void hand_over(Place* from, Place* to) { emulator_switch(&from->stack, to->stack); }
#endif
}  // namespace emulator
