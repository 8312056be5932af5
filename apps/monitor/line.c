// SPDX-License-Identifier: BSD-2-Clause
// SPDX-FileCopyrightText: The Pith authors
//
// The line editor (line.h).  Keys as in GNU readline's default; sequences as ECMA-48 and xterm have
// them.
#include "line.h"

#define CONTROL(letter) ((letter)&0x1f)
#define ESCAPE          0x1b
#define DELETE          0x7f
#define PARAMETER_MOST  999u

// ---- text --------------------------------------------------------------------------------------

static size_t text_length(const char *text)
{
    size_t length = 0;
    while (text[length]) {
        length++;
    }
    return length;
}

static void text_copy(char *to, const char *from, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        to[i] = from[i];
    }
    to[count] = '\0';
}

static bool text_equal(const char *a, const char *b)
{
    size_t i = 0;
    while (a[i] && a[i] == b[i]) {
        i++;
    }
    return a[i] == b[i];
}

// ---- the terminal ------------------------------------------------------------------------------

// What goes to the terminal at once.
struct paint {
    char text[LINE_COLUMNS * 2];
    size_t count;
};

static void paint_put(struct paint *paint, const char *text, size_t count)
{
    for (size_t i = 0; i < count && paint->count < sizeof(paint->text); i++) {
        paint->text[paint->count++] = text[i];
    }
}

static void paint_text(struct paint *paint, const char *text)
{
    paint_put(paint, text, text_length(text));
}

// Move the cursor to a column, from the first one.
static void paint_column(struct paint *paint, size_t column)
{
    char digits[8];
    size_t at = sizeof(digits);
    for (size_t left = column; left && at; left /= 10) {
        digits[--at] = (char)('0' + left % 10);
    }
    paint_text(paint, "\r");
    if (column) {
        paint_text(paint, "\x1b[");
        paint_put(paint, &digits[at], sizeof(digits) - at);
        paint_text(paint, "C");
    }
}

static void show(const struct line_editor *line, const char *text)
{
    line->host->show(line->context, text, text_length(text));
}

static void bell(const struct line_editor *line)
{
    show(line, "\a");
}

// Bytes of text that fit beside the prompt; the last column stays free, for the cursor.
static size_t room(const struct line_editor *line)
{
    return LINE_COLUMNS - 1 - text_length(line->prompt);
}

// Move what is shown so that the cursor is in it.
static void scroll(struct line_editor *line)
{
    size_t most = room(line);
    if (line->cursor < line->shown) {
        line->shown = line->cursor;
    } else if (line->cursor > line->shown + most) {
        line->shown = line->cursor - most;
    }
    if (line->length <= most) {
        line->shown = 0;
    }
}

static void repaint(struct line_editor *line)
{
    struct paint paint = { .count = 0 };
    scroll(line);
    size_t left = line->length - line->shown;
    size_t count = left < room(line) ? left : room(line);
    paint_text(&paint, "\r");
    paint_text(&paint, line->prompt);
    paint_put(&paint, &line->text[line->shown], count);
    paint_text(&paint, "\x1b[K");
    paint_column(&paint, text_length(line->prompt) + line->cursor - line->shown);
    line->host->show(line->context, paint.text, paint.count);
}

// ---- changes -----------------------------------------------------------------------------------

static void line_set(struct line_editor *line, const char *text)
{
    line->length = text_length(text);
    text_copy(line->text, text, line->length);
    line->cursor = line->length;
}

static bool line_insert(struct line_editor *line, const char *text, size_t count)
{
    if (count >= LINE_BYTES - line->length) {
        bell(line);
        return false;
    }
    for (size_t i = line->length + 1; i-- > line->cursor;) {
        line->text[i + count] = line->text[i];
    }
    for (size_t i = 0; i < count; i++) {
        line->text[line->cursor + i] = text[i];
    }
    line->length += count;
    line->cursor += count;
    return true;
}

// Remove what is between two places; the cursor goes to the first.
static void line_remove(struct line_editor *line, size_t from, size_t to)
{
    for (size_t i = to; i <= line->length; i++) {
        line->text[from + i - to] = line->text[i];
    }
    line->length -= to - from;
    line->cursor = from;
    repaint(line);
}

