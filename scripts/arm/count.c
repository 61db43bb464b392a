/* A plugin of QEMU's user mode (version 1 of its interface) that counts instructions between two marks.
 *
 * A mark is system call 0x5A5A, which Linux does not have: with 0 the count begins, with 1 it is written to stderr.
 * What is used of the interface is declared here, so no header of QEMU need be installed. */
#include <inttypes.h>
#include <stddef.h>
#include <stdio.h>

#define EXPORT __attribute__((visibility("default")))
typedef uint64_t id;
struct block;
extern void qemu_plugin_register_vcpu_tb_trans_cb(id, void (*)(id, struct block *));
extern void qemu_plugin_register_vcpu_tb_exec_inline(struct block *, int, void *, uint64_t);
extern size_t qemu_plugin_tb_n_insns(const struct block *);
extern void qemu_plugin_register_vcpu_syscall_cb(id, void (*)(id, unsigned, int64_t, uint64_t, uint64_t, uint64_t,
                                                              uint64_t, uint64_t, uint64_t, uint64_t, uint64_t));

EXPORT int qemu_plugin_version = 1;
static uint64_t count;

static void translated(id self, struct block *block)
{
    qemu_plugin_register_vcpu_tb_exec_inline(block, 0, &count, qemu_plugin_tb_n_insns(block));
}

static void called(id self, unsigned cpu, int64_t number, uint64_t mark, uint64_t b, uint64_t c, uint64_t d, uint64_t e,
                   uint64_t f, uint64_t g, uint64_t h)
{
    if (number != 0x5A5A)
        return;
    if (mark)
        fprintf(stderr, "instructions %" PRIu64 "\n", count);
    count = 0;
}

EXPORT int qemu_plugin_install(id self, const void *info, int argc, char **argv)
{
    qemu_plugin_register_vcpu_tb_trans_cb(self, translated);
    qemu_plugin_register_vcpu_syscall_cb(self, called);
    return 0;
}
