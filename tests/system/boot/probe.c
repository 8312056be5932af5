// SPDX-License-Identifier: BSD-2-Clause
// SPDX-FileCopyrightText: The Pith authors
//
// A kernel that is only a test: it checks what abi/bootinfo.h promises about the machine's state,
// prints boot_info for test_boot.py as lines of "key value...", and ends the emulator.
#include <abi/bootinfo.h>

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define PAGE         4096ull
#define UART         0x3f8
#define EXIT_PORT    0xf4
#define EXIT_GOOD    0x20
#define EXIT_BAD     0x21
#define PTE_PRESENT  0x1ull
#define PTE_WRITE    0x2ull
#define PTE_USER     0x4ull
#define PTE_UNCACHED 0x10ull
#define PTE_LARGE    0x80ull
#define PTE_NX       (1ull << 63)
#define PTE_ADDRESS  0x000ffffffffff000ull
#define VECTOR_PF    14

extern char probe_text[], probe_text_end[], probe_rodata[], probe_rodata_end[];
extern char probe_data[], probe_data_end[];
extern const char probe_fault[];
int probe_write(volatile void *address);
_Noreturn void probe_main(const struct boot_info *info, uint64_t number, uint64_t flags);

static uint32_t failures;
static volatile uint64_t data_word = 0x1122334455667788ull;
static volatile uint64_t bss_words[3000];

static inline void out8(uint16_t port, uint8_t value)
{
    __asm__ volatile("outb %0, %1" : : "a"(value), "Nd"(port));
}

static inline uint8_t in8(uint16_t port)
{
    uint8_t value;
    __asm__ volatile("inb %1, %0" : "=a"(value) : "Nd"(port));
    return value;
}

static inline uint64_t read_msr(uint32_t msr)
{
    uint32_t low, high;
    __asm__ volatile("rdmsr" : "=a"(low), "=d"(high) : "c"(msr));
    return (uint64_t)high << 32 | low;
}

static inline uint64_t read_tsc(void)
{
    uint32_t low, high;
    __asm__ volatile("rdtsc" : "=a"(low), "=d"(high));
    return (uint64_t)high << 32 | low;
}

// --- output -------------------------------------------------------------------------------------

static void put(const char *text)
{
    for (; *text; text++) {
        while (!(in8(UART + 5) & 0x20)) {
            __asm__ volatile("pause");
        }
        out8(UART, (uint8_t)*text);
    }
}

static void put_number(uint64_t value)
{
    char text[19];
    char *p = text + sizeof(text) - 1;
    *p = 0;
    do {
        *--p = "0123456789abcdef"[value & 15];
        value >>= 4;
    } while (value);
    *--p = 'x';
    *--p = '0';
    put(" ");
    put(p);
}

static void line(const char *key, const uint64_t *values, size_t count)
{
    put(key);
    for (size_t i = 0; i < count; i++) {
        put_number(values[i]);
    }
    put("\n");
}

#define LINE(key, ...)                        \
 line(key, (const uint64_t[]){ __VA_ARGS__ }, \
      sizeof((const uint64_t[]){ __VA_ARGS__ }) / sizeof(uint64_t))

static void check(bool good, const char *what, uint64_t where)
{
    if (good) {
        return;
    }
    failures++;
    put("FAILED ");
    put(what);
    put_number(where);
    put("\n");
}

// --- page tables --------------------------------------------------------------------------------

struct mapping {
    uint64_t paddr, bytes;
    bool present, write, execute, uncached;
};

static const uint64_t *direct(uint64_t paddr)
{
    return (const uint64_t *)(uintptr_t)(KERNEL_DIRECT_BASE + paddr);
}

// Walks the tables in force; works for holes too, whose size is that of the level they end at.
static struct mapping look_up(uint64_t root, uint64_t vaddr)
{
    struct mapping m = { .present = true, .write = true, .execute = true };
    uint64_t entry = root;
    for (unsigned shift = 39;; shift -= 9) {
        entry = direct(entry & PTE_ADDRESS)[vaddr >> shift & 511];
        m.bytes = 1ull << shift;
        m.present = entry & PTE_PRESENT;
        m.write = m.write && (entry & PTE_WRITE);
        m.execute = m.execute && !(entry & PTE_NX);
        m.uncached = entry & PTE_UNCACHED;
        check(!(entry & PTE_USER), "user mapping", vaddr);
        if (!m.present || shift == 12 || (entry & PTE_LARGE)) {
            m.paddr = (entry & PTE_ADDRESS & ~(m.bytes - 1)) + (vaddr & (m.bytes - 1));
            return m;
        }
    }
}