static void line_type(struct line_editor *line, char c)
{
    bool at_end = line->cursor == line->length;
    if (!line_insert(line, &c, 1)) {
        return;
    }
    if (at_end && line->cursor - line->shown <= room(line)) {
        line->host->show(line->context, &c, 1);
    } else {
        repaint(line);
    }
}

static void cursor_set(struct line_editor *line, size_t cursor)
{
    line->cursor = cursor;
    repaint(line);
}

static size_t word_left(const struct line_editor *line)
{
    size_t at = line->cursor;
    while (at && line->text[at - 1] == ' ') {
        at--;
    }
    while (at && line->text[at - 1] != ' ') {
        at--;
    }
    return at;
}

static size_t word_right(const struct line_editor *line)
{
    size_t at = line->cursor;
    while (line->text[at] == ' ') {
        at++;
    }
    while (line->text[at] && line->text[at] != ' ') {
        at++;
    }
    return at;
}

// ---- history -----------------------------------------------------------------------------------

// The line `back` lines ago, from 1 on.
static char *history_line(struct line_editor *line, unsigned back)
{
    return line->history[(line->history_next + LINE_HISTORY - back) % LINE_HISTORY];
}

static void history_add(struct line_editor *line)
{
    bool again = line->history_count && text_equal(history_line(line, 1), line->text);
    if (line->length == 0 || again) {
        return;
    }
    text_copy(line->history[line->history_next], line->text, line->length);
    line->history_next = (line->history_next + 1) % LINE_HISTORY;
    line->history_count += line->history_count < LINE_HISTORY;
}

static void history_go(struct line_editor *line, unsigned back)
{
    if (line->back == 0) {
        text_copy(line->kept, line->text, line->length);
    }
    line->back = back;
    line_set(line, back ? history_line(line, back) : line->kept);
    repaint(line);
}

static void history_up(struct line_editor *line)
{
    if (line->back < line->history_count) {
        history_go(line, line->back + 1);
    } else {
        bell(line);
    }
}

static void history_down(struct line_editor *line)
{
    if (line->back) {
        history_go(line, line->back - 1);
    } else {
        bell(line);
    }
}

// ---- completion --------------------------------------------------------------------------------

// The word at the cursor, and what its candidates have in common.
struct completion {
    char before[LINE_BYTES];
    char common[LINE_BYTES];
    size_t word, common_length;  // bytes of the word in front of the cursor
    unsigned count;
};

static bool begins_with(const char *text, const char *with, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        if (text[i] != with[i] || !text[i]) {
            return false;
        }
    }
    return true;
}

static bool candidate_fits(const struct line_editor *line, const struct completion *completion,
                           const char *candidate)
{
    return begins_with(candidate, &line->text[line->cursor - completion->word], completion->word);
}

static void completion_add(struct completion *completion, const char *candidate)
{
    size_t length = 0;
    if (completion->count++ == 0) {
        length = text_length(candidate);
        completion->common_length = length < LINE_BYTES ? length : LINE_BYTES - 1;
        text_copy(completion->common, candidate, completion->common_length);
        return;
    }
    while (length < completion->common_length && candidate[length] == completion->common[length]) {
        length++;
    }
    completion->common_length = length;
}

static void completion_find(const struct line_editor *line, struct completion *completion)
{
    size_t start = line->cursor;
    while (start && line->text[start - 1] != ' ') {
        start--;
    }
    completion->word = line->cursor - start;
    completion->count = 0;
    completion->common_length = 0;
    text_copy(completion->before, line->text, start);
    const char *candidate;
    for (unsigned i = 0;
         (candidate = line->host->candidate(line->context, completion->before, i)) != NULL; i++) {
        if (candidate_fits(line, completion, candidate)) {
            completion_add(completion, candidate);
        }
    }
}

