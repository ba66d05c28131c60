// Runs CUDA kernels on the processor, thread by thread, so that their arithmetic, bounds and barriers are tested where no GPU is.
//
// A block's threads are coroutines, each with its own stack: one runs until it waits for others, at a barrier of its block or at something
// that its warp does together, and another goes on. Who goes on is drawn anew each time, so that a kernel that lacks a barrier gives
// other numbers with another seed. Memory lies between pages that cannot be touched. What it does not show: caches, the order in
// which other blocks see writes, and speed.

#include <math.h>
#include <setjmp.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <ucontext.h>
#include <unistd.h>

#include <map>
#include <utility>
#include <vector>

namespace emulator {

struct Index {
    unsigned x = 0, y = 0, z = 0;
};

enum State { ready, at_block, at_warp, done };

struct Thread {
    ucontext_t start;
    jmp_buf here;
    bool started = false;
    State state = ready;
    // What its warp is asked to do together: all lanes have to ask for the same.
    const char* asked = nullptr;
    alignas(16) unsigned char given[64];
};

const size_t stack_bytes = 256 << 10;
const unsigned warp = 32;

Index block, grid;
unsigned threads_count, current;
std::vector<Thread> threads;
unsigned char* stacks = nullptr;
size_t stacks_bytes = 0;
jmp_buf scheduler;
unsigned char* dynamic_shared = nullptr;
const char* running = "nothing";
unsigned long long random_state;
void (*body)(void**);
void** parameters;

[[noreturn]] inline void fail(const char* what) {
    fprintf(stderr, "kernel %s: %s (block %u, %u; thread %u)\n", running, what, block.x, block.y, current);
    abort();
}

inline unsigned drawn(unsigned below) {
    random_state = random_state * 6364136223846793005ull + 1442695040888963407ull;
    return (unsigned)(random_state >> 33) % below;
}

// Memory between pages that cannot be touched; its end is as near to them as its alignment allows.
std::map<unsigned char*, std::pair<unsigned char*, size_t>> blocks;

inline unsigned char* allocate(size_t bytes, size_t alignment) {
    const size_t page = sysconf(_SC_PAGESIZE);
    const size_t used = (bytes + alignment - 1) / alignment * alignment, whole = (used + page - 1) / page * page;
    unsigned char* all = (unsigned char*)mmap(nullptr, whole + 2 * page, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (all == MAP_FAILED || (whole && mprotect(all + page, whole, PROT_READ | PROT_WRITE))) fail("the emulator has no memory");
    unsigned char* at = all + page + whole - used;
    // No number: whoever reads what was not written is found out.
    memset(at, 0xff, used);
    blocks[at] = {all, whole + 2 * page};
    return at;
}

inline void release(unsigned char* at) {
    auto block = blocks.find(at);
    if (block == blocks.end()) fail("released twice");
    munmap(block->second.first, block->second.second);
    blocks.erase(block);
}

// Gives the processor to others until what it waits for has come.
inline void wait(State state) {
    Thread& mine = threads[current];
    mine.state = state;
    if (!_setjmp(mine.here)) _longjmp(scheduler, 1);
}

// What the lanes of a warp do together: each gives something, and then reads what the others gave.
inline const Thread* together(const char* what, const void* given, size_t bytes) {
    Thread& mine = threads[current];
    mine.asked = what;
    memcpy(mine.given, given, bytes);
    wait(at_warp);
    return &threads[current / warp * warp];
}

// Nobody gives the next thing before all have read.
inline void together_done() { wait(at_warp); }

inline void enter() {
    body(parameters);
    threads[current].state = done;
    _longjmp(scheduler, 1);
}

// Lets those go on whose wait is over.
inline bool release_waiting() {
    bool any = false;
    for (unsigned first = 0; first < threads_count; first += warp) {
        unsigned waiting = 0;
        for (unsigned i = first; i < first + warp; i++) waiting += threads[i].state == at_warp;
        if (waiting != warp) continue;
        for (unsigned i = first; i < first + warp; i++) {
            if (threads[i].asked != threads[first].asked) fail("lanes of a warp do different things together");
            threads[i].state = ready;
        }
        any = true;
    }
    if (any) return true;
    for (Thread& thread : threads)
        if (thread.state == at_warp) fail("a warp waits for lanes that do not come");
    for (Thread& thread : threads)
        if (thread.state == at_block) {
            thread.state = ready;
            any = true;
        }
    return any;
}

inline void run_block() {
    for (unsigned i = 0; i < threads_count; i++) {
        Thread& thread = threads[i];
        thread.started = false;
        thread.state = ready;
        thread.asked = nullptr;
        getcontext(&thread.start);
        thread.start.uc_stack.ss_sp = stacks + i * stack_bytes;
        thread.start.uc_stack.ss_size = stack_bytes;
        thread.start.uc_link = nullptr;
        makecontext(&thread.start, enter, 0);
    }
    for (;;) {
        // From a drawn beginning in a drawn direction.
        const unsigned from = drawn(threads_count);
        const bool back = drawn(2);
        for (unsigned n = 0; n < threads_count; n++) {
            const unsigned i = (from + (back ? threads_count - n : n)) % threads_count;
            if (threads[i].state != ready) continue;
            current = i;
            if (!_setjmp(scheduler)) {
                if (threads[i].started) _longjmp(threads[i].here, 1);
                threads[i].started = true;
                setcontext(&threads[i].start);
            }
        }
        if (!release_waiting()) return;
    }
}

inline void told(int number) {
    char text[256];
    int length = snprintf(
        text, sizeof text, "kernel %s: %s (block %u, %u; thread %u)\n", running,
        number == SIGILL ? "out of an array's bounds, or a misaligned pack" : "reads or writes outside of its memory", block.x, block.y,
        current);
    if (write(2, text, length) < 0) _exit(134);
    _exit(134);
}

inline void launch(
    const char* name, void (*kernel)(void**), void** arguments, unsigned across, unsigned down, unsigned count, size_t shared,
    unsigned long long seed) {
    running = name;
    body = kernel;
    parameters = arguments;
    random_state = seed;
    grid = {across, down, 1};
    threads_count = count;
    if (count == 0 || count % warp || count > 1024) fail("so many threads cannot be");
    if (down > 65535) fail("so many blocks cannot be");
    if (stacks_bytes < count * stack_bytes) {
        if (stacks) munmap(stacks, stacks_bytes);
        stacks_bytes = count * stack_bytes;
        stacks = (unsigned char*)mmap(nullptr, stacks_bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
        if (stacks == MAP_FAILED) fail("the emulator has no memory for stacks");
    }
    threads.resize(count);
    signal(SIGSEGV, told);
    signal(SIGBUS, told);
    signal(SIGILL, told);
    const unsigned all = across * down, from = all ? drawn(all) : 0;
    for (unsigned n = 0; n < all; n++) {
        const unsigned i = (from + n) % all;
        block = {i % across, i / across, 0};
        dynamic_shared = allocate(shared, 16);
        run_block();
        release(dynamic_shared);
    }
    signal(SIGSEGV, SIG_DFL);
    signal(SIGBUS, SIG_DFL);
    signal(SIGILL, SIG_DFL);
    running = "nothing";
}

}  // namespace emulator

// What CUDA has.

#define threadIdx (emulator::Index{emulator::current, 0, 0})
#define blockIdx emulator::block
#define gridDim emulator::grid
#define blockDim (emulator::Index{emulator::threads_count, 1, 1})

inline void __syncthreads() { emulator::wait(emulator::at_block); }

inline float __uint_as_float(unsigned bits) {
    float x;
    memcpy(&x, &bits, 4);
    return x;
}

inline unsigned __float_as_uint(float x) {
    unsigned bits;
    memcpy(&bits, &x, 4);
    return bits;
}

inline float __shfl_xor_sync(unsigned mask, float x, int far) {
    if (mask != 0xffffffffu) emulator::fail("only whole warps are emulated");
    const emulator::Thread* lanes = emulator::together("shuffle", &x, sizeof x);
    float other;
    memcpy(&other, lanes[(emulator::current % emulator::warp) ^ far].given, sizeof other);
    emulator::together_done();
    return other;
}

inline float emulated_bf16(unsigned short bits) { return __uint_as_float((unsigned)bits << 16); }

// mma.sync.aligned.m16n8k16.row.col.f32.bf16.bf16.f32, as the PTX ISA lays its fragments out: with g = lane / 4 and t = lane % 4, element i of
// a's eight is at row g + 8 · (i / 2 % 2) and column 2t + i % 2 + 8 · (i / 4); of b's four at row 2t + i % 2 + 8 · (i / 2) and column g; of the
// sum's four at row g + 8 · (i / 2) and column 2t + i % 2.
inline void emulate_mma_m16n8k16(float (&sum)[4], const unsigned (&a)[4], unsigned b0, unsigned b1) {
    struct {
        unsigned a[4], b[2];
    } given = {{a[0], a[1], a[2], a[3]}, {b0, b1}};
    const emulator::Thread* lanes = emulator::together("mma", &given, sizeof given);
    float left[16][16], right[16][8];
    for (int lane = 0; lane < 32; lane++) {
        memcpy(&given, lanes[lane].given, sizeof given);
        const int g = lane / 4, t = lane % 4;
        for (int i = 0; i < 8; i++)
            left[g + i / 2 % 2 * 8][2 * t + i % 2 + i / 4 * 8] = emulated_bf16(given.a[i / 2] >> (i % 2 * 16));
        for (int i = 0; i < 4; i++) right[2 * t + i % 2 + i / 2 * 8][g] = emulated_bf16(given.b[i / 2] >> (i % 2 * 16));
    }
    emulator::together_done();
    const int g = emulator::current % 32 / 4, t = emulator::current % 4;
    for (int i = 0; i < 4; i++) {
        const int row = g + i / 2 * 8, column = 2 * t + i % 2;
        float more = 0;
        for (int k = 0; k < 16; k++) more += left[row][k] * right[k][column];
        sum[i] += more;
    }
}

// ldmatrix.sync.aligned.m8n8.x4.shared.b16: lane i gives the address of row i % 8 of matrix i / 8; register m takes two neighbours of row
// lane / 4 of matrix m, or of its column where it is transposed.
inline void emulate_ldmatrix_x4(unsigned (&to)[4], const void* row, bool transposed) {
    if ((size_t)row % 16) emulator::fail("ldmatrix wants rows at multiples of 16 bytes");
    const emulator::Thread* lanes = emulator::together(transposed ? "ldmatrix.trans" : "ldmatrix", &row, sizeof row);
    const int lane = emulator::current % 32, g = lane / 4, t = lane % 4;
    for (int m = 0; m < 4; m++) {
        unsigned short elements[2];
        for (int i = 0; i < 2; i++) {
            const unsigned short* from;
            memcpy(&from, lanes[m * 8 + (transposed ? 2 * t + i : g)].given, sizeof from);
            elements[i] = from[transposed ? g : 2 * t + i];
        }
        to[m] = elements[0] | (unsigned)elements[1] << 16;
    }
    emulator::together_done();
}

// Kernels by name, with the sizes of their parameters.

struct Kernel {
    const char* module;
    const char* name;
    void (*call)(void**);
    std::vector<size_t> sizes;
};

template <auto F, class Signature>
struct Caller;
template <auto F, class... A>
struct Caller<F, void (*)(A...)> {
    template <size_t... I>
    static void each(void** arguments, std::index_sequence<I...>) {
        F(*(A*)arguments[I]...);
    }
    static void call(void** arguments) { each(arguments, std::make_index_sequence<sizeof...(A)>()); }
    static std::vector<size_t> sizes() { return {sizeof(A)...}; }
};

extern std::vector<Kernel> kernels;

extern "C" {

unsigned char* emulator_allocate(size_t bytes) { return emulator::allocate(bytes, 16); }
void emulator_release(unsigned char* at) { emulator::release(at); }

// 0, or 1 where there is no such kernel, or 2 where its parameters are others.
int emulator_launch(
    const char* module, const char* name, unsigned across, unsigned down, unsigned threads, size_t shared, void** arguments,
    const size_t* sizes, size_t count, unsigned long long seed) {
    for (const Kernel& kernel : kernels) {
        if (strcmp(kernel.module, module) || strcmp(kernel.name, name)) continue;
        if (kernel.sizes != std::vector<size_t>(sizes, sizes + count)) return 2;
        emulator::launch(name, kernel.call, arguments, across, down, threads, shared, seed);
        return 0;
    }
    return 1;
}
}