// Calls visit for every mapping and hole from one address to another.
static void walk(const struct boot_info *info, uint64_t from, uint64_t to,
                 void (*visit)(const struct boot_info *, uint64_t, const struct mapping *))
{
    for (uint64_t at = from; at < to;) {
        struct mapping m = look_up(info->kernel_root, at);
        visit(info, at, &m);
        uint64_t next = (at | (m.bytes - 1)) + 1;
        if (next <= at) {
            return;
        }
        at = next;
    }
}

static const struct boot_memory *memory_at(const struct boot_info *info, uint64_t paddr)
{
    for (uint32_t i = 0; i < info->memory_count; i++) {
        if (paddr - info->memory[i].base < info->memory[i].size) {
            return &info->memory[i];
        }
    }
    return 0;
}

static bool is_kind(const struct boot_info *info, uint64_t paddr, enum boot_memory_kind kind)
{
    const struct boot_memory *m = memory_at(info, paddr);
    return m && m->kind == kind;
}

static void visit_low(const struct boot_info *info, uint64_t vaddr, const struct mapping *m)
{
    if (!m->present) {
        return;
    }
    check(m->paddr == vaddr, "lower half is not identity", vaddr);
    check(is_kind(info, m->paddr, BOOT_MEMORY_KERNEL), "lower half maps more than the loader",
          vaddr);
    check(!(m->write && m->execute), "lower half writable and executable", vaddr);
}

static bool in_text_or_rodata(uint64_t vaddr)
{
    return vaddr < (uint64_t)probe_text_end ||
           (vaddr >= (uint64_t)probe_rodata && vaddr < (uint64_t)probe_rodata_end);
}

// The physical addresses of the probe's read-only segments; filled by check_image().
static uint64_t readonly_pages[64];
static uint32_t readonly_count;

static bool is_readonly(uint64_t paddr)
{
    for (uint32_t i = 0; i < readonly_count; i++) {
        if (readonly_pages[i] == paddr) {
            return true;
        }
    }
    return false;
}

static void visit_direct(const struct boot_info *info, uint64_t vaddr, const struct mapping *m)
{
    if (!m->present) {
        return;
    }
    uint64_t paddr = vaddr - KERNEL_DIRECT_BASE;
    check(m->paddr == paddr, "direct map is not linear", vaddr);
    check(!m->execute, "direct map executable", vaddr);
    check(m->write != (m->bytes == PAGE && is_readonly(paddr)), "direct map rights", vaddr);
    const struct boot_memory *memory = memory_at(info, paddr);
    check(memory, "direct map of nothing", vaddr);
    bool irqchip = memory && memory->kind == BOOT_MEMORY_IRQCHIP;
    check(m->uncached == irqchip, "direct map caching", vaddr);
    check(!memory || memory->kind != BOOT_MEMORY_DEVICE, "direct map of a device", vaddr);
}

static void check_segment(const struct boot_info *info, const char *start, const char *end,
                          bool write, bool execute)
{
    for (uint64_t at = (uint64_t)start; at < (uint64_t)end; at += PAGE) {
        struct mapping m = look_up(info->kernel_root, at);
        check(m.present && m.bytes == PAGE, "segment not in small pages", at);
        check(m.write == write && m.execute == execute, "segment rights", at);
        check(is_kind(info, m.paddr, BOOT_MEMORY_KERNEL), "segment not in kernel memory", at);
        if (in_text_or_rodata(at)) {
            readonly_pages[readonly_count++] = m.paddr;
        }
    }
    uint64_t gap = ((uint64_t)end + PAGE - 1) & ~(PAGE - 1);
    check(!look_up(info->kernel_root, gap).present, "no guard page", gap);
}

static void check_image(const struct boot_info *info)
{
    check_segment(info, probe_text, probe_text_end, false, true);
    check_segment(info, probe_rodata, probe_rodata_end, false, false);
    check_segment(info, probe_data, probe_data_end, true, false);
    check(data_word == 0x1122334455667788ull, "data", 0);
    uint64_t sum = 0;
    for (size_t i = 0; i < sizeof(bss_words) / sizeof(bss_words[0]); i++) {
        sum |= bss_words[i];
    }
    check(sum == 0, "bss not zero", 0);
}

// --- faults -------------------------------------------------------------------------------------

static struct {
    uint16_t offset_low, selector, attributes, offset_middle;
    uint32_t offset_high, reserved;
} gates[VECTOR_PF + 1];