static void completion_list(struct line_editor *line, const struct completion *completion)
{
    const char *candidate;
    show(line, "\n");
    for (unsigned i = 0;
         (candidate = line->host->candidate(line->context, completion->before, i)) != NULL; i++) {
        if (candidate_fits(line, completion, candidate)) {
            show(line, candidate);
            show(line, "  ");
        }
    }
    show(line, "\n");
}

// What all candidates share is put in; where that is nothing a second tab lists them.
static void line_complete(struct line_editor *line)
{
    struct completion completion;
    completion_find(line, &completion);
    bool listed = line->tabbed;
    line->tabbed = false;
    if (completion.count && completion.common_length > completion.word) {
        (void)line_insert(line, &completion.common[completion.word],
                          completion.common_length - completion.word);
    } else if (completion.count != 1) {
        line->tabbed = completion.count > 1;
        if (line->tabbed && listed) {
            completion_list(line, &completion);
        } else {
            bell(line);
        }
    }
    if (completion.count == 1) {
        (void)line_insert(line, " ", 1);
    }
    repaint(line);
}

// ---- keys --------------------------------------------------------------------------------------

static void key_delete(struct line_editor *line)
{
    if (line->cursor < line->length) {
        line_remove(line, line->cursor, line->cursor + 1);
    } else {
        bell(line);
    }
}

static void key_rub(struct line_editor *line)
{
    if (line->cursor) {
        line_remove(line, line->cursor - 1, line->cursor);
    } else {
        bell(line);
    }
}

static void key_left(struct line_editor *line)
{
    cursor_set(line, line->cursor ? line->cursor - 1 : 0);
}

static void key_right(struct line_editor *line)
{
    cursor_set(line, line->cursor < line->length ? line->cursor + 1 : line->length);
}

static void key_home(struct line_editor *line)
{
    cursor_set(line, 0);
}

static void key_end(struct line_editor *line)
{
    cursor_set(line, line->length);
}

static void key_word_left(struct line_editor *line)
{
    cursor_set(line, word_left(line));
}

static void key_word_right(struct line_editor *line)
{
    cursor_set(line, word_right(line));
}

static void key_cut_end(struct line_editor *line)
{
    line_remove(line, line->cursor, line->length);
}

static void key_cut_start(struct line_editor *line)
{
    line_remove(line, 0, line->cursor);
}

static void key_cut_word(struct line_editor *line)
{
    line_remove(line, word_left(line), line->cursor);
}

static void key_clear(struct line_editor *line)
{
    show(line, "\x1b[H\x1b[2J");
    repaint(line);
}

static void key_cancel(struct line_editor *line)
{
    bool fits = line->cursor - line->shown + 1 < room(line);
    show(line, fits ? "^C\n" : "\n");
    line_begin(line);
}

typedef void key_action(struct line_editor *line);

static key_action *const control_keys[' '] = {
    [CONTROL('A')] = key_home,      [CONTROL('B')] = key_left,      [CONTROL('C')] = key_cancel,
    [CONTROL('D')] = key_delete,    [CONTROL('E')] = key_end,       [CONTROL('F')] = key_right,
    [CONTROL('H')] = key_rub,       [CONTROL('I')] = line_complete, [CONTROL('K')] = key_cut_end,
    [CONTROL('L')] = key_clear,     [CONTROL('N')] = history_down,  [CONTROL('P')] = history_up,
    [CONTROL('U')] = key_cut_start, [CONTROL('W')] = key_cut_word,
};

static enum line_event line_finish(struct line_editor *line)
{
    key_end(line);
    show(line, "\n");
    history_add(line);
    return LINE_READY;
}

// A line feed right behind a carriage return belongs to it.
static enum line_event key_plain(struct line_editor *line, uint8_t byte)
{
    bool feed = byte == '\n' && line->returned;
    line->returned = byte == '\r';
    line->tabbed = line->tabbed && byte == '\t';
    if (byte == '\r' || byte == '\n') {
        return feed ? LINE_MORE : line_finish(line);
    }
    if (byte == CONTROL('D') && line->length == 0) {
        show(line, "\n");
        return LINE_ENDED;
    }
    if (byte == ESCAPE) {
        line->state = LINE_ESCAPE;
    } else if (byte == DELETE) {
        key_rub(line);
    } else if (byte >= ' ' && byte < DELETE) {
        line_type(line, (char)byte);
    } else if (byte < ' ' && control_keys[byte]) {
        control_keys[byte](line);
    }
    return LINE_MORE;
}

