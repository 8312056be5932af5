// SPDX-License-Identifier: BSD-2-Clause
// SPDX-FileCopyrightText: The Pith authors
//
// Devices that interrupt without end, and a thread that is to have its time all the same.
#include "groups.h"
#include "world.h"

#include <rt/memory.h>
#include <rt/print.h>

#define HPET_LINE       23u
#define STORM_NANO      1000ull  // counted: so many instructions from one to the next
#define MILLION         1000000ull
#define PART            50u
#define LOSS_MOST       10000u  // millionths
#define HIGH            200u
#define STORM_MOMENTS   20u
#define MESSAGE_ADDRESS 0xfee00000ull
#define VECTOR_NOBODY   0x2fu
#define VECTOR_TIMER    0x28u
#define NOBODYS_MOST    100u  // instructions that an interrupt costs which nobody is told of
#define TOLD_MOST       150u
#define ISOLATED_MORE \
 50u  // where the kernel has translations of its own: 25 on the way in, 25 back

// How far a thread gets meanwhile.
static uint64_t progress(void)
{
    static struct spinner spinner;
    spinner_make(&spinner, &(struct rt_thread_config){ .priority = HIGH });
    time_pass(STORM_MOMENTS * moment);
    uint64_t count = spinner.count;
    spinner_delete(&spinner);
    return count;
}

// How much of its time a storm takes from it, in millionths.
static uint64_t loss_under(const struct hpet_config *storm)
{
    uint64_t calm = progress();
    hpet_start(storm);
    uint64_t stormy = progress();
    hpet_stop();
    EXPECT_COUNTED(stormy < calm + calm / PART);  // the calm was one
    return stormy < calm ? (calm - stormy) * MILLION / calm : 0;
}

void storm_of_edges(void)
{
    cap_t handler = line_make(HPET_LINE, 0, 0);
    EXPECT_OK(irq_handler_ack(handler));
    EXPECT(loss_under(&(struct hpet_config){
               .mode = HPET_EDGE, .line = HPET_LINE, .nanoseconds = STORM_NANO }) <= LOSS_MOST);
    EXPECT_EQUAL(signalled(), 1);
    EXPECT_OK(irq_handler_ack(handler));
    EXPECT_EQUAL(signalled(), 1);  // those that were counted
    EXPECT_OK(irq_handler_ack(handler));
    EXPECT_EQUAL(signalled(), 0);
    rt_cap_delete(handler);
}

void storm_of_level(void)
{
    cap_t handler = line_make(HPET_LINE, IRQ_LEVEL, 0);
    EXPECT_OK(irq_handler_ack(handler));
    EXPECT(loss_under(&(struct hpet_config){
               .mode = HPET_LEVEL, .line = HPET_LINE, .nanoseconds = STORM_NANO }) <= LOSS_MOST);
    EXPECT_EQUAL(signalled(), 1);
    rt_cap_delete(handler);
}

static struct hpet_config storm_by(struct message message)
{
    return (struct hpet_config){ .mode = HPET_MESSAGE,
                                 .address = message.address,
                                 .data = message.data,
                                 .nanoseconds = STORM_NANO };
}

// Without remapping a message cannot be masked: each costs the way into the kernel and out again,
// whether it is nobody's or has a handler that was told already.
void storm_of_messages(void)
{
    struct hpet_config nobodys = storm_by((struct message){ MESSAGE_ADDRESS, VECTOR_NOBODY });
    (void)dropped();
    uint64_t loss = loss_under(&nobodys);
    uint64_t count = dropped();
    EXPECT(count >= STORM_MOMENTS * moment / STORM_NANO);
    cap_t handler = msi_make(0);
    EXPECT_OK(irq_handler_ack(handler));
    struct hpet_config owned = storm_by(message_of(handler));
    uint64_t loss_owned = loss_under(&owned);
    EXPECT_EQUAL(signalled(), 1);
    rt_cap_delete(handler);
    uint64_t cost = loss * STORM_MOMENTS * moment / count / MILLION;
    uint64_t cost_owned = loss_owned * STORM_MOMENTS * moment / count / MILLION;
    rt_print("instructions a message: %lu nobody's, %lu of a handler that was told\n", cost,
             cost_owned);
    unsigned more = check_word(irq_root, "mitigate=") ? ISOLATED_MORE : 0;
    EXPECT_COUNTED(cost <= NOBODYS_MOST + more && cost_owned <= TOLD_MOST + more);
}

// The kernel's own timer vector, raised by a device: time goes on as it did.
void storm_of_timer(void)
{
    struct hpet_config storm = storm_by((struct message){ MESSAGE_ADDRESS, VECTOR_TIMER });
    static struct spinner spinner;
    hpet_start(&storm);
    spinner_make(&spinner, &(struct rt_thread_config){
                               .priority = HIGH, .budget = moment / 10, .period = moment });
    uint64_t before = context_used(spinner.thread.context);
    time_pass(STORM_MOMENTS * moment);
    uint64_t used = context_used(spinner.thread.context) - before;
    hpet_stop();
    EXPECT(used <= (STORM_MOMENTS + 2) * moment / 10);
    EXPECT_COUNTED(used >= (STORM_MOMENTS - 2) * moment / 10);
    spinner_delete(&spinner);
}