static void faults_init(void)
{
    uint64_t handler = (uint64_t)probe_fault;
    uint16_t selector;
    __asm__ volatile("mov %%cs, %0" : "=r"(selector));
    gates[VECTOR_PF].offset_low = (uint16_t)handler;
    gates[VECTOR_PF].offset_middle = (uint16_t)(handler >> 16);
    gates[VECTOR_PF].offset_high = (uint32_t)(handler >> 32);
    gates[VECTOR_PF].selector = selector;
    gates[VECTOR_PF].attributes = 0x8e00;
    struct {
        uint16_t limit;
        uint64_t base;
    } __attribute__((packed)) pointer = { sizeof(gates) - 1, (uint64_t)gates };
    __asm__ volatile("lidt %0" : : "m"(pointer));
}

static void check_faults(void)
{
    uint64_t alias = KERNEL_DIRECT_BASE + readonly_pages[0];
    check(probe_write((void *)(uintptr_t)alias) == 1, "write to alias of text", alias);
    check(probe_write(probe_text) == 1, "write to text", 0);
    check(probe_write(probe_rodata) == 1, "write to constants", 0);
    check(probe_write(&bss_words[0]) == 0, "write to bss", 0);
    check(probe_write((void *)0x10) == 1, "write to page 0", 0);
}

// --- boot_info ----------------------------------------------------------------------------------

static bool is_ram(enum boot_memory_kind kind)
{
    return kind == BOOT_MEMORY_FREE || kind == BOOT_MEMORY_KERNEL || kind == BOOT_MEMORY_ROOT ||
           kind == BOOT_MEMORY_MODULE;
}

static void check_memory(const struct boot_info *info)
{
    uint64_t last = 0;
    for (uint32_t i = 0; i < info->memory_count; i++) {
        const struct boot_memory *m = &info->memory[i];
        LINE("memory", m->base, m->size, m->kind);
        check(m->size && m->base % PAGE == 0 && m->size % PAGE == 0, "memory alignment", m->base);
        check(m->base >= last, "memory order", m->base);
        check(m->kind != BOOT_MEMORY_FREE || m->base >= 0x100000, "first MiB is free", m->base);
        last = m->base + m->size;
        if (!is_ram(m->kind) && m->kind != BOOT_MEMORY_IRQCHIP) {
            continue;
        }
        for (uint64_t at = m->base; at < last;) {
            struct mapping map = look_up(info->kernel_root, KERNEL_DIRECT_BASE + at);
            check(map.present, "memory not mapped", at);
            at = (at | (map.bytes - 1)) + 1;
        }
        if (m->kind == BOOT_MEMORY_FREE) {
            check(probe_write((void *)(uintptr_t)direct(m->base)) == 0, "free memory", m->base);
            check(probe_write((char *)(uintptr_t)direct(last) - 1) == 0, "free memory", last);
        }
    }
}

static uint64_t fnv(uint64_t paddr, uint64_t bytes)
{
    const uint8_t *p = (const uint8_t *)direct(paddr);
    uint32_t hash = 0x811c9dc5;
    for (uint64_t i = 0; i < bytes; i++) {
        hash = (hash ^ p[i]) * 0x01000193;
    }
    return hash;
}

static void check_range(const struct boot_info *info, uint64_t base, uint64_t size,
                        enum boot_memory_kind kind)
{
    check(base % PAGE == 0, "alignment", base);
    for (uint64_t at = base; at < base + size; at += PAGE) {
        check(is_kind(info, at, kind), "kind of memory", at);
    }
}

static void check_programs(const struct boot_info *info)
{
    LINE("root_entry", info->root_entry);
    for (uint32_t i = 0; i < info->root_segment_count; i++) {
        const struct boot_segment *s = &info->root_segments[i];
        LINE("root", s->vaddr, s->base, s->size, s->rights, fnv(s->base, s->size));
        check_range(info, s->base, s->size, BOOT_MEMORY_ROOT);
    }
    for (uint32_t i = 0; i < info->module_count; i++) {
        const struct boot_module *m = &info->modules[i];
        put("module ");
        put(m->name);
        line("", (const uint64_t[]){ m->base, m->size, fnv(m->base, m->size) }, 3);
        check_range(info, m->base, m->size, BOOT_MEMORY_MODULE);
        for (uint64_t at = m->size; at % PAGE; at++) {
            check(((const char *)direct(m->base))[at] == 0, "module's rest", at);
        }
    }
}

static void print_machine(const struct boot_info *info)
{
    for (uint32_t i = 0; i < info->cpu_count; i++) {
        LINE("cpu", info->cpus[i].hw_id, info->cpus[i].flags);
    }
    for (uint32_t i = 0; i < info->irqchip_count; i++) {
        const struct boot_irqchip *c = &info->irqchips[i];
        LINE("irqchip", c->kind, c->hw_id, c->base, c->first_irq, c->irqs);
        check(is_kind(info, c->base, BOOT_MEMORY_IRQCHIP), "registers", c->base);
    }
    for (uint32_t i = 0; i < info->irq_override_count; i++) {
        const struct boot_irq_override *o = &info->irq_overrides[i];
        LINE("override", o->source, o->irq, o->flags);
    }
    for (uint32_t i = 0; i < info->iommu_count; i++) {
        const struct boot_iommu *u = &info->iommus[i];
        LINE("iommu", u->kind, u->segment, u->base, u->flags);
        check(is_kind(info, u->base, BOOT_MEMORY_IRQCHIP), "registers", u->base);
    }
}