// ---- escape sequences --------------------------------------------------------------------------

static key_action *const number_keys[] = {
    [1] = key_home, [3] = key_delete, [4] = key_end, [7] = key_home, [8] = key_end,
};

// The last byte of a sequence: ESC [ parameters byte, or ESC O byte.
static key_action *sequence_action(const struct line_editor *line, uint8_t byte)
{
    bool moved = line->parameter_count == 2 &&
                 line->parameter[1] > 1;  // with shift, alt or control
    switch (byte) {
    case 'A': return history_up;
    case 'B': return history_down;
    case 'C': return moved ? key_word_right : key_right;
    case 'D': return moved ? key_word_left : key_left;
    case 'H': return key_home;
    case 'F': return key_end;
    case '~': break;
    default: return NULL;
    }
    unsigned number = line->parameter[0];
    return number < sizeof(number_keys) / sizeof(number_keys[0]) ? number_keys[number] : NULL;
}

static void sequence_end(struct line_editor *line, uint8_t byte)
{
    key_action *action = sequence_action(line, byte);
    line->state = LINE_PLAIN;
    line->tabbed = false;
    if (action) {
        action(line);
    }
}

static void sequence_begin(struct line_editor *line, enum line_key_state state)
{
    line->state = state;
    line->parameter[0] = line->parameter[1] = 0;
    line->parameter_count = 1;
}

// ECMA-48, 5.4: parameter bytes 0x30-0x3f, intermediate bytes 0x20-0x2f, a final byte 0x40-0x7e.
// Anything else ends the sequence and is a key of its own.
static enum line_event key_sequence(struct line_editor *line, uint8_t byte)
{
    unsigned *last = &line->parameter[line->parameter_count > 1];
    if (byte >= '@' && byte < DELETE) {
        sequence_end(line, byte);
    } else if (byte == ';') {
        line->parameter_count += line->parameter_count < 3;
    } else if (byte >= '0' && byte <= '9' && line->parameter_count < 3) {
        *last = *last * 10 + byte - '0';
        *last = *last < PARAMETER_MOST ? *last : PARAMETER_MOST;
    } else if (byte < ' ' || byte >= DELETE) {
        line->state = LINE_PLAIN;
        return key_plain(line, byte);
    }
    return LINE_MORE;
}

static enum line_event key_escape(struct line_editor *line, uint8_t byte)
{
    line->state = LINE_PLAIN;
    switch (byte) {
    case '[': sequence_begin(line, LINE_SEQUENCE); return LINE_MORE;
    case 'O': sequence_begin(line, LINE_SHIFT3); return LINE_MORE;
    case 'b': key_word_left(line); return LINE_MORE;
    case 'f': key_word_right(line); return LINE_MORE;
    default: return byte < ' ' ? key_plain(line, byte) : LINE_MORE;
    }
}

enum line_event line_feed(struct line_editor *line, uint8_t byte)
{
    switch (line->state) {
    case LINE_ESCAPE: return key_escape(line, byte);
    case LINE_SEQUENCE: return key_sequence(line, byte);
    case LINE_SHIFT3: sequence_end(line, byte); return LINE_MORE;
    case LINE_PLAIN: break;
    }
    return key_plain(line, byte);
}

// ---- lines -------------------------------------------------------------------------------------

void line_init(struct line_editor *line, const struct line_host *host, void *context,
               const char *prompt)
{
    line->host = host;
    line->context = context;
    line->prompt = prompt;
    line->history_count = line->history_next = 0;
    line->returned = line->tabbed = false;
    line->state = LINE_PLAIN;
    line->back = 0;
    line_set(line, "");
}

void line_begin(struct line_editor *line)
{
    line->back = 0;
    line->shown = 0;
    line_set(line, "");
    repaint(line);
}
