// SPDX-License-Identifier: BSD-2-Clause
// SPDX-FileCopyrightText: The Pith authors
//
// A server that has each of its callers killed before it answers.
#include <proto/system_client.h>
#include <rt/component.h>

#include <svc/serve.h>

const char rt_task_name[] = "executioner";

static bool execute(const struct wire_peer *peer, const struct wire_message *request,
                    struct wire_message *answer)
{
    struct system_control_args args = { (uint16_t)(svc_client(peer->badge) - 1),
                                        SYSTEM_COMMAND_KILL };
    *answer = (struct wire_message){ .label = request->label };
    return system_control(component_need(GRANT_CALL, "system")->slot, &args) == WIRE_OK;
}

int component_main(const struct component_info *info)
{
    (void)info;
    svc_serve *const services[] = { execute };
    const struct svc server = { .service_count = 1, .services = services };
    svc_run(&server);
}
