// SPDX-License-Identifier: BSD-2-Clause
// SPDX-FileCopyrightText: The Pith authors
//
// The checks, by file.
#pragma once

// messages.c
void message_arrives(void);
void message_once_until_ack(void);
void message_masked(void);
void message_routed(void);
void message_late(void);
void msix_entries_arrive(void);

// lines.c
void line_level(void);
void line_edge(void);
void line_routed(void);

// storms.c
void storm_of_edges(void);
void storm_of_level(void);
void storm_of_messages(void);
void storm_of_timer(void);

// windows.c
void windows_and_messages(void);
void windows_and_edges(void);
void windows_and_levels(void);

// cpus.c
void cpu_messages(void);
void cpu_lines(void);
void cpu_vectors(void);
void cpu_storm(void);

// remapped.c
void remapped_device_needed(void);
void remapped_foreign(void);
void remapped_routed(void);
void remapped_storm(void);

// vectors.c
void every_vector_unowned(void);
void every_vector_owned(void);
void vectors_recycled(void);
void control_needed(void);