static void print_numbers(const struct boot_info *info)
{
    LINE("features", info->features);
    LINE("clock_hz", info->clock_hz);
    LINE("timer_hz", info->timer_hz);
    LINE("ram_end", info->ram_end);
    LINE("phys_bits", info->phys_bits);
    LINE("acpi_rsdp", info->acpi_rsdp);
    LINE("pm1_cnt", info->pm1a_cnt_port, info->pm1b_cnt_port, info->slp_typ_s5);
    LINE("reset", info->reset_port, info->reset_value);
    LINE("hpet_base", info->hpet_base);
    LINE("pci", info->pci_ecam, info->pci_bus_first, info->pci_bus_last);
    put("cmdline ");
    put(info->cmdline);
    put("\n");
}

// The areas of the CPUs: zeroed pages with holes between them.  The others write their argument
// into theirs as they come.
static void check_areas(const struct boot_info *info)
{
    for (uint64_t page = 0; page < (info->cpu_count + 1) * 32; page++) {
        uint64_t at = KERNEL_CPU_BASE + page * PAGE;
        struct mapping m = look_up(info->kernel_root, at);
        bool mapped = page / 32 < info->cpu_count && KERNEL_CPU_PAGES >> page % 32 & 1;
        check(m.present == mapped, "area of a CPU", at);
        check(!mapped || (m.write && !m.execute && m.bytes == PAGE), "rights of an area", at);
    }
    for (uint32_t i = 1; i < info->cpu_count; i++) {
        const volatile uint64_t *came = (uint64_t *)(KERNEL_CPU_BASE + i * KERNEL_CPU_BYTES +
                                                     0x10000);
        uint64_t end = read_tsc() + info->clock_hz;
        while (*came != (uint64_t)info && read_tsc() < end) {
            __asm__ volatile("pause");
        }
        check(*came == (uint64_t)info, "CPU did not come", i);
    }
}

static void check_state(const struct boot_info *info, uint64_t number, uint64_t flags)
{
    uint64_t cr0, cr3;
    __asm__ volatile("mov %%cr0, %0; mov %%cr3, %1" : "=r"(cr0), "=r"(cr3));
    check(info->magic == BOOT_INFO_MAGIC && info->size == sizeof(*info), "magic", info->magic);
    check(info->major == BOOT_INFO_MAJOR && info->minor == BOOT_INFO_MINOR, "version", info->major);
    check((uint64_t)info >= KERNEL_DIRECT_BASE && (uint64_t)info < KERNEL_IMAGE_BASE,
          "boot_info outside of the direct map", (uint64_t)info);
    check(is_kind(info, (uint64_t)info - KERNEL_DIRECT_BASE, BOOT_MEMORY_KERNEL),
          "boot_info not in kernel memory", (uint64_t)info);
    check(cr3 == info->kernel_root, "CR3", cr3);
    check((cr0 >> 16 & 1) && (cr0 >> 31 & 1), "CR0", cr0);
    check((read_msr(0xc0000080) & 0xc00) == 0xc00, "EFER", read_msr(0xc0000080));
    check(!(flags & 0x200), "interrupts are on", flags);
    check(number == 0, "number of the CPU", number);
    check(info->cpus[0].flags == (BOOT_CPU_ENABLED | BOOT_CPU_BOOT), "first CPU",
          info->cpus[0].flags);
}

_Noreturn void probe_main(const struct boot_info *info, uint64_t number, uint64_t flags)
{
    uint64_t now = read_tsc();
    put("probe\n");
    LINE("ticks", now - info->boot_tsc, info->calibration_ticks);
    faults_init();
    check_state(info, number, flags);
    check_areas(info);
    print_numbers(info);
    print_machine(info);
    check_image(info);
    check_memory(info);
    check_programs(info);
    walk(info, 0, 1ull << 47, visit_low);
    walk(info, KERNEL_DIRECT_BASE, KERNEL_IMAGE_BASE, visit_direct);
    check_faults();
    LINE("failures", failures);
    put("end\n");
    out8(EXIT_PORT, failures ? EXIT_BAD : EXIT_GOOD);
    for (;;) {
        __asm__ volatile("cli; hlt");
    }
}
